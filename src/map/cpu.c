/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which CPU a thread is on, as programs see it.
 *
 * Programs rely on two things: the number does not change during a run, and nobody else has
 * it meanwhile. So a thread takes the lowest number nobody has, for as long as it lives. No
 * locks, because fault reports, written in a signal handler, may be the first to ask.
 */
#include "map/map.h"
#include "base/base.h"

#include <pthread.h>
#include <unistd.h>

static pthread_key_t exit_key;
static bool exit_key_ok;
static atomic_uint limit = 1;
static atomic_uint users[MAP_MAX_CPUS];

/* What the thread has been given, and what programs see. */
static __thread uint32_t own __attribute__((tls_model("initial-exec"))) = MAP_CPU_ANY;
static __thread uint32_t shown __attribute__((tls_model("initial-exec"))) = MAP_CPU_ANY;
static __thread uint32_t pinned __attribute__((tls_model("initial-exec"))) = MAP_CPU_ANY;
static __thread uint32_t (*ask)(void *arg) __attribute__((tls_model("initial-exec")));
static __thread void *ask_arg __attribute__((tls_model("initial-exec")));

static void give_back(void *arg)
{
	atomic_fetch_sub(&users[own], 1);
	own = shown = MAP_CPU_ANY;
}

static void after_fork(void)
{
	for (uint32_t i = 0; i < MAP_MAX_CPUS; i++)
		atomic_store_explicit(&users[i], i == own, memory_order_relaxed);
}

static __attribute__((constructor)) void init(void)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	map_cpu_limit(online > 0 ? (uint32_t)online : 1);
	exit_key_ok = !pthread_key_create(&exit_key, give_back);
	if (pthread_atfork(NULL, NULL, after_fork))
		log_debug("no fork handler: children share CPU numbers unevenly\n");
}

static uint32_t take(void)
{
	uint32_t n = atomic_load(&limit), best = 0;

	for (uint32_t i = 0; i < n; i++) {
		unsigned int none = 0;

		if (atomic_compare_exchange_strong(&users[i], &none, 1))
			return i;
		if (none < atomic_load(&users[best]))
			best = i;
	}
	atomic_fetch_add(&users[best], 1);
	return best;
}

/* An asked-for number is never kept in `shown`. */
static void show(void)
{
	shown = pinned != MAP_CPU_ANY ? pinned : ask ? MAP_CPU_ANY : own;
}

static __attribute__((noinline)) uint32_t assign(void)
{
	if (ask)
		return ask(ask_arg);
	if (own == MAP_CPU_ANY) {
		own = take();
		if (exit_key_ok)
			pthread_setspecific(exit_key, &own);
	}
	shown = own;
	return own;
}

uint32_t map_this_cpu(void)
{
	return ua_likely(shown != MAP_CPU_ANY) ? shown : assign();
}

uint32_t map_set_cpu(uint32_t cpu)
{
	uint32_t old = pinned;

	pinned = cpu;
	show();
	return old;
}

void map_ask_cpu(uint32_t (*fn)(void *arg), void *arg)
{
	ask = fn;
	ask_arg = arg;
	show();
}

void map_cpu_limit(uint32_t n)
{
	atomic_store(&limit, n < 1 ? 1 : n < MAP_MAX_CPUS ? n : MAP_MAX_CPUS);
}
