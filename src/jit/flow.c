/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Second stage: facts about each node, by two data-flow walks over one function.
 *
 * Backward: which registers are live behind a node, and of which the upper half matters.
 * Forward: which registers have a zero upper half before it. Both walks repeat until nothing
 * changes; facts only ever grow (live) or shrink (zero), so they end. Ordinary functions take a
 * handful of rounds. One made to take thousands is compiled without facts.
 */
#include "jit/ir.h"

#define R0 1u
#define ARGS (bit(1) | bit(2) | bit(3) | bit(4) | bit(5))
#define CALLER_SAVED (R0 | ARGS)
#define ALL_REGS 0x7ffu
#define MAX_ROUNDS 32

/* -- Effects -------------------------------------------------------------- */

/* Operations whose low result half depends on low operand halves only. */
static bool low_from_low(uint16_t op)
{
	switch ((op - OP_ADD64_K) / 4) {
	case (OP_DIV64_K - OP_ADD64_K) / 4:
	case (OP_SDIV64_K - OP_ADD64_K) / 4:
	case (OP_MOD64_K - OP_ADD64_K) / 4:
	case (OP_SMOD64_K - OP_ADD64_K) / 4:
	case (OP_RSH64_K - OP_ADD64_K) / 4:
	case (OP_ARSH64_K - OP_ADD64_K) / 4:
		return false;
	default:
		return true;
	}
}

static void alu_effects(const struct node *n, struct effects *e)
{
	bool is_x = op_info[n->op].kind == K_ALU_X;
	bool is32 = (n->op - OP_ADD64_K) % 4 >= 2;
	bool is_mov = n->op >= OP_MOV64_K && n->op <= OP_MOV32_X;

	e->def = bit(n->dst);
	e->use = (is_x ? bit(n->src) : 0) | (is_mov ? 0 : bit(n->dst));
	e->zero_hi = is32;
	if (n->op == OP_MOV64_K || (n->op == OP_AND64_K && n->imm >= 0))
		e->zero_hi = n->imm >= 0;
	if (n->op == OP_RSH64_K && n->imm >= 32)
		e->zero_hi = true;
	if (is32)
		return;
	if (!low_from_low(n->op))
		e->hi = e->use;
	else
		e->thru = e->use;
}

static void unary_effects(const struct node *n, struct effects *e)
{
	e->def = e->use = bit(n->dst);
	switch (n->op) {
	case OP_NEG64:
	case OP_LE64:
		e->thru = e->use;
		break;
	case OP_BE64:
	case OP_BSWAP64:
		e->hi = e->use;
		break;
	default:
		e->zero_hi = true;
	}
}

static void atomic_effects(const struct node *n, struct effects *e)
{
	uint16_t base = n->op >= OP_AA_ADD32 ? OP_AA_ADD32 : OP_A_ADD32;
	uint16_t group = (n->op - base) / 2;
	bool is64 = (n->op - base) & 1;
	bool arena = base == OP_AA_ADD32;

	e->use = bit(n->dst) | bit(n->src);
	e->hi = arena ? 0 : bit(n->dst);
	if (is64)
		e->hi |= bit(n->src);
	if (group >= (OP_A_FADD32 - OP_A_ADD32) / 2)
		e->def = bit(n->src);
	if (group == (OP_A_CMPXCHG32 - OP_A_ADD32) / 2) {
		e->use |= R0;
		e->hi |= is64 ? R0 : 0;
		e->def = R0;
	}
	e->zero_hi = !is64;
}

/* The address register: arena accesses read its low half only. */
static void address(const struct node *n, uint8_t reg, struct effects *e)
{
	bool arena = (n->op >= OP_ALDX8 && n->op <= OP_ASTX64) || n->op >= OP_ALDACQ8;

	e->use |= bit(reg);
	if (!arena)
		e->hi |= bit(reg);
}

static bool is_size64(uint16_t op)
{
	return op == OP_STX64 || op == OP_ASTX64 || op == OP_STREL64 || op == OP_ASTREL64;
}

static void load_effects(const struct node *n, struct effects *e)
{
	e->def = bit(n->dst);
	address(n, n->src, e);
	switch (n->op) {
	case OP_LDX64:
	case OP_PLDX64:
	case OP_ALDX64:
	case OP_LDACQ64:
	case OP_ALDACQ64:
	case OP_LDSX8:
	case OP_LDSX16:
	case OP_LDSX32:
	case OP_PLDSX8:
	case OP_PLDSX16:
	case OP_PLDSX32:
	case OP_ALDSX8:
	case OP_ALDSX16:
	case OP_ALDSX32:
		break;
	default:
		e->zero_hi = true;
	}
}

static void store_effects(const struct node *n, struct effects *e, bool has_src)
{
	address(n, n->dst, e);
	if (has_src) {
		e->use |= bit(n->src);
		if (is_size64(n->op))
			e->hi |= bit(n->src);
	}
}

static void compare_effects(uint16_t op, uint8_t a, uint8_t b, struct effects *e)
{
	bool is32 = (op - OP_JEQ64_K) % 4 >= 2;
	uint16_t use = bit(a) | (op_info[op].kind == K_JCOND_X ? bit(b) : 0);

	e->use |= use;
	if (!is32)
		e->hi |= use;
}

static void fused_effects(const struct node *n, struct effects *e)
{
	switch (n->op) {
	case N_ROL64:
		e->use = e->hi = bit(n->src);
		e->def = bit(n->dst);
		break;
	case N_ROL32:
		e->use = bit(n->src);
		e->def = bit(n->dst);
		e->zero_hi = true;
		break;
	case N_LEA64:
	case N_ANDN64:
	case N_BLSR64:
		e->use = e->thru = bit(n->src) | bit(n->x);
		e->def = bit(n->dst);
		break;
	case N_LEA32:
	case N_ANDN32:
	case N_BLSR32:
		e->use = bit(n->src) | bit(n->x);
		e->def = bit(n->dst);
		e->zero_hi = true;
		break;
	case N_SELECT:
		e->def = bit(n->dst);
		e->use = e->thru = bit(n->dst) | bit(n->src);
		compare_effects(n->cond, n->x, n->y, e);
		break;
	default:
		break;
	}
}

static void call_effects(struct effects *e)
{
	e->use = e->hi = ARGS;
	e->def = CALLER_SAVED;
}

static void node_effects(const struct node *n, struct effects *e)
{
	*e = (struct effects){0};
	if (n->op >= OP_COUNT) {
		fused_effects(n, e);
		return;
	}
	switch (op_info[n->op].kind) {
	case K_ALU_K:
	case K_ALU_X:
		alu_effects(n, e);
		break;
	case K_UNARY:
		unary_effects(n, e);
		break;
	case K_MOVSX:
		e->def = bit(n->dst);
		e->use = bit(n->src);
		e->zero_hi = n->op >= OP_MOVSX32_8;
		break;
	case K_CAST:
		e->def = bit(n->dst);
		e->use = bit(n->src);
		break;
	case K_LDIMM64:
		e->def = bit(n->dst);
		e->zero_hi = n->src != BPF_PSEUDO_FUNC && !((uint64_t)n->imm >> 32);
		break;
	case K_LDX:
	case K_LDACQ:
		load_effects(n, e);
		break;
	case K_ST:
		store_effects(n, e, false);
		break;
	case K_STX:
	case K_STREL:
		store_effects(n, e, true);
		break;
	case K_ATOMIC:
		atomic_effects(n, e);
		break;
	case K_LDPKT:
		e->use = e->hi = bit(6) | bit(n->src);
		e->def = CALLER_SAVED;
		break;
	case K_JCOND_K:
	case K_JCOND_X:
		compare_effects(n->op, n->dst, n->src, e);
		break;
	case K_CALL:
		call_effects(e);
		break;
	case K_EXIT:
		e->use = e->hi = R0;
		break;
	case K_JA:
	case K_MAY_GOTO:
		break;
	}
}

uint8_t ir_address_reg(const struct node *n)
{
	switch (op_info[n->op].kind) {
	case K_LDX:
	case K_LDACQ:
		return n->src;
	default:
		return n->dst;
	}
}

void ir_effects(const struct node *n, struct effects *e)
{
	node_effects(n, e);
	if (n->host)
		e->hi |= bit(ir_address_reg(n));
	if (n->rebase)
		e->zero_hi = false;
}

/* -- Walks ---------------------------------------------------------------- */

static void find_labels(struct ir *ir, const struct node_func *f)
{
	for (uint32_t i = f->first; i < f->end; i++)
		ir->nodes[i].flags = 0;
	for (uint32_t i = f->first; i < f->end; i++) {
		struct node *n = &ir->nodes[i];

		if (!ir_is_jump(n))
			continue;
		ir->nodes[n->target].flags |= NODE_LABEL;
		/* One that goes back by may_goto leaves for an exit laid out earlier. */
		if (n->target <= i && n->op != OP_MAY_GOTO) {
			ir->nodes[n->target].flags |= NODE_LOOP;
			ir->nodes[n->target].loop_end = i;
		}
	}
}

struct liveness {
	uint16_t live, hi;
};

static struct liveness live_before(const struct node *n, struct liveness out)
{
	struct effects e;
	bool def_hi;

	ir_effects(n, &e);
	def_hi = out.hi & e.def;
	out.live = (uint16_t)((out.live & ~e.def) | e.use);
	out.hi = (uint16_t)((out.hi & ~e.def) | e.hi | (def_hi ? e.thru : 0));
	return out;
}

static bool walk_backward(struct ir *ir, const struct node_func *f, struct liveness *in)
{
	bool changed = false;

	for (uint32_t i = f->end; i-- > f->first;) {
		struct node *n = &ir->nodes[i];
		struct liveness out = {bit(BPF_REG_FP), bit(BPF_REG_FP)};
		struct liveness before;

		if (ir_falls_through(n) && i + 1 < f->end) {
			out.live |= in[i + 1 - f->first].live;
			out.hi |= in[i + 1 - f->first].hi;
		}
		if (ir_is_jump(n)) {
			out.live |= in[n->target - f->first].live;
			out.hi |= in[n->target - f->first].hi;
		}
		n->live = out.live;
		n->live_hi = out.hi;
		before = live_before(n, out);
		changed |= before.live != in[i - f->first].live || before.hi != in[i - f->first].hi;
		in[i - f->first] = before;
	}
	return changed;
}

uint16_t ir_zero_after(const struct node *n, uint16_t zx)
{
	struct effects e;

	ir_effects(n, &e);
	if (e.zero_hi)
		return zx | e.def;
	if (n->op == OP_MOV64_X && zx & bit(n->src))
		return zx | bit(n->dst);
	if (n->op == OP_RSH64_K || n->op == OP_LE64)
		return zx;
	if (n->op == OP_AND64_X && zx & (bit(n->src) | bit(n->dst)))
		return zx | bit(n->dst);
	if ((n->op == OP_OR64_X || n->op == OP_XOR64_X) && zx & bit(n->src))
		return zx;
	if (n->op == N_SELECT && n->zero_arm)
		return zx;
	return zx & (uint16_t)~e.def;
}

static bool walk_forward(struct ir *ir, const struct node_func *f)
{
	bool changed = false;

	for (uint32_t i = f->first; i < f->end; i++) {
		struct node *n = &ir->nodes[i];
		uint16_t after = ir_zero_after(n, n->zx);
		uint16_t *next[2] = {NULL, NULL};

		if (ir_falls_through(n) && i + 1 < f->end)
			next[0] = &ir->nodes[i + 1].zx;
		if (ir_is_jump(n))
			next[1] = &ir->nodes[n->target].zx;
		for (int k = 0; k < 2; k++) {
			if (!next[k] || !(*next[k] & ~after))
				continue;
			*next[k] &= after;
			changed = true;
		}
	}
	return changed;
}

static bool settle(bool walks, uint32_t *rounds)
{
	return walks && ++*rounds < MAX_ROUNDS;
}

static void assume_nothing(struct ir *ir, const struct node_func *f)
{
	for (uint32_t i = f->first; i < f->end; i++) {
		ir->nodes[i].live = ir->nodes[i].live_hi = ALL_REGS;
		ir->nodes[i].zx = 0;
	}
}

int ir_flow(struct ir *ir, const struct node_func *f)
{
	struct liveness *in = mem_calloc(f->end - f->first, sizeof(*in));
	uint32_t rounds = 0;

	UA_FAIL_IF(!in, -ENOMEM);
	find_labels(ir, f);
	while (settle(walk_backward(ir, f, in), &rounds))
		;
	mem_free(in);
	for (uint32_t i = f->first; i < f->end; i++)
		ir->nodes[i].zx = i == f->first ? 0 : ALL_REGS;
	while (settle(walk_forward(ir, f), &rounds))
		;
	if (rounds >= MAX_ROUNDS)
		assume_nothing(ir, f);
	return 0;
}
