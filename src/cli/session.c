/* SPDX-License-Identifier: BSD-2-Clause */
/* What verbs share beyond options: opening objects, running a program, files, output. */
#include "cli/cli.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/bpf.h"

void cli_error(const char *fmt, ...)
{
	va_list args;

	fputs("uarena: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
}

/* -- Objects --------------------------------------------------------------- */

int cli_open(const struct cli_options *o, const char *path, struct cli_session *s)
{
	UA_OPTS(ua_object_opts, opts, .log_level = o->log_level);
	int err;

	*s = (struct cli_session){0};
	err = ua_engine__open(&o->engine, &s->engine);
	if (err) {
		cli_error("cannot start the engine: %s", strerror(-err));
		return CLI_REFUSED;
	}
	err = ua_object__open_file(s->engine, path, &opts, &s->obj);
	if (err)
		cli_error("%s: cannot be opened: %s", path, strerror(-err));
	for (size_t i = 0; !err && i < o->n_globals; i++) {
		err = ua_object__set_global(s->obj, o->globals[i]);
		if (err)
			cli_error("-G '%s': %s", o->globals[i], strerror(-err));
	}
	if (!err)
		return CLI_OK;
	cli_close(s);
	return CLI_REFUSED;
}

void cli_close(struct cli_session *s)
{
	if (s->obj)
		ua_object__close(s->obj);
	if (s->engine)
		ua_engine__close(s->engine);
	*s = (struct cli_session){0};
}

int cli_load_only(struct cli_session *s, const char **progs, int n)
{
	struct ua_program *p = NULL;
	int err;

	while ((p = ua_object__next_program(s->obj, p)))
		ua_program__set_autoload(p, false);
	for (int i = 0; i < n; i++) {
		p = ua_object__find_program(s->obj, progs[i]);
		if (!p) {
			cli_error("%s: no program named '%s'; 'uarena show' lists them",
				  ua_object__name(s->obj), progs[i]);
			return CLI_REFUSED;
		}
		ua_program__set_autoload(p, true);
	}
	err = ua_object__load(s->obj);
	if (err)
		cli_error("%s: not loaded: %s", ua_object__name(s->obj), strerror(-err));
	return err ? CLI_REFUSED : CLI_OK;
}

/* -- Streams: read while the program runs, so that they never fill up, or after it ---- */

struct drain {
	struct ua_program *prog;
	bool late;
	char *text[2];
	size_t size[2];
	atomic_bool stop;
	pthread_t thread;
	bool started;
};

static void drain_one(struct drain *d, int i)
{
	char buf[4096];
	int n;

	while ((n = ua_program__read_stream(d->prog, (enum ua_stream)(i + 1), buf, sizeof(buf))) >
	       0) {
		char *bigger = realloc(d->text[i], d->size[i] + (size_t)n + 1);

		if (!bigger)
			return;
		d->text[i] = bigger;
		memcpy(bigger + d->size[i], buf, (size_t)n);
		d->size[i] += (size_t)n;
		bigger[d->size[i]] = 0;
	}
}

/* What bpf_printk wrote goes straight to stderr, as it comes. */
static void drain_trace(void)
{
	char buf[4096];
	int n;

	while ((n = ua_trace__read(buf, sizeof(buf))) > 0)
		fwrite(buf, 1, (size_t)n, stderr);
}

static void *drain_loop(void *arg)
{
	struct drain *d = arg;
	struct pollfd fds[2];

	for (int i = 0; i < 2; i++)
		fds[i] = (struct pollfd){ua_program__stream_fd(d->prog, (enum ua_stream)(i + 1)),
					 POLLIN, 0};
	while (!atomic_load(&d->stop)) {
		poll(fds, d->late ? 0 : 2, 20);
		drain_trace();
		for (int i = 0; i < 2 && !d->late; i++)
			drain_one(d, i);
	}
	return NULL;
}

static void drain_start(struct drain *d, struct ua_program *prog, bool late)
{
	*d = (struct drain){.prog = prog, .late = late};
	d->started = !pthread_create(&d->thread, NULL, drain_loop, d);
}

static void drain_end(struct drain *d)
{
	atomic_store(&d->stop, true);
	if (d->started)
		pthread_join(d->thread, NULL);
	drain_trace();
	for (int i = 0; i < 2; i++)
		drain_one(d, i);
}

/* -- Running ---------------------------------------------------------------- */

static int load_inputs(const struct cli_options *o, struct cli_bytes *ctx, struct cli_bytes *data)
{
	int err = 0;

	if (o->ctx_in)
		err = cli_read_file(o->ctx_in, &ctx->data, &ctx->size);
	if (!err && o->data_in)
		err = cli_read_file(o->data_in, &data->data, &data->size);
	return err;
}

/* A packet may grow while it is processed. */
#define DATA_OUT_ROOM (1 << 16)

static void run_with(struct ua_program *prog, const struct cli_options *o, struct ua_run_opts *ro,
		     struct cli_result *r)
{
	struct drain d;

	ro->repeat = o->repeat;
	if (ro->ctx_in_size) {
		r->ctx_out = calloc(1, ro->ctx_in_size);
		ro->ctx_out = r->ctx_out;
		ro->ctx_out_size = r->ctx_out ? ro->ctx_in_size : 0;
	}
	if (o->data_out) {
		r->data_out = calloc(1, DATA_OUT_ROOM);
		ro->data_out = r->data_out;
		ro->data_out_size = r->data_out ? DATA_OUT_ROOM : 0;
	}
	drain_start(&d, prog, o->late_streams);
	r->err = ua_program__run(prog, ro);
	drain_end(&d);
	r->out = d.text[0];
	r->err_text = d.text[1];
	r->retval = ro->retval;
	r->ns = ro->duration;
	r->ctx_out_size = ro->ctx_out_size;
	r->data_out_size = ro->data_out_size;
	if (r->err == -EINVAL && !ro->ctx_in_size && !ro->data_in_size)
		cli_error("%s: the program reads a context; give it one: '%s(MEMBER = VALUE, ...)' "
			  "or --ctx-in FILE",
			  r->program, r->program);
}

/* Packet programs need at least an Ethernet header; give them an empty one. */
static bool wants_packet(const struct ua_program *prog)
{
	uint32_t type = ua_program__type(prog);

	return type == BPF_PROG_TYPE_SOCKET_FILTER || type == BPF_PROG_TYPE_SCHED_CLS;
}

int cli_run_program(struct cli_session *s, const char *name, const struct cli_options *o,
		    const struct cli_bytes *ctx, struct cli_result *r)
{
	static const uint8_t empty_packet[64];
	UA_OPTS(ua_run_opts, ro, .cpu = -1);
	struct ua_program *prog = ua_object__find_program(s->obj, name);
	struct cli_bytes file = {0}, data = {0};
	int err;

	*r = (struct cli_result){.program = name};
	err = load_inputs(o, &file, &data);
	if (!ctx || !ctx->data)
		ctx = &file;
	ro.ctx_in = ctx->data;
	ro.ctx_in_size = ctx->size;
	ro.data_in = data.data;
	ro.data_in_size = data.size;
	if (!data.data && wants_packet(prog)) {
		ro.data_in = empty_packet;
		ro.data_in_size = sizeof(empty_packet);
	}
	if (!err) {
		run_with(prog, o, &ro, r);
		if (o->ctx_out && r->ctx_out)
			err = cli_write_file(o->ctx_out, r->ctx_out, r->ctx_out_size);
		if (!err && o->data_out && r->data_out)
			err = cli_write_file(o->data_out, r->data_out, r->data_out_size);
	}
	free(file.data);
	free(data.data);
	return err ? CLI_REFUSED : CLI_OK;
}

void cli_result_free(struct cli_result *r)
{
	free(r->out);
	free(r->err_text);
	free(r->ctx_out);
	free(r->data_out);
}

json_t *cli_result_json(const struct cli_result *r)
{
	json_t *j = json_pack("{s:s, s:i, s:i, s:s, s:s}", "program", r->program, "retval",
			      (int)r->retval, "ns", (int)r->ns, "stdout", r->out ? r->out : "",
			      "stderr", r->err_text ? r->err_text : "");

	if (r->err)
		json_object_set_new(j, "error", json_string(strerror(-r->err)));
	return j;
}

void cli_result_print(const struct cli_result *r)
{
	fputs(r->out ? r->out : "", stdout);
	fflush(stdout);
	fputs(r->err_text ? r->err_text : "", stderr);
	if (r->err)
		cli_error("%s: stopped: %s", r->program, strerror(-r->err));
	else
		printf("%s: returned %d in %u ns\n", r->program, (int)r->retval, r->ns);
	fflush(stdout);
}

/* -- Files and output -------------------------------------------------------- */

/* More than any context or packet takes; files such as /dev/zero never end. */
#define CLI_FILE_MAX (16u << 20)

static int read_all(FILE *f, void **buf, size_t *size)
{
	size_t cap = 4096, n;
	char *p = malloc(cap);

	*size = 0;
	while (p && (n = fread(p + *size, 1, cap - *size, f)) > 0) {
		char *bigger;

		if (cap > CLI_FILE_MAX) {
			free(p);
			return -EFBIG;
		}
		*size += n;
		if (*size < cap)
			continue;
		cap *= 2;
		bigger = realloc(p, cap);
		if (!bigger)
			free(p);
		p = bigger;
	}
	*buf = p;
	return p ? (ferror(f) ? -EIO : 0) : -ENOMEM;
}

int cli_read_file(const char *path, void **buf, size_t *size)
{
	FILE *f = fopen(path, "rb");
	int err = f ? read_all(f, buf, size) : -errno;

	if (f)
		fclose(f);
	if (err)
		cli_error("%s: cannot be read: %s", path, strerror(-err));
	return err;
}

int cli_write_file(const char *path, const void *buf, size_t size)
{
	FILE *f = fopen(path, "wb");
	int err = f ? 0 : -errno;

	if (f && fwrite(buf, 1, size, f) != size)
		err = -EIO;
	if (f && fclose(f))
		err = -errno;
	if (err)
		cli_error("%s: cannot be written: %s", path, strerror(-err));
	return err;
}

int cli_print_json(json_t *root)
{
	int err = json_dumpf(root, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);

	fputc('\n', stdout);
	json_decref(root);
	return err ? CLI_REFUSED : CLI_OK;
}

/* -- Names -------------------------------------------------------------------- */

static const char *const prog_types[] = {
	[BPF_PROG_TYPE_UNSPEC] = "unspec",
	[BPF_PROG_TYPE_SOCKET_FILTER] = "socket_filter",
	[BPF_PROG_TYPE_KPROBE] = "kprobe",
	[BPF_PROG_TYPE_SCHED_CLS] = "sched_cls",
	[BPF_PROG_TYPE_SCHED_ACT] = "sched_act",
	[BPF_PROG_TYPE_TRACEPOINT] = "tracepoint",
	[BPF_PROG_TYPE_XDP] = "xdp",
	[BPF_PROG_TYPE_RAW_TRACEPOINT] = "raw_tracepoint",
	[BPF_PROG_TYPE_TRACING] = "tracing",
	[BPF_PROG_TYPE_STRUCT_OPS] = "struct_ops",
	[BPF_PROG_TYPE_LSM] = "lsm",
	[BPF_PROG_TYPE_SYSCALL] = "syscall",
};

static const char *const map_types[] = {
	[BPF_MAP_TYPE_HASH] = "hash",
	[BPF_MAP_TYPE_ARRAY] = "array",
	[BPF_MAP_TYPE_PROG_ARRAY] = "prog_array",
	[BPF_MAP_TYPE_PERF_EVENT_ARRAY] = "perf_event_array",
	[BPF_MAP_TYPE_PERCPU_HASH] = "percpu_hash",
	[BPF_MAP_TYPE_PERCPU_ARRAY] = "percpu_array",
	[BPF_MAP_TYPE_LRU_HASH] = "lru_hash",
	[BPF_MAP_TYPE_QUEUE] = "queue",
	[BPF_MAP_TYPE_STACK] = "stack",
	[BPF_MAP_TYPE_STRUCT_OPS] = "struct_ops",
	[BPF_MAP_TYPE_RINGBUF] = "ringbuf",
	[BPF_MAP_TYPE_TASK_STORAGE] = "task_storage",
	[BPF_MAP_TYPE_CGRP_STORAGE] = "cgrp_storage",
	[BPF_MAP_TYPE_ARENA] = "arena",
};

static const char *name_of(const char *const *names, size_t n, uint32_t i)
{
	return i < n && names[i] ? names[i] : "other";
}

const char *cli_prog_type(uint32_t type)
{
	return name_of(prog_types, sizeof(prog_types) / sizeof(prog_types[0]), type);
}

const char *cli_map_type(uint32_t type)
{
	return name_of(map_types, sizeof(map_types) / sizeof(map_types[0]), type);
}
