/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading workload files: the sections of a file. Values are read by workload_read.c, tasks and
 * their events by workload_events.c.
 */
#include "cli/workload_read.h"

/* -- cgroups --------------------------------------------------------------------------------- */

static int64_t find_cgroup(const struct workload *w, const char *path)
{
	for (size_t i = 0; i < w->n_cgroups; i++)
		if (!strcmp(w->cgroups[i].path, path))
			return (int64_t)i;
	return -1;
}

static int add_cgroup(struct workload *w, const char *path, size_t n)
{
	struct workload_cgroup *c;

	UA_TRY(UA_GROW(&w->cgroups, &w->cap_cgroups, w->n_cgroups + 1));
	c = &w->cgroups[w->n_cgroups];
	*c = (struct workload_cgroup){.path = mem_dup(path, n + 1)};
	UA_FAIL_IF(!c->path, -ENOMEM);
	c->path[n] = 0;
	w->n_cgroups++;
	return 0;
}

/* "/", "" mean the root; a leading slash does not matter. */
int read_cgroup(struct reader *r, const json_t *v, uint32_t *index)
{
	const char *path;
	int64_t i;

	UA_TRY(read_string(r, v, "the path of a cgroup", &path));
	path += *path == '/';
	*index = WORKLOAD_NONE;
	if (!*path)
		return 0;
	i = find_cgroup(r->w, path);
	if (i < 0)
		return read_fail(r, "there is no cgroup '%.80s'; declare it in \"cgroups\"", path);
	*index = (uint32_t)i;
	return 0;
}

/* rt-app makes those that are not there, parents first. */
int read_taskgroup(struct reader *r, const json_t *v, uint32_t *index)
{
	const char *path, *slash;
	char parent[256];

	UA_TRY(read_string(r, v, "the path of a cgroup", &path));
	path += *path == '/';
	if (strlen(path) > 200 || strstr(path, "//") || (*path && path[strlen(path) - 1] == '/'))
		return read_fail(r, "must be a path such as \"/a\" or \"/a/b\"");
	for (slash = strchr(path, '/'); *path; slash = strchr(slash + 1, '/')) {
		size_t n = slash ? (size_t)(slash - path) : strlen(path);

		snprintf(parent, sizeof(parent), "%.*s", (int)n, path);
		if (find_cgroup(r->w, parent) < 0)
			UA_TRY(add_cgroup(r->w, path, n));
		if (!slash)
			break;
	}
	return read_cgroup(r, v, index);
}

static int cg_weight(struct reader *r, json_t *v, void *to)
{
	uint64_t n = 0;

	UA_TRY(read_u64(r, v, 1, 10000, &n));
	((struct workload_cgroup *)to)->weight = (uint32_t)n;
	return 0;
}

#define US_MAX UINT64_C(1000000000000)

static int cg_period(struct reader *r, json_t *v, void *to)
{
	return read_u64(r, v, 1000, US_MAX, &((struct workload_cgroup *)to)->period_us);
}

static int cg_quota(struct reader *r, json_t *v, void *to)
{
	return read_u64(r, v, 1000, US_MAX, &((struct workload_cgroup *)to)->quota_us);
}

static int cg_burst(struct reader *r, json_t *v, void *to)
{
	return read_u64(r, v, 0, US_MAX, &((struct workload_cgroup *)to)->burst_us);
}

static int cg_at(struct reader *r, json_t *v, void *to)
{
	return read_ns(r, v, 1000, &((struct workload_cgroup *)to)->at);
}

#define CGROUP_LIMITS                                                      \
	{"weight", cg_weight}, {"period", cg_period}, {"quota", cg_quota}, \
	{                                                                  \
		"burst", cg_burst                                          \
	}

/* The kernel's default period; a burst without a quota means nothing. */
static int complete_limits(struct reader *r, struct workload_cgroup *c)
{
	if (c->quota_us && !c->period_us)
		c->period_us = 100000;
	if ((c->period_us || c->burst_us) && !c->quota_us)
		return read_fail(r, "'period' and 'burst' need a 'quota'");
	return 0;
}

static int check_path(struct reader *r, const char *path)
{
	const char *slash = strrchr(path, '/');
	char parent[256];

	if (!*path || *path == '/' || path[strlen(path) - 1] == '/' || strlen(path) > 200)
		return read_fail(r, "must be a path such as \"a\" or \"a/b\"");
	snprintf(parent, sizeof(parent), "%.*s", slash ? (int)(slash - path) : 0, path);
	if (slash && find_cgroup(r->w, parent) < 0)
		return read_fail(r, "its parent '%s' must be declared before it", parent);
	return 0;
}

static int read_cgroups(struct reader *r, json_t *v, void *to)
{
	static const struct read_key keys[] = {CGROUP_LIMITS, {"at", cg_at}, {0}};
	struct workload *w = to;
	const char *path;
	json_t *value;

	UA_TRY(read_is_object(r, v, "{\"a\": {\"weight\": 200}}"));
	json_object_foreach(v, path, value)
	{
		struct workload_cgroup *c;

		r->cgroup = path;
		r->key = NULL;
		UA_TRY(check_path(r, path));
		UA_TRY(read_is_object(r, value, "{\"weight\": 200}"));
		UA_TRY(add_cgroup(w, path, strlen(path)));
		c = &w->cgroups[w->n_cgroups - 1];
		UA_TRY(read_object(r, value, keys, c));
		UA_TRY(complete_limits(r, c));
	}
	r->cgroup = NULL;
	return 0;
}

/* -- Events of the machine ------------------------------------------------------------------- */

/* Limits are read as those of a cgroup. */
struct change_reading {
	struct workload_cgroup limits;
	uint32_t online, offline, cgroup, remove;
};

static int ch_online(struct reader *r, json_t *v, void *to)
{
	return read_cpus(r, v, &((struct change_reading *)to)->online);
}

static int ch_offline(struct reader *r, json_t *v, void *to)
{
	return read_cpus(r, v, &((struct change_reading *)to)->offline);
}

static int ch_cgroup(struct reader *r, json_t *v, void *to)
{
	return read_cgroup(r, v, &((struct change_reading *)to)->cgroup);
}

static int ch_remove(struct reader *r, json_t *v, void *to)
{
	return read_cgroup(r, v, &((struct change_reading *)to)->remove);
}

static int add_change(struct reader *r, const struct change_reading *c,
		      enum workload_change_kind kind)
{
	struct workload *w = r->w;

	UA_TRY(UA_GROW(&w->changes, &w->cap_changes, w->n_changes + 1));
	w->changes[w->n_changes++] = (struct workload_change){
		.kind = kind,
		.at = c->limits.at,
		.cpus = kind == WL_ONLINE ? c->online : c->offline,
		.cgroup = kind == WL_REMOVE ? c->remove : c->cgroup,
		.weight = kind == WL_WEIGHT ? c->limits.weight : 0,
		.period_us = kind == WL_BANDWIDTH ? c->limits.period_us : 0,
		.quota_us = c->limits.quota_us,
		.burst_us = c->limits.burst_us,
	};
	return 0;
}

static int add_changes(struct reader *r, const struct change_reading *c)
{
	size_t before = r->w->n_changes;
	bool limits = c->limits.weight || c->limits.quota_us;

	if (limits != (c->cgroup != WORKLOAD_NONE))
		return read_fail(r, "'cgroup' goes with 'weight' or 'quota', and is not the root");
	if (c->online != WORKLOAD_NONE)
		UA_TRY(add_change(r, c, WL_ONLINE));
	if (c->offline != WORKLOAD_NONE)
		UA_TRY(add_change(r, c, WL_OFFLINE));
	if (c->limits.weight)
		UA_TRY(add_change(r, c, WL_WEIGHT));
	if (c->limits.quota_us)
		UA_TRY(add_change(r, c, WL_BANDWIDTH));
	if (c->remove != WORKLOAD_NONE)
		UA_TRY(add_change(r, c, WL_REMOVE));
	if (r->w->n_changes == before)
		return read_fail(r, "has no effect; give it 'online', 'offline', 'cgroup' or "
				    "'remove'");
	return 0;
}

static int read_events(struct reader *r, json_t *v, void *to)
{
	static const struct read_key keys[] = {{"at", cg_at},
					       {"online", ch_online},
					       {"offline", ch_offline},
					       {"cgroup", ch_cgroup},
					       CGROUP_LIMITS,
					       {"remove", ch_remove},
					       {0}};
	char number[24];
	json_t *one;
	size_t i;

	(void)to;
	if (!json_is_array(v))
		return read_fail(r, "must be an array of objects such as "
				    "{\"at\": \"1s\", \"offline\": [3]}");
	json_array_foreach(v, i, one)
	{
		struct change_reading c = {.online = WORKLOAD_NONE,
					   .offline = WORKLOAD_NONE,
					   .cgroup = WORKLOAD_NONE,
					   .remove = WORKLOAD_NONE};

		snprintf(number, sizeof(number), "%zu", i + 1);
		r->event = number;
		r->key = NULL;
		UA_TRY(read_is_object(r, one, "{\"at\": \"1s\", \"offline\": [3]}"));
		if (!json_object_get(one, "at"))
			return read_fail(r, "needs 'at', its time");
		UA_TRY(read_object(r, one, keys, &c));
		UA_TRY(complete_limits(r, &c.limits));
		UA_TRY(add_changes(r, &c));
	}
	r->event = NULL;
	return 0;
}

/* -- Globals --------------------------------------------------------------------------------- */

/* rt-app: -1 means until all tasks have ended. */
static int gl_duration(struct reader *r, json_t *v, void *to)
{
	uint64_t *duration = &((struct workload *)to)->duration;

	if (json_is_integer(v) && json_integer_value(v) == -1)
		return 0;
	UA_TRY(read_ns(r, v, UINT64_C(1000000000), duration));
	return *duration ? 0 : read_fail(r, "must not be 0");
}

static int gl_policy(struct reader *r, json_t *v, void *to)
{
	(void)to;
	return read_policy(r, v, &r->ext);
}

static int gl_seed(struct reader *r, json_t *v, void *to)
{
	struct workload *w = to;

	w->has_seed = true;
	return read_u64(r, v, 0, INT64_MAX, &w->seed);
}

static int dup_string(const char *s, char **to)
{
	mem_free(*to);
	*to = mem_strdup(s);
	return *to ? 0 : -ENOMEM;
}

static int gl_machine(struct reader *r, json_t *v, void *to)
{
	const char *s;

	UA_TRY(read_string(r, v, "a machine such as \"2n:2l:8c:2t\"", &s));
	return dup_string(s, &((struct workload *)to)->machine);
}

static int read_global(struct reader *r, json_t *v, void *to)
{
	static const struct read_key keys[] = {{"duration", gl_duration},
					       {"default_policy", gl_policy},
					       {"seed", gl_seed},
					       {"machine", gl_machine},
					       /* rt-app's, without a meaning here */
					       {"calibration", NULL},
					       {"pi_enabled", NULL},
					       {"lock_pages", NULL},
					       {"logdir", NULL},
					       {"log_basename", NULL},
					       {"log_size", NULL},
					       {"frag", NULL},
					       {"ftrace", NULL},
					       {"gnuplot", NULL},
					       {"io_device", NULL},
					       {"mem_buffer_size", NULL},
					       {"cumulative_slack", NULL},
					       {0}};

	UA_TRY(read_is_object(r, v, "{\"duration\": 10}"));
	return read_object(r, v, keys, to);
}

static int read_description(struct reader *r, json_t *v, void *to)
{
	const char *s;

	UA_TRY(read_string(r, v, "a text", &s));
	return dup_string(s, &((struct workload *)to)->description);
}

/* -- The whole ------------------------------------------------------------------------------- */

/* Names first: tasks may refer to ones that come later. */
static int name_tasks(struct reader *r, json_t *v)
{
	struct workload *w = r->w;
	const char *name;
	json_t *value;

	if (!json_is_object(v) || !json_object_size(v))
		return read_fail(r, "\"tasks\" must be an object with a task in it, such as "
				    "\"tasks\": {\"hog\": {\"run\": 1000}}");
	json_object_foreach(v, name, value)
	{
		struct workload_task *t;

		r->task = name;
		if (!*name || strlen(name) > 64)
			return read_fail(r, "a name has 1 to 64 characters");
		UA_TRY(read_is_object(r, value, "{\"run\": 1000}"));
		UA_TRY(UA_GROW(&w->tasks, &w->cap_tasks, w->n_tasks + 1));
		t = &w->tasks[w->n_tasks];
		*t = (struct workload_task){.name = mem_strdup(name),
					    .instances = 1,
					    .ext = r->ext,
					    .cpus = WORKLOAD_NONE,
					    .cgroup = WORKLOAD_NONE};
		UA_FAIL_IF(!t->name, -ENOMEM);
		w->n_tasks++;
	}
	r->task = NULL;
	return 0;
}

static int read_tasks(struct reader *r, json_t *v)
{
	const char *name;
	json_t *value;
	size_t i = 0;

	/* Instances first: what refers to a task may ask whether it starts. */
	json_object_foreach(v, name, value)
	{
		r->task = name;
		UA_TRY(read_task(r, value, &r->w->tasks[i++]));
	}
	r->task = NULL;
	return 0;
}

/* What others refer to comes first, whatever the order in the file. */
static int read_root(struct reader *r, json_t *root)
{
	static const struct read_key keys[] = {{"description", read_description},
					       {"global", read_global},
					       {"cgroups", read_cgroups},
					       {"events", read_events},
					       {"tasks", NULL},
					       {0}};
	const char *name;
	json_t *value;
	char text[WORKLOAD_TEXT];

	UA_TRY(read_is_object(r, root, "{\"tasks\": {\"hog\": {\"run\": 1000}}}"));
	json_object_foreach(root, name, value)
	{
		r->key = name;
		if (!strcmp(name, "resources"))
			return read_fail(r, "is not needed: resources are made by being named; "
					    "remove it");
		if (!read_find_key(keys, name))
			return read_unknown_key(r, keys, "");
	}
	for (const struct read_key *key = keys; key->name; key++) {
		value = json_object_get(root, key->name);
		r->key = key->name;
		if (value && key->fn)
			UA_TRY(key->fn(r, value, r->w));
	}
	r->key = NULL;
	UA_TRY(name_tasks(r, json_object_get(root, "tasks")));
	UA_TRY(read_tasks(r, json_object_get(root, "tasks")));
	r->key = NULL;
	return workload_check(r->w, text, sizeof(text)) ? read_fail(r, "%s", text) : 0;
}

int workload_from_json(const char *file, const char *name, json_t *root, struct workload *w,
		       char text[WORKLOAD_TEXT])
{
	struct reader r = {.file = file, .w = w, .text = text, .ext = true};
	int err;

	*w = (struct workload){.name = mem_strdup(name)};
	text[0] = 0;
	err = w->name ? read_root(&r, root) : -ENOMEM;
	if (err == -ENOMEM)
		snprintf(text, WORKLOAD_TEXT, "%s: out of memory", file);
	if (err)
		workload_free(w);
	return err;
}

json_t *workload_load(const char *file, const char *buf, size_t size, char text[WORKLOAD_TEXT])
{
	char *strict = workload_relax(buf, size);
	json_error_t error;
	json_t *root;

	if (!strict) {
		snprintf(text, WORKLOAD_TEXT, "%s: out of memory", file);
		return NULL;
	}
	root = json_loads(strict, JSON_REJECT_DUPLICATES, &error);
	if (!root)
		snprintf(text, WORKLOAD_TEXT, "%s:%d: %.160s", file, error.line, error.text);
	mem_free(strict);
	return root;
}

int workload_parse(const char *file, const char *name, const char *buf, size_t size,
		   struct workload *w, char text[WORKLOAD_TEXT])
{
	json_t *root = workload_load(file, buf, size, text);
	int err;

	if (!root)
		return strstr(text, "out of memory") ? -ENOMEM : -EINVAL;
	err = workload_from_json(file, name, root, w, text);
	json_decref(root);
	return err;
}
