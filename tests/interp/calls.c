/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls of every kind: functions of the program, helpers, kfuncs with converted arguments and
 * results, callbacks, tail calls; what r6..r9 and the stack hold across them; may_goto; packet
 * loads; ending a run from inside.
 */
#include <time.h>
#include "arena/arena.h"
#include "harness.h"

/* ---- Functions of the program ---- */

/* f(n) = n == 0 ? 0 : 1 + f(n - 1), with something on each frame's stack and in r6. */
static void check_depth(void)
{
	const struct bpf_insn prog[] = {
		I_MOVX(6, 1),
		I_STX(BPF_DW, 10, 1, -512),
		I_MOV(0, 0),
		I_JMP(BPF_JEQ, 1, 0, 5),
		I_ALU(BPF_SUB, 1, 1),
		I_CALL_LOCAL(-6),
		I_LDX(BPF_DW, 2, 10, -512),
		I_ALUX(BPF_ADD, 0, 2),
		I_ALUX(BPF_SUB, 0, 6),
		I_ALU(BPF_ADD, 0, 1),
		I_EXIT(),
	};
	/* Every frame but the last adds [r10-512] - r6 + 1 = 1; the last one only 1. */
	struct code *code = code_of(prog, ARRAY_SIZE(prog));
	int err;
	uint64_t ret = run_code(code, NULL, 7, 0, &err);

	CHECK(!err && ret == 8, "8 frames: %d, %" PRIu64, err, ret);
	if (mode == MODE_CHECKED) {
		ret = run_code(code, NULL, 8, 0, &err);
		CHECK(err == -EFAULT, "9 frames: %d", err);
	}
	code_done(code);
}

static void check_saved_registers(void)
{
	const struct bpf_insn prog[] = {
		I_MOV(6, 6),
		I_MOV(7, 7),
		I_MOV(8, 8),
		I_MOV(9, 9),
		I_MOV(1, 10),
		I_MOV(5, 50),
		I_CALL_LOCAL(5),
		I_ALUX(BPF_ADD, 0, 6),
		I_ALUX(BPF_ADD, 0, 7),
		I_ALUX(BPF_ADD, 0, 8),
		I_ALUX(BPF_ADD, 0, 9),
		I_EXIT(),
		/* r0 = r1 + r5, and destroys what the caller keeps */
		I_MOVX(0, 1),
		I_ALUX(BPF_ADD, 0, 5),
		I_MOV(6, 1000),
		I_MOV(7, 1000),
		I_MOV(8, 1000),
		I_MOV(9, 1000),
		I_EXIT(),
	};
	uint64_t ret = RUN(prog);

	CHECK(ret == 90, "%" PRIu64, ret);
}

/* ---- Helpers and kfuncs ---- */

static uint64_t helper_sum(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	return a + 10 * b + 100 * c + 1000 * d + 10000 * e;
}

static uint64_t helper_stop(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	run_top->stop = -EINVAL;
	return 0;
}

/* As bpf_loop: calls callback r2 with (i, r3) r1 times. */
static uint64_t helper_loop(uint64_t n, uint64_t cb, uint64_t ctx, uint64_t d, uint64_t e)
{
	uint64_t i;
	int err;

	for (i = 0; i < n; i++) {
		uint64_t args[5] = {i, ctx};

		if (interp_call(run_top, (const struct code_func *)(uintptr_t)cb, args, &err) ||
		    err)
			break;
	}
	return i;
}

static const struct code *tail_target;
static int tail_calls;

static uint64_t helper_tail_call(uint64_t ctx, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	if (tail_calls++ >= MAX_TAIL_CALL_CNT)
		return 0;
	return (uintptr_t)tail_target;
}

static const host_fn helpers[] = {[1] = helper_sum,
				  [2] = helper_stop,
				  [3] = helper_loop,
				  [CODE_TAIL_CALL] = helper_tail_call};

static struct code *code_with_helpers(const struct bpf_insn *insns, uint32_t n)
{
	struct code *code = code_of(insns, n);

	code->helper_fns = helpers;
	code->n_helper_fns = ARRAY_SIZE(helpers);
	return code;
}

static void check_helper(void)
{
	const struct bpf_insn prog[] = {I_MOV(1, 1), I_MOV(2, 2), I_MOV(3, 3), I_MOV(4, 4),
					I_MOV(5, 5), I_CALL(1),	  I_EXIT()};
	struct code *code = code_with_helpers(prog, ARRAY_SIZE(prog));
	int err;
	uint64_t ret = run_code(code, NULL, 0, 0, &err);

	CHECK(!err && ret == 54321, "%d, %" PRIu64, err, ret);
	code_done(code);
}

static uint64_t kfunc_args[5];

static uint64_t kfunc_record(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	memcpy(kfunc_args, (uint64_t[5]){a, b, c, d, e}, sizeof(kfunc_args));
	return 0x8877665544338281;
}

static void check_kfunc_results(void)
{
	static const struct {
		uint8_t ret;
		uint64_t want;
	} cases[] = {
		{KRET_U64, 0x8877665544338281},
		{KRET_S32, 0x44338281},
		{KRET_U32, 0x44338281},
		{KRET_S16, 0xffffffffffff8281},
		{KRET_U16, 0x8281},
		{KRET_S8, 0xffffffffffffff81},
		{KRET_U8, 0x81},
		{KRET_BOOL, 1},
	};
	const struct bpf_insn prog[] = {I_CALL_KFUNC(0), I_EXIT()};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct code *code = code_of(prog, ARRAY_SIZE(prog));
		struct code_kcall k = {.fn = kfunc_record, .ret = cases[i].ret};
		int err;
		uint64_t ret;

		code->kcalls = mem_dup(&k, sizeof(k));
		code->n_kcalls = 1;
		ret = run_code(code, NULL, 0, 0, &err);
		CHECK(!err && ret == cases[i].want, "conversion %d: %#" PRIx64, cases[i].ret, ret);
		code_done(code);
	}
}

static void check_kfunc_arena_args(void)
{
	const struct bpf_insn prog[] = {I_LD64(1, 0, 0x7fff00001234),
					I_LD64(2, 0, 0x7fff00005678),
					I_LD64(3, 0, 0x7fff00000000),
					I_LD64(4, 0, 0x7fff00000000),
					I_LD64(5, 0, 0x7fff00000000),
					I_CALL_KFUNC(0),
					I_EXIT()};
	static const struct arena_head arena = {.window = (uint8_t *)0x100000000000};
	struct code *code = code_of(prog, ARRAY_SIZE(prog));
	struct code_kcall k = {.fn = kfunc_record,
			       .has_arena_args = true,
			       .conv = {KARG_ARENA, KARG_ARENA_NULLABLE, KARG_ARENA,
					KARG_ARENA_NULLABLE, KARG_PLAIN}};
	static const uint64_t want[5] = {0x100000001234, 0x100000005678, 0x100000000000, 0,
					 0x7fff00000000};
	int err;

	code->kcalls = mem_dup(&k, sizeof(k));
	code->n_kcalls = 1;
	code->arena = (struct arena *)(uintptr_t)&arena;
	run_code(code, NULL, 0, 0, &err);
	for (int i = 0; i < 5; i++)
		CHECK(!err && kfunc_args[i] == want[i], "argument %d: %#" PRIx64, i, kfunc_args[i]);
	code_done(code);
}

/* ---- Callbacks ---- */

/* loop(1000, cb, &sum): the callback adds i to the sum on its caller's stack. */
static void check_callback(void)
{
	const struct bpf_insn prog[] = {
		I_ST(BPF_DW, 10, -8, 0),
		I_MOV(1, 1000),
		I_LD64(2, BPF_PSEUDO_FUNC, 6),
		I_MOVX(3, 10),
		I_ALU(BPF_ADD, 3, -8),
		I_CALL(3),
		I_LDX(BPF_DW, 0, 10, -8),
		I_EXIT(),
		/* cb(i, sum) */
		I_LDX(BPF_DW, 3, 2, 0),
		I_ALUX(BPF_ADD, 3, 1),
		I_STX(BPF_DW, 2, 3, 0),
		I_MOV(0, 0),
		I_EXIT(),
	};
	struct code *code = code_with_helpers(prog, ARRAY_SIZE(prog));
	int err;
	uint64_t ret = run_code(code, NULL, 0, 0, &err);

	CHECK(!err && ret == 499500, "%d, %" PRIu64, err, ret);
	CHECK(code->n_funcs == 2 && code->funcs[1].start == 9, "the callback is a function");
	code_done(code);
}

/* A callback that stops takes the program around it along. */
static void check_stop(void)
{
	const struct bpf_insn prog[] = {
		I_MOV(1, 5), I_LD64(2, BPF_PSEUDO_FUNC, 5),
		I_CALL(3),   I_MOV(0, 99),
		I_EXIT(),    I_EXIT(),
		I_CALL(2),   I_MOV(0, 0),
		I_EXIT(),
	};
	struct code *code = code_with_helpers(prog, ARRAY_SIZE(prog));
	int err;
	uint64_t ret = run_code(code, NULL, 0, 0, &err);

	CHECK(err == -EINVAL && ret == 0, "%d, %" PRIu64, err, ret);
	code_done(code);
}

/* ---- Tail calls ---- */

static void check_tail_call(void)
{
	/* main: r6 = callee() + 1000, where the callee's frame goes on in the target */
	const struct bpf_insn prog[] = {
		I_MOV(6, 1000), I_CALL_LOCAL(3),	I_ALUX(BPF_ADD, 0, 6), I_EXIT(), I_EXIT(),
		I_MOV(1, 7),	I_CALL(CODE_TAIL_CALL), I_MOV(0, 1),	       I_EXIT()};
	const struct bpf_insn target[] = {I_MOV(6, 0), I_STX(BPF_DW, 10, 1, -8),
					  I_LDX(BPF_DW, 0, 10, -8), I_ALU(BPF_ADD, 0, 20),
					  I_EXIT()};
	const struct bpf_insn again[] = {I_CALL(CODE_TAIL_CALL), I_MOV(0, 5), I_EXIT()};
	struct code *code = code_with_helpers(prog, ARRAY_SIZE(prog));
	struct code *t = code_with_helpers(target, ARRAY_SIZE(target));
	struct code *loop = code_with_helpers(again, ARRAY_SIZE(again));
	uint64_t ret;
	int err;

	tail_calls = 0;
	tail_target = t;
	ret = run_code(code, NULL, 0, 0, &err);
	CHECK(!err && ret == 1027, "%d, %" PRIu64, err, ret);

	tail_calls = 0;
	tail_target = loop;
	ret = run_code(loop, NULL, 0, 0, &err);
	CHECK(!err && ret == 5 && tail_calls == MAX_TAIL_CALL_CNT + 1, "%d, %" PRIu64 ", %d calls",
	      err, ret, tail_calls);
	code_done(code);
	code_done(t);
	code_done(loop);
}

static void check_tail_call_keeps_checks(void)
{
	const struct bpf_insn prog[] = {I_CALL(CODE_TAIL_CALL), I_MOV(0, 5), I_EXIT()};
	struct code *from = code_with_helpers(prog, ARRAY_SIZE(prog));
	struct code *to = code_with_helpers(prog, ARRAY_SIZE(prog));
	int err;

	from->checked = false;
	to->checked = true;
	tail_calls = 0;
	tail_target = to;
	run_code(from, NULL, 0, 0, &err);
	CHECK(err == -EFAULT, "%d", err);
	code_done(from);
	code_done(to);
}

/* ---- may_goto ---- */

static int timeouts;

static void on_timeout(struct run *run)
{
	timeouts++;
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* An endless loop ends after a quarter of a second, reports once, and the next one at once. */
static void check_may_goto(void)
{
	const struct bpf_insn prog[] = {
		I_MOV(0, 0),
		I_MAY_GOTO(2),
		I_ALU(BPF_ADD, 0, 1),
		I_JA(-3),
		I_MOV(6, 0),
		I_MAY_GOTO(2),
		I_MOV(6, 1),
		I_JA(-3),
		I_ALUX(BPF_MUL, 6, 0), /* 0 unless the second loop's body ran */
		I_JMP(BPF_JEQ, 6, 0, 1),
		I_MOV(0, 0),
		I_EXIT(),
	};
	struct code *code = code_of(prog, ARRAY_SIZE(prog));
	const struct run template = {.timeout = on_timeout};
	double t = seconds();
	uint64_t ret;
	int err;

	timeouts = 0;
	ret = run_code(code, &template, 0, 0, &err);
	t = seconds() - t;
	CHECK(!err && timeouts == 1, "%d, %d reports", err, timeouts);
	CHECK(t >= 0.25 && t < 5, "took %f s", t);
	/* The count is asked for in whole rounds of 65535 and the last round is not looped. */
	CHECK(ret && ret % 0xffff == 0, "%" PRIu64 " iterations", ret);
	code_done(code);
}

/* Each frame has its own budget: the callee's endless loop leaves the caller's alone. */
static void check_may_goto_per_frame(void)
{
	const struct bpf_insn prog[] = {
		I_CALL_LOCAL(5), I_MOV(0, 3),	I_MAY_GOTO(1), I_EXIT(), I_MOV(0, 9),
		I_EXIT(),	 I_MAY_GOTO(1), I_JA(-2),      I_EXIT(),
	};
	struct code *code = code_of(prog, ARRAY_SIZE(prog));
	const struct run template = {.timeout = on_timeout};
	uint64_t ret;
	int err;

	timeouts = 0;
	ret = run_code(code, &template, 0, 0, &err);
	CHECK(!err && ret == 3 && timeouts == 1, "%d, %" PRIu64 ", %d reports", err, ret, timeouts);
	code_done(code);
}

/* ---- Packets ---- */

static bool load_packet(struct run *run, uint64_t ctx, int32_t off, uint32_t size, uint64_t *val)
{
	if (off < 0 || off + (int32_t)size > 8)
		return false;
	*val = ctx + (uint64_t)off * 16 + size;
	return true;
}

static void check_packet(void)
{
	static const struct run_hooks hooks = {.load_packet = load_packet};
	const struct run template = {.hooks = &hooks};
	const struct bpf_insn prog[] = {
		I_MOVX(6, 1),
		I_MOVX(7, 2),
		INSN(BPF_LD | BPF_ABS | BPF_H, 0, 0, 0, 2),
		I_MOVX(8, 0),
		INSN(BPF_LD | BPF_IND | BPF_W, 0, 7, 0, 1),
		I_ALU(BPF_LSH, 0, 32),
		I_ALUX(BPF_OR, 0, 8),
		I_EXIT(),
	};
	struct code *code = code_of(prog, ARRAY_SIZE(prog));
	uint64_t ret;
	int err;

	ret = run_code(code, &template, 0x1000, 3, &err);
	CHECK(!err && ret == 0x104400001022, "%d, %#" PRIx64, err, ret);
	ret = run_code(code, &template, 0x1000, 4, &err);
	CHECK(!err && ret == 0, "outside: %d, %#" PRIx64, err, ret);
	ret = run_code(code, NULL, 0x1000, 3, &err);
	CHECK(!err && ret == 0, "no packets: %d, %#" PRIx64, err, ret);
	code_done(code);
}

int main(void)
{
	for (int m = 0; m < MODE_JIT; m++) {
		mode = (enum mode)m;
		check_depth();
		check_saved_registers();
		check_helper();
		check_kfunc_results();
		check_kfunc_arena_args();
		check_callback();
		check_stop();
		check_tail_call();
		check_may_goto();
		check_may_goto_per_frame();
		check_packet();
	}
	check_tail_call_keeps_checks();
	return failures != 0;
}
