/* SPDX-License-Identifier: BSD-2-Clause */
/* A variable in an arena of 4 GiB. */
#include "common.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1 << 20);
	__ulong(map_extra, 1ull << 44);
} arena SEC(".maps");

int __arena number = 40;

SEC("syscall")
int add_two(void *ctx)
{
	number += 2;
	return number;
}
