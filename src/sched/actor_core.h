/* SPDX-License-Identifier: BSD-2-Clause */
/* What actor.c (life of tasks and cgroups) and actor_event.c (events) share. */
#ifndef UA_SCHED_ACTOR_CORE_H
#define UA_SCHED_ACTOR_CORE_H

#include "base/base.h"
#include "sched/actor.h"

struct actor_kind;

struct actor {
	struct task_notes notes; /* first: for observers */
	bool done;		 /* all loops are over */
	bool suspended, resumed; /* waits for a resume; one came early */
	bool nested;		 /* a lock found the mutex held, so the unlock leaves it so */
	struct actor_kind *kind;
	struct sim_task *task;
	struct actor *next; /* in a queue of waiting ones, or free */
	uint64_t random;
	uint64_t started;
	uint64_t loops;
	uint32_t instance;
	uint32_t live; /* index in actors.live */
	uint32_t pc, phase_loops;
	uint32_t held;	     /* mutexes */
	uint32_t wait_mutex; /* to be taken when the condition comes, or WORKLOAD_NONE */
	uint64_t timers[];   /* when they fired last */
};

struct actor_queue {
	struct actor *first, *last;
};

struct actor_mutex {
	struct actor *owner;
	struct actor_queue waiting;
};

struct actor_barrier {
	uint64_t size, arrived;
	struct actor_queue waiting;
};

struct actor_kind {
	struct actors *all;
	const struct workload_task *spec;
	struct actor **instances; /* those that began with the machine; NULL when ended */
	uint32_t n_instances, next_instance;
	struct actor *free;
	struct actor_counts counts;
};

struct actors {
	struct machine *m;
	const struct workload *w;
	uint64_t seed;
	uint64_t **cpus;	     /* of each CPU set */
	struct sim_cgroup **cgroups; /* NULL: not made yet */
	struct actor_mutex *mutexes;
	struct actor_queue *conds;
	struct actor_barrier *barriers;
	struct actor_kind *kinds;
	struct actor **live;
	size_t n_live, cap_live;
	uint64_t pending; /* changes to come */
	bool failed;
	char error[256];
};

/* A new sleeping task of the kind; parent may be NULL. */
int actor_fork(struct actor_kind *k, struct actor *parent, struct actor **out);
/* Wake it now or after its delay. waker may be NULL. */
void actor_launch(struct actor *a, struct actor *waker);
void actor_end(struct actor *a);
/* Give the task the CPU time of what it does next. */
void actor_prepare(struct actor *a);
void actor_wake(struct actor *a, struct actor *waker, bool sync);
void actor_burst_done(void *arg, struct sim_task *t);
/* Stop the machine: a mistake in the workload. */
void actors_fail(struct actors *as, const char *fmt, ...) UA_PRINTF(2, 3);

#endif
