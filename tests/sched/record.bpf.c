/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes down every callback; otherwise a FIFO on one queue of its own. Built in cid form, and
 * with CPU_FORM in cpu form.
 */
#include <uarena/bpf_sched.h>
#include "record.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1024);
	__ulong(map_extra, 1ull << 32);
} arena SEC(".maps");

const volatile u64 slice_ns = 5000000;
const volatile bool pass_direct; /* select: straight to the local queue */
const volatile bool hand_over;	 /* yield() to a task: yes */
const volatile s32 fail_pid;	 /* init_task() refuses this one */

struct record __arena_global records[RECORDS];
u64 __arena_global nr_records;
u32 __arena_global last_mask_base, last_mask_cids; /* of set_mask */

#ifdef CPU_FORM
typedef const struct cpumask *mask_arg;
#define this_cpu_of(p) scx_bpf_task_cpu(p)
#define CGROUP_OP(name) cgroup_##name
#else
typedef const struct scx_cmask *mask_arg;
#define this_cpu_of(p) scx_bpf_task_cid(p)
#define CGROUP_OP(name) cpuctl_##name
#endif

static __noinline void note(u32 op, s32 pid, u64 a, u64 b)
{
	u64 n = nr_records++;

	if (n >= RECORDS)
		return;
	records[n].at = scx_bpf_now();
	records[n].op = op;
	records[n].pid = pid;
	records[n].a = a;
	records[n].b = b;
}

SEC("struct_ops/select")
s32 BPF_PROG(rec_select, struct task_struct *p, s32 prev, u64 wake_flags)
{
	note(OP_select, p->pid, prev, wake_flags);
	if (pass_direct)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, slice_ns, 0);
	return prev;
}

SEC("struct_ops/enqueue")
void BPF_PROG(rec_enqueue, struct task_struct *p, u64 enq_flags)
{
	note(OP_enqueue, p->pid, enq_flags, 0);
	scx_bpf_dsq_insert(p, 0, slice_ns, enq_flags);
}

SEC("struct_ops/dequeue")
void BPF_PROG(rec_dequeue, struct task_struct *p, u64 deq_flags)
{
	note(OP_dequeue, p->pid, deq_flags, 0);
}

SEC("struct_ops/dispatch")
void BPF_PROG(rec_dispatch, s32 cpu, struct task_struct *prev)
{
	note(OP_dispatch, prev ? prev->pid : 0, cpu, 0);
	scx_bpf_dsq_move_to_local(0, 0);
}

SEC("struct_ops/tick")
void BPF_PROG(rec_tick, struct task_struct *p)
{
	note(OP_tick, p->pid, p->scx.slice, 0);
}

SEC("struct_ops/runnable")
void BPF_PROG(rec_runnable, struct task_struct *p, u64 enq_flags)
{
	note(OP_runnable, p->pid, enq_flags, 0);
}

SEC("struct_ops/running")
void BPF_PROG(rec_running, struct task_struct *p)
{
	note(OP_running, p->pid, this_cpu_of(p), 0);
}

SEC("struct_ops/stopping")
void BPF_PROG(rec_stopping, struct task_struct *p, bool runnable)
{
	note(OP_stopping, p->pid, runnable, 0);
}

SEC("struct_ops/quiescent")
void BPF_PROG(rec_quiescent, struct task_struct *p, u64 deq_flags)
{
	note(OP_quiescent, p->pid, deq_flags, 0);
}

SEC("struct_ops/yield")
bool BPF_PROG(rec_yield, struct task_struct *from, struct task_struct *to)
{
	note(OP_yield, from->pid, to ? to->pid : 0, 0);
	return hand_over;
}

SEC("struct_ops/set_weight")
void BPF_PROG(rec_set_weight, struct task_struct *p, u32 weight)
{
	note(OP_set_weight, p->pid, weight, p->scx.weight);
}

SEC("struct_ops/set_mask")
void BPF_PROG(rec_set_mask, struct task_struct *p, mask_arg mask)
{
#ifdef CPU_FORM
	note(OP_set_mask, p->pid, mask->bits[0], 0);
#else
	cmask_t *m = scx_cmask_arg(mask);

	last_mask_base = m->base;
	last_mask_cids = m->nr_cids;
	note(OP_set_mask, p->pid, m->bits[0], (u64)m);
#endif
}

SEC("struct_ops/update_idle")
void BPF_PROG(rec_update_idle, s32 cpu, bool idle)
{
	note(OP_update_idle, 0, cpu, idle);
}

SEC("struct_ops/init_task")
s32 BPF_PROG(rec_init_task, struct task_struct *p, struct scx_init_task_args *args)
{
	note(OP_init_task, p->pid, args->fork, args->cgroup->kn->id);
	return fail_pid && p->pid == fail_pid ? -11 : 0;
}

SEC("struct_ops/exit_task")
void BPF_PROG(rec_exit_task, struct task_struct *p, struct scx_exit_task_args *args)
{
	note(OP_exit_task, p->pid, args->cancelled, 0);
}

SEC("struct_ops/enable")
#ifdef CPU_FORM
void BPF_PROG(rec_enable, struct task_struct *p)
{
	note(OP_enable, p->pid, p->scx.weight, 0);
}
#else
void BPF_PROG(rec_enable, struct task_struct *p, struct scx_enable_args *args)
{
	note(OP_enable, p->pid, p->scx.weight, scx_cmask_arg(args->cmask_arena_addr)->bits[0]);
}
#endif

SEC("struct_ops/disable")
void BPF_PROG(rec_disable, struct task_struct *p)
{
	note(OP_disable, p->pid, 0, 0);
}

SEC("struct_ops/dump")
void BPF_PROG(rec_dump, struct scx_dump_ctx *ctx)
{
	note(OP_dump, 0, ctx->kind, 0);
	scx_bpf_dump("recorded %d callbacks", (u32)nr_records);
}

SEC("struct_ops/dump_cpu")
void BPF_PROG(rec_dump_cpu, struct scx_dump_ctx *ctx, s32 cpu, bool idle)
{
	note(OP_dump_cpu, 0, cpu, idle);
	if (!idle)
		scx_bpf_dump("cpu %d is in use", cpu);
}

SEC("struct_ops/dump_task")
void BPF_PROG(rec_dump_task, struct scx_dump_ctx *ctx, struct task_struct *p)
{
	note(OP_dump_task, p->pid, 0, 0);
	scx_bpf_dump("task %d is known", p->pid);
}

SEC("struct_ops/cgroup_init")
s32 BPF_PROG(rec_cgroup_init, struct cgroup *cgrp, struct scx_cgroup_init_args *args)
{
	note(OP_cgroup_init, 0, cgrp->kn->id, args->weight);
	return 0;
}

SEC("struct_ops/cgroup_exit")
void BPF_PROG(rec_cgroup_exit, struct cgroup *cgrp)
{
	note(OP_cgroup_exit, 0, cgrp->kn->id, 0);
}

SEC("struct_ops/cgroup_prep_move")
s32 BPF_PROG(rec_cgroup_prep_move, struct task_struct *p, struct cgroup *from, struct cgroup *to)
{
	note(OP_cgroup_prep_move, p->pid, from->kn->id, to->kn->id);
	return 0;
}

SEC("struct_ops/cgroup_move")
void BPF_PROG(rec_cgroup_move, struct task_struct *p, struct cgroup *from, struct cgroup *to)
{
	note(OP_cgroup_move, p->pid, from->kn->id, to->kn->id);
}

SEC("struct_ops/cgroup_set_weight")
void BPF_PROG(rec_cgroup_set_weight, struct cgroup *cgrp, u32 weight)
{
	note(OP_cgroup_set_weight, 0, cgrp->kn->id, weight);
}

SEC("struct_ops/cgroup_set_bandwidth")
void BPF_PROG(rec_cgroup_set_bandwidth, struct cgroup *cgrp, u64 period_us, u64 quota_us,
	      u64 burst_us)
{
	note(OP_cgroup_set_bandwidth, 0, cgrp->kn->id, quota_us);
}

SEC("struct_ops/online")
void BPF_PROG(rec_online, s32 cpu)
{
	note(OP_online, 0, cpu, 0);
}

SEC("struct_ops/offline")
void BPF_PROG(rec_offline, s32 cpu)
{
	note(OP_offline, 0, cpu, 0);
}

SEC("struct_ops.s/init")
s32 BPF_PROG(rec_init)
{
	note(OP_init, 0, 0, 0);
	return scx_bpf_create_dsq(0, NUMA_NO_NODE);
}

SEC("struct_ops.s/exit")
void BPF_PROG(rec_exit, struct scx_exit_info *ei)
{
	note(OP_exit, 0, ei->kind, ei->exit_code);
}

#define BOTH_FORMS                                                                              \
	.enqueue = (void *)rec_enqueue, .dequeue = (void *)rec_dequeue,                         \
	.dispatch = (void *)rec_dispatch, .tick = (void *)rec_tick,                             \
	.runnable = (void *)rec_runnable, .running = (void *)rec_running,                       \
	.stopping = (void *)rec_stopping, .quiescent = (void *)rec_quiescent,                   \
	.yield = (void *)rec_yield, .set_weight = (void *)rec_set_weight,                       \
	.update_idle = (void *)rec_update_idle, .init_task = (void *)rec_init_task,             \
	.exit_task = (void *)rec_exit_task, .enable = (void *)rec_enable,                       \
	.disable = (void *)rec_disable, .dump = (void *)rec_dump,                               \
	.dump_task = (void *)rec_dump_task, .CGROUP_OP(init) = (void *)rec_cgroup_init,         \
	.CGROUP_OP(exit) = (void *)rec_cgroup_exit,                                             \
	.CGROUP_OP(prep_move) = (void *)rec_cgroup_prep_move,                                   \
	.CGROUP_OP(move) = (void *)rec_cgroup_move,                                             \
	.CGROUP_OP(set_weight) = (void *)rec_cgroup_set_weight,                                 \
	.CGROUP_OP(set_bandwidth) = (void *)rec_cgroup_set_bandwidth, .init = (void *)rec_init, \
	.exit = (void *)rec_exit, .timeout_ms = 3000, .name = "record"

SEC(".struct_ops.link")
#ifdef CPU_FORM
struct sched_ext_ops record_ops = {
	.select_cpu = (void *)rec_select,
	.set_cpumask = (void *)rec_set_mask,
	.cpu_online = (void *)rec_online,
	.cpu_offline = (void *)rec_offline,
	.dump_cpu = (void *)rec_dump_cpu,
	BOTH_FORMS,
};
#else
struct sched_ext_ops_cid record_ops = {
	.select_cid = (void *)rec_select,
	.set_cmask = (void *)rec_set_mask,
	.cid_online = (void *)rec_online,
	.cid_offline = (void *)rec_offline,
	.dump_cid = (void *)rec_dump_cpu,
	BOTH_FORMS,
};
#endif

char _license[] SEC("license") = "Dual BSD/GPL";
