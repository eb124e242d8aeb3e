/* SPDX-License-Identifier: BSD-2-Clause */
/* uarena features: what engine and running kernel support of what arena programs need. */
#include "cli/cli.h"

#include <stdio.h>

#include "kernel/features.h"
#include "kernel/handle.h"

enum { ENGINE, LINUX, SIDES };

static const char *answer(int ret)
{
	return ret == 1 ? "yes" : ret == 0 ? "no" : "?";
}

static json_t *answer_json(int ret)
{
	return ret < 0 ? json_null() : json_boolean(ret);
}

static void print_text(struct ua_engine *sides[SIDES])
{
	bool refused = false;

	printf("%-20s %-7s %-7s\n", "feature", "engine", "linux");
	for (size_t i = 0; i < kernel_feature_count(); i++) {
		int engine = kernel_feature_probe(sides[ENGINE]->kernel, i);
		int lin = kernel_feature_probe(sides[LINUX]->kernel, i);

		refused |= lin < 0;
		printf("%-20s %-7s %-7s %s\n", kernel_feature_name(i), answer(engine), answer(lin),
		       kernel_feature_text(i));
	}
	if (refused)
		printf("?: the kernel lets only processes with CAP_BPF ask\n");
}

static int print_json(struct ua_engine *sides[SIDES])
{
	json_t *list = json_array();

	for (size_t i = 0; i < kernel_feature_count(); i++)
		json_array_append_new(
			list,
			json_pack("{s:s, s:s, s:o, s:o}", "name", kernel_feature_name(i), "text",
				  kernel_feature_text(i), "engine",
				  answer_json(kernel_feature_probe(sides[ENGINE]->kernel, i)),
				  "linux",
				  answer_json(kernel_feature_probe(sides[LINUX]->kernel, i))));
	return cli_print_json(list);
}

static int open_sides(struct ua_engine *sides[SIDES])
{
	UA_OPTS(ua_engine_opts, engine, .backend = UA_BACKEND_ENGINE);
	UA_OPTS(ua_engine_opts, lin, .backend = UA_BACKEND_LINUX);

	if (ua_engine__open(&engine, &sides[ENGINE])) {
		cli_error("the engine does not start");
		return CLI_REFUSED;
	}
	if (ua_engine__open(&lin, &sides[LINUX])) {
		cli_error("the Linux side does not start");
		ua_engine__close(sides[ENGINE]);
		return CLI_REFUSED;
	}
	return CLI_OK;
}

int cli_features(int argc, char **argv)
{
	struct ua_engine *sides[SIDES];
	struct cli_options o;
	ua_print_fn old;
	bool done;
	int ret = cli_options(argc, argv, "features", ACCEPT_JSON, 0, &o, &done);

	if (ret || done)
		return ret;
	ret = open_sides(sides);
	if (!ret) {
		old = ua_set_print(NULL); /* a refused probe is an answer, not a message */
		if (o.json)
			ret = print_json(sides);
		else
			print_text(sides);
		ua_set_print(old);
		ua_engine__close(sides[LINUX]);
		ua_engine__close(sides[ENGINE]);
	}
	cli_options_free(&o);
	return ret;
}
