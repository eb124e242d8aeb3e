/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which sched_ext kfunc may be called from which operation.
 *
 * A kfunc not in the table may be called from anywhere. Programs that are no operation run
 * with no scheduler lock held: SYSCALL programs count as such, others get the free ones only.
 */
#include <bpf/btf.h>
#include "verify/env.h"

enum where {
	IN_SELECT = 1,
	IN_ENQUEUE = 2,
	IN_DISPATCH = 4,
	IN_RELEASE = 8,
	IN_INIT_CIDS = 16,
	IN_DUMP = 32,
	IN_UNLOCKED = 64,
};

static const struct {
	const char *member;
	uint8_t where;
} members[] = {
	{"select_cpu", IN_SELECT},
	{"select_cid", IN_SELECT},
	{"enqueue", IN_ENQUEUE},
	{"dispatch", IN_DISPATCH},
	{"cpu_release", IN_RELEASE},
	{"init_cids", IN_INIT_CIDS | IN_UNLOCKED},
	{"init", IN_UNLOCKED},
	{"exit", IN_UNLOCKED},
	{"init_task", IN_UNLOCKED},
	{"dump", IN_DUMP | IN_UNLOCKED},
	{"dump_cpu", IN_DUMP | IN_UNLOCKED},
	{"dump_cid", IN_DUMP | IN_UNLOCKED},
	{"dump_task", IN_DUMP | IN_UNLOCKED},
	{"cgroup_init", IN_UNLOCKED},
	{"cgroup_exit", IN_UNLOCKED},
	{"cgroup_prep_move", IN_UNLOCKED},
	{"cgroup_cancel_move", IN_UNLOCKED},
	{"cgroup_set_weight", IN_UNLOCKED},
	{"cgroup_set_bandwidth", IN_UNLOCKED},
	{"cgroup_set_idle", IN_UNLOCKED},
	{"cpuctl_init", IN_UNLOCKED},
	{"cpuctl_exit", IN_UNLOCKED},
	{"cpuctl_prep_move", IN_UNLOCKED},
	{"cpuctl_cancel_move", IN_UNLOCKED},
	{"cpuctl_set_weight", IN_UNLOCKED},
	{"cpuctl_set_bandwidth", IN_UNLOCKED},
	{"cpuctl_set_idle", IN_UNLOCKED},
	{"sub_attach", IN_UNLOCKED},
	{"sub_detach", IN_UNLOCKED},
	{"sub_ecaps_updated", IN_ENQUEUE | IN_DISPATCH},
	{"cpu_online", IN_UNLOCKED},
	{"cpu_offline", IN_UNLOCKED},
	{"cid_online", IN_UNLOCKED},
	{"cid_offline", IN_UNLOCKED},
};

#define IN_INSERT (IN_SELECT | IN_ENQUEUE | IN_DISPATCH)

static const struct {
	const char *kfunc;
	uint8_t where;
} limited[] = {
	{"scx_bpf_create_dsq", IN_UNLOCKED},
	{"scx_bpf_dsq_insert", IN_INSERT},
	{"scx_bpf_dsq_insert___v2", IN_INSERT},
	{"__scx_bpf_dsq_insert_vtime", IN_INSERT},
	{"scx_bpf_dsq_insert_vtime", IN_INSERT},
	{"scx_bpf_dispatch_nr_slots", IN_DISPATCH},
	{"scx_bpf_dispatch_cancel", IN_DISPATCH},
	{"scx_bpf_dsq_move_to_local", IN_DISPATCH},
	{"scx_bpf_dsq_move_to_local___v2", IN_DISPATCH},
	{"scx_bpf_dsq_move", IN_DISPATCH | IN_UNLOCKED},
	{"scx_bpf_dsq_move_vtime", IN_DISPATCH | IN_UNLOCKED},
	{"scx_bpf_dsq_move_set_slice", IN_DISPATCH | IN_UNLOCKED},
	{"scx_bpf_dsq_move_set_vtime", IN_DISPATCH | IN_UNLOCKED},
	{"scx_bpf_reenqueue_local", IN_RELEASE},
	{"scx_bpf_sub_dispatch", IN_DISPATCH},
	{"scx_bpf_cid_override", IN_INIT_CIDS},
	{"scx_bpf_select_cpu_dfl", IN_SELECT | IN_ENQUEUE | IN_UNLOCKED},
	{"scx_bpf_select_cpu_and", IN_SELECT | IN_ENQUEUE | IN_UNLOCKED},
	{"__scx_bpf_select_cpu_and", IN_SELECT | IN_ENQUEUE | IN_UNLOCKED},
};

/* Schedulers in cid form know no CPU numbers. */
static const char *const cpu_form[] = {
	"scx_bpf_kick_cpu",	 "scx_bpf_task_cpu", "scx_bpf_cpu_rq",
	"scx_bpf_cpu_curr",	 "scx_bpf_cpu_node", "scx_bpf_cpuperf_",
	"scx_bpf_get_",		 "scx_bpf_put_",     "scx_bpf_select_cpu_",
	"__scx_bpf_select_cpu_", "scx_bpf_pick_",    "scx_bpf_test_and_clear_cpu_idle",
};

static uint8_t where_am_i(const struct env *env, const char **type)
{
	const struct verify_in *in = env->in;
	const struct btf_type *t;
	const char *name;

	*type = "";
	if (in->prog_type == BPF_PROG_TYPE_SYSCALL)
		return IN_UNLOCKED;
	if (in->prog_type != BPF_PROG_TYPE_STRUCT_OPS || !in->member_btf_type)
		return 0;
	t = btf__type_by_id(in->engine_btf, in->member_btf_type);
	if (in->member_idx >= btf_vlen(t))
		return 0;
	*type = btf_name(in->engine_btf, t->name_off);
	name = btf_name(in->engine_btf, btf_members(t)[in->member_idx].name_off);
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (!strcmp(members[i].member, name))
			return members[i].where;
	return 0;
}

bool sched_allows(const struct env *env, const struct kfunc *kf)
{
	const char *type;
	uint8_t here = where_am_i(env, &type);

	if (strstr(type, "_cid"))
		for (size_t i = 0; i < ARRAY_SIZE(cpu_form); i++)
			if (!strncmp(kf->name, cpu_form[i], strlen(cpu_form[i])))
				return false;
	for (size_t i = 0; i < ARRAY_SIZE(limited); i++)
		if (!strcmp(limited[i].kfunc, kf->name))
			return here & limited[i].where;
	return true;
}
