/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The checker behind sim_watch(): nothing is lost, nothing is in two places.
 *
 * From the events alone it keeps who is on which CPU, compares that with the states of the
 * tasks, and adds up the time that CPUs were busy. A thorough one looks inside as well: at
 * every event, every runnable task must be in exactly one of a CPU, a queue, the default
 * policy's queue, the scheduler's custody, or on its way to another CPU; and what the queues
 * hold must be what the tasks say.
 */
#include "sim.h"

#include "sched/core.h"

struct watch {
	struct machine_observer observer;
	struct sim *s;
	bool thorough;
	uint64_t n_events, last_at;
	uint64_t busy, ended_runtime;
	struct {
		struct sim_task *t;
		uint64_t since;
	} cpus[TOPO_MAX_CPUS];
	char *trace;
	size_t len, cap;
};

static const char *const kinds[] = {
	[MACHINE_FORK] = "fork",       [MACHINE_EXIT] = "exit",	      [MACHINE_WAKE] = "wake",
	[MACHINE_SWITCH] = "switch",   [MACHINE_MIGRATE] = "migrate", [MACHINE_SCHED] = "sched",
	[MACHINE_HOTPLUG] = "hotplug", [MACHINE_MARK] = "mark",
};

static const char *comm_of(const struct sim_task *t)
{
	return t ? t->obj.ts.comm : "-";
}

static void write_line(struct watch *w, const struct machine_event *ev)
{
	if (w->cap - w->len < 256) {
		w->cap = w->cap ? 2 * w->cap : 4096;
		w->trace = realloc(w->trace, w->cap);
		CHECK(w->trace);
	}
	w->len += (size_t)snprintf(w->trace + w->len, 256, "%llu %s cpu%d %s %s %d %lld %.64s\n",
				   (unsigned long long)ev->at, kinds[ev->kind], ev->cpu,
				   comm_of(ev->task), comm_of(ev->other), ev->other_runnable,
				   (long long)ev->value, ev->text ? ev->text : "");
}

/* The end of the story, before the test ends. */
#define WATCH_FAIL(w, ...)                                                             \
	do {                                                                           \
		size_t show_ = min_t(size_t, (w)->len, 2000);                          \
                                                                                       \
		fprintf(stderr, "...%.*s", (int)show_, (w)->trace + (w)->len - show_); \
		FAIL(__VA_ARGS__);                                                     \
	} while (0)

/* -- What the events say ------------------------------------------------------------------ */

static void check_switch(struct watch *w, const struct machine_event *ev)
{
	struct machine *m = w->s->m;
	struct sim_task *t = ev->task;

	CHECK(ev->cpu >= 0 && (uint32_t)ev->cpu < machine_topo(m)->n_cpus);
	if (w->cpus[ev->cpu].t != ev->other)
		WATCH_FAIL(w, "CPU %d switched from %s, but ran %s", ev->cpu, comm_of(ev->other),
			   comm_of(w->cpus[ev->cpu].t));
	if (ev->other) {
		w->busy += ev->at - w->cpus[ev->cpu].since;
		if (ev->other_runnable)
			CHECK_EQ(ev->other->state, TASK_QUEUED);
		else
			CHECK(ev->other->state != TASK_ON_CPU);
	}
	w->cpus[ev->cpu].t = t;
	w->cpus[ev->cpu].since = ev->at;
	if (!t)
		return;
	CHECK_EQ(t->state, TASK_ON_CPU);
	CHECK_EQ(t->cpu, ev->cpu);
	if (!mask_test(t->obj.ts.cpus_ptr, (uint32_t)ev->cpu))
		WATCH_FAIL(w, "%s runs on CPU %d, which its affinity excludes", comm_of(t),
			   ev->cpu);
	for (uint32_t c = 0; c < machine_topo(m)->n_cpus; c++)
		if ((int32_t)c != ev->cpu && w->cpus[c].t == t)
			WATCH_FAIL(w, "%s runs on CPUs %u and %d", comm_of(t), c, ev->cpu);
}

/* -- What is inside ----------------------------------------------------------------------- */

static uint32_t count_queue(struct dsq *dsq)
{
	uint32_t n = 0;

	for (struct vnode *at = dsq->queue.first; at; at = at->next) {
		if (core_of_node(at)->dsq != dsq)
			FAIL("%s is queued where it does not say", comm_of(&core_of_node(at)->t));
		n++;
	}
	CHECK_EQ(dsq->q.nr, n);
	return n;
}

static uint32_t count_queues(struct machine *m)
{
	uint32_t n = 0;

	for (uint32_t c = 0; c < m->n_cpus; c++)
		n += count_queue(&m->cpus[c].local) + count_queue(&m->cpus[c].bypass);
	if (!m->sched)
		return n;
	for (uint32_t node = 0; node < m->topo.nodes; node++)
		n += count_queue(&m->sched->global[node]);
	for (uint32_t i = 0; i < DSQ_HASH; i++)
		for (struct dsq *dsq = m->sched->user[i]; dsq; dsq = dsq->next)
			n += count_queue(dsq);
	return n;
}

static void check_inside(const struct watch *w)
{
	struct machine *m = w->s->m;
	uint32_t queued = 0;

	for (struct core_task *t = m->all_first; t; t = t->all_next) {
		bool running = m->cpus[t->t.cpu].curr == t && t->t.state == TASK_ON_CPU;
		int places = running + (t->dsq != NULL) + t->in_fair + t->deferred +
			     (t->in_ops && !t->dsq);

		queued += t->dsq != NULL;
		if (places != t->queued)
			WATCH_FAIL(w,
				   "%s (state %d) is in %d places: CPU %d, queue %d, default "
				   "policy %d, "
				   "deferred %d, custody %d",
				   comm_of(&t->t), (int)t->t.state, places, running, t->dsq != NULL,
				   t->in_fair, t->deferred, t->in_ops);
	}
	CHECK_EQ(count_queues(m), queued);
}

/* ----------------------------------------------------------------------------------------- */

static void watch_event(void *arg, const struct machine_event *ev)
{
	struct watch *w = arg;

	CHECK(ev->at >= w->last_at);
	w->last_at = ev->at;
	w->n_events++;
	if (ev->kind == MACHINE_SWITCH)
		check_switch(w, ev);
	if (ev->kind == MACHINE_EXIT)
		w->ended_runtime += ev->task->runtime;
	/* Who is just being moved is nowhere. */
	if (w->thorough && ev->kind != MACHINE_MIGRATE)
		check_inside(w);
	write_line(w, ev);
}

void sim_watch(struct sim *s, bool thorough)
{
	struct watch *w = calloc(1, sizeof(*w));

	CHECK(w && !s->watch);
	w->s = s;
	w->thorough = thorough;
	w->observer = (struct machine_observer){.fn = watch_event, .arg = w};
	s->watch = w;
	machine_observe(s->m, &w->observer);
}

void sim_watch_settle(struct sim *s)
{
	uint64_t now = machine_now(s->m), busy = s->watch->busy, used = s->watch->ended_runtime;

	check_inside(s->watch);
	for (uint32_t c = 0; c < s->m->n_cpus; c++) {
		if (s->watch->cpus[c].t)
			busy += now - s->watch->cpus[c].since;
		CHECK((task_on(&s->m->cpus[c]) ? &task_on(&s->m->cpus[c])->t : NULL) ==
		      s->watch->cpus[c].t);
	}
	for (struct core_task *t = s->m->all_first; t; t = t->all_next)
		if (t->t.state != TASK_DEAD)
			used += t->t.runtime +
				(t->t.state == TASK_ON_CPU ? now - t->exec_start : 0);
	CHECK_EQ(used, busy);
}

char *sim_watch_trace(struct sim *s)
{
	char *trace = s->watch->trace ? s->watch->trace : strdup("");

	s->watch->trace = NULL;
	s->watch->len = s->watch->cap = 0;
	return trace;
}

uint64_t sim_watch_events(const struct sim *s)
{
	return s->watch->n_events;
}

void watch_free(struct watch *w)
{
	if (w)
		free(w->trace);
	free(w);
}
