/* SPDX-License-Identifier: BSD-2-Clause */
/* Looking at an arena from outside: page map, populated pages, whole-structure check. */
#include "arena/pages.h"
#include "base/base.h"

#define PAGE ((uint64_t)ARENA_PAGE_SIZE)

static uint8_t kind_of(uint8_t state, bool is_free)
{
	if (state_is_scratch(state))
		return ARENA_PAGE_SCRATCH;
	if (state == PAGE_ALLOC || state == PAGE_FREEING || state == PAGE_UCLAIM ||
	    state == PAGE_CLAIM)
		return ARENA_PAGE_ALLOC;
	return is_free ? ARENA_PAGE_HOLE : ARENA_PAGE_RESERVED;
}

size_t arena_page_map(struct arena *a, uint64_t first, uint8_t *kinds, size_t n)
{
	uint64_t total = atomic_load(&a->space.n_pages);

	if (!arena_is_ours(a) || first >= total)
		return 0;
	n = min_t(uint64_t, n, total - first);
	pthread_mutex_lock(&a->lock);
	pages_sync(a);
	for (size_t i = 0; i < n; i++) {
		uint32_t page = (uint32_t)(first + i);

		kinds[i] = kind_of(atomic_load(&a->space.shared->state[page]),
				   range_contains(&a->free, page, 1));
	}
	pthread_mutex_unlock(&a->lock);
	return n;
}

static bool is_populated(uint8_t s)
{
	return s == PAGE_ALLOC || s == PAGE_FREEING;
}

/* Only the parts of the state table that exist are read, which would create the others. */
uint64_t arena_populated(const struct arena *a)
{
	uint64_t base = SHARED_OFFSET + offsetof(struct shared, state), count = 0;
	uint64_t end = base + atomic_load(&a->space.n_pages);
	int64_t at = (int64_t)base, stop;

	if (!arena_is_ours(a))
		return 0;
	while ((uint64_t)at < end && (at = os_seek(a->space.fd, (uint64_t)at, false)) >= 0) {
		stop = os_seek(a->space.fd, (uint64_t)at, true);
		if (stop < 0)
			break;
		for (; at < stop && (uint64_t)at < end; at++)
			count += is_populated(
				atomic_load(&a->space.shared->state[(uint64_t)at - base]));
	}
	return count;
}

/* -- Validation ----------------------------------------------------------- */

static int page_bad(struct arena *a, uint32_t page)
{
	uint8_t s = atomic_load(&a->space.shared->state[page]);
	bool memory = os_has_data(a->space.fd, page * PAGE, PAGE);
	bool is_free = range_contains(&a->free, page, 1);
	bool overlay = atomic_load(&a->win_flags[a->first_window + page]) & VIEW_OVERLAY;
	int bad = 0;

	bad += s > PAGE_GUARD;
	bad += s == PAGE_CLAIM || s == PAGE_UCLAIM || s == PAGE_FREEING || s == PAGE_USCRATCH;
	bad += is_free && s != PAGE_EMPTY &&
	       !(state_is_scratch(s) && a->policy == ARENA_SCRATCH_REPLACE);
	bad += s == PAGE_ALLOC && !memory;
	bad += (s == PAGE_EMPTY || s == PAGE_SCRATCH || s == PAGE_GUARD) && memory;
	bad += overlay && !state_is_scratch(s) && s != PAGE_GUARD;
	if (bad)
		log_debug("arena: page %u: state %u memory %d free %d overlay %d\n", page, s,
			  memory, is_free, overlay);
	return bad;
}

/* For an arena nobody changes meanwhile and no process without the client library has touched. */
int arena_validate(struct arena *a)
{
	uint32_t n = atomic_load(&a->space.n_pages);
	int bad = 0;

	if (!arena_is_ours(a))
		return 0;
	deferred_drain(a);
	pthread_mutex_lock(&a->lock);
	pages_sync(a);
	bad += range_validate(&a->free);
	for (uint32_t page = 0; page < n; page++)
		bad += page_bad(a, page);
	pthread_mutex_unlock(&a->lock);
	return bad;
}
