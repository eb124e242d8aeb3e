/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uarena test: a program is a test if it carries an annotation of the kernel's test loader
 * (annotation.h), or is a SEC("syscall") program named test_*. Each is loaded on its own from a
 * fresh copy of its object, so that no test sees what another left. An annotated test says
 * itself what is to come of it; any other passes if it loads, runs and returns 0. Output is
 * TAP version 13.
 */
#include "cli/cli.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/bpf.h"
#include "cli/annotation.h"

/* Of a long log, only the end is shown. */
#define SHOWN_LOG 2000

struct tally {
	int n, failed;
};

/* One test on its way to its verdict. */
struct attempt {
	const char *path, *name;
	const struct annotation *a;
	bool opened, loaded, ran;
	char *log;
	struct cli_result r;
};

static bool runs_by_name(const struct ua_program *p)
{
	return ua_program__type(p) == BPF_PROG_TYPE_SYSCALL &&
	       !strncmp(ua_program__name(p), "test_", 5);
}

static bool is_test(const struct ua_program *p, const struct annotation *a)
{
	return !a->auxiliary && !a->arch_other && (a->is_test || runs_by_name(p));
}

static bool is_wanted(const struct cli_options *o, const char *name, const struct annotation *a)
{
	return !o->filter || !fnmatch(o->filter, name, 0) ||
	       (a->description && !fnmatch(o->filter, a->description, 0));
}

/* -- Output --------------------------------------------------------------------- */

static void diagnose(const char *text)
{
	size_t size = text ? strlen(text) : 0;

	if (size > SHOWN_LOG) {
		puts("# ...");
		text += size - SHOWN_LOG;
	}
	while (text && *text) {
		int len = (int)strcspn(text, "\n");

		printf("# %.*s\n", len, text);
		text += len + (text[len] == '\n');
	}
}

/* On one line, and without the # that would start a TAP directive. */
static void print_description(const char *text)
{
	fputs(" (", stdout);
	for (; *text; text++) {
		if (*text == '#')
			putchar('\\');
		putchar(isprint((unsigned char)*text) ? *text : ' ');
	}
	putchar(')');
}

static void print_name(const char *path, const char *name, const struct annotation *a)
{
	printf("%s %s", path, name);
	if (a->description)
		print_description(a->description);
}

/* -- Verdict ---------------------------------------------------------------------- */

/* The first expectation not met, and the name of where it was sought. */
static const struct expectation *unmet(const struct attempt *t, const char **where)
{
	static const char *const places[] = {"the verifier's log", "stderr", "stdout"};
	const char *texts[] = {t->log, t->r.err_text, t->r.out};

	for (int in = 0; in < N_EXPECT_IN; in++) {
		const struct expectation *e = annotation_unmet(t->a, (enum expect_in)in, texts[in]);

		*where = places[in];
		if (e)
			return e;
	}
	return NULL;
}

static const char *failure(const struct attempt *t)
{
	const struct annotation *a = t->a;

	if (a->bad)
		return "annotation cannot be read";
	if (!t->opened)
		return "the object cannot be opened";
	if (a->failure)
		return t->loaded ? "loaded, but is to be refused" : NULL;
	if (!t->loaded)
		return "refused";
	if (t->ran && t->r.err)
		return "stopped";
	if (t->ran && !a->any_retval && t->r.retval != a->retval)
		return "wrong result";
	return NULL;
}

static void explain(const struct attempt *t, const char *why)
{
	if (why)
		printf("# %s\n", why);
	if (t->a->bad)
		printf("# %s\n", t->a->bad);
	if (t->ran && t->r.err)
		printf("# %s\n", strerror(-t->r.err));
	else if (t->ran)
		printf("# returned %d\n", (int)t->r.retval);
	diagnose(t->r.out);
	diagnose(t->r.err_text);
	diagnose(t->log);
}

static void report(struct tally *tally, const struct attempt *t)
{
	const char *why = failure(t), *where = NULL;
	const struct expectation *e = why ? NULL : unmet(t, &where);

	printf("%sok %d - ", why || e ? "not " : "", ++tally->n);
	print_name(t->path, t->name, t->a);
	putchar('\n');
	if (!why && !e)
		return;
	tally->failed++;
	if (e)
		printf("# %s %s: %s\n", e->absent ? "must not be in" : "not in", where, e->text);
	explain(t, why);
}

/* -- Running ------------------------------------------------------------------------ */

/* Only the test and what its object calls auxiliary is loaded. */
static int load_test(struct cli_session *s, const char *name)
{
	struct ua_program *p = NULL;
	int err = 0;

	while (!err && (p = ua_object__next_program(s->obj, p))) {
		struct annotation a;

		err = annotation_read(s->obj, ua_program__name(p), &a);
		ua_program__set_autoload(p, a.auxiliary || !strcmp(ua_program__name(p), name));
		annotation_free(&a);
	}
	return err ? err : ua_object__load(s->obj);
}

static bool to_be_run(struct cli_session *s, const struct attempt *t)
{
	return t->a->has_retval || t->a->runs ||
	       runs_by_name(ua_object__find_program(s->obj, t->name));
}

static void run_test(const struct cli_options *o, const char *path, const char *name,
		     const struct annotation *a, struct tally *tally)
{
	struct attempt t = {.path = path, .name = name, .a = a};
	struct cli_options opts = *o;
	struct cli_session s;

	opts.log_level = a->log_level;
	opts.late_streams = true; /* programs may test what a full stream answers */
	cli_catch_begin();
	t.opened = !cli_open(&opts, path, &s);
	t.loaded = t.opened && !load_test(&s, name);
	t.log = cli_catch_end();
	t.ran = t.loaded && !a->failure && to_be_run(&s, &t);
	if (t.ran && cli_run_program(&s, name, &opts, NULL, &t.r))
		t.r.err = t.r.err ? t.r.err : -EIO;
	report(tally, &t);
	cli_result_free(&t.r);
	free(t.log);
	cli_close(&s);
}

static int consider(const struct cli_options *o, const char *path, const struct ua_object *obj,
		    const struct ua_program *p, struct tally *t)
{
	const char *name = ua_program__name(p);
	struct annotation a;
	int err = annotation_read(obj, name, &a);

	if (!err && is_test(p, &a) && is_wanted(o, name, &a)) {
		if (o->list) {
			print_name(path, name, &a);
			putchar('\n');
		} else {
			run_test(o, path, name, &a, t);
		}
	}
	annotation_free(&a);
	return err;
}

static int test_object(const struct cli_options *o, const char *path, struct tally *t)
{
	struct cli_session s;
	struct ua_program *p = NULL;
	int status = cli_open(o, path, &s);

	while (!status && (p = ua_object__next_program(s.obj, p)))
		if (consider(o, path, s.obj, p, t)) {
			cli_error("%s: out of memory", path);
			status = CLI_REFUSED;
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
