/* SPDX-License-Identifier: BSD-2-Clause */
/* What metrics make of a known sequence of events. */
#include "base/base.h"
#include "sched/metrics.h"

#define CHECK(cond)                                                   \
	do {                                                          \
		if (!(cond)) {                                        \
			fprintf(stderr, "%d: %s\n", __LINE__, #cond); \
			exit(1);                                      \
		}                                                     \
	} while (0)

static struct task_notes notes[2];
static struct sim_task tasks[2] = {{.group = 0, .actor = &notes[0]},
				   {.group = 1, .actor = &notes[1]}};

static void say(struct metrics *mt, const struct machine_event *ev)
{
	mt->observer.fn(mt->observer.arg, ev);
}

static void wake(struct metrics *mt, uint64_t at, int t)
{
	tasks[t].woken_at = at;
	say(mt, &(struct machine_event){.kind = MACHINE_WAKE, .at = at, .task = &tasks[t]});
}

/* -1: idle */
static void run(struct metrics *mt, uint64_t at, int cpu, int t)
{
	say(mt, &(struct machine_event){.kind = MACHINE_SWITCH,
					.at = at,
					.cpu = cpu,
					.task = t < 0 ? NULL : &tasks[t]});
}

/*
 * t     0    10    20    30    40    50    60
 * CPU 0      | A   | B         | A         |
 * CPU 1                  | A   |
 */
static void play(struct metrics *mt)
{
	say(mt, &(struct machine_event){.kind = MACHINE_FORK, .task = &tasks[0]});
	say(mt, &(struct machine_event){.kind = MACHINE_FORK, .task = &tasks[1]});
	wake(mt, 5, 0);
	run(mt, 10, 0, 0);
	wake(mt, 12, 1);
	run(mt, 20, 0, 1);
	say(mt, &(struct machine_event){
			.kind = MACHINE_MIGRATE, .at = 30, .cpu = 1, .task = &tasks[0]});
	run(mt, 30, 1, 0);
	run(mt, 40, 1, -1);
	run(mt, 40, 0, 0);
	say(mt, &(struct machine_event){.kind = MACHINE_HOTPLUG, .at = 50, .cpu = 1, .value = 0});
}

static void check_groups(const struct metrics *mt)
{
	const struct metrics_group *a = &mt->groups[0], *b = &mt->groups[1];

	CHECK(a->tasks == 1 && b->tasks == 1);
	CHECK(a->runtime == 40 && b->runtime == 20);
	CHECK(a->wakeups == 1 && a->slices == 3 && a->migrations == 1);
	CHECK(b->wakeups == 1 && b->slices == 1 && b->migrations == 0);
	CHECK(a->latency.n == 1 && a->latency.max == 5);
	CHECK(b->latency.n == 1 && b->latency.max == 8);
}

static void check_cpus(const struct metrics *mt)
{
	CHECK(mt->elapsed == 60);
	CHECK(mt->cpus[0].busy == 50 && mt->cpus[0].switches == 3);
	CHECK(mt->cpus[1].busy == 10 && mt->cpus[1].offline == 10);
}

int main(void)
{
	const struct machine_opts opts = {.topology = "2c", .seed = 1};
	struct metrics mt;
	struct machine *m;

	CHECK(!machine_new(&opts, &m));
	CHECK(!metrics_begin(&mt, m, 2));
	play(&mt);
	metrics_update(&mt, 60);
	check_groups(&mt);
	check_cpus(&mt);
	metrics_update(&mt, 60); /* a second time adds nothing */
	check_groups(&mt);
	check_cpus(&mt);
	machine_free(m);
	metrics_free(&mt);
	return 0;
}
