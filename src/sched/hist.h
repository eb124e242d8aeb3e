/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A log-linear histogram of 64-bit values: each power of two is cut into HIST_SUB equal
 * buckets. Values below HIST_SUB are exact; a quantile is off by at most half a bucket, that is
 * 1 / (2 * HIST_SUB) of the value: 0.8 %. Minimum, maximum and sum are exact.
 */
#ifndef UA_SCHED_HIST_H
#define UA_SCHED_HIST_H

#include <stdint.h>

#define HIST_SUB_BITS 6
#define HIST_SUB (1u << HIST_SUB_BITS)
#define HIST_BUCKETS ((64u - HIST_SUB_BITS + 1) * HIST_SUB)

struct hist {
	uint64_t n, sum, min, max;
	uint32_t counts[HIST_BUCKETS];
};

static inline uint32_t hist_bucket(uint64_t v)
{
	uint32_t shift;

	if (v < HIST_SUB)
		return (uint32_t)v;
	shift = 63u - (uint32_t)__builtin_clzll(v) - HIST_SUB_BITS;
	return (shift + 1) * HIST_SUB + (uint32_t)(v >> shift) - HIST_SUB;
}

static inline void hist_add(struct hist *h, uint64_t v)
{
	uint32_t *count = &h->counts[hist_bucket(v)];

	*count += *count != UINT32_MAX;
	h->min = !h->n || v < h->min ? v : h->min;
	h->max = v > h->max ? v : h->max;
	h->n++;
	h->sum += v;
}

/* The least and the greatest value of a bucket. */
uint64_t hist_low(uint32_t bucket);
uint64_t hist_high(uint32_t bucket);
/* The value below which `permille` of the values are, or 0 if there are none. */
uint64_t hist_quantile(const struct hist *h, uint32_t permille);
void hist_merge(struct hist *to, const struct hist *from);

#endif
