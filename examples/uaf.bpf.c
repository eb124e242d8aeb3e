/* SPDX-License-Identifier: BSD-2-Clause */
/* Use after free: the page is gone, so the late read gives 0 and the late write is dropped. */
#include <uarena/bpf_arena.h>

struct session {
	u64 id;
	u64 hits;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16);
	__ulong(map_extra, 1ull << 44);
} arena SEC(".maps");

u64 __arena_global sessions_closed;

SEC("syscall")
int use_after_free(void *ctx)
{
	struct session __arena *s = bpf_arena_alloc_pages(&arena, NULL, 1, NUMA_NO_NODE, 0);

	if (!s)
		return 1;
	s->id = 7;
	bpf_arena_free_pages(&arena, (void __arena *)s, 1);
	sessions_closed++;
	s->hits++;
	return s->id ? 2 : 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
