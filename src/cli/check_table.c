/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables of `uarena check`: aligned text, CSV, comparison of two CSV files. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/check.h"

const char *check_verdict(const struct check_row *row)
{
	return row->ok ? "success" : "failure";
}

/* -- CSV ---------------------------------------------------------------------------- */

static void print_csv(const struct check_table *t)
{
	printf("file_name,prog_name,verdict");
#define X(csv, heading, member) printf("," csv);
	CHECK_COLUMNS(X)
#undef X
	putchar('\n');
	for (size_t i = 0; i < t->n; i++) {
		const struct check_row *r = &t->rows[i];

		printf("%s,%s,%s", r->file, r->program, check_verdict(r));
#define X(csv, heading, member) printf(",%" PRIu64, r->member);
		CHECK_COLUMNS(X)
#undef X
		putchar('\n');
	}
}

/* -- Aligned text ---------------------------------------------------------------------- */

static int text_width(const struct check_table *t, bool program)
{
	int width = program ? 7 : 4;

	for (size_t i = 0; i < t->n; i++) {
		int n = (int)strlen(program ? t->rows[i].program : t->rows[i].file);

		width = n > width ? n : width;
	}
	return width;
}

static void dashes(int n)
{
	while (n--)
		putchar('-');
	printf("  ");
}

static void print_text(const struct check_table *t)
{
	int file = text_width(t, false), program = text_width(t, true);
	size_t ok = 0;

	printf("%-*s  %-*s  %-7s", file, "File", program, "Program", "Verdict");
#define X(csv, heading, member) printf("  %13s", heading);
	CHECK_COLUMNS(X)
#undef X
	putchar('\n');
	dashes(file);
	dashes(program);
	dashes(7);
#define X(csv, heading, member) dashes(13);
	CHECK_COLUMNS(X)
#undef X
	putchar('\n');
	for (size_t i = 0; i < t->n; i++) {
		const struct check_row *r = &t->rows[i];

		printf("%-*s  %-*s  %-7s", file, r->file, program, r->program, check_verdict(r));
#define X(csv, heading, member) printf("  %13" PRIu64, r->member);
		CHECK_COLUMNS(X)
#undef X
		putchar('\n');
		ok += r->ok;
	}
	printf("%zu programs: %zu accepted, %zu refused\n", t->n, ok, t->n - ok);
}

void check_print(const struct check_table *t, bool csv)
{
	if (csv)
		print_csv(t);
	else
		print_text(t);
}

/* -- Comparison ---------------------------------------------------------------------------- */

static int parse_line(const char *line, struct check_row *r)
{
	char word[16];

	*r = (struct check_row){0};
	if (sscanf(line,
		   "%127[^,],%127[^,],%15[^,],%" SCNu64 ",%" SCNu64 ",%" SCNu64 ",%" SCNu64
		   ",%" SCNu64,
		   r->file, r->program, word, &r->duration_us, &r->insns, &r->states, &r->size,
		   &r->jited) != 8)
		return -1;
	r->ok = !strcmp(word, "success");
	return 0;
}

static int read_csv(const char *path, struct check_table *t)
{
	FILE *f = fopen(path, "r");
	char line[1024];
	int number = 0, status = CLI_OK;

	*t = (struct check_table){0};
	if (!f) {
		cli_error("%s: cannot be read", path);
		return CLI_REFUSED;
	}
	while (!status && fgets(line, sizeof(line), f)) {
		struct check_row *bigger;

		if (!number++)
			continue; /* the headings */
		bigger = realloc(t->rows, (t->n + 1) * sizeof(*bigger));
		if (bigger)
			t->rows = bigger;
		if (!bigger || parse_line(line, &bigger[t->n++])) {
			cli_error("%s:%d: not a line that 'uarena check -o csv' writes", path,
				  number);
			status = CLI_REFUSED;
		}
	}
	fclose(f);
	return status;
}

static const struct check_row *find_row(const struct check_table *t, const struct check_row *like)
{
	for (size_t i = 0; i < t->n; i++)
		if (!strcmp(t->rows[i].file, like->file) &&
		    !strcmp(t->rows[i].program, like->program))
			return &t->rows[i];
	return NULL;
}

static void print_change(const char *what, uint64_t a, uint64_t b)
{
	int64_t diff = (int64_t)(b - a);

	printf("  %s %" PRIu64 " -> %" PRIu64 " (%+" PRId64, what, a, b, diff);
	if (a)
		printf(", %+.2f%%", 100.0 * (double)diff / (double)a);
	printf(")");
}

static void print_pair(const struct check_row *a, const struct check_row *b)
{
	printf("%s/%s:  %s", b->file, b->program, a ? check_verdict(a) : "(none)");
	printf(" -> %s", check_verdict(b));
	if (a && strcmp(check_verdict(a), check_verdict(b)))
		printf(" (MISMATCH)");
	if (a) {
		print_change("insns", a->insns, b->insns);
		print_change("states", a->states, b->states);
	}
	putchar('\n');
}

int check_compare(const char *base, const char *comparison)
{
	struct check_table a = {0}, b = {0};
	int status = read_csv(base, &a);

	if (!status)
		status = read_csv(comparison, &b);
	for (size_t i = 0; !status && i < b.n; i++)
		print_pair(find_row(&a, &b.rows[i]), &b.rows[i]);
	for (size_t i = 0; !status && i < a.n; i++)
		if (!find_row(&b, &a.rows[i]))
			printf("%s/%s:  %s -> (none)\n", a.rows[i].file, a.rows[i].program,
			       check_verdict(&a.rows[i]));
	free(a.rows);
	free(b.rows);
	return status;
}
