/* SPDX-License-Identifier: BSD-2-Clause */
/* Counting while the machine runs: nothing here allocates or searches. */
#include "sched/metrics.h"

#include "base/base.h"

static struct task_notes *notes_of(const struct sim_task *t)
{
	return t->actor;
}

static void account(struct metrics *mt, struct metrics_cpu *cpu, uint64_t now)
{
	if (cpu->running) {
		cpu->busy += now - cpu->since;
		mt->groups[cpu->running->group].runtime += now - cpu->since;
	}
	cpu->since = now;
}

static void on_wake(struct metrics *mt, const struct machine_event *ev)
{
	struct task_notes *notes = notes_of(ev->task);

	mt->groups[ev->task->group].wakeups++;
	if (notes)
		notes->waiting = true;
}

static void on_switch_in(struct metrics *mt, const struct machine_event *ev)
{
	struct metrics_group *g = &mt->groups[ev->task->group];
	struct task_notes *notes = notes_of(ev->task);

	g->slices++;
	if (!notes || !notes->waiting)
		return;
	notes->waiting = false;
	hist_add(&g->latency, ev->at - ev->task->woken_at);
}

static void on_switch(struct metrics *mt, const struct machine_event *ev)
{
	struct metrics_cpu *cpu = &mt->cpus[ev->cpu];

	account(mt, cpu, ev->at);
	cpu->running = ev->task;
	cpu->switches++;
	if (ev->task)
		on_switch_in(mt, ev);
}

static void on_hotplug(struct metrics *mt, const struct machine_event *ev)
{
	struct metrics_cpu *cpu = &mt->cpus[ev->cpu];

	if (cpu->is_offline)
		cpu->offline += ev->at - cpu->offline_since;
	cpu->is_offline = !ev->value;
	cpu->offline_since = ev->at;
}

static void observe(void *arg, const struct machine_event *ev)
{
	struct metrics *mt = arg;

	switch (ev->kind) {
	case MACHINE_SWITCH:
		on_switch(mt, ev);
		break;
	case MACHINE_WAKE:
		on_wake(mt, ev);
		break;
	case MACHINE_MIGRATE:
		mt->groups[ev->task->group].migrations++;
		break;
	case MACHINE_FORK:
		mt->groups[ev->task->group].tasks++;
		break;
	case MACHINE_HOTPLUG:
		on_hotplug(mt, ev);
		break;
	default:
		break;
	}
}

int metrics_begin(struct metrics *mt, struct machine *m, uint32_t n_groups)
{
	const struct topo *topo = machine_topo(m);

	*mt = (struct metrics){.n_groups = n_groups, .n_cpus = topo->n_cpus};
	mt->groups = mem_calloc(n_groups, sizeof(*mt->groups));
	mt->cpus = mem_calloc(topo->n_cpus, sizeof(*mt->cpus));
	if (!mt->groups || !mt->cpus) {
		metrics_free(mt);
		return -ENOMEM;
	}
	mt->started = machine_now(m);
	for (uint32_t i = 0; i < mt->n_cpus; i++)
		mt->cpus[i] = (struct metrics_cpu){.since = mt->started,
						   .is_offline = !topo->cpus[i].online,
						   .offline_since = mt->started};
	mt->observer = (struct machine_observer){.fn = observe, .arg = mt};
	machine_observe(m, &mt->observer);
	return 0;
}

void metrics_update(struct metrics *mt, uint64_t now)
{
	mt->elapsed = now - mt->started;
	for (uint32_t i = 0; i < mt->n_cpus; i++) {
		struct metrics_cpu *cpu = &mt->cpus[i];

		account(mt, cpu, now);
		if (cpu->is_offline)
			cpu->offline += now - cpu->offline_since;
		cpu->offline_since = now;
	}
}

void metrics_free(struct metrics *mt)
{
	mem_free(mt->groups);
	mem_free(mt->cpus);
	*mt = (struct metrics){0};
}
