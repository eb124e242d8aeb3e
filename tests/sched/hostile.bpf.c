/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A scheduler that makes any mistake the verifier lets pass, at random, from every callback: tasks
 * in any state, queues that do not exist or cease to while they are walked, senseless numbers.
 * `evil` says how often, in thousandths.
 */
#include <uarena/bpf_sched.h>

#define DSQS 4

const volatile u32 evil = 10;
const volatile s32 pids = 64; /* tasks are among the first so many */

u64 nr_calls;
static struct scx_event_stats stats;

struct timer_value {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct timer_value);
} timers SEC(".maps");

static __always_inline u32 random(u32 n)
{
	return bpf_get_prandom_u32() % n;
}

static __always_inline bool now_evil(void)
{
	return random(1000) < evil;
}

static u64 any_number(void)
{
	u64 x = (u64)bpf_get_prandom_u32() << 32 | bpf_get_prandom_u32();

	return x >> random(64);
}

static u64 some_dsq(void)
{
	if (!now_evil())
		return random(DSQS);
	switch (random(6)) {
	case 0:
		return SCX_DSQ_LOCAL;
	case 1:
		return SCX_DSQ_GLOBAL;
	case 2:
		return SCX_DSQ_LOCAL_ON | random(20);
	case 3:
		return any_number();
	case 4:
		return 1ull << 63 | random(8);
	}
	return random(DSQS + 3);
}

static s32 some_cpu(void)
{
	return now_evil() ? (s32)any_number() : random(scx_bpf_nr_cpu_ids());
}

static u64 some_flags(void)
{
	if (now_evil())
		return any_number();
	return random(4) ? 0 : SCX_ENQ_HEAD;
}

/* The task at hand, or any. */
static __noinline void insert(u64 dsq, u64 flags)
{
	struct task_struct *p = bpf_task_from_pid(1 + random(pids));

	if (!p)
		return;
	if (random(2))
		scx_bpf_dsq_insert(p, dsq, any_number(), flags);
	else
		scx_bpf_dsq_insert_vtime(p, dsq, any_number(), any_number(), flags);
	bpf_task_release(p);
}

static void touch_task(void)
{
	struct task_struct *p = bpf_task_from_pid(1 + random(pids));

	if (!p)
		return;
	switch (random(5)) {
	case 0:
		scx_bpf_task_set_slice(p, any_number());
		break;
	case 1:
		scx_bpf_task_set_dsq_vtime(p, any_number());
		break;
	case 2:
		scx_bpf_task_running(p);
		break;
	case 3:
		scx_bpf_task_cpu(p);
		break;
	default: {
		struct cgroup *cgrp = scx_bpf_task_cgroup(p);

		bpf_cgroup_release(cgrp);
	}
	}
	bpf_task_release(p);
}

static void touch_cpu(void)
{
	s32 cpu = some_cpu();

	switch (random(8)) {
	case 0:
		scx_bpf_kick_cpu(cpu, now_evil() ? any_number() : random(2));
		break;
	case 1:
		scx_bpf_test_and_clear_cpu_idle(cpu);
		break;
	case 2:
		scx_bpf_cpuperf_set(cpu, now_evil() ? any_number() : 1024);
		break;
	case 3:
		scx_bpf_cpuperf_cap(cpu);
		break;
	case 4:
		scx_bpf_cpu_to_cid(cpu);
		break;
	case 5:
		scx_bpf_cid_to_cpu(cpu);
		break;
	case 6:
		scx_bpf_cpu_node(cpu);
		break;
	default:
		scx_bpf_kick_cid(cpu, 1u << random(3));
	}
}

static void touch_dsq(void)
{
	u64 dsq = some_dsq();
	struct task_struct *p;

	switch (random(6)) {
	case 0:
		scx_bpf_dsq_nr_queued(dsq);
		break;
	case 1:
		scx_bpf_dsq_reenq(dsq, now_evil() ? any_number() : 0);
		break;
	case 2:
		bpf_rcu_read_lock();
		scx_bpf_dsq_peek(now_evil() ? dsq : random(DSQS));
		bpf_rcu_read_unlock();
		break;
	case 3:
		/* Gone while it is walked, or run through enqueue() again. */
		bpf_rcu_read_lock();
		scx_for_each_queued(it, p, dsq, random(2) ? SCX_DSQ_ITER_REV : random(3)) {
			if (now_evil())
				scx_bpf_destroy_dsq(dsq);
			if (!random(4))
				scx_bpf_dsq_reenq(dsq, 0);
			if (!random(8))
				break;
		}
		bpf_rcu_read_unlock();
		break;
	case 4:
		if (now_evil())
			scx_bpf_destroy_dsq(dsq);
		break;
	default:
		scx_bpf_events(&stats, random(2) ? sizeof(stats) : 8);
	}
}

static __noinline void anything(void)
{
	nr_calls++;
	switch (random(4)) {
	case 0:
		touch_task();
		break;
	case 1:
		touch_cpu();
		break;
	case 2:
		touch_dsq();
		break;
	default:
		if (now_evil() && now_evil())
			scx_bpf_error("had enough after %d", (u32)nr_calls);
		else if (now_evil() && now_evil())
			scx_bpf_exit(any_number(), "that is all");
	}
}

SEC("struct_ops/select_cpu")
s32 BPF_PROG(hostile_select, struct task_struct *p, s32 prev, u64 wake_flags)
{
	bool idle;

	anything();
	if (now_evil())
		insert(some_dsq(), some_flags());
	if (random(2))
		return scx_bpf_select_cpu_dfl(p, some_cpu(), wake_flags, &idle);
	return some_cpu();
}

SEC("struct_ops/enqueue")
void BPF_PROG(hostile_enqueue, struct task_struct *p, u64 enq_flags)
{
	anything();
	if (now_evil())
		insert(some_dsq(), some_flags());
	if (random(8))
		scx_bpf_dsq_insert(p, some_dsq(), any_number(), enq_flags | some_flags());
}

static void move_some(void)
{
	u64 from = some_dsq(), to = some_dsq();
	struct task_struct *p;

	scx_for_each_queued(it, p, from, random(2) ? SCX_DSQ_ITER_REV : 0) {
		if (now_evil())
			touch_dsq();
		if (random(4))
			scx_bpf_dsq_move(&it, p, to, some_flags());
		else if (now_evil())
			scx_bpf_dsq_move_vtime(&it, p, to, some_flags());
		/* Once more, wherever it is now. */
		if (now_evil())
			scx_bpf_dsq_move(&it, p, some_dsq(), 0);
	}
}

SEC("struct_ops/dispatch")
void BPF_PROG(hostile_dispatch, s32 cpu, struct task_struct *prev)
{
	u32 i;

	anything();
	if (!random(3))
		insert(some_dsq(), some_flags());
	if (now_evil())
		scx_bpf_dispatch_cancel();
	if (!random(4))
		move_some();
	bpf_for(i, 0, DSQS)
		if (scx_bpf_dsq_move_to_local(some_dsq(), some_flags()))
			break;
}

#define NOISY(NAME, ...)                           \
	SEC("struct_ops/" #NAME)                   \
	void BPF_PROG(hostile_##NAME, __VA_ARGS__) \
	{                                          \
		anything();                        \
	}

NOISY(dequeue, struct task_struct *p, u64 deq_flags)
NOISY(tick, struct task_struct *p)
NOISY(runnable, struct task_struct *p, u64 enq_flags)
NOISY(running, struct task_struct *p)
NOISY(stopping, struct task_struct *p, bool runnable)
NOISY(quiescent, struct task_struct *p, u64 deq_flags)
NOISY(set_weight, struct task_struct *p, u32 weight)
NOISY(set_cpumask, struct task_struct *p, const struct cpumask *mask)
NOISY(enable, struct task_struct *p)
NOISY(disable, struct task_struct *p)
NOISY(exit_task, struct task_struct *p, struct scx_exit_task_args *args)
NOISY(cpu_online, s32 cpu)
NOISY(cpu_offline, s32 cpu)
NOISY(exit, struct scx_exit_info *ei)
NOISY(cgroup_exit, struct cgroup *cgrp)

SEC("struct_ops/dump_task")
void BPF_PROG(hostile_dump_task, struct scx_dump_ctx *ctx, struct task_struct *p)
{
	anything();
	scx_bpf_dump("%s %d %llx", p->comm, p->pid, any_number());
}

SEC("struct_ops/yield")
bool BPF_PROG(hostile_yield, struct task_struct *from, struct task_struct *to)
{
	anything();
	return random(2);
}

SEC("struct_ops/init_task")
s32 BPF_PROG(hostile_init_task, struct task_struct *p, struct scx_init_task_args *args)
{
	anything();
	if (now_evil() && now_evil())
		p->scx.disallow = true;
	return now_evil() && now_evil() ? (s32)any_number() : 0;
}

static int fire(void *map, int *key, struct timer_value *value)
{
	u64 to = some_dsq();

	anything();
	if (to < DSQS)
		touch_dsq();
	bpf_timer_start(&value->timer, 1 + random(500000), 0);
	return 0;
}

SEC("struct_ops.s/init")
s32 BPF_PROG(hostile_init)
{
	struct timer_value *value;
	u32 key = 0, i;

	bpf_for(i, 0, DSQS)
		scx_bpf_create_dsq(i, NUMA_NO_NODE);
	value = bpf_map_lookup_elem(&timers, &key);
	if (!value)
		return -2;
	bpf_timer_init(&value->timer, &timers, CLOCK_MONOTONIC);
	bpf_timer_set_callback(&value->timer, fire);
	bpf_timer_start(&value->timer, 1000, 0);
	return now_evil() && now_evil() ? (s32)any_number() : 0;
}

SEC(".struct_ops.link")
struct sched_ext_ops hostile_ops = {
	.select_cpu = (void *)hostile_select,
	.enqueue = (void *)hostile_enqueue,
	.dequeue = (void *)hostile_dequeue,
	.dispatch = (void *)hostile_dispatch,
	.tick = (void *)hostile_tick,
	.runnable = (void *)hostile_runnable,
	.running = (void *)hostile_running,
	.stopping = (void *)hostile_stopping,
	.quiescent = (void *)hostile_quiescent,
	.yield = (void *)hostile_yield,
	.set_weight = (void *)hostile_set_weight,
	.set_cpumask = (void *)hostile_set_cpumask,
	.init_task = (void *)hostile_init_task,
	.exit_task = (void *)hostile_exit_task,
	.enable = (void *)hostile_enable,
	.disable = (void *)hostile_disable,
	.dump_task = (void *)hostile_dump_task,
	.cgroup_exit = (void *)hostile_cgroup_exit,
	.cpu_online = (void *)hostile_cpu_online,
	.cpu_offline = (void *)hostile_cpu_offline,
	.init = (void *)hostile_init,
	.exit = (void *)hostile_exit,
	.timeout_ms = 100,
	.flags = SCX_OPS_TID_TO_TASK,
	.name = "hostile",
};

char _license[] SEC("license") = "Dual BSD/GPL";
