/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shares follow weights: hogs of three weights under the vtime example, groups of hogs under
 * the cgroup example, on one CPU and on sixteen. Usage: shares FOLDER
 */
#include "sim.h"

#include "sched/core.h"

#define TOLERANCE 0.02 /* of the share */

static void check_shares(const char *what, const double *is, const double *weights)
{
	double sum = is[0] + is[1] + is[2], weight = weights[0] + weights[1] + weights[2];

	for (int i = 0; i < 3; i++) {
		double share = is[i] / sum, should = weights[i] / weight;

		printf("%s: weight %.0f: %.2f %%, should be %.2f %%\n", what, weights[i],
		       100 * share, 100 * should);
		if (share < should * (1 - TOLERANCE) || share > should * (1 + TOLERANCE))
			FAIL("%s: a share is off", what);
	}
}

static void check_vtime(const char *folder, const char *machine)
{
	static const int32_t nice[] = {3, 0, -3}; /* weights close to 1 : 2 : 4 */
	double runtime[3] = {0}, weights[3];
	struct sim_actor *hogs[3][64];
	char path[4096], comm[16];
	uint32_t n;
	struct sim s;

	snprintf(path, sizeof(path), "%s/vtime.bpf.o", folder);
	sim_open(&s, machine, 1);
	sim_attach(&s, path, NULL);
	n = machine_topo(s.m)->n_cpus;
	for (int w = 0; w < 3; w++)
		for (uint32_t i = 0; i < n; i++) {
			snprintf(comm, sizeof(comm), "h%d.%u", w, i);
			hogs[w][i] =
				sim_task(&s, comm, (struct load){.run = 100 * MS, .nice = nice[w]});
		}
	sim_run(&s, 10 * SEC);
	sim_expect_running(&s);
	for (int w = 0; w < 3; w++) {
		for (uint32_t i = 0; i < n; i++)
			runtime[w] += (double)hogs[w][i]->t->runtime;
		weights[w] = hogs[w][0]->t->obj.ts.scx.weight;
	}
	check_shares(machine, runtime, weights);
	sim_close(&s);
}

static void check_cgroup(const char *folder, const char *machine)
{
	static const double weights[] = {100, 200, 400};
	static const char *const names[] = {"one", "two", "four"};
	struct sim_cgroup *groups[3];
	struct sim_actor *hogs[3][64];
	double runtime[3] = {0};
	char path[4096], comm[16];
	uint32_t n;
	struct sim s;

	snprintf(path, sizeof(path), "%s/cgroup.bpf.o", folder);
	sim_open(&s, machine, 1);
	for (int w = 0; w < 3; w++) {
		CHECK_EQ(machine_cgroup_new(s.m, machine_root_cgroup(s.m), names[w], &groups[w]),
			 0);
		/* Two are told their weight when the scheduler starts, one later. */
		if (w < 2)
			machine_cgroup_set_weight(s.m, groups[w], (uint32_t)weights[w]);
	}
	sim_attach(&s, path, NULL);
	CHECK_EQ(machine_cgroup_set_weight(s.m, groups[2], (uint32_t)weights[2]), 0);
	n = machine_topo(s.m)->n_cpus;
	/* Different numbers of tasks must make no difference. */
	for (uint32_t w = 0; w < 3; w++)
		for (uint32_t i = 0; i < n + w; i++) {
			snprintf(comm, sizeof(comm), "g%u.%u", w, i);
			hogs[w][i] = sim_task(&s, comm,
					      (struct load){.run = 100 * MS, .cgroup = groups[w]});
		}
	sim_run(&s, 10 * SEC);
	sim_expect_running(&s);
	for (uint32_t w = 0; w < 3; w++)
		for (uint32_t i = 0; i < n + w; i++)
			runtime[w] += (double)hogs[w][i]->t->runtime;
	check_shares(machine, runtime, weights);
	sim_close(&s);
}

int main(int argc, char **argv)
{
	CHECK(argc == 2);
	check_vtime(argv[1], "1c");
	check_vtime(argv[1], "16c");
	check_cgroup(argv[1], "1c");
	check_cgroup(argv[1], "2l:8c");
	return 0;
}
