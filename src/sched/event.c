/* SPDX-License-Identifier: BSD-2-Clause */
/* The event queue of the simulation. */
#include "sched/event.h"

#include "base/base.h"

static bool before(const struct event *a, const struct event *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

int event_add(struct event_queue *q, uint64_t at, void (*fn)(void *, uint64_t), void *owner,
	      uint64_t gen)
{
	struct event e = {at, q->next_order++, fn, owner, gen};
	size_t i = q->n;

	UA_TRY(UA_GROW(&q->heap, &q->cap, q->n + 1));
	q->n++;
	for (; i && before(&e, &q->heap[(i - 1) / 2]); i = (i - 1) / 2)
		q->heap[i] = q->heap[(i - 1) / 2];
	q->heap[i] = e;
	return 0;
}

int event_pop(struct event_queue *q, struct event *out)
{
	struct event last;
	size_t i = 0, child;

	if (!q->n)
		return 0;
	*out = q->heap[0];
	last = q->heap[--q->n];
	while ((child = 2 * i + 1) < q->n) {
		if (child + 1 < q->n && before(&q->heap[child + 1], &q->heap[child]))
			child++;
		if (!before(&q->heap[child], &last))
			break;
		q->heap[i] = q->heap[child];
		i = child;
	}
	if (q->n)
		q->heap[i] = last;
	return 1;
}

void event_free(struct event_queue *q)
{
	mem_free(q->heap);
	*q = (struct event_queue){0};
}
