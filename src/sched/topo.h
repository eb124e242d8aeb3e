/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The simulated machine's CPUs: nodes : LLCs per node : cores per LLC : threads per core.
 *
 * CPUs are numbered as x86 firmware commonly does: first all first threads, then all second
 * threads. cids are dense and walk the hierarchy node, LLC, core, thread, so that siblings are
 * neighbours (Linux 7.3, struct scx_cid_topo). CPUs that are offline when the table is built get
 * the cids at the end and no topology.
 *
 * A shard is a range of cids within one LLC, of about the size a scheduler asks for
 * (cid_shard_size): whole cores, spread evenly. Offline CPUs have shards of their own.
 */
#ifndef UA_SCHED_TOPO_H
#define UA_SCHED_TOPO_H

#include <stdbool.h>
#include <stdint.h>

#define TOPO_MAX_CPUS 4096

struct topo_cpu {
	int32_t node, llc, core; /* machine-wide indices */
	int32_t thread;		 /* within the core */
	int32_t cid;
	bool online;
};

/* Of one cid: cid of the first member and index of the group, as scx_cid_topo. */
struct topo_cid {
	int32_t cpu;
	int32_t core_cid, core_idx, llc_cid, llc_idx, node_cid, node_idx;
	int32_t shard_cid, shard_idx;
};

struct topo {
	uint32_t nodes, llcs, cores, threads; /* as given: per parent */
	uint32_t n_cpus;
	struct topo_cpu *cpus;
	struct topo_cid *cids;
};

/* Parses "2n:2l:8c:2t"; parts may be left out from the left ("4c:2t", "8c"). -EINVAL with a
 * logged reason, -ENOMEM. */
int topo_parse(const char *machine, struct topo *t);
void topo_free(struct topo *t);
/* (Re)number the cids: online CPUs in hierarchy order, the others behind. shard_size: 0 for the
 * default. */
void topo_number(struct topo *t, uint32_t shard_size);
/* Number them as cpu_to_cid says, a permutation of all cids; shards begin at shard_start[], which
 * rises from 0. Nothing else is known of the hierarchy then. -EINVAL, with *bad_cid set to a cid
 * that two CPUs claim or that is out of range. */
int topo_override(struct topo *t, const int32_t *cpu_to_cid, const int32_t *shard_start,
		  uint32_t n_shards, int32_t *bad_cid);

#endif
