/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For tests whose expectations are inside BPF programs: load the object named on the command
 * line, with the interpreter and with the JIT, or into Linux if the
 * second argument says so, and call run_all() on it.
 */
#ifndef TESTS_PROG_INSIDE_H
#define TESTS_PROG_INSIDE_H

#include <stdio.h>
#include <string.h>
#include <uarena.h>

#ifndef NULL_GUARD
#define NULL_GUARD false
#endif

static int failed;
static bool on_linux;

#define FAIL(...)                    \
	do {                         \
		failed++;            \
		printf("FAILED ");   \
		printf(__VA_ARGS__); \
		putchar('\n');       \
	} while (0)

/* The test's own part. */
static void run_all(struct ua_object *obj);
static void before_load(struct ua_object *obj);

/* What the program returned, or -1000 and a failure if it did not run. */
static int run_get(struct ua_object *obj, const char *name)
{
	struct ua_program *prog = ua_object__find_program(obj, name);
	UA_OPTS(ua_run_opts, opts, .cpu = -1);
	int err = prog ? ua_program__run(prog, &opts) : -2;

	if (err)
		FAIL("%s: error %d", name, err);
	return err ? -1000 : (int)opts.retval;
}

static void run(struct ua_object *obj, const char *name)
{
	int ret = run_get(obj, name);

	if (ret)
		FAIL("%s returned %d", name, ret);
}

__attribute__((unused)) static void run_tests(struct ua_object *obj)
{
	struct ua_program *prog = NULL;

	while ((prog = ua_object__next_program(obj, prog)))
		if (!strncmp(ua_program__name(prog), "test_", 5))
			run(obj, ua_program__name(prog));
}

static int run_object(const char *path, enum ua_backend backend, enum ua_exec exec)
{
	UA_OPTS(ua_engine_opts, opts, .backend = backend, .exec = exec, .null_guard = NULL_GUARD);
	struct ua_engine *engine;
	struct ua_object *obj;
	int err = ua_engine__open(&opts, &engine);

	if (err)
		return err;
	err = ua_object__open_file(engine, path, NULL, &obj);
	if (!err) {
		before_load(obj);
		err = ua_object__load(obj);
		if (!err)
			run_all(obj);
		ua_object__close(obj);
	}
	ua_engine__close(engine);
	return err;
}

int main(int argc, char **argv)
{
	int err;

	if (argc < 2 || !*argv[1]) {
		puts("no object to test");
		return 77;
	}
	if (argc == 3 && !strcmp(argv[2], "linux")) {
		on_linux = true;
		err = run_object(argv[1], UA_BACKEND_LINUX, UA_EXEC_AUTO);
		if (err)
			printf("Linux does not load this here: error %d\n", err);
		return err ? 77 : failed ? 1 : 0;
	}
	for (int exec = UA_EXEC_INTERP; exec <= UA_EXEC_JIT; exec++) {
		err = run_object(argv[1], UA_BACKEND_ENGINE, (enum ua_exec)exec);
		if (err)
			FAIL("to load with exec %d: error %d", exec, err);
	}
	return failed ? 1 : 0;
}

#endif
