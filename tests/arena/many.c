/* SPDX-License-Identifier: BSD-2-Clause */
/* Many of everything: 64 arenas at once, 1000 threads that come and go, deferred frees. */
#include <pthread.h>
#include "arena_test.h"

#define N_ARENAS 64
#define N_THREADS 1000
#define AT_ONCE 50

static struct arena *arenas[N_ARENAS];

static struct arena *make(int i)
{
	struct arena_opts o = {.max_entries = 64, .map_flags = BPF_F_MMAPABLE};
	void *at = NULL;
	struct arena *a;

	CHECK(!arena_create(&o, &a));
	CHECK(!arena_mmap(a, &at, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 0));
	return a;
}

static uint8_t *host(struct arena *a, uint64_t p)
{
	return arena_window_base(a) + (uint32_t)p;
}

/* Each thread works in one arena: allocates, writes, hits a hole as host and as program. */
static void *visit(void *arg)
{
	long n = (long)arg;
	struct arena *a = arenas[n % N_ARENAS];
	struct counted_run c;
	uint64_t p, val;

	CHECK(!fault_thread_attach());
	p = arena_alloc_pages(a, 0, 1, -1, 0);
	CHECK(p);
	*(volatile uint64_t *)host(a, p) = (uint64_t)n;
	counted_push(&c, a);
	*(volatile char *)(host(a, 0) + ARENA_MAX_SIZE + (n % 8) * PAGE) = 1;
	run_pop(&c.run);
	CHECK(c.reports <= 1);
	CHECK(!access_load(host(a, 0) - 8, 8, &val));
	CHECK(*(volatile uint64_t *)p == (uint64_t)n);
	if (n % 2)
		arena_free_pages(a, p, 1);
	else
		arena_free_pages_deferred(a, p, 1);
	return NULL;
}

static void check_threads(void)
{
	pthread_t t[AT_ONCE];
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	for (long first = 0; first < N_THREADS; first += AT_ONCE) {
		for (long i = 0; i < AT_ONCE; i++)
			CHECK(!pthread_create(&t[i], &attr, visit, (void *)(first + i)));
		for (long i = 0; i < AT_ONCE; i++)
			pthread_join(t[i], NULL);
	}
}

static void check_deferred(void)
{
	struct arena *a = make(0);

	for (int round = 0; round < 50; round++) {
		uint64_t p = arena_alloc_pages(a, 0, 64, -1, 0);

		CHECK(p);
		for (int i = 0; i < 64; i++)
			arena_free_pages_deferred(a, p + (i * 37 % 64) * PAGE, 1);
		arena_flush_deferred(a);
		CHECK(arena_populated(a) == 0);
	}
	CHECK(arena_alloc_pages(a, 0, 64, -1, 0));
	arena_free_pages_deferred(a, arena_user_start(a), 64);
	arena_put(a);
}

static void check_eviction(void)
{
	struct arena_opts o = {.max_entries = 2000,
			       .map_extra = USER,
			       .map_flags = BPF_F_MMAPABLE,
			       .scratch_max = 16};
	struct counted_run c;
	struct arena *a;

	CHECK(!arena_create(&o, &a));
	counted_push(&c, a);
	for (int round = 0; round < 3; round++)
		for (int i = 0; i < 500; i++)
			*(volatile int *)(arena_window_base(a) + i * 3 * PAGE) = i;
	CHECK(c.reports == 500);
	run_pop(&c.run);
	CHECK(!arena_validate(a));
	arena_put(a);
}

static void check_replace(enum arena_backend backend)
{
	struct arena *a = test_arena(backend, 8, 0, ARENA_SCRATCH_REPLACE);
	struct counted_run c;
	uint64_t val;

	if (!a)
		return;
	counted_push(&c, a);
	*(volatile int *)(arena_window_base(a) + 2 * PAGE) = 7;
	CHECK(c.reports == 1);
	CHECK(arena_alloc_pages(a, 0, 8, -1, 0) == USER);
	CHECK(*(volatile int *)(arena_window_base(a) + 2 * PAGE) == 0);
	*(volatile int *)(USER + 2 * PAGE) = 8;
	CHECK(access_load(arena_window_base(a) + 2 * PAGE, 4, &val) && val == 8);
	arena_free_pages(a, USER, 8);
	*(volatile int *)(arena_window_base(a) + 2 * PAGE) = 7;
	CHECK(c.reports == 2);
	run_pop(&c.run);
	CHECK(!arena_validate(a));
	arena_put(a);
}

int main(void)
{
	CHECK(!fault_thread_attach());
	for (int i = 0; i < N_ARENAS; i++)
		arenas[i] = make(i);
	check_threads();
	for (int i = 0; i < N_ARENAS; i++) {
		CHECK(!arena_validate(arenas[i]));
		CHECK(arena_populated(arenas[i]) == 0);
		arena_put(arenas[i]);
	}
	check_deferred();
	check_eviction();
	for (enum arena_backend b = ARENA_BACKEND_UFFD; b <= ARENA_BACKEND_MPROTECT; b++)
		check_replace(b);
	return 0;
}
