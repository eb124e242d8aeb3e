/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Task objects: what programs see as struct task_struct.
 *
 * A thread that runs programs gets one on first use and keeps it until it exits. Other
 * processes and threads of the machine get a snapshot when a program asks for their pid.
 * References are counted; the memory is freed when no run can still hold a pointer.
 */
#ifndef UA_PROG_TASK_H
#define UA_PROG_TASK_H

#include "base/epoch.h"
#include "btf/types/task.h"

/* What every task object begins with; what programs hold points to ts. */
struct task_object {
	struct task_struct ts;
	struct epoch_item free_item;
	void (*free)(struct task_object *obj); /* nobody can hold it any more */
};

/* The object of this thread, or the one that the run or this thread's world (world.h) declares
 * current. NULL if memory is short. */
struct task_struct *task_current(void);
/* With a reference: by thread id; NULL if there is no such task. */
struct task_struct *task_by_pid(s32 pid);
/* NULL if the last reference is gone already. */
struct task_struct *task_get(struct task_struct *task);
void task_put(struct task_struct *task);

/* The root, and in the real world the only one: id 1. */
struct cgroup *cgroup_root(void);
/* NULL if there is none. */
struct cgroup *cgroup_by_id(u64 id);
struct cgroup *cgroup_next_child(const struct cgroup *parent, const struct cgroup *child);

#endif
