/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * x86-64: one function per instruction form. `w` selects 64-bit operands.
 *
 * Opcodes are given as numbers read left to right (0x0fb6); prefixes that must precede REX are
 * emitted by the caller through put1().
 */
#ifndef UA_JIT_X86_64_EMIT_H
#define UA_JIT_X86_64_EMIT_H

#include "jit/asm.h"
#include "jit/x86_64_target.h"

#define FORCE_REX 2 /* in `w`: byte operand, spl..dil need a REX prefix */

static inline void emit_opcode(struct jit *j, uint32_t op)
{
	if (op > 0xffff)
		put1(j, (uint8_t)(op >> 16));
	if (op > 0xff)
		put1(j, (uint8_t)(op >> 8));
	put1(j, (uint8_t)op);
}

static inline void emit_rex(struct jit *j, unsigned w, uint8_t reg, uint8_t index, uint8_t base)
{
	uint8_t rex = (uint8_t)((w & 1) << 3 | (reg >> 3) << 2 | (index >> 3) << 1 | base >> 3);

	if (rex || w & FORCE_REX)
		put1(j, 0x40 | rex);
}

static inline void emit_modrm_reg(struct jit *j, uint8_t reg, uint8_t rm)
{
	put1(j, (uint8_t)(0xc0 | (reg & 7) << 3 | (rm & 7)));
}

static inline void emit_modrm_mem(struct jit *j, uint8_t reg, struct mem m)
{
	uint8_t mod = 2, r = (uint8_t)((reg & 7) << 3);
	bool sib = m.index != NO_REG || m.base == NO_REG || (m.base & 7) == RSP;

	if (m.base == NO_REG)
		mod = 0;
	else if (!m.disp && (m.base & 7) != RBP)
		mod = 0;
	else if (m.disp == (int8_t)m.disp)
		mod = 1;
	put1(j, (uint8_t)(mod << 6 | r | (sib ? 4 : m.base & 7)));
	if (sib)
		put1(j, (uint8_t)(m.scale << 6 | (m.index == NO_REG ? 4 : m.index & 7) << 3 |
				  (m.base == NO_REG ? 5 : m.base & 7)));
	if (mod == 1)
		put1(j, (uint8_t)m.disp);
	else if (mod == 2 || m.base == NO_REG)
		put4(j, (uint32_t)m.disp);
}

/* op reg, rm with a register as rm. */
static inline void emit_rr(struct jit *j, unsigned w, uint32_t op, uint8_t reg, uint8_t rm)
{
	emit_rex(j, w, reg, 0, rm);
	emit_opcode(j, op);
	emit_modrm_reg(j, reg, rm);
}

/* op reg, [mem] */
static inline void emit_rm(struct jit *j, unsigned w, uint32_t op, uint8_t reg, struct mem m)
{
	emit_rex(j, w, reg, m.index == NO_REG ? 0 : m.index, m.base == NO_REG ? 0 : m.base);
	emit_opcode(j, op);
	emit_modrm_mem(j, reg, m);
}

static inline void emit_mov(struct jit *j, unsigned w, uint8_t dst, uint8_t src)
{
	emit_rr(j, w, 0x89, src, dst);
}

/* Leaves the flags alone. */
static inline void emit_mov_imm_keep(struct jit *j, uint8_t dst, uint64_t imm)
{
	if (imm >> 32 == 0) {
		emit_rex(j, 0, 0, 0, dst);
		put1(j, 0xb8 | (dst & 7));
		put4(j, (uint32_t)imm);
	} else if ((int64_t)imm == (int32_t)imm) {
		emit_rr(j, 1, 0xc7, 0, dst);
		put4(j, (uint32_t)imm);
	} else {
		emit_rex(j, 1, 0, 0, dst);
		put1(j, 0xb8 | (dst & 7));
		put8(j, imm);
	}
}

static inline void emit_mov_imm(struct jit *j, uint8_t dst, uint64_t imm)
{
	if (!imm)
		emit_rr(j, 0, 0x31, dst, dst);
	else
		emit_mov_imm_keep(j, dst, imm);
}

static inline void emit_alu_rr(struct jit *j, unsigned w, enum alu_op op, uint8_t dst, uint8_t src)
{
	emit_rr(j, w, (uint32_t)op << 3 | 1, src, dst);
}

static inline void emit_alu_ri(struct jit *j, unsigned w, enum alu_op op, uint8_t dst, int32_t imm)
{
	if (imm == (int8_t)imm) {
		emit_rr(j, w, 0x83, (uint8_t)op, dst);
		put1(j, (uint8_t)imm);
	} else if (dst == RAX) {
		emit_rex(j, w, 0, 0, 0);
		put1(j, (uint8_t)(op << 3 | 5));
		put4(j, (uint32_t)imm);
	} else {
		emit_rr(j, w, 0x81, (uint8_t)op, dst);
		put4(j, (uint32_t)imm);
	}
}

static inline void emit_shift_ri(struct jit *j, unsigned w, enum shift_op op, uint8_t dst,
				 uint8_t n)
{
	emit_rr(j, w, n == 1 ? 0xd1 : 0xc1, (uint8_t)op, dst);
	if (n != 1)
		put1(j, n);
}

static inline void emit_test_rr(struct jit *j, unsigned w, uint8_t a, uint8_t b)
{
	emit_rr(j, w, 0x85, b, a);
}

static inline void emit_test_ri(struct jit *j, unsigned w, uint8_t a, int32_t imm)
{
	if (imm >= 0 && imm < 0x80) {
		emit_rr(j, FORCE_REX, 0xf6, 0, a);
		put1(j, (uint8_t)imm);
		return;
	}
	emit_rr(j, imm >= 0 ? 0 : w, 0xf7, 0, a);
	put4(j, (uint32_t)imm);
}

static inline void emit_lea(struct jit *j, unsigned w, uint8_t dst, struct mem m)
{
	emit_rm(j, w, 0x8d, dst, m);
}

static inline void emit_cmov(struct jit *j, unsigned w, uint8_t cc, uint8_t dst, uint8_t src)
{
	emit_rr(j, w, 0x0f40u | cc, dst, src);
}

static inline void emit_push(struct jit *j, uint8_t reg)
{
	emit_rex(j, 0, 0, 0, reg);
	put1(j, 0x50 | (reg & 7));
}

static inline void emit_pop(struct jit *j, uint8_t reg)
{
	emit_rex(j, 0, 0, 0, reg);
	put1(j, 0x58 | (reg & 7));
}

/* VEX instructions on general registers: pp 0 none, 1 66, 2 F3, 3 F2; map 2 = 0f38, 3 = 0f3a. */
static inline void emit_vex(struct jit *j, unsigned w, uint8_t pp, uint8_t map, uint8_t op,
			    uint8_t reg, uint8_t vvvv, uint8_t rm)
{
	put1(j, 0xc4);
	put1(j, (uint8_t)((reg < 8) << 7 | 1 << 6 | (rm < 8) << 5 | map));
	put1(j, (uint8_t)((w & 1) << 7 | (~vvvv & 15) << 3 | pp));
	put1(j, op);
	emit_modrm_reg(j, reg, rm);
}

static inline void emit_jmp(struct jit *j, uint32_t label)
{
	uint32_t jump;
	bool is_short = asm_jump_is_short(j, &jump);

	put1(j, is_short ? 0xeb : 0xe9);
	asm_reference(j, label, is_short ? 1 : 4, jump);
}

static inline void emit_jcc(struct jit *j, uint8_t cc, uint32_t label)
{
	uint32_t jump;
	bool is_short = asm_jump_is_short(j, &jump);

	if (is_short)
		put1(j, 0x70 | cc);
	else
		emit_opcode(j, 0x0f80u | cc);
	asm_reference(j, label, is_short ? 1 : 4, jump);
}

static inline void emit_call(struct jit *j, uint32_t label)
{
	put1(j, 0xe8);
	asm_reference(j, label, 4, NO_JUMP);
}

#endif
