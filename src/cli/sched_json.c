/* SPDX-License-Identifier: BSD-2-Clause */
/* Results as JSON: whole numbers only, so that equal runs give equal bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "cli/sched.h"
#include "sched/events.h"

#define INT(v) ((json_int_t)(v))

static json_t *latency_json(const struct hist *h)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "n", INT(h->n), "mean",
			 INT(h->n ? h->sum / h->n : 0), "p50", INT(hist_quantile(h, 500)), "p99",
			 INT(hist_quantile(h, 990)), "max", INT(h->max));
}

static json_t *groups_json(const struct sched_result *r)
{
	json_t *groups = json_array();

	for (uint32_t i = 0; i < r->metrics->n_groups; i++) {
		const struct metrics_group *g = &r->metrics->groups[i];
		const struct actor_counts *c = actors_counts(r->actors, i);
		const struct sched_waiting none = {0}, *w = r->waiting ? &r->waiting[i] : &none;

		json_array_append_new(
			groups,
			json_pack("{s:s, s:I, s:I, s:I, s:I, s:o, s:I, s:I, s:I, s:I, s:I, s:I}",
				  "name", r->w->tasks[i].name, "tasks", INT(g->tasks), "ended",
				  INT(c->ended), "runtime_ns", INT(g->runtime), "wakeups",
				  INT(g->wakeups), "latency_ns", latency_json(&g->latency),
				  "slices", INT(g->slices), "migrations", INT(g->migrations),
				  "loops", INT(c->loops), "refused_forks", INT(c->refused),
				  "waiting", INT(w->n), "longest_waiting_ns", INT(w->longest)));
	}
	return groups;
}

static json_t *cpus_json(const struct sched_result *r)
{
	json_t *cpus = json_array();

	for (uint32_t i = 0; i < r->metrics->n_cpus; i++) {
		const struct metrics_cpu *c = &r->metrics->cpus[i];
		const struct topo_cpu *t = &r->topo->cpus[i];

		json_array_append_new(
			cpus,
			json_pack("{s:i, s:i, s:i, s:i, s:I, s:I, s:I, s:I}", "cpu", (int)i, "node",
				  t->node, "llc", t->llc, "core", t->core, "busy_ns", INT(c->busy),
				  "idle_ns", INT(r->metrics->elapsed - c->busy - c->offline),
				  "offline_ns", INT(c->offline), "switches", INT(c->switches)));
	}
	return cpus;
}

static json_t *counters_json(const struct sched_result *r)
{
	json_t *counters = json_object();

	for (size_t i = 0; i < event_stat_count; i++)
		json_object_set_new(counters, event_stats[i].name + strlen("SCX_EV_"),
				    json_integer(event_stat(&r->events, i)));
	return counters;
}

static json_t *arena_json(const struct sched_arena *a)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "bytes", INT(a->bytes),
			 "pages", INT(a->pages), "allocated", INT(a->allocated), "reserved",
			 INT(a->reserved), "scratch", INT(a->scratch), "holes", INT(a->holes),
			 "pool_pages", INT(a->pool_pages), "pool_bytes", INT(a->pool_bytes));
}

/* Texts of the programs may hold anything. */
static json_t *text_json(const char *s)
{
	json_t *j = json_string(s);

	return j ? j : json_string("(not UTF-8)");
}

static json_t *exit_json(const struct sched_result *r)
{
	return json_pack("{s:i, s:I, s:i, s:o, s:o, s:o}", "kind", (int)r->kind, "code",
			 INT(r->code), "cpu", (int)r->cpu, "reason", text_json(r->reason), "msg",
			 text_json(r->msg), "dump", text_json(r->dump));
}

json_t *sched_result_json(const struct sched_result *r)
{
	json_t *j = json_pack("{s:s, s:s, s:s, s:I, s:s, s:I, s:I, s:I, s:I, s:s}", "scheduler",
			      r->name, "object", r->setup->object, "machine", r->setup->machine,
			      "n_cpus", INT(r->topo->n_cpus), "workload", r->w->name, "seed",
			      INT(r->setup->seed), "asked_ns", INT(r->setup->time), "time_ns",
			      INT(r->metrics->elapsed), "n_events", INT(r->n_events), "end",
			      sched_end_text(r->end));

	json_object_set_new(j, "restarts", json_integer(r->n_restarts));
	if (r->end == SCHED_REFUSED)
		json_object_set_new(j, "error", json_string(strerror(-r->attach_err)));
	if (r->reason)
		json_object_set_new(j, "exit", exit_json(r));
	json_object_set_new(j, "groups", groups_json(r));
	json_object_set_new(j, "cpus", cpus_json(r));
	json_object_set_new(j, "counters", counters_json(r));
	if (r->arena.present)
		json_object_set_new(j, "arena", arena_json(&r->arena));
	if (r->reports)
		json_object_set_new(j, "reports", text_json(r->reports));
	if (r->output)
		json_object_set_new(j, "output", text_json(r->output));
	return j;
}
