/* SPDX-License-Identifier: BSD-2-Clause */
/* Kernel types that programs see, part 2: BPF's own objects and program contexts. */
#ifndef UA_BTF_TYPES_BPF_H
#define UA_BTF_TYPES_BPF_H

#include "base.h"
#include "abi/bpf.h"

struct bpf_map_ops;

/* Same layout as struct map_btf_view of map/map.h; tests/btf compares the two. */
struct bpf_map {
	const struct bpf_map_ops *ops;
	struct bpf_map *inner_map_meta;
	enum bpf_map_type map_type;
	u32 key_size;
	u32 value_size;
	u32 max_entries;
	u64 map_extra;
	u32 map_flags;
	u32 id;
	char name[BPF_OBJ_NAME_LEN];
};

struct bpf_arena {
	struct bpf_map map;
	u64 user_vm_start;
	u64 user_vm_end;
};

struct bpf_prog_aux {
	u32 id;
	u32 stack_depth;
	u32 func_cnt;
	u32 verified_insns;
	u64 load_time;
	struct bpf_arena *arena;
	struct bpf_prog *prog;
	struct bpf_map *st_ops_assoc;
	char name[BPF_OBJ_NAME_LEN];
};

struct bpf_prog {
	enum bpf_prog_type type;
	enum bpf_attach_type expected_attach_type;
	u32 len;
	u32 jited_len;
	u8 tag[BPF_TAG_SIZE];
	struct bpf_prog_aux *aux;
};

/* Objects programs embed in map values; contents belong to the engine. */
struct bpf_spin_lock {
	u32 val;
};

struct bpf_res_spin_lock {
	u32 val;
};

struct bpf_timer {
	u64 __opaque[2];
} __attribute__((aligned(8)));

struct bpf_wq {
	u64 __opaque[2];
} __attribute__((aligned(8)));

struct bpf_dynptr {
	u64 __opaque[2];
} __attribute__((aligned(8)));

struct bpf_list_head {
	u64 __opaque[2];
} __attribute__((aligned(8)));

struct bpf_list_node {
	u64 __opaque[3];
} __attribute__((aligned(8)));

struct bpf_rb_root {
	u64 __opaque[2];
} __attribute__((aligned(8)));

struct bpf_rb_node {
	u64 __opaque[4];
} __attribute__((aligned(8)));

struct bpf_refcount {
	u32 __opaque[1];
} __attribute__((aligned(4)));

struct bpf_iter_num {
	u64 __opaque[1];
} __attribute__((aligned(8)));

struct bpf_perf_event_value {
	u64 counter;
	u64 enabled;
	u64 running;
};

struct bpf_iter_bits {
	u64 __opaque[2];
} __attribute__((aligned(8)));

struct bpf_iter_task {
	u64 __opaque[3];
} __attribute__((aligned(8)));

struct bpf_iter_css {
	u64 __opaque[3];
} __attribute__((aligned(8)));

/* Contexts. */
struct bpf_flow_keys;
struct bpf_sock;

struct __sk_buff {
	u32 len;
	u32 pkt_type;
	u32 mark;
	u32 queue_mapping;
	u32 protocol;
	u32 vlan_present;
	u32 vlan_tci;
	u32 vlan_proto;
	u32 priority;
	u32 ingress_ifindex;
	u32 ifindex;
	u32 tc_index;
	u32 cb[5];
	u32 hash;
	u32 tc_classid;
	u32 data;
	u32 data_end;
	u32 napi_id;
	u32 family;
	u32 remote_ip4;
	u32 local_ip4;
	u32 remote_ip6[4];
	u32 local_ip6[4];
	u32 remote_port;
	u32 local_port;
	u32 data_meta;
	union {
		struct bpf_flow_keys *flow_keys;
		u64 : 64;
	} __attribute__((aligned(8)));
	u64 tstamp;
	u32 wire_len;
	u32 gso_segs;
	union {
		struct bpf_sock *sk;
		u64 : 64;
	} __attribute__((aligned(8)));
	u32 gso_size;
	u8 tstamp_type;
	u32 : 24;
	u64 hwtstamp;
};

struct bpf_raw_tracepoint_args {
	u64 args[0];
};

struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di;
	unsigned long orig_ax, ip, cs, flags, sp, ss;
};

struct file {
	unsigned int f_flags;
	unsigned int f_mode;
};

struct seq_file {
	char *buf;
	size_t size;
	size_t count;
};

struct bpf_iter_meta {
	struct seq_file *seq;
	u64 session_id;
	u64 seq_num;
};

struct bpf_iter__bpf_map {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
};

enum bpf_struct_ops_state {
	BPF_STRUCT_OPS_STATE_INIT,
	BPF_STRUCT_OPS_STATE_INUSE,
	BPF_STRUCT_OPS_STATE_TOBEFREE,
	BPF_STRUCT_OPS_STATE_READY,
};

/* Every struct_ops map value begins with this, its data follows at the next multiple of 64. */
struct bpf_struct_ops_common_value {
	refcount_t refcnt;
	enum bpf_struct_ops_state state;
};

/* Flags programs take from BTF. */
enum bpf_local_storage_flags {
	BPF_LOCAL_STORAGE_GET_F_CREATE = 1,
};

#endif
