/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One simulation: machine, engine, scheduler, tasks, in the order in which they are made, run
 * and taken down. Tasks exist, asleep, before the scheduler is attached, as on a real machine.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "abi/bpf.h"
#include "base/base.h"
#include "cli/sched.h"
#include "kernel/handle.h"
#include "object/object.h"

/* Virtual time between looks at the clock on the wall and at bpf_printk(). */
#define CHUNK_NS UINT64_C(20000000)
#define PROGRESS_MS 200
#define MAX_RESTARTS 100
#define TEXT_MAX (64u << 10) /* of a stream */

/* -- Opening --------------------------------------------------------------------------------- */

static int open_machine(struct sched_sim *s)
{
	const struct sched_setup *u = s->setup;
	const struct machine_opts opts = {.topology = u->machine, .seed = u->seed, .hz = u->hz};
	int err = machine_new(&opts, &s->m);

	if (!err)
		err = metrics_begin(&s->metrics, s->m, (uint32_t)s->w->n_tasks);
	if (!err)
		return CLI_OK;
	cli_error("machine '%s': cannot be made: %s", u->machine, strerror(-err));
	return CLI_REFUSED;
}

/* The struct_ops variable to attach; the others are not created, nor their programs loaded. */
static int choose_map(struct sched_sim *s)
{
	const char *object = ua_object__name(s->session.obj), *ops = s->setup->ops;
	struct ua_map *map = NULL;
	char names[200] = "";
	size_t n = 0;

	while ((map = ua_object__next_map(s->session.obj, map))) {
		size_t len = strlen(names);

		if (ua_map__type(map) != BPF_MAP_TYPE_STRUCT_OPS)
			continue;
		snprintf(names + len, sizeof(names) - len, "%s%s", len ? ", " : "",
			 ua_map__name(map));
		if (ops ? strcmp(ops, ua_map__name(map)) : !st_ops_wanted(map))
			continue;
		s->map = map;
		n++;
	}
	if (n == 1)
		return CLI_OK;
	if (!*names)
		cli_error("%s: has no struct_ops variable, so it is no scheduler", object);
	else
		cli_error("%s: choose the scheduler with --ops NAME; there are: %s", object, names);
	return CLI_REFUSED;
}

/* Objects bring programs for the kernel around the scheduler: tracepoints, functions. Nothing of
 * that is in the machine, so that they would never run. */
static void leave_out_the_rest(struct ua_object *obj)
{
	struct ua_program *prog = NULL;

	while ((prog = ua_object__next_program(obj, prog))) {
		uint32_t type = ua_program__type(prog);

		if (type == BPF_PROG_TYPE_STRUCT_OPS || type == BPF_PROG_TYPE_SYSCALL ||
		    !ua_program__autoload(prog))
			continue;
		log_info("uarena: %s: not loaded, nothing here would run it: section %s\n",
			 ua_program__name(prog), ua_program__section(prog));
		ua_program__set_autoload(prog, false);
	}
}

static int open_scheduler(struct sched_sim *s)
{
	struct cli_options o = *s->setup->options;
	struct ua_map *map = NULL;
	int status, err;

	o.engine.n_cpus = machine_topo(s->m)->n_cpus;
	status = cli_open(&o, s->setup->object, &s->session);
	if (!status)
		status = choose_map(s);
	if (status)
		return status;
	while ((map = ua_object__next_map(s->session.obj, map)))
		if (ua_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS)
			st_ops_set_wanted(map, map == s->map);
	leave_out_the_rest(s->session.obj);
	err = machine_bind(s->m, kernel_engine(s->session.engine->kernel));
	if (!err)
		err = ua_object__load(s->session.obj);
	if (!err)
		return sched_setup_before(s);
	cli_error("%s: not loaded: %s", s->setup->object, strerror(-err));
	return CLI_REFUSED;
}

int sched_sim_open(const struct sched_setup *setup, const struct workload *w, struct sched_sim *s)
{
	int status;

	*s = (struct sched_sim){.setup = setup, .w = w};
	status = open_machine(s);
	if (!status && strcmp(setup->object, SCHED_NONE))
		status = open_scheduler(s);
	return status;
}

/* -- What the programs write ----------------------------------------------------------------- */

static void append(struct sched_text *t, const char *buf, size_t n)
{
	char *bigger = t->size < TEXT_MAX ? realloc(t->text, t->size + n + 1) : NULL;

	if (!bigger)
		return;
	t->text = bigger;
	memcpy(bigger + t->size, buf, n);
	t->size += n;
	bigger[t->size] = 0;
}

static void read_stream(struct ua_program *p, enum ua_stream id, struct sched_text *t)
{
	char buf[4096];
	int n;

	while ((n = ua_program__read_stream(p, id, buf, sizeof(buf))) > 0)
		append(t, buf, (size_t)n);
}

void sched_sim_read_streams(struct sched_sim *s)
{
	struct ua_program *p = NULL;

	while (s->session.obj && (p = ua_object__next_program(s->session.obj, p))) {
		if (ua_program__fd(p) < 0)
			continue;
		read_stream(p, UA_STDERR, &s->reports);
		read_stream(p, UA_STDOUT, &s->output);
	}
}

/* -- Running --------------------------------------------------------------------------------- */

static void stop_when_it_ends(void *arg, const struct machine_event *ev)
{
	struct sched_sim *s = arg;

	if (ev->kind == MACHINE_SCHED && !ev->value)
		machine_stop(s->m);
	if (++s->n_observed == s->setup->max_events)
		machine_stop(s->m);
}

void sched_event_text(const struct sched_sim *s, const struct machine_event *ev,
		      char text[SCHED_EVENT_LEN])
{
	const char *reason = ev->value ? "" : machine_sched_exit(s->m)->reason;

	snprintf(text, SCHED_EVENT_LEN, "%.40s %s%s%.40s", machine_sched_name(s->m),
		 ev->value ? "enabled" : "disabled", *reason ? ": " : "", reason);
}

struct progress {
	bool on;
	uint64_t shown_at; /* ms */
};

static uint64_t wall_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void progress_show(struct progress *p, const struct sched_sim *s)
{
	uint64_t now = machine_now(s->m), ms = p->on ? wall_ms() : 0;

	if (!p->on || ms - p->shown_at < PROGRESS_MS)
		return;
	p->shown_at = ms;
	fprintf(stderr, "\r%s: %3" PRIu64 " %%  %.3f of %.3f s, %" PRIu64 " events\033[K",
		s->w->name, (uint64_t)((double)now * 100 / (double)s->setup->time),
		(double)now / 1e9, (double)s->setup->time / 1e9, machine_n_events(s->m));
	fflush(stderr);
}

static void progress_end(struct progress *p)
{
	if (p->on)
		fputs("\r\033[K", stderr);
}

/* What bpf_printk() wrote, as it comes. */
static void show_printk(const struct sched_sim *s)
{
	char buf[4096];
	int n;

	while ((n = ua_trace__read(buf, sizeof(buf))) > 0)
		if (!s->setup->quiet)
			fwrite(buf, 1, (size_t)n, stderr);
}

/* The signal that ended the run early. */
static volatile sig_atomic_t interrupted;

static void note_interrupt(int sig)
{
	interrupted = sig;
}

void sched_sim_interruptible(void)
{
	static const int signals[] = {SIGINT, SIGTERM};
	struct sigaction sa = {.sa_handler = note_interrupt, .sa_flags = SA_RESETHAND}, old;

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		if (!sigaction(signals[i], NULL, &old) && old.sa_handler != SIG_IGN)
			sigaction(signals[i], &sa, NULL);
}

int sched_sim_interrupted(void)
{
	return interrupted;
}

static bool is_over(const struct sched_sim *s)
{
	return interrupted || machine_now(s->m) >= s->setup->time || actors_error(s->actors) ||
	       actors_done(s->actors) || machine_sched_state(s->m) == MACHINE_SCHED_EXITED ||
	       (s->setup->max_events && s->n_observed >= s->setup->max_events);
}

static int attach(struct sched_sim *s)
{
	if (s->map)
		s->attach_err = ua_map__attach_struct_ops(s->map, &s->link);
	if (s->attach_err)
		s->link = NULL;
	else if (s->map && sched_setup_after(s))
		s->attach_err = -ECANCELED;
	return s->attach_err;
}

static bool wants_restart(const struct sched_sim *s)
{
	const struct machine_exit *ex = machine_sched_exit(s->m);

	return machine_sched_state(s->m) == MACHINE_SCHED_EXITED && ex->kind < SCX_EXIT_ERROR &&
	       ((uint64_t)ex->code & SCX_ECODE_ACT_RESTART) && s->n_restarts < MAX_RESTARTS;
}

/* What a scheduler's own loader does when it is asked to: close all and begin anew. */
static int restart(struct sched_sim *s)
{
	s->n_restarts++;
	sched_sim_read_streams(s);
	sched_sim_detach(s);
	if (open_scheduler(s))
		return -EINVAL;
	return attach(s);
}

static int run_all(struct sched_sim *s)
{
	struct progress p = {.on = !s->setup->quiet && isatty(STDERR_FILENO),
			     .shown_at = wall_ms()};
	int err = 0;

	while (!err && !is_over(s)) {
		uint64_t left = s->setup->time - machine_now(s->m);

		err = machine_run(s->m, machine_now(s->m) + min_t(uint64_t, left, CHUNK_NS));
		show_printk(s);
		progress_show(&p, s);
		if (!err && wants_restart(s))
			err = restart(s);
	}
	progress_end(&p);
	return err;
}

static void ignore(void *arg, const struct machine_event *ev)
{
	(void)arg;
	(void)ev;
}

static void end_observation(struct sched_sim *s)
{
	metrics_update(&s->metrics, machine_now(s->m));
	s->metrics.observer.fn = s->end.fn = s->trace.fn = s->picture.fn = ignore;
}

/* -EINVAL has been explained: the workload does not fit the machine. */
static int begin(struct sched_sim *s)
{
	int err = actors_new(s->m, s->w, s->setup->seed, &s->actors);

	s->end = (struct machine_observer){.fn = stop_when_it_ends, .arg = s};
	machine_observe(s->m, &s->end);
	if (!err && !attach(s))
		err = actors_start(s->actors);
	if (err && err != -EINVAL && !s->setup->quiet)
		cli_error("%s: cannot begin: %s", s->w->name, strerror(-err));
	return err;
}

int sched_sim_run(struct sched_sim *s)
{
	int err = begin(s);

	if (err)
		return CLI_REFUSED;
	if (!s->attach_err)
		err = run_all(s);
	end_observation(s);
	if ((err || actors_error(s->actors)) && !s->setup->quiet)
		cli_error("%s: stopped at %.6f s: %s", s->w->name, (double)machine_now(s->m) / 1e9,
			  err ? strerror(-err) : actors_error(s->actors));
	return err || actors_error(s->actors) ? CLI_REFUSED : CLI_OK;
}

/* The scheduler lets go of the tasks before its maps go, and both before the machine. */
void sched_sim_detach(struct sched_sim *s)
{
	if (s->link)
		ua_link__destroy(s->link);
	s->link = NULL;
	if (s->session.obj)
		ua_object__close(s->session.obj);
	s->session.obj = NULL;
	if (s->session.engine)
		machine_bind(s->m, NULL);
	cli_close(&s->session);
}

void sched_sim_close(struct sched_sim *s)
{
	sched_sim_detach(s);
	if (s->m)
		machine_free(s->m);
	actors_free(s->actors);
	metrics_free(&s->metrics);
	free(s->reports.text);
	free(s->output.text);
	*s = (struct sched_sim){0};
}
