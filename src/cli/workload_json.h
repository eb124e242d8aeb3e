/* SPDX-License-Identifier: BSD-2-Clause */
/* Workload files: JSON close to rt-app's, described in docs/workloads.md. */
#ifndef UA_CLI_WORKLOAD_JSON_H
#define UA_CLI_WORKLOAD_JSON_H

#include <jansson.h>

#include "sched/workload.h"

#define WORKLOAD_TEXT 512

/*
 * Strict: what is not understood is an error. Returns 0, -EINVAL with the reason in text
 * ("FILE: task 'T', phase 'P', key 'K': what to do"), or -ENOMEM. file is for messages, name
 * becomes the workload's. *w is to be freed only after success.
 */
int workload_parse(const char *file, const char *name, const char *buf, size_t size,
		   struct workload *w, char text[WORKLOAD_TEXT]);
/* The JSON of a file, read as leniently as rt-app's users expect; NULL: see text. */
json_t *workload_load(const char *file, const char *buf, size_t size, char text[WORKLOAD_TEXT]);
/* JSON from that grammar, owned; NULL: out of memory. */
char *workload_relax(const char *buf, size_t size);
int workload_from_json(const char *file, const char *name, json_t *root, struct workload *w,
		       char text[WORKLOAD_TEXT]);
/* "10s", "20 ms", "1.5us", "300ns" into ns; a number without unit is in units of `plain` ns. */
int workload_parse_time(const char *s, uint64_t plain, uint64_t *ns);

#endif
