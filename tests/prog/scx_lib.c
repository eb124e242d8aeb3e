/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The public sched-ext/scx library on the engine: arena_init, a topology of two CPUs, then its
 * own self tests. Needs lib/ and lib/selftests built and linked into one object, named by the
 * option scx_lib_object of the build; skipped without it.
 *
 * Its B-tree writes through a NULL pointer, which in an arena that begins at 32-bit address 0
 * hits whatever was allocated first, here the topology. With the guard the write is reported
 * and dropped.
 */
#define NULL_GUARD true
#include "inside.h"

static int call(struct ua_object *obj, const char *name, void *ctx, size_t size)
{
	struct ua_program *prog = ua_object__find_program(obj, name);
	UA_OPTS(ua_run_opts, opts, .ctx_in = ctx, .ctx_in_size = size, .ctx_out = ctx,
		.ctx_out_size = size, .cpu = -1);
	int err = prog ? ua_program__run(prog, &opts) : -2;
	char text[2048];
	int n;

	while (prog && (n = ua_program__read_stream(prog, UA_STDERR, text, sizeof(text))) > 0)
		fwrite(text, 1, (size_t)n, stdout);
	if (err || opts.retval)
		FAIL("%s: error %d, returned %d", name, err, (int)opts.retval);
	return err || opts.retval;
}

/* One node of the topology: a mask in the arena, filled in through the pointer we are given. */
static int add_node(struct ua_object *obj, uint64_t cpus, uint64_t id)
{
	uint64_t mask = 0, node[3];

	if (call(obj, "arena_alloc_mask", &mask, sizeof(mask)))
		return -1;
	*(uint64_t *)(uintptr_t)mask = cpus;
	node[0] = mask;
	node[1] = 0;
	node[2] = id;
	return call(obj, "arena_topology_node_init", node, sizeof(node));
}

static int add_topology(struct ua_object *obj)
{
	static const struct {
		uint64_t cpus, id;
	} nodes[] = {{3, 0}, {3, 0}, {3, 0}, {1, 0}, {2, 1}, {1, 0}, {2, 1}};
	uint32_t max_children[5] = {2, 2, 2, 2, 2};

	if (call(obj, "arena_topology_init", max_children, sizeof(max_children)))
		return -1;
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++)
		if (add_node(obj, nodes[i].cpus, nodes[i].id))
			return -1;
	return 0;
}

static void run_all(struct ua_object *obj)
{
	uint64_t init[2] = {512, 64};
	char line[4096];
	int n;

	if (!call(obj, "arena_init", init, sizeof(init)) && !add_topology(obj))
		call(obj, "arena_selftest", NULL, 0);
	while (failed && (n = ua_trace__read(line, sizeof(line))) > 0)
		fwrite(line, 1, (size_t)n, stdout);
}

static void before_load(struct ua_object *obj)
{
	struct ua_program *prog = NULL;

	while ((prog = ua_object__next_program(obj, prog)))
		ua_program__set_autoload(prog, !strcmp(ua_program__section(prog), "syscall"));
	if (ua_object__set_global(obj, "nr_cpu_ids = 2"))
		FAIL("nr_cpu_ids cannot be set");
}
