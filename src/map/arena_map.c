/* SPDX-License-Identifier: BSD-2-Clause */
/* The map around an arena: creation and what bpf(2) may do with it, which is nothing. */
#include "arena/arena.h"
#include "base/base.h"
#include "map/ops.h"

#include <fcntl.h>

static int arena_map_check(const union bpf_attr *attr)
{
	UA_FAIL_IF(attr->key_size || attr->value_size || !attr->max_entries, -EINVAL);
	return 0;
}

static int arena_map_create(struct map *map, const union bpf_attr *attr)
{
	struct arena_opts opts = {0};
	struct arena *arena;
	int err;

	if (map->arena_opts)
		opts = *(const struct arena_opts *)map->arena_opts;
	opts.max_entries = attr->max_entries;
	opts.map_extra = attr->map_extra;
	opts.map_flags = attr->map_flags;
	err = arena_create(&opts, &arena);
	UA_TRY(err);
	map->fd = fcntl(arena_memfd(arena), F_DUPFD_CLOEXEC, 3);
	if (map->fd < 0) {
		err = -errno;
		arena_put(arena);
		return err;
	}
	map->priv = arena;
	map_arena_sync(map);
	return 0;
}

static void arena_map_free(struct map *map)
{
	arena_put(map->priv);
}

struct arena *map_arena(const struct map *map)
{
	return map->v.map_type == BPF_MAP_TYPE_ARENA ? map->priv : NULL;
}

void map_arena_sync(struct map *map)
{
	map->user_vm_start = arena_user_start(map->priv);
	map->user_vm_end = arena_user_end(map->priv);
}

/* Any types go: the loader describes what lies in the arena, not its elements. */
static int arena_map_check_btf(const struct map *map, const struct btf *btf, uint32_t key_id,
			       uint32_t value_id)
{
	return 0;
}

static int arena_sys_lookup(struct map *map, const void *key, void *value, uint64_t flags)
{
	return -EINVAL;
}

static int arena_direct_value(struct map *map, uint64_t *addr, uint32_t off)
{
	map_arena_sync(map);
	UA_FAIL_IF(off >= map->user_vm_end - map->user_vm_start, -ERANGE);
	*addr = map->user_vm_start + off;
	return 0;
}

static uint64_t arena_mem_usage(const struct map *map)
{
	return arena_populated(map->priv) * ARENA_PAGE_SIZE;
}

const struct map_ops map_ops_arena = {
	.name = "arena",
	.check = arena_map_check,
	.create = arena_map_create,
	.free = arena_map_free,
	.check_btf = arena_map_check_btf,
	.sys_lookup = arena_sys_lookup,
	.direct_value = arena_direct_value,
	.mem_usage = arena_mem_usage,
};
