/* SPDX-License-Identifier: BSD-2-Clause */
/* cmask operations against sets of booleans, on random ranges and contents; events in order. */
#include <time.h>

#include "base/base.h"
#include "btf/types/scx.h"
#include "sched/cmask.h"
#include "sched/event.h"

#define N 400
#define WORDS 8

#define CHECK(cond)                                                                \
	do {                                                                       \
		if (!(cond)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
			exit(1);                                                   \
		}                                                                  \
	} while (0)

struct model {
	uint32_t base, end;
	bool in[N + 64];
	union {
		struct scx_cmask m;
		uint64_t room[2 + WORDS];
	};
};

static void fill(struct model *x)
{
	x->base = (uint32_t)random() % 200;
	x->end = x->base + (uint32_t)random() % 200;
	CHECK(cmask_words(x->end - x->base) <= WORDS);
	cmask_init(&x->m, x->base, x->end - x->base, WORDS);
	memset(x->in, 0, sizeof(x->in));
	for (uint32_t c = 0; c < N; c++) {
		bool set = random() % 3 == 0;

		if (set)
			cmask_set(&x->m, c);
		x->in[c] = set && c >= x->base && c < x->end;
	}
}

static bool in_both(const struct model *a, const struct model *b, uint32_t c)
{
	return c >= a->base && c < a->end && c >= b->base && c < b->end;
}

static void check_same(const struct model *x)
{
	uint32_t weight = 0;

	for (uint32_t c = 0; c < N; c++) {
		uint32_t next = c > x->base ? c : x->base;

		CHECK(cmask_test(&x->m, c) == x->in[c]);
		while (next < x->end && !x->in[next])
			next++;
		CHECK(cmask_next(&x->m, c) == (next < x->end ? next : x->end));
		weight += x->in[c];
	}
	CHECK(cmask_weight(&x->m) == weight && cmask_empty(&x->m) == !weight);
}

static void check_pair(void)
{
	static void (*const ops[])(struct scx_cmask *, const struct scx_cmask *) = {
		cmask_and, cmask_or, cmask_andnot, cmask_copy};
	static struct model a, b;
	bool subset = true, meet = false;
	uint32_t op = (uint32_t)random() % ARRAY_SIZE(ops);

	fill(&a);
	fill(&b);
	for (uint32_t c = 0; c < N; c++) {
		subset &= !a.in[c] || b.in[c];
		meet |= a.in[c] && b.in[c];
	}
	CHECK(cmask_subset(&a.m, &b.m) == subset && cmask_intersects(&a.m, &b.m) == meet);
	ops[op](&a.m, &b.m);
	for (uint32_t c = 0; c < N; c++)
		if (in_both(&a, &b, c))
			a.in[c] = op == 0   ? a.in[c] && b.in[c]
				  : op == 1 ? a.in[c] || b.in[c]
				  : op == 2 ? a.in[c] && !b.in[c]
					    : b.in[c];
	check_same(&a);
	cmask_clear(&a.m, a.base);
	a.in[a.base] = false;
	check_same(&a);
	cmask_fill(&a.m);
	CHECK(cmask_weight(&a.m) == a.end - a.base);
	CHECK(!cmask_reframe(&a.m, 5, 64 * (WORDS - 1)) && cmask_empty(&a.m));
	CHECK(cmask_reframe(&a.m, 63, 64 * WORDS) == -EINVAL);
	CHECK(cmask_reframe(&a.m, UINT32_MAX, 2) == -EINVAL);
}

/* -- Events ------------------------------------------------------------------ */

static void note(void *owner, uint64_t gen)
{
	(void)owner;
	(void)gen;
}

static void check_events(void)
{
	struct event_queue q = {0};
	struct event e, last = {0};
	int n = 0;

	for (int i = 0; i < 2000; i++)
		CHECK(!event_add(&q, (uint64_t)random() % 50, note, NULL, (uint64_t)i));
	while (event_pop(&q, &e)) {
		CHECK(!n || e.at > last.at || (e.at == last.at && e.order > last.order));
		last = e;
		n++;
	}
	CHECK(n == 2000);
	mem_fail_after(1);
	event_free(&q);
	CHECK(event_add(&q, 1, note, NULL, 0) == -ENOMEM);
	mem_fail_after(0);
}

int main(int argc, char **argv)
{
	unsigned int seed = argc > 1 ? (unsigned int)atoi(argv[1]) : (unsigned int)time(NULL);

	printf("seed %u\n", seed);
	fflush(stdout);
	srandom(seed);
	for (int i = 0; i < 3000; i++)
		check_pair();
	check_events();
	return 0;
}
