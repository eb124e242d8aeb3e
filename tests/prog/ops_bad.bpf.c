/* SPDX-License-Identifier: BSD-2-Clause */
/* A member with another signature than the host's. */
#include <uarena/bpf_arena.h>

struct request {
	unsigned int id;
	unsigned int cost;
};

struct policy {
	unsigned int (*pick)(struct request *req, unsigned long long flags);
};

SEC("struct_ops/pick")
u32 pick_bad(u64 *ctx)
{
	return 0;
}

SEC(".struct_ops.link")
struct policy bad = {.pick = (void *)pick_bad};

char _license[] SEC("license") = "GPL";
