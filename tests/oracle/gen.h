/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random programs over the fixture of side.h, and making a failing one small.
 *
 * Between two statements r0-r5 and r9 hold scalars, r6 the context, r7 the array's first value,
 * r8 a scalar or an arena pointer. So statements combine freely, no pointer that differs
 * between the sides reaches memory, and most programs are accepted. Mutation breaks that.
 */
#ifndef UA_TESTS_ORACLE_GEN_H
#define UA_TESTS_ORACLE_GEN_H

#include "side.h"

struct program {
	struct bpf_insn insns[MAX_PROG];
	uint32_t n;
};

void gen_program(struct program *p);
void gen_mutate(struct program *p);
void gen_memory(struct memory *m);

/* Removes what can go while `fails` stays true, as far as half a minute reaches. */
void gen_shrink(struct program *p, bool (*fails)(const struct program *p, void *arg), void *arg);

/* Files of tests/oracle/regress: a program, what it starts from, and what must come out. */
struct regress {
	struct program prog;
	char note[512];	   /* what the sides disagreed about */
	int verdict;	   /* of loading on Linux: 0 or a negative errno */
	char declared[64]; /* not "": the engine's verdict differs, for this reason of declared.h */
	int engine;	   /* the engine's verdict then */
	bool runs;	   /* the rest is valid */
	uint64_t mem_seed; /* of gen_memory() */
	uint32_t ret;
	uint64_t hash; /* regress_hash() of the result */
};

int regress_write(const char *path, const struct regress *r);
int regress_read(const char *path, struct regress *r);
uint64_t regress_hash(const struct result *r);

#endif
