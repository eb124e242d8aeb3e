/* SPDX-License-Identifier: BSD-2-Clause */
/* One queue in the scheduler's custody, and an opinion on who goes first on a core. */
#include <uarena/bpf_sched.h>

#define QUEUE 1

u64 nr_exec, nr_asked;
u32 favour; /* tasks of this weight go before others */

SEC("struct_ops/enqueue")
void BPF_PROG(core_enqueue, struct task_struct *p, u64 enq_flags)
{
	scx_bpf_dsq_insert(p, QUEUE, 2000000, enq_flags);
}

SEC("struct_ops/dequeue")
void BPF_PROG(core_dequeue, struct task_struct *p, u64 deq_flags)
{
	nr_exec += !!(deq_flags & SCX_DEQ_CORE_SCHED_EXEC);
}

SEC("struct_ops/dispatch")
void BPF_PROG(core_dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(QUEUE, 0);
}

/* When it last ran. */
SEC("struct_ops/tick")
void BPF_PROG(core_tick, struct task_struct *p)
{
	scx_bpf_task_set_dsq_vtime(p, scx_bpf_now());
}

SEC("struct_ops/core_sched_before")
bool BPF_PROG(core_before, struct task_struct *a, struct task_struct *b)
{
	nr_asked++;
	if (favour && (a->scx.weight == favour) != (b->scx.weight == favour))
		return a->scx.weight == favour;
	return time_before(a->scx.dsq_vtime, b->scx.dsq_vtime);
}

SEC("struct_ops.s/init")
s32 BPF_PROG(core_init)
{
	return scx_bpf_create_dsq(QUEUE, NUMA_NO_NODE);
}

SEC(".struct_ops.link")
struct sched_ext_ops core_ops = {
	.enqueue = (void *)core_enqueue,
	.dequeue = (void *)core_dequeue,
	.dispatch = (void *)core_dispatch,
	.tick = (void *)core_tick,
	.core_sched_before = (void *)core_before,
	.init = (void *)core_init,
	.name = "core",
};

char _license[] SEC("license") = "Dual BSD/GPL";
