/* SPDX-License-Identifier: BSD-2-Clause */
/* What a timer is; shared by timer.c and timer_queue.c only. */
#ifndef UA_PROG_TIMER_QUEUE_H
#define UA_PROG_TIMER_QUEUE_H

#include "prog/timer.h"
#include "prog/prog.h"
#include "base/epoch.h"

#include <time.h>

struct timer {
	struct epoch_item free_item;
	struct map *map;
	void *value;
	struct prog *prog; /* reference; NULL: no callback set */
	uint64_t cb;
	struct timer_queue *queue; /* NULL: not armed */
	size_t pos;		   /* in the queue's heap */
	uint64_t expires;	   /* on the queue's clock */
	uint64_t order;		   /* among those that expire at once */
	uint32_t cpu;		   /* that started it */
	clockid_t clock;
	uint8_t key[] __attribute__((aligned(8)));
};

/* One lock guards all queues and every timer. */
void timer_lock(void);
void timer_unlock(void);

/* The lock is held for these. */

/* In the queue of this thread's world; the service thread is running then if it is the real one.
 * -ENOMEM, or why there is no thread. */
int timer_arm(struct timer *t, uint64_t expires);
bool timer_disarm(struct timer *t); /* false: it was not armed */
/* This thread runs its callback. */
bool timer_runs_here(const struct timer *t);
/* Wait, without the lock, until nobody runs its callback. Whether somebody did. */
bool timer_quiesce(const struct timer *t);

#endif
