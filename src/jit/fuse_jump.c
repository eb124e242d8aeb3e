/* SPDX-License-Identifier: BSD-2-Clause */
/* Fusing around conditional jumps: tests of bits, selects, inverted jumps. */
#include "jit/fuse.h"

/* -- Tests ---------------------------------------------------------------- */

static bool is_jcond(const struct node *n)
{
	return n->op < OP_COUNT &&
	       (op_info[n->op].kind == K_JCOND_K || op_info[n->op].kind == K_JCOND_X);
}

/* x &= y; if x == 0: a test of bits, if x is not wanted otherwise. */
static void fuse_test(const struct span *s, uint32_t i)
{
	struct node *n = span_at(s, i), *and;
	bool eq = n->op == OP_JEQ64_K || n->op == OP_JEQ32_K;
	bool wide = n->op == OP_JEQ64_K || n->op == OP_JNE64_K;
	int64_t d;

	if ((!eq && n->op != OP_JNE64_K && n->op != OP_JNE32_K) || n->off ||
	    span_live_after(s, i, n->dst))
		return;
	and = span_feeder(s, i, n->dst, &d);
	if (!and|| (op_info[ and->op < OP_COUNT ? and->op : 0].kind == K_ALU_X &&
		    (and->src == and->dst || span_defined_between(s, (uint32_t)d, i, and->src))))
		return;
	if (and->op == (wide ? OP_AND64_X : OP_AND32_X))
		n->op = wide ? OP_JSET64_X : OP_JSET32_X;
	else if (and->op == (wide ? OP_AND64_K : OP_AND32_K))
		n->op = wide ? OP_JSET64_K : OP_JSET32_K;
	else
		return;
	n->negated ^= eq;
	n->src = and->src;
	n->off = (int32_t)and->imm;
	remove_node(and);
	/* What was masked is often a copy made for that. */
	and = span_feeder(s, i, n->dst, &d);
	if (and&&span_is_copy(and) && (op_info[n->op].kind == K_JCOND_K || n->src != n->dst) &&
	    !span_defined_between(s, (uint32_t)d, i, and->src)) {
		n->dst = and->src;
		remove_node(and);
	}
}

void fuse_tests(const struct span *s)
{
	for (uint32_t i = s->f->first; i < s->f->end; i++)
		fuse_test(s, i);
}

/* -- Selects -------------------------------------------------------------- */

/* What may be computed although it is not wanted: cheap, cannot fault. */
static bool is_cheap_arm(const struct node *n)
{
	if (n->op == OP_LDIMM64)
		return n->src != BPF_PSEUDO_FUNC;
	if (n->op >= OP_COUNT || (op_info[n->op].kind != K_ALU_K && op_info[n->op].kind != K_ALU_X))
		return false;
	switch ((n->op - OP_ADD64_K) / 4) {
	case (OP_ADD64_K - OP_ADD64_K) / 4:
	case (OP_SUB64_K - OP_ADD64_K) / 4:
	case (OP_OR64_K - OP_ADD64_K) / 4:
	case (OP_AND64_K - OP_ADD64_K) / 4:
	case (OP_XOR64_K - OP_ADD64_K) / 4:
	case (OP_MOV64_K - OP_ADD64_K) / 4:
		return true;
	default:
		return false;
	}
}

static uint32_t skip_nops(const struct span *s, uint32_t i)
{
	while (i < s->f->end && span_at(s, i)->op == N_NOP && !(span_at(s, i)->flags & NODE_LABEL))
		i++;
	return i;
}

static bool is_access(const struct node *n)
{
	switch (op_info[n->op].kind) {
	case K_LDX:
	case K_ST:
	case K_STX:
	case K_ATOMIC:
	case K_LDACQ:
	case K_STREL:
		return true;
	default:
		return false;
	}
}

#define LOOK_AHEAD 12

/*
 * Whether the value that `reg` has from node `i` on soon becomes part of an address. There a
 * branch is better: the access starts early on a guess, and guessing right half of the time
 * already beats waiting for a comparison whose operand comes from memory.
 */
static bool feeds_address(const struct span *s, uint32_t i, uint8_t reg)
{
	uint16_t from = bit(reg);

	for (int steps = 0; steps < LOOK_AHEAD && from && i < s->f->end; steps++) {
		const struct node *n = span_at(s, i);
		struct effects e;

		if (n->op == OP_JA || n->op == OP_JA32) {
			i = n->target;
			continue;
		}
		if (ir_is_jump(n) || !ir_falls_through(n))
			return false;
		if (n->op < OP_COUNT && is_access(n) && from & bit(ir_address_reg(n)))
			return true;
		ir_effects(n, &e);
		from = e.use & from ? from | e.def : from & (uint16_t)~e.def;
		i++;
	}
	return false;
}

/* The arm's own form is kept beside the list, for lowering. */
static int keep_arm(struct ir *ir, struct node *select, const struct node *arm)
{
	UA_TRY(UA_GROW(&ir->cold, &ir->cold_cap, ir->n_cold + 1));
	select->cold = (uint32_t)ir->n_cold;
	ir->cold[ir->n_cold++] = *arm;
	return 0;
}

/*
 * if cond goto L; d = arm; L:      also where the arm ends in goto L.
 * The place of the arm takes the whole, the jump goes.
 */
static int fuse_select(const struct span *s, uint32_t i)
{
	struct node *jump = span_at(s, i), *arm, copy;
	struct effects e;
	uint32_t k = skip_nops(s, i + 1), end;

	if (!is_jcond(jump) || k + 1 >= s->f->end)
		return 0;
	arm = span_at(s, k);
	if (arm->flags & NODE_LABEL || !is_cheap_arm(arm))
		return 0;
	end = skip_nops(s, k + 1);
	if (jump->target != end && skip_nops(s, jump->target) != end &&
	    !((span_at(s, end)->op == OP_JA || span_at(s, end)->op == OP_JA32) &&
	      span_at(s, end)->target == jump->target && !(span_at(s, end)->flags & NODE_LABEL)))
		return 0;
	if (feeds_address(s, end, arm->dst))
		return 0;
	copy = *arm;
	ir_effects(&copy, &e);
	arm->zero_arm = e.zero_hi;
	arm->op = N_SELECT;
	arm->src = copy.op == OP_LDIMM64 || op_info[copy.op].kind == K_ALU_K ? NO_REG : copy.src;
	arm->cond = jump->op;
	arm->x = jump->dst;
	arm->y = op_info[jump->op].kind == K_JCOND_X ? jump->src : NO_REG;
	arm->off = jump->off;
	arm->negated = jump->negated;
	remove_node(jump);
	return keep_arm(s->ir, arm, &copy);
}

int fuse_selects(const struct span *s)
{
	for (uint32_t i = s->f->first; i < s->f->end; i++)
		UA_TRY(fuse_select(s, i));
	return 0;
}

/* -- Jumps ---------------------------------------------------------------- */

/* if cond goto L; goto M; L:      becomes     if !cond goto M; L: */
void fuse_jumps(const struct span *s)
{
	for (uint32_t i = s->f->first; i + 2 < s->f->end; i++) {
		struct node *jump = span_at(s, i), *ja;
		uint32_t k = skip_nops(s, i + 1);

		if (!is_jcond(jump) || k + 1 >= s->f->end)
			continue;
		ja = span_at(s, k);
		if ((ja->op != OP_JA && ja->op != OP_JA32) || ja->flags & NODE_LABEL ||
		    skip_nops(s, k + 1) != skip_nops(s, jump->target))
			continue;
		jump->negated = !jump->negated;
		jump->target = ja->target;
		remove_node(ja);
	}
}
