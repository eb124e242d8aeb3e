/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ext class: tasks become runnable and stop being so, the scheduler under test decides
 * where they wait, and direct dispatch.
 *
 *   ext_enqueue -> ops.runnable -> ext_place -> ops.enqueue -> direct verdict | custody
 *   ext_dequeue -> ops.dequeue (end of custody) -> ops.stopping -> ops.quiescent
 */
#include "sched/core.h"

/* -- Waiting, for the watchdog ------------------------------------------------------------ */

void ext_set_runnable(struct cpu *c, struct core_task *t)
{
	if (t->on_runnable)
		return;
	if (t->reset_runnable_at) {
		t->reset_runnable_at = false;
		t->runnable_at = t->m->now;
		ts_of(t)->scx.runnable_at = t->m->now / t->m->tick_ns;
	}
	t->on_runnable = true;
	t->runnable_next = NULL;
	t->runnable_prev = c->runnable_last;
	*(c->runnable_last ? &c->runnable_last->runnable_next : &c->runnable_first) = t;
	c->runnable_last = t;
}

void ext_clear_runnable(struct core_task *t, bool reset)
{
	struct cpu *c = cpu_of(t);

	t->reset_runnable_at |= reset;
	if (!t->on_runnable)
		return;
	t->on_runnable = false;
	*(t->runnable_prev ? &t->runnable_prev->runnable_next : &c->runnable_first) =
		t->runnable_next;
	*(t->runnable_next ? &t->runnable_next->runnable_prev : &c->runnable_last) =
		t->runnable_prev;
}

/* -- Custody ------------------------------------------------------------------------------ */

void ext_custody_end(struct core_task *t, uint64_t deq_flags)
{
	struct sched *s = t->m->sched;
	bool owed = t->custody;

	t->custody = t->in_ops = false;
	if (owed && s && s->live && s->ops->dequeue)
		OP_TASK(s, cpu_of(t), dequeue, ts_of(t), deq_flags);
}

void ext_refill(struct sched *s, struct core_task *t)
{
	ts_of(t)->scx.slice = SCX_SLICE_DFL;
	s->events.SCX_EV_REFILL_SLICE_DFL++;
}

/* -- Into a DSQ --------------------------------------------------------------------------- */

/* Somebody is in front of it who will not leave at once. */
static bool must_wait(const struct cpu *c, const struct core_task *t)
{
	const struct core_task *curr = task_on(c);

	return core_of_node(c->local.queue.first) != t ||
	       (curr && (!curr->ext || curr->t.obj.ts.scx.slice)) || c->n_fair;
}

static void local_arrival(struct cpu *c, struct core_task *t, uint64_t enq_flags)
{
	struct core_task *curr = task_on(c);

	if (!curr) {
		pick_resched(c);
	} else if ((enq_flags & SCX_ENQ_PREEMPT) && curr != t && curr->ext) {
		ts_of(curr)->scx.slice = 0;
		pick_resched(c);
	}
	t->immed = enq_flags & SCX_ENQ_IMMED;
	if (t->immed && must_wait(c, t)) {
		c->reenq_immed = true;
		pick_kick(c, KICK_QUIET);
	}
}

void ext_put_in(struct sched *s, struct dsq *dsq, struct core_task *t, uint64_t enq_flags)
{
	bool terminal = dsq->q.id & SCX_DSQ_FLAG_BUILTIN;

	t->in_ops = false;
	if (terminal)
		ext_custody_end(t, 0);
	else
		t->custody = true;
	if (dsq->cpu)
		task_set_cpu(t, dsq->cpu);
	if (dsq->cpu && s->flags & SCX_OPS_ALWAYS_ENQ_IMMED && dsq->q.id == SCX_DSQ_LOCAL)
		enq_flags |= SCX_ENQ_IMMED;
	dsq_add(s, dsq, t, enq_flags);
	if (dsq->q.id == SCX_DSQ_LOCAL)
		local_arrival(dsq->cpu, t, enq_flags);
}

static bool check_immed(struct sched *s, const struct dsq *dsq, uint64_t *enq_flags)
{
	if (!(*enq_flags & SCX_ENQ_IMMED) || dsq->q.id == SCX_DSQ_LOCAL)
		return true;
	*enq_flags &= ~(uint64_t)SCX_ENQ_IMMED;
	sched_error(s, "SCX_ENQ_IMMED on a non-local DSQ 0x%llx", (unsigned long long)dsq->q.id);
	return false;
}

void ext_dispatch_to(struct sched *s, struct cpu *c, struct core_task *t, uint64_t dsq_id,
		     uint64_t enq_flags)
{
	struct dsq *dsq = dsq_resolve(s, c, dsq_id, t);

	check_immed(s, dsq, &enq_flags);
	if (dsq->q.id == SCX_DSQ_LOCAL && !dispatch_may_move(s, t, dsq->cpu, true))
		dsq = dsq_resolve(s, c, SCX_DSQ_GLOBAL, t);
	ext_put_in(s, dsq, t, enq_flags);
}

/* -- Direct dispatch ---------------------------------------------------------------------- */

bool ext_insert_direct(struct sched *s, struct core_task *t, uint64_t dsq_id, uint64_t enq_flags)
{
	struct op_frame *op = s->m->op;
	struct sched_ext_entity *scx = &ts_of(t)->scx;

	if (op->task != t) {
		if (op->task)
			sched_error(s, "scheduling for %s[%d] but trying to direct-dispatch %s[%d]",
				    ts_of(op->task)->comm, ts_of(op->task)->pid, ts_of(t)->comm,
				    ts_of(t)->pid);
		return false;
	}
	if (scx->ddsp_dsq_id != SCX_DSQ_INVALID) {
		sched_error(s, "%s[%d] already direct-dispatched", ts_of(t)->comm, ts_of(t)->pid);
		return false;
	}
	scx->ddsp_dsq_id = dsq_id;
	scx->ddsp_enq_flags = enq_flags;
	return true;
}

static void defer(struct core_task *t)
{
	struct machine *m = t->m;

	t->deferred = true;
	t->deferred_next = NULL;
	*m->deferred_last = t;
	m->deferred_last = &t->deferred_next;
}

static void undefer(struct core_task *t)
{
	struct machine *m = t->m;
	struct core_task **at = &m->deferred;

	if (!t->deferred)
		return;
	while (*at != t)
		at = &(*at)->deferred_next;
	*at = t->deferred_next;
	if (!*at)
		m->deferred_last = at;
	t->deferred = false;
	ts_of(t)->scx.ddsp_dsq_id = SCX_DSQ_INVALID;
}

/* Another CPU's queue has another lock: such a verdict waits until this one is dropped. */
static void dispatch_direct(struct sched *s, struct cpu *c, struct core_task *t, uint64_t enq_flags)
{
	struct sched_ext_entity *scx = &ts_of(t)->scx;
	uint64_t dsq_id = scx->ddsp_dsq_id;
	struct dsq *dsq = dsq_resolve(s, c, dsq_id, t);

	enq_flags |= scx->ddsp_enq_flags;
	if (dsq->q.id == SCX_DSQ_LOCAL && dsq->cpu != c) {
		scx->ddsp_enq_flags = enq_flags;
		defer(t);
		return;
	}
	scx->ddsp_dsq_id = SCX_DSQ_INVALID;
	check_immed(s, dsq, &enq_flags);
	ext_put_in(s, dsq, t, enq_flags);
}

void ext_run_deferred(struct machine *m)
{
	while (m->deferred) {
		struct core_task *t = m->deferred;
		uint64_t dsq_id = ts_of(t)->scx.ddsp_dsq_id;

		undefer(t);
		ext_dispatch_to(m->sched, cpu_of(t), t, dsq_id, ts_of(t)->scx.ddsp_enq_flags);
	}
}

/* -- Placing ------------------------------------------------------------------------------ */

static void place_local(struct sched *s, struct cpu *c, struct core_task *t, uint64_t enq_flags)
{
	ext_refill(s, t);
	ext_put_in(s, &c->local, t, enq_flags & ~(uint64_t)SCX_ENQ_IMMED);
}

static void ask(struct sched *s, struct cpu *c, struct core_task *t, uint64_t enq_flags)
{
	struct op_frame f;

	t->qseq = ++c->ops_qseq;
	op_push(&f, s, OP_ENQUEUE, "enqueue", c, t);
	s->ops->enqueue(ts_of(t), enq_flags);
	op_pop(&f, s);
	if (ts_of(t)->scx.ddsp_dsq_id != SCX_DSQ_INVALID) {
		dispatch_direct(s, c, t, enq_flags);
		return;
	}
	t->in_ops = t->custody = true;
}

/* Has it been sent through ops.enqueue() so often without ever running that this will not end?
 * (Before Linux 7.3 a CPU's local DSQ was watched, not the task.) */
static bool reenq_too_often(struct sched *s, struct core_task *t)
{
	if (++t->reenq_cnt > 1)
		s->events.SCX_EV_REENQ_REPEAT++;
	if (t->reenq_cnt <= SCX_REENQ_MAX_REPEAT)
		return false;
	sched_exit(s, SCX_EXIT_ERROR_REENQ, 0, "%s[%d] reenqueued %u times without running",
		   ts_of(t)->comm, ts_of(t)->pid, t->reenq_cnt);
	return true;
}

void ext_place(struct cpu *c, struct core_task *t, uint64_t enq_flags)
{
	struct machine *m = t->m;
	struct sched *s = m->sched;

	t->t.state = TASK_QUEUED;
	coresched_touch(t);
	if (m->bypass) {
		ts_of(t)->scx.ddsp_dsq_id = SCX_DSQ_INVALID;
		s->events.SCX_EV_BYPASS_DISPATCH++;
		ext_refill(s, t);
		ext_put_in(s, &c->bypass, t, 0);
	} else if (!c->online) {
		ts_of(t)->scx.ddsp_dsq_id = SCX_DSQ_INVALID;
		place_local(s, c, t, enq_flags);
	} else if (ts_of(t)->scx.ddsp_dsq_id != SCX_DSQ_INVALID) {
		dispatch_direct(s, c, t, enq_flags);
	} else if (t->exiting && !(s->flags & SCX_OPS_ENQ_EXITING)) {
		s->events.SCX_EV_ENQ_SKIP_EXITING++;
		place_local(s, c, t, enq_flags);
	} else if (t->pinned && !(s->flags & SCX_OPS_ENQ_MIGRATION_DISABLED)) {
		s->events.SCX_EV_ENQ_SKIP_MIGRATION_DISABLED++;
		place_local(s, c, t, enq_flags);
	} else if (!s->ops->enqueue || (enq_flags & SCX_ENQ_REENQ && reenq_too_often(s, t))) {
		ext_refill(s, t);
		ext_put_in(s, dsq_resolve(s, c, SCX_DSQ_GLOBAL, t), t, enq_flags);
	} else {
		ask(s, c, t, enq_flags);
	}
}

/* -- Runnable and not --------------------------------------------------------------------- */

void ext_enqueue(struct cpu *c, struct core_task *t, uint64_t enq_flags)
{
	struct sched *s = t->m->sched;

	t->queued = true;
	ts_of(t)->scx.flags |= SCX_TASK_QUEUED;
	c->nr_running++;
	c->rq.nr_running++;
	ext_set_runnable(c, t);
	if (s->live && s->ops->runnable)
		OP_TASK(s, c, runnable, ts_of(t), enq_flags);
	if (t->t.state == TASK_ON_CPU)
		return;
	ext_place(c, t, enq_flags);
	if ((enq_flags & SCX_ENQ_CPU_SELECTED) && ts_of(t)->scx.selected_cpu >= 0 &&
	    ts_of(t)->scx.selected_cpu != c->nr)
		s->events.SCX_EV_SELECT_CPU_FALLBACK++;
	if (!task_on(c))
		pick_resched(c);
}

void ext_dequeue(struct cpu *c, struct core_task *t, uint64_t deq_flags)
{
	struct sched *s = t->m->sched;

	undefer(t);
	ext_clear_runnable(t, false);
	ext_custody_end(t, deq_flags);
	if (t->t.state == TASK_ON_CPU && s->live && s->ops->stopping)
		OP_TASK(s, c, stopping, ts_of(t), false);
	if (s->live && s->ops->quiescent)
		OP_TASK(s, c, quiescent, ts_of(t), deq_flags);
	t->queued = false;
	ts_of(t)->scx.flags &= ~(u32)SCX_TASK_QUEUED;
	c->nr_running--;
	c->rq.nr_running--;
	dsq_remove(t);
}

void ext_running(struct cpu *c, struct core_task *t)
{
	struct sched *s = t->m->sched;

	dsq_remove(t);
	t->immed = false;
	t->reenq_cnt = 0;
	ext_custody_end(t, SCX_DEQ_CORE_SCHED_EXEC);
	ext_clear_runnable(t, true);
	if (s->live && s->ops->running)
		OP_TASK(s, c, running, ts_of(t));
}

/* -- Selecting a CPU ---------------------------------------------------------------------- */

static int32_t ask_select(struct sched *s, struct core_task *t, int32_t prev, uint64_t wake_flags)
{
	int32_t arg = sched_cpu_arg(s, &s->m->cpus[prev]), ret;
	struct cpu *c;

	ret = OP_RET(s, OP_SELECT, NULL, t, select_cpu, ts_of(t), arg, wake_flags);
	c = sched_cpu_given(s, ret, "from ops.select_cpu()");
	return c ? c->nr : prev;
}

/* Without the operation: an idle CPU gets the task at once. */
static int32_t default_select(struct sched *s, struct core_task *t, int32_t prev,
			      uint64_t wake_flags)
{
	bool is_idle;
	int32_t nr = s->builtin_idle ? idle_select(t, prev, wake_flags, NULL, 0, &is_idle) : -1;

	if (nr < 0)
		return prev;
	ext_refill(s, t);
	ts_of(t)->scx.ddsp_dsq_id = SCX_DSQ_LOCAL;
	ts_of(t)->scx.ddsp_enq_flags = 0;
	return nr;
}

int32_t ext_select(struct core_task *t, int32_t prev, uint64_t wake_flags)
{
	struct sched *s = t->m->sched;
	int32_t nr;

	if (s->ops->select_cpu && !t->m->bypass)
		nr = ask_select(s, t, prev, wake_flags);
	else
		nr = default_select(s, t, prev, wake_flags);
	ts_of(t)->scx.selected_cpu = nr;
	return nr;
}
