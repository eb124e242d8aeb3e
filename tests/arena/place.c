/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Placement against a naive model: random allocations, frees, reservations and user touches;
 * the model keeps a flat array of pages and a list of ranges with their insertion times.
 */
#include <time.h>
#include "arena/range.h"
#include "arena_test.h"

#define N 300
#define STEPS 4000

/* -- Model ---------------------------------------------------------------- */

struct model_range {
	uint32_t start, len;
	uint64_t stamp;
};

struct model {
	struct model_range r[N];
	uint32_t n;
	uint64_t clock;
};

static bool model_free(const struct model *m, uint32_t page)
{
	for (uint32_t i = 0; i < m->n; i++)
		if (page >= m->r[i].start && page < m->r[i].start + m->r[i].len)
			return true;
	return false;
}

static bool model_contains(const struct model *m, uint32_t start, uint32_t len)
{
	while (len--)
		if (!model_free(m, start + len))
			return false;
	return true;
}

static int64_t model_find(const struct model *m, uint32_t len)
{
	const struct model_range *best = NULL;

	for (uint32_t i = 0; i < m->n; i++) {
		const struct model_range *r = &m->r[i];

		if (r->len < len)
			continue;
		if (!best || r->len < best->len || (r->len == best->len && r->stamp > best->stamp))
			best = r;
	}
	return best ? (int64_t)best->start : -ENOENT;
}

static void model_insert(struct model *m, uint32_t start, uint32_t end)
{
	if (start < end)
		m->r[m->n++] = (struct model_range){start, end - start, ++m->clock};
}

/* What remains of the ranges cut is inserted anew, the left one first. */
static void model_remove(struct model *m, uint32_t start, uint32_t len)
{
	uint32_t end = start + len, left = end, right = start;

	for (uint32_t i = 0; i < m->n;) {
		struct model_range r = m->r[i];

		if (r.start >= end || r.start + r.len <= start) {
			i++;
			continue;
		}
		left = min_t(uint32_t, left, r.start);
		right = max_t(uint32_t, right, r.start + r.len);
		m->r[i] = m->r[--m->n];
		i = 0;
	}
	model_insert(m, left, start);
	model_insert(m, end, right);
}

static void model_add(struct model *m, uint32_t start, uint32_t len)
{
	uint32_t end = start + len;

	if (model_contains(m, start, len))
		return;
	for (uint32_t i = 0; i < m->n;) {
		struct model_range r = m->r[i];

		if (r.start > end || r.start + r.len < start) {
			i++;
			continue;
		}
		start = min_t(uint32_t, start, r.start);
		end = max_t(uint32_t, end, r.start + r.len);
		m->r[i] = m->r[--m->n];
		i = 0;
	}
	model_insert(m, start, end);
}

/* -- The range set alone -------------------------------------------------- */

static void check_range_set(uint32_t seed)
{
	struct model m = {0};
	struct range_set set;

	srandom(seed);
	range_init(&set);
	for (int i = 0; i < STEPS; i++) {
		uint32_t start = random() % N, len = 1 + random() % min_t(uint32_t, 20, N - start);

		if (random() % 2) {
			CHECK(!range_add(&set, start, len));
			model_add(&m, start, len);
		} else {
			CHECK(!range_remove(&set, start, len));
			model_remove(&m, start, len);
		}
		len = 1 + random() % 20;
		CHECK(range_find(&set, len) == model_find(&m, len));
		CHECK(set.n_ranges == m.n);
		start = random() % (N - len);
		CHECK(range_contains(&set, start, len) == model_contains(&m, start, len));
		CHECK(!range_validate(&set));
	}
	range_destroy(&set);
}

static void check_range_no_memory(void)
{
	struct range_set set;

	range_init(&set);
	CHECK(!range_add(&set, 0, 10));
	mem_fail_after(1);
	CHECK(range_remove(&set, 4, 2) == -ENOMEM);
	CHECK(range_add(&set, 20, 1) == -ENOMEM);
	CHECK(!range_remove(&set, 0, 2));
	mem_fail_after(0);
	CHECK(range_contains(&set, 2, 8) && set.n_pages == 8);
	range_destroy(&set);
}

/* -- The arena ------------------------------------------------------------ */

static void arena_step(struct arena *a, struct model *m)
{
	uint32_t len = 1 + random() % 12, start = random() % (N - len);
	uint64_t p = USER + start * PAGE;

	switch (random() % 8) {
	case 0:
	case 1:
	case 2: {
		int64_t at = model_find(m, len);

		p = arena_alloc_pages(a, 0, len, -1, 0);
		CHECK(p == (at < 0 ? 0 : USER + at * PAGE));
		if (at >= 0)
			model_remove(m, (uint32_t)at, len);
		break;
	}
	case 3:
		CHECK(!arena_alloc_pages(a, p, len, -1, 0) == !model_contains(m, start, len));
		if (model_contains(m, start, len))
			model_remove(m, start, len);
		break;
	case 4:
		CHECK(!arena_reserve_pages(a, p, len) == model_contains(m, start, len));
		if (model_contains(m, start, len))
			model_remove(m, start, len);
		break;
	case 5:
		*(volatile char *)p = 1;
		model_remove(m, start, 1);
		break;
	default:
		arena_free_pages(a, p, len);
		for (uint32_t i = 0; i < len; i++)
			model_add(m, start + i, 1);
	}
}

static void check_arena(enum arena_backend backend, uint32_t seed)
{
	struct arena *a = test_arena(backend, N, 0, ARENA_SCRATCH_DEAD);
	struct model m = {0};

	if (!a)
		return;
	srandom(seed);
	model_add(&m, 0, N);
	for (int i = 0; i < STEPS; i++)
		arena_step(a, &m);
	CHECK(!arena_validate(a));
	arena_put(a);
}

int main(int argc, char **argv)
{
	uint32_t seed = argc > 1 ? (uint32_t)atoi(argv[1]) : (uint32_t)time(NULL);

	printf("seed %u\n", seed);
	fflush(stdout);
	check_range_set(seed);
	check_range_no_memory();
	for (enum arena_backend b = ARENA_BACKEND_UFFD; b <= ARENA_BACKEND_MPROTECT; b++) {
		check_arena(b, seed);
		check_arena(b, 3); /* user touches between two allocations, out of page order */
	}
	return 0;
}
