/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Actors: the tasks of a workload at work on a machine.
 *
 *   actors_new()   makes cgroups and tasks, all asleep   (then attach the scheduler)
 *   actors_start() wakes them, arranges what is to happen later
 *   machine_run()  calls back when a task has run as long as it wanted
 *
 * Events other than `run` take no time, except that a task that does many of them in a row, or
 * wakes up to something else than a `run`, is charged ACTOR_EVENT_NS, so that time goes on.
 * Durations are drawn from generators that depend on the seed, the kind of task and the instance
 * alone: two schedulers are given the same work.
 */
#ifndef UA_SCHED_ACTOR_H
#define UA_SCHED_ACTOR_H

#include "sched/machine.h"
#include "sched/metrics.h"
#include "sched/workload.h"

#define ACTOR_EVENT_NS 1000

struct actors;

/* What the tasks of one kind did. */
struct actor_counts {
	uint64_t loops;	  /* of the task as a whole, completed */
	uint64_t refused; /* forks */
	uint64_t ended;
};

/* The machine's driver. w is kept. -EINVAL: it does not fit the machine (logged); -ENOMEM; what
 * machine_fork() and machine_cgroup_new() say. */
int actors_new(struct machine *m, const struct workload *w, uint64_t seed, struct actors **out);
int actors_start(struct actors *as);
/* After the machine was freed. */
void actors_free(struct actors *as);

const struct actor_counts *actors_counts(const struct actors *as, uint32_t task);
uint64_t actors_live(const struct actors *as);
/* Tasks of a kind that were woken and have not run since; how long the longest waits by now. */
uint64_t actors_waiting(const struct actors *as, uint32_t task, uint64_t *longest);
/* What stopped the machine before its time, or NULL: a mistake in the workload. */
const char *actors_error(const struct actors *as);
/* Is everybody gone and nobody to come? */
bool actors_done(const struct actors *as);

#endif
