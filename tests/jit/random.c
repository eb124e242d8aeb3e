/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every operation, and random programs, under interpreter and JIT from the same state: results
 * of all registers, memory, faults and reports must agree.
 *
 *   random [SEED [ROUNDS]]
 */
#include "harness.h"

#define ARENA_PAGES 16
#define LIVE_PAGES 4 /* populated from ARENA_AT on; neighbours are holes */

static struct arena *arena;
static uint8_t *live;	  /* host address of the populated pages */
static uint32_t live_low; /* low half of their pointers */

/* -- One operation ---------------------------------------------------------- */

static bool is_plain_memory(uint16_t op)
{
	return (op >= OP_LDX8 && op <= OP_STX64) || (op >= OP_A_ADD32 && op <= OP_STREL64);
}

static bool is_arena_memory(uint16_t op)
{
	return (op >= OP_ALDX8 && op <= OP_ASTX64) || (op >= OP_AA_ADD32 && op <= OP_ASTREL64);
}

static bool is_random_op(uint16_t op)
{
	switch (op_info[op].kind) {
	case K_LDPKT:
	case K_JA:
	case K_MAY_GOTO:
	case K_CALL:
	case K_EXIT:
		return false;
	default:
		return true;
	}
}

static bool is_jump(uint16_t op)
{
	return op_info[op].kind == K_JCOND_K || op_info[op].kind == K_JCOND_X;
}

/* In some programs r9 is made before the loop and then only used as an address. */
static bool pointer_in_r9;

static uint8_t any_reg(void)
{
	return (uint8_t)below(pointer_in_r9 ? 9 : 10);
}

static int64_t any_imm(uint16_t op)
{
	bool shift = op >= OP_LSH64_K && op <= OP_ARSH32_X;

	if (shift)
		return below((op - OP_LSH64_K) % 4 < 2 ? 64 : 32);
	if (op == OP_CAST)
		return below(2) ? BPF_CAST_USER : BPF_CAST_KERN;
	if (op == OP_LDIMM64)
		return (int64_t)interesting();
	return (int32_t)interesting();
}

/* Operands such that plain accesses stay on the stack and arena ones are often near `live`. */
static void put_random_op(struct builder *b, uint16_t op)
{
	enum op_kind kind = op_info[op].kind;
	bool reads = kind == K_LDX || kind == K_LDACQ;
	uint8_t dst = any_reg(), src = any_reg();
	int32_t off = 0;

	if (is_plain_memory(op)) {
		*(reads ? &src : &dst) = 10;
		off = SPILL + 8 * (int32_t)below(8);
		if (kind != K_ATOMIC)
			off += (int32_t)below(8) & (below(4) ? 0 : 7);
		if (off > SPILL + 56)
			off = SPILL + 56;
	} else if (op >= OP_PLDX8 && op <= OP_PLDSX32) {
		if (below(2)) {
			src = 10;
			off = SPILL + (int32_t)below(56);
		} else {
			put_op(b, OP_AND64_K, src, 0, 0, 0xfff); /* nothing is mapped there */
		}
	} else if (is_arena_memory(op) && pointer_in_r9 && below(2)) {
		*(reads ? &src : &dst) = 9;
		off = (int32_t)below(1024) * 8;
		if (!below(8))
			off = (int16_t)rng() & ~7;
	} else if (is_arena_memory(op)) {
		uint8_t addr = reads ? src : dst;

		off = (int16_t)(below(2) ? below(64) * 8 : rng());
		if (below(8))
			put_op(b, OP_AND32_K, addr, 0, 0, LIVE_PAGES * 4096 - 1);
		if (below(8))
			put_op(b, OP_OR32_K, addr, 0, 0, (int32_t)live_low);
		if (kind == K_ATOMIC || below(2)) {
			put_op(b, OP_AND32_K, addr, 0, 0, -8);
			off &= ~7;
		}
		if (below(4) == 0)
			put_op(b, OP_OR64_X, addr, any_reg(), 0, 0);
		if (kind == K_ATOMIC)
			put_op(b, OP_AND32_K, addr, 0, 0, -8);
	}
	if (op == OP_LDIMM64)
		src = 0;
	put_op(b, op, dst, src, is_jump(op) ? (int32_t)interesting() : off,
	       is_jump(op) ? b->n + 2 : any_imm(op));
}

/* -- Comparing ---------------------------------------------------------------- */

static uint8_t before[LIVE_PAGES * 4096], after[LIVE_PAGES * 4096];

static uint64_t helper_mix(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	return a + 3 * b + 5 * c + 7 * d + 11 * e;
}

static const host_fn helpers[] = {NULL, helper_mix};

static void compare(struct code *code, const char *what)
{
	static struct outcome a, b;
	int err;

	memset(&a, 0, sizeof(a));
	for (int i = 0; i < 10; i++)
		a.state.in[i] = interesting();
	b = a;
	code->arena = arena;
	code->user_hi = 0x7f12;
	code->no_user_conv = !below(4);
	code->blind = !below(4);
	code->helper_fns = helpers;
	code->n_helper_fns = ARRAY_SIZE(helpers);
	err = jit_compile(code);
	CHECK(!err, "%s: %d", what, err);
	if (err)
		exit(1);
	memcpy(live, before, sizeof(before));
	run_one(code, false, &a);
	memcpy(after, live, sizeof(after));
	memcpy(live, before, sizeof(before));
	run_one(code, true, &b);
	if (!same(&a, &b) || memcmp(live, after, sizeof(after))) {
		printf("%s differs (blind %d, memory %d)\n", what, code->blind,
		       memcmp(live, after, sizeof(after)));
		explain(code, &a, &b);
		failures++;
	}
	jit_free(code);
	code_free(code);
}

static void test_single(uint16_t op)
{
	struct builder b = {.n = 0};

	put_begin(&b);
	put_random_op(&b, op);
	if (is_jump(op)) {
		b.ops[b.n - 1].imm = b.n + 1;
		put_op(&b, OP_ST64, 10, 0, -96, 1);
	}
	put_end(&b);
	compare(code_from(&b, NULL, 1), op_info[op].name);
}

/* -- Programs ------------------------------------------------------------------- */

static void put_rotate(struct builder *b)
{
	bool w = below(2);
	uint8_t x = any_reg(), y = any_reg();
	int n = 1 + (int)below(w ? 63 : 31), width = w ? 64 : 32;

	put_op(b, w ? OP_MOV64_X : OP_MOV32_X, y, x, 0, 0);
	put_op(b, w ? OP_LSH64_K : OP_LSH32_K, y, 0, 0, n);
	put_op(b, w ? OP_RSH64_K : OP_RSH32_K, x, 0, 0, below(8) ? width - n : 5);
	put_op(b, w ? OP_OR64_X : OP_OR32_X, below(2) ? x : y, below(2) ? x : y, 0, 0);
}

static void put_select(struct builder *b)
{
	uint16_t op = OP_JEQ64_K + (uint16_t)below(OP_JSET32_X - OP_JEQ64_K + 1);
	uint8_t x = any_reg();

	if (below(2))
		put_op(b, OP_MOV64_K, x, 0, 0, 1);
	put_op(b, op, any_reg(), any_reg(), (int32_t)interesting(), b->n + 2);
	if (below(2))
		put_op(b, OP_MOV64_K + (uint16_t)below(4), x, any_reg(), 0, (int32_t)interesting());
	else
		put_op(b, OP_ADD64_K + (uint16_t)below(4), x, any_reg(), 0, (int32_t)interesting());
}

/* The compiler's rol(v * c, n). */
static void put_product(struct builder *b)
{
	uint8_t x = any_reg(), y = any_reg();
	uint32_t c = (uint32_t)rng(), n = 1 + below(31);

	put_op(b, OP_MOV32_X, y, x, 0, 0);
	put_op(b, OP_MUL32_K, y, 0, 0, (int32_t)(c << n));
	put_op(b, OP_MUL32_K, x, 0, 0, (int32_t)c);
	put_op(b, OP_RSH32_K, x, 0, 0, 32 - n);
	put_op(b, OP_OR32_X, x, y, 0, 0);
	put_op(b, below(2) ? OP_MUL32_K : OP_MUL64_K, x, 0, 0, 3 + 2 * (int)below(4));
	put_op(b, below(2) ? OP_ADD32_K : OP_ADD64_K, x, 0, 0, (int32_t)interesting());
}

/* x & y == 0 */
static void put_test(struct builder *b)
{
	uint8_t x = any_reg(), y = any_reg();
	uint16_t w = 2 * (uint16_t)below(2);

	put_op(b, OP_MOV64_X, y, x, 0, 0);
	put_op(b, (below(2) ? OP_AND64_X : OP_AND64_K) + w, y, any_reg(), 0,
	       (int32_t)interesting());
	put_op(b, (below(2) ? OP_JEQ64_K : OP_JNE64_K) + w, y, 0, 0, b->n + 2);
	put_op(b, OP_ADD64_K, x, 0, 0, 1);
	if (below(2))
		put_op(b, OP_MOV64_K, y, 0, 0, 1);
}

static void put_address(struct builder *b)
{
	uint8_t x = any_reg(), y = any_reg();

	put_op(b, OP_MOV64_X + 2 * (uint16_t)below(2), y, x, 0, 0);
	if (below(2))
		put_op(b, OP_LSH64_K + 2 * (uint16_t)below(2), y, 0, 0, 1 + below(4));
	put_op(b, OP_ADD64_K + (uint16_t)below(4), y, any_reg(), 0, (int32_t)interesting());
}

static void put_bits(struct builder *b)
{
	uint8_t x = any_reg(), y = any_reg();
	uint16_t w = 2 * (uint16_t)below(2);

	if (below(4) == 0) {
		put_op(b, OP_MOV64_X, y, x, 0, 0);
		put_op(b, OP_LSH64_K, y, 0, 0, 32);
		put_op(b, below(2) ? OP_RSH64_K : OP_ARSH64_K, y, 0, 0, 32);
	} else if (below(2)) {
		put_op(b, OP_XOR64_K + w, x, 0, 0, -1);
		put_op(b, OP_AND64_X + w, x, y, 0, 0);
	} else {
		put_op(b, OP_MOV64_X + w, y, x, 0, 0);
		put_op(b, OP_ADD64_K + w, y, 0, 0, -1);
		put_op(b, OP_AND64_X + w, y, x, 0, 0);
	}
}

/* Load, change, store at one place; or load and compare. */
static void put_modify(struct builder *b)
{
	uint16_t size = (uint16_t)below(4);
	bool in_arena = below(2);
	uint8_t p = in_arena ? (pointer_in_r9 ? 9 : any_reg()) : 10, x = any_reg();
	int32_t off = in_arena ? (int32_t)below(4096) & ~7 : SPILL + 8 * (int32_t)below(8);

	if (in_arena && p != 9 && below(8)) {
		put_op(b, OP_AND32_K, p, 0, 0, LIVE_PAGES * 4096 - 8);
		put_op(b, OP_OR32_K, p, 0, 0, (int32_t)live_low);
	}
	put_op(b, (in_arena ? OP_ALDX8 : OP_LDX8) + size, x, p, off, 0);
	if (below(3) == 0) {
		put_op(b, OP_JEQ64_K + (uint16_t)below(OP_JSET32_X - OP_JEQ64_K + 1), x, any_reg(),
		       (int32_t)interesting(), b->n + 2);
		put_op(b, OP_ADD64_K, any_reg(), 0, 0, 3);
	} else {
		put_op(b, OP_ADD64_K + (uint16_t)below(OP_XOR32_X - OP_ADD64_K + 1), x, any_reg(),
		       0, (int32_t)interesting());
		put_op(b, (in_arena ? OP_ASTX8 : OP_STX8) + size, p, x, off, 0);
	}
	if (below(2))
		put_op(b, OP_MOV64_K, x, 0, 0, 5);
}

static bool in_callee; /* functions do not recurse */

/* r1..r5 are gone behind a call. */
static void put_call(struct builder *b)
{
	bool local = !in_callee && below(2);

	put_op(b, local ? OP_CALL_LOCAL : OP_CALL_HELPER, 0, 0, 0, 1);
	for (uint8_t i = 1; i <= 5; i++)
		put_op(b, OP_MOV64_K, i, 0, 0, (int32_t)interesting());
}

static void put_may_goto(struct builder *b)
{
	put_op(b, OP_MAY_GOTO, 0, 0, 0, b->n + 2);
	put_op(b, OP_ADD64_K, any_reg(), 0, 0, 1);
}

static void put_any(struct builder *b)
{
	static void (*const idioms[])(struct builder *) = {
		put_rotate, put_select, put_address, put_bits, put_modify, put_product, put_test};
	uint16_t op;

	if (below(25) == 0) {
		(below(2) ? put_call : put_may_goto)(b);
		return;
	}
	if (below(3) == 0) {
		idioms[below(ARRAY_SIZE(idioms))](b);
		return;
	}
	do {
		op = (uint16_t)below(OP_COUNT);
	} while (!is_random_op(op));
	put_random_op(b, op);
}

static void set_targets(struct builder *b, uint32_t first, uint32_t end)
{
	for (uint32_t i = first; i < end; i++) {
		struct op *op = &b->ops[i];

		if (op->op >= OP_COUNT || !is_jump(op->op))
			continue;
		if (below(3) == 0)
			op->imm = i + 1 + below(end - i);
		if (b->ops[op->imm].op == OP_PAD)
			op->imm++;
	}
}

/* A second function: any registers, any stack, r0 back. */
static void put_callee(struct builder *b)
{
	uint32_t first, n = 2 + below(12);

	put_op(b, OP_MOV64_X, 0, 1, 0, 0);
	if (below(3) == 0) { /* small enough to be inlined */
		for (uint32_t i = below(8); i > 0; i--)
			put_op(b, OP_ADD64_K + (uint16_t)below(OP_MOV32_X - OP_ADD64_K + 1),
			       (uint8_t)below(6), (uint8_t)below(6), 0, (int32_t)below(32));
		put_op(b, OP_EXIT, 0, 0, 0, 0);
		return;
	}
	in_callee = true;
	for (uint8_t i = 6; i < 10; i++)
		put_op(b, OP_MOV64_X, i, (uint8_t)(1 + below(5)), 0, 0);
	for (int i = 0; i < 8; i++)
		put_op(b, OP_ST64, 10, 0, SPILL + 8 * i, i);
	first = b->n;
	while (b->n - first < n)
		put_any(b);
	put_op(b, OP_MOV64_X, 0, 0, 0, 0);
	put_op(b, OP_MOV64_X, 0, 0, 0, 0);
	set_targets(b, first, b->n);
	put_op(b, OP_EXIT, 0, 0, 0, 0);
	in_callee = false;
}

/* Forward jumps get random targets further on; a loop bounded by a counter on the stack. */
static void test_program(uint32_t n)
{
	struct builder b = {.n = 0};
	uint32_t first, end, loop;

	put_begin(&b);
	first = b.n;
	pointer_in_r9 = below(2);
	if (pointer_in_r9) {
		put_op(&b, OP_AND32_K, 9, 0, 0, LIVE_PAGES * 4096 - 8);
		put_op(&b, OP_OR32_K, 9, 0, 0, (int32_t)live_low);
		put_op(&b, OP_MOV32_X, 9, 9, 0, 0);
	}
	loop = below(2) ? b.n : 0;
	while (b.n - first < n)
		put_any(&b);
	put_op(&b, OP_MOV64_X, 0, 0, 0, 0); /* idioms that end in a jump go this far */
	put_op(&b, OP_MOV64_X, 0, 0, 0, 0);
	if (loop) {
		put_op(&b, OP_STX64, 10, 6, SPILL - 8, 0);
		put_op(&b, OP_LDX64, 6, 10, -96, 0);
		put_op(&b, OP_ADD64_K, 6, 0, 0, 1);
		put_op(&b, OP_STX64, 10, 6, -96, 0);
		put_op(&b, OP_JLT64_K, 6, 0, 3, loop);
		put_op(&b, OP_LDX64, 6, 10, SPILL - 8, 0);
	}
	end = b.n;
	set_targets(&b, first, end - (loop ? 6 : 0));
	if (pointer_in_r9)
		put_op(&b, OP_MOV64_K, 9, 0, 0, 0);
	put_end(&b);
	pointer_in_r9 = false;
	end = b.n;
	put_callee(&b);
	compare(code_from(&b, (uint32_t[]){0, end}, 2), "program");
}

static void set_up(void)
{
	struct arena_opts opts = {
		.max_entries = ARENA_PAGES, .map_extra = 0x7f1200000000ull, .map_flags = 1u << 10};
	uint64_t p;

	if (fault_install() || arena_create(&opts, &arena) || fault_thread_attach()) {
		printf("no arena\n");
		exit(77);
	}
	p = arena_alloc_pages(arena, 0x7f1200004000ull, LIVE_PAGES, -1, 0);
	if (!p) {
		printf("no pages\n");
		exit(1);
	}
	live_low = (uint32_t)p;
	live = arena_window_base(arena) + live_low;
	for (size_t i = 0; i < sizeof(before); i++)
		before[i] = (uint8_t)rng();
}

int main(int argc, char **argv)
{
	int rounds = argc > 2 ? atoi(argv[2]) : 2000;

	if (!jit_available())
		return 77;
	seed_from(argc, argv);
	set_up();
	for (uint16_t op = 0; op < OP_COUNT; op++)
		for (int i = 0; is_random_op(op) && i < 60 && failures < 5; i++)
			test_single(op);
	for (int i = 0; i < rounds && failures < 5; i++)
		test_program(4 + below(60));
	arena_put(arena);
	return failures ? 1 : 0;
}
