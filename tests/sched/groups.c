/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SYSCALL programs that the host runs between stretches of time are in the machine's world: its
 * cgroups, which bpf_iter_css walks and whose ancestors are found, and its clock.
 * Usage: groups OBJECT
 */
#include "groups.h"
#include "sched/core.h"
#include "sim.h"

static struct sim sim;
static struct sim_cgroup *cg[6]; /* root, a, a/b, a/c, a/b/d, e */

enum { PRE = 2, POST, UP };

static const struct {
	uint32_t order;
	int start;
	int met[7]; /* by index in cg, up to -1 */
} walks[] = {
	{PRE, 0, {0, 1, 2, 4, 3, 5, -1}},
	{PRE, 1, {1, 2, 4, 3, -1}},
	{PRE, 4, {4, -1}},
	{POST, 0, {4, 2, 3, 1, 5, 0, -1}},
	{POST, 1, {4, 2, 3, 1, -1}},
	{POST, 5, {5, -1}},
	{UP, 4, {4, 2, 1, 0, -1}},
	{UP, 0, {0, -1}},
};

static int run(const char *program, int start)
{
	*(uint64_t *)sim_global(&sim, "start_id") = cg[start]->kn.id;
	return sim_call(&sim, program);
}

static void walk(size_t i)
{
	const uint64_t *met = sim_global(&sim, "met");
	uint32_t n = 0;

	*(uint32_t *)sim_global(&sim, "order") = walks[i].order;
	CHECK_EQ(run("walk", walks[i].start), 0);
	for (; walks[i].met[n] >= 0; n++)
		if (met[n] != cg[walks[i].met[n]]->kn.id)
			FAIL("walk %zu: step %u is cgroup %llu", i, n, (unsigned long long)met[n]);
	CHECK_EQ(sim_global_u32(&sim, "nr_met"), n);
}

static int ancestor(int start, int32_t level)
{
	*(int32_t *)sim_global(&sim, "level") = level;
	return run("ancestor", start);
}

static void make_groups(void)
{
	cg[0] = machine_root_cgroup(sim.m);
	CHECK_EQ(machine_cgroup_new(sim.m, cg[0], "a", &cg[1]), 0);
	CHECK_EQ(machine_cgroup_new(sim.m, cg[1], "b", &cg[2]), 0);
	CHECK_EQ(machine_cgroup_new(sim.m, cg[1], "c", &cg[3]), 0);
	CHECK_EQ(machine_cgroup_new(sim.m, cg[2], "d", &cg[4]), 0);
	CHECK_EQ(machine_cgroup_new(sim.m, cg[0], "e", &cg[5]), 0);
}

int main(int argc, char **argv)
{
	CHECK(argc == 2);
	sim_open(&sim, "3c", 1);
	make_groups();
	CHECK_EQ(ua_object__open_file(sim.engine, argv[1], NULL, &sim.obj), 0);
	if (ua_object__load(sim.obj))
		FAIL("%s", sim_log());
	for (size_t i = 0; i < ARRAY_SIZE(walks); i++)
		walk(i);
	*(uint32_t *)sim_global(&sim, "order") = 1;
	CHECK_EQ(run("walk", 0), -EINVAL);
	CHECK_EQ(sim_global_u32(&sim, "nr_met"), 0);

	CHECK_EQ(ancestor(4, 1), (int)cg[1]->kn.id);
	CHECK_EQ(ancestor(4, 3), (int)cg[4]->kn.id);
	CHECK_EQ(ancestor(4, 4), -1);
	CHECK_EQ(ancestor(4, -1), -1);

	sim_run(&sim, 7 * MS);
	CHECK_EQ(sim_call(&sim, "look_around"), 0);
	CHECK_EQ(sim_global_u64(&sim, "clock_ns"), 7 * MS);
	CHECK_EQ(sim_global_u32(&sim, "cpu"), 3);

	CHECK_EQ(machine_cgroup_remove(sim.m, cg[4]), 0);
	*(uint32_t *)sim_global(&sim, "order") = PRE;
	CHECK_EQ(run("walk", 1), 0);
	CHECK_EQ(sim_global_u32(&sim, "nr_met"), 3);
	sim_close(&sim);
	return 0;
}
