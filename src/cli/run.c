/* SPDX-License-Identifier: BSD-2-Clause */
/* uarena run: load an object with the programs named and run them one after the other. */
#include "cli/step.h"

static int run_all(struct cli_session *s, const struct cli_options *o, struct cli_steps *steps)
{
	json_t *list = o->json ? json_array() : NULL;
	int status = cli_steps_run(s, o, steps, list);

	if (list && cli_print_json(list))
		status = CLI_REFUSED;
	return status;
}

int cli_run(int argc, char **argv)
{
	struct cli_options o;
	struct cli_session s;
	struct cli_steps *steps = NULL;
	bool done;
	int status = cli_options(argc, argv, "run", ACCEPT_ENGINE | ACCEPT_IO | ACCEPT_JSON, 2, &o,
				 &done);

	if (!done) {
		status = cli_open(&o, o.operands[0], &s);
		if (!status)
			status = cli_steps_load(&s, o.operands + 1, o.n_operands - 1, &steps);
		if (!status)
			status = run_all(&s, &o, steps);
		cli_steps_free(steps);
		cli_close(&s);
	}
	cli_options_free(&o);
	return status;
}
