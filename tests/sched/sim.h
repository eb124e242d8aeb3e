/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A machine with a scheduler, for tests: tasks whose behaviour is a few numbers, what the
 * library said, the callbacks' reports, and a checker that watches every event.
 *
 *	struct sim s;
 *	sim_open(&s, "4c", seed);
 *	sim_attach(&s, "fifo.bpf.o", "slice_ns = 1000000", NULL);
 *	sim_task(&s, "hog", (struct load){.run = 10 * MS});
 *	sim_run(&s, 1 * SEC);
 *	sim_close(&s);
 *
 * Whatever goes wrong that the test does not expect ends it with a message.
 */
#ifndef TESTS_SCHED_SIM_H
#define TESTS_SCHED_SIM_H

#include <uarena.h>

#include "base/base.h"
#include "sched/machine.h"

#define US 1000ull
#define MS 1000000ull
#define SEC 1000000000ull

#define FAIL(...)                                               \
	do {                                                    \
		fprintf(stderr, "%s:%d: ", __FILE__, __LINE__); \
		fprintf(stderr, __VA_ARGS__);                   \
		fputc('\n', stderr);                            \
		exit(1);                                        \
	} while (0)
#define CHECK(cond)                        \
	do {                               \
		if (!(cond))               \
			FAIL("%s", #cond); \
	} while (0)
#define CHECK_EQ(is, should)                                                    \
	do {                                                                    \
		long long is_ = (long long)(is), should_ = (long long)(should); \
		if (is_ != should_)                                             \
			FAIL("%s is %lld, not %lld", #is, is_, should_);        \
	} while (0)

/* What a task does: run, then sleep, and again. */
struct load {
	uint64_t run;	   /* ns of CPU time; 0: never woken */
	uint64_t sleep;	   /* ns; 0: no sleep, a hog */
	uint32_t rounds;   /* then it ends; 0: never */
	bool vary;	   /* run and sleep are averages of what the seed gives */
	bool yields;	   /* between two rounds, instead of sleeping */
	bool idle;	   /* starts asleep: woken by sim_wake() only, sleeps after each round */
	uint64_t start;	   /* ns from now to the first wakeup */
	const char *wakes; /* after each round: the task of this name */
	int32_t nice;
	uint64_t cpus; /* affinity, the first 64 CPUs; 0: all */
	bool ext;      /* SCHED_EXT */
	bool kthread;
	uint64_t cookie; /* of core scheduling */
	struct sim_cgroup *cgroup;
};

struct sim_actor {
	struct sim_task *t; /* NULL: ended */
	struct load load;
	uint32_t rounds;
	uint64_t runtime; /* kept when it ends */
	struct sim *sim;
	char comm[16];
};

/* What was seen, event by event; see watch.c. */
struct watch;

struct sim {
	struct ua_engine *engine;
	struct ua_object *obj;
	struct ua_link *link;
	struct machine *m;
	struct sim_actor *actors[4096];
	uint32_t n_actors;
	struct watch *watch;
};

/* -- Setting up ----------------------------------------------------------------------------- */

void sim_open(struct sim *s, const char *topology, uint64_t seed);
void sim_open_opts(struct sim *s, const struct machine_opts *opts, enum ua_exec exec);
/* Load an object, set globals ("var = value", up to NULL), attach its first struct_ops map, or
 * the one that "@name" among the globals names. */
void sim_attach(struct sim *s, const char *object, ...);
/* The errno of loading or attaching instead of ending the test. */
int sim_try_attach(struct sim *s, const char *object, ...);
void sim_detach(struct sim *s);
void sim_close(struct sim *s);

/* -- Tasks ---------------------------------------------------------------------------------- */

struct sim_actor *sim_task(struct sim *s, const char *comm, struct load load);
int sim_try_task(struct sim *s, const char *comm, struct load load, struct sim_actor **out);
struct sim_actor *sim_find(struct sim *s, const char *comm);
void sim_wake(struct sim *s, const char *comm);
uint64_t sim_runtime(const struct sim_actor *a);

/* -- Running and looking -------------------------------------------------------------------- */

void sim_run(struct sim *s, uint64_t ns); /* from now */
/* Memory of a global of the object; arena variables too. */
void *sim_global(struct sim *s, const char *name);
uint64_t sim_global_u64(struct sim *s, const char *name);
uint32_t sim_global_u32(struct sim *s, const char *name);
/* A pointer the program stored in its arena. */
void *sim_follow(struct sim *s, uint64_t ptr);
/* Run a SYSCALL program of the object; what it returned. */
int sim_call(struct sim *s, const char *program);
/* The program's stderr stream, emptied. Valid until the next call. */
const char *sim_stderr(struct sim *s, const char *program);
/* Everything the library has logged since the last call. Valid until the next call. */
const char *sim_log(void);
/* The scheduler ended as it should. */
void sim_expect_exit(struct sim *s, enum scx_exit_kind kind, const char *msg);
void sim_expect_running(struct sim *s);

/* main() of a random test: OBJECT [SEED [ROUNDS]]; each round has the next seed. */
int sim_play(int argc, char **argv, const char *const *machines, size_t n_machines,
	     void (*play)(const char *object, const char *machine, uint64_t seed));

/* -- Watching (watch.c) ----------------------------------------------------------------------- */

/* Check every event from now on: states, places, times. thorough: look at every queue at every
 * event, not only at what the event is about. */
void sim_watch(struct sim *s, bool thorough);
/* Time that CPUs spent on tasks is what the tasks have used; nobody is in two places. */
void sim_watch_settle(struct sim *s);
/* A line for each event. The caller frees it. */
char *sim_watch_trace(struct sim *s);
uint64_t sim_watch_events(const struct sim *s);
void watch_free(struct watch *w);

#endif
