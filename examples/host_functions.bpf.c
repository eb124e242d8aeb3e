/* SPDX-License-Identifier: BSD-2-Clause */
/* A program that builds a list in the arena and has the host do the sum. */
#include <uarena/bpf_arena.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 64);
} arena SEC(".maps");

struct item {
	u64 price;
	struct item __arena *next;
};

extern u64 host_total(struct item __arena *first, u32 discount) __ksym;
extern void host_log(const char *text) __ksym;

SEC("syscall")
int checkout(u64 *ctx)
{
	struct item __arena *item = bpf_arena_alloc_pages(&arena, NULL, 1, NUMA_NO_NODE, 0);

	if (!item)
		return -1;
	item[0].price = 30;
	item[0].next = &item[1];
	item[1].price = 20;
	host_log("checking out");
	ctx[0] = host_total(item, 8);
	return 0;
}

/* A pointer to nothing costs the program its result, and nothing else. */
SEC("syscall")
int checkout_nothing(u64 *ctx)
{
	struct item __arena *wild = (struct item __arena *)0x123456000ull;

	if (!bpf_arena_alloc_pages(&arena, NULL, 1, NUMA_NO_NODE, 0))
		return -1;
	ctx[0] = host_total(wild, 0);
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
