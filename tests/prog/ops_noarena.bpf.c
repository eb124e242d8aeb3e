/* SPDX-License-Identifier: BSD-2-Clause */
/* A program without an arena for a member that passes arena pointers. */
#include <uarena/bpf_arena.h>
#include "ops.h"

SEC("struct_ops/sum")
u64 sum(u64 *ctx)
{
	return ctx[2];
}

SEC(".struct_ops.link")
struct policy noarena = {.sum = (void *)sum};

char _license[] SEC("license") = "GPL";
