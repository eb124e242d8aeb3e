/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pruning: a path that reaches an instruction in a state no more permissive than one already
 * walked from there needs no second walk.
 *
 * Checkpoints are packed states, chained per instruction and linked to the checkpoint before
 * them on their path. `branches` counts the paths below a checkpoint still to be walked; at
 * zero it is finished. How states are compared depends on that:
 *
 *   finished     only what somebody may still look at: live registers and slots, and numbers
 *                only where their value was relied on (flow.c)
 *   unfinished   the path is in a loop. At loop heads (may_goto, iterator, callback) the new
 *                state must lie within the old one in everything, and is then covered. Anywhere
 *                else an identical state means a loop that never ends.
 *   finished, but having ended in an unfinished one (`dep`): what it looks at is not known
 *                completely, so it is compared like a loop head.
 */
#include "verify/env.h"

enum mode { NOT_EXACT, WITHIN, EXACT };

struct packed_frame {
	uint32_t func, callsite, callback_depth;
	uint16_t reg_set, n_slots;
	bool is_callback, is_async;
	uint8_t (*kinds)[8];
	struct reg *regs; /* those in reg_set, then the spilled ones in slot order */
};

struct cached {
	struct cached *next; /* same instruction, newest first */
	struct cached *all;
	struct cached *parent, *dep;
	uint32_t insn, branches, path_depth;
	uint32_t hits, misses;
	uint32_t depth, n_refs, n_locks, rcu, preempt, irq_id, may_goto_depth;
	bool in_sleepable;
	size_t size;		     /* of what frames points to */
	struct packed_frame *frames; /* NULL once evicted; the blob behind it */
	struct ref *refs;
};

/* -- Packing ---------------------------------------------------------------------- */

/* Where the innermost, or an outer, frame goes on. */
static uint32_t resume_at(const struct vstate *st, uint32_t frame, uint32_t insn)
{
	const struct frame *above;

	if (frame == st->depth)
		return insn;
	above = st->frames[frame + 1];
	return above->is_callback ? above->callsite : above->callsite + 1;
}

static uint32_t live_in(const struct env *env, const struct vstate *st, uint32_t frame,
			uint32_t insn)
{
	uint32_t live = flow_live_regs(env, resume_at(st, frame, insn)) & ~(1u << BPF_REG_FP);

	if (frame < st->depth && !st->frames[frame + 1]->is_callback)
		live &= ~0x3fu; /* the call clobbers r0 to r5 */
	return live;
}

static bool packs(const struct frame *f, uint32_t live, int r)
{
	return live & (1u << r) && f->regs[r].type != R_NONE;
}

static size_t pack_size(const struct env *env, const struct vstate *st, uint32_t insn)
{
	size_t size =
		(st->depth + 1) * sizeof(struct packed_frame) + st->n_refs * sizeof(struct ref);

	for (uint32_t i = 0; i <= st->depth; i++) {
		const struct frame *f = st->frames[i];
		uint32_t live = live_in(env, st, i, insn);

		size += (size_t)f->n_slots * 8;
		for (int r = 0; r < BPF_REG_FP; r++)
			size += packs(f, live, r) ? sizeof(struct reg) : 0;
		for (uint32_t s = 0; s < f->n_slots; s++)
			size += f->slots[s].kind[0] >= SLOT_SPILL ? sizeof(struct reg) : 0;
	}
	return size;
}

static struct reg *pack_frame(struct packed_frame *to, const struct frame *from, uint32_t live,
			      struct reg *regs)
{
	*to = (struct packed_frame){.func = from->func,
				    .callsite = from->callsite,
				    .callback_depth = from->callback_depth,
				    .n_slots = from->n_slots,
				    .is_callback = from->is_callback,
				    .is_async = from->is_async,
				    .regs = regs};
	for (int r = 0; r < BPF_REG_FP; r++)
		if (packs(from, live, r)) {
			to->reg_set |= (uint16_t)(1u << r);
			*regs++ = from->regs[r];
		}
	for (uint32_t s = 0; s < from->n_slots; s++)
		if (from->slots[s].kind[0] >= SLOT_SPILL)
			*regs++ = from->slots[s].reg;
	return regs;
}

struct id_count {
	uint32_t id[64], seen[64], n;
};

static void count_id(struct id_count *c, uint32_t id)
{
	for (uint32_t i = 0; i < c->n; i++)
		if (c->id[i] == id) {
			c->seen[i]++;
			return;
		}
	if (c->n < ARRAY_SIZE(c->id)) {
		c->id[c->n] = id;
		c->seen[c->n++] = 1;
	}
}

/* A link with nobody constrains nothing: forget it, so that fewer states differ. */
static void drop_single_links(struct reg *first, struct reg *end)
{
	struct id_count c = {.n = 0};

	for (struct reg *r = first; r < end; r++)
		if (r->type == R_SCALAR && r->id)
			count_id(&c, r->id & ~LINK_DELTA);
	for (struct reg *r = first; r < end; r++)
		for (uint32_t i = 0; r->type == R_SCALAR && r->id && i < c.n; i++)
			if (c.id[i] == (r->id & ~LINK_DELTA) && c.seen[i] == 1) {
				r->id = 0;
				r->off = 0;
			}
}

static int pack(struct env *env, struct cached *c, const struct vstate *st)
{
	size_t size = pack_size(env, st, c->insn);
	struct reg *regs, *first;
	uint8_t(*kinds)[8];

	c->frames = mem_alloc(size);
	UA_FAIL_IF(!c->frames, -ENOMEM);
	regs = first = (struct reg *)(c->frames + st->depth + 1);
	for (uint32_t i = 0; i <= st->depth; i++)
		regs = pack_frame(&c->frames[i], st->frames[i], live_in(env, st, i, c->insn), regs);
	drop_single_links(first, regs);
	c->refs = (struct ref *)regs;
	if (st->n_refs)
		memcpy(c->refs, st->refs, st->n_refs * sizeof(*c->refs));
	kinds = (uint8_t(*)[8])(c->refs + st->n_refs);
	for (uint32_t i = 0; i <= st->depth; i++) {
		c->frames[i].kinds = kinds;
		for (uint32_t s = 0; s < c->frames[i].n_slots; s++)
			memcpy(*kinds++, st->frames[i]->slots[s].kind, 8);
	}
	c->size = size;
	env->state_mem += size + sizeof(*c);
	return 0;
}

/* -- Comparing --------------------------------------------------------------------- */

/* Ids are names: what counts is that equal ones stay equal, and different ones different. */
struct idmap {
	struct {
		uint32_t old, cur;
	} v[128];
	uint32_t n;
};

static bool ids_match(struct idmap *map, uint32_t old, uint32_t cur)
{
	if (!old || !cur)
		return old == cur;
	for (uint32_t i = 0; i < map->n; i++) {
		if (map->v[i].old == old)
			return map->v[i].cur == cur;
		if (map->v[i].cur == cur)
			return false;
	}
	if (map->n == ARRAY_SIZE(map->v))
		return false;
	map->v[map->n].old = old;
	map->v[map->n++].cur = cur;
	return true;
}

/* An old number that was linked to nothing accepts a linked one, not the other way round. */
static bool links_match(struct idmap *map, uint32_t old, uint32_t cur)
{
	if (!old)
		return true;
	if (!cur || (old ^ cur) & LINK_DELTA)
		return false;
	return ids_match(map, old & ~LINK_DELTA, cur & ~LINK_DELTA);
}

static bool pointers_match(const struct reg *old, const struct reg *cur, struct idmap *map)
{
	return old->flags == cur->flags && old->frame == cur->frame && old->off == cur->off &&
	       ids_match(map, old->id, cur->id) && ids_match(map, old->ref, cur->ref) &&
	       ids_match(map, old->map_uid, cur->map_uid) &&
	       (old->type == R_ITER || ids_match(map, old->inner, cur->inner));
}

static bool scalar_safe(const struct reg *old, const struct reg *cur, bool exact, enum mode mode,
			struct idmap *map)
{
	if (mode == EXACT)
		return scalar_eq(&old->s, &cur->s) && links_match(map, old->id, cur->id);
	if (mode == NOT_EXACT && !exact)
		return true;
	if (old->id & cur->id & LINK_DELTA && old->off != cur->off)
		return false;
	return scalar_within(&old->s, &cur->s) && links_match(map, old->id, cur->id);
}

/* May cur stand where old was found to be safe? */
static bool reg_safe(const struct reg *old, const struct reg *cur, bool exact, enum mode mode,
		     struct idmap *map)
{
	if (old->type != cur->type)
		return false;
	switch (old->type) {
	case R_NONE:
	case R_ARENA:
		return true;
	case R_SCALAR:
		return scalar_safe(old, cur, exact, mode, map);
	case R_PKT:
	case R_PKT_META:
		return pointers_match(old, cur, map) &&
		       (mode == EXACT ? old->range == cur->range : old->range <= cur->range) &&
		       scalar_within(&old->s, &cur->s);
	case R_MAP_VALUE:
	case R_MAP_KEY:
	case R_MEM:
	case R_BUF:
		return pointers_match(old, cur, map) && old->any == cur->any &&
		       (mode == EXACT ? scalar_eq(&old->s, &cur->s)
				      : scalar_within(&old->s, &cur->s));
	case R_ITER:
		return old->iter == cur->iter && old->btf_id == cur->btf_id &&
		       pointers_match(old, cur, map) &&
		       (mode != EXACT || old->iter_depth == cur->iter_depth);
	default:
		return pointers_match(old, cur, map) && old->any == cur->any &&
		       scalar_eq(&old->s, &cur->s);
	}
}

static bool is_data(uint8_t kind)
{
	return kind == SLOT_INVALID || kind == SLOT_MISC || kind == SLOT_ZERO;
}

/* Every byte reads as part of some number. */
static bool slot_is_data(const uint8_t kind[8], const struct reg *r)
{
	for (int b = 0; b < 8; b++)
		if (!is_data(kind[b]) && !(kind[b] == SLOT_SPILL && r->type == R_SCALAR))
			return false;
	return true;
}

/* Where old holds a zero that was relied on, cur must too. */
static bool bytes_safe(const uint8_t old[8], const struct slot *cur)
{
	for (int b = 0; b < 8; b++)
		if (old[b] == SLOT_ZERO && cur->kind[b] != SLOT_ZERO)
			return false;
	return true;
}

static bool spill_in(const uint8_t kind[8])
{
	return kind[0] == SLOT_SPILL;
}

/* Nothing is known of it: neither bits nor any of the four ranges. */
static bool says_nothing(const struct reg *r)
{
	struct scalar any;

	scalar_unknown(&any);
	return r->type == R_SCALAR && !r->id && scalar_eq(&r->s, &any);
}

static bool slot_safe(const uint8_t old[8], const struct reg *old_reg, const struct slot *cur,
		      bool exact, enum mode mode, struct idmap *map)
{
	bool old_data = slot_is_data(old, old_reg);

	if (mode == EXACT) {
		if (memcmp(old, cur->kind, 8))
			return false;
		return old[0] < SLOT_SPILL || reg_safe(old_reg, &cur->reg, true, mode, map);
	}
	if (old_data != slot_is_data(cur->kind, &cur->reg))
		return false;
	if (!old_data)
		return !memcmp(old, cur->kind, 8) && reg_safe(old_reg, &cur->reg, true, mode, map);
	if (mode == NOT_EXACT && !exact)
		return true;
	if (spill_in(old) && !says_nothing(old_reg))
		return !memcmp(old, cur->kind, 8) && reg_safe(old_reg, &cur->reg, true, mode, map);
	return bytes_safe(old, cur);
}

static bool slots_safe(struct env *env, const struct packed_frame *old, const struct reg *regs,
		       const struct frame *cur, uint32_t resume, enum mode mode, struct idmap *map)
{
	static const struct slot none;
	uint64_t live = mode == NOT_EXACT ? flow_live_slots(env, cur, resume) : ~0ull;
	uint64_t exact = flow_exact_slots(env, cur, resume);
	uint32_t n = old->n_slots > cur->n_slots ? old->n_slots : cur->n_slots;

	for (uint32_t i = 0; i < n; i++) {
		const struct slot *slot = i < cur->n_slots ? &cur->slots[i] : &none;
		const uint8_t *kind = i < old->n_slots ? old->kinds[i] : none.kind;
		const struct reg *reg = kind[0] >= SLOT_SPILL ? regs++ : &none.reg;

		if (live >> i & 1 && !slot_safe(kind, reg, slot, exact >> i & 1, mode, map))
			return false;
	}
	return true;
}

/* Slots that belong to the call a frame waits in count at the call instruction itself. */
static uint32_t slots_at(const struct vstate *st, uint32_t frame, uint32_t insn)
{
	return frame == st->depth ? insn : st->frames[frame + 1]->callsite;
}

static bool frame_safe(struct env *env, const struct cached *c, const struct vstate *st, uint32_t i,
		       enum mode mode, struct idmap *map)
{
	const struct packed_frame *old = &c->frames[i];
	const struct frame *cur = st->frames[i];
	uint32_t exact = flow_exact_regs(env, cur, resume_at(st, i, c->insn));
	const struct reg *regs = old->regs;

	if (old->callsite != cur->callsite || old->func != cur->func ||
	    old->is_callback != cur->is_callback || old->is_async != cur->is_async)
		return false;
	for (int r = 0; r < BPF_REG_FP; r++)
		if (old->reg_set >> r & 1 &&
		    !reg_safe(regs++, &cur->regs[r], exact >> r & 1, mode, map))
			return false;
	return slots_safe(env, old, regs, cur, slots_at(st, i, c->insn), mode, map);
}

static bool refs_match(const struct cached *c, const struct vstate *st, struct idmap *map)
{
	if (c->n_refs != st->n_refs)
		return false;
	for (uint32_t i = 0; i < c->n_refs; i++)
		if (c->refs[i].kind != st->refs[i].kind || c->refs[i].map != st->refs[i].map ||
		    c->refs[i].off != st->refs[i].off ||
		    !ids_match(map, c->refs[i].uid, st->refs[i].uid) ||
		    !ids_match(map, c->refs[i].id, st->refs[i].id))
			return false;
	return ids_match(map, c->irq_id, st->irq_id);
}

static bool same_callsites(const struct cached *c, const struct vstate *st)
{
	if (c->depth != st->depth)
		return false;
	for (uint32_t i = 0; i <= st->depth; i++)
		if (c->frames[i].callsite != st->frames[i]->callsite ||
		    c->frames[i].func != st->frames[i]->func)
			return false;
	return true;
}

static bool covers(struct env *env, const struct cached *c, const struct vstate *st, enum mode mode)
{
	struct idmap map = {.n = 0};

	if (c->depth != st->depth || c->n_locks != st->n_locks || c->rcu != st->rcu ||
	    c->preempt != st->preempt || c->in_sleepable != st->in_sleepable ||
	    !refs_match(c, st, &map))
		return false;
	for (uint32_t i = 0; i <= st->depth; i++)
		if (!frame_safe(env, c, st, i, mode, &map))
			return false;
	return true;
}

/* -- Loops ---------------------------------------------------------------------------- */

/* The unfinished checkpoint that `c` ended in, if any. */
static struct cached *waits_for(struct cached *c)
{
	struct cached *dep = c->dep;

	while (dep && !dep->branches)
		dep = dep->dep;
	c->dep = dep;
	return dep;
}

/* The current path ends in `head`: all below it are complete only when `head` is. */
static void depend_on(struct env *env, struct cached *head)
{
	for (struct cached *p = env->st.parent; p && p->path_depth > head->path_depth;
	     p = p->parent) {
		struct cached *old = waits_for(p);

		if (!old || old->path_depth > head->path_depth)
			p->dep = head;
	}
}

static bool iters_differ(const struct cached *c, const struct vstate *st)
{
	for (uint32_t f = 0; f <= st->depth; f++) {
		const struct reg *regs =
			c->frames[f].regs + __builtin_popcount(c->frames[f].reg_set);

		for (uint32_t i = 0; i < c->frames[f].n_slots; i++) {
			const struct slot *slot;

			if (c->frames[f].kinds[i][0] < SLOT_SPILL)
				continue;
			if (i >= st->frames[f]->n_slots)
				return true;
			slot = &st->frames[f]->slots[i];
			if (c->frames[f].kinds[i][0] == SLOT_ITER && slot->kind[0] == SLOT_ITER &&
			    regs->iter == ITER_ACTIVE && regs->iter_depth != slot->reg.iter_depth)
				return true;
			regs++;
		}
	}
	return false;
}

enum verdict { MISS, HIT, ENDLESS };

/* Did the path since `c` use up an iterator step, a callback or some of a loop's budget? */
static bool progressed(const struct cached *c, const struct vstate *st)
{
	for (uint32_t i = 0; i <= st->depth; i++)
		if (c->frames[i].callback_depth != st->frames[i]->callback_depth)
			return true;
	return c->may_goto_depth != st->may_goto_depth || iters_differ(c, st);
}

/* A callback that runs later has a path of its own, walked while others are unfinished. */
static bool on_this_path(const struct cached *c, const struct vstate *st)
{
	const struct cached *p = st->parent;

	while (p && p != c)
		p = p->parent;
	return p == c;
}

static enum verdict meet_unfinished(struct env *env, struct cached *c)
{
	if (!same_callsites(c, &env->st) ||
	    (env->st.frames[0]->is_async && !on_this_path(c, &env->st)))
		return MISS;
	if (!progressed(c, &env->st))
		return covers(env, c, &env->st, EXACT) ? ENDLESS : MISS;
	if (!env->aux[c->insn].force_state)
		return MISS;
	return covers(env, c, &env->st, WITHIN) ? HIT : MISS;
}

static int endless(struct env *env)
{
	print_line(env, env->insn_idx);
	vlog(env, "infinite loop detected at insn %u\n", env->insn_idx);
	return -EINVAL;
}

static struct cached *find_previous(const struct env *env, const struct vstate *st, uint32_t insn)
{
	const struct cached *parent = st->parent;
	uint32_t below = !parent ? 0 : parent->path_depth + (parent->insn != insn);

	for (struct cached *c = env->aux[insn].states; c; c = c->next)
		if (c->branches && c->path_depth < below && same_callsites(c, st))
			return c;
	return NULL;
}

/* A range that takes in more with every round; a counter, which is one number each time, does
 * not. */
static bool grows(const struct reg *old, const struct reg *cur)
{
	return !scalar_is_const(&old->s) && !scalar_eq(&old->s, &cur->s) &&
	       scalar_within(&cur->s, &old->s);
}

/* What a round of a loop may forget. */
enum forget {
	FORGET_LOOSE,	/* what no demand holds */
	FORGET_GROWING, /* ranges that grow, too */
	FORGET_ALL,
};

/* size: of the register, or of what was spilled of it. */
static void widen(const struct reg *old, struct reg *cur, int size, bool exact, enum forget forget)
{
	if (old->type != R_SCALAR || cur->type != R_SCALAR)
		return;
	if (exact && forget != FORGET_ALL && !(forget == FORGET_GROWING && grows(old, cur)))
		return;
	if (!(scalar_eq(&old->s, &cur->s) && old->id == cur->id)) {
		reg_scalar(cur);
		scalar_trunc(&cur->s, size);
	}
}

/*
 * Exact values are kept, because the code behind may need them, until the walk has used half of
 * what it may: the exact values are what keeps the loop from converging. Ranges that only grow are
 * kept for some rounds: they do not get exact by it, and what bounds them is a check in the loop,
 * which bounds anything.
 */
#define WIDEN_ALL_PENDING (MAX_PENDING / 2)
#define WIDEN_ALL_INSNS (BPF_COMPLEXITY_LIMIT_INSNS / 2)
#define WIDEN_GROWING_ROUNDS 4

static enum forget what_to_forget(const struct env *env, const struct vstate *st, uint32_t insn)
{
	int rounds = 0;

	if (env->n_pending > WIDEN_ALL_PENDING || env->insn_processed > WIDEN_ALL_INSNS)
		return FORGET_ALL;
	for (struct cached *c = env->aux[insn].states; c && rounds < WIDEN_GROWING_ROUNDS;
	     c = c->next)
		rounds += c->branches && same_callsites(c, st);
	return rounds < WIDEN_GROWING_ROUNDS ? FORGET_LOOSE : FORGET_GROWING;
}

static void kept(struct env *env, const struct vstate *st, uint32_t i, uint32_t insn,
		 uint32_t *regs, uint64_t *slots)
{
	const struct frame *f = st->frames[i];

	if (i == st->depth) {
		flow_kept(env, f, insn, regs, slots);
		return;
	}
	*regs = flow_exact_regs(env, f, resume_at(st, i, insn));
	*slots = flow_exact_slots(env, f, slots_at(st, i, insn));
}

int prune_widen(struct env *env, struct vstate *st, uint32_t insn)
{
	const struct cached *prev = find_previous(env, st, insn);
	enum forget forget = what_to_forget(env, st, insn);

	for (uint32_t i = 0; prev && i <= st->depth; i++) {
		const struct packed_frame *old = &prev->frames[i];
		const struct reg *regs = old->regs;
		struct frame *cur = st->frames[i];
		uint32_t exact = 0;
		uint64_t exact_slots = 0;

		if (forget != FORGET_ALL)
			kept(env, st, i, insn, &exact, &exact_slots);
		for (int r = 0; r < BPF_REG_FP; r++)
			if (old->reg_set >> r & 1)
				widen(regs++, &cur->regs[r], 8, exact >> r & 1, forget);
		for (uint32_t s = 0; s < old->n_slots; s++) {
			int size = spilled_bytes(old->kinds[s]);

			if (old->kinds[s][0] < SLOT_SPILL)
				continue;
			if (size && s < cur->n_slots && spilled_bytes(cur->slots[s].kind) == size)
				widen(regs, &cur->slots[s].reg, size, exact_slots >> s & 1, forget);
			regs++;
		}
	}
	return 0;
}

/* -- Keeping checkpoints --------------------------------------------------------------- */

void prune_branch_added(struct cached *parent)
{
	if (parent)
		parent->branches++;
}

void prune_path_done(struct env *env, struct cached *parent)
{
	while (parent && !--parent->branches)
		parent = parent->parent;
}

static size_t memory(const struct env *env)
{
	return env->state_mem + env->pending_mem + flow_memory(env) +
	       env->n * (sizeof(*env->aux) + sizeof(*env->insns));
}

static int checkpoint_add(struct env *env)
{
	struct insn_aux *aux = &env->aux[env->insn_idx];
	struct vstate *st = &env->st;
	struct cached *c = mem_zalloc(sizeof(*c));

	UA_FAIL_IF(!c, -ENOMEM);
	*c = (struct cached){
		.insn = env->insn_idx,
		.branches = 1,
		.parent = st->parent,
		.depth = st->depth,
		.path_depth = st->parent ? st->parent->path_depth + 1 : 0,
		.n_refs = st->n_refs,
		.n_locks = st->n_locks,
		.rcu = st->rcu,
		.preempt = st->preempt,
		.irq_id = st->irq_id,
		.may_goto_depth = st->may_goto_depth,
		.in_sleepable = st->in_sleepable,
		.next = aux->states,
		.all = env->all_cached,
	};
	env->all_cached = aux->states = c;
	UA_TRY(pack(env, c, st));
	st->parent = c;
	env->total_states++;
	env->live_states++;
	env->peak_states = max_t(uint32_t, env->peak_states, env->live_states);
	env->prev_jmps_processed = env->jmps_processed;
	env->prev_insn_processed = env->insn_processed;
	return 0;
}

/* A checkpoint that never helps only costs comparisons. */
static bool evict(struct env *env, struct cached **link)
{
	struct cached *c = *link;
	uint32_t n = env->aux[c->insn].force_state && c->branches ? 64 : 3;

	if (++c->misses <= c->hits * n + n)
		return false;
	*link = c->next;
	env->live_states--;
	env->state_mem -= c->size;
	mem_free(c->frames); /* nobody compares with it any more, finished or not */
	c->frames = NULL;
	return true;
}

/* 1: the path is covered. Otherwise *add says whether to keep a checkpoint. */
static int look_up(struct env *env, bool *add)
{
	struct insn_aux *aux = &env->aux[env->insn_idx];
	struct cached **link = &aux->states;
	uint32_t n = 0;

	while (*link) {
		struct cached *c = *link;
		enum verdict v;

		n++;
		if (c->branches) {
			v = meet_unfinished(env, c);
			if (v == ENDLESS)
				return endless(env);
			if (v == HIT)
				depend_on(env, c);
			else if (!aux->force_state &&
				 env->jmps_processed - env->prev_jmps_processed < 20 &&
				 env->insn_processed - env->prev_insn_processed < 100)
				*add = false;
		} else {
			struct cached *dep = waits_for(c);

			v = covers(env, c, &env->st, dep ? WITHIN : NOT_EXACT) ? HIT : MISS;
			if (v == HIT && dep)
				depend_on(env, dep);
		}
		if (v == HIT) {
			c->hits++;
			return 1;
		}
		if (!*add || !evict(env, link))
			link = &c->next;
	}
	env->max_states_per_insn = max_t(uint32_t, env->max_states_per_insn, n);
	return 0;
}

int prune_check(struct env *env)
{
	bool add = env->aux[env->insn_idx].force_state ||
		   (env->jmps_processed - env->prev_jmps_processed >= 2 &&
		    env->insn_processed - env->prev_insn_processed >= 8);
	int hit;

	if (env->in->prog_flags & BPF_F_TEST_STATE_FREQ)
		add = true;
	hit = look_up(env, &add);
	if (hit || !add)
		return hit;
	if (memory(env) > MAX_MEM) {
		vlog(env, "too many states: verification needs more than %u MiB\n", MAX_MEM >> 20);
		return -E2BIG;
	}
	return checkpoint_add(env);
}

int prune_path(const struct env *env, uint32_t *insns, int max)
{
	int n = 0;

	for (const struct cached *c = env->st.parent; c && n < max; c = c->parent)
		insns[n++] = c->insn;
	return n;
}

void prune_forget(struct env *env)
{
	while (env->all_cached) {
		struct cached *c = env->all_cached;

		env->all_cached = c->all;
		env->aux[c->insn].states = NULL;
		mem_free(c->frames);
		mem_free(c);
	}
	env->state_mem = 0;
	env->live_states = 0;
}
