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
	topo_number(&t, 0);
	CHECK(t.cpus[0].cid == 3 && t.cids[3].node_cid == -1, "offline");
	CHECK(t.cids[3].shard_cid == 3 && t.cids[3].shard_idx == 1, "offline");
	CHECK(t.cpus[2].cid == 0 && t.cids[0].core_cid == 0, "offline");
	topo_free(&t);
}

static void check_override(void)
{
	static const int32_t reversed[] = {3, 2, 1, 0}, twice[] = {0, 1, 1, 3},
			     far[] = {0, 1, 2, 4}, shards[] = {0, 1};
	int32_t bad = -1;
	struct topo t;

	CHECK(!topo_parse("4c", &t), "override");
	CHECK(!topo_override(&t, reversed, shards, 2, &bad) && t.cids[0].cpu == 3, "override");
	CHECK(t.cids[0].shard_cid == 0 && t.cids[0].shard_idx == 0, "override");
	CHECK(t.cids[3].shard_cid == 1 && t.cids[3].shard_idx == 1, "override");
	CHECK(t.cids[3].core_cid == -1 && t.cids[3].node_idx == -1, "nothing else is known");
	CHECK(topo_override(&t, twice, shards, 2, &bad) == -EINVAL && bad == 1, "override");
	CHECK(topo_override(&t, far, shards, 2, &bad) == -EINVAL && bad == 4, "override");
	CHECK(t.cids[0].cpu == 3, "a refused override changes nothing");
	topo_number(&t, 0);
	CHECK(t.cids[0].cpu == 0 && t.cids[3].core_cid == 3, "a new scheduler starts anew");
	topo_free(&t);
}

/* Sizes of the shards, first to last, of all LLCs. */
static const struct {
	const char *machine;
	uint32_t size;
	uint32_t want[8];
} shardings[] = {
	{"1n:1l:4c:2t", 0, {8}},
	{"2n:1l:4c:1t", 0, {4, 4}},
	{"1n:1l:32c:1t", 0, {16, 16}},
	{"1n:1l:7c:2t", 4, {4, 4, 4, 2}},
	{"1n:2l:5c:2t", 8, {6, 4, 6, 4}},
	{"1n:1l:3c:8t", 4, {8, 8, 8}}, /* a core is never split */
	{"1n:1l:1024c:1t", 5000, {512, 512}},
};

static void check_shards(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(shardings); i++) {
		uint32_t cid = 0, n = 0;
		struct topo t;

		CHECK(!topo_parse(shardings[i].machine, &t), shardings[i].machine);
		topo_number(&t, shardings[i].size);
		for (; n < 8 && shardings[i].want[n]; n++)
			for (uint32_t first = cid; cid < first + shardings[i].want[n]; cid++)
				CHECK(t.cids[cid].shard_cid == (int32_t)first &&
					      t.cids[cid].shard_idx == (int32_t)n,
				      shardings[i].machine);
		CHECK(cid == t.n_cpus, shardings[i].machine);
		topo_free(&t);
	}
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
	check_shards();
	check_override();
	return 0;
}
