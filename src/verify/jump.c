/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Jumps: which way they go, and what is learnt on each way.
 *
 * A comparison whose outcome the ranges decide is followed one way only, and then the values
 * it depended on matter (flow_need_reg). Otherwise the target is queued and the walk goes on
 * behind the jump, each side with what the comparison says there.
 */
#include "map/map.h"
#include "verify/env.h"

#define MAX_PKT_OFF 0xffff

static enum scalar_cmp cmp_of(uint8_t op)
{
	switch (op) {
	case BPF_JEQ:
		return CMP_EQ;
	case BPF_JNE:
		return CMP_NE;
	case BPF_JGT:
		return CMP_GT;
	case BPF_JGE:
		return CMP_GE;
	case BPF_JLT:
		return CMP_LT;
	case BPF_JLE:
		return CMP_LE;
	case BPF_JSGT:
		return CMP_SGT;
	case BPF_JSGE:
		return CMP_SGE;
	case BPF_JSLT:
		return CMP_SLT;
	case BPF_JSLE:
		return CMP_SLE;
	default:
		return CMP_SET;
	}
}

/* A comparison and its negation are neighbours in enum scalar_cmp. */
static enum scalar_cmp cmp_not(enum scalar_cmp op)
{
	return op ^ 1;
}

/* -- Pointers --------------------------------------------------------------------- */

static bool never_null(const struct reg *r)
{
	if (r->flags & RF_NULL)
		return false;
	switch (r->type) {
	case R_MAP_PTR:
	case R_MAP_VALUE:
	case R_MAP_KEY:
		return true;
	case R_MEM:
		return !(r->flags & RF_UNTRUSTED);
	case R_BTF:
		return r->flags & RF_TRUSTED || r->ref;
	default:
		return false;
	}
}

static void null_mark_reg(struct reg *r, uint32_t id, bool is_null)
{
	if (r->type == R_SCALAR || !(r->flags & RF_NULL) || r->id != id)
		return;
	if (is_null) {
		reg_const(r, 0);
		return;
	}
	r->flags &= (uint8_t)~RF_NULL;
	if (r->type == R_MAP_VALUE && r->map->v.inner_map_meta) {
		r->type = R_MAP_PTR; /* one of the maps inside, told from others by the lookup */
		r->map = r->map->v.inner_map_meta;
		r->inner = id;
	}
	if (!r->map_uid)
		r->id = 0;
}

/* Every register that shares the null check `id` is now known to be NULL, or not to be. */
void null_mark(struct env *env, struct vstate *st, uint32_t id, bool is_null)
{
	for (uint32_t i = 0; i <= st->depth; i++) {
		struct frame *f = st->frames[i];

		for (int r = 0; r < MAX_BPF_REG; r++)
			null_mark_reg(&f->regs[r], id, is_null);
		for (uint32_t s = 0; s < f->n_slots; s++)
			if (slot_is_spill(&f->slots[s]))
				null_mark_reg(&f->slots[s].reg, id, is_null);
	}
}

/* The reference that a NULL result never took is gone. */
static void null_drop_ref(struct vstate *st, uint32_t ref)
{
	for (uint32_t i = 0; ref && i < st->n_refs; i++)
		if (st->refs[i].kind == REF_PTR && st->refs[i].id == ref) {
			st->refs[i] = st->refs[--st->n_refs];
			return;
		}
}

struct pkt_range {
	const struct reg *ptr;
	uint32_t range;
};

static void pkt_range_reg(struct reg *r, void *arg)
{
	const struct pkt_range *p = arg;

	if (r->type == p->ptr->type && r->id == p->ptr->id && r->range < p->range)
		r->range = p->range;
}

/* On this side of the jump the packet is at least as long as `ptr` says. */
static void pkt_proved(struct vstate *st, struct reg ptr, bool open)
{
	struct pkt_range p = {&ptr, (uint32_t)(ptr.off + open)};

	if (ptr.off < 0 || (ptr.off == 0 && open) || ptr.off > MAX_PKT_OFF ||
	    ptr.s.umax > MAX_PKT_OFF || (uint64_t)ptr.off + ptr.s.umax > MAX_PKT_OFF)
		return;
	vstate_each_reg(st, pkt_range_reg, &p);
}

static bool is_pkt(const struct reg *r)
{
	return r->type == R_PKT || r->type == R_PKT_META;
}

static bool is_pkt_bound(const struct reg *ptr, const struct reg *end)
{
	if (ptr->type == R_PKT)
		return end->type == R_PKT_END;
	/* data_meta is bounded by data itself. */
	return ptr->type == R_PKT_META && end->type == R_PKT && !end->off &&
	       scalar_is_const(&end->s) && !end->s.var.value;
}

/* Is `op` with these operands a packet bounds check? `swap`: the packet is on the right. */
static void pkt_learn(struct vstate *fall, struct vstate *jump, const struct reg *a,
		      const struct reg *b, uint8_t op)
{
	bool swap = !is_pkt_bound(a, b);
	const struct reg *ptr = swap ? b : a;
	/* Normal form: packet on the left. */
	uint8_t norm = !swap	       ? op
		       : op == BPF_JGT ? BPF_JLT
		       : op == BPF_JLT ? BPF_JGT
		       : op == BPF_JGE ? BPF_JLE
		       : op == BPF_JLE ? BPF_JGE
				       : op;

	if (!is_pkt(ptr) || (swap && !is_pkt_bound(b, a)))
		return;
	if (norm == BPF_JGT)
		pkt_proved(fall, *ptr, false);
	else if (norm == BPF_JGE)
		pkt_proved(fall, *ptr, true);
	else if (norm == BPF_JLT)
		pkt_proved(jump, *ptr, true);
	else if (norm == BPF_JLE)
		pkt_proved(jump, *ptr, false);
}

/* -- Linked numbers ------------------------------------------------------------------ */

static bool linked(const struct reg *r, const struct reg *to)
{
	return r->type == R_SCALAR && to->id && (r->id & ~LINK_DELTA) == (to->id & ~LINK_DELTA);
}

/* r := from + (r's delta - from's delta) */
static void link_update(struct reg *r, const struct reg *from)
{
	struct scalar s = from->s, delta;
	int64_t by = (int64_t)r->off - from->off;

	if (by) {
		scalar_const(&delta, (uint64_t)by);
		scalar_alu(&s, &delta, BPF_ADD, false);
	}
	r->s = s;
}

static void link_spread(struct env *env, struct vstate *st, const struct reg *known, bool record)
{
	struct frame *f = cur_frame(st);
	struct reg from = *known;
	uint32_t regs = 0;
	uint64_t slots = 0;

	if (from.type != R_SCALAR || !from.id)
		return;
	for (int i = 0; i < MAX_BPF_REG; i++)
		if (linked(&f->regs[i], &from)) {
			link_update(&f->regs[i], &from);
			regs |= 1u << i;
		}
	for (uint32_t i = 0; i < f->n_slots; i++)
		if (slot_is_spill(&f->slots[i]) && linked(&f->slots[i].reg, &from)) {
			link_update(&f->slots[i].reg, &from);
			slots |= 1ull << i;
		}
	if (record && (slots || (regs & (regs - 1))))
		flow_link(env, regs, slots);
}

/* -- Conditional jumps ------------------------------------------------------------------ */

struct cond {
	const struct bpf_insn *insn;
	enum scalar_cmp cmp;
	bool is32, is_x;
	struct reg a, b; /* operands as they are before the jump */
};

static bool is_null_check(const struct cond *c)
{
	uint64_t v;

	return !c->is32 && (c->cmp == CMP_EQ || c->cmp == CMP_NE) && c->a.type != R_SCALAR &&
	       reg_is_const(&c->b, &v) && !v;
}

/* A number compared with itself. */
static int predict_same(const struct cond *c)
{
	switch (c->cmp) {
	case CMP_EQ:
	case CMP_GE:
	case CMP_LE:
	case CMP_SGE:
	case CMP_SLE:
		return 1;
	case CMP_SET:
		return scalar_cmp(&c->a.s, &c->b.s, c->cmp, c->is32);
	default:
		return 0;
	}
}

static int predict(const struct cond *c, struct reg out[4])
{
	int way;

	if (is_null_check(c) && never_null(&c->a))
		return c->cmp == CMP_NE;
	if (c->a.type != R_SCALAR || c->b.type != R_SCALAR)
		return -1;
	if (c->is_x && c->insn->dst_reg == c->insn->src_reg)
		return predict_same(c);
	way = scalar_cmp(&c->a.s, &c->b.s, c->cmp, c->is32);
	if (way >= 0)
		return way;
	if (!scalar_assume(&out[0].s, &out[1].s, cmp_not(c->cmp), c->is32))
		return 1;
	return scalar_assume(&out[2].s, &out[3].s, c->cmp, c->is32) ? -1 : 0;
}

static void learn_scalars(struct env *env, const struct cond *c, struct vstate *st,
			  const struct reg *a, const struct reg *b, bool record)
{
	struct reg *regs = cur_frame(st)->regs;

	if (c->a.type != R_SCALAR || c->b.type != R_SCALAR)
		return;
	regs[c->insn->dst_reg].s = a->s;
	if (c->is_x)
		regs[c->insn->src_reg].s = b->s;
	link_spread(env, st, &regs[c->insn->dst_reg], record);
	if (c->is_x)
		link_spread(env, st, &regs[c->insn->src_reg], record);
}

static void learn_null(struct env *env, const struct cond *c, struct vstate *fall,
		       struct vstate *jump)
{
	struct vstate *null = c->cmp == CMP_EQ ? jump : fall;
	uint32_t id = c->a.id, ref = c->a.ref;

	if (!is_null_check(c) || !(c->a.flags & RF_NULL))
		return;
	null_mark(env, fall, id, null == fall);
	null_mark(env, jump, id, null == jump);
	null_drop_ref(null, ref);
}

static int both_ways(struct env *env, const struct cond *c, uint32_t target,
		     const struct reg out[4])
{
	struct vstate *jump = walk_push(env, target);

	UA_FAIL_IF(!jump, env->push_err);
	learn_scalars(env, c, jump, &out[2], &out[3], true);
	learn_scalars(env, c, &env->st, &out[0], &out[1], false);
	learn_null(env, c, &env->st, jump);
	if (c->is_x && !c->is32)
		pkt_learn(&env->st, jump, &c->a, &c->b, BPF_OP(c->insn->code));
	env->aux[env->insn_idx].taken |= 3;
	return 0;
}

static int cond_jump(struct env *env, const struct bpf_insn *insn, uint32_t target)
{
	struct cond c = {.insn = insn, .cmp = cmp_of(BPF_OP(insn->code))};
	struct reg out[4];
	int way;

	c.is32 = BPF_CLASS(insn->code) == BPF_JMP32;
	c.is_x = BPF_SRC(insn->code) == BPF_X;
	UA_TRY(check_reg_read(env, insn->dst_reg));
	c.a = env_regs(env)[insn->dst_reg];
	if (c.is_x) {
		UA_TRY(check_reg_read(env, insn->src_reg));
		c.b = env_regs(env)[insn->src_reg];
	} else {
		reg_const(&c.b, (uint64_t)(int64_t)insn->imm);
	}
	out[0] = out[2] = c.a;
	out[1] = out[3] = c.b;
	way = predict(&c, out);
	if (way < 0)
		return both_ways(env, &c, target, out);
	if (c.a.type == R_SCALAR)
		flow_need_reg(env, insn->dst_reg);
	if (c.is_x && c.b.type == R_SCALAR)
		flow_need_reg(env, insn->src_reg);
	env->aux[env->insn_idx].taken |= way ? 2 : 1;
	if (way)
		env->next_insn = target;
	return 0;
}

/*
 * may_goto: the budget may be spent or not. The walk leaves the loop first; the path that
 * stays in it forgets the numbers nobody relied on yet, so that it meets an earlier pass.
 */
static int may_goto(struct env *env, uint32_t target)
{
	struct vstate *stay = walk_push(env, env->insn_idx + 1);

	UA_FAIL_IF(!stay, env->push_err);
	stay->may_goto_depth++;
	UA_TRY(prune_widen(env, stay, env->insn_idx));
	env->aux[env->insn_idx].taken |= 3;
	env->next_insn = target;
	return 0;
}

int jump_step(struct env *env, const struct bpf_insn *insn)
{
	int64_t target = 0;

	insn_jump_target(env->insns, env->insn_idx, &target);
	env->jmps_processed++;
	if (BPF_OP(insn->code) == BPF_JA) {
		env->next_insn = (uint32_t)target;
		return 0;
	}
	if (BPF_OP(insn->code) == BPF_JCOND)
		return may_goto(env, (uint32_t)target);
	return cond_jump(env, insn, (uint32_t)target);
}
