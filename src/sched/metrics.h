/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a schedule was like: an observer that counts per group of tasks and per CPU.
 *
 *   WAKE ---- latency ----> SWITCH in ---- a slice ----> SWITCH out
 *
 * Wakeup latency is the time from becoming runnable to the first time on a CPU after it; a
 * task that was preempted and waits again does not count. Runtime is that of the switches, so
 * the groups' sum is the CPUs' busy time.
 */
#ifndef UA_SCHED_METRICS_H
#define UA_SCHED_METRICS_H

#include "sched/hist.h"
#include "sched/machine.h"

/* What observers keep with each task: sim_task.actor points to something that begins with it. */
struct task_notes {
	bool waiting; /* woken, not yet on a CPU */
	bool arrow;   /* the trace has begun an arrow to its next slice */
};

struct metrics_group {
	uint64_t tasks;	  /* forked */
	uint64_t runtime; /* ns */
	uint64_t wakeups, slices, migrations;
	struct hist latency; /* ns */
};

struct metrics_cpu {
	uint64_t busy, offline; /* ns */
	uint64_t switches;
	struct sim_task *running; /* now, since */
	uint64_t since;
	bool is_offline;
	uint64_t offline_since;
};

struct metrics {
	struct machine_observer observer;
	uint64_t started, elapsed;
	struct metrics_group *groups;
	uint32_t n_groups;
	struct metrics_cpu *cpus;
	uint32_t n_cpus;
};

/* Observe m from now on; tasks' groups are below n_groups. -ENOMEM. */
int metrics_begin(struct metrics *mt, struct machine *m, uint32_t n_groups);
/* Count up to now. May be called again later. */
void metrics_update(struct metrics *mt, uint64_t now);
/* After the machine was freed. */
void metrics_free(struct metrics *mt);

#endif
