/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queue and stack: a ring of max_entries values without keys, under one lock. Values are
 * copied in and out, so nobody holds a pointer into the ring.
 */
#include <pthread.h>

#include "base/base.h"
#include "map/ops.h"

#define QUEUE_FLAGS \
	(BPF_F_NUMA_NODE | BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG)
#define QUEUE_VALUE_MAX (4u << 20)

struct queue {
	pthread_mutex_t lock;
	uint32_t first, n; /* oldest element, number of elements */
	uint8_t *ring;
};

static int queue_check(const union bpf_attr *attr)
{
	UA_FAIL_IF(!attr->max_entries || attr->key_size || !attr->value_size, -EINVAL);
	UA_FAIL_IF(attr->map_flags & ~QUEUE_FLAGS || !map_access_flags_ok(attr->map_flags),
		   -EINVAL);
	UA_FAIL_IF(attr->value_size > QUEUE_VALUE_MAX, -E2BIG);
	return 0;
}

static int queue_create(struct map *map, const union bpf_attr *attr)
{
	struct queue *q;

	UA_FAIL_IF(!map_size_ok((uint64_t)attr->max_entries * attr->value_size), -ENOMEM);
	q = mem_zalloc(sizeof(*q));
	UA_FAIL_IF(!q, -ENOMEM);
	q->ring = mem_calloc(attr->max_entries, attr->value_size);
	if (!q->ring) {
		mem_free(q);
		return -ENOMEM;
	}
	pthread_mutex_init(&q->lock, NULL);
	map->priv = q;
	return 0;
}

static void queue_free(struct map *map)
{
	struct queue *q = map->priv;

	pthread_mutex_destroy(&q->lock);
	mem_free(q->ring);
	mem_free(q);
}

static uint8_t *element(const struct map *map, const struct queue *q, uint32_t i)
{
	uint64_t at = ((uint64_t)q->first + i) % map->v.max_entries;

	return q->ring + at * map->v.value_size;
}

static int queue_push(struct map *map, const void *value, uint64_t flags)
{
	struct queue *q = map->priv;
	int err = 0;

	/* BPF_EXIST makes room by dropping the oldest element. */
	UA_FAIL_IF(flags & BPF_NOEXIST || flags > BPF_EXIST, -EINVAL);
	pthread_mutex_lock(&q->lock);
	if (q->n == map->v.max_entries && flags == BPF_EXIST) {
		q->first = (q->first + 1) % map->v.max_entries;
		q->n--;
	}
	if (q->n < map->v.max_entries)
		memcpy(element(map, q, q->n++), value, map->v.value_size);
	else
		err = -E2BIG;
	pthread_mutex_unlock(&q->lock);
	return err;
}

/* Copy the next element out; an empty map gives zeros and -ENOENT. */
static int take(struct map *map, void *value, bool newest, bool remove)
{
	struct queue *q = map->priv;
	int err = 0;

	pthread_mutex_lock(&q->lock);
	if (q->n) {
		memcpy(value, element(map, q, newest ? q->n - 1 : 0), map->v.value_size);
		if (remove && !newest)
			q->first = (q->first + 1) % map->v.max_entries;
		q->n -= remove;
	} else {
		memset(value, 0, map->v.value_size);
		err = -ENOENT;
	}
	pthread_mutex_unlock(&q->lock);
	return err;
}

static int queue_pop(struct map *map, void *value)
{
	return take(map, value, false, true);
}

static int queue_peek(struct map *map, void *value)
{
	return take(map, value, false, false);
}

static int stack_pop(struct map *map, void *value)
{
	return take(map, value, true, true);
}

static int stack_peek(struct map *map, void *value)
{
	return take(map, value, true, false);
}

/* bpf(2): lookup peeks, update pushes, lookup-and-delete pops; there are no keys. */

static int sys_lookup(struct map *map, const void *key, void *value, uint64_t flags)
{
	return map->v.ops->peek(map, value);
}

static int sys_update(struct map *map, const void *key, const void *value, uint64_t flags)
{
	return queue_push(map, value, flags);
}

static int sys_lookup_and_delete(struct map *map, const void *key, void *value, uint64_t flags)
{
	return map->v.ops->pop(map, value);
}

static void *no_lookup(struct map *map, const void *key)
{
	return NULL;
}

static int no_update(struct map *map, const void *key, const void *value, uint64_t flags)
{
	return -EINVAL;
}

static int no_remove(struct map *map, const void *key)
{
	return -EINVAL;
}

static int no_next_key(struct map *map, const void *key, void *next)
{
	return -EINVAL;
}

static uint64_t queue_mem_usage(const struct map *map)
{
	return sizeof(struct queue) + (uint64_t)map->v.max_entries * map->v.value_size;
}

#define QUEUE_OPS(kind)                                     \
	const struct map_ops map_ops_##kind = {             \
		.name = #kind,                              \
		.check = queue_check,                       \
		.create = queue_create,                     \
		.free = queue_free,                         \
		.lookup = no_lookup,                        \
		.update = no_update,                        \
		.remove = no_remove,                        \
		.next_key = no_next_key,                    \
		.push = queue_push,                         \
		.pop = kind##_pop,                          \
		.peek = kind##_peek,                        \
		.sys_lookup = sys_lookup,                   \
		.sys_update = sys_update,                   \
		.lookup_and_delete = sys_lookup_and_delete, \
		.mem_usage = queue_mem_usage,               \
	}

QUEUE_OPS(queue);
QUEUE_OPS(stack);
