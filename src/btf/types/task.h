/* SPDX-License-Identifier: BSD-2-Clause */
/* Kernel types that programs see, part 3: tasks, CPU masks, cgroups. */
#ifndef UA_BTF_TYPES_TASK_H
#define UA_BTF_TYPES_TASK_H

#include "base.h"
#include "scx_entity.h"

#define TASK_COMM_LEN 16
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

struct sched_entity {
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

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	int id;
	struct cgroup_subsys_state *parent;
};

struct cgroup {
	struct cgroup_subsys_state self;
	unsigned long flags;
	int level;
	struct kernfs_node *kn;
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

struct signal_struct {
	int nr_threads;
};

struct task_struct {
	struct thread_info thread_info;
	u32 __state;
	u32 flags;
	int on_cpu;
	int on_rq;
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
	struct task_struct *curr;
	struct task_struct *idle;
};

#endif
