/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the arena costs on this machine, in one run: faults against the bare cost of a signal,
 * pages, the run record, the sub-allocator. Each line is the best of several rounds.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <time.h>
#include "abi/bpf.h"
#include "arena/access.h"
#include "arena/arena.h"
#include "arena/fault.h"
#include "arena/pool.h"
#include "arena/run.h"
#include "base/base.h"
#include "os/os.h"

#define PAGE 4096ull
#define ROUNDS 7
#define N_FAULTS 2000
#define USER 0x7e0000000000ull

struct bench {
	struct arena *arena;
	uint8_t *base;
	uint8_t *fenced; /* a PROT_NONE page */
	struct pool *pool;
	uint64_t fresh; /* next window page no host access has hit yet */
};

typedef uint64_t (*bench_fn)(struct bench *b); /* operations done */

static double best_of(bench_fn fn, struct bench *b)
{
	double best = 1e18;

	for (int i = 0; i < ROUNDS; i++) {
		uint64_t start = os_now_ns(), n = fn(b);
		double each = (double)(os_now_ns() - start) / (double)n;

		best = each < best ? each : best;
	}
	return best;
}

/* -- Faults --------------------------------------------------------------- */

/* The floor: a handler that only steps over the instruction. */
static void step_over(int sig, siginfo_t *info, void *uc)
{
#ifdef __x86_64__
	((ucontext_t *)uc)->uc_mcontext.gregs[REG_RIP] += 2;
#endif
}

static uint64_t bare_signal(struct bench *b)
{
	struct sigaction act = {.sa_sigaction = step_over, .sa_flags = SA_SIGINFO | SA_ONSTACK},
			 old;

	sigaction(SIGSEGV, &act, &old);
	for (int i = 0; i < N_FAULTS; i++)
		__asm__ volatile("movb (%0), %%al" : : "r"(b->fenced) : "rax", "memory");
	sigaction(SIGSEGV, &old, NULL);
	return N_FAULTS;
}

static uint64_t program_hole(struct bench *b)
{
	uint64_t val;

	for (int i = 0; i < N_FAULTS; i++)
		access_load(b->base + 5 * PAGE, 8, &val);
	return N_FAULTS;
}

static uint64_t program_guard(struct bench *b)
{
	uint64_t val;

	for (int i = 0; i < N_FAULTS; i++)
		access_load(b->base - 8, 8, &val);
	return N_FAULTS;
}

static void on_violation(struct run *run, uint64_t addr, bool is_write, void *uc, int64_t idx)
{
}

static uint64_t host_holes(struct bench *b, uint64_t stride)
{
	struct run run = {.arena = b->arena, .violation = on_violation};

	run_push(&run);
	for (int i = 0; i < N_FAULTS / 4; i++, b->fresh += stride)
		(void)*(volatile char *)(b->base + b->fresh * PAGE);
	run_pop(&run);
	return N_FAULTS / 4;
}

static uint64_t host_scattered(struct bench *b)
{
	return host_holes(b, 2);
}

static uint64_t host_sequential(struct bench *b)
{
	return host_holes(b, 1);
}

static uint64_t user_hole(struct bench *b)
{
	for (int i = 0; i < N_FAULTS / 4; i++, b->fresh++)
		*(volatile char *)(USER + b->fresh * PAGE) = 1;
	return N_FAULTS / 4;
}

/* -- Pages ---------------------------------------------------------------- */

static uint64_t pages(struct bench *b, uint32_t n)
{
	int times = 2000 / (int)n + 10;

	for (int i = 0; i < times; i++) {
		uint64_t p = arena_alloc_pages(b->arena, 0, n, -1, 0);

		*(volatile char *)(b->base + (uint32_t)p) = 1;
		arena_free_pages(b->arena, p, n);
	}
	return (uint64_t)times;
}

static uint64_t pages_1(struct bench *b)
{
	return pages(b, 1);
}

static uint64_t pages_16(struct bench *b)
{
	return pages(b, 16);
}

static uint64_t pages_512(struct bench *b)
{
	return pages(b, 512);
}

/* -- Calls ---------------------------------------------------------------- */

static __attribute__((noinline, aligned(64))) void callee(void)
{
	__asm__ volatile("" : : : "memory");
}

static __attribute__((noinline, aligned(64))) void call_plain(struct run *run)
{
	callee();
	__asm__ volatile("" : : : "memory");
}

static __attribute__((noinline, aligned(64))) void call_recorded(struct run *run)
{
	run_push(run);
	callee();
	run_pop(run);
}

#define N_CALLS 10000000

__attribute__((aligned(64))) static uint64_t plain_calls(struct bench *b)
{
	struct run run = {.arena = b->arena};

	for (int i = 0; i < N_CALLS; i++)
		call_plain(&run);
	return N_CALLS;
}

__attribute__((aligned(64))) static uint64_t recorded_calls(struct bench *b)
{
	struct run run = {.arena = b->arena};

	for (int i = 0; i < N_CALLS; i++)
		call_recorded(&run);
	return N_CALLS;
}

static uint64_t pool_64(struct bench *b)
{
	for (int i = 0; i < 1000000; i++)
		pool_release(b->pool, pool_alloc(b->pool, 64, true));
	return 1000000;
}

static uint64_t pool_64_batches(struct bench *b)
{
	void *p[100];

	for (int i = 0; i < 10000; i++) {
		for (int j = 0; j < 100; j++)
			p[j] = pool_alloc(b->pool, 64, true);
		for (int j = 0; j < 100; j++)
			pool_release(b->pool, p[j * 37 % 100]);
	}
	return 1000000;
}

static uint64_t create(struct bench *b)
{
	struct arena_opts o = {
		.max_entries = 1 << 20, .map_flags = BPF_F_MMAPABLE, .map_extra = 1ull << 40};
	struct arena *a;

	for (int i = 0; i < 50; i++) {
		if (arena_create(&o, &a))
			abort();
		arena_put(a);
	}
	return 50;
}

/* -- Table ---------------------------------------------------------------- */

static const struct {
	const char *what;
	bench_fn fn;
	bool relative; /* to the bare signal */
} rows[] = {
	{"bare SIGSEGV, handler steps over", bare_signal, true},
	{"program violation, hole", program_hole, true},
	{"program violation, guard", program_guard, true},
	{"host violation, scattered pages", host_scattered, true},
	{"host violation, neighbouring pages", host_sequential, true},
	{"user fault, populates", user_hole, true},
	{"alloc + touch + free, 1 page", pages_1, false},
	{"alloc + touch + free, 16 pages", pages_16, false},
	{"alloc + touch + free, 512 pages", pages_512, false},
	{"create + destroy a 4 GiB arena", create, false},
	{"call", plain_calls, false},
	{"call with run record", recorded_calls, false},
	{"pool: alloc + free 64 bytes", pool_64, false},
	{"pool: the same, 100 at a time", pool_64_batches, false},
};

static void setup(struct bench *b)
{
	struct arena_opts o = {
		.max_entries = 1 << 20, .map_flags = BPF_F_MMAPABLE, .map_extra = USER};
	void *at = (void *)USER;

	if (fault_thread_attach() || arena_create(&o, &b->arena) ||
	    arena_mmap(b->arena, &at, ARENA_MAX_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, 0) ||
	    pool_new(b->arena, 0, &b->pool))
		abort();
	b->base = arena_window_base(b->arena);
	b->fresh = 4096;
	b->fenced = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

int main(void)
{
	struct bench b = {0};
	double bare = 0;

	setup(&b);
	printf("%-40s %12s %8s\n", "", "ns", "x bare");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		double ns = best_of(rows[i].fn, &b);

		bare = i ? bare : ns;
		printf(rows[i].relative ? "%-40s %12.1f %8.2f\n" : "%-40s %12.1f\n", rows[i].what,
		       ns, ns / bare);
	}
	return 0;
}
