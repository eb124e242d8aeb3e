/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmasks: sets of cids over a range [base, base + nr_cids), the layout that programs see.
 *
 * bits[0] starts at base rounded down to 64, so bit (cid & 63) of word (cid/64 - base/64)
 * stands for cid; bits outside the range are zero. Operations on two masks touch only the
 * intersection of their ranges (spec: kernel 7.2, sched/ext/cid.h).
 *
 * Masks may live in an arena, where programs write to them while the host reads: bounds come
 * from the caller's copy of base and nr_cids, never from the memory twice.
 */
#ifndef UA_SCHED_CMASK_H
#define UA_SCHED_CMASK_H

#include <stdbool.h>
#include <stdint.h>

struct scx_cmask;

/* Words of bits[] that a mask of n cids needs whatever its base. */
static inline uint32_t cmask_words(uint32_t n)
{
	return (n + 63) / 64 + 1;
}

static inline uint32_t cmask_bytes(uint32_t n)
{
	return 16 + cmask_words(n) * 8;
}

void cmask_init(struct scx_cmask *m, uint32_t base, uint32_t nr_cids, uint32_t alloc_words);
/* Change the range, emptying the mask. -EINVAL if bits[] is too small for it. */
int cmask_reframe(struct scx_cmask *m, uint32_t base, uint32_t nr_cids);
bool cmask_test(const struct scx_cmask *m, uint32_t cid); /* false outside the range */
void cmask_set(struct scx_cmask *m, uint32_t cid);	  /* ignored outside the range */
void cmask_clear(struct scx_cmask *m, uint32_t cid);
void cmask_zero(struct scx_cmask *m);
void cmask_fill(struct scx_cmask *m);
void cmask_and(struct scx_cmask *dst, const struct scx_cmask *src);
void cmask_or(struct scx_cmask *dst, const struct scx_cmask *src);
void cmask_andnot(struct scx_cmask *dst, const struct scx_cmask *src);
void cmask_copy(struct scx_cmask *dst, const struct scx_cmask *src);
bool cmask_subset(const struct scx_cmask *a, const struct scx_cmask *b); /* a within b */
bool cmask_intersects(const struct scx_cmask *a, const struct scx_cmask *b);
bool cmask_empty(const struct scx_cmask *m);
/* First member >= cid, or base + nr_cids. */
uint32_t cmask_next(const struct scx_cmask *m, uint32_t cid);
uint32_t cmask_weight(const struct scx_cmask *m);

#endif
