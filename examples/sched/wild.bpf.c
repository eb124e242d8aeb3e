/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A scheduler with a bug: it follows a wild pointer.
 *
 * The arena holds a table with an entry for each CPU, and running() uses the task's pid as the
 * index. What happens: an entry that lies within the page of the table is silently the wrong
 * one; beyond it there is no page, so the load gives 0, the store is dropped, and each is
 * reported with its address and source line on the program's stderr stream. The scheduler goes
 * on: what it decides does not depend on the entry.
 */
#include <uarena/bpf_sched.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1024);
	__ulong(map_extra, 1ull << 32);
} arena SEC(".maps");

struct cpu_entry {
	u64 nr_runs;
	u64 pad[511]; /* as large as a page, so that a wrong index shows at once */
};

static struct cpu_entry __arena *__arena_global table;

SEC("struct_ops/enqueue")
void BPF_PROG(wild_enqueue, struct task_struct *p, u64 enq_flags)
{
	scx_bpf_dsq_insert(p, SCX_DSQ_GLOBAL, SCX_SLICE_DFL, enq_flags);
}

SEC("struct_ops/running")
void BPF_PROG(wild_running, struct task_struct *p)
{
	/* The bug: meant was scx_bpf_task_cid(p). */
	table[p->pid].nr_runs++;
}

SEC("struct_ops.s/init")
s32 BPF_PROG(wild_init)
{
	table = bpf_arena_alloc_pages(&arena, NULL, 1, NUMA_NO_NODE, 0);
	return table ? 0 : -12;
}

SEC(".struct_ops.link")
struct sched_ext_ops_cid wild_ops = {
	.enqueue = (void *)wild_enqueue,
	.running = (void *)wild_running,
	.init = (void *)wild_init,
	.name = "wild",
};

char _license[] SEC("license") = "Dual BSD/GPL";
