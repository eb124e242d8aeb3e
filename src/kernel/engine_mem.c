/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmap of map descriptors. Arenas have rules of their own (arena/); the other kinds that can
 * be mapped are plain shared mappings of the map's file, with the generic checks of Linux:
 * shared only, not writable once frozen, read-only mappings never become writable.
 */
#include <sys/mman.h>

#include "arena/arena.h"
#include "base/base.h"
#include "kernel/engine_priv.h"
#include "map/map.h"

static int generic_checks(const struct map *map, int prot, int flags)
{
	UA_FAIL_IF((flags & MAP_TYPE) != MAP_SHARED && (flags & MAP_TYPE) != MAP_SHARED_VALIDATE,
		   -EINVAL);
	UA_FAIL_IF(!map_arena(map) && !map->v.ops->mmap_check, -ENOTSUPP);
	UA_FAIL_IF(map->rec.spin_lock_off >= 0 || map->rec.timer_off >= 0 ||
			   map->rec.res_spin_lock_off >= 0 || map->rec.wq_off >= 0,
		   -ENOTSUPP);
	UA_FAIL_IF(prot & PROT_WRITE && atomic_load(&map->frozen), -EPERM);
	UA_FAIL_IF(prot & PROT_WRITE && map->v.map_flags & BPF_F_RDONLY_PROG, -EACCES);
	return 0;
}

static int map_plain(struct map *map, void **addr, size_t len, int prot, int flags, uint64_t off)
{
	void *at;

	UA_TRY(map->v.ops->mmap_check(map, off, len, prot & PROT_WRITE));
	at = mmap(*addr, len, prot & ~PROT_EXEC, flags, map->fd, (off_t)off);
	UA_FAIL_IF(at == MAP_FAILED, -errno);
	*addr = at;
	return 0;
}

void *engine_mmap(struct kernel *kernel, void *addr, size_t len, int prot, int flags, int fd,
		  uint64_t off, int *err)
{
	struct engine_kernel *k = (struct engine_kernel *)kernel;
	struct arena *arena;
	struct map *map;

	*err = engine_get_map(k, (uint32_t)fd, &map);
	if (*err)
		return NULL;
	arena = map_arena(map);
	*err = generic_checks(map, prot, flags);
	if (!*err)
		*err = arena ? arena_mmap(arena, &addr, len, prot, flags, off)
			     : map_plain(map, &addr, len, prot, flags, off);
	if (!*err && arena) {
		map->user_vm_start = arena_user_start(arena);
		map->user_vm_end = arena_user_end(arena);
	}
	map_put(map);
	return *err ? NULL : addr;
}

/* An arena's view is the arena's to take down: it stops reacting to faults there. */
int engine_munmap(struct kernel *kernel, void *addr, size_t len)
{
	struct objects *t = &((struct engine_kernel *)kernel)->objects;
	uint32_t id = 0;

	while (!objects_next_id(t, OBJECT_MAP, id, &id)) {
		int fd = objects_open_id(t, OBJECT_MAP, id);
		struct map *map = fd >= 0 ? kernel_engine_map(kernel, fd) : NULL;
		struct arena *arena = map ? map_arena(map) : NULL;
		int err = arena ? arena_munmap(arena, addr, len) : -EINVAL;

		if (fd >= 0)
			objects_close(t, fd);
		if (!err)
			return 0;
	}
	return munmap(addr, len) ? -errno : 0;
}
