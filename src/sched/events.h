/* SPDX-License-Identifier: BSD-2-Clause */
/* The event counters of struct scx_event_stats as a table. */
#ifndef UA_SCHED_EVENTS_H
#define UA_SCHED_EVENTS_H

#include <stddef.h>

#include "btf/types/scx.h"

#define SCHED_EVENT_STATS(X)                  \
	X(SCX_EV_SELECT_CPU_FALLBACK)         \
	X(SCX_EV_DISPATCH_LOCAL_DSQ_OFFLINE)  \
	X(SCX_EV_DISPATCH_KEEP_LAST)          \
	X(SCX_EV_ENQ_SKIP_EXITING)            \
	X(SCX_EV_ENQ_SKIP_MIGRATION_DISABLED) \
	X(SCX_EV_REENQ_IMMED)                 \
	X(SCX_EV_REENQ_REPEAT)                \
	X(SCX_EV_REFILL_SLICE_DFL)            \
	X(SCX_EV_SLICE_CLAMPED)               \
	X(SCX_EV_SLICE_DENIED)                \
	X(SCX_EV_BYPASS_DURATION)             \
	X(SCX_EV_BYPASS_DISPATCH)             \
	X(SCX_EV_BYPASS_ACTIVATE)             \
	X(SCX_EV_INSERT_NOT_OWNED)            \
	X(SCX_EV_SUB_BYPASS_DISPATCH)         \
	X(SCX_EV_SUB_FORCED_ADMIT)            \
	X(SCX_EV_SUB_PREEMPT_DENIED)          \
	X(SCX_EV_SUB_KICK_DENIED)             \
	X(SCX_EV_SUB_REENQ_DENIED)            \
	X(SCX_EV_SUB_CIDPERF_DENIED)          \
	X(SCX_EV_SUB_RESCUE)

static const struct {
	const char *name;
	size_t off;
} event_stats[] = {
#define X(name) {#name, offsetof(struct scx_event_stats, name)},
	SCHED_EVENT_STATS(X)
#undef X
};

enum { event_stat_count = sizeof(event_stats) / sizeof(event_stats[0]) };

static inline long long event_stat(const struct scx_event_stats *stats, size_t i)
{
	return *(const s64 *)((const char *)stats + event_stats[i].off);
}

#endif
