/* SPDX-License-Identifier: BSD-2-Clause */
/* References of every kind resolve to what they name: the programs run and tell. */
#include "test.h"

static struct ua_object *obj;
static uint64_t *out;

static void *global(const char *name, size_t want)
{
	void *addr = NULL;
	size_t size = 0;

	CHECK(!ua_object__find_global(obj, name, &addr, &size), "%s", name);
	CHECK(size == want, "%s: %zu bytes", name, size);
	return addr;
}

static void run(const char *name, uint32_t want)
{
	struct ua_program *prog = ua_object__find_program(obj, name);
	UA_OPTS(ua_run_opts, o, .cpu = -1);

	CHECK(prog, "%s", name);
	if (!prog)
		return;
	CHECK(!ua_program__run(prog, &o), "%s", name);
	CHECK(o.retval == want, "%s: %u", name, o.retval);
}

static void set(const char *assignment, int want)
{
	int err = ua_object__set_global(obj, assignment);

	CHECK(err == want, "%s: %d", assignment, err);
}

static void set_globals(void)
{
	set("in_data = 0x10", 0);
	set("in_rodata=34", 0);
	set("colour = GREEN", 0);
	set("flag = true", 0);
	set("small = -3", 0);
	set("nested.pairs[1].b = 66", 0);
	set("in_arena = 46", 0);
	log_set(NULL);
	set("no_such = 1", -ENOENT);
	set("small = 70000", -EINVAL);
	set("flag = 2", -EINVAL);
	set("nested = 2", -EINVAL);
	set("nested.pairs[2].b = 1", -EINVAL);
	set("nested.three = 1", -EINVAL);
	set("in_data = PURPLE", -EINVAL);
	set("in_data = 3 4", -EINVAL);
	set("in_data", -EINVAL);
	set("", -EINVAL);
}

static void before_load(void)
{
	struct ua_program *prog = ua_object__find_program(obj, "not_loaded");
	struct ua_map *grow = ua_object__find_map(obj, ".data.grow");
	struct ua_map *pairs = ua_object__find_map(obj, "pairs");
	size_t size;

	CHECK(prog && !ua_program__autoload(prog), "section with '?'");
	prog = ua_object__find_program(obj, "unknown_kind");
	CHECK(prog && ua_program__type(prog) == 0, "unknown section");
	CHECK(prog && !ua_program__set_autoload(prog, false), "autoload");
	CHECK(!ua_object__find_program(obj, "scale"), "a subprogram is no program");
	CHECK(pairs && ua_map__key_size(pairs) == 4 && ua_map__value_size(pairs) == 8 &&
		      ua_map__max_entries(pairs) == 7,
	      "definition by types");
	set("grow[] = 16", 0);
	log_set(NULL);
	set("grow[] = 0", -EINVAL);
	set("grow[] = -1", -EINVAL);
	set("out[] = 3000000000", -EINVAL);
	set("in_data[] = 2", -EINVAL);
	set("in_arena[] = 2", -EINVAL);
	set("no_such[] = 2", -ENOENT);
	set("pairs[] = 7", 0);
	CHECK(ua_map__initial_value(grow, &size) && size == 64, "resized to %zu", size);
	CHECK(*(uint64_t *)global("in_arena", 8) == 44, "initial value in the arena");
	CHECK(*(uint32_t *)global("in_rodata", 4) == 33, "initial value in .rodata");
	global("grow", 64);
}

static void check_data(void)
{
	static const uint64_t want[] = {0x10, 22, 34, 7, 1, (uint64_t)-3, 66, 46, 55, 1};

	run("data", 0);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++)
		CHECK(out[i] == want[i], "out[%zu] = %llu", i, (unsigned long long)out[i]);
	CHECK(*(uint64_t *)global("in_data", 8) == 0x11, "live .data");
	CHECK(*(uint64_t *)global("in_custom", 8) == 23, "live .data.custom");
	CHECK(*(uint64_t *)global("in_arena", 8) == 45, "live arena variable");
}

static void check_rest(void)
{
	uint32_t key = 9, pair[2] = {0};
	void *addr;

	run("calls", 0);
	CHECK(out[10] == 31 && out[11] == 6 && out[12] == 2, "%d %d %d", (int)out[10], (int)out[11],
	      (int)out[12]);
	CHECK(out[13] == 6 + 4 * 34, "callback: %d", (int)out[13]);
	run("externs", 0);
	CHECK(out[14] >= 0x060000 && !out[15] && out[16] == 77, "%llx %d %d",
	      (unsigned long long)out[14], (int)out[15], (int)out[16]);
	run("maps", 0);
	CHECK(out[17] == 2 && out[18] == 1 && out[19] == 0, "maps");
	CHECK(!ua_map__lookup(ua_object__find_map(obj, "pairs"), &key, pair, 0) && pair[1] == 2,
	      "lookup");
	run("constants", 0);
	CHECK(out[21] == 20000000 && out[22] == (1ull << 63 | 2) && out[23] == 3 && !out[24],
	      "__SCX_*: %llu %llx %llu %llu", (unsigned long long)out[21],
	      (unsigned long long)out[22], (unsigned long long)out[23],
	      (unsigned long long)out[24]);
	run("jump", 5);
	CHECK(out[20] == 99, "tail call through an initial element");
	CHECK(ua_program__fd(ua_object__find_program(obj, "not_loaded")) < 0, "not loaded");
	CHECK(ua_object__find_global(obj, "private_value", &addr, NULL) == -EOPNOTSUPP,
	      "a private variable has no live address");
	CHECK(ua_object__set_global(obj, "in_data = 1") == -EINVAL, "set after load");
	CHECK(ua_object__load(obj) == -EINVAL, "loaded twice");
}

int main(int argc, char **argv)
{
	struct ua_engine *engine;

	if (argc < 2 || ua_engine__open(NULL, &engine))
		return 1;
	if (ua_object__open_file(engine, argv[1], NULL, &obj))
		return 1;
	before_load();
	set_globals();
	log_set(NULL);
	ua_set_print(NULL);
	CHECK(!ua_object__load(obj), "load");
	if (!failures) {
		out = global("out", 32 * 8);
		check_data();
		check_rest();
	}
	ua_object__close(obj);
	ua_engine__close(engine);
	return failures != 0;
}
