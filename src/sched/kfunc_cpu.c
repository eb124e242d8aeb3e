/* SPDX-License-Identifier: BSD-2-Clause */
/* kfuncs on CPUs: numbers, topology, who runs there, kicks, frequency. */
#include "sched/kfuncs.h"

/* A CPU as the scheduler counts them; what does not exist ends the scheduler. */
static struct cpu *cpu_arg(struct sched *s, uint64_t r)
{
	struct cpu *c = s ? sched_cpu(s, (int32_t)r) : NULL;

	if (s && !c)
		sched_error(s, s->cid_form ? "invalid cid %d" : "invalid CPU %d", (int32_t)r);
	return c;
}

/* -- Kicks -------------------------------------------------------------------------------- */

static int kick(struct sched *s, uint64_t nr, uint64_t flags)
{
	struct cpu *c = cpu_arg(s, nr);

	UA_FAIL_IF(!s, -ENODEV);
	UA_FAIL_IF(!c, -EINVAL);
	if (flags & SCX_KICK_IDLE && flags & (SCX_KICK_PREEMPT | SCX_KICK_WAIT)) {
		sched_error(s, "PREEMPT/WAIT cannot be used with SCX_KICK_IDLE");
		return -EINVAL;
	}
	pick_kick(c, flags & (SCX_KICK_IDLE | SCX_KICK_PREEMPT | SCX_KICK_WAIT));
	return 0;
}

SCHED_KFUNC(scx_bpf_kick_cpu)
{
	kick(s, r1, r2);
	return 0;
}

SCHED_KFUNC(scx_bpf_kick_cid)
{
	return (uint64_t)(int64_t)kick(s, r1, r2);
}

/* -- Numbers ------------------------------------------------------------------------------ */

static uint64_t invalid(struct sched *s, const char *what, uint64_t nr)
{
	sched_error(s, "invalid %s %d", what, (int32_t)nr);
	return (uint64_t)-EINVAL;
}

SCHED_KFUNC(scx_bpf_cid_to_cpu)
{
	if (!s)
		return (uint64_t)-ENODEV;
	if ((int32_t)r1 < 0 || (uint32_t)r1 >= m->n_cpus)
		return invalid(s, "cid", r1);
	return (uint64_t)(int64_t)m->topo.cids[(uint32_t)r1].cpu;
}

SCHED_KFUNC(scx_bpf_cpu_to_cid)
{
	if (!s)
		return (uint64_t)-ENODEV;
	if ((int32_t)r1 < 0 || (uint32_t)r1 >= m->n_cpus)
		return invalid(s, "cpu", r1);
	return (uint64_t)(int64_t)m->topo.cpus[(uint32_t)r1].cid;
}

static void fill_topo(struct machine *m, struct sched *s, uint64_t cid, struct scx_cid_topo *out)
{
	const struct topo_cid *tc;

	*out = (struct scx_cid_topo){-1, -1, -1, -1, -1, -1};
	if (!s)
		return;
	if ((int32_t)cid < 0 || (uint32_t)cid >= m->n_cpus) {
		invalid(s, "cid", cid);
		return;
	}
	tc = &m->topo.cids[(uint32_t)cid];
	*out = (struct scx_cid_topo){tc->core_cid, tc->core_idx, tc->llc_cid,
				     tc->llc_idx,  tc->node_cid, tc->node_idx};
}

SCHED_KFUNC(scx_bpf_cid_topo)
{
	fill_topo(m, s, r1, host_ptr(r2));
	return 0;
}

/* Linux 7.3 says how much the program knows of; what the machine does not know is -1. */
SCHED_KFUNC(scx_bpf_cid_topo___sz)
{
	struct scx_cid_topo topo;

	fill_topo(m, s, r1, &topo);
	memset(host_ptr(r2), 0xff, r3);
	memcpy(host_ptr(r2), &topo, min_t(size_t, r3, sizeof(topo)));
	return 0;
}

static void override(struct machine *m, struct sched *s, const int32_t *cpu_to_cid, uint32_t size)
{
	size_t want = m->n_cpus * sizeof(*cpu_to_cid);
	int32_t bad;

	if (size != want)
		sched_error(s, "scx_bpf_cid_override: expected %zu bytes, got %u", want, size);
	else if (topo_override(&m->topo, cpu_to_cid, m->n_cpus, &bad))
		sched_error(s,
			    bad >= 0 && (uint32_t)bad < m->n_cpus
				    ? "cid %d assigned to multiple cpus"
				    : "invalid cid %d",
			    bad);
}

SCHED_KFUNC(scx_bpf_cid_override)
{
	if (s)
		override(m, s, host_ptr(r1), (uint32_t)r2);
	return 0;
}

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
	struct cpu *c = cpu_arg(s, r1);

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

SCHED_KFUNC(scx_bpf_cpu_curr)
{
	struct cpu *c = cpu_arg(s, r1);

	return c ? sched_give_task(c->rq.curr) : 0;
}

SCHED_KFUNC(scx_bpf_cid_curr)
{
	return sched_scx_bpf_cpu_curr(m, s, r1, r2, r3, r4, r5);
}

SCHED_KFUNC(scx_bpf_cpu_rq)
{
	struct cpu *c = cpu_arg(s, r1);

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
	cpu_arg(s, r1);
	return SCX_CPUPERF_ONE;
}

SCHED_KFUNC(scx_bpf_cpuperf_cur)
{
	struct cpu *c = cpu_arg(s, r1);

	return c ? c->cpuperf : SCX_CPUPERF_ONE;
}

SCHED_KFUNC(scx_bpf_cpuperf_set)
{
	struct cpu *c = cpu_arg(s, r1);

	if (c && (uint32_t)r2 > SCX_CPUPERF_ONE)
		sched_error(s, "Invalid cpuperf target %u for CPU %d", (uint32_t)r2, c->nr);
	else if (c)
		c->cpuperf = (uint32_t)r2;
	return 0;
}
