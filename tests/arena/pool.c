/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sub-allocator: random allocations keep their contents and never overlap, whatever is
 * freed; wrong pointers are refused; several threads share a pool; memory runs out cleanly.
 */
#include <pthread.h>
#include <time.h>

#include "arena/pool.h"
#include "arena_test.h"
#include "uarena.h"

#define LIVE 512
#define STEPS 20000
#define THREADS 4

struct piece {
	uint8_t *p;
	size_t size;
	uint8_t fill;
};

static uint32_t next_random(uint32_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 17;
	*s ^= *s << 5;
	return *s;
}

/* Mostly small, now and then several pages. */
static size_t random_size(uint32_t *s)
{
	uint32_t r = next_random(s);

	return r % 64 ? 1 + r % 300 : 1 + r % 20000;
}

static void check_fill(const struct piece *x)
{
	for (size_t i = 0; i < x->size; i++)
		CHECK(x->p[i] == x->fill);
}

static void churn(struct pool *pool, uint32_t seed, int steps)
{
	struct piece live[LIVE] = {{0}};

	for (int i = 0; i < steps; i++) {
		struct piece *x = &live[next_random(&seed) % LIVE];

		if (x->p) {
			check_fill(x);
			CHECK(!pool_release(pool, x->p));
			x->p = NULL;
			continue;
		}
		x->size = random_size(&seed);
		x->fill = (uint8_t)next_random(&seed);
		x->p = pool_alloc(pool, x->size, true);
		CHECK(x->p && (uintptr_t)x->p % POOL_GRANULE == 0);
		memset(x->p, x->fill, x->size);
	}
	for (int i = 0; i < LIVE; i++)
		if (live[i].p) {
			check_fill(&live[i]);
			CHECK(!pool_release(pool, live[i].p));
		}
}

static void test_random(struct arena *a, uint32_t seed)
{
	struct pool *pool;
	size_t used, pages;

	CHECK(!pool_new(a, 0, &pool));
	churn(pool, seed, STEPS);
	CHECK(!pool_validate(pool));
	pool_usage(pool, &used, &pages);
	CHECK(used == 0 && pages >= POOL_GROW_PAGES);
	CHECK(arena_populated(a) == pages);
	pool_free_all(pool, true);
	CHECK(arena_populated(a) == 0);
}

struct worker {
	struct pool *pool;
	uint32_t seed;
};

static void *work(void *arg)
{
	struct worker *w = arg;

	CHECK(!fault_thread_attach());
	churn(w->pool, w->seed, STEPS / THREADS);
	return NULL;
}

static void test_threads(struct arena *a, uint32_t seed)
{
	pthread_t threads[THREADS];
	struct worker w[THREADS];
	struct pool *pool;
	size_t used, pages;

	CHECK(!pool_new(a, 0, &pool));
	for (uint32_t i = 0; i < THREADS; i++) {
		w[i] = (struct worker){pool, seed + 77 * (i + 1)};
		CHECK(!pthread_create(&threads[i], NULL, work, &w[i]));
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	CHECK(!pool_validate(pool));
	pool_usage(pool, &used, &pages);
	CHECK(used == 0);
	pool_free_all(pool, true);
}

static void test_wrong_pointers(struct arena *a)
{
	struct pool *pool;
	uint8_t *p;
	int local;

	CHECK(!pool_new(a, 0, &pool));
	CHECK(pool_release(pool, &local) == -EINVAL); /* nothing allocated yet */
	p = pool_alloc(pool, 100, true);
	CHECK(p);
	CHECK(pool_release(pool, p + 8) == -EINVAL);
	CHECK(pool_release(pool, &local) == -EINVAL);
	CHECK(pool_release(pool, NULL) == -EINVAL);
	CHECK(!pool_release(pool, p));
	CHECK(pool_release(pool, p) == -EINVAL); /* twice */
	CHECK(!pool_alloc(pool, 0, true) && !pool_alloc(pool, SIZE_MAX, true));
	CHECK(!pool_validate(pool));
	pool_free_all(pool, true);
}

static void test_limits(struct arena *a)
{
	struct pool *pool;
	size_t n = 0, used, pages;

	CHECK(!pool_new(a, 0, &pool));
	CHECK(!pool_alloc(pool, 8, false)); /* it holds no pages yet */
	CHECK(pool_alloc(pool, 8, true) && pool_alloc(pool, 8, false));
	while (pool_alloc(pool, 4096, true))
		n++;
	CHECK(n && !pool_validate(pool));
	pool_usage(pool, &used, &pages);
	/* Pages of outstanding allocations stay with the arena when the pool goes. */
	pool_free_all(pool, false);
	CHECK(arena_populated(a) == pages);
}

static void test_no_memory(struct arena *a)
{
	for (unsigned long fail = 1; fail < 12; fail++) {
		struct pool *pool = NULL;
		void *p = NULL;
		int err;

		mem_fail_after(fail);
		err = pool_new(a, 0, &pool);
		if (!err)
			p = pool_alloc(pool, 100, true);
		mem_fail_after(0);
		CHECK(err == 0 || err == -ENOMEM);
		if (err)
			continue;
		CHECK(!pool_validate(pool));
		CHECK(!p || !pool_release(pool, p));
		CHECK(pool_alloc(pool, 100, true)); /* it recovers */
		pool_free_all(pool, true);
	}
}

static void test_public(struct arena *a)
{
	UA_OPTS(ua_pool_opts, opts, .grow_pages = 8, .give_back = true);
	struct ua_pool *pool;
	void *p;

	CHECK(ua_pool__new(NULL, NULL, &pool) == -EINVAL);
	CHECK(!ua_pool__new((struct ua_arena *)a, &opts, &pool));
	p = ua_pool__alloc(pool, 64);
	CHECK(p && ua_pool__alloc_nowait(pool, 64) && arena_populated(a) == 8);
	CHECK(!ua_pool__free(pool, p) && ua_pool__free(pool, p) == -EINVAL);
	ua_pool__destroy(pool);
	CHECK(arena_populated(a) == 0);
}

int main(int argc, char **argv)
{
	uint32_t seed = argc > 1 ? (uint32_t)atoi(argv[1]) : (uint32_t)time(NULL) | 1;
	struct arena *a = test_arena(ARENA_BACKEND_AUTO, 4096, 0, ARENA_SCRATCH_DEAD);
	struct arena *small;

	printf("seed %u\n", seed);
	fflush(stdout);
	test_random(a, seed);
	test_threads(a, seed);
	test_wrong_pointers(a);
	test_no_memory(a);
	test_public(a);
	arena_put(a);
	small = test_arena(ARENA_BACKEND_AUTO, 64, 0, ARENA_SCRATCH_DEAD);
	test_limits(small);
	arena_put(small);
	return 0;
}
