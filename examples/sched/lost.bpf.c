/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A scheduler with a bug: it loses tasks.
 *
 * Waiting tasks are in a ring of task ids in the arena, which is too small and not checked for
 * being full: the ninth waiting task overwrites the first. What happens: nobody will ever
 * dispatch a task that only the ring knew of, and the watchdog ends the scheduler. In contrast
 * to a starved task a lost one is in no queue at all: the dump shows it with no DSQ.
 */
#include <uarena/bpf_sched.h>

#define RING 8

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16);
	__ulong(map_extra, 1ull << 32);
} arena SEC(".maps");

u64 __arena_global ring[RING];
u32 __arena_global head, tail; /* next to take, next to fill */

struct bpf_res_spin_lock ring_lock SEC(".data.ring_lock") __hidden;

SEC("struct_ops/enqueue")
void BPF_PROG(lost_enqueue, struct task_struct *p, u64 enq_flags)
{
	u64 tid = p->scx.tid;

	if (bpf_res_spin_lock(&ring_lock))
		return;
	/* The bug: tail - head may be RING already. */
	ring[tail++ % RING] = tid;
	bpf_res_spin_unlock(&ring_lock);
}

static u64 take(void)
{
	u64 tid = 0;

	if (bpf_res_spin_lock(&ring_lock))
		return 0;
	if (head != tail)
		tid = ring[head++ % RING];
	bpf_res_spin_unlock(&ring_lock);
	return tid;
}

SEC("struct_ops/dispatch")
void BPF_PROG(lost_dispatch, s32 cid, struct task_struct *prev)
{
	struct task_struct *p;
	u64 tid = take();

	bpf_rcu_read_lock();
	p = tid ? scx_bpf_tid_to_task(tid) : NULL;
	if (p)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, SCX_SLICE_DFL, 0);
	bpf_rcu_read_unlock();
}

SEC(".struct_ops.link")
struct sched_ext_ops_cid lost_ops = {
	.enqueue = (void *)lost_enqueue,
	.dispatch = (void *)lost_dispatch,
	.flags = SCX_OPS_TID_TO_TASK,
	.timeout_ms = 2000,
	.name = "lost",
};

char _license[] SEC("license") = "Dual BSD/GPL";
