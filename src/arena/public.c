/* SPDX-License-Identifier: BSD-2-Clause */
/* The arena part of uarena.h: a struct ua_arena is a struct arena. */
#include <errno.h>
#include <string.h>
#include "arena/access.h"
#include "arena/priv.h"
#include "uarena.h"

#define PAGE ((uint64_t)ARENA_PAGE_SIZE)

_Static_assert((int)UA_PAGE_HOLE == ARENA_PAGE_HOLE && (int)UA_PAGE_ALLOC == ARENA_PAGE_ALLOC &&
		       (int)UA_PAGE_RESERVED == ARENA_PAGE_RESERVED &&
		       (int)UA_PAGE_SCRATCH == ARENA_PAGE_SCRATCH,
	       "the page map is handed out as it is");

static struct arena *arena_of(struct ua_arena *arena)
{
	return (struct arena *)arena;
}

static const struct arena *arena_of_const(const struct ua_arena *arena)
{
	return (const struct arena *)arena;
}

/* -- Pointers ------------------------------------------------------------- */

void *ua_arena__window_base(const struct ua_arena *arena)
{
	return arena_window_base(arena_of_const(arena));
}

void *ua_arena__to_host(const struct ua_arena *arena, uint64_t ptr)
{
	return arena_window_base(arena_of_const(arena)) + arena_low(ptr);
}

uint64_t ua_arena__to_program(const struct ua_arena *arena, const void *host)
{
	const struct arena *a = arena_of_const(arena);
	uint64_t off = (uint64_t)((uintptr_t)host - (uintptr_t)arena_window_base(a));

	/* A user pointer has the right low half already. */
	return arena_to_user(a, off < ARENA_MAX_SIZE ? off : (uintptr_t)host);
}

void *ua_arena__to_user(const struct ua_arena *arena, const void *host)
{
	return (void *)ua_arena__to_program(arena, host);
}

/* -- Pages ---------------------------------------------------------------- */

uint64_t ua_arena__alloc_pages(struct ua_arena *arena, uint64_t addr, uint32_t n)
{
	return arena_alloc_pages(arena_of(arena), addr, n, -1, 0);
}

uint64_t ua_arena__alloc_pages_nosleep(struct ua_arena *arena, uint64_t addr, uint32_t n)
{
	return arena_alloc_pages(arena_of(arena), addr, n, -1, 0);
}

void ua_arena__free_pages(struct ua_arena *arena, uint64_t ptr, uint32_t n)
{
	arena_free_pages(arena_of(arena), ptr, n);
}

void ua_arena__free_pages_nosleep(struct ua_arena *arena, uint64_t ptr, uint32_t n)
{
	arena_free_pages_deferred(arena_of(arena), ptr, n);
}

void ua_arena__flush_frees(struct ua_arena *arena)
{
	arena_flush_deferred(arena_of(arena));
}

int ua_arena__reserve_pages(struct ua_arena *arena, uint64_t ptr, uint32_t n)
{
	return arena_reserve_pages(arena_of(arena), ptr, n);
}

/* -- Copying without recovery --------------------------------------------- */

/* False: a hole was hit; what lies before it has been copied. */
static bool copy_words(uint8_t *to, const uint8_t *from, size_t n, bool in)
{
	uint64_t v;

	while (n) {
		unsigned int step = n >= 8 ? 8 : 1;

		if (in) {
			memcpy(&v, from, step);
			if (!access_store(to, step, v))
				return false;
		} else {
			if (!access_load(from, step, &v))
				return false;
			memcpy(to, &v, step);
		}
		to += step;
		from += step;
		n -= step;
	}
	return true;
}

static uint8_t *checked_range(struct ua_arena *arena, uint64_t ptr, size_t n)
{
	if (n > ARENA_MAX_SIZE - arena_low(ptr))
		return NULL;
	return ua_arena__to_host(arena, ptr);
}

int ua_arena__copy_in(struct ua_arena *arena, uint64_t ptr, const void *src, size_t n)
{
	uint8_t *to = checked_range(arena, ptr, n);

	return to && copy_words(to, src, n, true) ? 0 : -EFAULT;
}

int ua_arena__copy_out(struct ua_arena *arena, void *dst, uint64_t ptr, size_t n)
{
	uint8_t *from = checked_range(arena, ptr, n);

	return from && copy_words(dst, from, n, false) ? 0 : -EFAULT;
}

bool ua_arena__range_populated(const struct ua_arena *arena, uint64_t ptr, size_t n)
{
	const struct arena *a = arena_of_const(arena);
	uint64_t pages = atomic_load(&a->space.n_pages);
	uint64_t off = arena_to_user(a, ptr) - arena_user_start(a);

	if (!arena_is_ours(a) || off >= pages * PAGE || n > pages * PAGE - off)
		return false;
	for (uint64_t p = off / PAGE; n && p <= (off + n - 1) / PAGE; p++)
		if (atomic_load(&a->space.shared->state[p]) != PAGE_ALLOC)
			return false;
	return true;
}

/* -- Questions ------------------------------------------------------------ */

int ua_arena__fd(const struct ua_arena *arena)
{
	return arena_memfd(arena_of_const(arena));
}

void *ua_arena__user_base(const struct ua_arena *arena)
{
	return (void *)arena_user_start(arena_of_const(arena));
}

void *ua_arena__view(const struct ua_arena *arena)
{
	return (void *)arena_view_start(arena_of_const(arena));
}

size_t ua_arena__size(const struct ua_arena *arena)
{
	const struct arena *a = arena_of_const(arena);

	return arena_user_end(a) - arena_user_start(a);
}

size_t ua_arena__populated(const struct ua_arena *arena)
{
	return arena_populated(arena_of_const(arena));
}

size_t ua_arena__page_map(struct ua_arena *arena, size_t first, uint8_t *kinds, size_t n)
{
	return arena_page_map(arena_of(arena), first, kinds, n);
}
