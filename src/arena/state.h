/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What processes share about an arena besides its pages: geometry, one state byte per page,
 * and which pages changed hands without the allocator. It lives in the memfd behind the 4 GiB
 * of page data, so that whoever holds the descriptor has it.
 *
 * Everybody who holds the descriptor can also scribble on it. The owner therefore never reads
 * the geometry back, and no value of a state byte can make it do worse than lose a page.
 *
 * Page states
 *
 *   EMPTY    no memory; free, or reserved (the owner's range set knows which)
 *   CLAIM    the owner's allocator is populating it
 *   UCLAIM   a user fault is populating it
 *   ALLOC    populated, accessible to all
 *   FREEING  memory is being removed
 *   SCRATCH  a host access hit the hole: dead, the window shows the scratch page
 *   USCRATCH same, taken from a user fault that still has to remove what it populated
 *   GUARD    the NULL page under null_guard: a hole for ever
 *
 *        alloc            EMPTY -> CLAIM, populate, CLAIM -> ALLOC
 *        user fault       EMPTY -> UCLAIM, populate, UCLAIM -> ALLOC
 *        free             ALLOC -> FREEING, punch, FREEING -> EMPTY
 *        host access      EMPTY | CLAIM | FREEING -> SCRATCH,  UCLAIM -> USCRATCH
 *        user fault lost  punch, USCRATCH -> SCRATCH
 *
 * Every arrow is one compare-and-swap. The host access never waits: by taking the page it
 * orders itself before the allocation or after the free. The second swap of the others is the
 * verdict; whoever loses it removes the memory again. Memory is only created by whoever holds
 * a claim, and is gone before a page is EMPTY; both matter, see docs/window.md.
 */
#ifndef UA_ARENA_STATE_H
#define UA_ARENA_STATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "arena/arena.h"

enum page_state {
	PAGE_EMPTY,
	PAGE_CLAIM,
	PAGE_UCLAIM,
	PAGE_ALLOC,
	PAGE_FREEING,
	PAGE_SCRATCH,
	PAGE_USCRATCH,
	PAGE_GUARD,
};

static inline bool state_is_scratch(uint8_t s)
{
	return s == PAGE_SCRATCH || s == PAGE_USCRATCH;
}

/*
 * The two deciding swaps are made through this function, so that the control of the stress
 * test can show what happens without them.
 */
static inline bool state_verdict(_Atomic uint8_t *state, uint8_t from, uint8_t to)
{
#ifdef UA_WEAKEN_VERDICT
	(void)from;
	atomic_store(state, to);
	return true;
#else
	return atomic_compare_exchange_strong(state, &from, to);
#endif
}

static inline bool state_swap(_Atomic uint8_t *state, uint8_t from, uint8_t to)
{
	return atomic_compare_exchange_strong(state, &from, to);
}

/* -- Layout --------------------------------------------------------------- */

#define SHARED_MAGIC 0x616e657261617531ull
#define SHARED_VERSION 1
#define SHARED_OFFSET ARENA_MAX_SIZE /* in the memfd */
#define MAX_PAGES (1u << 20)
#define DIRTY_LEAVES (MAX_PAGES / 64)
#define DIRTY_SUMS (DIRTY_LEAVES / 64)
#define DIRTY_TOPS (DIRTY_SUMS / 64)
#define DIRTY_LOG 512 /* a power of two */

struct shared_header {
	uint64_t magic;
	uint32_t version;
	uint32_t page_size;
	uint32_t map_flags;
	uint32_t n_states;
	_Atomic uint64_t user_start; /* 0 until known */
	_Atomic uint64_t user_size;
	/* The last changes of hands in their order: page + 1, 0 = taken or not yet written. */
	_Atomic uint32_t log_tail;
	_Atomic uint32_t log[DIRTY_LOG];
};

struct shared {
	union {
		struct shared_header head;
		uint8_t head_page[ARENA_PAGE_SIZE];
	};
	_Atomic uint64_t dirty_top[DIRTY_TOPS];	   /* a bit per 64 sums */
	_Atomic uint64_t dirty_sum[DIRTY_SUMS];	   /* a bit per leaf */
	_Atomic uint64_t dirty_leaf[DIRTY_LEAVES]; /* a bit per page */
	uint64_t pad[ARENA_PAGE_SIZE / 8 - (DIRTY_TOPS + DIRTY_SUMS) % (ARENA_PAGE_SIZE / 8)];
	_Atomic uint8_t state[];
};
_Static_assert(sizeof(struct shared) % ARENA_PAGE_SIZE == 0, "state bytes start a page");

static inline size_t shared_size(uint32_t n_states)
{
	size_t size = sizeof(struct shared) + n_states;

	return (size + ARENA_PAGE_SIZE - 1) & ~(size_t)(ARENA_PAGE_SIZE - 1);
}

/* -- Pages that changed hands outside the allocator ----------------------- */

/*
 * Note that page became ALLOC or SCRATCH; the allocator looks before it chooses. The bits are
 * the truth. The log keeps the order, on which placement depends where two free ranges have
 * the same length; when more pages changed hands at once than it holds, order is lost. [signal]
 */
static inline void dirty_mark(struct shared *sh, uint32_t page)
{
	uint32_t leaf = page / 64, sum = leaf / 64;

	atomic_fetch_or(&sh->dirty_leaf[leaf], 1ull << page % 64);
	atomic_fetch_or(&sh->dirty_sum[sum], 1ull << leaf % 64);
	atomic_fetch_or(&sh->dirty_top[sum / 64], 1ull << sum % 64);
	atomic_store(&sh->head.log[atomic_fetch_add(&sh->head.log_tail, 1) % DIRTY_LOG], page + 1);
}

/* Take the marks one by one: false when there is none. */
bool dirty_take(struct shared *sh, uint32_t *page);

#endif
