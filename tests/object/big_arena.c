/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Variables of an arena larger than 512 MiB: at its end, or at its start on a kernel whose
 * programs cannot name addresses that far.
 */
#include "test.h"
#include "kernel/handle.h"
#include "kernel/kernel.h"

static void run(struct ua_object *obj)
{
	struct ua_program *prog = ua_object__find_program(obj, "add_two");
	UA_OPTS(ua_run_opts, opts, .cpu = -1);
	int err, *number;

	err = ua_program__run(prog, &opts);
	CHECK(!err && opts.retval == 42, "%d, returned %u", err, opts.retval);
	err = ua_object__find_global(obj, "number", (void **)&number, NULL);
	CHECK(!err && *number == 42, "%d, the host reads %d", err, err ? 0 : *number);
}

static bool may_load(struct ua_engine *engine)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
	int fd = (int)kernel_bpf(engine->kernel, BPF_MAP_CREATE, &attr, sizeof(attr));

	if (fd >= 0)
		engine->kernel->ops->close(engine->kernel, fd);
	return fd >= 0;
}

int main(int argc, char **argv)
{
	UA_OPTS(ua_engine_opts, opts, .backend = argc > 2 ? UA_BACKEND_LINUX : UA_BACKEND_ENGINE);
	struct ua_engine *engine;
	struct ua_object *obj;
	int err;

	if (argc < 2 || ua_engine__open(&opts, &engine) ||
	    ua_object__open_file(engine, argv[1], NULL, &obj))
		return 1;
	if (!may_load(engine)) {
		printf("this process may not load programs into the kernel\n");
		return 77;
	}
	err = ua_object__load(obj);
	if (err == -EEXIST) {
		printf("something lives at the arena's address, like a sanitizer's shadow\n");
		return 77;
	}
	CHECK(!err, "load: %d", err);
	if (!err)
		run(obj);
	ua_object__close(obj);
	ua_engine__close(engine);
	return failures != 0;
}
