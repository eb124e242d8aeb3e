/* SPDX-License-Identifier: BSD-2-Clause */
/* uarena sched: its verbs, the workloads it brings along, and `run`. */
#include "cli/sched.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "cli/embedded.h"
#include "cli/workload_json.h"

/* -- Workloads ------------------------------------------------------------------------------- */

/* The embedded file of a name without its ".json". */
static const struct embedded *ready_made(const char *name)
{
	char file[80];

	snprintf(file, sizeof(file), "%.70s.json", name);
	for (const struct embedded *f = embedded_files; f->name; f++)
		if (!strcmp(f->name, file))
			return f;
	return NULL;
}

static bool is_workload(const struct embedded *f)
{
	size_t n = strlen(f->name);

	return n > 5 && !strcmp(f->name + n - 5, ".json");
}

/* "dir/mine.json" -> "mine" */
static void workload_label(const char *path, char *label, size_t size)
{
	const char *slash = strrchr(path, '/'), *dot;

	path = slash ? slash + 1 : path;
	dot = strrchr(path, '.');
	snprintf(label, size, "%.*s",
		 (int)(dot && dot > path ? (size_t)(dot - path) : strlen(path)), path);
}

/* Text of a workload by name or path; *owned is to be freed. */
static int workload_text(const char *name, const char **text, size_t *size, void **owned)
{
	const struct embedded *f = ready_made(name);

	*owned = NULL;
	if (f) {
		*text = f->data;
		*size = f->size;
		return CLI_OK;
	}
	if (!strchr(name, '/') && !strchr(name, '.')) {
		cli_error("no workload named '%s'; 'uarena sched list' lists them, a file is given "
			  "by its path",
			  name);
		return CLI_REFUSED;
	}
	if (cli_read_file(name, owned, size))
		return CLI_REFUSED;
	*text = *owned;
	return CLI_OK;
}

int sched_workload_load(const char *name, struct workload *w)
{
	char reason[WORKLOAD_TEXT], label[80];
	const char *text;
	size_t size;
	void *owned;
	int err = workload_text(name, &text, &size, &owned);

	if (err)
		return err;
	workload_label(name, label, sizeof(label));
	err = workload_parse(name, label, text, size, w, reason);
	free(owned);
	if (err)
		cli_error("%s", reason);
	return err ? CLI_REFUSED : CLI_OK;
}

json_t *sched_workload_json(const char *name)
{
	char reason[WORKLOAD_TEXT];
	const char *text;
	size_t size;
	void *owned;
	json_t *root;

	if (workload_text(name, &text, &size, &owned))
		return NULL;
	root = workload_load(name, text, size, reason);
	free(owned);
	if (!root)
		cli_error("%s", reason);
	return root;
}

static int list_all(void)
{
	for (const struct embedded *f = embedded_files; f->name; f++) {
		struct workload w;
		char label[80], reason[WORKLOAD_TEXT];

		workload_label(f->name, label, sizeof(label));
		if (!is_workload(f))
			continue;
		if (workload_parse(f->name, label, f->data, f->size, &w, reason)) {
			cli_error("%s", reason);
			return CLI_REFUSED;
		}
		printf("%-16s %s\n", label, w.description ? w.description : "");
		workload_free(&w);
	}
	return CLI_OK;
}

static int print_one(const char *name)
{
	const struct embedded *f = ready_made(name);

	if (!f) {
		cli_error("no workload named '%s'; 'uarena sched list' lists them", name);
		return CLI_REFUSED;
	}
	fwrite(f->data, 1, f->size, stdout);
	return CLI_OK;
}

int sched_list(int argc, char **argv)
{
	struct cli_options o;
	bool done;
	int status = cli_options(argc, argv, "sched list", 0, 0, &o, &done);

	if (!done)
		status = o.n_operands ? print_one(o.operands[0]) : list_all();
	cli_options_free(&o);
	return status;
}

/* -- run ------------------------------------------------------------------------------------- */

void sched_setup_fill(struct sched_setup *s, const struct cli_options *o, const char *object,
		      const struct workload *w)
{
	const struct cli_sched_options *so = &o->sched;
	uint64_t time = w->duration ? w->duration : SCHED_TIME;

	*s = (struct sched_setup){
		.object = object,
		.ops = so->ops,
		.setup = so->setup,
		.machine = so->machine	? so->machine
			   : w->machine ? w->machine
					: SCHED_MACHINE,
		.seed = so->has_seed  ? so->seed
			: w->has_seed ? w->seed
				      : 1,
		.time = so->time ? so->time : time,
		.hz = so->hz,
		.options = o,
	};
}

static int print_globals(const struct cli_options *o, struct cli_session *s)
{
	struct cli_arena arena = {0};
	bool has_arena = ua_object__arena(s->obj);
	int status = has_arena ? cli_arena_take(s, o, &arena) : CLI_OK;

	for (size_t i = 0; !status && i < o->n_prints; i++) {
		putchar('\n');
		status = cli_print_global(s, has_arena ? &arena : NULL, o->prints[i]);
	}
	cli_arena_free(&arena);
	return status;
}

static json_t *run_json(const struct cli_options *o, const struct cli_session *s,
			const struct sched_result *r)
{
	json_t *j = sched_result_json(r);

	if (o->n_prints)
		json_object_set_new(j, "globals", cli_prints_json(s, o));
	return j;
}

static int report(const struct cli_options *o, struct cli_session *s, const struct sched_result *r,
		  struct sched_picture *p, json_t *runs)
{
	int status = p ? sched_html_write(o->sched.html, r, p) : CLI_OK;

	if (runs) {
		json_array_append_new(runs, run_json(o, s, r));
	} else {
		sched_table_print(r);
		if (!status && o->n_prints)
			status = print_globals(o, s);
	}
	return status ? status : sched_result_status(r);
}

int sched_run_open(const struct cli_options *o, struct sched_sim *s, json_t *runs,
		   void (*then)(void *arg, const struct sched_result *r), void *arg)
{
	struct sched_result r;
	struct sched_trace *trace = NULL;
	struct sched_picture *picture = NULL;
	int status = CLI_OK;

	if (o->sched.trace && !(trace = sched_trace_begin(s, o->sched.trace)))
		return CLI_REFUSED;
	if (o->sched.html && !(picture = sched_picture_begin(s)))
		status = CLI_REFUSED;
	if (!status)
		status = sched_sim_run(s);
	if (trace && sched_trace_end(trace))
		status = CLI_REFUSED;
	if (!status) {
		sched_result_take(s, &r);
		status = report(o, &s->session, &r, picture, runs);
		if (then)
			then(arg, &r);
		sched_result_free(&r);
	}
	sched_picture_free(picture);
	return status;
}

static int run_workload(const struct cli_options *o, const char *name, json_t *runs)
{
	struct sched_setup setup;
	struct sched_sim s;
	struct workload w;
	int status = sched_workload_load(name, &w);

	if (status)
		return status;
	sched_setup_fill(&setup, o, o->operands[0], &w);
	status = sched_sim_open(&setup, &w, &s);
	if (!status)
		status = cli_check_prints(&s.session, o);
	if (!status)
		status = sched_run_open(o, &s, runs, NULL, NULL);
	sched_sim_close(&s);
	workload_free(&w);
	return status;
}

static int run_workloads(const struct cli_options *o)
{
	static const char *const standard[] = {"hogs"};
	const char *const *names = o->sched.n_workloads ? o->sched.workloads : standard;
	size_t n = o->sched.n_workloads ? o->sched.n_workloads : 1;
	json_t *runs = o->json ? json_array() : NULL;
	int status = CLI_OK;

	for (size_t i = 0; i < n && !sched_sim_interrupted(); i++) {
		int one = run_workload(o, names[i], runs);

		status = one ? one : status;
		if (!runs && i + 1 < n)
			printf("\n");
	}
	if (runs)
		cli_print_json(json_pack("{s:o}", "runs", runs));
	return status;
}

int sched_run(int argc, char **argv)
{
	struct cli_options o;
	bool done;
	int status =
		cli_options(argc, argv, "sched run",
			    ACCEPT_EXEC | ACCEPT_SCHED | ACCEPT_REPORT | ACCEPT_JSON | ACCEPT_PRINT,
			    1, &o, &done);

	if (!done && o.n_operands > 1) {
		cli_error("sched run takes one object; 'sched compare' takes several");
		status = CLI_USAGE;
	} else if (!done && o.sched.n_workloads > 1 && (o.sched.trace || o.sched.html)) {
		cli_error("--trace and --html take one workload");
		status = CLI_USAGE;
	} else if (!done) {
		sched_sim_interruptible();
		status = run_workloads(&o);
	}
	cli_options_free(&o);
	if (sched_sim_interrupted()) {
		fflush(stdout);
		raise(sched_sim_interrupted()); /* whoever started us is to know */
	}
	return status;
}

/* -- The verb -------------------------------------------------------------------------------- */

static const struct sched_verb {
	const char *name;
	int (*fn)(int argc, char **argv);
	const char *operands, *summary;
} verbs[] = {
#define X(name, fn, operands, summary) {name, fn, operands, summary},
	CLI_SCHED_VERBS(X)
#undef X
};

static void usage(FILE *to)
{
	fprintf(to, "usage: uarena sched VERB [OPTION...] OPERAND...\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		fprintf(to, "  %-8s %-12s %s\n", verbs[i].name, verbs[i].operands,
			verbs[i].summary);
	fprintf(to, "\n'uarena sched VERB --help' lists the options of a verb.\n");
}

int cli_sched(int argc, char **argv)
{
	if (argc < 2) {
		usage(stderr);
		return CLI_USAGE;
	}
	if (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		usage(stdout);
		return CLI_OK;
	}
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (!strcmp(argv[1], verbs[i].name))
			return verbs[i].fn(argc - 1, argv + 1);
	cli_error("unknown verb 'sched %s'; 'uarena sched help' lists them", argv[1]);
	return CLI_USAGE;
}
