/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hundred thousand tasks: memory grows in proportion, nobody is forgotten. Usage: scale FOLDER
 */
#include <unistd.h>

#include "sim.h"

#define STEPS 3

/* Sanitizers have their own memory, and checked builds look at every task at every event. */
#ifdef UA_CHECKED
#define SCALE 100
#else
#define SCALE 1
#endif
static const uint32_t counts[STEPS] = {10000 / SCALE, 50000 / SCALE, 100000 / SCALE};

static double resident(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long pages = 0;

	CHECK(f && fscanf(f, "%*u %lu", &pages) == 1);
	fclose(f);
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

/* One short burst, then sleep. */
static void round_done(void *arg, struct sim_task *t)
{
	uint32_t *n_done = arg;

	++*n_done;
	t->burst = 1;
	machine_block(*(struct machine **)t->actor, t);
}

static void add_tasks(struct sim *s, uint32_t from, uint32_t to)
{
	struct task_spec spec = {.comm = "many", .actor = &s->m};
	struct sim_task *t;

	for (uint32_t i = from; i < to; i++) {
		CHECK_EQ(machine_fork(s->m, &spec, NULL, &t), 0);
		t->burst = 1 * US;
		machine_wake(s->m, t, NULL, false);
	}
}

int main(int argc, char **argv)
{
	double at[STEPS + 1], first, last;
	uint32_t n = 0, n_done = 0;
	char path[4096];
	struct sim s;

	CHECK(argc == 2);
	snprintf(path, sizeof(path), "%s/vtime.bpf.o", argv[1]);
	sim_open(&s, "2n:2l:8c:2t", 1);
	machine_set_driver(s.m, &(struct machine_driver){&n_done, round_done});
	sim_attach(&s, path, NULL);
	at[0] = resident();
	for (int i = 0; i < STEPS; i++) {
		add_tasks(&s, n, counts[i]);
		n = counts[i];
		sim_run(&s, 1 * SEC);
		sim_expect_running(&s);
		CHECK_EQ(n_done, n);
		at[i + 1] = resident();
		printf("%u tasks: %.1f MB\n", n, at[i + 1] / 1e6);
	}
	first = (at[2] - at[1]) / (counts[1] - counts[0]);
	last = (at[3] - at[2]) / (counts[2] - counts[1]);
	printf("bytes for each further task: %.0f, then %.0f\n", first, last);
	CHECK(SCALE > 1 || (last < 1.25 * first && last < 10000));
	sim_close(&s);
	return 0;
}
