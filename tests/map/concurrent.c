/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Maps under several threads at once: no torn value, no lost element, the limit is kept, and
 * what lookup returned stays readable until the section is left.
 */
#include <pthread.h>
#include <unistd.h>

#include "map_test.h"

#define THREADS 4
#define OPS 200000
#define KEYS 64

struct value {
	uint64_t a, b; /* b == ~a in every value ever written */
};

static struct map *map;
static unsigned int seed;

static uint64_t rnd(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

static void check_value(const struct value *v)
{
	CHECK(v->b == ~v->a);
}

static void one_op(uint64_t *s)
{
	uint64_t key = rnd(s) % KEYS, next;
	struct value v = {.a = rnd(s)};
	const struct value *live;
	int err;

	v.b = ~v.a;
	switch (rnd(s) % 6) {
	case 0:
	case 1:
		err = map_elem_update(map, &key, &v, BPF_ANY);
		CHECK(!err || err == -E2BIG || err == -ENOMEM);
		break;
	case 2:
		err = map_elem_delete(map, &key);
		CHECK(!err || err == -ENOENT);
		break;
	case 3:
		err = map_elem_lookup(map, &key, &v, 0);
		CHECK(!err || err == -ENOENT);
		check_value(&v);
		break;
	case 4:
		epoch_enter();
		live = map->v.ops->lookup(map, &key);
		for (int i = 0; live && i < 10; i++)
			check_value(live);
		epoch_exit();
		break;
	default:
		err = map_elem_next_key(map, &key, &next);
		CHECK(err || next < KEYS);
		err = map_elem_lookup_and_delete(map, &key, &v, 0);
		CHECK(!err || err == -ENOENT);
		check_value(&v);
	}
}

static void *worker(void *arg)
{
	uint64_t s = seed + (uintptr_t)arg * 0x9e3779b97f4a7c15ull + 1;

	for (int i = 0; i < OPS; i++)
		one_op(&s);
	return NULL;
}

static uint64_t count_elem(struct map *m, void *key, void *value, void *arg)
{
	check_value(value);
	return 0;
}

static void torture(uint32_t type, uint32_t max, uint32_t flags)
{
	pthread_t t[THREADS];
	struct value v;
	uint64_t key;
	long n;

	map = new_map(type, 8, sizeof(struct value), max, flags, 1);
	for (uintptr_t i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&t[i], NULL, worker, (void *)i));
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	epoch_enter();
	n = map->v.ops->for_each(map, count_elem, NULL);
	epoch_exit();
	CHECK(n >= 0 && n <= (long)max);
	/* The counter agrees with what is there: exactly the rest still fits. */
	for (key = 1000; type == BPF_MAP_TYPE_HASH; key++, n++) {
		v = (struct value){key, ~key};
		if (map_elem_update(map, &key, &v, BPF_NOEXIST))
			break;
	}
	CHECK(type != BPF_MAP_TYPE_HASH || n == (long)max);
	epoch_drain();
	map_put(map);
}

/* -- Per-CPU counters ----------------------------------------------------- */

#define CPUS 8

static void *count_up(void *arg)
{
	uint32_t key = 0;

	for (int i = 0; i < OPS; i++) {
		uint64_t *v;

		epoch_enter();
		v = map->v.ops->lookup(map, &key);
		++*v;
		epoch_exit();
	}
	return NULL;
}

/* Fewer threads than CPUs: every thread has its own, no increment is lost. */
static void percpu_sums(void)
{
	uint64_t values[CPUS], sum = 0;
	pthread_t t[THREADS];
	uint32_t key = 0;

	map_cpu_limit(CPUS);
	map = new_map(BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 1, 0, CPUS);
	for (int i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&t[i], NULL, count_up, NULL));
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	CHECK(!map_elem_lookup(map, &key, values, 0));
	for (int i = 0; i < CPUS; i++)
		sum += values[i];
	CHECK(sum == (uint64_t)THREADS * OPS);
	map_put(map);
}

int main(void)
{
	seed = (unsigned int)getpid();
	printf("seed %u\n", seed);
	torture(BPF_MAP_TYPE_HASH, KEYS / 2, 0);
	torture(BPF_MAP_TYPE_HASH, KEYS, BPF_F_NO_PREALLOC);
	torture(BPF_MAP_TYPE_LRU_HASH, KEYS / 4, 0);
	percpu_sums();
	return 0;
}
