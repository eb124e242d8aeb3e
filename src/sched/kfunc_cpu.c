/* SPDX-License-Identifier: BSD-2-Clause */
/* kfuncs on CPUs: numbers, topology, who runs there, kicks, frequency. */
#include "sched/kfuncs.h"

#include "arena/arena.h"

/* The CPU of a number or a cid, whatever form the scheduler has; what does not exist ends it. */
static struct cpu *cpu_arg(struct machine *m, struct sched *s, uint64_t nr)
{
	if (!s)
		return NULL;
	if ((int32_t)nr >= 0 && (uint32_t)nr < m->n_cpus)
		return &m->cpus[(uint32_t)nr];
	sched_error(s, "invalid CPU %d", (int32_t)nr);
	return NULL;
}

static struct cpu *cid_arg(struct machine *m, struct sched *s, uint64_t cid)
{
	if (!s)
		return NULL;
	if ((int32_t)cid >= 0 && (uint32_t)cid < m->n_cpus)
		return &m->cpus[m->topo.cids[(uint32_t)cid].cpu];
	sched_error(s, "invalid cid %d", (int32_t)cid);
	return NULL;
}

/* -- Kicks -------------------------------------------------------------------------------- */

static uint64_t kick(struct sched *s, struct cpu *c, uint64_t flags)
{
	if (!c)
		return 0;
	if (flags & SCX_KICK_IDLE && flags & (SCX_KICK_PREEMPT | SCX_KICK_WAIT))
		sched_error(s, "PREEMPT/WAIT cannot be used with SCX_KICK_IDLE");
	else
		pick_kick(c, flags & (SCX_KICK_IDLE | SCX_KICK_PREEMPT | SCX_KICK_WAIT));
	return 0;
}

SCHED_KFUNC(scx_bpf_kick_cpu)
{
	return kick(s, cpu_arg(m, s, r1), r2);
}

SCHED_KFUNC(scx_bpf_kick_cid)
{
	return kick(s, cid_arg(m, s, r1), r2);
}

/* -- Numbers ------------------------------------------------------------------------------ */

SCHED_KFUNC(scx_bpf_cid_to_cpu)
{
	struct cpu *c = cid_arg(m, s, r1);

	return (uint64_t)(int64_t)(c ? c->nr : s ? -EINVAL : -ENODEV);
}

SCHED_KFUNC(scx_bpf_cpu_to_cid)
{
	struct cpu *c = cpu_arg(m, s, r1);

	return (uint64_t)(int64_t)(c ? m->topo.cpus[c->nr].cid : s ? -EINVAL : -ENODEV);
}

static void fill_topo(struct machine *m, struct sched *s, uint64_t cid, struct scx_cid_topo *out)
{
	const struct topo_cid *tc;

	memset(out, 0xff, sizeof(*out));
	if (!cid_arg(m, s, cid))
		return;
	tc = &m->topo.cids[(uint32_t)cid];
	*out = (struct scx_cid_topo){tc->core_cid, tc->core_idx, tc->llc_cid,	tc->llc_idx,
				     tc->node_cid, tc->node_idx, tc->shard_cid, tc->shard_idx};
}

/* The size says how much the program knows of; what the machine does not know is -1. */
SCHED_KFUNC(scx_bpf_cid_topo)
{
	struct scx_cid_topo topo;

	fill_topo(m, s, r1, &topo);
	memset(host_ptr(r2), 0xff, r3);
	memcpy(host_ptr(r2), &topo, min_t(size_t, r3, sizeof(topo)));
	return 0;
}

/* -- A numbering of the scheduler's own --------------------------------------------------- */

#define OVERRIDE "scx_bpf_cid_override: "

static bool check_span(struct sched *s, uint32_t i, int32_t span)
{
	if (span > SCX_CID_SHARD_MAX_CPUS)
		sched_error(s, OVERRIDE "shard[%u] span %d exceeds max %d", i, span,
			    SCX_CID_SHARD_MAX_CPUS);
	return span <= SCX_CID_SHARD_MAX_CPUS;
}

static bool check_shards(struct sched *s, const int32_t *start, uint32_t n)
{
	int32_t n_cpus = (int32_t)s->m->n_cpus;

	if (start[0]) {
		sched_error(s, OVERRIDE "shard_start[0] must be 0, got %d", start[0]);
		return false;
	}
	for (uint32_t i = 1; i < n; i++) {
		if (start[i] <= start[i - 1]) {
			sched_error(s, OVERRIDE "shard_start not increasing at [%u]", i);
			return false;
		}
		if (start[i] >= n_cpus) {
			sched_error(s, OVERRIDE "shard_start[%u]=%d >= %d", i, start[i], n_cpus);
			return false;
		}
		if (!check_span(s, i - 1, start[i] - start[i - 1]))
			return false;
	}
	return check_span(s, n - 1, n_cpus - start[n - 1]);
}

static void renumber(struct sched *s, const int32_t *cpu_to_cid, const int32_t *start, uint32_t n)
{
	struct machine *m = s->m;
	int32_t bad = 0;

	if (!check_shards(s, start, n))
		return;
	if (topo_override(&m->topo, cpu_to_cid, start, n, &bad))
		sched_error(s,
			    bad >= 0 && (uint32_t)bad < m->n_cpus
				    ? "cid %d assigned to multiple cpus"
				    : "invalid cid %d",
			    bad);
}

/* Both tables are in the arena, where they may change at any time: what is checked is a copy. */
SCHED_KFUNC(scx_bpf_cid_override)
{
	uint32_t n = (uint32_t)r2, n_shards = (uint32_t)r4;
	int32_t *copy;

	if (!s)
		return 0;
	if (n != m->n_cpus) {
		sched_error(s, OVERRIDE "cpu_to_cid expected %u entries, got %u", m->n_cpus, n);
		return 0;
	}
	if (!n_shards || n_shards > m->n_cpus) {
		sched_error(s, OVERRIDE "invalid shard_start count %u", n_shards);
		return 0;
	}
	copy = mem_calloc(n + n_shards, sizeof(*copy));
	if (!copy) {
		sched_error(s, OVERRIDE "allocation failed");
		return 0;
	}
	memcpy(copy, host_ptr(r1), n * sizeof(*copy));
	memcpy(copy + n, host_ptr(r3), n_shards * sizeof(*copy));
	renumber(s, copy, copy + n, n_shards);
	mem_free(copy);
	return 0;
}

/* -- How many ----------------------------------------------------------------------------- */

static uint32_t n_cpus(const struct machine *m)
{
	return m ? m->n_cpus : run_ctx_top()->prog->engine->n_cpus;
}

SCHED_KFUNC(scx_bpf_nr_cids)
{
	return n_cpus(m);
}

SCHED_KFUNC(scx_bpf_nr_cpu_ids)
{
	return n_cpus(m);
}

SCHED_KFUNC(scx_bpf_nr_online_cids)
{
	return m ? mask_weight(m, &m->online) : n_cpus(m);
}

/* In the form that programs know: an offset, or NULL before there is one. */
SCHED_KFUNC(scx_bpf_online_cmask)
{
	if (!s || !s->online_cmask)
		return 0;
	return (uint64_t)((uint8_t *)s->online_cmask - arena_window_base(s->arena));
}

SCHED_KFUNC(scx_bpf_nr_node_ids)
{
	return m ? m->topo.nodes : 1;
}

SCHED_KFUNC(scx_bpf_this_cid)
{
	return (uint64_t)(int64_t)(m ? m->topo.cpus[m->here->nr].cid : -ENODEV);
}

SCHED_KFUNC(scx_bpf_cpu_node)
{
	struct cpu *c = cpu_arg(m, s, r1);

	return c ? (uint64_t)m->topo.cpus[c->nr].node : (uint64_t)-1;
}

/* -- Who is where ------------------------------------------------------------------------- */

static int32_t task_cpu(const void *ts)
{
	return (int32_t)((const struct task_struct *)ts)->thread_info.cpu;
}

SCHED_KFUNC(scx_bpf_task_cpu)
{
	return (uint64_t)(int64_t)task_cpu(host_ptr(r1));
}

SCHED_KFUNC(scx_bpf_task_cid)
{
	return (uint64_t)(int64_t)(m ? m->topo.cpus[task_cpu(host_ptr(r1))].cid : -ENODEV);
}

SCHED_KFUNC(scx_bpf_task_running)
{
	return m && m->cpus[task_cpu(host_ptr(r1))].rq.curr == host_ptr(r1);
}

static uint64_t curr_of(const struct cpu *c)
{
	return c ? sched_give_task(c->rq.curr) : 0;
}

SCHED_KFUNC(scx_bpf_cpu_curr)
{
	return curr_of(cpu_arg(m, s, r1));
}

SCHED_KFUNC(scx_bpf_cid_curr)
{
	return curr_of(cid_arg(m, s, r1));
}

SCHED_KFUNC(scx_bpf_cpu_rq)
{
	struct cpu *c = cpu_arg(m, s, r1);

	return c ? sched_give(&c->rq, sizeof(c->rq)) : 0;
}

SCHED_KFUNC(scx_bpf_locked_rq)
{
	if (!s)
		return 0;
	if (!m->op || !m->op->cpu) {
		sched_error(s, "accessing rq without holding rq lock");
		return 0;
	}
	return sched_give(&m->op->cpu->rq, sizeof(struct rq));
}

/* -- Frequency: remembered, without effect on speed --------------------------------------- */

SCHED_KFUNC(scx_bpf_cpuperf_cap)
{
	cpu_arg(m, s, r1);
	return SCX_CPUPERF_ONE;
}

SCHED_KFUNC(scx_bpf_cidperf_cap)
{
	cid_arg(m, s, r1);
	return SCX_CPUPERF_ONE;
}

static uint64_t perf_of(const struct cpu *c)
{
	return c ? c->cpuperf : SCX_CPUPERF_ONE;
}

SCHED_KFUNC(scx_bpf_cpuperf_cur)
{
	return perf_of(cpu_arg(m, s, r1));
}

SCHED_KFUNC(scx_bpf_cidperf_cur)
{
	return perf_of(cid_arg(m, s, r1));
}

/* Of another CPU only where no runqueue is locked. */
static int set_perf(struct sched *s, struct cpu *c, uint32_t perf)
{
	UA_FAIL_IF(!s, -ENODEV);
	UA_FAIL_IF(!c, -EINVAL);
	if (perf > SCX_CPUPERF_ONE)
		sched_error(s, "Invalid cpuperf target %u for CPU %d", perf, c->nr);
	else if (s->m->op && s->m->op->cpu && s->m->op->cpu != c)
		sched_error(s, "Invalid target CPU %d", c->nr);
	else
		return c->cpuperf = perf, 0;
	return -EINVAL;
}

SCHED_KFUNC(scx_bpf_cpuperf_set)
{
	set_perf(s, cpu_arg(m, s, r1), (uint32_t)r2);
	return 0;
}

SCHED_KFUNC(scx_bpf_cidperf_set)
{
	return (uint64_t)(int64_t)set_perf(s, cid_arg(m, s, r1), (uint32_t)r2);
}
