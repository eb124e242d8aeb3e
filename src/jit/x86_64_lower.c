/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * x86-64: nodes -> bytes.
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
#include "jit/target.h"
#include "jit/x86_64_emit.h"

#include "arena/arena.h"
#include "arena/run.h"

#include <ucontext.h>

intptr_t target_run_top_offset;
static bool has_bmi1, has_bmi2;

static const uint8_t saved_regs[] = {6, 7, 8, 9};

static uint8_t native(uint8_t reg)
{
	return native_reg[reg];
}

static const struct node *cur_node(const struct jit *j)
{
	return &j->ir.nodes[j->cur];
}

static const struct node_func *cur_func(const struct jit *j)
{
	return &j->ir.funcs[j->func];
}

/* -- Frames --------------------------------------------------------------- */

static int32_t slot_since(const struct jit *j)
{
	return -(int32_t)(j->code->funcs[j->func].stack_depth + 8);
}

static int32_t slot_budget(const struct jit *j)
{
	return slot_since(j) - 8;
}

static int32_t slot_ctx(const struct jit *j)
{
	return slot_since(j) - (cur_func(j)->uses_budget ? 16 : 0);
}

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

static struct mem frame_mem(int32_t disp)
{
	return (struct mem){RBP, NO_REG, 0, disp};
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
static void emit_leave(struct jit *j)
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

/* -- Immediates ----------------------------------------------------------- */

/* A blinded immediate, sign-extended to 64 bits, in T1. */
static uint8_t blind_imm(struct jit *j, int32_t imm)
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

static void emit_imm64(struct jit *j, uint8_t dst, uint64_t imm)
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

	if (has_bmi2) {
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

static uint32_t local_jump(struct jit *j, uint8_t opcode)
{
	put1(j, opcode);
	put1(j, 0);
	return (uint32_t)j->n;
}

static void local_land(struct jit *j, uint32_t from)
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
		minus = local_jump(j, 0x70 | CC_E);
		emit_rex(j, w, 0, 0, 0);
		put1(j, 0x99); /* cdq, cqo */
	} else {
		emit_mov_imm(j, RDX, 0);
	}
	emit_rr(j, w, 0xf7, is_signed ? 7 : 6, T1);
	emit_mov(j, w, T1, is_mod ? RDX : RAX);
	if (!is_signed)
		return;
	done = local_jump(j, 0xeb);
	local_land(j, minus);
	if (is_mod) {
		emit_mov_imm(j, T1, 0);
	} else {
		emit_rr(j, w, 0xf7, 3, RAX);
		emit_mov(j, w, T1, RAX);
	}
	local_land(j, done);
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
	zero = local_jump(j, 0x70 | CC_E);
	emit_divide_core(j, w, g);
	done = local_jump(j, 0xeb);
	local_land(j, zero);
	if (is_mod)
		emit_mov(j, w, T1, RAX);
	else
		emit_mov_imm(j, T1, 0);
	local_land(j, done);
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
		emit_alu_x(j, w, g, dst, blind_imm(j, imm));
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

static void lower_alu(struct jit *j, const struct node *n)
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

static void lower_unary(struct jit *j, const struct node *n)
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

static void lower_movsx(struct jit *j, const struct node *n)
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
static void lower_cast(struct jit *j, const struct node *n)
{
	uint8_t d = native(n->dst), s = native(n->src);

	if (d != s || !(j->zx & bit(n->dst)))
		emit_mov(j, 0, d, s);
	emit_mov_imm_keep(j, T1, (uint64_t)j->code->user_hi << 32);
	emit_lea(j, 1, T1, (struct mem){T1, d, 0, 0});
	emit_test_rr(j, 0, d, d);
	emit_cmov(j, 1, CC_NE, d, T1);
}

static void lower_ldimm64(struct jit *j, const struct node *n)
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

/* -- Memory --------------------------------------------------------------- */

struct access {
	struct mem mem;
	bool arena, probe, host;
	uint8_t addr_reg;
};

/* The low half of `reg`, zero-extended: itself, or a copy in T1 that serves until T1 changes. A
 * copy to another register is free, one in place would cost a cycle on the way to memory. */
static uint8_t low_half(struct jit *j, uint8_t reg)
{
	if (j->zx & bit(reg))
		return native(reg);
	if (j->t1_low != reg)
		emit_mov(j, 0, T1, native(reg));
	j->t1_low = reg;
	return T1;
}

static struct access arena_access(struct jit *j, uint8_t reg, int32_t off)
{
	struct access a = {.arena = true, .host = cur_node(j)->host};

	a.addr_reg = a.host ? native(reg) : low_half(j, reg);
	a.mem = a.host ? (struct mem){a.addr_reg, NO_REG, 0, off}
		       : (struct mem){BASE, a.addr_reg, 0, off};
	return a;
}

static struct access plain_access(uint8_t reg, int32_t off, bool probe)
{
	return (struct access){
		.mem = {native(reg), NO_REG, 0, off}, .probe = probe, .addr_reg = native(reg)};
}

/* The access instruction began at `pc` and ends here; a fault goes on at `resume`. */
static void note_access_to(struct jit *j, const struct access *a, uint32_t pc, uint8_t clear,
			   bool write, uint32_t resume)
{
	if (!a->arena && !a->probe)
		return;
	asm_ext(j,
		(struct ext_entry){
			.pc = pc,
			.resume = resume,
			.clear_reg = clear,
			.addr_reg = a->addr_reg,
			.flags = (uint16_t)((a->arena ? EXT_F_ARENA : 0) |
					    (a->host ? EXT_F_HOST : 0) | (write ? EXT_F_WRITE : 0)),
			.disp = a->mem.disp,
			.idx = cur_node(j)->slot,
		});
}

static void note_access(struct jit *j, const struct access *a, uint32_t pc, uint8_t clear,
			bool write)
{
	note_access_to(j, a, pc, clear, write, (uint32_t)j->n);
}

enum load_kind { LOAD_U8, LOAD_U16, LOAD_U32, LOAD_U64, LOAD_S8, LOAD_S16, LOAD_S32 };

static void emit_load(struct jit *j, enum load_kind kind, uint8_t dst, struct mem m)
{
	static const struct {
		uint16_t op;
		uint8_t w;
	} form[] = {{0x0fb6, 0}, {0x0fb7, 0}, {0x8b, 0}, {0x8b, 1},
		    {0x0fbe, 1}, {0x0fbf, 1}, {0x63, 1}};

	emit_rm(j, form[kind].w, form[kind].op, dst, m);
}

static void lower_load(struct jit *j, const struct node *n, enum load_kind kind, struct access a)
{
	uint32_t pc = (uint32_t)j->n;

	emit_load(j, kind, native(n->dst), a.mem);
	note_access(j, &a, pc, native(n->dst), false);
}

static void emit_store_reg(struct jit *j, unsigned log2, uint8_t src, struct mem m)
{
	if (log2 == 1)
		put1(j, 0x66);
	emit_rm(j, log2 == 3 ? 1 : log2 == 0 ? FORCE_REX : 0, log2 ? 0x89 : 0x88, src, m);
}

static void emit_store_imm(struct jit *j, unsigned log2, int32_t imm, struct mem m)
{
	if (log2 == 1)
		put1(j, 0x66);
	emit_rm(j, log2 == 3, log2 ? 0xc7 : 0xc6, 0, m);
	if (log2 == 0) {
		put1(j, (uint8_t)imm);
	} else if (log2 == 1) {
		put1(j, (uint8_t)imm);
		put1(j, (uint8_t)(imm >> 8));
	} else {
		put4(j, (uint32_t)imm);
	}
}

static void lower_store(struct jit *j, const struct node *n, unsigned log2, struct access a)
{
	uint32_t pc = (uint32_t)j->n;

	emit_store_reg(j, log2, native(n->src), a.mem);
	note_access(j, &a, pc, EXT_NO_REG, true);
}

static void lower_store_imm(struct jit *j, const struct node *n, unsigned log2, struct access a)
{
	uint32_t pc;

	if (j->code->blind) {
		/* T1 may hold the address. */
		emit_mov(j, 1, T2, blind_imm(j, (int32_t)n->imm));
		if (a.addr_reg == T1)
			emit_mov(j, 0, T1, native(n->dst));
	}
	pc = (uint32_t)j->n;
	if (j->code->blind)
		emit_store_reg(j, log2, T2, a.mem);
	else
		emit_store_imm(j, log2, (int32_t)n->imm, a.mem);
	note_access(j, &a, pc, EXT_NO_REG, true);
}

static void lower_memory(struct jit *j, const struct node *n)
{
	uint16_t op = n->op;

	if (op <= OP_LDX64)
		lower_load(j, n, LOAD_U8 + (op - OP_LDX8), plain_access(n->src, n->off, false));
	else if (op <= OP_LDSX32)
		lower_load(j, n, LOAD_S8 + (op - OP_LDSX8), plain_access(n->src, n->off, false));
	else if (op <= OP_ST64)
		lower_store_imm(j, n, op - OP_ST8, plain_access(n->dst, n->off, false));
	else if (op <= OP_STX64)
		lower_store(j, n, op - OP_STX8, plain_access(n->dst, n->off, false));
	else if (op <= OP_PLDX64)
		lower_load(j, n, LOAD_U8 + (op - OP_PLDX8), plain_access(n->src, n->off, true));
	else if (op <= OP_PLDSX32)
		lower_load(j, n, LOAD_S8 + (op - OP_PLDSX8), plain_access(n->src, n->off, true));
	else if (op <= OP_ALDX64)
		lower_load(j, n, LOAD_U8 + (op - OP_ALDX8), arena_access(j, n->src, n->off));
	else if (op <= OP_ALDSX32)
		lower_load(j, n, LOAD_S8 + (op - OP_ALDSX8), arena_access(j, n->src, n->off));
	else if (op <= OP_AST64)
		lower_store_imm(j, n, op - OP_AST8, arena_access(j, n->dst, n->off));
	else
		lower_store(j, n, op - OP_ASTX8, arena_access(j, n->dst, n->off));
}

/* x86 orders loads and stores strongly enough for acquire and release. */
static void lower_ordered(struct jit *j, const struct node *n)
{
	uint16_t op = n->op;

	if (op >= OP_ASTREL8)
		lower_store(j, n, op - OP_ASTREL8, arena_access(j, n->dst, n->off));
	else if (op >= OP_ALDACQ8)
		lower_load(j, n, LOAD_U8 + (op - OP_ALDACQ8), arena_access(j, n->src, n->off));
	else if (op >= OP_STREL8)
		lower_store(j, n, op - OP_STREL8, plain_access(n->dst, n->off, false));
	else
		lower_load(j, n, LOAD_U8 + (op - OP_LDACQ8), plain_access(n->src, n->off, false));
}

/* -- Atomics -------------------------------------------------------------- */

enum rmw_group {
	RMW_ADD,
	RMW_OR,
	RMW_AND,
	RMW_XOR,
	RMW_FADD,
	RMW_FOR,
	RMW_FAND,
	RMW_FXOR,
	RMW_XCHG,
	RMW_CMPXCHG
};

static const uint8_t rmw_alu[] = {ALU_ADD, ALU_OR, ALU_AND, ALU_XOR,
				  ALU_ADD, ALU_OR, ALU_AND, ALU_XOR};

static bool is_fetch_loop(enum rmw_group g)
{
	return g >= RMW_FOR && g <= RMW_FXOR;
}

/* What the fault handler cannot undo: behind a faulting access of the loop below. */
static void cold_fetch_loop(struct jit *j, const struct node *n)
{
	emit_pop(j, RAX);
	emit_mov_imm(j, native(n->src), 0);
}

/*
 * push rax; rax = mem; do T2 = rax op src; while (!cmpxchg(mem, T2)); src = old; pop rax
 * The old r0 is on the stack, and is the operand if src is r0.
 */
static void emit_fetch_loop(struct jit *j, const struct node *n, unsigned w, enum rmw_group g,
			    struct access a)
{
	uint32_t fail = asm_label_new(j), back = asm_label_new(j), loop, pc;
	struct mem saved = {RSP, NO_REG, 0, 0};

	emit_push(j, RAX);
	if (a.addr_reg == RAX) {
		emit_mov(j, 1, T1, RAX);
		a.addr_reg = T1;
		*(a.mem.index == NO_REG ? &a.mem.base : &a.mem.index) = T1;
	}
	pc = (uint32_t)j->n;
	emit_rm(j, w, 0x8b, RAX, a.mem);
	note_access_to(j, &a, pc, EXT_NO_REG, true, EXT_RESUME_LABEL(fail));
	loop = (uint32_t)j->n;
	emit_mov(j, 1, T2, RAX);
	if (n->src == BPF_REG_0)
		emit_rm(j, w, (uint32_t)rmw_alu[g] << 3 | 3, T2, saved);
	else
		emit_alu_rr(j, w, rmw_alu[g], T2, native(n->src));
	pc = (uint32_t)j->n;
	put1(j, 0xf0);
	emit_rm(j, w, 0x0fb1, T2, a.mem);
	note_access_to(j, &a, pc, EXT_NO_REG, true, EXT_RESUME_LABEL(fail));
	put1(j, 0x70 | CC_NE);
	put1(j, (uint8_t)(loop - (j->n + 1)));
	emit_mov(j, w, T2, RAX);
	emit_pop(j, RAX);
	emit_mov(j, 1, native(n->src), T2);
	asm_label_here(j, back);
	if (a.arena)
		asm_cold(j, j->cur, fail, back);
}

static void emit_rmw(struct jit *j, const struct node *n, unsigned w, enum rmw_group g,
		     struct access a)
{
	uint32_t pc = (uint32_t)j->n;
	uint8_t s = native(n->src), clear = EXT_NO_REG;

	if (g != RMW_XCHG)
		put1(j, 0xf0);
	switch (g) {
	case RMW_FADD:
		emit_rm(j, w, 0x0fc1, s, a.mem);
		clear = s;
		break;
	case RMW_XCHG:
		emit_rm(j, w, 0x87, s, a.mem);
		clear = s;
		break;
	case RMW_CMPXCHG:
		emit_rm(j, w, 0x0fb1, s, a.mem);
		clear = RAX;
		break;
	default:
		emit_rm(j, w, (uint32_t)rmw_alu[g] << 3 | 1, s, a.mem);
	}
	note_access(j, &a, pc, clear, true);
	/* A successful 32-bit cmpxchg leaves the upper half of rax alone. */
	if (g == RMW_CMPXCHG && !w)
		emit_mov(j, 0, RAX, RAX);
}

static void lower_atomic(struct jit *j, const struct node *n)
{
	bool arena = n->op >= OP_AA_ADD32;
	uint16_t at = n->op - (arena ? OP_AA_ADD32 : OP_A_ADD32);
	enum rmw_group g = (enum rmw_group)(at / 2);
	struct access a =
		arena ? arena_access(j, n->dst, n->off) : plain_access(n->dst, n->off, false);

	if (is_fetch_loop(g))
		emit_fetch_loop(j, n, at & 1, g, a);
	else
		emit_rmw(j, n, at & 1, g, a);
}

/* -- Jumps ---------------------------------------------------------------- */

static const uint8_t jump_cc[] = {CC_E, CC_NE, CC_A, CC_AE, CC_B, CC_BE,
				  CC_G, CC_GE, CC_L, CC_LE, CC_NE};

static uint8_t cond_cc(uint16_t op)
{
	return jump_cc[(op - OP_JEQ64_K) / 4];
}

/* Set the flags for conditional operation `op` on a and b (or the immediate). */
static void emit_compare(struct jit *j, uint16_t op, uint8_t a, uint8_t b, int32_t imm)
{
	unsigned w = (op - OP_JEQ64_K) % 4 < 2;
	bool is_x = op_info[op].kind == K_JCOND_X;
	bool is_set = op >= OP_JSET64_K;

	if (!is_x && j->code->blind)
		b = blind_imm(j, imm);
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

static void lower_jcond(struct jit *j, const struct node *n)
{
	emit_compare(j, n->op, n->dst, n->src, n->off);
	emit_jcc(j, cond_cc(n->op) ^ n->negated, n->target);
}

/* Count 0 goes to -1 and 1 to 0: both leave the fast path; which one it was is seen there. */
static void lower_may_goto(struct jit *j)
{
	uint32_t entry = asm_label_new(j), back = asm_label_new(j);

	emit_rr(j, 0, 0xff, 1, BUDGET); /* dec */
	emit_jcc(j, CC_LE, entry);
	asm_label_here(j, back);
	asm_cold(j, j->cur, entry, back);
}

static void cold_may_goto(struct jit *j, const struct node *n)
{
	uint32_t reload;

	emit_test_rr(j, 0, BUDGET, BUDGET);
	reload = local_jump(j, 0x70 | CC_E);
	emit_mov_imm(j, BUDGET, 0);
	put1(j, 0xe9);
	asm_reference(j, n->target, 4, NO_JUMP);
	local_land(j, reload);
	emit_lea(j, 1, T1, frame_mem(slot_since(j)));
	emit_call(j, j->thunk_label);
}

/* Reload the budget: T1 points to the clock; every register but T1, T2 and BUDGET survives. */
static void emit_may_goto_thunk(struct jit *j)
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
static void lower_packet(struct jit *j, const struct node *n)
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

static void lower_call(struct jit *j, const struct node *n)
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

/* -- Fused operations ----------------------------------------------------- */

static void lower_rotate(struct jit *j, const struct node *n)
{
	unsigned w = n->op == N_ROL64;
	uint8_t d = native(n->dst), s = native(n->src);

	if (d != s && has_bmi2) {
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

	if (has_bmi1) {
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

	if (has_bmi1) {
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
	emit_cmov(j, 1, cond_cc(n->cond) ^ !n->negated, d, value);
}

static void lower_fused(struct jit *j, const struct node *n)
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
			cold_may_goto(j, n);
		else
			cold_fetch_loop(j, n);
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
	has_bmi1 = __builtin_cpu_supports("bmi");
	has_bmi2 = __builtin_cpu_supports("bmi2");
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
