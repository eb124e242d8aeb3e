/* SPDX-License-Identifier: BSD-2-Clause */
/* Asks for CPUs of a node, as the host says; otherwise the default policy does it all. */
#include <uarena/bpf_sched.h>

s32 scx_bpf_pick_idle_cpu_node(const struct cpumask *allowed, s32 node, u64 flags) __ksym __weak;
s32 scx_bpf_pick_any_cpu_node(const struct cpumask *allowed, s32 node, u64 flags) __ksym __weak;

s32 node;
u64 flags;

SEC("syscall")
int pick_idle(void *ctx)
{
	const struct cpumask *all = scx_bpf_get_online_cpumask();
	s32 cpu = scx_bpf_pick_idle_cpu_node(all, node, flags);

	scx_bpf_put_cpumask(all);
	return cpu;
}

SEC("syscall")
int pick_any(void *ctx)
{
	const struct cpumask *all = scx_bpf_get_online_cpumask();
	s32 cpu = scx_bpf_pick_any_cpu_node(all, node, flags);

	scx_bpf_put_cpumask(all);
	return cpu;
}

SEC("struct_ops.s/init")
s32 BPF_PROG(nodes_init)
{
	return 0;
}

SEC(".struct_ops.link")
struct sched_ext_ops nodes_ops = {.init = (void *)nodes_init, .name = "nodes"};

char _license[] SEC("license") = "Dual BSD/GPL";
