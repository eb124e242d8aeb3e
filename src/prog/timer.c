/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BPF timers.
 *
 *   value   --word 0-->   struct timer   <--heap of armed timers--   service thread
 *
 * One lock guards the heap and every timer. The service thread takes the earliest timer,
 * enters an epoch section before it lets go of the lock, and calls back outside the lock; so
 * a timer or value that goes meanwhile stays readable until the callback has returned. Timers
 * are freed through the epochs, because programs may have loaded the pointer.
 */
#include "prog/timer.h"
#include "base/base.h"
#include "base/epoch.h"
#include "prog/helper.h"
#include "prog/region.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

#define NOT_ARMED SIZE_MAX
#define BPF_F_TIMER_ABS 1u
#define BPF_F_TIMER_CPU_PIN 2u

struct timer {
	struct epoch_item free_item;
	struct map *map;
	void *value;
	struct prog *prog; /* reference; NULL: no callback set */
	uint64_t cb;
	uint64_t expires; /* CLOCK_MONOTONIC */
	size_t pos;	  /* in the heap, or NOT_ARMED */
	clockid_t clock;
	uint8_t key[] __attribute__((aligned(8)));
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t wake, done;
	bool started;
	pthread_t thread;
	struct timer **heap;
	size_t n_armed, cap;
	size_t n_timers;	     /* the heap has room for so many */
	const struct timer *running; /* only compared */
} svc = {.lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* -- Heap, earliest first --------------------------------------------------- */

static void heap_place(size_t i, struct timer *t)
{
	svc.heap[i] = t;
	t->pos = i;
}

static void heap_up(struct timer *t)
{
	size_t i = t->pos;

	for (; i && svc.heap[(i - 1) / 2]->expires > t->expires; i = (i - 1) / 2)
		heap_place(i, svc.heap[(i - 1) / 2]);
	heap_place(i, t);
}

static void heap_down(struct timer *t)
{
	size_t i = t->pos;

	for (;;) {
		size_t child = 2 * i + 1;

		if (child + 1 < svc.n_armed &&
		    svc.heap[child + 1]->expires < svc.heap[child]->expires)
			child++;
		if (child >= svc.n_armed || svc.heap[child]->expires >= t->expires)
			break;
		heap_place(i, svc.heap[child]);
		i = child;
	}
	heap_place(i, t);
}

static bool disarm(struct timer *t)
{
	size_t i = t->pos;

	if (i == NOT_ARMED)
		return false;
	t->pos = NOT_ARMED;
	if (i != --svc.n_armed) {
		struct timer *last = svc.heap[svc.n_armed];

		heap_place(i, last);
		heap_up(last);
		heap_down(last);
	}
	return true;
}

static void arm(struct timer *t, uint64_t expires)
{
	disarm(t);
	t->expires = expires;
	t->pos = svc.n_armed++;
	heap_up(t);
}

/* -- Service thread --------------------------------------------------------- */

/* Returns with the lock held, as it was. */
static void fire(struct timer *t)
{
	uint64_t args[5] = {(uintptr_t)t->map, (uintptr_t)t->key, (uintptr_t)t->value};
	struct prog *prog = prog_get(t->prog);
	uint64_t cb = t->cb, retval;
	struct run_ctx rc = {.prog = prog};

	disarm(t);
	svc.running = t;
	epoch_enter();
	pthread_mutex_unlock(&svc.lock);
	region_allow(&rc, t->key, t->map->v.key_size, false);
	region_allow(&rc, t->value, t->map->v.value_size, true);
	prog_callback_run(&rc, cb, args, &retval);
	epoch_exit();
	prog_put(prog);
	pthread_mutex_lock(&svc.lock);
	svc.running = NULL;
	pthread_cond_broadcast(&svc.done);
}

static void wait_until(uint64_t ns)
{
	struct timespec ts = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};

	pthread_cond_timedwait(&svc.wake, &svc.lock, &ts);
}

static void *service(void *arg)
{
	pthread_setname_np(pthread_self(), "uarena-timer");
	pthread_mutex_lock(&svc.lock);
	for (;;) {
		if (!svc.n_armed)
			pthread_cond_wait(&svc.wake, &svc.lock);
		else if (svc.heap[0]->expires > clock_ns(CLOCK_MONOTONIC))
			wait_until(svc.heap[0]->expires);
		else
			fire(svc.heap[0]);
	}
	return arg;
}

/* The child of fork() has the timers but not the thread; it comes back with the next start. */
static void after_fork(void)
{
	pthread_mutex_init(&svc.lock, NULL);
	svc.started = false;
	svc.running = NULL;
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
	sigset_t block, old;
	int err;

	if (svc.started)
		return 0;
	pthread_once(&once, service_setup);
	sigfillset(&block);
	sigdelset(&block, SIGSEGV);
	sigdelset(&block, SIGBUS);
	pthread_sigmask(SIG_SETMASK, &block, &old);
	err = pthread_create(&svc.thread, NULL, service, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	UA_FAIL_IF(err, -err);
	pthread_detach(svc.thread);
	svc.started = true;
	return 0;
}

/* -- Life of a timer -------------------------------------------------------- */

static struct timer **slot_of(void *bpf_timer)
{
	return bpf_timer;
}

static struct timer *timer_of(void *bpf_timer)
{
	return __atomic_load_n(slot_of(bpf_timer), __ATOMIC_ACQUIRE);
}

static void timer_free(struct epoch_item *item)
{
	mem_free(container_of(item, struct timer, free_item));
}

/* The value goes: whoever still runs the callback finds memory, but nothing starts it again. */
static void timer_drop(struct map *map, void *value)
{
	struct timer **slot = slot_of((uint8_t *)value + map->rec.timer_off);
	struct prog *prog = NULL;
	struct timer *t;

	pthread_mutex_lock(&svc.lock);
	t = *slot;
	if (t) {
		__atomic_store_n(slot, NULL, __ATOMIC_RELEASE);
		disarm(t);
		prog = t->prog;
		t->prog = NULL;
		svc.n_timers--;
	}
	pthread_mutex_unlock(&svc.lock);
	if (prog)
		prog_put(prog);
	if (t)
		epoch_defer(&t->free_item, timer_free);
}

static uint64_t drop_each(struct map *map, void *key, void *value, void *arg)
{
	timer_drop(map, value);
	return 0;
}

void timer_map_closed(struct map *map)
{
	if (map->rec.timer_off < 0)
		return;
	pthread_mutex_lock(&svc.lock);
	map->closed = true;
	pthread_mutex_unlock(&svc.lock);
	epoch_enter();
	if (map->v.ops->for_each)
		map->v.ops->for_each(map, drop_each, NULL);
	epoch_exit();
}

struct key_search {
	const void *value;
	struct timer *t;
};

static uint64_t key_match(struct map *map, void *key, void *value, void *arg)
{
	struct key_search *s = arg;

	if (value != s->value)
		return 0;
	memcpy(s->t->key, key, map->v.key_size);
	return 1;
}

/* Callbacks get the key; the value's address is all that bpf_timer_init is given. */
static void find_key(struct map *map, struct timer *t)
{
	struct key_search s = {.value = t->value, .t = t};

	if (map->v.max_entries > 1 && map->v.ops->for_each)
		map->v.ops->for_each(map, key_match, &s);
}

static int timer_publish(struct timer **slot, struct timer *t)
{
	struct map *map = t->map;

	UA_FAIL_IF(*slot, -EBUSY);
	UA_FAIL_IF(map->closed, -EPERM);
	UA_TRY(UA_GROW(&svc.heap, &svc.cap, svc.n_timers + 1));
	svc.n_timers++;
	map->timers_cancel = timer_drop;
	__atomic_store_n(slot, t, __ATOMIC_RELEASE);
	return 0;
}

HELPER_FN(timer_init)
{
	struct map *map = host_ptr(r2);
	clockid_t clock = (clockid_t)(r3 & 0xf);
	struct timer *t;
	int err;

	if (r3 > 0xf ||
	    (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME && clock != CLOCK_BOOTTIME))
		return (uint64_t)-EINVAL;
	if (timer_of(host_ptr(r1)))
		return (uint64_t)-EBUSY;
	t = mem_zalloc(sizeof(*t) + map->v.key_size);
	if (!t)
		return (uint64_t)-ENOMEM;
	t->map = map;
	t->value = (uint8_t *)host_ptr(r1) - map->rec.timer_off;
	t->pos = NOT_ARMED;
	t->clock = clock;
	find_key(map, t);
	pthread_mutex_lock(&svc.lock);
	err = timer_publish(slot_of(host_ptr(r1)), t);
	pthread_mutex_unlock(&svc.lock);
	if (err)
		mem_free(t);
	return (uint64_t)(int64_t)err;
}

/* -- Helpers on one ---------------------------------------------------------- */

HELPER_FN(timer_set_callback)
{
	struct prog *prog = prog_get(run_top->prog), *old = prog;
	struct timer *t;
	int err = -EINVAL;

	pthread_mutex_lock(&svc.lock);
	t = timer_of(host_ptr(r1));
	if (t && t->map->closed) {
		err = -EPERM;
	} else if (t) {
		old = t->prog;
		t->prog = prog;
		t->cb = r2;
		err = 0;
	}
	pthread_mutex_unlock(&svc.lock);
	if (old)
		prog_put(old);
	return (uint64_t)(int64_t)err;
}

static uint64_t expiry(const struct timer *t, uint64_t ns, bool absolute)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC), from, sum;

	if (absolute) {
		from = clock_ns(t->clock);
		ns = ns > from ? ns - from : 0;
	}
	return __builtin_add_overflow(now, ns, &sum) || sum > INT64_MAX ? INT64_MAX : sum;
}

HELPER_FN(timer_start)
{
	struct timer *t;
	int err = -EINVAL;

	if (r3 & ~(uint64_t)(BPF_F_TIMER_ABS | BPF_F_TIMER_CPU_PIN))
		return (uint64_t)-EINVAL;
	pthread_mutex_lock(&svc.lock);
	t = timer_of(host_ptr(r1));
	if (t && t->prog)
		err = service_start();
	if (!err) {
		arm(t, expiry(t, r2, r3 & BPF_F_TIMER_ABS));
		pthread_cond_signal(&svc.wake);
	}
	pthread_mutex_unlock(&svc.lock);
	return (uint64_t)(int64_t)err;
}

static bool in_service_thread(void)
{
	return svc.started && pthread_equal(pthread_self(), svc.thread);
}

/* 1: it was armed or running; the callback is not running when this returns. */
static int cancel_locked(struct timer *t, struct prog **prog)
{
	int active;

	UA_FAIL_IF(svc.running == t && in_service_thread(), -EDEADLK);
	active = disarm(t);
	*prog = t->prog;
	t->prog = NULL;
	active |= svc.running == t;
	while (svc.running == t)
		pthread_cond_wait(&svc.done, &svc.lock);
	return active;
}

HELPER_FN(timer_cancel)
{
	struct prog *prog = NULL;
	struct timer *t;
	int ret = -EINVAL;

	pthread_mutex_lock(&svc.lock);
	t = timer_of(host_ptr(r1));
	if (t)
		ret = cancel_locked(t, &prog);
	pthread_mutex_unlock(&svc.lock);
	if (prog)
		prog_put(prog);
	return (uint64_t)(int64_t)ret;
}
