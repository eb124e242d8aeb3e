/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random programs: what the verifier accepts must not touch memory that is not its own.
 *
 * Programs are made of pieces that a compiler might emit, with numbers from the places where
 * ranges break. The accepted ones run in the checked interpreter on adversarial inputs; an
 * access outside stack, context and map values, or a helper handed such memory, is a finding.
 * Half of the programs know an arena.
 *
 *   t_verify_soundness [SECONDS [SEED]]
 */
#include <time.h>
#include "harness.h"
#include "arena/run.h"
#include "interp/interp.h"

#define MAX_INSNS 96
#define CTX_SIZE 256
#define RUNS 4

static uint64_t state, first_seed;
static uint64_t ctx_mem[CTX_SIZE / 8];
static unsigned long made, accepted, ran, findings;
static bool seen_op[OP_COUNT];

static uint64_t rnd(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state * 0x2545f4914f6cdd1dull;
}

static uint32_t below(uint32_t n)
{
	return (uint32_t)((rnd() >> 32) * n >> 32);
}

static uint64_t edge(void)
{
	static const uint64_t edges[] = {0,
					 1,
					 2,
					 7,
					 8,
					 16,
					 31,
					 32,
					 40,
					 47,
					 48,
					 63,
					 64,
					 127,
					 128,
					 255,
					 256,
					 512,
					 0x7fff,
					 0x8000,
					 0xffff,
					 0x7fffffff,
					 0x80000000,
					 0xffffffff,
					 0x100000000,
					 0x7fffffffffffffff,
					 0x8000000000000000,
					 UINT64_MAX};

	switch (below(4)) {
	case 0:
		return rnd();
	case 1:
		return rnd() >> below(64);
	case 2:
		return below(60);
	default:
		return edges[below(ARRAY_SIZE(edges))] + below(3) - 1;
	}
}

/* -- Making programs --------------------------------------------------------------------- */

static struct bpf_insn prog[MAX_INSNS];
static uint32_t n_prog;
static bool half[MAX_INSNS]; /* second slot of an LDIMM64 */
static bool with_arena;

static void put(struct bpf_insn insn)
{
	if (n_prog < MAX_INSNS - 4)
		prog[n_prog++] = insn;
}

#define PUT(...) put((struct bpf_insn)__VA_ARGS__)

static void put64(uint8_t dst, uint8_t src, uint64_t v)
{
	if (n_prog >= MAX_INSNS - 5)
		return;
	PUT(INSN(BPF_LD | BPF_IMM | BPF_DW, dst, src, 0, (int32_t)v));
	half[n_prog] = true;
	PUT(INSN(0, 0, 0, 0, (int32_t)(v >> 32)));
}

/* Numbers live in r0 to r5, pointers above; now and then anything goes. */
static uint8_t reg(void)
{
	return (uint8_t)(below(40) ? below(6) : below(10));
}

static uint8_t size(void)
{
	static const uint8_t codes[] = {BPF_B, BPF_H, BPF_W, BPF_DW};

	return codes[below(4)];
}

static void put_alu(void)
{
	static const uint8_t ops[] = {BPF_ADD,	BPF_SUB, BPF_MUL, BPF_DIV, BPF_OR,
				      BPF_AND,	BPF_LSH, BPF_RSH, BPF_MOD, BPF_XOR,
				      BPF_ARSH, BPF_MOV, BPF_ADD, BPF_AND};
	uint8_t op = ops[below(sizeof(ops))], class = below(2) ? BPF_ALU64 : BPF_ALU;
	bool shift = op == BPF_LSH || op == BPF_RSH || op == BPF_ARSH;
	int32_t imm = shift ? (int32_t)below(class == BPF_ALU ? 32 : 64) : (int32_t)edge();
	int16_t off = (op == BPF_DIV || op == BPF_MOD) && below(2);

	if (op == BPF_MOV && below(2))
		off = (int16_t[]){0, 8, 16, class == BPF_ALU ? 0 : 32}[below(4)];
	if (below(2))
		PUT(INSN(class | op | BPF_X, reg(), reg(), off, 0));
	else
		PUT(INSN(class | op | BPF_K, reg(), 0, op == BPF_MOV ? 0 : off, imm ? imm : 1));
}

static void put_unary(void)
{
	if (below(2))
		PUT(INSN((below(2) ? BPF_ALU : BPF_ALU64) | BPF_NEG, reg(), 0, 0, 0));
	else
		PUT(INSN(BPF_ALU | BPF_END | (below(2) ? BPF_TO_BE : BPF_TO_LE), reg(), 0, 0,
			 16 << below(3)));
}

static void put_cond(void)
{
	static const uint8_t ops[] = {BPF_JEQ,	BPF_JNE,  BPF_JGT,  BPF_JGE,  BPF_JLT, BPF_JLE,
				      BPF_JSGT, BPF_JSGE, BPF_JSLT, BPF_JSLE, BPF_JSET};
	uint8_t class = below(2) ? BPF_JMP : BPF_JMP32, op = ops[below(sizeof(ops))];

	if (below(3) == 0)
		PUT(INSN(class | op | BPF_X, reg(), reg(), 1 + below(6), 0));
	else
		PUT(INSN(class | op | BPF_K, reg(), 0, 1 + below(6), (int32_t)edge()));
}

/* A number made safe as an index, perhaps not quite. */
static void put_bound(uint8_t r)
{
	int32_t limit = (int32_t)below(56);

	switch (below(5)) {
	case 0:
		PUT(ALU(BPF_AND, r, (int32_t)below(64)));
		break;
	case 1:
		PUT(JMP(BPF_JLE, r, limit, 1));
		PUT(MOV(r, 0));
		break;
	case 2:
		PUT(MOVX32(r, r));
		PUT(JMP32(BPF_JLT, r, limit, 1));
		PUT(MOV32(r, 0));
		break;
	case 3:
		PUT(JMP(BPF_JSGT, r, limit, 1));
		PUT(JMP(BPF_JSGE, r, 0, 1));
		PUT(MOV(r, 0));
		break;
	default:
		PUT(ALU(BPF_RSH, r, (int32_t)(58 + below(6))));
	}
}

static void put_value(void)
{
	uint8_t r = (uint8_t)(6 + below(3)), i = (uint8_t)below(6);

	put64(r, BPF_PSEUDO_MAP_VALUE, MAP_ARRAY | (uint64_t)below(ARRAY_VALUE) << 32);
	if (below(3)) {
		if (below(8))
			put_bound(i);
		PUT(ALUX(BPF_ADD, r, i));
	}
	if (below(2))
		PUT(LDX(size(), reg(), r, (int)below(56) - 4));
	else
		PUT(STX(size(), r, reg(), (int)below(56) - 4));
}

static void put_stack(void)
{
	int16_t off = (int16_t)(-8 * (int)(1 + below(6)) + (below(4) ? 0 : (int)below(8)));
	uint8_t r = (uint8_t)(6 + below(3)), i = reg();

	switch (below(4)) {
	case 0:
		PUT(STX(size(), 10, reg(), off));
		break;
	case 1:
		PUT(LDX(size(), reg(), 10, off));
		break;
	case 2:
		PUT(ST(size(), 10, off, (int32_t)edge()));
		break;
	default:
		PUT(MOVX(r, 10));
		PUT(ALU(BPF_ADD, r, -48));
		if (i != r)
			put_bound(i);
		PUT(ALUX(BPF_ADD, r, i));
		if (below(2))
			PUT(LDX(BPF_B, i, r, below(8)));
		else
			PUT(STX(BPF_B, r, i, below(8)));
	}
}

/* A call leaves r1 to r5 unset. */
static void put_numbers(void)
{
	for (uint8_t r = 1; r < 6; r++)
		if (below(3))
			PUT(MOVX(r, 0));
		else
			PUT(MOV(r, (int32_t)edge()));
}

static void put_found(bool check)
{
	if (check)
		PUT(JMP(below(20) ? BPF_JEQ : BPF_JNE, 0, 0, 1));
	PUT(ST(size(), 0, below(50), 3));
	PUT(MOV(0, (int32_t)edge()));
}

static void put_hash_lookup(void)
{
	PUT(ST(BPF_DW, 10, -8, (int32_t)below(8)));
	PUT(MOVX(2, 10));
	PUT(ALU(BPF_ADD, 2, -8));
	put64(1, BPF_PSEUDO_MAP_FD, MAP_HASH);
	PUT(CALL(1));
	put_found(true);
}

/* The array has one element. It is found for sure if the verifier knows that the key is 0: from
 * halves of slots, whole ones, or what was there before. */
static void put_array_lookup(void)
{
	int16_t off = (int16_t)(-4 * (int)(1 + below(6)));

	switch (below(6)) {
	case 0:
		PUT(ST(BPF_W, 10, off, (int32_t)below(2)));
		break;
	case 1:
		PUT(STX(BPF_W, 10, reg(), off));
		break;
	case 2:
		PUT(ST(BPF_DW, 10, (int16_t)(off & ~7), (int32_t)below(2)));
		break;
	case 3:
		PUT(MOV(reg(), (int32_t)below(2)));
		PUT(STX(BPF_W, 10, reg(), off));
		break;
	case 4: /* one of two */
		PUT(ST(BPF_W, 10, off, (int32_t)below(2)));
		PUT(JMP(below(2) ? BPF_JEQ : BPF_JGT, reg(), (int32_t)edge(), 1));
		PUT(ST(BPF_W, 10, off, (int32_t)below(2)));
		break;
	}
	if (below(3) == 0)
		put_cond();
	if (below(3) == 0)
		PUT(ST(BPF_W, 10, (int16_t)(off ^ 4), (int32_t)below(2)));
	PUT(MOVX(2, 10));
	PUT(ALU(BPF_ADD, 2, off));
	put64(1, BPF_PSEUDO_MAP_FD, MAP_ARRAY);
	PUT(CALL(1));
	put_found(below(2));
}

static void put_call(void)
{
	switch (below(4)) {
	case 0:
		PUT(CALL(7));
		break;
	case 1:
		PUT(CALL(5));
		break;
	case 2:
		if (below(2))
			put_hash_lookup();
		else
			put_array_lookup();
		break;
	default:
		PUT(MOVX(2, reg()));
		PUT(MOVX(1, 10));
		PUT(ALU(BPF_ADD, 1, -8 * (int)(1 + below(6))));
		put_bound(2);
		PUT(MOV(3, 0));
		PUT(CALL(113));
	}
	put_numbers();
}

static void put_atomic(void)
{
	static const int32_t ops[] = {
		BPF_ADD,  BPF_ADD | BPF_FETCH, BPF_OR,	     BPF_AND | BPF_FETCH, BPF_XOR,
		BPF_XCHG, BPF_CMPXCHG,	       BPF_LOAD_ACQ, BPF_STORE_REL};

	PUT(INSN(BPF_STX | BPF_ATOMIC | (below(2) ? BPF_W : BPF_DW), below(8) ? 10 : reg(), reg(),
		 -8 * (int)(1 + below(6)), ops[below(ARRAY_SIZE(ops))]));
}

static void put_arena(void)
{
	uint8_t r = (uint8_t)(6 + below(3));

	if (!with_arena)
		return;
	PUT(INSN(BPF_ALU64 | BPF_MOV | BPF_X, r, reg(), BPF_ADDR_SPACE_CAST,
		 below(4) ? BPF_CAST_KERN : BPF_CAST_USER));
	if (below(2))
		PUT(INSN(BPF_ALU64 | (below(2) ? BPF_ADD : BPF_AND) | BPF_X, r, reg(), 0, 0));
	if (below(2))
		PUT(LDX(size(), reg(), r, (int16_t)rnd()));
	else
		PUT(STX(size(), r, reg(), (int16_t)rnd()));
}

static void put_loop(void)
{
	uint32_t start = n_prog;

	PUT(MAY_GOTO(0));
	for (uint32_t i = below(3) + 1; i--;)
		if (below(2))
			put_alu();
		else
			put_value();
	if (n_prog < start + 2 || n_prog >= MAX_INSNS - 4)
		return;
	prog[start].off = (int16_t)(n_prog - start);
	PUT(JA((int)start - (int)n_prog - 1));
}

static void put_piece(void)
{
	switch (below(16)) {
	case 0 ... 4:
		put_alu();
		break;
	case 5:
		put_unary();
		break;
	case 6 ... 7:
		put_cond();
		break;
	case 8 ... 9:
		put_value();
		break;
	case 10 ... 11:
		put_stack();
		break;
	case 12:
		put_call();
		break;
	case 13:
		put_atomic();
		break;
	case 14:
		put_arena();
		break;
	default:
		if (below(3))
			PUT(LDX(size(), reg(), below(12) ? 9 : reg(), 8 * (int)below(32)));
		else
			put_loop();
	}
}

/* Jumps may have come out long: they end at the last slots, and never inside an LDIMM64. */
static void fix_jumps(void)
{
	for (uint32_t i = 0; i < n_prog; i++) {
		uint8_t class = BPF_CLASS(prog[i].code);
		int32_t to;

		if (half[i] || (class != BPF_JMP && class != BPF_JMP32) ||
		    BPF_OP(prog[i].code) == BPF_CALL || BPF_OP(prog[i].code) == BPF_EXIT)
			continue;
		to = (int32_t)i + 1 + prog[i].off;
		if (to >= (int32_t)n_prog - 2)
			to = (int32_t)n_prog - 2;
		if (half[to])
			to++;
		prog[i].off = (int16_t)(to - (int32_t)i - 1);
	}
}

static void make(void)
{
	uint32_t pieces = 4 + below(20);

	n_prog = 0;
	memset(half, 0, sizeof(half));
	with_arena = below(2);
	PUT(MOVX(9, 1));
	if (with_arena)
		put64(2, BPF_PSEUDO_MAP_FD, MAP_ARENA);
	for (uint8_t r = 0; r < 9; r++)
		PUT(MOV(r, (int32_t)edge()));
	if (below(8)) {
		PUT(CALL(below(2) ? 5 : 7));
		put_numbers();
	}
	while (pieces--)
		put_piece();
	prog[n_prog++] = (struct bpf_insn)MOV(0, 0);
	prog[n_prog++] = (struct bpf_insn)EXIT();
	fix_jumps();
}

/* -- Running them -------------------------------------------------------------------------- */

static bool within(uint64_t addr, uint64_t len, const void *mem, uint64_t room)
{
	uint64_t at = addr - (uintptr_t)mem;

	return at <= room && len <= room - at;
}

static uint8_t hash_values[8][ARRAY_VALUE];

static bool in_values(uint64_t addr, uint64_t len)
{
	uint64_t array = 0;

	maps[MAP_ARRAY]->v.ops->direct_value(maps[MAP_ARRAY], &array, 0);
	for (int i = 0; i < 8; i++)
		if (within(addr, len, hash_values[i], ARRAY_VALUE))
			return true;
	return within(addr, len, (void *)(uintptr_t)array, ARRAY_VALUE);
}

static bool allowed(struct run *run, uint64_t addr, uint32_t len, bool write)
{
	return in_values(addr, len) || within(addr, len, ctx_mem, sizeof(ctx_mem));
}

static bool in_stack(struct run *run, uint64_t addr, uint64_t len)
{
	const struct interp_activation *act = run->interp;

	return act && within(addr, len, act->stack, (uint64_t)act->depth * 512);
}

/* What helpers are handed must be the program's too. */
static bool call_allowed(struct run *run, const struct op *call, const uint64_t a[5])
{
	if (call->op != OP_CALL_HELPER)
		return true;
	if (call->imm == 1)
		return in_stack(run, a[1], ((struct map *)(uintptr_t)a[0])->v.key_size) ||
		       in_values(a[1], ((struct map *)(uintptr_t)a[0])->v.key_size);
	if (call->imm == 113)
		return !a[1] || in_stack(run, a[0], a[1]) ||
		       allowed(run, a[0], (uint32_t)a[1], true);
	return true;
}

static int questions;

static bool go_on(struct run *run)
{
	return questions-- > 0;
}

static void no_violation(struct run *run, uint64_t addr, bool is_write, void *uc, int64_t idx)
{
}

static const struct run_hooks hooks = {
	.allowed = allowed, .call_allowed = call_allowed, .go_on = go_on};

static uint64_t help_lookup(uint64_t map, uint64_t key, uint64_t c, uint64_t d, uint64_t e)
{
	struct map *m = (struct map *)(uintptr_t)map;
	uint64_t v = 0;

	if (m == maps[MAP_ARRAY])
		return *(uint32_t *)(uintptr_t)key || m->v.ops->direct_value(m, &v, 0) ? 0 : v;
	v = *(uint64_t *)(uintptr_t)key;
	return v < 4 ? (uintptr_t)hash_values[v] : 0;
}

static uint64_t help_number(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	return edge();
}

static uint64_t help_read(uint64_t dst, uint64_t len, uint64_t c, uint64_t d, uint64_t e)
{
	for (uint64_t i = 0; i < len; i++)
		((uint8_t *)(uintptr_t)dst)[i] = (uint8_t)rnd();
	return rnd() & 1 ? 0 : (uint64_t)-14;
}

static host_fn run_fns[200];

static void finding(int err, uint64_t seed)
{
	findings++;
	printf("accepted, but stopped with %d; seed %llu, %u instructions:\n", err,
	       (unsigned long long)seed, n_prog);
	for (uint32_t i = 0; i < n_prog; i++)
		printf("%3u: %02x r%d r%d off %d imm %d\n", i, prog[i].code, prog[i].dst_reg,
		       prog[i].src_reg, prog[i].off, prog[i].imm);
}

static void run_one(struct code *code, uint64_t seed)
{
	struct run run = {
		.code = code, .arena = code->arena, .hooks = &hooks, .violation = no_violation};
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(ctx_mem); i++)
		ctx_mem[i] = edge();
	questions = 2;
	run_push(&run);
	interp_call(&run, &code->funcs[0], (uint64_t[5]){(uintptr_t)ctx_mem}, &err);
	run_pop(&run);
	ran++;
	if (err && err != -ETIMEDOUT)
		finding(err, seed);
}

static void try_one(void)
{
	struct verify_stats stats;
	struct code *code = NULL;
	uint64_t seed = state;

	make();
	made++;
	if (harness_verify(BPF_PROG_TYPE_SYSCALL, 0, prog, n_prog, 0, &stats, &code))
		return;
	accepted++;
	code->checked = true;
	code->helper_fns = run_fns;
	code->n_helper_fns = ARRAY_SIZE(run_fns);
	for (uint32_t i = 0; i < code->n_ops; i++)
		if (code->ops[i].op < OP_COUNT)
			seen_op[code->ops[i].op] = true;
	for (int i = 0; i < RUNS && stats.max_ctx_offset <= CTX_SIZE; i++)
		run_one(code, seed);
	code_free(code);
}

static void report(void)
{
	int n = 0;

	for (int i = 0; i < OP_COUNT; i++)
		n += seen_op[i];
	printf("%lu programs, %lu accepted (%.1f %%), %lu runs, %d of %d operations, %lu findings; "
	       "seed %llu\n",
	       made, accepted, made ? 100.0 * (double)accepted / (double)made : 0.0, ran, n,
	       OP_COUNT, findings, (unsigned long long)first_seed);
}

int main(int argc, char **argv)
{
	time_t end = time(NULL) + (argc > 1 ? atol(argv[1]) : 3);

	state = first_seed = argc > 2 ? strtoull(argv[2], NULL, 0) : (uint64_t)time(NULL) * 2 + 1;
	run_fns[1] = help_lookup;
	run_fns[5] = run_fns[7] = help_number;
	run_fns[113] = help_read;
	harness_open();
	while (time(NULL) < end && findings < 5)
		for (int i = 0; i < 200 && findings < 5; i++)
			try_one();
	harness_close();
	report();
	return findings != 0 || accepted < 10;
}
