/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uarena arena: run programs, then show what is in the arena: the page map as a picture and,
 * with --print, what a global variable leads to.
 */
#include "cli/step.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena/arena.h"

#define ROW 64

static const char cells[] = {
	[ARENA_PAGE_HOLE] = '.',
	[ARENA_PAGE_ALLOC] = '#',
	[ARENA_PAGE_RESERVED] = 'r',
	[ARENA_PAGE_SCRATCH] = 'x',
};

struct picture {
	struct cli_arena pages;
	uint64_t counts[4];
};

static void count_pages(struct picture *p)
{
	for (uint64_t i = 0; i < p->pages.n_pages; i++)
		p->counts[p->pages.kinds[i]]++;
}

static void row_text(const struct cli_arena *a, uint64_t first, char text[ROW + 1])
{
	uint64_t n = a->n_pages - first < ROW ? a->n_pages - first : ROW;

	for (uint64_t i = 0; i < n; i++)
		text[i] = cells[a->kinds[first + i]];
	text[n] = 0;
}

/* Rows equal to the one before are counted instead of repeated. */
static void print_rows(const struct cli_arena *a)
{
	char last[ROW + 1] = "", text[ROW + 1];
	uint64_t alike = 0;

	for (uint64_t i = 0; i < a->n_pages; i += ROW) {
		row_text(a, i, text);
		if (i && !strcmp(text, last)) {
			alike++;
			continue;
		}
		if (alike)
			printf("  %14s  (%" PRIu64 " more rows like this)\n", "", alike);
		alike = 0;
		printf("  0x%012" PRIx64 "  %s\n", a->start + i * ARENA_PAGE_SIZE, text);
		memcpy(last, text, sizeof(last));
	}
	if (alike)
		printf("  %14s  (%" PRIu64 " more rows like this)\n", "", alike);
}

static void picture_print(const struct picture *p)
{
	const struct cli_arena *a = &p->pages;
	bool told = !a->probed; /* the engine knows its scratch pages */

	printf("arena: %" PRIu64 " pages at 0x%" PRIx64 ": %" PRIu64 " allocated, %" PRIu64
	       " reserved, ",
	       a->n_pages, a->start, p->counts[ARENA_PAGE_ALLOC], p->counts[ARENA_PAGE_RESERVED]);
	if (told)
		printf("%" PRIu64 " scratch, ", p->counts[ARENA_PAGE_SCRATCH]);
	printf("%" PRIu64 " holes\n", p->counts[ARENA_PAGE_HOLE]);
	print_rows(a);
	printf("  # allocated  . hole  r reserved%s\n",
	       told ? "  x scratch" : "; found by trying to reserve each page");
}

static json_t *picture_json(const struct cli_arena *a)
{
	static const char *const names[] = {"hole", "allocated", "reserved", "scratch"};
	json_t *runs = json_array();

	for (uint64_t i = 0, n; i < a->n_pages; i += n) {
		for (n = 1; i + n < a->n_pages && a->kinds[i + n] == a->kinds[i]; n++)
			continue;
		json_array_append_new(runs,
				      json_pack("{s:I, s:I, s:s}", "page", (json_int_t)i, "pages",
						(json_int_t)n, "kind", names[a->kinds[i]]));
	}
	return json_pack("{s:I, s:I, s:o}", "user_vm_start", (json_int_t)a->start, "pages",
			 (json_int_t)a->n_pages, "runs", runs);
}

static int show_arena(struct cli_session *s, const struct cli_options *o, json_t *results)
{
	struct picture p = {0};
	int status = cli_arena_take(s, o, &p.pages);

	if (status)
		return status;
	if (results) {
		status = cli_print_json(
			json_pack("{s:O, s:o}", "runs", results, "arena", picture_json(&p.pages)));
	} else {
		count_pages(&p);
		picture_print(&p);
		for (size_t i = 0; !status && i < o->n_prints; i++)
			status = cli_print_global(s, &p.pages, o->prints[i]);
	}
	cli_arena_free(&p.pages);
	return status;
}

static int show(struct cli_session *s, const struct cli_options *o, struct cli_steps *steps)
{
	json_t *results = o->json ? json_array() : NULL;
	int status = cli_steps_run(s, o, steps, results);

	if (!status)
		status = show_arena(s, o, results);
	json_decref(results);
	return status;
}

int cli_arena(int argc, char **argv)
{
	struct cli_options o;
	struct cli_session s;
	struct cli_steps *steps = NULL;
	bool done;
	int status =
		cli_options(argc, argv, "arena",
			    ACCEPT_ENGINE | ACCEPT_IO | ACCEPT_JSON | ACCEPT_PRINT, 2, &o, &done);

	if (!done) {
		status = cli_open(&o, o.operands[0], &s);
		if (!status)
			status = cli_steps_load(&s, o.operands + 1, o.n_operands - 1, &steps);
		if (!status)
			status = show(&s, &o, steps);
		cli_steps_free(steps);
		cli_close(&s);
	}
	cli_options_free(&o);
	return status;
}
