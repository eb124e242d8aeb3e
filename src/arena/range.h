/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The set of free pages, kept as maximal ranges.
 *
 * Placement is Linux's: the smallest range that is long enough; among equally long ones that
 * which entered the set last; in it, from its lowest page. Ranges that touch are one range.
 * Every operation is O(log n) in the number of ranges. Not thread-safe.
 */
#ifndef UA_ARENA_RANGE_H
#define UA_ARENA_RANGE_H

#include <stdbool.h>
#include <stdint.h>

struct range_node;

struct range_set {
	struct range_node *by_start, *by_size;
	uint64_t clock; /* of insertions: decides among ranges of equal length */
	uint32_t seed;
	uint32_t n_ranges;
	uint64_t n_pages;
};

void range_init(struct range_set *set);
void range_destroy(struct range_set *set);

/* First page for an allocation of len pages, or -ENOENT. Does not take it. */
int64_t range_find(const struct range_set *set, uint32_t len);
/* Are all of [start, start + len) in the set? */
bool range_contains(const struct range_set *set, uint32_t start, uint32_t len);
/* Put pages in / take pages out; pages already there / absent are fine. 0, or -ENOMEM and the
 * set as it was. */
int range_add(struct range_set *set, uint32_t start, uint32_t len);
int range_remove(struct range_set *set, uint32_t start, uint32_t len);

/* First range that ends after `from`: false if none. Iterate with from = *start + *len. */
bool range_next(const struct range_set *set, uint32_t from, uint32_t *start, uint32_t *len);
/* Number of violated invariants of the structure itself. */
int range_validate(const struct range_set *set);

#endif
