/* SPDX-License-Identifier: BSD-2-Clause */
/* Command-line options: one table; each verb says which groups it accepts. */
#include "cli/cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/sched.h"
#include "cli/workload_json.h"

enum {
	OPT_ENGINE = 256,
	OPT_ON,
	OPT_WINDOW,
	OPT_NULL_GUARD,
	OPT_CPUS,
	OPT_SCRATCH,
	OPT_CTX_IN,
	OPT_CTX_OUT,
	OPT_DATA_IN,
	OPT_DATA_OUT,
	OPT_REPEAT,
	OPT_PRINT,
	OPT_MACHINE,
	OPT_WORKLOAD,
	OPT_TIME,
	OPT_SEED,
	OPT_HZ,
	OPT_OPS,
	OPT_SETUP,
	OPT_TRACE,
	OPT_HTML,
	OPT_SAVE,
	OPT_ROUNDS,
};

/* X(group, long name, value, argument or NULL, help) */
#define CLI_OPTIONS(X)                                                                             \
	X(0, "help", 'h', NULL, "this text")                                                       \
	X(0, "debug", 'd', NULL, "more messages")                                                  \
	X(ACCEPT_JSON, "json", 'j', NULL, "print JSON")                                            \
	X(ACCEPT_EXEC, "global", 'G', "'VAR = VALUE'", "set a global variable before loading")     \
	X(ACCEPT_EXEC, "engine", OPT_ENGINE, "auto|interp|jit", "how programs are executed")       \
	X(ACCEPT_BACKEND, "on", OPT_ON, "engine|linux", "where they run: here or in the kernel")   \
	X(ACCEPT_EXEC, "window", OPT_WINDOW, "auto|uffd|guard|mprotect", "how holes are trapped")  \
	X(ACCEPT_EXEC, "scratch", OPT_SCRATCH, "dead|replace",                                     \
	  "what becomes of a hole a host function hit")                                            \
	X(ACCEPT_EXEC, "null-guard", OPT_NULL_GUARD, NULL, "never allocate 32-bit address 0")      \
	X(ACCEPT_BACKEND, "cpus", OPT_CPUS, "N", "CPUs that programs see")                         \
	X(ACCEPT_IO, "ctx-in", OPT_CTX_IN, "FILE", "context given to each program")                \
	X(ACCEPT_IO, "ctx-out", OPT_CTX_OUT, "FILE", "where the last context is written")          \
	X(ACCEPT_IO, "data-in", OPT_DATA_IN, "FILE", "packet given to each program")               \
	X(ACCEPT_IO, "data-out", OPT_DATA_OUT, "FILE", "where the last packet is written")         \
	X(ACCEPT_IO, "repeat", OPT_REPEAT, "N", "run each program N times")                        \
	X(ACCEPT_TESTS, "test", 't', "GLOB", "only tests whose name matches")                      \
	X(ACCEPT_TESTS, "list", 'l', NULL, "list the tests, run none")                             \
	X(ACCEPT_CHECK, "output", 'o', "table|csv", "form of the table")                           \
	X(ACCEPT_CHECK, "filter", 'f', "FILTER", "GLOB, FILE/PROG, !GLOB or such as insns>1000")   \
	X(ACCEPT_CHECK, "compare", 'C', NULL, "compare two CSV files instead")                     \
	X(ACCEPT_CHECK, "log-level", 'l', "1|2", "show the verifier's log")                        \
	X(ACCEPT_BENCH, "rounds", OPT_ROUNDS, "N", "samples taken of each side (100)")             \
	X(ACCEPT_PRINT, "print", OPT_PRINT, "VAR", "print what a global leads to")                 \
	X(ACCEPT_SCHED, "machine", OPT_MACHINE, "NODES:LLCS:CORES:THREADS", "such as 2n:2l:8c:2t") \
	X(ACCEPT_SCHED, "workload", OPT_WORKLOAD, "FILE|NAME",                                     \
	  "what the tasks do, see 'sched list'")                                                   \
	X(ACCEPT_SCHED, "time", OPT_TIME, "TIME", "virtual time to run, such as 10s or 500ms")     \
	X(ACCEPT_SCHED, "seed", OPT_SEED, "N", "of all that is random")                            \
	X(ACCEPT_SCHED, "hz", OPT_HZ, "N", "scheduler ticks per second")                           \
	X(ACCEPT_SCHED, "ops", OPT_OPS, "NAME", "which struct_ops variable, if there are several") \
	X(ACCEPT_SCHED, "setup", OPT_SETUP, "STEPS",                                               \
	  "syscall programs to run before attaching, ';' between")                                 \
	X(ACCEPT_REPORT, "trace", OPT_TRACE, "FILE", "write a trace for Perfetto or Chrome")       \
	X(ACCEPT_REPORT, "html", OPT_HTML, "FILE",                                                 \
	  "write a report with the schedule as a picture")                                         \
	X(ACCEPT_SAVE, "save", OPT_SAVE, "FILE", "where the result goes")

static const struct option_info {
	unsigned int group;
	const char *name;
	int value;
	const char *arg, *help;
} infos[] = {
#define X(group, name, value, arg, help) {group, name, value, arg, help},
	CLI_OPTIONS(X)
#undef X
};

#define N_INFOS (sizeof(infos) / sizeof(infos[0]))

static bool accepted(const struct option_info *info, unsigned int accept)
{
	return !info->group || (info->group & accept);
}

static void help(const char *verb, unsigned int accept)
{
	static const struct {
		const char *name, *operands, *summary;
	} verbs[] = {
#define X(name, fn, operands, summary) {name, operands, summary},
		CLI_VERBS(X)
#undef X
#define X(name, fn, operands, summary) {"sched " name, operands, summary},
			CLI_SCHED_VERBS(X)
#undef X
	};

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (!strcmp(verbs[i].name, verb))
			printf("usage: uarena %s [OPTION...] %s\n%s\n\n", verb, verbs[i].operands,
			       verbs[i].summary);
	for (size_t i = 0; i < N_INFOS; i++) {
		char left[80];

		if (!accepted(&infos[i], accept))
			continue;
		snprintf(left, sizeof(left), "%s%.1s%s--%s %s", infos[i].value < 256 ? "-" : "    ",
			 infos[i].value < 256 ? (char[]){(char)infos[i].value, 0} : "",
			 infos[i].value < 256 ? ", " : "", infos[i].name,
			 infos[i].arg ? infos[i].arg : "");
		printf("  %-42s %s\n", left, infos[i].help);
	}
}

/* Index of `arg` among the '|'-separated words of `words`, or -1. */
static int choice(const char *words, const char *arg)
{
	size_t len = strlen(arg);

	for (int i = 0;; i++) {
		size_t n = strcspn(words, "|");

		if (n == len && !strncmp(words, arg, n))
			return i;
		if (!words[n])
			return -1;
		words += n + 1;
	}
}

static int parse_choice(const char *option, const char *words, const char *arg, int *out)
{
	*out = choice(words, arg);
	if (*out >= 0)
		return CLI_OK;
	cli_error("--%s %s: must be one of %s", option, arg, words);
	return CLI_USAGE;
}

static int parse_u64(const char *option, const char *arg, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(arg, &end, 0);
	if (*arg >= '0' && *arg <= '9' && !*end && !errno && *out <= INT64_MAX)
		return CLI_OK;
	cli_error("--%s %s: must be a number from 0 to %lld", option, arg, (long long)INT64_MAX);
	return CLI_USAGE;
}

static int parse_count(const char *option, const char *arg, uint32_t max, uint32_t *out)
{
	char *end;
	unsigned long v = strtoul(arg, &end, 0);

	*out = (uint32_t)v;
	if (*arg && *arg != '-' && !*end && v && v <= max)
		return CLI_OK;
	cli_error("--%s %s: must be a number from 1 to %u", option, arg, max);
	return CLI_USAGE;
}

static int parse_u32(const char *option, const char *arg, uint32_t *out)
{
	return parse_count(option, arg, UINT32_MAX, out);
}

static int append(const char ***list, size_t *n, const char *item)
{
	const char **bigger = realloc(*list, (*n + 1) * sizeof(**list));

	if (!bigger) {
		cli_error("out of memory");
		return CLI_REFUSED;
	}
	*list = bigger;
	bigger[(*n)++] = item;
	return CLI_OK;
}

static int parse_sched(struct cli_options *o, int value, const char *arg)
{
	struct cli_sched_options *s = &o->sched;

	switch (value) {
	case OPT_WORKLOAD:
		return append(&s->workloads, &s->n_workloads, arg);
	case OPT_TIME:
		if (!workload_parse_time(arg, UINT64_C(1000000000), &s->time) && s->time)
			return CLI_OK;
		cli_error("--time %s: must be a time such as 10s, 500ms, 20us", arg);
		return CLI_USAGE;
	case OPT_SEED:
		s->has_seed = true;
		return parse_u64("seed", arg, &s->seed);
	case OPT_HZ:
		return parse_count("hz", arg, 100000, &s->hz);
	default:
		return -1;
	}
}

static int parse_engine(struct cli_options *o, int value, const char *arg)
{
	int n = 0, status;

	switch (value) {
	case OPT_ENGINE:
		status = parse_choice("engine", "auto|interp|jit", arg, &n);
		o->engine.exec = (enum ua_exec)n;
		return status;
	case OPT_ON:
		status = parse_choice("on", "engine|linux", arg, &n);
		o->engine.backend = (enum ua_backend)n;
		return status;
	case OPT_WINDOW:
		status = parse_choice("window", "auto|uffd|guard|mprotect", arg, &n);
		o->engine.window = (enum ua_window)n;
		return status;
	case OPT_SCRATCH:
		status = parse_choice("scratch", "dead|replace", arg, &n);
		o->engine.scratch = (enum ua_scratch)n;
		return status;
	case OPT_CPUS:
		return parse_u32("cpus", arg, &o->engine.n_cpus);
	default:
		o->engine.null_guard = true;
		return CLI_OK;
	}
}

static int debug_print(enum ua_print_level level, const char *fmt, va_list args)
{
	(void)level;
	return vfprintf(stderr, fmt, args);
}

static int parse_output(struct cli_options *o, const char *arg)
{
	int n = 0, status = parse_choice("output", "table|csv", arg, &n);

	o->csv = n == 1;
	return status;
}

/* Options whose argument is kept as it is. */
static const char **plain_option(struct cli_options *o, int value)
{
	switch (value) {
	case OPT_CTX_IN:
		return &o->ctx_in;
	case OPT_CTX_OUT:
		return &o->ctx_out;
	case OPT_DATA_IN:
		return &o->data_in;
	case OPT_DATA_OUT:
		return &o->data_out;
	case OPT_MACHINE:
		return &o->sched.machine;
	case OPT_OPS:
		return &o->sched.ops;
	case OPT_SETUP:
		return &o->sched.setup;
	case OPT_TRACE:
		return &o->sched.trace;
	case OPT_HTML:
		return &o->sched.html;
	case OPT_SAVE:
		return &o->sched.save;
	case 't':
		return &o->filter;
	default:
		return NULL;
	}
}

static int parse_log_level(struct cli_options *o, const char *arg)
{
	int level, err = parse_choice("log-level", "1|2", arg, &level);

	if (!err)
		o->log_level = (uint32_t)level + 1;
	return err;
}

static int parse_one(struct cli_options *o, int value, const char *arg)
{
	const char **plain = plain_option(o, value);

	if (plain) {
		*plain = arg;
		return CLI_OK;
	}
	switch (value) {
	case 'd':
		ua_set_print(debug_print);
		return CLI_OK;
	case 'j':
		o->json = true;
		return CLI_OK;
	case 'l': /* with an argument it is that of check, without one that of test */
		if (arg)
			return parse_log_level(o, arg);
		o->list = true;
		return CLI_OK;
	case 'C':
		o->compare = true;
		return CLI_OK;
	case 'o':
		return parse_output(o, arg);
	case 'f':
		return append(&o->filters, &o->n_filters, arg);
	case 'G':
		return append(&o->globals, &o->n_globals, arg);
	case OPT_PRINT:
		return append(&o->prints, &o->n_prints, arg);
	case OPT_REPEAT:
		return parse_u32("repeat", arg, &o->repeat);
	case OPT_ROUNDS:
		return parse_u32("rounds", arg, &o->rounds);
	case OPT_WORKLOAD ... OPT_HZ:
		return parse_sched(o, value, arg);
	default:
		return parse_engine(o, value, arg);
	}
}

/* getopt's two tables for the options a verb accepts. */
static void tables(unsigned int accept, struct option *longs, char *shorts)
{
	for (size_t i = 0; i < N_INFOS; i++) {
		if (!accepted(&infos[i], accept))
			continue;
		*longs++ = (struct option){infos[i].name,
					   infos[i].arg ? required_argument : no_argument, NULL,
					   infos[i].value};
		if (infos[i].value >= 256)
			continue;
		*shorts++ = (char)infos[i].value;
		if (infos[i].arg)
			*shorts++ = ':';
	}
	*longs = (struct option){0};
	*shorts = 0;
}

int cli_options(int argc, char **argv, const char *verb, unsigned int accept, int min_operands,
		struct cli_options *o, bool *done)
{
	struct option longs[N_INFOS + 1];
	char shorts[2 * N_INFOS + 1];
	int value, status = CLI_OK;

	*o = (struct cli_options){.engine.sz = sizeof(o->engine), .repeat = 1, .rounds = 100};
	*done = true;
	tables(accept, longs, shorts);
	optind = 0;
	while (!status && (value = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (value == 'h') {
			help(verb, accept);
			return CLI_OK;
		}
		status = value == '?' ? CLI_USAGE : parse_one(o, value, optarg);
	}
	if (status)
		return status;
	o->operands = argv + optind;
	o->n_operands = argc - optind;
	if (o->n_operands < min_operands) {
		cli_error("%s: too few operands; see 'uarena %s --help'", verb, verb);
		return CLI_USAGE;
	}
	*done = false;
	return CLI_OK;
}

void cli_options_free(struct cli_options *o)
{
	free(o->globals);
	free(o->prints);
	free(o->filters);
	free(o->sched.workloads);
}
