/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CPU time by cgroup: of the groups that have waiting tasks, the one whose clock is furthest
 * behind is served; a group's clock runs slower the heavier it is. Within a group, first come,
 * first served.
 *
 * cid form; groups live in the arena, each with a queue of the same number.
 */
#include <uarena/bpf_sched.h>

#define MAX_GROUPS 256
#define ENOSPC 28

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 64);
	__ulong(map_extra, 1ull << 32);
} arena SEC(".maps");

struct group {
	u64 cgroup; /* id; 0: free */
	u64 weight; /* 1 .. 10000 */
	u64 vtime;
	u64 used_ns;
	u64 nr_runnable;
};

struct task_data {
	u32 group;
	u64 started;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct task_data);
} tasks SEC(".maps");

const volatile u64 slice_ns = 5000000;

struct group __arena_global groups[MAX_GROUPS];
u32 __arena_global nr_groups; /* slots ever used */
u64 __arena_global vtime_now; /* of the group that was served last */

/* The slot of a cgroup, or MAX_GROUPS. 0 looks for a free one. */
static u32 find_group(u64 cgroup)
{
	u32 n = cgroup ? nr_groups : MAX_GROUPS, i;

	for (i = opaque_zero(); i < n && i < MAX_GROUPS && can_loop; i++)
		if (groups[i].cgroup == cgroup)
			return i;
	return MAX_GROUPS;
}

static struct task_data *data_of(struct task_struct *p)
{
	return bpf_task_storage_get(&tasks, p, NULL, 0);
}

static struct group __arena *group_of(struct task_struct *p)
{
	struct task_data *data = data_of(p);

	return data && data->group < MAX_GROUPS ? &groups[data->group] : NULL;
}

/* A group that had nothing to do must not make up for it. */
SEC("struct_ops/runnable")
void BPF_PROG(cgroup_runnable, struct task_struct *p, u64 enq_flags)
{
	struct group __arena *g = group_of(p);

	if (g && !__sync_fetch_and_add(&g->nr_runnable, 1) && time_before(g->vtime, vtime_now))
		g->vtime = vtime_now;
}

SEC("struct_ops/quiescent")
void BPF_PROG(cgroup_quiescent, struct task_struct *p, u64 deq_flags)
{
	struct group __arena *g = group_of(p);

	if (g)
		__sync_fetch_and_sub(&g->nr_runnable, 1);
}

SEC("struct_ops/enqueue")
void BPF_PROG(cgroup_enqueue, struct task_struct *p, u64 enq_flags)
{
	struct task_data *data = data_of(p);

	scx_bpf_dsq_insert(p, data && data->group < MAX_GROUPS ? data->group : SCX_DSQ_GLOBAL,
			   slice_ns, enq_flags);
}

/* The group to serve next among those not tried yet in this round, or MAX_GROUPS. */
static u32 next_group(u64 after, u32 after_slot)
{
	u32 n = nr_groups, best = MAX_GROUPS, i;
	u64 best_vtime = 0;

	for (i = opaque_zero(); i < n && i < MAX_GROUPS && can_loop; i++) {
		u64 vtime = groups[i].vtime;

		if (!groups[i].cgroup || scx_bpf_dsq_nr_queued(i) <= 0)
			continue;
		if (after_slot < MAX_GROUPS &&
		    (time_before(vtime, after) || (vtime == after && i <= after_slot)))
			continue;
		if (best == MAX_GROUPS || time_before(vtime, best_vtime)) {
			best = i;
			best_vtime = vtime;
		}
	}
	return best;
}

SEC("struct_ops/dispatch")
void BPF_PROG(cgroup_dispatch, s32 cid, struct task_struct *prev)
{
	u32 slot = MAX_GROUPS;
	u64 vtime = 0;

	/* A queue whose tasks may not run here yields nothing; then the next group has its turn. */
	while (can_loop) {
		slot = next_group(vtime, slot);
		if (slot >= MAX_GROUPS)
			return;
		vtime = groups[slot].vtime;
		if (scx_bpf_dsq_move_to_local(slot, 0)) {
			if (time_before(vtime_now, vtime))
				vtime_now = vtime;
			return;
		}
	}
}

SEC("struct_ops/running")
void BPF_PROG(cgroup_running, struct task_struct *p)
{
	struct task_data *data = data_of(p);

	if (data)
		data->started = scx_bpf_now();
}

SEC("struct_ops/stopping")
void BPF_PROG(cgroup_stopping, struct task_struct *p, bool runnable)
{
	struct task_data *data = data_of(p);
	struct group __arena *g = group_of(p);
	u64 used, weight;

	if (!data || !g)
		return;
	used = scx_bpf_now() - data->started;
	weight = g->weight;
	__sync_fetch_and_add(&g->used_ns, used);
	__sync_fetch_and_add(&g->vtime, used * 100 / (weight ? weight : 100));
}

SEC("struct_ops.s/init_task")
s32 BPF_PROG(cgroup_init_task, struct task_struct *p, struct scx_init_task_args *args)
{
	struct task_data *data;

	data = bpf_task_storage_get(&tasks, p, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!data)
		return -12;
	data->group = find_group(args->cgroup->kn->id);
	return 0;
}

SEC("struct_ops/cpuctl_move")
void BPF_PROG(cgroup_moved, struct task_struct *p, struct cgroup *from, struct cgroup *to)
{
	struct task_data *data = data_of(p);

	if (data)
		data->group = find_group(to->kn->id);
}

SEC("struct_ops.s/cpuctl_init")
s32 BPF_PROG(cgroup_new, struct cgroup *cgrp, struct scx_cgroup_init_args *args)
{
	u32 slot = find_group(0);
	s32 err;

	if (slot >= MAX_GROUPS)
		return -ENOSPC;
	err = scx_bpf_create_dsq(slot, NUMA_NO_NODE);
	if (err)
		return err;
	groups[slot].weight = args->weight;
	groups[slot].vtime = vtime_now;
	groups[slot].nr_runnable = 0;
	groups[slot].cgroup = cgrp->kn->id;
	if (slot >= nr_groups)
		nr_groups = slot + 1;
	return 0;
}

SEC("struct_ops.s/cpuctl_exit")
void BPF_PROG(cgroup_gone, struct cgroup *cgrp)
{
	u32 slot = find_group(cgrp->kn->id);

	if (slot >= MAX_GROUPS)
		return;
	groups[slot].cgroup = 0;
	scx_bpf_destroy_dsq(slot);
}

SEC("struct_ops/cpuctl_set_weight")
void BPF_PROG(cgroup_weight, struct cgroup *cgrp, u32 weight)
{
	u32 slot = find_group(cgrp->kn->id);

	if (slot < MAX_GROUPS)
		groups[slot].weight = weight;
}

SEC(".struct_ops.link")
struct sched_ext_ops_cid cgroup_ops = {
	.runnable = (void *)cgroup_runnable,
	.quiescent = (void *)cgroup_quiescent,
	.enqueue = (void *)cgroup_enqueue,
	.dispatch = (void *)cgroup_dispatch,
	.running = (void *)cgroup_running,
	.stopping = (void *)cgroup_stopping,
	.init_task = (void *)cgroup_init_task,
	.cpuctl_init = (void *)cgroup_new,
	.cpuctl_exit = (void *)cgroup_gone,
	.cpuctl_move = (void *)cgroup_moved,
	.cpuctl_set_weight = (void *)cgroup_weight,
	.name = "cgroup",
};

char _license[] SEC("license") = "Dual BSD/GPL";
