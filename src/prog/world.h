/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The world that programs see: clocks, the CPU they run on, tasks, random numbers, timers.
 *
 * Normally that of this process. A simulator puts another one in its place for its thread;
 * every helper and kfunc that tells a program about its surroundings asks here first. What is
 * asked for must be an answer of the moment: nothing is cached.
 */
#ifndef UA_PROG_WORLD_H
#define UA_PROG_WORLD_H

#include "prog/task.h"

struct timer_queue;

struct world {
	void *arg;
	uint64_t (*now)(void *arg); /* all clocks, ns */
	uint32_t (*cpu)(void *arg);
	struct task_struct *(*current)(void *arg);
	struct task_struct *(*task_by_pid)(void *arg, s32 pid); /* with a reference, or NULL */
	struct cgroup *(*cgroup_by_id)(void *arg, u64 id);	/* or NULL; they live on */
	uint32_t (*random)(void *arg);
	struct timer_queue *timers; /* timers started in this world; whoever made it fires them */
};

/* Of this thread; NULL: the real one. */
extern __thread const struct world *world_here __attribute__((tls_model("initial-exec")));

#endif
