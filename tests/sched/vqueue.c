/* SPDX-License-Identifier: BSD-2-Clause */
/* Queues by key: order, removal, and a treap that stays flat when all keys are alike. */
#include "base/base.h"
#include "sched/vqueue.h"

#define CHECK(cond)                                                   \
	do {                                                          \
		if (!(cond)) {                                        \
			fprintf(stderr, "%d: %s\n", __LINE__, #cond); \
			exit(1);                                      \
		}                                                     \
	} while (0)

#define N 100000

static struct vnode nodes[N];

static int depth(const struct vnode *n)
{
	int d = 0;

	for (; n; n = n->up)
		d++;
	return d;
}

static void check_flat(void)
{
	for (int i = 0; i < N; i++)
		CHECK(depth(&nodes[i]) < 100);
}

static void insert_all(struct vqueue *q, uint64_t key, uint64_t step)
{
	memset(nodes, 0, sizeof(nodes));
	for (int i = 0; i < N; i++)
		vqueue_insert(q, &nodes[i], key + (uint64_t)i * step);
}

static void remove_all(struct vqueue *q)
{
	for (int i = 0; i < N; i++) {
		CHECK(q->first == &nodes[i]); /* equal keys: in the order of their coming */
		vqueue_remove(q, &nodes[i]);
	}
	CHECK(!q->first && !q->last && !q->root);
}

int main(void)
{
	struct vqueue q = {0};

	insert_all(&q, 7, 0);
	check_flat();
	remove_all(&q);
	insert_all(&q, UINT64_MAX - 1000, 1); /* wraps around */
	check_flat();
	remove_all(&q);
	return 0;
}
