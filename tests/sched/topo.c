/* SPDX-License-Identifier: BSD-2-Clause */
/* Machine notation, the hierarchy it means, cids with offline CPUs and overrides. */
#include "base/base.h"
#include "sched/topo.h"

#define CHECK(cond, what)                                                       \
	do {                                                                    \
		if (!(cond)) {                                                  \
			fprintf(stderr, "%s: %d: %s\n", what, __LINE__, #cond); \
			exit(1);                                                \
		}                                                               \
	} while (0)

static const struct {
	const char *machine;
	uint32_t cpus; /* 0: refused */
	int32_t nodes, llcs, cores;
} machines[] = {
	{"2n:2l:8c:2t", 64, 2, 4, 32},
	{"4c:2t", 8, 1, 1, 4},
	{"8c", 8, 1, 1, 8},
	{"1n:3l:1c", 3, 1, 3, 3},
	{"2n", 2, 2, 2, 2},
	{"4096c", 4096, 1, 1, 4096},
	{"", 0, 0, 0, 0},
	{"0c", 0, 0, 0, 0},
	{"4097c", 0, 0, 0, 0},
	{"2c:2n", 0, 0, 0, 0},
	{"2c:2c", 0, 0, 0, 0},
	{"2x", 0, 0, 0, 0},
	{"2c:", 0, 0, 0, 0},
	{"2c 4t", 0, 0, 0, 0},
	{"-1c", 0, 0, 0, 0},
	{"4096n:4096c", 0, 0, 0, 0},
	{"c", 0, 0, 0, 0},
};

static void check_hierarchy(const struct topo *t, const char *machine, int32_t nodes, int32_t llcs,
			    int32_t cores)
{
	int32_t last_core = -1;

	for (uint32_t cid = 0; cid < t->n_cpus; cid++) {
		const struct topo_cid *d = &t->cids[cid];
		const struct topo_cpu *c = &t->cpus[d->cpu];

		CHECK(c->cid == (int32_t)cid, machine);
		CHECK(d->node_idx < nodes && d->llc_idx < llcs && d->core_idx < cores, machine);
		CHECK(d->core_cid <= (int32_t)cid && d->llc_cid <= d->core_cid &&
			      d->node_cid <= d->llc_cid,
		      machine);
		CHECK(d->core_idx >= last_core, machine); /* siblings are neighbours */
		last_core = d->core_idx;
	}
}

static void check_offline(void)
{
	struct topo t;

	CHECK(!topo_parse("2c:2t", &t), "offline");
	t.cpus[0].online = false;
	topo_number(&t);
	CHECK(t.cpus[0].cid == 3 && t.cids[3].node_cid == -1, "offline");
	CHECK(t.cpus[2].cid == 0 && t.cids[0].core_cid == 0, "offline");
	topo_free(&t);
}

static void check_override(void)
{
	static const int32_t reversed[] = {3, 2, 1, 0}, twice[] = {0, 1, 1, 3},
			     far[] = {0, 1, 2, 4};
	int32_t bad = -1;
	struct topo t;

	CHECK(!topo_parse("4c", &t), "override");
	CHECK(!topo_override(&t, reversed, 4, &bad) && t.cids[0].cpu == 3, "override");
	CHECK(topo_override(&t, twice, 4, &bad) == -EINVAL && bad == 1, "override");
	CHECK(topo_override(&t, far, 4, &bad) == -EINVAL && bad == 4, "override");
	CHECK(topo_override(&t, reversed, 3, &bad) == -EINVAL, "override");
	CHECK(t.cids[0].cpu == 3, "a refused override changes nothing");
	topo_free(&t);
}

int main(void)
{
	log_set(NULL);
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		struct topo t;
		int err = topo_parse(machines[i].machine, &t);

		CHECK(err == (machines[i].cpus ? 0 : -EINVAL), machines[i].machine);
		if (err)
			continue;
		CHECK(t.n_cpus == machines[i].cpus, machines[i].machine);
		check_hierarchy(&t, machines[i].machine, machines[i].nodes, machines[i].llcs,
				machines[i].cores);
		topo_free(&t);
	}
	check_offline();
	check_override();
	return 0;
}
