/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The default policy: what runs tasks while no scheduler is attached, and those that a
 * SCX_OPS_SWITCH_PARTIAL scheduler leaves alone.
 *
 * Weighted fair queueing per CPU, placement on idle CPUs near the last one, and a CPU that
 * runs dry takes a task from the longest queue near by. It stands for the kernel's fair class
 * without claiming its details: a baseline to compare schedulers with.
 */
#include "sched/core.h"

#define FAIR_SLICE (3 * NSEC_PER_MSEC)

/* Idle, and nothing on its way there. */
static bool quiet(const struct cpu *c)
{
	return !c->curr && !c->nr_running;
}

static int32_t quiet_in(struct core_task *t, const struct cpumask *group)
{
	struct machine *m = t->m;
	uint32_t nr = mask_next(m, group, &ts_of(t)->cpus_mask, 0);

	for (; nr < m->n_cpus; nr = mask_next(m, group, &ts_of(t)->cpus_mask, nr + 1))
		if (m->cpus[nr].online && quiet(&m->cpus[nr]))
			return (int32_t)nr;
	return -1;
}

static struct cpu *shortest(struct core_task *t)
{
	struct machine *m = t->m;
	struct cpu *best = NULL;

	for (uint32_t i = 0; i < m->n_cpus; i++) {
		struct cpu *c = &m->cpus[i];

		if (task_may_run_on(t, c) && (!best || c->nr_running < best->nr_running))
			best = c;
	}
	return best;
}

int32_t fair_select(struct core_task *t, int32_t prev)
{
	struct machine *m = t->m;
	const struct topo_cpu *tc = &m->topo.cpus[prev];
	struct cpu *c = &m->cpus[prev];
	int32_t nr;

	if (task_may_run_on(t, c) && quiet(c))
		return prev;
	nr = quiet_in(t, &m->llc_cpus[tc->llc]);
	if (nr < 0)
		nr = quiet_in(t, &m->node_cpus[tc->node]);
	if (nr < 0)
		nr = quiet_in(t, &m->online);
	if (nr >= 0)
		return nr;
	if (!t->is_new && task_may_run_on(t, c))
		return prev;
	c = shortest(t);
	return c ? c->nr : prev;
}

/* -- Queue -------------------------------------------------------------------------------- */

static void queue_in(struct cpu *c, struct core_task *t)
{
	vqueue_insert(&c->fair, &t->node, t->vruntime);
	t->in_fair = true;
	c->n_fair++;
	c->m->n_fair++;
}

static void queue_out(struct cpu *c, struct core_task *t)
{
	if (!t->in_fair)
		return;
	vqueue_remove(&c->fair, &t->node);
	t->in_fair = false;
	c->n_fair--;
	c->m->n_fair--;
}

void fair_enqueue(struct cpu *c, struct core_task *t)
{
	uint64_t floor = c->fair_min - FAIR_SLICE;

	t->queued = true;
	c->nr_running++;
	c->rq.nr_running++;
	if (t->t.state == TASK_ON_CPU)
		return;
	if (vtime_before(t->vruntime, floor))
		t->vruntime = floor;
	queue_in(c, t);
	if (!task_on(c) || c->curr->ext)
		pick_resched(c);
}

void fair_dequeue(struct cpu *c, struct core_task *t)
{
	queue_out(c, t);
	t->queued = false;
	c->nr_running--;
	c->rq.nr_running--;
}

/* A task that waits on the CPU of `group` with the longest queue. */
static struct core_task *find_victim(struct cpu *to, const struct cpumask *group)
{
	struct machine *m = to->m;
	uint32_t nr = mask_next(m, group, NULL, 0);
	struct core_task *best = NULL;
	uint32_t longest = 0;

	for (; nr < m->n_cpus; nr = mask_next(m, group, NULL, nr + 1)) {
		struct cpu *c = &m->cpus[nr];
		struct vnode *n = c->fair.first;

		if (c == to || c->n_fair <= longest)
			continue;
		while (n && (core_of_node(n)->pinned || !task_may_run_on(core_of_node(n), to)))
			n = n->next;
		if (n) {
			best = core_of_node(n);
			longest = c->n_fair;
		}
	}
	return best;
}

static struct core_task *steal(struct cpu *c)
{
	struct machine *m = c->m;
	const struct topo_cpu *tc = &m->topo.cpus[c->nr];
	struct core_task *t;
	struct cpu *from;

	if (!m->n_fair) /* as a rule, under a scheduler that has all tasks */
		return NULL;
	t = find_victim(c, &m->llc_cpus[tc->llc]);
	if (!t)
		t = find_victim(c, &m->node_cpus[tc->node]);
	if (!t)
		t = find_victim(c, &m->online);
	if (!t)
		return NULL;
	from = cpu_of(t);
	queue_out(from, t);
	t->vruntime += c->fair_min - from->fair_min;
	task_set_cpu(t, c);
	queue_in(c, t);
	return t;
}

struct core_task *fair_pick(struct cpu *c)
{
	struct core_task *t = core_of_node(c->fair.first);

	return t || !c->online || (task_on(c) && c->curr->ext) ? t : steal(c);
}

void fair_ran(struct core_task *t, uint64_t ns)
{
	struct cpu *c = cpu_of(t);

	t->vruntime += ns * 100 / ts_of(t)->scx.weight;
	if (vtime_before(c->fair_min, t->vruntime) &&
	    (!c->fair.first || !vtime_before(c->fair.first->key, t->vruntime)))
		c->fair_min = t->vruntime;
	else if (c->fair.first && vtime_before(c->fair_min, c->fair.first->key))
		c->fair_min = c->fair.first->key;
}

void fair_start(struct cpu *c, struct core_task *t)
{
	queue_out(c, t);
	t->slice_start = t->m->now;
}

void fair_stop(struct cpu *c, struct core_task *t)
{
	queue_in(c, t);
}

void fair_yield(struct cpu *c, struct core_task *t)
{
	const struct vnode *last = c->fair.last;

	if (last && vtime_before(t->vruntime, last->key))
		t->vruntime = last->key;
	t->slice_start = 0;
}

bool fair_due(struct cpu *c, struct core_task *t)
{
	if (!c->fair.first || (t->slice_start && t->m->now - t->slice_start < FAIR_SLICE))
		return false;
	return !vtime_before(t->vruntime, c->fair.first->key);
}
