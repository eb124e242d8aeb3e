/* SPDX-License-Identifier: BSD-2-Clause */
/* Does the batch of page operations in `ops`. */
#include <uarena/bpf_arena.h>
#include "pages.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 64);
	__ulong(map_extra, 0x300000000000);
} arena SEC(".maps");

struct page_op ops[BATCH];
u32 n_ops;

static u64 do_op(u32 kind, u64 addr, u32 n)
{
	u64 __arena *p = (u64 __arena *)addr;

	switch (kind) {
	case OP_ALLOC:
		return (u64)bpf_arena_alloc_pages(&arena, p, n, NUMA_NO_NODE, 0);
	case OP_FREE:
		bpf_arena_free_pages(&arena, p, n);
		return 0;
	case OP_RESERVE:
		return (u64)(s64)bpf_arena_reserve_pages(&arena, p, n);
	case OP_PROG_READ:
		return *(volatile u64 __arena *)p;
	case OP_PROG_WRITE:
		*(volatile u64 __arena *)p = n;
		return 0;
	default:
		return 0;
	}
}

SEC("syscall")
int run_batch(void *ctx)
{
	u32 i = 0;

	while (i < n_ops && i < BATCH && can_loop) {
		struct page_op *op = &ops[i & (BATCH - 1)];

		op->result = do_op(op->kind, op->addr, op->n);
		i++;
	}
	return 0;
}

char _license[] SEC("license") = "GPL";
