/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * x86-64: nodes -> bytes. One file for each kind of node:
 *
 *   x86_64_alu.c     arithmetic, immediates, fused operations
 *   x86_64_memory.c  loads, stores, atomics
 *   x86_64_flow.c    jumps, may_goto, calls
 *   x86_64_lower.c   functions, frames, host calls
 *
 * Frame of a function that needs one (calls, may_goto, faulting accesses, use of r10):
 *
 *   rbp + 8          return address
 *   rbp              caller's rbp; r10 of BPF points here
 *   rbp - depth      end of the BPF stack
 *   below            clock of may_goto, saved budget, saved context (tail calls), padding
 *   rsp              saved registers; rsp stays put in the body, 16-byte aligned
 *
 * Requirements on every sequence:
 *   - A faulting access is one instruction with one exception entry, has changed nothing
 *     when it faults, and its address register still holds the pointer. A sequence that needs
 *     more than one (fetching and/or/xor) undoes itself in a cold path.
 *   - T1 and T2 hold nothing across nodes, but for the low half of j->t1_low in T1.
 *   - rsp and rbp are those of the frame at every call and every may_goto, because the
 *     backtrace computes one from the other.
 */
#ifndef UA_JIT_X86_64_LOWER_H
#define UA_JIT_X86_64_LOWER_H

#include "jit/target.h"
#include "jit/x86_64_emit.h"

#include "arena/run.h"

/* Of the processor, as far as sequences depend on it. */
extern struct x86_features {
	bool bmi1, bmi2;
} x86_features;

static inline uint8_t native(uint8_t reg)
{
	return native_reg[reg];
}

static inline const struct node *cur_node(const struct jit *j)
{
	return &j->ir.nodes[j->cur];
}

static inline const struct node_func *cur_func(const struct jit *j)
{
	return &j->ir.funcs[j->func];
}

/* -- Frames --------------------------------------------------------------- */

static inline int32_t slot_since(const struct jit *j)
{
	return -(int32_t)(j->code->funcs[j->func].stack_depth + 8);
}

static inline int32_t slot_budget(const struct jit *j)
{
	return slot_since(j) - 8;
}

static inline int32_t slot_ctx(const struct jit *j)
{
	return slot_since(j) - (cur_func(j)->uses_budget ? 16 : 0);
}

static inline struct mem frame_mem(int32_t disp)
{
	return (struct mem){RBP, NO_REG, 0, disp};
}

/* Everything of the epilogue but the return itself. */
void emit_leave(struct jit *j);

/* -- Arithmetic (x86_64_alu.c) -------------------------------------------- */

uint8_t emit_blind_imm(struct jit *j, int32_t imm);
void emit_imm64(struct jit *j, uint8_t dst, uint64_t imm);
uint32_t emit_local_jump(struct jit *j, uint8_t opcode);
void emit_local_land(struct jit *j, uint32_t from);
void lower_alu(struct jit *j, const struct node *n);
void lower_unary(struct jit *j, const struct node *n);
void lower_movsx(struct jit *j, const struct node *n);
void lower_cast(struct jit *j, const struct node *n);
void lower_ldimm64(struct jit *j, const struct node *n);
void lower_fused(struct jit *j, const struct node *n);

/* -- Memory (x86_64_memory.c) --------------------------------------------- */

enum load_kind { LOAD_U8, LOAD_U16, LOAD_U32, LOAD_U64, LOAD_S8, LOAD_S16, LOAD_S32 };

void emit_load(struct jit *j, enum load_kind kind, uint8_t dst, struct mem m);
void emit_store_reg(struct jit *j, unsigned log2, uint8_t src, struct mem m);
void lower_memory(struct jit *j, const struct node *n);
void lower_ordered(struct jit *j, const struct node *n);
void lower_cold_fetch_loop(struct jit *j, const struct node *n);
void lower_atomic(struct jit *j, const struct node *n);

/* -- Control flow (x86_64_flow.c) ----------------------------------------- */

uint8_t lower_cond_cc(uint16_t op);
void emit_compare(struct jit *j, uint16_t op, uint8_t a, uint8_t b, int32_t imm);
void lower_jcond(struct jit *j, const struct node *n);
void lower_may_goto(struct jit *j);
void lower_cold_may_goto(struct jit *j, const struct node *n);
void emit_may_goto_thunk(struct jit *j);
void lower_packet(struct jit *j, const struct node *n);
void lower_call(struct jit *j, const struct node *n);

#endif
