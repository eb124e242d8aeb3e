/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs whose contexts lead from one to the next. */
#include <uarena/bpf_arena.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4);
	__ulong(map_extra, 1ull << 44);
} arena SEC(".maps");

enum colour { RED = 3 };

struct page_args {
	u64 page;    /* out: address of a fresh page */
	u32 last[2]; /* in */
	enum colour colour;
};

SEC("syscall")
int page_new(struct page_args *args)
{
	args->page = (u64)bpf_arena_alloc_pages(&arena, NULL, 1, NUMA_NO_NODE, 0);
	return args->last[1] + args->colour;
}

struct read_args {
	u64 page;
	s64 value; /* out */
};

SEC("syscall")
int page_read(struct read_args *args)
{
	asm volatile("" : : "r"(&arena)); /* names the arena */
	args->value = *(s64 __arena *)args->page;
	return 0;
}

SEC("syscall")
int no_context(void *ctx)
{
	return 7;
}

char LICENSE[] SEC("license") = "GPL";
