/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the interpreter's tests share: building a code from instructions, running it on a
 * record of its own, and checks that print where and what.
 */
#ifndef UA_TESTS_INTERP_HARNESS_H
#define UA_TESTS_INTERP_HARNESS_H

#include <inttypes.h>
#include "arena/run.h"
#include "base/base.h"
#include "interp/interp.h"
#include "jit/jit.h"

#define INSN(c, d, s, o, i)                                                       \
	(struct bpf_insn)                                                         \
	{                                                                         \
		.code = (c), .dst_reg = (d), .src_reg = (s), .off = (int16_t)(o), \
		.imm = (int32_t)(i)                                               \
	}
#define I_MOV(d, i) INSN(BPF_ALU64 | BPF_MOV | BPF_K, d, 0, 0, i)
#define I_MOVX(d, s) INSN(BPF_ALU64 | BPF_MOV | BPF_X, d, s, 0, 0)
#define I_ALU(op, d, i) INSN(BPF_ALU64 | (op) | BPF_K, d, 0, 0, i)
#define I_ALUX(op, d, s) INSN(BPF_ALU64 | (op) | BPF_X, d, s, 0, 0)
#define I_LDX(size, d, s, o) INSN(BPF_LDX | BPF_MEM | (size), d, s, o, 0)
#define I_STX(size, d, s, o) INSN(BPF_STX | BPF_MEM | (size), d, s, o, 0)
#define I_ST(size, d, o, i) INSN(BPF_ST | BPF_MEM | (size), d, 0, o, i)
#define I_JMP(op, d, i, o) INSN(BPF_JMP | (op) | BPF_K, d, 0, o, i)
#define I_JA(o) INSN(BPF_JMP | BPF_JA, 0, 0, o, 0)
#define I_MAY_GOTO(o) INSN(BPF_JMP | BPF_JCOND, 0, BPF_MAY_GOTO, o, 0)
#define I_CALL(id) INSN(BPF_JMP | BPF_CALL, 0, 0, 0, id)
#define I_CALL_LOCAL(rel) INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, rel)
#define I_CALL_KFUNC(i) INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, i)
#define I_EXIT() INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define I_LD64(d, s, v)                                          \
	INSN(BPF_LD | BPF_IMM | BPF_DW, d, s, 0, (uint32_t)(v)), \
		INSN(0, 0, 0, 0, (uint32_t)((uint64_t)(v) >> 32))

static int failures;
#define CHECK(cond, ...)                                                  \
	do {                                                              \
		if (!(cond)) {                                            \
			printf("%s:%d: %s: ", __FILE__, __LINE__, #cond); \
			printf(__VA_ARGS__);                              \
			printf("\n");                                     \
			failures++;                                       \
		}                                                         \
	} while (0)

/* What runs the codes that are made from now on. */
enum mode { MODE_TRUSTING, MODE_CHECKED, MODE_JIT };
static enum mode mode;
static int jit_refused; /* codes with an operation the JIT leaves to the interpreter */

/* Free with code_done(). */
static inline struct code *code_of(const struct bpf_insn *insns, uint32_t n)
{
	struct code *code = NULL;
	uint32_t bad = 0;
	int err = code_from_raw(insns, n, &code, &bad);

	if (err) {
		printf("instruction %u does not decode: %d\n", bad, err);
		exit(1);
	}
	code->checked = mode == MODE_CHECKED;
	return code;
}

static inline void code_done(struct code *code)
{
	if (code->jit)
		jit_free(code);
	code_free(code);
}

/* Compiled on the first run in that mode, when the test has filled in arena and calls. */
static inline uint64_t enter(struct run *run, struct code *code, const uint64_t args[5], int *err)
{
	if (mode == MODE_JIT && !code->jit) {
		int refused = jit_compile(code);

		CHECK(!refused || refused == -EOPNOTSUPP, "compiling: %d", refused);
		jit_refused += refused == -EOPNOTSUPP;
	}
	if (!code->jit)
		return interp_call(run, &code->funcs[0], args, err);
	*err = 0;
	return ((host_fn)code->funcs[0].entry)(args[0], args[1], args[2], args[3], args[4]);
}

/* Runs funcs[0] on a record made from `template` (NULL: an empty one). */
static inline uint64_t run_code(struct code *code, const struct run *template, uint64_t r1,
				uint64_t r2, int *err)
{
	struct run run = template ? *template : (struct run){0};
	uint64_t ret;

	run.code = code;
	run.arena = code->arena;
	run_push(&run);
	ret = enter(&run, code, (uint64_t[5]){r1, r2}, err);
	run_pop(&run);
	return ret;
}

#define RUN(insns) run_insns(insns, ARRAY_SIZE(insns))
static inline uint64_t run_insns(const struct bpf_insn *insns, uint32_t n)
{
	struct code *code = code_of(insns, n);
	int err;
	uint64_t ret = run_code(code, NULL, 0, 0, &err);

	CHECK(!err, "stopped with %d", err);
	code_done(code);
	return ret;
}

#endif
