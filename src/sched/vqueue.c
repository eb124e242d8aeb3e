/* SPDX-License-Identifier: BSD-2-Clause */
/* The queues: a list in order, and a treap to find the place of a key. */
#include "sched/vqueue.h"

#include "base/base.h"

static void link_between(struct vqueue *q, struct vnode *n, struct vnode *prev, struct vnode *next)
{
	n->prev = prev;
	n->next = next;
	*(prev ? &prev->next : &q->first) = n;
	*(next ? &next->prev : &q->last) = n;
	n->queued = true;
}

void vqueue_push(struct vqueue *q, struct vnode *n, bool head)
{
	ua_assert(!n->queued);
	n->keyed = false;
	if (head)
		link_between(q, n, NULL, q->first);
	else
		link_between(q, n, q->last, NULL);
}

/* Any well-mixed numbers balance the treap, whatever the keys; the sequence is the queue's, the
 * same in every run. */
static uint32_t next_prio(struct vqueue *q)
{
	uint32_t x = q->random ? q->random : 2463534242u;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return q->random = x;
}

static void replace_child(struct vqueue *q, struct vnode *up, struct vnode *old, struct vnode *new)
{
	if (!up)
		q->root = new;
	else if (up->left == old)
		up->left = new;
	else
		up->right = new;
	if (new)
		new->up = up;
}

/* n takes its parent's place. */
static void rotate_up(struct vqueue *q, struct vnode *n)
{
	struct vnode *up = n->up, *moved;

	replace_child(q, up->up, up, n);
	if (up->left == n) {
		moved = n->right;
		up->left = moved;
		n->right = up;
	} else {
		moved = n->left;
		up->right = moved;
		n->left = up;
	}
	if (moved)
		moved->up = up;
	up->up = n;
}

void vqueue_insert(struct vqueue *q, struct vnode *n, uint64_t key)
{
	struct vnode *up = NULL, **at = &q->root, *before = NULL, *behind = NULL;

	ua_assert(!n->queued);
	n->key = key;
	n->keyed = true;
	n->prio = next_prio(q);
	while (*at) {
		up = *at;
		if (vtime_before(key, up->key)) {
			behind = up;
			at = &up->left;
		} else {
			before = up;
			at = &up->right;
		}
	}
	n->left = n->right = NULL;
	n->up = up;
	*at = n;
	link_between(q, n, before, behind);
	while (n->up && n->up->prio < n->prio)
		rotate_up(q, n);
}

static struct vnode *heavier_child(const struct vnode *n)
{
	if (!n->left || !n->right)
		return n->left ? n->left : n->right;
	return n->left->prio > n->right->prio ? n->left : n->right;
}

void vqueue_remove(struct vqueue *q, struct vnode *n)
{
	ua_assert(n->queued);
	if (n->keyed) {
		struct vnode *child;

		while ((child = heavier_child(n)))
			rotate_up(q, child);
		replace_child(q, n->up, n, NULL);
	}
	*(n->prev ? &n->prev->next : &q->first) = n->next;
	*(n->next ? &n->next->prev : &q->last) = n->prev;
	n->queued = n->keyed = false;
}
