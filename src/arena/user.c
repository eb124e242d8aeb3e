/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a fault does to a page: user accesses populate it, host accesses scratch it. Runs in
 * the signal handler with all signals blocked; the transitions are those of state.h.
 */
#include "arena/priv.h"

#include <errno.h>
#include "abi/bpf.h"

/* -- Pages that are there but not seen here ------------------------------- */

/* Guard, mprotect: another process populated the page, or this view never showed it. */
static bool show_page(struct space *s, struct view *v, uint32_t page)
{
	int err = -EAGAIN;

	os_lock_raw(&s->map_lock);
	if (atomic_load(&s->shared->state[page]) == PAGE_ALLOC)
		err = view_open(v, page, 1);
	os_unlock_raw(&s->map_lock);
	return err == 0 || err == -EAGAIN;
}

/* ALLOC, but the access keeps faulting: somebody with the descriptor punched the page away. */
static enum fault_verdict heal(struct space *s, struct view *v, uint32_t page)
{
	_Atomic uint8_t *state = &s->shared->state[page];
	uint32_t done;
	int err;

	if (!state_swap(state, PAGE_ALLOC, PAGE_UCLAIM))
		return FAULT_RETRY;
	err = space_populate(s, v, page, 1, &done);
	if (!state_swap(state, PAGE_UCLAIM, PAGE_ALLOC))
		state_swap(state, PAGE_USCRATCH, PAGE_SCRATCH);
	return err && err != -EEXIST ? FAULT_FOREIGN : FAULT_RETRY;
}

static enum fault_verdict populated_elsewhere(struct space *s, struct view *v, uint32_t page,
					      bool stuck)
{
	if (s->backend != ARENA_BACKEND_UFFD)
		return show_page(s, v, page) ? FAULT_RETRY : FAULT_FOREIGN;
	return stuck ? heal(s, v, page) : FAULT_RETRY;
}

bool window_fault_stale(struct arena *a, uint32_t w)
{
	struct space *s = &a->space;
	uint32_t page;

	if (s->backend == ARENA_BACKEND_UFFD || !window_to_page(a, w, &page))
		return false;
	if (atomic_load(&s->shared->state[page]) != PAGE_ALLOC || view_is_open(&s->window, page))
		return false;
	return show_page(s, &s->window, page);
}

/* -- User accesses -------------------------------------------------------- */

static enum fault_verdict populate_claimed(struct space *s, uint32_t page)
{
	_Atomic uint8_t *state = &s->shared->state[page];
	uint32_t done;
	int err = space_populate(s, &s->user, page, 1, &done);

	if (err && err != -EEXIST) {
		if (!state_swap(state, PAGE_UCLAIM, PAGE_EMPTY))
			state_swap(state, PAGE_USCRATCH, PAGE_SCRATCH);
		return FAULT_FOREIGN;
	}
	if (state_verdict(state, PAGE_UCLAIM, PAGE_ALLOC)) {
		dirty_mark(s->shared, page);
		return FAULT_RETRY;
	}
	space_withdraw(s, page, 1);
	state_swap(state, PAGE_USCRATCH, PAGE_SCRATCH);
	return FAULT_FOREIGN;
}

enum fault_verdict user_fault(struct space *s, uint32_t page, bool stuck)
{
	_Atomic uint8_t *state = &s->shared->state[page];
	uint8_t seen;

	if (page >= atomic_load(&s->n_pages))
		return FAULT_FOREIGN;
	seen = atomic_load(state);
	if (seen == PAGE_ALLOC)
		return populated_elsewhere(s, &s->user, page, stuck);
	if (s->map_flags & BPF_F_SEGV_ON_FAULT)
		return FAULT_FOREIGN;
	switch (seen) {
	case PAGE_EMPTY:
		return state_swap(state, PAGE_EMPTY, PAGE_UCLAIM) ? populate_claimed(s, page)
								  : FAULT_RETRY;
	case PAGE_CLAIM:
	case PAGE_UCLAIM:
	case PAGE_FREEING:
		os_yield();
		return FAULT_RETRY;
	default:
		return FAULT_FOREIGN;
	}
}

/* -- Host accesses -------------------------------------------------------- */

static void report(struct arena *a, uint32_t w, bool is_write, struct run *run, void *uc)
{
	if (run->violation)
		run->violation(run, arena_to_user(a, (uint64_t)w * ARENA_PAGE_SIZE), is_write, uc,
			       -1);
}

/* The NULL page is reported in every run that touches it: it is a hole again after this one. */
static void note_null(struct arena *a, uint32_t w, struct run *run)
{
	if (a->null_guard && w == 0)
		run->null_shown = a;
}

/* An overlay is only right while the state says so: with the replace policy the page may have
 * been allocated since the caller looked. */
static int install_if_scratch(struct arena *a, uint32_t w, uint32_t page)
{
	uint8_t s;
	int err = 0;

	os_lock_raw(&a->space.map_lock);
	s = atomic_load(&a->space.shared->state[page]);
	if (state_is_scratch(s) || s == PAGE_GUARD)
		err = overlay_install(a, w);
	os_unlock_raw(&a->space.map_lock);
	return err;
}

/* Addresses in the window that the arena has no page for, and the upper guard. */
enum fault_verdict host_fault_forced(struct arena *a, uint32_t w, bool is_write, struct run *run,
				     void *uc)
{
	bool first;
	int err;

	os_lock_raw(&a->space.map_lock);
	first = !(atomic_fetch_or(&a->win_flags[w], VIEW_OUTSIDE) & VIEW_OUTSIDE);
	err = overlay_install(a, w);
	os_unlock_raw(&a->space.map_lock);
	if (err)
		return FAULT_FOREIGN;
	note_null(a, w, run);
	if (first || (a->null_guard && w == 0))
		report(a, w, is_write, run, uc);
	return FAULT_RETRY;
}

enum fault_verdict host_fault(struct arena *a, uint32_t w, bool is_write, struct run *run, void *uc,
			      bool stuck)
{
	_Atomic uint8_t *state;
	bool won = false;
	uint32_t page;
	uint8_t seen;

	if (!window_to_page(a, w, &page))
		return host_fault_forced(a, w, is_write, run, uc);
	state = &a->space.shared->state[page];
	for (seen = atomic_load(state); !won; seen = atomic_load(state)) {
		if (seen == PAGE_ALLOC)
			return populated_elsewhere(&a->space, &a->space.window, page, stuck);
		if (seen == PAGE_GUARD || state_is_scratch(seen))
			break;
		won = state_swap(state, seen, seen == PAGE_UCLAIM ? PAGE_USCRATCH : PAGE_SCRATCH);
	}
	if (won)
		dirty_mark(a->space.shared, page);
	if (install_if_scratch(a, w, page))
		return FAULT_FOREIGN;
	note_null(a, w, run);
	if (won || seen == PAGE_GUARD)
		report(a, w, is_write, run, uc);
	return FAULT_RETRY;
}
