/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The simulated machine: CPUs, tasks, virtual time, and what moves them.
 *
 *   driver (workload)  --fork, wake, block-->  machine  --callbacks-->  scheduler under test
 *                      <----- burst_done ----     |
 *                                                 +--- events --->  observers (metrics, trace)
 *
 * A machine belongs to one engine. A struct_ops link of one of the sched_ext types attaches the
 * scheduler to the engine's machine; without one, tasks run under the default policy (fair.c).
 * Everything happens on the caller's thread, in an order that depends on the seed only: time is
 * virtual, equal times are handled in the order of their making. It says what a scheduler
 * decides, not how long real hardware would take.
 *
 * Functions marked [task] are for the driver, outside of BPF callbacks: from burst_done(), from
 * an event of machine_at(), or between calls of machine_run().
 */
#ifndef UA_SCHED_MACHINE_H
#define UA_SCHED_MACHINE_H

#include "prog/task.h"
#include "btf/types/scx.h"
#include "sched/topo.h"

struct engine;
struct machine;

/* -- Tasks -------------------------------------------------------------------------------- */

enum task_run_state { TASK_SLEEPING, TASK_QUEUED, TASK_ON_CPU, TASK_DEAD };

/* What a driver and observers may look at; the rest of a task is in core.h. */
struct sim_task {
	struct task_object obj; /* first: obj.ts is what programs see */
	enum task_run_state state;
	int32_t cpu;	   /* where it runs, waits, or last ran */
	uint64_t burst;	   /* CPU time until driver.burst_done(); the driver's to set, never 0 */
	uint32_t group;	   /* the driver's: index for statistics */
	void *actor;	   /* the driver's */
	uint64_t runtime;  /* ns on a CPU */
	uint64_t woken_at; /* when it last became runnable */
};

struct task_spec {
	const char *comm;
	int32_t nice;		   /* -20..19 */
	bool ext_policy;	   /* SCHED_EXT; matters under SCX_OPS_SWITCH_PARTIAL */
	bool kthread;		   /* PF_KTHREAD */
	const uint64_t *cpus;	   /* affinity, a bit per CPU number; NULL: all */
	struct sim_cgroup *cgroup; /* NULL: the parent's, or the root */
	uint32_t group;
	int32_t tgid;	 /* 0: its own pid */
	uint64_t cookie; /* core scheduling: threads of a core run one cookie at a time */
	void *actor;
};

/* A new sleeping task; it ends with machine_exit(). parent may be NULL. The scheduler may refuse
 * (its errno), -ENOMEM. [task] */
int machine_fork(struct machine *m, const struct task_spec *spec, struct sim_task *parent,
		 struct sim_task **out);
/* Make it runnable; nothing happens if it is. waker: the running task that does it, or NULL
 * (timer, device). sync: the waker is about to sleep. [task] */
void machine_wake(struct machine *m, struct sim_task *t, struct sim_task *waker, bool sync);
/* The running task t sleeps, gives way, ends. Call from burst_done(); t must not be used after
 * its exit. A sleeping or queued task may be ended, too. [task] */
void machine_block(struct machine *m, struct sim_task *t);
void machine_yield(struct machine *m, struct sim_task *t);
void machine_exit(struct machine *m, struct sim_task *t);
/* -EINVAL: no CPU of the mask is there, or nice out of range. [task] */
int machine_set_affinity(struct machine *m, struct sim_task *t, const uint64_t *cpus);
int machine_set_nice(struct machine *m, struct sim_task *t, int32_t nice);
/* Change between SCHED_EXT and SCHED_NORMAL. -EACCES: the scheduler disallows it. [task] */
int machine_set_policy(struct machine *m, struct sim_task *t, bool ext);
/* A task that may not move for now, as between migrate_disable() and _enable(). [task] */
void machine_set_pinned(struct machine *m, struct sim_task *t, bool pinned);

/* -- cgroups ------------------------------------------------------------------------------ */

struct sim_cgroup;

struct sim_cgroup *machine_root_cgroup(struct machine *m);
/* -EEXIST: the parent has one of this name; or what the scheduler's cgroup_init says. [task] */
int machine_cgroup_new(struct machine *m, struct sim_cgroup *parent, const char *name,
		       struct sim_cgroup **out);
/* By path below the root ("a/b"), or NULL. */
struct sim_cgroup *machine_cgroup_find(struct machine *m, const char *path);
int machine_cgroup_set_weight(struct machine *m, struct sim_cgroup *cg, uint32_t weight);
int machine_cgroup_set_bandwidth(struct machine *m, struct sim_cgroup *cg, uint64_t period_us,
				 uint64_t quota_us, uint64_t burst_us);
int machine_cgroup_move(struct machine *m, struct sim_task *t, struct sim_cgroup *to);
/* -EBUSY: it has tasks or children. */
int machine_cgroup_remove(struct machine *m, struct sim_cgroup *cg);

/* -- The machine -------------------------------------------------------------------------- */

struct machine_opts {
	const char *topology; /* "2n:2l:8c:2t", see topo.h */
	uint64_t seed;
	uint32_t hz;	    /* ticks per second of a busy CPU; 0 = 1000 */
	uint32_t ipi_ns;    /* from a kick to its effect on another CPU; 0 = 1000 */
	uint32_t n_offline; /* so many of the last CPUs start offline */
};

struct machine_driver {
	void *arg;
	/* The running task t has used up its burst: set a new one, or block, yield or end it. */
	void (*burst_done)(void *arg, struct sim_task *t);
};

/* -EINVAL: the topology cannot be parsed (logged). */
int machine_new(const struct machine_opts *opts, struct machine **out);
/* After closing the objects, whose maps may hold tasks. A scheduler that is still attached is
 * ended; tasks are freed. */
void machine_free(struct machine *m);
/* e must have been opened with as many CPUs as the machine has. e == NULL unbinds. */
int machine_bind(struct machine *m, struct engine *e);
void machine_set_driver(struct machine *m, const struct machine_driver *driver);

const struct topo *machine_topo(const struct machine *m);
uint64_t machine_now(const struct machine *m);
uint64_t machine_random(struct machine *m); /* from the seed */
/* Call fn(owner, gen) at a time. -ENOMEM. */
int machine_at(struct machine *m, uint64_t when, void (*fn)(void *owner, uint64_t gen), void *owner,
	       uint64_t gen);
/* Handle all events up to and including `until`; now is `until` afterwards. -ELOOP: the time
 * stands still (logged); -ENOMEM. machine_stop() makes it return early, with 0. */
int machine_run(struct machine *m, uint64_t until);
void machine_stop(struct machine *m);
/* Call fn(arg) in the machine's world, on a CPU: programs that it runs see the machine's clock,
 * and timers that they start fire in it. cpu: -1 for the one where something happened last. fn's
 * result. */
int machine_visit(struct machine *m, int32_t cpu, int (*fn)(void *arg), void *arg);
/* Hotplug. -EINVAL: the last CPU, or no such; 0 if nothing changes. [task] */
int machine_set_online(struct machine *m, int32_t cpu, bool online);
uint64_t machine_n_events(const struct machine *m); /* handled so far */

/* -- The scheduler ------------------------------------------------------------------------ */

enum machine_sched_state { MACHINE_SCHED_NONE, MACHINE_SCHED_ENABLED, MACHINE_SCHED_EXITED };

/* How a scheduler ended. Texts live until the next one is attached. */
struct machine_exit {
	enum scx_exit_kind kind;
	int32_t cpu;
	int64_t code;
	const char *reason, *msg, *dump; /* never NULL */
};

enum machine_sched_state machine_sched_state(const struct machine *m);
const char *machine_sched_name(const struct machine *m); /* of the last one, or "" */
const struct machine_exit *machine_sched_exit(const struct machine *m);
void machine_sched_events(const struct machine *m, struct scx_event_stats *out);
/* What /sys/kernel/sched_ext/NAME says: state, switch_all, nr_rejected, hotplug_seq,
 * enable_seq. The length of the text, or -ENOENT. */
int machine_attr(const struct machine *m, const char *name, char *text, size_t size);
/* What the machine itself allocated in the arena of the scheduler that is enabled, for cmasks. */
void machine_sched_pool(const struct machine *m, size_t *bytes, size_t *pages);
/* End it as sysrq-S does. */
void machine_sched_kill(struct machine *m);

/* -- Observers ---------------------------------------------------------------------------- */

enum machine_event_kind {
	MACHINE_FORK,	 /* task */
	MACHINE_EXIT,	 /* task */
	MACHINE_WAKE,	 /* task became runnable, waits at cpu; other: the waker or NULL */
	MACHINE_SWITCH,	 /* cpu runs task (NULL: idle) instead of other (NULL: idle);
			  * other_runnable: it did not sleep or end */
	MACHINE_MIGRATE, /* task goes from CPU `value` to cpu */
	MACHINE_SCHED,	 /* a scheduler was enabled (value 1) or disabled (0) */
	MACHINE_HOTPLUG, /* cpu went online (value 1) or offline (0) */
	MACHINE_MARK,	 /* text: something worth showing in a trace */
};

struct machine_event {
	enum machine_event_kind kind;
	uint64_t at;
	int32_t cpu;
	struct sim_task *task, *other;
	bool other_runnable;
	int64_t value;
	const char *text;
};

struct machine_observer {
	void (*fn)(void *arg, const struct machine_event *ev);
	void *arg;
	struct machine_observer *next;
};

/* Kept by the caller until the machine is freed. Observers must not change anything. */
void machine_observe(struct machine *m, struct machine_observer *o);

#endif
