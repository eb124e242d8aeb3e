/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs that do almost nothing: what remains is the price of getting in and out. */
#include <uarena/bpf_arena.h>

#define LOOPS 100000

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4);
} arena SEC(".maps");

extern u64 b_plain(u64 a) __ksym;
extern u64 b_arena(u64 __arena *p) __ksym;

u64 __arena_global cell = 1;

SEC("syscall")
int empty(void *ctx)
{
	return 0;
}

SEC("syscall")
int loop_plain(void *ctx)
{
	u64 i, sum = 0;

	for (i = opaque_zero(); i < LOOPS && can_loop; i++)
		sum += b_plain(i);
	return sum != 0;
}

SEC("syscall")
int loop_arena(void *ctx)
{
	u64 i, sum = 0;

	for (i = opaque_zero(); i < LOOPS && can_loop; i++)
		sum += b_arena(&cell);
	cell++;
	return sum != 0;
}

SEC("struct_ops/get")
u32 get(u64 *ctx)
{
	return 3;
}

struct b_ops {
	u32 (*get)(u32 x);
};

SEC(".struct_ops.link")
struct b_ops ops = {.get = (void *)get};

char _license[] SEC("license") = "GPL";
