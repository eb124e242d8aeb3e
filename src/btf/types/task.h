/* SPDX-License-Identifier: BSD-2-Clause */
/* Kernel types that programs see, part 3: tasks, CPU masks, cgroups. */
#ifndef UA_BTF_TYPES_TASK_H
#define UA_BTF_TYPES_TASK_H

#include "base.h"
#include "scx_entity.h"

enum task_consts { TASK_COMM_LEN = 16 };
#define UA_NR_CPUS 8192

typedef struct cpumask {
	unsigned long bits[UA_NR_CPUS / (8 * sizeof(unsigned long))];
} cpumask_t;

struct bpf_cpumask {
	cpumask_t cpumask;
	refcount_t usage;
};

struct thread_info {
	unsigned long flags;
	u32 status;
	u32 cpu;
};

struct sched_avg {
	u64 last_update_time;
	u64 load_sum;
	u64 runnable_sum;
	u32 util_sum;
	u32 period_contrib;
	unsigned long load_avg;
	unsigned long runnable_avg;
	unsigned long util_avg;
	unsigned int util_est;
};

struct sched_statistics {
	u64 nr_wakeups;
	u64 nr_wakeups_sync;
	u64 nr_wakeups_migrate;
	u64 nr_wakeups_local;
	u64 nr_wakeups_remote;
};

struct sched_entity {
	struct sched_avg avg;
	u64 exec_start;
	u64 sum_exec_runtime;
	u64 prev_sum_exec_runtime;
	u64 vruntime;
	u64 nr_migrations;
	bool on_rq;
};

struct bpf_local_storage;

struct kernfs_node {
	u64 id;
	const char *name;
	struct kernfs_node *__parent;
};

struct percpu_ref {
	unsigned long percpu_count_ptr;
};

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct percpu_ref refcnt;
	int id;
	struct cgroup_subsys_state *parent;
};

enum cgroup_subsys_id { cpuset_cgrp_id, cpu_cgrp_id, CGROUP_SUBSYS_COUNT = 14 };

struct scx_task_group {
	u32 flags;
	u32 weight;
	u64 bw_period_us;
	u64 bw_quota_us;
	u64 bw_burst_us;
	bool idle;
};

/* A cgroup's side of the cpu controller. */
struct task_group {
	struct cgroup_subsys_state css;
	int idle;
	unsigned long shares;
	struct scx_task_group scx;
	struct task_group *parent;
};

struct cgroup {
	struct cgroup_subsys_state self;
	unsigned long flags;
	int level;
	struct kernfs_node *kn;
	struct cgroup_subsys_state *subsys[CGROUP_SUBSYS_COUNT];
	struct bpf_local_storage *bpf_cgrp_storage;
	struct cgroup *ancestors[];
};

struct css_set {
	struct cgroup *dfl_cgrp;
};

struct mm_struct {
	refcount_t mm_users;
	struct task_struct *owner;
};

struct pid;

enum pid_type { PIDTYPE_PID, PIDTYPE_TGID, PIDTYPE_PGID, PIDTYPE_SID, PIDTYPE_MAX };

struct signal_struct {
	int nr_threads;
	struct list_head thread_head;
	struct pid *pids[PIDTYPE_MAX];
};

struct ns_common {
	unsigned int inum;
};

struct pid_namespace {
	unsigned int level;
	struct pid_namespace *parent;
	struct ns_common ns;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	refcount_t count;
	unsigned int level;
	struct upid numbers[];
};

typedef struct {
	unsigned int val;
} kuid_t;

typedef struct {
	unsigned int val;
} kgid_t;

struct cred {
	kuid_t uid;
	kgid_t gid;
	kuid_t euid;
	kgid_t egid;
};

typedef struct {
	unsigned long bits[16];
} nodemask_t;

enum bpf_cgroup_iter_order {
	BPF_CGROUP_ITER_ORDER_UNSPEC,
	BPF_CGROUP_ITER_SELF_ONLY,
	BPF_CGROUP_ITER_DESCENDANTS_PRE,
	BPF_CGROUP_ITER_DESCENDANTS_POST,
	BPF_CGROUP_ITER_ANCESTORS_UP,
};

enum mempolicy_modes {
	MPOL_DEFAULT,
	MPOL_PREFERRED,
	MPOL_BIND,
	MPOL_INTERLEAVE,
	MPOL_LOCAL,
	MPOL_PREFERRED_MANY,
	MPOL_WEIGHTED_INTERLEAVE,
	MPOL_MAX,
};

struct mempolicy {
	atomic_t refcnt;
	unsigned short mode;
	unsigned short flags;
	nodemask_t nodes;
	int home_node;
};

struct sched_class {
	int uclamp_enabled;
};

/* What guards of headers for C's cleanup attribute are made of. */
typedef struct {
	void *lock;
} class_rcu_t;

struct task_struct {
	struct thread_info thread_info;
	u32 __state;
	u32 flags;
	u32 on_cpu; /* int up to Linux 7.2, u8 since: CO-RE takes both for this */
	u32 on_rq;
	int recent_used_cpu;
	int wake_cpu;
	int prio;
	int static_prio;
	int normal_prio;
	u32 rt_priority;
	u32 policy;
	int nr_cpus_allowed;
	const cpumask_t *cpus_ptr;
	cpumask_t *user_cpus_ptr;
	cpumask_t cpus_mask;
	u16 migration_disabled;
	u32 wakee_flips;
	unsigned long wakee_flip_decay_ts;
	struct task_struct *last_wakee;
	struct sched_entity se;
	struct sched_ext_entity scx;
	const struct sched_class *sched_class;
	struct mm_struct *mm;
	int exit_state;
	int exit_code;
	s32 pid;
	s32 tgid;
	struct task_struct *real_parent;
	struct task_struct *parent;
	struct task_struct *group_leader;
	struct signal_struct *signal;
	struct css_set *cgroups;
	struct pid *thread_pid;
	struct list_head thread_node;
	struct sched_statistics stats;
	const struct cred *real_cred;
	const struct cred *cred;
	struct mempolicy *mempolicy;
	u64 utime;
	u64 stime;
	unsigned long nvcsw;
	unsigned long nivcsw;
	u64 start_time;
	u64 start_boottime;
	struct bpf_local_storage *bpf_storage;
	refcount_t rcu_users;
	char comm[TASK_COMM_LEN];
};

struct rq {
	u32 nr_running;
	int cpu;
	u64 clock;
	u64 clock_task;
	u64 clock_pelt;
	unsigned long lost_idle_time;
	struct task_struct *curr;
	struct task_struct *idle;
};

struct cpufreq_cpuinfo {
	u32 max_freq;
	u32 min_freq;
};

struct cpufreq_policy {
	u32 cpu;
	struct cpufreq_cpuinfo cpuinfo;
	u32 min;
	u32 max;
	u32 cur;
};

#endif
