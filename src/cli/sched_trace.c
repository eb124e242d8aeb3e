/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * --trace: the run in the JSON trace format that Perfetto and chrome://tracing read, written
 * while the machine runs. One process with a track per CPU: slices named by task, instants for
 * wakeups, migrations and what happens to the scheduler, a counter of runnable tasks, arrows
 * from the task that woke to the slice that it made possible.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "cli/sched.h"

struct running {
	const struct sim_task *task;
	uint64_t since;
};

struct sched_trace {
	const char *path;
	FILE *f;
	const struct sched_sim *s;
	struct running *cpus;
	int64_t runnable;
	bool any;
};

/* -- Writing --------------------------------------------------------------------------------- */

static void put_string(FILE *f, const char *s)
{
	fputc('"', f);
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			fprintf(f, "\\%c", c);
		else
			fputc(c < 0x20 || c >= 0x7f ? '?' : c, f);
	}
	fputc('"', f);
}

static void put_us(FILE *f, const char *key, uint64_t ns)
{
	fprintf(f, ",\"%s\":%" PRIu64 ".%03u", key, ns / 1000, (unsigned int)(ns % 1000));
}

/* CPU 0 is thread 1: thread 0 is the idle one to some readers. */
#define TRACK(cpu) ((int)(cpu) + 1)

/* The part that all events have. */
static void begin(struct sched_trace *t, const char *ph, const char *name, int32_t cpu, uint64_t at)
{
	fprintf(t->f, "%s\n{\"ph\":\"%s\",\"pid\":1,\"tid\":%d,\"name\":", t->any ? "," : "", ph,
		TRACK(cpu));
	put_string(t->f, name);
	put_us(t->f, "ts", at);
	t->any = true;
}

static void end(struct sched_trace *t)
{
	fputc('}', t->f);
}

static void put_task(struct sched_trace *t, const struct sim_task *task)
{
	fprintf(t->f, ",\"args\":{\"task\":");
	put_string(t->f, task->obj.ts.comm);
	fprintf(t->f, ",\"pid\":%d", task->obj.ts.pid);
}

/* -- Events ---------------------------------------------------------------------------------- */

static void put_slice(struct sched_trace *t, int32_t cpu, uint64_t now, const char *left)
{
	const struct running *r = &t->cpus[cpu];

	begin(t, "X", r->task->obj.ts.comm, cpu, r->since);
	put_us(t->f, "dur", now - r->since);
	fputs(",\"cat\":", t->f);
	put_string(t->f, t->s->w->tasks[r->task->group].name);
	put_task(t, r->task);
	fprintf(t->f, ",\"left\":\"%s\"}", left);
	end(t);
}

static void put_instant(struct sched_trace *t, const char *name, const char *scope, int32_t cpu,
			uint64_t at, const struct sim_task *task, int64_t from)
{
	begin(t, "i", name, cpu, at);
	fprintf(t->f, ",\"s\":\"%s\"", scope);
	if (task) {
		put_task(t, task);
		if (from >= 0)
			fprintf(t->f, ",\"from\":%" PRId64, from);
		fputc('}', t->f);
	}
	end(t);
}

/* An arrow's two ends share an id: a task is woken once at a time. */
static void put_arrow(struct sched_trace *t, const char *ph, int32_t cpu, uint64_t at,
		      const struct sim_task *task)
{
	begin(t, ph, "wakeup", cpu, at);
	fprintf(t->f, ",\"cat\":\"wakeup\",\"id\":\"%d.%" PRIu64 "\"%s", task->obj.ts.pid,
		task->woken_at, *ph == 'f' ? ",\"bp\":\"e\"" : "");
	end(t);
}

static void put_runnable(struct sched_trace *t, uint64_t at)
{
	begin(t, "C", "runnable tasks", 0, at);
	fprintf(t->f, ",\"args\":{\"tasks\":%" PRId64 "}", t->runnable);
	end(t);
}

static struct task_notes *notes_of(const struct sim_task *task)
{
	return task->actor;
}

static void on_wake(struct sched_trace *t, const struct machine_event *ev)
{
	t->runnable++;
	put_runnable(t, ev->at);
	put_instant(t, "wake", "t", ev->cpu, ev->at, ev->task, -1);
	notes_of(ev->task)->arrow = ev->other;
	if (ev->other)
		put_arrow(t, "s", ev->other->cpu, ev->at, ev->task);
}

static void on_switch(struct sched_trace *t, const struct machine_event *ev)
{
	struct running *r = &t->cpus[ev->cpu];

	if (r->task)
		put_slice(t, ev->cpu, ev->at, ev->other_runnable ? "runnable" : "asleep");
	if (ev->other && !ev->other_runnable) {
		t->runnable--;
		put_runnable(t, ev->at);
	}
	*r = (struct running){ev->task, ev->at};
	if (!ev->task || !notes_of(ev->task)->arrow)
		return;
	notes_of(ev->task)->arrow = false;
	put_arrow(t, "f", ev->cpu, ev->at, ev->task);
}

static void observe(void *arg, const struct machine_event *ev)
{
	struct sched_trace *t = arg;
	char text[SCHED_EVENT_LEN];

	switch (ev->kind) {
	case MACHINE_SWITCH:
		on_switch(t, ev);
		break;
	case MACHINE_WAKE:
		on_wake(t, ev);
		break;
	case MACHINE_MIGRATE:
		put_instant(t, "migrate", "t", ev->cpu, ev->at, ev->task, ev->value);
		break;
	case MACHINE_SCHED:
		sched_event_text(t->s, ev, text);
		put_instant(t, text, "g", 0, ev->at, NULL, -1);
		break;
	case MACHINE_HOTPLUG:
		put_instant(t, ev->value ? "online" : "offline", "t", ev->cpu, ev->at, NULL, -1);
		break;
	case MACHINE_MARK:
		put_instant(t, ev->text, "g", ev->cpu, ev->at, NULL, -1);
		break;
	default:
		break;
	}
}

/* -- Beginning and end ----------------------------------------------------------------------- */

static void put_metadata(struct sched_trace *t)
{
	const struct topo *topo = machine_topo(t->s->m);
	char text[80];

	fputs("{\"traceEvents\":[\n{\"ph\":\"M\",\"pid\":1,\"name\":\"process_name\",\"args\":{"
	      "\"name\":\"CPUs\"}}",
	      t->f);
	for (uint32_t i = 0; i < topo->n_cpus; i++) {
		const struct topo_cpu *c = &topo->cpus[i];

		snprintf(text, sizeof(text), "CPU %" PRIu32 " (node %d, LLC %d, core %d)", i,
			 c->node, c->llc, c->core);
		fprintf(t->f,
			",\n{\"ph\":\"M\",\"pid\":1,\"tid\":%d,\"name\":\"thread_name\",\"args\":{"
			"\"name\":\"%s\"}}",
			TRACK(i), text);
		/* In the order of cids, so that neighbours are neighbours. */
		fprintf(t->f,
			",\n{\"ph\":\"M\",\"pid\":1,\"tid\":%d,\"name\":\"thread_sort_index\","
			"\"args\":{"
			"\"sort_index\":%d}}",
			TRACK(i), c->cid);
	}
	t->any = true;
}

struct sched_trace *sched_trace_begin(struct sched_sim *s, const char *path)
{
	struct sched_trace *t = calloc(1, sizeof(*t));

	if (t)
		t->cpus = calloc(machine_topo(s->m)->n_cpus, sizeof(*t->cpus));
	if (t && t->cpus)
		t->f = fopen(path, "w");
	if (!t || !t->f) {
		cli_error("%s: cannot be written: %s", path, strerror(errno));
		if (t)
			free(t->cpus);
		free(t);
		return NULL;
	}
	setvbuf(t->f, NULL, _IOFBF, 1 << 18);
	t->path = path;
	t->s = s;
	put_metadata(t);
	s->trace = (struct machine_observer){.fn = observe, .arg = t};
	machine_observe(s->m, &s->trace);
	return t;
}

int sched_trace_end(struct sched_trace *t)
{
	uint64_t now = machine_now(t->s->m);
	int err;

	for (uint32_t cpu = 0; cpu < machine_topo(t->s->m)->n_cpus; cpu++)
		if (t->cpus[cpu].task)
			put_slice(t, (int32_t)cpu, now, "running");
	fputs("\n],\"displayTimeUnit\":\"ns\",\"otherData\":{\"workload\":", t->f);
	put_string(t->f, t->s->w->name);
	fprintf(t->f, ",\"seed\":%" PRIu64 ",\"machine\":", t->s->setup->seed);
	put_string(t->f, t->s->setup->machine);
	fputs("}}\n", t->f);
	err = ferror(t->f) ? -EIO : 0;
	if (fclose(t->f))
		err = -errno;
	if (err)
		cli_error("%s: cannot be written: %s", t->path, strerror(-err));
	free(t->cpus);
	free(t);
	return err ? CLI_REFUSED : CLI_OK;
}
