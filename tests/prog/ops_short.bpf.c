/* SPDX-License-Identifier: BSD-2-Clause */
/* A member that does not know of the last parameter, as if the host had appended it later. */
#include <uarena/bpf_arena.h>

struct request {
	unsigned int id;
	unsigned int cost;
};

struct policy {
	unsigned int (*pick)(struct request *req);
};

SEC("struct_ops/pick")
u32 pick_short(u64 *ctx)
{
	struct request *req = (void *)ctx[0];

	return req->id + 1;
}

SEC(".struct_ops.link")
struct policy brief = {.pick = (void *)pick_short};

char _license[] SEC("license") = "GPL";
