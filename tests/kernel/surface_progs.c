/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs and BTF: attributes of loading, test runs, info, streams, program arrays. */
#include "surface.h"

#include <bpf/btf.h>

#define INSN(c, d, s, o, i) {.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i)}
#define MOV_K(reg, k) INSN(BPF_ALU64 | BPF_MOV | BPF_K, reg, 0, 0, k)
#define EXIT INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

static const struct bpf_insn ret7[] = {MOV_K(0, 7), EXIT};

static union bpf_attr load_attr(uint32_t type, const struct bpf_insn *insns, uint32_t n)
{
	return (union bpf_attr){.prog_type = type,
				.insn_cnt = n,
				.insns = (uintptr_t)insns,
				.license = (uintptr_t)"GPL"};
}

static int load(struct surface *s, union bpf_attr *attr)
{
	return (int)kernel_bpf(s->k, BPF_PROG_LOAD, attr, sizeof(*attr));
}

static void expect_load(struct surface *s, union bpf_attr attr, int want, const char *what)
{
	int fd = load(s, &attr);

	SURFACE_CHECK(s, fd < 0 ? fd : 0, want, "load: %s", what);
	if (fd >= 0)
		s->k->ops->close(s->k, fd);
}

#define LOAD(s, want, what, ...)                                                        \
	do {                                                                            \
		union bpf_attr attr_ = load_attr(BPF_PROG_TYPE_SOCKET_FILTER, ret7, 2); \
		__VA_ARGS__;                                                            \
		expect_load(s, attr_, want, what);                                      \
	} while (0)

static void loading(struct surface *s)
{
	char log[64];

	LOAD(s, 0, "plain", (void)0);
	LOAD(s, -E2BIG, "no instructions", attr_.insn_cnt = 0);
	LOAD(s, -E2BIG, "too many instructions", attr_.insn_cnt = 1000001);
	LOAD(s, -EFAULT, "instructions nowhere", attr_.insns = 0x10);
	LOAD(s, -EFAULT, "license nowhere", attr_.license = 0x10);
	LOAD(s, -EFAULT, "no license", attr_.license = 0);
	LOAD(s, -EINVAL, "unknown flags", attr_.prog_flags = 1u << 30);
	LOAD(s, 0, "strict alignment", attr_.prog_flags = BPF_F_STRICT_ALIGNMENT);
	LOAD(s, -EINVAL, "socket filters do not sleep", attr_.prog_flags = BPF_F_SLEEPABLE);
	LOAD(s, -EINVAL, "unknown type", attr_.prog_type = 1000);
	LOAD(s, -EINVAL, "type 0", attr_.prog_type = 0);
	LOAD(s, -EINVAL, "bad name", memcpy(attr_.prog_name, "a-b", 3));
	LOAD(s, 0, "name", memcpy(attr_.prog_name, "a_b.c", 5));
	LOAD(s, -EBADF, "BTF nowhere", attr_.prog_btf_fd = 9999; attr_.func_info_cnt = 1;
	     attr_.func_info_rec_size = 8; attr_.func_info = (uintptr_t)ret7);
	LOAD(s, -EINVAL, "log level without a buffer", attr_.log_level = 16);
	LOAD(s, -EINVAL, "log size without a buffer", attr_.log_level = 1; attr_.log_size = 64);
	LOAD(s, -EINVAL, "log buffer without a size", attr_.log_level = 1;
	     attr_.log_buf = (uintptr_t)log);
	LOAD(s, 0, "log level without anything", attr_.log_level = 1);
	LOAD(s, -EINVAL, "first instruction is invalid",
	     attr_.insns = (uintptr_t)&(struct bpf_insn[]){INSN(0xff, 0, 0, 0, 0), EXIT});
	LOAD(s, -EINVAL, "falls off the end", attr_.insn_cnt = 1);
	LOAD(s, -EACCES, "r0 not set", attr_.insns = (uintptr_t)&ret7[1]; attr_.insn_cnt = 1);
	LOAD(s, 0, "attach type is ignored", attr_.expected_attach_type = 3);
}

/* -- Logs ---------------------------------------------------------------------- */

static void logs(struct surface *s)
{
	static const struct bpf_insn bad[] = {EXIT};
	union bpf_attr attr = load_attr(BPF_PROG_TYPE_SOCKET_FILTER, bad, 1);
	char log[4096] = "";

	attr.log_level = 1;
	attr.log_size = sizeof(log);
	attr.log_buf = (uintptr_t)log;
	SURFACE_CHECK(s, load(s, &attr), -EACCES, "refused with a log");
	SURFACE_CHECK(s, strstr(log, "R0 !read_ok") != NULL, 1, "log says why: %s", log);
	SURFACE_CHECK(s, attr.log_true_size, strlen(log) + 1, "log_true_size");
	attr = load_attr(BPF_PROG_TYPE_SOCKET_FILTER, bad, 1);
	attr.log_level = 1;
	attr.log_size = 8;
	attr.log_buf = (uintptr_t)log;
	SURFACE_CHECK(s, load(s, &attr), -ENOSPC, "log too small");
	SURFACE_CHECK(s, strlen(log), 7, "small log is terminated");
	attr = load_attr(BPF_PROG_TYPE_SOCKET_FILTER, ret7, 2);
	attr.log_level = 1;
	attr.log_size = 64;
	attr.log_buf = 0x10;
	SURFACE_CHECK(s, load(s, &attr), -EFAULT, "log nowhere");
}

/* -- Test runs ------------------------------------------------------------------ */

static long test_run(struct surface *s, union bpf_attr *attr)
{
	return kernel_bpf(s->k, BPF_PROG_TEST_RUN, attr, sizeof(*attr));
}

static void packet_runs(struct surface *s)
{
	union bpf_attr attr = load_attr(BPF_PROG_TYPE_SOCKET_FILTER, ret7, 2);
	int fd = load(s, &attr);
	uint8_t packet[64] = {0}, out[64] = {0};

	memset(packet, 0x5a, sizeof(packet));
	attr = (union bpf_attr){.test = {.prog_fd = (uint32_t)fd,
					 .data_in = (uintptr_t)packet,
					 .data_size_in = sizeof(packet),
					 .data_out = (uintptr_t)out,
					 .data_size_out = sizeof(out),
					 .repeat = 3}};
	SURFACE_CHECK(s, test_run(s, &attr), 0, "packet run");
	SURFACE_CHECK(s, attr.test.retval, 7, "retval");
	SURFACE_CHECK(s, attr.test.data_size_out, 64, "data_size_out");
	memset(packet, 0, 14); /* the link header, which such programs do not see */
	SURFACE_CHECK(s, !memcmp(out, packet, 64), 1, "data_out");
	attr = (union bpf_attr){.test = {.prog_fd = (uint32_t)fd,
					 .data_in = (uintptr_t)packet,
					 .data_size_in = 13}};
	SURFACE_CHECK(s, test_run(s, &attr), -EINVAL, "packet without an Ethernet header");
	attr = (union bpf_attr){.test = {.prog_fd = (uint32_t)fd}};
	SURFACE_CHECK(s, test_run(s, &attr), -EINVAL, "no packet");
	attr = (union bpf_attr){
		.test = {.prog_fd = (uint32_t)fd, .data_in = 0x10, .data_size_in = 64}};
	SURFACE_CHECK(s, test_run(s, &attr), -EFAULT, "packet nowhere");
	attr = (union bpf_attr){.test = {.prog_fd = (uint32_t)fd,
					 .data_in = (uintptr_t)packet,
					 .data_size_in = 64,
					 .data_out = (uintptr_t)out,
					 .data_size_out = 10}};
	SURFACE_CHECK(s, test_run(s, &attr), -ENOSPC, "little room for the packet");
	SURFACE_CHECK(s, attr.test.data_size_out, 64, "room that is needed");
	attr = (union bpf_attr){.test = {.prog_fd = (uint32_t)fd,
					 .data_in = (uintptr_t)packet,
					 .data_size_in = 64,
					 .flags = 1u << 31}};
	SURFACE_CHECK(s, test_run(s, &attr), -EINVAL, "unknown flag");
	attr = (union bpf_attr){.test = {.prog_fd = (uint32_t)fd,
					 .data_in = (uintptr_t)packet,
					 .data_size_in = 64,
					 .ctx_size_in = 8}};
	SURFACE_CHECK(s, test_run(s, &attr), -EINVAL, "context size without a context");
	s->k->ops->close(s->k, fd);
}

static void syscall_runs(struct surface *s)
{
	static const struct bpf_insn add_one[] = {
		/* ctx->a++ ; return ctx->a */
		INSN(BPF_LDX | BPF_MEM | BPF_DW, 0, 1, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, 0, 0, 0, 1),
		INSN(BPF_STX | BPF_MEM | BPF_DW, 1, 0, 0, 0),
		EXIT,
	};
	union bpf_attr attr = load_attr(BPF_PROG_TYPE_SYSCALL, add_one, 4);
	uint64_t ctx[2] = {41, 0};
	int fd;

	attr.prog_flags = BPF_F_SLEEPABLE;
	fd = load(s, &attr);
	SURFACE_CHECK(s, fd >= 0, 1, "syscall program loads");
	attr = (union bpf_attr){
		.test = {.prog_fd = (uint32_t)fd, .ctx_in = (uintptr_t)ctx, .ctx_size_in = 16}};
	SURFACE_CHECK(s, test_run(s, &attr), 0, "syscall run");
	SURFACE_CHECK(s, attr.test.retval, 42, "syscall retval");
	SURFACE_CHECK(s, (long)ctx[0], 42, "context is written back");
	attr = (union bpf_attr){
		.test = {.prog_fd = (uint32_t)fd, .ctx_in = (uintptr_t)ctx, .ctx_size_in = 4}};
	SURFACE_CHECK(s, test_run(s, &attr), -EINVAL, "context shorter than what is accessed");
	attr = (union bpf_attr){.test = {.prog_fd = (uint32_t)fd,
					 .ctx_in = (uintptr_t)ctx,
					 .ctx_size_in = 16,
					 .repeat = 2}};
	SURFACE_CHECK(s, test_run(s, &attr), -EINVAL, "syscall programs are not repeated");
	attr = (union bpf_attr){.test = {.prog_fd = (uint32_t)fd,
					 .ctx_in = (uintptr_t)ctx,
					 .ctx_size_in = 16,
					 .data_in = (uintptr_t)ctx,
					 .data_size_in = 16}};
	SURFACE_CHECK(s, test_run(s, &attr), -EINVAL, "syscall programs have no packet");
	attr = (union bpf_attr){
		.test = {.prog_fd = (uint32_t)fd, .ctx_in = 0x10, .ctx_size_in = 16}};
	SURFACE_CHECK(s, test_run(s, &attr), -EFAULT, "context nowhere");
	s->k->ops->close(s->k, fd);
}

/* -- Info, streams, arrays -------------------------------------------------------- */

static void program_info(struct surface *s)
{
	union bpf_attr attr = load_attr(BPF_PROG_TYPE_SOCKET_FILTER, ret7, 2);
	struct bpf_prog_info info = {0};
	static const uint8_t tag[] = {0};
	int fd;

	memcpy(attr.prog_name, "ret7", 4);
	fd = load(s, &attr);
	attr = (union bpf_attr){.info = {.bpf_fd = (uint32_t)fd,
					 .info_len = sizeof(info),
					 .info = (uintptr_t)&info}};
	SURFACE_CHECK(s, kernel_bpf(s->k, BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr)), 0,
		      "program info");
	SURFACE_CHECK(s, info.type, BPF_PROG_TYPE_SOCKET_FILTER, "type");
	SURFACE_CHECK(s, strcmp(info.name, "ret7"), 0, "name");
	SURFACE_CHECK(s, info.gpl_compatible, 1, "GPL");
	SURFACE_CHECK(s, info.xlated_prog_len, 16, "translated length");
	SURFACE_CHECK(s, info.nr_map_ids, 0, "maps");
	SURFACE_CHECK(s, memcmp(info.tag, tag, 1) != 0, 1, "tag");
	SURFACE_CHECK(s, info.id > 0, 1, "id");
	SURFACE_CHECK(s, info.verified_insns, 2, "verified instructions");
	s->k->ops->close(s->k, fd);
}

static void streams(struct surface *s)
{
	union bpf_attr attr = load_attr(BPF_PROG_TYPE_SOCKET_FILTER, ret7, 2);
	int fd = load(s, &attr);
	char buf[16];

	for (uint32_t id = 0; id < 5; id++) {
		attr = (union bpf_attr){.prog_stream_read = {.prog_fd = (uint32_t)fd,
							     .stream_id = id,
							     .stream_buf = (uintptr_t)buf,
							     .stream_buf_len = 16}};
		SURFACE_CHECK(s, kernel_bpf(s->k, BPF_PROG_STREAM_READ_BY_FD, &attr, sizeof(attr)),
			      id == 1 || id == 2 ? 0 : -ENOENT, "empty stream %u", id);
	}
	s->k->ops->close(s->k, fd);
}

static long set_slot(struct surface *s, int array, uint32_t i, int fd)
{
	union bpf_attr attr = {
		.map_fd = (uint32_t)array, .key = (uintptr_t)&i, .value = (uintptr_t)&fd};

	return kernel_bpf(s->k, BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr));
}

static void program_arrays(struct surface *s)
{
	union bpf_attr attr = load_attr(BPF_PROG_TYPE_SOCKET_FILTER, ret7, 2);
	int array = surface_map(s, BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 2, 0);
	int other_map = surface_map(s, BPF_MAP_TYPE_ARRAY, 4, 4, 2, 0);
	int fd = load(s, &attr), other;
	uint32_t key = 0, id = 0;

	attr = load_attr(BPF_PROG_TYPE_SCHED_CLS, ret7, 2);
	other = load(s, &attr);
	SURFACE_CHECK(s, set_slot(s, array, 0, fd), 0, "first program");
	SURFACE_CHECK(s, set_slot(s, array, 1, fd), 0, "again");
	SURFACE_CHECK(s, set_slot(s, array, 1, other), -EINVAL, "program of another type");
	SURFACE_CHECK(s, set_slot(s, array, 1, other_map), -EINVAL, "a map");
	attr = (union bpf_attr){
		.map_fd = (uint32_t)array, .key = (uintptr_t)&key, .value = (uintptr_t)&id};
	SURFACE_CHECK(s, kernel_bpf(s->k, BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)), 0, "lookup");
	SURFACE_CHECK(s, id > 0, 1, "an id");
	attr = (union bpf_attr){.map_fd = (uint32_t)array, .key = (uintptr_t)&key};
	SURFACE_CHECK(s, kernel_bpf(s->k, BPF_MAP_DELETE_ELEM, &attr, sizeof(attr)), 0, "delete");
	SURFACE_CHECK(s, kernel_bpf(s->k, BPF_MAP_DELETE_ELEM, &attr, sizeof(attr)), -ENOENT,
		      "delete again");
	s->k->ops->close(s->k, other);
	s->k->ops->close(s->k, fd);
	s->k->ops->close(s->k, other_map);
	s->k->ops->close(s->k, array);
}

/* -- BTF ---------------------------------------------------------------------------- */

static long load_btf(struct surface *s, const void *data, uint32_t size)
{
	union bpf_attr attr = {.btf = (uintptr_t)data, .btf_size = size};

	return kernel_bpf(s->k, BPF_BTF_LOAD, &attr, sizeof(attr));
}

static void btf_maps(struct surface *s, int btf_fd)
{
	static const struct {
		uint32_t type, key, value, key_id, value_id;
		int err;
	} cases[] = {
		{BPF_MAP_TYPE_ARRAY, 4, 8, 1, 2, 0},
		{BPF_MAP_TYPE_ARRAY, 4, 4, 1, 2, -EINVAL},
		{BPF_MAP_TYPE_ARRAY, 4, 8, 3, 2, -EINVAL}, /* key is a struct */
		{BPF_MAP_TYPE_ARRAY, 4, 8, 0, 2, -EINVAL}, /* no key, no data section */
		{BPF_MAP_TYPE_ARRAY, 4, 8, 1, 99, -EINVAL},
		{BPF_MAP_TYPE_HASH, 4, 8, 1, 2, 0},
		{BPF_MAP_TYPE_HASH, 4, 8, 3, 2, 0},
		{BPF_MAP_TYPE_HASH, 8, 8, 1, 2, -EINVAL},
		{BPF_MAP_TYPE_HASH, 4, 8, 0, 2, -EINVAL},
		{BPF_MAP_TYPE_PERCPU_HASH, 4, 8, 1, 2, 0},
		{BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 1, 1, 0},
		{BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 1, 1, -ENOTSUPP},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		union bpf_attr attr = {.map_type = cases[i].type,
				       .key_size = cases[i].key,
				       .value_size = cases[i].value,
				       .max_entries = 2,
				       .btf_fd = (uint32_t)btf_fd,
				       .btf_key_type_id = cases[i].key_id,
				       .btf_value_type_id = cases[i].value_id};
		int fd = (int)kernel_bpf(s->k, BPF_MAP_CREATE, &attr, sizeof(attr));

		SURFACE_CHECK(s, fd < 0 ? fd : 0, cases[i].err, "map with BTF, case %zu", i);
		if (fd >= 0)
			s->k->ops->close(s->k, fd);
	}
}

/* Linux always has the one interface, the engine the other. */
static void struct_ops_maps(struct surface *s, int btf_fd)
{
	const char *name =
		s->is_linux ? "bpf_struct_ops_tcp_congestion_ops" : "bpf_struct_ops_sched_ext_ops";
	const struct btf *btf = s->k->ops->vmlinux_btf(s->k);
	int32_t id = btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT);
	union bpf_attr attr = {.map_type = BPF_MAP_TYPE_STRUCT_OPS,
			       .key_size = 4,
			       .max_entries = 1,
			       .btf_vmlinux_value_type_id = (uint32_t)id};
	int fd;

	if (id < 0)
		return;
	attr.value_size = (uint32_t)btf__resolve_size(btf, (uint32_t)id);
	attr.btf_fd = UINT32_MAX;
	SURFACE_CHECK(s, kernel_bpf(s->k, BPF_MAP_CREATE, &attr, sizeof(attr)), -EBADF,
		      "struct_ops map without BTF");
	attr.btf_fd = (uint32_t)btf_fd;
	fd = (int)kernel_bpf(s->k, BPF_MAP_CREATE, &attr, sizeof(attr));
	SURFACE_CHECK(s, fd < 0 ? fd : 0, 0, "struct_ops map with BTF");
	if (fd >= 0)
		s->k->ops->close(s->k, fd);
}

/* Programs that may sleep, and those that may not, with a map of each kind. */
static void sleepable_maps(struct surface *s)
{
	static const struct {
		uint32_t type, key, value, entries, flags;
		bool sleeps;
	} kinds[] = {
		{BPF_MAP_TYPE_HASH, 4, 4, 2, 0, true},
		{BPF_MAP_TYPE_ARRAY, 4, 4, 2, 0, true},
		{BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 2, 0, false},
		{BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 2, 0, false},
		{BPF_MAP_TYPE_PERCPU_HASH, 4, 4, 2, 0, true},
		{BPF_MAP_TYPE_PERCPU_ARRAY, 4, 4, 2, 0, true},
		{BPF_MAP_TYPE_LRU_HASH, 4, 4, 2, 0, true},
		{BPF_MAP_TYPE_LRU_PERCPU_HASH, 4, 4, 2, 0, true},
		{BPF_MAP_TYPE_LPM_TRIE, 8, 4, 2, BPF_F_NO_PREALLOC, false},
		{BPF_MAP_TYPE_QUEUE, 0, 4, 2, 0, true},
		{BPF_MAP_TYPE_STACK, 0, 4, 2, 0, true},
		{BPF_MAP_TYPE_BLOOM_FILTER, 0, 4, 2, 0, false},
		{BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0, true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		int map = surface_map(s, kinds[i].type, kinds[i].key, kinds[i].value,
				      kinds[i].entries, kinds[i].flags);
		const struct bpf_insn insns[] = {
			{.code = BPF_LD | BPF_IMM | BPF_DW,
			 .dst_reg = 1,
			 .src_reg = BPF_PSEUDO_MAP_FD,
			 .imm = map},
			{0},
			{.code = BPF_ALU64 | BPF_MOV | BPF_K},
			{.code = BPF_JMP | BPF_EXIT},
		};
		union bpf_attr sleeps = load_attr(BPF_PROG_TYPE_SYSCALL, insns, 4);
		union bpf_attr other = load_attr(BPF_PROG_TYPE_SCHED_CLS, insns, 4);
		char what[64];

		sleeps.prog_flags = BPF_F_SLEEPABLE;
		snprintf(what, sizeof(what), "with a map of type %u", kinds[i].type);
		expect_load(s, sleeps, kinds[i].sleeps ? 0 : -EINVAL, what);
		expect_load(s, other, 0, what);
		s->k->ops->close(s->k, map);
	}
}

static void btf_loading(struct surface *s)
{
	struct btf *btf = btf__new_empty();
	struct bpf_btf_info info = {0};
	union bpf_attr attr;
	uint8_t copy[4096];
	const void *raw;
	uint32_t size;
	int fd;

	btf__add_int(btf, "u32", 4, 0);
	btf__add_int(btf, "u64", 8, 0);
	btf__add_struct(btf, "four", 4);
	btf__add_field(btf, "x", 1, 0, 0);
	raw = btf__raw_data(btf, &size);
	fd = (int)load_btf(s, raw, size);
	SURFACE_CHECK(s, fd >= 0, 1, "BTF loads");
	attr = (union bpf_attr){.info = {.bpf_fd = (uint32_t)fd,
					 .info_len = sizeof(info),
					 .info = (uintptr_t)&info}};
	SURFACE_CHECK(s, kernel_bpf(s->k, BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr)), 0,
		      "BTF info");
	SURFACE_CHECK(s, info.btf_size, size, "BTF size");
	SURFACE_CHECK(s, info.kernel_btf, 0, "not the kernel's");
	btf_maps(s, fd);
	struct_ops_maps(s, fd);
	SURFACE_CHECK(s, load_btf(s, raw, size - 1), -EINVAL, "BTF cut short");
	SURFACE_CHECK(s, load_btf(s, (void *)0x10, size), -EFAULT, "BTF nowhere");
	SURFACE_CHECK(s, load_btf(s, raw, (16u << 20) + 1), -E2BIG, "BTF too large");
	SURFACE_CHECK(s, load_btf(s, raw, 4), -EINVAL, "BTF without a header");
	memcpy(copy, raw, size);
	copy[0] ^= 1;
	SURFACE_CHECK(s, load_btf(s, copy, size), -EINVAL, "BTF without its magic");
	s->k->ops->close(s->k, fd);
	btf__free(btf);
}

void surface_progs(struct surface *s)
{
	loading(s);
	logs(s);
	packet_runs(s);
	syscall_runs(s);
	program_info(s);
	streams(s);
	program_arrays(s);
	sleepable_maps(s);
	btf_loading(s);
}
