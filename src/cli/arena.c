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
	struct arena *arena;
	uint64_t n_pages;
	uint64_t counts[4];
	uint8_t *kinds;
};

static int picture_take(struct ua_arena *a, struct picture *p)
{
	struct arena *arena = (struct arena *)a;

	*p = (struct picture){.arena = arena};
	p->n_pages = (arena_user_end(arena) - arena_user_start(arena)) / ARENA_PAGE_SIZE;
	p->kinds = calloc(p->n_pages ? p->n_pages : 1, 1);
	if (!p->kinds) {
		cli_error("out of memory");
		return CLI_REFUSED;
	}
	arena_page_map(arena, 0, p->kinds, p->n_pages);
	for (uint64_t i = 0; i < p->n_pages; i++)
		p->counts[p->kinds[i]]++;
	return CLI_OK;
}

static void row_text(const struct picture *p, uint64_t first, char text[ROW + 1])
{
	uint64_t n = p->n_pages - first < ROW ? p->n_pages - first : ROW;

	for (uint64_t i = 0; i < n; i++)
		text[i] = cells[p->kinds[first + i]];
	text[n] = 0;
}

/* Rows equal to the one before are counted instead of repeated. */
static void print_rows(const struct picture *p)
{
	char last[ROW + 1] = "", text[ROW + 1];
	uint64_t alike = 0;

	for (uint64_t i = 0; i < p->n_pages; i += ROW) {
		row_text(p, i, text);
		if (i && !strcmp(text, last)) {
			alike++;
			continue;
		}
		if (alike)
			printf("  %14s  (%" PRIu64 " more rows like this)\n", "", alike);
		alike = 0;
		printf("  0x%012" PRIx64 "  %s\n", arena_user_start(p->arena) + i * ARENA_PAGE_SIZE,
		       text);
		memcpy(last, text, sizeof(last));
	}
	if (alike)
		printf("  %14s  (%" PRIu64 " more rows like this)\n", "", alike);
}

static void picture_print(const struct picture *p)
{
	printf("arena: %" PRIu64 " pages at 0x%" PRIx64 ": %" PRIu64 " allocated, %" PRIu64
	       " reserved, %" PRIu64 " scratch, %" PRIu64 " holes\n",
	       p->n_pages, arena_user_start(p->arena), p->counts[ARENA_PAGE_ALLOC],
	       p->counts[ARENA_PAGE_RESERVED], p->counts[ARENA_PAGE_SCRATCH],
	       p->counts[ARENA_PAGE_HOLE]);
	print_rows(p);
	printf("  # allocated  . hole  r reserved  x scratch\n");
}

static json_t *picture_json(const struct picture *p)
{
	static const char *const names[] = {"hole", "allocated", "reserved", "scratch"};
	json_t *runs = json_array();

	for (uint64_t i = 0, n; i < p->n_pages; i += n) {
		for (n = 1; i + n < p->n_pages && p->kinds[i + n] == p->kinds[i]; n++)
			continue;
		json_array_append_new(runs,
				      json_pack("{s:I, s:I, s:s}", "page", (json_int_t)i, "pages",
						(json_int_t)n, "kind", names[p->kinds[i]]));
	}
	return json_pack("{s:I, s:I, s:o}", "user_vm_start", (json_int_t)arena_user_start(p->arena),
			 "pages", (json_int_t)p->n_pages, "runs", runs);
}

static int show(struct cli_session *s, const struct cli_options *o, struct cli_steps *steps)
{
	struct ua_arena *arena = ua_object__arena(s->obj);
	json_t *results = o->json ? json_array() : NULL;
	struct picture p;
	int status = cli_steps_run(s, o, steps, results);

	if (!status && !arena) {
		cli_error("%s: has no arena map", o->operands[0]);
		status = CLI_REFUSED;
	}
	if (!status)
		status = picture_take(arena, &p);
	if (status) {
		json_decref(results);
		return status;
	}
	if (o->json) {
		status = cli_print_json(
			json_pack("{s:o, s:o}", "runs", results, "arena", picture_json(&p)));
	} else {
		picture_print(&p);
		for (size_t i = 0; !status && i < o->n_prints; i++)
			status = cli_print_global(s, o->prints[i]);
	}
	free(p.kinds);
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
