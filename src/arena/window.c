/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The window: its reservation, the mapping of the pages into it, and the scratch overlay.
 *
 * A dead address shows one page of a second memfd, the same page for all of an arena, mapped
 * over the window; the arena's memfd stays a hole there, so that no user view ever sees it.
 * Each overlay costs up to two mappings, hence the ring: past its capacity the oldest address
 * goes back to trapping, and comes back when it is touched again, because its state says
 * SCRATCH for ever.
 */
#include "arena/priv.h"

#include <sys/mman.h>
#include <unistd.h>
#include "base/base.h"

#define PAGE ((size_t)ARENA_PAGE_SIZE)
#define MARGIN ARENA_GUARD_SIZE /* keeps other mappings away from the end of the upper guard */
#define RESERVED (ARENA_MAX_SIZE + ARENA_GUARD_SIZE + MARGIN)

static uint8_t *window_addr(const struct arena *a, uint32_t w)
{
	return a->base + w * PAGE;
}

static int map_nothing(uint8_t *addr, size_t len)
{
	void *p = os_mmap(addr, len, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);

	UA_TRY(os_map_err(p));
	os_madvise(addr, len, MADV_DONTFORK);
	return 0;
}

/* -- Reservation ---------------------------------------------------------- */

static int reserve_addresses(struct arena *a)
{
	uint8_t *p = os_mmap(NULL, RESERVED, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			     -1, 0);
	int err = os_map_err(p);

	if (err) {
		log_warn("arena: cannot reserve 4 GiB of address space: %s\n", strerror(-err));
		return -ENOMEM;
	}
	os_madvise(p, RESERVED, MADV_DONTFORK);
	a->base = p + ARENA_HALF_GUARD;
	return 0;
}

static int open_scratch(struct arena *a, uint32_t max)
{
	a->ring_cap = max ? max : DEFAULT_SCRATCH_MAX;
	a->ring = mem_calloc(a->ring_cap, sizeof(*a->ring));
	a->win_flags = mem_calloc(WINDOW_PAGES, 1);
	UA_FAIL_IF(!a->ring || !a->win_flags, -ENOMEM);
	a->scratch_fd = os_memfd("uarena-scratch", PAGE);
	return a->scratch_fd < 0 ? a->scratch_fd : 0;
}

int window_reserve(struct arena *a, uint32_t scratch_max)
{
	UA_TRY(open_scratch(a, scratch_max));
	UA_TRY(reserve_addresses(a));
	a->window_trap = trap_add((uintptr_t)a->base, (uintptr_t)window_addr(a, WINDOW_PAGES),
				  &a->space, true);
	return a->window_trap ? 0 : -ENOMEM;
}

int window_show(struct arena *a)
{
	struct view *v = &a->space.window;

	v->space = &a->space;
	v->start = window_addr(a, a->first_window);
	v->flags = a->win_flags + a->first_window;
	v->prot = PROT_READ | PROT_WRITE;
	return space_map_view(&a->space, v, MAP_FIXED);
}

void window_release(struct arena *a)
{
	if (a->window_trap)
		trap_remove(a->window_trap);
	if (a->base)
		os_munmap(a->base - ARENA_HALF_GUARD, RESERVED);
	if (a->scratch_fd >= 0)
		close(a->scratch_fd);
	mem_free((void *)a->win_flags);
	mem_free(a->ring);
}

/* -- Overlay -------------------------------------------------------------- */

int overlay_remove(struct arena *a, uint32_t w)
{
	uint32_t page;

	if (!(atomic_fetch_and(&a->win_flags[w], (uint8_t)~VIEW_OVERLAY) & VIEW_OVERLAY))
		return 0;
	if (window_to_page(a, w, &page))
		return space_restore_page(&a->space, &a->space.window, page);
	return map_nothing(window_addr(a, w), PAGE);
}

/* A page that cannot be restored stays inaccessible, which traps as well. */
static bool evict_oldest(struct arena *a)
{
	uint32_t w;

	if (!a->ring_len)
		return false;
	w = a->ring[a->ring_head];
	a->ring_head = (a->ring_head + 1) % a->ring_cap;
	a->ring_len--;
	overlay_remove(a, w);
	return true;
}

static int map_scratch(struct arena *a, uint32_t w)
{
	uint8_t *addr = window_addr(a, w);
	int err = os_map_err(os_mmap(addr, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
				     a->scratch_fd, 0));

	if (!err)
		os_madvise(addr, PAGE, MADV_DONTFORK);
	return err;
}

int overlay_install(struct arena *a, uint32_t w)
{
	bool known = atomic_load(&a->win_flags[w]) & VIEW_OVERLAY;
	int err;

	if (!known && a->ring_len == a->ring_cap)
		evict_oldest(a);
	do {
		err = map_scratch(a, w);
	} while (err == -ENOMEM && evict_oldest(a));
	UA_TRY(err);
	if (known)
		return 0;
	a->ring[(a->ring_head + a->ring_len++) % a->ring_cap] = w;
	atomic_fetch_or(&a->win_flags[w], VIEW_OVERLAY);
	return 0;
}

void arena_hide_null(struct arena *a)
{
	uint64_t saved;

	os_lock(&a->space.map_lock, &saved);
	overlay_remove(a, 0);
	os_unlock(&a->space.map_lock, &saved);
}
