/* SPDX-License-Identifier: BSD-2-Clause */
/* The histogram: buckets tile the numbers, quantiles keep the promised error bound. */
#include <inttypes.h>

#include "base/base.h"
#include "sched/hist.h"

#define CHECK(cond, ...)                                      \
	do {                                                  \
		if (!(cond)) {                                \
			fprintf(stderr, "%s: ", #cond);       \
			fprintf(stderr, __VA_ARGS__);         \
			fprintf(stderr, " (%d)\n", __LINE__); \
			exit(1);                              \
		}                                             \
	} while (0)

static uint64_t state = 1;

static uint64_t next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static void check_buckets(void)
{
	for (uint32_t i = 0; i < HIST_BUCKETS; i++) {
		CHECK(hist_low(i) <= hist_high(i), "bucket %" PRIu32, i);
		CHECK(hist_bucket(hist_low(i)) == i, "low of %" PRIu32, i);
		CHECK(hist_bucket(hist_high(i)) == i, "high of %" PRIu32, i);
		if (i)
			CHECK(hist_low(i) == hist_high(i - 1) + 1, "gap before %" PRIu32, i);
	}
	CHECK(hist_high(HIST_BUCKETS - 1) == UINT64_MAX, "the last");
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Values of all magnitudes; half a bucket is 1 / (2 * HIST_SUB). */
static void check_quantiles(void)
{
	static uint64_t values[5000];
	static struct hist h;
	static const uint32_t permille[] = {0, 1, 10, 500, 900, 990, 999, 1000};

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		values[i] = next() >> (next() % 60);
		hist_add(&h, values[i]);
	}
	qsort(values, ARRAY_SIZE(values), sizeof(values[0]), compare);
	for (size_t i = 0; i < ARRAY_SIZE(permille); i++) {
		size_t rank = (ARRAY_SIZE(values) * permille[i] + 999) / 1000;
		uint64_t exact = values[rank ? rank - 1 : 0];
		uint64_t got = hist_quantile(&h, permille[i]);
		uint64_t off = got > exact ? got - exact : exact - got;

		CHECK(off <= exact / (2 * HIST_SUB) + 1,
		      "quantile %" PRIu32 ": %" PRIu64 " instead of %" PRIu64, permille[i], got,
		      exact);
	}
	CHECK(h.min == values[0] && h.max == values[ARRAY_SIZE(values) - 1], "min, max");
}

static void check_few(void)
{
	static struct hist none, one, sum;

	CHECK(!hist_quantile(&none, 500), "of nothing");
	hist_add(&one, 123456789);
	CHECK(hist_quantile(&one, 500) == 123456789, "one value is its own quantile");
	CHECK(hist_quantile(&one, 990) == 123456789, "one value is its own quantile");
	hist_merge(&sum, &one);
	hist_merge(&sum, &none);
	hist_add(&one, 5);
	hist_merge(&sum, &one);
	CHECK(sum.n == 3 && sum.min == 5 && sum.max == 123456789, "merged");
	CHECK(sum.sum == 2u * 123456789u + 5, "merged");
	one.counts[hist_bucket(5)] = UINT32_MAX;
	hist_add(&one, 5);
	CHECK(one.counts[hist_bucket(5)] == UINT32_MAX, "a full bucket stays full");
}

int main(void)
{
	check_buckets();
	check_quantiles();
	check_few();
	return 0;
}
