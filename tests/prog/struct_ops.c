/* SPDX-License-Identifier: BSD-2-Clause */
/* struct_ops of the host: binding, argument conversion, links under load, refusals. */
#include "check.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "ops.h"

static struct ua_struct_ops *policies;
static const char *types_path, *ops_path, *bad_path, *noarena_path, *short_path;

static struct ua_map *map(struct ua_object *obj, const char *name)
{
	struct ua_map *m = ua_object__find_map(obj, name);

	CHECK(m);
	return m;
}

static void o_fail(int32_t err)
{
	ua_kfunc__fail(err);
}

static struct ua_engine *engine_with_policy(enum ua_exec exec, const struct ua_struct_ops_opts *o)
{
	static const struct ua_kfunc fail = UA_KFUNC(void, o_fail, (s32, err));
	static const struct ua_struct_ops_mark marks[] = {
		{"sum", 0, UA_ARG_ARENA},
		{"sum", 1, UA_ARG_ARENA | UA_ARG_NULLABLE},
		{"sum", 6, UA_ARG_ARENA},
	};
	UA_OPTS(ua_struct_ops_opts, with_marks);
	UA_OPTS(ua_engine_opts, opts, .exec = exec);
	struct ua_engine *engine;

	CHECK_EQ(ua_engine__open(&opts, &engine), 0);
	CHECK_EQ(ua_engine__add_kfuncs(engine, &fail, 1), 0);
	CHECK_EQ(ua_engine__add_btf_file(engine, types_path), 0);
	if (o)
		with_marks = *o;
	with_marks.marks = marks;
	with_marks.n_marks = 3;
	CHECK_EQ(ua_engine__add_struct_ops(engine, "policy", &with_marks, &policies), 0);
	return engine;
}

static struct ua_object *load(struct ua_engine *engine, const char *path, int want)
{
	struct ua_object *obj;
	int err;

	CHECK_EQ(ua_object__open_file(engine, path, NULL, &obj), 0);
	ua_set_print(keep_message);
	err = ua_object__load(obj);
	if (err != want)
		fprintf(stderr, "%s: %s", path, last_message);
	CHECK_EQ(err, want);
	return obj;
}

/* -- Calls ------------------------------------------------------------------------- */

static int count_prog(void *arg, const char *member, const char *prog, struct ua_arena *arena)
{
	int *n = arg;

	CHECK((!strcmp(member, "sum") || !strcmp(member, "tell")) == (arena != NULL));
	++*n;
	return strcmp(member, "sleepy") ? 0 : 77;
}

static void check_first(struct ua_object *obj)
{
	struct request req = {.id = 7, .cost = 3};
	struct ua_arena *arena = ua_object__arena(obj);
	const struct policy *p = ua_struct_ops__enter(policies);
	size_t size;
	void *user;
	unsigned long long *n;
	int progs = 0;

	CHECK(p);
	CHECK_EQ(p->version, 1);
	CHECK(!strcmp(p->name, "first"));
	CHECK(!p->absent);
	CHECK_EQ(p->pick(&req, 5), 75);
	CHECK_EQ(p->sleepy(-4), -5);
	CHECK_EQ(p->sleepy(99), -7); /* failed: an int says why */
	CHECK_EQ(p->many(99, 0, 0, 0, 0, 0, 0, 1), 0);
	CHECK_EQ(p->many(-1, 2, -3, 4, -5, 6, -7, 1ull << 40), (1ull << 40) - 4);
	CHECK_EQ(ua_object__find_global(obj, "numbers", &user, &size), 0);
	n = ua_arena__to_host(arena, (uintptr_t)user);
	CHECK_EQ(p->sum(&n[0], &n[1], 1, 1, 1, 1, &n[2]), 1234);
	CHECK_EQ(p->sum(&n[0], NULL, 0, 0, 0, 0, &n[2]), 1030);
	CHECK_EQ(p->tell(&n[1], -1), 199);
	CHECK_EQ(p->tell(NULL, -1), UINT64_MAX);
	CHECK_EQ(ua_struct_ops__for_each_prog(policies, p, count_prog, &progs), 77);
	CHECK_EQ(progs, 5);
	ua_struct_ops__exit(policies);
}

static void test_calls(enum ua_exec exec)
{
	struct ua_engine *engine = engine_with_policy(exec, NULL);
	struct ua_object *obj = load(engine, ops_path, 0);
	struct ua_link *link, *other;
	struct ua_program *prog = NULL;
	UA_OPTS(ua_run_opts, run, .cpu = -1);

	while ((prog = ua_object__next_program(obj, prog)))
		if (!strncmp(ua_program__section(prog), "struct_ops", 10)) /* as Linux says */
			CHECK_EQ(ua_program__run(prog, &run), -EOPNOTSUPP);
	CHECK(!ua_struct_ops__enter(policies));
	ua_struct_ops__exit(policies);
	CHECK_EQ(ua_map__attach_struct_ops(map(obj, "first"), &link), 0);
	check_first(obj);
	CHECK_EQ(ua_map__attach_struct_ops(map(obj, "second"), &other), -EBUSY);
	CHECK_EQ(ua_link__update_map(link, map(obj, "second")), 0);
	CHECK_EQ(((const struct policy *)ua_struct_ops__enter(policies))->version, 2);
	ua_struct_ops__exit(policies);
	CHECK_EQ(ua_link__update_map(link, map(obj, "plain")), -EINVAL);
	CHECK_EQ(ua_link__update_map(link, map(obj, "first")), 0);
	check_first(obj);
	ua_link__destroy(link);
	CHECK(!ua_struct_ops__enter(policies));
	ua_struct_ops__exit(policies);
	CHECK_EQ(ua_map__attach_struct_ops(map(obj, "first"), &link), 0);
	check_first(obj);
	ua_link__destroy(link);
	ua_object__close(obj);
	ua_engine__close(engine);
}

/* Without BPF_F_LINK the value itself is what is registered. */
static void test_plain(void)
{
	struct ua_engine *engine = engine_with_policy(UA_EXEC_AUTO, NULL);
	struct ua_object *obj = load(engine, ops_path, 0);
	struct ua_link *link;

	CHECK_EQ(ua_map__attach_struct_ops(map(obj, "plain"), &link), 0);
	CHECK_EQ(ua_link__fd(link), -1);
	CHECK_EQ(((const struct policy *)ua_struct_ops__enter(policies))->version, 3);
	ua_struct_ops__exit(policies);
	ua_link__destroy(link);
	CHECK(!ua_struct_ops__enter(policies));
	ua_struct_ops__exit(policies);
	ua_object__close(obj);
	ua_engine__close(engine);
}

/* -- Refusals and callbacks ------------------------------------------------------------ */

static void test_refused(void)
{
	struct ua_engine *engine = engine_with_policy(UA_EXEC_AUTO, NULL);
	struct ua_struct_ops *again;
	struct ua_object *obj;

	CHECK_EQ(ua_engine__add_struct_ops(engine, "policy", NULL, &again), -EEXIST);
	CHECK_EQ(ua_engine__add_struct_ops(engine, "no_such", NULL, &again), -ENOENT);
	obj = load(engine, bad_path, -EINVAL);
	CHECK(strstr(last_message, "member pick is 'unsigned int (struct request *, unsigned long "
				   "long)' here, but must be 'unsigned int (struct request *, "
				   "unsigned int)'"));
	ua_object__close(obj);
	CHECK_EQ(ua_engine__add_struct_ops(engine, "request", NULL, &again), 0);
	CHECK_EQ(ua_object__open_file(engine, noarena_path, NULL, &obj), 0);
	if (!ua_object__load(obj)) {
		struct ua_link *link;

		CHECK_EQ(ua_map__attach_struct_ops(map(obj, "noarena"), &link), -EINVAL);
	}
	CHECK(strstr(last_message, "arena"));
	CHECK_EQ(ua_engine__add_struct_ops(engine, "node", NULL, &again), -EBUSY);
	ua_object__close(obj);
	ua_engine__close(engine);
}

static void test_fewer_parameters(void)
{
	struct ua_engine *engine = engine_with_policy(UA_EXEC_AUTO, NULL);
	struct ua_object *obj = load(engine, short_path, 0);
	struct request req = {41, 0};
	const struct policy *p;
	struct ua_link *link;

	CHECK_EQ(ua_map__attach_struct_ops(map(obj, "brief"), &link), 0);
	p = ua_struct_ops__enter(policies);
	CHECK_EQ(p->pick(&req, 7), 42);
	ua_struct_ops__exit(policies);
	ua_link__destroy(link);
	ua_object__close(obj);
	ua_engine__close(engine);
}

struct told {
	int checks, regs, unregs, updates;
	unsigned int version;
};

static int on_check(void *arg, const void *ops)
{
	((struct told *)arg)->checks++;
	return ((const struct policy *)ops)->version == 2 ? -EPERM : 0;
}

static int on_reg(void *arg, const void *ops)
{
	((struct told *)arg)->regs++;
	((struct told *)arg)->version = ((const struct policy *)ops)->version;
	return 0;
}

static void on_unreg(void *arg, const void *ops)
{
	((struct told *)arg)->unregs++;
}

static void test_consumer(void)
{
	struct told told = {0};
	UA_OPTS(ua_struct_ops_opts, o, .arg = &told, .check = on_check, .reg = on_reg,
		.unreg = on_unreg);
	struct ua_engine *engine = engine_with_policy(UA_EXEC_AUTO, &o);
	struct ua_object *obj = load(engine, ops_path, 0);
	struct ua_link *link, *other;

	CHECK_EQ(ua_map__attach_struct_ops(map(obj, "second"), &other), -EPERM);
	CHECK_EQ(ua_map__attach_struct_ops(map(obj, "first"), &link), 0);
	CHECK(told.checks == 2 && told.regs == 1 && told.version == 1);
	CHECK_EQ(ua_link__update_map(link, map(obj, "first")), -EOPNOTSUPP);
	ua_link__destroy(link);
	CHECK_EQ(told.unregs, 1);
	ua_object__close(obj);
	ua_engine__close(engine);
}

/* -- Links changing under callers --------------------------------------------------------- */

#define CALLERS 3

static atomic_bool stop;
static atomic_ulong n_calls, n_absent;

static void *caller(void *arg)
{
	struct request req = {.id = 1, .cost = 2};

	while (!atomic_load(&stop)) {
		const struct policy *p = ua_struct_ops__enter(policies);
		unsigned int got;

		if (p) {
			got = p->pick(&req, 3);
			CHECK(got == (p->version == 1 ? 13u : 203u));
			n_calls++;
		} else {
			n_absent++;
		}
		ua_struct_ops__exit(policies);
	}
	return NULL;
}

static void change_links(struct ua_engine *engine, struct ua_object *keep)
{
	for (int i = 0; i < 60; i++) {
		struct ua_object *obj = i % 4 == 3 ? load(engine, ops_path, 0) : keep;
		struct ua_link *link;

		CHECK_EQ(ua_map__attach_struct_ops(map(obj, "first"), &link), 0);
		usleep(500);
		CHECK_EQ(ua_link__update_map(link, map(obj, "second")), 0);
		usleep(500);
		ua_link__destroy(link);
		if (obj != keep)
			ua_object__close(obj); /* programs and maps go while callers are inside */
	}
}

static void test_threads(void)
{
	struct ua_engine *engine = engine_with_policy(UA_EXEC_AUTO, NULL);
	struct ua_object *obj = load(engine, ops_path, 0);
	pthread_t threads[CALLERS];

	for (int i = 0; i < CALLERS; i++)
		CHECK(!pthread_create(&threads[i], NULL, caller, NULL));
	change_links(engine, obj);
	atomic_store(&stop, true);
	for (int i = 0; i < CALLERS; i++)
		pthread_join(threads[i], NULL);
	fprintf(stderr, "%lu calls, %lu times nothing in use\n", n_calls, n_absent);
	CHECK(n_calls > 0);
	ua_object__close(obj);
	ua_engine__close(engine);
}

int main(int argc, char **argv)
{
	CHECK(argc == 6);
	types_path = argv[1];
	ops_path = argv[2];
	bad_path = argv[3];
	noarena_path = argv[4];
	short_path = argv[5];
	test_calls(UA_EXEC_INTERP);
	test_calls(UA_EXEC_AUTO);
	test_plain();
	test_refused();
	test_fewer_parameters();
	test_consumer();
	test_threads();
	return 0;
}
