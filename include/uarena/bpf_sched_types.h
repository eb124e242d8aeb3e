/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For BPF programs: the kernel types that sched_ext schedulers use, for those who have no
 * vmlinux.h. bpf_sched.h includes it.
 *
 * Structs of the kernel list only the members programs commonly read; CO-RE finds them where
 * the kernel at hand has them. Add others by declaring the struct with a ___flavour:
 *
 *	struct task_struct___my { u64 start_time; } __attribute__((preserve_access_index));
 *	u64 born = ((struct task_struct___my *)p)->start_time;
 *
 * Values of enumerators are taken from the kernel's BTF at load time as well, through the
 * macros of the same name; only ops flags, which stand in initialisers, are constants.
 */
#ifndef UARENA_BPF_SCHED_TYPES_H
#define UARENA_BPF_SCHED_TYPES_H

#include <uarena/bpf_arena.h>
#include <uarena/bpf_cmask.h>

/* -- Constants -------------------------------------------------------------------------- */

enum scx_public_consts {
	SCX_OPS_NAME_LEN = 128,
	SCX_SLICE_DFL = 20 * 1000000,
	SCX_SLICE_INF = ~0ull,
};

enum scx_dsq_id_flags {
	SCX_DSQ_GLOBAL = 1ull << 63 | 1,
	SCX_DSQ_LOCAL = 1ull << 63 | 2,
	SCX_DSQ_LOCAL_ON = 1ull << 63 | 1ull << 62, /* | CPU number or cid */
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

enum scx_pick_idle_cpu_flags {
	SCX_PICK_IDLE_CORE = 1 << 0,
	SCX_PICK_IDLE_IN_NODE = 1 << 1,
};

enum scx_dsq_iter_flags {
	SCX_DSQ_ITER_REV = 1 << 16,
};

/* In p->scx.flags. */
enum scx_ent_flags {
	SCX_TASK_QUEUED = 1 << 0, /* runnable */
};

enum scx_consts {
	SCX_CPUPERF_ONE = 1024,
};

enum bpf_local_storage_flags {
	BPF_LOCAL_STORAGE_GET_F_CREATE = 1,
};

/* What the kernel at hand says; the first is 0 if it has no such enumerator. */
#define enum_value_exists(type, value) __builtin_preserve_enum_value(*(enum type *)value, 0)
#define enum_value(type, value) __builtin_preserve_enum_value(*(enum type *)value, 1)

#define SCX_SLICE_DFL enum_value(scx_public_consts, SCX_SLICE_DFL)
#define SCX_SLICE_INF enum_value(scx_public_consts, SCX_SLICE_INF)
#define SCX_DSQ_GLOBAL enum_value(scx_dsq_id_flags, SCX_DSQ_GLOBAL)
#define SCX_DSQ_LOCAL enum_value(scx_dsq_id_flags, SCX_DSQ_LOCAL)
#define SCX_DSQ_LOCAL_ON enum_value(scx_dsq_id_flags, SCX_DSQ_LOCAL_ON)
#define SCX_ENQ_WAKEUP enum_value(scx_enq_flags, SCX_ENQ_WAKEUP)
#define SCX_ENQ_HEAD enum_value(scx_enq_flags, SCX_ENQ_HEAD)
#define SCX_ENQ_CPU_SELECTED enum_value(scx_enq_flags, SCX_ENQ_CPU_SELECTED)
#define SCX_ENQ_PREEMPT enum_value(scx_enq_flags, SCX_ENQ_PREEMPT)
#define SCX_ENQ_IMMED enum_value(scx_enq_flags, SCX_ENQ_IMMED)
#define SCX_ENQ_RESCUE enum_value(scx_enq_flags, SCX_ENQ_RESCUE)
#define SCX_ENQ_REENQ enum_value(scx_enq_flags, SCX_ENQ_REENQ)
#define SCX_ENQ_LAST enum_value(scx_enq_flags, SCX_ENQ_LAST)
#define SCX_DEQ_SLEEP enum_value(scx_deq_flags, SCX_DEQ_SLEEP)
#define SCX_DEQ_CORE_SCHED_EXEC enum_value(scx_deq_flags, SCX_DEQ_CORE_SCHED_EXEC)
#define SCX_DEQ_SCHED_CHANGE enum_value(scx_deq_flags, SCX_DEQ_SCHED_CHANGE)
#define SCX_WAKE_FORK enum_value(scx_wake_flags, SCX_WAKE_FORK)
#define SCX_WAKE_TTWU enum_value(scx_wake_flags, SCX_WAKE_TTWU)
#define SCX_WAKE_SYNC enum_value(scx_wake_flags, SCX_WAKE_SYNC)
#define SCX_KICK_IDLE enum_value(scx_kick_flags, SCX_KICK_IDLE)
#define SCX_KICK_PREEMPT enum_value(scx_kick_flags, SCX_KICK_PREEMPT)
#define SCX_KICK_WAIT enum_value(scx_kick_flags, SCX_KICK_WAIT)
#define SCX_PICK_IDLE_CORE enum_value(scx_pick_idle_cpu_flags, SCX_PICK_IDLE_CORE)
#define SCX_PICK_IDLE_IN_NODE enum_value(scx_pick_idle_cpu_flags, SCX_PICK_IDLE_IN_NODE)
#define SCX_TASK_QUEUED enum_value(scx_ent_flags, SCX_TASK_QUEUED)
#define SCX_DSQ_ITER_REV enum_value(scx_dsq_iter_flags, SCX_DSQ_ITER_REV)

/* -- Objects with a place in map values ------------------------------------------------- */

struct bpf_spin_lock {
	u32 val;
};

struct bpf_res_spin_lock {
	u32 val;
};

struct bpf_timer {
	u64 __opaque[2];
} __attribute__((aligned(8)));

struct bpf_iter_num {
	u64 __opaque[1];
} __attribute__((aligned(8)));

struct bpf_iter_scx_dsq {
	u64 __opaque[6];
} __attribute__((aligned(8)));

/* -- Arguments whose layout is the interface -------------------------------------------- */

struct scx_cid_topo {
	s32 core_cid, core_idx;
	s32 llc_cid, llc_idx;
	s32 node_cid, node_idx;
	s32 shard_cid, shard_idx;
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

/* -- Structs of the kernel, as far as programs read them ---------------------------------- */

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct cpumask {
	unsigned long bits[1]; /* more than this: use bpf_cpumask_test_cpu() */
};

struct rq {
	int cpu;
	u64 clock;
	struct task_struct *curr;
};

struct sched_ext_entity {
	u64 tid;
	u32 flags;
	u32 weight; /* 1 .. 10000, 100 for nice 0 */
	unsigned long runnable_at;
	u64 slice;     /* ns left */
	u64 dsq_vtime; /* orders vtime queues */
	bool disallow;
};

struct task_struct {
	u32 flags;
	u32 on_cpu;
	u32 policy;
	int nr_cpus_allowed;
	const struct cpumask *cpus_ptr;
	struct sched_ext_entity scx;
	s32 pid;
	s32 tgid;
	struct task_struct *real_parent;
	char comm[16];
};

struct kernfs_node {
	u64 id;
	const char *name;
};

struct cgroup {
	int level;
	struct kernfs_node *kn;
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

struct scx_exit_info {
	enum scx_exit_kind kind;
	s32 exit_cpu;
	s64 exit_code;
	const char *reason;
	char *msg;
	char *dump;
};

struct scx_dump_ctx {
	enum scx_exit_kind kind;
	s64 exit_code;
	const char *reason;
	u64 at_ns;
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
	s64 SCX_EV_BYPASS_DURATION;
	s64 SCX_EV_BYPASS_DISPATCH;
	s64 SCX_EV_BYPASS_ACTIVATE;
	s64 SCX_EV_INSERT_NOT_OWNED;
	s64 SCX_EV_SUB_BYPASS_DISPATCH;
};

struct scx_cpu_acquire_args;
struct scx_cpu_release_args;
struct scx_sub_attach_args;
struct scx_sub_detach_args;

#pragma clang attribute pop

/* -- What a scheduler implements ---------------------------------------------------------- */

/* Members behind the callbacks; the same in both forms. 0 means the default. */
#define SCX_OPS_DATA                                          \
	u32 dispatch_max_batch;                               \
	u64 flags;	/* SCX_OPS_* */                       \
	u32 timeout_ms; /* a runnable task must run within */ \
	u32 exit_dump_len;                                    \
	u64 hotplug_seq;                                      \
	u32 cid_shard_size;                                   \
	u64 sub_cgroup_id;                                    \
	char name[SCX_OPS_NAME_LEN];

/* Members that both forms have, by their place in the order of the kernel's struct. */
#define SCX_OPS_TASK                                                               \
	void (*tick)(struct task_struct * p);                                      \
	void (*runnable)(struct task_struct * p, u64 enq_flags);                   \
	void (*running)(struct task_struct * p);                                   \
	void (*stopping)(struct task_struct * p, bool runnable);                   \
	void (*quiescent)(struct task_struct * p, u64 deq_flags);                  \
	bool (*yield)(struct task_struct * from, struct task_struct * to);         \
	bool (*core_sched_before)(struct task_struct * a, struct task_struct * b); \
	void (*set_weight)(struct task_struct * p, u32 weight);

#define SCX_OPS_LIFE                                                                \
	s32 (*init_task)(struct task_struct * p, struct scx_init_task_args * args); \
	void (*exit_task)(struct task_struct * p, struct scx_exit_task_args * args);

/* What a cgroup is told: cgroup_init() and so on; in cid form the prefix is cpuctl. */
#define SCX_OPS_CGROUP(prefix)                                                                   \
	s32 (*prefix##_init)(struct cgroup * cgrp, struct scx_cgroup_init_args * args);          \
	void (*prefix##_exit)(struct cgroup * cgrp);                                             \
	s32 (*prefix##_prep_move)(struct task_struct * p, struct cgroup * from,                  \
				  struct cgroup * to);                                           \
	void (*prefix##_move)(struct task_struct * p, struct cgroup * from, struct cgroup * to); \
	void (*prefix##_cancel_move)(struct task_struct * p, struct cgroup * from,               \
				     struct cgroup * to);                                        \
	void (*prefix##_set_weight)(struct cgroup * cgrp, u32 weight);                           \
	void (*prefix##_set_bandwidth)(struct cgroup * cgrp, u64 period_us, u64 quota_us,        \
				       u64 burst_us);                                            \
	void (*prefix##_set_idle)(struct cgroup * cgrp, bool idle);

#define SCX_OPS_SUB                                           \
	s32 (*sub_attach)(struct scx_sub_attach_args * args); \
	void (*sub_detach)(struct scx_sub_detach_args * args);

/* CPUs by number, affinity as cpumasks; an arena is optional. */
struct sched_ext_ops {
	s32 (*select_cpu)(struct task_struct *p, s32 prev_cpu, u64 wake_flags);
	void (*enqueue)(struct task_struct *p, u64 enq_flags);
	void (*dequeue)(struct task_struct *p, u64 deq_flags);
	void (*dispatch)(s32 cpu, struct task_struct *prev);
	SCX_OPS_TASK
	void (*set_cpumask)(struct task_struct *p, const struct cpumask *cpumask);
	void (*update_idle)(s32 cpu, bool idle);
	SCX_OPS_LIFE
	void (*enable)(struct task_struct *p);
	void (*disable)(struct task_struct *p);
	void (*dump)(struct scx_dump_ctx *ctx);
	void (*dump_cpu)(struct scx_dump_ctx *ctx, s32 cpu, bool idle);
	void (*dump_task)(struct scx_dump_ctx *ctx, struct task_struct *p);
	SCX_OPS_CGROUP(cgroup)
	SCX_OPS_SUB
	void (*cpu_online)(s32 cpu);
	void (*cpu_offline)(s32 cpu);
	s32 (*init)(void);
	void (*exit)(struct scx_exit_info *info);
	SCX_OPS_DATA
	void (*cpu_acquire)(s32 cpu, struct scx_cpu_acquire_args *args);
	void (*cpu_release)(s32 cpu, struct scx_cpu_release_args *args);
};

/* CPUs by cid, affinity as cmasks in the scheduler's arena, of which there must be one. */
struct sched_ext_ops_cid {
	s32 (*select_cid)(struct task_struct *p, s32 prev_cid, u64 wake_flags);
	void (*enqueue)(struct task_struct *p, u64 enq_flags);
	void (*dequeue)(struct task_struct *p, u64 deq_flags);
	void (*dispatch)(s32 cid, struct task_struct *prev);
	SCX_OPS_TASK
	void (*set_cmask)(struct task_struct *p, const struct scx_cmask *cmask);
	void (*update_idle)(s32 cid, bool idle);
	SCX_OPS_LIFE
	void (*enable)(struct task_struct *p, struct scx_enable_args *args);
	void (*disable)(struct task_struct *p);
	void (*dump)(struct scx_dump_ctx *ctx);
	void (*dump_cid)(struct scx_dump_ctx *ctx, s32 cid, bool idle);
	void (*dump_task)(struct scx_dump_ctx *ctx, struct task_struct *p);
	SCX_OPS_CGROUP(cpuctl)
	SCX_OPS_SUB
	void (*cid_online)(s32 cid);
	void (*cid_offline)(s32 cid);
	s32 (*init_cids)(void); /* before init(): scx_bpf_cid_override() */
	s32 (*init)(void);
	void (*exit)(struct scx_exit_info *info);
	SCX_OPS_DATA
};

#endif
