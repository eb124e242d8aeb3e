/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs kfuncs.bpf.o: locks from several threads, deadlocks and their reports, streams. */
#include "inside.h"

#include <errno.h>
#include <pthread.h>

#define THREADS 4

struct worker {
	struct ua_object *obj;
	const char *name;
};

static void *work(void *arg)
{
	const struct worker *w = arg;

	run(w->obj, w->name);
	return NULL;
}

static void run_workers(struct ua_object *obj, const char *name)
{
	struct worker w = {obj, name};
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, work, &w);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

static void run_preempt(struct ua_object *obj)
{
	uint64_t counts[8192] = {0}, sum = 0;
	uint32_t key = 0;

	run_workers(obj, "worker_preempt");
	if (ua_map__lookup(ua_object__find_map(obj, "percpu"), &key, counts, 0))
		FAIL("no counts");
	for (int i = 0; i < 8192; i++)
		sum += counts[i];
	if (sum != 1000 * THREADS)
		FAIL("preemption off, %llu counted", (unsigned long long)sum);
}

static void run_res_lock(struct ua_object *obj)
{
	struct {
		uint32_t lock, pad;
		uint64_t count;
	} value = {0};
	uint32_t key = 0;

	run_workers(obj, "worker_res_lock");
	if (ua_map__lookup(ua_object__find_map(obj, "locks"), &key, &value, 0) ||
	    value.count != 1000 * THREADS)
		FAIL("resilient lock: %llu", (unsigned long long)value.count);
}

static int read_stderr(struct ua_object *obj, const char *name, char *text, size_t size)
{
	struct ua_program *prog = ua_object__find_program(obj, name);
	int n = ua_program__read_stream(prog, UA_STDERR, text, size - 1);

	text[n > 0 ? n : 0] = 0;
	return n;
}

/* The thread locks what it holds: the report shows the lock twice. */
static void run_deadlock(struct ua_object *obj)
{
	unsigned long long attempted = 0, held = 1;
	char text[2048], *at;

	run(obj, "deadlock");
	read_stderr(obj, "deadlock", text, sizeof(text));
	at = strstr(text, "Attempted lock   = 0x");
	if (at)
		sscanf(at, "Attempted lock = %llx", &attempted);
	at = strstr(text, "Held lock[ 0] = 0x");
	if (at)
		sscanf(at, "Held lock[ 0] = %llx", &held);
	if (strncmp(text, "ERROR: AA or ABBA deadlock detected for bpf_res_spin_lock\n", 58) ||
	    !strstr(text, "\nTotal held locks = 1\n") || attempted != held || !at ||
	    !strstr(text, "\nCall trace:\n"))
		FAIL("deadlock report:\n%s", text);
}

struct other {
	struct ua_object *obj;
	int ret;
};

static void *abba_b(void *arg)
{
	struct other *other = arg;

	other->ret = run_get(other->obj, "abba_b");
	return NULL;
}

/* Two threads take two locks in opposite order: at least one must be told. */
static void run_abba(struct ua_object *obj)
{
	struct other b = {.obj = obj};
	char text[2048];
	pthread_t thread;
	int a;

	pthread_create(&thread, NULL, abba_b, &b);
	a = run_get(obj, "abba_a");
	pthread_join(thread, NULL);
	if ((a != -EDEADLK && b.ret != -EDEADLK) || (a && a != -EDEADLK) ||
	    (b.ret && b.ret != -EDEADLK))
		FAIL("opposite order: %d, %d", a, b.ret);
	if (read_stderr(obj, a ? "abba_a" : "abba_b", text, sizeof(text)) <= 0 ||
	    !strstr(text, "AA or ABBA deadlock detected"))
		FAIL("opposite order, report:\n%s", text);
}

static void run_print(struct ua_object *obj)
{
	struct ua_program *prog = ua_object__find_program(obj, "print");
	char text[64] = "";

	run(obj, "print");
	if (ua_program__read_stream(prog, UA_STDOUT, text, sizeof(text)) != 9 ||
	    strcmp(text, "42 hello\n"))
		FAIL("stream has \"%s\"", text);
}

static void before_load(struct ua_object *obj)
{
}

static void run_all(struct ua_object *obj)
{
	run_tests(obj);
	run_preempt(obj);
	run_res_lock(obj);
	if (on_linux) { /* whose streams run out of memory where it has little */
		run(obj, "deadlock");
		return;
	}
	run_deadlock(obj);
	run_abba(obj);
	run_print(obj);
}
