/* SPDX-License-Identifier: BSD-2-Clause */
/* Workloads as BPF programs through the public interface: interpreter, JIT, or Linux. */
#include "backend.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "uarena.h"

struct args {
	uint64_t n, result;
};

struct bpf {
	struct ua_engine *engine;
	struct ua_object *obj;
	int on_linux;
	struct ua_program **work, **prep;
};

/* One call through the path the backend is measured by. */
static int call(const struct bpf *bpf, struct ua_program *prog, struct args *args)
{
	UA_OPTS(ua_run_opts, opts, .ctx_in = args, .ctx_in_size = sizeof(*args), .ctx_out = args,
		.ctx_out_size = sizeof(*args), .cpu = -1);
	uint64_t ret = 0;
	int err;

	if (!bpf->on_linux) {
		err = ua_program__call(prog, args, &ret);
		return err ? err : -(int)ret;
	}
	err = ua_program__run(prog, &opts);
	return err ? err : -(int)opts.retval;
}

static int bpf_prep(struct backend *b, int i)
{
	const struct bpf *bpf = b->priv;
	struct args args = {0};

	return call(bpf, bpf->prep[i], &args);
}

static int time_calls(const struct bpf *bpf, struct ua_program *prog, uint64_t n, uint32_t calls,
		      uint64_t *sum, uint64_t *ns)
{
	struct args args = {.n = n};
	uint64_t start = bench_now();
	int err = 0;

	for (uint32_t k = 0; k < calls && !err; k++)
		err = call(bpf, prog, &args);
	*ns = bench_now() - start;
	*sum = args.result;
	return err;
}

static int bpf_work(struct backend *b, int i, uint64_t n, uint32_t calls, uint64_t *sum,
		    uint64_t *ns)
{
	const struct bpf *bpf = b->priv;

	return time_calls(bpf, bpf->work[i], n, calls, sum, ns);
}

static int bpf_extra(struct backend *b, const char *program, uint64_t n, uint64_t *sum,
		     uint64_t *ns)
{
	const struct bpf *bpf = b->priv;
	struct ua_program *prog = ua_object__find_program(bpf->obj, program);
	char scrap[4096];
	int err = prog ? time_calls(bpf, prog, n, 1, sum, ns) : -ENOENT;

	while (prog && ua_program__read_stream(prog, UA_STDERR, scrap, sizeof(scrap)) > 0)
		;
	return err;
}

static void bpf_close(struct backend *b)
{
	struct bpf *bpf = b->priv;

	if (bpf->obj)
		ua_object__close(bpf->obj);
	if (bpf->engine)
		ua_engine__close(bpf->engine);
	free(bpf->work);
	free(bpf->prep);
	free(bpf);
}

static int find_programs(struct bpf *bpf)
{
	bpf->work = calloc((size_t)n_workloads, sizeof(*bpf->work));
	bpf->prep = calloc((size_t)n_workloads, sizeof(*bpf->prep));
	if (!bpf->work || !bpf->prep)
		return -ENOMEM;
	for (int i = 0; i < n_workloads; i++) {
		char name[64];

		snprintf(name, sizeof(name), "prep_prog_%s", workloads[i].name);
		bpf->work[i] = ua_object__find_program(bpf->obj, workloads[i].name);
		bpf->prep[i] = ua_object__find_program(bpf->obj, name);
		if (!bpf->work[i] || !bpf->prep[i])
			return -ENOENT;
	}
	return 0;
}

static int open_all(struct bpf *bpf, const char *object, int exec)
{
	UA_OPTS(ua_engine_opts, opts,
		.backend = bpf->on_linux ? UA_BACKEND_LINUX : UA_BACKEND_ENGINE,
		.exec = (enum ua_exec)exec);
	struct args args = {0};
	int err = ua_engine__open(&opts, &bpf->engine);

	if (!err)
		err = ua_object__open_file(bpf->engine, object, NULL, &bpf->obj);
	if (!err)
		err = ua_object__load(bpf->obj);
	if (!err)
		err = find_programs(bpf);
	if (!err)
		err = call(bpf, ua_object__find_program(bpf->obj, "setup"), &args);
	return err;
}

int backend_uarena(struct backend *b, const char *name, const char *object, int on_linux, int exec)
{
	struct bpf *bpf = calloc(1, sizeof(*bpf));
	int err;

	if (!bpf)
		return -ENOMEM;
	*b = (struct backend){.name = name,
			      .prep = bpf_prep,
			      .work = bpf_work,
			      .close = bpf_close,
			      .max_calls = on_linux ? 1000 : 0,
			      .extra = bpf_extra,
			      .priv = bpf};
	bpf->on_linux = on_linux;
	err = open_all(bpf, object, exec);
	if (err) {
		printf("%s: not measured: %s\n", name, strerror(-err));
		bpf_close(b);
	}
	return err;
}
