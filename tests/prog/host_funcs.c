/* SPDX-License-Identifier: BSD-2-Clause */
/* Functions of the host, called by programs: every kind of parameter, nesting, refusals. */
#include "check.h"

#include <errno.h>

struct args {
	uint64_t a, b;
};

struct node {
	uint64_t value, next;
};

static struct ua_object *obj;

/* -- The functions ------------------------------------------------------------------ */

static uint64_t t_sum_list(struct node *n, uint32_t limit)
{
	struct ua_arena *arena = ua_kfunc__arena();
	uint64_t sum = 0;

	while (limit--) {
		sum += n->value;
		if (!n->next)
			break;
		n = ua_arena__to_host(arena, n->next);
	}
	return sum;
}

static uint64_t t_is_base(void *p)
{
	return p == ua_arena__window_base(ua_kfunc__arena());
}

static uint64_t t_nullable(void *p)
{
	return p == NULL;
}

static int32_t t_mem(char *buf, uint32_t size)
{
	int32_t len = (int32_t)strnlen(buf, size);

	buf[0] = 'Z';
	return len + (int32_t)size;
}

static uint64_t t_map(void *map, uint32_t key)
{
	uint64_t v = 5, *live;

	if (ua_kfunc_map__value_size(map) != 8 || ua_kfunc_map__update(map, &key, &v, 0))
		return 0;
	live = ua_kfunc_map__lookup(map, &key);
	return live ? ++*live : 0;
}

static uint64_t t_callback(uint64_t cb, uint64_t arg)
{
	return ua_callback__call(cb, arg, 2, 0, 0, 0);
}

static uint64_t t_str(const char *s)
{
	return strlen(s);
}

static uint64_t t_make(uint64_t value)
{
	struct ua_arena *arena = ua_kfunc__arena();
	uint64_t p = ua_arena__alloc_pages(arena, 0, 1);

	if (p)
		*(uint64_t *)ua_arena__to_host(arena, p) = value;
	return p;
}

static int8_t t_narrow(int8_t a, uint16_t b, _Bool c)
{
	return (int8_t)(a * b + c);
}

static uint64_t t_touch(volatile uint64_t *p)
{
	*p = 11;
	return *p;
}

static uint64_t t_nested(volatile uint64_t *p, uint32_t depth)
{
	struct args args = {.a = depth - 1};
	uint64_t ret;

	if (depth) {
		if (ua_program__call(program(obj, "nest"), &args, &ret) || ret != depth - 1)
			return 0;
	}
	return *p + args.b;
}

static void t_fail(int32_t err)
{
	ua_kfunc__fail(err);
}

static const struct ua_kfunc funcs[] = {
	UA_KFUNC(u64, t_sum_list, (arena, head), (u32, limit)),
	UA_KFUNC(u64, t_is_base, (arena, p)),
	UA_KFUNC(u64, t_nullable, (arena_nullable, p)),
	UA_KFUNC(s32, t_mem, (mem, buf), (size, size)),
	UA_KFUNC(u64, t_map, (map, map), (u32, key)),
	UA_KFUNC(u64, t_callback, (callback, cb), (u64, arg)),
	UA_KFUNC(u64, t_str, (str, s)),
	UA_KFUNC_FLAGS(UA_KFUNC_SLEEPABLE, arena, t_make, (u64, value)),
	UA_KFUNC(s8, t_narrow, (s8, a), (u16, b), (bool, c)),
	UA_KFUNC(u64, t_touch, (arena, p)),
	UA_KFUNC(u64, t_nested, (arena, p), (u32, depth)),
	UA_KFUNC(void, t_fail, (s32, err)),
};
#define N_FUNCS (sizeof(funcs) / sizeof(funcs[0]))

/* -- Refusals ------------------------------------------------------------------------- */

static void dummy(void)
{
}

static void test_refused(struct ua_engine *engine)
{
	static const struct {
		struct ua_kfunc f;
		int err;
		const char *text;
	} cases[] = {
		{UA_KFUNC(u64, dummy, (mem, buf)), -EINVAL, "parameter 1 (buf)"},
		{UA_KFUNC(u64, dummy, (u32, x), (size, n)), -EINVAL, "parameter 2 (n)"},
		{UA_KFUNC(u64, dummy, (u32, x__k)), -EINVAL, "parameter 1 (x__k)"},
		{UA_KFUNC(u64, dummy, (u32, x), (void, y)), -EINVAL, "parameter 2 (y)"},
		{UA_KFUNC(mem, dummy, (u32, x)), -EINVAL, "result"},
		{{sizeof(struct ua_kfunc), "t_str", (void *)dummy, 0, UA_KIND_void, {{0, NULL}}},
		 -EEXIST,
		 "t_str: registered twice"},
		{{sizeof(struct ua_kfunc),
		  "bpf_arena_free_pages",
		  (void *)dummy,
		  0,
		  UA_KIND_void,
		  {{0, NULL}}},
		 -EEXIST,
		 "registered twice"},
		{{sizeof(struct ua_kfunc),
		  "six",
		  (void *)dummy,
		  0,
		  UA_KIND_void,
		  {{UA_KIND_u8, "a"},
		   {UA_KIND_u8, "b"},
		   {UA_KIND_u8, "c"},
		   {UA_KIND_u8, "d"},
		   {UA_KIND_u8, "e"},
		   {UA_KIND_u8, "f"}}},
		 -EINVAL,
		 "parameter 6 (f): more than 5"},
	};

	ua_set_print(keep_message);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		last_message[0] = 0;
		CHECK_EQ(ua_engine__add_kfuncs(engine, &cases[i].f, 1), cases[i].err);
		if (!strstr(last_message, cases[i].text)) {
			fprintf(stderr, "case %zu: message is: %s", i, last_message);
			exit(1);
		}
	}
	ua_set_print(NULL);
}

/* -- Calls ------------------------------------------------------------------------------- */

static const struct {
	const char *prog;
	uint64_t a, want_a, want_b;
	int err;
	const char *report; /* text that must be on stderr; NULL: stderr must be empty */
} runs[] = {
	{"list", 0, 55, 0, 0, NULL},
	{"zero", 0, 6, 6, 0, NULL},
	{"memory", 0, 19, 'Z', 0, NULL},
	{"map", 0, 6, 0, 0, NULL},
	{"callback", 0, 42, 0, 0, NULL},
	{"string", 0, 5, 0, 0, NULL},
	{"make", 0, 99, 0, 0, NULL},
	{"narrow", 0, (uint64_t)(int8_t)(-3 * 70 + 1), 0, 0, NULL},
	{"touch", 0, 11, 0, 0, "ERROR: Arena WRITE access at unmapped address 0x200000030000\n"},
	{"nest", 0, 0, 11, 0, NULL},
	{"weak", 0, 42, 0, 0, NULL},
};

static void read_stderr(struct ua_program *p, char *buf, size_t size)
{
	int n = ua_program__read_stream(p, UA_STDERR, buf, size - 1);

	CHECK(n >= 0);
	buf[n] = 0;
}

static void test_runs(void)
{
	char text[8192];

	for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
		struct ua_program *p = program(obj, runs[i].prog);
		struct args args = {.a = runs[i].a};
		uint64_t ret = 1;
		int err = ua_program__call(p, &args, &ret);

		read_stderr(p, text, sizeof(text));
		fprintf(stderr, "%s: err %d a %llu b %llu\n%s", runs[i].prog, err,
			(unsigned long long)args.a, (unsigned long long)args.b, text);
		CHECK_EQ(err, runs[i].err);
		CHECK_EQ(ret, 0);
		CHECK_EQ(args.a, runs[i].want_a);
		CHECK_EQ(args.b, runs[i].want_b);
		CHECK(runs[i].report ? strstr(text, runs[i].report) != NULL : !text[0]);
	}
}

static void test_fail(void)
{
	struct args args = {0};
	uint64_t ret;

	CHECK_EQ(ua_program__call(program(obj, "fail"), &args, &ret), -95);
	CHECK_EQ(args.a, 1);
}

/* Program -> host -> program -> ... : each level sees its own run. */
static void test_nesting(void)
{
	struct args args = {.a = 20};
	uint64_t ret;

	CHECK_EQ(ua_program__call(program(obj, "nest"), &args, &ret), 0);
	CHECK_EQ(ret, 20);
	CHECK(args.b > 20 * 10);
}

static void run_all(enum ua_exec exec, const char *path)
{
	UA_OPTS(ua_engine_opts, opts, .exec = exec);
	struct ua_engine *engine;

	CHECK_EQ(ua_engine__open(&opts, &engine), 0);
	CHECK_EQ(ua_engine__add_kfuncs(engine, funcs, N_FUNCS), 0);
	test_refused(engine);
	ua_set_print(NULL);
	CHECK_EQ(ua_object__open_file(engine, path, NULL, &obj), 0);
	ua_set_print(keep_message);
	if (ua_object__load(obj)) {
		fprintf(stderr, "load: %s\n", last_message);
		exit(1);
	}
	CHECK_EQ(ua_engine__add_kfuncs(engine, funcs, 1), -EBUSY);
	test_runs();
	test_fail();
	test_nesting();
	ua_object__close(obj);
	ua_engine__close(engine);
}

int main(int argc, char **argv)
{
	CHECK(argc == 2);
	run_all(UA_EXEC_INTERP, argv[1]);
	run_all(UA_EXEC_AUTO, argv[1]);
	return 0;
}
