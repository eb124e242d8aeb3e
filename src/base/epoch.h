/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Epochs: when is memory that a program may still hold a pointer to safe to free?
 *
 * Every program run (and every host section that follows shared pointers without a lock) is
 * bracketed by epoch_enter()/epoch_exit(). epoch_defer() runs a function once all sections
 * that were open at the call have been left. Entering costs two plain stores: the waiting side
 * pays with membarrier(2), or every enter with a fence where that call is missing.
 *
 * Sections nest. Threads register on their first entry and unregister when they exit.
 */
#ifndef UA_BASE_EPOCH_H
#define UA_BASE_EPOCH_H

#include <stdint.h>

struct epoch_thread {
	uint64_t active;  /* 0 outside, else the global epoch seen at the outermost entry */
	uint32_t nesting; /* sections around the innermost, within the outermost */
	uint32_t registered;
	uint32_t attached; /* prog/run.c: ready to run programs; forgotten with the thread */
	struct epoch_thread *next, **link; /* list of registered threads */
};

extern __thread struct epoch_thread epoch_self
	__attribute__((tls_model("initial-exec"), visibility("hidden")));
extern uint64_t epoch_global __attribute__((visibility("hidden")));
extern int epoch_fence_needed __attribute__((visibility("hidden")));

void epoch_register(void); /* slow path of the first entry */

/* The outermost section touches no counter: incrementing and decrementing one in memory would
 * chain each run to the one before. */
static inline void epoch_enter_registered(void)
{
	if (__builtin_expect(epoch_self.active != 0, 0)) {
		epoch_self.nesting++;
		return;
	}
	__atomic_store_n(&epoch_self.active, __atomic_load_n(&epoch_global, __ATOMIC_RELAXED),
			 __ATOMIC_RELAXED);
	if (__builtin_expect(epoch_fence_needed, 0))
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	else
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static inline void epoch_enter(void)
{
	if (__builtin_expect(!epoch_self.registered, 0))
		epoch_register();
	epoch_enter_registered();
}

static inline void epoch_exit(void)
{
	if (__builtin_expect(epoch_self.nesting, 0)) {
		epoch_self.nesting--;
		return;
	}
	__atomic_store_n(&epoch_self.active, 0, __ATOMIC_RELEASE);
}

static inline int epoch_inside(void)
{
	return epoch_self.active != 0;
}

struct epoch_item {
	struct epoch_item *next;
	void (*fn)(struct epoch_item *item);
};

/* Run item->fn later, on any thread, outside every section; item is the caller's memory and
 * is not touched after fn was called. Callable inside a section, not from signal handlers. */
void epoch_defer(struct epoch_item *item, void (*fn)(struct epoch_item *item));
/* Wait until all sections open now have been left. Not from inside a section. */
void epoch_synchronize(void);
/* Wait until everything deferred so far has run. Not from inside a section nor
 * from a deferred function. */
void epoch_drain(void);

#endif
