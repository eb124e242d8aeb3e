/* SPDX-License-Identifier: BSD-2-Clause */
/* What remains of a simulation: how it ended, what the programs wrote, what the arena holds. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "cli/sched.h"

/* -- Arena ----------------------------------------------------------------------------------- */

static void look_at_arena(const struct sched_sim *s, struct sched_arena *a)
{
	struct ua_arena *arena = s->session.obj ? ua_object__arena(s->session.obj) : NULL;
	uint64_t *counts[] = {[UA_PAGE_HOLE] = &a->holes,
			      [UA_PAGE_ALLOC] = &a->allocated,
			      [UA_PAGE_RESERVED] = &a->reserved,
			      [UA_PAGE_SCRATCH] = &a->scratch};
	uint8_t kinds[4096];
	size_t n;

	*a = (struct sched_arena){.present = arena};
	if (!arena)
		return;
	machine_sched_pool(s->m, &a->pool_bytes, &a->pool_pages);
	a->bytes = ua_arena__size(arena);
	while ((n = ua_arena__page_map(arena, a->pages, kinds, sizeof(kinds)))) {
		for (size_t i = 0; i < n; i++)
			++*counts[kinds[i]];
		a->pages += n;
	}
}

/* -- How it ended ---------------------------------------------------------------------------- */

static enum sched_end how_it_ended(const struct sched_sim *s, const struct machine_exit *ex)
{
	if (s->attach_err)
		return SCHED_REFUSED;
	if (machine_sched_state(s->m) != MACHINE_SCHED_EXITED)
		return SCHED_RAN;
	return ex->kind >= SCX_EXIT_ERROR ? SCHED_FAILED : SCHED_LEFT;
}

const char *sched_end_text(enum sched_end end)
{
	static const char *const texts[] = {[SCHED_RAN] = "ran",
					    [SCHED_LEFT] = "left",
					    [SCHED_FAILED] = "failed",
					    [SCHED_REFUSED] = "refused"};

	return texts[end];
}

static struct sched_waiting *who_waits(const struct sched_sim *s)
{
	struct sched_waiting *all = calloc(s->w->n_tasks, sizeof(*all));

	for (uint32_t i = 0; all && i < s->w->n_tasks; i++)
		all[i].n = actors_waiting(s->actors, i, &all[i].longest);
	return all;
}

static char *copy(const char *s)
{
	return strdup(s ? s : "");
}

void sched_result_take(struct sched_sim *s, struct sched_result *r)
{
	const struct machine_exit *ex = machine_sched_exit(s->m);

	*r = (struct sched_result){
		.setup = s->setup,
		.w = s->w,
		.topo = machine_topo(s->m),
		.metrics = &s->metrics,
		.actors = s->actors,
		.name = copy(s->map ? machine_sched_name(s->m) : "the default policy"),
		.end = how_it_ended(s, ex),
		.attach_err = s->attach_err,
		.waiting = who_waits(s),
		.n_restarts = s->n_restarts,
		.n_events = machine_n_events(s->m),
	};
	if (r->end == SCHED_LEFT || r->end == SCHED_FAILED) {
		r->kind = ex->kind;
		r->code = ex->code;
		r->cpu = ex->cpu;
		r->reason = copy(ex->reason);
		r->msg = copy(ex->msg);
		r->dump = copy(ex->dump);
	}
	machine_sched_events(s->m, &r->events);
	sched_sim_read_streams(s);
	r->reports = s->reports.text;
	r->output = s->output.text;
	look_at_arena(s, &r->arena);
}

void sched_result_free(struct sched_result *r)
{
	free(r->name);
	free(r->waiting);
	free(r->reason);
	free(r->msg);
	free(r->dump);
	*r = (struct sched_result){0};
}

int sched_result_status(const struct sched_result *r)
{
	return r->end == SCHED_FAILED || r->end == SCHED_REFUSED ? CLI_REFUSED : CLI_OK;
}

/* -- Failures of one kind -------------------------------------------------------------------- */

/* "comm[12]" is some task. */
static size_t skip_task(const char *word)
{
	size_t n = strcspn(word, "[] \n"), digits;

	if (!n || word[n] != '[')
		return 0;
	digits = strspn(word + n + 1, "0123456789");
	return digits && word[n + 1 + digits] == ']' ? n + digits + 2 : 0;
}

static size_t skip_number(const char *at)
{
	size_t n = !strncmp(at, "0x", 2) ? 2 + strspn(at + 2, "0123456789abcdef") : 0;

	return n > 2 ? n : strspn(at, "0123456789.");
}

/* The first line of the text, with tasks and numbers replaced. */
static void normalise(const char *text, char *out, size_t size)
{
	bool word_begins = true;
	size_t n = 0;

	while (*text && *text != '\n' && n + 8 < size) {
		size_t skip = word_begins ? skip_task(text) : 0;
		const char *by = skip ? "TASK" : "N";

		if (!skip && isdigit((unsigned char)*text))
			skip = skip_number(text);
		word_begins = *text == ' ';
		if (!skip) {
			out[n++] = *text++;
			continue;
		}
		n += (size_t)snprintf(out + n, size - n, "%s", by);
		text += skip;
	}
	out[n] = 0;
}

void sched_result_class(const struct sched_result *r, char class[SCHED_CLASS_LEN])
{
	class[0] = 0;
	if (r->end == SCHED_FAILED)
		normalise(*r->msg ? r->msg : r->reason, class, SCHED_CLASS_LEN);
	else if (r->end != SCHED_REFUSED && r->reports)
		normalise(r->reports, class, SCHED_CLASS_LEN);
}
