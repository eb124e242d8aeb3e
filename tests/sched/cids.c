/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a scheduler in cid form learns of its CPUs: shards, the mask of those online, what it may
 * do on them; and its own numbering, from tables in the arena that may be anything.
 * Usage: cids OBJECT
 */
#include "btf/types/scx.h"
#include "cids.h"
#include "sim.h"

static struct sim sim;

static const struct scx_cid_topo *topo(uint32_t cid)
{
	return (const struct scx_cid_topo *)sim_global(&sim, "topo") + cid;
}

/* Two LLCs of three cores of two threads: shards of at most four cids, cores whole. */
static void as_it_is(const char *object)
{
	static const int32_t shard[] = {0, 0, 0, 0, 4, 4, 6, 6, 6, 6, 10, 10};
	const uint64_t *caps;

	sim_open(&sim, "2l:3c:2t", 1);
	CHECK_EQ(machine_set_online(sim.m, 11, false), 0);
	sim_attach(&sim, object, NULL);
	sim_expect_running(&sim);
	for (uint32_t cid = 0; cid < 10; cid++)
		CHECK_EQ(topo(cid)->shard_cid, shard[cid]);
	CHECK_EQ(topo(10)->shard_cid, 10); /* whose sibling is not there */
	CHECK_EQ(topo(10)->llc_cid, 6);
	CHECK_EQ(topo(11)->shard_cid, 11); /* offline */
	CHECK_EQ(topo(11)->llc_cid, -1);

	CHECK_EQ(sim_global_u64(&sim, "early_online"), 0);
	CHECK_EQ(sim_global_u64(&sim, "online_bits"), 0x7ff);
	CHECK_EQ(machine_set_online(sim.m, 11, true), 0);
	CHECK_EQ(sim_global_u64(&sim, "online_bits"), 0xfff);
	CHECK_EQ(machine_set_online(sim.m, 0, false), 0);
	CHECK_EQ(sim_global_u64(&sim, "online_bits"), 0xffe);
	CHECK_EQ(sim_global_u64(&sim, "late_offline"), 0); /* not set any more when it is told */
	sim_expect_running(&sim);

	caps = sim_global(&sim, "caps_words");
	CHECK_EQ(caps[2], 0x1c); /* all that was asked about */
	CHECK_EQ((int32_t)sim_global_u32(&sim, "caps_err"), 0);
	CHECK_EQ((int32_t)sim_global_u32(&sim, "child_err"), -ENODEV);
	CHECK_EQ((int32_t)sim_global_u32(&sim, "grant_err"), -ENODEV);
	CHECK_EQ((int32_t)sim_global_u32(&sim, "kill_err"), -ENODEV);
	sim_close(&sim);
}

static void reversed(const char *object)
{
	sim_open(&sim, "2l:2c:2t", 1);
	sim_attach(&sim, object, "reverse = true", "nr_shards = 4", NULL);
	sim_expect_running(&sim);
	for (uint32_t cid = 0; cid < 8; cid++) {
		CHECK_EQ(topo(cid)->shard_cid, (int32_t)(cid & ~1u));
		CHECK_EQ(topo(cid)->core_cid, -1);
	}
	sim_close(&sim);
	/* The next scheduler gets the usual numbers. */
	sim_open(&sim, "2l:2c:2t", 1);
	sim_attach(&sim, object, NULL);
	CHECK_EQ(topo(4)->llc_cid, 4);
	sim_close(&sim);
}

/* Addresses where there is no table, up to the last byte of the arena: what is read there is no
 * numbering. */
static void nowhere(const char *object)
{
	static const char *const at[] = {"table_at = 0x7f000000", "table_at = 0xfffff001",
					 "table_at = 0xffffffff", "table_at = 0xfffffffffffffff8"};

	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		sim_open(&sim, "8c", 1);
		sim_attach(&sim, object, at[i], NULL);
		sim_run(&sim, 1 * MS);
		sim_expect_exit(&sim, SCX_EXIT_ERROR, "cid ");
		sim_close(&sim);
	}
}

int main(int argc, char **argv)
{
	CHECK(argc == 2);
	as_it_is(argv[1]);
	reversed(argv[1]);
	nowhere(argv[1]);
	return 0;
}
