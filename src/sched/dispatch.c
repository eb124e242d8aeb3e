/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dispatch: a CPU that has nothing of its own asks the scheduler for tasks.
 *
 * During ops.dispatch() insertions go to a buffer, which is emptied when the callback returns
 * or moves a task from a DSQ. An entry whose task has meanwhile left the scheduler's custody,
 * or came back to it, is void.
 */
#include "sched/core.h"

/* -- The buffer --------------------------------------------------------------------------- */

bool dispatch_insert(struct sched *s, struct core_task *t, uint64_t dsq_id, uint64_t enq_flags)
{
	if (s->n_buf >= s->batch) {
		sched_error(s, "dispatch buffer overflow");
		return false;
	}
	s->buf[s->n_buf++] = (struct dispatch_entry){t, t->qseq, dsq_id, enq_flags};
	return true;
}

void dispatch_flush(struct sched *s, struct cpu *c)
{
	for (uint32_t i = 0; i < s->n_buf; i++) {
		struct dispatch_entry e = s->buf[i];

		if (!e.t->in_ops || e.t->qseq != e.qseq)
			continue;
		s->dispatched = true;
		ext_dispatch_to(s, c, e.t, e.dsq_id, e.enq_flags);
	}
	s->n_buf = 0;
}

/* -- Moving to another CPU ---------------------------------------------------------------- */

bool dispatch_may_move(struct sched *s, struct core_task *t, struct cpu *c, bool enforce)
{
	const struct task_struct *ts = ts_of(t);

	if (c->nr != t->t.cpu && t->pinned) {
		if (enforce)
			sched_error(s,
				    "SCX_DSQ_LOCAL[_ON] cannot move migration disabled %s[%d] "
				    "from CPU %d to %d",
				    ts->comm, ts->pid, t->t.cpu, c->nr);
		return false;
	}
	if (!mask_test(&ts->cpus_mask, (uint32_t)c->nr)) {
		if (enforce)
			sched_error(s, "SCX_DSQ_LOCAL[_ON] target CPU %d not allowed for %s[%d]",
				    c->nr, ts->comm, ts->pid);
		return false;
	}
	if (!c->online && enforce)
		s->events.SCX_EV_DISPATCH_LOCAL_DSQ_OFFLINE++;
	return c->online;
}

bool dispatch_consume(struct sched *s, struct cpu *c, struct dsq *dsq, uint64_t enq_flags)
{
	for (struct vnode *n = dsq->queue.first; n; n = n->next) {
		struct core_task *t = core_of_node(n);

		if (t->t.cpu != c->nr && !dispatch_may_move(s, t, c, false))
			continue;
		if (t->t.cpu == c->nr && !task_may_run_on(t, c))
			continue;
		dsq_remove(t);
		ext_put_in(s, &c->local, t, enq_flags);
		return true;
	}
	return false;
}

static bool consume_global(struct sched *s, struct cpu *c)
{
	return dispatch_consume(s, c, &s->global[s->m->topo.cpus[c->nr].node], 0);
}

/* -- Moves by programs -------------------------------------------------------------------- */

bool dispatch_move(struct sched *s, struct dsq_iter *it, struct core_task *t, struct cpu *here,
		   uint64_t dsq_id, uint64_t enq_flags)
{
	struct sched_ext_entity *scx = &ts_of(t)->scx;
	struct dsq *from = it->dsq;
	bool moved = t->dsq == from && (int32_t)(scx->dsq_seq - it->seq) <= 0;

	if (moved) {
		if (it->set_slice)
			scx->slice = it->slice;
		if (it->set_vtime)
			scx->dsq_vtime = it->vtime;
		dsq_remove(t);
		ext_dispatch_to(s, here ? here : cpu_of(t), t, dsq_id, enq_flags);
		s->dispatched = true;
	}
	it->set_slice = it->set_vtime = false;
	return moved;
}

/* -- Through ops.enqueue() once more ------------------------------------------------------ */

/* Those that wait now, not those that come back meanwhile. Programs see the reason in the task's
 * flags. */
static uint32_t reenq(struct dsq *dsq, bool immed_only)
{
	uint32_t reason = immed_only ? SCX_TASK_REENQ_IMMED : SCX_TASK_REENQ_KFUNC;
	uint32_t last = dsq->q.seq, n = 0;
	struct vnode *next;

	for (struct vnode *node = dsq->queue.first; node; node = next) {
		struct core_task *t = core_of_node(node);

		next = node->next;
		if ((int32_t)(ts_of(t)->scx.dsq_seq - last) > 0)
			break;
		if (t->pinned || (immed_only && !t->immed))
			continue;
		dsq_remove(t);
		t->immed = false;
		ext_custody_end(t, 0);
		ts_of(t)->scx.flags |= reason;
		ext_place(cpu_of(t), t, SCX_ENQ_REENQ);
		ts_of(t)->scx.flags &= ~(u32)SCX_TASK_REENQ_REASON_MASK;
		n++;
	}
	return n;
}

uint32_t dispatch_reenq_local(struct cpu *c, bool immed_only)
{
	struct sched *s = c->m->sched;
	uint32_t n;

	if (!s)
		return 0;
	n = reenq(&c->local, immed_only);
	if (immed_only)
		s->events.SCX_EV_REENQ_IMMED += n;
	return n;
}

void dispatch_reenq_user(struct sched *s, struct dsq *dsq)
{
	if (dsq->reenq)
		return;
	dsq->reenq = true;
	dsq->reenq_next = s->reenq;
	s->reenq = dsq;
}

void dispatch_run_reenq(struct sched *s)
{
	struct dsq *dsq;

	while ((dsq = s->reenq)) {
		s->reenq = dsq->reenq_next;
		dsq->reenq = false;
		reenq(dsq, false);
	}
}

/* -- Balance ------------------------------------------------------------------------------ */

static bool may_go_on(const struct core_task *prev)
{
	return prev && prev->t.obj.ts.scx.slice;
}

/* One round of ops.dispatch(). */
static void call_dispatch(struct sched *s, struct cpu *c, struct core_task *prev)
{
	struct op_frame f;

	s->dispatched = false;
	op_push(&f, s, OP_DISPATCH, "dispatch", c, NULL);
	s->ops->dispatch(sched_cpu_arg(s, c), prev ? ts_of(prev) : NULL);
	dispatch_flush(s, c);
	op_pop(&f, s);
}

/* 1: the CPU has work; 2: prev goes on. */
static int ask_rounds(struct sched *s, struct cpu *c, struct core_task *prev)
{
	for (int round = 0; round < SCX_DSP_MAX_LOOPS; round++) {
		call_dispatch(s, c, prev);
		if (may_go_on(prev))
			return 2;
		if (c->local.q.nr || consume_global(s, c))
			return 1;
		if (!s->dispatched)
			return 0;
	}
	/* It keeps dispatching, but nothing this CPU can run: let others have a chance. */
	pick_kick(c, 0);
	return 0;
}

static int find_work(struct sched *s, struct cpu *c, struct core_task *prev)
{
	if (may_go_on(prev) && !c->m->bypass)
		return 2;
	if (c->local.q.nr)
		return 1;
	if (c->m->bypass)
		return dispatch_consume(s, c, &c->bypass, 0);
	if (consume_global(s, c))
		return 1;
	return c->online && s->live && s->ops->dispatch ? ask_rounds(s, c, prev) : 0;
}

bool dispatch_balance(struct cpu *c, struct core_task *prev, bool *keep)
{
	struct sched *s = c->m->sched;
	int work = find_work(s, c, prev);

	*keep = work == 2;
	if (!work && prev && c->online &&
	    (!(s->flags & SCX_OPS_ENQ_LAST) || c->m->bypass || !s->ops->enqueue)) {
		s->events.SCX_EV_DISPATCH_KEEP_LAST++;
		*keep = true;
	}
	return work || *keep;
}
