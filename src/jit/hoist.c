/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Last stage on nodes: how accesses get at their address. The window base is added to a pointer
 * once, where it is made, rather than in each access.
 *
 * An access at [base + pointer + off] cannot take part in the processor's forwarding of stores
 * by name, which makes a counter in memory 7 times faster; one at [register + off] can. The
 * sum on the way to the access costs a cycle, however, which hurts where pointers are chased.
 * So a pointer is rebased if it is made outside a loop that uses it, or if it is used several
 * times, among them to change a field; and in any case only if nothing but accesses ever sees
 * the register's value: each of those has that one definition, and no other use has it.
 */
#include "jit/ir.h"

#define N_REGS 10
#define LOOK_BACK 24
#define MAX_ROUNDS 32
#define MAX_NODES 20000 /* longer functions stay as they are: the table would be large */

/* Definition of a register that reaches a node: none seen, several, or a node. */
#define UNSEEN 0u
#define SEVERAL 1u
#define NODE_DEF(i) ((i) + 2)

struct hoist {
	struct ir *ir;
	const struct node_func *f;
	uint32_t n;
	uint32_t (*reach)[N_REGS]; /* before each node */
	uint32_t *depth;	   /* number of loops around each node */
	struct pointer *ptr;	   /* by the node that makes it */
};

struct pointer {
	uint32_t uses, inner; /* accesses through it; those in deeper loops than it is made */
	bool changes;	      /* one of them stores where another has just loaded */
	bool denied;
};

static bool worth_it(const struct pointer *p)
{
	return !p->denied && (p->inner || (p->changes && p->uses >= 3));
}

static const struct node *node_at(const struct hoist *h, uint32_t i)
{
	return &h->ir->nodes[h->f->first + i];
}

/* Successors of node i, as indexes into the function. */
static uint32_t successors(const struct hoist *h, uint32_t i, uint32_t next[2])
{
	const struct node *n = node_at(h, i);
	uint32_t count = 0;

	if (ir_falls_through(n) && i + 1 < h->n)
		next[count++] = i + 1;
	if (ir_is_jump(n))
		next[count++] = n->target - h->f->first;
	return count;
}

static void reach_after(const struct hoist *h, uint32_t i, uint32_t out[N_REGS])
{
	struct effects e;

	ir_effects(node_at(h, i), &e);
	for (uint8_t r = 0; r < N_REGS; r++)
		out[r] = e.def & bit(r) ? NODE_DEF(i) : h->reach[i][r];
}

static bool merge(uint32_t into[N_REGS], const uint32_t from[N_REGS])
{
	bool changed = false;

	for (uint8_t r = 0; r < N_REGS; r++) {
		uint32_t joined = into[r] == UNSEEN || into[r] == from[r] ? from[r] : SEVERAL;

		if (from[r] == UNSEEN || joined == into[r])
			continue;
		into[r] = joined;
		changed = true;
	}
	return changed;
}

static bool reach_once(struct hoist *h)
{
	bool changed = false;

	for (uint32_t i = 0; i < h->n; i++) {
		uint32_t out[N_REGS], next[2], count = successors(h, i, next);

		reach_after(h, i, out);
		while (count--)
			changed |= merge(h->reach[next[count]], out);
	}
	return changed;
}

static bool find_reaching(struct hoist *h)
{
	for (uint8_t r = 0; r < N_REGS; r++)
		h->reach[0][r] = SEVERAL; /* arguments */
	for (int round = 0; round < MAX_ROUNDS; round++)
		if (!reach_once(h))
			return true;
	return false;
}

static void find_depths(struct hoist *h)
{
	uint32_t depth = 0;

	/* First where loops begin and what ends behind a node, then the sums. */
	for (uint32_t i = 0; i < h->n; i++) {
		const struct node *n = node_at(h, i);
		uint32_t head = n->target - h->f->first;

		if (!ir_is_jump(n) || n->op == OP_MAY_GOTO || head > i)
			continue;
		h->depth[head]++;
		h->depth[i + 1]--;
	}
	for (uint32_t i = 0; i < h->n; i++) {
		depth += h->depth[i];
		h->depth[i] = depth;
	}
}

static bool can_rebase(const struct node *n)
{
	return (n->op == OP_MOV32_X || n->op == OP_ADD32_X || n->op == OP_ADD32_K ||
		n->op == N_LEA32) &&
	       n->dst < N_REGS;
}

/* The access reads `reg` as its address and for nothing else. */
static bool only_address(const struct node *n, uint8_t reg)
{
	struct node without = *n;
	struct effects e;

	if (n->op >= OP_COUNT || !ir_is_arena_access(n) || ir_address_reg(n) != reg)
		return false;
	if (op_info[n->op].kind == K_LDX || op_info[n->op].kind == K_LDACQ)
		without.src = BPF_REG_FP;
	else
		without.dst = BPF_REG_FP;
	ir_effects(&without, &e);
	return !(e.use & bit(reg));
}

static void deny(struct hoist *h, uint32_t def)
{
	if (def > SEVERAL)
		h->ptr[def - 2].denied = true;
}

/* Node i stores through the pointer `def` in `reg`: what it loaded from there shortly before? */
static bool changes_field(const struct hoist *h, uint32_t i, uint8_t reg, uint32_t def)
{
	const struct node *store = node_at(h, i);

	if (op_info[store->op].kind != K_STX)
		return false;
	for (uint32_t k = i; k > 0 && i - k < LOOK_BACK && !(node_at(h, k)->flags & NODE_LABEL);
	     k--) {
		const struct node *load = node_at(h, k - 1);

		if (load->op < OP_COUNT && op_info[load->op].kind == K_LDX &&
		    ir_is_arena_access(load) && load->src == reg && load->off == store->off &&
		    h->reach[k - 1][reg] == def)
			return true;
	}
	return false;
}

static void note_use(struct hoist *h, uint32_t i, uint8_t reg, uint32_t def)
{
	struct pointer *p = &h->ptr[def - 2];

	p->uses++;
	p->inner += h->depth[i] > h->depth[def - 2];
	p->changes |= changes_field(h, i, reg, def);
}

static void judge_uses(struct hoist *h, uint32_t i)
{
	const struct node *n = node_at(h, i);
	struct effects e;

	ir_effects(n, &e);
	for (uint8_t r = 0; r < N_REGS; r++) {
		uint32_t def = h->reach[i][r];

		if (!(e.use & bit(r)) || def <= SEVERAL)
			continue;
		if (only_address(n, r))
			note_use(h, i, r, def);
		else
			deny(h, def);
	}
}

/* A definition that arrives somewhere together with another one, still wanted, stays. */
static void judge_joins(struct hoist *h, uint32_t i)
{
	uint32_t out[N_REGS], next[2], count = successors(h, i, next);

	reach_after(h, i, out);
	while (count--) {
		const struct node *to = node_at(h, next[count]);
		struct effects e;
		uint16_t wanted;

		ir_effects(to, &e);
		wanted = e.use | (to->live & (uint16_t)~e.def);
		for (uint8_t r = 0; r < N_REGS; r++)
			if (wanted & bit(r) && h->reach[next[count]][r] == SEVERAL)
				deny(h, out[r]);
	}
}

static void rebase(struct hoist *h)
{
	for (uint32_t i = 0; i < h->n; i++) {
		struct node *n = &h->ir->nodes[h->f->first + i];
		uint32_t def = SEVERAL;

		if (n->op < OP_COUNT && ir_is_arena_access(n) && ir_address_reg(n) < N_REGS)
			def = h->reach[i][ir_address_reg(n)];
		if (def > SEVERAL && worth_it(&h->ptr[def - 2]))
			n->host = true;
	}
	for (uint32_t i = 0; i < h->n; i++)
		h->ir->nodes[h->f->first + i].rebase = worth_it(&h->ptr[i]);
}

static int run(struct hoist *h)
{
	h->reach = mem_calloc(h->n, sizeof(*h->reach));
	h->depth = mem_calloc(h->n + 1, sizeof(*h->depth));
	h->ptr = mem_calloc(h->n, sizeof(*h->ptr));
	UA_FAIL_IF(!h->reach || !h->depth || !h->ptr, -ENOMEM);
	find_depths(h);
	if (!find_reaching(h))
		return 0;
	for (uint32_t i = 0; i < h->n; i++)
		if (!can_rebase(node_at(h, i)))
			h->ptr[i].denied = true;
	for (uint32_t i = 0; i < h->n; i++) {
		judge_uses(h, i);
		judge_joins(h, i);
	}
	rebase(h);
	return ir_flow(h->ir, h->f);
}

/* -- Casts ---------------------------------------------------------------- */

static bool wanted_at(const struct ir *ir, uint32_t i, uint8_t reg)
{
	const struct node *n = &ir->nodes[i];
	struct effects e;

	ir_effects(n, &e);
	return (e.use | (n->live & (uint16_t)~e.def)) & bit(reg);
}

/* Every read of `reg` behind node `i` comes before any label, and one is an access. */
static bool used_up_here(const struct ir *ir, const struct node_func *f, uint32_t i, uint8_t reg)
{
	bool accessed = false;

	for (uint32_t k = i + 1; k < f->end; k++) {
		const struct node *n = &ir->nodes[k];
		struct effects e;

		if (n->flags & NODE_LABEL)
			return accessed && !wanted_at(ir, k, reg);
		ir_effects(n, &e);
		if (n->op < OP_COUNT && ir_is_arena_access(n) && ir_address_reg(n) == reg)
			accessed = true;
		if (ir_is_jump(n) && wanted_at(ir, n->target, reg))
			return false;
		if (e.def & bit(reg) || !(n->live & bit(reg)) || !ir_falls_through(n))
			return accessed;
	}
	return false;
}

/*
 * A cast in place, w1 = w1, costs a cycle on the way to the access; the copy to a temporary
 * that lowering makes without it is free. Only where no other register half is looked at.
 */
static void drop_casts(struct ir *ir, const struct node_func *f)
{
	for (uint32_t i = f->first; i < f->end; i++) {
		struct node *n = &ir->nodes[i];

		if (n->op == OP_MOV32_X && n->dst == n->src && !n->rebase &&
		    !(n->zx & bit(n->dst)) && !(n->live_hi & bit(n->dst)) &&
		    used_up_here(ir, f, i, n->dst))
			n->op = N_NOP;
	}
}

int ir_hoist(struct ir *ir, const struct node_func *f)
{
	struct hoist h = {.ir = ir, .f = f, .n = f->end - f->first};
	int err;

	if (!f->arena || h.n > MAX_NODES)
		return 0;
	err = run(&h);
	mem_free(h.reach);
	mem_free(h.depth);
	mem_free(h.ptr);
	if (err)
		return err;
	drop_casts(ir, f);
	return ir_flow(ir, f);
}
