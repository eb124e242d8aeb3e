/* SPDX-License-Identifier: BSD-2-Clause */
/* Is every task in exactly one place? Counts the violated invariants; for debug builds. */
#include "sched/core.h"

static int complain(const struct core_task *t, const char *what)
{
	log_warn("uarena: sched: %s[%d]: %s\n", t->t.obj.ts.comm, t->t.obj.ts.pid, what);
	return 1;
}

static int check_waiting(const struct core_task *t)
{
	int places = (t->dsq != NULL) + t->in_ops + t->in_fair + t->deferred;

	if (!t->queued)
		return complain(t, "waits, but is not runnable");
	if (places != 1)
		return complain(t, places ? "waits in several places" : "is lost");
	if (t->dsq && !t->node.queued)
		return complain(t, "is not in the DSQ it names");
	if (t->dsq && t->dsq->cpu && t->dsq->cpu->nr != t->t.cpu)
		return complain(t, "waits in the queue of another CPU");
	if (t->ext != t->on_runnable)
		return complain(t, "is not watched");
	return 0;
}

static int check_task(const struct core_task *t)
{
	const struct cpu *c = &t->m->cpus[t->t.cpu];

	switch (t->t.state) {
	case TASK_ON_CPU:
		if (c->curr != t || !t->queued)
			return complain(t, "runs nowhere");
		return t->dsq || t->in_ops || t->in_fair || t->deferred
			       ? complain(t, "runs and waits")
			       : 0;
	case TASK_QUEUED:
		return check_waiting(t);
	default:
		return t->queued || t->dsq || t->in_ops || t->in_fair || t->on_runnable
			       ? complain(t, "sleeps and waits")
			       : 0;
	}
}

static int check_cpu(const struct machine *m, const struct cpu *c)
{
	uint32_t n = 0;

	for (const struct core_task *t = m->all_first; t; t = t->all_next)
		n += t->queued && t->t.cpu == c->nr;
	if (n == c->nr_running)
		return 0;
	log_warn("uarena: sched: CPU %d counts %u runnable tasks, %u are\n", c->nr, c->nr_running,
		 n);
	return 1;
}

int core_check(const struct machine *m)
{
	int bad = 0;

	for (const struct core_task *t = m->all_first; t; t = t->all_next)
		bad += check_task(t);
	for (uint32_t i = 0; i < m->n_cpus; i++)
		bad += check_cpu(m, &m->cpus[i]);
	return bad;
}
