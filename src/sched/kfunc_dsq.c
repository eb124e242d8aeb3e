/* SPDX-License-Identifier: BSD-2-Clause */
/* kfuncs on dispatch queues. */
#include "sched/kfuncs.h"

/* Bits of enq_flags that are the core's. */
#define ENQ_INTERNAL (0xffull << 56)

static struct cpu *dispatch_cpu(const struct machine *m)
{
	return m->op && m->op->kind == OP_DISPATCH ? m->op->cpu : NULL;
}

/* -- Making and inserting ----------------------------------------------------------------- */

SCHED_KFUNC(scx_bpf_create_dsq)
{
	return (uint64_t)(int64_t)(s ? dsq_create(s, r1, (int32_t)r2) : -ENODEV);
}

SCHED_KFUNC(scx_bpf_destroy_dsq)
{
	if (s)
		dsq_destroy(s, r1);
	return 0;
}

static bool insert(struct machine *m, struct sched *s, struct core_task *t, uint64_t dsq_id,
		   uint64_t enq_flags)
{
	struct op_frame *op = m->op;

	if (!op || (op->kind != OP_DISPATCH && !op->task))
		return false;
	return op->kind == OP_DISPATCH ? dispatch_insert(s, t, dsq_id, enq_flags)
				       : ext_insert_direct(s, t, dsq_id, enq_flags);
}

static bool is_local(uint64_t dsq_id)
{
	return dsq_id == SCX_DSQ_LOCAL || (dsq_id & SCX_DSQ_LOCAL_ON) == SCX_DSQ_LOCAL_ON;
}

static bool flags_ok(struct sched *s, uint64_t dsq_id, uint64_t enq_flags)
{
	if (enq_flags & ENQ_INTERNAL)
		sched_error(s, "invalid enq_flags 0x%llx", (unsigned long long)enq_flags);
	else if (enq_flags & SCX_ENQ_RESCUE && !is_local(dsq_id))
		sched_error(s, "SCX_ENQ_RESCUE on a non-local DSQ 0x%llx",
			    (unsigned long long)dsq_id);
	else
		return true;
	return false;
}

/* 0 keeps the slice, but a task must have one to run at all. */
static void set_slice(struct core_task *t, uint64_t slice)
{
	struct sched_ext_entity *scx = &ts_of(t)->scx;

	scx->slice = slice ? slice : scx->slice ? scx->slice : 1;
}

SCHED_KFUNC(scx_bpf_dsq_insert)
{
	struct core_task *t = core_of_ts(host_ptr(r1));

	if (!s || !flags_ok(s, r2, r4) || !insert(m, s, t, r2, r4))
		return false;
	set_slice(t, r3);
	return true;
}

static uint64_t insert_vtime(struct machine *m, struct sched *s, struct core_task *t,
			     const struct scx_bpf_dsq_insert_vtime_args *args)
{
	if (!s || !flags_ok(s, args->dsq_id, args->enq_flags) ||
	    !insert(m, s, t, args->dsq_id, args->enq_flags | SCX_ENQ_DSQ_PRIQ))
		return false;
	set_slice(t, args->slice);
	ts_of(t)->scx.dsq_vtime = args->vtime;
	return true;
}

SCHED_KFUNC(__scx_bpf_dsq_insert_vtime)
{
	const struct scx_bpf_dsq_insert_vtime_args args =
		*(const struct scx_bpf_dsq_insert_vtime_args *)host_ptr(r2);

	return insert_vtime(m, s, core_of_ts(host_ptr(r1)), &args);
}

SCHED_KFUNC(scx_bpf_dsq_insert_vtime)
{
	const struct scx_bpf_dsq_insert_vtime_args args = {r2, r3, r4, r5};

	return insert_vtime(m, s, core_of_ts(host_ptr(r1)), &args);
}

/* -- The dispatch buffer ------------------------------------------------------------------ */

SCHED_KFUNC(scx_bpf_dispatch_nr_slots)
{
	return s && dispatch_cpu(m) ? s->batch - s->n_buf : 0;
}

SCHED_KFUNC(scx_bpf_dispatch_cancel)
{
	if (!s)
		return 0;
	if (s->n_buf)
		s->n_buf--;
	else
		sched_error(s, "dispatch buffer underflow");
	return 0;
}

static uint64_t move_to_local(struct machine *m, struct sched *s, uint64_t dsq_id,
			      uint64_t enq_flags)
{
	struct cpu *c = s ? dispatch_cpu(m) : NULL;
	struct dsq *dsq;

	if (!c || !flags_ok(s, SCX_DSQ_LOCAL, enq_flags))
		return false;
	dispatch_flush(s, c);
	dsq = dsq_id & SCX_DSQ_FLAG_BUILTIN ? NULL : dsq_find_user(s, dsq_id);
	if (!dsq) {
		sched_error(s, "invalid DSQ ID 0x%016llx", (unsigned long long)dsq_id);
		return false;
	}
	if (!dispatch_consume(s, c, dsq, enq_flags))
		return false;
	s->dispatched = true;
	return true;
}

SCHED_KFUNC(scx_bpf_dsq_move_to_local)
{
	return move_to_local(m, s, r1, 0);
}

SCHED_KFUNC(scx_bpf_dsq_move_to_local___v2)
{
	return move_to_local(m, s, r1, r2);
}

/* -- Iterators ---------------------------------------------------------------------------- */

static struct dsq_iter **iter_of(uint64_t r)
{
	return host_ptr(r);
}

SCHED_KFUNC(bpf_iter_scx_dsq_new)
{
	struct dsq *dsq;

	*iter_of(r1) = NULL;
	if (!s)
		return (uint64_t)-ENODEV;
	if (r3 & ~(uint64_t)SCX_DSQ_ITER_REV)
		return (uint64_t)-EINVAL;
	dsq = r2 & SCX_DSQ_FLAG_BUILTIN ? NULL : dsq_find_user(s, r2);
	if (!dsq)
		return (uint64_t)-ENOENT;
	*iter_of(r1) = dsq_iter_new(m, dsq, r3 & SCX_DSQ_ITER_REV);
	return *iter_of(r1) ? 0 : (uint64_t)-ENOMEM;
}

SCHED_KFUNC(bpf_iter_scx_dsq_next)
{
	struct dsq_iter *it = *iter_of(r1);
	struct core_task *t = it ? dsq_iter_next(it) : NULL;

	return t ? sched_give_task(ts_of(t)) : 0;
}

SCHED_KFUNC(bpf_iter_scx_dsq_destroy)
{
	struct dsq_iter *it = *iter_of(r1);

	if (m && it)
		dsq_iter_free(m, it);
	*iter_of(r1) = NULL;
	return 0;
}

static uint64_t move(struct machine *m, struct sched *s, uint64_t it, uint64_t p, uint64_t dsq_id,
		     uint64_t enq_flags, uint64_t internal)
{
	if (!s || !*iter_of(it) || !flags_ok(s, dsq_id, enq_flags))
		return false;
	return dispatch_move(s, *iter_of(it), core_of_ts(host_ptr(p)), dispatch_cpu(m), dsq_id,
			     enq_flags | internal);
}

SCHED_KFUNC(scx_bpf_dsq_move)
{
	return move(m, s, r1, r2, r3, r4, 0);
}

SCHED_KFUNC(scx_bpf_dsq_move_vtime)
{
	return move(m, s, r1, r2, r3, r4, SCX_ENQ_DSQ_PRIQ);
}

SCHED_KFUNC(scx_bpf_dsq_move_set_slice)
{
	struct dsq_iter *it = *iter_of(r1);

	if (it) {
		it->slice = r2;
		it->set_slice = true;
	}
	return 0;
}

SCHED_KFUNC(scx_bpf_dsq_move_set_vtime)
{
	struct dsq_iter *it = *iter_of(r1);

	if (it) {
		it->vtime = r2;
		it->set_vtime = true;
	}
	return 0;
}

/* -- Looking and requeueing --------------------------------------------------------------- */

/* A DSQ by id that need not exist: user, LOCAL (of this CPU), LOCAL_ON. */
static struct dsq *find(struct machine *m, struct sched *s, uint64_t id)
{
	struct cpu *c;

	if (id == SCX_DSQ_LOCAL)
		return &m->here->local;
	if ((id & SCX_DSQ_LOCAL_ON) == SCX_DSQ_LOCAL_ON) {
		c = sched_cpu(s, (int32_t)(id & SCX_DSQ_LOCAL_CPU_MASK));
		return c ? &c->local : NULL;
	}
	return id & SCX_DSQ_FLAG_BUILTIN ? NULL : dsq_find_user(s, id);
}

SCHED_KFUNC(scx_bpf_dsq_nr_queued)
{
	struct dsq *dsq;

	if (!s)
		return (uint64_t)-ENODEV;
	dsq = find(m, s, r1);
	return dsq ? dsq->q.nr : (uint64_t)-ENOENT;
}

SCHED_KFUNC(scx_bpf_dsq_peek)
{
	struct dsq *dsq;

	if (!s)
		return 0;
	if (r1 & SCX_DSQ_FLAG_BUILTIN) {
		sched_error(s, "peek disallowed on builtin DSQ 0x%llx", (unsigned long long)r1);
		return 0;
	}
	dsq = dsq_find_user(s, r1);
	if (!dsq) {
		sched_error(s, "peek on non-existent DSQ 0x%llx", (unsigned long long)r1);
		return 0;
	}
	return sched_give_task(dsq->q.first_task);
}

SCHED_KFUNC(scx_bpf_dsq_reenq)
{
	struct dsq *dsq = s ? find(m, s, r1) : NULL;

	if (!s)
		return 0;
	if (r2 & ~(uint64_t)SCX_REENQ_ANY) {
		sched_error(s, "invalid SCX_REENQ flags 0x%llx", (unsigned long long)r2);
	} else if (r1 == SCX_DSQ_GLOBAL) {
		sched_error(s, "DSQ 0x%llx not allowed for reenq", (unsigned long long)r1);
	} else if (!dsq) {
		sched_error(s, "non-existent DSQ 0x%llx", (unsigned long long)r1);
	} else if (dsq->cpu) {
		dsq->cpu->reenq_local = true;
		pick_kick(dsq->cpu, KICK_QUIET);
	} else {
		dispatch_reenq_user(s, dsq);
	}
	return 0;
}

SCHED_KFUNC(scx_bpf_reenqueue_local)
{
	return s ? dispatch_reenq_local(m->here, false) : 0;
}

SCHED_KFUNC(scx_bpf_reenqueue_local___v2)
{
	if (!s)
		return 0;
	m->here->reenq_local = true;
	pick_kick(m->here, KICK_QUIET);
	return 0;
}
