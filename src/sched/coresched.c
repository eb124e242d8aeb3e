/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Core scheduling: the threads of a core run tasks of one cookie at a time.
 *
 * A CPU that would run a task next to one of another cookie compares the two: whoever comes
 * first runs, the other's CPU takes a task of that cookie or stays idle. Order is that of
 * ops.core_sched_before(), else of waiting longest. A CPU may take any task that waits for it,
 * also out of the scheduler's custody: that ends with SCX_DEQ_CORE_SCHED_EXEC. Tasks of the
 * default policy take no part.
 */
#include "sched/core.h"

void coresched_touch(struct core_task *t)
{
	t->core_at = t->m->now;
}

static bool before(struct core_task *a, struct core_task *b)
{
	struct sched *s = sched_active(a->m);

	if (s && a->ext && b->ext && s->ops->core_sched_before)
		return OP_TASKS_RET(s, cpu_of(a), core_sched_before, ts_of(a), ts_of(b));
	return a->core_at < b->core_at;
}

static struct cpu *sibling(const struct cpu *c, int32_t i)
{
	return &c->m->cpus[c->m->core_cpus[c->core_first + i]];
}

/* Who on another thread of the core runs under a cookie that is not t's. */
static struct core_task *rival(const struct cpu *c, const struct core_task *t)
{
	for (int32_t i = 0; i < c->core_n; i++) {
		const struct cpu *other = sibling(c, i);
		struct core_task *r = other == c ? NULL : task_on(other);

		if (r && r->ext && r->cookie != t->cookie)
			return r;
	}
	return NULL;
}

/* The first of those that wait for this CPU under a cookie. */
static struct core_task *find_mate(struct cpu *c, uint64_t cookie, struct core_task *prev)
{
	struct core_task *best = prev && prev->cookie == cookie ? prev : NULL;

	for (struct core_task *t = c->runnable_first; t; t = t->runnable_next)
		if (t->cookie == cookie && !t->deferred && task_may_run_on(t, c) &&
		    (!best || before(t, best)))
			best = t;
	return best;
}

static void push_aside(struct cpu *c, uint64_t cookie)
{
	for (int32_t i = 0; i < c->core_n; i++) {
		struct cpu *other = sibling(c, i);
		struct core_task *r = other == c ? NULL : task_on(other);

		if (r && r->cookie != cookie)
			pick_resched(other);
	}
}

struct core_task *coresched_choose(struct cpu *c, struct core_task *prev, struct core_task *t)
{
	struct core_task *r;

	if (!c->m->core_sched || c->core_n == 1 || !t || !t->ext)
		return t;
	r = rival(c, t);
	if (!r)
		return t;
	if (before(t, r)) {
		push_aside(c, t->cookie);
		return t;
	}
	return find_mate(c, r->cookie, prev && prev->ext ? prev : NULL);
}

/* Threads that had to stay idle try again: something has changed on c. */
void coresched_chosen(struct cpu *c)
{
	if (!c->m->core_sched)
		return;
	for (int32_t i = 0; i < c->core_n; i++) {
		struct cpu *other = sibling(c, i);

		if (other != c && other->online && !task_on(other) && other->nr_running)
			pick_resched(other);
	}
}
