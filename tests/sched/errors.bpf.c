/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Schedulers that do one thing wrong each, chosen by `mode`; otherwise a FIFO on DSQ 0. Built in
 * cpu form, and with CID_FORM in cid form.
 */
#include <uarena/bpf_sched.h>
#include "errors.h"

#ifdef CID_FORM
struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16);
	__ulong(map_extra, 1ull << 32);
} arena SEC(".maps");

u64 __arena_global in_arena;
s32 __arena_global map_of_cpus[64], shards[4];
u64 __arena_global mask_words[4];
#define out ((cmask_t *)mask_words)
#define kick(cpu, flags) scx_bpf_kick_cid(cpu, flags)
#define set_perf(cpu, perf) scx_bpf_cidperf_set(cpu, perf)
#define nr_cpus() scx_bpf_nr_cids()
#define CGROUP_OP(name) cpuctl_##name
#else
#define kick(cpu, flags) scx_bpf_kick_cpu(cpu, flags)
#define set_perf(cpu, perf) scx_bpf_cpuperf_set(cpu, perf)
#define nr_cpus() scx_bpf_nr_cpu_ids()
#define CGROUP_OP(name) cgroup_##name
#endif

const volatile u32 mode;
const volatile s32 victim; /* pid of the task that it is about; 0: any */

u32 nr_done;

/* Ask about the victim on behalf of another task. */
static void ask_about_other(void)
{
	struct task_struct *other = bpf_task_from_pid(victim);

	if (!other)
		return;
	if (mode == CGROUP_OF_OTHER)
		bpf_cgroup_release(scx_bpf_task_cgroup(other));
#ifndef CID_FORM
	if (mode == SELECT_FOR_OTHER || mode == SELECT_FOR_REMOTE) {
		bool idle;

		scx_bpf_select_cpu_dfl(other, 0, 0, &idle);
	}
#endif
	bpf_task_release(other);
}

SEC("struct_ops/select")
s32 BPF_PROG(err_select, struct task_struct *p, s32 prev, u64 wake_flags)
{
	if (victim && p->pid != victim) {
		if (mode == SELECT_FOR_OTHER)
			ask_about_other();
		return prev;
	}
	if (mode == SELECT_BAD_CPU)
		return nr_cpus();
	if (mode == SELECT_NEGATIVE_CPU)
		return -1;
	if (mode == DIRECT_TWICE) {
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, SCX_SLICE_DFL, 0);
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, SCX_SLICE_DFL, 0);
	}
	return prev;
}

static void insert_other(void)
{
	struct task_struct *other = bpf_task_from_pid(victim);

	if (!other)
		return;
	scx_bpf_dsq_insert(other, 0, SCX_SLICE_DFL, 0);
	bpf_task_release(other);
}

/* True: p is taken care of. */
static __always_inline bool enqueue_wrongly(struct task_struct *p, u64 enq_flags)
{
	switch (mode) {
	case NO_SUCH_DSQ:
		scx_bpf_dsq_insert(p, 0xbad, SCX_SLICE_DFL, enq_flags);
		return true;
	case BAD_LOCAL_ON:
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL_ON | 4095, SCX_SLICE_DFL, enq_flags);
		return true;
	case FORBIDDEN_LOCAL_ON:
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL_ON | 1, SCX_SLICE_DFL, enq_flags);
		return true;
	case VTIME_ON_BUILTIN:
		scx_bpf_dsq_insert_vtime(p, SCX_DSQ_LOCAL, SCX_SLICE_DFL, 1, enq_flags);
		return true;
	case FIFO_THEN_VTIME:
		scx_bpf_dsq_insert_vtime(p, 0, SCX_SLICE_DFL, 1, enq_flags);
		return true;
	case VTIME_THEN_FIFO:
		scx_bpf_dsq_insert(p, 1, SCX_SLICE_DFL, enq_flags);
		return true;
	case RESCUE_ON_USER_DSQ:
		scx_bpf_dsq_insert(p, 0, SCX_SLICE_DFL, enq_flags | SCX_ENQ_RESCUE);
		return true;
	case IMMED_ON_USER_DSQ:
		scx_bpf_dsq_insert(p, 0, SCX_SLICE_DFL, enq_flags | SCX_ENQ_IMMED);
		return true;
	case INSERT_RESERVED_FLAG:
		scx_bpf_dsq_insert(p, 0, SCX_SLICE_DFL, 1ull << 56);
		return true;
	case REENQ_FOREVER:
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, SCX_SLICE_DFL, enq_flags);
		scx_bpf_dsq_reenq(SCX_DSQ_LOCAL, 0);
		return true;
	}
	return false;
}

/* What only one of the forms can do. */
static __always_inline void call_in_form(struct task_struct *p)
{
	switch (mode) {
#ifdef CID_FORM
	case CAPS_UNKNOWN:
		scx_bpf_sub_caps(0, 1 << 7, out);
		break;
	case CAPS_BAD_MASK:
		cmask_init(out, 2, 2, 4);
		scx_bpf_sub_caps(0, 1, out);
		break;
#else
	case IDLE_MASK_BY_NODE:
		scx_bpf_put_idle_cpumask(scx_bpf_get_idle_cpumask());
		break;
	case PICK_BY_NODE: {
		const struct cpumask *online = scx_bpf_get_online_cpumask();

		scx_bpf_pick_idle_cpu(online, 0);
		scx_bpf_put_cpumask(online);
		break;
	}
	case SELECT_FROM_BAD_CPU: {
		bool idle;

		scx_bpf_select_cpu_dfl(p, 4095, 0, &idle);
		break;
	}
	case CAPS_IN_CPU_FORM:
		UARENA_BSTR(scx_bpf_sub_kill_bstr, (1, ), "no reason");
		break;
#endif
	}
}

static __always_inline void call_wrongly(struct task_struct *p)
{
	switch (mode) {
	case DESTROY_IN_USE:
		scx_bpf_destroy_dsq(0);
		break;
	case KICK_IDLE_PREEMPT:
		kick(0, SCX_KICK_IDLE | SCX_KICK_PREEMPT);
		break;
	case KICK_BAD_CPU:
		kick(4095, 0);
		break;
	case TID_WITHOUT_FLAG:
		bpf_rcu_read_lock();
		scx_bpf_tid_to_task(1);
		bpf_rcu_read_unlock();
		break;
	case PEEK_BUILTIN:
		bpf_rcu_read_lock();
		scx_bpf_dsq_peek(SCX_DSQ_GLOBAL);
		bpf_rcu_read_unlock();
		break;
	case SAY_ERROR:
		scx_bpf_error("%s after %d calls", "tired", nr_done);
		break;
	case SAY_EXIT:
		scx_bpf_exit(0x1234, "goodbye %d", nr_done);
		break;
	case LONG_MESSAGE:
		scx_bpf_error("%1500d", 7);
		break;
	case DUMP_OUTSIDE:
		scx_bpf_dump("nothing is being dumped");
		break;
	case CID_OUT_OF_RANGE:
		scx_bpf_cid_to_cpu(4095);
		break;
	case CPU_OUT_OF_RANGE:
		scx_bpf_cpu_to_cid(-3);
		break;
	case TOPO_OUT_OF_RANGE: {
		struct scx_cid_topo topo;

		scx_bpf_cid_topo(nr_cpus(), &topo, sizeof(topo));
		break;
	}
	case REENQ_GLOBAL:
		scx_bpf_dsq_reenq(SCX_DSQ_GLOBAL, 0);
		break;
	case BAD_FORMAT:
		scx_bpf_error("%!", 1);
		break;
	case ODD_FORMAT_SIZE: {
		static char text[] = "%d";
		u64 args[1] = {};

		scx_bpf_error_bstr(text, args, 7);
		break;
	}
	case PERF_OF_OTHER_CPU:
		set_perf((scx_bpf_this_cid() + 1) % nr_cpus(), 1);
		break;
	case REENQ_FLAGS:
		scx_bpf_dsq_reenq(0, 2);
		break;
	case BAD_PERF:
		set_perf(0, 1025);
		break;
	case PERF_BAD_CPU:
		set_perf(4095, 1);
		break;
	default:
		call_in_form(p);
	}
}

SEC("struct_ops/enqueue")
void BPF_PROG(err_enqueue, struct task_struct *p, u64 enq_flags)
{
	nr_done++;
	if (!victim || p->pid == victim) {
		if (enqueue_wrongly(p, enq_flags))
			return;
	} else if (mode == DIRECT_OTHER) {
		insert_other();
		return;
	} else if (mode == SELECT_FOR_REMOTE || mode == CGROUP_OF_OTHER) {
		ask_about_other();
	}
	if (mode == VTIME_THEN_FIFO)
		scx_bpf_dsq_insert_vtime(p, 1, SCX_SLICE_DFL, 1, enq_flags);
	else
		scx_bpf_dsq_insert(p, 0, SCX_SLICE_DFL, enq_flags);
	if (!victim || p->pid == victim)
		call_wrongly(p);
}

static void overfill(void)
{
	struct task_struct *p;

	scx_for_each_queued(it, p, 0, 0)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, SCX_SLICE_DFL, 0);
}

SEC("struct_ops/dispatch")
void BPF_PROG(err_dispatch, s32 cpu, struct task_struct *prev)
{
#ifdef CID_FORM
	in_arena++;
#endif
	if (mode == OVERFILL_BUFFER) {
		overfill();
	} else {
		if (mode == CANCEL_NOTHING)
			scx_bpf_dispatch_cancel();
		if (mode == MOVE_FROM_NOWHERE)
			scx_bpf_dsq_move_to_local(0xbad, 0);
		scx_bpf_dsq_move_to_local(0, 0);
		scx_bpf_dsq_move_to_local(1, 0);
	}
}

SEC("struct_ops/init_task")
s32 BPF_PROG(err_init_task, struct task_struct *p, struct scx_init_task_args *args)
{
	if (mode == (args->fork ? DISALLOW_AT_FORK : DISALLOW_AT_LOAD) &&
	    (!victim || p->pid == victim))
		p->scx.disallow = true;
	return mode == INIT_TASK_FAILS ? -22 : 0;
}

SEC("struct_ops/cgroup_init")
s32 BPF_PROG(err_cgroup_init, struct cgroup *cgrp, struct scx_cgroup_init_args *args)
{
	return mode == CGROUP_INIT_FAILS ? -12 : 0;
}

SEC("struct_ops.s/init")
s32 BPF_PROG(err_init)
{
	s32 err = scx_bpf_create_dsq(0, NUMA_NO_NODE);

	if (err || (err = scx_bpf_create_dsq(1, NUMA_NO_NODE)))
		return err;
	switch (mode) {
	case INIT_FAILS:
		return -19;
	case INIT_POSITIVE:
		return 7;
	case INIT_ABSURD:
		return -5000;
	}
	return 0;
}

#ifdef CID_FORM
/* Three CPUs, as the test's machine has. */
SEC("struct_ops.s/init_cids")
s32 BPF_PROG(err_init_cids)
{
	u32 n = mode == OVERRIDE_SIZE ? 64 : 3, n_shards = 1;

	map_of_cpus[1] = mode == OVERRIDE_TWICE ? 0 : mode == OVERRIDE_FAR ? 3 : 1;
	map_of_cpus[2] = 2;
	switch (mode) {
	case OVERRIDE_NO_SHARDS:
		n_shards = 0;
		break;
	case OVERRIDE_MANY_SHARDS:
		n_shards = 4;
		break;
	case OVERRIDE_SHARD_BASE:
		shards[0] = 1;
		break;
	case OVERRIDE_SHARD_ORDER:
		n_shards = 2;
		break;
	case OVERRIDE_SHARD_FAR:
		n_shards = 2;
		shards[1] = 3;
		break;
	case CAPS_TOO_EARLY:
		scx_bpf_sub_caps(0, 1, out);
		return 0;
	case INIT_CIDS_FAILS:
		return -7;
	}
	if (mode >= OVERRIDE_SIZE && mode <= OVERRIDE_SHARD_FAR)
		scx_bpf_cid_override(map_of_cpus, n, shards, n_shards);
	return 0;
}
#endif

#define BOTH_FORMS                                                                      \
	.enqueue = (void *)err_enqueue, .dispatch = (void *)err_dispatch,               \
	.init_task = (void *)err_init_task, .CGROUP_OP(init) = (void *)err_cgroup_init, \
	.init = (void *)err_init, .dispatch_max_batch = 4, .timeout_ms = 5000, .name = "errors"

SEC(".struct_ops.link")
#ifdef CID_FORM
struct sched_ext_ops_cid errors_ops = {
	.select_cid = (void *)err_select, .init_cids = (void *)err_init_cids, BOTH_FORMS};
#else
struct sched_ext_ops errors_ops = {.select_cpu = (void *)err_select, BOTH_FORMS};
#endif

char _license[] SEC("license") = "Dual BSD/GPL";
