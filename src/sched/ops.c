/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two forms of operations as struct_ops types, and calling them.
 *
 * Both have one layout up to the name, so that the core knows one struct; what differs is how
 * CPUs are counted and what an affinity mask is.
 */
#include "sched/core.h"

#include <ctype.h>

#include "arena/arena.h"
#include "arena/pool.h"
#include "prog/struct_ops.h"
#include "sched/cmask.h"

#define SAME_PLACE(a, b)                                                                           \
	_Static_assert(offsetof(struct sched_ext_ops, a) == offsetof(struct sched_ext_ops_cid, b), \
		       "the forms share their layout")
SAME_PLACE(select_cpu, select_cid);
SAME_PLACE(set_cpumask, set_cmask);
SAME_PLACE(enable, enable); /* which gets something more in cid form */
SAME_PLACE(dump_cpu, dump_cid);
SAME_PLACE(cgroup_init, cpuctl_init);
SAME_PLACE(cpu_offline, cid_offline);
SAME_PLACE(dispatch_max_batch, dispatch_max_batch);
SAME_PLACE(name, name);

/* -- What objects may set ----------------------------------------------------------------- */

static const char *const sleepable_members[] = {
	"init_task",
	"cgroup_init",
	"cgroup_exit",
	"cgroup_prep_move",
	"cgroup_set_bandwidth",
	"cpuctl_init",
	"cpuctl_exit",
	"cpuctl_prep_move",
	"cpuctl_set_bandwidth",
	"sub_attach",
	"sub_detach",
	"cpu_online",
	"cpu_offline",
	"cid_online",
	"cid_offline",
	"init_cids",
	"init",
	"exit",
};

static int check_member(void *arg, const char *member, const struct prog *prog)
{
	if (!prog->sleepable)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(sleepable_members); i++)
		if (!strcmp(sleepable_members[i], member))
			return 0;
	return -EINVAL;
}

static int check_name(const char *name)
{
	size_t n = strnlen(name, SCX_OPS_NAME_LEN);

	if (!n || n == SCX_OPS_NAME_LEN) {
		log_warn("uarena: sched_ext: the scheduler has no name, or one of more than %d "
			 "characters: set .name\n",
			 SCX_OPS_NAME_LEN - 1);
		return -EINVAL;
	}
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)name[i]) && name[i] != '_' && name[i] != '.') {
			log_warn("uarena: sched_ext: name \"%s\": only letters, digits, _ and . "
				 "are allowed\n",
				 name);
			return -EINVAL;
		}
	return 0;
}

/* Tasks run on behalf of sub-schedulers that hold too little: nothing to do here, where there are
 * none, but what is out of range is refused. */
static int init_rescue(struct sched_ext_ops *ops, const struct sched_ext_ops *u)
{
	UA_FAIL_IF(u->rescue_bandwidth_ppt > SCX_RESCUE_MAX_BW_PPT &&
			   u->rescue_bandwidth_ppt != SCX_RESCUE_DISABLE,
		   -E2BIG);
	UA_FAIL_IF(u->rescue_quantum_us > SCX_RESCUE_MAX_QUANTUM_US, -E2BIG);
	UA_FAIL_IF(u->rescue_quantum_us && u->rescue_quantum_us < SCX_RESCUE_MIN_QUANTUM_US,
		   -EINVAL);
	ops->rescue_bandwidth_ppt = u->rescue_bandwidth_ppt;
	ops->rescue_quantum_us = u->rescue_quantum_us;
	return 0;
}

/* The data members: 1 when done, as struct struct_ops_desc says. */
static int init_member(void *arg, const char *member, void *ops_, const void *udata_)
{
	const struct sched_ext_ops *u = udata_;
	struct sched_ext_ops *ops = ops_;

	if (!strcmp(member, "dispatch_max_batch")) {
		UA_FAIL_IF(u->dispatch_max_batch > INT32_MAX, -E2BIG);
		ops->dispatch_max_batch =
			u->dispatch_max_batch ? u->dispatch_max_batch : SCX_DSP_DFL_MAX_BATCH;
	} else if (!strcmp(member, "flags")) {
		UA_FAIL_IF(u->flags & ~(u64)SCX_OPS_ALL_FLAGS, -EINVAL);
		ops->flags = u->flags;
	} else if (!strcmp(member, "name")) {
		UA_TRY(check_name(u->name));
		memcpy(ops->name, u->name, sizeof(ops->name));
	} else if (!strcmp(member, "timeout_ms")) {
		UA_FAIL_IF(u->timeout_ms > SCX_WATCHDOG_MAX_TIMEOUT, -E2BIG);
		ops->timeout_ms = u->timeout_ms ? u->timeout_ms : SCX_WATCHDOG_MAX_TIMEOUT;
	} else if (!strcmp(member, "exit_dump_len")) {
		ops->exit_dump_len = u->exit_dump_len ? u->exit_dump_len : SCX_EXIT_DUMP_DFL_LEN;
	} else if (!strcmp(member, "hotplug_seq")) {
		ops->hotplug_seq = u->hotplug_seq;
	} else if (!strcmp(member, "cid_shard_size")) {
		ops->cid_shard_size = u->cid_shard_size;
	} else if (!strncmp(member, "rescue_", 7)) {
		UA_TRY(init_rescue(ops, u));
	} else if (!strcmp(member, "sub_cgroup_id")) {
		ops->sub_cgroup_id = u->sub_cgroup_id;
	} else {
		return 0;
	}
	return 1;
}

/* -- Registration ------------------------------------------------------------------------- */

static int attach(struct engine *e, struct sched_ext_ops *ops, struct struct_ops_value *value,
		  bool cid_form)
{
	if (e->machine)
		return sched_enable(e->machine, ops, value, cid_form);
	log_warn("uarena: sched_ext: no machine to schedule on: use `uarena sched run`, or bind "
		 "one to the engine\n");
	return -EOPNOTSUPP;
}

static int reg_cpu(void *arg, void *ops, struct struct_ops_value *value)
{
	return attach(arg, ops, value, false);
}

static int reg_cid(void *arg, void *ops, struct struct_ops_value *value)
{
	return attach(arg, ops, value, true);
}

static void unreg(void *arg, void *ops, struct struct_ops_value *value)
{
	struct engine *e = arg;

	if (e->machine)
		sched_unregister(e->machine, ops);
}

int sched_register_types(struct engine *e)
{
	static const struct struct_ops_mark cpu_marks[] = {
		{"dispatch", 1, MEMBER_ARG_NULLABLE},
		{"yield", 1, MEMBER_ARG_NULLABLE},
	};
	static const struct struct_ops_mark cid_marks[] = {
		{"dispatch", 1, MEMBER_ARG_NULLABLE},
		{"yield", 1, MEMBER_ARG_NULLABLE},
		{"set_cmask", 1, MEMBER_ARG_ARENA},
		{"sub_caps_updated", 0, MEMBER_ARG_ARENA},
	};
	struct struct_ops_desc desc = {
		.name = "sched_ext_ops",
		.marks = cpu_marks,
		.n_marks = ARRAY_SIZE(cpu_marks),
		.atomic = true,
		.arg = e,
		.check_member = check_member,
		.init_member = init_member,
		.reg = reg_cpu,
		.unreg = unreg,
	};

	UA_TRY(struct_ops_register(e, &desc, NULL));
	desc.name = "sched_ext_ops_cid";
	desc.marks = cid_marks;
	desc.n_marks = ARRAY_SIZE(cid_marks);
	desc.reg = reg_cid;
	return struct_ops_register(e, &desc, NULL);
}

/* -- Callbacks ---------------------------------------------------------------------------- */

void op_push(struct op_frame *f, struct sched *s, enum op_place kind, const char *name,
	     struct cpu *cpu, struct core_task *task)
{
	struct machine *m = s->m;

	*f = (struct op_frame){kind, name, cpu, task, m->op, {task ? ts_of(task) : NULL}};
	m->op = f;
}

/* A program that was stopped half-way leaves its iterators behind. */
void op_pop(struct op_frame *f, struct sched *s)
{
	struct machine *m = s->m;

	while (m->iters && m->iters->frame == f)
		dsq_iter_free(m, m->iters);
	m->op = f->prev;
}

bool op_subject_ok(struct sched *s, const struct task_struct *ts)
{
	const struct op_frame *op = s->m->op;

	if (op && (op->subjects[0] == ts || op->subjects[1] == ts))
		return true;
	sched_error(s, "called on a task not being operated on");
	return false;
}

int32_t sched_cpu_arg(const struct sched *s, const struct cpu *c)
{
	return s->cid_form ? s->m->topo.cpus[c->nr].cid : c->nr;
}

struct cpu *sched_cpu(const struct sched *s, int64_t nr)
{
	struct machine *m = s->m;

	if (nr < 0 || nr >= m->n_cpus)
		return NULL;
	return &m->cpus[s->cid_form ? m->topo.cids[nr].cpu : nr];
}

/* Negative numbers are no cids: they are refused as CPUs, as Linux does. */
struct cpu *sched_cpu_given(struct sched *s, int32_t nr, const char *where)
{
	struct cpu *c = sched_cpu(s, nr);

	if (c)
		return c;
	if (s->cid_form && nr >= 0)
		sched_error(s, "invalid cid %d", nr);
	else
		sched_error(s, "invalid CPU %d%s%s", nr, *where ? " " : "", where);
	return NULL;
}

int sched_check_errno(struct sched *s, const char *op, int err)
{
	if (err <= 0 && err >= -4095)
		return err;
	sched_error(s, "ops.%s() returned an invalid errno %d", op, err);
	return -EPROTO;
}

/* -- Masks in the arena ------------------------------------------------------------------- */

struct mask_write {
	const struct machine *m;
	struct scx_cmask *mask;
	const struct cpumask *cpus;
	const struct cpu *cpu; /* just this one, if given: its bit becomes `on` */
	bool on;
};

static void write_bit(const struct mask_write *w, uint32_t cpu, bool on)
{
	uint32_t cid = (uint32_t)w->m->topo.cpus[cpu].cid;
	uint64_t bit = 1ull << (cid % 64);

	if (on)
		w->mask->bits[cid / 64] |= bit;
	else
		w->mask->bits[cid / 64] &= ~bit;
}

/* Straight into the arena: whatever programs did to the page, a stray write recovers. */
static void write_mask(void *arg)
{
	const struct mask_write *w = arg;

	if (w->cpu) {
		write_bit(w, (uint32_t)w->cpu->nr, w->on);
		return;
	}
	cmask_init(w->mask, 0, w->m->n_cpus, cmask_words(w->m->n_cpus));
	for (uint32_t nr = 0; (nr = mask_next(w->m, w->cpus, NULL, nr)) < w->m->n_cpus; nr++)
		write_bit(w, nr, true);
}

static int put_mask(struct sched *s, struct mask_write w)
{
	w.m = s->m;
	return prog_host_run(s->mask_prog, write_mask, &w);
}

/* The affinity of t as a mask in the arena, good until the next one; NULL: could not. */
static struct scx_cmask *give_mask(struct sched *s, struct core_task *t)
{
	struct scx_cmask *mask = s->cmasks[s->m->here->nr];

	return put_mask(s, (struct mask_write){.mask = mask, .cpus = &ts_of(t)->cpus_mask}) ? NULL
											    : mask;
}

void sched_mark_online(struct sched *s, const struct cpu *c, bool online)
{
	if (s->online_cmask)
		put_mask(s, (struct mask_write){.mask = s->online_cmask, .cpu = c, .on = online});
}

/* The scheduler's allocator over its arena; in it a mask for each CPU that can exist, to hand
 * out tasks' affinity, and one of the CPUs that are online. */
int sched_make_masks(struct sched *s)
{
	uint32_t n = s->m->n_cpus;

	if (!s->cid_form)
		return 0;
	UA_TRY(pool_new(s->arena, 0, &s->pool));
	s->cmasks = mem_calloc(n, sizeof(struct scx_cmask *));
	UA_FAIL_IF(!s->cmasks, -ENOMEM);
	for (uint32_t i = 0; i < n; i++) {
		s->cmasks[i] = pool_alloc(s->pool, cmask_bytes(n), true);
		UA_FAIL_IF(!s->cmasks[i], -ENOMEM);
	}
	s->online_cmask = pool_alloc(s->pool, cmask_bytes(n), true);
	UA_FAIL_IF(!s->online_cmask, -ENOMEM);
	return put_mask(s, (struct mask_write){.mask = s->online_cmask, .cpus = &s->m->online});
}

/* -- Tasks and their affinity ------------------------------------------------------------- */

/* The address as programs know it: a struct member has no conversion, unlike an argument. */
static void enable_cid(struct sched *s, struct core_task *t)
{
	const struct sched_ext_ops_cid *ops = (const struct sched_ext_ops_cid *)s->ops;
	struct scx_cmask *mask = give_mask(s, t);
	struct scx_enable_args args = {0};
	struct op_frame frame;

	if (!mask)
		return;
	args.cmask_arena_addr = (uint64_t)((uint8_t *)mask - arena_window_base(s->arena));
	op_push(&frame, s, OP_OTHER, "enable", cpu_of(t), NULL);
	frame.subjects[0] = ts_of(t);
	ops->enable(ts_of(t), &args);
	op_pop(&frame, s);
}

void sched_call_enable(struct sched *s, struct core_task *t)
{
	if (s->ops->enable && s->cid_form)
		enable_cid(s, t);
	else if (s->ops->enable)
		OP_TASK(s, cpu_of(t), enable, ts_of(t));
	if (s->cid_form)
		sched_call_set_mask(s, t);
}

static void set_cmask(struct sched *s, struct core_task *t)
{
	struct scx_cmask *mask = give_mask(s, t);

	if (mask)
		OP_TASK(s, cpu_of(t), set_cpumask, ts_of(t), (const struct cpumask *)mask);
}

void sched_call_set_mask(struct sched *s, struct core_task *t)
{
	if (!s->live || !s->ops->set_cpumask)
		return;
	if (s->cid_form)
		set_cmask(s, t);
	else
		OP_TASK(s, cpu_of(t), set_cpumask, ts_of(t), &ts_of(t)->cpus_mask);
}
