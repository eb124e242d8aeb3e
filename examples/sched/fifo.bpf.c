/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The smallest useful scheduler: one queue for the machine, first come, first served.
 *
 * CPU numbers, no arena. A task that wakes up while a CPU is idle goes there at once; all
 * others wait in the global queue, which every CPU falls back to by itself, so that no
 * dispatch() is needed.
 */
#include <uarena/bpf_sched.h>

const volatile u64 slice_ns = 20000000;

u64 nr_direct, nr_queued;

SEC("struct_ops/select_cpu")
s32 BPF_PROG(fifo_select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	bool idle = false;
	s32 cpu = scx_bpf_select_cpu_dfl(p, prev_cpu, wake_flags, &idle);

	if (idle) {
		__sync_fetch_and_add(&nr_direct, 1);
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, slice_ns, 0);
	}
	return cpu;
}

SEC("struct_ops/enqueue")
void BPF_PROG(fifo_enqueue, struct task_struct *p, u64 enq_flags)
{
	__sync_fetch_and_add(&nr_queued, 1);
	scx_bpf_dsq_insert(p, SCX_DSQ_GLOBAL, slice_ns, enq_flags);
}

SEC(".struct_ops.link")
struct sched_ext_ops fifo_ops = {
	.select_cpu = (void *)fifo_select_cpu,
	.enqueue = (void *)fifo_enqueue,
	.name = "fifo",
};

char _license[] SEC("license") = "Dual BSD/GPL";
