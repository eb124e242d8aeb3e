/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading workload files: tasks, phases, events. */
#include <ctype.h>
#include <inttypes.h>

#include "cli/workload_read.h"

/* What is being read: the task, and the names of its timers. */
struct task_reading {
	struct workload_task *t;
	struct workload_names timers;
};

static int add_event(struct task_reading *tr, const struct workload_event *e)
{
	struct workload_task *t = tr->t;

	UA_TRY(UA_GROW(&t->events, &t->cap_events, t->n_events + 1));
	t->events[t->n_events] = *e;
	t->events[t->n_events++].phase = (uint32_t)t->n_phases - 1;
	return 0;
}

/* -- Values that name something -------------------------------------------------------------- */

static int read_name(struct reader *r, const json_t *v, struct workload_names *names,
		     const char *what, uint32_t *ref)
{
	const char *s;
	int64_t i;

	UA_TRY(read_string(r, v, what, &s));
	if (!*s || strlen(s) > 64)
		return read_fail(r, "a name has 1 to 64 characters");
	i = workload_name(names, s);
	UA_TRY((int)(i < 0 ? i : 0));
	*ref = (uint32_t)i;
	return 0;
}

static int find_task(struct reader *r, const char *name, uint32_t *ref)
{
	int64_t i = workload_find_task(r->w, name);

	if (i < 0)
		return read_fail(r, "there is no task '%.80s'", name);
	*ref = (uint32_t)i;
	return 0;
}

/* A word that says no more than the key does: "", true, or for suspend the task's own name. */
static int read_nothing(struct reader *r, const json_t *v)
{
	const char *s = json_string_value(v);

	if (json_is_true(v) || (s && (!*s || !strcmp(s, r->task))))
		return 0;
	return read_fail(r, "must be true or \"\"");
}

/* -- One function per form of event ---------------------------------------------------------- */

typedef int form_fn(struct reader *r, json_t *v, struct task_reading *tr, struct workload_event *e);

static int form_time(struct reader *r, json_t *v, struct task_reading *tr, struct workload_event *e)
{
	UA_TRY(read_time(r, v, &e->time));
	return add_event(tr, e);
}

static int form_nothing(struct reader *r, json_t *v, struct task_reading *tr,
			struct workload_event *e)
{
	UA_TRY(read_nothing(r, v));
	return add_event(tr, e);
}

static int form_fork(struct reader *r, json_t *v, struct task_reading *tr, struct workload_event *e)
{
	const char *name;

	UA_TRY(read_string(r, v, "the name of a task", &name));
	UA_TRY(find_task(r, name, &e->ref));
	return add_event(tr, e);
}

static int form_mutex(struct reader *r, json_t *v, struct task_reading *tr,
		      struct workload_event *e)
{
	UA_TRY(read_name(r, v, &r->w->mutexes, "the name of a mutex", &e->ref));
	return add_event(tr, e);
}

static int form_cond(struct reader *r, json_t *v, struct task_reading *tr, struct workload_event *e)
{
	UA_TRY(read_name(r, v, &r->w->conds, "the name of a condition", &e->ref));
	return add_event(tr, e);
}

static int form_barrier(struct reader *r, json_t *v, struct task_reading *tr,
			struct workload_event *e)
{
	UA_TRY(read_name(r, v, &r->w->barriers, "the name of a barrier", &e->ref));
	return add_event(tr, e);
}

static int form_nice(struct reader *r, json_t *v, struct task_reading *tr, struct workload_event *e)
{
	UA_TRY(read_nice(r, v, &e->n));
	return add_event(tr, e);
}

static int form_policy(struct reader *r, json_t *v, struct task_reading *tr,
		       struct workload_event *e)
{
	UA_TRY(read_policy(r, v, &e->flag));
	return add_event(tr, e);
}

static int form_cpus(struct reader *r, json_t *v, struct task_reading *tr, struct workload_event *e)
{
	UA_TRY(read_cpus(r, v, &e->ref));
	return add_event(tr, e);
}

static int form_cgroup(struct reader *r, json_t *v, struct task_reading *tr,
		       struct workload_event *e)
{
	UA_TRY(read_cgroup(r, v, &e->ref));
	return add_event(tr, e);
}

static int form_pin(struct reader *r, json_t *v, struct task_reading *tr, struct workload_event *e)
{
	UA_TRY(read_bool(r, v, &e->flag));
	return add_event(tr, e);
}

static int form_taskgroup(struct reader *r, json_t *v, struct task_reading *tr,
			  struct workload_event *e)
{
	UA_TRY(read_taskgroup(r, v, &e->ref));
	return add_event(tr, e);
}

/* -- Forms with keys of their own ------------------------------------------------------------ */

/* A name that is no task's, in suspend and resume: whoever suspends on it is resumed. */
static int read_meeting(struct reader *r, const char *s, struct workload_event *e)
{
	char name[96];
	int64_t i;

	if (!*s || strlen(s) > 64 || strpbrk(s, "[]"))
		return read_fail(r, "there is no task '%.80s'", s);
	snprintf(name, sizeof(name), WORKLOAD_MEETING "%s", s);
	i = workload_name(&r->w->conds, name);
	UA_TRY((int)(i < 0 ? i : 0));
	e->ref = (uint32_t)i;
	e->ref2 = WORKLOAD_NONE;
	return 0;
}

/* true, "", the task's own name: until it is resumed; another name: until that is. */
static int form_suspend(struct reader *r, json_t *v, struct task_reading *tr,
			struct workload_event *e)
{
	const char *s = json_string_value(v);

	if (s && *s && strcmp(s, r->task)) {
		e->op = WL_WAIT;
		UA_TRY(read_meeting(r, s, e));
	} else {
		UA_TRY(read_nothing(r, v));
	}
	return add_event(tr, e);
}

/* "worker": the instance with the number of the caller; "worker[2]"; "worker[*]": all. */
static int parse_target(struct reader *r, const char *s, struct workload_event *e)
{
	const char *open = strchr(s, '[');
	char name[80], *end;

	snprintf(name, sizeof(name), "%.*s", (int)(open ? (size_t)(open - s) : strlen(s)), s);
	if (!open && workload_find_task(r->w, name) < 0) {
		e->op = WL_BROAD;
		return read_meeting(r, s, e);
	}
	UA_TRY(find_task(r, name, &e->ref));
	e->n = WORKLOAD_SAME;
	if (!open)
		return 0;
	e->n = WORKLOAD_ALL;
	if (!strcmp(open, "[*]"))
		return 0;
	e->n = (int32_t)strtoul(open + 1, &end, 10);
	if (!isdigit((unsigned char)open[1]) || strcmp(end, "]") || end - open > 8)
		return read_fail(r, "must be \"TASK\", \"TASK[NUMBER]\" or \"TASK[*]\"");
	return 0;
}

static int resume_ref(struct reader *r, json_t *v, void *to)
{
	const char *s;

	UA_TRY(read_string(r, v, "the name of a task", &s));
	return parse_target(r, s, to);
}

static int resume_sync(struct reader *r, json_t *v, void *to)
{
	return read_bool(r, v, &((struct workload_event *)to)->flag);
}

static int need_ref(struct reader *r, const json_t *v)
{
	return json_object_get(v, "ref") ? 0 : read_fail(r, "needs 'ref'");
}

static int form_resume(struct reader *r, json_t *v, struct task_reading *tr,
		       struct workload_event *e)
{
	static const struct read_key keys[] = {{"ref", resume_ref}, {"sync", resume_sync}, {0}};

	if (json_is_object(v)) {
		UA_TRY(need_ref(r, v));
		UA_TRY(read_object(r, v, keys, e));
	} else {
		UA_TRY(resume_ref(r, v, e));
	}
	return add_event(tr, e);
}

struct timer_reading {
	struct task_reading *tr;
	struct workload_event *e;
};

static int timer_ref(struct reader *r, json_t *v, void *to)
{
	struct timer_reading *t = to;

	return read_name(r, v, &t->tr->timers, "the name of a timer", &t->e->ref);
}

static int timer_period(struct reader *r, json_t *v, void *to)
{
	return read_time(r, v, &((struct timer_reading *)to)->e->time);
}

static int timer_mode(struct reader *r, json_t *v, void *to)
{
	const char *s = json_string_value(v);

	if (!s || (strcmp(s, "relative") && strcmp(s, "absolute")))
		return read_fail(r, "must be \"relative\" or \"absolute\"");
	((struct timer_reading *)to)->e->flag = *s == 'a';
	return 0;
}

static int form_timer(struct reader *r, json_t *v, struct task_reading *tr,
		      struct workload_event *e)
{
	static const struct read_key keys[] = {
		{"ref", timer_ref}, {"period", timer_period}, {"mode", timer_mode}, {0}};
	static const char example[] = "{\"ref\": \"unique\", \"period\": 20000}";
	struct timer_reading t = {tr, e};

	UA_TRY(read_is_object(r, v, example));
	if (!json_object_get(v, "ref") || !json_object_get(v, "period"))
		return read_fail(r, "needs 'ref' and 'period', as in %s", example);
	UA_TRY(read_object(r, v, keys, &t));
	tr->t->n_timers = (uint32_t)tr->timers.n;
	return add_event(tr, e);
}

static int wait_ref(struct reader *r, json_t *v, void *to)
{
	return read_name(r, v, &r->w->conds, "the name of a condition",
			 &((struct workload_event *)to)->ref);
}

static int wait_mutex(struct reader *r, json_t *v, void *to)
{
	return read_name(r, v, &r->w->mutexes, "the name of a mutex",
			 &((struct workload_event *)to)->ref2);
}

static const struct read_key wait_keys[] = {{"ref", wait_ref}, {"mutex", wait_mutex}, {0}};

static int form_wait(struct reader *r, json_t *v, struct task_reading *tr, struct workload_event *e)
{
	e->ref2 = WORKLOAD_NONE;
	if (json_is_object(v)) {
		UA_TRY(need_ref(r, v));
		UA_TRY(read_object(r, v, wait_keys, e));
	} else {
		UA_TRY(wait_ref(r, v, e));
	}
	return add_event(tr, e);
}

/* Lock, signal, wait, unlock; without the first and the last if the task holds the mutex. */
static int form_sync(struct reader *r, json_t *v, struct task_reading *tr, struct workload_event *e)
{
	struct workload_event lock = {.op = WL_LOCK, .flag = true};
	struct workload_event unlock = {.op = WL_UNLOCK, .flag = true}, signal;

	UA_TRY(read_is_object(r, v, "{\"ref\": \"cond\", \"mutex\": \"m\"}"));
	if (!json_object_get(v, "ref") || !json_object_get(v, "mutex"))
		return read_fail(r, "needs 'ref' and 'mutex'");
	UA_TRY(read_object(r, v, wait_keys, e));
	lock.ref = unlock.ref = e->ref2;
	signal = (struct workload_event){.op = WL_SIGNAL, .ref = e->ref};
	UA_TRY(add_event(tr, &lock));
	UA_TRY(add_event(tr, &signal));
	UA_TRY(add_event(tr, e));
	return add_event(tr, &unlock);
}

/* -- Events ---------------------------------------------------------------------------------- */

static const struct event_key {
	const char *name;
	enum workload_op op;
	form_fn *form;
} event_keys[] = {
	{"run", WL_RUN, form_time},
	{"runtime", WL_RUN, form_time},
	{"sleep", WL_SLEEP, form_time},
	{"timer", WL_TIMER, form_timer},
	{"fork", WL_FORK, form_fork},
	{"suspend", WL_SUSPEND, form_suspend},
	{"resume", WL_RESUME, form_resume},
	{"barrier", WL_BARRIER, form_barrier},
	{"lock", WL_LOCK, form_mutex},
	{"unlock", WL_UNLOCK, form_mutex},
	{"wait", WL_WAIT, form_wait},
	{"signal", WL_SIGNAL, form_cond},
	{"broad", WL_BROAD, form_cond},
	{"sync", WL_WAIT, form_sync},
	{"yield", WL_YIELD, form_nothing},
	{"priority", WL_NICE, form_nice},
	{"nice", WL_NICE, form_nice},
	{"policy", WL_POLICY, form_policy},
	{"cpus", WL_CPUS, form_cpus},
	{"cgroup", WL_CGROUP, form_cgroup},
	{"taskgroup", WL_CGROUP, form_taskgroup},
	{"pin", WL_PIN, form_pin},
	{"exit", WL_EXIT, form_nothing},
};

/* Digits at the end only tell events of a kind apart. */
static const struct event_key *find_event(const char *name)
{
	size_t n = strlen(name);

	while (n && isdigit((unsigned char)name[n - 1]))
		n--;
	for (size_t i = 0; i < ARRAY_SIZE(event_keys); i++)
		if (strlen(event_keys[i].name) == n && !strncmp(event_keys[i].name, name, n))
			return &event_keys[i];
	return NULL;
}

static void list_events(char *list, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(event_keys) && n < size; i++)
		n += (size_t)snprintf(list + n, size - n, ", %s", event_keys[i].name);
}

static int read_event(struct reader *r, json_t *v, const struct read_key *others,
		      struct task_reading *tr)
{
	const struct event_key *key = find_event(r->key);
	struct workload_event e;
	char list[256];

	if (!key && (!strcmp(r->key, "mem") || !strcmp(r->key, "iorun")))
		return read_fail(r, "memory and devices are not simulated; use 'run' or 'sleep'");
	if (!key) {
		list_events(list, sizeof(list));
		return read_unknown_key(r, others, list);
	}
	e = (struct workload_event){.op = key->op};
	return key->form(r, v, tr, &e);
}

/* -- Phases ---------------------------------------------------------------------------------- */

static int read_loops(struct reader *r, const json_t *v, uint32_t *loops)
{
	uint64_t n;

	*loops = WORKLOAD_FOREVER;
	if (json_is_integer(v) && json_integer_value(v) == -1)
		return 0;
	if (read_u64(r, v, 1, INT32_MAX, &n))
		return read_fail(r, "must be how many times, from 1 to %d, or -1 for ever",
				 INT32_MAX);
	*loops = (uint32_t)n;
	return 0;
}

static int begin_phase(struct task_reading *tr, const char *name)
{
	struct workload_task *t = tr->t;

	UA_TRY(UA_GROW(&t->phases, &t->cap_phases, t->n_phases + 1));
	t->phases[t->n_phases] = mem_strdup(name);
	UA_FAIL_IF(!t->phases[t->n_phases], -ENOMEM);
	t->n_phases++;
	return 0;
}

static const struct read_key phase_keys[] = {{"loop", NULL}, {0}};

static int read_phase(struct reader *r, json_t *v, struct task_reading *tr)
{
	struct workload_event end = {.op = WL_PHASE_END, .ref = (uint32_t)tr->t->n_events};
	uint32_t loops = 1;
	const char *name;
	json_t *value;

	UA_TRY(read_is_object(r, v, "{\"run\": 1000}"));
	json_object_foreach(v, name, value)
	{
		r->key = name;
		if (!strcmp(name, "loop"))
			UA_TRY(read_loops(r, value, &loops));
		else
			UA_TRY(read_event(r, value, phase_keys, tr));
	}
	r->key = NULL;
	if (tr->t->n_events == end.ref)
		return read_fail(r, "has no event; give it a 'run' or remove it");
	end.n = (int32_t)loops;
	return loops == 1 ? 0 : add_event(tr, &end);
}

static int read_phases(struct reader *r, json_t *v, void *to)
{
	struct task_reading *tr = to;
	const char *name;
	json_t *value;

	UA_TRY(read_is_object(r, v, "{\"work\": {\"run\": 1000}, \"rest\": {\"sleep\": 1000}}"));
	json_object_foreach(v, name, value)
	{
		r->phase = name;
		r->key = NULL;
		UA_TRY(begin_phase(tr, name));
		UA_TRY(read_phase(r, value, tr));
	}
	r->phase = NULL;
	return 0;
}

/* -- Tasks ----------------------------------------------------------------------------------- */

static struct workload_task *task_of(void *to)
{
	return ((struct task_reading *)to)->t;
}

/* 4, or "2/cpu" */
static int ta_instance(struct reader *r, json_t *v, void *to)
{
	struct workload_task *t = task_of(to);
	const char *s = json_string_value(v);
	uint64_t n = 0;
	char *end;

	if (s) {
		n = strtoul(s, &end, 10);
		if (!isdigit((unsigned char)*s) || strcmp(end, "/cpu") || !n || n > 1000)
			return read_fail(r, "must be a number or such as \"2/cpu\"");
		t->per_cpu = true;
	} else {
		UA_TRY(read_u64(r, v, 0, WORKLOAD_MAX_TASKS, &n));
	}
	t->instances = (uint32_t)n;
	return 0;
}

static int ta_delay(struct reader *r, json_t *v, void *to)
{
	return read_time(r, v, &task_of(to)->delay);
}

static int ta_loop(struct reader *r, json_t *v, void *to)
{
	return read_loops(r, v, &task_of(to)->loops);
}

static int ta_nice(struct reader *r, json_t *v, void *to)
{
	return read_nice(r, v, &task_of(to)->nice);
}

static int ta_policy(struct reader *r, json_t *v, void *to)
{
	return read_policy(r, v, &task_of(to)->ext);
}

static int ta_cpus(struct reader *r, json_t *v, void *to)
{
	return read_cpus(r, v, &task_of(to)->cpus);
}

static int ta_cgroup(struct reader *r, json_t *v, void *to)
{
	return read_cgroup(r, v, &task_of(to)->cgroup);
}

static int ta_taskgroup(struct reader *r, json_t *v, void *to)
{
	return read_taskgroup(r, v, &task_of(to)->cgroup);
}

static int ta_kthread(struct reader *r, json_t *v, void *to)
{
	return read_bool(r, v, &task_of(to)->kthread);
}

static int ta_cookie(struct reader *r, json_t *v, void *to)
{
	return read_u64(r, v, 0, UINT64_MAX, &task_of(to)->cookie);
}

static const struct read_key task_keys[] = {{"instance", ta_instance},
					    {"delay", ta_delay},
					    {"loop", ta_loop},
					    {"priority", ta_nice},
					    {"nice", ta_nice},
					    {"policy", ta_policy},
					    {"cpus", ta_cpus},
					    {"cgroup", ta_cgroup},
					    {"taskgroup", ta_taskgroup},
					    {"kthread", ta_kthread},
					    {"phases", read_phases},
					    {"cookie", ta_cookie},
					    {0}};

/* Without phases, the task's own events are its only one. */
static int read_keys(struct reader *r, json_t *v, struct task_reading *tr)
{
	bool phases = json_object_get(v, "phases");
	const char *name;
	json_t *value;

	if (!phases)
		UA_TRY(begin_phase(tr, "only"));
	json_object_foreach(v, name, value)
	{
		const struct read_key *key = read_find_key(task_keys, name);

		r->key = name;
		if (key)
			UA_TRY(key->fn(r, value, tr));
		else if (!phases)
			UA_TRY(read_event(r, value, task_keys, tr));
		else if (find_event(name))
			return read_fail(r, "events go into a phase when there are 'phases'");
		else
			return read_unknown_key(r, task_keys, "");
	}
	r->key = NULL;
	return 0;
}

int read_task(struct reader *r, json_t *v, struct workload_task *t)
{
	struct task_reading tr = {.t = t};
	int err = read_keys(r, v, &tr);

	for (size_t i = 0; i < tr.timers.n; i++)
		mem_free(tr.timers.v[i]);
	mem_free(tr.timers.v);
	return err;
}
