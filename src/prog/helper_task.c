/* SPDX-License-Identifier: BSD-2-Clause */
/* Helpers about the task that runs the program, and about the runqueues of its CPUs. */
#include "prog/helper.h"
#include "prog/world.h"
#include "btf/types/percpu.h"
#include "base/base.h"
#include "map/kinds.h"
#include "prog/engine.h"
#include "prog/region.h"

#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

HELPER_FN(get_current_pid_tgid)
{
	const struct task_struct *t = task_current();

	return t ? (uint64_t)(uint32_t)t->tgid << 32 | (uint32_t)t->pid : (uint64_t)-EINVAL;
}

HELPER_FN(get_current_uid_gid)
{
	return world_here ? 0 : (uint64_t)getgid() << 32 | getuid();
}

HELPER_FN(get_current_comm)
{
	const struct task_struct *t = task_current();
	uint32_t size = (uint32_t)r2;
	char comm[TASK_COMM_LEN];

	memset(host_ptr(r1), 0, size);
	if (!t)
		return (uint64_t)-EINVAL;
	memcpy(comm, t->comm, sizeof(comm));
	if (!run_ctx_top()->task && !world_here) /* the thread may have been renamed */
		prctl(PR_GET_NAME, comm);
	memcpy(host_ptr(r1), comm, strnlen(comm, min_t(uint32_t, size - 1, TASK_COMM_LEN)));
	return 0;
}

HELPER_FN(get_current_task)
{
	return (uintptr_t)task_current();
}

HELPER_FN(get_current_task_btf)
{
	struct task_struct *t = task_current();

	region_allow(run_ctx_top(), t, sizeof(*t), false);
	return (uintptr_t)t;
}

struct ns_info {
	uint32_t pid, tgid;
};

/* (dev, inode) must name this process's pid namespace. */
HELPER_FN(get_ns_current_pid_tgid)
{
	const struct task_struct *t = task_current();
	struct ns_info *out = host_ptr(r3);
	struct stat st;

	if ((uint32_t)r4 != sizeof(*out) || !t || stat("/proc/self/ns/pid", &st) ||
	    st.st_dev != r1 || st.st_ino != r2) {
		memset(out, 0, (uint32_t)r4);
		return (uint64_t)-EINVAL;
	}
	*out = (struct ns_info){.pid = (uint32_t)t->pid, .tgid = (uint32_t)t->tgid};
	return 0;
}

static const struct cgroup *current_cgroup(void)
{
	const struct task_struct *t = task_current();

	return t && t->cgroups ? t->cgroups->dfl_cgrp : cgroup_root();
}

HELPER_FN(get_current_cgroup_id)
{
	return current_cgroup()->kn->id;
}

HELPER_FN(get_current_ancestor_cgroup_id)
{
	const struct cgroup *cgrp = current_cgroup();
	int level = (int32_t)r1;

	return level >= 0 && level <= cgrp->level ? cgrp->ancestors[level]->kn->id : 0;
}

static uint64_t storage_get(struct map *map, void *owner, void *init, uint64_t flags)
{
	void *value = map_storage_get(map, owner, init, flags);

	region_allow(run_ctx_top(), value, map->v.value_size, true);
	return (uintptr_t)value;
}

HELPER_FN(task_storage_get)
{
	struct task_struct *t = host_ptr(r2);

	return t ? storage_get(host_ptr(r1), &t->bpf_storage, host_ptr(r3), r4) : 0;
}

HELPER_FN(cgrp_storage_get)
{
	struct cgroup *cgrp = host_ptr(r2);

	return cgrp ? storage_get(host_ptr(r1), &cgrp->bpf_cgrp_storage, host_ptr(r3), r4) : 0;
}

HELPER_FN(task_storage_delete)
{
	struct task_struct *t = host_ptr(r2);

	return (uint64_t)(int64_t)(t ? map_storage_delete(host_ptr(r1), &t->bpf_storage) : -EINVAL);
}

HELPER_FN(cgrp_storage_delete)
{
	struct cgroup *cgrp = host_ptr(r2);

	return (uint64_t)(int64_t)(cgrp ? map_storage_delete(host_ptr(r1), &cgrp->bpf_cgrp_storage)
					: -EINVAL);
}

/* -- Per-CPU variables of the kernel ------------------------------------------------------- */

/* Outside of a simulated machine nothing is known of what the CPUs do, and nowhere are there
 * frequencies. */
static uint64_t percpu_at(uint64_t var, uint32_t cpu)
{
	static const struct rq unknown;
	static const struct cpufreq_policy *const no_policy;
	struct run_ctx *rc = run_ctx_top();
	const struct rq *rq = &unknown;

	if (world_here && world_here->rq)
		rq = world_here->rq(world_here->arg, cpu);
	else if (cpu >= rc->prog->engine->n_cpus)
		rq = NULL;
	if (rq && var == PERCPU_cpufreq_cpu_data) {
		region_allow(rc, &no_policy, sizeof(no_policy), false);
		return (uintptr_t)&no_policy;
	}
	region_allow(rc, rq, sizeof(*rq), false);
	return (uintptr_t)rq;
}

HELPER_FN(per_cpu_ptr)
{
	return percpu_at(r1, (uint32_t)r2);
}

HELPER_FN(this_cpu_ptr)
{
	return percpu_at(r1, (uint32_t)helper_get_smp_processor_id(0, 0, 0, 0, 0));
}
