/* SPDX-License-Identifier: BSD-2-Clause */
/* The workloads as BPF programs, and those that only make sense there. */
#include <uarena/bpf_arena.h>

#define ARENA __arena
#define MORE can_loop
#define ZERO opaque_zero()
#include "workloads.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, (W_MEM_SIZE >> 12) + 64);
} arena SEC(".maps");

struct args {
	u64 n, result;
};

SEC("syscall")
int setup(struct args *ctx)
{
	w_mem = bpf_arena_alloc_pages(&arena, NULL, W_MEM_SIZE >> 12, NUMA_NO_NODE, 0);
	return w_mem ? 0 : 1;
}

/* The touch of &arena binds the program to the arena. */
#define W(name, prepare, op, ops, calls, vec)      \
	SEC("syscall")                             \
	int prep_prog_##name(struct args *ctx)     \
	{                                          \
		asm volatile("" : : "r"(&arena));  \
		prep_##prepare();                  \
		return 0;                          \
	}                                          \
	SEC("syscall")                             \
	int name(struct args *ctx)                 \
	{                                          \
		asm volatile("" : : "r"(&arena));  \
		ctx->result = work_##name(ctx->n); \
		return 0;                          \
	}
UA_WORKLOADS(W)
#undef W

static inline u64 alloc_free(u64 n, u32 pages)
{
	u64 done = 0;

	FOR(i, n)
	{
		void __arena *p = bpf_arena_alloc_pages(&arena, NULL, pages, NUMA_NO_NODE, 0);

		if (!p)
			break;
		bpf_arena_free_pages(&arena, p, pages);
		done++;
	}
	return done;
}

SEC("syscall")
int page_1(struct args *ctx)
{
	ctx->result = alloc_free(ctx->n, 1);
	return 0;
}

SEC("syscall")
int page_16(struct args *ctx)
{
	ctx->result = alloc_free(ctx->n, 16);
	return 0;
}

/* About 500 instructions in a row, for the time it takes to load them. */
#define ROUND                                        \
	asm volatile("" : "+r"(n) : : "memory");     \
	k = words[n & 1023] * 0xc2b2ae3d27d4eb4full; \
	h = w_rol(h ^ k, 27) * 0x9e3779b185ebca87ull + n++;
#define ROUNDS_4 ROUND ROUND ROUND ROUND
#define ROUNDS_16 ROUNDS_4 ROUNDS_4 ROUNDS_4 ROUNDS_4

SEC("syscall")
int straight_500(struct args *ctx)
{
	const u64 __arena *words = AT(const u64, 0);
	u64 h = 1, k, n = ctx->n;

	asm volatile("" : : "r"(&arena));
	ROUNDS_16 ROUNDS_16 ctx->result = h;
	return 0;
}

/* Reads of a page that is not there, behind the working memory. */
SEC("syscall")
int stray(struct args *ctx)
{
	volatile u64 __arena *p = AT(volatile u64, W_MEM_SIZE + 8 * PAGE_SIZE);
	u64 sum = 0;

	asm volatile("" : : "r"(&arena));
	FOR(i, ctx->n) sum += *p + 1;
	ctx->result = sum;
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
