/* SPDX-License-Identifier: BSD-2-Clause */
/* First stage: operations -> nodes, and what each function as a whole needs. */
#include "jit/ir.h"

/* -- What a node is ------------------------------------------------------- */

static enum op_kind kind_of(const struct node *n)
{
	return op_info[n->op].kind;
}

bool ir_is_jump(const struct node *n)
{
	if (n->op >= OP_COUNT)
		return false;
	switch (kind_of(n)) {
	case K_JA:
	case K_JCOND_K:
	case K_JCOND_X:
	case K_MAY_GOTO:
		return true;
	default:
		return false;
	}
}

bool ir_falls_through(const struct node *n)
{
	return n->op != OP_JA && n->op != OP_JA32 && n->op != OP_EXIT;
}

bool ir_is_arena_access(const struct node *n)
{
	return (n->op >= OP_ALDX8 && n->op <= OP_ASTX64) ||
	       (n->op >= OP_AA_ADD32 && n->op <= OP_ASTREL64);
}

static bool may_fault(const struct node *n)
{
	return ir_is_arena_access(n) || (n->op >= OP_PLDX8 && n->op <= OP_PLDSX32);
}

/* -- Nodes ---------------------------------------------------------------- */

/* Casts that only clear the upper half are moves. */
static bool is_plain_cast(const struct code *code, const struct op *op)
{
	return op->op == OP_CAST &&
	       (op->imm != BPF_CAST_USER || code->no_user_conv || !code->user_hi);
}

static int append(struct ir *ir, const struct op *op, uint32_t slot)
{
	UA_TRY(UA_GROW(&ir->nodes, &ir->cap, ir->n + 1));
	ir->nodes[ir->n++] = (struct node){
		.op = is_plain_cast(ir->code, op) ? OP_MOV32_X : op->op,
		.dst = op->dst,
		.src = op->src,
		.off = op->off,
		.imm = op->imm,
		.slot = slot,
		.x = NO_REG,
		.y = NO_REG,
	};
	return 0;
}

/* -- Inlining ------------------------------------------------------------- */

#define INLINE_MAX 16

/* Only computes, in caller-saved registers: nothing that could be reported from inside. */
static bool can_inline_op(const struct op *op)
{
	if (op->op == OP_PAD)
		return true;
	if (op->dst > BPF_REG_5 || (op->src > BPF_REG_5 && op->op != OP_LDIMM64))
		return false;
	switch (op_info[op->op].kind) {
	case K_ALU_K:
	case K_ALU_X:
	case K_UNARY:
	case K_MOVSX:
	case K_CAST:
		return true;
	case K_LDIMM64:
		return op->src != BPF_PSEUDO_FUNC;
	default:
		return false;
	}
}

/* A leaf without branches: worth more in place than the call of it. */
static bool can_inline(const struct code *code, const struct code_func *f)
{
	if (f->end - f->start > INLINE_MAX || code->ops[f->end - 1].op != OP_EXIT)
		return false;
	for (uint32_t i = f->start; i < f->end - 1; i++)
		if (!can_inline_op(&code->ops[i]))
			return false;
	return true;
}

static int append_inlined(struct ir *ir, const struct code_func *f)
{
	for (uint32_t i = f->start; i < f->end - 1; i++)
		if (ir->code->ops[i].op != OP_PAD)
			UA_TRY(append(ir, &ir->code->ops[i], i));
	return 0;
}

static int append_slot(struct ir *ir, uint32_t slot)
{
	const struct code *code = ir->code;
	const struct op *op = &code->ops[slot];

	if (op->op == OP_PAD)
		return 0;
	if (op->op == OP_CALL_LOCAL && can_inline(code, &code->funcs[op->imm]))
		return append_inlined(ir, &code->funcs[op->imm]);
	return append(ir, op, slot);
}

static int build_func(struct ir *ir, uint32_t f)
{
	const struct code *code = ir->code;
	struct node_func *nf = &ir->funcs[f];

	nf->first = (uint32_t)ir->n;
	for (uint32_t i = code->funcs[f].start; i < code->funcs[f].end; i++) {
		ir->node_of[i] = (uint32_t)ir->n;
		UA_TRY(append_slot(ir, i));
	}
	nf->end = (uint32_t)ir->n;
	for (uint32_t i = nf->first; i < nf->end; i++) {
		struct node *n = &ir->nodes[i];

		if (ir_is_jump(n))
			n->target = ir->node_of[n->imm];
	}
	return 0;
}

/* A jump to an unconditional jump goes on to that one's target. */
static void thread_jumps(struct ir *ir, const struct node_func *nf)
{
	for (uint32_t i = nf->first; i < nf->end; i++) {
		struct node *n = &ir->nodes[i];

		if (!ir_is_jump(n) || n->op == OP_MAY_GOTO)
			continue;
		for (int hops = 0; hops < 8; hops++) {
			const struct node *t = &ir->nodes[n->target];

			if ((t->op != OP_JA && t->op != OP_JA32) || t->target == n->target)
				break;
			n->target = t->target;
		}
	}
}

/* -- Properties of functions ---------------------------------------------- */

static void note_call(struct ir *ir, struct node_func *nf, const struct node *n)
{
	nf->calls = nf->framed = true;
	if (n->op == OP_CALL_LOCAL)
		return;
	nf->calls_host = nf->clobbers_budget = true;
	if (n->op == OP_CALL_KFUNC)
		nf->arena |= ir->code->kcalls[n->imm].has_arena_args;
	if (n->op == OP_CALL_HELPER && n->imm == CODE_TAIL_CALL)
		nf->tail_calls = nf->tail_calls_below = true;
}

static void note_node(struct ir *ir, struct node_func *nf, const struct node *n)
{
	struct effects e;

	ir_effects(n, &e);
	nf->saved |= e.def & (bit(6) | bit(7) | bit(8) | bit(9));
	if ((e.use | e.def) & bit(BPF_REG_FP))
		nf->framed = true;
	if (may_fault(n))
		nf->framed = true;
	nf->arena |= ir_is_arena_access(n);
	if (n->op == OP_MAY_GOTO)
		nf->uses_budget = nf->clobbers_budget = nf->framed = true;
	if (n->op < OP_COUNT && kind_of(n) == K_CALL)
		note_call(ir, nf, n);
	if (n->op < OP_COUNT && kind_of(n) == K_LDPKT)
		nf->calls_host = nf->clobbers_budget = nf->framed = true;
	if (n->op == OP_LDIMM64 && n->src == BPF_PSEUDO_FUNC)
		ir->funcs[n->imm].host_entry = true;
}

static bool inherit(bool *mine, bool theirs)
{
	bool changed = theirs && !*mine;

	*mine |= theirs;
	return changed;
}

/* What callees need their callers need too. Calls do not recurse, so this settles. */
static bool spread_once(struct ir *ir, struct node_func *nf)
{
	bool changed = false;

	for (uint32_t i = nf->first; nf->calls && i < nf->end; i++) {
		const struct node *n = &ir->nodes[i];
		const struct node_func *callee;

		if (n->op != OP_CALL_LOCAL)
			continue;
		callee = &ir->funcs[n->imm];
		changed |= inherit(&nf->arena, callee->arena);
		changed |= inherit(&nf->clobbers_budget, callee->clobbers_budget);
		changed |= inherit(&nf->tail_calls_below, callee->tail_calls_below);
	}
	return changed;
}

static void spread(struct ir *ir)
{
	bool changed = true;

	while (changed) {
		changed = false;
		for (uint32_t f = 0; f < ir->code->n_funcs; f++)
			changed |= spread_once(ir, &ir->funcs[f]);
	}
}

static void note_functions(struct ir *ir)
{
	for (uint32_t f = 0; f < ir->code->n_funcs; f++) {
		struct node_func *nf = &ir->funcs[f];

		nf->host_entry |= f == 0 || ir->code->funcs[f].is_callback;
		for (uint32_t i = nf->first; i < nf->end; i++)
			note_node(ir, nf, &ir->nodes[i]);
	}
	spread(ir);
}

int ir_build(struct ir *ir, const struct code *code)
{
	*ir = (struct ir){.code = code};
	ir->funcs = mem_calloc(code->n_funcs, sizeof(*ir->funcs));
	ir->node_of = mem_calloc(code->n_ops, sizeof(*ir->node_of));
	UA_FAIL_IF(!ir->funcs || !ir->node_of, -ENOMEM);
	for (uint32_t f = 0; f < code->n_funcs; f++)
		UA_TRY(build_func(ir, f));
	for (uint32_t f = 0; f < code->n_funcs; f++)
		thread_jumps(ir, &ir->funcs[f]);
	note_functions(ir);
	return 0;
}

void ir_free(struct ir *ir)
{
	mem_free(ir->nodes);
	mem_free(ir->cold);
	mem_free(ir->funcs);
	mem_free(ir->node_of);
}
