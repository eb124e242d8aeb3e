/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reports, text by text: faults of programs (main, subprogram, callback) and of host functions
 * (direct, through libc, nested), the loop limit, a dump on request; interpreted and compiled.
 */
#include "check.h"

#include <regex.h>
#include <unistd.h>

static struct ua_object *obj;

/* -- The host's side ------------------------------------------------------------- */

__attribute__((noinline)) static void r_touch(volatile uint64_t *p, uint32_t write)
{
	if (write)
		*p = 1;
	else
		(void)*p;
}

static void *(*volatile copy)(void *, const void *, size_t) = memcpy;

static void r_copy(void *p)
{
	char buf[64] = {1};

	copy(p, buf, sizeof(buf));
}

static int32_t r_again(uint32_t level)
{
	uint64_t ret = 1;

	CHECK_EQ(ua_program__call(program(obj, "wild_store"), NULL, &ret), 0);
	r_touch((uint64_t *)((char *)ua_arena__window_base(ua_kfunc__arena()) + 0x15008), 1);
	return (int32_t)ret;
}

/* -- Texts --------------------------------------------------------------------------- */

#define HEAD "CPU: [0-9]+ UID: [0-9]+ PID: [0-9]+ Comm: [^\n]+\nCall trace:\n"
#define AT "\\+0x[0-9a-f]+/0x[0-9a-f]+\n"
#define BPF(name) "bpf_prog_[0-9a-f]{16}_" name AT
#define SRC(text) "  " text " @ runs\\.bpf\\.c:[0-9]+\n"
#define READS "ERROR: Arena READ access at unmapped address "
#define WRITES "ERROR: Arena WRITE access at unmapped address "
#define IN_SUBPROG BPF("store_at") SRC("p\\[1\\] = 42; /\\* in a subprogram \\*/")
#define IN_MAIN BPF("wild_store") SRC("store_at\\(0x10000\\); /\\* from the main program \\*/")

static const struct {
	const char *prog;
	uint64_t ret;
	const char *text; /* of stderr */
} cases[] = {
	{"wild_store", 0, WRITES "0x200000010008\n" HEAD IN_SUBPROG IN_MAIN "\n"},
	{"wild_load", 5,
	 READS "0x20000001100c\n" HEAD BPF("wild_load")
		 SRC("return p\\[3\\] \\+ 5; /\\* a load \\*/") "\n"},
	{"in_callback", 0,
	 WRITES "0x200000020008\n" HEAD IN_SUBPROG BPF("each")
		 SRC("store_at\\(0x20000\\); /\\* in a callback \\*/") BPF("in_callback")
			 SRC("bpf_loop\\(3, each, NULL, 0\\); /\\* the loop \\*/") "\n"},
	{"host_write", 0,
	 WRITES "0x200000012000\n" HEAD "r_touch" AT BPF("host_write") SRC(
		 "r_touch\\(\\(void __arena \\*\\)0x12340ull, 1\\); /\\* host writes \\*/") "\n"},
	{"host_read", 0,
	 READS "0x200000013000\n" HEAD "r_touch" AT BPF("host_read") SRC(
		 "r_touch\\(\\(void __arena \\*\\)0x13ff8ull, 0\\); /\\* host reads \\*/") "\n"},
	{"host_copy", 0,
	 WRITES "0x200000014000\n" HEAD "[^\n]+" AT "r_copy" AT BPF("host_copy")
		 SRC("r_copy\\(\\(void __arena \\*\\)0x14000ull\\); /\\* libc \\*/") "\n"},
	{"outer", 0,
	 WRITES "0x200000015000\n" HEAD "r_touch" AT "r_again" AT BPF("outer")
		 SRC("return r_again\\(1\\); /\\* nested \\*/") "\n"},
	{"spin", 3,
	 "ERROR: Timeout detected for may_goto instruction\n" HEAD BPF(
		 "spin") "  [^\n]+ @ (runs\\.bpf\\.c|bpf_arena\\.h):[0-9]+\n\n"},
};

static void read_stream(struct ua_program *p, enum ua_stream id, char *buf, size_t size)
{
	int n = ua_program__read_stream(p, id, buf, size - 1);

	CHECK(n >= 0);
	buf[n] = 0;
}

static void match(const char *name, const char *text, const char *pattern)
{
	char whole[2048];
	regex_t re;

	snprintf(whole, sizeof(whole), "^%s$", pattern);
	CHECK(!regcomp(&re, whole, REG_EXTENDED | REG_NOSUB));
	if (regexec(&re, text, 0, NULL, 0)) {
		fprintf(stderr, "%s: the text is\n%s\nbut must match\n%s\n", name, text, whole);
		exit(1);
	}
	regfree(&re);
}

static void test_cases(void)
{
	char text[8192];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ua_program *p = program(obj, cases[i].prog);
		uint64_t ret = 99;

		CHECK_EQ(ua_program__call(p, NULL, &ret), 0);
		CHECK_EQ((uint32_t)ret, cases[i].ret);
		read_stream(p, UA_STDERR, text, sizeof(text));
		match(cases[i].prog, text, cases[i].text);
	}
}

/* The inner run's report went to the inner program's stream, with the outer one's frames. */
static void test_nested(void)
{
	char text[8192];

	read_stream(program(obj, "wild_store"), UA_STDERR, text, sizeof(text));
	match("nested", text,
	      WRITES "0x200000010008\n" HEAD IN_SUBPROG IN_MAIN BPF("outer")
		      SRC("return r_again\\(1\\); /\\* nested \\*/") "\n");
}

static void test_dump(void)
{
	struct ua_program *p = program(obj, "dump_stack");
	char text[8192];
	uint64_t ret;

	CHECK_EQ(ua_program__call(p, NULL, &ret), 0);
	CHECK_EQ((int32_t)ret, 2); /* -ENOENT for stream 7 */
	read_stream(p, UA_STDOUT, text, sizeof(text));
	match("dump_stack", text,
	      HEAD BPF("dump_stack") SRC("return bpf_stream_print_stack[^\n]*") "\n");
	read_stream(p, UA_STDERR, text, sizeof(text));
	CHECK(!text[0]);
}

/* A second access to a page that was reported is silent; a full stream loses whole reports. */
static void test_limits(void)
{
	struct ua_program *p = program(obj, "wild_load"), *h = program(obj, "host_write");
	static char text[200000];
	uint64_t ret;

	CHECK_EQ(ua_program__call(h, NULL, &ret), 0);
	read_stream(h, UA_STDERR, text, sizeof(text));
	CHECK(!text[0]);
	for (int i = 0; i < 1000; i++)
		CHECK_EQ(ua_program__call(p, NULL, &ret), 0);
	read_stream(p, UA_STDERR, text, sizeof(text));
	CHECK(strlen(text) < 100000 && strlen(text) > 90000);
	CHECK(!strcmp(text + strlen(text) - 2, "\n\n"));
	CHECK_EQ(ua_program__call(p, NULL, &ret), 0);
	read_stream(p, UA_STDERR, text, sizeof(text));
	match("after a full stream", text, cases[1].text);
}

static void run_all(enum ua_exec exec, const char *path)
{
	static const struct ua_kfunc funcs[] = {
		UA_KFUNC(void, r_touch, (arena, p), (u32, write)),
		UA_KFUNC(void, r_copy, (arena, p)),
		UA_KFUNC(s32, r_again, (u32, level)),
	};
	UA_OPTS(ua_engine_opts, opts, .exec = exec);
	struct ua_engine *engine;

	CHECK_EQ(ua_engine__open(&opts, &engine), 0);
	CHECK_EQ(ua_engine__add_kfuncs(engine, funcs, 3), 0);
	CHECK_EQ(ua_object__open_file(engine, path, NULL, &obj), 0);
	CHECK_EQ(ua_object__load(obj), 0);
	test_cases();
	test_nested();
	test_dump();
	test_limits();
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
