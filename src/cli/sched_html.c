/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * --html: one page that needs nothing else. The page itself is sched_report.html; here its data
 * is written into it, as JSON in place of @DATA@:
 *
 *   result   as -j prints it
 *   latency  per group: [least, greatest, count] of each bucket that has any
 *   picture  tasks [name, group, pid], per CPU slices [gap, length, task]..., bins in hex
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "cli/embedded.h"
#include "cli/sched_picture.h"

#define PLACE "@DATA@"

/* "</script>" must not come up within the data; a '<' in JSON is always in a string. */
static void put_escaped(FILE *f, const char *json)
{
	for (; *json; json++) {
		if (*json == '<')
			fputs("\\u003c", f);
		else
			fputc(*json, f);
	}
}

static int put_json(FILE *f, json_t *j)
{
	char *text = json_dumps(j, JSON_COMPACT | JSON_ENSURE_ASCII);

	json_decref(j);
	UA_FAIL_IF(!text, -ENOMEM);
	put_escaped(f, text);
	free(text);
	return 0;
}

/* -- Latency --------------------------------------------------------------------------------- */

/* Four buckets to a power of two are as many as can be seen. */
#define COARSE (HIST_SUB / 4)

static void put_bucket(FILE *f, const char **sep, uint64_t low, uint64_t high, uint64_t n)
{
	if (!n)
		return;
	fprintf(f, "%s[%" PRIu64 ",%" PRIu64 ",%" PRIu64 "]", *sep, low, high, n);
	*sep = ",";
}

/* 0 is a bucket of its own: it has no place on a logarithmic scale. */
static void put_hist(FILE *f, const struct hist *h)
{
	const char *sep = "";

	fputc('[', f);
	put_bucket(f, &sep, 0, 0, h->counts[0]);
	for (uint32_t i = 0; i < HIST_BUCKETS; i += COARSE) {
		uint32_t first = i ? i : 1;
		uint64_t n = 0;

		for (uint32_t j = first; j < i + COARSE; j++)
			n += h->counts[j];
		put_bucket(f, &sep, hist_low(first), hist_high(i + COARSE - 1), n);
	}
	fputc(']', f);
}

static void put_latency(FILE *f, const struct metrics *mt)
{
	for (uint32_t i = 0; i < mt->n_groups; i++) {
		fputc(i ? ',' : '[', f);
		put_hist(f, &mt->groups[i].latency);
	}
	fputc(']', f);
}

/* -- Picture --------------------------------------------------------------------------------- */

/* All kept slices, first to last. */
static size_t n_slices(const struct sched_picture *p)
{
	return p->n_head + min_t(size_t, p->n_tail, PICTURE_SLICES);
}

static const struct picture_slice *slice_at(const struct sched_picture *p, size_t i)
{
	uint64_t first = p->n_tail > PICTURE_SLICES ? p->n_tail - PICTURE_SLICES : 0;

	if (i < p->n_head)
		return &p->head[i];
	return &p->tail[(first + i - p->n_head) % PICTURE_SLICES];
}

/* Only tasks that are seen get a place. */
static int put_tasks(FILE *f, struct sched_picture *p)
{
	json_t *tasks = json_array();

	for (size_t i = 0; i < n_slices(p); i++) {
		struct picture_task *t = &p->tasks[slice_at(p, i)->pid];

		if (t->index)
			continue;
		json_array_append_new(tasks, json_pack("[s, i, i]", t->name, (int)t->group,
						       (int)slice_at(p, i)->pid));
		t->index = (uint32_t)json_array_size(tasks);
	}
	return put_json(f, tasks);
}

/* One pass over the slices for each CPU would be too slow: they are dealt out by counting. */
static uint32_t *order_by_cpu(const struct sched_picture *p, uint32_t **starts)
{
	size_t n = n_slices(p);
	uint32_t *order = mem_calloc(n + 1, sizeof(*order));
	uint32_t *at = mem_calloc(p->n_cpus + 2, sizeof(*at));

	*starts = at;
	if (!order || !at) {
		mem_free(order);
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		at[slice_at(p, i)->cpu + 2]++;
	for (uint32_t cpu = 0; cpu < p->n_cpus; cpu++)
		at[cpu + 2] += at[cpu + 1];
	for (size_t i = 0; i < n; i++)
		order[at[slice_at(p, i)->cpu + 1]++] = (uint32_t)i;
	return order;
}

static void put_cpu_slices(FILE *f, const struct sched_picture *p, const uint32_t *order, size_t n)
{
	uint64_t last = 0;

	fputc('[', f);
	for (size_t i = 0; i < n; i++) {
		const struct picture_slice *s = slice_at(p, order[i]);

		fprintf(f, "%s%" PRIu64 ",%" PRIu64 ",%" PRIu32, i ? "," : "", s->start - last,
			s->length, p->tasks[s->pid].index - 1);
		last = s->start + s->length;
	}
	fputc(']', f);
}

static int put_slices(FILE *f, const struct sched_picture *p)
{
	uint32_t *starts, *order = order_by_cpu(p, &starts);

	for (uint32_t cpu = 0; order && cpu < p->n_cpus; cpu++) {
		fputc(cpu ? ',' : '[', f);
		put_cpu_slices(f, p, order + starts[cpu], starts[cpu + 1] - starts[cpu]);
	}
	fputc(']', f);
	mem_free(starts);
	mem_free(order);
	return order ? 0 : -ENOMEM;
}

static void put_bins(FILE *f, const struct sched_picture *p)
{
	for (uint32_t cpu = 0; cpu < p->n_cpus; cpu++) {
		const struct picture_cpu *c = &p->cpus[cpu];

		fputs(cpu ? ",\"" : "[\"", f);
		for (uint32_t i = 0; i < c->bin; i++)
			fprintf(f, "%02x%02x", c->bins[i].group, c->bins[i].busy);
		fputc('"', f);
	}
	fputc(']', f);
}

static int put_marks(FILE *f, const struct sched_picture *p)
{
	json_t *marks = json_array();

	for (size_t i = 0; i < p->n_marks; i++)
		json_array_append_new(marks, json_pack("[I, i, s]", (json_int_t)p->marks[i].at,
						       (int)p->marks[i].cpu, p->marks[i].text));
	return put_json(f, marks);
}

static int put_picture(FILE *f, struct sched_picture *p)
{
	bool cut = p->n_tail > PICTURE_SLICES;

	fprintf(f,
		"{\"bin_ns\":%" PRIu64 ",\"head_end\":%" PRIu64 ",\"tail_begin\":%" PRIu64
		",\"slices_kept\":%zu,\"tasks\":",
		p->bin_ns, p->head_end, cut ? p->tail_begin : p->head_end, n_slices(p));
	UA_TRY(put_tasks(f, p));
	fputs(",\"slices\":", f);
	UA_TRY(put_slices(f, p));
	fputs(",\"bins\":", f);
	put_bins(f, p);
	fputs(",\"marks\":", f);
	UA_TRY(put_marks(f, p));
	fputc('}', f);
	return 0;
}

/* -- The page -------------------------------------------------------------------------------- */

static const char *page(void)
{
	for (const struct embedded *e = embedded_files; e->name; e++)
		if (!strcmp(e->name, "sched_report.html"))
			return e->data;
	return PLACE;
}

static int put_page(FILE *f, const struct sched_result *r, struct sched_picture *p)
{
	const char *html = page(), *place = strstr(html, PLACE);

	fwrite(html, 1, (size_t)(place - html), f);
	fputs("{\"result\":", f);
	UA_TRY(put_json(f, sched_result_json(r)));
	fputs(",\"latency\":", f);
	put_latency(f, r->metrics);
	fputs(",\"picture\":", f);
	UA_TRY(put_picture(f, p));
	fputc('}', f);
	fputs(place + strlen(PLACE), f);
	return ferror(f) ? -EIO : 0;
}

int sched_html_write(const char *path, const struct sched_result *r, struct sched_picture *p)
{
	int err = sched_picture_end(p, r->metrics->started + r->metrics->elapsed);
	FILE *f = err ? NULL : fopen(path, "w");

	if (!err && !f)
		err = -errno;
	if (!err)
		err = put_page(f, r, p);
	if (f && fclose(f) && !err)
		err = -errno;
	if (err)
		cli_error("%s: cannot be written: %s", path, strerror(-err));
	return err ? CLI_REFUSED : CLI_OK;
}
