/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BPF timers: their life and the helpers on them.
 *
 *   value   --word 0-->   struct timer   <--heap of armed timers--   queue (timer_queue.c)
 *
 * Timers are freed through the epochs, because programs may have loaded the pointer.
 */
#include "prog/timer_queue.h"
#include "base/base.h"
#include "prog/helper.h"
#include "prog/world.h"

#define BPF_F_TIMER_ABS 1u
#define BPF_F_TIMER_CPU_PIN 2u

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

	timer_lock();
	t = *slot;
	if (t) {
		__atomic_store_n(slot, NULL, __ATOMIC_RELEASE);
		timer_disarm(t);
		prog = t->prog;
		t->prog = NULL;
	}
	timer_unlock();
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

void timer_map_opened(struct map *map)
{
	timer_lock();
	map->closed = false;
	timer_unlock();
}

void timer_map_closed(struct map *map)
{
	if (map->rec.timer_off < 0)
		return;
	timer_lock();
	map->closed = true;
	timer_unlock();
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
	t->clock = clock;
	find_key(map, t);
	timer_lock();
	err = timer_publish(slot_of(host_ptr(r1)), t);
	timer_unlock();
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

	timer_lock();
	t = timer_of(host_ptr(r1));
	if (t && t->map->closed) {
		err = -EPERM;
	} else if (t) {
		old = t->prog;
		t->prog = prog;
		t->cb = r2;
		err = 0;
	}
	timer_unlock();
	if (old)
		prog_put(old);
	return (uint64_t)(int64_t)err;
}

static uint64_t expiry(const struct timer *t, uint64_t ns, bool absolute)
{
	uint64_t now = world_clock(CLOCK_MONOTONIC), from, sum;

	if (absolute) {
		from = world_clock(t->clock);
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
	timer_lock();
	t = timer_of(host_ptr(r1));
	if (t && t->prog)
		err = timer_arm(t, expiry(t, r2, r3 & BPF_F_TIMER_ABS));
	timer_unlock();
	return (uint64_t)(int64_t)err;
}

/* 1: it was armed or running; the callback is not running when this returns. */
static int cancel_locked(struct timer *t, struct prog **prog)
{
	int active;

	UA_FAIL_IF(timer_runs_here(t), -EDEADLK);
	active = timer_disarm(t);
	*prog = t->prog;
	t->prog = NULL;
	return active | timer_quiesce(t);
}

HELPER_FN(timer_cancel)
{
	struct prog *prog = NULL;
	struct timer *t;
	int ret = -EINVAL;

	timer_lock();
	t = timer_of(host_ptr(r1));
	if (t)
		ret = cancel_locked(t, &prog);
	timer_unlock();
	if (prog)
		prog_put(prog);
	return (uint64_t)(int64_t)ret;
}
