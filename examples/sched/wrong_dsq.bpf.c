/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A scheduler with a bug: it dispatches to a queue that does not exist.
 *
 * Each CPU is to have a queue of its number, but init() leaves out the first. What happens: as
 * soon as a task waits for that CPU the scheduler is ended ("runtime error", with the id of the
 * queue), and the task runs on under the default policy. With bad_cpu it is not a queue of its
 * own that is wrong, but a CPU number.
 */
#include <uarena/bpf_sched.h>

const volatile bool bad_cpu;

SEC("struct_ops/enqueue")
void BPF_PROG(wrong_enqueue, struct task_struct *p, u64 enq_flags)
{
	s32 cpu = scx_bpf_task_cpu(p);

	if (bad_cpu)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL_ON | scx_bpf_nr_cpu_ids(), SCX_SLICE_DFL,
				   enq_flags);
	else
		scx_bpf_dsq_insert(p, cpu, SCX_SLICE_DFL, enq_flags);
	scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
}

SEC("struct_ops/dispatch")
void BPF_PROG(wrong_dispatch, s32 cpu, struct task_struct *prev)
{
	/* Looking into a queue that is not there would be an error as well. */
	if (cpu >= 1)
		scx_bpf_dsq_move_to_local(cpu, 0);
}

SEC("struct_ops.s/init")
s32 BPF_PROG(wrong_init)
{
	s32 n = scx_bpf_nr_cpu_ids(), cpu;

	/* The bug: the first CPU is 0. */
	bpf_for(cpu, 1, n) {
		s32 err = scx_bpf_create_dsq(cpu, NUMA_NO_NODE);

		if (err)
			return err;
	}
	return 0;
}

SEC(".struct_ops.link")
struct sched_ext_ops wrong_ops = {
	.enqueue = (void *)wrong_enqueue,
	.dispatch = (void *)wrong_dispatch,
	.init = (void *)wrong_init,
	.name = "wrong_dsq",
};

char _license[] SEC("license") = "Dual BSD/GPL";
