/* SPDX-License-Identifier: BSD-2-Clause */
/* Two policies in one object. The object also serves as the host's BTF of the type. */
#include <uarena/bpf_arena.h>
#include "policy.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16);
} arena SEC(".maps");

struct counters __arena_global counters;

SEC("struct_ops/admit")
u32 admit_small(u64 *ctx)
{
	struct request *req = (void *)ctx[0];

	return req->size <= 100 ? 1 : 0;
}

SEC("struct_ops/admit")
u32 admit_all(u64 *ctx)
{
	struct request *req = (void *)ctx[0];

	return 1 + req->user % 4;
}

SEC("struct_ops/account")
void account(u64 *ctx)
{
	struct counters __arena *c = (struct counters __arena *)ctx[0];

	c->requests++;
	c->bytes += (u32)ctx[1];
	counters.requests = c->requests;
}

SEC(".struct_ops.link")
struct policy careful = {
	.admit = (void *)admit_small,
	.account = (void *)account,
	.name = "careful",
};

SEC(".struct_ops.link")
struct policy open_door = {
	.admit = (void *)admit_all,
	.name = "open_door",
};

char _license[] SEC("license") = "Dual BSD/GPL";
