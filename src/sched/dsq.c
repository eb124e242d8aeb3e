/* SPDX-License-Identifier: BSD-2-Clause */
/* Dispatch queues: local, global and the scheduler's own; and iterators over them. */
#include "sched/core.h"

void dsq_init(struct dsq *dsq, uint64_t id, struct cpu *cpu)
{
	*dsq = (struct dsq){.q.id = id, .cpu = cpu};
}

static uint32_t hash_of(uint64_t id)
{
	return (uint32_t)((id * 0x9e3779b97f4a7c15u) >> 56) % DSQ_HASH;
}

struct dsq *dsq_find_user(struct sched *s, uint64_t id)
{
	struct dsq *dsq = s->user[hash_of(id)];

	while (dsq && dsq->q.id != id)
		dsq = dsq->next;
	return dsq;
}

static struct dsq *global_of(struct sched *s, const struct core_task *t)
{
	return &s->global[s->m->topo.cpus[t->t.cpu].node];
}

/* LOCAL_ON names a CPU as the scheduler counts them. */
static struct dsq *resolve_local_on(struct sched *s, uint64_t id, struct core_task *t)
{
	int32_t nr = (int32_t)(id & SCX_DSQ_LOCAL_CPU_MASK);
	struct cpu *c = sched_cpu_given(s, nr, "in SCX_DSQ_LOCAL_ON dispatch verdict");

	return c ? &c->local : global_of(s, t);
}

struct dsq *dsq_resolve(struct sched *s, struct cpu *c, uint64_t id, struct core_task *t)
{
	struct dsq *dsq;

	if (id == SCX_DSQ_LOCAL)
		return &c->local;
	if ((id & SCX_DSQ_LOCAL_ON) == SCX_DSQ_LOCAL_ON)
		return resolve_local_on(s, id, t);
	if (id == SCX_DSQ_GLOBAL)
		return global_of(s, t);
	dsq = id & SCX_DSQ_FLAG_BUILTIN ? NULL : dsq_find_user(s, id);
	if (dsq)
		return dsq;
	sched_error(s, "non-existent DSQ 0x%llx", (unsigned long long)id);
	return global_of(s, t);
}

/* -- Members ------------------------------------------------------------------------------ */

static bool order_clash(struct sched *s, struct dsq *dsq, bool keyed)
{
	struct vnode *first = dsq->queue.first;

	if (!first || first->keyed == keyed)
		return false;
	sched_error(s, "DSQ ID 0x%016llx already had %s-enqueued tasks",
		    (unsigned long long)dsq->q.id, keyed ? "FIFO" : "PRIQ");
	return true;
}

static void show_first(struct dsq *dsq)
{
	struct core_task *t = core_of_node(dsq->queue.first);

	dsq->q.first_task = t ? ts_of(t) : NULL;
}

void dsq_add(struct sched *s, struct dsq *dsq, struct core_task *t, uint64_t enq_flags)
{
	bool keyed = enq_flags & SCX_ENQ_DSQ_PRIQ;

	if (keyed && dsq->q.id & SCX_DSQ_FLAG_BUILTIN) {
		sched_error(s, "cannot use vtime ordering for built-in DSQs");
		keyed = false;
	}
	if (order_clash(s, dsq, keyed))
		keyed = dsq->queue.first->keyed;
	if (keyed)
		vqueue_insert(&dsq->queue, &t->node, ts_of(t)->scx.dsq_vtime);
	else
		vqueue_push(&dsq->queue, &t->node, enq_flags & (SCX_ENQ_HEAD | SCX_ENQ_PREEMPT));
	t->dsq = dsq;
	dsq->q.nr++;
	ts_of(t)->scx.dsq_seq = ++dsq->q.seq;
	ts_of(t)->scx.dsq = &dsq->q;
	ts_of(t)->scx.dsq_flags = keyed;
	show_first(dsq);
}

void dsq_remove(struct core_task *t)
{
	struct dsq *dsq = t->dsq;

	if (!dsq)
		return;
	for (struct dsq_iter *it = dsq->iters; it; it = it->next)
		if (it->cursor == &t->node)
			it->cursor = it->reverse ? t->node.prev : t->node.next;
	vqueue_remove(&dsq->queue, &t->node);
	t->dsq = NULL;
	ts_of(t)->scx.dsq = NULL;
	dsq->q.nr--;
	show_first(dsq);
}

/* -- The scheduler's own ------------------------------------------------------------------ */

int dsq_create(struct sched *s, uint64_t id, int32_t node)
{
	struct dsq **hash = &s->user[hash_of(id)], *dsq;

	UA_FAIL_IF(id & SCX_DSQ_FLAG_BUILTIN, -EINVAL);
	UA_FAIL_IF(node < -1 || node >= (int32_t)s->m->topo.nodes, -EINVAL);
	UA_FAIL_IF(dsq_find_user(s, id), -EEXIST);
	dsq = mem_alloc(sizeof(*dsq));
	UA_FAIL_IF(!dsq, -ENOMEM);
	dsq_init(dsq, id, NULL);
	dsq->next = *hash;
	*hash = dsq;
	return 0;
}

static void dsq_unhash(struct sched *s, struct dsq *dsq)
{
	struct dsq **at = &s->user[hash_of(dsq->q.id)];

	while (*at != dsq)
		at = &(*at)->next;
	*at = dsq->next;
	if (dsq->reenq) {
		for (at = &s->reenq; *at != dsq; at = &(*at)->reenq_next)
			continue;
		*at = dsq->reenq_next;
	}
	dsq->gone = true;
	if (!dsq->iters)
		mem_free(dsq);
}

void dsq_destroy(struct sched *s, uint64_t id)
{
	struct dsq *dsq = id & SCX_DSQ_FLAG_BUILTIN ? NULL : dsq_find_user(s, id);

	if (!dsq)
		return;
	if (dsq->q.nr)
		sched_error(s, "attempting to destroy in-use dsq 0x%016llx (nr=%u)",
			    (unsigned long long)id, dsq->q.nr);
	else
		dsq_unhash(s, dsq);
}

void dsq_free_all(struct sched *s)
{
	for (uint32_t i = 0; i < DSQ_HASH; i++)
		while (s->user[i]) {
			ua_assert(!s->user[i]->q.nr);
			dsq_unhash(s, s->user[i]);
		}
}

/* -- Iterators ---------------------------------------------------------------------------- */

struct dsq_iter *dsq_iter_new(struct machine *m, struct dsq *dsq, bool reverse)
{
	struct dsq_iter *it = mem_zalloc(sizeof(*it));

	if (!it)
		return NULL;
	it->dsq = dsq;
	it->seq = dsq->q.seq;
	it->reverse = reverse;
	it->cursor = reverse ? dsq->queue.last : dsq->queue.first;
	it->next = dsq->iters;
	dsq->iters = it;
	it->frame = m->op;
	it->opened = m->iters;
	m->iters = it;
	return it;
}

struct core_task *dsq_iter_next(struct dsq_iter *it)
{
	struct vnode *n = it->cursor;

	while (n && (int32_t)(ts_of(core_of_node(n))->scx.dsq_seq - it->seq) > 0)
		n = it->reverse ? n->prev : n->next;
	it->at = core_of_node(n);
	it->cursor = n ? (it->reverse ? n->prev : n->next) : NULL;
	it->set_slice = it->set_vtime = false;
	return it->at;
}

void dsq_iter_free(struct machine *m, struct dsq_iter *it)
{
	struct dsq *dsq = it->dsq;
	struct dsq_iter **at = &dsq->iters;

	while (*at != it)
		at = &(*at)->next;
	*at = it->next;
	if (dsq->gone && !dsq->iters)
		mem_free(dsq);
	for (at = &m->iters; *at != it; at = &(*at)->opened)
		continue;
	*at = it->opened;
	mem_free(it);
}
