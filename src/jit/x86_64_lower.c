/* SPDX-License-Identifier: BSD-2-Clause */
/* x86-64: functions and their frames, calls of the host, and where a stopped program is. */
#include "jit/x86_64_lower.h"

#include "arena/arena.h"
#include "arena/run.h"

#include <ucontext.h>

intptr_t target_run_top_offset;
struct x86_features x86_features;

static const uint8_t saved_regs[] = {6, 7, 8, 9};

/* -- Frames --------------------------------------------------------------- */

static bool loads_base(const struct node_func *f)
{
	return f->host_entry && f->arena;
}

static uint32_t saved_count(const struct node_func *f)
{
	return (uint32_t)__builtin_popcount(f->saved) + loads_base(f);
}

static uint32_t frame_size(const struct jit *j)
{
	const struct node_func *f = cur_func(j);
	uint32_t size = j->code->funcs[j->func].stack_depth + 8 * saved_count(f);

	size += (f->uses_budget ? 16 : 0) + (f->tail_calls ? 8 : 0);
	return f->framed ? (size + 15) & ~15u : 0;
}

static void emit_prologue(struct jit *j)
{
	const struct node_func *f = cur_func(j);
	uint32_t gap = frame_size(j) - 8 * saved_count(f);

	if (f->host_entry)
		put4(j, 0xfa1e0ff3); /* endbr64 */
	if (f->framed) {
		emit_push(j, RBP);
		emit_mov(j, 1, RBP, RSP);
		if (gap)
			emit_alu_ri(j, 1, ALU_SUB, RSP, (int32_t)gap);
	}
	for (size_t i = 0; i < ARRAY_SIZE(saved_regs); i++)
		if (f->saved & bit(saved_regs[i]))
			emit_push(j, native(saved_regs[i]));
	if (loads_base(f)) {
		emit_push(j, BASE);
		emit_mov_imm(j, BASE, (uintptr_t)arena_window_base(j->code->arena));
	}
	if (f->uses_budget) {
		emit_mov_imm(j, BUDGET, RUN_MAY_GOTO_COUNT);
		emit_rm(j, 1, 0xc7, 0, frame_mem(slot_since(j)));
		put4(j, 0);
	}
}

/* Everything of the epilogue but the return itself. */
void emit_leave(struct jit *j)
{
	const struct node_func *f = cur_func(j);

	if (loads_base(f))
		emit_pop(j, BASE);
	for (size_t i = ARRAY_SIZE(saved_regs); i-- > 0;)
		if (f->saved & bit(saved_regs[i]))
			emit_pop(j, native(saved_regs[i]));
	if (!f->framed)
		return;
	if (frame_size(j) == 8 * saved_count(f))
		emit_pop(j, RBP);
	else
		put1(j, 0xc9); /* leave */
}

/* -- Functions ------------------------------------------------------------ */

static void lower_node(struct jit *j, const struct node *n)
{
	if (n->op >= OP_COUNT) {
		lower_fused(j, n);
		return;
	}
	switch (op_info[n->op].kind) {
	case K_ALU_K:
	case K_ALU_X:
		lower_alu(j, n);
		break;
	case K_UNARY:
		lower_unary(j, n);
		break;
	case K_MOVSX:
		lower_movsx(j, n);
		break;
	case K_CAST:
		lower_cast(j, n);
		break;
	case K_LDIMM64:
		lower_ldimm64(j, n);
		break;
	case K_LDX:
	case K_ST:
	case K_STX:
		lower_memory(j, n);
		break;
	case K_ATOMIC:
		lower_atomic(j, n);
		break;
	case K_LDACQ:
	case K_STREL:
		lower_ordered(j, n);
		break;
	case K_JA:
		if (n->target != j->cur + 1)
			emit_jmp(j, n->target);
		break;
	case K_JCOND_K:
	case K_JCOND_X:
		lower_jcond(j, n);
		break;
	case K_MAY_GOTO:
		lower_may_goto(j);
		break;
	case K_CALL:
		lower_call(j, n);
		break;
	case K_EXIT:
		emit_leave(j);
		put1(j, 0xc3);
		break;
	case K_LDPKT:
		lower_packet(j, n);
		break;
	}
}

/* Whether T1 still holds what it did before node `n`. */
static bool keeps_t1(const struct jit *j, const struct node *n)
{
	struct effects e;

	ir_effects(n, &e);
	if (e.def & bit(j->t1_low) || j->code->blind)
		return false;
	if (n->op >= OP_COUNT)
		return n->op != N_ANDN64 && n->op != N_ANDN32;
	switch (op_info[n->op].kind) {
	case K_LDX:
	case K_ST:
	case K_STX:
	case K_JCOND_K:
	case K_JCOND_X:
		return true;
	case K_ALU_K:
	case K_ALU_X:
		return n->op < OP_DIV64_K || (n->op >= OP_OR64_K && n->op <= OP_XOR32_X) ||
		       n->op >= OP_MOV64_K;
	default:
		return false;
	}
}

static void emit_cold_paths(struct jit *j)
{
	for (size_t i = 0; i < j->n_cold; i++) {
		const struct cold_path *c = &j->cold[i];
		const struct node *n = &j->ir.nodes[c->node];

		j->cur = c->node;
		asm_label_here(j, c->entry);
		asm_mark_slot(j, n->slot);
		if (n->op == OP_MAY_GOTO)
			lower_cold_may_goto(j, n);
		else
			lower_cold_fetch_loop(j, n);
		emit_jmp(j, c->back);
	}
	j->n_cold = 0;
}

/* A pointer with the window base in it. */
static void lower_rebased(struct jit *j, const struct node *n)
{
	uint8_t d = native(n->dst), s = native(n->src);

	if (n->op != OP_MOV32_X) {
		lower_node(j, n);
		emit_alu_rr(j, 1, ALU_ADD, d, BASE);
		return;
	}
	if (!(j->zx & bit(n->src))) {
		emit_mov(j, 0, T1, s);
		j->t1_low = NO_REG;
		s = T1;
	}
	emit_lea(j, 1, d, (struct mem){BASE, s, 0, 0});
}

static void emit_nops(struct jit *j, uint32_t n)
{
	static const uint8_t nop[9][9] = {
		{0x90},
		{0x66, 0x90},
		{0x0f, 0x1f, 0x00},
		{0x0f, 0x1f, 0x40, 0x00},
		{0x0f, 0x1f, 0x44, 0x00, 0x00},
		{0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00},
		{0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00},
		{0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
		{0x66, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
	};

	while (n) {
		uint32_t k = min_t(uint32_t, n, 9);

		for (uint32_t i = 0; i < k; i++)
			put1(j, nop[k - 1][i]);
		n -= k;
	}
}

void target_emit_func(struct jit *j, uint32_t func)
{
	const struct node_func *f = &j->ir.funcs[func];

	j->func = func;
	j->frame_size[func] = frame_size(j);
	j->zx = 0;
	j->t1_low = NO_REG;
	asm_label_here(j, asm_func_label(j, func));
	asm_mark_slot(j, j->code->funcs[func].start);
	emit_prologue(j);
	for (uint32_t i = f->first; i < f->end; i++) {
		const struct node *n = &j->ir.nodes[i];

		j->cur = i;
		if (n->flags & NODE_LABEL)
			j->t1_low = NO_REG;
		j->zx = n->flags & NODE_LABEL ? n->zx : (uint16_t)(j->zx | n->zx);
		if (n->flags & NODE_LOOP)
			emit_nops(j, asm_loop_padding(j, i));
		asm_label_here(j, i);
		asm_mark_slot(j, n->slot);
		if (n->rebase)
			lower_rebased(j, n);
		else
			lower_node(j, n);
		if (j->t1_low != NO_REG && !keeps_t1(j, n))
			j->t1_low = NO_REG;
		j->zx = ir_zero_after(n, j->zx);
	}
	emit_cold_paths(j);
}

void target_emit_shared(struct jit *j)
{
	asm_label_here(j, j->thunk_label);
	asm_mark_slot(j, UINT32_MAX);
	emit_may_goto_thunk(j);
}

bool target_available(void)
{
	target_run_top_offset = (intptr_t)((char *)&run_top - (char *)__builtin_thread_pointer());
	x86_features.bmi1 = __builtin_cpu_supports("bmi");
	x86_features.bmi2 = __builtin_cpu_supports("bmi2");
	return true;
}

/* -- Host calls ----------------------------------------------------------- */

/* call [rip + literal]; becomes a direct call where the distance allows. */
void asm_host_call(struct jit *j, const void *fn)
{
	ASM_PUSH(j, calls, {(uint32_t)j->n, fn});
	put1(j, 0xff);
	put1(j, 0x15);
	put4(j, 0);
}

uint32_t target_literals_size(const struct jit *j)
{
	return (uint32_t)(8 * j->n_calls + 7);
}

void target_finish(struct jit *j, uintptr_t addr)
{
	size_t pool = (j->n + 7) & ~(size_t)7;

	for (size_t i = 0; i < j->n_calls; i++) {
		const struct host_call *c = &j->calls[i];
		uint32_t end = c->at + HOST_CALL_SIZE;
		int64_t rel = (int64_t)((uintptr_t)c->fn - (addr + end));
		uint64_t fn = (uintptr_t)c->fn;

		if (rel == (int32_t)rel) {
			j->buf[c->at] = 0x40; /* empty REX */
			j->buf[c->at + 1] = 0xe8;
		} else {
			rel = (int64_t)(pool + 8 * i) - end;
			memcpy(j->buf + pool + 8 * i, &fn, 8);
		}
		memcpy(j->buf + c->at + 2, &(int32_t){(int32_t)rel}, 4);
	}
}

/* -- Stopped programs ----------------------------------------------------- */

void target_fault_state(const void *uc, uintptr_t *pc, uintptr_t *fp)
{
	const ucontext_t *u = uc;

	*pc = (uintptr_t)u->uc_mcontext.gregs[REG_RIP];
	*fp = (uintptr_t)u->uc_mcontext.gregs[REG_RBP];
}

uintptr_t target_exit_pc(const void *exit_sp)
{
	return ((const uintptr_t *)exit_sp)[-1];
}

uintptr_t target_exit_fp(const void *exit_sp, uint32_t frame_bytes)
{
	return (uintptr_t)exit_sp + frame_bytes;
}

void target_caller(uintptr_t *pc, uintptr_t *fp)
{
	const uintptr_t *frame = (const uintptr_t *)*fp;

	*pc = frame[1];
	*fp = frame[0];
}
