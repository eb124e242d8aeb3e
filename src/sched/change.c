/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changes of a task that is queued or runs: out of its queue, change, and in again; and where a
 * task goes that may not stay.
 */
#include "sched/core.h"

static bool has_online_cpu(const struct core_task *t)
{
	return mask_next(t->m, &t->m->online, &t->t.obj.ts.cpus_mask, 0) < t->m->n_cpus;
}

static void apply_affinity(struct core_task *t, const uint64_t *cpus);

/* Any CPU it may run on, the previous one if that is possible. When the last of its CPUs has gone
 * offline it may use all from now on, as in the kernel. */
struct cpu *task_fallback_cpu(struct core_task *t)
{
	struct machine *m = t->m;

	if (!has_online_cpu(t))
		apply_affinity(t, NULL);
	if (task_may_run_on(t, cpu_of(t)))
		return cpu_of(t);
	return &m->cpus[mask_next(m, &m->online, &ts_of(t)->cpus_mask, 0)];
}

/* -- Changes ------------------------------------------------------------------------------ */

struct task_change task_change_begin(struct core_task *t, uint64_t deq_flags)
{
	struct task_change ch = {
		.queued = t->queued,
		.running = t->t.state == TASK_ON_CPU,
		.flags = deq_flags,
	};
	struct cpu *c = cpu_of(t);

	if (ch.running)
		pick_account(c);
	if (!ch.queued)
		return ch;
	if (t->ext)
		ext_dequeue(c, t, deq_flags);
	else
		fair_dequeue(c, t);
	return ch;
}

void task_change_end(struct core_task *t, struct task_change ch, uint64_t enq_flags)
{
	struct cpu *c = cpu_of(t);

	if (!ch.queued)
		return;
	if (t->ext)
		ext_enqueue(c, t, enq_flags);
	else
		fair_enqueue(c, t);
	if (ch.running && t->ext)
		ext_running(c, t);
}

/* A task on a CPU it must leave goes through the scheduler like one that woke there. */
static void move_away(struct core_task *t)
{
	struct cpu *from = cpu_of(t), *to = task_fallback_cpu(t);

	if (t->t.state == TASK_ON_CPU)
		pick_account(from);
	if (t->ext)
		ext_dequeue(from, t, SCX_DEQ_SCHED_CHANGE);
	else
		fair_dequeue(from, t);
	if (from->curr == t)
		pick_switch(from);
	ts_of(t)->on_cpu = 0;
	task_activate(t, to, 0);
}

void task_leave_cpu(struct core_task *t)
{
	if (has_online_cpu(t))
		move_away(t);
	else
		apply_affinity(t, NULL);
}

static void apply_affinity(struct core_task *t, const uint64_t *cpus)
{
	struct task_change ch = task_change_begin(t, SCX_DEQ_SCHED_CHANGE);
	struct sched *s = t->m->sched;

	task_set_mask(t, cpus);
	if (s && t->ext && t->scx_state == SCX_TASK_ENABLED)
		sched_call_set_mask(s, t);
	task_change_end(t, ch, 0);
	if (t->queued && !task_may_run_on(t, cpu_of(t)))
		move_away(t);
}

static bool any_online(const struct machine *m, const uint64_t *cpus)
{
	for (uint32_t i = 0; i < m->n_cpus; i++)
		if (m->cpus[i].online && (!cpus || cpus[i / 64] >> (i % 64) & 1))
			return true;
	return false;
}

int machine_set_affinity(struct machine *m, struct sim_task *st, const uint64_t *cpus)
{
	struct core_task *t = core_of(st);

	UA_FAIL_IF(!any_online(m, cpus), -EINVAL);
	machine_enter(m, cpu_of(t));
	apply_affinity(t, cpus);
	machine_leave(m);
	return 0;
}

int machine_set_nice(struct machine *m, struct sim_task *st, int32_t nice)
{
	struct core_task *t = core_of(st);
	struct sched *s = m->sched;
	struct task_change ch;

	UA_FAIL_IF(nice < -20 || nice > 19, -EINVAL);
	machine_enter(m, cpu_of(t));
	ch = task_change_begin(t, SCX_DEQ_SCHED_CHANGE);
	t->nice = nice;
	ts_of(t)->prio = ts_of(t)->static_prio = ts_of(t)->normal_prio = 120 + nice;
	task_set_weight(t);
	if (s && s->live && t->ext && s->ops->set_weight)
		OP_TASK(s, cpu_of(t), set_weight, ts_of(t), ts_of(t)->scx.weight);
	task_change_end(t, ch, 0);
	machine_leave(m);
	return 0;
}

static int set_policy_locked(struct core_task *t, bool ext)
{
	struct sched *s = t->m->sched;
	struct task_change ch;
	bool wants;

	UA_FAIL_IF(ext && s && ts_of(t)->scx.disallow, -EACCES);
	t->ext_policy = ext;
	ts_of(t)->policy = ext ? 7 : 0;
	wants = s && s->live && sched_wants(s, t);
	if (wants == t->ext)
		return 0;
	ch = task_change_begin(t, SCX_DEQ_SCHED_CHANGE);
	if (t->ext)
		sched_disable_task(s, t);
	t->ext = wants;
	if (wants)
		sched_switch_in(s, t);
	task_change_end(t, ch, 0);
	if (ch.queued)
		pick_resched(cpu_of(t));
	return 0;
}

int machine_set_policy(struct machine *m, struct sim_task *st, bool ext)
{
	struct core_task *t = core_of(st);
	int err;

	machine_enter(m, cpu_of(t));
	err = set_policy_locked(t, ext);
	machine_leave(m);
	return err;
}

void machine_set_pinned(struct machine *m, struct sim_task *st, bool pinned)
{
	struct core_task *t = core_of(st);

	t->pinned = pinned;
	ts_of(t)->migration_disabled = pinned;
}
