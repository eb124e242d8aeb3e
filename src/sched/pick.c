/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A CPU chooses what to run, and what happens while it runs: bursts, ticks, kicks.
 *
 * Tasks of the default policy come before those of the ext class, as the kernel's fair class
 * does; without SCX_OPS_SWITCH_PARTIAL there are none while a scheduler is attached.
 */
#include "sched/core.h"

/* -- Time on the CPU ---------------------------------------------------------------------- */

void pick_account(struct cpu *c)
{
	struct core_task *t = task_on(c);
	struct machine *m = c->m;
	uint64_t ran;

	c->rq.clock = c->rq.clock_task = c->rq.clock_pelt = m->now;
	if (!t)
		return;
	ran = m->now - t->exec_start;
	t->exec_start = m->now;
	t->t.runtime += ran;
	t->t.burst -= min_t(uint64_t, ran, t->t.burst);
	ts_of(t)->se.exec_start = m->now;
	ts_of(t)->se.sum_exec_runtime += ran;
	ts_of(t)->utime += ran;
	if (!t->ext)
		fair_ran(t, ran);
	else if (ts_of(t)->scx.slice != SCX_SLICE_INF)
		ts_of(t)->scx.slice -= min_t(uint64_t, ran, ts_of(t)->scx.slice);
	if (t->ext && !ts_of(t)->scx.slice)
		coresched_touch(t);
}

/* What a kick says of the slice of who runs there. */
static void cut_slice(struct core_task *curr, uint64_t flags)
{
	if ((flags & SCX_KICK_PREEMPT) && curr && curr->ext)
		ts_of(curr)->scx.slice = 0;
}

/*
 * A CPU that kicks itself in its tick, as Linux does it: the kick comes as an interrupt of its
 * own, before the CPU chooses. It means who runs now, not who is chosen next.
 */
static bool own_kick(struct cpu *c, struct core_task *t)
{
	if (!c->kick_hard)
		return false;
	cut_slice(t, c->kick);
	c->kick = 0;
	c->kick_hard = false;
	return true;
}

/* True: it should stop running. */
static bool tick(struct cpu *c, struct core_task *t)
{
	struct sched *s = sched_active(c->m);

	if (!t->ext)
		return fair_due(c, t);
	if (s && s->ops->tick)
		OP_TASK(s, c, tick, ts_of(t));
	return own_kick(c, t) || !ts_of(t)->scx.slice;
}

static void run_event(void *owner, uint64_t gen)
{
	struct cpu *c = owner;
	struct machine *m = c->m;
	struct core_task *t = task_on(c);
	bool stop;

	if (gen != c->run_gen || !t)
		return;
	m->here = c;
	pick_account(c);
	stop = m->now % m->tick_ns == 0 && tick(c, t);
	if (task_on(c) == t && !t->t.burst)
		m->driver.burst_done(m->driver.arg, &t->t);
	if (task_on(c) != t)
		return;
	if (stop || !t->t.burst)
		pick_schedule(c);
	else
		pick_program(c);
}

void pick_program(struct cpu *c)
{
	struct core_task *t = task_on(c);
	struct machine *m = c->m;
	uint64_t next_tick;

	if (!t)
		return;
	next_tick = m->now - m->now % m->tick_ns + m->tick_ns;
	machine_event(m,
		      min_t(uint64_t, next_tick,
			    t->t.burst < UINT64_MAX - m->now ? m->now + t->t.burst : UINT64_MAX),
		      run_event, c, ++c->run_gen);
}

/* -- Asking a CPU to choose --------------------------------------------------------------- */

static void resched_event(void *owner, uint64_t gen)
{
	struct cpu *c = owner;

	if (!c->resched_pending || gen != c->resched_gen)
		return;
	pick_schedule(c);
}

static void resched_at(struct cpu *c, uint64_t when)
{
	if (c->resched_pending && c->resched_at <= when)
		return;
	c->resched_pending = true;
	c->resched_at = when;
	machine_event(c->m, when, resched_event, c, ++c->resched_gen);
}

void pick_resched(struct cpu *c)
{
	struct machine *m = c->m;

	resched_at(c, m->here == c ? m->now : m->now + m->ipi_ns);
}

void pick_switch(struct cpu *c)
{
	struct machine *m = c->m;

	if (c->switch_pending)
		return;
	c->switch_pending = true;
	c->switch_next = NULL;
	*m->switches_last = c;
	m->switches_last = &c->switch_next;
}

void pick_run_switches(struct machine *m)
{
	struct cpu *c = m->switches;

	m->switches = NULL;
	m->switches_last = &m->switches;
	while (c) {
		struct cpu *next = c->switch_next;

		c->switch_pending = false;
		if (!task_on(c))
			pick_schedule(c);
		c = next;
	}
}

void pick_kick(struct cpu *c, uint64_t flags)
{
	struct machine *m = c->m;

	/* A plain kick is stronger than one for idle CPUs only. */
	if (!(flags & (KICK_QUIET | SCX_KICK_IDLE)))
		c->kick_hard = true;
	c->kick |= flags;
	if (c->kicked)
		return;
	c->kicked = true;
	c->kick_next = m->kicks;
	m->kicks = c;
}

static void run_kick(struct cpu *c)
{
	struct core_task *curr = task_on(c);
	struct machine *m = c->m;
	uint64_t flags = c->kick;
	bool hard = c->kick_hard;

	c->kicked = c->kick_hard = false;
	c->kick = 0;
	if (c->reenq_local || c->reenq_immed) {
		bool immed_only = !c->reenq_local;

		c->reenq_local = c->reenq_immed = false;
		dispatch_reenq_local(c, immed_only);
	}
	if (hard)
		cut_slice(curr, flags);
	/* Whoever waits for it loses no time in the simulation: it is done at once. */
	if (hard)
		resched_at(c, flags & SCX_KICK_WAIT ? m->now : m->now + m->ipi_ns);
	else if ((flags & SCX_KICK_IDLE) && !curr)
		resched_at(c, m->now + m->ipi_ns);
}

void pick_run_kicks(struct machine *m)
{
	struct cpu *c = m->kicks;

	m->kicks = NULL;
	while (c) {
		struct cpu *next = c->kick_next;

		run_kick(c);
		c = next;
	}
}

/* -- Choosing ----------------------------------------------------------------------------- */

static struct core_task *choose_fair(struct cpu *c, struct core_task *prev)
{
	if (prev && !prev->ext)
		return fair_due(c, prev) ? core_of_node(c->fair.first) : prev;
	return fair_pick(c);
}

static void reacquire(struct sched *s, struct cpu *c)
{
	struct scx_cpu_acquire_args args;

	if (!c->released)
		return;
	c->released = false;
	if (s->live && !s->cid_form && s->ops->cpu_acquire)
		OP_VOID(s, OP_OTHER, c, cpu_acquire, c->nr, &args);
}

static struct core_task *choose_ext(struct cpu *c, struct core_task *prev)
{
	struct sched *s = c->m->sched;
	struct core_task *t;
	bool keep;

	if (!s)
		return NULL;
	reacquire(s, c);
	if (!dispatch_balance(c, prev && prev->ext ? prev : NULL, &keep))
		return NULL;
	t = keep ? prev : core_of_node(c->local.queue.first);
	if (t && !ts_of(t)->scx.slice) {
		if (!keep && !c->m->bypass && !s->warned_zero_slice) {
			s->warned_zero_slice = true;
			log_info("sched_ext: %s[%d] has zero slice in pick_task_scx()\n",
				 ts_of(t)->comm, ts_of(t)->pid);
		}
		ext_refill(s, t);
	}
	return t;
}

static struct core_task *choose(struct cpu *c, struct core_task *prev)
{
	struct core_task *t = c->online ? choose_fair(c, prev) : NULL;

	return t ? t : choose_ext(c, prev);
}

/* -- Switching ---------------------------------------------------------------------------- */

static void release(struct sched *s, struct cpu *c, struct core_task *next)
{
	struct scx_cpu_release_args args = {
		.reason = SCX_CPU_PREEMPT_UNKNOWN,
		.task = ts_of(next),
	};

	if (c->released)
		return;
	c->released = true;
	if (s->live && !s->cid_form && s->ops->cpu_release)
		OP_VOID(s, OP_RELEASE, c, cpu_release, c->nr, &args);
}

static void put_ext(struct cpu *c, struct core_task *t, struct core_task *next)
{
	struct sched *s = c->m->sched;

	if (s->live && s->ops->stopping)
		OP_TASK(s, c, stopping, ts_of(t), true);
	t->t.state = TASK_QUEUED;
	ext_set_runnable(c, t);
	if (ts_of(t)->scx.slice && !c->m->bypass)
		ext_put_in(s, &c->local, t, SCX_ENQ_HEAD);
	else
		ext_place(c, t, next ? 0 : SCX_ENQ_LAST);
}

static void put_prev(struct cpu *c, struct core_task *t, struct core_task *next)
{
	ts_of(t)->on_cpu = 0;
	ts_of(t)->nivcsw++;
	if (t->ext) {
		put_ext(c, t, next);
	} else {
		t->t.state = TASK_QUEUED;
		fair_stop(c, t);
	}
}

static void set_next(struct cpu *c, struct core_task *t)
{
	t->exec_start = c->m->now;
	ts_of(t)->on_cpu = 1;
	ts_of(t)->se.exec_start = c->m->now;
	ts_of(t)->se.prev_sum_exec_runtime = ts_of(t)->se.sum_exec_runtime;
	t->t.state = TASK_ON_CPU;
	if (t->ext)
		ext_running(c, t);
	else
		fair_start(c, t);
}

static void tell_idle(struct cpu *c, bool idle, bool notify)
{
	struct machine *m = c->m;
	struct sched *s = m->sched;

	if (!s)
		return;
	if (s->builtin_idle && c->online)
		idle_update(c, idle);
	if (notify && s->live && !m->bypass && s->ops->update_idle)
		OP_VOID(s, OP_OTHER, c, update_idle, sched_cpu_arg(s, c), idle);
}

static void leave(struct cpu *c, struct core_task *left)
{
	ts_of(left)->on_cpu = 0;
	if (left->t.state == TASK_DEAD)
		task_drop(left);
}

static void switch_to(struct cpu *c, struct core_task *prev, struct core_task *next)
{
	struct core_task *left = c->curr;
	struct machine *m = c->m;

	if (prev)
		put_prev(c, prev, next);
	if (!left && next)
		tell_idle(c, false, true);
	c->curr = next;
	c->rq.curr = next ? ts_of(next) : &c->idle;
	if (next)
		set_next(c, next);
	else
		tell_idle(c, true, left || c->idle_untold);
	c->idle_untold = false;
	if (next && !next->ext && m->sched)
		release(m->sched, c, next);
	if (left == next)
		return;
	machine_notify(m, &(struct machine_event){
				  .kind = MACHINE_SWITCH,
				  .at = m->now,
				  .cpu = c->nr,
				  .task = next ? &next->t : NULL,
				  .other = left ? &left->t : NULL,
				  .other_runnable = left && left->queued,
			  });
	if (left && left != task_on(c) && (left->t.state == TASK_DEAD || !left->queued))
		leave(c, left);
}

void pick_schedule(struct cpu *c)
{
	struct core_task *prev = task_on(c), *next;

	c->resched_pending = false;
	c->m->here = c;
	pick_account(c);
	next = coresched_choose(c, prev, choose(c, prev));
	if (!prev || next != prev)
		switch_to(c, prev, next);
	coresched_chosen(c);
	pick_program(c);
}
