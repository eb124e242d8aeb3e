/* SPDX-License-Identifier: BSD-2-Clause */
/* Kernel types that programs see: the part of a task that belongs to sched_ext. */
#ifndef UA_BTF_TYPES_SCX_ENTITY_H
#define UA_BTF_TYPES_SCX_ENTITY_H

#include "base.h"

struct scx_sched;
struct task_struct;
struct cgroup;

struct scx_dispatch_q {
	raw_spinlock_t lock;
	struct task_struct *first_task;
	struct list_head list;
	struct rb_root priq;
	u32 nr;
	u32 seq;
	u64 id;
};

struct scx_dsq_list_node {
	struct list_head node;
	u32 flags;
	u32 priv;
};

struct sched_ext_entity {
	struct scx_sched *sched;
	u64 tid;
	struct scx_dispatch_q *dsq;
	atomic_long_t ops_state;
	u64 ddsp_dsq_id;
	u64 ddsp_enq_flags;
	struct scx_dsq_list_node dsq_list;
	struct rb_node dsq_priq;
	u32 dsq_seq;
	u32 dsq_flags;
	u32 flags;
	u32 weight;
	s32 sticky_cpu;
	s32 holding_cpu;
	s32 selected_cpu;
	struct list_head runnable_node;
	unsigned long runnable_at;
	u64 slice;
	u64 dsq_vtime;
	bool disallow;
	struct cgroup *cgrp_moving_from;
	struct list_head tasks_node;
};

#endif
