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

static int run_packet(struct ua_object *obj, const char *name)
{
	struct ua_program *prog = ua_object__find_program(obj, name);
	uint8_t data[64];
	UA_OPTS(ua_run_opts, opts, .data_in = data, .data_in_size = sizeof(data), .cpu = -1);

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)i;
	if (!prog || ua_program__run(prog, &opts)) {
		FAIL("%s does not run", name);
		return -1;
	}
	return (int)opts.retval;
}

static void set_slot(struct ua_object *obj, uint32_t slot, const char *name)
{
	int fd = ua_program__fd(ua_object__find_program(obj, name));

	if (ua_map__update(ua_object__find_map(obj, "progs"), &slot, &fd, 0))
		FAIL("slot %u cannot be set", slot);
}

static void run_packets(struct ua_object *obj)
{
	uint32_t none = 0, *runs = &none;
	size_t size;

	set_slot(obj, 0, "tail_target");
	set_slot(obj, 2, "tail_self");
	if (run_packet(obj, "tail_main") != 77)
		FAIL("tail call does not arrive");
	if (run_packet(obj, "tail_self") ||
	    ua_object__find_global(obj, "tail_runs", (void **)&runs, &size) || *runs != 34)
		FAIL("33 tail calls make %u runs", *runs);
	if (run_packet(obj, "packet"))
		FAIL("packet returned %d", run_packet(obj, "packet"));
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
	run_packets(obj);
	run(obj, "start_endless");
}
