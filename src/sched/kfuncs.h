/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sched_ext kfuncs: one list. Prototypes are in btf/types/kfuncs.h, where each may be
 * called from in verify/sched_filter.c.
 *
 *   K(name, flags)           a kfunc
 *   A(name, target, flags)   another name or prototype of the same
 *
 * Each gets the machine and its scheduler: NULL where there is none. Called by a thread that
 * is not running the machine, it waits until that one has let go of it.
 */
#ifndef UA_SCHED_KFUNCS_H
#define UA_SCHED_KFUNCS_H

#include "prog/helper.h"
#include "sched/core.h"

typedef uint64_t (*sched_fn)(struct machine *m, struct sched *s, HOST_ARGS);

#define SCHED_KFUNC(name) uint64_t sched_##name(struct machine *m, struct sched *s, HOST_ARGS)

/* clang-format off */
#define SCHED_KFUNCS(K, A) \
	SCHED_KFUNCS_DSQ(K, A) \
	SCHED_KFUNCS_IDLE(K, A) \
	SCHED_KFUNCS_CPU(K, A) \
	SCHED_KFUNCS_SUB(K, A) \
	SCHED_KFUNCS_MISC(K, A)

#define SCHED_KFUNCS_DSQ(K, A) \
	K(scx_bpf_create_dsq, KF_SLEEPABLE) \
	K(scx_bpf_destroy_dsq, 0) \
	K(scx_bpf_dsq_insert, KF_RCU | KF_LOCK_OK) \
	A(scx_bpf_dsq_insert___v2, scx_bpf_dsq_insert, KF_RCU | KF_LOCK_OK) \
	K(__scx_bpf_dsq_insert_vtime, KF_RCU | KF_LOCK_OK) \
	K(scx_bpf_dsq_insert_vtime, KF_RCU | KF_LOCK_OK) \
	K(scx_bpf_dispatch_nr_slots, 0) \
	K(scx_bpf_dispatch_cancel, 0) \
	K(scx_bpf_dsq_move_to_local, 0) \
	K(scx_bpf_dsq_move_to_local___v2, 0) \
	K(scx_bpf_dsq_move, KF_RCU) \
	K(scx_bpf_dsq_move_vtime, KF_RCU) \
	K(scx_bpf_dsq_move_set_slice, KF_RCU) \
	K(scx_bpf_dsq_move_set_vtime, KF_RCU) \
	K(bpf_iter_scx_dsq_new, KF_ITER_NEW | KF_RCU_PROTECTED) \
	K(bpf_iter_scx_dsq_next, KF_ITER_NEXT | KF_RET_NULL) \
	K(bpf_iter_scx_dsq_destroy, KF_ITER_DESTROY) \
	K(scx_bpf_dsq_nr_queued, 0) \
	K(scx_bpf_dsq_peek, KF_RCU_PROTECTED | KF_RET_NULL) \
	K(scx_bpf_dsq_reenq, 0) \
	K(scx_bpf_reenqueue_local, 0) \
	K(scx_bpf_reenqueue_local___v2, 0)

#define SCHED_KFUNCS_IDLE(K, A) \
	K(scx_bpf_select_cpu_dfl, KF_RCU) \
	K(__scx_bpf_select_cpu_and, KF_RCU) \
	K(scx_bpf_select_cpu_and, KF_RCU) \
	K(scx_bpf_test_and_clear_cpu_idle, 0) \
	K(scx_bpf_pick_idle_cpu, KF_RCU) \
	K(scx_bpf_pick_idle_cpu_node, KF_RCU) \
	K(scx_bpf_pick_any_cpu, KF_RCU) \
	K(scx_bpf_pick_any_cpu_node, KF_RCU) \
	K(scx_bpf_get_idle_cpumask, KF_ACQUIRE) \
	K(scx_bpf_get_idle_cpumask_node, KF_ACQUIRE) \
	K(scx_bpf_get_idle_smtmask, KF_ACQUIRE) \
	K(scx_bpf_get_idle_smtmask_node, KF_ACQUIRE) \
	K(scx_bpf_put_idle_cpumask, KF_RELEASE)

#define SCHED_KFUNCS_CPU(K, A) \
	K(scx_bpf_get_possible_cpumask, KF_ACQUIRE) \
	K(scx_bpf_get_online_cpumask, KF_ACQUIRE) \
	A(scx_bpf_put_cpumask, scx_bpf_put_idle_cpumask, KF_RELEASE) \
	K(scx_bpf_kick_cpu, 0) \
	K(scx_bpf_kick_cid, 0) \
	K(scx_bpf_cid_to_cpu, 0) \
	K(scx_bpf_cpu_to_cid, 0) \
	K(scx_bpf_cid_topo, 0) \
	K(scx_bpf_cid_override, KF_SLEEPABLE) \
	K(scx_bpf_nr_cids, 0) \
	K(scx_bpf_nr_online_cids, 0) \
	K(scx_bpf_online_cmask, KF_ARENA_RET) \
	K(scx_bpf_nr_cpu_ids, 0) \
	K(scx_bpf_nr_node_ids, 0) \
	K(scx_bpf_this_cid, 0) \
	K(scx_bpf_task_cid, KF_RCU) \
	K(scx_bpf_task_cpu, KF_RCU) \
	K(scx_bpf_task_running, KF_RCU) \
	K(scx_bpf_cid_curr, KF_RET_NULL | KF_RCU_PROTECTED) \
	K(scx_bpf_cpu_curr, KF_RET_NULL | KF_RCU_PROTECTED) \
	K(scx_bpf_cpu_rq, 0) \
	K(scx_bpf_locked_rq, KF_RET_NULL) \
	K(scx_bpf_cpu_node, 0) \
	K(scx_bpf_cpuperf_cap, 0) \
	K(scx_bpf_cpuperf_cur, 0) \
	K(scx_bpf_cpuperf_set, 0) \
	K(scx_bpf_cidperf_cap, 0) \
	K(scx_bpf_cidperf_cur, 0) \
	K(scx_bpf_cidperf_set, 0)

#define SCHED_KFUNCS_SUB(K, A) \
	K(scx_bpf_sub_dispatch, 0) \
	K(scx_bpf_sub_caps, 0) \
	K(scx_bpf_sub_grant, 0) \
	K(scx_bpf_sub_revoke, 0) \
	K(scx_bpf_sub_kill_bstr, 0)

#define SCHED_KFUNCS_MISC(K, A) \
	K(scx_bpf_task_set_slice, KF_RCU) \
	K(scx_bpf_task_set_dsq_vtime, KF_RCU) \
	K(scx_bpf_tid_to_task, KF_RET_NULL | KF_RCU_PROTECTED) \
	K(scx_bpf_task_cgroup, KF_RCU | KF_ACQUIRE) \
	K(scx_bpf_now, KF_LOCK_OK) \
	K(scx_bpf_events, KF_TRUSTED_ARGS) \
	K(scx_bpf_error_bstr, KF_LOCK_OK) \
	K(scx_bpf_exit_bstr, KF_LOCK_OK) \
	K(scx_bpf_dump_bstr, KF_LOCK_OK)
/* clang-format on */

#define K(name, flags) SCHED_KFUNC(name);
#define A(name, target, flags)
SCHED_KFUNCS(K, A)
#undef K
#undef A

/* Pointers to kernel objects that a kfunc returns; the checked interpreter learns of them. */
uint64_t sched_give(const void *p, size_t size);

static inline uint64_t sched_give_task(const struct task_struct *ts)
{
	return sched_give(ts, sizeof(*ts));
}

#endif
