/* SPDX-License-Identifier: BSD-2-Clause */
/* A case: all that makes a run, and how it is to fail, in one JSON file. */
#ifndef UA_CLI_SCHED_CASE_H
#define UA_CLI_SCHED_CASE_H

#include "cli/sched.h"

struct sched_case {
	json_t *root; /* owns all strings */
	json_t *workload;
	const char *object, *ops, *setup, *machine;
	uint64_t seed, time;
	uint32_t hz;
	/* How it fails: exit kind (0: reports of the programs only) and class of the message. */
	int kind;
	const char *class;
};

/* From a file; CLI_OK, or CLI_REFUSED with the reason printed. */
int sched_case_load(const char *path, struct sched_case *c);
void sched_case_free(struct sched_case *c);
/* The globals are those of o. */
json_t *sched_case_json(const struct sched_case *c, const struct cli_options *o);
/* The options of a case's globals, in o, whose other options are kept. */
int sched_case_globals(const struct sched_case *c, struct cli_options *o);
void sched_case_setup(const struct sched_case *c, const struct cli_options *o,
		      struct sched_setup *setup);

#endif
