/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locks that programs take, with deadlock detection for the resilient kind.
 *
 * Every thread has a table of the resilient locks it holds and the one it waits for. A waiter
 * looks once per millisecond whether the thread that holds what it wants waits for something
 * it holds itself. Only a table's owner writes it; readers see it through relaxed atomics and
 * are right whenever the other thread is indeed stuck.
 */
#include "prog/lock.h"
#include "prog/helper.h"
#include "base/base.h"
#include "base/wordlock.h"
#include "map/map.h"

#include <pthread.h>

#define TABLE_MAX 31
#define CHECK_NS 1000000ull
#define TIMEOUT_NS 250000000ull

/* -- bpf_spin_lock -------------------------------------------------------- */

HELPER_FN(spin_lock)
{
	word_lock(host_ptr(r1));
	run_ctx_top()->spin_lock = host_ptr(r1);
	return 0;
}

HELPER_FN(spin_unlock)
{
	run_ctx_top()->spin_lock = NULL;
	word_unlock(host_ptr(r1));
	return 0;
}

/* -- Preemption ------------------------------------------------------------ */

#define PREEMPT_CPUS 1024

static struct {
	uint32_t lock;
} __attribute__((aligned(64))) cpus[PREEMPT_CPUS];

static __thread uint32_t preempt_depth, preempt_cpu;

void lock_preempt_disable(void)
{
	run_ctx_top()->preempt_depth++;
	if (preempt_depth++)
		return;
	preempt_cpu = map_this_cpu() % PREEMPT_CPUS;
	word_lock(&cpus[preempt_cpu].lock);
}

void lock_preempt_enable(void)
{
	run_ctx_top()->preempt_depth--;
	if (!--preempt_depth)
		word_unlock(&cpus[preempt_cpu].lock);
}

/* -- Tables of held locks --------------------------------------------------- */

struct table {
	struct table *next;
	uint32_t *waiting;
	uint32_t n; /* may exceed TABLE_MAX: the rest is not recorded */
	void *locks[TABLE_MAX];
};

static pthread_mutex_t tables_lock = PTHREAD_MUTEX_INITIALIZER;
static struct table *tables;
static pthread_key_t tables_key;
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;
static __thread struct table self;
static __thread bool listed;

static void table_unlist(void *arg)
{
	struct table **p;

	pthread_mutex_lock(&tables_lock);
	for (p = &tables; *p && *p != arg; p = &(*p)->next)
		;
	if (*p)
		*p = (*p)->next;
	pthread_mutex_unlock(&tables_lock);
}

/* Only the forking thread goes on in the child. */
static void after_fork(void)
{
	pthread_mutex_init(&tables_lock, NULL);
	tables = listed ? &self : NULL;
	self.next = NULL;
}

static void tables_init(void)
{
	pthread_key_create(&tables_key, table_unlist);
	pthread_atfork(NULL, NULL, after_fork);
}

static void table_list(void)
{
	pthread_once(&tables_once, tables_init);
	pthread_setspecific(tables_key, &self);
	pthread_mutex_lock(&tables_lock);
	self.next = tables;
	tables = &self;
	pthread_mutex_unlock(&tables_lock);
	listed = true;
}

static bool holds(const struct table *t, const void *lock)
{
	uint32_t n = min_t(uint32_t, __atomic_load_n(&t->n, __ATOMIC_RELAXED), TABLE_MAX);

	for (uint32_t i = 0; i < n; i++)
		if (__atomic_load_n(&t->locks[i], __ATOMIC_RELAXED) == lock)
			return true;
	return false;
}

static void table_push(uint32_t *lock)
{
	if (self.n < TABLE_MAX)
		__atomic_store_n(&self.locks[self.n], lock, __ATOMIC_RELAXED);
	__atomic_store_n(&self.n, self.n + 1, __ATOMIC_RELEASE);
}

/* The innermost one is the rule; the verifier keeps programs from anything else. */
static void table_pop(void)
{
	__atomic_store_n(&self.n, self.n - 1, __ATOMIC_RELAXED);
}

/* Does a thread that holds `lock` wait for one of ours? */
static bool is_abba(uint32_t *lock)
{
	bool found = false;

	pthread_mutex_lock(&tables_lock);
	for (const struct table *t = tables; t && !found; t = t->next) {
		uint32_t *waiting = __atomic_load_n(&t->waiting, __ATOMIC_ACQUIRE);

		found = t != &self && waiting && holds(&self, waiting) && holds(t, lock) &&
			__atomic_load_n(&t->waiting, __ATOMIC_ACQUIRE) == waiting;
	}
	pthread_mutex_unlock(&tables_lock);
	return found;
}

/* -- bpf_res_spin_lock ------------------------------------------------------ */

static int res_wait(uint32_t *lock)
{
	int err = -ETIMEDOUT;

	__atomic_store_n(&self.waiting, lock, __ATOMIC_RELEASE);
	for (uint64_t waited = 0; waited < TIMEOUT_NS; waited += CHECK_NS) {
		if (word_lock_timed(lock, CHECK_NS)) {
			err = 0;
			break;
		}
		if (is_abba(lock)) {
			err = -EDEADLK;
			break;
		}
	}
	__atomic_store_n(&self.waiting, NULL, __ATOMIC_RELEASE);
	return err;
}

int lock_res_acquire(uint32_t *lock)
{
	if (ua_unlikely(!listed))
		table_list();
	if (holds(&self, lock))
		return -EDEADLK;
	if (!word_trylock(lock)) {
		int err = res_wait(lock);

		if (err)
			return err;
	}
	table_push(lock);
	run_ctx_top()->n_res_locks++;
	return 0;
}

void lock_res_release(uint32_t *lock)
{
	run_ctx_top()->n_res_locks--;
	table_pop();
	word_unlock(lock);
}

uint32_t lock_res_held(void *const **locks)
{
	*locks = self.locks;
	return self.n;
}

void lock_run_stopped(struct run_ctx *rc)
{
	if (rc->spin_lock)
		word_unlock(rc->spin_lock);
	rc->spin_lock = NULL;
	for (; rc->n_res_locks; rc->n_res_locks--) {
		table_pop();
		if (self.n < TABLE_MAX)
			word_unlock(self.locks[self.n]);
	}
	if (rc->preempt_depth && !(preempt_depth -= rc->preempt_depth))
		word_unlock(&cpus[preempt_cpu].lock);
	rc->preempt_depth = 0;
}
