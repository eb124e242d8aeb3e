/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queues of armed timers: a heap each, earliest first.
 *
 * The real world's queue is served by a thread, another world's by whoever made it. Whoever
 * fires a timer enters an epoch section before it lets go of the lock, and calls back outside
 * the lock; so a timer or value that goes meanwhile stays readable until the callback has
 * returned. The callbacks under way are listed, which is how cancelling finds out about them.
 */
#include "prog/timer_queue.h"
#include "base/base.h"
#include "prog/region.h"
#include "prog/world.h"

#include <pthread.h>
#include <signal.h>

struct timer_queue {
	struct timer **heap;
	size_t n, cap;
};

/* A callback under way, on the stack of the thread that runs it. */
struct firing {
	struct firing *next;
	const struct timer *timer; /* only compared */
	pthread_t thread;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t wake, done;
	bool started;
	struct timer_queue queue; /* of the real world */
	struct firing *firing;
	uint64_t order;
} svc = {.lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};

void timer_lock(void)
{
	pthread_mutex_lock(&svc.lock);
}

void timer_unlock(void)
{
	pthread_mutex_unlock(&svc.lock);
}

/* -- Heap ------------------------------------------------------------------------- */

static bool earlier(const struct timer *a, const struct timer *b)
{
	return a->expires != b->expires ? a->expires < b->expires : a->order < b->order;
}

static void heap_place(struct timer_queue *q, size_t i, struct timer *t)
{
	q->heap[i] = t;
	t->pos = i;
}

static void heap_up(struct timer_queue *q, struct timer *t)
{
	size_t i = t->pos;

	for (; i && earlier(t, q->heap[(i - 1) / 2]); i = (i - 1) / 2)
		heap_place(q, i, q->heap[(i - 1) / 2]);
	heap_place(q, i, t);
}

static void heap_down(struct timer_queue *q, struct timer *t)
{
	size_t i = t->pos;

	for (;;) {
		size_t child = 2 * i + 1;

		if (child + 1 < q->n && earlier(q->heap[child + 1], q->heap[child]))
			child++;
		if (child >= q->n || !earlier(q->heap[child], t))
			break;
		heap_place(q, i, q->heap[child]);
		i = child;
	}
	heap_place(q, i, t);
}

bool timer_disarm(struct timer *t)
{
	struct timer_queue *q = t->queue;

	if (!q)
		return false;
	t->queue = NULL;
	if (t->pos != --q->n) {
		struct timer *last = q->heap[q->n];

		heap_place(q, t->pos, last);
		heap_up(q, last);
		heap_down(q, last);
	}
	return true;
}

static void insert(struct timer_queue *q, struct timer *t, uint64_t expires)
{
	t->queue = q;
	t->expires = expires;
	t->order = svc.order++;
	t->cpu = map_this_cpu();
	t->pos = q->n++;
	heap_up(q, t);
}

/* -- Firing ----------------------------------------------------------------------- */

static void firing_end(const struct firing *f)
{
	struct firing **at;

	pthread_mutex_lock(&svc.lock);
	for (at = &svc.firing; *at != f; at = &(*at)->next)
		continue;
	*at = f->next;
	pthread_cond_broadcast(&svc.done);
	pthread_mutex_unlock(&svc.lock);
}

/* Takes the lock, returns without it. */
static void fire(struct timer *t, void (*enter)(void *arg, uint32_t cpu), void *arg)
{
	uint64_t args[5] = {(uintptr_t)t->map, (uintptr_t)t->key, (uintptr_t)t->value};
	struct firing f = {.next = svc.firing, .timer = t, .thread = pthread_self()};
	struct prog *prog = prog_get(t->prog);
	struct run_ctx rc = {.prog = prog};
	uint64_t cb = t->cb, retval;
	uint32_t cpu = t->cpu;

	timer_disarm(t);
	svc.firing = &f;
	epoch_enter();
	pthread_mutex_unlock(&svc.lock);
	if (enter)
		enter(arg, cpu);
	region_allow(&rc, t->key, t->map->v.key_size, false);
	region_allow(&rc, t->value, t->map->v.value_size, true);
	prog_callback_run(&rc, cb, args, &retval);
	firing_end(&f);
	epoch_exit();
	prog_put(prog);
}

static const struct firing *firing_of(const struct timer *t)
{
	const struct firing *f = svc.firing;

	while (f && f->timer != t)
		f = f->next;
	return f;
}

bool timer_runs_here(const struct timer *t)
{
	const struct firing *f = firing_of(t);

	return f && pthread_equal(f->thread, pthread_self());
}

bool timer_quiesce(const struct timer *t)
{
	bool ran = false;

	while (firing_of(t)) {
		ran = true;
		pthread_cond_wait(&svc.done, &svc.lock);
	}
	return ran;
}

/* -- The real world: service thread -------------------------------------------------- */

static void wait_until(uint64_t ns)
{
	struct timespec ts = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};

	pthread_cond_timedwait(&svc.wake, &svc.lock, &ts);
}

static void *service(void *arg)
{
	const struct timer_queue *q = &svc.queue;

	pthread_setname_np(pthread_self(), "uarena-timer");
	pthread_mutex_lock(&svc.lock);
	for (;;) {
		if (!q->n) {
			pthread_cond_wait(&svc.wake, &svc.lock);
		} else if (q->heap[0]->expires > world_clock(CLOCK_MONOTONIC)) {
			wait_until(q->heap[0]->expires);
		} else {
			fire(q->heap[0], NULL, NULL);
			pthread_mutex_lock(&svc.lock);
		}
	}
	return arg;
}

/* The child of fork() has the timers but not the thread; it comes back with the next start. */
static void after_fork(void)
{
	pthread_mutex_init(&svc.lock, NULL);
	svc.started = false;
	svc.firing = NULL;
}

static void service_setup(void)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&svc.wake, &attr);
	pthread_condattr_destroy(&attr);
	pthread_atfork(NULL, NULL, after_fork);
}

/* Signals of the host are not for this thread; faults of programs are. */
static int service_start(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_t thread;
	sigset_t block, old;
	int err;

	if (svc.started)
		return 0;
	pthread_once(&once, service_setup);
	sigfillset(&block);
	sigdelset(&block, SIGSEGV);
	sigdelset(&block, SIGBUS);
	pthread_sigmask(SIG_SETMASK, &block, &old);
	err = pthread_create(&thread, NULL, service, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	UA_FAIL_IF(err, -err);
	pthread_detach(thread);
	svc.started = true;
	return 0;
}

int timer_arm(struct timer *t, uint64_t expires)
{
	struct timer_queue *q = world_here ? world_here->timers : NULL;
	bool real = !q;

	if (real)
		UA_TRY(service_start());
	q = real ? &svc.queue : q;
	UA_TRY(UA_GROW(&q->heap, &q->cap, q->n + 1));
	timer_disarm(t);
	insert(q, t, expires);
	if (real)
		pthread_cond_signal(&svc.wake);
	return 0;
}

/* -- Other worlds --------------------------------------------------------------------- */

struct timer_queue *timer_queue_new(void)
{
	return mem_zalloc(sizeof(struct timer_queue));
}

void timer_queue_free(struct timer_queue *q)
{
	if (!q)
		return;
	pthread_mutex_lock(&svc.lock);
	while (q->n)
		timer_disarm(q->heap[q->n - 1]);
	pthread_mutex_unlock(&svc.lock);
	mem_free(q->heap);
	mem_free(q);
}

uint64_t timer_queue_next(const struct timer_queue *q)
{
	uint64_t when;

	pthread_mutex_lock(&svc.lock);
	when = q->n ? q->heap[0]->expires : UINT64_MAX;
	pthread_mutex_unlock(&svc.lock);
	return when;
}

void timer_queue_fire(struct timer_queue *q, void (*enter)(void *arg, uint32_t cpu), void *arg)
{
	pthread_mutex_lock(&svc.lock);
	if (q->n)
		fire(q->heap[0], enter, arg);
	else
		pthread_mutex_unlock(&svc.lock);
}
