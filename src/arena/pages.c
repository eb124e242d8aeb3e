/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Allocate, free, reserve.
 *
 * The lock covers the choice of pages and their first state change; memory is created and
 * removed outside it, so that two allocations populate in parallel. In between the pages are
 * marked in flight (a private flag: other processes cannot forge it), which keeps a free that
 * names them out of the way.
 */
#include "arena/pages.h"

#include <errno.h>
#include "base/base.h"

#define CLAIM_WAIT_NS 100000000ull /* for a user fault of a process that does not go on */
#define FREE_BATCH 512u
#define LOWEST_FREE (-1)

static _Atomic uint8_t *state_of(struct arena *a, uint32_t page)
{
	return &a->space.shared->state[page];
}

static bool in_flight(struct arena *a, uint32_t page)
{
	return atomic_load(&a->win_flags[a->first_window + page]) & VIEW_INFLIGHT;
}

static void set_in_flight(struct arena *a, uint32_t page, bool on)
{
	_Atomic uint8_t *flags = &a->win_flags[a->first_window + page];

	if (on)
		atomic_fetch_or(flags, VIEW_INFLIGHT);
	else
		atomic_fetch_and(flags, (uint8_t)~VIEW_INFLIGHT);
}

/* May a page in this state be allocated again? */
static bool is_dead(const struct arena *a, uint8_t s)
{
	return s == PAGE_GUARD || (state_is_scratch(s) && a->policy == ARENA_SCRATCH_DEAD);
}

static void sync_page(struct arena *a, uint32_t page)
{
	uint32_t n_pages = atomic_load(&a->space.n_pages);
	uint8_t s = page < n_pages ? atomic_load(state_of(a, page)) : PAGE_EMPTY;

	/* Without memory for the split the page is found out when it is claimed. */
	if (s == PAGE_ALLOC || is_dead(a, s))
		(void)range_remove(&a->free, page, 1);
}

/* In the order in which they changed hands, as far as it is known. */
static void sync_logged(struct arena *a)
{
	struct shared_header *h = &a->space.shared->head;
	uint32_t tail = atomic_load(&h->log_tail);

	if (tail - a->log_head > DIRTY_LOG)
		a->log_head = tail;
	for (; a->log_head != tail; a->log_head++) {
		uint32_t logged = atomic_exchange(&h->log[a->log_head % DIRTY_LOG], 0);

		if (logged)
			sync_page(a, logged - 1);
	}
}

void pages_sync(struct arena *a)
{
	uint32_t page;

	sync_logged(a);
	/* Bounded, because another process can set marks as fast as we take them. */
	for (uint32_t i = 0; i < MAX_PAGES && dirty_take(a->space.shared, &page); i++)
		sync_page(a, page);
}

/* -- Claiming ------------------------------------------------------------- */

/* Replace policy: take a page back from the scratch overlay. Views that open page by page show
 * it again if it has memory. */
static bool reclaim_scratch(struct arena *a, uint32_t page, bool populated)
{
	uint64_t saved;
	bool won;

	os_lock(&a->space.map_lock, &saved);
	won = state_swap(state_of(a, page), PAGE_SCRATCH, PAGE_CLAIM);
	if (won) {
		overlay_remove(a, a->first_window + page);
		if (populated)
			(void)view_open(&a->space.window, page, 1);
	}
	os_unlock(&a->space.map_lock, &saved);
	return won;
}

static bool claim_page(struct arena *a, uint32_t page)
{
	uint64_t deadline = 0;

	for (;;) {
		uint8_t s = atomic_load(state_of(a, page));

		if (s == PAGE_EMPTY && state_swap(state_of(a, page), s, PAGE_CLAIM))
			return true;
		if (s == PAGE_SCRATCH && a->policy == ARENA_SCRATCH_REPLACE &&
		    reclaim_scratch(a, page, false))
			return true;
		if (s == PAGE_UCLAIM) { /* about to become ALLOC, or EMPTY again */
			deadline = deadline ? deadline : os_now_ns() + CLAIM_WAIT_NS;
			if (os_now_ns() > deadline)
				return false;
			os_yield();
			continue;
		}
		if (s != PAGE_EMPTY && (s != PAGE_SCRATCH || a->policy == ARENA_SCRATCH_DEAD))
			return false;
	}
}

/* Claim all or none; the page that stood in the way in *blocked. */
static bool claim_range(struct arena *a, uint32_t first, uint32_t n, uint32_t *blocked)
{
	for (uint32_t i = 0; i < n; i++) {
		if (claim_page(a, first + i))
			continue;
		*blocked = first + i;
		while (i--)
			state_swap(state_of(a, first + i), PAGE_CLAIM, PAGE_EMPTY);
		return false;
	}
	return true;
}

/* Lock held. Choose, claim and take [*first, *first + n) out of the free set. */
static int take_range(struct arena *a, int64_t want, uint32_t n, uint32_t *first)
{
	uint32_t blocked;
	int64_t at;
	int err;

	pages_sync(a);
	for (;;) {
		at = want == LOWEST_FREE ? range_find(&a->free, n) : want;
		UA_FAIL_IF(at < 0, (int)at);
		UA_FAIL_IF(!range_contains(&a->free, (uint32_t)at, n), -EBUSY);
		if (claim_range(a, (uint32_t)at, n, &blocked))
			break;
		UA_TRY(range_remove(&a->free, blocked, 1));
	}
	err = range_remove(&a->free, (uint32_t)at, n);
	for (uint32_t i = 0; i < n; i++) {
		if (err)
			state_swap(state_of(a, (uint32_t)at + i), PAGE_CLAIM, PAGE_EMPTY);
		else
			set_in_flight(a, (uint32_t)at + i, true);
	}
	*first = (uint32_t)at;
	return err;
}

/* -- Populating ----------------------------------------------------------- */

/* A page that cannot be populated where it is. 0: try it again. */
static int unpopulated(struct arena *a, uint32_t page, int err)
{
	if (err == -EEXIST) { /* a process without the client library touched it: its page now */
		state_swap(state_of(a, page), PAGE_CLAIM, PAGE_ALLOC);
		return -EBUSY;
	}
	if (err != -ENOENT)
		return err;
	if (state_is_scratch(atomic_load(state_of(a, page))))
		return a->policy == ARENA_SCRATCH_REPLACE && reclaim_scratch(a, page, false)
			       ? 0
			       : -EBUSY;
	return space_intact(&a->space) ? -ENOENT : -EBADF;
}

/* Create memory for claimed pages. -EBUSY: some of them went to others. */
static int populate_range(struct arena *a, uint32_t first, uint32_t n)
{
	uint32_t at = 0, done, step = n;
	int ret = 0;

	while (at < n) {
		uint32_t len = min_t(uint32_t, step, n - at);
		int err = space_populate(&a->space, &a->space.window, first + at, len, &done);

		at += done;
		if (!err)
			continue;
		if (err == -ENOENT && len - done > 1) { /* an overlay somewhere in the range */
			step = (len + 1) / 2;
			continue;
		}
		err = unpopulated(a, first + at, err);
		if (err && err != -EBUSY)
			return err;
		ret = err ? err : ret;
		at += err ? 1 : 0;
	}
	return ret;
}

/* CLAIM -> ALLOC for all; -EBUSY and how many made it when a host access took one. */
static int publish_range(struct arena *a, uint32_t first, uint32_t n, uint32_t *published)
{
	for (*published = 0; *published < n; ++*published) {
		uint32_t page = first + *published;

		while (!state_verdict(state_of(a, page), PAGE_CLAIM, PAGE_ALLOC))
			if (a->policy != ARENA_SCRATCH_REPLACE || !reclaim_scratch(a, page, true))
				return -EBUSY;
	}
	return 0;
}

/* Undo an allocation. Pages from `published` on that are ALLOC belong to somebody else. */
static void roll_back(struct arena *a, uint32_t first, uint32_t n, uint32_t published)
{
	for (uint32_t i = 0; i < published; i++)
		state_swap(state_of(a, first + i), PAGE_ALLOC, PAGE_CLAIM);
	for (uint32_t i = 0, run; i < n; i += run + 1) {
		for (run = 0; i + run < n; run++)
			if (atomic_load(state_of(a, first + i + run)) == PAGE_ALLOC)
				break;
		if (run)
			space_withdraw(&a->space, first + i, run);
	}
	pthread_mutex_lock(&a->lock);
	for (uint32_t page = first; page < first + n; page++) {
		bool ours = state_swap(state_of(a, page), PAGE_CLAIM, PAGE_EMPTY);
		uint8_t s = atomic_load(state_of(a, page));

		set_in_flight(a, page, false);
		if (ours || (state_is_scratch(s) && !is_dead(a, s)))
			(void)range_add(&a->free, page, 1);
	}
	pthread_mutex_unlock(&a->lock);
}

static int alloc_once(struct arena *a, int64_t want, uint32_t n, uint32_t *first)
{
	uint32_t published = 0;
	int err;

	pthread_mutex_lock(&a->lock);
	err = take_range(a, want, n, first);
	pthread_mutex_unlock(&a->lock);
	UA_FAIL_IF(err == -EBUSY && want == LOWEST_FREE, -ENOENT);
	UA_TRY(err);
	err = populate_range(a, *first, n);
	if (!err)
		err = publish_range(a, *first, n, &published);
	if (err) {
		roll_back(a, *first, n, published);
		return err;
	}
	for (uint32_t i = 0; i < n; i++)
		set_in_flight(a, *first + i, false);
	return 0;
}

/* -EBUSY for a named place means no; for any place it means another one. */
static int alloc_range(struct arena *a, int64_t want, uint32_t n, uint32_t *first)
{
	int err;

	do {
		err = alloc_once(a, want, n, first);
	} while (err == -EBUSY && want == LOWEST_FREE);
	return err;
}

/* -- Freeing -------------------------------------------------------------- */

struct batch {
	uint32_t first, n;
	bool mine[FREE_BATCH];
};

/* Lock held. Pages we free now become ours; those that only were reserved are free at once. */
static void start_free(struct arena *a, struct batch *b)
{
	for (uint32_t i = 0; i < b->n; i++) {
		uint32_t page = b->first + i;
		uint8_t s = atomic_load(state_of(a, page));

		b->mine[i] = false;
		if (in_flight(a, page))
			continue;
		if (s == PAGE_ALLOC && state_swap(state_of(a, page), s, PAGE_FREEING)) {
			b->mine[i] = true;
			set_in_flight(a, page, true);
		} else if (s == PAGE_EMPTY || (state_is_scratch(s) && !is_dead(a, s))) {
			(void)range_add(&a->free, page, 1);
		}
	}
}

/* One call per contiguous run: every one interrupts all CPUs that run this process. */
static int withdraw_runs(struct arena *a, const struct batch *b)
{
	for (uint32_t i = 0, run; i < b->n; i += run + 1) {
		for (run = 0; i + run < b->n && b->mine[i + run];)
			run++;
		if (run)
			UA_TRY(space_withdraw(&a->space, b->first + i, run));
	}
	return 0;
}

static void finish_free(struct arena *a, const struct batch *b, bool withdrawn)
{
	pthread_mutex_lock(&a->lock);
	for (uint32_t i = 0; i < b->n; i++) {
		uint32_t page = b->first + i;
		bool freed;

		if (!b->mine[i])
			continue;
		set_in_flight(a, page, false);
		if (!withdrawn) {
			state_swap(state_of(a, page), PAGE_FREEING, PAGE_ALLOC);
			continue;
		}
		freed = state_verdict(state_of(a, page), PAGE_FREEING, PAGE_EMPTY);
		if (freed || a->policy == ARENA_SCRATCH_REPLACE)
			(void)range_add(&a->free, page, 1);
	}
	pthread_mutex_unlock(&a->lock);
}

void pages_free_range(struct arena *a, uint32_t first, uint32_t n)
{
	struct batch b;

	if (!space_intact(&a->space))
		return;
	for (uint32_t at = 0; at < n; at += b.n) {
		b.first = first + at;
		b.n = min_t(uint32_t, n - at, FREE_BATCH);
		pthread_mutex_lock(&a->lock);
		pages_sync(a);
		start_free(a, &b);
		pthread_mutex_unlock(&a->lock);
		finish_free(a, &b, !withdraw_runs(a, &b));
	}
}

/* -- The kfuncs' view ----------------------------------------------------- */

static uint32_t page_index(const struct arena *a, uint64_t ptr)
{
	return (uint32_t)((uint32_t)ptr - (uint32_t)atomic_load(&a->user_start)) / ARENA_PAGE_SIZE;
}

uint64_t arena_alloc_pages(struct arena *a, uint64_t addr, uint32_t page_cnt, int node_id,
			   uint64_t flags)
{
	uint32_t total = atomic_load(&a->space.n_pages), first = 0;
	int64_t want = LOWEST_FREE;

	if (!arena_is_ours(a) || flags || !page_cnt || page_cnt > total)
		return 0;
	if (node_id != -1 && !os_node_online(node_id))
		return 0;
	if (addr) {
		want = page_index(a, addr);
		if (addr % ARENA_PAGE_SIZE || want > (int64_t)total - page_cnt)
			return 0;
	}
	if (alloc_range(a, want, page_cnt, &first))
		return 0;
	return arena_to_user(a, atomic_load(&a->user_start) + (uint64_t)first * ARENA_PAGE_SIZE);
}

bool pages_to_free(const struct arena *a, uint64_t ptr, uint32_t page_cnt, uint32_t *first,
		   uint32_t *n)
{
	uint64_t start = atomic_load(&a->user_start);
	uint32_t total = atomic_load(&a->space.n_pages);
	uint64_t user = arena_to_user(a, ptr & ~(uint64_t)(ARENA_PAGE_SIZE - 1));

	if (!ptr || !page_cnt || user < start || (user - start) / ARENA_PAGE_SIZE >= total)
		return false;
	*first = (uint32_t)((user - start) / ARENA_PAGE_SIZE);
	*n = min_t(uint32_t, page_cnt, total - *first);
	return true;
}

void arena_free_pages(struct arena *a, uint64_t ptr, uint32_t page_cnt)
{
	uint32_t first, n;

	if (arena_is_ours(a) && pages_to_free(a, ptr, page_cnt, &first, &n))
		pages_free_range(a, first, n);
}

int arena_reserve_pages(struct arena *a, uint64_t ptr, uint32_t page_cnt)
{
	uint32_t total = atomic_load(&a->space.n_pages);
	uint32_t first = page_index(a, ptr);
	int err = -EBUSY;

	if (!page_cnt || ptr % ARENA_PAGE_SIZE)
		return 0;
	UA_FAIL_IF(!arena_is_ours(a) || (uint64_t)first + page_cnt > total, -EINVAL);
	pthread_mutex_lock(&a->lock);
	pages_sync(a);
	if (range_contains(&a->free, first, page_cnt))
		err = range_remove(&a->free, first, page_cnt);
	pthread_mutex_unlock(&a->lock);
	return err;
}
