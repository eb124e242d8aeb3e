/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What instructions do, written from RFC 9669 and the fields of the encoding, not from the
 * list of operations: a second opinion for interpreter and JIT. Slow and plain on purpose.
 */
#ifndef UA_TESTS_INTERP_MODEL_H
#define UA_TESTS_INTERP_MODEL_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "abi/insn.h"

typedef __int128 wide;

static inline int64_t model_signed(uint64_t v, int bits)
{
	uint64_t sign = 1ull << (bits - 1);
	uint64_t low = bits == 64 ? v : v & ((1ull << bits) - 1);

	return (int64_t)((low ^ sign) - sign);
}

static inline uint64_t model_cut(wide v, int bits)
{
	return bits == 64 ? (uint64_t)v : (uint64_t)v & ((1ull << bits) - 1);
}

static inline uint64_t model_divide(const struct bpf_insn *insn, uint64_t a, uint64_t b, int bits)
{
	bool is_mod = BPF_OP(insn->code) == BPF_MOD;
	wide x = insn->off ? (wide)model_signed(a, bits) : (wide)model_cut(a, bits);
	wide y = insn->off ? (wide)model_signed(b, bits) : (wide)model_cut(b, bits);

	if (y == 0)
		return is_mod ? model_cut(x, bits) : 0;
	return model_cut(is_mod ? x % y : x / y, bits);
}

static inline uint64_t model_swap(uint64_t v, int bits)
{
	uint64_t out = 0;

	for (int i = 0; i < bits; i += 8)
		out |= (v >> i & 0xff) << (bits - 8 - i);
	return out;
}

static inline uint64_t model_end(const struct bpf_insn *insn, uint64_t a)
{
	bool swap = BPF_CLASS(insn->code) == BPF_ALU64 || BPF_SRC(insn->code) == BPF_TO_BE;

	return swap ? model_swap(a, insn->imm) : model_cut((wide)a, insn->imm);
}

/* New value of dst. a: old dst, s: src. Casts are not modelled here. */
static inline uint64_t model_alu(const struct bpf_insn *insn, uint64_t a, uint64_t s)
{
	int bits = BPF_CLASS(insn->code) == BPF_ALU64 ? 64 : 32;
	uint64_t b = BPF_SRC(insn->code) == BPF_X ? s : (uint64_t)(int64_t)insn->imm;
	int shift = (int)(b & (uint64_t)(bits - 1));

	switch (BPF_OP(insn->code)) {
	case BPF_ADD:
		return model_cut((wide)a + b, bits);
	case BPF_SUB:
		return model_cut((wide)a - b, bits);
	case BPF_MUL:
		return model_cut((wide)model_signed(a, bits) * model_signed(b, bits), bits);
	case BPF_DIV:
	case BPF_MOD:
		return model_divide(insn, a, b, bits);
	case BPF_OR:
		return model_cut((wide)(a | b), bits);
	case BPF_AND:
		return model_cut((wide)(a & b), bits);
	case BPF_XOR:
		return model_cut((wide)(a ^ b), bits);
	case BPF_LSH:
		return model_cut((wide)((unsigned __int128)a << shift), bits);
	case BPF_RSH:
		return model_cut((wide)a, bits) >> shift;
	case BPF_ARSH:
		return model_cut((wide)(model_signed(a, bits) >> shift), bits);
	case BPF_NEG:
		return model_cut(-(wide)a, bits);
	case BPF_MOV:
		if (insn->off)
			b = (uint64_t)model_signed(b, insn->off);
		return model_cut((wide)b, bits);
	default:
		return model_end(insn, a);
	}
}

static inline bool model_taken(const struct bpf_insn *insn, uint64_t a, uint64_t s)
{
	int bits = BPF_CLASS(insn->code) == BPF_JMP ? 64 : 32;
	uint64_t b = BPF_SRC(insn->code) == BPF_X ? s : (uint64_t)(int64_t)insn->imm;
	uint64_t ua = model_cut((wide)a, bits), ub = model_cut((wide)b, bits);
	int64_t sa = model_signed(a, bits), sb = model_signed(b, bits);

	switch (BPF_OP(insn->code)) {
	case BPF_JA:
		return true;
	case BPF_JEQ:
		return ua == ub;
	case BPF_JNE:
		return ua != ub;
	case BPF_JGT:
		return ua > ub;
	case BPF_JGE:
		return ua >= ub;
	case BPF_JLT:
		return ua < ub;
	case BPF_JLE:
		return ua <= ub;
	case BPF_JSGT:
		return sa > sb;
	case BPF_JSGE:
		return sa >= sb;
	case BPF_JSLT:
		return sa < sb;
	case BPF_JSLE:
		return sa <= sb;
	default:
		return (ua & ub) != 0;
	}
}

static inline uint64_t model_read(const uint8_t *mem, int size)
{
	uint64_t v = 0;

	for (int i = 0; i < size; i++)
		v |= (uint64_t)mem[i] << (8 * i);
	return v;
}

static inline void model_write(uint8_t *mem, int size, uint64_t v)
{
	for (int i = 0; i < size; i++)
		mem[i] = (uint8_t)(v >> (8 * i));
}

/* A load, store or atomic at `mem`, which is where the instruction points. regs: all eleven. */
static inline void model_mem(const struct bpf_insn *insn, uint8_t *mem, uint64_t *regs)
{
	int size = (int)bpf_size_bytes(insn->code);
	uint64_t *dst = &regs[insn->dst_reg], *src = &regs[insn->src_reg];
	uint64_t old = model_read(mem, size), operand = model_cut((wide)*src, 8 * size);
	bool is_atomic =
		BPF_CLASS(insn->code) == BPF_STX &&
		(BPF_MODE(insn->code) == BPF_ATOMIC || BPF_MODE(insn->code) == BPF_PROBE_ATOMIC);
	bool is_signed = BPF_MODE(insn->code) == BPF_MEMSX ||
			 BPF_MODE(insn->code) == BPF_PROBE_MEM32SX ||
			 BPF_MODE(insn->code) == BPF_PROBE_MEMSX;

	if (BPF_CLASS(insn->code) == BPF_LDX) {
		*dst = is_signed ? (uint64_t)model_signed(old, 8 * size) : old;
		return;
	}
	if (!is_atomic) {
		bool imm = BPF_CLASS(insn->code) == BPF_ST;

		model_write(mem, size, imm ? (uint64_t)(int64_t)insn->imm : *src);
		return;
	}
	switch (insn->imm) {
	case BPF_LOAD_ACQ:
		*dst = old;
		return;
	case BPF_STORE_REL:
	case BPF_XCHG:
		model_write(mem, size, operand);
		break;
	case BPF_CMPXCHG:
		if (old == model_cut((wide)regs[0], 8 * size))
			model_write(mem, size, operand);
		regs[0] = old;
		return;
	case BPF_ADD:
	case BPF_ADD | BPF_FETCH:
		model_write(mem, size, old + operand);
		break;
	case BPF_OR:
	case BPF_OR | BPF_FETCH:
		model_write(mem, size, old | operand);
		break;
	case BPF_AND:
	case BPF_AND | BPF_FETCH:
		model_write(mem, size, old & operand);
		break;
	default:
		model_write(mem, size, old ^ operand);
		break;
	}
	if (insn->imm != BPF_STORE_REL && (insn->imm & BPF_FETCH))
		*src = old;
}

#endif
