/* SPDX-License-Identifier: BSD-2-Clause */
/* The public face of the simulated machine (sched/machine.h). */
#include <uarena.h>

#include "base/base.h"
#include "base/opts.h"
#include "kernel/handle.h"
#include "sched/core.h"

_Static_assert((int)UA_SCHED_ENABLED == MACHINE_SCHED_ENABLED &&
		       (int)UA_SCHED_EXITED == MACHINE_SCHED_EXITED,
	       "the public states are the machine's");

/* The public types are names for the machine's own. */
static struct machine *machine_of(const struct ua_machine *m)
{
	return (struct machine *)(uintptr_t)m;
}

static struct sim_task *task_of(const struct ua_task *t)
{
	return (struct sim_task *)(uintptr_t)t;
}

static struct machine *machine_of_task(const struct ua_task *t)
{
	return core_of(task_of(t))->m;
}

/* -- The machine -------------------------------------------------------------------------- */

static void nothing_next(void *arg, struct sim_task *t)
{
	machine_block(core_of(t)->m, t);
}

int ua_machine__new(const struct ua_machine_opts *opts, struct ua_machine **machine)
{
	struct machine_opts mo = {
		.topology = opts_get(opts, topology, NULL),
		.seed = opts_get(opts, seed, 0),
		.hz = opts_get(opts, hz, 0),
		.n_offline = opts_get(opts, n_offline, 0),
	};
	void (*next)(void *arg, struct ua_task *task) = opts_get(opts, next, NULL);
	struct machine_driver driver = {opts_get(opts, arg, NULL), nothing_next};
	struct machine *m;

	UA_FAIL_IF(!opts_valid(opts) || !machine, -EINVAL);
	UA_TRY(machine_new(&mo, &m));
	if (next)
		driver.burst_done = (void (*)(void *, struct sim_task *))(void *)next;
	machine_set_driver(m, &driver);
	*machine = (struct ua_machine *)m;
	return 0;
}

void ua_machine__free(struct ua_machine *machine)
{
	machine_free(machine_of(machine));
}

int ua_machine__bind(struct ua_machine *machine, struct ua_engine *engine)
{
	struct engine *e = engine ? kernel_engine(engine->kernel) : NULL;

	UA_FAIL_IF(!machine, -EINVAL);
	UA_FAIL_IF(engine && !e, -EOPNOTSUPP);
	return machine_bind(machine_of(machine), e);
}

uint32_t ua_machine__n_cpus(const struct ua_machine *machine)
{
	return machine_of(machine)->n_cpus;
}

uint64_t ua_machine__now(const struct ua_machine *machine)
{
	return machine_now(machine_of(machine));
}

uint64_t ua_machine__random(struct ua_machine *machine)
{
	return machine_random(machine_of(machine));
}

int ua_machine__run(struct ua_machine *machine, uint64_t until)
{
	return machine_run(machine_of(machine), until);
}

int ua_machine__set_online(struct ua_machine *machine, int cpu, bool online)
{
	return machine_set_online(machine_of(machine), cpu, online);
}

int ua_machine__attr(const struct ua_machine *machine, const char *name, char *text, size_t size)
{
	return machine_attr(machine_of(machine), name, text, size);
}

/* -- Events ------------------------------------------------------------------------------- */

static void call(void *owner, uint64_t gen)
{
	((void (*)(void *))(uintptr_t)gen)(owner);
}

int ua_machine__at(struct ua_machine *machine, uint64_t when, void (*fn)(void *arg), void *arg)
{
	UA_FAIL_IF(!fn, -EINVAL);
	return machine_at(machine_of(machine), when, call, arg, (uintptr_t)fn);
}

/* By pid, because the task may have gone by then. */
static void wake(void *owner, uint64_t pid)
{
	struct machine *m = owner;
	struct core_task *t = task_find(m, (int32_t)pid);

	if (t)
		machine_wake(m, &t->t, NULL, false);
}

int ua_machine__wake_at(struct ua_machine *machine, uint64_t when, struct ua_task *task)
{
	return machine_at(machine_of(machine), when, wake, machine, (uint64_t)ua_task__pid(task));
}

/* -- Tasks -------------------------------------------------------------------------------- */

int ua_machine__fork(struct ua_machine *machine, const struct ua_task_opts *opts,
		     struct ua_task *parent, struct ua_task **task)
{
	struct task_spec spec = {
		.comm = opts_get(opts, name, NULL),
		.nice = opts_get(opts, nice, 0),
		.cpus = opts_get(opts, cpus, NULL),
		.ext_policy = opts_get(opts, ext, false),
		.kthread = opts_get(opts, kthread, false),
		.cookie = opts_get(opts, cookie, 0),
		.actor = opts_get(opts, data, NULL),
	};
	struct sim_task *t;

	UA_FAIL_IF(!opts_valid(opts) || !task, -EINVAL);
	UA_TRY(machine_fork(machine_of(machine), &spec, task_of(parent), &t));
	t->burst = 1;
	*task = (struct ua_task *)t;
	return 0;
}

void ua_task__run(struct ua_task *task, uint64_t ns)
{
	task_of(task)->burst = ns ? ns : 1;
}

void ua_task__wake(struct ua_task *task, struct ua_task *waker, bool sync)
{
	machine_wake(machine_of_task(task), task_of(task), task_of(waker), sync);
}

void ua_task__block(struct ua_task *task)
{
	machine_block(machine_of_task(task), task_of(task));
}

void ua_task__yield(struct ua_task *task)
{
	machine_yield(machine_of_task(task), task_of(task));
}

void ua_task__exit(struct ua_task *task)
{
	machine_exit(machine_of_task(task), task_of(task));
}

int ua_task__set_affinity(struct ua_task *task, const uint64_t *cpus)
{
	return machine_set_affinity(machine_of_task(task), task_of(task), cpus);
}

int ua_task__set_nice(struct ua_task *task, int nice)
{
	return machine_set_nice(machine_of_task(task), task_of(task), nice);
}

uint64_t ua_task__runtime(const struct ua_task *task)
{
	return task_of(task)->runtime;
}

int ua_task__cpu(const struct ua_task *task)
{
	return task_of(task)->cpu;
}

int ua_task__pid(const struct ua_task *task)
{
	return task_of(task)->obj.ts.pid;
}

void *ua_task__data(const struct ua_task *task)
{
	return task_of(task)->actor;
}

/* -- The scheduler ------------------------------------------------------------------------ */

int ua_machine__sched(const struct ua_machine *machine, struct ua_sched_info *info)
{
	const struct machine *m = machine_of(machine);
	const struct machine_exit *exit = machine_sched_exit(m);
	struct ua_sched_info full = {
		.state = (enum ua_sched_state)machine_sched_state(m),
		.name = machine_sched_name(m),
		.kind = (int)exit->kind,
		.cpu = exit->cpu,
		.code = exit->code,
		.reason = exit->reason,
		.msg = exit->msg,
		.dump = exit->dump,
	};

	UA_FAIL_IF(!info || info->sz < sizeof(info->sz) + sizeof(info->state), -EINVAL);
	full.sz = info->sz;
	memcpy(info, &full, min_t(size_t, info->sz, sizeof(full)));
	return 0;
}
