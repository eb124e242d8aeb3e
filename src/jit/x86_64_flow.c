/* SPDX-License-Identifier: BSD-2-Clause */
/* x86-64: jumps, loops that may be cut off, and calls of functions, helpers and kfuncs. */
#include "jit/x86_64_lower.h"

/* -- Jumps ---------------------------------------------------------------- */

static const uint8_t jump_cc[] = {CC_E, CC_NE, CC_A, CC_AE, CC_B, CC_BE,
				  CC_G, CC_GE, CC_L, CC_LE, CC_NE};

uint8_t lower_cond_cc(uint16_t op)
{
	return jump_cc[(op - OP_JEQ64_K) / 4];
}

/* Set the flags for conditional operation `op` on a and b (or the immediate). */
void emit_compare(struct jit *j, uint16_t op, uint8_t a, uint8_t b, int32_t imm)
{
	unsigned w = (op - OP_JEQ64_K) % 4 < 2;
	bool is_x = op_info[op].kind == K_JCOND_X;
	bool is_set = op >= OP_JSET64_K;

	if (!is_x && j->code->blind)
		b = emit_blind_imm(j, imm);
	else if (is_x)
		b = native(b);
	a = native(a);
	if (is_x || j->code->blind) {
		if (is_set)
			emit_test_rr(j, w, a, b);
		else
			emit_alu_rr(j, w, ALU_CMP, a, b);
	} else if (is_set) {
		emit_test_ri(j, w, a, imm);
	} else if (!imm) {
		emit_test_rr(j, w, a, a);
	} else {
		emit_alu_ri(j, w, ALU_CMP, a, imm);
	}
}

void lower_jcond(struct jit *j, const struct node *n)
{
	emit_compare(j, n->op, n->dst, n->src, n->off);
	emit_jcc(j, lower_cond_cc(n->op) ^ n->negated, n->target);
}

/* Count 0 goes to -1 and 1 to 0: both leave the fast path; which one it was is seen there. */
void lower_may_goto(struct jit *j)
{
	uint32_t entry = asm_label_new(j), back = asm_label_new(j);

	emit_rr(j, 0, 0xff, 1, BUDGET); /* dec */
	emit_jcc(j, CC_LE, entry);
	asm_label_here(j, back);
	asm_cold(j, j->cur, entry, back);
}

void lower_cold_may_goto(struct jit *j, const struct node *n)
{
	uint32_t reload;

	emit_test_rr(j, 0, BUDGET, BUDGET);
	reload = emit_local_jump(j, 0x70 | CC_E);
	emit_mov_imm(j, BUDGET, 0);
	put1(j, 0xe9);
	asm_reference(j, n->target, 4, NO_JUMP);
	emit_local_land(j, reload);
	emit_lea(j, 1, T1, frame_mem(slot_since(j)));
	emit_call(j, j->thunk_label);
}

/* Reload the budget: T1 points to the clock; every register but T1, T2 and BUDGET survives. */
void emit_may_goto_thunk(struct jit *j)
{
	static const uint8_t keep[] = {RAX, RDI, RSI, RDX, RCX, R8};

	emit_lea(j, 1, T2, (struct mem){RSP, NO_REG, 0, 8});
	put1(j, 0x64);
	emit_rm(j, 1, 0x8b, BUDGET,
		(struct mem){NO_REG, NO_REG, 0, (int32_t)target_run_top_offset});
	emit_store_reg(j, 3, T2, (struct mem){BUDGET, NO_REG, 0, offsetof(struct run, exit_fp)});
	for (size_t i = 0; i < ARRAY_SIZE(keep); i++)
		emit_push(j, keep[i]);
	emit_alu_ri(j, 1, ALU_SUB, RSP, 8);
	emit_mov(j, 1, RDI, T1);
	asm_host_call(j, (const void *)run_may_goto);
	emit_mov(j, 0, BUDGET, RAX);
	emit_alu_ri(j, 1, ALU_ADD, RSP, 8);
	for (size_t i = ARRAY_SIZE(keep); i-- > 0;)
		emit_pop(j, keep[i]);
	put1(j, 0xc3);
}

/* -- Calls ---------------------------------------------------------------- */

static void emit_budget(struct jit *j, bool save)
{
	if (cur_func(j)->uses_budget)
		emit_rm(j, 0, save ? 0x89 : 0x8b, BUDGET, frame_mem(slot_budget(j)));
}

/* The run record of this thread into T1. */
static void emit_load_run(struct jit *j)
{
	put1(j, 0x64); /* fs: */
	emit_rm(j, 1, 0x8b, T1, (struct mem){NO_REG, NO_REG, 0, (int32_t)target_run_top_offset});
}

/* Host code is entered with the exit noted in the run record, for stack dumps. */
static void emit_host_call(struct jit *j, const void *fn)
{
	emit_load_run(j);
	emit_store_reg(j, 3, RSP, (struct mem){T1, NO_REG, 0, offsetof(struct run, exit_fp)});
	emit_budget(j, true);
	asm_host_call(j, fn);
	emit_budget(j, false);
}

static void emit_arena_arg(struct jit *j, uint8_t reg, enum karg_conv conv)
{
	if (conv == KARG_PLAIN)
		return;
	emit_mov(j, 0, reg, reg);
	if (conv == KARG_ARENA) {
		emit_alu_rr(j, 1, ALU_ADD, reg, BASE);
		return;
	}
	emit_lea(j, 1, T1, (struct mem){BASE, reg, 0, 0});
	emit_test_rr(j, 0, reg, reg);
	emit_cmov(j, 1, CC_NE, reg, T1);
}

static void emit_normalise(struct jit *j, enum kret_conv ret)
{
	switch (ret) {
	case KRET_S32:
		emit_rr(j, 1, 0x63, RAX, RAX);
		break;
	case KRET_U32:
		emit_mov(j, 0, RAX, RAX);
		break;
	case KRET_S16:
		emit_rr(j, 1, 0x0fbf, RAX, RAX);
		break;
	case KRET_U16:
		emit_rr(j, 0, 0x0fb7, RAX, RAX);
		break;
	case KRET_S8:
		emit_rr(j, 1, 0x0fbe, RAX, RAX);
		break;
	case KRET_U8:
	case KRET_BOOL:
		emit_rr(j, 0, 0x0fb6, RAX, RAX);
		break;
	case KRET_VOID:
		emit_mov_imm(j, RAX, 0);
		break;
	case KRET_U64:
		break;
	}
}

static void lower_kfunc(struct jit *j, const struct node *n)
{
	const struct code_kcall *k = &j->code->kcalls[n->imm];

	for (uint8_t i = 0; k->has_arena_args && i < 5; i++)
		emit_arena_arg(j, native(BPF_REG_1 + i), (enum karg_conv)k->conv[i]);
	emit_host_call(j, (const void *)k->fn);
	emit_normalise(j, (enum kret_conv)k->ret);
}

/* Leave this frame for the other program's first function, with this one's context. */
static void lower_tail_call(struct jit *j, const struct node *n)
{
	uint32_t miss = asm_label_new(j);

	emit_store_reg(j, 3, RDI, frame_mem(slot_ctx(j)));
	emit_host_call(j, (const void *)j->code->helper_fns[n->imm]);
	emit_test_rr(j, 1, RAX, RAX);
	emit_jcc(j, CC_E, miss);
	emit_load(j, LOAD_U64, RDI, frame_mem(slot_ctx(j)));
	emit_load(j, LOAD_U64, RAX, (struct mem){RAX, NO_REG, 0, offsetof(struct code, funcs)});
	emit_load(j, LOAD_U64, RAX,
		  (struct mem){RAX, NO_REG, 0, offsetof(struct code_func, entry)});
	emit_leave(j);
	emit_rr(j, 0, 0xff, 4, RAX);
	asm_label_here(j, miss);
}

/* The callee may have gone on in another program; from here on faults are this one's again. */
static void emit_restore_code(struct jit *j)
{
	emit_load_run(j);
	emit_mov_imm(j, T2, (uintptr_t)j->code);
	emit_store_reg(j, 3, T2, (struct mem){T1, NO_REG, 0, offsetof(struct run, code)});
	emit_mov_imm(j, T2, (uintptr_t)j->code->arena);
	emit_store_reg(j, 3, T2, (struct mem){T1, NO_REG, 0, offsetof(struct run, arena)});
}

static void lower_local_call(struct jit *j, const struct node *n)
{
	const struct node_func *callee = &j->ir.funcs[n->imm];

	if (callee->clobbers_budget)
		emit_budget(j, true);
	emit_call(j, asm_func_label(j, (uint32_t)n->imm));
	if (callee->clobbers_budget)
		emit_budget(j, false);
	if (callee->tail_calls_below)
		emit_restore_code(j);
}

/* Value of a packet's bytes, or -1 where the packet ends before them. */
static int64_t load_packet(uint64_t ctx, uint64_t off, uint64_t size)
{
	struct run *run = run_top;
	uint64_t val = 0;

	if (!run->hooks || !run->hooks->load_packet ||
	    !run->hooks->load_packet(run, ctx, (int32_t)off, (uint32_t)size, &val))
		return -1;
	return (int64_t)val;
}

/* Outside the packet: the function returns 0. */
void lower_packet(struct jit *j, const struct node *n)
{
	uint32_t found = asm_label_new(j);

	if (n->op >= OP_LDIND8)
		emit_lea(j, 0, RSI, (struct mem){native(n->src), NO_REG, 0, (int32_t)n->imm});
	else
		emit_mov_imm(j, RSI, (uint32_t)n->imm);
	emit_mov(j, 1, RDI, native(BPF_REG_6));
	emit_mov_imm(j, RDX, bpf_size_bytes(op_info[n->op].code));
	emit_host_call(j, (const void *)load_packet);
	emit_test_rr(j, 1, RAX, RAX);
	emit_jcc(j, CC_NS, found);
	emit_mov_imm(j, RAX, 0);
	emit_leave(j);
	put1(j, 0xc3);
	asm_label_here(j, found);
}

void lower_call(struct jit *j, const struct node *n)
{

	if (n->op == OP_CALL_KFUNC) {
		lower_kfunc(j, n);
	} else if (n->op == OP_CALL_HELPER) {
		if (n->imm == CODE_TAIL_CALL)
			lower_tail_call(j, n);
		else
			emit_host_call(j, (const void *)j->code->helper_fns[n->imm]);
	} else {
		lower_local_call(j, n);
	}
}
