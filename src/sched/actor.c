/* SPDX-License-Identifier: BSD-2-Clause */
/* Actors: making them, launching them, changing the machine under them, ending them. */
#include <inttypes.h>

#include "sched/actor_core.h"

void actors_fail(struct actors *as, const char *fmt, ...)
{
	va_list args;

	if (!as->failed) {
		va_start(args, fmt);
		vsnprintf(as->error, sizeof(as->error), fmt, args);
		va_end(args);
	}
	as->failed = true;
	machine_stop(as->m);
}

/* -- Tasks -------------------------------------------------------------------------------- */

static struct actor *actor_alloc(struct actor_kind *k)
{
	size_t size = sizeof(struct actor) + k->spec->n_timers * sizeof(uint64_t);
	struct actor *a = k->free;

	if (a)
		k->free = a->next;
	else
		a = mem_alloc(size);
	if (a)
		memset(a, 0, size);
	return a;
}

static void actor_release(struct actor *a)
{
	a->next = a->kind->free;
	a->kind->free = a;
}

/* As far apart as one can wish, whatever the seed. */
static uint64_t random_state(const struct actors *as, const struct actor_kind *k, uint32_t instance)
{
	const struct workload_time any = {.dist = WL_UNIFORM, .b = UINT64_MAX - 1};
	uint64_t state = as->seed, kind = (uint64_t)(k - as->kinds);

	state = workload_draw(&any, &state) ^ (kind << 32 | instance);
	return workload_draw(&any, &state);
}

/* "name" or "name-7", cut in the name. */
static void make_comm(const struct actor_kind *k, uint32_t instance, char comm[TASK_COMM_LEN])
{
	char number[TASK_COMM_LEN - 3] = "";

	if (k->n_instances != 1)
		snprintf(number, sizeof(number), "-%" PRIu32, instance);
	snprintf(comm, TASK_COMM_LEN, "%.*s%s", (int)(TASK_COMM_LEN - 1 - strlen(number)),
		 k->spec->name, number);
}

static int fork_task(struct actor *a, struct actor *parent)
{
	struct actors *as = a->kind->all;
	const struct workload_task *spec = a->kind->spec;
	char comm[TASK_COMM_LEN];
	struct task_spec ts = {
		.comm = comm,
		.nice = spec->nice,
		.ext_policy = spec->ext,
		.kthread = spec->kthread,
		.cookie = spec->cookie,
		.cpus = spec->cpus == WORKLOAD_NONE ? NULL : as->cpus[spec->cpus],
		.cgroup = spec->cgroup == WORKLOAD_NONE ? NULL : as->cgroups[spec->cgroup],
		.group = (uint32_t)(a->kind - as->kinds),
		.actor = a,
	};

	make_comm(a->kind, a->instance, comm);
	return machine_fork(as->m, &ts, parent ? parent->task : NULL, &a->task);
}

int actor_fork(struct actor_kind *k, struct actor *parent, struct actor **out)
{
	struct actors *as = k->all;
	struct actor *a;
	int err;

	UA_FAIL_IF(as->n_live >= WORKLOAD_MAX_TASKS, -EAGAIN);
	UA_TRY(UA_GROW(&as->live, &as->cap_live, as->n_live + 1));
	a = actor_alloc(k);
	UA_FAIL_IF(!a, -ENOMEM);
	a->kind = k;
	a->instance = k->next_instance;
	a->random = random_state(as, k, a->instance);
	a->wait_mutex = WORKLOAD_NONE;
	err = fork_task(a, parent);
	if (err) {
		actor_release(a);
		return err;
	}
	k->next_instance++;
	a->live = (uint32_t)as->n_live;
	as->live[as->n_live++] = a;
	*out = a;
	return 0;
}

static void start(struct actor *a, struct actor *waker)
{
	a->started = machine_now(a->kind->all->m);
	for (uint32_t i = 0; i < a->kind->spec->n_timers; i++)
		a->timers[i] = a->started;
	actor_wake(a, waker, false);
}

static void start_late(void *owner, uint64_t gen)
{
	(void)gen;
	start(owner, NULL);
}

void actor_launch(struct actor *a, struct actor *waker)
{
	struct actors *as = a->kind->all;
	const struct workload_time *delay = &a->kind->spec->delay;

	if (!delay->a && !delay->b)
		start(a, waker);
	else if (machine_at(as->m, machine_now(as->m) + workload_draw(delay, &a->random),
			    start_late, a, 0))
		actors_fail(as, "out of memory");
}

void actor_end(struct actor *a)
{
	struct actors *as = a->kind->all;
	struct sim_task *t = a->task;

	a->kind->counts.ended++;
	if (a->instance < a->kind->n_instances)
		a->kind->instances[a->instance] = NULL;
	as->live[a->live] = as->live[--as->n_live];
	as->live[a->live]->live = a->live;
	machine_exit(as->m, t);
	actor_release(a);
}

/* -- cgroups and what happens to the machine ---------------------------------------------- */

static int limit_cgroup(struct actors *as, uint32_t i, uint32_t weight, uint64_t period,
			uint64_t quota, uint64_t burst)
{
	struct sim_cgroup *cg = as->cgroups[i];

	if (!cg) {
		actors_fail(as, "events: at this time there is no cgroup '%s'",
			    as->w->cgroups[i].path);
		return 0;
	}
	if (weight)
		UA_TRY(machine_cgroup_set_weight(as->m, cg, weight));
	return period ? machine_cgroup_set_bandwidth(as->m, cg, period, quota, burst) : 0;
}

/* Parents come before their children in the workload. */
static int make_cgroup(struct actors *as, uint32_t i)
{
	const struct workload_cgroup *c = &as->w->cgroups[i];
	const char *slash = strrchr(c->path, '/');
	struct sim_cgroup *parent = machine_root_cgroup(as->m);

	if (slash) {
		char *path = mem_strdup(c->path);

		UA_FAIL_IF(!path, -ENOMEM);
		path[slash - c->path] = 0;
		parent = machine_cgroup_find(as->m, path);
		mem_free(path);
		UA_FAIL_IF(!parent, -ENOENT);
	}
	UA_TRY(machine_cgroup_new(as->m, parent, slash ? slash + 1 : c->path, &as->cgroups[i]));
	return limit_cgroup(as, i, c->weight, c->period_us, c->quota_us, c->burst_us);
}

static void make_cgroup_late(void *owner, uint64_t i)
{
	struct actors *as = owner;
	int err = make_cgroup(as, (uint32_t)i);

	as->pending--;
	if (err)
		actors_fail(as, "cgroup '%s': cannot be made: %s", as->w->cgroups[i].path,
			    strerror(-err));
}

static void set_online(struct actors *as, uint32_t set, bool online)
{
	uint32_t n_cpus = machine_topo(as->m)->n_cpus;

	for (uint32_t cpu = 0; cpu < n_cpus; cpu++)
		if (as->cpus[set][cpu / 64] >> (cpu % 64) & 1 &&
		    machine_set_online(as->m, (int32_t)cpu, online) < 0)
			actors_fail(as, "events: CPU %" PRIu32 " cannot go %s: it is the last one",
				    cpu, online ? "online" : "offline");
}

static int remove_cgroup(struct actors *as, uint32_t i)
{
	UA_FAIL_IF(!as->cgroups[i], -ENOENT);
	UA_TRY(machine_cgroup_remove(as->m, as->cgroups[i]));
	as->cgroups[i] = NULL;
	return 0;
}

static int change(struct actors *as, const struct workload_change *c)
{
	switch (c->kind) {
	case WL_ONLINE:
	case WL_OFFLINE:
		set_online(as, c->cpus, c->kind == WL_ONLINE);
		return 0;
	case WL_REMOVE:
		return remove_cgroup(as, c->cgroup);
	default:
		return limit_cgroup(as, c->cgroup, c->weight, c->period_us, c->quota_us,
				    c->burst_us);
	}
}

static void change_now(void *owner, uint64_t i)
{
	struct actors *as = owner;
	const struct workload_change *c = &as->w->changes[i];
	int err = change(as, c);

	as->pending--;
	if (err)
		actors_fail(as, "events: cgroup '%s': %s", as->w->cgroups[c->cgroup].path,
			    err == -EBUSY ? "has tasks or children" : strerror(-err));
}

/* -- All ---------------------------------------------------------------------------------- */

static int make_cpu_sets(struct actors *as)
{
	const struct topo *topo = machine_topo(as->m);
	struct workload_cpus_item missing;
	char text[32];

	as->cpus = mem_calloc(as->w->n_cpus + 1, sizeof(*as->cpus));
	UA_FAIL_IF(!as->cpus, -ENOMEM);
	for (size_t i = 0; i < as->w->n_cpus; i++) {
		as->cpus[i] = mem_calloc((topo->n_cpus + 63) / 64, sizeof(uint64_t));
		UA_FAIL_IF(!as->cpus[i], -ENOMEM);
		if (!workload_cpus_bits(&as->w->cpus[i], topo, as->cpus[i], &missing))
			continue;
		workload_cpus_item_text(&missing, text, sizeof(text));
		log_warn("workload '%s': the machine has no %s; use --machine or change 'cpus'\n",
			 as->w->name, text);
		return -EINVAL;
	}
	return 0;
}

static int make_things(struct actors *as)
{
	const struct workload *w = as->w;

	as->cgroups = mem_calloc(w->n_cgroups + 1, sizeof(*as->cgroups));
	as->mutexes = mem_calloc(w->mutexes.n + 1, sizeof(*as->mutexes));
	as->conds = mem_calloc(w->conds.n + 1, sizeof(*as->conds));
	as->barriers = mem_calloc(w->barriers.n + 1, sizeof(*as->barriers));
	as->kinds = mem_calloc(w->n_tasks, sizeof(*as->kinds));
	UA_FAIL_IF(!as->cgroups || !as->mutexes || !as->conds || !as->barriers || !as->kinds,
		   -ENOMEM);
	for (uint32_t i = 0; i < w->barriers.n; i++)
		as->barriers[i].size = workload_barrier_size(w, i, machine_topo(as->m)->n_cpus);
	for (uint32_t i = 0; i < w->n_cgroups; i++)
		if (!w->cgroups[i].at)
			UA_TRY(make_cgroup(as, i));
	return 0;
}

static int make_tasks(struct actors *as, uint32_t i)
{
	struct actor_kind *k = &as->kinds[i];

	k->all = as;
	k->spec = &as->w->tasks[i];
	k->n_instances = workload_instances(k->spec, machine_topo(as->m)->n_cpus);
	k->instances = mem_calloc(k->n_instances + 1, sizeof(*k->instances));
	UA_FAIL_IF(!k->instances, -ENOMEM);
	if (k->spec->cgroup != WORKLOAD_NONE && k->n_instances && !as->cgroups[k->spec->cgroup]) {
		log_warn("workload '%s': task '%s': cgroup '%s' is made later; remove its 'at'\n",
			 as->w->name, k->spec->name, as->w->cgroups[k->spec->cgroup].path);
		return -EINVAL;
	}
	for (uint32_t n = 0; n < k->n_instances; n++)
		UA_TRY(actor_fork(k, NULL, &k->instances[n]));
	return 0;
}

static int make_all(struct actors *as)
{
	UA_TRY(make_cpu_sets(as));
	UA_TRY(make_things(as));
	for (uint32_t i = 0; i < as->w->n_tasks; i++)
		UA_TRY(make_tasks(as, i));
	return 0;
}

int actors_new(struct machine *m, const struct workload *w, uint64_t seed, struct actors **out)
{
	struct actors *as = mem_zalloc(sizeof(*as));
	int err;

	UA_FAIL_IF(!as, -ENOMEM);
	as->m = m;
	as->w = w;
	as->seed = seed;
	*out = as;
	machine_set_driver(m, &(struct machine_driver){.arg = as, .burst_done = actor_burst_done});
	err = make_all(as);
	/* The tasks made so far are the machine's: only its end lets go of their actors. */
	return err;
}

int actors_start(struct actors *as)
{
	for (uint32_t i = 0; i < as->w->n_cgroups; i++) {
		if (!as->w->cgroups[i].at)
			continue;
		UA_TRY(machine_at(as->m, as->w->cgroups[i].at, make_cgroup_late, as, i));
		as->pending++;
	}
	for (uint32_t i = 0; i < as->w->n_changes; i++) {
		UA_TRY(machine_at(as->m, as->w->changes[i].at, change_now, as, i));
		as->pending++;
	}
	for (uint32_t i = 0; i < as->w->n_tasks; i++)
		for (uint32_t n = 0; n < as->kinds[i].n_instances; n++)
			actor_launch(as->kinds[i].instances[n], NULL);
	return 0;
}

static void kind_free(struct actor_kind *k)
{
	struct actor *a;

	while ((a = k->free)) {
		k->free = a->next;
		mem_free(a);
	}
	mem_free(k->instances);
}

void actors_free(struct actors *as)
{
	if (!as)
		return;
	for (size_t i = 0; i < as->n_live; i++)
		mem_free(as->live[i]);
	for (size_t i = 0; as->kinds && i < as->w->n_tasks; i++)
		kind_free(&as->kinds[i]);
	for (size_t i = 0; as->cpus && i < as->w->n_cpus; i++)
		mem_free(as->cpus[i]);
	mem_free(as->live);
	mem_free(as->kinds);
	mem_free(as->cpus);
	mem_free(as->cgroups);
	mem_free(as->mutexes);
	mem_free(as->conds);
	mem_free(as->barriers);
	mem_free(as);
}

const struct actor_counts *actors_counts(const struct actors *as, uint32_t task)
{
	return &as->kinds[task].counts;
}

uint64_t actors_live(const struct actors *as)
{
	return as->n_live;
}

uint64_t actors_waiting(const struct actors *as, uint32_t task, uint64_t *longest)
{
	uint64_t n = 0, now = machine_now(as->m);

	*longest = 0;
	for (size_t i = 0; i < as->n_live; i++) {
		const struct actor *a = as->live[i];

		if (a->kind != &as->kinds[task] || !a->notes.waiting)
			continue;
		*longest = max_t(uint64_t, *longest, now - a->task->woken_at);
		n++;
	}
	return n;
}

const char *actors_error(const struct actors *as)
{
	return as->failed ? as->error : NULL;
}

bool actors_done(const struct actors *as)
{
	return !as->n_live && !as->pending;
}
