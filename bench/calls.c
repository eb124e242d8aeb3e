/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What calls cost: from the host into a program, from a program into the host, struct_ops.
 * The object itself serves as the BTF of its struct_ops type. Each line is the best of several
 * rounds, in CPU time; a direct C call through a pointer is the floor.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uarena.h>

#include "common.h"

#define ROUNDS 9
#define CALLS 1000000
#define LOOPS 100000 /* as in calls.bpf.c */

struct b_ops {
	uint32_t (*get)(uint32_t x);
};

static struct ua_program *prog;
static struct ua_struct_ops *type;

__attribute__((noinline)) static uint64_t b_plain(uint64_t a)
{
	return a + 1;
}

__attribute__((noinline)) static uint64_t b_arena(uint64_t *p)
{
	return *p + 1;
}

static uint64_t (*volatile direct)(uint64_t) = b_plain;

static void direct_calls(void)
{
	for (uint64_t i = 0; i < CALLS; i++)
		direct(i);
}

static void program_calls(void)
{
	uint64_t ret;

	for (int i = 0; i < CALLS; i++)
		ua_program__call(prog, NULL, &ret);
}

static void loop_calls(void)
{
	uint64_t ret;

	for (int i = 0; i < CALLS / LOOPS; i++)
		ua_program__call(prog, NULL, &ret);
}

static void member_calls(void)
{
	const struct b_ops *ops;

	for (uint32_t i = 0; i < CALLS; i++) {
		ops = ua_struct_ops__enter(type);
		ops->get(i);
		ua_struct_ops__exit(type);
	}
}

static void measure(const char *what, void (*fn)(void))
{
	double best = 1e18;

	for (int i = 0; i < ROUNDS; i++) {
		uint64_t start = now_ns();
		double each;

		fn();
		each = (double)(now_ns() - start) / CALLS;
		best = each < best ? each : best;
	}
	printf("%-46s %7.2f ns\n", what, best);
}

static void measure_program(struct ua_object *obj, const char *name, const char *what,
			    void (*fn)(void))
{
	prog = ua_object__find_program(obj, name);
	measure(what, fn);
}

static void run(enum ua_exec exec, const char *label, const char *path)
{
	static const struct ua_kfunc funcs[] = {
		UA_KFUNC(u64, b_plain, (u64, a)),
		UA_KFUNC(u64, b_arena, (arena, p)),
	};
	UA_OPTS(ua_engine_opts, opts, .exec = exec);
	struct ua_engine *engine;
	struct ua_object *obj;
	struct ua_link *link;

	need(ua_engine__open(&opts, &engine), "engine");
	need(ua_engine__add_kfuncs(engine, funcs, 2), "functions");
	need(ua_engine__add_btf_file(engine, path), "BTF");
	need(ua_engine__add_struct_ops(engine, "b_ops", NULL, &type), "type");
	need(ua_object__open_file(engine, path, NULL, &obj), "open");
	need(ua_object__load(obj), "load");
	need(ua_map__attach_struct_ops(ua_object__find_map(obj, "ops"), &link), "attach");
	printf("-- %s\n", label);
	measure_program(obj, "empty", "host calls an empty program", program_calls);
	measure_program(obj, "loop_plain", "loop calls a host function", loop_calls);
	measure_program(obj, "loop_arena", "loop calls a host function with __arena", loop_calls);
	measure("host calls a struct_ops member", member_calls);
	ua_link__destroy(link);
	ua_object__close(obj);
	ua_engine__close(engine);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: %s CALLS.bpf.o\n", argv[0]);
		return 2;
	}
	measure("direct call through a pointer", direct_calls);
	run(UA_EXEC_JIT, "compiled", argv[1]);
	run(UA_EXEC_INTERP, "interpreted", argv[1]);
	return 0;
}
