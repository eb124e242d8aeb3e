/* SPDX-License-Identifier: BSD-2-Clause */
/* Log-linear histogram: what is asked of it after the run. */
#include "sched/hist.h"

#include "base/base.h"

uint64_t hist_low(uint32_t bucket)
{
	uint32_t shift = bucket / HIST_SUB;

	if (!shift)
		return bucket;
	return (uint64_t)(HIST_SUB + bucket % HIST_SUB) << (shift - 1);
}

uint64_t hist_high(uint32_t bucket)
{
	uint32_t shift = bucket / HIST_SUB;

	return hist_low(bucket) + ((UINT64_C(1) << (shift ? shift - 1 : 0)) - 1);
}

static uint64_t counted(const struct hist *h)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < HIST_BUCKETS; i++)
		n += h->counts[i];
	return n;
}

uint64_t hist_quantile(const struct hist *h, uint32_t permille)
{
	uint64_t total = counted(h), seen = 0, rank;
	uint32_t i = 0;

	if (!total)
		return 0;
	rank = (total * permille + 999) / 1000;
	rank = rank ? rank : 1;
	while ((seen += h->counts[i]) < rank)
		i++;
	rank = hist_low(i) + (hist_high(i) - hist_low(i)) / 2;
	return rank < h->min ? h->min : rank > h->max ? h->max : rank;
}

void hist_merge(struct hist *to, const struct hist *from)
{
	for (uint32_t i = 0; i < HIST_BUCKETS; i++) {
		uint64_t sum = (uint64_t)to->counts[i] + from->counts[i];

		to->counts[i] = sum > UINT32_MAX ? UINT32_MAX : (uint32_t)sum;
	}
	if (from->n)
		to->min = !to->n || from->min < to->min ? from->min : to->min;
	to->max = from->max > to->max ? from->max : to->max;
	to->n += from->n;
	to->sum += from->sum;
}
