/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Array and per-CPU array: values never move and live as long as the map.
 *
 * BPF_F_MMAPABLE arrays keep their values in the map's memfd, sealed to its size, so that any
 * process that has the descriptor maps the same pages. The verifier takes the values of frozen
 * read-only arrays for constants, so freezing one seals the file against writing, which fails
 * as long as any process has it mapped writable. Per-CPU arrays are one array per CPU.
 */
#include "base/base.h"
#include "btf/btf.h"
#include "map/ops.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096u
#define PCPU_VALUE_MAX 32768u

struct array {
	uint8_t *values;
	uint64_t stride;
	uint64_t plane;	 /* bytes of all values of one CPU */
	uint64_t mapped; /* bytes mapped from the memfd, 0: heap */
};

static bool is_percpu(uint32_t type)
{
	return type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

/* -- Creation ------------------------------------------------------------- */

int array_check(const union bpf_attr *attr)
{
	uint32_t flags = attr->map_flags, type = attr->map_type;

	UA_FAIL_IF(!attr->max_entries || attr->key_size != 4 || !attr->value_size, -EINVAL);
	UA_FAIL_IF(flags & ~(BPF_F_NUMA_NODE | BPF_F_MMAPABLE | MAP_ACCESS_FLAGS |
			     BPF_F_PRESERVE_ELEMS | BPF_F_INNER_MAP),
		   -EINVAL);
	UA_FAIL_IF(!map_access_flags_ok(flags), -EINVAL);
	UA_FAIL_IF(is_percpu(type) && (flags & BPF_F_NUMA_NODE), -EINVAL);
	UA_FAIL_IF(type != BPF_MAP_TYPE_ARRAY && (flags & (BPF_F_MMAPABLE | BPF_F_INNER_MAP)),
		   -EINVAL);
	UA_FAIL_IF(type != BPF_MAP_TYPE_PERF_EVENT_ARRAY && (flags & BPF_F_PRESERVE_ELEMS),
		   -EINVAL);
	UA_FAIL_IF(attr->value_size > INT_MAX, -E2BIG);
	UA_FAIL_IF(is_percpu(type) && attr->value_size > PCPU_VALUE_MAX, -E2BIG);
	return 0;
}

static int map_values(struct map *map, struct array *a)
{
	uint64_t size = (a->plane + PAGE - 1) & ~(uint64_t)(PAGE - 1);
	void *values;

	map->fd = memfd_create("bpf-array", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	UA_FAIL_IF(map->fd < 0, -ENOMEM);
	UA_FAIL_IF(size > INT64_MAX || ftruncate(map->fd, (off_t)size), -ENOMEM);
	UA_FAIL_IF(fcntl(map->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), -ENOMEM);
	values = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, map->fd, 0);
	UA_FAIL_IF(values == MAP_FAILED, -ENOMEM);
	a->values = values;
	a->mapped = size;
	return 0;
}

static int alloc_values(struct map *map, struct array *a)
{
	if (map->v.map_flags & BPF_F_MMAPABLE)
		return map_values(map, a);
	a->values = mem_calloc(is_percpu(map->v.map_type) ? map->n_cpus : 1, a->plane);
	UA_FAIL_IF(!a->values, -ENOMEM);
	return 0;
}

static int array_create(struct map *map, const union bpf_attr *attr)
{
	struct array *a = mem_zalloc(sizeof(*a));
	int err;

	UA_FAIL_IF(!a, -ENOMEM);
	a->stride = ((uint64_t)attr->value_size + 7) & ~7ull;
	a->plane = a->stride * attr->max_entries;
	err = map_size_ok(a->plane) ? alloc_values(map, a) : -ENOMEM;
	if (err) {
		if (map->fd >= 0)
			close(map->fd);
		map->fd = -1;
		mem_free(a);
		return err;
	}
	map->priv = a;
	return 0;
}

static void release_all(struct map *map, struct array *a)
{
	uint32_t planes = is_percpu(map->v.map_type) ? map->n_cpus : 1;

	if (map->rec.timer_off < 0 && !map->rec.n_kptrs)
		return;
	for (uint32_t cpu = 0; cpu < planes; cpu++)
		for (uint32_t i = 0; i < map->v.max_entries; i++)
			map_value_release(map, a->values + cpu * a->plane + i * a->stride);
}

static void array_free(struct map *map)
{
	struct array *a = map->priv;

	release_all(map, a);
	if (a->mapped)
		munmap(a->values, a->mapped);
	else
		mem_free(a->values);
	mem_free(a);
}

int array_check_btf(const struct map *map, const struct btf *btf, uint32_t key_id,
		    uint32_t value_id)
{
	const struct btf_type *t;

	if (!key_id) { /* a data section */
		t = btf__type_by_id(btf, value_id);
		UA_FAIL_IF(map->v.map_type != BPF_MAP_TYPE_ARRAY || map->v.max_entries != 1 ||
				   !btf_is_datasec(t),
			   -EINVAL);
		return 0;
	}
	t = btf_resolve(btf, &key_id);
	UA_FAIL_IF(!btf_is_int(t) || btf_int_bits(t) != 32 || btf_int_offset(t), -EINVAL);
	return 0;
}

/* -- Elements ------------------------------------------------------------- */

static uint32_t index_of(const void *key)
{
	uint32_t index;

	memcpy(&index, key, sizeof(index));
	return index;
}

static void *array_lookup(struct map *map, const void *key)
{
	const struct array *a = map->priv;
	uint32_t i = index_of(key);

	return ua_likely(i < map->v.max_entries) ? a->values + i * a->stride : NULL;
}

static void *percpu_value(struct map *map, const void *key, uint32_t cpu)
{
	const struct array *a = map->priv;
	uint32_t i = index_of(key);

	if (ua_unlikely(i >= map->v.max_entries))
		return NULL;
	return a->values + cpu * a->plane + i * a->stride;
}

static void *percpu_lookup(struct map *map, const void *key)
{
	return percpu_value(map, key, map_cpu_slot(map));
}

static int check_update(struct map *map, const void *key, uint64_t flags, uint64_t allowed)
{
	UA_FAIL_IF((flags & ~allowed) > BPF_EXIST, -EINVAL);
	UA_FAIL_IF(index_of(key) >= map->v.max_entries, -E2BIG);
	UA_FAIL_IF(flags & BPF_NOEXIST, -EEXIST);
	UA_FAIL_IF((flags & BPF_F_LOCK) && map->rec.spin_lock_off < 0, -EINVAL);
	return 0;
}

static int array_update(struct map *map, const void *key, const void *value, uint64_t flags)
{
	void *live;

	UA_TRY(check_update(map, key, flags, BPF_F_LOCK));
	live = array_lookup(map, key);
	if (flags & BPF_F_LOCK)
		map_value_copy_locked(map, live, value, true);
	else
		map_value_copy(map, live, value);
	map_value_release(map, live);
	return 0;
}

static int percpu_update(struct map *map, const void *key, const void *value, uint64_t flags)
{
	void *live;

	UA_TRY(check_update(map, key, flags, 0));
	live = percpu_lookup(map, key);
	map_value_copy(map, live, value);
	map_value_release(map, live);
	return 0;
}

static int percpu_sys_lookup(struct map *map, const void *key, void *value, uint64_t flags)
{
	const struct array *a = map->priv;

	UA_FAIL_IF(index_of(key) >= map->v.max_entries, -ENOENT);
	for (uint32_t cpu = 0; cpu < map->n_cpus; cpu++) {
		uint8_t *out = (uint8_t *)value + cpu * a->stride;

		map_copy_shared(out, percpu_value(map, key, cpu), a->stride);
		map_value_clear_special(map, out);
	}
	return 0;
}

static int percpu_sys_update(struct map *map, const void *key, const void *value, uint64_t flags)
{
	const struct array *a = map->priv;

	UA_TRY(check_update(map, key, flags, 0));
	for (uint32_t cpu = 0; cpu < map->n_cpus; cpu++)
		map_value_copy(map, percpu_value(map, key, cpu),
			       (const uint8_t *)value + cpu * a->stride);
	return 0;
}

int array_remove(struct map *map, const void *key)
{
	return -EINVAL;
}

int array_next_key(struct map *map, const void *key, void *next)
{
	uint32_t i = key ? index_of(key) : UINT32_MAX;

	UA_FAIL_IF(i == map->v.max_entries - 1, -ENOENT);
	i = i < map->v.max_entries ? i + 1 : 0;
	memcpy(next, &i, sizeof(i));
	return 0;
}

static long array_for_each(struct map *map, uint64_t (*cb)(struct map *, void *, void *, void *),
			   void *arg)
{
	for (uint32_t i = 0; i < map->v.max_entries; i++) {
		uint32_t key = i;

		if (cb(map, &key, map->v.ops->lookup(map, &i), arg))
			return (long)i + 1;
	}
	return map->v.max_entries;
}

/* -- Direct access -------------------------------------------------------- */

static int array_direct_value(struct map *map, uint64_t *addr, uint32_t off)
{
	const struct array *a = map->priv;

	UA_FAIL_IF(map->v.max_entries != 1, -ENOTSUPP);
	UA_FAIL_IF(off >= map->v.value_size, -EINVAL);
	*addr = (uintptr_t)a->values + off;
	return 0;
}

static int array_mmap(struct map *map, void **addr, uint64_t len, int prot, int flags, uint64_t off)
{
	const struct array *a = map->priv;
	void *at;

	UA_FAIL_IF(!a->mapped, -EINVAL);
	UA_FAIL_IF(off > a->mapped || len > a->mapped - off, -EINVAL);
	at = mmap(*addr, len, prot & ~PROT_EXEC, flags, map->fd, (off_t)off);
	UA_FAIL_IF(at == MAP_FAILED, -errno);
	*addr = at;
	return 0;
}

/* Put our own mapping, at the address programs know, on a descriptor that cannot write. */
static int remap(const struct map *map, const struct array *a, int mode)
{
	int prot = mode == O_RDONLY ? PROT_READ : PROT_READ | PROT_WRITE;
	char path[32];
	int fd, err = 0;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", map->fd);
	fd = open(path, mode | O_CLOEXEC);
	UA_FAIL_IF(fd < 0, -errno);
	if (mmap(a->values, a->mapped, prot, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
		err = -errno;
	close(fd);
	return err;
}

static int array_freeze(struct map *map)
{
	struct array *a = map->priv;
	int err;

	if (!a->mapped || !(map->v.map_flags & BPF_F_RDONLY_PROG))
		return 0;
	UA_TRY(remap(map, a, O_RDONLY));
	if (!fcntl(map->fd, F_ADD_SEALS, F_SEAL_WRITE))
		return 0;
	err = -errno;
	/* Without this the next update would fault; it succeeded a moment ago. */
	if (remap(map, a, O_RDWR))
		log_warn("array %s stays read-only\n", map->v.name);
	return err;
}

static uint64_t array_mem_usage(const struct map *map)
{
	const struct array *a = map->priv;
	uint64_t planes = is_percpu(map->v.map_type) ? map->n_cpus : 1;

	return sizeof(*map) + sizeof(*a) + (a->mapped ? a->mapped : a->plane * planes);
}

const struct map_ops map_ops_array = {
	.name = "array",
	.check = array_check,
	.create = array_create,
	.free = array_free,
	.check_btf = array_check_btf,
	.lookup = array_lookup,
	.update = array_update,
	.remove = array_remove,
	.next_key = array_next_key,
	.for_each = array_for_each,
	.direct_value = array_direct_value,
	.mmap = array_mmap,
	.freeze = array_freeze,
	.mem_usage = array_mem_usage,
};

const struct map_ops map_ops_percpu_array = {
	.name = "percpu_array",
	.check = array_check,
	.create = array_create,
	.free = array_free,
	.check_btf = array_check_btf,
	.lookup = percpu_lookup,
	.update = percpu_update,
	.remove = array_remove,
	.next_key = array_next_key,
	.sys_lookup = percpu_sys_lookup,
	.sys_update = percpu_sys_update,
	.lookup_percpu = percpu_value,
	.for_each = array_for_each,
	.mem_usage = array_mem_usage,
};
