/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Large programs, shaped against the compiler: chains
 * of backward jumps, along which facts travel one step per round, and jumps whose sizes hang
 * on each other. They compile in time and run right.
 */
#include "harness.h"

#define BLOCKS 100000

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static struct code *code_of_ops(struct op *ops, uint32_t n)
{
	struct code *code = mem_zalloc(sizeof(*code));

	code->ops = ops;
	code->n_ops = n;
	code->n_funcs = 1;
	code->funcs = mem_calloc(1, sizeof(*code->funcs));
	code->funcs[0] = (struct code_func){.end = n, .code = code};
	return code;
}

static void compile_and_run(struct op *ops, uint32_t n, uint64_t want, const char *what)
{
	struct code *code = code_of_ops(ops, n);
	struct run run = {.code = code};
	uint64_t start = now_ms(), got;
	int err = jit_compile(code);

	CHECK(!err, "%s: %d", what, err);
	printf("%s: %" PRIu64 " ms\n", what, now_ms() - start);
	CHECK(now_ms() - start < 20000, "%s takes too long", what);
	if (err)
		return;
	epoch_enter();
	run_push(&run);
	got = ((host_fn)code->funcs[0].entry)(0, 0, 0, 0, 0);
	run_pop(&run);
	epoch_exit();
	CHECK(got == want, "%s: %" PRIu64, what, got);
	jit_free(code);
	code_free(code);
}

/* Block i adds 1 and goes to block i - 1; the last comes first. */
static void test_backward(void)
{
	uint32_t n = 2 * BLOCKS + 3;
	struct op *ops = mem_calloc(n, sizeof(*ops));

	ops[0] = (struct op){.op = OP_MOV64_K};
	ops[1] = (struct op){.op = OP_JA, .imm = 2 * BLOCKS + 1};
	ops[2] = (struct op){.op = OP_EXIT};
	for (uint32_t i = 0; i < BLOCKS; i++) {
		ops[3 + 2 * i] = (struct op){.op = OP_ADD64_K, .imm = 1};
		ops[4 + 2 * i] = (struct op){.op = OP_JA, .imm = i ? 1 + 2 * i : 2};
	}
	compile_and_run(ops, n, BLOCKS, "backward chain");
}

/* Conditional jumps over a distance that is short only if those inside are. */
static void test_nested(void)
{
	uint32_t n = 2 * BLOCKS + 2;
	struct op *ops = mem_calloc(n, sizeof(*ops));

	ops[0] = (struct op){.op = OP_MOV64_K};
	for (uint32_t i = 0; i < BLOCKS; i++) {
		uint32_t at = 1 + 2 * i, to = at + 40 < n - 1 ? at + 40 : n - 1;

		ops[at] = (struct op){.op = OP_JEQ64_K, .off = -1, .imm = to};
		ops[at + 1] = (struct op){.op = OP_ADD64_K, .imm = 1};
	}
	ops[n - 1] = (struct op){.op = OP_EXIT};
	compile_and_run(ops, n, BLOCKS, "overlapping jumps");
}

int main(void)
{
	if (!jit_available())
		return 77;
	test_backward();
	test_nested();
	return failures ? 1 : 0;
}
