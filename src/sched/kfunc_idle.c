/* SPDX-License-Identifier: BSD-2-Clause */
/* kfuncs on idle CPUs and masks of CPUs. */
#include "sched/kfuncs.h"

static const struct cpumask no_cpus;

static bool tracked(struct sched *s)
{
	if (s && s->builtin_idle)
		return true;
	if (s)
		sched_error(s, "built-in idle tracking is disabled");
	return false;
}

static const char by_node[] = "per-node idle tracking is enabled";
static const char by_node_flag[] = "SCX_OPS_BUILTIN_IDLE_PER_NODE enabled";

static bool one_mask(struct sched *s, const char *why_not)
{
	if (s && s->idle_per_node)
		sched_error(s, "%s", why_not);
	return s && !s->idle_per_node && tracked(s);
}

/* The node, or why there is no answer: no node is none of its faults. */
static int32_t node_arg(struct sched *s, uint64_t r)
{
	int32_t node = (int32_t)r;

	UA_FAIL_IF(!s, -ENODEV);
	if (!s->idle_per_node) {
		sched_error(s, "per-node idle tracking is disabled");
		return -EOPNOTSUPP;
	}
	UA_FAIL_IF(node == -1, -ENOENT);
	if (node < 0 || node >= (int32_t)s->m->topo.nodes) {
		sched_error(s, "invalid node %d", node);
		return -EINVAL;
	}
	return node;
}

/* -- Selecting for a task ----------------------------------------------------------------- */

/* Only for the task that is about to wake, one of the CPU whose runqueue is locked, or where
 * nothing is locked any. */
static int may_select(struct sched *s, struct task_struct *ts, int32_t prev)
{
	const struct op_frame *op;

	UA_FAIL_IF(!s, -ENODEV);
	UA_FAIL_IF(!sched_cpu_given(s, prev, ""), -EINVAL);
	UA_FAIL_IF(!tracked(s), -EBUSY);
	op = s->m->op;
	if (op && op->kind == OP_SELECT)
		return op_subject_ok(s, ts) ? 0 : -EINVAL;
	if (!op || !op->cpu || op->cpu == cpu_of(core_of_ts(ts)))
		return 0;
	sched_error(s, "select_cpu kfunc called cross-task on %s[%d]", ts->comm, ts->pid);
	return -EINVAL;
}

SCHED_KFUNC(scx_bpf_select_cpu_dfl)
{
	bool *is_idle = host_ptr(r4);
	int32_t nr;

	*is_idle = false;
	if (may_select(s, host_ptr(r1), (int32_t)r2))
		return r2;
	nr = idle_select(core_of_ts(host_ptr(r1)), (int32_t)r2, r3, NULL, 0, is_idle);
	return nr >= 0 ? (uint64_t)nr : r2;
}

static uint64_t select_and(struct sched *s, uint64_t p, int32_t prev, uint64_t wake_flags,
			   uint64_t allowed, uint64_t flags)
{
	bool is_idle;

	int err = may_select(s, host_ptr(p), prev);

	if (err)
		return (uint64_t)(int64_t)err;
	return (uint64_t)(int64_t)idle_select(core_of_ts(host_ptr(p)), prev, wake_flags,
					      host_ptr(allowed), flags, &is_idle);
}

SCHED_KFUNC(__scx_bpf_select_cpu_and)
{
	const struct scx_bpf_select_cpu_and_args args =
		*(const struct scx_bpf_select_cpu_and_args *)host_ptr(r3);

	return select_and(s, r1, args.prev_cpu, args.wake_flags, r2, args.flags);
}

SCHED_KFUNC(scx_bpf_select_cpu_and)
{
	return select_and(s, r1, (int32_t)r2, r3, r4, r5);
}

/* -- Picking ------------------------------------------------------------------------------ */

SCHED_KFUNC(scx_bpf_test_and_clear_cpu_idle)
{
	struct cpu *c;

	if (!tracked(s))
		return false;
	c = sched_cpu(s, (int32_t)r1);
	return c && idle_claim(m, c->nr);
}

SCHED_KFUNC(scx_bpf_pick_idle_cpu)
{
	if (!one_mask(s, by_node))
		return (uint64_t)-EBUSY;
	return (uint64_t)(int64_t)idle_pick(m, host_ptr(r1), -1, r2);
}

SCHED_KFUNC(scx_bpf_pick_idle_cpu_node)
{
	int32_t node = node_arg(s, r2);

	return (uint64_t)(int64_t)(node < 0 ? node : idle_pick(m, host_ptr(r1), node, r3));
}

/* Spread over what is in both masks: each call goes on where the last one ended. */
static uint64_t pick_any(struct machine *m, const struct cpumask *allowed,
			 const struct cpumask *within)
{
	uint32_t nr = mask_next(m, allowed, within, m->any_from);

	if (nr >= m->n_cpus)
		nr = mask_next(m, allowed, within, 0);
	if (nr >= m->n_cpus)
		return (uint64_t)-EBUSY;
	m->any_from = nr + 1 < m->n_cpus ? nr + 1 : 0;
	return nr;
}

SCHED_KFUNC(scx_bpf_pick_any_cpu)
{
	int32_t nr = -EBUSY;

	if (!s)
		return (uint64_t)-ENODEV;
	if (s->builtin_idle && !one_mask(s, by_node))
		return (uint64_t)-EBUSY;
	if (s->builtin_idle)
		nr = idle_pick(m, host_ptr(r1), -1, r2);
	return nr >= 0 ? (uint64_t)nr : pick_any(m, host_ptr(r1), NULL);
}

SCHED_KFUNC(scx_bpf_pick_any_cpu_node)
{
	int32_t node = node_arg(s, r2), nr;

	if (node < 0)
		return (uint64_t)(int64_t)node;
	nr = idle_pick(m, host_ptr(r1), node, r3);
	if (nr >= 0)
		return (uint64_t)nr;
	return pick_any(m, host_ptr(r1), r3 & SCX_PICK_IDLE_IN_NODE ? &m->node_cpus[node] : NULL);
}

/* -- Masks: they live as long as the machine ---------------------------------------------- */

static uint64_t give_mask(const struct cpumask *mask)
{
	return sched_give(mask, sizeof(*mask));
}

SCHED_KFUNC(scx_bpf_get_idle_cpumask)
{
	return give_mask(one_mask(s, by_node_flag) ? &m->idle_cpus : &no_cpus);
}

SCHED_KFUNC(scx_bpf_get_idle_smtmask)
{
	if (!one_mask(s, by_node_flag))
		return give_mask(&no_cpus);
	return give_mask(m->topo.threads > 1 ? &m->idle_cores : &m->idle_cpus);
}

SCHED_KFUNC(scx_bpf_get_idle_cpumask_node)
{
	int32_t node = node_arg(s, r1);

	return give_mask(node >= 0 ? &m->node_idle_cpus[node] : &no_cpus);
}

SCHED_KFUNC(scx_bpf_get_idle_smtmask_node)
{
	int32_t node = node_arg(s, r1);

	return give_mask(node >= 0 ? &m->node_idle_cores[node] : &no_cpus);
}

SCHED_KFUNC(scx_bpf_put_idle_cpumask)
{
	return 0;
}

SCHED_KFUNC(scx_bpf_get_possible_cpumask)
{
	return give_mask(m ? &m->possible : &no_cpus);
}

SCHED_KFUNC(scx_bpf_get_online_cpumask)
{
	return give_mask(m ? &m->online : &no_cpus);
}
