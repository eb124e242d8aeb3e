/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread's run record is used again: whatever one run left behind must not reach the next.
 * Runs that nest, miss a tail call, or touch a guarded NULL page, in turns.
 */
#include <stdio.h>
#include <string.h>
#include <uarena.h>

#define ROUNDS 50
#define FAIL(...) (failed = 1, printf("FAIL: " __VA_ARGS__), putchar('\n'))

static int failed;
static struct ua_program *plain, *null, *nest, *jump, *jump_to_arg;

static uint64_t call(struct ua_program *prog, void *ctx)
{
	uint64_t ret = ~0ull;
	int err = ua_program__call(prog, ctx, &ret);

	if (err)
		FAIL("%s: error %d", ua_program__name(prog), err);
	return ret;
}

static uint64_t r_null(uint64_t *p)
{
	return *(volatile uint64_t *)p;
}

/* Each level checks that its own record is back: the NULL page is reported to its program. */
static uint64_t r_nested(uint64_t depth)
{
	uint64_t inner = depth - 1;

	if (!depth)
		return call(plain, NULL);
	return call(nest, &inner) + call(null, NULL) + 1;
}

static int count_reports(struct ua_program *prog)
{
	static char buf[1 << 16];
	int n = 0, len;

	while ((len = ua_program__read_stream(prog, UA_STDERR, buf, sizeof(buf) - 1)) > 0) {
		buf[len] = '\0';
		for (char *at = buf; (at = strstr(at, "ERROR: Arena")); at++)
			n++;
	}
	return n;
}

static void expect(const char *what, uint64_t got, uint64_t want)
{
	if (got != want)
		FAIL("%s: %llu, not %llu", what, (unsigned long long)got, (unsigned long long)want);
}

static void in_turns(struct ua_object *obj)
{
	plain = ua_object__find_program(obj, "plain");
	null = ua_object__find_program(obj, "null");
	nest = ua_object__find_program(obj, "nest");
	jump = ua_object__find_program(obj, "jump");
	jump_to_arg = ua_object__find_program(obj, "jump_to_arg");
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t depth = (uint64_t)(i % 4), args[12] = {[11] = 42};

		expect("plain", call(plain, NULL), 7);
		expect("jump without a target", call(jump, NULL), 1);
		expect("jump with arguments", call(jump_to_arg, args), 42);
		expect("jump without what the target reads", call(jump_to_arg, NULL), 1);
		expect("null", call(null, NULL), 0);
		expect("reports", (uint64_t)count_reports(null), 1);
		expect("null again", call(null, NULL), 0);
		expect("reports again", (uint64_t)count_reports(null), 1);
		expect("nest", call(nest, &depth), 7 + depth);
		count_reports(null);
		expect("call without result", (uint64_t)ua_program__call(plain, NULL, NULL), 0);
	}
}

static int run(enum ua_exec exec, const char *path)
{
	static const struct ua_kfunc funcs[] = {
		UA_KFUNC(u64, r_null, (arena, p)),
		UA_KFUNC(u64, r_nested, (u64, depth)),
	};
	UA_OPTS(ua_engine_opts, opts, .exec = exec, .null_guard = true);
	struct ua_engine *engine;
	struct ua_object *obj;
	int err = ua_engine__open(&opts, &engine);

	if (err)
		return err;
	err = ua_engine__add_kfuncs(engine, funcs, 2);
	if (!err)
		err = ua_object__open_file(engine, path, NULL, &obj);
	if (!err) {
		err = ua_object__load(obj);
		if (!err)
			in_turns(obj);
		ua_object__close(obj);
	}
	ua_engine__close(engine);
	return err;
}

int main(int argc, char **argv)
{
	for (int exec = UA_EXEC_INTERP; argc == 2 && exec <= UA_EXEC_JIT; exec++) {
		int err = run((enum ua_exec)exec, argv[1]);

		if (err)
			FAIL("to load with exec %d: error %d", exec, err);
	}
	return argc != 2 || failed;
}
