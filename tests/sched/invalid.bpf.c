/* SPDX-License-Identifier: BSD-2-Clause */
/* Schedulers that may not be: one for each CASE. */
#include <uarena/bpf_sched.h>

SEC("struct_ops/enqueue")
void BPF_PROG(inv_enqueue, struct task_struct *p, u64 enq_flags)
{
	scx_bpf_dsq_insert(p, SCX_DSQ_GLOBAL, SCX_SLICE_DFL, enq_flags);
}

#if CASE == 8
SEC("struct_ops.s/enqueue")
void BPF_PROG(inv_sleepable, struct task_struct *p, u64 enq_flags)
{
}
#endif

#if CASE == 9 || CASE == 10
SEC("struct_ops/update_idle")
void BPF_PROG(inv_update_idle, s32 cpu, bool idle)
{
}
#endif

#if CASE == 10
SEC("struct_ops/select_cpu")
s32 BPF_PROG(inv_select, struct task_struct *p, s32 prev, u64 wake_flags)
{
	s32 cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);

	return cpu >= 0 ? cpu : prev;
}
#endif

#if CASE == 11
SEC("struct_ops/sub_attach")
s32 BPF_PROG(inv_sub_attach, struct scx_sub_attach_args *args)
{
	return 0;
}
#endif

SEC(".struct_ops.link")
struct sched_ext_ops invalid_ops = {
#if CASE != 1 && CASE != 8
	.enqueue = (void *)inv_enqueue,
#endif
#if CASE == 1
	.flags = SCX_OPS_ENQ_LAST,
#elif CASE == 2
	.flags = 1ull << 40,
#elif CASE == 3
	.dispatch_max_batch = 1u << 31,
#elif CASE == 4
	.timeout_ms = 30001,
#elif CASE == 6
	.name = "a b",
#elif CASE == 7
	.timeout_ms = 30000,
	.dispatch_max_batch = 1,
#elif CASE == 8
	.enqueue = (void *)inv_sleepable,
#elif CASE == 9
	.update_idle = (void *)inv_update_idle,
	.flags = SCX_OPS_BUILTIN_IDLE_PER_NODE,
#elif CASE == 10
	.update_idle = (void *)inv_update_idle,
	.select_cpu = (void *)inv_select,
#elif CASE == 11
	.sub_attach = (void *)inv_sub_attach,
#endif
#if CASE != 5 && CASE != 6
	.name = "invalid",
#endif
};

char _license[] SEC("license") = "Dual BSD/GPL";
