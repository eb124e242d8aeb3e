/* SPDX-License-Identifier: BSD-2-Clause */
/* x86-64: loads, stores and atomics, with the entries for those that may fault. */
#include "jit/x86_64_lower.h"

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

void emit_load(struct jit *j, enum load_kind kind, uint8_t dst, struct mem m)
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

void emit_store_reg(struct jit *j, unsigned log2, uint8_t src, struct mem m)
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
		emit_mov(j, 1, T2, emit_blind_imm(j, (int32_t)n->imm));
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

void lower_memory(struct jit *j, const struct node *n)
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
void lower_ordered(struct jit *j, const struct node *n)
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
void lower_cold_fetch_loop(struct jit *j, const struct node *n)
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

void lower_atomic(struct jit *j, const struct node *n)
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
