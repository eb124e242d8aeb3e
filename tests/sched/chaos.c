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
			FAIL("%s does not run any more: state %d, CPU %d, CPUs %lx",
			     s->actors[i]->comm, (int)s->actors[i]->t->state, s->actors[i]->t->cpu,
			     s->actors[i]->t->obj.ts.cpus_mask.bits[0]);
}

/* The whole life of a scheduler. */
static void run_scheduler(struct sim *s, const char *object, bool partial, uint32_t round)
{
	sim_attach(s, object, partial ? "@chaos_partial_ops" : "@chaos_ops", NULL);
	for (uint32_t i = 0; i < 20; i++) {
		work_add_shortlived(s, 1, 100 * round + i);
		work_disturb(s);
		if (i % 4 == 3)
			hotplug(s);
		sim_run(s, 1 * MS);
		sim_expect_running(s);
	}
	sim_watch_settle(s);
	CHECK(partial || sim_global_u64(s, "nr_calls") > 10);
	if (machine_random(s->m) % 2)
		machine_sched_kill(s->m);
	sim_detach(s);
	ua_object__close(s->obj);
	s->obj = NULL;
}

static void play(const char *object, const char *machine, uint64_t seed)
{
	struct sim s;

	printf("%s, seed %llu\n", machine, (unsigned long long)seed);
	fflush(stdout);
	sim_open(&s, machine, seed);
	sim_watch(&s, true);
	work_add(&s, MIXED);
	for (uint32_t round = 0; round < 3; round++) {
		sim_run(&s, 3 * MS);
		run_scheduler(&s, object, round == 1, round);
	}
	check_all_run(&s);
	sim_watch_settle(&s);
	sim_close(&s);
}

int main(int argc, char **argv)
{
	return sim_play(argc, argv, machines, ARRAY_SIZE(machines), play);
}
