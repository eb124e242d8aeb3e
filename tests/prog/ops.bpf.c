/* SPDX-License-Identifier: BSD-2-Clause */
/* Implementations of struct policy. */
#include <uarena/bpf_arena.h>
#include "ops.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 64);
} arena SEC(".maps");

u64 __arena_global numbers[3] = {1000, 200, 30};
u64 calls;

extern void o_fail(s32 err) __ksym __weak;

SEC("struct_ops/pick")
u32 pick_one(u64 *ctx)
{
	struct request *req = (void *)ctx[0];

	__sync_fetch_and_add(&calls, 1);
	return req->id * 10 + (u32)ctx[1];
}

SEC("struct_ops/pick")
u32 pick_two(u64 *ctx)
{
	struct request *req = (void *)ctx[0];

	return req->cost * 100 + (u32)ctx[1];
}

SEC("struct_ops/many")
u64 many(u64 *ctx)
{
	if ((u32)ctx[0] == 99 && o_fail)
		o_fail(-7);
	/* every argument as a whole word: narrow ones must arrive widened */
	return ctx[0] + ctx[1] + ctx[2] + ctx[3] + ctx[4] + ctx[5] + ctx[6] + ctx[7];
}

SEC("struct_ops/sum")
u64 sum(u64 *ctx)
{
	u64 __arena *first = (u64 __arena *)ctx[0], *second = (u64 __arena *)ctx[1];
	u64 __arena *seventh = (u64 __arena *)ctx[6];
	u64 ret = *first + *seventh + ctx[2] + ctx[3] + ctx[4] + ctx[5];

	numbers[0] = 1000;
	return second ? ret + *second : ret;
}

SEC("struct_ops/tell")
u64 tell(u64 *ctx)
{
	u64 __arena *where = (u64 __arena *)ctx[0];

	if (!where)
		return ctx[1];
	numbers[2] = 30;
	return *where + ctx[1];
}

SEC("struct_ops.s/sleepy")
int sleepy(u64 *ctx)
{
	if ((int)ctx[0] == 99 && o_fail)
		o_fail(-7);
	return (int)ctx[0] - 1;
}

SEC(".struct_ops.link")
struct policy first = {
	.pick = (void *)pick_one,
	.many = (void *)many,
	.sum = (void *)sum,
	.tell = (void *)tell,
	.sleepy = (void *)sleepy,
	.version = 1,
	.name = "first",
};

SEC(".struct_ops.link")
struct policy second = {
	.pick = (void *)pick_two,
	.version = 2,
	.name = "second",
};

SEC(".struct_ops")
struct policy plain = {
	.pick = (void *)pick_one,
	.version = 3,
};

SEC("syscall")
int read_calls(u64 *ctx)
{
	ctx[0] = calls;
	return numbers[0] == 1000;
}

char _license[] SEC("license") = "GPL";
