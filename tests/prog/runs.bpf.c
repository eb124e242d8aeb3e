/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs for test runs and reports. Line numbers matter to report.c: it looks for the texts. */
#include <uarena/bpf_arena.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 64);
	__ulong(map_extra, 1ull << 45);
} arena SEC(".maps");

static long (*bpf_loop)(u32 nr, void *cb, void *ctx, u64 flags) = (void *)181;
static u32 (*bpf_get_smp_processor_id)(void) = (void *)8;
extern int bpf_stream_print_stack(int id) __ksym;
extern void r_touch(void __arena *p, u32 write) __ksym;
extern void r_copy(void __arena *p) __ksym;
extern s32 r_again(u32 level) __ksym;

u64 __arena_global anchor;
u64 ticks;

static __noinline void store_at(u32 where)
{
	u64 __arena *p = (u64 __arena *)(u64)where;

	p[1] = 42; /* in a subprogram */
}

static long each(u32 i, void *ctx)
{
	store_at(0x20000); /* in a callback */
	return 1;
}

/* -- Reports ------------------------------------------------------------------ */

SEC("syscall")
int wild_store(void *ctx)
{
	anchor = 1;
	store_at(0x10000); /* from the main program */
	return 0;
}

SEC("syscall")
int wild_load(void *ctx)
{
	u32 __arena *p = (u32 __arena *)0x11000ull;

	anchor = 1;
	return p[3] + 5; /* a load */
}

SEC("syscall")
int in_callback(void *ctx)
{
	anchor = 1;
	bpf_loop(3, each, NULL, 0); /* the loop */
	return 0;
}

SEC("syscall")
int host_write(void *ctx)
{
	anchor = 1;
	r_touch((void __arena *)0x12340ull, 1); /* host writes */
	return 0;
}

SEC("syscall")
int host_read(void *ctx)
{
	anchor = 1;
	r_touch((void __arena *)0x13ff8ull, 0); /* host reads */
	return 0;
}

SEC("syscall")
int host_copy(void *ctx)
{
	anchor = 1;
	r_copy((void __arena *)0x14000ull); /* libc */
	return 0;
}

SEC("syscall")
int outer(void *ctx)
{
	anchor = 1;
	return r_again(1); /* nested */
}

SEC("syscall")
int spin(void *ctx)
{
	while (can_loop)
		ticks++; /* for ever */
	return 3;
}

SEC("syscall")
int dump_stack(void *ctx)
{
	return bpf_stream_print_stack(BPF_STDOUT) * 10 - bpf_stream_print_stack(7); /* dump */
}

/* -- Test runs ------------------------------------------------------------------- */

struct args {
	u64 a, b;
};

SEC("syscall")
int swap(struct args *ctx)
{
	u64 a = ctx->a;

	ctx->a = ctx->b;
	ctx->b = a;
	return 17;
}

SEC("raw_tp/ua_test")
int raw(u64 *ctx)
{
	return ctx[0] + ctx[1] * 2 + bpf_get_smp_processor_id() * 1000;
}

struct __sk_buff {
	u32 len, pkt_type, mark, queue_mapping, protocol, vlan_present, vlan_tci, vlan_proto;
	u32 priority, ingress_ifindex, ifindex, tc_index, cb[5], hash, tc_classid, data, data_end;
};

SEC("tc")
int classify(struct __sk_buff *skb)
{
	u8 *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	if (data + 16 > end)
		return -1;
	data[15] = data[14] + 1;
	skb->mark++;
	skb->cb[1] = skb->len;
	return data[0] * 256 + data[14];
}

SEC("socket")
int filter(struct __sk_buff *skb)
{
	return skb->len;
}

char _license[] SEC("license") = "GPL";
