/* SPDX-License-Identifier: BSD-2-Clause */
/* Workloads: memory, checks of the whole, durations, CPU sets. */
#include "sched/workload.h"

#include <inttypes.h>

#include "base/base.h"

/* -- Memory ------------------------------------------------------------------------------- */

static void names_free(struct workload_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		mem_free(names->v[i]);
	mem_free(names->v);
}

static void task_free(struct workload_task *t)
{
	for (size_t i = 0; i < t->n_phases; i++)
		mem_free(t->phases[i]);
	mem_free(t->phases);
	mem_free(t->events);
	mem_free(t->name);
}

void workload_free(struct workload *w)
{
	for (size_t i = 0; i < w->n_tasks; i++)
		task_free(&w->tasks[i]);
	for (size_t i = 0; i < w->n_cpus; i++)
		mem_free(w->cpus[i].items);
	for (size_t i = 0; i < w->n_cgroups; i++)
		mem_free(w->cgroups[i].path);
	names_free(&w->mutexes);
	names_free(&w->conds);
	names_free(&w->barriers);
	mem_free(w->tasks);
	mem_free(w->cpus);
	mem_free(w->cgroups);
	mem_free(w->changes);
	mem_free(w->name);
	mem_free(w->description);
	mem_free(w->machine);
	*w = (struct workload){0};
}

int64_t workload_name(struct workload_names *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (!strcmp(names->v[i], name))
			return (int64_t)i;
	UA_TRY(UA_GROW(&names->v, &names->cap, names->n + 1));
	names->v[names->n] = mem_strdup(name);
	UA_FAIL_IF(!names->v[names->n], -ENOMEM);
	return (int64_t)names->n++;
}

int64_t workload_find_task(const struct workload *w, const char *name)
{
	for (size_t i = 0; i < w->n_tasks; i++)
		if (!strcmp(w->tasks[i].name, name))
			return (int64_t)i;
	return -1;
}

/* -- Checks of the whole ------------------------------------------------------------------ */

static const char *const op_keys[WL_N_OPS] = {
	[WL_RUN] = "run",	  [WL_SLEEP] = "sleep",	    [WL_TIMER] = "timer",
	[WL_FORK] = "fork",	  [WL_SUSPEND] = "suspend", [WL_RESUME] = "resume",
	[WL_BARRIER] = "barrier", [WL_LOCK] = "lock",	    [WL_UNLOCK] = "unlock",
	[WL_WAIT] = "wait",	  [WL_SIGNAL] = "signal",   [WL_BROAD] = "broad",
	[WL_YIELD] = "yield",	  [WL_NICE] = "priority",   [WL_POLICY] = "policy",
	[WL_CPUS] = "cpus",	  [WL_CGROUP] = "cgroup",   [WL_PIN] = "pin",
	[WL_EXIT] = "exit",	  [WL_PHASE_END] = "loop",
};

const char *workload_op_key(enum workload_op op)
{
	return op_keys[op];
}

static bool reaches_barrier(const struct workload_task *t, uint32_t barrier)
{
	for (size_t i = 0; i < t->n_events; i++)
		if (t->events[i].op == WL_BARRIER && t->events[i].ref == barrier)
			return true;
	return false;
}

uint64_t workload_barrier_size(const struct workload *w, uint32_t barrier, uint32_t n_cpus)
{
	uint64_t n = 0;

	for (size_t i = 0; i < w->n_tasks; i++)
		if (reaches_barrier(&w->tasks[i], barrier))
			n += workload_instances(&w->tasks[i], n_cpus);
	return n;
}

static int check_barrier(const struct workload *w, uint32_t barrier, char *text, size_t size)
{
	for (size_t i = 0; i < w->n_tasks; i++) {
		const struct workload_task *t = &w->tasks[i];

		if (t->instances || !reaches_barrier(t, barrier))
			continue;
		snprintf(text, size,
			 "task '%s', key 'barrier': '%s' cannot count forked tasks (instance 0); "
			 "use 'wait' and 'broad', or start the tasks",
			 t->name, w->barriers.v[barrier]);
		return -EINVAL;
	}
	return 0;
}

static int check_resumes(const struct workload *w, const struct workload_task *t, char *text,
			 size_t size)
{
	for (size_t i = 0; i < t->n_events; i++) {
		const struct workload_event *e = &t->events[i];

		if (e->op != WL_RESUME || w->tasks[e->ref].instances)
			continue;
		snprintf(text, size,
			 "task '%s', phase '%s', key 'resume': '%s' has no instance of its own "
			 "(instance 0), so there is nobody to resume",
			 t->name, t->phases[e->phase], w->tasks[e->ref].name);
		return -EINVAL;
	}
	return 0;
}

static bool anybody_waits(const struct workload *w, uint32_t cond)
{
	for (size_t i = 0; i < w->n_tasks; i++)
		for (size_t n = 0; n < w->tasks[i].n_events; n++)
			if (w->tasks[i].events[n].op == WL_WAIT &&
			    w->tasks[i].events[n].ref == cond)
				return true;
	return false;
}

static int check_meetings(const struct workload *w, char *text, size_t size)
{
	for (uint32_t i = 0; i < w->conds.n; i++) {
		const char *name = w->conds.v[i];
		size_t n = strlen(WORKLOAD_MEETING);

		if (strncmp(name, WORKLOAD_MEETING, n) || anybody_waits(w, i))
			continue;
		snprintf(text, size,
			 "key 'resume': there is no task '%s', nor does one 'suspend' on that name",
			 name + n);
		return -EINVAL;
	}
	return 0;
}

static bool starts_something(const struct workload *w)
{
	for (size_t i = 0; i < w->n_tasks; i++)
		if (w->tasks[i].instances)
			return true;
	return false;
}

int workload_check(const struct workload *w, char *text, size_t size)
{
	if (!starts_something(w)) {
		snprintf(text, size, "no task starts: every 'instance' is 0");
		return -EINVAL;
	}
	for (size_t i = 0; i < w->n_tasks; i++) {
		if (!w->tasks[i].n_events) {
			snprintf(text, size, "task '%s': has no event; give it a 'run'",
				 w->tasks[i].name);
			return -EINVAL;
		}
		UA_TRY(check_resumes(w, &w->tasks[i], text, size));
	}
	for (uint32_t i = 0; i < w->barriers.n; i++)
		UA_TRY(check_barrier(w, i, text, size));
	return check_meetings(w, text, size);
}

/* -- Instances and CPUs ------------------------------------------------------------------- */

uint32_t workload_instances(const struct workload_task *t, uint32_t n_cpus)
{
	return t->per_cpu ? t->instances * n_cpus : t->instances;
}

static int32_t place_of(const struct topo_cpu *c, int32_t cpu, enum workload_cpus_kind kind)
{
	switch (kind) {
	case WL_CORE:
		return c->core;
	case WL_LLC:
		return c->llc;
	case WL_NODE:
		return c->node;
	default:
		return cpu;
	}
}

static void set_bit(uint64_t *bits, uint32_t cpu)
{
	bits[cpu / 64] |= UINT64_C(1) << (cpu % 64);
}

/* Parts are never empty: on a machine of fewer CPUs they share some. */
static void add_part(const struct workload_cpus_item *item, const struct topo *t, uint64_t *bits)
{
	uint64_t from = (uint64_t)(item->first - 1) * t->n_cpus / item->last;
	uint64_t to = (uint64_t)item->first * t->n_cpus / item->last;

	for (uint64_t cid = from; cid < (to > from ? to : from + 1); cid++)
		set_bit(bits, (uint32_t)t->cids[cid].cpu);
}

static bool add_places(const struct workload_cpus_item *item, const struct topo *t, uint64_t *bits)
{
	uint32_t highest = 0;

	for (uint32_t i = 0; i < t->n_cpus; i++) {
		uint32_t at = (uint32_t)place_of(&t->cpus[i], (int32_t)i, item->kind);

		highest = at > highest ? at : highest;
		if (at >= item->first && at <= item->last)
			set_bit(bits, i);
	}
	return item->last <= highest;
}

int workload_cpus_bits(const struct workload_cpus *set, const struct topo *t, uint64_t *bits,
		       struct workload_cpus_item *missing)
{
	memset(bits, 0, (t->n_cpus + 63) / 64 * sizeof(*bits));
	for (size_t i = 0; i < set->n; i++) {
		if (set->items[i].kind == WL_PART) {
			add_part(&set->items[i], t, bits);
		} else if (!add_places(&set->items[i], t, bits)) {
			*missing = set->items[i];
			return -EINVAL;
		}
	}
	return 0;
}

void workload_cpus_item_text(const struct workload_cpus_item *item, char *text, size_t size)
{
	static const char *const names[] = {"CPU ", "core", "llc", "node"};

	if (item->kind == WL_PART)
		snprintf(text, size, "%" PRIu32 "/%" PRIu32, item->first, item->last);
	else if (item->first == item->last)
		snprintf(text, size, "%s%" PRIu32, names[item->kind], item->first);
	else
		snprintf(text, size, "%s%" PRIu32 "-%" PRIu32, names[item->kind], item->first,
			 item->last);
}

/* -- Durations ---------------------------------------------------------------------------- */

/* splitmix64: any state is as good as another, so actors are seeded with what tells them apart. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

#define LOG_BITS 24

/* -log2(x / 2^64) in 1/2^LOG_BITS, x not 0. Integers only: the same on every machine. */
static uint64_t minus_log2(uint64_t x)
{
	unsigned int zeros = (unsigned int)__builtin_clzll(x);
	uint64_t m = x << zeros, log = 0; /* m / 2^63 is in [1, 2) */

	for (int bit = 0; bit < LOG_BITS; bit++) {
		unsigned __int128 square = (unsigned __int128)m * m >> 63;

		log <<= 1;
		if (square >> 64) {
			log |= 1;
			square >>= 1;
		}
		m = (uint64_t)square;
	}
	return ((uint64_t)(zeros + 1) << LOG_BITS) - log;
}

static uint64_t draw_exp(uint64_t mean, uint64_t *state)
{
	const uint64_t ln2 = UINT64_C(0xb17217f7); /* of 2^32 */
	uint64_t ln = minus_log2(next_random(state) | 1) * ln2 >> 32;

	return (uint64_t)((unsigned __int128)mean * ln >> LOG_BITS);
}

uint64_t workload_draw(const struct workload_time *time, uint64_t *state)
{
	uint64_t v;

	switch (time->dist) {
	case WL_UNIFORM:
		v = time->a +
		    (uint64_t)((unsigned __int128)next_random(state) * (time->b - time->a + 1) >>
			       64);
		break;
	case WL_EXP:
		v = draw_exp(time->a, state);
		break;
	default:
		v = time->a;
	}
	return v ? v : 1;
}
