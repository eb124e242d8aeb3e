/* SPDX-License-Identifier: BSD-2-Clause */
/* Large and hostile programs end with a verdict, in time and in memory. */
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "harness.h"

#define LARGEST 1000000u
#define MAX_SECONDS 12.0 /* 10 for the walk, the rest for what is around it */
#define MAX_MIB 256

static struct bpf_insn *insns;
static int failures;

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts); /* whatever else runs meanwhile */
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

/* Frames and stacks as deep as they may be, and a path that waits at every jump. */
static void deep(uint32_t n)
{
	uint32_t i = 0, len = n / 8;

	for (uint32_t f = 0; f < 8; f++) {
		uint32_t end = (f + 1) * len;

		SET(i++, CALL(7));
		SET(i++, MOVX(6, 0));
		for (int slot = 1; slot <= 8; slot++) {
			SET(i++, CALL(7));
			SET(i++, STX(BPF_DW, 10, 0, -8 * slot));
		}
		for (; i + 4 < end; i++)
			SET(i, JMP(BPF_JSET, 6, 1 << (i % 31), (int16_t)(i % 3)));
		if (f < 7) {
			SET(i, CALL_LOCAL((int32_t)(end - i - 1)));
			i++;
		}
		for (; i + 2 < end; i++)
			SET(i, MOVX(7, 6));
		SET(i++, MOV(0, 0));
		SET(i++, EXIT());
	}
}

/* In a process of its own, so that the memory is that of one verification. */
static int verify_alone(const char *name, uint32_t n)
{
	struct code *code = NULL;
	struct rusage before, after;
	double start = now(), took;
	long mib;
	int err;

	getrusage(RUSAGE_SELF, &before);
	err = harness_verify(BPF_PROG_TYPE_SYSCALL, 0, insns, n, 0, NULL, &code);
	took = now() - start;
	getrusage(RUSAGE_SELF, &after);
	mib = (after.ru_maxrss - before.ru_maxrss) / 1024;
	printf("%s, %u instructions: %d in %.2f s, %ld MiB\n", name, n, err, took, mib);
	fflush(stdout);
	code_free(code);
#if defined(__SANITIZE_ADDRESS__)
	return 0; /* they take more of both */
#endif
	return took > MAX_SECONDS || mib > MAX_MIB;
}

static void run(const char *name, void (*make)(uint32_t n), uint32_t n)
{
	int status = 1;
	pid_t pid;

	make(n);
	pid = fork();
	if (!pid)
		_exit(verify_alone(name, n));
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		failures++;
}

/* An arena program as clang writes them: casts, loads, stores, checks. */
static void typical(uint32_t n)
{
	const struct bpf_insn head[] = {TOUCH_ARENA, CALL(7), MOVX(6, 0)};
	const struct bpf_insn block[] = {CAST_KERN(1, 6),	LDX(BPF_DW, 2, 1, 8),
					 JMP(BPF_JEQ, 2, 0, 4), CAST_KERN(3, 2),
					 LDX(BPF_DW, 4, 3, 16), ALU(BPF_ADD, 4, 1),
					 STX(BPF_DW, 3, 4, 16), LDX(BPF_DW, 6, 1, 0)};
	uint32_t i = 0;

	for (; i < ARRAY_SIZE(head); i++)
		insns[i] = head[i];
	for (; i + 2 < n; i++)
		insns[i] = i + 2 + ARRAY_SIZE(block) < n || (i - 4) % ARRAY_SIZE(block)
				   ? block[(i - 4) % ARRAY_SIZE(block)]
				   : (struct bpf_insn)MOV(7, 0);
	finish(n);
}

static void run_typical(uint32_t n, double max_ms)
{
	double best = 1e9;

	typical(n);
	for (int i = 0; i < 50; i++) {
		struct code *code = NULL;
		double start = now();
		int err = harness_verify(BPF_PROG_TYPE_SYSCALL, 0, insns, n, 0, NULL, &code);

		best = min_t(double, best, (now() - start) * 1e3);
		code_free(code);
		if (err) {
			printf("typical program: %d\n%s", err, log_buf);
			failures++;
			return;
		}
	}
	printf("typical, %u instructions: %.2f ms\n", n, best);
#if !defined(__SANITIZE_ADDRESS__)
	failures += best > max_ms;
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
	run("deep", deep, 8000);
	run("endless", forever, 4);
	run_typical(500, 2);
	harness_close();
	free(insns);
	return failures != 0;
}
