/* SPDX-License-Identifier: BSD-2-Clause */
/* A wild pointer: the store is dropped, the load gives 0, both are reported, nothing else. */
#include <uarena/bpf_arena.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16);
	__ulong(map_extra, 1ull << 44);
} arena SEC(".maps");

u64 __arena_global touched;

static __noinline void scribble(u32 offset)
{
	u64 __arena *p = (u64 __arena *)(u64)offset;

	*p = 42;
}

SEC("syscall")
int wild_store(void *ctx)
{
	touched = 1;
	scribble(0xdeadbee8);
	return 0;
}

SEC("syscall")
int wild_load(void *ctx)
{
	u64 __arena *p = (u64 __arena *)0x12345678ull;

	touched = 2;
	return *p ? 1 : 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
