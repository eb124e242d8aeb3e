/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A space: what a process needs to trap holes of an arena, as its owner or as a client.
 *
 * Three ways of trapping sit behind these functions. With userfaultfd a mapping is registered
 * once and pages appear by being populated. With guard markers and with mprotect each view
 * has to be opened and closed page by page, and learns lazily (in the fault handler) of pages
 * that another process populated.
 */
#ifndef UA_ARENA_SPACE_H
#define UA_ARENA_SPACE_H

#include <sys/types.h>
#include "arena/state.h"
#include "os/os.h"

/* Private per-page flags of a view; written under map_lock. */
#define VIEW_OPEN 1	 /* guard, mprotect: accessible */
#define VIEW_CHUNK 2	 /* guard: on the first page of a chunk that has its markers */
#define VIEW_OVERLAY 4	 /* window: shows the scratch page */
#define VIEW_OUTSIDE 8	 /* window: scratched, outside the arena's pages */
#define VIEW_INFLIGHT 16 /* window: being allocated right now; under the arena's lock */

/* One mapping of the pages: page i is at start + i * ARENA_PAGE_SIZE. */
struct view {
	struct space *space;
	uint8_t *start; /* NULL while not mapped */
	uint32_t n_pages;
	int prot;
	_Atomic uint8_t *flags; /* by page; user views have them only where they are needed */
};

struct space {
	int fd;	  /* memfd */
	int uffd; /* -1 without */
	enum arena_backend backend;
	uint32_t map_flags;
	struct shared *shared;
	uint32_t n_states;
	_Atomic uint32_t n_pages; /* usable; 0 until the user view's place is known */
	struct os_lock map_lock;  /* this process's mappings and view flags */
	struct view user;	  /* start NULL while not mapped */
	struct view window;	  /* owner: the part of the window that shows the pages */
	struct arena *arena;	  /* owner only */
	ino_t ino;		  /* of fd: a host that closes descriptors must not cost data */
	atomic_bool broken;	  /* descriptors were closed behind our back */
};

/* Choose and open a way of trapping. 0, or -EOPNOTSUPP with a logged reason. */
int space_open_backend(struct space *s, enum arena_backend want);
/* Map v->n_pages pages at v->start with holes trapped from the first instant; v->flags are set
 * up by the caller. map_flags: MAP_FIXED or MAP_FIXED_NOREPLACE. */
int space_map_view(struct space *s, struct view *v, int map_flags);
/* Put the trapping mapping of one window page back (overlay gone). map_lock held. [signal] */
int space_restore_page(struct space *s, struct view *v, uint32_t page);

/*
 * Create zero memory for [first, first + n), all claimed by the caller. *done: pages done.
 * -EEXIST: page first + *done has memory already; -ENOENT: overlaid by the scratch page.
 * via: view to create it through. [signal]
 */
int space_populate(struct space *s, struct view *via, uint32_t first, uint32_t n, uint32_t *done);
/* Close our views on [first, first + n) and remove the memory for every process. The caller
 * holds no map_lock. [signal] */
int space_withdraw(struct space *s, uint32_t first, uint32_t n);
/* Are our descriptors still ours? Logs and remembers once they are not. */
bool space_intact(struct space *s);

/* Guard, mprotect: let accesses through / trap them again; no-ops with userfaultfd and for
 * views that are not mapped. map_lock held. [signal] */
int view_open(struct view *v, uint32_t first, uint32_t n);
void view_close(struct view *v, uint32_t first, uint32_t n);
static inline bool view_is_open(const struct view *v, uint32_t page)
{
	return v->flags && (atomic_load(&v->flags[page]) & VIEW_OPEN);
}

#endif
