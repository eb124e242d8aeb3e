/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A lock in 32 bits: what a struct bpf_spin_lock in a map value is.
 *
 * 0 free, 1 held, 2 held and somebody sleeps on it. A thread of an ordinary process may lose
 * its CPU while it holds the lock, so waiters spin briefly and then sleep in the kernel.
 */
#ifndef UA_BASE_WORDLOCK_H
#define UA_BASE_WORDLOCK_H

#include <linux/futex.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define WORD_LOCK_SPINS 100

static inline void word_lock_pause(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

static inline int word_trylock(uint32_t *word)
{
	uint32_t free = 0;

	return __atomic_compare_exchange_n(word, &free, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static inline void word_lock(uint32_t *word)
{
	for (int i = 0; i < WORD_LOCK_SPINS; i++) {
		if (word_trylock(word))
			return;
		word_lock_pause();
	}
	while (__atomic_exchange_n(word, 2, __ATOMIC_ACQUIRE) != 0)
		syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
}

/* false: not acquired within ns nanoseconds. */
static inline int word_lock_timed(uint32_t *word, uint64_t ns)
{
	struct timespec wait = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};

	for (int i = 0; i < WORD_LOCK_SPINS; i++) {
		if (word_trylock(word))
			return 1;
		word_lock_pause();
	}
	if (__atomic_exchange_n(word, 2, __ATOMIC_ACQUIRE) == 0)
		return 1;
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, 2, &wait, NULL, 0);
	return __atomic_exchange_n(word, 2, __ATOMIC_ACQUIRE) == 0;
}

static inline void word_unlock(uint32_t *word)
{
	if (__atomic_exchange_n(word, 0, __ATOMIC_RELEASE) == 2)
		syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

#endif
