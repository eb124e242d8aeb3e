/* SPDX-License-Identifier: BSD-2-Clause */
/* Tasks: the tables they are in, birth and end. */
#include "sched/core.h"

/* Weights of nice levels, the kernel's table: one level is about 1.25. */
static const uint32_t nice_weights[40] = {
	88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916,
	9548,  7620,  6100,  4904,  3906,  3121,  2501,	 1991,	1586,  1277,
	1024,  820,   655,   526,   423,   335,	  272,	 215,	172,   137,
	110,   87,    70,    56,    45,	   36,	  29,	 23,	18,    15,
};

/* On cgroup's scale, where nice 0 is 100. */
void task_set_weight(struct core_task *t)
{
	uint32_t w = (nice_weights[t->nice + 20] * 100 + 512) / 1024;

	ts_of(t)->scx.weight = w < 1 ? 1 : w > 10000 ? 10000 : w;
}

/* -- Tables ------------------------------------------------------------------------------- */

struct core_task *task_find(struct machine *m, int32_t pid)
{
	struct core_task *t = m->by_pid[(uint32_t)pid % TASK_HASH];

	while (t && ts_of(t)->pid != pid)
		t = t->hash_next;
	return t;
}

struct core_task *task_find_tid(struct machine *m, uint64_t tid)
{
	struct core_task *t = m->by_tid[tid % TASK_HASH];

	while (t && ts_of(t)->scx.tid != tid)
		t = t->tid_next;
	return t;
}

static void table_add(struct machine *m, struct core_task *t)
{
	struct core_task **hash = &m->by_pid[(uint32_t)ts_of(t)->pid % TASK_HASH];

	struct core_task **tids = &m->by_tid[ts_of(t)->scx.tid % TASK_HASH];

	t->hash_next = *hash;
	*hash = t;
	t->tid_next = *tids;
	*tids = t;
	t->all_prev = m->all_last;
	*(m->all_last ? &m->all_last->all_next : &m->all_first) = t;
	m->all_last = t;
	m->n_tasks++;
}

static void table_remove(struct machine *m, struct core_task *t)
{
	struct core_task **at = &m->by_pid[(uint32_t)ts_of(t)->pid % TASK_HASH];

	while (*at != t)
		at = &(*at)->hash_next;
	*at = t->hash_next;
	for (at = &m->by_tid[ts_of(t)->scx.tid % TASK_HASH]; *at != t; at = &(*at)->tid_next)
		continue;
	*at = t->tid_next;
	*(t->all_prev ? &t->all_prev->all_next : &m->all_first) = t->all_next;
	*(t->all_next ? &t->all_next->all_prev : &m->all_last) = t->all_prev;
	m->n_tasks--;
}

static void task_free(struct task_object *obj)
{
	mem_free(container_of(obj, struct core_task, t.obj));
}

static void family_join(struct core_task *t, struct core_task *parent)
{
	struct task_struct *ts = ts_of(t);

	ts->parent = ts->real_parent = parent ? ts_of(parent) : &t->m->cpus[0].idle;
	t->sibling_prev = NULL;
	t->sibling_next = parent ? parent->children : NULL;
	if (t->sibling_next)
		t->sibling_next->sibling_prev = t;
	if (parent)
		parent->children = t;
}

/* Its children become the idle task's: programs follow these pointers. */
static void family_leave(struct core_task *t)
{
	struct core_task *next;

	for (struct core_task *child = t->children; child; child = next) {
		next = child->sibling_next;
		family_join(child, NULL);
	}
	t->children = NULL;
	if (t->sibling_next)
		t->sibling_next->sibling_prev = t->sibling_prev;
	if (t->sibling_prev)
		t->sibling_prev->sibling_next = t->sibling_next;
	else if (ts_of(t)->parent != &t->m->cpus[0].idle)
		core_of_ts(ts_of(t)->parent)->children = t->sibling_next;
}

/* Programs may hold it for longer, even than the machine: it points nowhere any more. */
void task_drop(struct core_task *t)
{
	struct task_struct *ts = ts_of(t);

	table_remove(t->m, t);
	family_leave(t);
	cgroup_attach(t, NULL);
	ts->parent = ts->real_parent = NULL;
	ts->cgroups = NULL;
	t->t.state = TASK_DEAD;
	task_put(ts_of(t));
}

/* -- Where it may run --------------------------------------------------------------------- */

bool task_may_run_on(const struct core_task *t, const struct cpu *c)
{
	return c->online && mask_test(&t->t.obj.ts.cpus_mask, (uint32_t)c->nr);
}

void task_set_cpu(struct core_task *t, struct cpu *c)
{
	struct task_struct *ts = ts_of(t);
	bool waits;

	if (t->t.cpu == c->nr)
		return;
	machine_notify(t->m, &(struct machine_event){
				     .kind = MACHINE_MIGRATE,
				     .at = t->m->now,
				     .cpu = c->nr,
				     .task = &t->t,
				     .value = t->t.cpu,
			     });
	if (t->queued) {
		cpu_of(t)->nr_running--;
		cpu_of(t)->rq.nr_running--;
		c->nr_running++;
		c->rq.nr_running++;
	}
	waits = t->on_runnable;
	if (waits)
		ext_clear_runnable(t, false);
	t->t.cpu = c->nr;
	if (waits)
		ext_set_runnable(c, t);
	ts->thread_info.cpu = (u32)c->nr;
	ts->wake_cpu = c->nr;
	ts->se.nr_migrations++;
}

bool task_set_mask(struct core_task *t, const uint64_t *cpus)
{
	struct task_struct *ts = ts_of(t);
	struct machine *m = t->m;
	struct cpumask mask = {{0}};

	for (uint32_t i = 0; i < m->n_cpus; i++)
		if (!cpus || cpus[i / 64] >> (i % 64) & 1)
			mask_set(&mask, i);
	if (mask_next(m, &mask, NULL, 0) == m->n_cpus)
		return false;
	memcpy(ts->cpus_mask.bits, mask.bits, mask_words(m) * sizeof(mask.bits[0]));
	ts->nr_cpus_allowed = (int)mask_weight(m, &ts->cpus_mask);
	return true;
}

/* -- Birth -------------------------------------------------------------------------------- */

static int32_t next_pid(struct machine *m)
{
	do
		m->last_pid = m->last_pid < 0x3fffffff ? m->last_pid + 1 : 1;
	while (task_find(m, m->last_pid));
	return m->last_pid;
}

/* Task ids come in chunks per CPU, as the kernel hands them out. */
static uint64_t next_tid(struct machine *m, struct cpu *c)
{
	if (c->tid_next == c->tid_end) {
		c->tid_next = m->last_tid + 1;
		c->tid_end = c->tid_next + 1024;
		m->last_tid = c->tid_end - 1;
	}
	return c->tid_next++;
}

static void fill_ts(struct core_task *t, const struct task_spec *spec)
{
	struct task_struct *ts = ts_of(t);
	struct machine *m = t->m;

	ts->pid = next_pid(m);
	ts->tgid = spec->tgid ? spec->tgid : ts->pid;
	ts->rcu_users.refs.counter = 1;
	snprintf(ts->comm, sizeof(ts->comm), "%s", spec->comm ? spec->comm : "task");
	ts->flags = spec->kthread ? TASK_FLAG_KTHREAD : 0;
	ts->prio = ts->static_prio = ts->normal_prio = 120 + t->nice;
	ts->policy = spec->ext_policy ? 7 : 0;
	ts->cpus_ptr = &ts->cpus_mask;
	ts->thread_info.cpu = (u32)t->t.cpu;
	ts->recent_used_cpu = ts->wake_cpu = t->t.cpu;
	ts->group_leader = ts;
	ts->start_time = ts->start_boottime = m->now;
	ts->scx.tid = next_tid(m, m->here);
	ts->scx.ddsp_dsq_id = SCX_DSQ_INVALID;
	ts->scx.sticky_cpu = ts->scx.holding_cpu = ts->scx.selected_cpu = -1;
	ts->scx.slice = SCX_SLICE_DFL;
	task_set_weight(t);
}

static int task_new(struct machine *m, const struct task_spec *spec, struct core_task *parent,
		    struct core_task **out)
{
	struct core_task *t;

	if (spec->nice < -20 || spec->nice > 19) {
		log_warn("uarena: machine: nice %d is not within -20..19\n", spec->nice);
		return -EINVAL;
	}
	t = mem_zalloc(sizeof(*t));
	UA_FAIL_IF(!t, -ENOMEM);
	t->m = m;
	t->t.obj.free = task_free;
	t->t.cpu = parent ? parent->t.cpu : m->here->nr;
	t->t.group = spec->group;
	t->t.actor = spec->actor;
	t->nice = spec->nice;
	t->ext_policy = spec->ext_policy;
	t->cookie = spec->cookie;
	m->core_sched |= spec->cookie != 0;
	t->is_new = true;
	fill_ts(t, spec);
	if (!task_set_mask(t, spec->cpus)) {
		log_warn("uarena: machine: task %s may run on no CPU\n", ts_of(t)->comm);
		mem_free(t);
		return -EINVAL;
	}
	cgroup_attach(t, spec->cgroup ? spec->cgroup : parent ? parent->cgroup : m->cgroups);
	family_join(t, parent);
	table_add(m, t);
	*out = t;
	return 0;
}

static int fork_locked(struct machine *m, const struct task_spec *spec, struct core_task *parent,
		       struct core_task **out)
{
	struct sched *s = m->sched;
	struct core_task *t;
	int err;

	UA_TRY(task_new(m, spec, parent, &t));
	if (s && s->live) {
		err = sched_init_task(s, t, true);
		if (err) {
			task_drop(t);
			return err;
		}
		if (sched_wants(s, t)) {
			t->ext = true;
			sched_enable_task(s, t);
		}
	}
	machine_notify(m, &(struct machine_event){
				  .kind = MACHINE_FORK,
				  .at = m->now,
				  .cpu = t->t.cpu,
				  .task = &t->t,
				  .other = parent ? &parent->t : NULL,
			  });
	*out = t;
	return 0;
}

int machine_fork(struct machine *m, const struct task_spec *spec, struct sim_task *parent,
		 struct sim_task **out)
{
	struct core_task *p = parent ? core_of(parent) : NULL, *t;
	int err;

	machine_enter(m, p ? cpu_of(p) : NULL);
	err = fork_locked(m, spec, p, &t);
	machine_leave(m);
	if (!err)
		*out = &t->t;
	return err;
}

/* -- End ---------------------------------------------------------------------------------- */

static void exit_locked(struct core_task *t)
{
	struct machine *m = t->m;

	t->exiting = true;
	ts_of(t)->flags |= TASK_FLAG_EXITING;
	if (t->queued)
		task_deactivate(t, SCX_DEQ_SLEEP);
	if (m->sched)
		sched_exit_task(m->sched, t);
	machine_notify(m, &(struct machine_event){
				  .kind = MACHINE_EXIT,
				  .at = m->now,
				  .cpu = t->t.cpu,
				  .task = &t->t,
			  });
	if (cpu_of(t)->curr == t)
		t->t.state = TASK_DEAD; /* dropped once its CPU has left it */
	else
		task_drop(t);
}

void machine_exit(struct machine *m, struct sim_task *st)
{
	struct core_task *t = core_of(st);

	machine_enter(m, cpu_of(t));
	exit_locked(t);
	machine_leave(m);
}
