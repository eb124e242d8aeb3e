/* SPDX-License-Identifier: BSD-2-Clause */
/* Case files, and uarena sched replay: does the case still fail, and in the same way? */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "cli/sched_case.h"
#include "cli/workload_json.h"

#define FORMAT "uarena-sched-case"
#define VERSION 1

/* -- Files ----------------------------------------------------------------------------------- */

json_t *sched_case_json(const struct sched_case *c, const struct cli_options *o)
{
	json_t *j = json_pack("{s:s, s:i, s:s, s:s*, s:s*}", "format", FORMAT, "version", VERSION,
			      "object", c->object, "ops", c->ops, "setup", c->setup);
	json_t *globals = json_array();

	for (size_t i = 0; i < o->n_globals; i++)
		json_array_append_new(globals, json_string(o->globals[i]));
	json_object_set_new(j, "globals", globals);
	json_object_set_new(j, "machine", json_string(c->machine));
	json_object_set_new(j, "seed", json_integer((json_int_t)c->seed));
	json_object_set_new(j, "time_ns", json_integer((json_int_t)c->time));
	json_object_set_new(j, "hz", json_integer((json_int_t)c->hz));
	json_object_set_new(j, "fails",
			    json_pack("{s:i, s:s}", "kind", c->kind, "class", c->class));
	json_object_set(j, "workload", c->workload);
	return j;
}

static int case_error(const char *path, const char *what)
{
	cli_error("%s: is no case as 'uarena sched shrink' saves them: %s", path, what);
	return CLI_REFUSED;
}

static int unpack(const char *path, struct sched_case *c)
{
	const char *format = "";
	json_int_t seed = 0, time = 0;
	json_error_t error;
	int version = 0, hz = 0;

	if (json_unpack_ex(
		    c->root, &error, JSON_STRICT,
		    "{s:s, s:i, s:s, s?:s, s?:s, s:o, s:s, s:I, s:I, s:i, s:{s:i, s:s!}, s:o}",
		    "format", &format, "version", &version, "object", &c->object, "ops", &c->ops,
		    "setup", &c->setup, "globals", &(json_t *){NULL}, "machine", &c->machine,
		    "seed", &seed, "time_ns", &time, "hz", &hz, "fails", "kind", &c->kind, "class",
		    &c->class, "workload", &c->workload))
		return case_error(path, error.text);
	if (strcmp(format, FORMAT) || version != VERSION)
		return case_error(path, "its format or version is another");
	if (seed < 0 || time <= 0 || (uint64_t)time > WORKLOAD_MAX_TIME || hz < 0 || hz > 100000)
		return case_error(path, "seed, time_ns or hz is out of range");
	c->seed = (uint64_t)seed;
	c->time = (uint64_t)time;
	c->hz = (uint32_t)hz;
	return CLI_OK;
}

int sched_case_load(const char *path, struct sched_case *c)
{
	json_error_t error;
	size_t size;
	void *buf;
	int status;

	*c = (struct sched_case){0};
	if (cli_read_file(path, &buf, &size))
		return CLI_REFUSED;
	c->root = json_loadb(buf, size, JSON_REJECT_DUPLICATES, &error);
	free(buf);
	status = c->root ? unpack(path, c) : case_error(path, error.text);
	if (status)
		sched_case_free(c);
	return status;
}

void sched_case_free(struct sched_case *c)
{
	json_decref(c->root);
	*c = (struct sched_case){0};
}

int sched_case_globals(const struct sched_case *c, struct cli_options *o)
{
	json_t *globals = json_object_get(c->root, "globals"), *one;
	size_t i;
	const char **all = calloc(o->n_globals + json_array_size(globals) + 1, sizeof(*all));
	size_t n = 0;

	if (!all) {
		cli_error("out of memory");
		return CLI_REFUSED;
	}
	json_array_foreach(globals, i, one) if (json_string_value(one)) all[n++] =
		json_string_value(one);
	for (i = 0; i < o->n_globals; i++)
		all[n++] = o->globals[i];
	free(o->globals);
	o->globals = all;
	o->n_globals = n;
	return CLI_OK;
}

void sched_case_setup(const struct sched_case *c, const struct cli_options *o,
		      struct sched_setup *setup)
{
	*setup = (struct sched_setup){.object = c->object,
				      .ops = c->ops,
				      .setup = c->setup,
				      .machine = c->machine,
				      .seed = c->seed,
				      .time = c->time,
				      .hz = c->hz,
				      .options = o};
}

/* -- Replay ---------------------------------------------------------------------------------- */

struct replayed {
	const struct sched_case *c;
	bool fails;
};

static void judge(void *arg, const struct sched_result *r)
{
	struct replayed *re = arg;
	const struct sched_case *c = re->c;
	char class[SCHED_CLASS_LEN];

	sched_result_class(r, class);
	re->fails = *class;
	if (!*class)
		fprintf(stderr, "it does not fail any more\n");
	else if ((int)r->kind == c->kind && !strcmp(class, c->class))
		fprintf(stderr, "it still fails the same way\n");
	else
		fprintf(stderr, "it fails in another way; it was: %s (exit kind %d)\n", c->class,
			c->kind);
}

static int replay(const struct sched_case *c, const struct cli_options *o, const char *path)
{
	json_t *runs = o->json ? json_array() : NULL;
	char reason[WORKLOAD_TEXT];
	struct replayed re = {.c = c};
	struct sched_setup setup;
	struct sched_sim s;
	struct workload w;
	int status;

	if (workload_from_json(path, "case", c->workload, &w, reason)) {
		cli_error("%s", reason);
		return CLI_REFUSED;
	}
	sched_case_setup(c, o, &setup);
	if (o->n_operands > 1)
		setup.object = o->operands[1];
	status = sched_sim_open(&setup, &w, &s);
	if (!status)
		status = sched_run_open(o, &s, runs, judge, &re);
	sched_sim_close(&s);
	workload_free(&w);
	if (runs)
		cli_print_json(json_pack("{s:o}", "runs", runs));
	return status ? status : re.fails ? CLI_REFUSED : CLI_OK;
}

int sched_replay(int argc, char **argv)
{
	struct cli_options o;
	struct sched_case c;
	bool done;
	int status = cli_options(argc, argv, "sched replay",
				 ACCEPT_EXEC | ACCEPT_REPORT | ACCEPT_JSON, 1, &o, &done);

	if (!done)
		status = sched_case_load(o.operands[0], &c);
	if (!done && !status) {
		status = sched_case_globals(&c, &o);
		if (!status)
			status = replay(&c, &o, o.operands[0]);
		sched_case_free(&c);
	}
	cli_options_free(&o);
	return status;
}
