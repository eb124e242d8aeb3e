/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Third stage: several nodes become one.
 *
 * Each pass looks for a last node (the or of a rotate, the add behind a copy, ...) and walks
 * back to the nodes that feed it. What is removed must be dead: nothing between reads it, and
 * nothing behind the last node does. All looking back stays inside a stretch without labels
 * and jumps, see rule 3 in ir.h. Facts are computed anew after each pass.
 */
#include "jit/fuse.h"

/* -- Looking around ------------------------------------------------------- */

static bool defines(const struct node *n, uint8_t reg)
{
	struct effects e;

	ir_effects(n, &e);
	return e.def & bit(reg);
}

static bool reads(const struct node *n, uint8_t reg)
{
	struct effects e;

	ir_effects(n, &e);
	return e.use & bit(reg);
}

/* Last node before `i` in this stretch that writes `reg`, or -1. */
int64_t span_def_before(const struct span *s, uint32_t i, uint8_t reg)
{
	for (uint32_t k = i; k > s->f->first && i - k < LOOK_BACK; k--) {
		if (span_at(s, k)->flags & NODE_LABEL || ir_is_jump(span_at(s, k - 1)))
			return -1;
		if (defines(span_at(s, k - 1), reg))
			return k - 1;
	}
	return -1;
}

bool span_read_between(const struct span *s, uint32_t from, uint32_t to, uint8_t reg)
{
	for (uint32_t k = from + 1; k < to; k++)
		if (reads(span_at(s, k), reg))
			return true;
	return false;
}

bool span_defined_between(const struct span *s, uint32_t from, uint32_t to, uint8_t reg)
{
	for (uint32_t k = from + 1; k < to; k++)
		if (defines(span_at(s, k), reg))
			return true;
	return false;
}

bool span_live_after(const struct span *s, uint32_t i, uint8_t reg)
{
	return span_at(s, i)->live & bit(reg);
}

/* The node that made dst of `i` and may be absorbed by it: nothing else reads it. */
struct node *span_feeder(const struct span *s, uint32_t i, uint8_t reg, int64_t *d)
{
	*d = span_def_before(s, i, reg);
	if (*d < 0 || span_read_between(s, (uint32_t)*d, i, reg))
		return NULL;
	return span_at(s, (uint32_t)*d);
}

bool span_is_copy(const struct node *n)
{
	return n->dst != n->src &&
	       (n->op == OP_MOV64_X || (n->op == OP_MOV32_X && n->zx & bit(n->src)));
}

/* -- Copies and dead code ------------------------------------------------- */

static bool replace(uint8_t *field, uint8_t from, uint8_t to)
{
	if (*field != from)
		return false;
	*field = to;
	return true;
}

/* Reads of `from` become reads of `to`, where the form has them apart from its result. */
static bool replace_reads(struct node *n, uint8_t from, uint8_t to)
{
	bool any = false;

	if (n->op >= OP_COUNT)
		return false;
	switch (op_info[n->op].kind) {
	case K_ALU_X:
	case K_MOVSX:
	case K_CAST:
	case K_LDX:
	case K_LDACQ:
		return replace(&n->src, from, to);
	case K_STX:
	case K_STREL:
	case K_JCOND_X:
		any = replace(&n->src, from, to);
		return replace(&n->dst, from, to) || any;
	case K_ST:
	case K_JCOND_K:
		return replace(&n->dst, from, to);
	default:
		return false;
	}
}

/* Behind d = s, s is read in place of d, as long as both keep their values. */
static void forward_copy(const struct span *s, uint32_t i)
{
	uint8_t d = span_at(s, i)->dst, src = span_at(s, i)->src;
	uint32_t live_to = i;

	for (uint32_t k = i + 1; k < s->f->end && k - i < LOOK_BACK; k++) {
		struct node *n = span_at(s, k);

		if (n->flags & NODE_LABEL)
			return;
		if (replace_reads(n, d, src))
			for (; live_to < k; live_to++) {
				span_at(s, live_to)->live |= bit(src);
				span_at(s, live_to)->live_hi |= bit(src);
			}
		if (defines(n, d) || defines(n, src))
			return;
	}
}

static bool has_only_result(const struct node *n)
{
	if (n->op >= OP_COUNT)
		return n->op >= N_ROL64 && n->op <= N_BLSR32;
	switch (op_info[n->op].kind) {
	case K_ALU_K:
	case K_ALU_X:
	case K_UNARY:
	case K_MOVSX:
	case K_CAST:
	case K_LDIMM64:
		return true;
	default:
		return false;
	}
}

static bool is_commutative(uint16_t op)
{
	switch ((op - OP_ADD64_K) / 4) {
	case (OP_ADD64_K - OP_ADD64_K) / 4:
	case (OP_MUL64_K - OP_ADD64_K) / 4:
	case (OP_OR64_K - OP_ADD64_K) / 4:
	case (OP_AND64_K - OP_ADD64_K) / 4:
	case (OP_XOR64_K - OP_ADD64_K) / 4:
		return true;
	default:
		return false;
	}
}

/* a op= b; b = a, with a dead behind: b op= a. */
static void turn_around(const struct span *s, uint32_t i)
{
	struct node *mov = span_at(s, i), *op;
	int64_t d = span_def_before(s, i, mov->src);

	if (mov->op != OP_MOV64_X || span_live_after(s, i, mov->src) || d < 0)
		return;
	op = span_at(s, (uint32_t)d);
	if (op->op >= OP_COUNT || op_info[op->op].kind != K_ALU_X || op->op >= OP_MOV64_K ||
	    !is_commutative(op->op) || op->src != mov->dst || op->dst == op->src)
		return;
	if (span_read_between(s, (uint32_t)d, i, mov->src) ||
	    span_read_between(s, (uint32_t)d, i, mov->dst) ||
	    span_defined_between(s, (uint32_t)d, i, mov->dst))
		return;
	op->src = op->dst;
	op->dst = mov->dst;
	remove_node(mov);
}

/* Values by number: a copy onto a register that already holds the value goes. */
static void drop_known_copies(const struct span *s)
{
	uint32_t value[MAX_BPF_REG], next = 0;

	for (uint32_t i = s->f->first; i < s->f->end; i++) {
		struct node *n = span_at(s, i);
		struct effects e;

		if (i == s->f->first || n->flags & NODE_LABEL)
			for (uint8_t r = 0; r < MAX_BPF_REG; r++)
				value[r] = next++;
		if (span_is_copy(n) && value[n->dst] == value[n->src])
			remove_node(n);
		ir_effects(n, &e);
		for (uint8_t r = 0; r < MAX_BPF_REG; r++)
			if (e.def & bit(r))
				value[r] = span_is_copy(n) ? value[n->src] : next++;
	}
}

static bool pass_copies(const struct span *s)
{
	bool any = false;

	for (uint32_t i = s->f->first; i < s->f->end; i++) {
		struct node *n = span_at(s, i);

		if (!span_is_copy(n))
			continue;
		any = true;
		turn_around(s, i);
		if (n->op != N_NOP)
			forward_copy(s, i);
	}
	return any;
}

static bool pass_dead(const struct span *s)
{
	bool any = false;

	for (uint32_t i = s->f->first; i < s->f->end; i++) {
		struct node *n = span_at(s, i);
		struct effects e;

		if (!has_only_result(n))
			continue;
		ir_effects(n, &e);
		if (!(e.def & n->live) || (n->op == OP_MOV64_X && n->dst == n->src)) {
			remove_node(n);
			any = true;
		}
	}
	return any;
}

/* -- All ------------------------------------------------------------------ */

int ir_fuse(struct ir *ir, const struct node_func *f)
{
	struct span s = {ir, f};

	UA_TRY(ir_flow(ir, f));
	fuse_jumps(&s);
	UA_TRY(ir_flow(ir, f));
	fuse_rotates(&s);
	UA_TRY(ir_flow(ir, f));
	drop_known_copies(&s);
	UA_TRY(ir_flow(ir, f));
	pass_copies(&s);
	UA_TRY(ir_flow(ir, f));
	pass_dead(&s);
	fuse_sums(&s);
	UA_TRY(ir_flow(ir, f));
	fuse_bits(&s);
	UA_TRY(ir_flow(ir, f));
	fuse_tests(&s);
	UA_TRY(ir_flow(ir, f));
	UA_TRY(fuse_selects(&s));
	UA_TRY(ir_flow(ir, f));
	while (pass_dead(&s))
		UA_TRY(ir_flow(ir, f));
	return 0;
}
