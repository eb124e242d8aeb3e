/* SPDX-License-Identifier: BSD-2-Clause */
/* Tasks become runnable on a CPU, sleep, and give way. */
#include "sched/core.h"

void task_activate(struct core_task *t, struct cpu *c, uint64_t enq_flags)
{
	t->t.state = TASK_QUEUED;
	t->t.woken_at = t->m->now;
	ts_of(t)->__state = 0;
	ts_of(t)->on_rq = 1;
	task_set_cpu(t, c);
	if (t->ext)
		ext_enqueue(c, t, enq_flags);
	else
		fair_enqueue(c, t);
}

/* Tasks with a choice of CPUs are asked about; the answer may be one they must not use. */
static struct cpu *choose_cpu(struct core_task *t, uint64_t wake_flags, uint64_t *enq_flags)
{
	int32_t nr;

	if (ts_of(t)->nr_cpus_allowed <= 1 || t->pinned)
		return task_fallback_cpu(t);
	nr = t->ext ? ext_select(t, t->t.cpu, wake_flags) : fair_select(t, t->t.cpu);
	if (!(wake_flags & SCX_WAKE_FORK))
		*enq_flags |= SCX_ENQ_CPU_SELECTED;
	if (nr >= 0 && task_may_run_on(t, &t->m->cpus[nr]))
		return &t->m->cpus[nr];
	return task_fallback_cpu(t);
}

static void wake_locked(struct core_task *t, struct core_task *waker, bool sync)
{
	uint64_t wake_flags = t->is_new ? SCX_WAKE_FORK : SCX_WAKE_TTWU;
	uint64_t enq_flags = t->is_new ? 0 : SCX_ENQ_WAKEUP;
	struct machine *m = t->m;
	struct cpu *c;

	if (sync && !t->is_new)
		wake_flags |= SCX_WAKE_SYNC;
	if (waker)
		ts_of(waker)->wakee_flips++;
	c = choose_cpu(t, wake_flags, &enq_flags);
	t->is_new = false;
	task_activate(t, c, enq_flags);
	machine_notify(m, &(struct machine_event){
				  .kind = MACHINE_WAKE,
				  .at = m->now,
				  .cpu = t->t.cpu,
				  .task = &t->t,
				  .other = waker ? &waker->t : NULL,
			  });
}

void machine_wake(struct machine *m, struct sim_task *st, struct sim_task *waker, bool sync)
{
	struct core_task *t = core_of(st);

	if (t->t.state != TASK_SLEEPING)
		return;
	machine_enter(m, waker ? cpu_of(core_of(waker)) : cpu_of(t));
	wake_locked(t, waker ? core_of(waker) : NULL, sync);
	machine_leave(m);
}

/* -- Sleep, yield, exit ------------------------------------------------------------------- */

void task_deactivate(struct core_task *t, uint64_t flags)
{
	struct cpu *c = cpu_of(t);

	if (t->t.state == TASK_ON_CPU)
		pick_account(c);
	if (t->ext)
		ext_dequeue(c, t, flags);
	else
		fair_dequeue(c, t);
	if (c->curr == t)
		pick_switch(c);
	ts_of(t)->on_cpu = 0;
	t->t.state = TASK_SLEEPING;
	ts_of(t)->__state = 1;
	ts_of(t)->on_rq = 0;
}

void machine_block(struct machine *m, struct sim_task *st)
{
	struct core_task *t = core_of(st);

	if (t->t.state != TASK_ON_CPU)
		return;
	machine_enter(m, cpu_of(t));
	ts_of(t)->nvcsw++;
	task_deactivate(t, SCX_DEQ_SLEEP);
	machine_leave(m);
}

void machine_yield(struct machine *m, struct sim_task *st)
{
	struct core_task *t = core_of(st);
	struct sched *s = m->sched;
	struct cpu *c = cpu_of(t);

	if (t->t.state != TASK_ON_CPU)
		return;
	machine_enter(m, c);
	pick_account(c);
	if (!t->ext)
		fair_yield(c, t);
	else if (s && s->live && s->ops->yield)
		OP_TASKS_RET(s, c, yield, ts_of(t), NULL);
	else
		ts_of(t)->scx.slice = 0;
	pick_resched(c);
	machine_leave(m);
}
