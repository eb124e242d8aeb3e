/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * --setup: the programs that a scheduler's own loader would run around attaching it.
 *
 * Steps, separated by semicolons. What stands behind the word "attach" is run once the scheduler
 * is attached, the rest before. All of it happens in the machine, on CPU 0.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/sched.h"
#include "cli/step.h"

#define SETUP_MAX 1024

/* A program that does not return 0 has refused. */
static int check_setup(const json_t *results)
{
	const json_t *r;
	size_t i;

	json_array_foreach((json_t *)results, i, r)
	{
		const char *name = json_string_value(json_object_get(r, "program"));
		const char *error = json_string_value(json_object_get(r, "error"));
		json_int_t ret = json_integer_value(json_object_get(r, "retval"));

		fputs(json_string_value(json_object_get(r, "stderr")), stderr);
		if (!ret && !error)
			continue;
		if (error)
			cli_error("--setup %s: stopped: %s", name, error);
		else
			cli_error("--setup %s: returned %d", name, (int)ret);
		return CLI_REFUSED;
	}
	return CLI_OK;
}

static int find_setup(struct sched_sim *s, struct cli_steps *steps, int n)
{
	struct cli_bytes ctx;
	const char *name;

	for (int i = 0; i < n; i++)
		if (cli_steps_at(steps, i, &name, &ctx) &&
		    !ua_object__find_program(s->session.obj, name)) {
			cli_error("%s: no program named '%s'; 'uarena show' lists them",
				  ua_object__name(s->session.obj), name);
			return CLI_REFUSED;
		}
	return CLI_OK;
}

static char *trim(char *text)
{
	text += strspn(text, " \t\n");
	for (size_t len = strlen(text); len && strchr(" \t\n", text[len - 1]); len--)
		text[len - 1] = 0;
	return text;
}

/* The steps of one of the two parts. */
static int split(char *text, bool after, char *operands[SETUP_MAX])
{
	bool attached = false;
	char *one;
	int n = 0;

	while (n < SETUP_MAX && (one = strsep(&text, ";"))) {
		one = trim(one);
		if (!strcmp(one, "attach"))
			attached = true;
		else if (*one && attached == after)
			operands[n++] = one;
	}
	return n;
}

static int run_part(struct sched_sim *s, bool after)
{
	char *text = strdup(s->setup->setup), *operands[SETUP_MAX];
	json_t *results = json_array();
	struct cli_steps *steps = NULL;
	int n = text ? split(text, after, operands) : 0, status;

	status = cli_steps_parse(operands, n, &steps);
	if (!status)
		status = find_setup(s, steps, n);
	if (!status)
		status = cli_steps_run(&s->session, s->setup->options, steps, results);
	if (check_setup(results))
		status = CLI_REFUSED;
	cli_steps_free(steps);
	json_decref(results);
	free(text);
	return status;
}

static int run_before(void *arg)
{
	return run_part(arg, false);
}

static int run_after(void *arg)
{
	return run_part(arg, true);
}

int sched_setup_before(struct sched_sim *s)
{
	return s->setup->setup ? machine_visit(s->m, 0, run_before, s) : CLI_OK;
}

int sched_setup_after(struct sched_sim *s)
{
	return s->setup->setup ? machine_visit(s->m, 0, run_after, s) : CLI_OK;
}
