/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the picture in the report is drawn from, in bounded memory however long the run:
 *
 *   exact slices   the first and the last PICTURE_SLICES of the run
 *   bins           all of it, cut into equal times: per CPU and bin how much of it was busy
 *                  and which group of tasks took most
 */
#include "cli/sched_picture.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

/* -- Tasks ----------------------------------------------------------------------------------- */

static int note_task(struct sched_picture *p, const struct sim_task *t)
{
	size_t pid = (size_t)t->obj.ts.pid;
	size_t old = p->cap_tasks;

	UA_TRY(UA_GROW(&p->tasks, &p->cap_tasks, pid + 1));
	memset(p->tasks + old, 0, (p->cap_tasks - old) * sizeof(*p->tasks));
	snprintf(p->tasks[pid].name, sizeof(p->tasks[pid].name), "%s", t->obj.ts.comm);
	for (char *c = p->tasks[pid].name; *c; c++) /* what was cut may not be UTF-8 any more */
		*c = *c & 0x80 ? '?' : *c;
	p->tasks[pid].group = t->group;
	return 0;
}

/* -- Bins ------------------------------------------------------------------------------------ */

/* The bin is over: only who took most and how much was taken remain. */
static void close_bin(struct sched_picture *p, struct picture_cpu *c)
{
	struct picture_bin *bin = &c->bins[c->bin];
	uint64_t most = 0, all = 0;

	for (uint32_t g = 0; g < p->n_groups; g++) {
		all += c->times[g];
		if (c->times[g] > most) {
			most = c->times[g];
			bin->group = (uint8_t)min_t(uint32_t, g, PICTURE_GROUPS - 1);
		}
		c->times[g] = 0;
	}
	bin->busy = (uint8_t)(all * 255 / p->bin_ns);
	if (all && !bin->busy)
		bin->busy = 1;
	c->bin++;
}

static void add_time(struct sched_picture *p, struct picture_cpu *c, uint64_t from, uint64_t to)
{
	while (from < to && c->bin < p->n_bins) {
		uint64_t bin_end = (c->bin + 1) * p->bin_ns;
		uint64_t part = to < bin_end ? to : bin_end;

		if (c->task && part > from)
			c->times[c->group] += part - from;
		if (part == bin_end)
			close_bin(p, c);
		from = part > from ? part : from;
	}
}

/* -- Slices ---------------------------------------------------------------------------------- */

static void add_head(struct sched_picture *p, const struct picture_slice *slice)
{
	p->head[p->n_head++] = *slice;
	p->head_end = slice->start + slice->length;
}

/* The head is full: what runs now is cut, so that the picture has no holes before its end. */
static void close_head(struct sched_picture *p, uint64_t now)
{
	for (uint32_t cpu = 0; cpu < p->n_cpus; cpu++) {
		struct picture_cpu *c = &p->cpus[cpu];

		add_time(p, c, c->since, now);
		if (c->task && c->since < now)
			add_head(p, &(struct picture_slice){c->since, now - c->since, c->pid, cpu});
		c->since = now;
	}
	p->head_end = now;
	p->head_closed = true;
}

static void add_tail(struct sched_picture *p, const struct picture_slice *slice)
{
	struct picture_slice *at = &p->tail[p->n_tail % PICTURE_SLICES];

	if (p->n_tail >= PICTURE_SLICES)
		p->tail_begin = at->start + at->length;
	*at = *slice;
	p->n_tail++;
}

static void add_slice(struct sched_picture *p, uint32_t cpu, uint64_t now)
{
	struct picture_cpu *c = &p->cpus[cpu];
	struct picture_slice slice = {c->since, now - c->since, c->pid, cpu};

	if (p->head_closed) {
		add_tail(p, &slice);
		return;
	}
	add_head(p, &slice);
	if (p->n_head < PICTURE_SLICES)
		return;
	c->task = NULL;
	close_head(p, now);
	p->tail_begin = now;
}

/* -- Observing ------------------------------------------------------------------------------- */

static void on_switch(struct sched_picture *p, const struct machine_event *ev)
{
	struct picture_cpu *c = &p->cpus[ev->cpu];

	add_time(p, c, c->since, ev->at);
	if (c->task && ev->at > c->since)
		add_slice(p, (uint32_t)ev->cpu, ev->at);
	c->task = ev->task;
	c->since = ev->at;
	if (!ev->task)
		return;
	c->pid = (uint32_t)ev->task->obj.ts.pid;
	c->group = ev->task->group;
	if (c->pid >= p->cap_tasks || !p->tasks[c->pid].name[0])
		p->failed |= note_task(p, ev->task) != 0;
}

static void add_mark(struct sched_picture *p, const struct machine_event *ev, const char *text)
{
	struct picture_mark *mark = &p->marks[p->n_marks];

	if (p->n_marks >= PICTURE_MARKS)
		return;
	mark->at = ev->at;
	mark->cpu = ev->cpu;
	snprintf(mark->text, sizeof(mark->text), "%s", text);
	p->n_marks++;
}

static void observe(void *arg, const struct machine_event *ev)
{
	struct sched_picture *p = arg;
	char text[SCHED_EVENT_LEN];

	switch (ev->kind) {
	case MACHINE_SWITCH:
		on_switch(p, ev);
		break;
	case MACHINE_SCHED:
		sched_event_text(p->s, ev, text);
		add_mark(p, ev, text);
		break;
	case MACHINE_HOTPLUG:
		snprintf(text, sizeof(text), "CPU %d %s", ev->cpu,
			 ev->value ? "online" : "offline");
		add_mark(p, ev, text);
		break;
	case MACHINE_MARK:
		add_mark(p, ev, ev->text);
		break;
	default:
		break;
	}
}

/* -- Making it ------------------------------------------------------------------------------- */

/* More CPUs, fewer bins: the page stays of a size. */
static uint32_t bins_for(uint32_t n_cpus)
{
	uint32_t n = PICTURE_BINS / n_cpus;

	return n < 256 ? 256 : n > 2048 ? 2048 : n;
}

static int cpus_new(struct sched_picture *p)
{
	p->cpus = mem_calloc(p->n_cpus, sizeof(*p->cpus));
	for (uint32_t i = 0; p->cpus && i < p->n_cpus; i++) {
		p->cpus[i].bins = mem_calloc(p->n_bins, sizeof(struct picture_bin));
		p->cpus[i].times = mem_calloc(p->n_groups, sizeof(uint64_t));
		UA_FAIL_IF(!p->cpus[i].bins || !p->cpus[i].times, -ENOMEM);
	}
	return p->cpus ? 0 : -ENOMEM;
}

struct sched_picture *sched_picture_begin(struct sched_sim *s)
{
	struct sched_picture *p = mem_zalloc(sizeof(*p));
	int err = p ? 0 : -ENOMEM;

	if (!err) {
		p->s = s;
		p->n_cpus = machine_topo(s->m)->n_cpus;
		p->n_groups = (uint32_t)s->w->n_tasks;
		p->n_bins = bins_for(p->n_cpus);
		p->bin_ns = (s->setup->time + p->n_bins - 1) / p->n_bins;
		p->head = mem_calloc(PICTURE_SLICES + p->n_cpus, sizeof(*p->head));
		p->tail = mem_calloc(PICTURE_SLICES, sizeof(*p->tail));
		err = p->head && p->tail ? cpus_new(p) : -ENOMEM;
	}
	if (err) {
		cli_error("out of memory");
		sched_picture_free(p);
		return NULL;
	}
	s->picture = (struct machine_observer){.fn = observe, .arg = p};
	machine_observe(s->m, &s->picture);
	return p;
}

/* Slices still running end with the picture. */
int sched_picture_end(struct sched_picture *p, uint64_t now)
{
	for (uint32_t cpu = 0; cpu < p->n_cpus; cpu++) {
		struct picture_cpu *c = &p->cpus[cpu];

		add_time(p, c, c->since, now);
		if (c->task && now > c->since)
			add_slice(p, cpu, now);
		c->task = NULL;
		c->since = now;
		if (c->bin < p->n_bins)
			close_bin(p, c);
	}
	if (!p->head_closed)
		p->head_end = now;
	return p->failed ? -ENOMEM : 0;
}

void sched_picture_free(struct sched_picture *p)
{
	if (!p)
		return;
	for (uint32_t i = 0; p->cpus && i < p->n_cpus; i++) {
		mem_free(p->cpus[i].bins);
		mem_free(p->cpus[i].times);
	}
	mem_free(p->cpus);
	mem_free(p->head);
	mem_free(p->tail);
	mem_free(p->tasks);
	mem_free(p);
}
