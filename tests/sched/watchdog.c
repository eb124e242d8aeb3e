/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tasks that wait too long: when the watchdog notices, what counts as waiting, whom it names.
 * Usage: watchdog PLAN-OBJECT FOLDER
 */
#include "planned.h"

static const char *object, *folder;
static struct sim sim;

static void begin(void)
{
	sim_open(&sim, "2c", 5);
	sim_watch(&sim, true);
	sim_attach(&sim, object, NULL); /* with the longest timeout, 30 s */
	plan_default(&sim, 1);
}

static void end(void)
{
	sim_watch_settle(&sim);
	sim_close(&sim);
}

/* When the scheduler ended, to the millisecond. */
static uint64_t run_to_the_end(uint64_t limit)
{
	while (machine_sched_state(sim.m) == MACHINE_SCHED_ENABLED) {
		if (machine_now(sim.m) >= limit)
			FAIL("nothing happened in %llu ms", (unsigned long long)(limit / MS));
		sim_run(&sim, 1 * MS);
	}
	return machine_now(sim.m);
}

/* It looks every half of the timeout. */
static void expect_stall(const struct sim_actor *a, uint64_t since, uint64_t timeout)
{
	uint64_t at = run_to_the_end(since + 2 * timeout);
	char text[64];

	snprintf(text, sizeof(text), "%s[%d] failed to run for ", a->comm, pid_of(a));
	sim_expect_exit(&sim, SCX_EXIT_ERROR_STALL, text);
	CHECK(at > since + timeout && at <= since + timeout * 3 / 2 + 2 * MS);
	snprintf(text, sizeof(text), "for %llu.", (unsigned long long)((at - since) / SEC));
	CHECK(strstr(machine_sched_exit(sim.m)->msg, text));
	CHECK_EQ(machine_sched_exit(sim.m)->cpu, a->t->cpu);
}

static void in_custody(void)
{
	struct sim_actor *a;
	uint64_t since;

	begin();
	a = sim_task(&sim, "kept", (struct load){.run = 1 * MS, .idle = true});
	plan_of(&sim, a)->keep = 1;
	sim_run(&sim, 3 * MS);
	since = machine_now(sim.m);
	sim_wake(&sim, "kept");
	/* Asking again does not make the waiting shorter. */
	for (int i = 0; i < 5; i++) {
		sim_run(&sim, 5 * SEC);
		CHECK_EQ(machine_set_nice(sim.m, a->t, i), 0);
	}
	expect_stall(a, since, 30 * SEC);
	sim_run(&sim, 10 * MS);
	CHECK_EQ(a->t->state, TASK_SLEEPING);
	end();
}

/* Who runs now and then, however briefly, is fine. */
static void now_and_then(void)
{
	begin();
	for (int i = 0; i < 12; i++) {
		char comm[16];

		snprintf(comm, sizeof(comm), "hog%d", i);
		sim_task(&sim, comm, (struct load){.run = 1 * SEC});
	}
	sim_run(&sim, 40 * SEC);
	sim_expect_running(&sim);
	end();
}

static void in_a_queue(void)
{
	struct sim_actor *a;
	char path[4096];

	snprintf(path, sizeof(path), "%s/stall.bpf.o", folder);
	sim_open(&sim, "1c", 5);
	sim_watch(&sim, true);
	sim_attach(&sim, path, NULL); /* 2 s; every fourth pid starves */
	sim_task(&sim, "p1", (struct load){.run = 10 * MS});
	sim_task(&sim, "p2", (struct load){.run = 10 * MS});
	sim_task(&sim, "p3", (struct load){.run = 10 * MS});
	a = sim_task(&sim, "p4", (struct load){.run = 10 * MS});
	CHECK_EQ(pid_of(a) % 4, 0);
	expect_stall(a, 0, 2 * SEC);
	CHECK_EQ(a->t->runtime, 0);
	sim_run(&sim, 1 * SEC);
	CHECK(a->t->runtime > 100 * MS);
	end();
}

int main(int argc, char **argv)
{
	CHECK(argc == 3);
	object = argv[1];
	folder = argv[2];
	in_custody();
	now_and_then();
	in_a_queue();
	return 0;
}
