/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The arena: one sparse shared memory of up to 4 GiB and the views on it.
 *
 *   memfd            page i of the arena at file offset i * PAGE; behind 4 GiB the shared
 *                    header and the state bytes (state.h)
 *   window           [base - 32 KiB, base + 4 GiB + 32 KiB): how programs and host functions
 *                    reach it, at base + low 32 bits of the pointer
 *   user view        a process's mapping at user_vm_start, where full pointers are valid
 *
 * Page states and who may change them: state.h. Placement: range.h. Faults: fault.h.
 * All functions are thread-safe unless they say otherwise.
 */
#ifndef UA_ARENA_ARENA_H
#define UA_ARENA_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARENA_MAX_SIZE (1ull << 32)
#define ARENA_PAGE_SIZE 4096u
#define ARENA_GUARD_SIZE 65536u /* both guards together */
#define ARENA_HALF_GUARD (ARENA_GUARD_SIZE / 2)

struct arena;

enum arena_scratch_policy {
	ARENA_SCRATCH_DEAD,    /* a scratched address stays dead until the arena goes */
	ARENA_SCRATCH_REPLACE, /* a real allocation takes the address back */
};

/* Which way of trapping holes the window uses; AUTO takes the first that works. */
enum arena_backend {
	ARENA_BACKEND_AUTO,
	ARENA_BACKEND_UFFD,	/* userfaultfd, B in docs/window.md */
	ARENA_BACKEND_GUARD,	/* MADV_GUARD chunks, C2 */
	ARENA_BACKEND_MPROTECT, /* mmap per range with a VMA budget, A */
};

struct arena_opts {
	uint64_t max_entries; /* pages */
	uint64_t map_extra;   /* user_vm_start, 0 = first mmap decides */
	uint32_t map_flags;
	enum arena_scratch_policy scratch_policy;
	enum arena_backend backend;
	bool null_guard;      /* page at 32-bit address 0 stays a hole for ever */
	uint32_t scratch_max; /* mapped scratch pages before eviction, 0 = default 4096 */
};

/* Checks of spec order 2..8: -EINVAL, -E2BIG, -ERANGE, -ENOMEM; -EOPNOTSUPP if no way of
 * trapping works here. The caller owns one reference. */
int arena_create(const struct arena_opts *opts, struct arena **out);
struct arena *arena_get(struct arena *a);
void arena_put(struct arena *a); /* the last put unmaps everything and waits for deferred frees */

int arena_memfd(const struct arena *a); /* borrowed; the map's descriptor, passable to others */
uint32_t arena_flags(const struct arena *a);
uint64_t arena_max_entries(const struct arena *a);
uint64_t arena_user_start(const struct arena *a); /* 0 until known */
uint64_t arena_user_end(const struct arena *a);
uint64_t arena_populated(const struct arena *a); /* pages, scratch page excluded */

/* mmap/munmap of the map descriptor in this process, with the kernel's checks and errnos
 * (spec/arena.md 3). *addr: hint in, address out. prot/flags as mmap(2). */
int arena_mmap(struct arena *a, void **addr, size_t len, int prot, int flags, uint64_t offset);
int arena_munmap(struct arena *a, void *addr, size_t len);
/* When something else lives at user_vm_start in this process: the user view at an address of
 * the system's choice. Full pointers then need translating, everything else is as usual. */
int arena_mmap_displaced(struct arena *a, void **addr, int prot);
uint64_t arena_view_start(const struct arena *a); /* of this process's user view, 0: none */

/* Page kfuncs (spec/arena.md 5). Addresses are user-form pointers. */
uint64_t arena_alloc_pages(struct arena *a, uint64_t addr, uint32_t page_cnt, int node_id,
			   uint64_t flags);
void arena_free_pages(struct arena *a, uint64_t ptr, uint32_t page_cnt);
int arena_reserve_pages(struct arena *a, uint64_t ptr, uint32_t page_cnt);
/* Non-sleepable free: queued; pages stay mapped and counted until the worker ran. */
void arena_free_pages_deferred(struct arena *a, uint64_t ptr, uint32_t page_cnt);
void arena_flush_deferred(struct arena *a); /* returns when all queued frees are done */

/* What struct arena begins with, so that the engines and their tests need not know the rest. */
struct arena_head {
	uint8_t *window;
};
/* The kern_vm_start of the kernel. */
static inline uint8_t *arena_window_base(const struct arena *a)
{
	return ((const struct arena_head *)a)->window;
}

/* null_guard: make the NULL page a hole again, so that the next run's access is reported too. */
void arena_hide_null(struct arena *a);

/* Pointer forms. to_host of NULL (low half zero) is the base. */
static inline uint64_t arena_low(uint64_t p)
{
	return (uint32_t)p;
}
uint64_t arena_to_user(const struct arena *a, uint64_t p);

/* For tools: state of each page. Returns the number of pages written. */
enum arena_page_kind { ARENA_PAGE_HOLE, ARENA_PAGE_ALLOC, ARENA_PAGE_RESERVED, ARENA_PAGE_SCRATCH };
size_t arena_page_map(struct arena *a, uint64_t first, uint8_t *kinds, size_t n);

/* Whole-structure check for tests and debug builds: number of violated invariants. */
int arena_validate(struct arena *a);

#endif
