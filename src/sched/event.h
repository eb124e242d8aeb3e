/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event queue: a binary heap by (time, insertion order), so that equal times keep their
 * order and one seed gives one trace. Cancelling is the owner's: an event carries a
 * generation number that the owner compares when it fires.
 */
#ifndef UA_SCHED_EVENT_H
#define UA_SCHED_EVENT_H

#include <stddef.h>
#include <stdint.h>

struct event {
	uint64_t at, order;
	void (*fn)(void *owner, uint64_t gen);
	void *owner;
	uint64_t gen;
};

struct event_queue {
	struct event *heap;
	size_t n, cap;
	uint64_t next_order;
};

int event_add(struct event_queue *q, uint64_t at, void (*fn)(void *, uint64_t), void *owner,
	      uint64_t gen);
/* Take the earliest event. Returns 0 when there is none. */
int event_pop(struct event_queue *q, struct event *out);
void event_free(struct event_queue *q);

#endif
