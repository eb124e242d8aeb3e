/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a scheduler is told of cgroups: those that are there, parents first; new ones, their
 * weights and limits, tasks that move, and the end, children first. In both forms.
 * Usage: cgroups RECORD RECORD-CPU
 */
#include "record.h"
#include "sched/core.h"
#include "sim.h"

static struct sim sim;
static uint64_t at; /* the next record to look at */

/* The next callback of this kind has these arguments. */
static void expect(uint32_t op, int32_t pid, uint64_t a, uint64_t b)
{
	const struct record *r = sim_global(&sim, "records");
	uint64_t n = sim_global_u64(&sim, "nr_records");

	while (at < n && r[at].op != op)
		at++;
	if (at == n)
		FAIL("no callback %u", op);
	if (r[at].pid != pid || r[at].a != a || r[at].b != b)
		FAIL("callback %u: pid %d, %llu, %llu; should be %d, %llu, %llu", op, r[at].pid,
		     r[at].a, r[at].b, pid, (unsigned long long)a, (unsigned long long)b);
	at++;
}

static uint64_t count(uint32_t op)
{
	const struct record *r = sim_global(&sim, "records");
	uint64_t n = 0;

	for (uint64_t i = 0; i < sim_global_u64(&sim, "nr_records"); i++)
		n += r[i].op == op;
	return n;
}

static struct sim_cgroup *make(struct sim_cgroup *parent, const char *name)
{
	struct sim_cgroup *cg;

	CHECK_EQ(machine_cgroup_new(sim.m, parent, name, &cg), 0);
	return cg;
}

static uint64_t id(const struct sim_cgroup *cg)
{
	return cg->kn.id;
}

static void names(struct sim_cgroup *root, struct sim_cgroup *a, struct sim_cgroup *b)
{
	struct sim_cgroup *again;

	CHECK(machine_cgroup_find(sim.m, "a") == a && machine_cgroup_find(sim.m, "a/b") == b);
	CHECK(!machine_cgroup_find(sim.m, "b"));
	CHECK_EQ(machine_cgroup_new(sim.m, root, "a", &again), -EEXIST);
}

static void moves(struct sim_actor *t, struct sim_cgroup *from, struct sim_cgroup *to)
{
	int32_t pid = t->t->obj.ts.pid;

	CHECK_EQ(machine_cgroup_move(sim.m, t->t, to), 0);
	expect(OP_cgroup_prep_move, pid, id(from), id(to));
	expect(OP_cgroup_move, pid, id(from), id(to));
	/* To where it is already: nothing happens. */
	CHECK_EQ(machine_cgroup_move(sim.m, t->t, to), 0);
	CHECK_EQ(count(OP_cgroup_move), count(OP_cgroup_prep_move));
}

static void play(const char *object)
{
	struct sim_cgroup *root, *a, *b, *c;
	struct sim_actor *hog, *nap;
	uint64_t moved;

	at = 0;
	sim_open(&sim, "2c", 1);
	sim_watch(&sim, true);
	root = machine_root_cgroup(sim.m);
	a = make(root, "a");
	b = make(a, "b");
	CHECK_EQ(machine_cgroup_set_weight(sim.m, a, 300), 0);
	names(root, a, b);
	hog = sim_task(&sim, "hog", (struct load){.run = 10 * MS, .cgroup = b});
	nap = sim_task(&sim, "nap", (struct load){.run = 1 * MS, .sleep = 1 * MS});
	sim_attach(&sim, object, NULL);
	expect(OP_cgroup_init, 0, id(root), 100);
	expect(OP_cgroup_init, 0, id(a), 300);
	expect(OP_cgroup_init, 0, id(b), 100);
	sim_run(&sim, 10 * MS);

	c = make(root, "c");
	expect(OP_cgroup_init, 0, id(c), 100);
	CHECK_EQ(machine_cgroup_set_weight(sim.m, c, 50), 0);
	expect(OP_cgroup_set_weight, 0, id(c), 50);
	CHECK_EQ(machine_cgroup_set_bandwidth(sim.m, c, 100000, 20000, 0), 0);
	expect(OP_cgroup_set_bandwidth, 0, id(c), 20000);
	moves(hog, b, c);
	sim_run(&sim, 10 * MS);
	moves(nap, root, c);
	moved = count(OP_cgroup_move);
	CHECK_EQ(moved, 2);
	sim_run(&sim, 10 * MS);

	CHECK_EQ(machine_cgroup_remove(sim.m, c), -EBUSY);
	CHECK_EQ(machine_cgroup_remove(sim.m, a), -EBUSY);
	CHECK_EQ(machine_cgroup_remove(sim.m, b), 0);
	expect(OP_cgroup_exit, 0, id(b), 0);
	sim_run(&sim, 10 * MS);
	sim_expect_running(&sim);
	sim_detach(&sim);
	CHECK_EQ(count(OP_cgroup_exit), 4);
	CHECK_EQ(count(OP_cgroup_init), 4);
	sim_watch_settle(&sim);
	sim_close(&sim);
}

/* At the end children go before their parents, after all tasks. */
static void play_end(const char *object)
{
	struct sim_cgroup *root, *a, *b;

	at = 0;
	sim_open(&sim, "2c", 1);
	root = machine_root_cgroup(sim.m);
	a = make(root, "a");
	b = make(a, "b");
	sim_task(&sim, "hog", (struct load){.run = 10 * MS, .cgroup = b});
	sim_attach(&sim, object, NULL);
	sim_run(&sim, 1 * MS);
	sim_detach(&sim);
	expect(OP_exit_task, 1, 0, 0);
	expect(OP_cgroup_exit, 0, id(b), 0);
	expect(OP_cgroup_exit, 0, id(a), 0);
	expect(OP_cgroup_exit, 0, id(root), 0);
	expect(OP_exit, 0, SCX_EXIT_UNREG, 0);
	sim_close(&sim);
}

int main(int argc, char **argv)
{
	CHECK(argc == 3);
	for (int i = 1; i < 3; i++) {
		play(argv[i]);
		play_end(argv[i]);
	}
	return 0;
}
