/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What leaves a function: helpers, kfuncs with argument and result conversion, local calls,
 * callbacks, tail calls, may_goto, packet loads, and the backtraces seen meanwhile. Each
 * program runs under both engines; the expected value is written down here.
 */
#include "harness.h"

static struct arena *arena;

/* -- Host functions ------------------------------------------------------------ */

static uint64_t seen[5];
static struct jit_frame frames[8];
static uint32_t n_frames;

static uint64_t helper_sum(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	memcpy(seen, (uint64_t[]){a, b, c, d, e}, sizeof(seen));
	n_frames = jit_backtrace(run_top, NULL, frames, ARRAY_SIZE(frames));
	return a + 2 * b + 3 * c + 4 * d + 5 * e;
}

/* Calls the callback n times; under the interpreter its value is the function. */
static uint64_t helper_loop(uint64_t n, uint64_t cb, uint64_t ctx, uint64_t d, uint64_t e)
{
	uint64_t sum = 0;
	void *exit_fp = run_top->exit_fp;
	int err;

	for (uint64_t i = 0; i < n; i++)
		if (run_top->code->jit)
			sum += ((host_fn)cb)(i, ctx, 0, 0, 0);
		else
			sum += interp_call(run_top, (const struct code_func *)cb,
					   (uint64_t[5]){i, ctx}, &err);
	run_top->exit_fp = exit_fp;
	return sum;
}

static struct code *tail_target;
static uint64_t helper_tail(uint64_t ctx, uint64_t map, uint64_t idx, uint64_t d, uint64_t e)
{
	if (idx != 0 || !tail_target)
		return 0;
	run_top->code = tail_target;
	return (uintptr_t)tail_target;
}

static const host_fn helpers[13] = {[1] = helper_sum, [2] = helper_loop, [12] = helper_tail};

static uint64_t kfunc_neg(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	memcpy(seen, (uint64_t[]){a, b, c, d, e}, sizeof(seen));
	return 0xabcdef0187654380ull;
}

/* -- Running ---------------------------------------------------------------------- */

static bool load_packet(struct run *run, uint64_t ctx, int32_t off, uint32_t size, uint64_t *val)
{
	*val = 0x11u * size + (uint32_t)off;
	return off < 100;
}

static const struct run_hooks hooks = {.load_packet = load_packet};

static uint64_t call(struct code *code, bool native, uint64_t arg)
{
	struct run run = {.code = code,
			  .arena = code->arena,
			  .violation = note_violation,
			  .timeout = note_timeout,
			  .hooks = &hooks};
	uint64_t ret;
	int err = 0;

	epoch_enter();
	run_push(&run);
	ret = native ? ((host_fn)code->funcs[0].entry)(arg, 0, 0, 0, 0)
		     : interp_call(&run, &code->funcs[0], (uint64_t[5]){arg}, &err);
	run_pop(&run);
	epoch_exit();
	CHECK(!err, "interpreter: %d", err);
	return ret;
}

static struct code *finish(const struct builder *b, const uint32_t *starts, uint32_t n_funcs)
{
	struct code *code = code_from(b, starts, n_funcs);

	code->helper_fns = helpers;
	code->n_helper_fns = ARRAY_SIZE(helpers);
	code->arena = arena;
	code->user_hi = 0x7f12;
	return code;
}

static void expect(struct code *code, uint64_t arg, uint64_t want, const char *what)
{
	uint64_t got = call(code, false, arg);
	int err;

	CHECK(got == want, "%s, interpreter: %" PRIx64 ", not %" PRIx64, what, got, want);
	err = jit_compile(code);
	CHECK(!err, "%s: %d", what, err);
	if (err)
		return;
	got = call(code, true, arg);
	CHECK(got == want, "%s, native: %" PRIx64 ", not %" PRIx64, what, got, want);
}

static void drop(struct code *code)
{
	jit_free(code);
	code_free(code);
}

#define MOV(d, v) put_op(&b, OP_MOV64_K, d, 0, 0, v)
#define MOVR(d, s) put_op(&b, OP_MOV64_X, d, s, 0, 0)
#define ADDR(d, s) put_op(&b, OP_ADD64_X, d, s, 0, 0)
#define EXIT() put_op(&b, OP_EXIT, 0, 0, 0, 0)

/* -- Cases -------------------------------------------------------------------------- */

static void test_helper(void)
{
	struct builder b = {.n = 0};
	struct code *code;

	for (uint8_t i = 1; i <= 5; i++)
		MOV(i, 10 * i);
	MOV(6, 1000);
	put_op(&b, OP_CALL_HELPER, 0, 0, 0, 1);
	ADDR(0, 6);
	EXIT();
	code = finish(&b, NULL, 1);
	expect(code, 0, 1000 + 10 + 40 + 90 + 160 + 250, "helper");
	CHECK(n_frames == 1 && frames[0].slot == 6 && frames[0].func == &code->funcs[0],
	      "backtrace of %u frames, slot %u", n_frames, frames[0].slot);
	drop(code);
}

static void test_kfunc(void)
{
	static const struct {
		enum kret_conv ret;
		uint64_t want;
	} rets[] = {
		{KRET_U64, 0xabcdef0187654380},
		{KRET_S32, 0xffffffff87654380},
		{KRET_U32, 0x87654380},
		{KRET_S16, 0x4380},
		{KRET_U16, 0x4380},
		{KRET_S8, 0xffffffffffffff80},
		{KRET_U8, 0x80},
		{KRET_VOID, 0},
	};
	uint64_t base = (uintptr_t)arena_window_base(arena);

	for (size_t i = 0; i < ARRAY_SIZE(rets); i++) {
		struct code_kcall k = {.fn = kfunc_neg,
				       .ret = rets[i].ret,
				       .has_arena_args = true,
				       .conv = {KARG_ARENA, KARG_ARENA_NULLABLE,
						KARG_ARENA_NULLABLE, KARG_PLAIN, KARG_ARENA}};
		struct builder b = {.n = 0};
		struct code *code;

		put_op(&b, OP_LDIMM64, 1, 0, 0, 0x7f1200001000);
		put_op(&b, OP_LDIMM64, 2, 0, 0, 0x7f1200002000);
		put_op(&b, OP_LDIMM64, 3, 0, 0, 0xbadc0ffe00000000);
		MOV(4, -4);
		MOV(5, 0);
		put_op(&b, OP_CALL_KFUNC, 0, 0, 0, 0);
		EXIT();
		code = finish(&b, NULL, 1);
		code->kcalls = mem_dup(&k, sizeof(k));
		code->n_kcalls = 1;
		expect(code, 0, rets[i].want, "kfunc");
		CHECK(seen[0] == base + 0x1000 && seen[1] == base + 0x2000 && !seen[2] &&
			      seen[3] == (uint64_t)-4 && seen[4] == base,
		      "arguments %" PRIx64 " %" PRIx64 " %" PRIx64, seen[0], seen[1], seen[2]);
		drop(code);
	}
}

static void test_local_call(void)
{
	struct builder b = {.n = 0};
	struct code *code;
	uint32_t starts[3] = {0};

	for (uint8_t i = 6; i <= 9; i++)
		MOV(i, i);
	put_op(&b, OP_ST64, 10, 0, -8, 77);
	MOV(1, 5);
	put_op(&b, OP_CALL_LOCAL, 0, 0, 0, 1);
	for (uint8_t i = 6; i <= 9; i++)
		ADDR(0, i);
	put_op(&b, OP_LDX64, 1, 10, -8, 0);
	ADDR(0, 1);
	EXIT();
	starts[1] = b.n; /* r0 = 100 * third(r1), clobbering everything */
	put_op(&b, OP_ST64, 10, 0, -8, 1);
	for (uint8_t i = 6; i <= 9; i++)
		MOV(i, 0x123456);
	put_op(&b, OP_CALL_LOCAL, 0, 0, 0, 2);
	put_op(&b, OP_MUL64_K, 0, 0, 0, 100);
	EXIT();
	starts[2] = b.n;
	MOVR(0, 1);
	put_op(&b, OP_ADD64_K, 0, 0, 0, 1);
	MOVR(6, 0);
	put_op(&b, OP_CALL_HELPER, 0, 0, 0, 1);
	MOVR(0, 6);
	EXIT();
	code = finish(&b, starts, 3);
	expect(code, 0, 600 + 30 + 77, "local call");
	CHECK(n_frames == 3 && frames[0].func == &code->funcs[2] &&
		      frames[1].func == &code->funcs[1] && frames[2].func == &code->funcs[0] &&
		      frames[2].slot == 6,
	      "%u frames", n_frames);
	drop(code);
}

static void test_callback(void)
{
	struct builder b = {.n = 0};
	struct code *code;
	uint32_t starts[2] = {0};

	put_op(&b, OP_ST64, 10, 0, -8, 0);
	MOV(1, 10);
	put_op(&b, OP_LDIMM64, 2, BPF_PSEUDO_FUNC, 0, 1);
	MOVR(3, 10);
	put_op(&b, OP_CALL_HELPER, 0, 0, 0, 2);
	put_op(&b, OP_LDX64, 1, 10, -8, 0);
	ADDR(0, 1);
	EXIT();
	starts[1] = b.n;
	put_op(&b, OP_LDX64, 6, 2, -8, 0);
	put_op(&b, OP_ADD64_K, 6, 0, 0, 1000);
	put_op(&b, OP_STX64, 2, 6, -8, 0);
	put_op(&b, OP_ALDX64, 3, 1, 0x2000, 0); /* a hole: the base must be right here */
	MOVR(0, 1);
	ADDR(0, 3);
	EXIT();
	code = finish(&b, starts, 2);
	expect(code, 0, 45 + 10000, "callback");
	CHECK(current->n_events == 20, "%u violations", current->n_events);
	drop(code);
}

/* main: r6 = 3, r0 = sub(ctx) + r6; sub tail-calls the target, or returns 50. */
static struct code *tail_program(int index, bool in_sub)
{
	struct builder b = {.n = 0};
	uint32_t starts[2] = {0};

	MOV(6, 3);
	if (in_sub) {
		put_op(&b, OP_CALL_LOCAL, 0, 0, 0, 1);
		put_op(&b, OP_ALDX64, 2, 6, 0, 0); /* a hole, reported at this program's slot 2 */
		ADDR(0, 6);
		EXIT();
		starts[1] = b.n;
	}
	MOV(9, 1);
	MOV(2, 0);
	MOV(3, index);
	put_op(&b, OP_CALL_HELPER, 0, 0, 0, 12);
	MOV(0, 50);
	EXIT();
	return finish(&b, starts, in_sub ? 2 : 1);
}

static void test_tail_call(void)
{
	struct builder b = {.n = 0};
	struct code *target, *code;

	put_op(&b, OP_ST64, 10, 0, -8, 0);
	MOV(6, 0);
	MOV(9, 0);
	put_op(&b, OP_LDX64, 0, 1, 0, 0);
	EXIT();
	target = finish(&b, NULL, 1);
	CHECK(!jit_compile(target), "target");
	tail_target = target;
	for (int i = 0; i < 4; i++) {
		uint64_t ctx = 1234;

		code = tail_program(i & 1, i & 2);
		expect(code, (uintptr_t)&ctx, (i & 1 ? 50 : 1234) + (i & 2 ? 3 : 0), "tail call");
		drop(code);
	}
	drop(target);
	CHECK(current->n_events == 4 && current->events[3].idx == 2, "%u violations",
	      current->n_events);
}

/* Two loops in one frame share a counter that ends 250 ms after the first reload. */
static void test_may_goto(void)
{
	struct builder b = {.n = 0};
	struct code *code;
	struct timespec t0, t1;
	uint64_t n;
	double ms;

	MOV(6, 0);
	put_op(&b, OP_MAY_GOTO, 0, 0, 0, 4);
	put_op(&b, OP_ADD64_K, 6, 0, 0, 1);
	put_op(&b, OP_JLT64_K, 6, 0, 1000, 1);
	put_op(&b, OP_MAY_GOTO, 0, 0, 0, 8);
	put_op(&b, OP_ADD64_K, 6, 0, 0, 1);
	put_op(&b, OP_CALL_LOCAL, 0, 0, 0, 1);
	put_op(&b, OP_JA, 0, 0, 0, 4);
	put_op(&b, OP_MAY_GOTO, 0, 0, 0, 10);
	MOV(6, 1); /* unreachable once the budget is spent */
	MOVR(0, 6);
	EXIT();
	MOV(0, 0); /* a callee with a budget of its own */
	put_op(&b, OP_MAY_GOTO, 0, 0, 0, 15);
	put_op(&b, OP_ADD64_K, 0, 0, 0, 1);
	put_op(&b, OP_JLT64_K, 0, 0, 3, 13);
	EXIT();
	code = finish(&b, (uint32_t[]){0, 12}, 2);
	CHECK(!jit_compile(code), "compiles");
	clock_gettime(CLOCK_MONOTONIC, &t0);
	n = call(code, true, 0);
	clock_gettime(CLOCK_MONOTONIC, &t1);
	ms = (t1.tv_sec - t0.tv_sec) * 1e3 + (t1.tv_nsec - t0.tv_nsec) / 1e6;
	CHECK(current->timeouts == 1, "%u timeouts", current->timeouts);
	CHECK(ms > 245 && ms < 2000, "%.1f ms", ms);
	CHECK(n > 65535 && n % 65535 == 0, "%" PRIu64 " iterations", n);
	drop(code);
}

static void test_packet(void)
{
	struct builder b = {.n = 0};
	struct code *code;

	MOVR(6, 1);
	MOV(7, 8);
	put_op(&b, OP_LDABS32, 0, 0, 0, 5);
	MOVR(8, 0);
	put_op(&b, OP_LDIND16, 0, 7, 0, 1);
	ADDR(0, 8);
	put_op(&b, OP_JEQ64_K, 0, 0, 0x11 * 6 + 14, 8);
	EXIT();
	put_op(&b, OP_LDIND8, 0, 7, 0, 92);
	MOV(0, 1);
	EXIT();
	code = finish(&b, NULL, 1);
	expect(code, 0, 0, "packet");
	drop(code);
}

int main(void)
{
	static struct outcome events;
	struct arena_opts opts = {
		.max_entries = 4, .map_extra = 0x7f1200000000ull, .map_flags = 1u << 10};

	if (!jit_available())
		return 77;
	if (fault_install() || arena_create(&opts, &arena) || fault_thread_attach()) {
		printf("no arena\n");
		return 77;
	}
	current = &events;
	test_helper();
	test_kfunc();
	test_local_call();
	test_callback();
	memset(&events, 0, sizeof(events));
	test_tail_call();
	memset(&events, 0, sizeof(events));
	test_may_goto();
	test_packet();
	arena_put(arena);
	return failures ? 1 : 0;
}
