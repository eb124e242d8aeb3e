/* SPDX-License-Identifier: BSD-2-Clause */
/* What the two files that read workloads share. */
#ifndef UA_CLI_WORKLOAD_READ_H
#define UA_CLI_WORKLOAD_READ_H

#include "base/base.h"
#include "cli/workload_json.h"

/* Where in the file we are, for messages. */
struct reader {
	const char *file, *task, *phase, *cgroup, *event, *key;
	struct workload *w;
	char *text;
	bool ext; /* the default policy */
};

/* fn == NULL: accepted, has no effect here or is read elsewhere. */
struct read_key {
	const char *name;
	int (*fn)(struct reader *r, json_t *v, void *to);
};

int read_fail(struct reader *r, const char *fmt, ...) UA_PRINTF(2, 3);
int read_unknown_key(struct reader *r, const struct read_key *keys, const char *more);
const struct read_key *read_find_key(const struct read_key *keys, const char *name);
int read_object(struct reader *r, json_t *v, const struct read_key *keys, void *to);
int read_is_object(struct reader *r, const json_t *v, const char *example);

int read_u64(struct reader *r, const json_t *v, uint64_t min, uint64_t max, uint64_t *to);
int read_bool(struct reader *r, const json_t *v, bool *to);
int read_string(struct reader *r, const json_t *v, const char *what, const char **to);
/* plain: ns that a number without unit means. */
int read_ns(struct reader *r, const json_t *v, uint64_t plain, uint64_t *ns);
int read_time(struct reader *r, json_t *v, struct workload_time *t);
int read_policy(struct reader *r, const json_t *v, bool *ext);
int read_nice(struct reader *r, const json_t *v, int32_t *nice);
int read_cpus(struct reader *r, const json_t *v, uint32_t *index);
int read_cgroup(struct reader *r, const json_t *v, uint32_t *index);
int read_taskgroup(struct reader *r, const json_t *v, uint32_t *index);

/* A task's object; its name is set. */
int read_task(struct reader *r, json_t *v, struct workload_task *t);

#endif
