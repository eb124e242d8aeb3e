/* SPDX-License-Identifier: BSD-2-Clause */
/* Results as text: one run, or several side by side. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "cli/sched.h"
#include "sched/events.h"

/* -- Numbers --------------------------------------------------------------------------------- */

/* Three digits that count. */
const char *sched_time_text(uint64_t ns, char text[16])
{
	static const struct {
		uint64_t from;
		double ns;
		const char *unit;
	} units[] = {{1000000000, 1e9, "s"}, {1000000, 1e6, "ms"}, {1000, 1e3, "us"}};

	snprintf(text, 16, "%" PRIu64 "ns", ns);
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		double v = (double)ns / units[i].ns;

		if (ns < units[i].from)
			continue;
		snprintf(text, 16, "%.*f%s", v < 9.995 ? 2 : v < 99.95 ? 1 : 0, v, units[i].unit);
		break;
	}
	return text;
}

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

static double per_second(uint64_t n, const struct sched_result *r)
{
	return r->metrics->elapsed ? (double)n * 1e9 / (double)r->metrics->elapsed : 0;
}

static uint64_t all_runtime(const struct sched_result *r)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < r->metrics->n_groups; i++)
		sum += r->metrics->groups[i].runtime;
	return sum;
}

static int name_width(const struct workload *w, int least)
{
	for (size_t i = 0; i < w->n_tasks; i++)
		least = max_t(int, least, (int)strlen(w->tasks[i].name));
	return least;
}

/* -- One run: how it went -------------------------------------------------------------------- */

static void print_title(const struct sched_result *r)
{
	const struct sched_setup *u = r->setup;

	printf("%s on %s (%" PRIu32 " CPU%s), workload %s, seed %" PRIu64 "\n",
	       *r->name ? r->name : u->object, u->machine, r->topo->n_cpus,
	       r->topo->n_cpus == 1 ? "" : "s", r->w->name, u->seed);
}

static void print_dump(const char *dump)
{
	int lines = 0;

	for (; *dump && lines < 40; lines++) {
		size_t n = strcspn(dump, "\n");

		printf("  | %.*s\n", (int)n, dump);
		dump += n + (dump[n] == '\n');
	}
	if (*dump)
		printf("  | ... (-j and --html have all of it)\n");
}

static void print_end(const struct sched_result *r)
{
	double seconds = (double)r->metrics->elapsed / 1e9;

	switch (r->end) {
	case SCHED_REFUSED:
		printf("refused: it cannot be attached: %s\n", strerror(-r->attach_err));
		return;
	case SCHED_RAN:
		printf("ran %.6f s of %.6f s%s", seconds, (double)r->setup->time / 1e9,
		       actors_done(r->actors)	 ? ": all tasks ended"
		       : sched_sim_interrupted() ? ": interrupted"
						 : "");
		if (r->n_restarts)
			printf(", restarted %u time%s as it asked", r->n_restarts,
			       r->n_restarts == 1 ? "" : "s");
		printf("\n");
		return;
	default:
		printf("%s after %.6f s: %s (exit kind %d, code 0x%" PRIx64 ", CPU %d)\n",
		       r->end == SCHED_FAILED ? "failed" : "left", seconds, r->reason, (int)r->kind,
		       (uint64_t)r->code, r->cpu);
		if (*r->msg)
			printf("  %s\n", r->msg);
		print_dump(r->dump);
	}
}

/* -- One run: groups ------------------------------------------------------------------------- */

static void print_group(const struct sched_result *r, uint32_t i, int width)
{
	const struct metrics_group *g = &r->metrics->groups[i];
	const struct actor_counts *counts = actors_counts(r->actors, i);
	char run[16], p50[16], p99[16], max[16];

	printf("%-*s %7" PRIu64 " %9s %6.2f %9" PRIu64 " %8s %8s %8s %9" PRIu64 " %10" PRIu64
	       " %10.1f\n",
	       width, r->w->tasks[i].name, g->tasks, sched_time_text(g->runtime, run),
	       percent(g->runtime, all_runtime(r)), g->wakeups,
	       sched_time_text(hist_quantile(&g->latency, 500), p50),
	       sched_time_text(hist_quantile(&g->latency, 990), p99),
	       sched_time_text(g->latency.max, max), g->slices, g->migrations,
	       per_second(counts->loops, r));
}

static void print_remarks(const struct sched_result *r, uint32_t i)
{
	const struct sched_waiting none = {0}, *w = r->waiting ? &r->waiting[i] : &none;
	const char *name = r->w->tasks[i].name;
	char longest[16];

	/* Some always are; those that make the table's greatest latency wrong are worth a line. */
	if (w->n && w->longest > r->metrics->groups[i].latency.max)
		printf("%s: %" PRIu64 " woken task%s still waiting at the end, %s%s\n", name, w->n,
		       w->n == 1 ? " was" : "s were", w->n == 1 ? "for " : "one for ",
		       sched_time_text(w->longest, longest));
	if (actors_counts(r->actors, i)->refused)
		printf("%s: %" PRIu64 " forks were refused\n", name,
		       actors_counts(r->actors, i)->refused);
}

static void print_groups(const struct sched_result *r)
{
	int width = name_width(r->w, 5);

	printf("\n%*s %7s %9s %6s %9s %26s\n", width, "", "", "", "", "", "wakeup latency");
	printf("%-*s %7s %9s %6s %9s %8s %8s %8s %9s %10s %10s\n", width, "group", "tasks",
	       "runtime", "%", "wakeups", "p50", "p99", "max", "slices", "migrations", "loops/s");
	for (uint32_t i = 0; i < r->metrics->n_groups; i++)
		print_group(r, i, width);
	for (uint32_t i = 0; i < r->metrics->n_groups; i++)
		print_remarks(r, i);
}

/* -- One run: CPUs --------------------------------------------------------------------------- */

#define CPU_COLUMNS 4

static void print_cpu(const struct sched_result *r, uint32_t cpu)
{
	const struct metrics_cpu *c = &r->metrics->cpus[cpu];
	uint64_t idle = r->metrics->elapsed - c->busy - c->offline;

	printf("%4" PRIu32 " %6.2f %6.2f %8" PRIu64, cpu, percent(c->busy, r->metrics->elapsed),
	       percent(idle, r->metrics->elapsed), c->switches);
}

static void print_cpus(const struct sched_result *r)
{
	uint32_t n = r->metrics->n_cpus, rows = (n + CPU_COLUMNS - 1) / CPU_COLUMNS;

	printf("\n");
	for (uint32_t i = 0; i < CPU_COLUMNS && i * rows < n; i++)
		printf("%s%4s %6s %6s %8s", i ? "   " : "", "CPU", "busy%", "idle%", "switches");
	printf("\n");
	for (uint32_t row = 0; row < rows; row++) {
		for (uint32_t cpu = row; cpu < n; cpu += rows) {
			printf("%s", cpu == row ? "" : "   ");
			print_cpu(r, cpu);
		}
		printf("\n");
	}
}

/* -- One run: the rest ----------------------------------------------------------------------- */

static void print_counter(const char *name, int64_t n, bool *any)
{
	if (!n)
		return;
	if (!*any)
		printf("\nevent counters\n");
	printf("  %-28s %12" PRId64 "\n", name, n);
	*any = true;
}

static void print_counters(const struct sched_result *r)
{
	bool any = false;

	for (size_t i = 0; i < event_stat_count; i++)
		print_counter(event_stats[i].name + strlen("SCX_EV_"), event_stat(&r->events, i),
			      &any);
}

static void print_arena(const struct sched_arena *a)
{
	if (!a->present)
		return;
	printf("\narena: %" PRIu64 " pages (%" PRIu64 " KiB) allocated of %" PRIu64 ", %" PRIu64
	       " reserved, %" PRIu64 " scratch, %" PRIu64 " holes\n",
	       a->allocated, a->allocated * 4, a->pages, a->reserved, a->scratch, a->holes);
	if (a->pool_pages)
		printf("  of these %zu pages are the kernel's pool, %zu bytes of it in use\n",
		       a->pool_pages, a->pool_bytes);
}

void sched_table_print(const struct sched_result *r)
{
	print_title(r);
	print_end(r);
	if (r->output)
		printf("\nwritten by the programs:\n%s", r->output);
	if (r->reports)
		printf("\nreports of the programs:\n%s", r->reports);
	if (r->end == SCHED_REFUSED)
		return;
	print_groups(r);
	print_cpus(r);
	print_counters(r);
	print_arena(&r->arena);
	fflush(stdout);
}

/* -- Side by side ---------------------------------------------------------------------------- */

#define COMPARE_WIDTH 14

static void cell_share(const struct sched_result *r, uint32_t i, char text[16])
{
	snprintf(text, 16, "%.2f", percent(r->metrics->groups[i].runtime, all_runtime(r)));
}

static void cell_p50(const struct sched_result *r, uint32_t i, char text[16])
{
	sched_time_text(hist_quantile(&r->metrics->groups[i].latency, 500), text);
}

static void cell_p99(const struct sched_result *r, uint32_t i, char text[16])
{
	sched_time_text(hist_quantile(&r->metrics->groups[i].latency, 990), text);
}

static void cell_max(const struct sched_result *r, uint32_t i, char text[16])
{
	sched_time_text(r->metrics->groups[i].latency.max, text);
}

static void cell_slices(const struct sched_result *r, uint32_t i, char text[16])
{
	snprintf(text, 16, "%.1f", per_second(r->metrics->groups[i].slices, r));
}

static void cell_migrations(const struct sched_result *r, uint32_t i, char text[16])
{
	snprintf(text, 16, "%.1f", per_second(r->metrics->groups[i].migrations, r));
}

static void cell_loops(const struct sched_result *r, uint32_t i, char text[16])
{
	snprintf(text, 16, "%.1f", per_second(actors_counts(r->actors, i)->loops, r));
}

static void cell_busy(const struct sched_result *r, uint32_t i, char text[16])
{
	(void)i;
	snprintf(text, 16, "%.2f",
		 percent(all_runtime(r), r->metrics->elapsed * r->metrics->n_cpus));
}

static void cell_time(const struct sched_result *r, uint32_t i, char text[16])
{
	(void)i;
	sched_time_text(r->metrics->elapsed, text);
}

static void cell_end(const struct sched_result *r, uint32_t i, char text[16])
{
	(void)i;
	snprintf(text, 16, "%s", sched_end_text(r->end));
}

typedef void cell_fn(const struct sched_result *r, uint32_t group, char text[16]);

static const struct row {
	const char *label;
	cell_fn *fn;
} rows[] = {{"runtime %", cell_share}, {"latency p50", cell_p50}, {"latency p99", cell_p99},
	    {"latency max", cell_max}, {"slices/s", cell_slices}, {"migrations/s", cell_migrations},
	    {"loops/s", cell_loops}},
  whole_rows[] = {{"busy %", cell_busy}, {"time", cell_time}, {"end", cell_end}};

static void print_row(const struct sched_result *results, size_t n, const char *name, int width,
		      const struct row *row, uint32_t group)
{
	char text[16];

	printf("%-*s %-12s", width, name, row->label);
	for (size_t i = 0; i < n; i++) {
		strcpy(text, "-");
		if (results[i].end != SCHED_REFUSED || row->fn == cell_end)
			row->fn(&results[i], group, text);
		printf(" %*s", COMPARE_WIDTH, text);
	}
	printf("\n");
}

static void print_headings(const struct sched_result *results, size_t n, int width)
{
	printf("%-*s %-12s", width, "group", "");
	for (size_t i = 0; i < n; i++) {
		const char *object = results[i].setup->object, *slash = strrchr(object, '/');

		object = slash ? slash + 1 : object;
		printf(" %*.*s", COMPARE_WIDTH,
		       min_t(int, (int)strcspn(object, "."), COMPARE_WIDTH), object);
	}
	printf("\n");
}

void sched_table_compare(const struct sched_result *results, size_t n)
{
	const struct sched_result *r = &results[0];
	int width = name_width(r->w, 5);

	printf("workload %s on %s (%" PRIu32 " CPUs), seed %" PRIu64 ", %.6f s\n\n", r->w->name,
	       r->setup->machine, r->topo->n_cpus, r->setup->seed, (double)r->setup->time / 1e9);
	print_headings(results, n, width);
	for (uint32_t g = 0; g < r->metrics->n_groups; g++)
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
			print_row(results, n, i ? "" : r->w->tasks[g].name, width, &rows[i], g);
	for (size_t i = 0; i < ARRAY_SIZE(whole_rows); i++)
		print_row(results, n, i ? "" : "all", width, &whole_rows[i], 0);
	for (size_t i = 0; i < n; i++)
		if (results[i].msg && *results[i].msg)
			printf("%s: %s: %s\n", results[i].setup->object, results[i].reason,
			       results[i].msg);
	fflush(stdout);
}
