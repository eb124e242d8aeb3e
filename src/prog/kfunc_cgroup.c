/* SPDX-License-Identifier: BSD-2-Clause */
/* kfuncs on cgroups. They live as long as the world they belong to, so references are not counted.
 */
#include "base/base.h"
#include "btf/types/bpf.h"
#include "prog/kfuncs.h"
#include "prog/region.h"
#include "prog/task.h"

static uint64_t give(struct cgroup *cgrp)
{
	if (cgrp) {
		region_allow(run_ctx_top(), cgrp, sizeof(*cgrp), false);
		region_allow(run_ctx_top(), cgrp->kn, sizeof(*cgrp->kn), false);
	}
	return (uintptr_t)cgrp;
}

KFUNC_FN(bpf_cgroup_from_id)
{
	return give(cgroup_by_id(r1));
}

KFUNC_FN(bpf_cgroup_acquire)
{
	return r1;
}

KFUNC_FN(bpf_cgroup_release)
{
	return 0;
}

KFUNC_FN(bpf_cgroup_ancestor)
{
	struct cgroup *cgrp = host_ptr(r1);
	int level = (int)r2;

	return level >= 0 && level <= cgrp->level ? give(cgrp->ancestors[level]) : 0;
}

/* -- Walking the hierarchy ----------------------------------------------------------------- */

struct iter_css {
	struct cgroup_subsys_state *start;
	struct cgroup *at; /* what was returned last; NULL: nothing yet, or all */
	uint32_t order;
};

_Static_assert(sizeof(struct iter_css) <= sizeof(struct bpf_iter_css), "fits what programs have");

/* The cgroup's part of the kind of state that the walk began with. */
static struct cgroup_subsys_state *state_of(const struct iter_css *it, struct cgroup *cgrp)
{
	if (it->start == &it->start->cgroup->self)
		return &cgrp->self;
	return cgrp->subsys[cpu_cgrp_id];
}

static struct cgroup *parent_of(const struct cgroup *cgrp)
{
	return cgrp->level ? cgrp->ancestors[cgrp->level - 1] : NULL;
}

static struct cgroup *leftmost(struct cgroup *cgrp)
{
	struct cgroup *child;

	while ((child = cgroup_next_child(cgrp, NULL)))
		cgrp = child;
	return cgrp;
}

static struct cgroup *next_pre(struct cgroup *start, struct cgroup *at)
{
	struct cgroup *next = cgroup_next_child(at, NULL);

	while (!next && at != start) {
		next = cgroup_next_child(parent_of(at), at);
		at = parent_of(at);
	}
	return next;
}

static struct cgroup *next_post(struct cgroup *start, struct cgroup *at)
{
	struct cgroup *next;

	if (at == start)
		return NULL;
	next = cgroup_next_child(parent_of(at), at);
	return next ? leftmost(next) : parent_of(at);
}

static struct cgroup *step(const struct iter_css *it)
{
	struct cgroup *start = it->start->cgroup;

	switch (it->order) {
	case BPF_CGROUP_ITER_DESCENDANTS_PRE:
		return it->at ? next_pre(start, it->at) : start;
	case BPF_CGROUP_ITER_DESCENDANTS_POST:
		return it->at ? next_post(start, it->at) : leftmost(start);
	default:
		return it->at ? parent_of(it->at) : start;
	}
}

KFUNC_FN(bpf_iter_css_new)
{
	struct iter_css *it = host_ptr(r1);
	uint32_t order = (uint32_t)r3;

	*it = (struct iter_css){NULL};
	UA_FAIL_IF(order != BPF_CGROUP_ITER_DESCENDANTS_PRE &&
			   order != BPF_CGROUP_ITER_DESCENDANTS_POST &&
			   order != BPF_CGROUP_ITER_ANCESTORS_UP,
		   (uint64_t)-EINVAL);
	*it = (struct iter_css){host_ptr(r2), NULL, order};
	return 0;
}

KFUNC_FN(bpf_iter_css_next)
{
	struct iter_css *it = host_ptr(r1);

	if (!it->start)
		return 0;
	it->at = step(it);
	if (!it->at) {
		it->start = NULL;
		return 0;
	}
	give(it->at);
	return (uintptr_t)state_of(it, it->at);
}

KFUNC_FN(bpf_iter_css_destroy)
{
	*(struct iter_css *)host_ptr(r1) = (struct iter_css){NULL};
	return 0;
}
