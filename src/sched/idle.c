/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Built-in idle tracking: which CPUs and which whole cores are idle, and choosing one.
 *
 * A bit is claimed by whoever chooses the CPU and set again when it next goes idle. Masks are
 * kept for the machine and for each node; without SCX_OPS_BUILTIN_IDLE_PER_NODE programs see
 * the former only.
 */
#include "sched/core.h"

static void mark(struct machine *m, uint32_t nr, bool whole_core, bool idle)
{
	int32_t node = m->topo.cpus[nr].node;
	struct cpumask *all = whole_core ? &m->idle_cores : &m->idle_cpus;
	struct cpumask *of_node = whole_core ? &m->node_idle_cores[node] : &m->node_idle_cpus[node];

	if (idle) {
		mask_set(all, nr);
		mask_set(of_node, nr);
	} else {
		mask_clear(all, nr);
		mask_clear(of_node, nr);
	}
}

static void mark_core(struct cpu *c, bool idle)
{
	for (int32_t i = 0; i < c->core_n; i++)
		mark(c->m, (uint32_t)c->m->core_cpus[c->core_first + i], true, idle);
}

static bool core_idle(const struct cpu *c)
{
	const struct machine *m = c->m;

	for (int32_t i = 0; i < c->core_n; i++) {
		uint32_t sibling = (uint32_t)m->core_cpus[c->core_first + i];

		if (m->cpus[sibling].online && !mask_test(&m->idle_cpus, sibling))
			return false;
	}
	return true;
}

void idle_update(struct cpu *c, bool idle)
{
	mark(c->m, (uint32_t)c->nr, false, idle);
	mark_core(c, idle && core_idle(c));
}

void idle_reset(struct machine *m)
{
	for (uint32_t i = 0; i < m->n_cpus; i++)
		idle_update(&m->cpus[i], false);
}

bool idle_claim(struct machine *m, int32_t cpu)
{
	if (!mask_test(&m->idle_cpus, (uint32_t)cpu))
		return false;
	idle_update(&m->cpus[cpu], false);
	return true;
}

/* -- Choosing ----------------------------------------------------------------------------- */

static int32_t claim_first(struct machine *m, const struct cpumask *set,
			   const struct cpumask *allowed, const struct cpumask *group)
{
	uint32_t nr = mask_next(m, set, allowed, 0);

	while (nr < m->n_cpus && group && !mask_test(group, nr))
		nr = mask_next(m, set, allowed, nr + 1);
	if (nr >= m->n_cpus)
		return -EBUSY;
	idle_claim(m, (int32_t)nr);
	return (int32_t)nr;
}

int32_t idle_pick(struct machine *m, const struct cpumask *allowed, int32_t node, uint64_t flags)
{
	int32_t nr = -EBUSY;

	if (node >= 0) {
		nr = claim_first(m, &m->node_idle_cores[node], allowed, NULL);
		if (nr < 0 && !(flags & SCX_PICK_IDLE_CORE))
			nr = claim_first(m, &m->node_idle_cpus[node], allowed, NULL);
		if (nr >= 0 || flags & SCX_PICK_IDLE_IN_NODE)
			return nr;
	}
	nr = claim_first(m, &m->idle_cores, allowed, NULL);
	if (nr < 0 && !(flags & SCX_PICK_IDLE_CORE))
		nr = claim_first(m, &m->idle_cpus, allowed, NULL);
	return nr;
}

struct search {
	struct machine *m;
	struct cpumask allowed;
	const struct topo_cpu *prev;
	uint64_t flags;
};

/* In the LLC, the node, anywhere: `set` is the idle cores or the idle CPUs. */
static int32_t nearest(const struct search *f, const struct cpumask *set)
{
	struct machine *m = f->m;
	int32_t nr = claim_first(m, set, &f->allowed, &m->llc_cpus[f->prev->llc]);

	if (nr < 0)
		nr = claim_first(m, set, &f->allowed, &m->node_cpus[f->prev->node]);
	if (nr < 0 && !(f->flags & SCX_PICK_IDLE_IN_NODE))
		nr = claim_first(m, set, &f->allowed, NULL);
	return nr;
}

static int32_t idle_sibling(const struct search *f, int32_t prev)
{
	const struct cpu *c = &f->m->cpus[prev];

	for (int32_t i = 0; i < c->core_n; i++) {
		int32_t nr = f->m->core_cpus[c->core_first + i];

		if (mask_test(&f->allowed, (uint32_t)nr) && idle_claim(f->m, nr))
			return nr;
	}
	return -EBUSY;
}

/* The waker is about to sleep: its own CPU will be free, or the task's old one shares a cache. */
static int32_t sync_cpu(const struct search *f, int32_t prev)
{
	struct machine *m = f->m;
	struct cpu *here = m->here;
	bool near = m->topo.cpus[here->nr].llc == f->prev->llc;

	if (near && mask_test(&f->allowed, (uint32_t)prev) && idle_claim(m, prev))
		return prev;
	if (mask_next(m, &m->idle_cpus, NULL, 0) < m->n_cpus && !here->local.q.nr &&
	    task_on(here) && !here->curr->exiting && mask_test(&f->allowed, (uint32_t)here->nr))
		return here->nr;
	return -EBUSY;
}

static int32_t find(const struct search *f, int32_t prev, uint64_t wake_flags)
{
	struct machine *m = f->m;
	bool prev_ok = mask_test(&f->allowed, (uint32_t)prev);
	int32_t nr = -EBUSY;

	if (wake_flags & SCX_WAKE_SYNC)
		nr = sync_cpu(f, prev);
	if (nr < 0 && m->topo.threads > 1) {
		if (prev_ok && mask_test(&m->idle_cores, (uint32_t)prev) && idle_claim(m, prev))
			return prev;
		nr = nearest(f, &m->idle_cores);
		if (nr < 0 && f->flags & SCX_PICK_IDLE_CORE)
			return nr;
	}
	if (nr < 0 && prev_ok && idle_claim(m, prev))
		return prev;
	if (nr < 0 && m->topo.threads > 1)
		nr = idle_sibling(f, prev);
	return nr < 0 ? nearest(f, &m->idle_cpus) : nr;
}

int32_t idle_select(struct core_task *t, int32_t prev, uint64_t wake_flags,
		    const struct cpumask *allowed, uint64_t flags, bool *is_idle)
{
	struct machine *m = t->m;
	struct search f = {.m = m, .flags = flags};
	int32_t nr;

	*is_idle = false;
	if (prev < 0 || (uint32_t)prev >= m->n_cpus)
		prev = t->t.cpu;
	f.prev = &m->topo.cpus[prev];
	for (uint32_t w = 0; w < mask_words(m); w++)
		f.allowed.bits[w] = ts_of(t)->cpus_mask.bits[w] &
				    (allowed ? allowed->bits[w] : ~0ul) & m->online.bits[w];
	nr = find(&f, prev, wake_flags);
	*is_idle = nr >= 0;
	return nr;
}
