/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uarena sched shrink: from a run that fails to a small one that fails the same way.
 *
 * Greedy: edits of the workload (sched_edit.c) and of the machine are tried one after the other
 * and kept if the scheduler still ends with the same exit kind and the same message but for
 * names and numbers, until none is left that helps.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "cli/sched_case.h"
#include "cli/sched_edit.h"
#include "cli/workload_json.h"

#define MAX_TRIES 2000

struct shrink {
	const struct cli_options *o;
	struct sched_case c; /* the smallest so far */
	char machine[64], class[SCHED_CLASS_LEN];
	uint64_t failed_at, n_events; /* of the smallest so far */
	unsigned int tries, kept;
};

/* -- One try --------------------------------------------------------------------------------- */

struct outcome {
	bool ran;
	int kind;
	char class[SCHED_CLASS_LEN];
	uint64_t time, n_events;
};

static void simulate(const struct sched_setup *setup, const struct workload *w, struct outcome *out)
{
	struct sched_result r;
	struct sched_sim s;

	if (!sched_sim_open(setup, w, &s) && !sched_sim_run(&s)) {
		sched_result_take(&s, &r);
		out->ran = r.end != SCHED_REFUSED;
		out->kind = (int)r.kind;
		out->time = r.metrics->elapsed;
		out->n_events = r.n_events;
		sched_result_class(&r, out->class);
		sched_result_free(&r);
	}
	sched_sim_close(&s);
}

/* loud: messages are shown. */
static void try_case(struct shrink *sh, const struct sched_case *c, bool loud, struct outcome *out)
{
	char reason[WORKLOAD_TEXT];
	ua_print_fn print = NULL;
	struct sched_setup setup;
	struct workload w;

	*out = (struct outcome){0};
	sh->tries++;
	if (workload_from_json("workload", "case", c->workload, &w, reason)) {
		if (loud)
			cli_error("%s", reason);
		return;
	}
	sched_case_setup(c, sh->o, &setup);
	setup.quiet = !loud;
	/* Without its pauses a task may do millions of things: what takes longer is no gain. */
	setup.max_events = sh->n_events ? sh->n_events * 2 + 100000 : 0;
	if (!loud)
		print = ua_set_print(NULL);
	simulate(&setup, &w, out);
	if (!loud)
		ua_set_print(print);
	workload_free(&w);
}

static size_t n_kinds(const struct shrink *sh)
{
	return json_object_size(json_object_get(sh->c.workload, "tasks"));
}

static void progress(const struct shrink *sh)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\rshrink: %u tries, %u kept, machine %s, %zu kinds of tasks\033[K",
			sh->tries, sh->kept, sh->c.machine, n_kinds(sh));
}

/* Does it fail the same way? Then it is the smallest so far. */
static bool keep(struct shrink *sh, const struct sched_case *c)
{
	struct outcome out;

	if (sh->tries >= MAX_TRIES)
		return false;
	try_case(sh, c, false, &out);
	progress(sh);
	if (!out.ran || out.kind != sh->c.kind || strcmp(out.class, sh->c.class))
		return false;
	sh->failed_at = out.time;
	sh->n_events = min_t(uint64_t, sh->n_events, out.n_events);
	sh->kept++;
	return true;
}

/* -- The machine ----------------------------------------------------------------------------- */

static bool try_machine(struct shrink *sh, const uint32_t counts[4])
{
	struct sched_case c = sh->c;
	char text[64];

	snprintf(text, sizeof(text), "%" PRIu32 "n:%" PRIu32 "l:%" PRIu32 "c:%" PRIu32 "t",
		 counts[0], counts[1], counts[2], counts[3]);
	c.machine = text;
	if (!keep(sh, &c))
		return false;
	memcpy(sh->machine, text, sizeof(sh->machine));
	sh->c.machine = sh->machine;
	return true;
}

/* One of each, half, one less; level by level. */
static bool shrink_level(struct shrink *sh, uint32_t counts[4], int level)
{
	const uint32_t had = counts[level], tries[] = {1, had / 2, had - 1};

	for (size_t i = 0; had > 1 && i < ARRAY_SIZE(tries); i++) {
		counts[level] = tries[i];
		if (tries[i] && try_machine(sh, counts))
			return true;
	}
	counts[level] = had;
	return false;
}

static bool shrink_machine(struct shrink *sh)
{
	bool any = false;
	struct topo t;

	if (topo_parse(sh->c.machine, &t))
		return false;
	for (int level = 0; level < 4; level++) {
		uint32_t counts[4] = {t.nodes, t.llcs, t.cores, t.threads};

		while (shrink_level(sh, counts, level))
			any = true;
		t.nodes = counts[0];
		t.llcs = counts[1];
		t.cores = counts[2];
		t.threads = counts[3];
	}
	topo_free(&t);
	return any;
}

/* -- The workload ---------------------------------------------------------------------------- */

/* After an edit was kept, the next one has its number. */
static bool shrink_workload(struct shrink *sh)
{
	bool any = false;
	size_t k = 0;

	while (sh->tries < MAX_TRIES) {
		struct sched_case c = sh->c;

		c.workload = json_deep_copy(sh->c.workload);
		if (!c.workload || !sched_edit(c.workload, k)) {
			json_decref(c.workload);
			break;
		}
		if (keep(sh, &c)) {
			json_decref(sh->c.workload);
			sh->c.workload = c.workload;
			any = true;
		} else {
			json_decref(c.workload);
			k++;
		}
	}
	return any;
}

/* -- The whole ------------------------------------------------------------------------------- */

static int first_try(struct shrink *sh)
{
	struct outcome out;

	try_case(sh, &sh->c, true, &out);
	if (!out.ran)
		return CLI_REFUSED;
	if (!*out.class) {
		cli_error("it does not fail in %.3f s; choose another --workload, --seed or a "
			  "longer --time",
			  (double)sh->c.time / 1e9);
		return CLI_REFUSED;
	}
	sh->c.kind = out.kind;
	memcpy(sh->class, out.class, sizeof(sh->class));
	sh->c.class = sh->class;
	sh->failed_at = out.time;
	sh->n_events = out.n_events;
	printf("fails after %.6f s: %s (exit kind %d)\n", (double)out.time / 1e9, out.class,
	       out.kind);
	fflush(stdout);
	return CLI_OK;
}

/* An exit ends the run; where the programs only report, half of the time may do. */
static void shrink_time(struct shrink *sh)
{
	struct sched_case c = sh->c;

	while (!sh->c.kind && c.time > 2000000) {
		c.time /= 2;
		if (!keep(sh, &c))
			break;
	}
}

static void shrink_all(struct shrink *sh)
{
	bool any = true;

	while (any && sh->tries < MAX_TRIES) {
		any = shrink_machine(sh);
		any |= shrink_workload(sh);
	}
	shrink_time(sh);
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	sh->c.time = sh->failed_at;
}

static int save(const struct shrink *sh, const char *path)
{
	json_t *j = sched_case_json(&sh->c, sh->o);
	char *text = json_dumps(j, JSON_INDENT(2));
	int err = text ? 0 : -ENOMEM;

	json_decref(j);
	if (!err) {
		size_t n = strlen(text);

		text[n] = '\n'; /* in place of the end of the string, which is not written */
		err = cli_write_file(path, text, n + 1);
	}
	free(text);
	return err ? CLI_REFUSED : CLI_OK;
}

static void default_path(const char *object, char *path, size_t size)
{
	const char *slash = strrchr(object, '/');

	object = slash ? slash + 1 : object;
	snprintf(path, size, "%.*s.case.json", (int)strcspn(object, "."), object);
}

static int shrink(struct shrink *sh, const struct workload *w)
{
	const char *path = sh->o->sched.save;
	struct sched_setup setup;
	char default_name[256];
	int status;

	default_path(sh->o->operands[0], default_name, sizeof(default_name));
	path = path ? path : default_name;
	sched_setup_fill(&setup, sh->o, sh->o->operands[0], w);
	sh->c.object = setup.object;
	sh->c.ops = setup.ops;
	sh->c.setup = setup.setup;
	sh->c.machine = setup.machine;
	sh->c.seed = setup.seed;
	sh->c.time = setup.time;
	sh->c.hz = setup.hz;
	status = first_try(sh);
	if (status)
		return status;
	shrink_all(sh);
	status = save(sh, path);
	if (!status)
		printf("%s: fails after %.6f s on %s with %zu kind%s of tasks (%u tries, %u "
		       "kept)\n",
		       path, (double)sh->c.time / 1e9, sh->c.machine, n_kinds(sh),
		       n_kinds(sh) == 1 ? "" : "s", sh->tries, sh->kept);
	return status;
}

static int shrink_named(const struct cli_options *o)
{
	const char *name = o->sched.n_workloads ? o->sched.workloads[0] : "hogs";
	struct shrink sh = {.o = o};
	struct workload w;
	int status = sched_workload_load(name, &w);

	if (status)
		return status;
	sh.c.workload = sched_workload_json(name);
	status = sh.c.workload ? shrink(&sh, &w) : CLI_REFUSED;
	json_decref(sh.c.workload);
	workload_free(&w);
	return status;
}

int sched_shrink(int argc, char **argv)
{
	struct cli_options o;
	bool done;
	int status = cli_options(argc, argv, "sched shrink",
				 ACCEPT_EXEC | ACCEPT_SCHED | ACCEPT_SAVE, 1, &o, &done);

	if (!done && (o.n_operands > 1 || o.sched.n_workloads > 1)) {
		cli_error("sched shrink takes one object and one workload");
		status = CLI_USAGE;
	} else if (!done) {
		status = shrink_named(&o);
	}
	cli_options_free(&o);
	return status;
}
