/* SPDX-License-Identifier: BSD-2-Clause */
/* The generator: statements, blocks, programs; mutation. */
#include "gen.h"

#define STACK_SLOTS 8	 /* [r10 - 64, r10) hold scalars */
#define SPILL_SLOT (-72) /* a pointer, spilled and filled */
#define COUNTER_SLOT(d) (-80 - 8 * (d))
#define KEY_SLOT (-112)
#define VALUE_SLOT (-120)
#define MAX_DEPTH 2
#define ROOM 96 /* slots that one statement and the epilogue take at most */

struct gen {
	struct program *p;
	bool arena;	   /* the program uses the arena, so r8 holds an arena pointer */
	uint32_t calls[4]; /* slots of calls of the local function */
	uint32_t n_calls;
};

static uint32_t emit(struct gen *g, uint8_t code, uint8_t dst, uint8_t src, int off, int64_t imm)
{
	if (g->p->n == MAX_PROG)
		abort();
	g->p->insns[g->p->n] = (struct bpf_insn){.code = code,
						 .dst_reg = dst,
						 .src_reg = src,
						 .off = (int16_t)off,
						 .imm = (int32_t)imm};
	return g->p->n++;
}

static void emit_imm64(struct gen *g, uint8_t dst, uint8_t src, uint64_t value)
{
	emit(g, BPF_LD | BPF_IMM | BPF_DW, dst, src, 0, (int64_t)(uint32_t)value);
	emit(g, 0, 0, 0, 0, (int64_t)(value >> 32));
}

static void mov_reg(struct gen *g, uint8_t dst, uint8_t src)
{
	emit(g, BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
}

static void mov_imm(struct gen *g, uint8_t dst, int64_t imm)
{
	emit(g, BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm);
}

static void land(struct gen *g, uint32_t jump)
{
	g->p->insns[jump].off = (int16_t)(g->p->n - jump - 1);
}

/* -- Choices --------------------------------------------------------------------- */

static uint64_t interesting(void)
{
	static const uint64_t edges[] = {0,
					 1,
					 2,
					 7,
					 8,
					 31,
					 32,
					 56,
					 63,
					 64,
					 0x7f,
					 0x80,
					 0xff,
					 0x7fff,
					 0x8000,
					 0xffff,
					 0x7fffffff,
					 0x80000000,
					 0xffffffff,
					 0x100000000,
					 INT64_MAX,
					 0x8000000000000000,
					 0xffffffff80000000,
					 UINT64_MAX};

	switch (below(5)) {
	case 0:
	case 1:
		return edges[below(ARRAY_SIZE(edges))];
	case 2:
		return below(64);
	case 3:
		return (uint64_t)(int64_t)(int32_t)rng();
	default:
		return rng();
	}
}

static uint8_t scalar(void)
{
	uint32_t i = below(7);

	return i == 6 ? 9 : (uint8_t)i;
}

static uint8_t temp(void)
{
	return (uint8_t)below(6);
}

static uint8_t size(void)
{
	static const uint8_t sizes[] = {BPF_B, BPF_H, BPF_W, BPF_DW};

	return sizes[below(4)];
}

/* A scalar again, whatever it was. */
static void scalarize(struct gen *g, uint8_t reg)
{
	if (below(2))
		mov_imm(g, reg, (int32_t)interesting());
	else
		emit(g, BPF_LDX | BPF_MEM | BPF_DW, reg, 6, 8 * (int)below(8), 0);
}

static void scalarize_caller_saved(struct gen *g, uint8_t first)
{
	for (uint8_t r = first; r < 6; r++)
		scalarize(g, r);
}

/* -- Arithmetic -------------------------------------------------------------------- */

static void divide(struct gen *g, uint8_t class, uint8_t dst, uint8_t src, bool imm)
{
	int64_t k = (int32_t)interesting();

	emit(g, class | (below(2) ? BPF_DIV : BPF_MOD) | (imm ? BPF_K : BPF_X), dst, imm ? 0 : src,
	     (int)below(2), imm ? (k ? k : 3) : 0);
}

static void extend(struct gen *g, uint8_t class, uint8_t dst, uint8_t src)
{
	static const int bits[] = {8, 16, 32};

	emit(g, class | BPF_MOV | BPF_X, dst, src, bits[below(class == BPF_ALU64 ? 3 : 2)], 0);
}

static void unary(struct gen *g, uint8_t class, uint8_t dst)
{
	static const int bits[] = {16, 32, 64};

	if (below(3) == 0)
		emit(g, class | BPF_NEG, dst, 0, 0, 0);
	else if (class == BPF_ALU64)
		emit(g, BPF_ALU64 | BPF_END, dst, 0, 0, bits[below(3)]);
	else
		emit(g, BPF_ALU | BPF_END | (below(2) ? BPF_TO_BE : BPF_TO_LE), dst, 0, 0,
		     bits[below(3)]);
}

static void alu_on(struct gen *g, uint8_t dst)
{
	static const uint8_t ops[] = {BPF_ADD, BPF_SUB, BPF_MUL, BPF_OR,  BPF_AND,
				      BPF_LSH, BPF_RSH, BPF_XOR, BPF_MOV, BPF_ARSH};
	uint8_t class = below(2) ? BPF_ALU64 : BPF_ALU, src = scalar();
	uint8_t op = ops[below(ARRAY_SIZE(ops))];
	bool imm = below(2), shift = op == BPF_LSH || op == BPF_RSH || op == BPF_ARSH;
	int64_t k = (int32_t)interesting();

	if (shift)
		k = below(class == BPF_ALU64 ? 64 : 32);
	switch (below(10)) {
	case 0:
		divide(g, class, dst, src, imm);
		break;
	case 1:
		extend(g, class, dst, src);
		break;
	case 2:
		unary(g, class, dst);
		break;
	default:
		emit(g, class | op | (imm ? BPF_K : BPF_X), dst, imm ? 0 : src, 0, imm ? k : 0);
	}
}

static void alu(struct gen *g, int depth)
{
	for (uint32_t n = 1 + below(4); n; n--)
		alu_on(g, scalar());
}

/* -- Memory ------------------------------------------------------------------------- */

static void atomic(struct gen *g, uint8_t base, int off, uint8_t sz, uint8_t reg)
{
	static const int ops[] = {BPF_ADD, BPF_OR, BPF_AND, BPF_XOR};
	int op = ops[below(4)] | (below(2) ? BPF_FETCH : 0);

	if (below(4) == 0)
		op = below(2) || !base ? BPF_XCHG : BPF_CMPXCHG;
	emit(g, BPF_STX | BPF_ATOMIC | sz, base, reg, off & -8, op);
}

static void ordered(struct gen *g, uint8_t base, int off, uint8_t sz, uint8_t reg)
{
	int bytes = (int)bpf_size_bytes(sz);

	if (below(2))
		emit(g, BPF_STX | BPF_ATOMIC | sz, reg, base, off & -bytes, BPF_LOAD_ACQ);
	else
		emit(g, BPF_STX | BPF_ATOMIC | sz, base, reg, off & -bytes, BPF_STORE_REL);
}

/* One access of [base + off]; the address is aligned to 8 if off is. */
static void access_at(struct gen *g, uint8_t base, int off, bool atomics)
{
	uint8_t sz = size(), reg = scalar();

	if (reg == base)
		reg = base == 9 ? 3 : 9;
	switch (below(atomics ? 7 : 5)) {
	case 0:
	case 1:
		emit(g, BPF_LDX | BPF_MEM | sz, reg, base, off, 0);
		break;
	case 2:
		emit(g, BPF_LDX | BPF_MEMSX | (sz == BPF_DW ? BPF_W : sz), reg, base, off, 0);
		break;
	case 3:
		emit(g, BPF_STX | BPF_MEM | sz, base, reg, off, 0);
		break;
	case 4:
		emit(g, BPF_ST | BPF_MEM | sz, base, 0, off, (int32_t)interesting());
		break;
	case 5:
		atomic(g, base, off, below(2) ? BPF_DW : BPF_W, reg);
		break;
	default:
		ordered(g, base, off, sz, reg);
	}
}

static void stack(struct gen *g, int depth)
{
	for (uint32_t n = 1 + below(3); n; n--)
		access_at(g, 10, -8 * (1 + (int)below(STACK_SLOTS)), below(2));
}

static void context(struct gen *g, int depth)
{
	uint8_t sz = size();
	int off = (int)(below(CTX_BYTES / 8) * 8);

	if (below(2))
		emit(g, BPF_LDX | BPF_MEM | sz, scalar(), 6, off, 0);
	else
		emit(g, BPF_STX | BPF_MEM | sz, 6, scalar(), off, 0);
}

static void map_fixed(struct gen *g, int depth)
{
	access_at(g, 7, (int)below(ARRAY_VALUE / 8) * 8, below(2));
}

static uint32_t jump_on(struct gen *g, uint8_t reg)
{
	static const uint8_t ops[] = {BPF_JEQ,	BPF_JGT, BPF_JGE, BPF_JSET, BPF_JNE, BPF_JSGT,
				      BPF_JSGE, BPF_JLT, BPF_JLE, BPF_JSLT, BPF_JSLE};
	uint8_t class = below(2) ? BPF_JMP : BPF_JMP32, op = ops[below(ARRAY_SIZE(ops))];

	uint8_t other = scalar();

	if (below(3) == 0 && other != reg)
		return emit(g, class | op | BPF_X, reg, other, 0, 0);
	return emit(g, class | op | BPF_K, reg, 0, 0,
		    below(2) ? below(ARRAY_VALUE) : (int32_t)interesting());
}

/* An index that earlier operations bound, or fail to: the verifiers must agree which. */
static void map_indexed(struct gen *g, int depth)
{
	uint8_t index = 1 + (uint8_t)below(2), base = 3 + (uint8_t)below(2);
	uint32_t jumps[3], n = below(4);

	emit(g, BPF_LDX | (below(3) ? BPF_MEM : BPF_MEMSX) | (below(2) ? BPF_W : BPF_H), index, 6,
	     8 * (int)below(8), 0);
	if (below(3))
		emit(g, (below(2) ? BPF_ALU64 : BPF_ALU) | BPF_AND | BPF_K, index, 0, 0,
		     (1 << below(7)) - 1);
	for (uint32_t i = below(3); i; i--)
		alu_on(g, index);
	for (uint32_t i = 0; i < n && i < 3; i++)
		jumps[i] = jump_on(g, index);
	mov_reg(g, base, 7);
	emit(g, BPF_ALU64 | (below(5) ? BPF_ADD : BPF_SUB) | BPF_X, base, index, 0, 0);
	access_at(g, base, (int)below(8) - 1, false);
	for (uint32_t i = 0; i < n && i < 3; i++)
		land(g, jumps[i]);
	scalarize(g, base);
}

/* The same, certain to be in bounds. */
static void map_masked(struct gen *g, int depth)
{
	uint8_t index = temp(), base = (uint8_t)((index + 1) % 6);

	emit(g, (below(2) ? BPF_ALU64 : BPF_ALU) | BPF_AND | BPF_K, index, 0, 0, 48);
	mov_reg(g, base, 7);
	emit(g, BPF_ALU64 | BPF_ADD | BPF_X, base, index, 0, 0);
	access_at(g, base, 0, false);
	scalarize(g, base);
}

static void spill(struct gen *g, int depth)
{
	uint8_t base = temp();

	emit(g, BPF_STX | BPF_MEM | BPF_DW, 10, 7, SPILL_SLOT, 0);
	emit(g, BPF_LDX | BPF_MEM | BPF_DW, base, 10, SPILL_SLOT, 0);
	access_at(g, base, (int)below(ARRAY_VALUE / 8) * 8, false);
	scalarize(g, base);
	emit(g, BPF_ST | BPF_MEM | BPF_DW, 10, 0, SPILL_SLOT, 0);
}

/* -- The arena ----------------------------------------------------------------------- */

static void cast(struct gen *g, uint8_t dst, uint8_t src, int64_t to)
{
	emit(g, BPF_ALU64 | BPF_MOV | BPF_X, dst, src, BPF_ADDR_SPACE_CAST, to);
}

static void arena_access(struct gen *g, int depth)
{
	uint8_t base = temp();

	if (!g->arena) {
		alu(g, depth);
		return;
	}
	if (below(3) == 0) {
		access_at(g, 8, (int)below(512) * 8, true);
		return;
	}
	if (below(4))
		emit(g, BPF_ALU | BPF_AND | BPF_K, base, 0, 0, below(4) ? 0x1ff8 : 0xfff8);
	cast(g, base, base, BPF_CAST_KERN);
	if (below(4) == 0)
		emit(g, BPF_ALU64 | BPF_ADD | BPF_K, base, 0, 0, 8 * below(64));
	if (below(16) == 0)
		alu_on(g, base);
	access_at(g, base, (int)below(64) * 8, below(3) == 0);
	if (below(2))
		cast(g, base, base, BPF_CAST_USER);
	else
		scalarize(g, base);
}

/* -- Calls ---------------------------------------------------------------------------- */

static void call_helper(struct gen *g, int id, int map)
{
	int key = (int)below(map == MAP_HASH ? HASH_KEYS : ARRAY_ENTRIES + 2);

	emit(g, BPF_ST | BPF_MEM | BPF_W, 10, 0, KEY_SLOT, key);
	emit(g, BPF_STX | BPF_MEM | BPF_DW, 10, scalar(), VALUE_SLOT, 0);
	emit_imm64(g, 1, BPF_PSEUDO_MAP_FD, (uint64_t)map);
	mov_reg(g, 2, 10);
	emit(g, BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, KEY_SLOT);
	mov_reg(g, 3, 10);
	emit(g, BPF_ALU64 | BPF_ADD | BPF_K, 3, 0, 0, VALUE_SLOT);
	mov_imm(g, 4, below(4));
	emit(g, BPF_JMP | BPF_CALL, 0, 0, 0, id);
}

static void lookup(struct gen *g, int depth)
{
	int map = below(2) ? MAP_HASH : MAP_ARRAY;
	uint32_t jump;

	call_helper(g, 1, map);
	scalarize_caller_saved(g, 1);
	jump = emit(g, BPF_JMP | (below(8) ? BPF_JEQ : BPF_JNE) | BPF_K, 0, 0, 0, 0);
	access_at(g, 0, map == MAP_HASH ? 0 : (int)below(8) * 8, below(2));
	land(g, jump);
	scalarize(g, 0);
}

static void change_hash(struct gen *g, int depth)
{
	call_helper(g, 2 + (int)below(2), MAP_HASH);
	scalarize_caller_saved(g, 1);
}

static void call_local(struct gen *g, int depth)
{
	if (g->n_calls == ARRAY_SIZE(g->calls))
		return;
	g->calls[g->n_calls++] = emit(g, BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 0);
	scalarize_caller_saved(g, 1);
}

static void put_local(struct gen *g)
{
	if (!g->n_calls)
		return;
	for (uint32_t i = 0; i < g->n_calls; i++)
		g->p->insns[g->calls[i]].imm = (int32_t)(g->p->n - g->calls[i] - 1);
	mov_reg(g, 0, (uint8_t)(1 + below(5)));
	for (uint32_t n = below(8); n; n--)
		emit(g, (below(2) ? BPF_ALU64 : BPF_ALU) | (below(2) ? BPF_ADD : BPF_XOR) | BPF_X,
		     0, (uint8_t)(1 + below(5)), 0, 0);
	emit(g, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* -- Blocks ---------------------------------------------------------------------------- */

static void block(struct gen *g, int depth, uint32_t n);

static void branch(struct gen *g, int depth)
{
	uint32_t jump = jump_on(g, scalar()), over;

	block(g, depth + 1, 1 + below(3));
	if (below(2)) {
		land(g, jump);
		return;
	}
	over = emit(g, BPF_JMP | BPF_JA, 0, 0, 0, 0);
	land(g, jump);
	block(g, depth + 1, 1 + below(2));
	land(g, over);
}

static void loop(struct gen *g, int depth)
{
	uint32_t top, leave[2], n = 0;
	int slot = COUNTER_SLOT(depth), most = 1 + (int)below(depth ? 2 : 4);
	bool may_goto = below(2);

	emit(g, BPF_ST | BPF_MEM | BPF_DW, 10, 0, slot, 0);
	top = g->p->n;
	if (may_goto)
		leave[n++] = emit(g, BPF_JMP | BPF_JCOND, 0, BPF_MAY_GOTO, 0, 0);
	block(g, depth + 1, 1 + below(2));
	emit(g, BPF_LDX | BPF_MEM | BPF_DW, 9, 10, slot, 0);
	emit(g, BPF_ALU64 | BPF_ADD | BPF_K, 9, 0, 0, 1);
	emit(g, BPF_STX | BPF_MEM | BPF_DW, 10, 9, slot, 0);
	leave[n++] = emit(g, BPF_JMP | BPF_JGE | BPF_K, 9, 0, 0, most);
	emit(g, BPF_JMP | BPF_JA, 0, 0, (int)top - (int)g->p->n - 1, 0);
	while (n)
		land(g, leave[--n]);
}

static void statement(struct gen *g, int depth)
{
	static void (*const plain[])(struct gen *, int) = {
		alu,	      alu,	    stack,	context,     map_fixed,
		map_indexed,  map_indexed,  map_masked, spill,	     arena_access,
		arena_access, arena_access, lookup,	change_hash, call_local};
	uint32_t i = below(ARRAY_SIZE(plain) + 4);

	if (i < ARRAY_SIZE(plain))
		plain[i](g, depth);
	else if (depth >= MAX_DEPTH)
		alu(g, depth);
	else if (i == ARRAY_SIZE(plain))
		loop(g, depth);
	else
		branch(g, depth);
}

static void block(struct gen *g, int depth, uint32_t n)
{
	for (; n && g->p->n + ROOM < MAX_PROG; n--)
		statement(g, depth);
}

static void begin(struct gen *g)
{
	mov_reg(g, 6, 1);
	emit_imm64(g, 7, BPF_PSEUDO_MAP_VALUE, MAP_ARRAY);
	for (int i = 1; i <= STACK_SLOTS; i++)
		emit(g, BPF_ST | BPF_MEM | BPF_DW, 10, 0, -8 * i, 0x1111 * i);
	if (g->arena) {
		emit_imm64(g, 8, BPF_PSEUDO_MAP_VALUE,
			   MAP_ARENA | (uint64_t)(below(4096) & ~7u) << 32);
		cast(g, 8, 8, BPF_CAST_KERN);
	} else {
		emit(g, BPF_LDX | BPF_MEM | BPF_DW, 8, 6, 64, 0);
	}
	for (uint8_t r = 0; r < 6; r++)
		emit(g, BPF_LDX | BPF_MEM | BPF_DW, r, 6, 8 * r, 0);
	emit(g, BPF_LDX | BPF_MEM | BPF_DW, 9, 6, 72, 0);
}

static void end(struct gen *g)
{
	static const uint8_t kept[] = {0, 1, 2, 3, 4, 5, 9, 8};

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		emit(g, BPF_STX | BPF_MEM | BPF_DW, 6, kept[i], 8 * (int)i, 0);
	for (int i = 1; i <= STACK_SLOTS; i++) {
		emit(g, BPF_LDX | BPF_MEM | BPF_DW, 1, 10, -8 * i, 0);
		emit(g, BPF_STX | BPF_MEM | BPF_DW, 6, 1, 56 + 8 * i, 0);
	}
	emit(g, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

void gen_program(struct program *p)
{
	struct gen g = {.p = p, .arena = below(2)};

	p->n = 0;
	begin(&g);
	block(&g, 0, 1 + below(12));
	end(&g);
	put_local(&g);
}

/* -- Mutation ------------------------------------------------------------------------- */

static void mutate_one(struct program *p)
{
	struct bpf_insn *insn = &p->insns[below(p->n)], *other = &p->insns[below(p->n)],
			was = *insn;

	switch (below(10)) {
	case 0:
		insn->dst_reg = below(11) & 15;
		break;
	case 1:
		insn->src_reg = below(11) & 15;
		break;
	case 2:
		insn->off =
			(int16_t)(below(2) ? interesting() : (uint64_t)(insn->off + 8 - below(17)));
		break;
	case 3:
		insn->imm =
			(int32_t)(below(2) ? interesting() : (uint64_t)(insn->imm + 1 - below(3)));
		break;
	case 4:
		insn->code ^= (uint8_t)(1u << below(8));
		break;
	case 5:
		insn->code = (uint8_t)rng();
		break;
	case 6:
		*insn = *other;
		break;
	case 7:
		*insn = *other;
		*other = was;
		break;
	default: /* nothing happens here any more */
		*insn = (struct bpf_insn){.code = BPF_JMP | BPF_JA};
	}
}

void gen_mutate(struct program *p)
{
	for (uint32_t n = 1 + below(2); n; n--)
		mutate_one(p);
}

/* -- Memory ------------------------------------------------------------------------------ */

void gen_memory(struct memory *m)
{
	memset(m, 0, sizeof(*m));
	for (size_t i = 0; i < CTX_BYTES / 8; i++) {
		uint64_t v = interesting();

		memcpy(m->ctx + 8 * i, &v, 8);
	}
	for (size_t i = 0; i < sizeof(m->array); i++)
		m->array[i] = (uint8_t)rng();
	for (size_t i = 0; i < HASH_KEYS; i++) {
		m->hash_has[i] = (uint8_t)below(2);
		m->hash[i] = m->hash_has[i] ? rng() : 0;
	}
	for (size_t i = 0; i < LIVE_BYTES; i++)
		m->live[i] = (uint8_t)(i * 7 + (i >> 8));
}
