/* SPDX-License-Identifier: BSD-2-Clause */
/* Walks cgroups as the host says and writes down what it meets. */
#include <uarena/bpf_sched.h>
#include "groups.h"

struct cgroup_subsys_state {
	struct cgroup *cgroup;
} __attribute__((preserve_access_index));

struct cgroup___self {
	struct cgroup_subsys_state self;
} __attribute__((preserve_access_index));

struct bpf_iter_css {
	u64 __opaque[3];
} __attribute__((aligned(8)));

int bpf_iter_css_new(struct bpf_iter_css *it, struct cgroup_subsys_state *start,
		     unsigned int flags) __ksym;
struct cgroup_subsys_state *bpf_iter_css_next(struct bpf_iter_css *it) __ksym;
void bpf_iter_css_destroy(struct bpf_iter_css *it) __ksym;
struct cgroup *bpf_cgroup_from_id(u64 id) __ksym;
struct cgroup *bpf_cgroup_ancestor(struct cgroup *cgrp, int level) __ksym;

u64 start_id;
u32 order;
s32 level;
u64 met[GROUPS];
u32 nr_met;
u64 clock_ns;
u32 cpu;

SEC("syscall")
int walk(void *ctx)
{
	struct cgroup *start = bpf_cgroup_from_id(start_id);
	struct cgroup_subsys_state *css;
	struct bpf_iter_css it;
	int err;

	nr_met = 0;
	if (!start)
		return -2;
	bpf_rcu_read_lock();
	err = bpf_iter_css_new(&it, &((struct cgroup___self *)start)->self, order);
	while ((css = bpf_iter_css_next(&it)))
		if (nr_met < GROUPS)
			met[nr_met++] = css->cgroup->kn->id;
	bpf_iter_css_destroy(&it);
	bpf_rcu_read_unlock();
	bpf_cgroup_release(start);
	return err;
}

SEC("syscall")
int ancestor(void *ctx)
{
	struct cgroup *start = bpf_cgroup_from_id(start_id), *above;
	int id = -1;

	if (!start)
		return -2;
	above = bpf_cgroup_ancestor(start, level);
	if (above) {
		id = above->kn->id;
		bpf_cgroup_release(above);
	}
	bpf_cgroup_release(start);
	return id;
}

SEC("syscall")
int look_around(void *ctx)
{
	clock_ns = scx_bpf_now();
	cpu = scx_bpf_nr_cpu_ids();
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
