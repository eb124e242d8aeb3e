/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Three ways for a mask to get from the host into a program, which counts its members: in the
 * arena, where both see it; copied by the program with a probe read; copied by the host into a
 * map. The object also serves as the host's BTF of the struct_ops type.
 */
#include <uarena/bpf_sched.h>
#include "masks.h"

static long (*const bpf_probe_read_kernel)(void *dst, u32 size, const void *src) = (void *)113;

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16);
} arena SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct bench_mask);
} masks SEC(".maps");

/* Counting is the same code for all of them, on memory of any kind. */
#define COUNT(mask)                                                                     \
	({                                                                              \
		u32 words_ = (mask)->nr_cids / 64, weight_ = 0;                         \
                                                                                        \
		for (u32 w_ = opaque_zero(); w_ < words_ && can_loop; w_++)             \
			weight_ += __builtin_popcountll((mask)->bits[w_ % MASK_WORDS]); \
		weight_;                                                                \
	})

static struct bench_mask copy;

SEC("struct_ops/in_arena")
u32 BPF_PROG(in_arena, struct bench_mask *arg)
{
	struct bench_mask __arena *mask = (struct bench_mask __arena *)(u64)arg;

	arena_use(arena);
	return COUNT(mask);
}

/* size: what the mask really has, as a kernel's helper would be told. */
SEC("struct_ops/by_probe")
u32 BPF_PROG(by_probe, u64 addr, u64 size)
{
	if (size > sizeof(copy) || bpf_probe_read_kernel(&copy, size, (void *)addr))
		return 0;
	return COUNT(&copy);
}

SEC("struct_ops/by_map")
u32 BPF_PROG(by_map)
{
	struct bench_mask *mask;
	u32 key = 0;

	mask = bpf_map_lookup_elem(&masks, &key);
	return mask ? COUNT(mask) : 0;
}

SEC(".struct_ops.link")
struct mask_ops ops = {
	.in_arena = (void *)in_arena,
	.by_probe = (void *)by_probe,
	.by_map = (void *)by_map,
};

char _license[] SEC("license") = "Dual BSD/GPL";
