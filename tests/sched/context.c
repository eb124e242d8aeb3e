/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each kfunc only where it belongs, and only what a scheduler may write: programs whose names
 * begin with bad_ are refused with -EACCES, wrong_ ones with -EINVAL, good_ ones load.
 * Usage: context OBJECT
 */
#include "sim.h"

static int load_alone(struct sim *s, const char *object, const char *name)
{
	struct ua_program *prog = NULL;
	struct ua_object *obj;
	int err;

	CHECK_EQ(ua_object__open_file(s->engine, object, NULL, &obj), 0);
	while ((prog = ua_object__next_program(obj, prog)))
		ua_program__set_autoload(prog, !strcmp(ua_program__name(prog), name));
	err = ua_object__load(obj);
	ua_object__close(obj);
	return err;
}

int main(int argc, char **argv)
{
	struct ua_program *prog = NULL;
	struct ua_object *names;
	struct sim s;
	int n = 0;

	CHECK(argc == 2);
	sim_open(&s, "2c", 1);
	CHECK_EQ(ua_object__open_file(s.engine, argv[1], NULL, &names), 0);
	while ((prog = ua_object__next_program(names, prog))) {
		const char *name = ua_program__name(prog);
		int should = *name == 'b' ? -EACCES : *name == 'w' ? -EINVAL : 0;
		int err = load_alone(&s, argv[1], name);
		const char *log = sim_log();

		if (err != should)
			FAIL("%s: %d\n%s", name, err, log);
		n++;
	}
	CHECK(n > 20);
	ua_object__close(names);
	sim_close(&s);
	return 0;
}
