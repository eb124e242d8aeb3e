/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs that leave their marks on the run record; see record.c. */
#include <uarena/bpf_arena.h>

#define BPF_MAP_TYPE_PROG_ARRAY 3

static long (*bpf_tail_call)(void *ctx, void *map, u32 index) = (void *)12;

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4);
} arena SEC(".maps");

int last_arg(u64 *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__array(values, int(u64 *));
} targets SEC(".maps") = {
	.values = {[1] = (void *)&last_arg},
};

extern u64 r_null(u64 __arena *p) __ksym;
extern u64 r_nested(u64 depth) __ksym;

u64 __arena_global cell = 1;

SEC("syscall")
int plain(void *ctx)
{
	return 7;
}

SEC("syscall")
int null(void *ctx)
{
	cell++;
	return r_null(0);
}

SEC("syscall")
int nest(u64 *ctx)
{
	return r_nested(*ctx);
}

SEC("raw_tp") /* programs that may sleep make no tail calls */
int jump(void *ctx)
{
	bpf_tail_call(ctx, &targets, 0);
	return 1;
}

SEC("raw_tp")
int last_arg(u64 *ctx)
{
	return ctx[11];
}

SEC("raw_tp")
int jump_to_arg(void *ctx)
{
	bpf_tail_call(ctx, &targets, 1);
	return 1;
}

char _license[] SEC("license") = "GPL";
