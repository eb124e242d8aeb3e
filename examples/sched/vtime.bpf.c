/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Weighted fair sharing by virtual time.
 *
 * A task's clock runs slower the heavier it is; of those waiting, the one whose clock is
 * furthest behind is next. CPU numbers, one queue for the machine, no arena.
 */
#include <uarena/bpf_sched.h>

#define SHARED 0 /* the queue, ordered by vtime */

const volatile u64 slice_ns = 5000000;

static u64 vtime_now; /* of the task that started last */

struct task_data {
	u64 started; /* when it got its CPU */
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct task_data);
} tasks SEC(".maps");

SEC("struct_ops/select_cpu")
s32 BPF_PROG(vtime_select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	bool idle = false;
	s32 cpu = scx_bpf_select_cpu_dfl(p, prev_cpu, wake_flags, &idle);

	if (idle)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, slice_ns, 0);
	return cpu;
}

SEC("struct_ops/enqueue")
void BPF_PROG(vtime_enqueue, struct task_struct *p, u64 enq_flags)
{
	u64 vtime = p->scx.dsq_vtime, earliest = vtime_now - slice_ns;

	/* Who slept long may be ahead of the others by one slice, not by all it slept. */
	if (time_before(vtime, earliest))
		vtime = earliest;
	scx_bpf_dsq_insert_vtime(p, SHARED, slice_ns, vtime, enq_flags);
}

/* What p has used since it started, on its own clock. */
static u64 vtime_used(struct task_struct *p)
{
	struct task_data *data = bpf_task_storage_get(&tasks, p, NULL, 0);

	return data ? (scx_bpf_now() - data->started) * 100 / p->scx.weight : 0;
}

/* Is prev, which can run on, still behind all who wait? They would never know: it joins them
 * only after one of them has been chosen. */
static bool stays_behind(struct task_struct *prev)
{
	struct task_struct *first = scx_bpf_dsq_peek(SHARED);

	return first && prev->scx.flags & SCX_TASK_QUEUED &&
	       time_before(prev->scx.dsq_vtime + vtime_used(prev), first->scx.dsq_vtime);
}

SEC("struct_ops/dispatch")
void BPF_PROG(vtime_dispatch, s32 cpu, struct task_struct *prev)
{
	if (prev && stays_behind(prev))
		scx_bpf_task_set_slice(prev, slice_ns);
	else
		scx_bpf_dsq_move_to_local(SHARED, 0);
}

SEC("struct_ops/running")
void BPF_PROG(vtime_running, struct task_struct *p)
{
	struct task_data *data = bpf_task_storage_get(&tasks, p, NULL, 0);

	if (data)
		data->started = scx_bpf_now();
	if (time_before(vtime_now, p->scx.dsq_vtime))
		vtime_now = p->scx.dsq_vtime;
}

SEC("struct_ops/stopping")
void BPF_PROG(vtime_stopping, struct task_struct *p, bool runnable)
{
	struct task_data *data = bpf_task_storage_get(&tasks, p, NULL, 0);

	/* Not by the slice that is left: a task that nobody waits for gets new ones on the way. */
	if (data)
		scx_bpf_task_set_dsq_vtime(p, p->scx.dsq_vtime + (scx_bpf_now() - data->started) *
									 100 / p->scx.weight);
}

SEC("struct_ops.s/init_task")
s32 BPF_PROG(vtime_init_task, struct task_struct *p, struct scx_init_task_args *args)
{
	return bpf_task_storage_get(&tasks, p, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE) ? 0 : -12;
}

/* A new task starts where the others are. */
SEC("struct_ops/enable")
void BPF_PROG(vtime_enable, struct task_struct *p)
{
	scx_bpf_task_set_dsq_vtime(p, vtime_now);
}

SEC("struct_ops.s/init")
s32 BPF_PROG(vtime_init)
{
	return scx_bpf_create_dsq(SHARED, NUMA_NO_NODE);
}

SEC(".struct_ops.link")
struct sched_ext_ops vtime_ops = {
	.select_cpu = (void *)vtime_select_cpu,
	.enqueue = (void *)vtime_enqueue,
	.dispatch = (void *)vtime_dispatch,
	.running = (void *)vtime_running,
	.stopping = (void *)vtime_stopping,
	.init_task = (void *)vtime_init_task,
	.enable = (void *)vtime_enable,
	.init = (void *)vtime_init,
	.name = "vtime",
};

char _license[] SEC("license") = "Dual BSD/GPL";
