/* SPDX-License-Identifier: BSD-2-Clause */
/* What the test objects share. */
#include <uarena/bpf_arena.h>

#define __kconfig __attribute__((section(".kconfig")))
#define CORE __attribute__((preserve_access_index))
#define BPF_MAP_TYPE_PROG_ARRAY 3

static long (*bpf_loop)(u32 n, void *fn, void *ctx, u64 flags) = (void *)181;
static long (*bpf_tail_call)(void *ctx, void *map, u32 index) = (void *)12;
static void *(*bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static long (*bpf_map_update_elem)(void *map, const void *key, const void *value,
				   u64 flags) = (void *)2;

char _license[] SEC("license") = "GPL";
