/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A scheduler with a bug: it starves some tasks.
 *
 * There are a fast and a slow lane, and dispatch() was never taught the slow one. What happens:
 * the watchdog finds a task that has been runnable for longer than timeout_ms and ends the
 * scheduler ("runnable task stall"); the task runs on under the default policy.
 */
#include <uarena/bpf_sched.h>

enum { FAST, SLOW };

const volatile u32 slow_every = 4; /* pids that are a multiple take the slow lane */

SEC("struct_ops/enqueue")
void BPF_PROG(stall_enqueue, struct task_struct *p, u64 enq_flags)
{
	bool slow = slow_every && p->pid % slow_every == 0;

	scx_bpf_dsq_insert(p, slow ? SLOW : FAST, SCX_SLICE_DFL, enq_flags);
}

SEC("struct_ops/dispatch")
void BPF_PROG(stall_dispatch, s32 cpu, struct task_struct *prev)
{
	/* The bug: "if (!...) scx_bpf_dsq_move_to_local(SLOW, 0);" is missing. */
	scx_bpf_dsq_move_to_local(FAST, 0);
}

SEC("struct_ops.s/init")
s32 BPF_PROG(stall_init)
{
	s32 err = scx_bpf_create_dsq(FAST, NUMA_NO_NODE);

	return err ? err : scx_bpf_create_dsq(SLOW, NUMA_NO_NODE);
}

SEC(".struct_ops.link")
struct sched_ext_ops stall_ops = {
	.enqueue = (void *)stall_enqueue,
	.dispatch = (void *)stall_dispatch,
	.init = (void *)stall_init,
	.timeout_ms = 2000,
	.name = "stall",
};

char _license[] SEC("license") = "Dual BSD/GPL";
