/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of programs: tags and licenses, a forked child, memory running out at any point of
 * loading, running, attaching and closing.
 */
#include "check.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/bpf.h"
#include "base/base.h"
#include "kernel/handle.h"
#include "kernel/kernel.h"
#include "prog/load.h"
#include "prog/sha1.h"

/* -- Tags --------------------------------------------------------------------------- */

static void test_sha1(void)
{
	static const struct {
		const char *text;
		size_t repeat;
		const char *digest;
	} cases[] = {
		{"", 1, "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
		{"abc", 1, "a9993e364706816aba3e25717850c26c9cd0d89d"},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
		 "84983e441c3bd26ebaae4aa1f95129e5e54670f1"},
		{"a", 1000, "291e9a6c66994949b57ba5e650361e98fc36b1ba"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t n = strlen(cases[i].text);
		char *data = malloc(n * cases[i].repeat + 1), hex[41];
		uint8_t digest[20];

		for (size_t r = 0; r < cases[i].repeat; r++)
			memcpy(data + r * n, cases[i].text, n);
		sha1(data, n * cases[i].repeat, digest);
		for (int b = 0; b < 20; b++)
			snprintf(hex + 2 * b, 3, "%02x", digest[b]);
		CHECK(!strcmp(hex, cases[i].digest));
		free(data);
	}
}

/* Map descriptors must not show in the tag. */
static void test_tag(void)
{
	struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K},
		{.code = BPF_JMP | BPF_EXIT},
	};
	struct bpf_insn with_map[] = {
		{.code = BPF_LD | BPF_IMM | BPF_DW, .src_reg = BPF_PSEUDO_MAP_FD, .imm = 3},
		{.imm = 0},
		insns[0],
		insns[1],
	};
	static const uint8_t known[8] = {0xa0, 0x4f, 0x5e, 0xef, 0x06, 0xa7, 0xf5, 0x55};
	uint8_t tag[8], other[8];

	CHECK_EQ(prog_tag(insns, 2, tag), 0);
	CHECK(!memcmp(tag, known, 8));
	CHECK_EQ(prog_tag(with_map, 4, tag), 0);
	with_map[0].imm = 77;
	CHECK_EQ(prog_tag(with_map, 4, other), 0);
	CHECK(!memcmp(tag, other, 8));
	with_map[0].src_reg = 0;
	CHECK_EQ(prog_tag(with_map, 4, other), 0);
	CHECK(memcmp(tag, other, 8));
}

static void test_license(void)
{
	static const struct {
		const char *text;
		bool gpl;
	} cases[] = {{"GPL", true},	     {"GPL v2", true},
		     {"Dual BSD/GPL", true}, {"Dual MIT/GPL", true},
		     {"Proprietary", false}, {"gpl", false},
		     {"GPL ", false},	     {"", false}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CHECK_EQ(prog_license_is_gpl(cases[i].text), cases[i].gpl);
}

/* -- Links ------------------------------------------------------------------------------ */

static void check_link(struct ua_engine *engine, struct ua_map *map, struct ua_link *link)
{
	struct kernel *k = engine->kernel;
	struct bpf_link_info info = {0};
	struct bpf_map_info map_info = {0};
	union bpf_attr attr = {.info = {.bpf_fd = (uint32_t)ua_link__fd(link),
					.info_len = sizeof(info),
					.info = (uintptr_t)&info}};

	CHECK_EQ(kernel_bpf(k, BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr)), 0);
	attr.info.bpf_fd = (uint32_t)ua_map__fd(map);
	attr.info.info_len = sizeof(map_info);
	attr.info.info = (uintptr_t)&map_info;
	CHECK_EQ(kernel_bpf(k, BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr)), 0);
	CHECK_EQ(info.type, BPF_LINK_TYPE_STRUCT_OPS);
	CHECK_EQ(info.struct_ops.map_id, map_info.id);
	CHECK(info.id > 0);
}

/* -- Memory running out --------------------------------------------------------------- */

static int whole_life(const char *types, const char *ops)
{
	struct ua_struct_ops *type;
	struct ua_engine *engine;
	struct ua_object *obj = NULL;
	struct ua_link *link;
	int err;

	err = ua_engine__open(NULL, &engine);
	if (err)
		return err;
	err = ua_engine__add_btf_file(engine, types);
	if (!err)
		err = ua_engine__add_struct_ops(engine, "policy", NULL, &type);
	if (!err)
		err = ua_object__open_file(engine, ops, NULL, &obj);
	if (!err)
		err = ua_object__load(obj);
	if (!err)
		err = ua_program__call(program(obj, "read_calls"), (uint64_t[1]){0}, NULL);
	if (!err)
		err = ua_map__attach_struct_ops(ua_object__find_map(obj, "second"), &link);
	if (!err)
		check_link(engine, ua_object__find_map(obj, "second"), link);
	if (!err)
		ua_link__destroy(link);
	if (obj)
		ua_object__close(obj);
	ua_engine__close(engine);
	return err;
}

/* Fails the n-th allocation and all later ones; n grows faster as it gets larger. */
static void test_no_memory(const char *types, const char *ops)
{
	unsigned long n = 1;
	int err;

	ua_set_print(NULL);
	do {
		mem_fail_after(n);
		err = whole_life(types, ops);
		mem_fail_after(0);
		if (err && err != -ENOMEM) {
			fprintf(stderr, "allocation %lu: %s\n", n, strerror(-err));
			exit(1);
		}
		n += 1 + n / 40;
	} while (err && n < 100000);
	CHECK_EQ(err, 0);
	fprintf(stderr, "about %lu allocations\n", n);
}

/* -- Fork ------------------------------------------------------------------------------- */

static void unused(void)
{
}

static void in_child(struct ua_object *obj)
{
	struct ua_program *p = program(obj, "wild_load");
	char text[1024];
	uint64_t ret = 0;

	/* Whatever becomes of the arena, the child must not crash nor hang here. */
	if (!ua_program__call(p, NULL, &ret))
		ua_program__read_stream(p, UA_STDERR, text, sizeof(text));
	_exit(33);
}

static void test_fork(const char *path)
{
	static const struct ua_kfunc funcs[] = {
		{sizeof(struct ua_kfunc),
		 "r_touch",
		 (void *)unused,
		 0,
		 UA_KIND_void,
		 {{UA_KIND_arena, "p"}, {UA_KIND_u32, "w"}}},
		{sizeof(struct ua_kfunc),
		 "r_copy",
		 (void *)unused,
		 0,
		 UA_KIND_void,
		 {{UA_KIND_arena, "p"}}},
		{sizeof(struct ua_kfunc),
		 "r_again",
		 (void *)unused,
		 0,
		 UA_KIND_s32,
		 {{UA_KIND_u32, "l"}}},
	};
	struct ua_engine *engine;
	struct ua_object *obj;
	char text[4096];
	uint64_t ret = 0;
	int status;
	pid_t pid;

	CHECK_EQ(ua_engine__open(NULL, &engine), 0);
	CHECK_EQ(ua_engine__add_kfuncs(engine, funcs, 3), 0);
	CHECK_EQ(ua_object__open_file(engine, path, NULL, &obj), 0);
	CHECK_EQ(ua_object__load(obj), 0);
	CHECK_EQ(ua_program__call(program(obj, "wild_load"), NULL, &ret), 0);
	pid = fork();
	if (!pid)
		in_child(obj);
	CHECK(waitpid(pid, &status, 0) == pid);
	fprintf(stderr, "child: status %x\n", status);
	CHECK_EQ(ua_program__call(program(obj, "wild_load"), NULL, &ret), 0);
	CHECK_EQ(ret, 5);
	CHECK(ua_program__read_stream(program(obj, "wild_load"), UA_STDERR, text, sizeof(text)) >
	      0);
	CHECK(WIFSIGNALED(status) ? WTERMSIG(status) == SIGSEGV : WEXITSTATUS(status) == 33);
	ua_object__close(obj);
	ua_engine__close(engine);
}

int main(int argc, char **argv)
{
	CHECK(argc == 4);
	test_sha1();
	test_tag();
	test_license();
	test_fork(argv[3]);
	test_no_memory(argv[1], argv[2]);
	return 0;
}
