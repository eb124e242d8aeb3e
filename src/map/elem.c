/* SPDX-License-Identifier: BSD-2-Clause */
/* Elements as bpf(2) moves them; what is special about a kind is in its sys_* operations. */
#include "map/map.h"
#include "base/base.h"
#include "base/epoch.h"

static int check_lock_flag(const struct map *map, uint64_t flags)
{
	UA_FAIL_IF((flags & BPF_F_LOCK) && map->rec.spin_lock_off < 0, -EINVAL);
	return 0;
}

static int copy_out(struct map *map, const void *key, void *value, uint64_t flags)
{
	const void *live;

	UA_FAIL_IF(!map->v.ops->lookup, -EOPNOTSUPP);
	live = map->v.ops->lookup(map, key);
	UA_FAIL_IF(!live, -ENOENT);
	if (flags & BPF_F_LOCK)
		map_value_copy_locked(map, value, live, false);
	else
		map_value_copy(map, value, live);
	map_value_clear_special(map, value);
	return 0;
}

int map_elem_lookup(struct map *map, const void *key, void *value, uint64_t flags)
{
	const struct map_ops *ops = map->v.ops;
	int err;

	UA_FAIL_IF(flags & ~(uint64_t)BPF_F_LOCK, -EINVAL);
	UA_TRY(check_lock_flag(map, flags));
	epoch_enter();
	if (ops->sys_lookup)
		err = ops->sys_lookup(map, key, value, flags);
	else if (ops->peek)
		err = ops->peek(map, value);
	else
		err = copy_out(map, key, value, flags);
	epoch_exit();
	return err;
}

int map_elem_update(struct map *map, const void *key, const void *value, uint64_t flags)
{
	const struct map_ops *ops = map->v.ops;
	int err = -EOPNOTSUPP;

	UA_TRY(check_lock_flag(map, flags));
	epoch_enter();
	if (ops->sys_update)
		err = ops->sys_update(map, key, value, flags);
	else if (ops->push)
		err = ops->push(map, value, flags);
	else if (ops->update)
		err = ops->update(map, key, value, flags);
	epoch_exit();
	return err;
}

int map_elem_delete(struct map *map, const void *key)
{
	int err;

	UA_FAIL_IF(!map->v.ops->remove, -EOPNOTSUPP);
	epoch_enter();
	err = map->v.ops->remove(map, key);
	epoch_exit();
	return err;
}

int map_elem_next_key(struct map *map, const void *key, void *next)
{
	int err;

	UA_FAIL_IF(!map->v.ops->next_key, -EOPNOTSUPP);
	epoch_enter();
	err = map->v.ops->next_key(map, key, next);
	epoch_exit();
	return err;
}

int map_elem_lookup_and_delete(struct map *map, const void *key, void *value, uint64_t flags)
{
	const struct map_ops *ops = map->v.ops;
	int err = -ENOTSUPP;

	UA_FAIL_IF(flags & ~(uint64_t)BPF_F_LOCK, -EINVAL);
	UA_FAIL_IF(flags && ops->pop, -EINVAL);
	UA_TRY(check_lock_flag(map, flags));
	epoch_enter();
	if (ops->pop)
		err = ops->pop(map, value);
	else if (ops->lookup_and_delete)
		err = ops->lookup_and_delete(map, key, value, flags);
	epoch_exit();
	return err;
}
