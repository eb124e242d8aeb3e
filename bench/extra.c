/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loading: the time of ua_object__load() with one program of about 500 instructions, less the
 * time with an empty one, so that maps and types do not count. Threads: runs per second of two
 * threads, on two CPUs and one arena, against one thread.
 */
#include "extra.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "backend.h"
#include "uarena.h"

#define LOADS 9
#define RUN_NS 200000000ull

struct args {
	uint64_t n, result;
};

/* ns that loading `object` with only `program` takes; 0: it failed. */
static uint64_t load_once(struct ua_engine *engine, const char *object, const char *program)
{
	struct ua_object *obj;
	uint64_t start, ns;

	if (ua_object__open_file(engine, object, NULL, &obj))
		return 0;
	for (struct ua_program *p = NULL; (p = ua_object__next_program(obj, p));)
		ua_program__set_autoload(p, !strcmp(ua_program__name(p), program));
	start = bench_now();
	ns = ua_object__load(obj) ? 0 : bench_now() - start;
	ua_object__close(obj);
	return ns;
}

static uint64_t load_best(struct ua_engine *engine, const char *object, const char *program)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < LOADS; i++) {
		uint64_t ns = load_once(engine, object, program);

		if (!ns)
			return 0;
		best = ns < best ? ns : best;
	}
	return best;
}

void extra_load(const char *object, const char *name, int exec)
{
	UA_OPTS(ua_engine_opts, opts, .exec = (enum ua_exec)exec);
	struct ua_engine *engine;
	uint64_t empty, full;

	if (ua_engine__open(&opts, &engine))
		return;
	empty = load_best(engine, object, "nop");
	full = load_best(engine, object, "straight_500");
	if (empty && full)
		printf("%-28s %-14s %10.3f ms (beside %.3f ms for maps and types)\n",
		       "load 500 instructions", name, ((double)full - (double)empty) / 1e6,
		       (double)empty / 1e6);
	ua_engine__close(engine);
}

/* ---- Threads ---- */

struct runner {
	struct ua_program *prog;
	pthread_barrier_t *start;
	int cpu;
	uint64_t runs;
	int err;
};

static void *run_thread(void *arg)
{
	struct runner *r = arg;
	struct args args = {.n = 1000};
	cpu_set_t set;
	uint64_t end, ret;

	CPU_ZERO(&set);
	CPU_SET(r->cpu, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	pthread_barrier_wait(r->start);
	end = bench_now() + RUN_NS;
	while (!r->err && bench_now() < end) {
		r->err = ua_program__call(r->prog, &args, &ret);
		r->runs++;
	}
	return NULL;
}

/* Runs of all of `n` threads together; 0: one failed. */
static uint64_t run_threads(struct ua_program *prog, const int *cpus, int n)
{
	struct runner runners[2] = {{0}};
	pthread_t threads[2];
	pthread_barrier_t start;
	uint64_t runs = 0;
	int err = 0;

	pthread_barrier_init(&start, NULL, (unsigned int)n);
	for (int i = 0; i < n; i++) {
		runners[i] = (struct runner){.prog = prog, .start = &start, .cpu = cpus[i]};
		if (pthread_create(&threads[i], NULL, run_thread, &runners[i]))
			_exit(1); /* the other thread waits at the barrier for ever */
	}
	for (int i = 0; i < n; i++) {
		pthread_join(threads[i], NULL);
		err |= runners[i].err;
		runs += runners[i].runs;
	}
	pthread_barrier_destroy(&start);
	return err ? 0 : runs;
}

/* The first two CPUs this process may use; their number. */
static int two_cpus(int cpus[2])
{
	cpu_set_t set;
	int n = 0;

	if (sched_getaffinity(0, sizeof(set), &set))
		return 0;
	for (int i = 0; i < CPU_SETSIZE && n < 2; i++)
		if (CPU_ISSET(i, &set))
			cpus[n++] = i;
	return n;
}

static void print_scaling(struct ua_object *obj, const char *name, const int *cpus)
{
	struct ua_program *setup = ua_object__find_program(obj, "setup");
	struct ua_program *prep = ua_object__find_program(obj, "prep_prog_hash_lookup");
	struct ua_program *work = ua_object__find_program(obj, "hash_lookup");
	struct args args = {0};
	uint64_t ret = 0, one, two;

	if (ua_program__call(setup, &args, &ret) || ret || ua_program__call(prep, &args, &ret))
		return;
	one = run_threads(work, cpus, 1);
	two = run_threads(work, cpus, 2);
	if (one && two)
		printf("%-28s %-14s %10.2fx of one thread\n", "hash lookup, two threads", name,
		       (double)two / (double)one);
}

void extra_threads(const char *object, const char *name, int exec)
{
	UA_OPTS(ua_engine_opts, opts, .exec = (enum ua_exec)exec);
	struct ua_engine *engine;
	struct ua_object *obj;
	int cpus[2];

	if (two_cpus(cpus) < 2) {
		printf("two threads: not measured: one CPU\n");
		return;
	}
	if (ua_engine__open(&opts, &engine))
		return;
	if (!ua_object__open_file(engine, object, NULL, &obj)) {
		if (!ua_object__load(obj))
			print_scaling(obj, name, cpus);
		ua_object__close(obj);
	}
	ua_engine__close(engine);
}
