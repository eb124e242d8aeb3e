/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers its CPUs as the host said before loading, and shows what the machine then says of them;
 * otherwise a FIFO.
 */
#include <uarena/bpf_sched.h>
#include "cids.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1 << 20);
	__ulong(map_extra, 1ull << 32);
} arena SEC(".maps");

const volatile bool reverse;
const volatile u64 table_at; /* not the table, but this address */
const volatile u32 nr_shards = 1;

s32 __arena_global table[CIDS], shards[CIDS];
struct scx_cid_topo __arena_global topo[CIDS];
u64 __arena_global caps_words[4], online_bits, early_online, late_offline;
s32 __arena_global caps_err, child_err, grant_err, kill_err;

#define caps ((cmask_t *)caps_words)

SEC("struct_ops.s/init_cids")
s32 BPF_PROG(cids_init_cids)
{
	u32 nr = scx_bpf_nr_cpu_ids(), i;

	early_online = (u64)scx_bpf_online_cmask();
	if (!reverse && !table_at)
		return 0;
	bpf_for(i, 0, CIDS) {
		if (i >= nr)
			break;
		table[i] = nr - 1 - i;
		shards[i] = 2 * i;
	}
	scx_bpf_cid_override(table_at ? (s32 __arena *)table_at : table, nr, shards, nr_shards);
	return 0;
}

static void read_topo(void)
{
	struct scx_cid_topo one;
	u32 nr = scx_bpf_nr_cids(), i;

	bpf_for(i, 0, CIDS) {
		if (i >= nr)
			break;
		scx_bpf_cid_topo(i, &one, sizeof(one));
		topo[i].core_cid = one.core_cid;
		topo[i].llc_cid = one.llc_cid;
		topo[i].shard_cid = one.shard_cid;
	}
}

SEC("struct_ops.s/init")
s32 BPF_PROG(cids_init)
{
	cmask_t *online = (cmask_t *)scx_bpf_online_cmask();

	read_topo();
	online_bits = online->bits[0];
	cmask_init(caps, 2, 3, CMASK_WORDS(3));
	caps_err = scx_bpf_sub_caps(0, 1, caps);
	child_err = scx_bpf_sub_caps(1, 1, caps);
	grant_err = scx_bpf_sub_grant(1, 1, caps, NULL);
	kill_err = UARENA_BSTR(scx_bpf_sub_kill_bstr, (1, ), "%d", 1);
	return scx_bpf_sub_dispatch ? 0 : -1;
}

SEC("struct_ops/cid_offline")
void BPF_PROG(cids_offline, s32 cid)
{
	cmask_t *online = (cmask_t *)scx_bpf_online_cmask();

	late_offline = cmask_test(online, cid);
	online_bits = online->bits[0];
}

SEC("struct_ops/cid_online")
void BPF_PROG(cids_online, s32 cid)
{
	cmask_t *online = (cmask_t *)scx_bpf_online_cmask();

	online_bits = online->bits[0];
}

SEC(".struct_ops.link")
struct sched_ext_ops_cid cids_ops = {
	.init_cids = (void *)cids_init_cids,
	.init = (void *)cids_init,
	.cid_online = (void *)cids_online,
	.cid_offline = (void *)cids_offline,
	.cid_shard_size = 4,
	.name = "cids",
};

char _license[] SEC("license") = "Dual BSD/GPL";
