/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs for BPF_PROG_TEST_RUN; Linux loads them too. */
#include <uarena/bpf_arena.h>

static u32 (*bpf_get_smp_processor_id)(void) = (void *)8;

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
