/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine's BTF, written in C: clang turns this into the .BTF section that the library
 * embeds (btf/engine_btf.c). No code of it ever runs; clang merely keeps the prototype of a
 * function only if the function has a body.
 */
#include "bpf.h"
#include "task.h"
#include "scx.h"
#include "kfuncs.h"
#include "percpu.h"
#include "consts.h"

/* The kernel has no stdbool.h. */
#undef bool
#undef true
#undef false
typedef _Bool bool;
typedef int pid_t;
typedef long ssize_t;
typedef long long loff_t;
typedef s64 ktime_t;

/* Integers by all their names. */
struct ua_integers {
	__s8 s8;
	__u8 u8;
	__s16 s16;
	__u16 u16;
	__s32 s32;
	__u32 u32;
	__s64 s64;
	__u64 u64;
	__le16 le16;
	__be16 be16;
	__le32 le32;
	__be32 be32;
	__le64 le64;
	__be64 be64;
	__sum16 sum16;
	__wsum wsum;
	pid_t pid;
	s8 plain_s8;
	int8_t int8;
	uint8_t uint8;
	int16_t int16;
	uint16_t uint16;
	int32_t int32;
	uint32_t uint32;
	int64_t int64;
	uint64_t uint64;
	size_t size;
	ssize_t ssize;
	loff_t loff;
	ktime_t ktime;
	bool boolean;
	enum { false = 0, true = 1 } truth;
};

/* Types no kfunc mentions; whatever is embedded here gets a full description. */
struct ua_engine_types {
	struct ua_integers integers;
	struct ua_const_types consts;
	struct bpf_arena arena;
	struct bpf_prog prog;
	struct bpf_prog_aux prog_aux;
	struct bpf_spin_lock spin_lock;
	struct bpf_timer timer;
	struct bpf_wq wq;
	struct bpf_dynptr dynptr;
	struct bpf_list_head list_head;
	struct bpf_list_node list_node;
	struct bpf_rb_root rb_root;
	struct bpf_rb_node rb_node;
	struct bpf_refcount refcount;
	struct bpf_perf_event_value perf_value;
	struct bpf_iter_bits iter_bits;
	struct bpf_iter_task iter_task;
	struct bpf_iter_css iter_css;
	struct __sk_buff skb;
	struct bpf_raw_tracepoint_args *raw_tp;
	struct pt_regs regs;
	struct file file;
	struct seq_file seq_file;
	struct bpf_iter_meta iter_meta;
	struct bpf_iter__bpf_map iter_map;
	struct kernfs_node kn;
	struct cpufreq_policy cpufreq_policy;
	struct css_set css_set;
	struct task_group task_group;
	struct mm_struct mm;
	struct signal_struct signal;
	struct cred cred;
	struct mempolicy mempolicy;
	struct sched_class sched_class;
	class_rcu_t class_rcu;
	enum task_consts task_consts;
	enum pid_type pid_type;
	enum mempolicy_modes mempolicy_modes;
	struct callback_head callback_head;
	struct hlist_node hlist_node;
	struct qspinlock qspinlock;
	struct bpf_struct_ops_sched_ext_ops ops;
	struct bpf_struct_ops_sched_ext_ops_cid ops_cid;
	struct scx_dispatch_q dsq;
	struct scx_init_task_args init_task_args;
	struct scx_exit_task_args exit_task_args;
	struct scx_enable_args enable_args;
	struct scx_cgroup_init_args cgroup_init_args;
	struct scx_cpu_acquire_args cpu_acquire_args;
	struct scx_cpu_release_args cpu_release_args;
	struct scx_sub_attach_args sub_attach_args;
	struct scx_sub_detach_args sub_detach_args;
	struct scx_dump_ctx dump_ctx;
	struct scx_exit_info exit_info;
	struct scx_cmask *cmask;
	enum bpf_struct_ops_state struct_ops_state;
	enum bpf_local_storage_flags storage_flags;
	enum bpf_cmd cmd;
	enum bpf_stream_id stream_id;
	enum scx_public_consts e0;
	enum scx_consts e1;
	enum scx_dsq_id_flags e2;
	enum scx_exit_code e3;
	enum scx_exit_flags e4;
	enum scx_ops_flags e5;
	enum scx_enq_flags e6;
	enum scx_deq_flags e7;
	enum scx_wake_flags e8;
	enum scx_kick_flags e9;
	enum scx_reenq_flags e10;
	enum scx_pick_idle_cpu_flags e11;
	enum scx_dsq_iter_flags e12;
	enum scx_ent_flags e13;
	enum scx_cap_flags e14;
	enum cgroup_subsys_id e15;
	enum bpf_cgroup_iter_order e16;
};

#define KFUNC(RET, NAME, PARAMS)         \
	RET NAME PARAMS                  \
	{                                \
		__builtin_unreachable(); \
	}

KFUNCS_GENERIC(KFUNC)
KFUNCS_SCX(KFUNC)

#define PERCPU(TYPE, NAME) TYPE NAME __attribute__((section(".data..percpu")));

PERCPU_VARS(PERCPU)

/* Programs of section iter/NAME attach to the function bpf_iter_NAME. */
int bpf_iter_bpf_map(struct bpf_iter_meta *meta, struct bpf_map *map)
{
	return 0;
}

/* Pointees of a parameter are described in full, those of a member only by name. */
void ua_engine_types(struct ua_engine_types *types, struct scx_cmask *cmask,
		     struct bpf_raw_tracepoint_args *raw_tp, struct pid *pid,
		     struct pid_namespace *pid_ns)
{
}
