/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A scheduler that does anything allowed at random (chaos.bpf.c), on a machine where anything
 * changes at random: nobody is lost, nothing is an error, and when it is gone everybody runs on.
 * Usage: chaos OBJECT [seed [rounds]]
 */
#include <time.h>

#include "work.h"

static const char *const machines[] = {"1c", "2c", "2n:2l:2c", "3l:2c:2t"};

static void hotplug(struct sim *s)
{
	uint32_t n = machine_topo(s->m)->n_cpus, cpu = (uint32_t)(machine_random(s->m) % n);

	if (cpu)
		CHECK_EQ(machine_set_online(s->m, (int32_t)cpu,
					    !machine_topo(s->m)->cpus[cpu].online),
			 0);
}

static void check_all_run(struct sim *s)
{
	uint64_t before[ARRAY_SIZE(s->actors)];

	for (uint32_t i = 0; i < s->n_actors; i++)
		before[i] = sim_runtime(s->actors[i]);
	sim_run(s, 2 * SEC);
	for (uint32_t i = 0; i < s->n_actors; i++)
		if (s->actors[i]->t && !s->actors[i]->load.idle &&
		    s->actors[i]->t->runtime == before[i])
			FAIL("%s does not run any more", s->actors[i]->comm);
}

static void play(const char *object, const char *machine, uint64_t seed)
{
	struct sim s;

	printf("%s, seed %llu\n", machine, (unsigned long long)seed);
	fflush(stdout);
	sim_open(&s, machine, seed);
	sim_watch(&s, true);
	work_add(&s, MIXED);
	sim_run(&s, 3 * MS);
	sim_attach(&s, object, NULL);
	for (uint32_t i = 0; i < 40; i++) {
		work_add_shortlived(&s, 1, i);
		work_disturb(&s);
		if (i % 4 == 3)
			hotplug(&s);
		sim_run(&s, 1 * MS);
		sim_expect_running(&s);
	}
	sim_watch_settle(&s);
	CHECK(sim_global_u64(&s, "nr_calls") > 10);
	sim_detach(&s);
	check_all_run(&s);
	sim_watch_settle(&s);
	sim_close(&s);
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : (uint64_t)time(NULL);
	int rounds = argc > 3 ? atoi(argv[3]) : 2;

	CHECK(argc > 1);
	for (int i = 0; i < rounds; i++)
		for (size_t m = 0; m < ARRAY_SIZE(machines); m++)
			play(argv[1], machines[m], seed + (uint64_t)i);
	return 0;
}
