/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arrays whose values bpf(2) writes as descriptors: of programs, of maps, of perf rings.
 *
 * A slot holds a reference. Programs read slots without a lock inside an epoch section;
 * programs and inner maps free themselves only after the sections that were open then.
 *
 * A perf event array holds ring-buffer maps: there are no perf events to write into here, and
 * a ring is what a sample's reader wants.
 */
#include "base/base.h"
#include "map/kinds.h"
#include "map/ops.h"

#include <pthread.h>

#define INDEX_MASK 0xffffffffull
#define CURRENT_CPU INDEX_MASK

struct fd_array {
	pthread_mutex_t lock; /* writers, and `owner` */
	_Atomic uint64_t end; /* slots from here on were never set */
	void *owner;	      /* program array: the first program ever put in, with a reference */
	_Atomic(void *) slots[];
};

static uint32_t index_of(const void *key)
{
	uint32_t index;

	memcpy(&index, key, sizeof(index));
	return index;
}

static void *slot_get(const struct map *map, uint32_t i)
{
	const struct fd_array *a = map->priv;

	return i < map->v.max_entries ? atomic_load_explicit(&a->slots[i], memory_order_acquire)
				      : NULL;
}

static bool holds_progs(const struct map *map)
{
	return map->v.map_type == BPF_MAP_TYPE_PROG_ARRAY;
}

static void put(const struct map *map, void *held)
{
	if (!held)
		return;
	if (holds_progs(map))
		map->host->prog_put(held);
	else
		map_put(held);
}

/* -- Creation ------------------------------------------------------------- */

static int fd_array_check(const union bpf_attr *attr)
{
	UA_FAIL_IF(attr->value_size != 4, -EINVAL);
	UA_FAIL_IF(attr->map_flags & (BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG), -EINVAL);
	return array_check(attr);
}

static int fd_array_create(struct map *map, const union bpf_attr *attr)
{
	struct fd_array *a;

	UA_FAIL_IF(!map->host, -EOPNOTSUPP);
	UA_FAIL_IF(!map_size_ok((uint64_t)attr->max_entries * sizeof(a->slots[0])), -ENOMEM);
	a = mem_zalloc(sizeof(*a) + (uint64_t)attr->max_entries * sizeof(a->slots[0]));
	UA_FAIL_IF(!a, -ENOMEM);
	pthread_mutex_init(&a->lock, NULL);
	map->priv = a;
	return 0;
}

/* Empties all slots: also what breaks the cycle of a program and the array it jumps through. */
static void fd_array_clear(struct map *map)
{
	struct fd_array *a = map->priv;
	void *owner;

	for (uint64_t i = 0; i < atomic_load(&a->end); i++)
		put(map, atomic_exchange(&a->slots[i], NULL));
	pthread_mutex_lock(&a->lock);
	owner = a->owner;
	a->owner = NULL;
	pthread_mutex_unlock(&a->lock);
	put(map, owner);
}

static void fd_array_free(struct map *map)
{
	struct fd_array *a = map->priv;

	fd_array_clear(map);
	pthread_mutex_destroy(&a->lock);
	mem_free(a);
}

static uint64_t fd_array_mem_usage(const struct map *map)
{
	return sizeof(*map) + sizeof(struct fd_array) + map->v.max_entries * sizeof(void *);
}

/* -- Elements ------------------------------------------------------------- */

/* All programs of an array must be of the kind of the first one. */
static int own(struct map *map, int fd, const void *prog)
{
	struct fd_array *a = map->priv;

	if (a->owner)
		return map->host->prog_compatible(a->owner, prog);
	return map->host->prog_by_fd(map->engine, fd, &a->owner);
}

static int take_prog(struct map *map, int fd, void **out)
{
	struct fd_array *a = map->priv;
	int err;

	UA_TRY(map->host->prog_by_fd(map->engine, fd, out));
	pthread_mutex_lock(&a->lock);
	err = own(map, fd, *out);
	pthread_mutex_unlock(&a->lock);
	if (err)
		put(map, *out);
	return err;
}

static int take_map(struct map *map, int fd, void **out)
{
	struct map *inner;
	int err;

	UA_TRY(map->host->map_by_fd(map->engine, fd, &inner));
	if (map->v.map_type == BPF_MAP_TYPE_PERF_EVENT_ARRAY)
		err = inner->v.map_type == BPF_MAP_TYPE_RINGBUF ? 0 : -EINVAL;
	else
		err = map_inner_check(map, inner);
	if (err) {
		map_put(inner);
		return err;
	}
	atomic_store_explicit(&inner->borrowed, true, memory_order_relaxed);
	*out = inner;
	return 0;
}

static void set(struct fd_array *a, uint32_t i, void *held, const struct map *map)
{
	uint64_t end = atomic_load(&a->end);

	while (end <= i && !atomic_compare_exchange_weak(&a->end, &end, (uint64_t)i + 1))
		continue;
	put(map, atomic_exchange(&a->slots[i], held));
}

static int fd_array_sys_update(struct map *map, const void *key, const void *value, uint64_t flags)
{
	struct fd_array *a = map->priv;
	void *held;
	int fd;

	UA_FAIL_IF(flags != BPF_ANY, -EINVAL);
	UA_FAIL_IF(index_of(key) >= map->v.max_entries, -E2BIG);
	memcpy(&fd, value, sizeof(fd));
	UA_TRY(holds_progs(map) ? take_prog(map, fd, &held) : take_map(map, fd, &held));
	set(a, index_of(key), held, map);
	return 0;
}

static int fd_array_remove(struct map *map, const void *key)
{
	struct fd_array *a = map->priv;
	void *held;

	UA_FAIL_IF(index_of(key) >= map->v.max_entries, -E2BIG);
	held = atomic_exchange(&a->slots[index_of(key)], NULL);
	put(map, held);
	return held ? 0 : -ENOENT;
}

static int fd_array_sys_lookup(struct map *map, const void *key, void *value, uint64_t flags)
{
	const void *held = slot_get(map, index_of(key));
	uint32_t id;

	UA_FAIL_IF(!held, -ENOENT);
	id = holds_progs(map) ? map->host->prog_id(held) : ((const struct map *)held)->v.id;
	memcpy(value, &id, sizeof(id));
	return 0;
}

static int no_sys_lookup(struct map *map, const void *key, void *value, uint64_t flags)
{
	return -ENOTSUPP;
}

/* What a program gets from a lookup in an array of maps is the map. */
static void *inner_lookup(struct map *map, const void *key)
{
	return slot_get(map, index_of(key));
}

void *map_prog_array_get(struct map *map, uint32_t index)
{
	return slot_get(map, index);
}

long map_perf_output(struct map *map, uint64_t flags, const void *data, uint64_t size)
{
	uint64_t index = flags & INDEX_MASK;
	struct map *ring;

	UA_FAIL_IF(flags & ~INDEX_MASK, -EINVAL);
	if (index == CURRENT_CPU)
		index = map_this_cpu();
	UA_FAIL_IF(index >= map->v.max_entries, -E2BIG);
	ring = slot_get(map, (uint32_t)index);
	UA_FAIL_IF(!ring, -ENOENT);
	return map_ringbuf_output(ring, data, size, 0) ? -ENOSPC : 0;
}

/* -- Arrays of maps ------------------------------------------------------- */

static int array_of_maps_create(struct map *map, const union bpf_attr *attr)
{
	UA_FAIL_IF(!map->host, -EOPNOTSUPP);
	UA_TRY(map_inner_template(map, (int)attr->inner_map_fd));
	if (!fd_array_create(map, attr))
		return 0;
	mem_free(map->v.inner_map_meta);
	return -ENOMEM;
}

static void array_of_maps_free(struct map *map)
{
	fd_array_free(map);
	mem_free(map->v.inner_map_meta);
}

#define FD_ARRAY_OPS(kind, create_fn, free_fn, check_btf_fn, lookup_fn, sys_lookup_fn) \
	const struct map_ops map_ops_##kind = {                                        \
		.name = #kind,                                                         \
		.check = fd_array_check,                                               \
		.create = create_fn,                                                   \
		.free = free_fn,                                                       \
		.closed = fd_array_clear,                                              \
		.check_btf = check_btf_fn,                                             \
		.lookup = lookup_fn,                                                   \
		.sys_lookup = sys_lookup_fn,                                           \
		.sys_update = fd_array_sys_update,                                     \
		.remove = fd_array_remove,                                             \
		.next_key = array_next_key,                                            \
		.mem_usage = fd_array_mem_usage,                                       \
	}

FD_ARRAY_OPS(prog_array, fd_array_create, fd_array_free, NULL, NULL, fd_array_sys_lookup);
FD_ARRAY_OPS(perf_event_array, fd_array_create, fd_array_free, map_check_no_btf, NULL,
	     no_sys_lookup);
FD_ARRAY_OPS(array_of_maps, array_of_maps_create, array_of_maps_free, map_check_no_btf,
	     inner_lookup, fd_array_sys_lookup);
