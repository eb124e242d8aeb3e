/* SPDX-License-Identifier: BSD-2-Clause */
/* Machine notation, CPU hierarchy, cid numbering. */
#include "sched/topo.h"

#include <ctype.h>

#include "base/base.h"
#include "btf/types/scx.h"

/* -- Notation ----------------------------------------------------------------------------- */

static const char levels[] = "nlct";

static int parse_part(const char **at, const char *machine, uint32_t counts[4], int *last)
{
	char *end;
	unsigned long v = strtoul(*at, &end, 10);
	const char *level = *end ? strchr(levels, *end) : NULL;

	if (!isdigit((unsigned char)**at) || !level || !v || v > UINT16_MAX ||
	    level - levels <= *last) {
		log_warn("machine '%s': at '%s': expected nodes:LLCs:cores:threads such as "
			 "2n:2l:8c:2t\n",
			 machine, *at);
		return -EINVAL;
	}
	*last = (int)(level - levels);
	counts[*last] = (uint32_t)v;
	*at = end + 1;
	return 0;
}

static int parse(const char *machine, uint32_t counts[4])
{
	const char *at = machine;
	int last = -1;

	for (;;) {
		UA_TRY(parse_part(&at, machine, counts, &last));
		if (!*at)
			return 0;
		if (*at++ != ':') {
			log_warn("machine '%s': expected ':' at '%s'\n", machine, at - 1);
			return -EINVAL;
		}
	}
}

/* -- Hierarchy ---------------------------------------------------------------------------- */

static void place_cpus(struct topo *t)
{
	uint32_t n_cores = t->n_cpus / t->threads;

	for (uint32_t i = 0; i < t->n_cpus; i++) {
		struct topo_cpu *c = &t->cpus[i];

		c->core = (int32_t)(i % n_cores);
		c->thread = (int32_t)(i / n_cores);
		c->llc = c->core / (int32_t)t->cores;
		c->node = c->llc / (int32_t)t->llcs;
		c->online = true;
	}
}

int topo_parse(const char *machine, struct topo *t)
{
	uint32_t counts[4] = {1, 1, 1, 1};
	uint64_t n = 1;

	*t = (struct topo){0};
	UA_TRY(parse(machine, counts));
	for (int i = 0; i < 4; i++)
		n *= counts[i];
	if (n > TOPO_MAX_CPUS) {
		log_warn("machine '%s': %llu CPUs, at most %d\n", machine, (unsigned long long)n,
			 TOPO_MAX_CPUS);
		return -EINVAL;
	}
	t->nodes = counts[0];
	t->llcs = counts[1];
	t->cores = counts[2];
	t->threads = counts[3];
	t->n_cpus = (uint32_t)n;
	t->cpus = mem_calloc(n, sizeof(*t->cpus));
	t->cids = mem_calloc(n, sizeof(*t->cids));
	if (!t->cpus || !t->cids) {
		topo_free(t);
		return -ENOMEM;
	}
	place_cpus(t);
	topo_number(t, 0);
	return 0;
}

void topo_free(struct topo *t)
{
	mem_free(t->cpus);
	mem_free(t->cids);
	*t = (struct topo){0};
}

/* -- cids --------------------------------------------------------------------------------- */

/* CPU at position i of the walk node, LLC, core, thread: cores are numbered along it. */
static uint32_t walk_cpu(const struct topo *t, uint32_t i)
{
	return i / t->threads + i % t->threads * (t->n_cpus / t->threads);
}

static int32_t first_cid(const struct topo *t, size_t group_off, int32_t index)
{
	for (uint32_t cid = 0; cid < t->n_cpus; cid++) {
		const struct topo_cpu *c = &t->cpus[t->cids[cid].cpu];

		if (c->online && *(const int32_t *)((const char *)c + group_off) == index)
			return (int32_t)cid;
	}
	return -1;
}

static const struct topo_cid nowhere = {-1, -1, -1, -1, -1, -1, -1, -1, -1};

static void fill_cid(struct topo *t, struct topo_cid *d)
{
	const struct topo_cpu *c = &t->cpus[d->cpu];

	if (!c->online)
		return;
	d->core_idx = c->core;
	d->llc_idx = c->llc;
	d->node_idx = c->node;
	d->core_cid = first_cid(t, offsetof(struct topo_cpu, core), c->core);
	d->llc_cid = first_cid(t, offsetof(struct topo_cpu, llc), c->llc);
	d->node_cid = first_cid(t, offsetof(struct topo_cpu, node), c->node);
}

static void name_cpus(struct topo *t)
{
	for (uint32_t cpu = 0; cpu < t->n_cpus; cpu++) {
		struct topo_cid *d = &t->cids[t->cpus[cpu].cid];

		*d = nowhere;
		d->cpu = (int32_t)cpu;
	}
}

/* -- Shards ------------------------------------------------------------------------------- */

struct shard {
	int32_t idx;
	uint32_t first; /* its first cid */
	uint32_t cores; /* it has so far */
};

static void join(struct topo_cid *d, const struct shard *shard)
{
	d->shard_cid = (int32_t)shard->first;
	d->shard_idx = shard->idx;
}

static void next_shard(struct shard *shard, uint32_t cid)
{
	*shard = (struct shard){shard->idx + 1, cid, 0};
}

static uint32_t end_of_core(const struct topo *t, uint32_t cid, uint32_t end)
{
	uint32_t first = cid;

	while (cid < end && t->cids[cid].core_idx == t->cids[first].core_idx)
		cid++;
	return cid;
}

/* The cids [first, end) of one LLC: all its shards get as many cores as the others, the first
 * ones get one more if that does not come out even. */
static void shard_llc(struct topo *t, uint32_t first, uint32_t end, uint32_t size,
		      struct shard *shard)
{
	uint32_t n_shards = (end - first + size - 1) / size, n_cores = 0, nth = 0;
	uint32_t room = min_t(uint32_t, size, SCX_CID_SHARD_MAX_CPUS);

	n_shards = max_t(uint32_t, n_shards,
			 (end - first + SCX_CID_SHARD_MAX_CPUS - 1) / SCX_CID_SHARD_MAX_CPUS);
	for (uint32_t cid = first; cid < end; cid = end_of_core(t, cid, end))
		n_cores++;
	next_shard(shard, first);
	for (uint32_t cid = first, core_end; cid < end; cid = core_end) {
		uint32_t want = n_cores / n_shards + (nth < n_cores % n_shards);

		core_end = end_of_core(t, cid, end);
		if (shard->cores && (shard->cores >= want || core_end - shard->first > room)) {
			next_shard(shard, cid);
			nth++;
		}
		shard->cores++;
		for (uint32_t i = cid; i < core_end; i++)
			join(&t->cids[i], shard);
	}
}

static void make_shards(struct topo *t, uint32_t size)
{
	struct shard shard = {.idx = -1};
	uint32_t room = min_t(uint32_t, size, SCX_CID_SHARD_MAX_CPUS), cid = 0, end;

	for (; cid < t->n_cpus && t->cids[cid].llc_idx >= 0; cid = end) {
		for (end = cid; end < t->n_cpus && t->cids[end].llc_idx == t->cids[cid].llc_idx;)
			end++;
		shard_llc(t, cid, end, size, &shard);
	}
	for (uint32_t first = cid; cid < t->n_cpus; cid++) {
		if ((cid - first) % room == 0)
			next_shard(&shard, cid);
		join(&t->cids[cid], &shard);
	}
}

/* -- Numbering ---------------------------------------------------------------------------- */

void topo_number(struct topo *t, uint32_t shard_size)
{
	int32_t next = 0;

	for (int pass = 0; pass < 2; pass++)
		for (uint32_t i = 0; i < t->n_cpus; i++) {
			struct topo_cpu *c = &t->cpus[walk_cpu(t, i)];

			if (c->online == !pass)
				c->cid = next++;
		}
	name_cpus(t);
	for (uint32_t cid = 0; cid < t->n_cpus; cid++)
		fill_cid(t, &t->cids[cid]);
	make_shards(t, shard_size ? shard_size : SCX_CID_SHARD_SIZE_DFL);
}

static int check_permutation(const int32_t *cids, uint32_t n, int32_t *bad_cid)
{
	bool *taken = mem_calloc(n, sizeof(*taken));
	int err = 0;

	UA_FAIL_IF(!taken, -ENOMEM);
	for (uint32_t i = 0; !err && i < n; i++) {
		if (cids[i] < 0 || (uint32_t)cids[i] >= n || taken[cids[i]]) {
			*bad_cid = cids[i];
			err = -EINVAL;
		} else {
			taken[cids[i]] = true;
		}
	}
	mem_free(taken);
	return err;
}

int topo_override(struct topo *t, const int32_t *cpu_to_cid, const int32_t *shard_start,
		  uint32_t n_shards, int32_t *bad_cid)
{
	struct shard shard = {0};

	UA_TRY(check_permutation(cpu_to_cid, t->n_cpus, bad_cid));
	for (uint32_t cpu = 0; cpu < t->n_cpus; cpu++)
		t->cpus[cpu].cid = cpu_to_cid[cpu];
	name_cpus(t);
	for (uint32_t cid = 0; cid < t->n_cpus; cid++) {
		uint32_t next = (uint32_t)shard.idx + 1;

		if (next < n_shards && (int32_t)cid == shard_start[next])
			next_shard(&shard, cid);
		join(&t->cids[cid], &shard);
	}
	return 0;
}
