/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uarena bench: what one run of a program takes interpreted, compiled and, where the process may
 * use it, in the live kernel.
 *
 * A sample is a batch of runs, the same number on every side, so that programs that change their
 * data see the same. Sides take turns, so that whatever else the machine does falls on all of
 * them. Here a clock is read around the batch; the kernel says itself how long it was inside the
 * program, since getting there takes a system call.
 */
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "abi/bpf.h"
#include "cli/step.h"
#include "kernel/handle.h"

#define BATCH_NS 50000 /* a sample takes at least about that long, compiled */
#define BATCH_MAX 20000

enum { INTERP, JIT, LINUX, SIDES };

static const char *const side_names[SIDES] = {"interp", "jit", "linux"};

struct bench_side {
	struct cli_session s;
	struct cli_steps *steps;
	bool on;
	int stats_fd; /* Linux: keeps its time-keeping on */
};

struct bench {
	const struct cli_options *o;
	struct bench_side sides[SIDES];
	double *samples[SIDES];
	json_t *list; /* NULL: text */
};

/* -- One sample ----------------------------------------------------------------- */

/* What a batch is made of. */
struct job {
	struct ua_program *p;
	struct cli_bytes ctx, packet;
	uint8_t *scratch; /* the context of one run */
	uint32_t batch;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Programs that take nothing but a context are called; others only run on packets. */
static bool takes_context(const struct ua_program *p)
{
	uint32_t type = ua_program__type(p);

	return type == BPF_PROG_TYPE_SYSCALL || type == BPF_PROG_TYPE_RAW_TRACEPOINT;
}

static int run_packets(const struct job *job, double *ns)
{
	UA_OPTS(ua_run_opts, o, .cpu = -1, .repeat = job->batch);
	int err;

	o.data_in = job->packet.data;
	o.data_in_size = job->packet.size;
	err = ua_program__run(job->p, &o);
	*ns = o.duration;
	return err;
}

static int call_batch(const struct job *job, double *ns)
{
	uint64_t start = now_ns();
	int err = 0;

	for (uint32_t i = 0; i < job->batch && !err; i++) {
		if (job->ctx.size)
			memcpy(job->scratch, job->ctx.data, job->ctx.size);
		err = ua_program__call(job->p, job->ctx.size ? job->scratch : NULL, NULL);
	}
	*ns = (double)(now_ns() - start) / job->batch;
	return err;
}

/* How long the kernel has been inside the program so far. */
static int kernel_time(struct kernel *k, int fd, uint64_t *ns)
{
	struct bpf_prog_info info = {0};
	union bpf_attr attr = {.info = {.bpf_fd = (uint32_t)fd,
					.info_len = sizeof(info),
					.info = (uintptr_t)&info}};
	int err = (int)kernel_bpf(k, BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr));

	*ns = info.run_time_ns;
	return err;
}

static int ask_batch(struct kernel *k, const struct job *job, double *ns)
{
	uint64_t before = 0, after = 0;
	int fd = ua_program__fd(job->p), err = kernel_time(k, fd, &before);

	for (uint32_t i = 0; i < job->batch && !err; i++) {
		union bpf_attr attr = {.test = {.prog_fd = (uint32_t)fd}};

		if (job->ctx.size)
			memcpy(job->scratch, job->ctx.data, job->ctx.size);
		attr.test.ctx_in = job->ctx.size ? (uintptr_t)job->scratch : 0;
		attr.test.ctx_size_in = (uint32_t)job->ctx.size;
		err = (int)kernel_bpf(k, BPF_PROG_TEST_RUN, &attr, sizeof(attr));
	}
	if (!err)
		err = kernel_time(k, fd, &after);
	*ns = (double)(after - before) / job->batch;
	return err;
}

static int sample(struct bench *b, int side, const struct job *job, double *ns)
{
	if (!takes_context(job->p))
		return run_packets(job, ns);
	if (side == LINUX)
		return ask_batch(b->sides[side].s.engine->kernel, job, ns);
	return call_batch(job, ns);
}

/* -- One program ------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void report(struct bench *b, const char *name, int side, uint32_t batch)
{
	uint32_t n = b->o->rounds;
	double *v = b->samples[side], min, p50, p90, p99;

	qsort(v, n, sizeof(*v), compare);
	min = v[0];
	p50 = v[n / 2];
	p90 = v[n - 1 - n / 10];
	p99 = v[n - 1 - n / 100];
	if (b->list)
		json_array_append_new(b->list, json_pack("{s:s, s:s, s:I, s:f, s:f, s:f, s:f}",
							 "program", name, "side", side_names[side],
							 "runs", (json_int_t)n * batch, "min", min,
							 "p50", p50, "p90", p90, "p99", p99));
	else
		printf("%-24s %-7s %9u %11.1f %11.1f %11.1f %11.1f\n", name, side_names[side],
		       n * batch, min, p50, p90, p99);
}

/* As many runs as fill the time of a sample, from what few take compiled. */
static int choose_batch(struct bench *b, struct job job[SIDES])
{
	double ns = 0, batch;
	int err = 0;

	for (int i = 0; i < SIDES; i++)
		job[i].batch = 8;
	for (int i = 0; i < SIDES && !err; i++)
		if (b->sides[i].on)
			err = sample(b, i, &job[i], &ns);
	if (!err)
		err = sample(b, JIT, &job[JIT], &ns);
	batch = ns > 0 ? BATCH_NS / ns : BATCH_MAX;
	for (int i = 0; i < SIDES; i++)
		job[i].batch = batch < 1 ? 1 : batch > BATCH_MAX ? BATCH_MAX : (uint32_t)batch;
	return err;
}

static int stopped(const char *name, int err)
{
	cli_error("%s: stopped: %s", name, strerror(-err));
	return CLI_REFUSED;
}

static int measure(struct bench *b, const char *name, struct job job[SIDES])
{
	int err = choose_batch(b, job);

	for (uint32_t round = 0; round < b->o->rounds && !err; round++)
		for (int i = 0; i < SIDES && !err; i++)
			if (b->sides[i].on)
				err = sample(b, i, &job[i], &b->samples[i][round]);
	if (err)
		return stopped(name, err);
	for (int i = 0; i < SIDES; i++)
		if (b->sides[i].on)
			report(b, name, i, job[i].batch);
	return CLI_OK;
}

static int measure_step(struct bench *b, int step)
{
	static uint8_t empty_packet[64];
	struct job job[SIDES] = {0};
	struct cli_bytes file = {0}, ctx = {0};
	const char *name = NULL;
	int status = CLI_OK;

	for (int i = 0; i < SIDES; i++) {
		if (!b->sides[i].on)
			continue;
		if (!cli_steps_at(b->sides[i].steps, step, &name, &job[i].ctx))
			return CLI_OK; /* a store, done with the set-up */
		job[i].p = ua_object__find_program(b->sides[i].s.obj, name);
	}
	if (b->o->data_in && cli_read_file(b->o->data_in, &file.data, &file.size))
		status = CLI_REFUSED;
	if (!status && b->o->ctx_in && cli_read_file(b->o->ctx_in, &ctx.data, &ctx.size))
		status = CLI_REFUSED;
	for (int i = 0; i < SIDES; i++) {
		if (!job[i].ctx.data)
			job[i].ctx = ctx;
		job[i].packet =
			file.data ? file : (struct cli_bytes){empty_packet, sizeof(empty_packet)};
		job[i].scratch = malloc(job[i].ctx.size ? job[i].ctx.size : 1);
		status = job[i].scratch ? status : stopped(name, -ENOMEM);
	}
	if (!status)
		status = measure(b, name, job);
	for (int i = 0; i < SIDES; i++)
		free(job[i].scratch);
	free(file.data);
	free(ctx.data);
	return status;
}

/* -- Sides --------------------------------------------------------------------------- */

static int prepare(struct bench *b, int i, json_t *results)
{
	struct bench_side *side = &b->sides[i];
	struct cli_options o = *b->o;
	union bpf_attr attr = {0}; /* BPF_STATS_RUN_TIME */
	int status;

	o.engine.backend = i == LINUX ? UA_BACKEND_LINUX : UA_BACKEND_ENGINE;
	o.engine.exec = i == INTERP ? UA_EXEC_INTERP : UA_EXEC_JIT;
	status = cli_open(&o, o.operands[0], &side->s);
	if (!status)
		status = cli_steps_load(&side->s, o.operands + 1, o.n_operands - 1, &side->steps);
	if (!status)
		status = cli_steps_run(&side->s, &o, side->steps, results);
	side->on = !status;
	if (side->on && i == LINUX)
		side->stats_fd = (int)kernel_bpf(side->s.engine->kernel, BPF_ENABLE_STATS, &attr,
						 sizeof(attr));
	return status;
}

/* The kernel is left out if it does not let us, or refuses the object; the reason is shown. */
static int prepare_all(struct bench *b)
{
	json_t *results = json_array(); /* of the set-up, which nobody wants to see */
	int status = CLI_OK;

	/* Linux first: it cannot do with another address for the arena, the engine can. */
	for (int i = SIDES - 1; i >= 0 && !status; i--) {
		b->samples[i] = calloc(b->o->rounds, sizeof(double));
		if (!b->samples[i])
			status = stopped("bench", -ENOMEM);
		else if (i != LINUX)
			status = prepare(b, i, results);
		else if (prepare(b, i, results))
			cli_error("the live kernel is not measured");
	}
	json_decref(results);
	return status;
}

static void release(struct bench *b)
{
	for (int i = 0; i < SIDES; i++) {
		if (b->sides[i].stats_fd > 0)
			b->sides[i].s.engine->kernel->ops->close(b->sides[i].s.engine->kernel,
								 b->sides[i].stats_fd);
		cli_steps_free(b->sides[i].steps);
		cli_close(&b->sides[i].s);
		free(b->samples[i]);
	}
}

static int measure_all(struct bench *b)
{
	int status = CLI_OK;

	if (!b->list)
		printf("%-24s %-7s %9s %11s %11s %11s %11s\n", "program", "side", "runs", "min ns",
		       "p50 ns", "p90 ns", "p99 ns");
	for (int i = 0; !status && i < b->o->n_operands - 1; i++)
		status = measure_step(b, i);
	return status;
}

int cli_bench(int argc, char **argv)
{
	struct cli_options o;
	struct bench b = {.o = &o};
	bool done;
	int status =
		cli_options(argc, argv, "bench",
			    ACCEPT_ENGINE | ACCEPT_IO | ACCEPT_JSON | ACCEPT_BENCH, 2, &o, &done);

	if (!done) {
		b.list = o.json ? json_array() : NULL;
		status = prepare_all(&b);
		if (!status)
			status = measure_all(&b);
		if (!status && b.list)
			status = cli_print_json(json_incref(b.list));
		json_decref(b.list);
		release(&b);
	}
	cli_options_free(&o);
	return status;
}
