/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Schedulers that make every mistake (hostile.bpf.c), one after the other: most are ended for it,
 * none loses a task, writes where it should not, or stops the machine.
 * Usage: hostile OBJECT [seed [rounds]]
 */
#include <time.h>

#include "work.h"

#define LIVES 5

static void live(struct sim *s, const char *object, uint32_t round)
{
	char evil[32];
	int err;

	snprintf(evil, sizeof(evil), "evil = %d", 3 << 2 * round);
	err = sim_try_attach(s, object, evil, NULL);
	CHECK_EQ(err, 0);
	for (uint32_t i = 0; i < 15 && machine_sched_state(s->m) == MACHINE_SCHED_ENABLED; i++) {
		struct sim_actor *a;
		char comm[16];

		work_disturb(s);
		snprintf(comm, sizeof(comm), "f%u.%u", round, i);
		sim_try_task(s, comm, (struct load){.run = 300 * US, .rounds = 2}, &a);
		sim_run(s, 2 * MS);
	}
	/* An end that it asked for itself is still an end. */
	sim_detach(s);
	CHECK_EQ(machine_sched_state(s->m), MACHINE_SCHED_EXITED);
	ua_object__close(s->obj);
	s->obj = NULL;
	sim_watch_settle(s);
	sim_log();
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
	for (uint32_t round = 0; round < LIVES; round++) {
		sim_run(&s, 1 * MS);
		live(&s, object, round);
	}
	check_all_run(&s);
	sim_watch_settle(&s);
	sim_close(&s);
}

static const char *const machines[] = {"1c", "2n:2c:2t"};

int main(int argc, char **argv)
{
	return sim_play(argc, argv, machines, ARRAY_SIZE(machines), play);
}
