/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Callbacks of a scheduler: with ONE_ARENA some of them refer to the arena. In cid form,
 * or with CPU_FORM in cpu form.
 */
#include <uarena/bpf_sched.h>

#ifdef ONE_ARENA
struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16);
} arena SEC(".maps");
#endif

SEC("struct_ops/enqueue")
void BPF_PROG(arenas_enqueue, struct task_struct *p, u64 enq_flags)
{
#ifdef ONE_ARENA
	bpf_arena_free_pages(&arena, NULL, 0);
#endif
	scx_bpf_dsq_insert(p, SCX_DSQ_GLOBAL, SCX_SLICE_DFL, enq_flags);
}

/* Refers to none, whatever the others do. */
SEC("struct_ops/stopping")
void BPF_PROG(arenas_stopping, struct task_struct *p, bool runnable)
{
}

SEC("struct_ops/running")
void BPF_PROG(arenas_running, struct task_struct *p)
{
#ifdef ONE_ARENA
	bpf_arena_free_pages(&arena, NULL, 0);
#endif
}

#ifdef CPU_FORM
#define FORM sched_ext_ops
#else
#define FORM sched_ext_ops_cid
#endif

SEC(".struct_ops.link")
struct FORM arenas_ops = {
	.enqueue = (void *)arenas_enqueue,
	.running = (void *)arenas_running,
	.stopping = (void *)arenas_stopping,
	.name = "arenas",
};

char _license[] SEC("license") = "Dual BSD/GPL";
