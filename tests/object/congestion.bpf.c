/* SPDX-License-Identifier: BSD-2-Clause */
/* A congestion control for Linux that counts, in the arena, what it is asked; see linux.c. */
#include <uarena/bpf_arena.h>

struct sock;

struct tcp_congestion_ops {
	u32 (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, u32 ack, u32 acked);
	u32 (*undo_cwnd)(struct sock *sk);
	void (*init)(struct sock *sk);
	char name[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16);
	__ulong(map_extra, 1ull << 44);
} arena SEC(".maps");

u64 __arena_global started, avoided;

SEC("struct_ops/start")
int start(u64 *ctx)
{
	__sync_fetch_and_add(&started, 1);
	return 0;
}

SEC("struct_ops/avoid")
int avoid(u64 *ctx)
{
	__sync_fetch_and_add(&avoided, ctx[2]);
	return 0;
}

SEC("struct_ops/threshold")
int threshold(u64 *ctx)
{
	return 10;
}

SEC("struct_ops/undo")
int undo(u64 *ctx)
{
	return 10;
}

SEC(".struct_ops.link")
struct tcp_congestion_ops counting = {
	.ssthresh = (void *)threshold,
	.cong_avoid = (void *)avoid,
	.undo_cwnd = (void *)undo,
	.init = (void *)start,
	.name = "ua_counting",
};

char _license[] SEC("license") = "GPL";
