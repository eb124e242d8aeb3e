/* SPDX-License-Identifier: BSD-2-Clause */
/* Large and hostile programs end with a verdict, in time and in memory. */
#include <sys/resource.h>
#include <time.h>
#include "harness.h"

#define LARGEST 1000000u
#define MAX_SECONDS 12.0 /* 10 for the walk, the rest for what is around it */
#define MAX_MIB 512	 /* of the whole process, instructions and engine included */

static struct bpf_insn *insns;
static int failures;

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void set(uint32_t i, struct bpf_insn insn)
{
	insns[i] = insn;
}

#define SET(i, ...) set(i, (struct bpf_insn)__VA_ARGS__)

static void finish(uint32_t n)
{
	SET(n - 2, MOV(0, 0));
	SET(n - 1, EXIT());
}

static void straight(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		SET(i, ALU(BPF_ADD, 1 + i % 2, 1));
	SET(0, MOV(1, 0));
	SET(1, MOV(2, 0));
	finish(n);
}

/* Each slot's live registers depend on a later slot through a jump backwards. */
static void backwards(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		SET(i, MOV(1, 0));
	SET(0, CALL(7));
	for (uint32_t i = 4; i + 4 < n; i += 2)
		SET(i, JMP(BPF_JEQ, 0, (int32_t)i, -4));
	finish(n);
}

/* Every branch doubles the states. */
static void branches(uint32_t n)
{
	SET(0, CALL(5));
	SET(1, MOVX(6, 0));
	SET(2, MOV(7, 0));
	for (uint32_t i = 3; i + 4 < n; i += 2) {
		SET(i, JMP(BPF_JSET, 6, 1 << (i / 2 % 31), 1));
		SET(i + 1, ALU(BPF_ADD, 7, 1 << (i / 2 % 31)));
	}
	SET(n - 4, JMP(BPF_JEQ, 7, 12345, 0));
	SET(n - 3, MOV(0, 0));
	finish(n);
}

static void forever(uint32_t n)
{
	SET(0, MOV(0, 0));
	SET(1, ALU(BPF_ADD, 0, 1));
	SET(2, JMP(BPF_JLT, 0, 0x7fffffff, -2));
	SET(3, EXIT());
}

static void run(const char *name, void (*make)(uint32_t n), uint32_t n)
{
	struct code *code = NULL;
	struct rusage usage;
	double start, took;
	int err;

	make(n);
	start = now();
	err = harness_verify(BPF_PROG_TYPE_SYSCALL, 0, insns, n, 0, NULL, &code);
	took = now() - start;
	code_free(code);
	getrusage(RUSAGE_SELF, &usage);
	printf("%s, %u instructions: %d in %.2f s, %ld MiB so far\n", name, n, err, took,
	       usage.ru_maxrss / 1024);
#if !defined(__SANITIZE_ADDRESS__)
	if (took > MAX_SECONDS || usage.ru_maxrss / 1024 > MAX_MIB)
		failures++;
#endif
}

int main(void)
{
	insns = calloc(LARGEST, sizeof(*insns));
	if (!insns)
		return 1;
	harness_open();
	run("straight line", straight, LARGEST);
	run("jumps backwards", backwards, LARGEST);
	run("branches", branches, 4000);
	run("branches", branches, 100000);
	run("endless", forever, 4);
	harness_close();
	free(insns);
	return failures != 0;
}
