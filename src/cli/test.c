/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uarena test: every SEC("syscall") program named test_* is a test that passes if it returns
 * 0. Each runs on a fresh load of its object, so that no test sees what another left. Output
 * is TAP version 13.
 */
#include "cli/cli.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "abi/bpf.h"

struct tally {
	int n, failed;
};

static bool is_test(const struct ua_program *p, const struct cli_options *o)
{
	const char *name = ua_program__name(p);

	return ua_program__type(p) == BPF_PROG_TYPE_SYSCALL && !strncmp(name, "test_", 5) &&
	       (!o->filter || !fnmatch(o->filter, name, 0));
}

static void diagnose(const char *text)
{
	while (text && *text) {
		int len = (int)strcspn(text, "\n");

		printf("# %.*s\n", len, text);
		text += len + (text[len] == '\n');
	}
}

static void report(struct tally *t, const char *path, const struct cli_result *r, int status)
{
	bool ok = !status && !r->err && !r->retval;

	printf("%sok %d - %s %s\n", ok ? "" : "not ", ++t->n, path, r->program);
	if (ok)
		return;
	t->failed++;
	if (r->err)
		printf("# stopped: %s\n", strerror(-r->err));
	else if (!status)
		printf("# returned %d\n", (int)r->retval);
	diagnose(r->out);
	diagnose(r->err_text);
}

static void run_test(const struct cli_options *o, const char *path, const char *name,
		     struct tally *t)
{
	struct cli_session s;
	struct cli_result r = {.program = name};
	char *progs[] = {(char *)name};
	int status = cli_open(o, path, &s);

	if (!status)
		status = cli_load_only(&s, progs, 1);
	if (!status)
		status = cli_run_program(&s, name, o, &r);
	report(t, path, &r, status);
	cli_result_free(&r);
	cli_close(&s);
}

static int test_object(const struct cli_options *o, const char *path, struct tally *t)
{
	struct cli_session s;
	struct ua_program *p = NULL;
	int status = cli_open(o, path, &s);

	while (!status && (p = ua_object__next_program(s.obj, p))) {
		if (!is_test(p, o))
			continue;
		if (o->list)
			printf("%s %s\n", path, ua_program__name(p));
		else
			run_test(o, path, ua_program__name(p), t);
	}
	cli_close(&s);
	return status;
}

int cli_test(int argc, char **argv)
{
	struct cli_options o;
	struct tally t = {0};
	bool done;
	int status = cli_options(argc, argv, "test", ACCEPT_ENGINE | ACCEPT_TESTS, 1, &o, &done);

	if (!done) {
		if (!o.list)
			puts("TAP version 13");
		for (int i = 0; i < o.n_operands; i++)
			if (test_object(&o, o.operands[i], &t))
				status = CLI_REFUSED;
		if (!o.list)
			printf("1..%d\n", t.n);
		if (t.failed)
			status = CLI_REFUSED;
	}
	cli_options_free(&o);
	return status;
}
