/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Epochs: the waiting side.
 *
 * A grace period increments the global epoch, makes every thread's store to `active` visible
 * with one membarrier(2), and waits until no thread is inside a section that began before.
 * One reclaimer thread, started by the first deferred item, runs items in batches: whatever
 * piles up during one grace period shares the next.
 *
 * After fork() the child has only the forking thread; it keeps the queue and starts a
 * reclaimer of its own when it defers something.
 */
#include "base/epoch.h"
#include "base/base.h"

#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define BATCH_DELAY_NS 1000000

__thread struct epoch_thread epoch_self __attribute__((tls_model("initial-exec")));
uint64_t epoch_global = 1;
int epoch_fence_needed;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t exit_key;
static pthread_mutex_t threads_lock = PTHREAD_MUTEX_INITIALIZER;
static struct epoch_thread *threads;

static pthread_mutex_t queue_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t queue_more = PTHREAD_COND_INITIALIZER, queue_done = PTHREAD_COND_INITIALIZER;
static struct epoch_item *queue;
static uint64_t n_deferred, n_run;
static bool reclaimer_runs, batch_runs;
static __thread bool is_reclaimer;

/* -- Threads -------------------------------------------------------------- */

static void thread_add(struct epoch_thread *t)
{
	t->next = threads;
	t->link = &threads;
	if (threads)
		threads->link = &t->next;
	threads = t;
	t->registered = 1;
}

static void thread_exit(void *arg)
{
	struct epoch_thread *t = arg;

	pthread_mutex_lock(&threads_lock);
	*t->link = t->next;
	if (t->next)
		t->next->link = t->link;
	t->registered = t->attached = 0;
	pthread_mutex_unlock(&threads_lock);
}

static void before_fork(void)
{
	pthread_mutex_lock(&queue_lock);
	pthread_mutex_lock(&threads_lock);
}

static void after_fork_parent(void)
{
	pthread_mutex_unlock(&threads_lock);
	pthread_mutex_unlock(&queue_lock);
}

static void after_fork_child(void)
{
	uint64_t n = 0;

	threads = NULL;
	if (epoch_self.registered)
		thread_add(&epoch_self);
	for (struct epoch_item *i = queue; i; i = i->next)
		n++;
	n_run = n_deferred - n; /* a batch the parent was running is the parent's */
	reclaimer_runs = batch_runs = false;
	is_reclaimer = false;
	pthread_cond_init(&queue_more, NULL);
	pthread_cond_init(&queue_done, NULL);
	after_fork_parent();
}

static long membarrier(int cmd)
{
	return syscall(SYS_membarrier, cmd, 0, 0);
}

static void init(void)
{
	/* Without a working key a thread could not unregister and its memory would be read. */
	if (pthread_key_create(&exit_key, thread_exit) ||
	    pthread_atfork(before_fork, after_fork_parent, after_fork_child))
		abort();
	if (membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED))
		epoch_fence_needed = 1;
}

void epoch_register(void)
{
	pthread_once(&once, init);
	if (pthread_setspecific(exit_key, &epoch_self))
		abort();
	pthread_mutex_lock(&threads_lock);
	thread_add(&epoch_self);
	pthread_mutex_unlock(&threads_lock);
}

/* -- Grace periods -------------------------------------------------------- */

static void pause_ns(long ns)
{
	nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
}

/* After this every store to `active` made before the call is visible here, and every section
 * entered later sees what was unlinked before the call. */
static void barrier_all(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (epoch_fence_needed || !membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED))
		return;
	if (!membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) &&
	    !membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED))
		return;
	/* Forbidden since the start (seccomp): from now on enters fence; those before it have
	 * long left the store buffers after a few scheduler ticks. */
	__atomic_store_n(&epoch_fence_needed, 1, __ATOMIC_SEQ_CST);
	pause_ns(50000000);
}

static bool busy_before(uint64_t epoch)
{
	bool busy = false;

	pthread_mutex_lock(&threads_lock);
	for (struct epoch_thread *t = threads; t && !busy; t = t->next) {
		uint64_t active = __atomic_load_n(&t->active, __ATOMIC_ACQUIRE);

		busy = active && active < epoch;
	}
	pthread_mutex_unlock(&threads_lock);
	return busy;
}

static void wait_before(uint64_t epoch)
{
	for (unsigned int i = 0; busy_before(epoch); i++) {
		if (i < 20)
			sched_yield();
		else
			pause_ns(i < 100 ? 50000 : 1000000);
	}
}

void epoch_synchronize(void)
{
	uint64_t epoch;

	ua_assert(!epoch_inside());
	pthread_once(&once, init);
	epoch = __atomic_add_fetch(&epoch_global, 1, __ATOMIC_SEQ_CST);
	barrier_all();
	wait_before(epoch);
}

/* -- Deferred items ------------------------------------------------------- */

/* Called with queue_lock, which it drops meanwhile, and no batch running: batches finish in the
 * order they were queued, so that counting tells a drain when it is done. */
static void run_batch(void)
{
	struct epoch_item *batch = queue, *next;
	uint64_t n = 0;

	queue = NULL;
	batch_runs = true;
	pthread_mutex_unlock(&queue_lock);
	epoch_synchronize();
	for (; batch; batch = next, n++) {
		next = batch->next;
		batch->fn(batch);
	}
	pthread_mutex_lock(&queue_lock);
	batch_runs = false;
	n_run += n;
	pthread_cond_broadcast(&queue_done);
}

static void *reclaimer(void *arg)
{
	is_reclaimer = true;
	pthread_mutex_lock(&queue_lock);
	for (;;) {
		while (!queue || batch_runs)
			pthread_cond_wait(queue ? &queue_done : &queue_more, &queue_lock);
		run_batch();
		pthread_mutex_unlock(&queue_lock);
		pause_ns(BATCH_DELAY_NS);
		pthread_mutex_lock(&queue_lock);
	}
	return NULL;
}

static void reclaimer_start(void)
{
	sigset_t all, old;
	pthread_t thread;
	pthread_attr_t attr;

	if (pthread_attr_init(&attr))
		return;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	/* The reclaimer frees memory programs know: faults there must stay visible. */
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	reclaimer_runs = !pthread_create(&thread, &attr, reclaimer, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
}

void epoch_defer(struct epoch_item *item, void (*fn)(struct epoch_item *item))
{
	pthread_once(&once, init);
	item->fn = fn;
	pthread_mutex_lock(&queue_lock);
	if (!queue)
		pthread_cond_signal(&queue_more);
	item->next = queue;
	queue = item;
	n_deferred++;
	if (ua_unlikely(!reclaimer_runs))
		reclaimer_start();
	pthread_mutex_unlock(&queue_lock);
}

void epoch_drain(void)
{
	uint64_t upto;

	ua_assert(!epoch_inside() && !is_reclaimer);
	pthread_mutex_lock(&queue_lock);
	upto = n_deferred;
	while (n_run < upto) {
		if (queue && !batch_runs)
			run_batch();
		else
			pthread_cond_wait(&queue_done, &queue_lock);
	}
	pthread_mutex_unlock(&queue_lock);
}
