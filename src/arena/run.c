/* SPDX-License-Identifier: BSD-2-Clause */
/* The run record's storage, and the loop budget of timed may_goto: one clock per frame. */
#include "arena/run.h"

#include <time.h>

__thread struct run *run_top;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint32_t run_may_goto(uint64_t *since)
{
	uint64_t now = now_ns();

	if (!*since) {
		*since = now;
		return RUN_MAY_GOTO_COUNT;
	}
	if (now - *since < RUN_MAY_GOTO_LIMIT_NS)
		return RUN_MAY_GOTO_COUNT;
	if (run_top && run_top->timeout)
		run_top->timeout(run_top);
	return 0;
}
