/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmap of map descriptors. Arenas have rules of their own (arena/); the others are shared
 * mappings of the map's file, with the generic checks of Linux: shared only, not writable once
 * frozen.
 *
 * Mappings made here are listed: each holds its map, and a writable one keeps it from being
 * frozen. What is unmapped behind the seam's back stays listed until the engine goes.
 */
#include <sys/mman.h>

#include "arena/arena.h"
#include "base/base.h"
#include "kernel/engine_priv.h"
#include "map/map.h"

/* Not a flag of mmap(2): the arena's address is taken, any other will do. */
#define MAP_DISPLACED (1 << 30)

struct mapping {
	struct mapping *next;
	struct map *map;
	uintptr_t start, end;
	bool writable;
};

static int generic_checks(const struct map *map, int prot, int flags)
{
	UA_FAIL_IF((flags & MAP_TYPE) != MAP_SHARED && (flags & MAP_TYPE) != MAP_SHARED_VALIDATE,
		   -EINVAL);
	UA_FAIL_IF(!map_arena(map) && !map->v.ops->mmap, -ENOTSUPP);
	UA_FAIL_IF(map->rec.spin_lock_off >= 0 || map->rec.timer_off >= 0 ||
			   map->rec.res_spin_lock_off >= 0 || map->rec.wq_off >= 0,
		   -ENOTSUPP);
	UA_FAIL_IF(prot & PROT_WRITE && atomic_load(&map->frozen), -EPERM);
	UA_FAIL_IF(prot & PROT_WRITE && map->v.map_flags & BPF_F_RDONLY_PROG, -EACCES);
	return 0;
}

/* -- The list; all with mem_lock held --------------------------------------- */

static void mapping_drop(struct mapping **at)
{
	struct mapping *m = *at;

	*at = m->next;
	if (m->writable)
		atomic_fetch_sub(&m->map->writers, 1);
	map_put(m->map);
	mem_free(m);
}

/* [start, end) is not mapped any more, or by something else. */
static void forget_range(struct engine_kernel *k, uintptr_t start, uintptr_t end)
{
	struct mapping **at = &k->mappings, *m;

	while ((m = *at)) {
		if (start <= m->start && end > m->start)
			m->start = end;
		if (end >= m->end && start < m->end)
			m->end = start;
		if (m->start >= m->end)
			mapping_drop(at);
		else
			at = &m->next;
	}
}

static struct mapping *mapping_at(struct engine_kernel *k, uintptr_t addr)
{
	struct mapping *m = k->mappings;

	while (m && (addr < m->start || addr >= m->end))
		m = m->next;
	return m;
}

/* -- mmap -------------------------------------------------------------------- */

static int map_it(struct map *map, void **addr, size_t len, int prot, int flags, uint64_t off)
{
	struct arena *arena = map_arena(map);

	if (!arena)
		return map->v.ops->mmap(map, addr, len, prot, flags, off);
	if (flags & MAP_DISPLACED)
		return arena_mmap_displaced(arena, addr, prot);
	UA_TRY(arena_mmap(arena, addr, len, prot, flags, off));
	map_arena_sync(map);
	return 0;
}

static int mmap_listed(struct engine_kernel *k, struct map *map, void **addr, size_t len, int prot,
		       int flags, uint64_t off)
{
	struct mapping *m = mem_zalloc(sizeof(*m));
	int err;

	UA_FAIL_IF(!m, -ENOMEM);
	pthread_mutex_lock(&k->mem_lock);
	err = generic_checks(map, prot, flags);
	if (!err)
		err = map_it(map, addr, len, prot, flags, off);
	if (!err) {
		uintptr_t start = (uintptr_t)*addr;

		forget_range(k, start, start + len);
		*m = (struct mapping){.next = k->mappings,
				      .map = map_get(map),
				      .start = start,
				      .end = start + len,
				      .writable = prot & PROT_WRITE};
		if (m->writable)
			atomic_fetch_add(&map->writers, 1);
		k->mappings = m;
	}
	pthread_mutex_unlock(&k->mem_lock);
	if (err)
		mem_free(m);
	return err;
}

void *engine_mmap(struct kernel *kernel, void *addr, size_t len, int prot, int flags, int fd,
		  uint64_t off, int *err)
{
	struct engine_kernel *k = (struct engine_kernel *)kernel;
	struct map *map;

	*err = engine_get_map(k, (uint32_t)fd, &map);
	if (*err)
		return NULL;
	len = (len + ARENA_PAGE_SIZE - 1) & ~(size_t)(ARENA_PAGE_SIZE - 1);
	*err = len ? mmap_listed(k, map, &addr, len, prot, flags, off) : -EINVAL;
	map_put(map);
	return *err ? NULL : addr;
}

void *engine_mmap_displaced(struct kernel *kernel, int fd, int prot, int *err)
{
	struct engine_kernel *k = (struct engine_kernel *)kernel;
	void *addr = NULL;
	struct map *map;

	*err = engine_get_map(k, (uint32_t)fd, &map);
	if (*err)
		return NULL;
	*err = map_arena(map) ? mmap_listed(k, map, &addr, map->user_vm_end - map->user_vm_start,
					    prot, MAP_SHARED | MAP_DISPLACED, 0)
			      : -EINVAL;
	map_put(map);
	return *err ? NULL : addr;
}

/* -- munmap and freezing ------------------------------------------------------- */

/* An arena's view is the arena's to take down: it stops reacting to faults there. */
static int unmap(const struct mapping *m, void *addr, size_t len)
{
	struct arena *arena = m ? map_arena(m->map) : NULL;

	if (arena)
		return arena_munmap(arena, addr, len);
	return munmap(addr, len) ? -errno : 0;
}

int engine_munmap(struct kernel *kernel, void *addr, size_t len)
{
	struct engine_kernel *k = (struct engine_kernel *)kernel;
	uintptr_t start = (uintptr_t)addr;
	int err;

	len = (len + ARENA_PAGE_SIZE - 1) & ~(size_t)(ARENA_PAGE_SIZE - 1);
	pthread_mutex_lock(&k->mem_lock);
	err = unmap(mapping_at(k, start), addr, len);
	if (!err)
		forget_range(k, start, start + len);
	pthread_mutex_unlock(&k->mem_lock);
	return err;
}

void engine_unmap_all(struct engine_kernel *k)
{
	while (k->mappings) {
		struct mapping *m = k->mappings;
		int err = map_arena(m->map) ? unmap(m, (void *)m->start, m->end - m->start) : 0;

		if (err)
			log_debug("arena at %#lx: munmap: %d\n", (unsigned long)m->start, err);
		mapping_drop(&k->mappings);
	}
	pthread_mutex_destroy(&k->mem_lock);
}

static bool has_special(const struct map *map)
{
	return map->rec.spin_lock_off >= 0 || map->rec.res_spin_lock_off >= 0 ||
	       map->rec.timer_off >= 0 || map->rec.wq_off >= 0;
}

/* Writers count themselves before they look at `frozen`, so one of the two sees the other. */
int engine_freeze(struct engine_kernel *k, struct map *map)
{
	int thawed = 0, err = 0;

	UA_FAIL_IF(map->v.map_type == BPF_MAP_TYPE_STRUCT_OPS || has_special(map), -ENOTSUPP);
	pthread_mutex_lock(&k->mem_lock);
	if (!atomic_compare_exchange_strong(&map->frozen, &thawed, 1)) {
		err = -EPERM;
	} else {
		err = atomic_load(&map->writers) ? -EBUSY
		      : map->v.ops->freeze	 ? map->v.ops->freeze(map)
						 : 0;
		if (err)
			atomic_store(&map->frozen, 0);
	}
	pthread_mutex_unlock(&k->mem_lock);
	return err;
}
