/* SPDX-License-Identifier: BSD-2-Clause */
/* Running loaded programs, and what they wrote to their streams. */
#include "object/object.h"
#include "map/map.h"
#include "prog/prog.h"
#include "prog/stream.h"
#include "uarena.h"

#include <time.h>

static int not_loaded(const struct ua_program *prog)
{
	return object_fail(prog->obj, -EINVAL, "program %s: not loaded", ua_program__name(prog));
}

static void fill_run(const struct ua_program *prog, const struct ua_run_opts *o,
		     union bpf_attr *attr)
{
	memset(attr, 0, sizeof(*attr));
	attr->test.prog_fd = prog->fd;
	attr->test.ctx_in = (uintptr_t)o->ctx_in;
	attr->test.ctx_size_in = o->ctx_in_size;
	attr->test.ctx_out = (uintptr_t)o->ctx_out;
	attr->test.ctx_size_out = o->ctx_out_size;
	attr->test.data_in = (uintptr_t)o->data_in;
	attr->test.data_size_in = o->data_in_size;
	attr->test.data_out = (uintptr_t)o->data_out;
	attr->test.data_size_out = o->data_out_size;
	attr->test.repeat = o->repeat;
	if (o->cpu >= 0 && prog->type == BPF_PROG_TYPE_RAW_TRACEPOINT) {
		attr->test.cpu = o->cpu;
		attr->test.flags = BPF_F_TEST_RUN_ON_CPU;
	}
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

/* Linux runs these once, untimed, and leaves the context where it found it. */
static bool runs_once(const struct ua_program *prog)
{
	return prog->type == BPF_PROG_TYPE_SYSCALL || prog->type == BPF_PROG_TYPE_RAW_TRACEPOINT;
}

static long run_once(const struct ua_program *prog, struct ua_run_opts *o, void *ctx)
{
	uint32_t n = o->repeat ? o->repeat : 1;
	uint64_t ns = 0, start;
	union bpf_attr attr;
	long err = 0;

	UA_FAIL_IF(o->data_in || o->data_out, -EINVAL);
	for (uint32_t i = 0; i < n && !err; i++) {
		if (o->ctx_in_size)
			memcpy(ctx, o->ctx_in, o->ctx_in_size);
		fill_run(prog, o, &attr);
		attr.test.repeat = attr.test.ctx_size_out = 0;
		attr.test.ctx_in = o->ctx_in_size ? (uintptr_t)ctx : 0;
		attr.test.ctx_out = 0;
		start = now_ns();
		err = kernel_bpf(prog->obj->k, BPF_PROG_TEST_RUN, &attr, sizeof(attr));
		ns += now_ns() - start;
	}
	o->retval = attr.test.retval;
	o->duration = min_t(uint64_t, ns / n, UINT32_MAX);
	if (o->ctx_out)
		memcpy(o->ctx_out, ctx, min_t(size_t, o->ctx_out_size, o->ctx_in_size));
	o->ctx_out_size = o->ctx_in_size;
	return err;
}

static long run_once_copy(const struct ua_program *prog, struct ua_run_opts *o)
{
	void *ctx;
	long err;

	UA_FAIL_IF(o->ctx_in_size && !o->ctx_in, -EINVAL);
	UA_FAIL_IF(o->ctx_in_size > UINT16_MAX, -EINVAL);
	ctx = mem_zalloc(o->ctx_in_size);
	UA_FAIL_IF(!ctx, -ENOMEM);
	err = run_once(prog, o, ctx);
	mem_free(ctx);
	return err;
}

static long run_test(const struct ua_program *prog, struct ua_run_opts *o)
{
	union bpf_attr attr;
	long err;

	fill_run(prog, o, &attr);
	err = kernel_bpf(prog->obj->k, BPF_PROG_TEST_RUN, &attr, sizeof(attr));
	o->retval = attr.test.retval;
	o->duration = attr.test.duration;
	o->ctx_out_size = attr.test.ctx_size_out;
	o->data_out_size = attr.test.data_size_out;
	return err;
}

int ua_program__run(struct ua_program *prog, struct ua_run_opts *opts)
{
	struct ua_run_opts o = {.cpu = -1};
	long err;

	if (prog->fd < 0)
		return not_loaded(prog);
	if (opts)
		memcpy(&o, opts, min_t(size_t, opts->sz, sizeof(o)));
	err = runs_once(prog) ? run_once_copy(prog, &o) : run_test(prog, &o);
	if (opts) {
		o.sz = opts->sz;
		memcpy(opts, &o, min_t(size_t, opts->sz, sizeof(o)));
	}
	return err;
}

/* Which programs can be called is asked once; those that cannot stay without engine_prog. */
static __attribute__((noinline)) int call_first(struct ua_program *prog, void *ctx,
						uint64_t *retval)
{
	if (!runs_once(prog))
		return -EINVAL; /* the others want more than a context: ua_program__run() */
	if (prog->fd < 0)
		return not_loaded(prog);
	prog->engine_prog = kernel_engine_prog(prog->obj->k, prog->fd);
	if (!prog->engine_prog)
		return -EOPNOTSUPP; /* the live kernel runs it; only a test run can be asked for */
	return ua_program__call(prog, ctx, retval);
}

int ua_program__call(struct ua_program *prog, void *ctx, uint64_t *retval)
{
	uint32_t size = (uint16_t)-(ctx != NULL); /* the caller vouches for the size */
	struct prog *p = prog->engine_prog;

	if (ua_unlikely(!p))
		return call_first(prog, ctx, retval);
	if (ua_unlikely(p->stats.max_ctx_offset > size))
		return -EINVAL;
	return prog_call(p, ctx, size, retval);
}

int ua_program__read_stream(struct ua_program *prog, enum ua_stream id, void *buf, size_t len)
{
	union bpf_attr attr;

	if (prog->fd < 0)
		return not_loaded(prog);
	memset(&attr, 0, sizeof(attr));
	attr.prog_stream_read.stream_buf = (uintptr_t)buf;
	attr.prog_stream_read.stream_buf_len = min_t(size_t, len, INT32_MAX);
	attr.prog_stream_read.stream_id = id;
	attr.prog_stream_read.prog_fd = prog->fd;
	return kernel_bpf(prog->obj->k, BPF_PROG_STREAM_READ_BY_FD, &attr, sizeof(attr));
}

int ua_program__stream_fd(struct ua_program *prog, enum ua_stream id)
{
	struct prog *p;

	if (prog->fd < 0)
		return not_loaded(prog);
	UA_FAIL_IF(id != UA_STDOUT && id != UA_STDERR, -ENOENT);
	p = kernel_engine_prog(prog->obj->k, prog->fd);
	return p ? stream_fd(p->streams[id - 1]) : -EOPNOTSUPP;
}

/* -- Arenas --------------------------------------------------------------- */

struct ua_arena *ua_program__arena(const struct ua_program *prog)
{
	struct prog *p = prog->fd >= 0 ? kernel_engine_prog(prog->obj->k, prog->fd) : NULL;

	return p ? (struct ua_arena *)p->arena : NULL;
}

struct ua_arena *ua_object__arena(const struct ua_object *obj)
{
	struct map *map = obj->arena && obj->arena->fd >= 0
				  ? kernel_engine_map(obj->k, obj->arena->fd)
				  : NULL;

	return map ? (struct ua_arena *)map_arena(map) : NULL;
}
