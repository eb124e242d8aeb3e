/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A scheduler that does with every task what the test says, and SYSCALL programs that look at
 * its queues and change them. While `hold` is set, dispatch() takes nothing from the queues.
 */
#include <uarena/bpf_sched.h>
#include "plan.h"

struct plan plans[PLANS];
struct order order;
u32 hold, log_running, kick_on_tick;
u32 nr_queues = 3; /* dispatch() serves 1 .. nr_queues */

/* In which order tasks ran, and what enqueue() and dequeue() were told. */
s32 ran[ORDER];
u32 nr_ran;
u64 last_enq_flags, last_deq_flags;
u32 nr_enqueued, nr_reenqueued, nr_dequeued, nr_last, nr_dispatch;
s32 listed[ORDER];
u32 nr_listed;

static struct plan *plan_of(struct task_struct *p)
{
	return &plans[(u32)p->pid % PLANS];
}

static void insert(struct task_struct *p, struct plan *plan, u64 enq_flags)
{
	if (plan->keyed)
		scx_bpf_dsq_insert_vtime(p, plan->dsq, plan->slice, plan->vtime,
					 enq_flags | plan->flags);
	else
		scx_bpf_dsq_insert(p, plan->dsq, plan->slice, enq_flags | plan->flags);
}

SEC("struct_ops/select_cpu")
s32 BPF_PROG(plan_select, struct task_struct *p, s32 prev, u64 wake_flags)
{
	struct plan *plan = plan_of(p);

	if (plan->direct)
		insert(p, plan, 0);
	return plan->cpu >= 0 ? plan->cpu : prev;
}

SEC("struct_ops/enqueue")
void BPF_PROG(plan_enqueue, struct task_struct *p, u64 enq_flags)
{
	struct plan *plan = plan_of(p);

	nr_enqueued++;
	last_enq_flags = enq_flags;
	nr_reenqueued += !!(enq_flags & SCX_ENQ_REENQ);
	nr_last += !!(enq_flags & SCX_ENQ_LAST);
	if (enq_flags & SCX_ENQ_LAST)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, plan->slice, 0);
	else if (enq_flags & SCX_ENQ_REENQ)
		scx_bpf_dsq_insert(p, 1, 0, 0);
	else if (!plan->keep)
		insert(p, plan, enq_flags);
}

SEC("struct_ops/dequeue")
void BPF_PROG(plan_dequeue, struct task_struct *p, u64 deq_flags)
{
	nr_dequeued++;
	last_deq_flags = deq_flags;
}

SEC("struct_ops/dispatch")
void BPF_PROG(plan_dispatch, s32 cpu, struct task_struct *prev)
{
	u32 n = nr_queues, i;

	nr_dispatch++;
	if (hold)
		return;
	bpf_for(i, 1, n + 1)
		if (scx_bpf_dsq_move_to_local(i, 0))
			return;
}

SEC("struct_ops/running")
void BPF_PROG(plan_running, struct task_struct *p)
{
	u32 n = nr_ran;

	if (!log_running || n >= ORDER)
		return;
	ran[n] = p->pid;
	nr_ran = n + 1;
}

SEC("struct_ops/tick")
void BPF_PROG(plan_tick, struct task_struct *p)
{
	if (kick_on_tick)
		scx_bpf_kick_cpu(scx_bpf_task_cpu(p), SCX_KICK_PREEMPT);
}

SEC("struct_ops.s/init")
s32 BPF_PROG(plan_init)
{
	u32 i;

	bpf_for(i, 1, 4) {
		s32 err = scx_bpf_create_dsq(i, NUMA_NO_NODE);

		if (err)
			return err;
	}
	return 0;
}

/* -- Looking at queues and changing them -------------------------------------------------- */

SEC("syscall")
int queue_list(void *ctx)
{
	struct task_struct *p;

	nr_listed = 0;
	bpf_rcu_read_lock();
	scx_for_each_queued(it, p, order.dsq, order.flags) {
		u32 n = nr_listed++;

		if (n < ORDER)
			listed[n] = p->pid;
	}
	bpf_rcu_read_unlock();
	return 0;
}

/* Returns how many could be moved. */
SEC("syscall")
int queue_move(void *ctx)
{
	struct task_struct *p;
	int n = 0;

	bpf_rcu_read_lock();
	scx_for_each_queued(it, p, order.dsq, order.flags) {
		bool moved;

		if (order.set_slice)
			scx_bpf_dsq_move_set_slice(&it, order.slice);
		if (order.set_vtime)
			scx_bpf_dsq_move_set_vtime(&it, order.vtime);
		moved = order.keyed ? scx_bpf_dsq_move_vtime(&it, p, order.to, order.to_flags)
				    : scx_bpf_dsq_move(&it, p, order.to, order.to_flags);
		n += moved;
	}
	bpf_rcu_read_unlock();
	return n;
}

SEC("syscall")
int queue_open(void *ctx)
{
	struct bpf_iter_scx_dsq it;
	int err = bpf_iter_scx_dsq_new(&it, order.dsq, order.flags);

	bpf_iter_scx_dsq_destroy(&it);
	return err;
}

SEC("syscall")
int queue_length(void *ctx)
{
	return scx_bpf_dsq_nr_queued(order.dsq);
}

SEC("syscall")
int queue_peek(void *ctx)
{
	struct task_struct *p;
	int pid = 0;

	bpf_rcu_read_lock();
	p = scx_bpf_dsq_peek(order.dsq);
	if (p)
		pid = p->pid;
	bpf_rcu_read_unlock();
	return pid;
}

SEC("syscall")
int queue_create(void *ctx)
{
	return scx_bpf_create_dsq(order.dsq, order.cpu);
}

SEC("syscall")
int queue_destroy(void *ctx)
{
	scx_bpf_destroy_dsq(order.dsq);
	return 0;
}

SEC("syscall")
int queue_reenq(void *ctx)
{
	scx_bpf_dsq_reenq(order.dsq, 0);
	return 0;
}

SEC("syscall")
int kick(void *ctx)
{
	scx_bpf_kick_cpu(order.cpu, order.flags);
	return 0;
}

struct rq___clocks {
	u64 clock_task;
} __attribute__((preserve_access_index));
struct cpufreq_policy {
	u32 max;
} __attribute__((preserve_access_index));

extern struct rq runqueues __ksym;
extern struct cpufreq_policy *cpufreq_cpu_data __ksym;

static void *(*const per_cpu)(const void *var, u32 cpu) = (void *)153;
static u32 (*const here)(void) = (void *)8;
static void *(*const this_cpu)(const void *var) = (void *)154;

/* 1: there is such a CPU. */
SEC("syscall")
int runqueue(void *ctx)
{
	struct rq *rq = per_cpu(&runqueues, order.cpu);
	struct cpufreq_policy **policy = per_cpu(&cpufreq_cpu_data, order.cpu);
	struct task_struct *curr;

	if (!rq || !policy || *policy)
		return 0;
	order.dsq = ((struct rq___clocks *)rq)->clock_task;
	curr = rq->curr;
	order.to = curr ? curr->pid : 0;
	rq = this_cpu(&runqueues);
	order.flags = rq->cpu == here();
	return 1;
}

/* Of the task on a CPU. */
SEC("syscall")
int set_slice(void *ctx)
{
	struct task_struct *p;
	int ok = -1;

	bpf_rcu_read_lock();
	p = scx_bpf_cpu_curr(order.cpu);
	if (p)
		ok = scx_bpf_task_set_slice(p, order.slice);
	bpf_rcu_read_unlock();
	return ok;
}

#define PLAN_OPS(...)                       \
	{.select_cpu = (void *)plan_select, \
	 .enqueue = (void *)plan_enqueue,   \
	 .dequeue = (void *)plan_dequeue,   \
	 .dispatch = (void *)plan_dispatch, \
	 .running = (void *)plan_running,   \
	 .tick = (void *)plan_tick,         \
	 .init = (void *)plan_init,         \
	 .name = "plan",                    \
	 __VA_ARGS__}

SEC(".struct_ops.link") struct sched_ext_ops plan_ops = PLAN_OPS(.timeout_ms = 0);
SEC(".struct_ops.link")
struct sched_ext_ops plan_last_ops = PLAN_OPS(.flags = SCX_OPS_ENQ_LAST);
SEC(".struct_ops.link")
struct sched_ext_ops plan_immed_ops = PLAN_OPS(.flags = SCX_OPS_ALWAYS_ENQ_IMMED);
SEC(".struct_ops.link")
struct sched_ext_ops plan_pinned_ops = PLAN_OPS(.flags = SCX_OPS_ENQ_MIGRATION_DISABLED);
SEC(".struct_ops.link")
struct sched_ext_ops plan_partial_ops = PLAN_OPS(.flags = SCX_OPS_SWITCH_PARTIAL);

char _license[] SEC("license") = "Dual BSD/GPL";
