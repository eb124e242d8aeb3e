/* SPDX-License-Identifier: BSD-2-Clause */
/* x86-64: arithmetic, immediates, and operations that fuse.c made of several nodes. */
#include "jit/x86_64_lower.h"

/* -- Immediates ----------------------------------------------------------- */

/* A blinded immediate, sign-extended to 64 bits, in T1. */
uint8_t emit_blind_imm(struct jit *j, int32_t imm)
{
	int32_t key = (int32_t)asm_random(j);

	emit_rr(j, 1, 0xc7, 0, T1);
	put4(j, (uint32_t)(imm ^ key));
	emit_rr(j, 1, 0x81, ALU_XOR, T1);
	put4(j, (uint32_t)key);
	return T1;
}

static void emit_half_blind(struct jit *j, uint8_t dst, uint32_t half)
{
	uint32_t key = (uint32_t)asm_random(j);

	emit_rex(j, 0, 0, 0, dst);
	put1(j, 0xb8 | (dst & 7));
	put4(j, half ^ key);
	emit_rr(j, 0, 0x81, ALU_XOR, dst);
	put4(j, key);
}

void emit_imm64(struct jit *j, uint8_t dst, uint64_t imm)
{
	if (!j->code->blind) {
		emit_mov_imm(j, dst, imm);
		return;
	}
	emit_half_blind(j, dst, (uint32_t)(imm >> 32));
	emit_shift_ri(j, 1, SHIFT_SHL, dst, 32);
	emit_half_blind(j, T1, (uint32_t)imm);
	emit_alu_rr(j, 1, ALU_OR, dst, T1);
}

/* -- Arithmetic ----------------------------------------------------------- */

enum alu_group {
	G_ADD,
	G_SUB,
	G_MUL,
	G_DIV,
	G_SDIV,
	G_MOD,
	G_SMOD,
	G_OR,
	G_AND,
	G_XOR,
	G_LSH,
	G_RSH,
	G_ARSH,
	G_MOV,
};

static const uint8_t group_alu[] = {
	[G_ADD] = ALU_ADD, [G_SUB] = ALU_SUB, [G_OR] = ALU_OR, [G_AND] = ALU_AND, [G_XOR] = ALU_XOR,
};

static uint8_t group_shift(enum alu_group g)
{
	return g == G_LSH ? SHIFT_SHL : g == G_RSH ? SHIFT_SHR : SHIFT_SAR;
}

/* The count register is taken modulo the width by the instruction, as BPF wants it. */
static void emit_shift_rr(struct jit *j, unsigned w, enum alu_group g, uint8_t dst, uint8_t count)
{
	static const uint8_t pp[] = {[G_LSH] = 1, [G_RSH] = 3, [G_ARSH] = 2};

	if (x86_features.bmi2) {
		emit_vex(j, w, pp[g], 2, 0xf7, dst, count, dst);
		return;
	}
	emit_mov(j, 1, T2, RCX);
	emit_mov(j, 1, T1, dst);
	emit_mov(j, 1, RCX, count);
	emit_rr(j, w, 0xd3, group_shift(g), T1);
	emit_mov(j, 1, RCX, T2);
	emit_mov(j, 1, dst, T1);
}

uint32_t emit_local_jump(struct jit *j, uint8_t opcode)
{
	put1(j, opcode);
	put1(j, 0);
	return (uint32_t)j->n;
}

void emit_local_land(struct jit *j, uint32_t from)
{
	if (from - 1 < j->cap)
		j->buf[from - 1] = (uint8_t)(j->n - from);
}

/* Quotient or remainder of rax by T1 (not zero) into T1. */
static void emit_divide_core(struct jit *j, unsigned w, enum alu_group g)
{
	bool is_signed = g == G_SDIV || g == G_SMOD;
	bool is_mod = g == G_MOD || g == G_SMOD;
	uint32_t minus = 0, done = 0;

	if (is_signed) {
		emit_alu_ri(j, w, ALU_CMP, T1, -1);
		minus = emit_local_jump(j, 0x70 | CC_E);
		emit_rex(j, w, 0, 0, 0);
		put1(j, 0x99); /* cdq, cqo */
	} else {
		emit_mov_imm(j, RDX, 0);
	}
	emit_rr(j, w, 0xf7, is_signed ? 7 : 6, T1);
	emit_mov(j, w, T1, is_mod ? RDX : RAX);
	if (!is_signed)
		return;
	done = emit_local_jump(j, 0xeb);
	emit_local_land(j, minus);
	if (is_mod) {
		emit_mov_imm(j, T1, 0);
	} else {
		emit_rr(j, w, 0xf7, 3, RAX);
		emit_mov(j, w, T1, RAX);
	}
	emit_local_land(j, done);
}

/* dst = dst op T1. By zero: quotient 0, remainder the dividend. */
static void emit_divide(struct jit *j, unsigned w, enum alu_group g, uint8_t dst)
{
	bool is_mod = g == G_MOD || g == G_SMOD;
	uint32_t zero, done;

	if (dst != RAX) {
		emit_mov(j, 1, T2, RAX);
		emit_mov(j, w, RAX, dst);
	}
	if (dst != RDX)
		emit_push(j, RDX);
	emit_test_rr(j, w, T1, T1);
	zero = emit_local_jump(j, 0x70 | CC_E);
	emit_divide_core(j, w, g);
	done = emit_local_jump(j, 0xeb);
	emit_local_land(j, zero);
	if (is_mod)
		emit_mov(j, w, T1, RAX);
	else
		emit_mov_imm(j, T1, 0);
	emit_local_land(j, done);
	if (dst != RDX)
		emit_pop(j, RDX);
	if (dst != RAX)
		emit_mov(j, 1, RAX, T2);
	emit_mov(j, w, dst, T1);
}

static void emit_mul_imm(struct jit *j, unsigned w, uint8_t dst, int32_t imm)
{
	bool small = imm == (int8_t)imm;

	emit_rr(j, w, small ? 0x6b : 0x69, dst, dst);
	if (small)
		put1(j, (uint8_t)imm);
	else
		put4(j, (uint32_t)imm);
}

static void emit_alu_x(struct jit *j, unsigned w, enum alu_group g, uint8_t dst, uint8_t src)
{
	switch (g) {
	case G_MUL:
		emit_rr(j, w, 0x0faf, dst, src);
		break;
	case G_DIV:
	case G_SDIV:
	case G_MOD:
	case G_SMOD:
		emit_mov(j, w, T1, src);
		emit_divide(j, w, g, dst);
		break;
	case G_LSH:
	case G_RSH:
	case G_ARSH:
		emit_shift_rr(j, w, g, dst, src);
		break;
	case G_MOV:
		emit_mov(j, w, dst, src);
		break;
	default:
		emit_alu_rr(j, w, group_alu[g], dst, src);
	}
}

static void emit_shift_k(struct jit *j, unsigned w, enum alu_group g, uint8_t dst, int32_t imm)
{
	uint8_t n = (uint8_t)(imm & (w ? 63 : 31));

	if (n)
		emit_shift_ri(j, w, group_shift(g), dst, n);
	else if (!w)
		emit_mov(j, 0, dst, dst);
}

static void emit_alu_k(struct jit *j, unsigned w, enum alu_group g, uint8_t dst, int32_t imm)
{
	bool is_shift = g >= G_LSH && g <= G_ARSH;

	if (j->code->blind && !is_shift) {
		emit_alu_x(j, w, g, dst, emit_blind_imm(j, imm));
		return;
	}
	switch (g) {
	case G_MUL:
		emit_mul_imm(j, w, dst, imm);
		break;
	case G_DIV:
	case G_SDIV:
	case G_MOD:
	case G_SMOD:
		emit_mov_imm(j, T1, w ? (uint64_t)(int64_t)imm : (uint32_t)imm);
		emit_divide(j, w, g, dst);
		break;
	case G_LSH:
	case G_RSH:
	case G_ARSH:
		emit_shift_k(j, w, g, dst, imm);
		break;
	case G_MOV:
		emit_mov_imm(j, dst, w ? (uint64_t)(int64_t)imm : (uint32_t)imm);
		break;
	default:
		emit_alu_ri(j, w, group_alu[g], dst, imm);
	}
}

/* A 32-bit move of a register onto itself, or a plain copy, that changes nothing. */
static bool is_idle_move(const struct jit *j, const struct node *n)
{
	if (n->op == OP_MOV64_X)
		return n->dst == n->src;
	return n->op == OP_MOV32_X && n->dst == n->src && j->zx & bit(n->dst);
}

void lower_alu(struct jit *j, const struct node *n)
{
	enum alu_group g = (enum alu_group)((n->op - OP_ADD64_K) / 4);
	unsigned w = (n->op - OP_ADD64_K) % 4 < 2;

	if (is_idle_move(j, n))
		return;
	if (op_info[n->op].kind == K_ALU_X)
		emit_alu_x(j, w, g, native(n->dst), native(n->src));
	else
		emit_alu_k(j, w, g, native(n->dst), (int32_t)n->imm);
}

static void emit_bswap(struct jit *j, unsigned w, uint8_t reg)
{
	emit_rex(j, w, 0, 0, reg);
	put1(j, 0x0f);
	put1(j, 0xc8 | (reg & 7));
}

void lower_unary(struct jit *j, const struct node *n)
{
	uint8_t d = native(n->dst);

	switch (n->op) {
	case OP_NEG64:
	case OP_NEG32:
		emit_rr(j, n->op == OP_NEG64, 0xf7, 3, d);
		break;
	case OP_BE16:
	case OP_BSWAP16:
		put1(j, 0x66);
		emit_rr(j, 0, 0xc1, SHIFT_ROL, d);
		put1(j, 8);
		emit_rr(j, 0, 0x0fb7, d, d);
		break;
	case OP_LE16:
		emit_rr(j, 0, 0x0fb7, d, d);
		break;
	case OP_LE32:
		emit_mov(j, 0, d, d);
		break;
	case OP_BE32:
	case OP_BSWAP32:
		emit_bswap(j, 0, d);
		break;
	case OP_BE64:
	case OP_BSWAP64:
		emit_bswap(j, 1, d);
		break;
	default: /* OP_LE64 */
		break;
	}
}

void lower_movsx(struct jit *j, const struct node *n)
{
	uint8_t d = native(n->dst), s = native(n->src);

	switch (n->op) {
	case OP_MOVSX64_8:
		emit_rr(j, 1, 0x0fbe, d, s);
		break;
	case OP_MOVSX64_16:
		emit_rr(j, 1, 0x0fbf, d, s);
		break;
	case OP_MOVSX64_32:
		emit_rr(j, 1, 0x63, d, s);
		break;
	case OP_MOVSX32_8:
		emit_rr(j, FORCE_REX, 0x0fbe, d, s);
		break;
	default:
		emit_rr(j, 0, 0x0fbf, d, s);
	}
}

/* To user form: the high half of the arena's user address, except for NULL. */
void lower_cast(struct jit *j, const struct node *n)
{
	uint8_t d = native(n->dst), s = native(n->src);

	if (d != s || !(j->zx & bit(n->dst)))
		emit_mov(j, 0, d, s);
	emit_mov_imm_keep(j, T1, (uint64_t)j->code->user_hi << 32);
	emit_lea(j, 1, T1, (struct mem){T1, d, 0, 0});
	emit_test_rr(j, 0, d, d);
	emit_cmov(j, 1, CC_NE, d, T1);
}

void lower_ldimm64(struct jit *j, const struct node *n)
{
	uint8_t d = native(n->dst);

	if (n->src != BPF_PSEUDO_FUNC) {
		emit_imm64(j, d, (uint64_t)n->imm);
		return;
	}
	emit_rex(j, 1, d, 0, 0);
	put1(j, 0x8d);
	put1(j, (uint8_t)((d & 7) << 3 | 5)); /* lea d, [rip + disp] */
	asm_reference(j, asm_func_label(j, (uint32_t)n->imm), 4, NO_JUMP);
}

/* -- Fused operations ----------------------------------------------------- */

static void lower_rotate(struct jit *j, const struct node *n)
{
	unsigned w = n->op == N_ROL64;
	uint8_t d = native(n->dst), s = native(n->src);

	if (d != s && x86_features.bmi2) {
		emit_vex(j, w, 3, 3, 0xf0, d, 0, s); /* rorx */
		put1(j, (uint8_t)((w ? 64 : 32) - n->imm));
		return;
	}
	if (d != s)
		emit_mov(j, w, d, s);
	emit_shift_ri(j, w, SHIFT_ROL, d, (uint8_t)n->imm);
}

static void lower_lea(struct jit *j, const struct node *n)
{
	unsigned w = n->op == N_LEA64;
	uint8_t d = native(n->dst), s = native(n->src), x = n->x == NO_REG ? NO_REG : native(n->x);

	if (d == s && x == NO_REG)
		emit_alu_ri(j, w, ALU_ADD, d, n->off);
	else if (d == s && !n->scale && !n->off)
		emit_alu_rr(j, w, ALU_ADD, d, x);
	else if (d == x && !n->scale && !n->off)
		emit_alu_rr(j, w, ALU_ADD, d, s);
	else
		emit_lea(j, w, d, (struct mem){s, x, n->scale, n->off});
}

static void lower_andn(struct jit *j, const struct node *n)
{
	unsigned w = n->op == N_ANDN64;

	if (x86_features.bmi1) {
		emit_vex(j, w, 0, 2, 0xf2, native(n->dst), native(n->x), native(n->src));
		return;
	}
	emit_mov(j, w, T2, native(n->x));
	emit_rr(j, w, 0xf7, 2, T2); /* not */
	emit_alu_rr(j, w, ALU_AND, T2, native(n->src));
	emit_mov(j, w, native(n->dst), T2);
}

static void lower_blsr(struct jit *j, const struct node *n)
{
	unsigned w = n->op == N_BLSR64;
	uint8_t d = native(n->dst), s = native(n->src);

	if (x86_features.bmi1) {
		emit_vex(j, w, 0, 2, 0xf3, 1, d, s);
		return;
	}
	emit_lea(j, w, T2, (struct mem){s, NO_REG, 0, -1});
	emit_alu_rr(j, w, ALU_AND, T2, s);
	emit_mov(j, w, d, T2);
}

/* Both outcomes are computed, the unwanted one is not taken over. */
static void lower_select(struct jit *j, const struct node *n)
{
	const struct node *arm = &j->ir.cold[n->cold];
	enum alu_group g = (enum alu_group)((arm->op - OP_ADD64_K) / 4);
	unsigned w = (arm->op - OP_ADD64_K) % 4 < 2;
	uint8_t d = native(n->dst), value = T2;

	if (arm->op == OP_LDIMM64) {
		emit_imm64(j, T2, (uint64_t)arm->imm);
	} else if (op_info[arm->op].kind == K_ALU_K) {
		if (g != G_MOV)
			emit_mov(j, w, T2, d);
		emit_alu_k(j, w, g, T2, (int32_t)arm->imm);
	} else if (g == G_MOV && (w || j->zx & bit(arm->src))) {
		value = native(arm->src);
	} else {
		if (g != G_MOV)
			emit_mov(j, w, T2, d);
		emit_alu_x(j, w, g, T2, native(arm->src));
	}
	emit_compare(j, n->cond, n->x, n->y, n->off);
	emit_cmov(j, 1, lower_cond_cc(n->cond) ^ !n->negated, d, value);
}

void lower_fused(struct jit *j, const struct node *n)
{
	switch (n->op) {
	case N_ROL64:
	case N_ROL32:
		lower_rotate(j, n);
		break;
	case N_LEA64:
	case N_LEA32:
		lower_lea(j, n);
		break;
	case N_ANDN64:
	case N_ANDN32:
		lower_andn(j, n);
		break;
	case N_BLSR64:
	case N_BLSR32:
		lower_blsr(j, n);
		break;
	case N_SELECT:
		lower_select(j, n);
		break;
	default:
		ua_assert(n->op == N_NOP);
	}
}
