/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * x86-64: registers and encodings.
 *
 *   BPF      r0   r1   r2   r3   r4   r5  r6   r7   r8   r9   r10
 *   native   rax  rdi  rsi  rdx  rcx  r8  rbx  r13  r14  r15  rbp
 *
 *   r12  window base, loaded by functions that host code enters, constant below them
 *   r9   loop budget of the running frame, in functions that use may_goto
 *   r11  T1: zero-extended arena address, blinded immediate, divisor
 *   r10  T2: value temporary
 *
 * Arguments sit where the System V ABI wants them, so that helpers are called without a move.
 */
#ifndef UA_JIT_X86_64_TARGET_H
#define UA_JIT_X86_64_TARGET_H

#include <stdint.h>

enum {
	RAX,
	RCX,
	RDX,
	RBX,
	RSP,
	RBP,
	RSI,
	RDI,
	R8,
	R9,
	R10,
	R11,
	R12,
	R13,
	R14,
	R15,
};

#define BASE R12
#define BUDGET R9
#define T1 R11
#define T2 R10

static const uint8_t native_reg[11] = {RAX, RDI, RSI, RDX, RCX, R8, RBX, R13, R14, R15, RBP};

/* Condition codes, as in jcc, setcc and cmovcc. Flipping bit 0 negates. */
enum {
	CC_B = 2,
	CC_AE,
	CC_E,
	CC_NE,
	CC_BE,
	CC_A,
	CC_S,
	CC_NS,
	CC_L = 12,
	CC_GE,
	CC_LE,
	CC_G,
};

/* /n of the immediate group 81, and opcode bits 3..5 of the register forms. */
enum alu_op { ALU_ADD, ALU_OR, ALU_AND = 4, ALU_SUB, ALU_XOR, ALU_CMP };
enum shift_op { SHIFT_ROL, SHIFT_SHL = 4, SHIFT_SHR, SHIFT_SAR = 7 };

#define HOST_CALL_SIZE 6

struct mem {
	uint8_t base, index; /* NO_REG: none; index never rsp */
	uint8_t scale;	     /* log2 */
	int32_t disp;
};

#endif
