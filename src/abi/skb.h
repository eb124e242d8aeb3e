/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The context of packet programs (SOCKET_FILTER, SCHED_CLS): struct __sk_buff as the programs
 * see it, then the three pointers for which its 32-bit fields are too narrow.
 *
 * The verifier rewrites a 4-byte load of one of those fields at r1 + off into an 8-byte load at
 * r1 + skb_ctx_pointer(off); every other field is accessed in place.
 */
#ifndef UA_ABI_SKB_H
#define UA_ABI_SKB_H

#include <stdint.h>

struct skb_ctx {
	uint32_t len, pkt_type, mark, queue_mapping, protocol, vlan_present, vlan_tci, vlan_proto;
	uint32_t priority, ingress_ifindex, ifindex, tc_index, cb[5], hash, tc_classid;
	uint32_t data32, data_end32; /* never read: rewritten */
	uint32_t napi_id, family, remote_ip4, local_ip4, remote_ip6[4], local_ip6[4];
	uint32_t remote_port, local_port;
	uint32_t data_meta32; /* never read */
	uint64_t flow_keys;
	uint64_t tstamp;
	uint32_t wire_len, gso_segs;
	uint64_t sk;
	uint32_t gso_size;
	uint8_t tstamp_type, pad[3];
	uint64_t hwtstamp;
	/* behind what programs can name */
	uint64_t data, data_end, data_meta;
};

#define SKB_CTX_SIZE __builtin_offsetof(struct skb_ctx, data) /* sizeof(struct __sk_buff) */
_Static_assert(SKB_CTX_SIZE == 192, "struct __sk_buff is interface");

/* Where the pointer behind the 32-bit field at `off` is, or 0 if that is an ordinary field. */
static inline uint32_t skb_ctx_pointer(uint32_t off)
{
	switch (off) {
	case __builtin_offsetof(struct skb_ctx, data32):
		return __builtin_offsetof(struct skb_ctx, data);
	case __builtin_offsetof(struct skb_ctx, data_end32):
		return __builtin_offsetof(struct skb_ctx, data_end);
	case __builtin_offsetof(struct skb_ctx, data_meta32):
		return __builtin_offsetof(struct skb_ctx, data_meta);
	default:
		return 0;
	}
}

#endif
