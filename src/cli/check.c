/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uarena check: what the verifier says of every program, in veristat's table. Each program is
 * loaded on its own, optional ones too, so that one refusal does not hide the others. Works on
 * either side of the seam, because the figures come from the end of the verifier's log.
 */
#include "cli/check.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/bpf.h"
#include "kernel/handle.h"

#define LOG_STATS 4

/* The number behind the last `key` in the log, 0 if there is none. */
static uint64_t log_number(const char *log, const char *key)
{
	const char *at = NULL;

	for (const char *p = log; p && (p = strstr(p, key)); p += strlen(key))
		at = p;
	return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

/* -- One program --------------------------------------------------------------------- */

static uint32_t jited_size(struct cli_session *s, const struct ua_program *p)
{
	struct bpf_prog_info info = {0};
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = (uint32_t)ua_program__fd(p);
	attr.info.info_len = sizeof(info);
	attr.info.info = (uintptr_t)&info;
	if (kernel_bpf(s->engine->kernel, BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr)))
		return 0;
	return info.jited_prog_len;
}

static void fill(struct check_row *row, struct cli_session *s, const char *log)
{
	struct ua_program *p = ua_object__find_program(s->obj, row->program);

	row->insns = log_number(log, "processed ");
	row->states = log_number(log, "total_states ");
	row->duration_us = log_number(log, "verification time ");
	row->size = ua_program__insn_count(p);
	row->jited = row->ok ? jited_size(s, p) : 0;
}

static void load_one(struct cli_session *s, const char *program)
{
	struct ua_program *p = NULL;

	while ((p = ua_object__next_program(s->obj, p)))
		ua_program__set_autoload(p, !strcmp(ua_program__name(p), program));
}

int check_program(const struct cli_options *o, const char *path, struct check_row *row)
{
	struct cli_options opts = *o;
	struct cli_session s;
	char *log;
	int status;

	opts.log_level = o->log_level | LOG_STATS;
	cli_catch_begin();
	status = cli_open(&opts, path, &s);
	if (!status) {
		load_one(&s, row->program);
		row->ok = !ua_object__load(s.obj);
	}
	log = cli_catch_end();
	if (!status)
		fill(row, &s, log);
	if (status || (!row->ok && !o->csv) || o->log_level)
		fputs(log ? log : "", stderr);
	free(log);
	cli_close(&s);
	return status;
}

/* -- Filters: GLOB, FILE_GLOB/PROG_GLOB, !either, STAT<op>N, verdict=success|failure ------- */

static bool stat_filter(const char *f, const struct check_row *row, bool *keep)
{
	static const char *const names[] = {"insns", "states", "duration", "size", "jited"};
	const uint64_t values[] = {row->insns, row->states, row->duration_us, row->size,
				   row->jited};

	if (!strncmp(f, "verdict=", 8)) {
		*keep = !strcmp(f + 8, check_verdict(row));
		return true;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t n = strlen(names[i]);
		uint64_t limit;

		if (strncmp(f, names[i], n) || !strchr("<>=", f[n]) || !f[n])
			continue;
		limit = strtoull(f + n + 1 + (f[n + 1] == '='), NULL, 0);
		if (f[n] == '<')
			*keep = f[n + 1] == '=' ? values[i] <= limit : values[i] < limit;
		else if (f[n] == '>')
			*keep = f[n + 1] == '=' ? values[i] >= limit : values[i] > limit;
		else
			*keep = values[i] == limit;
		return true;
	}
	return false;
}

static bool glob_match(const char *glob, const char *file, const char *program)
{
	const char *slash = strchr(glob, '/');
	char file_glob[256];

	if (!slash)
		return !fnmatch(glob, program, 0) || !fnmatch(glob, file, 0);
	snprintf(file_glob, sizeof(file_glob), "%.*s", (int)(slash - glob), glob);
	return !fnmatch(file_glob, file, 0) && !fnmatch(slash + 1, program, 0);
}

bool check_wanted(const struct cli_options *o, const char *file, const char *program)
{
	bool allowed = true, any = false;

	for (size_t i = 0; i < o->n_filters; i++) {
		const char *f = o->filters[i];
		struct check_row none = {0};
		bool keep;

		if (stat_filter(f, &none, &keep))
			continue;
		if (*f == '!') {
			if (glob_match(f + 1, file, program))
				return false;
			continue;
		}
		if (!any)
			allowed = false;
		any = true;
		allowed |= glob_match(f, file, program);
	}
	return allowed;
}

bool check_kept(const struct cli_options *o, const struct check_row *row)
{
	bool keep = true;

	for (size_t i = 0; i < o->n_filters && keep; i++)
		stat_filter(o->filters[i], row, &keep);
	return keep;
}

/* -- All programs -------------------------------------------------------------------------- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int add_row(struct check_table *t, const struct check_row *row)
{
	struct check_row *bigger = realloc(t->rows, (t->n + 1) * sizeof(*bigger));

	if (!bigger) {
		cli_error("out of memory");
		return CLI_REFUSED;
	}
	t->rows = bigger;
	bigger[t->n++] = *row;
	return CLI_OK;
}

static int check_object(const struct cli_options *o, const char *path, struct check_table *t)
{
	struct cli_session s;
	struct ua_program *p = NULL;
	int status = cli_open(o, path, &s);

	while (!status && (p = ua_object__next_program(s.obj, p))) {
		struct check_row row = {0};

		if (!check_wanted(o, base_name(path), ua_program__name(p)))
			continue;
		snprintf(row.file, sizeof(row.file), "%s", base_name(path));
		snprintf(row.program, sizeof(row.program), "%s", ua_program__name(p));
		status = check_program(o, path, &row);
		if (!status && check_kept(o, &row))
			status = add_row(t, &row);
	}
	cli_close(&s);
	return status;
}

static int check_objects(const struct cli_options *o)
{
	struct check_table t = {0};
	int status = CLI_OK;

	for (int i = 0; i < o->n_operands; i++)
		if (check_object(o, o->operands[i], &t))
			status = CLI_REFUSED;
	check_print(&t, o->csv);
	for (size_t i = 0; i < t.n; i++)
		if (!t.rows[i].ok)
			status = CLI_REFUSED;
	free(t.rows);
	return status;
}

int cli_check(int argc, char **argv)
{
	struct cli_options o;
	bool done;
	int status = cli_options(argc, argv, "check", ACCEPT_ENGINE | ACCEPT_CHECK, 1, &o, &done);

	if (!done && o.compare && o.n_operands != 2) {
		cli_error("check -C takes two CSV files: the base and the new one");
		status = CLI_USAGE;
	} else if (!done) {
		status =
			o.compare ? check_compare(o.operands[0], o.operands[1]) : check_objects(&o);
	}
	cli_options_free(&o);
	return status;
}
