/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel types that programs see, part 4: sched_ext's operations, arguments and constants, as
 * in Linux 7.3, the first release that has the cid form. Order of members as there.
 *
 * Two forms of operations share one layout: CPU numbers and cpumasks (sched_ext_ops), or
 * dense cids and cmasks that live in the scheduler's arena (sched_ext_ops_cid).
 */
#ifndef UA_BTF_TYPES_SCX_H
#define UA_BTF_TYPES_SCX_H

#include "bpf.h"
#include "task.h"

enum scx_public_consts {
	SCX_OPS_NAME_LEN = 128,
	SCX_SLICE_DFL = 20 * 1000000,
	SCX_SLICE_BYPASS = 5 * 1000000,
	SCX_SLICE_INF = ~0ull,
};

enum scx_consts {
	SCX_DSP_DFL_MAX_BATCH = 32,
	SCX_DSP_MAX_LOOPS = 32,
	SCX_WATCHDOG_MAX_TIMEOUT = 30000,
	SCX_RESCUE_DFL_BW_PPT = 20,
	SCX_RESCUE_MAX_BW_PPT = 250,
	SCX_RESCUE_DISABLE = ~0u,
	SCX_RESCUE_DFL_QUANTUM_US = 5000,
	SCX_RESCUE_MIN_QUANTUM_US = 1000,
	SCX_RESCUE_MAX_QUANTUM_US = 100000,
	SCX_EXIT_BT_LEN = 64,
	SCX_EXIT_MSG_LEN = 1024,
	SCX_EXIT_DUMP_DFL_LEN = 32768,
	SCX_CPUPERF_ONE = 1024,
	SCX_REENQ_MAX_REPEAT = 256,
	SCX_SUB_MAX_DEPTH = 4,
};

/* Values that the kernel's BTF has no enum for. */
#define SCX_CID_SHARD_SIZE_DFL 24
#define SCX_CID_SHARD_MAX_CPUS 512

/* What a scheduler may do on a cid. */
enum scx_cap_flags {
	SCX_CAP_ENQ_IMMED = 1 << 0,
	SCX_CAP_ENQ = 1 << 1,
	SCX_CAP_PREEMPT = 1 << 2,
	SCX_CAP_PERF = 1 << 3,
	SCX_CAP_BASE = SCX_CAP_ENQ_IMMED,
	__SCX_CAP_ALL = (1 << 4) - 1,
};

enum scx_dsq_id_flags {
	SCX_DSQ_FLAG_BUILTIN = 1ull << 63,
	SCX_DSQ_FLAG_LOCAL_ON = 1ull << 62,
	SCX_DSQ_INVALID = 1ull << 63,
	SCX_DSQ_GLOBAL = 1ull << 63 | 1,
	SCX_DSQ_LOCAL = 1ull << 63 | 2,
	SCX_DSQ_BYPASS = 1ull << 63 | 3,
	SCX_DSQ_REJECT = 1ull << 63 | 4,
	SCX_DSQ_RESCUE = 1ull << 63 | 5,
	SCX_DSQ_LOCAL_ON = 1ull << 63 | 1ull << 62,
	SCX_DSQ_LOCAL_CPU_MASK = 0xffffffffull,
};

enum scx_exit_kind {
	SCX_EXIT_NONE,
	SCX_EXIT_DONE,
	SCX_EXIT_UNREG = 64,
	SCX_EXIT_UNREG_BPF,
	SCX_EXIT_UNREG_KERN,
	SCX_EXIT_SYSRQ,
	SCX_EXIT_PARENT,
	SCX_EXIT_PARENT_KILL,
	SCX_EXIT_ERROR = 1024,
	SCX_EXIT_ERROR_BPF,
	SCX_EXIT_ERROR_STALL,
	SCX_EXIT_ERROR_REENQ,
	SCX_EXIT_ERROR_RESCUE,
};

enum scx_exit_code {
	SCX_ECODE_RSN_HOTPLUG = 1ull << 32,
	SCX_ECODE_RSN_CGROUP_OFFLINE = 2ull << 32,
	SCX_ECODE_ACT_RESTART = 1ull << 48,
};

enum scx_exit_flags {
	SCX_EFLAG_INITIALIZED = 1 << 0,
};

enum scx_ops_flags {
	SCX_OPS_KEEP_BUILTIN_IDLE = 1 << 0,
	SCX_OPS_ENQ_LAST = 1 << 1,
	SCX_OPS_ENQ_EXITING = 1 << 2,
	SCX_OPS_SWITCH_PARTIAL = 1 << 3,
	SCX_OPS_ENQ_MIGRATION_DISABLED = 1 << 4,
	SCX_OPS_ALLOW_QUEUED_WAKEUP = 1 << 5,
	SCX_OPS_BUILTIN_IDLE_PER_NODE = 1 << 6,
	SCX_OPS_ALWAYS_ENQ_IMMED = 1 << 7,
	SCX_OPS_TID_TO_TASK = 1 << 8,
	SCX_OPS_ALL_FLAGS = (1 << 9) - 1,
};

enum scx_enq_flags {
	SCX_ENQ_WAKEUP = 1,
	SCX_ENQ_HEAD = 1 << 16,
	SCX_ENQ_CPU_SELECTED = 1 << 20,
	SCX_ENQ_PREEMPT = 1ull << 32,
	SCX_ENQ_IMMED = 1ull << 33,
	SCX_ENQ_RESCUE = 1ull << 34,
	SCX_ENQ_REENQ = 1ull << 40,
	SCX_ENQ_LAST = 1ull << 41,
	SCX_ENQ_CLEAR_OPSS = 1ull << 56,
	SCX_ENQ_DSQ_PRIQ = 1ull << 57,
	SCX_ENQ_NESTED = 1ull << 58,
};

enum scx_deq_flags {
	SCX_DEQ_SLEEP = 1,
	SCX_DEQ_CORE_SCHED_EXEC = 1ull << 32,
	SCX_DEQ_SCHED_CHANGE = 1ull << 33,
};

enum scx_wake_flags {
	SCX_WAKE_FORK = 1 << 2,
	SCX_WAKE_TTWU = 1 << 3,
	SCX_WAKE_SYNC = 1 << 4,
};

enum scx_kick_flags {
	SCX_KICK_IDLE = 1 << 0,
	SCX_KICK_PREEMPT = 1 << 1,
	SCX_KICK_WAIT = 1 << 2,
};

enum scx_reenq_flags {
	SCX_REENQ_ANY = 1 << 0,
};

enum scx_pick_idle_cpu_flags {
	SCX_PICK_IDLE_CORE = 1 << 0,
	SCX_PICK_IDLE_IN_NODE = 1 << 1,
};

enum scx_dsq_iter_flags {
	SCX_DSQ_ITER_REV = 1 << 16,
};

enum scx_ent_flags {
	SCX_TASK_QUEUED = 1 << 0,
	SCX_TASK_IN_CUSTODY = 1 << 1,
	SCX_TASK_RESET_RUNNABLE_AT = 1 << 2,
	SCX_TASK_DEQD_FOR_SLEEP = 1 << 3,
	SCX_TASK_SUB_INIT = 1 << 4,
	SCX_TASK_IMMED = 1 << 5,
	SCX_TASK_PROTECTED = 1 << 6,
	SCX_TASK_STATE_SHIFT = 8,
	SCX_TASK_REENQ_REASON_SHIFT = 12,
	SCX_TASK_REENQ_REASON_BITS = 3,
	SCX_TASK_REENQ_REASON_MASK = 7 << 12,
	SCX_TASK_REENQ_NONE = 0,
	SCX_TASK_REENQ_KFUNC = 1 << 12,
	SCX_TASK_REENQ_IMMED = 2 << 12,
	SCX_TASK_REENQ_PREEMPTED = 3 << 12,
	SCX_TASK_REENQ_CAP = 4 << 12,
};

enum scx_cpu_preempt_reason {
	SCX_CPU_PREEMPT_RT,
	SCX_CPU_PREEMPT_DL,
	SCX_CPU_PREEMPT_STOP,
	SCX_CPU_PREEMPT_UNKNOWN,
};

struct scx_cmask {
	u32 base;
	u32 nr_cids;
	u32 alloc_words;
	u64 bits[];
};

struct scx_cid_topo {
	s32 core_cid;
	s32 core_idx;
	s32 llc_cid;
	s32 llc_idx;
	s32 node_cid;
	s32 node_idx;
	s32 shard_cid;
	s32 shard_idx;
};

struct scx_exit_info {
	enum scx_exit_kind kind;
	s32 exit_cpu;
	s64 exit_code;
	u64 flags;
	const char *reason;
	unsigned long *bt;
	u32 bt_len;
	char *msg;
	char *dump;
};

struct scx_init_task_args {
	bool fork;
	struct cgroup *cgroup;
};

struct scx_exit_task_args {
	bool cancelled;
};

struct scx_enable_args {
	u64 cmask_arena_addr;
};

struct scx_cgroup_init_args {
	u32 weight;
	u64 bw_period_us;
	u64 bw_quota_us;
	u64 bw_burst_us;
	bool sched_idle;
};

struct scx_cpu_acquire_args {
};

struct scx_cpu_release_args {
	enum scx_cpu_preempt_reason reason;
	struct task_struct *task;
};

struct scx_dump_ctx {
	enum scx_exit_kind kind;
	s64 exit_code;
	const char *reason;
	u64 at_ns;
	u64 at_jiffies;
};

struct scx_event_stats {
	s64 SCX_EV_SELECT_CPU_FALLBACK;
	s64 SCX_EV_DISPATCH_LOCAL_DSQ_OFFLINE;
	s64 SCX_EV_DISPATCH_KEEP_LAST;
	s64 SCX_EV_ENQ_SKIP_EXITING;
	s64 SCX_EV_ENQ_SKIP_MIGRATION_DISABLED;
	s64 SCX_EV_REENQ_IMMED;
	s64 SCX_EV_REENQ_REPEAT;
	s64 SCX_EV_REFILL_SLICE_DFL;
	s64 SCX_EV_SLICE_CLAMPED;
	s64 SCX_EV_SLICE_DENIED;
	s64 SCX_EV_BYPASS_DURATION;
	s64 SCX_EV_BYPASS_DISPATCH;
	s64 SCX_EV_BYPASS_ACTIVATE;
	s64 SCX_EV_INSERT_NOT_OWNED;
	s64 SCX_EV_SUB_BYPASS_DISPATCH;
	s64 SCX_EV_SUB_FORCED_ADMIT;
	s64 SCX_EV_SUB_PREEMPT_DENIED;
	s64 SCX_EV_SUB_KICK_DENIED;
	s64 SCX_EV_SUB_REENQ_DENIED;
	s64 SCX_EV_SUB_CIDPERF_DENIED;
	s64 SCX_EV_SUB_RESCUE;
};

struct scx_bpf_dsq_insert_vtime_args {
	u64 dsq_id;
	u64 slice;
	u64 vtime;
	u64 enq_flags;
};

struct scx_bpf_select_cpu_and_args {
	s32 prev_cpu;
	u64 wake_flags;
	u64 flags;
};

struct bpf_iter_scx_dsq {
	u64 __opaque[6];
} __attribute__((aligned(8)));

struct sched_ext_ops;

struct scx_sub_attach_args {
	struct sched_ext_ops *ops;
	char *cgroup_path;
};

struct scx_sub_detach_args {
	struct sched_ext_ops *ops;
	char *cgroup_path;
};

/* Members behind the callbacks; the same in both forms. */
#define SCX_OPS_DATA                 \
	u32 dispatch_max_batch;      \
	u64 flags;                   \
	u32 timeout_ms;              \
	u32 exit_dump_len;           \
	u64 hotplug_seq;             \
	u32 cid_shard_size;          \
	u32 rescue_bandwidth_ppt;    \
	u32 rescue_quantum_us;       \
	u64 sub_cgroup_id;           \
	char name[SCX_OPS_NAME_LEN]; \
	void *priv;

struct sched_ext_ops {
	s32 (*select_cpu)(struct task_struct *p, s32 prev_cpu, u64 wake_flags);
	void (*enqueue)(struct task_struct *p, u64 enq_flags);
	void (*dequeue)(struct task_struct *p, u64 deq_flags);
	void (*dispatch)(s32 cpu, struct task_struct *prev);
	void (*tick)(struct task_struct *p);
	void (*runnable)(struct task_struct *p, u64 enq_flags);
	void (*running)(struct task_struct *p);
	void (*stopping)(struct task_struct *p, bool runnable);
	void (*quiescent)(struct task_struct *p, u64 deq_flags);
	bool (*yield)(struct task_struct *from, struct task_struct *to);
	bool (*core_sched_before)(struct task_struct *a, struct task_struct *b);
	void (*set_weight)(struct task_struct *p, u32 weight);
	void (*set_cpumask)(struct task_struct *p, const struct cpumask *cpumask);
	void (*update_idle)(s32 cpu, bool idle);
	s32 (*init_task)(struct task_struct *p, struct scx_init_task_args *args);
	void (*exit_task)(struct task_struct *p, struct scx_exit_task_args *args);
	void (*enable)(struct task_struct *p);
	void (*disable)(struct task_struct *p);
	void (*dump)(struct scx_dump_ctx *ctx);
	void (*dump_cpu)(struct scx_dump_ctx *ctx, s32 cpu, bool idle);
	void (*dump_task)(struct scx_dump_ctx *ctx, struct task_struct *p);
	s32 (*cgroup_init)(struct cgroup *cgrp, struct scx_cgroup_init_args *args);
	void (*cgroup_exit)(struct cgroup *cgrp);
	s32 (*cgroup_prep_move)(struct task_struct *p, struct cgroup *from, struct cgroup *to);
	void (*cgroup_move)(struct task_struct *p, struct cgroup *from, struct cgroup *to);
	void (*cgroup_cancel_move)(struct task_struct *p, struct cgroup *from, struct cgroup *to);
	void (*cgroup_set_weight)(struct cgroup *cgrp, u32 weight);
	void (*cgroup_set_bandwidth)(struct cgroup *cgrp, u64 period_us, u64 quota_us,
				     u64 burst_us);
	void (*cgroup_set_idle)(struct cgroup *cgrp, bool idle);
	s32 (*sub_attach)(struct scx_sub_attach_args *args);
	void (*sub_detach)(struct scx_sub_detach_args *args);
	void (*sub_caps_updated)(const struct scx_cmask *cmask, u64 caps);
	void (*sub_ecaps_updated)(s32 cid, u64 before, u64 after);
	void (*cpu_online)(s32 cpu);
	void (*cpu_offline)(s32 cpu);
	s32 (*init_cids)(void);
	s32 (*init)(void);
	void (*exit)(struct scx_exit_info *info);
	SCX_OPS_DATA
	void (*cpu_acquire)(s32 cpu, struct scx_cpu_acquire_args *args);
	void (*cpu_release)(s32 cpu, struct scx_cpu_release_args *args);
};

struct sched_ext_ops_cid {
	s32 (*select_cid)(struct task_struct *p, s32 prev_cid, u64 wake_flags);
	void (*enqueue)(struct task_struct *p, u64 enq_flags);
	void (*dequeue)(struct task_struct *p, u64 deq_flags);
	void (*dispatch)(s32 cid, struct task_struct *prev);
	void (*tick)(struct task_struct *p);
	void (*runnable)(struct task_struct *p, u64 enq_flags);
	void (*running)(struct task_struct *p);
	void (*stopping)(struct task_struct *p, bool runnable);
	void (*quiescent)(struct task_struct *p, u64 deq_flags);
	bool (*yield)(struct task_struct *from, struct task_struct *to);
	bool (*core_sched_before)(struct task_struct *a, struct task_struct *b);
	void (*set_weight)(struct task_struct *p, u32 weight);
	void (*set_cmask)(struct task_struct *p, const struct scx_cmask *cmask);
	void (*update_idle)(s32 cid, bool idle);
	s32 (*init_task)(struct task_struct *p, struct scx_init_task_args *args);
	void (*exit_task)(struct task_struct *p, struct scx_exit_task_args *args);
	void (*enable)(struct task_struct *p, struct scx_enable_args *args);
	void (*disable)(struct task_struct *p);
	void (*dump)(struct scx_dump_ctx *ctx);
	void (*dump_cid)(struct scx_dump_ctx *ctx, s32 cid, bool idle);
	void (*dump_task)(struct scx_dump_ctx *ctx, struct task_struct *p);
	s32 (*cpuctl_init)(struct cgroup *cgrp, struct scx_cgroup_init_args *args);
	void (*cpuctl_exit)(struct cgroup *cgrp);
	s32 (*cpuctl_prep_move)(struct task_struct *p, struct cgroup *from, struct cgroup *to);
	void (*cpuctl_move)(struct task_struct *p, struct cgroup *from, struct cgroup *to);
	void (*cpuctl_cancel_move)(struct task_struct *p, struct cgroup *from, struct cgroup *to);
	void (*cpuctl_set_weight)(struct cgroup *cgrp, u32 weight);
	void (*cpuctl_set_bandwidth)(struct cgroup *cgrp, u64 period_us, u64 quota_us,
				     u64 burst_us);
	void (*cpuctl_set_idle)(struct cgroup *cgrp, bool idle);
	s32 (*sub_attach)(struct scx_sub_attach_args *args);
	void (*sub_detach)(struct scx_sub_detach_args *args);
	void (*sub_caps_updated)(const struct scx_cmask *cmask, u64 caps);
	void (*sub_ecaps_updated)(s32 cid, u64 before, u64 after);
	void (*cid_online)(s32 cid);
	void (*cid_offline)(s32 cid);
	s32 (*init_cids)(void);
	s32 (*init)(void);
	void (*exit)(struct scx_exit_info *info);
	SCX_OPS_DATA
};

/* What a struct_ops map holds: programs fill in data, the engine keeps common. */
#define STRUCT_OPS_VALUE(NAME)                                 \
	struct bpf_struct_ops_##NAME {                         \
		struct bpf_struct_ops_common_value common;     \
		struct NAME data __attribute__((aligned(64))); \
	}
STRUCT_OPS_VALUE(sched_ext_ops);
STRUCT_OPS_VALUE(sched_ext_ops_cid);

#endif
