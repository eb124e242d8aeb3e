/* SPDX-License-Identifier: BSD-2-Clause */
/* uarena run: load an object with the programs named and run them one after the other. */
#include "cli/cli.h"

static int run_all(struct cli_session *s, const struct cli_options *o)
{
	json_t *list = o->json ? json_array() : NULL;
	int status = CLI_OK;

	for (int i = 1; i < o->n_operands; i++) {
		struct cli_result r;

		bool ran = !cli_run_program(s, o->operands[i], o, &r);

		if (!ran || r.err)
			status = CLI_REFUSED;
		if (ran && list)
			json_array_append_new(list, cli_result_json(&r));
		else if (ran)
			cli_result_print(&r);
		cli_result_free(&r);
		if (status)
			break;
	}
	if (list && cli_print_json(list))
		status = CLI_REFUSED;
	return status;
}

int cli_run(int argc, char **argv)
{
	struct cli_options o;
	struct cli_session s;
	bool done;
	int status = cli_options(argc, argv, "run", ACCEPT_ENGINE | ACCEPT_IO | ACCEPT_JSON, 2, &o,
				 &done);

	if (!done) {
		status = cli_open(&o, o.operands[0], &s);
		if (!status)
			status = cli_load_only(&s, o.operands + 1, o.n_operands - 1);
		if (!status)
			status = run_all(&s, &o);
		cli_close(&s);
	}
	cli_options_free(&o);
	return status;
}
