/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which address ranges the fault handler is responsible for, and when what it may be using
 * can be freed.
 *
 * Slots are read by handlers without a lock: a slot is valid while its end is not zero, and
 * is reused only after every handler that may have seen the old contents is through.
 * Handlers count themselves in one of two counters; a waiter switches the counter twice, so
 * that one that read the switch but had not counted itself yet is waited for as well.
 */
#include "arena/priv.h"

#include "base/base.h"

#define MAX_TRAPS 4096

static struct trap traps[MAX_TRAPS];
static _Atomic uint32_t traps_top; /* slots ever used */
static pthread_mutex_t traps_lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic uint32_t fork_gen;

static _Atomic uint32_t in_flight[2];
static _Atomic uint32_t in_flight_phase;
static pthread_mutex_t wait_lock = PTHREAD_MUTEX_INITIALIZER;

/* -- Handlers in flight --------------------------------------------------- */

unsigned int trap_enter(void)
{
	unsigned int phase = atomic_load(&in_flight_phase) & 1;

	atomic_fetch_add(&in_flight[phase], 1);
	return phase;
}

void trap_exit(unsigned int token)
{
	atomic_fetch_sub(&in_flight[token], 1);
}

void trap_wait(void)
{
	pthread_mutex_lock(&wait_lock);
	for (int i = 0; i < 2; i++) {
		unsigned int old = atomic_fetch_add(&in_flight_phase, 1) & 1;

		while (atomic_load(&in_flight[old]))
			os_yield();
	}
	pthread_mutex_unlock(&wait_lock);
}

/* -- Slots ---------------------------------------------------------------- */

static struct trap *free_slot(void)
{
	uint32_t top = atomic_load(&traps_top);

	for (uint32_t i = 0; i < top; i++)
		if (!atomic_load(&traps[i].end))
			return &traps[i];
	if (top == MAX_TRAPS) {
		log_warn("arena: more than %d mappings of arenas in one process\n", MAX_TRAPS);
		return NULL;
	}
	atomic_store(&traps_top, top + 1);
	return &traps[top];
}

struct trap *trap_add(uintptr_t start, uintptr_t end, struct space *s, bool window)
{
	struct trap *t;

	pthread_mutex_lock(&traps_lock);
	t = free_slot();
	if (t) {
		t->space = s;
		t->window = window;
		atomic_store(&t->start, start);
		atomic_store(&t->end, end);
	}
	pthread_mutex_unlock(&traps_lock);
	return t;
}

/* The slot is not free for others before the wait is over, or a handler could see half of each
 * life: an impossible range keeps it taken. */
void trap_remove(struct trap *t)
{
	atomic_store(&t->start, UINTPTR_MAX);
	trap_wait();
	atomic_store(&t->end, 0);
}

const struct trap *trap_find(uintptr_t addr)
{
	uint32_t top = atomic_load(&traps_top);

	for (uint32_t i = 0; i < top; i++)
		if (addr >= atomic_load(&traps[i].start) && addr < atomic_load(&traps[i].end))
			return &traps[i];
	return NULL;
}

/* -- Fork ----------------------------------------------------------------- */

void trap_forked(void)
{
	for (uint32_t i = 0; i < atomic_load(&traps_top); i++)
		atomic_store(&traps[i].end, 0);
	atomic_store(&in_flight[0], 0);
	atomic_store(&in_flight[1], 0);
	pthread_mutex_init(&traps_lock, NULL);
	pthread_mutex_init(&wait_lock, NULL);
	atomic_fetch_add(&fork_gen, 1);
}

uint32_t trap_fork_gen(void)
{
	return atomic_load(&fork_gen);
}
