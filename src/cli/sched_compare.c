/* SPDX-License-Identifier: BSD-2-Clause */
/* uarena sched compare: several schedulers under the same load, side by side. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/sched.h"

/* All simulations stay until they are printed: results borrow from them. */
struct comparison {
	struct workload w;
	struct sched_setup *setups;
	struct sched_sim *sims;
	struct sched_result *results;
	size_t n;
};

static int comparison_new(struct comparison *c, size_t n)
{
	c->setups = calloc(n, sizeof(*c->setups));
	c->sims = calloc(n, sizeof(*c->sims));
	c->results = calloc(n, sizeof(*c->results));
	if (c->setups && c->sims && c->results)
		return CLI_OK;
	cli_error("out of memory");
	return CLI_REFUSED;
}

static void comparison_free(struct comparison *c)
{
	for (size_t i = 0; i < c->n; i++) {
		sched_result_free(&c->results[i]);
		sched_sim_close(&c->sims[i]);
	}
	free(c->setups);
	free(c->sims);
	free(c->results);
	workload_free(&c->w);
}

static int add(struct comparison *c, const struct cli_options *o, const char *object)
{
	size_t i = c->n++;
	int status;

	sched_setup_fill(&c->setups[i], o, object, &c->w);
	status = sched_sim_open(&c->setups[i], &c->w, &c->sims[i]);
	if (!status)
		status = sched_sim_run(&c->sims[i]);
	if (!status)
		sched_result_take(&c->sims[i], &c->results[i]);
	sched_sim_detach(&c->sims[i]);
	return status;
}

static int print(const struct comparison *c, json_t *all)
{
	int status = CLI_OK;

	for (size_t i = 0; i < c->n; i++) {
		if (sched_result_status(&c->results[i]))
			status = CLI_REFUSED;
		if (all)
			json_array_append_new(all, sched_result_json(&c->results[i]));
	}
	if (!all)
		sched_table_compare(c->results, c->n);
	return status;
}

static int compare_workload(const struct cli_options *o, const char *workload, json_t *all)
{
	struct comparison c = {0};
	int status = sched_workload_load(workload, &c.w);

	if (status)
		return status;
	status = comparison_new(&c, (size_t)o->n_operands);
	for (int i = 0; !status && i < o->n_operands; i++)
		status = add(&c, o, o->operands[i]);
	if (!status)
		status = print(&c, all);
	comparison_free(&c);
	return status;
}

static int compare_workloads(const struct cli_options *o)
{
	static const char *const standard[] = {"hogs"};
	const char *const *names = o->sched.n_workloads ? o->sched.workloads : standard;
	size_t n = o->sched.n_workloads ? o->sched.n_workloads : 1;
	json_t *all = o->json ? json_array() : NULL;
	int status = CLI_OK;

	for (size_t i = 0; i < n; i++) {
		int one = compare_workload(o, names[i], all);

		status = one ? one : status;
		if (!all && i + 1 < n)
			printf("\n");
	}
	if (all)
		cli_print_json(json_pack("{s:o}", "runs", all));
	return status;
}

int sched_compare(int argc, char **argv)
{
	struct cli_options o;
	bool done;
	int status = cli_options(argc, argv, "sched compare",
				 ACCEPT_EXEC | ACCEPT_SCHED | ACCEPT_JSON, 1, &o, &done);

	if (!done)
		status = compare_workloads(&o);
	cli_options_free(&o);
	return status;
}
