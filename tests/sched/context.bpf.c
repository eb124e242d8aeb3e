/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls where they may not be made, one program each, and their lawful twins: names begin with
 * bad_, wrong_ and good_. The test loads each alone.
 */
#include <uarena/bpf_sched.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16);
	__ulong(map_extra, 1ull << 32);
} arena SEC(".maps");

u64 __arena_global in_arena;

/* -- cpu form: what each operation may call ------------------------------------------------- */

#define BAD SEC("?struct_ops/x")
#define BAD_SLEEPABLE SEC("?struct_ops.s/x")

BAD void BPF_PROG(bad_create_in_enqueue, struct task_struct *p, u64 flags)
{
	scx_bpf_create_dsq(7, NUMA_NO_NODE);
}

BAD void BPF_PROG(bad_slots_in_enqueue, struct task_struct *p, u64 flags)
{
	scx_bpf_dispatch_nr_slots();
}

BAD void BPF_PROG(bad_move_to_local_in_enqueue, struct task_struct *p, u64 flags)
{
	scx_bpf_dsq_move_to_local(7, 0);
}

BAD void BPF_PROG(bad_cancel_in_running, struct task_struct *p)
{
	scx_bpf_dispatch_cancel();
}

BAD void BPF_PROG(bad_insert_in_running, struct task_struct *p)
{
	scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, 0, 0);
}

BAD void BPF_PROG(bad_insert_vtime_in_tick, struct task_struct *p)
{
	scx_bpf_dsq_insert_vtime(p, 7, 0, 0, 0);
}

BAD void BPF_PROG(bad_move_in_enqueue, struct task_struct *p, u64 flags)
{
	struct task_struct *q;

	scx_for_each_queued(it, q, 7, 0)
		scx_bpf_dsq_move(&it, q, SCX_DSQ_LOCAL, 0);
}

BAD void BPF_PROG(good_dump_in_tick, struct task_struct *p)
{
	scx_bpf_dump("no");
}

BAD void BPF_PROG(bad_select_in_dispatch, s32 cpu, struct task_struct *prev)
{
	bool idle;

	if (prev)
		scx_bpf_select_cpu_dfl(prev, 0, 0, &idle);
}

BAD s32 BPF_PROG(bad_override_in_init_task, struct task_struct *p, struct scx_init_task_args *a)
{
	scx_bpf_cid_override(NULL, 4, NULL, 1);
	return 0;
}

/* Fields of the task that are not the scheduler's. */
BAD void BPF_PROG(bad_write_weight, struct task_struct *p)
{
	p->scx.weight = 1;
}

BAD void BPF_PROG(bad_write_flags, struct task_struct *p)
{
	p->flags = 0;
}

BAD void BPF_PROG(good_write_slice, struct task_struct *p)
{
	p->scx.slice = 1;
	p->scx.dsq_vtime = 2;
}

BAD void BPF_PROG(good_insert_in_enqueue, struct task_struct *p, u64 flags)
{
	scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, 0, flags);
}

BAD s32 BPF_PROG(good_insert_in_select, struct task_struct *p, s32 prev, u64 flags)
{
	scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, 0, 0);
	return prev;
}

BAD void BPF_PROG(good_calls_in_dispatch, s32 cpu, struct task_struct *prev)
{
	struct task_struct *q;

	if (!scx_bpf_dispatch_nr_slots())
		scx_bpf_dispatch_cancel();
	scx_for_each_queued(it, q, 7, 0)
		scx_bpf_dsq_move(&it, q, SCX_DSQ_LOCAL, 0);
	scx_bpf_dsq_move_to_local(7, 0);
}

/* Created where one may not sleep, because the section says so. */
BAD s32 BPF_PROG(bad_create_not_sleepable)
{
	return scx_bpf_create_dsq(7, NUMA_NO_NODE);
}

/* What p points to may be used without more where nothing sleeps, else in an RCU section. */
BAD void BPF_PROG(good_affinity_in_running, struct task_struct *p)
{
	bpf_cpumask_test_cpu(0, p->cpus_ptr);
}

BAD_SLEEPABLE s32 BPF_PROG(good_affinity_under_rcu, struct task_struct *p,
			   struct scx_init_task_args *a)
{
	bool may;

	bpf_rcu_read_lock();
	may = bpf_cpumask_test_cpu(0, p->cpus_ptr);
	bpf_rcu_read_unlock();
	return may ? 0 : -1;
}

BAD_SLEEPABLE s32 BPF_PROG(wrong_affinity_without_rcu, struct task_struct *p,
			   struct scx_init_task_args *a)
{
	return bpf_cpumask_test_cpu(0, p->cpus_ptr) ? 0 : -1;
}

BAD_SLEEPABLE s32 BPF_PROG(good_create_in_init)
{
	return scx_bpf_create_dsq(7, NUMA_NO_NODE);
}

/* prev may be NULL; who forgets that is refused. */
BAD void BPF_PROG(bad_prev_unchecked, s32 cpu, struct task_struct *prev)
{
	if (prev->pid == 4)
		scx_bpf_dsq_move_to_local(7, 0);
}

BAD bool BPF_PROG(bad_to_unchecked, struct task_struct *from, struct task_struct *to)
{
	return to->pid == 4;
}

#define CPU_OPS(NAME, MEMBER, PROG) \
	SEC(".struct_ops.link") struct sched_ext_ops NAME = {.MEMBER = (void *)PROG, .name = "x"}

CPU_OPS(m01, enqueue, bad_create_in_enqueue);
CPU_OPS(m02, enqueue, bad_slots_in_enqueue);
CPU_OPS(m03, enqueue, bad_move_to_local_in_enqueue);
CPU_OPS(m04, running, bad_cancel_in_running);
CPU_OPS(m05, running, bad_insert_in_running);
CPU_OPS(m06, tick, bad_insert_vtime_in_tick);
CPU_OPS(m07, enqueue, bad_move_in_enqueue);
CPU_OPS(m08, tick, good_dump_in_tick);
CPU_OPS(m09, dispatch, bad_select_in_dispatch);
CPU_OPS(m10, init_task, bad_override_in_init_task);
CPU_OPS(m11, running, bad_write_weight);
CPU_OPS(m12, running, bad_write_flags);
CPU_OPS(m13, running, good_write_slice);
CPU_OPS(m14, enqueue, good_insert_in_enqueue);
CPU_OPS(m15, select_cpu, good_insert_in_select);
CPU_OPS(m16, dispatch, good_calls_in_dispatch);
CPU_OPS(m17, init, good_create_in_init);
CPU_OPS(m20, init, bad_create_not_sleepable);
CPU_OPS(m21, running, good_affinity_in_running);
CPU_OPS(m22, init_task, good_affinity_under_rcu);
CPU_OPS(m23, init_task, wrong_affinity_without_rcu);
CPU_OPS(m18, dispatch, bad_prev_unchecked);
CPU_OPS(m19, yield, bad_to_unchecked);

/* -- cid form: no CPU numbers --------------------------------------------------------------- */

BAD void BPF_PROG(bad_cid_kick_cpu, struct task_struct *p)
{
	scx_bpf_kick_cpu(0, 0);
}

BAD void BPF_PROG(bad_cid_task_cpu, struct task_struct *p)
{
	scx_bpf_task_cpu(p);
}

BAD s32 BPF_PROG(bad_cid_select_dfl, struct task_struct *p, s32 prev, u64 flags)
{
	bool idle;

	return scx_bpf_select_cpu_dfl(p, prev, flags, &idle);
}

BAD void BPF_PROG(bad_cid_pick_idle, struct task_struct *p)
{
	scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);
}

BAD void BPF_PROG(bad_cid_idle_mask, struct task_struct *p)
{
	scx_bpf_put_idle_cpumask(scx_bpf_get_idle_cpumask());
}

BAD void BPF_PROG(bad_cid_perf, struct task_struct *p)
{
	scx_bpf_cpuperf_set(0, 1);
}

BAD void BPF_PROG(good_cid_calls, struct task_struct *p)
{
	in_arena++;
	scx_bpf_kick_cid(scx_bpf_task_cid(p), SCX_KICK_IDLE);
	scx_bpf_cidperf_set(scx_bpf_this_cid(), scx_bpf_cidperf_cap(0));
}

#define CID_OPS(NAME, MEMBER, PROG) \
	SEC(".struct_ops.link")     \
	struct sched_ext_ops_cid NAME = {.MEMBER = (void *)PROG, .name = "x"}

CID_OPS(c01, running, bad_cid_kick_cpu);
CID_OPS(c02, running, bad_cid_task_cpu);
CID_OPS(c03, select_cid, bad_cid_select_dfl);
CID_OPS(c04, running, bad_cid_pick_idle);
CID_OPS(c05, running, bad_cid_idle_mask);
CID_OPS(c06, running, bad_cid_perf);
CID_OPS(c07, running, good_cid_calls);

char _license[] SEC("license") = "Dual BSD/GPL";
