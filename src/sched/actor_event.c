/* SPDX-License-Identifier: BSD-2-Clause */
/* What actors do: one function per kind of event. */
#include "sched/actor_core.h"

/* Events in a row before a task is charged for them. */
#define MAX_IN_A_ROW 100

/* Does the task go on with its next event, or has it been given time, put to sleep, ended? */
enum step { STEP_ON, STEP_LEFT };

typedef enum step step_fn(struct actor *a, const struct workload_event *e);

/* -- Place in the list of events ---------------------------------------------------------- */

static void end_phase(struct actor *a, const struct workload_event *e)
{
	a->phase_loops++;
	if (e->n != WORKLOAD_FOREVER && a->phase_loops >= (uint32_t)e->n) {
		a->phase_loops = 0;
		a->pc++;
	} else {
		a->pc = e->ref;
	}
}

static void end_loop(struct actor *a)
{
	a->kind->counts.loops++;
	a->loops++;
	a->pc = 0;
	a->done = a->kind->spec->loops && a->loops >= a->kind->spec->loops;
}

/* NULL: the task has done all it had to. Every phase has an event, so this ends. */
static const struct workload_event *next_event(struct actor *a)
{
	const struct workload_task *spec = a->kind->spec;

	while (!a->done) {
		const struct workload_event *e = &spec->events[a->pc];

		if (a->pc == spec->n_events)
			end_loop(a);
		else if (e->op == WL_PHASE_END)
			end_phase(a, e);
		else
			return e;
	}
	return NULL;
}

void actor_prepare(struct actor *a)
{
	const struct workload_event *e = next_event(a);

	a->task->burst = ACTOR_EVENT_NS;
	if (!e || e->op != WL_RUN)
		return;
	a->pc++;
	a->task->burst = workload_draw(&e->time, &a->random);
}

/* -- Sleeping and waking ------------------------------------------------------------------ */

static struct machine *machine_of(const struct actor *a)
{
	return a->kind->all->m;
}

static enum step sleep_now(struct actor *a)
{
	machine_block(machine_of(a), a->task);
	return STEP_LEFT;
}

void actor_wake(struct actor *a, struct actor *waker, bool sync)
{
	actor_prepare(a);
	machine_wake(machine_of(a), a->task, waker ? waker->task : NULL, sync);
}

static void wake_up(void *owner, uint64_t gen)
{
	(void)gen;
	actor_wake(owner, NULL, false);
}

static enum step sleep_until(struct actor *a, uint64_t when)
{
	if (machine_at(machine_of(a), when, wake_up, a, 0))
		actors_fail(a->kind->all, "out of memory");
	return sleep_now(a);
}

static void push(struct actor_queue *q, struct actor *a)
{
	a->next = NULL;
	if (q->first)
		q->last->next = a;
	else
		q->first = a;
	q->last = a;
}

static struct actor *pop(struct actor_queue *q)
{
	struct actor *a = q->first;

	if (a)
		q->first = a->next;
	return a;
}

static enum step mistake(struct actor *a, const struct workload_event *e, const char *what,
			 const char *name)
{
	actors_fail(a->kind->all, "task '%s', phase '%s', key '%s': %s '%s'", a->kind->spec->name,
		    a->kind->spec->phases[e->phase], workload_op_key(e->op), what, name);
	return sleep_now(a);
}

/* -- Time --------------------------------------------------------------------------------- */

static enum step do_run(struct actor *a, const struct workload_event *e)
{
	a->task->burst = workload_draw(&e->time, &a->random);
	return STEP_LEFT;
}

static enum step do_sleep(struct actor *a, const struct workload_event *e)
{
	return sleep_until(a, machine_now(machine_of(a)) + workload_draw(&e->time, &a->random));
}

/* A period counts from the end of the last; a relative one that was missed begins anew. */
static enum step do_timer(struct actor *a, const struct workload_event *e)
{
	uint64_t now = machine_now(machine_of(a)), *last = &a->timers[e->ref];

	*last += workload_draw(&e->time, &a->random);
	if (*last > now)
		return sleep_until(a, *last);
	if (!e->flag)
		*last = now;
	return STEP_ON;
}

static enum step do_yield(struct actor *a, const struct workload_event *e)
{
	(void)e;
	actor_prepare(a);
	machine_yield(machine_of(a), a->task);
	return STEP_LEFT;
}

/* -- Other tasks -------------------------------------------------------------------------- */

static enum step do_fork(struct actor *a, const struct workload_event *e)
{
	struct actors *as = a->kind->all;
	struct actor *child;
	int err = actor_fork(&as->kinds[e->ref], a, &child);

	if (err == -ENOMEM)
		actors_fail(as, "out of memory");
	else if (err)
		as->kinds[e->ref].counts.refused++;
	else
		actor_launch(child, a);
	return STEP_ON;
}

static enum step do_suspend(struct actor *a, const struct workload_event *e)
{
	(void)e;
	if (a->resumed) {
		a->resumed = false;
		return STEP_ON;
	}
	a->suspended = true;
	return sleep_now(a);
}

static void resume(struct actor *to, struct actor *waker, bool sync)
{
	if (!to)
		return;
	if (!to->suspended) {
		to->resumed = true;
		return;
	}
	to->suspended = false;
	actor_wake(to, waker, sync);
}

static enum step do_resume(struct actor *a, const struct workload_event *e)
{
	const struct actor_kind *to = &a->kind->all->kinds[e->ref];

	if (e->n == WORKLOAD_ALL)
		for (uint32_t i = 0; i < to->n_instances; i++)
			resume(to->instances[i], a, e->flag);
	else if (e->n == WORKLOAD_SAME)
		resume(to->instances[a->instance % to->n_instances], a, e->flag);
	else if ((uint32_t)e->n < to->n_instances)
		resume(to->instances[e->n], a, e->flag);
	return STEP_ON;
}

static enum step do_barrier(struct actor *a, const struct workload_event *e)
{
	struct actor_barrier *b = &a->kind->all->barriers[e->ref];
	struct actor *other;

	if (++b->arrived < b->size) {
		push(&b->waiting, a);
		return sleep_now(a);
	}
	b->arrived = 0;
	while ((other = pop(&b->waiting)))
		actor_wake(other, a, false);
	return STEP_ON;
}

/* -- Mutexes and conditions --------------------------------------------------------------- */

/* Returns whether it is taken at once. */
static bool take(struct actor *a, struct actor_mutex *m)
{
	if (m->owner) {
		push(&m->waiting, a);
		return false;
	}
	m->owner = a;
	a->held++;
	return true;
}

/* The mutex goes to the one that waited longest. */
static void release(struct actor *a, struct actor_mutex *m)
{
	a->held--;
	m->owner = pop(&m->waiting);
	if (!m->owner)
		return;
	m->owner->held++;
	actor_wake(m->owner, a, false);
}

static enum step do_lock(struct actor *a, const struct workload_event *e)
{
	struct actors *as = a->kind->all;

	if (as->mutexes[e->ref].owner == a) {
		a->nested = e->flag;
		return e->flag ? STEP_ON
			       : mistake(a, e, "it already holds mutex", as->w->mutexes.v[e->ref]);
	}
	return take(a, &as->mutexes[e->ref]) ? STEP_ON : sleep_now(a);
}

static enum step do_unlock(struct actor *a, const struct workload_event *e)
{
	struct actors *as = a->kind->all;

	if (as->mutexes[e->ref].owner != a)
		return mistake(a, e, "it does not hold mutex", as->w->mutexes.v[e->ref]);
	if (!e->flag || !a->nested)
		release(a, &as->mutexes[e->ref]);
	a->nested = false;
	return STEP_ON;
}

static enum step do_wait(struct actor *a, const struct workload_event *e)
{
	struct actors *as = a->kind->all;

	a->wait_mutex = e->ref2;
	if (e->ref2 != WORKLOAD_NONE) {
		if (as->mutexes[e->ref2].owner != a)
			return mistake(a, e, "it does not hold mutex", as->w->mutexes.v[e->ref2]);
		release(a, &as->mutexes[e->ref2]);
	}
	push(&as->conds[e->ref], a);
	return sleep_now(a);
}

static void notify(struct actor *to, struct actor *waker)
{
	if (to->wait_mutex == WORKLOAD_NONE || take(to, &to->kind->all->mutexes[to->wait_mutex]))
		actor_wake(to, waker, false);
}

static enum step do_signal(struct actor *a, const struct workload_event *e)
{
	struct actor *to = pop(&a->kind->all->conds[e->ref]);

	if (to)
		notify(to, a);
	return STEP_ON;
}

static enum step do_broad(struct actor *a, const struct workload_event *e)
{
	struct actor *to;

	while ((to = pop(&a->kind->all->conds[e->ref])))
		notify(to, a);
	return STEP_ON;
}

/* -- Attributes: the task may be moved by the change, so it is given time to run first ---- */

static enum step changed(struct actor *a)
{
	actor_prepare(a);
	return STEP_LEFT;
}

static enum step do_nice(struct actor *a, const struct workload_event *e)
{
	actor_prepare(a);
	machine_set_nice(machine_of(a), a->task, e->n);
	return STEP_LEFT;
}

static enum step do_policy(struct actor *a, const struct workload_event *e)
{
	actor_prepare(a);
	machine_set_policy(machine_of(a), a->task, e->flag);
	return STEP_LEFT;
}

static enum step do_cpus(struct actor *a, const struct workload_event *e)
{
	actor_prepare(a);
	machine_set_affinity(machine_of(a), a->task, a->kind->all->cpus[e->ref]);
	return STEP_LEFT;
}

static enum step do_cgroup(struct actor *a, const struct workload_event *e)
{
	struct actors *as = a->kind->all;
	struct sim_cgroup *to =
		e->ref == WORKLOAD_NONE ? machine_root_cgroup(as->m) : as->cgroups[e->ref];

	if (!to)
		return mistake(a, e, "at this time there is no cgroup",
			       as->w->cgroups[e->ref].path);
	actor_prepare(a);
	machine_cgroup_move(as->m, a->task, to);
	return STEP_LEFT;
}

static enum step do_pin(struct actor *a, const struct workload_event *e)
{
	machine_set_pinned(machine_of(a), a->task, e->flag);
	return changed(a);
}

static enum step do_exit(struct actor *a, const struct workload_event *e)
{
	if (a->held)
		return mistake(a, e, "it ends while it holds a mutex, as", a->task->obj.ts.comm);
	actor_end(a);
	return STEP_LEFT;
}

/* -- The driver --------------------------------------------------------------------------- */

static step_fn *const steps[WL_N_OPS] = {
	[WL_RUN] = do_run,	   [WL_SLEEP] = do_sleep,     [WL_TIMER] = do_timer,
	[WL_FORK] = do_fork,	   [WL_SUSPEND] = do_suspend, [WL_RESUME] = do_resume,
	[WL_BARRIER] = do_barrier, [WL_LOCK] = do_lock,	      [WL_UNLOCK] = do_unlock,
	[WL_WAIT] = do_wait,	   [WL_SIGNAL] = do_signal,   [WL_BROAD] = do_broad,
	[WL_YIELD] = do_yield,	   [WL_NICE] = do_nice,	      [WL_POLICY] = do_policy,
	[WL_CPUS] = do_cpus,	   [WL_CGROUP] = do_cgroup,   [WL_PIN] = do_pin,
	[WL_EXIT] = do_exit,
};

static enum step step(struct actor *a)
{
	static const struct workload_event last = {.op = WL_EXIT};
	const struct workload_event *e = next_event(a);

	if (!e)
		return do_exit(a, &last);
	a->pc++;
	return steps[e->op](a, e);
}

void actor_burst_done(void *arg, struct sim_task *t)
{
	struct actor *a = t->actor;
	int n = MAX_IN_A_ROW;

	(void)arg;
	while (n-- > 0)
		if (step(a) == STEP_LEFT)
			return;
	t->burst = ACTOR_EVENT_NS;
}
