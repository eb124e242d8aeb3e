/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queues of tasks: in order of arrival, or by a virtual time that may wrap around.
 *
 * The nodes form a list in queue order; those that were inserted by key are in a treap as
 * well, so that an insertion takes O(log n). A queue is used in one way until it is empty.
 */
#ifndef UA_SCHED_VQUEUE_H
#define UA_SCHED_VQUEUE_H

#include <stdbool.h>
#include <stdint.h>

struct vnode {
	struct vnode *prev, *next;
	struct vnode *up, *left, *right;
	uint64_t key;
	uint32_t prio;
	bool queued, keyed;
};

struct vqueue {
	struct vnode *first, *last, *root;
	uint32_t random; /* state of the generator that balances the treap */
};

/* a comes before b: half of all times lie before any time. */
static inline bool vtime_before(uint64_t a, uint64_t b)
{
	return (int64_t)(a - b) < 0;
}

void vqueue_push(struct vqueue *q, struct vnode *n, bool head);
void vqueue_insert(struct vqueue *q, struct vnode *n, uint64_t key); /* behind equal keys */
void vqueue_remove(struct vqueue *q, struct vnode *n);

#endif
