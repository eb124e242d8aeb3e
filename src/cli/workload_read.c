/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading workload files: messages, objects by table, values. */
#include "cli/workload_read.h"

#include <ctype.h>
#include <inttypes.h>

/* -- Messages -------------------------------------------------------------------------------- */

int read_fail(struct reader *r, const char *fmt, ...)
{
	const struct {
		const char *what, *name;
	} places[] = {{"task", r->task},
		      {"phase", r->phase},
		      {"cgroup", r->cgroup},
		      {"event", r->event},
		      {"key", r->key}};
	size_t n = (size_t)snprintf(r->text, WORKLOAD_TEXT, "%s:", r->file);
	const char *sep = " ";
	va_list args;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		if (!places[i].name || n >= WORKLOAD_TEXT)
			continue;
		n += (size_t)snprintf(r->text + n, WORKLOAD_TEXT - n, "%s%s '%.80s'", sep,
				      places[i].what, places[i].name);
		sep = ", ";
	}
	if (n < WORKLOAD_TEXT)
		n += (size_t)snprintf(r->text + n, WORKLOAD_TEXT - n, "%s",
				      *sep == ',' ? ": " : " ");
	va_start(args, fmt);
	if (n < WORKLOAD_TEXT)
		vsnprintf(r->text + n, WORKLOAD_TEXT - n, fmt, args);
	va_end(args);
	return -EINVAL;
}

static void list_keys(const struct read_key *keys, char *list, size_t size)
{
	size_t n = 0;

	list[0] = 0;
	for (; keys->name && n < size; keys++)
		n += (size_t)snprintf(list + n, size - n, "%s%s", n ? ", " : "", keys->name);
}

int read_unknown_key(struct reader *r, const struct read_key *keys, const char *more)
{
	char list[320];

	list_keys(keys, list, sizeof(list));
	return read_fail(r, "is not a key here; keys are %s%s", list, more);
}

/* -- Objects by table ------------------------------------------------------------------------ */

const struct read_key *read_find_key(const struct read_key *keys, const char *name)
{
	for (; keys->name; keys++)
		if (!strcmp(keys->name, name))
			return keys;
	return NULL;
}

int read_is_object(struct reader *r, const json_t *v, const char *example)
{
	return json_is_object(v) ? 0 : read_fail(r, "must be an object such as %s", example);
}

int read_object(struct reader *r, json_t *v, const struct read_key *keys, void *to)
{
	const char *outer = r->key, *name;
	json_t *value;

	json_object_foreach(v, name, value)
	{
		const struct read_key *key = read_find_key(keys, name);

		r->key = name;
		if (!key)
			return read_unknown_key(r, keys, "");
		if (key->fn)
			UA_TRY(key->fn(r, value, to));
	}
	r->key = outer;
	return 0;
}

/* -- Values ---------------------------------------------------------------------------------- */

int read_u64(struct reader *r, const json_t *v, uint64_t min, uint64_t max, uint64_t *to)
{
	json_int_t n = json_integer_value(v);

	if (!json_is_integer(v) || n < 0 || (uint64_t)n < min || (uint64_t)n > max)
		return read_fail(r, "must be a whole number from %" PRIu64 " to %" PRIu64, min,
				 max);
	*to = (uint64_t)n;
	return 0;
}

int read_bool(struct reader *r, const json_t *v, bool *to)
{
	if (!json_is_boolean(v))
		return read_fail(r, "must be true or false");
	*to = json_is_true(v);
	return 0;
}

int read_string(struct reader *r, const json_t *v, const char *what, const char **to)
{
	*to = json_string_value(v);
	return *to ? 0 : read_fail(r, "must be %s in quotes", what);
}

static int scaled(double v, double unit, uint64_t *ns)
{
	UA_FAIL_IF(!(v >= 0) || v * unit > (double)WORKLOAD_MAX_TIME, -EINVAL);
	*ns = (uint64_t)(v * unit + 0.5);
	return 0;
}

int workload_parse_time(const char *s, uint64_t plain, uint64_t *ns)
{
	static const struct {
		const char *unit;
		double ns;
	} units[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"min", 60e9}};
	char *end;
	double v;

	UA_FAIL_IF(!isdigit((unsigned char)*s), -EINVAL);
	v = strtod(s, &end);
	while (*end == ' ')
		end++;
	if (!*end)
		return scaled(v, (double)plain, ns);
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (!strcmp(end, units[i].unit))
			return scaled(v, units[i].ns, ns);
	return -EINVAL;
}

int read_ns(struct reader *r, const json_t *v, uint64_t plain, uint64_t *ns)
{
	int err = -EINVAL;

	if (json_is_number(v))
		err = scaled(json_number_value(v), (double)plain, ns);
	else if (json_is_string(v))
		err = workload_parse_time(json_string_value(v), plain, ns);
	if (!err)
		return 0;
	return read_fail(r, "must be a time: a number of %s or such as \"20ms\", at most 10^6 s",
			 plain == 1000 ? "microseconds" : "seconds");
}

static int read_uniform(struct reader *r, json_t *v, void *to)
{
	struct workload_time *t = to;

	if (!json_is_array(v) || json_array_size(v) != 2)
		return read_fail(r, "must be [LEAST, MOST]");
	t->dist = WL_UNIFORM;
	UA_TRY(read_ns(r, json_array_get(v, 0), 1000, &t->a));
	UA_TRY(read_ns(r, json_array_get(v, 1), 1000, &t->b));
	return t->a <= t->b ? 0 : read_fail(r, "must be [LEAST, MOST]: the first is greater");
}

static int read_exp(struct reader *r, json_t *v, void *to)
{
	struct workload_time *t = to;

	t->dist = WL_EXP;
	return read_ns(r, v, 1000, &t->a);
}

int read_time(struct reader *r, json_t *v, struct workload_time *t)
{
	static const struct read_key keys[] = {{"uniform", read_uniform}, {"exp", read_exp}, {0}};

	*t = (struct workload_time){0};
	if (!json_is_object(v))
		return read_ns(r, v, 1000, &t->a);
	if (json_object_size(v) != 1)
		return read_fail(r, "must be a time, {\"uniform\": [LEAST, MOST]} or "
				    "{\"exp\": MEAN}");
	return read_object(r, v, keys, t);
}

int read_policy(struct reader *r, const json_t *v, bool *ext)
{
	const char *s = json_string_value(v);

	if (s && !strcmp(s, "SCHED_EXT"))
		*ext = true;
	else if (s && (!strcmp(s, "SCHED_OTHER") || !strcmp(s, "SCHED_NORMAL")))
		*ext = false;
	else
		return read_fail(r, "must be \"SCHED_OTHER\" or \"SCHED_EXT\"; other classes are "
				    "not simulated");
	return 0;
}

int read_nice(struct reader *r, const json_t *v, int32_t *nice)
{
	json_int_t n = json_integer_value(v);

	if (!json_is_integer(v) || n < -20 || n > 19)
		return read_fail(r, "must be a nice value from -20 to 19");
	*nice = (int32_t)n;
	return 0;
}

/* -- CPU sets -------------------------------------------------------------------------------- */

static bool parse_number(const char **s, uint32_t *v)
{
	char *end;
	unsigned long n = strtoul(*s, &end, 10);

	if (!isdigit((unsigned char)**s) || n > TOPO_MAX_CPUS)
		return false;
	*v = (uint32_t)n;
	*s = end;
	return true;
}

/* "3", "0-7", "core2", "llc0-1", "node1", "1/2" */
static bool parse_item(const char **s, struct workload_cpus_item *item)
{
	static const char *const words[] = {
		[WL_CORE] = "core", [WL_LLC] = "llc", [WL_NODE] = "node"};

	item->kind = WL_CPU;
	for (int i = WL_CORE; i <= WL_NODE; i++)
		if (!strncmp(*s, words[i], strlen(words[i]))) {
			item->kind = (enum workload_cpus_kind)i;
			*s += strlen(words[i]);
			break;
		}
	if (!parse_number(s, &item->first))
		return false;
	item->last = item->first;
	if (**s == '/' && item->kind == WL_CPU) {
		item->kind = WL_PART;
		(*s)++;
		return parse_number(s, &item->last) && item->first && item->first <= item->last;
	}
	if (**s != '-')
		return true;
	(*s)++;
	return parse_number(s, &item->last) && item->first <= item->last;
}

static int add_item(struct workload_cpus *set, const struct workload_cpus_item *item)
{
	UA_TRY(UA_GROW(&set->items, &set->cap, set->n + 1));
	set->items[set->n++] = *item;
	return 0;
}

static int read_cpu_list(struct reader *r, const char *s, struct workload_cpus *set)
{
	struct workload_cpus_item item;

	for (;;) {
		if (!parse_item(&s, &item) || (*s && *s != ','))
			return read_fail(r, "must be CPU numbers ([0, 1]) or a list such as "
					    "\"0-3,8\", \"core2\", \"llc0\", \"node1\", \"1/2\"");
		UA_TRY(add_item(set, &item));
		if (!*s)
			return 0;
		for (s++; *s == ' '; s++)
			continue;
	}
}

static int read_cpu_array(struct reader *r, const json_t *v, struct workload_cpus *set)
{
	struct workload_cpus_item item = {.kind = WL_CPU};
	const json_t *one;
	uint64_t n = 0;
	size_t i;

	if (!json_is_array(v) || !json_array_size(v))
		return read_cpu_list(r, "", set);
	json_array_foreach(v, i, one)
	{
		UA_TRY(read_u64(r, one, 0, TOPO_MAX_CPUS - 1, &n));
		item.first = item.last = (uint32_t)n;
		UA_TRY(add_item(set, &item));
	}
	return 0;
}

int read_cpus(struct reader *r, const json_t *v, uint32_t *index)
{
	struct workload *w = r->w;

	UA_TRY(UA_GROW(&w->cpus, &w->cap_cpus, w->n_cpus + 1));
	*index = (uint32_t)w->n_cpus++;
	w->cpus[*index] = (struct workload_cpus){0};
	if (json_is_string(v))
		return read_cpu_list(r, json_string_value(v), &w->cpus[*index]);
	return read_cpu_array(r, v, &w->cpus[*index]);
}
