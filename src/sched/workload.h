/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A workload: what tasks there are and what they do, in the form that actor.c executes.
 *
 * A task is a list of events. Phases are stretches of it that may repeat: each ends in a
 * WL_PHASE_END, which points back to its first event. Names are resolved to indices; whoever
 * builds a workload (the reader of the file format is cli/workload_json.c) ends with
 * workload_check().
 */
#ifndef UA_SCHED_WORKLOAD_H
#define UA_SCHED_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sched/topo.h"

#define WORKLOAD_NONE UINT32_MAX
#define WORKLOAD_FOREVER 0	    /* loops */
#define WORKLOAD_MEETING "suspend " /* conditions that suspend and resume by a name make */
#define WORKLOAD_MAX_TASKS 1000000u
#define WORKLOAD_MAX_TIME (UINT64_C(1000000) * 1000000000) /* ns; also of a duration */

enum workload_op {
	WL_RUN,	    /* time */
	WL_SLEEP,   /* time */
	WL_TIMER,   /* time: period, ref: the task's timer, flag: absolute */
	WL_FORK,    /* ref: task */
	WL_SUSPEND, /* until resumed */
	WL_RESUME,  /* ref: task, n: its instance or WORKLOAD_*; flag: the caller sleeps next */
	WL_BARRIER, /* ref */
	WL_LOCK,    /* ref: mutex; flag: nothing if it is held, nor at the next such WL_UNLOCK */
	WL_UNLOCK,  /* ref: mutex; flag */
	WL_WAIT,    /* ref: condition, ref2: mutex or WORKLOAD_NONE */
	WL_SIGNAL,  /* ref: condition */
	WL_BROAD,   /* ref: condition */
	WL_YIELD,
	WL_NICE,   /* n */
	WL_POLICY, /* flag: SCHED_EXT */
	WL_CPUS,   /* ref: CPU set */
	WL_CGROUP, /* ref: cgroup or WORKLOAD_NONE for the root */
	WL_PIN,	   /* flag: on */
	WL_EXIT,
	WL_PHASE_END, /* ref: first event, n: times or WORKLOAD_FOREVER */
	WL_N_OPS
};

/* Instances that a WL_RESUME may mean besides a number. */
enum { WORKLOAD_SAME = -1, WORKLOAD_ALL = -2 };

enum workload_dist { WL_FIXED, WL_UNIFORM, WL_EXP };

/* A duration in ns: a; evenly between a and b; exponential of mean a. */
struct workload_time {
	enum workload_dist dist;
	uint64_t a, b;
};

struct workload_event {
	enum workload_op op;
	bool flag;
	int32_t n;
	uint32_t ref, ref2;
	uint32_t phase; /* for messages */
	struct workload_time time;
};

struct workload_task {
	char *name;
	uint32_t instances;
	bool per_cpu; /* instances are that many for each CPU */
	int32_t nice;
	bool ext, kthread;
	uint64_t cookie; /* core scheduling */
	uint32_t cpus;	 /* CPU set or WORKLOAD_NONE */
	uint32_t cgroup; /* or WORKLOAD_NONE */
	uint32_t loops;
	uint32_t n_timers;
	struct workload_time delay;
	struct workload_event *events;
	size_t n_events, cap_events;
	char **phases; /* names */
	size_t n_phases, cap_phases;
};

enum workload_cpus_kind { WL_CPU, WL_CORE, WL_LLC, WL_NODE, WL_PART };

/* CPUs first..last; those of cores, LLCs, nodes first..last; part `first` of `last` equal parts
 * of the machine, in cid order. */
struct workload_cpus_item {
	enum workload_cpus_kind kind;
	uint32_t first, last;
};

struct workload_cpus {
	struct workload_cpus_item *items;
	size_t n, cap;
};

struct workload_cgroup {
	char *path;
	uint64_t at;				/* when it is made */
	uint32_t weight;			/* 0: the default */
	uint64_t period_us, quota_us, burst_us; /* quota 0: unlimited */
};

enum workload_change_kind { WL_ONLINE, WL_OFFLINE, WL_WEIGHT, WL_BANDWIDTH, WL_REMOVE };

/* What happens to the machine at a time of its own. */
struct workload_change {
	enum workload_change_kind kind;
	uint64_t at;
	uint32_t cpus, cgroup;
	uint32_t weight;
	uint64_t period_us, quota_us, burst_us;
};

/* Mutexes, conditions, barriers: made by being named. */
struct workload_names {
	char **v;
	size_t n, cap;
};

struct workload {
	char *name, *description, *machine; /* the last two may be NULL */
	uint64_t duration;		    /* ns, 0: not said */
	uint64_t seed;
	bool has_seed;
	struct workload_task *tasks;
	size_t n_tasks, cap_tasks;
	struct workload_cpus *cpus;
	size_t n_cpus, cap_cpus;
	struct workload_cgroup *cgroups;
	size_t n_cgroups, cap_cgroups;
	struct workload_change *changes;
	size_t n_changes, cap_changes;
	struct workload_names mutexes, conds, barriers;
};

/* Everything; w itself is the caller's. */
void workload_free(struct workload *w);
/* Index of the name, added if it is new. -ENOMEM. */
int64_t workload_name(struct workload_names *names, const char *name);
/* Index of the task of this name, or -1. */
int64_t workload_find_task(const struct workload *w, const char *name);

/* What only shows when all is read: tasks that never come to an event, barriers that only forked
 * tasks reach. Returns 0, or -EINVAL with the reason in text. */
int workload_check(const struct workload *w, char *text, size_t size);

/* The key of the file format that makes this event, for messages. */
const char *workload_op_key(enum workload_op op);
/* How many tasks of a kind start with the machine. */
uint32_t workload_instances(const struct workload_task *t, uint32_t n_cpus);
/* How many tasks meet at a barrier. */
uint64_t workload_barrier_size(const struct workload *w, uint32_t barrier, uint32_t n_cpus);
/* A bit per CPU number in (n_cpus + 63) / 64 words. -EINVAL: the machine lacks one (*missing). */
int workload_cpus_bits(const struct workload_cpus *set, const struct topo *t, uint64_t *bits,
		       struct workload_cpus_item *missing);
/* "CPU 4", "llc 1-2", "part 3/4" */
void workload_cpus_item_text(const struct workload_cpus_item *item, char *text, size_t size);
/* Draw a duration; *state is the generator's. */
uint64_t workload_draw(const struct workload_time *time, uint64_t *state);

#endif
