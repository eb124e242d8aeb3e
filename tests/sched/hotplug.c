/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CPUs that come and go under a scheduler that has callbacks for it: what it is told, who must
 * move, and that an absent CPU runs nothing. In both forms. Usage: hotplug RECORD RECORD-CPU
 */
#include "record.h"
#include "sched/core.h"
#include "sim.h"

static const struct record *find_last(struct sim *s, uint32_t op, int32_t pid)
{
	const struct record *r = sim_global(s, "records");

	for (uint64_t i = sim_global_u64(s, "nr_records"); i-- > 0;)
		if (r[i].op == op && r[i].pid == pid)
			return &r[i];
	return NULL;
}

static void expect_last(struct sim *s, uint32_t op, uint64_t cpu)
{
	const struct record *r = find_last(s, op, 0);

	CHECK(r);
	CHECK_EQ(r->a, cpu);
}

static bool runs_on(struct sim *s, int32_t cpu)
{
	for (uint32_t i = 0; i < s->n_actors; i++)
		if (s->actors[i]->t && s->actors[i]->t->state == TASK_ON_CPU &&
		    s->actors[i]->t->cpu == cpu)
			return true;
	return false;
}

/* Everybody has had the CPU lately. */
static void check_all_run(struct sim *s)
{
	uint64_t before[64];

	for (uint32_t i = 0; i < s->n_actors; i++)
		before[i] = s->actors[i]->t->runtime;
	sim_run(s, 200 * MS);
	for (uint32_t i = 0; i < s->n_actors; i++)
		if (s->actors[i]->t->runtime == before[i])
			FAIL("%s does not run", s->actors[i]->comm);
}

static void go_and_come(const char *object)
{
	struct sim_actor *bound;
	char comm[16];
	struct sim s;

	sim_open(&s, "4c", 3);
	sim_watch(&s, true);
	for (int i = 0; i < 9; i++) {
		snprintf(comm, sizeof(comm), "t%d", i);
		sim_task(&s, comm, (struct load){.run = 2 * MS, .sleep = i % 3 * MS});
	}
	bound = sim_task(&s, "bound", (struct load){.run = 2 * MS, .cpus = 4});
	sim_attach(&s, object, NULL);
	sim_run(&s, 20 * MS);
	CHECK(runs_on(&s, 2));

	CHECK_EQ(machine_set_online(s.m, 2, false), 0);
	sim_run(&s, 1 * MS);
	CHECK(!runs_on(&s, 2));
	expect_last(&s, OP_offline, 2);
	/* Its only CPU is gone: it may use all, and the scheduler knows. */
	CHECK_EQ(find_last(&s, OP_set_mask, bound->t->obj.ts.pid)->a, 15);
	CHECK_EQ(bound->t->obj.ts.nr_cpus_allowed, 4);
	check_all_run(&s);
	CHECK(!runs_on(&s, 2));
	/* Nobody can be sent to where nothing is. */
	CHECK_EQ(machine_set_affinity(s.m, bound->t, &(uint64_t){4}), -EINVAL);
	CHECK_EQ(machine_set_online(s.m, 2, false), 0);

	CHECK_EQ(machine_set_online(s.m, 2, true), 0);
	expect_last(&s, OP_online, 2);
	CHECK_EQ(machine_set_affinity(s.m, bound->t, &(uint64_t){4}), 0);
	check_all_run(&s);
	CHECK(bound->t->cpu == 2);
	/* One CPU must stay. */
	for (int i = 0; i < 3; i++)
		CHECK_EQ(machine_set_online(s.m, i, false), 0);
	CHECK_EQ(machine_set_online(s.m, 3, false), -EINVAL);
	check_all_run(&s);
	sim_expect_running(&s);
	sim_watch_settle(&s);
	sim_close(&s);
}

/* CPUs that are offline from the start come last among the cids. */
static void offline_first(const char *object)
{
	struct machine_opts opts = {.topology = "2l:2c", .seed = 1, .n_offline = 1};
	struct sim s;

	sim_open_opts(&s, &opts, UA_EXEC_AUTO);
	sim_watch(&s, true);
	for (int i = 0; i < 6; i++) {
		char comm[16];

		snprintf(comm, sizeof(comm), "t%d", i);
		sim_task(&s, comm, (struct load){.run = 2 * MS});
	}
	sim_attach(&s, object, NULL);
	CHECK_EQ(machine_topo(s.m)->cpus[3].cid, 3);
	check_all_run(&s);
	CHECK(!runs_on(&s, 3));
	CHECK_EQ(machine_set_online(s.m, 3, true), 0);
	expect_last(&s, OP_online, 3);
	check_all_run(&s);
	CHECK(runs_on(&s, 3));
	sim_expect_running(&s);
	sim_close(&s);
}

int main(int argc, char **argv)
{
	CHECK(argc == 3);
	for (int i = 1; i < 3; i++) {
		go_and_come(argv[i]);
		offline_first(argv[i]);
	}
	return 0;
}
