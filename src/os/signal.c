/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals, the handler-safe lock, time and the machine. Contracts in os.h. */
#include "os/os.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif
#define MIN_FRAME 4096 /* older kernels do not tell; larger than any frame they build */

/* -- Lock ----------------------------------------------------------------- */

void os_lock_raw(struct os_lock *l)
{
	uint32_t free = 0;

	if (atomic_compare_exchange_strong(&l->v, &free, 1))
		return;
	while (atomic_exchange(&l->v, 2))
		syscall(SYS_futex, &l->v, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
}

void os_unlock_raw(struct os_lock *l)
{
	if (atomic_exchange(&l->v, 0) == 2)
		syscall(SYS_futex, &l->v, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void os_lock(struct os_lock *l, uint64_t *saved)
{
	uint64_t all = ~0ull;

	os_sigmask_set(&all, saved);
	os_lock_raw(l);
}

void os_unlock(struct os_lock *l, const uint64_t *saved)
{
	os_unlock_raw(l);
	os_sigmask_set(saved, NULL);
}

void os_yield(void)
{
	syscall(SYS_sched_yield);
}

/* -- Signals -------------------------------------------------------------- */

void os_sigmask_set(const uint64_t *mask, uint64_t *old)
{
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, mask, old, sizeof(*mask));
}

int os_sigqueue_self(int sig, siginfo_t *info)
{
	long ret =
		syscall(SYS_rt_tgsigqueueinfo, syscall(SYS_getpid), syscall(SYS_gettid), sig, info);

	return ret < 0 ? -errno : 0;
}

size_t os_sigframe_size(void)
{
	size_t size = getauxval(AT_MINSIGSTKSZ);

	return size > MIN_FRAME ? size : MIN_FRAME;
}

uintptr_t os_sigreturn_addr(int sig)
{
#ifdef __x86_64__
	struct {
		void *handler;
		unsigned long flags;
		uintptr_t restorer;
		uint64_t mask;
	} act;

	memset(&act, 0, sizeof(act));
	if (!syscall(SYS_rt_sigaction, sig, NULL, &act, sizeof(act.mask)))
		return act.restorer;
#endif
	return 0;
}

/* -- Machine -------------------------------------------------------------- */

#define MAX_NODES 1024
static uint64_t nodes[MAX_NODES / 64];

static void nodes_read(void)
{
	FILE *f = fopen("/sys/devices/system/node/online", "re");
	unsigned int first, last;

	nodes[0] = 1;
	while (f && fscanf(f, "%u", &first) == 1) {
		last = first;
		if (fscanf(f, "-%u", &last) < 0)
			last = first;
		for (; first <= last && first < MAX_NODES; first++)
			nodes[first / 64] |= 1ull << first % 64;
		if (fgetc(f) != ',')
			break;
	}
	if (f)
		fclose(f);
}

bool os_node_online(int node)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, nodes_read);
	return node >= 0 && node < MAX_NODES && nodes[node / 64] >> node % 64 & 1;
}

uint64_t os_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}
