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

#include <time.h>

struct timer_queue;

struct world {
	void *arg;
	uint64_t (*now)(void *arg); /* all clocks, ns */
	uint32_t (*cpu)(void *arg);
	uint32_t (*node)(void *arg);		   /* of that CPU; NULL: 0 */
	struct task_struct *(*current)(void *arg); /* never NULL: idle CPUs run their idle task */
	struct task_struct *(*task_by_pid)(void *arg, s32 pid); /* with a reference, or NULL */
	struct cgroup *(*cgroup_by_id)(void *arg, u64 id);	/* or NULL; they live on */
	/* The parent's child after `child` (NULL: the first), or NULL. */
	struct cgroup *(*cgroup_next_child)(void *arg, const struct cgroup *parent,
					    const struct cgroup *child);
	const struct rq *(*rq)(void *arg, uint32_t cpu); /* the CPU's runqueue; NULL: no such CPU */
	uint32_t (*random)(void *arg);
	struct timer_queue *timers; /* timers started in this world; whoever made it fires them */
};

/* Of this thread; NULL: the real one. Only world_enter() sets it. */
extern __thread const struct world *world_here __attribute__((tls_model("initial-exec")));

/* From now on programs on this thread are in w (NULL: the real world), which lives until another
 * one is entered. Its functions may be called from a fault handler: they only read. Returns the
 * world left. */
const struct world *world_enter(const struct world *w);

/* The clock programs see, ns. */
uint64_t world_clock(clockid_t clock);

#endif
