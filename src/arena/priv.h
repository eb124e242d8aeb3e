/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside the arena: the struct, and what its files offer each other.
 *
 *   arena.c     create, get, put, mmap, munmap, pointer forms
 *   window.c    reservation, scratch overlay, eviction
 *   pages.c     allocate, free, reserve
 *   deferred.c  frees that may not sleep
 *   user.c      user faults and host faults: the page-state transitions of the handler
 *   trap.c      which addresses belong to whom; waiting for handlers in flight
 *   fault.c     the signal handler
 *   inspect.c   page map, counts, validation
 *
 * Locks, outermost first: arena.lock (free set, layout; never in a handler), space.map_lock
 * (mappings of this process; handlers take it, so normal context blocks signals).
 */
#ifndef UA_ARENA_PRIV_H
#define UA_ARENA_PRIV_H

#include <pthread.h>
#include "arena/range.h"
#include "arena/run.h"
#include "arena/space.h"

#define WINDOW_PAGES \
	(MAX_PAGES + ARENA_HALF_GUARD / ARENA_PAGE_SIZE) /* base to upper guard's end */
#define DEFAULT_SCRATCH_MAX 4096

struct arena {
	union {
		struct arena_head head;
		uint8_t *base; /* window base; the reservation starts half a guard below */
	};
	struct space space;
	_Atomic int refs;
	uint64_t max_entries;
	enum arena_scratch_policy policy;
	bool null_guard;
	uint32_t fork_gen;

	uint32_t first_window; /* window page of arena page 0 */
	_Atomic uint64_t user_start, user_end;

	pthread_mutex_t lock;
	struct range_set free;
	uint32_t log_head; /* of the shared log of changes; under lock */

	/* Scratch overlay, under space.map_lock. A ring of window pages, oldest first; an entry
	 * whose page has lost VIEW_OVERLAY is stale. */
	int scratch_fd;
	_Atomic uint8_t *win_flags; /* by window page */
	uint32_t *ring, ring_cap, ring_head, ring_len;

	_Atomic uint64_t n_deferred;
	struct trap *window_trap, *user_trap;
};

/* Forked children inherit the struct but none of the mappings. */
bool arena_is_ours(const struct arena *a);

/* Window pages are numbered from the base, arena pages from user_vm_start. */
static inline bool window_to_page(const struct arena *a, uint32_t w, uint32_t *page)
{
	*page = w - a->first_window;
	return *page < atomic_load_explicit(&a->space.n_pages, memory_order_acquire);
}

/* ---- window.c ---- */

int window_reserve(struct arena *a, uint32_t scratch_max);
int window_show(struct arena *a); /* once the place of the user view is known */
void window_release(struct arena *a);
/* Show the scratch page at window page w. map_lock held. [signal] */
int overlay_install(struct arena *a, uint32_t w);
/* Take it away again. map_lock held. [signal] */
int overlay_remove(struct arena *a, uint32_t w);

/* ---- user.c: what the fault handler does about an address ---- */

enum fault_verdict {
	FAULT_RETRY,   /* go back to the instruction */
	FAULT_FOREIGN, /* a SIGSEGV for whoever else cares */
};

enum fault_verdict user_fault(struct space *s, uint32_t page, bool stuck);
enum fault_verdict host_fault(struct arena *a, uint32_t w, bool is_write, struct run *run, void *uc,
			      bool stuck);
/* Scratch page in this process only, whatever the shared state: for pages outside the arena,
 * and when a hostile process keeps rewriting the state. */
enum fault_verdict host_fault_forced(struct arena *a, uint32_t w, bool is_write, struct run *run,
				     void *uc);
/* Fallback backends: is the page populated and only this view does not show it yet? Shows it. */
bool window_fault_stale(struct arena *a, uint32_t w);

/* ---- trap.c: address ranges the handler is responsible for ---- */

struct trap {
	_Atomic uintptr_t start, end; /* end 0: slot is free */
	struct space *space;
	bool window;
};

struct trap *trap_add(uintptr_t start, uintptr_t end, struct space *s, bool window);
/* Returns when no handler uses the slot or its space any more. */
void trap_remove(struct trap *t);
const struct trap *trap_find(uintptr_t addr); /* inside trap_enter()/trap_exit() */
unsigned int trap_enter(void);
void trap_exit(unsigned int token);
void trap_wait(void);	/* until the handlers that run now are through */
void trap_forked(void); /* in a child: nothing is ours */
uint32_t trap_fork_gen(void);

/* ---- deferred.c ---- */

void deferred_drain(struct arena *a);
void deferred_forked(void);

#endif
