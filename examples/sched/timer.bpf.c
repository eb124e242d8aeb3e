/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Preemption by a timer: tasks run without a slice, and every millisecond one bpf_timer looks at
 * all CPUs and takes away those whose task has had its turn while others wait. Nobody is
 * interrupted while the machine has room for everybody.
 *
 * CPU numbers, one queue for the machine, no arena.
 */
#include <uarena/bpf_sched.h>

#define SHARED 0 /* the queue */
#define MAX_CPUS 4096

const volatile u64 turn_ns = 5000000;
const volatile u64 period_ns = 1000000;

u64 nr_fired, nr_preempted;

static u64 started[MAX_CPUS]; /* when the task of each CPU began, 0: idle */

struct timer_value {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct timer_value);
} timers SEC(".maps");

SEC("struct_ops/enqueue")
void BPF_PROG(timer_enqueue, struct task_struct *p, u64 enq_flags)
{
	scx_bpf_dsq_insert(p, SHARED, SCX_SLICE_INF, enq_flags);
}

SEC("struct_ops/dispatch")
void BPF_PROG(timer_dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(SHARED, 0);
}

SEC("struct_ops/running")
void BPF_PROG(timer_running, struct task_struct *p)
{
	u32 cpu = scx_bpf_task_cpu(p);

	if (cpu < MAX_CPUS)
		started[cpu] = scx_bpf_now();
}

SEC("struct_ops/stopping")
void BPF_PROG(timer_stopping, struct task_struct *p, bool runnable)
{
	u32 cpu = scx_bpf_task_cpu(p);

	if (cpu < MAX_CPUS)
		started[cpu] = 0;
}

static int look_around(void *map, int *key, struct timer_value *value)
{
	u32 n = scx_bpf_nr_cpu_ids(), cpu;
	s32 waiting = scx_bpf_dsq_nr_queued(SHARED);
	u64 now = scx_bpf_now();

	__sync_fetch_and_add(&nr_fired, 1);
	if (n > MAX_CPUS)
		n = MAX_CPUS;
	bpf_for(cpu, 0, n) {
		u64 since = started[cpu];

		if (waiting <= 0)
			break;
		if (!since || now - since < turn_ns)
			continue;
		scx_bpf_kick_cpu(cpu, SCX_KICK_PREEMPT);
		__sync_fetch_and_add(&nr_preempted, 1);
		waiting--;
	}
	bpf_timer_start(&value->timer, period_ns, 0);
	return 0;
}

SEC("struct_ops.s/init")
s32 BPF_PROG(timer_init)
{
	struct timer_value *value;
	u32 key = 0;
	s32 err = scx_bpf_create_dsq(SHARED, NUMA_NO_NODE);

	if (err)
		return err;
	value = bpf_map_lookup_elem(&timers, &key);
	if (!value)
		return -2;
	bpf_timer_init(&value->timer, &timers, CLOCK_MONOTONIC);
	bpf_timer_set_callback(&value->timer, look_around);
	return bpf_timer_start(&value->timer, period_ns, 0);
}

SEC(".struct_ops.link")
struct sched_ext_ops timer_ops = {
	.enqueue = (void *)timer_enqueue,
	.dispatch = (void *)timer_dispatch,
	.running = (void *)timer_running,
	.stopping = (void *)timer_stopping,
	.init = (void *)timer_init,
	.name = "timer",
};

char _license[] SEC("license") = "Dual BSD/GPL";
