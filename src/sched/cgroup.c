/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cgroups: the hierarchy, weights and bandwidth as the scheduler under test is told of them.
 *
 * Removed groups stay in memory, invisible, until the machine goes: programs may hold pointers.
 */
#include "sched/core.h"
#include "map/kinds.h"

static struct sim_cgroup *cgroup_alloc(struct machine *m, struct sim_cgroup *parent,
				       const char *name)
{
	int level = parent ? parent->cg.level + 1 : 0;
	struct sim_cgroup *cg = mem_zalloc(sizeof(*cg) + (size_t)(level + 1) * sizeof(void *));

	if (!cg)
		return NULL;
	cg->name = mem_strdup(name);
	if (!cg->name) {
		mem_free(cg);
		return NULL;
	}
	cg->parent = parent;
	cg->tg.scx.weight = 100;
	cg->tg.scx.bw_period_us = 100000;
	cg->tg.scx.bw_quota_us = UINT64_MAX;
	cg->kn = (struct kernfs_node){
		.id = ++m->last_cgroup_id,
		.name = cg->name,
		.__parent = parent ? &parent->kn : NULL,
	};
	cg->tg.css.cgroup = &cg->cg;
	cg->tg.css.parent = parent ? &parent->tg.css : NULL;
	cg->tg.parent = parent ? &parent->tg : NULL;
	cg->css.dfl_cgrp = &cg->cg;
	cg->cg.subsys[cpu_cgrp_id] = &cg->tg.css;
	cg->cg.kn = &cg->kn;
	cg->cg.level = level;
	cg->cg.self.cgroup = &cg->cg;
	cg->cg.self.parent = parent ? &parent->cg.self : NULL;
	if (parent)
		memcpy(cg->cg.ancestors, parent->cg.ancestors, (size_t)level * sizeof(void *));
	cg->cg.ancestors[level] = &cg->cg;
	return cg;
}

static void append(struct machine *m, struct sim_cgroup *cg)
{
	struct sim_cgroup **at = &m->cgroups;

	while (*at)
		at = &(*at)->next;
	*at = cg;
}

int cgroup_make_root(struct machine *m)
{
	m->cgroups = cgroup_alloc(m, NULL, "");
	return m->cgroups ? 0 : -ENOMEM;
}

void cgroup_free_all(struct machine *m)
{
	struct sim_cgroup *cg;

	while ((cg = m->cgroups)) {
		m->cgroups = cg->next;
		map_storage_forget(&cg->cg.bpf_cgrp_storage);
		mem_free(cg->name);
		mem_free(cg);
	}
}

struct sim_cgroup *machine_root_cgroup(struct machine *m)
{
	return m->cgroups;
}

struct sim_cgroup *sim_cgroup_by_id(struct machine *m, uint64_t id)
{
	struct sim_cgroup *cg = m->cgroups;

	while (cg && (cg->kn.id != id || cg->removed))
		cg = cg->next;
	return cg;
}

static struct sim_cgroup *child(struct machine *m, struct sim_cgroup *parent, const char *name,
				size_t len)
{
	for (struct sim_cgroup *cg = m->cgroups; cg; cg = cg->next)
		if (cg->parent == parent && !cg->removed && strlen(cg->name) == len &&
		    !memcmp(cg->name, name, len))
			return cg;
	return NULL;
}

struct sim_cgroup *machine_cgroup_find(struct machine *m, const char *path)
{
	struct sim_cgroup *cg = m->cgroups;

	while (cg && *path) {
		size_t len = strcspn(path, "/");

		if (len)
			cg = child(m, cg, path, len);
		path += len + (path[len] == '/');
	}
	return cg;
}

/* -- The scheduler's view ----------------------------------------------------------------- */

static int init_one(struct sched *s, struct sim_cgroup *cg)
{
	struct scx_cgroup_init_args args = {
		.weight = cg->tg.scx.weight,
		.bw_period_us = cg->tg.scx.bw_period_us,
		.bw_quota_us = cg->tg.scx.bw_quota_us,
		.bw_burst_us = cg->tg.scx.bw_burst_us,
	};
	int err = 0;

	if (s->ops->cgroup_init)
		err = OP_RET(s, OP_OTHER, NULL, NULL, cgroup_init, &cg->cg, &args);
	err = sched_check_errno(s, "cgroup_init", err);
	cg->inited = !err;
	return err;
}

static void exit_one(struct sched *s, struct sim_cgroup *cg)
{
	if (cg->inited && s->ops->cgroup_exit)
		OP_VOID(s, OP_OTHER, NULL, cgroup_exit, &cg->cg);
	cg->inited = false;
}

int cgroup_init_all(struct sched *s)
{
	for (struct sim_cgroup *cg = s->m->cgroups; cg; cg = cg->next) {
		int err = cg->removed ? 0 : init_one(s, cg);

		if (err) {
			sched_error(s, "ops.cgroup_init() failed (%d)", err);
			return err;
		}
	}
	return 0;
}

/* Children before parents: the list holds parents first. */
static void exit_from(struct sched *s, struct sim_cgroup *cg)
{
	if (!cg)
		return;
	exit_from(s, cg->next);
	exit_one(s, cg);
}

void cgroup_exit_all(struct sched *s)
{
	exit_from(s, s->m->cgroups);
}

/* -- Changes ------------------------------------------------------------------------------ */

void cgroup_attach(struct core_task *t, struct sim_cgroup *cg)
{
	if (t->cgroup)
		t->cgroup->n_tasks--;
	t->cgroup = cg;
	if (!cg)
		return;
	cg->n_tasks++;
	ts_of(t)->cgroups = &cg->css;
}

static int new_locked(struct machine *m, struct sim_cgroup *parent, const char *name,
		      struct sim_cgroup **out)
{
	struct sim_cgroup *cg;
	int err = 0;

	UA_FAIL_IF(!*name || strchr(name, '/') || parent->removed, -EINVAL);
	UA_FAIL_IF(child(m, parent, name, strlen(name)), -EEXIST);
	cg = cgroup_alloc(m, parent, name);
	UA_FAIL_IF(!cg, -ENOMEM);
	append(m, cg);
	parent->n_children++;
	if (m->sched && m->sched->live)
		err = init_one(m->sched, cg);
	if (err) {
		cg->removed = true;
		parent->n_children--;
		return err;
	}
	*out = cg;
	return 0;
}

int machine_cgroup_new(struct machine *m, struct sim_cgroup *parent, const char *name,
		       struct sim_cgroup **out)
{
	int err;

	machine_enter(m, NULL);
	err = new_locked(m, parent, name, out);
	machine_leave(m);
	return err;
}

int machine_cgroup_remove(struct machine *m, struct sim_cgroup *cg)
{
	UA_FAIL_IF(!cg->parent || cg->removed, -EINVAL);
	UA_FAIL_IF(cg->n_tasks || cg->n_children, -EBUSY);
	machine_enter(m, NULL);
	if (m->sched)
		exit_one(m->sched, cg);
	cg->removed = true;
	cg->parent->n_children--;
	machine_leave(m);
	return 0;
}

int machine_cgroup_set_weight(struct machine *m, struct sim_cgroup *cg, uint32_t weight)
{
	UA_FAIL_IF(weight < 1 || weight > 10000 || !cg->parent, -EINVAL);
	machine_enter(m, NULL);
	if (cg->tg.scx.weight != weight && m->sched && m->sched->live &&
	    m->sched->ops->cgroup_set_weight)
		OP_VOID(m->sched, OP_OTHER, NULL, cgroup_set_weight, &cg->cg, weight);
	cg->tg.scx.weight = weight;
	machine_leave(m);
	return 0;
}

int machine_cgroup_set_bandwidth(struct machine *m, struct sim_cgroup *cg, uint64_t period_us,
				 uint64_t quota_us, uint64_t burst_us)
{
	UA_FAIL_IF(!period_us || !cg->parent, -EINVAL);
	machine_enter(m, NULL);
	if (m->sched && m->sched->live && m->sched->ops->cgroup_set_bandwidth)
		OP_VOID(m->sched, OP_OTHER, NULL, cgroup_set_bandwidth, &cg->cg, period_us,
			quota_us, burst_us);
	cg->tg.scx.bw_period_us = period_us;
	cg->tg.scx.bw_quota_us = quota_us;
	cg->tg.scx.bw_burst_us = burst_us;
	machine_leave(m);
	return 0;
}

static int move_locked(struct core_task *t, struct sim_cgroup *to)
{
	struct sched *s = t->m->sched;
	struct sim_cgroup *from = t->cgroup;
	struct task_change ch;
	int err = 0;

	if (s && s->live && s->ops->cgroup_prep_move)
		err = sched_check_errno(s, "cgroup_prep_move",
					OP_RET(s, OP_OTHER, NULL, NULL, cgroup_prep_move, ts_of(t),
					       &from->cg, &to->cg));
	if (err)
		return err;
	ch = task_change_begin(t, SCX_DEQ_SCHED_CHANGE);
	cgroup_attach(t, to);
	if (s && s->live && s->ops->cgroup_move)
		OP_TASK(s, cpu_of(t), cgroup_move, ts_of(t), &from->cg, &to->cg);
	task_change_end(t, ch, 0);
	return 0;
}

int machine_cgroup_move(struct machine *m, struct sim_task *st, struct sim_cgroup *to)
{
	struct core_task *t = core_of(st);
	int err;

	UA_FAIL_IF(to->removed, -EINVAL);
	if (t->cgroup == to)
		return 0;
	machine_enter(m, cpu_of(t));
	err = move_locked(t, to);
	machine_leave(m);
	return err;
}
