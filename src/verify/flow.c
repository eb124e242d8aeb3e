/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Control flow, and which values matter where.
 *
 * Two states at the same instruction need not agree in what nobody looks at again. Four sets
 * per instruction say what somebody may look at, all before the instruction executes:
 *
 *   live registers   may be read; known from the code alone
 *   live slots       stack slots of the function's own frame that may be read
 *   exact registers  numbers whose value, not just presence, a check relied on
 *   exact slots      the same for numbers kept on the stack
 *
 * The last three are demands that the walk registers when it happens to make them (a load
 * through a pointer into the stack, a bounds check, a branch decided by a known value). Each
 * demand flows backwards along the control flow graph at once: a copy passes it to its source,
 * arithmetic to its operands, a store to a slot to the register stored, a call to the callee's
 * exits and arguments. Demands only grow, so the sets are at every moment right for all paths
 * walked so far; they are per instruction and not per path, which makes them larger than need
 * be but free to look up, with no history to keep. prune.c is their reader.
 *
 * A function has a set of its own for every chain of calls that leads to it (struct inst), so
 * that what one caller depends on says nothing about another. Programs with very many chains
 * share one set per function after a while.
 *
 * Demands flow only along ways that some path took: a value that reaches a check along a way
 * not walked yet is not relied on yet.
 *
 * Exact slots are told apart by halves: a store of four bytes makes what its half held before
 * of no interest, and no more than that. Small keys of maps would drag everything along that was
 * ever on the stack there.
 *
 * An access to an outer frame's stack counts for the call instruction in that frame.
 */
#include "abi/helpers.h"
#include "verify/env.h"

/* A slot of a function as called by one chain of calls. */
struct at {
	struct inst *inst;
	uint32_t insn;
};

/* A callee's store to (or load from) an outer frame's slots. */
struct far {
	struct far *of_insn, *of_call;
	struct at from, call;
	uint64_t slots;
};

struct edge {
	struct edge *next;
	struct at at;
};

/* Slots of a frame: of which the four bytes below matter, of which those above. */
struct halves {
	uint64_t lo, hi;
};

struct node {
	uint16_t exact_regs, link_regs;
	bool queued;
	uint8_t walked; /* ways out of it that some path took: WALKED_* */
	uint64_t live_slots, link_slots;
	struct halves exact;
	uint64_t fill, spill; /* own slots it may load from, store a register into */
	struct far *fills, *spills, *far_stores;
	struct edge *callees; /* instances of functions the instruction calls; at.insn unused */
};

#define WALKED_ON 1
#define WALKED_JUMP 2

struct inst {
	struct inst *all;
	uint32_t func, start;
	bool result_wanted;
	struct edge *callers;
	struct node v[]; /* by slot, from `start` */
};

struct demand {
	uint32_t regs;
	struct halves slots;
};

struct flow {
	uint16_t *live_regs;
	uint64_t *kill; /* own slots the instruction overwrites for sure */
	struct halves *kill_exact;
	uint32_t *pred_at, *preds;
	struct at *queue;
	size_t n_queue, cap_queue;
	struct inst *all;
	struct inst **shared; /* by function, once there are too many */
	struct inst **roots;  /* by function, entered from outside */
	size_t n_nodes;
	/* A way into a loop head was taken first just now: what mattered there until then. */
	struct at fresh;
	struct demand fresh_exact;
	bool lost; /* no memory for a demand: everything counts as wanted */
};

#define MAX_NODES 400000

#define CALLER_SAVED 0x3fu
#define ARG_REGS 0x3eu
#define BIT(r) (1u << (r))

/* -- Graph ------------------------------------------------------------------- */

static int successors(const struct env *env, uint32_t i, uint32_t next[2])
{
	const struct bpf_insn *insn = &env->insns[i];
	int64_t target;
	int n = 0;

	if (!insn_ends_flow(insn))
		next[n++] = i + (insn_is_ldimm64(insn) ? 2 : 1);
	if (insn_jump_target(env->insns, i, &target))
		next[n++] = (uint32_t)target;
	return n;
}

static int edges_build(struct env *env, struct flow *flow)
{
	uint32_t next[2], total = 0;

	flow->pred_at = mem_calloc(env->n + 2, sizeof(*flow->pred_at));
	UA_FAIL_IF(!flow->pred_at, -ENOMEM);
	for (uint32_t i = 0; i < env->n; i++)
		for (int k = env->aux[i].pad ? 0 : successors(env, i, next); k--; total++)
			flow->pred_at[next[k] + 2]++;
	flow->preds = mem_calloc(total + 1, sizeof(*flow->preds));
	UA_FAIL_IF(!flow->preds, -ENOMEM);
	for (uint32_t i = 2; i < env->n + 2; i++)
		flow->pred_at[i] += flow->pred_at[i - 1];
	for (uint32_t i = 0; i < env->n; i++)
		for (int k = env->aux[i].pad ? 0 : successors(env, i, next); k--;)
			flow->preds[flow->pred_at[next[k] + 1]++] = i;
	return 0;
}

static int edge_add(struct edge **list, struct at at)
{
	struct edge *e;

	for (e = *list; e; e = e->next)
		if (e->at.inst == at.inst && e->at.insn == at.insn)
			return 0;
	e = mem_alloc(sizeof(*e));
	UA_FAIL_IF(!e, -ENOMEM);
	*e = (struct edge){*list, at};
	*list = e;
	return 1;
}

static bool is_local_call(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_CALL) && insn->src_reg == BPF_PSEUDO_CALL;
}

/* -- Live registers ------------------------------------------------------------- */

static uint32_t call_uses(const struct env *env, uint32_t i)
{
	const struct bpf_insn *insn = &env->insns[i];
	const struct helper_proto *proto;
	int n = 5;

	if (insn->src_reg == BPF_PSEUDO_KFUNC_CALL && env->aux[i].kfunc) {
		n = kfunc_n_args(env->in->kfuncs, env->aux[i].kfunc);
	} else if (!insn->src_reg) {
		proto = helper_proto((uint32_t)insn->imm);
		for (n = proto ? 0 : 5; proto && n < 5 && proto->args[n]; n++)
			;
	}
	return (BIT(n + 1) - 1) & ARG_REGS;
}

static uint32_t alu_uses(const struct bpf_insn *insn)
{
	uint8_t op = BPF_OP(insn->code);
	uint32_t use = op == BPF_MOV ? 0 : BIT(insn->dst_reg);

	if (BPF_SRC(insn->code) == BPF_X && op != BPF_END)
		use |= BIT(insn->src_reg);
	return use;
}

static void stx_use_def(const struct bpf_insn *insn, uint32_t *use, uint32_t *def)
{
	*use = BIT(insn->dst_reg) | BIT(insn->src_reg);
	if (BPF_MODE(insn->code) != BPF_ATOMIC)
		return;
	if (insn->imm == BPF_LOAD_ACQ) {
		*use = BIT(insn->src_reg);
		*def = BIT(insn->dst_reg);
	} else if (insn->imm == BPF_CMPXCHG) {
		*use |= BIT(0);
		*def = BIT(0);
	} else if (insn->imm != BPF_STORE_REL && (insn->imm & BPF_FETCH)) {
		*def = BIT(insn->src_reg);
	}
}

static void jmp_use_def(const struct env *env, uint32_t i, uint32_t *use, uint32_t *def)
{
	const struct bpf_insn *insn = &env->insns[i];

	switch (BPF_OP(insn->code)) {
	case BPF_JA:
	case BPF_JCOND:
		return;
	case BPF_EXIT:
		*use = BIT(0);
		return;
	case BPF_CALL:
		*use = call_uses(env, i);
		*def = CALLER_SAVED;
		return;
	default:
		*use = BIT(insn->dst_reg);
		if (BPF_SRC(insn->code) == BPF_X)
			*use |= BIT(insn->src_reg);
	}
}

static void use_def(const struct env *env, uint32_t i, uint32_t *use, uint32_t *def)
{
	const struct bpf_insn *insn = &env->insns[i];

	*use = *def = 0;
	switch (BPF_CLASS(insn->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		*use = alu_uses(insn);
		*def = BIT(insn->dst_reg);
		break;
	case BPF_LD:
		if (insn_is_ldimm64(insn)) {
			*def = BIT(insn->dst_reg);
			break;
		}
		*use = BIT(6) | (BPF_MODE(insn->code) == BPF_IND ? BIT(insn->src_reg) : 0);
		*def = CALLER_SAVED;
		break;
	case BPF_LDX:
		*use = BIT(insn->src_reg);
		*def = BIT(insn->dst_reg);
		break;
	case BPF_ST:
		*use = BIT(insn->dst_reg);
		break;
	case BPF_STX:
		stx_use_def(insn, use, def);
		break;
	default:
		jmp_use_def(env, i, use, def);
	}
}

/* Worklist: each slot is looked at again only when a successor's set grew. */
static int live_regs_solve(struct env *env, struct flow *flow)
{
	uint32_t *todo = mem_calloc(env->n, sizeof(*todo)), top = 0;
	bool *queued = mem_calloc(env->n, sizeof(*queued));

	for (uint32_t i = 0; todo && queued && i < env->n; i++)
		if (!env->aux[i].pad) {
			todo[top++] = i;
			queued[i] = true;
		}
	while (top) {
		uint32_t i = todo[--top], use, def, next[2], out = 0;

		queued[i] = false;
		for (int k = successors(env, i, next); k--;)
			out |= flow->live_regs[next[k]];
		use_def(env, i, &use, &def);
		out = (out & ~def) | use;
		if (out == flow->live_regs[i])
			continue;
		flow->live_regs[i] = (uint16_t)out;
		for (uint32_t p = flow->pred_at[i]; p < flow->pred_at[i + 1]; p++)
			if (!queued[flow->preds[p]]) {
				queued[flow->preds[p]] = true;
				todo[top++] = flow->preds[p];
			}
	}
	mem_free(todo);
	mem_free(queued);
	return todo && queued ? 0 : -ENOMEM;
}

/* -- Demands ----------------------------------------------------------------------- */

static struct node *node_of(struct at at)
{
	return &at.inst->v[at.insn - at.inst->start];
}

static struct at at_slot(struct at at, uint32_t insn)
{
	return (struct at){at.inst, insn};
}

static void enqueue(struct flow *flow, struct at at)
{
	struct node *node = node_of(at);

	if (node->queued)
		return;
	if (UA_GROW(&flow->queue, &flow->cap_queue, flow->n_queue + 1)) {
		flow->lost = true;
		return;
	}
	node->queued = true;
	flow->queue[flow->n_queue++] = at;
}

/* What is wanted before a slot grew: everything it flows back to has to look again. */
static void grown(struct env *env, struct at at)
{
	struct flow *flow = env->flow;

	for (uint32_t p = flow->pred_at[at.insn]; p < flow->pred_at[at.insn + 1]; p++)
		enqueue(flow, at_slot(at, flow->preds[p]));
	for (struct far *far = node_of(at)->far_stores; far; far = far->of_call)
		enqueue(flow, far->from);
	if (at.insn == at.inst->start)
		for (struct edge *e = at.inst->callers; e; e = e->next)
			enqueue(flow, e->at);
}

static struct halves whole(uint64_t slots)
{
	return (struct halves){slots, slots};
}

static void add(struct halves *to, struct halves slots)
{
	to->lo |= slots.lo;
	to->hi |= slots.hi;
}

/* What an access through r10 touches of its own frame's slots; of other accesses: all. */
static struct halves touched(const struct bpf_insn *insn, int base)
{
	uint64_t slot = 1ull << ((-insn->off - 1) / 8 & 63);

	if (base != BPF_REG_FP || BPF_MODE(insn->code) != BPF_MEM || BPF_SIZE(insn->code) == BPF_DW)
		return whole(~0ull);
	return insn->off & 4 ? (struct halves){0, slot} : (struct halves){slot, 0};
}

static void want(struct env *env, struct at at, uint32_t regs, struct halves slots)
{
	struct node *node = node_of(at);

	if (!(regs & ~node->exact_regs) && !(slots.lo & ~node->exact.lo) &&
	    !(slots.hi & ~node->exact.hi))
		return;
	node->exact_regs |= (uint16_t)regs;
	add(&node->exact, slots);
	grown(env, at);
}

static void back_alu(const struct bpf_insn *insn, struct demand *d)
{
	uint32_t dst = BIT(insn->dst_reg), src = BIT(insn->src_reg);
	uint8_t op = BPF_OP(insn->code);
	bool is_x = BPF_SRC(insn->code) == BPF_X;

	if (!(d->regs & dst) || op == BPF_NEG || op == BPF_END)
		return;
	if (op == BPF_MOV)
		d->regs &= ~dst;
	/* What an address-space cast yields is no longer a known number. */
	if (is_x && !(op == BPF_MOV && insn->off == BPF_ADDR_SPACE_CAST &&
		      BPF_CLASS(insn->code) == BPF_ALU64))
		d->regs |= src;
}

static void back_load(struct env *env, const struct node *node, int dst, struct halves from,
		      struct demand *d)
{
	if (!(d->regs & BIT(dst)))
		return;
	d->regs &= ~BIT(dst);
	add(&d->slots, (struct halves){node->fill & from.lo, node->fill & from.hi});
	for (struct far *far = node->fills; far; far = far->of_insn)
		want(env, far->call, 0, whole(far->slots));
}

static void back_kill(const struct flow *flow, uint32_t insn, struct demand *d)
{
	d->slots.lo &= ~flow->kill_exact[insn].lo;
	d->slots.hi &= ~flow->kill_exact[insn].hi;
}

static void back_store(const struct env *env, struct at at, struct demand *d)
{
	const struct bpf_insn *insn = &env->insns[at.insn];
	const struct node *node = node_of(at);
	struct halves to = touched(insn, insn->dst_reg);
	bool wanted = ((d->slots.lo & to.lo) | (d->slots.hi & to.hi)) & node->spill;

	for (struct far *far = node->spills; far; far = far->of_insn) {
		struct halves exact = node_of(far->call)->exact;

		wanted |= ((exact.lo | exact.hi) & far->slots) != 0;
	}
	back_kill(env->flow, at.insn, d);
	if (wanted)
		d->regs |= BIT(insn->src_reg);
}

static void back_stx(struct env *env, struct at at, const struct bpf_insn *insn, struct demand *d)
{
	const struct node *node = node_of(at);
	uint32_t use, def = 0;

	if (BPF_MODE(insn->code) != BPF_ATOMIC || insn->imm == BPF_STORE_REL) {
		back_store(env, at, d);
	} else if (insn->imm == BPF_LOAD_ACQ) {
		back_load(env, node, insn->dst_reg, whole(~0ull), d);
	} else {
		stx_use_def(insn, &use, &def);
		if (d->regs & def)
			back_load(env, node, __builtin_ctz(def), whole(~0ull), d);
	}
}

/* The result of a local call is what its callee's exits return. */
static void want_result(struct env *env, struct inst *callee)
{
	if (callee->result_wanted)
		return;
	callee->result_wanted = true;
	for (uint32_t i = callee->start; i < env->funcs[callee->func].end; i++)
		if (!env->aux[i].pad && env->insns[i].code == (BPF_JMP | BPF_EXIT))
			want(env, (struct at){callee, i}, BIT(0), whole(0));
}

/* A call by number keeps nothing; functions of the program take the arguments on. */
static void back_call(struct env *env, struct at at, struct demand *d)
{
	bool local = is_local_call(&env->insns[at.insn]), r0 = local && d->regs & BIT(0);

	d->regs &= ~CALLER_SAVED;
	for (struct edge *e = node_of(at)->callees; e; e = e->next) {
		uint32_t args = e->at.inst->v[0].exact_regs & ARG_REGS;

		d->regs |= local ? args : args ? ARG_REGS : 0;
		if (r0)
			want_result(env, e->at.inst);
	}
}

static void back_jmp(struct env *env, struct at at, struct demand *d)
{
	const struct bpf_insn *insn = &env->insns[at.insn];
	const struct node *node = node_of(at);
	uint32_t pair = BIT(insn->dst_reg) | BIT(insn->src_reg);

	switch (BPF_OP(insn->code)) {
	case BPF_CALL:
		back_call(env, at, d);
		return;
	case BPF_JA:
	case BPF_JCOND:
	case BPF_EXIT:
		return;
	default:
		if (BPF_SRC(insn->code) == BPF_X && d->regs & pair)
			d->regs |= pair;
		if (d->regs & node->link_regs || (d->slots.lo | d->slots.hi) & node->link_slots) {
			d->regs |= node->link_regs;
			add(&d->slots, whole(node->link_slots));
			if (BPF_SRC(insn->code) == BPF_X)
				d->regs |= pair;
		}
	}
}

/* Demands after a slot in terms of what holds before it. */
static void back(struct env *env, struct at at, struct demand *d)
{
	const struct bpf_insn *insn = &env->insns[at.insn];

	switch (BPF_CLASS(insn->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		back_alu(insn, d);
		break;
	case BPF_LD:
		d->regs &= ~(insn_is_ldimm64(insn) ? BIT(insn->dst_reg) : CALLER_SAVED);
		break;
	case BPF_LDX:
		back_load(env, node_of(at), insn->dst_reg, touched(insn, insn->src_reg), d);
		break;
	case BPF_ST:
		back_kill(env->flow, at.insn, d);
		break;
	case BPF_STX:
		back_stx(env, at, insn, d);
		break;
	default:
		back_jmp(env, at, d);
	}
}

static uint8_t way_to(const struct env *env, uint32_t from, uint32_t to)
{
	uint32_t on = from + (insn_is_ldimm64(&env->insns[from]) ? 2 : 1);
	int64_t target;
	uint8_t way = 0;

	if (to == on && !insn_ends_flow(&env->insns[from]))
		way |= WALKED_ON;
	if (insn_jump_target(env->insns, from, &target) && target == to)
		way |= WALKED_JUMP;
	return way;
}

static void settle_one(struct env *env, struct at at)
{
	struct node *node = node_of(at), *after;
	struct demand d = {0};
	uint64_t live = 0;
	uint32_t next[2];

	node->queued = false;
	for (int k = successors(env, at.insn, next); k--;) {
		if (!(node->walked & way_to(env, at.insn, next[k])))
			continue;
		after = node_of(at_slot(at, next[k]));
		d.regs |= after->exact_regs;
		add(&d.slots, after->exact);
		live |= after->live_slots;
	}
	back(env, at, &d);
	want(env, at, d.regs, d.slots);
	live &= ~env->flow->kill[at.insn];
	if (live & ~node->live_slots) {
		node->live_slots |= live;
		grown(env, at);
	}
}

static void settle(struct env *env)
{
	while (env->flow->n_queue)
		settle_one(env, env->flow->queue[--env->flow->n_queue]);
}

/* -- Instances --------------------------------------------------------------------------- */

static struct inst *inst_new(struct env *env, uint32_t func)
{
	struct flow *flow = env->flow;
	uint32_t n = env->funcs[func].end - env->funcs[func].start;
	struct inst *inst = mem_zalloc(sizeof(*inst) + n * sizeof(inst->v[0]));

	if (!inst)
		return NULL;
	inst->func = func;
	inst->start = env->funcs[func].start;
	inst->all = flow->all;
	flow->all = inst;
	flow->n_nodes += n;
	return inst;
}

/* The instance of a function that `caller` enters at the current instruction. */
int flow_enter(struct env *env, struct inst *caller, uint32_t func, struct inst **out)
{
	struct flow *flow = env->flow;
	struct at call = {caller, env->insn_idx};
	struct inst *inst = caller ? NULL : flow->roots[func];
	struct edge *e;

	for (e = caller ? node_of(call)->callees : NULL; e; e = e->next)
		if (e->at.inst->func == func) {
			*out = e->at.inst;
			return 0;
		}
	if (flow->n_nodes > MAX_NODES)
		inst = flow->shared[func];
	if (!inst)
		inst = inst_new(env, func);
	UA_FAIL_IF(!inst, -ENOMEM);
	if (flow->n_nodes > MAX_NODES)
		flow->shared[func] = inst;
	*out = inst;
	if (!caller) {
		flow->roots[func] = inst;
		return 0;
	}
	UA_TRY(edge_add(&node_of(call)->callees, (struct at){inst, 0}));
	UA_TRY(edge_add(&inst->callers, call));
	enqueue(flow, call);
	settle(env);
	return 0;
}

/* -- What the walk reports ------------------------------------------------------------ */

/* The instruction of `frame` that is being executed. */
static struct at now_in(const struct env *env, uint32_t frame)
{
	const struct vstate *st = &env->st;

	return (struct at){st->frames[frame]->inst,
			   frame == st->depth ? env->insn_idx : st->frames[frame + 1]->callsite};
}

static struct at now(const struct env *env)
{
	return now_in(env, env->st.depth);
}

/* A path goes from one slot of the frame's function to another. */
void flow_walked(struct env *env, const struct frame *f, uint32_t from, uint32_t to)
{
	struct at at = {f->inst, from}, head = {f->inst, to};
	uint8_t way;

	env->flow->fresh.inst = NULL;
	if (func_of(env, from) != (int)f->func || func_of(env, to) != (int)f->func)
		return;
	way = way_to(env, from, to);
	if (!(way & ~node_of(at)->walked))
		return;
	node_of(at)->walked |= way;
	if (env->aux[to].force_state) {
		env->flow->fresh = head;
		env->flow->fresh_exact =
			(struct demand){node_of(head)->exact_regs, node_of(head)->exact};
	}
	enqueue(env->flow, at);
	settle(env);
}

void flow_read_slots(struct env *env, uint32_t frame, uint64_t slots)
{
	struct at at = now_in(env, frame);
	struct node *node = node_of(at);

	if (!(slots & ~node->live_slots))
		return;
	node->live_slots |= slots;
	grown(env, at);
	settle(env);
}

static struct far *far_add(struct env *env, struct far **list, struct at call, uint64_t slots)
{
	struct far *far;

	for (far = *list; far; far = far->of_insn)
		if (far->call.inst == call.inst && far->call.insn == call.insn) {
			far->slots |= slots;
			return far;
		}
	far = mem_zalloc(sizeof(*far));
	if (!far)
		return NULL;
	*far = (struct far){.of_insn = *list, .from = now(env), .call = call, .slots = slots};
	*list = far;
	return far;
}

void flow_fill(struct env *env, int dst, uint32_t frame, uint64_t slots)
{
	struct node *node = node_of(now(env));
	struct at call = now_in(env, frame);

	if (frame == env->st.depth) {
		if (!(slots & ~node->fill))
			return;
		node->fill |= slots;
	} else if (!far_add(env, &node->fills, call, slots)) {
		want(env, call, 0, whole(slots)); /* no memory to remember it: ask for it at once */
	}
	enqueue(env->flow, now(env));
	settle(env);
}

void flow_spill(struct env *env, int src, uint32_t frame, uint64_t slots)
{
	struct node *node = node_of(now(env));
	struct at call = now_in(env, frame);
	struct far *old = node->spills, *far;

	if (frame == env->st.depth) {
		if (!(slots & ~node->spill))
			return;
		node->spill |= slots;
	} else {
		far = far_add(env, &node->spills, call, slots);
		if (!far) {
			flow_need_reg(env, src);
		} else if (node->spills != old) {
			far->of_call = node_of(call)->far_stores;
			node_of(call)->far_stores = far;
		}
	}
	enqueue(env->flow, now(env));
	settle(env);
}

void flow_need_reg(struct env *env, int regno)
{
	want(env, now(env), BIT(regno), whole(0));
	settle(env);
}

void flow_need_half(struct env *env, uint32_t frame, uint32_t slot, bool high)
{
	uint64_t bit = 1ull << slot;

	want(env, now_in(env, frame), 0, (struct halves){high ? 0 : bit, high ? bit : 0});
	settle(env);
}

void flow_link(struct env *env, uint32_t regs, uint64_t slots)
{
	struct node *node = node_of(now(env));

	if (!(regs & ~node->link_regs) && !(slots & ~node->link_slots))
		return;
	node->link_regs |= (uint16_t)regs;
	node->link_slots |= slots;
	enqueue(env->flow, now(env));
	settle(env);
}

uint32_t flow_writes(const struct env *env, uint32_t idx)
{
	uint32_t use, def;

	use_def(env, idx, &use, &def);
	return def;
}

/* -- What prune.c asks ---------------------------------------------------------------- */

uint32_t flow_live_regs(const struct env *env, uint32_t idx)
{
	return env->flow->live_regs[idx];
}

static struct node *asked(const struct frame *f, uint32_t idx)
{
	return node_of((struct at){f->inst, idx});
}

uint64_t flow_live_slots(const struct env *env, const struct frame *f, uint32_t idx)
{
	return env->flow->lost ? ~0ull : asked(f, idx)->live_slots;
}

uint32_t flow_exact_regs(const struct env *env, const struct frame *f, uint32_t idx)
{
	return env->flow->lost ? ~0u : asked(f, idx)->exact_regs;
}

uint64_t flow_exact_slots(const struct env *env, const struct frame *f, uint32_t idx)
{
	const struct node *node = asked(f, idx);

	return env->flow->lost ? ~0ull : node->exact.lo | node->exact.hi;
}

/*
 * What a loop's next round keeps. A round that closes the loop for the first time makes the
 * demands of its exit those of its body, but no round has made them yet: they do not count.
 */
void flow_kept(const struct env *env, const struct frame *f, uint32_t idx, uint32_t *regs,
	       uint64_t *slots)
{
	const struct flow *flow = env->flow;
	bool fresh = flow->fresh.inst == f->inst && flow->fresh.insn == idx;

	*regs = fresh ? flow->fresh_exact.regs : flow_exact_regs(env, f, idx);
	*slots = fresh ? flow->fresh_exact.slots.lo | flow->fresh_exact.slots.hi
		       : flow_exact_slots(env, f, idx);
}

/* -- Setting up ------------------------------------------------------------------------ */

/* Slots that a store relative to r10 overwrites completely. */
static uint64_t kill_of(const struct bpf_insn *insn)
{
	uint8_t class = BPF_CLASS(insn->code);

	if ((class != BPF_ST && class != BPF_STX) || BPF_MODE(insn->code) != BPF_MEM ||
	    insn->dst_reg != BPF_REG_FP || BPF_SIZE(insn->code) != BPF_DW || insn->off % 8 ||
	    insn->off >= 0 || insn->off < -MAX_BPF_STACK)
		return 0;
	return 1ull << (-insn->off / 8 - 1);
}

/* The halves of slots that it overwrites completely. */
static struct halves kill_exact_of(const struct bpf_insn *insn)
{
	uint8_t class = BPF_CLASS(insn->code);

	if ((class != BPF_ST && class != BPF_STX) || BPF_SIZE(insn->code) != BPF_W ||
	    BPF_MODE(insn->code) != BPF_MEM || insn->dst_reg != BPF_REG_FP || insn->off % 4 ||
	    insn->off >= 0 || insn->off < -MAX_BPF_STACK)
		return whole(kill_of(insn));
	return touched(insn, insn->dst_reg);
}

static bool kfunc_takes_callback(const struct env *env, const struct kfunc *kf)
{
	struct kfunc_arg arg;

	for (int k = kfunc_n_args(env->in->kfuncs, kf); k--;)
		if (!kfunc_arg_info(env->in->kfuncs, kf, k, &arg) && arg.kind == KARG_CALLBACK)
			return true;
	return false;
}

static bool takes_callback(const struct env *env, uint32_t i)
{
	const struct bpf_insn *insn = &env->insns[i];
	const struct helper_proto *proto;

	if (insn->code != (BPF_JMP | BPF_CALL))
		return false;
	if (env->aux[i].kfunc)
		return kfunc_takes_callback(env, env->aux[i].kfunc);
	/* A timer's callback runs later and is no loop. */
	if (insn->src_reg || insn->imm == BPF_FUNC_timer_set_callback)
		return false;
	proto = helper_proto((uint32_t)insn->imm);
	for (int k = 0; proto && k < 5; k++)
		if (HELPER_BASE_TYPE(proto->args[k]) == ARG_PTR_TO_FUNC)
			return true;
	return false;
}

/* Where states are kept and compared: around jumps, and always where loops are counted. */
static void mark_prune_points(struct env *env)
{
	for (uint32_t f = 1; f < env->n_funcs; f++)
		env->aux[env->funcs[f].start].prune_point = true;
	for (uint32_t i = 0; i < env->n; i++) {
		const struct bpf_insn *insn = &env->insns[i];
		struct insn_aux *aux = &env->aux[i];
		bool iter_next = aux->kfunc && aux->kfunc->flags & KF_ITER_NEXT;
		int64_t target;

		if (aux->pad)
			continue;
		if (insn_jump_target(env->insns, i, &target)) {
			env->aux[target].prune_point = true;
			aux->prune_point |= !insn_ends_flow(insn);
		}
		if (is_local_call(insn))
			aux->prune_point = env->aux[i + 1].prune_point = true;
		if (insn->code == (BPF_JMP | BPF_JCOND) || iter_next || takes_callback(env, i))
			aux->prune_point = aux->force_state = true;
	}
}

size_t flow_memory(const struct env *env)
{
	const struct flow *flow = env->flow;
	size_t per_insn = sizeof(*flow->live_regs) + sizeof(*flow->kill) +
			  sizeof(*flow->kill_exact) + sizeof(*flow->pred_at) +
			  2 * sizeof(*flow->preds);

	return env->n * per_insn + flow->n_nodes * sizeof(struct node) +
	       flow->cap_queue * sizeof(*flow->queue);
}

int flow_init(struct env *env)
{
	struct flow *flow = mem_zalloc(sizeof(*flow));

	UA_FAIL_IF(!flow, -ENOMEM);
	env->flow = flow;
	flow->live_regs = mem_calloc(env->n, sizeof(*flow->live_regs));
	flow->kill = mem_calloc(env->n, sizeof(*flow->kill));
	flow->kill_exact = mem_calloc(env->n, sizeof(*flow->kill_exact));
	flow->shared = mem_calloc(env->n_funcs, sizeof(*flow->shared));
	flow->roots = mem_calloc(env->n_funcs, sizeof(*flow->roots));
	UA_FAIL_IF(!flow->live_regs || !flow->kill || !flow->kill_exact || !flow->shared ||
			   !flow->roots,
		   -ENOMEM);
	UA_TRY(edges_build(env, flow));
	for (uint32_t i = 0; i < env->n; i++)
		if (!env->aux[i].pad) {
			flow->kill[i] = kill_of(&env->insns[i]);
			flow->kill_exact[i] = kill_exact_of(&env->insns[i]);
		}
	UA_TRY(live_regs_solve(env, flow));
	mark_prune_points(env);
	return 0;
}

static void edges_free(struct edge *e)
{
	while (e) {
		struct edge *next = e->next;

		mem_free(e);
		e = next;
	}
}

static void fars_free(struct far *far)
{
	while (far) {
		struct far *next = far->of_insn;

		mem_free(far);
		far = next;
	}
}

static void inst_free(struct env *env, struct inst *inst)
{
	uint32_t n = env->funcs[inst->func].end - env->funcs[inst->func].start;

	for (uint32_t i = 0; i < n; i++) {
		fars_free(inst->v[i].fills);
		fars_free(inst->v[i].spills);
		edges_free(inst->v[i].callees);
	}
	edges_free(inst->callers);
	mem_free(inst);
}

/* Before the functions move: instances are as long as they were. */
void flow_free(struct env *env)
{
	struct flow *flow = env->flow;

	if (!flow)
		return;
	while (flow->all) {
		struct inst *inst = flow->all;

		flow->all = inst->all;
		inst_free(env, inst);
	}
	mem_free(flow->live_regs);
	mem_free(flow->kill);
	mem_free(flow->kill_exact);
	mem_free(flow->shared);
	mem_free(flow->roots);
	mem_free(flow->queue);
	mem_free(flow->pred_at);
	mem_free(flow->preds);
	mem_free(flow);
	env->flow = NULL;
}
