/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Workload files under libFuzzer: what the reader accepts is carried out for a while on a small
 * machine. Built with WORKLOAD_REPLAY it runs the files it is given.
 */
#include "base/base.h"
#include "cli/workload_json.h"
#include "sched/actor.h"

#define MAX_TASKS 200
#define MAX_EVENTS 20000

struct limit {
	struct machine_observer observer;
	struct machine *m;
	unsigned int n;
};

static void count(void *arg, const struct machine_event *ev)
{
	struct limit *l = arg;

	(void)ev;
	if (++l->n >= MAX_EVENTS)
		machine_stop(l->m);
}

static uint64_t n_tasks(const struct workload *w, uint32_t n_cpus)
{
	uint64_t n = 0;

	for (size_t i = 0; i < w->n_tasks; i++)
		n += workload_instances(&w->tasks[i], n_cpus);
	return n;
}

/* Runtimes and busy times add up, whatever the tasks do. */
static void check_sums(const struct metrics *mt)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < mt->n_groups; i++)
		sum += mt->groups[i].runtime;
	for (uint32_t i = 0; i < mt->n_cpus; i++)
		sum -= mt->cpus[i].busy;
	if (sum)
		abort();
}

static void run(const struct workload *w, struct machine *m, struct metrics *mt)
{
	struct limit limit = {.m = m};
	struct actors *as = NULL;

	limit.observer = (struct machine_observer){.fn = count, .arg = &limit};
	machine_observe(m, &limit.observer);
	if (!actors_new(m, w, 1, &as) && !actors_start(as))
		machine_run(m, UINT64_C(1000000));
	metrics_update(mt, machine_now(m));
	check_sums(mt);
	machine_free(m);
	actors_free(as);
	metrics_free(mt);
}

static void carry_out(const struct workload *w)
{
	const struct machine_opts opts = {.topology = "2l:2c", .seed = 1};
	struct machine *m;
	struct metrics mt;

	if (n_tasks(w, 4) > MAX_TASKS)
		return;
	if (machine_new(&opts, &m) || metrics_begin(&mt, m, (uint32_t)w->n_tasks))
		abort();
	run(w, m, &mt);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[WORKLOAD_TEXT] = "";
	struct workload w;

	log_set(NULL);
	if (!workload_parse("f", "f", (const char *)data, size, &w, text)) {
		carry_out(&w);
		workload_free(&w);
	} else if (!*text) {
		abort(); /* refused without a word */
	}
	return 0;
}

#ifdef WORKLOAD_REPLAY
#include "replay.h"

int main(int argc, char **argv)
{
	return replay_all(argc, argv);
}
#endif
