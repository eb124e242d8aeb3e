/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sub-allocator over arena pages: small host allocations that programs can reach.
 *
 * Sizes are rounded up to 8 bytes. The memory belongs to programs too, so not one byte of
 * bookkeeping lives in it: blocks are described by records on the host heap, and a pointer
 * that programs or the host corrupted or freed twice is refused, not followed.
 */
#ifndef UA_ARENA_POOL_H
#define UA_ARENA_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct pool;

#define POOL_GRANULE 8
#define POOL_GROW_PAGES 4

/* grow_pages: least number of pages taken from the arena at a time; 0 = POOL_GROW_PAGES. */
int pool_new(struct arena *arena, uint32_t grow_pages, struct pool **out);

/* Outstanding allocations become invalid. With give_back the pages return to the arena, else
 * they stay allocated until the arena goes, as Linux leaves those of a sched_ext scheduler. */
void pool_free_all(struct pool *pool, bool give_back);

/* Host pointer (window form), or NULL: size 0 or over 4 GiB, arena or heap exhausted. Without
 * may_grow only memory the pool already holds is used. Contents are what was there before;
 * fresh pages are zero. */
void *pool_alloc(struct pool *pool, size_t size, bool may_grow);

/* 0, or -EINVAL if ptr is not the start of a live allocation of this pool. */
int pool_release(struct pool *pool, void *ptr);

/* Bytes in live allocations, and pages held. */
void pool_usage(struct pool *pool, size_t *used, size_t *pages);

/* Whole-structure check: number of violated invariants. */
int pool_validate(struct pool *pool);

#endif
