/* SPDX-License-Identifier: BSD-2-Clause */
/* Machine notation, CPU hierarchy, cid numbering. */
#include "sched/topo.h"

#include <ctype.h>

#include "base/base.h"

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
	topo_number(t);
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

static void fill_cid(struct topo *t, struct topo_cid *d)
{
	const struct topo_cpu *c = &t->cpus[d->cpu];

	if (!c->online) {
		*d = (struct topo_cid){d->cpu, -1, -1, -1, -1, -1, -1};
		return;
	}
	d->core_idx = c->core;
	d->llc_idx = c->llc;
	d->node_idx = c->node;
	d->core_cid = first_cid(t, offsetof(struct topo_cpu, core), c->core);
	d->llc_cid = first_cid(t, offsetof(struct topo_cpu, llc), c->llc);
	d->node_cid = first_cid(t, offsetof(struct topo_cpu, node), c->node);
}

static void fill_cids(struct topo *t)
{
	for (uint32_t cpu = 0; cpu < t->n_cpus; cpu++)
		t->cids[t->cpus[cpu].cid].cpu = (int32_t)cpu;
	for (uint32_t cid = 0; cid < t->n_cpus; cid++)
		fill_cid(t, &t->cids[cid]);
}

void topo_number(struct topo *t)
{
	int32_t next = 0;

	for (int pass = 0; pass < 2; pass++)
		for (uint32_t i = 0; i < t->n_cpus; i++) {
			struct topo_cpu *c = &t->cpus[walk_cpu(t, i)];

			if (c->online == !pass)
				c->cid = next++;
		}
	fill_cids(t);
}

int topo_override(struct topo *t, const int32_t *cpu_to_cid, uint32_t n, int32_t *bad_cid)
{
	bool *taken = mem_calloc(t->n_cpus, sizeof(*taken));
	int err = taken ? 0 : -ENOMEM;

	if (!err && n != t->n_cpus)
		err = -EINVAL;
	for (uint32_t cpu = 0; !err && cpu < n; cpu++) {
		int32_t cid = cpu_to_cid[cpu];

		if (cid < 0 || (uint32_t)cid >= n || taken[cid]) {
			*bad_cid = cid;
			err = -EINVAL;
			break;
		}
		taken[cid] = true;
	}
	for (uint32_t cpu = 0; !err && cpu < n; cpu++)
		t->cpus[cpu].cid = cpu_to_cid[cpu];
	if (!err)
		fill_cids(t);
	mem_free(taken);
	return err;
}
