/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of the scheduler under test: enabling, bypass, watchdog, disabling.
 *
 * Attaching succeeds once the scheduler is known to the machine; what fails later ends it and
 * is told to ops.exit(), as in the kernel. An end that is asked for inside a callback happens
 * in machine_leave().
 */
#include "sched/core.h"

#include "arena/pool.h"
#include "prog/struct_ops.h"
#include "sched/cmask.h"

/* -- Its end, asked for ------------------------------------------------------------------- */

void sched_exit(struct sched *s, enum scx_exit_kind kind, int64_t code, const char *fmt, ...)
{
	struct machine *m = s->m;
	va_list args;

	if (m->exit.kind != SCX_EXIT_NONE)
		return;
	m->exit.kind = kind;
	m->exit.code = code;
	m->exit.cpu = kind == SCX_EXIT_ERROR_STALL ? m->exit.cpu : m->here->nr;
	va_start(args, fmt);
	vsnprintf(m->exit.msg, sizeof(m->exit.msg), fmt, args);
	va_end(args);
	m->disable_pending = true;
}

static void exit_reset(struct machine *m)
{
	mem_free(m->exit.dump);
	memset(&m->exit, 0, sizeof(m->exit));
}

/* -- Tasks -------------------------------------------------------------------------------- */

bool sched_wants(const struct sched *s, const struct core_task *t)
{
	return s->state != SCHED_DISABLING && (s->switch_all || t->ext_policy);
}

int sched_init_task(struct sched *s, struct core_task *t, bool fork)
{
	struct scx_init_task_args args = {.fork = fork, .cgroup = &t->cgroup->cg};
	struct task_struct *ts = ts_of(t);
	int err = 0;

	ts->scx.disallow = false;
	t->scx_state = SCX_TASK_INIT;
	t->reset_runnable_at = true;
	if (s->ops->init_task)
		err = OP_RET(s, OP_OTHER, NULL, NULL, init_task, ts, &args);
	err = sched_check_errno(s, "init_task", err);
	if (err) {
		t->scx_state = SCX_TASK_NONE;
		return err;
	}
	t->scx_state = SCX_TASK_READY;
	if (!ts->scx.disallow)
		return 0;
	if (fork)
		sched_error(s, "ops.init_task() set task->scx.disallow for %s[%d] during fork",
			    ts->comm, ts->pid);
	else if (t->ext_policy) {
		t->ext_policy = false;
		ts->policy = 0;
		s->m->nr_rejected++;
	}
	return 0;
}

void sched_enable_task(struct sched *s, struct core_task *t)
{
	struct task_struct *ts = ts_of(t);

	task_set_weight(t);
	t->scx_state = SCX_TASK_ENABLED;
	sched_call_enable(s, t);
	if (s->ops->set_weight)
		OP_TASK(s, cpu_of(t), set_weight, ts, ts->scx.weight);
}

void sched_switch_in(struct sched *s, struct core_task *t)
{
	sched_enable_task(s, t);
	if (!s->cid_form)
		sched_call_set_mask(s, t);
}

void sched_disable_task(struct sched *s, struct core_task *t)
{
	if (t->scx_state != SCX_TASK_ENABLED)
		return;
	if (s->ops->disable)
		OP_TASK(s, cpu_of(t), disable, ts_of(t));
	t->scx_state = SCX_TASK_READY;
}

void sched_exit_task(struct sched *s, struct core_task *t)
{
	struct scx_exit_task_args args = {.cancelled = t->scx_state == SCX_TASK_INIT};

	if (t->scx_state == SCX_TASK_NONE)
		return;
	sched_disable_task(s, t);
	if (s->ops->exit_task)
		OP_TASK(s, cpu_of(t), exit_task, ts_of(t), &args);
	t->scx_state = SCX_TASK_NONE;
}

/* -- Bypass ------------------------------------------------------------------------------- */

/* Waiting tasks leave the scheduler's queues for the bypass queues, or the other way. */
static void requeue_all(struct machine *m)
{
	for (struct core_task *t = m->all_first; t; t = t->all_next)
		if (t->ext && t->queued && t->t.state == TASK_QUEUED)
			task_change_end(t, task_change_begin(t, SCX_DEQ_SCHED_CHANGE), 0);
	for (uint32_t i = 0; i < m->n_cpus; i++)
		if (m->cpus[i].online)
			pick_resched(&m->cpus[i]);
}

void sched_bypass(struct machine *m, bool on)
{
	if (on && !m->bypass++) {
		m->bypass_since = m->now;
		if (m->sched)
			m->sched->events.SCX_EV_BYPASS_ACTIVATE++;
		requeue_all(m);
	} else if (!on && !--m->bypass) {
		if (m->sched)
			m->sched->events.SCX_EV_BYPASS_DURATION += (s64)(m->now - m->bypass_since);
		requeue_all(m);
	}
}

/* -- Watchdog ----------------------------------------------------------------------------- */

static bool stalled(struct sched *s, struct cpu *c)
{
	struct machine *m = s->m;

	for (struct core_task *t = c->runnable_first; t; t = t->runnable_next) {
		uint64_t late = m->now - t->runnable_at;

		if (m->now <= t->runnable_at + s->timeout_ns)
			continue;
		m->exit.cpu = c->nr;
		sched_exit(s, SCX_EXIT_ERROR_STALL, 0, "%s[%d] failed to run for %u.%03us",
			   ts_of(t)->comm, ts_of(t)->pid, (unsigned int)(late / 1000000000u),
			   (unsigned int)(late / 1000000u % 1000));
		return true;
	}
	return false;
}

static void watchdog(void *owner, uint64_t gen)
{
	struct machine *m = owner;
	struct sched *s = m->sched;

	if (!s || s->watchdog_gen != gen || s->state != SCHED_ENABLED)
		return;
	for (uint32_t i = 0; i < m->n_cpus; i++)
		if (stalled(s, &m->cpus[i]))
			return;
	machine_event(m, m->now + s->timeout_ns / 2, watchdog, m, gen);
}

/* -- Making one --------------------------------------------------------------------------- */

struct arena_search {
	struct arena *arena;
	bool several;
	struct prog *mask_prog; /* that of set_cmask, if there is one */
};

static int see_prog(struct prog *prog, const char *member, void *arg)
{
	struct arena_search *f = arg;

	if (prog->arena) {
		f->several |= f->arena && f->arena != prog->arena;
		f->arena = prog->arena;
	}
	if (prog->arena && (!f->mask_prog || !strcmp(member, "set_cmask")))
		f->mask_prog = prog;
	return 0;
}

static int find_arena(struct sched *s)
{
	struct arena_search f = {NULL};

	struct_ops_for_each_prog(s->value, see_prog, &f);
	s->arena = f.arena;
	s->mask_prog = f.mask_prog;
	if (!s->cid_form)
		return 0;
	if (f.several)
		log_warn("sched_ext: cid-form scheduler uses multiple arena maps\n");
	else if (!f.arena)
		log_warn("sched_ext: cid-form scheduler must use a BPF arena map\n");
	return f.several || !f.arena ? -EINVAL : 0;
}

static void sched_free(struct sched *s)
{
	if (!s)
		return;
	dsq_free_all(s);
	if (s->pool)
		pool_free_all(s->pool, false);
	mem_free(s->cmasks);
	mem_free(s->global);
	mem_free(s->buf);
	mem_free(s);
}

static int sched_fill(struct sched *s)
{
	struct sched_ext_ops *ops = s->ops;
	struct machine *m = s->m;

	memcpy(s->name, ops->name, sizeof(s->name));
	s->flags = ops->flags;
	s->timeout_ns = ops->timeout_ms * NSEC_PER_MSEC;
	s->batch = ops->dispatch_max_batch;
	s->switch_all = !(s->flags & SCX_OPS_SWITCH_PARTIAL);
	s->builtin_idle = !ops->update_idle || s->flags & SCX_OPS_KEEP_BUILTIN_IDLE;
	s->idle_per_node = s->flags & SCX_OPS_BUILTIN_IDLE_PER_NODE;
	s->buf = mem_calloc(s->batch, sizeof(*s->buf));
	s->global = mem_calloc(m->topo.nodes, sizeof(*s->global));
	UA_FAIL_IF(!s->buf || !s->global, -ENOMEM);
	for (uint32_t i = 0; i < m->topo.nodes; i++)
		dsq_init(&s->global[i], SCX_DSQ_GLOBAL, NULL);
	if (ops->sub_cgroup_id > 1) {
		log_warn("sched_ext: %s: sub-schedulers are not simulated\n", s->name);
		return -EOPNOTSUPP;
	}
	return find_arena(s);
}

static int sched_new(struct machine *m, struct sched_ext_ops *ops, struct struct_ops_value *value,
		     bool cid_form, struct sched **out)
{
	struct sched *s = mem_zalloc(sizeof(*s));
	int err;

	UA_FAIL_IF(!s, -ENOMEM);
	s->m = m;
	s->ops = ops;
	s->value = value;
	s->cid_form = cid_form;
	err = sched_fill(s);
	if (err) {
		sched_free(s);
		return err;
	}
	*out = s;
	return 0;
}

/* -- Enabling ----------------------------------------------------------------------------- */

static int validate(struct sched *s)
{
	if (s->flags & SCX_OPS_ENQ_LAST && !s->ops->enqueue) {
		sched_error(s, "SCX_OPS_ENQ_LAST requires ops.enqueue() to be implemented");
		return -EINVAL;
	}
	if (s->idle_per_node && !s->builtin_idle) {
		sched_error(s, "SCX_OPS_BUILTIN_IDLE_PER_NODE requires CPU idle selection enabled");
		return -EINVAL;
	}
	if (!s->cid_form && (s->ops->sub_attach || s->ops->sub_detach)) {
		sched_error(s, "sub_attach/sub_detach requires cid-form struct_ops");
		return -EINVAL;
	}
	return 0;
}

static int call_init_cids(struct sched *s)
{
	int err = 0;

	if (s->cid_form && s->ops->init_cids)
		err = sched_check_errno(s, "init_cids", OP_RET(s, OP_INIT, NULL, NULL, init_cids));
	if (err)
		sched_error(s, "ops.init_cids() failed (%d)", err);
	return err;
}

static int call_init(struct sched *s)
{
	int err = 0;

	if (s->ops->init)
		err = sched_check_errno(s, "init", OP_RET(s, OP_INIT, NULL, NULL, init));
	if (err)
		sched_error(s, "ops.init() failed (%d)", err);
	s->initialized = !err;
	return err;
}

static int init_tasks(struct sched *s)
{
	for (struct core_task *t = s->m->all_first; t; t = t->all_next) {
		int err = t->exiting ? 0 : sched_init_task(s, t, false);

		if (err) {
			sched_error(s, "ops.init_task() failed (%d) for %s[%d]", err,
				    ts_of(t)->comm, ts_of(t)->pid);
			return err;
		}
	}
	return 0;
}

static void switch_classes(struct sched *s)
{
	for (struct core_task *t = s->m->all_first; t; t = t->all_next) {
		struct task_change ch;

		if (t->exiting || !sched_wants(s, t))
			continue;
		ch = task_change_begin(t, SCX_DEQ_SCHED_CHANGE);
		t->ext = true;
		sched_switch_in(s, t);
		task_change_end(t, ch, 0);
	}
}

static int prepare(struct sched *s)
{
	struct machine *m = s->m;

	topo_number(&m->topo, s->ops->cid_shard_size);
	UA_TRY(call_init_cids(s));
	UA_TRY(sched_make_masks(s));
	UA_TRY(call_init(s));
	if (s->ops->hotplug_seq && s->ops->hotplug_seq != m->hotplug_seq) {
		sched_exit(s, SCX_EXIT_UNREG_KERN, SCX_ECODE_ACT_RESTART | SCX_ECODE_RSN_HOTPLUG,
			   "expected hotplug seq %llu did not match actual %llu",
			   (unsigned long long)s->ops->hotplug_seq,
			   (unsigned long long)m->hotplug_seq);
		return -EBUSY;
	}
	return validate(s);
}

static int take_over(struct sched *s)
{
	struct machine *m = s->m;
	int err;

	idle_reset(m);
	sched_bypass(m, true);
	s->live = true;
	err = cgroup_init_all(s);
	if (!err)
		err = init_tasks(s);
	if (!err) {
		s->state = SCHED_ENABLED;
		m->enable_seq++;
		switch_classes(s);
	}
	/* On a real machine every CPU soon runs something short and goes idle again. */
	for (uint32_t i = 0; i < m->n_cpus; i++)
		m->cpus[i].idle_untold = !err;
	sched_bypass(m, false);
	return err;
}

static void say(struct machine *m, bool enabled)
{
	machine_notify(m, &(struct machine_event){
				  .kind = MACHINE_SCHED,
				  .at = m->now,
				  .value = enabled,
				  .text = m->last_name,
			  });
}

static void enable(struct sched *s)
{
	struct machine *m = s->m;
	int err = prepare(s);

	if (!err)
		err = take_over(s);
	if (err) {
		sched_error(s, "scx_root_enable() failed (%d)", err);
		return;
	}
	log_info("sched_ext: BPF scheduler \"%s\" enabled\n", s->name);
	say(m, true);
	s->watchdog_gen = m->enable_seq;
	machine_event(m, m->now + s->timeout_ns / 2, watchdog, m, s->watchdog_gen);
}

int sched_enable(struct machine *m, struct sched_ext_ops *ops, struct struct_ops_value *value,
		 bool cid_form)
{
	struct sched *s;
	int err = 0;

	machine_enter(m, NULL);
	if (m->sched)
		err = -EBUSY;
	else
		err = sched_new(m, ops, value, cid_form, &s);
	if (!err) {
		exit_reset(m);
		memcpy(m->last_name, s->name, sizeof(m->last_name));
		m->last_state = MACHINE_SCHED_NONE;
		m->sched = s;
		enable(s);
	}
	machine_leave(m);
	return err;
}

void machine_sched_pool(const struct machine *m, size_t *bytes, size_t *pages)
{
	*bytes = *pages = 0;
	if (m->sched && m->sched->pool)
		pool_usage(m->sched->pool, bytes, pages);
}

/* -- Disabling ---------------------------------------------------------------------------- */

static void give_back_tasks(struct sched *s)
{
	for (struct core_task *t = s->m->all_first; t; t = t->all_next) {
		struct task_change ch = {0};

		if (t->ext)
			ch = task_change_begin(t, SCX_DEQ_SCHED_CHANGE);
		sched_exit_task(s, t);
		if (!t->ext)
			continue;
		t->ext = false;
		task_change_end(t, ch, 0);
	}
}

static void call_exit(struct sched *s)
{
	struct machine *m = s->m;
	unsigned long bt[SCX_EXIT_BT_LEN] = {0};
	struct scx_exit_info ei = {
		.kind = m->exit.kind,
		.exit_cpu = m->exit.cpu,
		.exit_code = m->exit.code,
		.flags = s->initialized ? SCX_EFLAG_INITIALIZED : 0,
		.reason = exit_reason(m->exit.kind),
		.bt = bt,
		.msg = m->exit.msg,
		.dump = m->exit.dump ? m->exit.dump : (char *)"",
	};

	if (s->ops->exit)
		OP_VOID(s, OP_OTHER, NULL, exit, &ei);
}

static void disable(struct sched *s)
{
	struct machine *m = s->m;

	if (m->exit.kind >= SCX_EXIT_ERROR)
		m->exit.dump = exit_dump(s);
	s->state = SCHED_DISABLING;
	sched_bypass(m, true);
	give_back_tasks(s);
	cgroup_exit_all(s);
	s->live = false;
	sched_bypass(m, false);
	call_exit(s);
	s->state = SCHED_DISABLED;
	log_info("sched_ext: BPF scheduler \"%s\" disabled (%s)\n", s->name,
		 exit_reason(m->exit.kind));
	if (m->exit.msg[0])
		log_info("sched_ext: %s: %s\n", s->name, m->exit.msg);
	say(m, false);
}

void sched_disable_pending(struct machine *m)
{
	struct sched *s = m->sched;

	m->disable_pending = false;
	if (!s)
		return;
	disable(s);
	m->last_events = s->events;
	m->last_state = MACHINE_SCHED_EXITED;
	m->sched = NULL;
	for (uint32_t i = 0; i < m->n_cpus; i++)
		m->cpus[i].released = m->cpus[i].reenq_local = m->cpus[i].reenq_immed = false;
	sched_free(s);
}

void sched_unregister(struct machine *m, struct sched_ext_ops *ops)
{
	machine_enter(m, NULL);
	if (m->sched && m->sched->ops == ops)
		sched_exit(m->sched, SCX_EXIT_UNREG, 0, "%s", "");
	machine_leave(m);
}
