/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A scheduler written like those for Linux: against a vmlinux.h, which here is what `uarena dump
 * btf` prints, and libbpf's headers. It counts tasks in storage of theirs and of their cgroups.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

/* Set by the loader. */
const volatile u64 __SCX_DSQ_LOCAL __weak;

s32 scx_bpf_create_dsq(u64 dsq_id, s32 node) __ksym;
void scx_bpf_dsq_insert(struct task_struct *p, u64 dsq_id, u64 slice, u64 enq_flags) __ksym;
bool scx_bpf_dsq_move_to_local(u64 dsq_id) __ksym;
s32 scx_bpf_pick_idle_cpu(const cpumask_t *allowed, u64 flags) __ksym;

struct seen {
	u64 enqueued;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct seen);
} tasks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_CGRP_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct seen);
} groups SEC(".maps");

#define SHARED 1

u64 direct, shared, in_root;
u32 attached;

SEC("struct_ops/select_cpu")
s32 BPF_PROG(select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	s32 cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);

	if (cpu < 0)
		return prev_cpu;
	__sync_fetch_and_add(&direct, 1);
	scx_bpf_dsq_insert(p, __SCX_DSQ_LOCAL, SCX_SLICE_DFL, 0);
	return cpu;
}

SEC("struct_ops/enqueue")
void BPF_PROG(enqueue, struct task_struct *p, u64 enq_flags)
{
	struct seen *s = bpf_task_storage_get(&tasks, p, 0, 0);

	if (s)
		s->enqueued++;
	s = bpf_cgrp_storage_get(&groups, p->cgroups->dfl_cgrp, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (s && ++s->enqueued > in_root)
		in_root = s->enqueued;
	__sync_fetch_and_add(&shared, 1);
	scx_bpf_dsq_insert(p, SHARED, SCX_SLICE_DFL, enq_flags);
}

SEC("struct_ops/dispatch")
void BPF_PROG(dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(SHARED);
}

SEC("struct_ops/init_task")
s32 BPF_PROG(init_task, struct task_struct *p, struct scx_init_task_args *args)
{
	/* A member of an argument: Linux lets helpers have it. */
	if (!bpf_cgrp_storage_get(&groups, args->cgroup, 0, BPF_LOCAL_STORAGE_GET_F_CREATE))
		return -12;
	return bpf_task_storage_get(&tasks, p, 0, BPF_LOCAL_STORAGE_GET_F_CREATE) ? 0 : -12;
}

SEC("struct_ops.s/init")
s32 BPF_PROG(init)
{
	attached = 1;
	return scx_bpf_create_dsq(SHARED, -1);
}

/* What the scheduler's own loader would do before it attaches. The timer must go off in the
 * machine's time: once a virtual second, which takes no real one. */
struct ticker {
	struct bpf_timer timer;
	u64 period;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct ticker);
} tickers SEC(".maps");

static int on_tick(void *map, u32 *key, struct ticker *t)
{
	bpf_printk("tick at %llu", bpf_ktime_get_ns());
	bpf_timer_start(&t->timer, t->period, 0);
	return 0;
}

struct start_ticker {
	u64 period;
	s32 cpu;
};

SEC("syscall")
int start_ticker(struct start_ticker *args)
{
	u32 key = 0;
	struct ticker *t = bpf_map_lookup_elem(&tickers, &key);

	if (!t || args->cpu != bpf_get_smp_processor_id())
		return -22;
	t->period = args->period;
	bpf_timer_init(&t->timer, &tickers, 1);
	bpf_timer_set_callback(&t->timer, on_tick);
	return bpf_timer_start(&t->timer, t->period, 0);
}

struct check_attached {
	u32 want;
};

SEC("syscall")
int check_attached(struct check_attached *args)
{
	return args->want == attached ? 0 : -22;
}

/* For the kernel around: nobody calls it here. */
SEC("fentry/bpf_scx_reg")
int on_reg(void *ctx)
{
	return 0;
}

SEC(".struct_ops.link")
struct sched_ext_ops written_for_linux = {
	.select_cpu = (void *)select_cpu,
	.enqueue = (void *)enqueue,
	.dispatch = (void *)dispatch,
	.init_task = (void *)init_task,
	.init = (void *)init,
	.name = "written_for_linux",
};

char _license[] SEC("license") = "GPL";
