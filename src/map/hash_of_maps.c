/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hash of maps: a hash map of pointers to maps, each with a reference. Inner maps free
 * themselves only after the epoch sections that were open then, so programs need none.
 */
#include "base/base.h"
#include "map/ops.h"

static struct map *backing(const struct map *map)
{
	return map->priv;
}

static void put_inner(struct map *map, void *value)
{
	map_put(*(struct map **)value);
}

static int hom_check(const union bpf_attr *attr)
{
	UA_FAIL_IF(attr->value_size != 4, -EINVAL);
	return map_ops_hash.check(attr);
}

static int hom_create(struct map *map, const union bpf_attr *attr)
{
	int err;

	UA_FAIL_IF(!map->host, -EOPNOTSUPP);
	UA_TRY(map_inner_template(map, (int)attr->inner_map_fd));
	err = map_backing_new(map, attr, sizeof(struct map *));
	if (err) {
		mem_free(map->v.inner_map_meta);
		return err;
	}
	backing(map)->value_gone = put_inner;
	return 0;
}

static void hom_free(struct map *map)
{
	map_backing_free(map);
	mem_free(map->v.inner_map_meta);
}

static struct map *inner_at(const struct map *map, const void *key)
{
	struct map **slot = map_ops_hash.lookup(backing(map), key);

	return slot ? *slot : NULL;
}

static void *hom_lookup(struct map *map, const void *key)
{
	return inner_at(map, key);
}

static int hom_sys_lookup(struct map *map, const void *key, void *value, uint64_t flags)
{
	const struct map *inner = inner_at(map, key);

	UA_FAIL_IF(!inner, -ENOENT);
	memcpy(value, &inner->v.id, sizeof(inner->v.id));
	return 0;
}

static int hom_sys_update(struct map *map, const void *key, const void *value, uint64_t flags)
{
	struct map *inner;
	int fd, err;

	memcpy(&fd, value, sizeof(fd));
	UA_TRY(map->host->map_by_fd(map->engine, fd, &inner));
	err = map_inner_check(map, inner);
	if (!err) {
		atomic_store_explicit(&inner->borrowed, true, memory_order_relaxed);
		err = map_ops_hash.update(backing(map), key, &inner, flags);
	}
	if (err)
		map_put(inner);
	return err;
}

static int hom_remove(struct map *map, const void *key)
{
	return map_ops_hash.remove(backing(map), key);
}

static int hom_next_key(struct map *map, const void *key, void *next)
{
	return map_ops_hash.next_key(backing(map), key, next);
}

static uint64_t hom_mem_usage(const struct map *map)
{
	return sizeof(*map) + map_ops_hash.mem_usage(backing(map));
}

const struct map_ops map_ops_hash_of_maps = {
	.name = "hash_of_maps",
	.check = hom_check,
	.create = hom_create,
	.free = hom_free,
	.check_btf = map_check_no_btf,
	.lookup = hom_lookup,
	.sys_lookup = hom_sys_lookup,
	.sys_update = hom_sys_update,
	.remove = hom_remove,
	.next_key = hom_next_key,
	.mem_usage = hom_mem_usage,
};
