/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Edits of a workload's JSON, one function for each kind. Every function walks the places where
 * its edit is possible and counts *k down; at 0 it makes the edit.
 */
#include "cli/sched_edit.h"

#include <string.h>

#include "base/base.h"

/* Is this place the one? */
static bool here(size_t *k)
{
	return !(*k)--;
}

/* -- Whole members of an object or array ----------------------------------------------------- */

static bool drop_member(json_t *object, size_t *k)
{
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value) if (here(k))
	{
		json_object_del(object, name);
		return true;
	}
	return false;
}

static bool drop_element(json_t *array, size_t *k)
{
	for (size_t i = 0; i < json_array_size(array); i++)
		if (here(k)) {
			json_array_remove(array, i);
			return true;
		}
	return false;
}

/* Call fn for every object that holds events: phases, and tasks without. */
static bool each_phase(json_t *root, bool (*fn)(json_t *phase, size_t *k), size_t *k)
{
	const char *name, *phase_name;
	json_t *task, *phase;

	json_object_foreach(json_object_get(root, "tasks"), name, task)
	{
		json_t *phases = json_object_get(task, "phases");

		if (!phases && fn(task, k))
			return true;
		json_object_foreach(phases, phase_name, phase) if (fn(phase, k)) return true;
	}
	return false;
}

/* -- Tasks ----------------------------------------------------------------------------------- */

/* "name", "name[2]" or {"ref": "name"} */
static bool refers_to(const json_t *value, const char *task)
{
	const char *s =
		json_string_value(json_is_object(value) ? json_object_get(value, "ref") : value);
	size_t n = strlen(task);

	return s && !strncmp(s, task, n) && (!s[n] || s[n] == '[');
}

static void drop_references(json_t *object, const char *task)
{
	const char *name;
	json_t *value;
	void *next;

	json_object_foreach_safe(object, next, name, value) if ((!strncmp(name, "fork", 4) ||
								 !strncmp(name, "resume", 6)) &&
								refers_to(value, task))
		json_object_del(object, name);
}

static void drop_all_references(json_t *tasks, const char *gone)
{
	const char *name, *phase_name;
	json_t *task, *phase;

	json_object_foreach(tasks, name, task)
	{
		drop_references(task, gone);
		json_object_foreach(json_object_get(task, "phases"), phase_name, phase)
			drop_references(phase, gone);
	}
}

static bool drop_task(json_t *root, size_t *k)
{
	json_t *tasks = json_object_get(root, "tasks"), *task;
	const char *name;

	json_object_foreach(tasks, name, task)
	{
		char gone[80];

		if (!here(k))
			continue;
		snprintf(gone, sizeof(gone), "%s", name);
		json_object_del(tasks, gone);
		drop_all_references(tasks, gone);
		return true;
	}
	return false;
}

static bool one_instance(json_t *root, size_t *k)
{
	const char *name;
	json_t *task;

	json_object_foreach(json_object_get(root, "tasks"), name, task)
	{
		json_t *instance = json_object_get(task, "instance");

		if (!instance || json_integer_value(instance) == 1 ||
		    (json_is_integer(instance) && !json_integer_value(instance)))
			continue;
		if (here(k)) {
			json_object_del(task, "instance");
			return true;
		}
	}
	return false;
}

static bool fewer_instances(json_t *root, size_t *k)
{
	const char *name;
	json_t *task;

	json_object_foreach(json_object_get(root, "tasks"), name, task)
	{
		json_t *instance = json_object_get(task, "instance");
		json_int_t n = json_integer_value(instance);
		const json_int_t fewer[] = {n / 2, n - 1};

		for (size_t i = 0; n > 2 && i < ARRAY_SIZE(fewer); i++)
			if (here(k)) {
				json_object_set_new(task, "instance", json_integer(fewer[i]));
				return true;
			}
		if (json_is_string(instance) && here(k)) { /* "2/cpu" */
			json_object_set_new(task, "instance", json_integer(16));
			return true;
		}
	}
	return false;
}

/* How many the task has as a plain number, or 0. */
static json_int_t instances(const json_t *task)
{
	json_t *instance = json_object_get(task, "instance");

	return instance ? json_integer_value(instance) : 1;
}

static void merge(json_t *tasks, const char *from, json_t *into)
{
	json_int_t n = instances(json_object_get(tasks, from)) + instances(into);
	char gone[80];

	snprintf(gone, sizeof(gone), "%s", from);
	json_object_set_new(into, "instance", json_integer(n));
	json_object_del(tasks, gone);
	drop_all_references(tasks, gone);
}

/* One kind of task less, but not fewer tasks. */
static bool merge_tasks(json_t *root, size_t *k)
{
	json_t *tasks = json_object_get(root, "tasks"), *a, *b;
	const char *from, *into;

	json_object_foreach(tasks, from, a) json_object_foreach(
		tasks, into, b) if (a != b && instances(a) > 0 && instances(b) > 0 && here(k))
	{
		merge(tasks, from, b);
		return true;
	}
	return false;
}

/* -- Phases and events ----------------------------------------------------------------------- */

static bool drop_phase(json_t *root, size_t *k)
{
	const char *name;
	json_t *task;

	json_object_foreach(json_object_get(root, "tasks"), name,
			    task) if (drop_member(json_object_get(task, "phases"), k)) return true;
	return false;
}

static bool drop_property(json_t *root, size_t *k)
{
	const char *name, *key;
	json_t *task, *value;

	json_object_foreach(json_object_get(root, "tasks"), name, task)
		json_object_foreach(task, key, value) if (json_object_get(task, "phases") &&
							  strcmp(key, "phases") && here(k))
	{
		json_object_del(task, key);
		return true;
	}
	return false;
}

/* A lock goes with its unlock. */
static bool drop_locks(json_t *phase, size_t *k)
{
	const char *name, *other;
	json_t *value, *unlocked;
	void *next;

	json_object_foreach(phase, name, value)
	{
		json_t *mutex = value;

		if (strncmp(name, "lock", 4) || !here(k))
			continue;
		json_incref(mutex);
		json_object_del(phase, name);
		json_object_foreach_safe(phase, next, other,
					 unlocked) if (!strncmp(other, "unlock", 6) &&
						       json_equal(unlocked, mutex))
			json_object_del(phase, other);
		json_decref(mutex);
		return true;
	}
	return false;
}

static bool drop_lock(json_t *root, size_t *k)
{
	return each_phase(root, drop_locks, k);
}

static bool is_run(const char *key)
{
	return !strncmp(key, "run", 3);
}

static bool drop_others(json_t *phase, size_t *k)
{
	const char *name;
	json_t *value;

	json_object_foreach(phase, name,
			    value) if (!is_run(name) && strcmp(name, "phases") && here(k))
	{
		json_object_del(phase, name);
		return true;
	}
	return false;
}

static bool drop_runs(json_t *phase, size_t *k)
{
	const char *name;
	json_t *value;

	json_object_foreach(phase, name, value) if (is_run(name) && here(k))
	{
		json_object_del(phase, name);
		return true;
	}
	return false;
}

/* Running is the last thing to take away: tasks that only do other things are odd ones. */
static bool drop_other(json_t *root, size_t *k)
{
	return each_phase(root, drop_others, k);
}

static bool drop_run(json_t *root, size_t *k)
{
	return each_phase(root, drop_runs, k);
}

/* A task whose only phase does not repeat needs no phases. */
static bool unfold_phase(json_t *root, size_t *k)
{
	const char *name;
	json_t *task;

	json_object_foreach(json_object_get(root, "tasks"), name, task)
	{
		json_t *phases = json_object_get(task, "phases"), *only;

		if (json_object_size(phases) != 1 || !here(k))
			continue;
		only = json_incref(json_object_iter_value(json_object_iter(phases)));
		json_object_del(only, "loop");
		json_object_del(task, "phases");
		json_object_update_missing(task, only);
		json_decref(only);
		return true;
	}
	return false;
}

/* A distribution becomes its mean, or its middle. */
static bool fix_times(json_t *phase, size_t *k)
{
	const char *key;
	json_t *value;

	json_object_foreach(phase, key, value)
	{
		json_t *mean = json_object_get(value, "exp");
		json_t *range = json_object_get(value, "uniform");

		if (range)
			mean = json_array_get(range, 1);
		if (mean && here(k)) {
			json_object_set(phase, key, mean);
			return true;
		}
	}
	return false;
}

static bool fix_time(json_t *root, size_t *k)
{
	return each_phase(root, fix_times, k);
}

/* -- The rest -------------------------------------------------------------------------------- */

static bool drop_section(json_t *root, size_t *k)
{
	static const char *const sections[] = {"events", "cgroups", "global", "description"};

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		if (json_object_get(root, sections[i]) && here(k)) {
			json_object_del(root, sections[i]);
			return true;
		}
	return false;
}

static bool drop_part(json_t *root, size_t *k)
{
	return drop_element(json_object_get(root, "events"), k) ||
	       drop_member(json_object_get(root, "cgroups"), k) ||
	       drop_member(json_object_get(root, "global"), k);
}

static bool (*const kinds[])(json_t *root, size_t *k) = {
	drop_task,   drop_section,  one_instance, drop_phase, fewer_instances,
	merge_tasks, drop_property, drop_part,	  drop_lock,  drop_other,
	drop_run,    fix_time,	    unfold_phase,
};

bool sched_edit(json_t *workload, size_t k)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i](workload, &k))
			return true;
	return false;
}
