/* SPDX-License-Identifier: BSD-2-Clause */
/* The schedule, kept for the report; see sched_picture.c. */
#ifndef UA_CLI_SCHED_PICTURE_H
#define UA_CLI_SCHED_PICTURE_H

#include "cli/sched.h"

#define PICTURE_SLICES 50000u	/* at the beginning, and again at the end */
#define PICTURE_BINS (1u << 17) /* of all CPUs together, about */
#define PICTURE_GROUPS 255u	/* the last stands for all further ones */
#define PICTURE_MARKS 500u

struct picture_slice {
	uint64_t start, length;
	uint32_t pid, cpu;
};

struct picture_bin {
	uint8_t group, busy; /* busy of 255 */
};

struct picture_cpu {
	const struct sim_task *task; /* only to know whether there is one */
	uint64_t since;
	uint32_t pid, group;
	struct picture_bin *bins;
	uint64_t *times; /* of the groups in the bin that is being filled */
	uint32_t bin;
};

struct picture_mark {
	uint64_t at;
	int32_t cpu;
	char text[SCHED_EVENT_LEN];
};

struct picture_task {
	char name[TASK_COMM_LEN];
	uint32_t group;
	uint32_t index; /* in the page; 0: not in it yet */
};

struct sched_picture {
	const struct sched_sim *s;
	uint32_t n_cpus, n_groups, n_bins;
	uint64_t bin_ns;
	struct picture_cpu *cpus;
	/* In the order of their ends. The head has all up to head_end, the tail all that end
	 * after tail_begin. */
	struct picture_slice *head, *tail;
	size_t n_head;
	uint64_t n_tail; /* ever added: the ring has the last PICTURE_SLICES */
	uint64_t head_end, tail_begin;
	bool head_closed;
	struct picture_task *tasks; /* by pid */
	size_t cap_tasks;
	struct picture_mark marks[PICTURE_MARKS];
	size_t n_marks;
	bool failed;
};

/* The run is over. -ENOMEM: names are missing. */
int sched_picture_end(struct sched_picture *p, uint64_t now);

#endif
