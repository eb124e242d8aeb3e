/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A scheduler that does anything that is allowed, at random: it puts tasks into any kind of
 * queue or keeps them, moves them about, kicks CPUs, cuts slices, runs queues through enqueue()
 * again. It makes no mistake, so it must not be ended, and it loses nobody.
 */
#include <uarena/bpf_sched.h>

#define FIFOS 3 /* DSQs 0 .. 2, in order of arrival */
#define DSQS 6	/* 3 .. 5 by vtime */
#define KEPT 1024

struct task_struct___chaos {
	u16 migration_disabled;
} __attribute__((preserve_access_index));

/* Tasks that the scheduler keeps to itself, by pid. */
static s32 kept[KEPT];
static u32 kept_head, kept_tail;
u64 nr_calls;

static __always_inline u32 random(u32 n)
{
	return bpf_get_prandom_u32() % n;
}

static u64 random_slice(void)
{
	switch (random(8)) {
	case 0:
		return SCX_SLICE_INF;
	case 1:
		return 0;
	case 2:
		return 1;
	default:
		return random(4000000);
	}
}

static bool may_use(struct task_struct *p, s32 cpu)
{
	if (cpu == scx_bpf_task_cpu(p))
		return bpf_cpumask_test_cpu(cpu, p->cpus_ptr);
	return !((struct task_struct___chaos *)p)->migration_disabled &&
	       bpf_cpumask_test_cpu(cpu, p->cpus_ptr);
}

static void insert_somewhere(struct task_struct *p, u64 flags)
{
	u32 dsq = random(DSQS);
	s32 cpu = random(scx_bpf_nr_cpu_ids());

	switch (random(4)) {
	case 0:
		scx_bpf_dsq_insert(p, SCX_DSQ_GLOBAL, random_slice(), flags);
		return;
	case 1:
		if (may_use(p, cpu)) {
			if (!random(3))
				flags |= SCX_ENQ_PREEMPT;
			scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL_ON | cpu, random_slice(), flags);
			return;
		}
		break;
	}
	if (dsq < FIFOS)
		scx_bpf_dsq_insert(p, dsq, random_slice(), flags | (random(2) ? SCX_ENQ_HEAD : 0));
	else
		scx_bpf_dsq_insert_vtime(p, dsq, random_slice(), bpf_get_prandom_u32(), flags);
}

static bool keep(struct task_struct *p)
{
	if (kept_tail - kept_head >= KEPT)
		return false;
	kept[kept_tail++ % KEPT] = p->pid;
	return true;
}

SEC("struct_ops/select_cpu")
s32 BPF_PROG(chaos_select, struct task_struct *p, s32 prev, u64 wake_flags)
{
	bool idle;

	switch (random(4)) {
	case 0:
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, random_slice(), 0);
		return prev;
	case 1:
		return scx_bpf_select_cpu_dfl(p, prev, wake_flags, &idle);
	case 2:
		return random(scx_bpf_nr_cpu_ids());
	}
	return prev;
}

SEC("struct_ops/enqueue")
void BPF_PROG(chaos_enqueue, struct task_struct *p, u64 enq_flags)
{
	nr_calls++;
	/* Asked again and again about a task for at once, the answer must become another. */
	if (!(enq_flags & SCX_ENQ_REENQ) && !random(6))
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, random_slice(), enq_flags | SCX_ENQ_IMMED);
	else if (random(5) || !keep(p))
		insert_somewhere(p, enq_flags & ~SCX_ENQ_IMMED);
}

static void release_one(void)
{
	struct task_struct *p;

	if (kept_head == kept_tail)
		return;
	p = bpf_task_from_pid(kept[kept_head++ % KEPT]);
	if (!p)
		return;
	insert_somewhere(p, 0);
	bpf_task_release(p);
}

static void move_some(void)
{
	u32 from = random(DSQS), to = random(DSQS);
	struct task_struct *p;

	scx_for_each_queued(it, p, from, random(2) ? SCX_DSQ_ITER_REV : 0) {
		if (random(2))
			scx_bpf_dsq_move_set_slice(&it, random_slice());
		if (random(8) == 0)
			scx_bpf_dsq_move(&it, p, SCX_DSQ_GLOBAL, 0);
		else if (to < FIFOS)
			scx_bpf_dsq_move(&it, p, to, 0);
		else
			scx_bpf_dsq_move_vtime(&it, p, to, 0);
		if (!random(4))
			break;
	}
}

static void serve(void)
{
	u32 start = random(DSQS), i;

	bpf_for(i, 0, DSQS)
		if (scx_bpf_dsq_move_to_local((start + i) % DSQS, 0) && random(2))
			return;
}

SEC("struct_ops/dispatch")
void BPF_PROG(chaos_dispatch, s32 cpu, struct task_struct *prev)
{
	if (prev && !random(4))
		scx_bpf_task_set_slice(prev, random_slice());
	if (!random(4))
		move_some();
	if (random(3)) {
		release_one();
		if (!random(4) && scx_bpf_dispatch_nr_slots() < 30)
			scx_bpf_dispatch_cancel();
	}
	if (random(8))
		serve();
}

static void kick_somebody(void)
{
	u64 flags = SCX_KICK_IDLE;

	switch (random(4)) {
	case 0:
		flags = 0;
		break;
	case 1:
		flags = SCX_KICK_PREEMPT;
		break;
	case 2:
		flags = SCX_KICK_WAIT;
		break;
	}
	scx_bpf_kick_cpu(random(scx_bpf_nr_cpu_ids()), flags);
}

SEC("struct_ops/tick")
void BPF_PROG(chaos_tick, struct task_struct *p)
{
	if (!random(4))
		scx_bpf_task_set_slice(p, random_slice());
	kick_somebody();
}

SEC("struct_ops/running")
void BPF_PROG(chaos_running, struct task_struct *p)
{
	if (!random(8))
		scx_bpf_dsq_reenq(random(DSQS), 0);
}

SEC("struct_ops/stopping")
void BPF_PROG(chaos_stopping, struct task_struct *p, bool runnable)
{
	if (!random(8))
		kick_somebody();
}

SEC("struct_ops/yield")
bool BPF_PROG(chaos_yield, struct task_struct *from, struct task_struct *to)
{
	return random(2);
}

SEC("struct_ops/core_sched_before")
bool BPF_PROG(chaos_before, struct task_struct *a, struct task_struct *b)
{
	return random(2);
}

/* Who left our custody by another way than dispatch is forgotten when its turn comes. */
SEC("struct_ops/dequeue")
void BPF_PROG(chaos_dequeue, struct task_struct *p, u64 deq_flags)
{
}

SEC("struct_ops/cpu_online")
void BPF_PROG(chaos_online, s32 cpu)
{
}

SEC("struct_ops/cpu_offline")
void BPF_PROG(chaos_offline, s32 cpu)
{
}

SEC("struct_ops.s/init")
s32 BPF_PROG(chaos_init)
{
	u32 i;

	bpf_for(i, 0, DSQS) {
		s32 err = scx_bpf_create_dsq(i, NUMA_NO_NODE);

		if (err)
			return err;
	}
	return 0;
}

#define CHAOS_OPS(FLAGS)                                   \
	{                                                  \
		.select_cpu = (void *)chaos_select,        \
		.enqueue = (void *)chaos_enqueue,          \
		.dequeue = (void *)chaos_dequeue,          \
		.dispatch = (void *)chaos_dispatch,        \
		.tick = (void *)chaos_tick,                \
		.running = (void *)chaos_running,          \
		.stopping = (void *)chaos_stopping,        \
		.yield = (void *)chaos_yield,              \
		.core_sched_before = (void *)chaos_before, \
		.cpu_online = (void *)chaos_online,        \
		.cpu_offline = (void *)chaos_offline,      \
		.init = (void *)chaos_init,                \
		.flags = (FLAGS),                          \
		.name = "chaos",                           \
	}

SEC(".struct_ops.link")
struct sched_ext_ops chaos_ops = CHAOS_OPS(SCX_OPS_ENQ_LAST | SCX_OPS_ENQ_EXITING);
SEC(".struct_ops.link")
struct sched_ext_ops chaos_partial_ops = CHAOS_OPS(SCX_OPS_SWITCH_PARTIAL);

char _license[] SEC("license") = "Dual BSD/GPL";
