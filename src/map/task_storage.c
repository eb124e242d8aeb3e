/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Task storage: one value per task, made on first use by a program.
 *
 * A chained hash from the task object's address to its value. Lookups run without a lock
 * inside an epoch section; insertion and removal take the map's lock, and removed values are
 * freed when no run that could have seen them is active. bpf(2) names tasks by pidfd, which
 * the engine's task objects do not have, so the element commands are refused.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "base/base.h"
#include "base/epoch.h"
#include "map/kinds.h"
#include "map/ops.h"

#define BUCKETS 256
#define VALUE_MAX 65536u
#define GET_F_CREATE 1ull

struct entry {
	struct epoch_item item; /* must stay first */
	struct entry *_Atomic next;
	const void *task;
	struct map *map; /* for the timers in the value */
	uint64_t value[];
};

struct storage {
	pthread_mutex_t lock;
	struct entry *_Atomic buckets[BUCKETS];
	_Atomic uint64_t n;
	struct map *map;
	struct storage *next; /* all storages, for map_task_storage_forget() */
};

static pthread_mutex_t storages_lock = PTHREAD_MUTEX_INITIALIZER;
static struct storage *storages;

static struct entry *_Atomic *bucket(struct storage *s, const void *task)
{
	return &s->buckets[((uintptr_t)task * 0x9e3779b97f4a7c15ull) >> 56];
}

/* -- Life ------------------------------------------------------------------------- */

static int storage_check(const union bpf_attr *attr)
{
	/* The kernel insists on BTF, a 4-byte key and no preallocation. */
	UA_FAIL_IF(attr->map_flags & ~(BPF_F_NO_PREALLOC | BPF_F_CLONE), -EINVAL);
	UA_FAIL_IF(!(attr->map_flags & BPF_F_NO_PREALLOC) || attr->max_entries, -EINVAL);
	UA_FAIL_IF(attr->key_size != 4 || !attr->value_size, -EINVAL);
	UA_FAIL_IF(!attr->btf_key_type_id || !attr->btf_value_type_id, -EINVAL);
	UA_FAIL_IF(attr->value_size > VALUE_MAX, -E2BIG);
	return 0;
}

static int storage_create(struct map *map, const union bpf_attr *attr)
{
	struct storage *s = mem_zalloc(sizeof(*s));

	UA_FAIL_IF(!s, -ENOMEM);
	pthread_mutex_init(&s->lock, NULL);
	s->map = map;
	map->priv = s;
	pthread_mutex_lock(&storages_lock);
	s->next = storages;
	storages = s;
	pthread_mutex_unlock(&storages_lock);
	return 0;
}

static void entry_free(struct entry *e)
{
	mem_free(e);
}

static void entry_free_later(struct epoch_item *item)
{
	entry_free((struct entry *)item);
}

static void storage_free(struct map *map)
{
	struct storage *s = map->priv, **at;

	pthread_mutex_lock(&storages_lock);
	for (at = &storages; *at != s; at = &(*at)->next)
		continue;
	*at = s->next;
	pthread_mutex_unlock(&storages_lock);
	for (int i = 0; i < BUCKETS; i++)
		for (struct entry *e = s->buckets[i], *next; e; e = next) {
			next = e->next;
			if (map->timers_cancel)
				map->timers_cancel(map, e->value);
			entry_free(e);
		}
	pthread_mutex_destroy(&s->lock);
	mem_free(s);
}

/* -- Values ------------------------------------------------------------------------- */

static struct entry *find(struct storage *s, const void *task)
{
	struct entry *e = atomic_load_explicit(bucket(s, task), memory_order_acquire);

	while (e && e->task != task)
		e = atomic_load_explicit(&e->next, memory_order_acquire);
	return e;
}

/* The lock is held. init may be NULL: zeros. */
static struct entry *insert(struct storage *s, const void *task, const void *init)
{
	struct entry *_Atomic *head = bucket(s, task);
	size_t size = s->map->v.value_size;
	struct entry *e = mem_zalloc(sizeof(*e) + ((size + 7) & ~(size_t)7));

	if (!e)
		return NULL;
	e->task = task;
	e->map = s->map;
	if (init)
		memcpy(e->value, init, size);
	atomic_init(&e->next, atomic_load_explicit(head, memory_order_relaxed));
	atomic_store_explicit(head, e, memory_order_release);
	atomic_fetch_add(&s->n, 1);
	return e;
}

void *map_task_storage_get(struct map *map, const void *task, const void *init, uint64_t flags)
{
	struct storage *s = map->priv;
	struct entry *e;

	if (!task || flags & ~GET_F_CREATE)
		return NULL;
	e = find(s, task);
	if (!e && flags & GET_F_CREATE) {
		pthread_mutex_lock(&s->lock);
		e = find(s, task);
		if (!e)
			e = insert(s, task, init);
		pthread_mutex_unlock(&s->lock);
	}
	return e ? e->value : NULL;
}

int map_task_storage_delete(struct map *map, const void *task)
{
	struct storage *s = map->priv;
	struct entry *_Atomic *at, *e;

	pthread_mutex_lock(&s->lock);
	for (at = bucket(s, task); (e = *at) && e->task != task; at = &e->next)
		continue;
	if (e) {
		atomic_store_explicit(at, e->next, memory_order_release);
		atomic_fetch_sub(&s->n, 1);
	}
	pthread_mutex_unlock(&s->lock);
	UA_FAIL_IF(!e, -ENOENT);
	if (map->timers_cancel)
		map->timers_cancel(map, e->value);
	epoch_defer(&e->item, entry_free_later);
	return 0;
}

void map_task_storage_forget(const void *task)
{
	pthread_mutex_lock(&storages_lock);
	for (struct storage *s = storages; s; s = s->next)
		map_task_storage_delete(s->map, task);
	pthread_mutex_unlock(&storages_lock);
}

/* -- The rest of the operations ------------------------------------------------------ */

static void *no_lookup(struct map *map, const void *key)
{
	return NULL;
}

static int no_update(struct map *map, const void *key, const void *value, uint64_t flags)
{
	return -EOPNOTSUPP;
}

static int no_remove(struct map *map, const void *key)
{
	return -EOPNOTSUPP;
}

static int no_sys_lookup(struct map *map, const void *key, void *value, uint64_t flags)
{
	return -EOPNOTSUPP;
}

static int no_next_key(struct map *map, const void *key, void *next)
{
	return -ENOTSUPP;
}

static uint64_t storage_mem_usage(const struct map *map)
{
	struct storage *s = map->priv;

	return sizeof(*s) + atomic_load(&s->n) * (sizeof(struct entry) + map->v.value_size);
}

const struct map_ops map_ops_task_storage = {
	.name = "task_storage",
	.check = storage_check,
	.create = storage_create,
	.free = storage_free,
	.lookup = no_lookup,
	.update = no_update,
	.remove = no_remove,
	.next_key = no_next_key,
	.sys_lookup = no_sys_lookup,
	.mem_usage = storage_mem_usage,
};
