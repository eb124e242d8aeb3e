/* SPDX-License-Identifier: BSD-2-Clause */
/* CO-RE records of every kind give what the engine's BTF says. */
#include "btf/btf.h"
#include "test.h"

static struct btf *btf;

static uint64_t offset(const char *type, const char *member)
{
	struct btf_place at = {0};
	uint32_t id = btf_find(btf, type, BTF_KIND_STRUCT);

	CHECK(id && btf_member(btf, id, member, &at), "%s.%s", type, member);
	return at.bit_off / 8;
}

static uint64_t size_of(const char *type)
{
	return btf_size(btf, btf_find(btf, type, BTF_KIND_STRUCT));
}

static void check(const uint64_t *out, uint64_t local_id)
{
	const struct {
		int i;
		uint64_t want;
		const char *what;
	} cases[] = {
		{0, offset("task_struct", "pid"), "offset of a member elsewhere"},
		{1, 16, "size of an array"},
		{2, offset("task_struct", "scx") + offset("sched_ext_entity", "slice"),
		 "nested offset"},
		{3, 4, "size of a member that is narrower"},
		{4, 0, "a member that does not exist"},
		{5, 1, "a member that exists"},
		{6, 1, "signed"},
		{7, 0, "unsigned"},
		{8, 32, "left shift of 4 bytes"},
		{9, 56, "right shift of 1 byte"},
		{10, offset("task_struct", "comm") + 3, "array element"},
		{11, 0, "member of no struct"},
		{12, 1, "type exists under a flavour"},
		{13, 0, "type does not exist"},
		{14, size_of("task_struct"), "type size"},
		{15, 1, "type matches"},
		{16, 0, "type differs"},
		{17, 1, "typedef exists"},
		{18, 1, "enumerator exists"},
		{19, 1ull << 32, "64-bit enumerator"},
		{20, 0, "enumerator does not exist"},
		{21, 1, "enumerator value"},
		{22, btf_find(btf, "task_struct", BTF_KIND_STRUCT), "kernel's type id"},
		{23, local_id, "local type id"},
		{24, 0, "size of no type"},
		{25, 0, "id of no type"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		CHECK(out[cases[i].i] == cases[i].want, "%s: %llu, expected %llu", cases[i].what,
		      (unsigned long long)out[cases[i].i], (unsigned long long)cases[i].want);
}

static uint64_t local_id(const char *path)
{
	struct btf *own = btf__parse(path, NULL);
	uint32_t id = own ? btf_find(own, "task_struct", BTF_KIND_STRUCT) : 0;

	btf__free(own);
	return id;
}

static struct ua_object *open_object(struct ua_engine *engine, const char *path)
{
	struct ua_object *obj;

	return ua_object__open_file(engine, path, NULL, &obj) ? NULL : obj;
}

static void values(struct ua_engine *engine, const char *path)
{
	struct ua_object *obj = open_object(engine, path);
	void *out = NULL;

	CHECK(obj && !ua_object__load(obj), "load");
	if (failures)
		return;
	CHECK(!ua_program__run(ua_object__find_program(obj, "core"), NULL), "run");
	CHECK(!ua_object__find_global(obj, "out", &out, NULL), "out");
	check(out, local_id(path));
	ua_object__close(obj);
}

/* A use that can be reached is refused, when the program is loaded and not before. */
static void unguarded(struct ua_engine *engine, const char *path)
{
	struct ua_object *obj = open_object(engine, path);

	ua_set_print(NULL);
	log_set(NULL);
	CHECK(!ua_program__set_autoload(ua_object__find_program(obj, "unguarded"), true),
	      "autoload");
	CHECK(ua_object__load(obj) < 0, "a member that does not exist was accepted");
	ua_object__close(obj);
}

int main(int argc, char **argv)
{
	struct ua_engine *engine;

	if (argc < 2 || btf_engine(&btf) || ua_engine__open(NULL, &engine))
		return 1;
	values(engine, argv[1]);
	unguarded(engine, argv[1]);
	ua_engine__close(engine);
	btf__free(btf);
	return failures != 0;
}
