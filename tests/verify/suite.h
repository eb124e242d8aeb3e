/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The suite: small programs with the verdict and the message they must get. suite.c checks
 * them against the engine's verifier, oracle.c against the running kernel.
 *
 * Programs name maps by their place in suite_maps. Instructions are written with the macros
 * below; r0..r10 are numbers.
 */
#ifndef UA_TESTS_VERIFY_SUITE_H
#define UA_TESTS_VERIFY_SUITE_H

#include <errno.h>
#include "abi/bpf.h"

enum { MAP_HASH, MAP_ARRAY, MAP_ARENA, MAP_RINGBUF, MAP_ARENA2, MAP_RDONLY, N_MAPS };
#define ARRAY_VALUE 48

struct suite_case {
	const char *name;
	uint32_t type;	 /* BPF_PROG_TYPE_* */
	int err;	 /* 0: accepted, else the negative errno */
	const char *msg; /* part of the log, NULL: any */
	const struct bpf_insn *insns;
	uint32_t n;
	uint32_t attach; /* BPF_* attach type the program is loaded for */
};

/* Kfuncs that programs name by their place here, as KCALL() does. */
enum {
	TASK_FROM_PID,
	TASK_ACQUIRE,
	TASK_RELEASE,
	CGROUP_FROM_ID,
	CGROUP_RELEASE,
	CPUMASK_CREATE,
	CPUMASK_RELEASE,
	RCU_READ_LOCK,
	RCU_READ_UNLOCK,
	N_KFUNCS
};
extern const char *const suite_kfuncs[N_KFUNCS];

/* The attributes of each map, the same here and in the kernel. */
void suite_map_attr(int map, union bpf_attr *attr);
/* Calls fn for every case; those of a family live only during the call. */
void suite_each(void (*fn)(const struct suite_case *c, void *arg), void *arg);

#define INSN(c, d, s, o, i)       \
	{.code = (uint8_t)(c),    \
	 .dst_reg = (uint8_t)(d), \
	 .src_reg = (uint8_t)(s), \
	 .off = (int16_t)(o),     \
	 .imm = (int32_t)(i)}
#define MOV(d, i) INSN(BPF_ALU64 | BPF_MOV | BPF_K, d, 0, 0, i)
#define MOVX(d, s) INSN(BPF_ALU64 | BPF_MOV | BPF_X, d, s, 0, 0)
#define MOV32(d, i) INSN(BPF_ALU | BPF_MOV | BPF_K, d, 0, 0, i)
#define MOVX32(d, s) INSN(BPF_ALU | BPF_MOV | BPF_X, d, s, 0, 0)
#define ALU(op, d, i) INSN(BPF_ALU64 | (op) | BPF_K, d, 0, 0, i)
#define ALUX(op, d, s) INSN(BPF_ALU64 | (op) | BPF_X, d, s, 0, 0)
#define ALU32(op, d, i) INSN(BPF_ALU | (op) | BPF_K, d, 0, 0, i)
#define ALUX32(op, d, s) INSN(BPF_ALU | (op) | BPF_X, d, s, 0, 0)
#define CAST_KERN(d, s) INSN(BPF_ALU64 | BPF_MOV | BPF_X, d, s, BPF_ADDR_SPACE_CAST, BPF_CAST_KERN)
#define CAST_USER(d, s) INSN(BPF_ALU64 | BPF_MOV | BPF_X, d, s, BPF_ADDR_SPACE_CAST, BPF_CAST_USER)
#define LDX(size, d, s, o) INSN(BPF_LDX | BPF_MEM | (size), d, s, o, 0)
#define LDSX(size, d, s, o) INSN(BPF_LDX | BPF_MEMSX | (size), d, s, o, 0)
#define STX(size, d, s, o) INSN(BPF_STX | BPF_MEM | (size), d, s, o, 0)
#define ST(size, d, o, i) INSN(BPF_ST | BPF_MEM | (size), d, 0, o, i)
#define ATOMIC(size, op, d, s, o) INSN(BPF_STX | BPF_ATOMIC | (size), d, s, o, op)
#define JMP(op, d, i, o) INSN(BPF_JMP | (op) | BPF_K, d, 0, o, i)
#define JMPX(op, d, s, o) INSN(BPF_JMP | (op) | BPF_X, d, s, o, 0)
#define JMP32(op, d, i, o) INSN(BPF_JMP32 | (op) | BPF_K, d, 0, o, i)
#define JA(o) INSN(BPF_JMP | BPF_JA, 0, 0, o, 0)
#define MAY_GOTO(o) INSN(BPF_JMP | BPF_JCOND, 0, BPF_MAY_GOTO, o, 0)
#define CALL(id) INSN(BPF_JMP | BPF_CALL, 0, 0, 0, id)
#define CALL_LOCAL(rel) INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, rel)
#define KCALL(k) INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, k)
#define EXIT() INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define LD64(d, v)                                               \
	INSN(BPF_LD | BPF_IMM | BPF_DW, d, 0, 0, (uint32_t)(v)), \
		INSN(0, 0, 0, 0, (uint32_t)((uint64_t)(v) >> 32))
#define LD_MAP(d, map) \
	INSN(BPF_LD | BPF_IMM | BPF_DW, d, BPF_PSEUDO_MAP_FD, 0, map), INSN(0, 0, 0, 0, 0)
#define LD_VALUE(d, map, off) \
	INSN(BPF_LD | BPF_IMM | BPF_DW, d, BPF_PSEUDO_MAP_VALUE, 0, map), INSN(0, 0, 0, 0, off)
#define LD_FUNC(d, rel) \
	INSN(BPF_LD | BPF_IMM | BPF_DW, d, BPF_PSEUDO_FUNC, 0, rel), INSN(0, 0, 0, 0, 0)

/* r0 = lookup in map, the NULL case leaves; 9 slots. The key on the stack is unknown, so that
 * the result may be NULL. Clobbers r1 to r5. */
#define UNKNOWN_KEY CALL(7), STX(BPF_DW, 10, 0, -8)
#define VALUE(map)                                                              \
	UNKNOWN_KEY, MOVX(2, 10), ALU(BPF_ADD, 2, -8), LD_MAP(1, map), CALL(1), \
		JMP(BPF_JNE, 0, 0, 2), MOV(0, 0), EXIT()
#define RANDOM(d) CALL(7), MOVX(d, 0)
#define DONE MOV(0, 0), EXIT()
/* Name the arena, so that it is associated. */
#define TOUCH_ARENA LD_MAP(1, MAP_ARENA)

#endif
