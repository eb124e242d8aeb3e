/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BTF made for older kernels: the kinds they do not know are gone, every id means what it meant,
 * and kernels of today take it, too.
 */
#include <bpf/btf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/handle.h"
#include "object/object.h"
#include "uarena.h"

static int failures;

#define CHECK(cond, ...)                     \
	do {                                 \
		if (!(cond)) {               \
			printf(__VA_ARGS__); \
			printf("\n");        \
			failures++;          \
		}                            \
	} while (0)

static uint32_t count(const struct btf *btf, uint32_t kind)
{
	uint32_t n = 0;

	for (uint32_t id = 1; id < btf__type_cnt(btf); id++)
		n += btf_kind(btf__type_by_id(btf, id)) == kind;
	return n;
}

/* Sizes of all that has one, which decide where members lie. */
static void expect_sizes(const struct btf *was, const struct btf *now)
{
	CHECK(btf__type_cnt(now) >= btf__type_cnt(was), "types were lost");
	for (uint32_t id = 1; id < btf__type_cnt(was); id++)
		CHECK(btf_kind(btf__type_by_id(was, id)) == BTF_KIND_DECL_TAG ||
			      btf__resolve_size(was, id) == btf__resolve_size(now, id),
		      "type %u: %lld bytes, once %lld", id, (long long)btf__resolve_size(now, id),
		      (long long)btf__resolve_size(was, id));
}

static void expect_loads(enum ua_backend backend, const struct btf *btf, const char *what)
{
	UA_OPTS(ua_engine_opts, opts, .backend = backend);
	union bpf_attr attr = {0};
	struct ua_engine *engine;
	uint32_t size;
	long fd;

	if (ua_engine__open(&opts, &engine)) {
		CHECK(false, "%s: no engine", what);
		return;
	}
	attr.btf = (uintptr_t)btf__raw_data(btf, &size);
	attr.btf_size = size;
	fd = kernel_bpf(engine->kernel, BPF_BTF_LOAD, &attr, sizeof(attr));
	CHECK(fd >= 0 || fd == -EPERM, "%s refuses it: %ld", what, fd);
	if (fd >= 0)
		engine->kernel->ops->close(engine->kernel, (int)fd);
	ua_engine__close(engine);
}

static void test_types(const struct btf *was)
{
	static const uint32_t late[] = {BTF_KIND_FLOAT, BTF_KIND_DECL_TAG, BTF_KIND_TYPE_TAG,
					BTF_KIND_ENUM64};
	uint32_t size;
	const void *raw = btf__raw_data(was, &size);
	struct btf *now = btf__new(raw, size);
	int int_id = now ? btf__add_int(now, "filler", 4, BTF_INT_SIGNED) : -1;

	CHECK(int_id > 0 && !btf_make_older(now, (uint32_t)int_id), "cannot be made older");
	for (size_t i = 0; i < ARRAY_SIZE(late); i++) {
		CHECK(count(was, late[i]) > 0, "the object has no type of kind %u", late[i]);
		CHECK(!count(now, late[i]), "kind %u is still there", late[i]);
	}
	expect_sizes(was, now);
	expect_loads(UA_BACKEND_ENGINE, now, "the engine");
	expect_loads(UA_BACKEND_LINUX, now, "the kernel");
	btf__free(now);
}

int main(int argc, char **argv)
{
	struct ua_engine *engine;
	struct ua_object *obj;
	uint64_t *seen;

	if (argc < 2 || ua_engine__open(NULL, &engine) ||
	    ua_object__open_file(engine, argv[1], NULL, &obj))
		return 1;
	test_types(obj->btf);
	CHECK(!ua_object__load(obj), "cannot be loaded");
	CHECK(!ua_object__find_global(obj, "seen", (void **)&seen, NULL), "no variable");
	ua_object__close(obj);
	ua_engine__close(engine);
	return failures != 0;
}
