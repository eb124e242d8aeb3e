/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs helpers.bpf.o; timers get the time they need; several threads share a spin lock. */
#include "inside.h"

#include <pthread.h>
#include <unistd.h>

#define THREADS 4

static void *worker(void *obj)
{
	run(obj, "worker_spin_lock");
	return NULL;
}

/* Two counters that only a held lock keeps equal. */
static void run_spin_lock(struct ua_object *obj)
{
	struct {
		uint32_t lock, pad;
		uint64_t a, b;
	} value = {0};
	pthread_t threads[THREADS];
	uint32_t key = 0;

	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, worker, obj);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	if (ua_map__lookup(ua_object__find_map(obj, "locked"), &key, &value, 0) ||
	    value.a != 1000 * THREADS || value.b != value.a)
		FAIL("spin lock: %llu, %llu", (unsigned long long)value.a,
		     (unsigned long long)value.b);
}

static void before_load(struct ua_object *obj)
{
}

static void run_all(struct ua_object *obj)
{
	run_tests(obj);
	run_spin_lock(obj);
	run(obj, "start_timers");
	run(obj, "start_hash_timers");
	usleep(100000);
	run(obj, "check_timers");
	run(obj, "check_hash_timers");
}
