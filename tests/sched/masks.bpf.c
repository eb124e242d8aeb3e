/* SPDX-License-Identifier: BSD-2-Clause */
/* The operations of bpf_cmask.h, one program each, on masks that the host fills in. */
#include <uarena/bpf_cmask.h>
#include "masks.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16);
	__ulong(map_extra, 1ull << 32);
} arena SEC(".maps");

struct test_mask __arena_global mask_a, mask_b;
u32 __arena_global cid_arg;

#define SETUP                                   \
	cmask_t *a = (cmask_t *)(u64) & mask_a; \
	cmask_t *b = (cmask_t *)(u64) & mask_b; \
	u32 cid = cid_arg;                      \
                                                \
	(void)b;                                \
	(void)cid

#define X(name, call)                             \
	SEC("syscall") int mask_##name(void *ctx) \
	{                                         \
		SETUP;                            \
		call;                             \
		return 0;                         \
	}
MASK_CHANGES(X)
#undef X

#define X(name, call)                             \
	SEC("syscall") int mask_##name(void *ctx) \
	{                                         \
		SETUP;                            \
		return call;                      \
	}
MASK_QUERIES(X)
#undef X

char _license[] SEC("license") = "Dual BSD/GPL";
