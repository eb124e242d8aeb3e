/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Local storage: one value per task or cgroup, made on first use by a program.
 *
 *   owner --head--> entry of map A --> entry of map B --> ...
 *   map A --first--> its entry at owner 1 <--> its entry at owner 2 <--> ...
 *
 * An entry is on two lists. Lookups walk the owner's, which has an element per map, without a
 * lock inside an epoch section; one lock guards all changes. What is unlinked is freed when no
 * run that could have seen it is active. bpf(2) names owners by descriptor, which those of the
 * engine do not have, so the element commands are refused.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "base/base.h"
#include "base/epoch.h"
#include "map/kinds.h"
#include "map/ops.h"

#define VALUE_MAX 65536u
#define GET_F_CREATE 1ull

struct bpf_local_storage {
	struct epoch_item item;
	struct bpf_local_storage *_Atomic next; /* of the owner */
	struct bpf_local_storage *map_next, *map_prev;
	struct bpf_local_storage *_Atomic *head;
	struct map *map;
	uint64_t value[];
};

struct storage {
	struct bpf_local_storage *_Atomic first;
	uint64_t n;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct bpf_local_storage *_Atomic *head_of(void *owner)
{
	return owner;
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
	map->priv = mem_zalloc(sizeof(struct storage));
	return map->priv ? 0 : -ENOMEM;
}

static void entry_free(struct epoch_item *item)
{
	mem_free(container_of(item, struct bpf_local_storage, item));
}

/* The lock is held. */
static void unlink_entry(struct bpf_local_storage *e)
{
	struct bpf_local_storage *_Atomic *at = e->head;
	struct storage *s = e->map->priv;

	while (*at != e)
		at = &(*at)->next;
	atomic_store_explicit(at, e->next, memory_order_release);
	if (e->map_next)
		e->map_next->map_prev = e->map_prev;
	if (e->map_prev)
		e->map_prev->map_next = e->map_next;
	else
		s->first = e->map_next;
	s->n--;
}

static void retire(struct bpf_local_storage *e)
{
	map_value_release(e->map, e->value);
	epoch_defer(&e->item, entry_free);
}

/* Unlinking an entry gives the list, of a map or of an owner, its next first one. */
static void retire_all(struct bpf_local_storage *_Atomic *first)
{
	struct bpf_local_storage *e;

	do {
		pthread_mutex_lock(&lock);
		e = *first;
		if (e)
			unlink_entry(e);
		pthread_mutex_unlock(&lock);
		if (e)
			retire(e);
	} while (e);
}

static void storage_free(struct map *map)
{
	struct storage *s = map->priv;

	retire_all(&s->first);
	mem_free(s);
}

/* -- Values ------------------------------------------------------------------------- */

static struct bpf_local_storage *find(const struct map *map, void *owner)
{
	struct bpf_local_storage *e = atomic_load_explicit(head_of(owner), memory_order_acquire);

	while (e && e->map != map)
		e = atomic_load_explicit(&e->next, memory_order_acquire);
	return e;
}

/* The lock is held. */
static void link_entry(struct bpf_local_storage *e, void *owner)
{
	struct storage *s = e->map->priv;

	e->head = head_of(owner);
	e->map_next = s->first;
	if (s->first)
		s->first->map_prev = e;
	s->first = e;
	s->n++;
	atomic_init(&e->next, atomic_load_explicit(e->head, memory_order_relaxed));
	atomic_store_explicit(e->head, e, memory_order_release);
}

/* init may be NULL: zeros. */
static struct bpf_local_storage *find_or_make(struct map *map, void *owner, const void *init)
{
	size_t size = map->v.value_size;
	struct bpf_local_storage *e = mem_zalloc(sizeof(*e) + ((size + 7) & ~(size_t)7)), *found;

	if (!e)
		return NULL;
	e->map = map;
	if (init)
		map_value_copy(map, e->value, init);
	pthread_mutex_lock(&lock);
	found = find(map, owner);
	if (!found)
		link_entry(e, owner);
	pthread_mutex_unlock(&lock);
	if (found)
		mem_free(e);
	return found ? found : e;
}

void *map_storage_get(struct map *map, void *owner, const void *init, uint64_t flags)
{
	struct bpf_local_storage *e;

	if (flags & ~GET_F_CREATE)
		return NULL;
	e = find(map, owner);
	if (!e && flags & GET_F_CREATE)
		e = find_or_make(map, owner, init);
	return e ? e->value : NULL;
}

int map_storage_delete(struct map *map, void *owner)
{
	struct bpf_local_storage *e;

	pthread_mutex_lock(&lock);
	e = find(map, owner);
	if (e)
		unlink_entry(e);
	pthread_mutex_unlock(&lock);
	UA_FAIL_IF(!e, -ENOENT);
	retire(e);
	return 0;
}

void map_storage_forget(void *owner)
{
	retire_all(head_of(owner));
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
	const struct storage *s = map->priv;

	return sizeof(*s) + s->n * (sizeof(struct bpf_local_storage) + map->v.value_size);
}

#define STORAGE_OPS(NAME)                       \
	{                                       \
		.name = NAME,                   \
		.check = storage_check,         \
		.create = storage_create,       \
		.free = storage_free,           \
		.lookup = no_lookup,            \
		.update = no_update,            \
		.remove = no_remove,            \
		.next_key = no_next_key,        \
		.sys_lookup = no_sys_lookup,    \
		.mem_usage = storage_mem_usage, \
	}

const struct map_ops map_ops_task_storage = STORAGE_OPS("task_storage");
const struct map_ops map_ops_cgrp_storage = STORAGE_OPS("cgrp_storage");
