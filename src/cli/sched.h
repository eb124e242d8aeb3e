/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uarena sched: a scheduler, a machine, a workload.
 *
 *   struct sched_setup  what to run                      (from the command line or a case file)
 *   struct sched_sim    it, while it runs                (sched_sim.c)
 *   struct sched_result what remains: metrics, how it ended (sched_result.c)
 *   reports of results: sched_table.c, sched_json.c, sched_html.c
 */
#ifndef UA_CLI_SCHED_H
#define UA_CLI_SCHED_H

#include "cli/cli.h"
#include "sched/actor.h"

/* X(name, function, operands, summary) */
#define CLI_SCHED_VERBS(X)                                                                      \
	X("run", sched_run, "OBJ|none", "run a scheduler, or the default policy, and say how")  \
	X("compare", sched_compare, "OBJ|none...", "run several under the same load")           \
	X("shrink", sched_shrink, "OBJ", "reduce a failing run to a small one and save it")     \
	X("replay", sched_replay, "FILE [OBJ]", "run what 'shrink' saved; does it still fail?") \
	X("list", sched_list, "[NAME]", "list the ready-made workloads, or print one")

#define X(name, fn, operands, summary) int fn(int argc, char **argv);
CLI_SCHED_VERBS(X)
#undef X

#define SCHED_MACHINE "1n:1l:8c:2t"
#define SCHED_TIME UINT64_C(10000000000)
#define SCHED_NONE "none" /* instead of an object: the default policy */
#define SCHED_CLASS_LEN 160

struct sched_setup {
	const char *object;	 /* or SCHED_NONE */
	const char *ops, *setup; /* NULL: not said */
	const char *machine;
	uint64_t seed, time;
	uint32_t hz;			   /* 0: the machine's default */
	const struct cli_options *options; /* engine and globals */
	bool quiet;			   /* no messages, no progress */
	uint64_t max_events;		   /* of the machine: then give up; 0: never */
};

/* From options and what the workload says. */
void sched_setup_fill(struct sched_setup *s, const struct cli_options *o, const char *object,
		      const struct workload *w);

struct sched_result;

struct sched_text {
	char *text; /* NULL: nothing */
	size_t size;
};

/*
 * A simulation. Trace and picture are set up between open and run; what happens after the run,
 * when all is taken down, is not observed. One at a time may have a scheduler; detach lets go of
 * it and keeps what results borrow, close frees all.
 */
struct sched_sim {
	const struct sched_setup *setup;
	const struct workload *w;
	struct machine *m;
	struct actors *actors;
	struct metrics metrics;
	struct machine_observer end; /* stops the machine when the scheduler ends */
	uint64_t n_observed;
	struct machine_observer trace, picture;
	struct cli_session session;
	struct ua_map *map;
	struct ua_link *link;
	int attach_err;
	unsigned int n_restarts;
	struct sched_text reports, output; /* of the programs' streams, by now */
};

/* What --setup says, printing what is wrong: before the scheduler is attached, and after. */
int sched_setup_before(struct sched_sim *s);
int sched_setup_after(struct sched_sim *s);
/* CLI_OK, or CLI_REFUSED with the reason printed. Close it in any case. */
int sched_sim_open(const struct sched_setup *setup, const struct workload *w, struct sched_sim *s);
int sched_sim_run(struct sched_sim *s);
/* From now on SIGINT or SIGTERM ends runs as if their time were over; a second one kills. */
void sched_sim_interruptible(void);
int sched_sim_interrupted(void); /* by which signal, or 0 */
void sched_sim_read_streams(struct sched_sim *s);
void sched_sim_detach(struct sched_sim *s);
void sched_sim_close(struct sched_sim *s);

/* -- Results --------------------------------------------------------------------------------- */

enum sched_end {
	SCHED_RAN,     /* for all the time, or all tasks ended */
	SCHED_LEFT,    /* the scheduler ended itself, or the kernel asked it to restart */
	SCHED_FAILED,  /* an error ended it */
	SCHED_REFUSED, /* attaching failed */
};

struct sched_arena {
	bool present;
	uint64_t bytes, pages, allocated, reserved, scratch, holes;
	size_t pool_bytes, pool_pages; /* the simulated kernel's part */
};

/* Tasks of a group that were woken and had not run since when the run ended. */
struct sched_waiting {
	uint64_t n, longest; /* ns */
};

struct sched_result {
	const struct sched_setup *setup;
	const struct workload *w;
	const struct topo *topo;
	const struct metrics *metrics;
	const struct actors *actors;
	char *name; /* of the scheduler */
	enum sched_end end;
	int attach_err;
	enum scx_exit_kind kind;
	int64_t code;
	int32_t cpu;
	char *reason, *msg, *dump;
	unsigned int n_restarts;
	const char *reports;	       /* what the programs wrote to their stderr streams */
	const char *output;	       /* and to stdout */
	struct sched_waiting *waiting; /* of each group; may be NULL */
	struct scx_event_stats events;
	struct sched_arena arena;
	uint64_t n_events; /* of the machine */
};

/* Borrows from s, which must outlive it. */
void sched_result_take(struct sched_sim *s, struct sched_result *r);
void sched_result_free(struct sched_result *r);
const char *sched_end_text(enum sched_end end);
/* How it failed, with all that varies from run to run taken out; "" if it did not. */
void sched_result_class(const struct sched_result *r, char class[SCHED_CLASS_LEN]);
int sched_result_status(const struct sched_result *r);

/* Run what is open with the reports that are asked for: into runs, or as text if it is NULL.
 * then() may look at the result; it may be NULL. */
int sched_run_open(const struct cli_options *o, struct sched_sim *s, json_t *runs,
		   void (*then)(void *arg, const struct sched_result *r), void *arg);

void sched_table_print(const struct sched_result *r);
/* Several results of the same workload and machine side by side. */
void sched_table_compare(const struct sched_result *results, size_t n);
json_t *sched_result_json(const struct sched_result *r);
/* "12.3us", for tables */
const char *sched_time_text(uint64_t ns, char text[16]);

/* -- Workloads ------------------------------------------------------------------------------- */

/* From a file or, by name, a ready-made one. CLI_OK, or CLI_REFUSED with the reason printed. */
int sched_workload_load(const char *name, struct workload *w);
/* The same as JSON; NULL, with the reason printed. */
json_t *sched_workload_json(const char *name);

/* -- Trace and picture ----------------------------------------------------------------------- */

struct sched_trace;

/* Writes while the machine runs. NULL: the reason is printed. */
struct sched_trace *sched_trace_begin(struct sched_sim *s, const char *path);
int sched_trace_end(struct sched_trace *t); /* frees it; CLI_OK or CLI_REFUSED */

/* "fifo enabled", "fifo disabled: runnable task stall": of a MACHINE_SCHED event. */
#define SCHED_EVENT_LEN 100
void sched_event_text(const struct sched_sim *s, const struct machine_event *ev,
		      char text[SCHED_EVENT_LEN]);

struct sched_picture;

struct sched_picture *sched_picture_begin(struct sched_sim *s);
int sched_html_write(const char *path, const struct sched_result *r, struct sched_picture *p);
void sched_picture_free(struct sched_picture *p);

#endif
