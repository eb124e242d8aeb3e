/* SPDX-License-Identifier: BSD-2-Clause */
/* What becomes of what Linux writes to the streams of a program: two programs find out. */
#include "btf/btf.h"
#include "side.h"

const char *const stream_state_text[N_STREAM_STATES] = {
	[STREAMS_WORK] = "streams work",
	[STREAMS_NO_MEMORY] = "streams without memory",
	[STREAMS_NO_REPORTS] = "streams without reports",
};

#define INSN(c, d, s, o, i) {.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i)}
#define FORMAT "%d\n"
#define FORMAT_SIZE 8

/* Touches the last page of the arena, which nobody has populated. */
static bool hole_is_reported(struct side *s)
{
	static const struct bpf_insn insns[] = {
		INSN(BPF_LD | BPF_IMM | BPF_DW, 1, BPF_PSEUDO_MAP_VALUE, 0, MAP_ARENA),
		INSN(0, 0, 0, 0, (ARENA_PAGES - 1) * 4096),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 1, 1, BPF_ADDR_SPACE_CAST, BPF_CAST_KERN),
		INSN(BPF_LDX | BPF_MEM | BPF_DW, 0, 1, 0, 0),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	static const struct memory nothing;
	static struct result r;
	int fd = side_load(s, insns, ARRAY_SIZE(insns), NULL, 0);

	if (fd >= 0)
		side_run(s, fd, &nothing, &r);
	side_unload(s, fd);
	return fd >= 0 && r.faults;
}

/* A map with the format, as the verifier wants it: read-only for programs, and frozen. */
static int format_map(struct side *s)
{
	union bpf_attr attr = {.map_type = BPF_MAP_TYPE_ARRAY,
			       .key_size = 4,
			       .value_size = FORMAT_SIZE,
			       .max_entries = 1,
			       .map_flags = BPF_F_RDONLY_PROG};
	char format[FORMAT_SIZE] = FORMAT;
	uint32_t key = 0;
	int fd = (int)kernel_bpf(s->k, BPF_MAP_CREATE, &attr, sizeof(attr));

	UA_FAIL_IF(fd < 0, fd);
	attr = (union bpf_attr){
		.map_fd = (uint32_t)fd, .key = (uintptr_t)&key, .value = (uintptr_t)format};
	kernel_bpf(s->k, BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr));
	attr = (union bpf_attr){.map_fd = (uint32_t)fd};
	kernel_bpf(s->k, BPF_MAP_FREEZE, &attr, sizeof(attr));
	return fd;
}

/* What a program gets that prints "1" to its output; 0 if there is no way to print. */
static int print_result(struct side *s)
{
	const struct btf *btf = s->k->ops->vmlinux_btf(s->k);
	uint32_t func = btf ? btf_find(btf, "bpf_stream_vprintk_impl", BTF_KIND_FUNC) : 0;
	int map = format_map(s);
	const struct bpf_insn insns[] = {
		INSN(BPF_ST | BPF_MEM | BPF_DW, 10, 0, -8, 1),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 1, 0, 0, UA_STDOUT),
		INSN(BPF_LD | BPF_IMM | BPF_DW, 2, BPF_PSEUDO_MAP_VALUE, 0, map),
		INSN(0, 0, 0, 0, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 3, 10, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, 3, 0, 0, -8),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 4, 0, 0, 8),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 5, 0, 0, 0),
		INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, (int32_t)func),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	union bpf_attr load = {.prog_type = BPF_PROG_TYPE_SYSCALL,
			       .prog_flags = BPF_F_SLEEPABLE,
			       .insn_cnt = ARRAY_SIZE(insns),
			       .insns = (uintptr_t)insns,
			       .license = (uintptr_t)"GPL"};
	union bpf_attr run = {0};
	int fd = func && map >= 0 ? (int)kernel_bpf(s->k, BPF_PROG_LOAD, &load, sizeof(load)) : -1;

	if (fd >= 0) {
		run.test.prog_fd = (uint32_t)fd;
		kernel_bpf(s->k, BPF_PROG_TEST_RUN, &run, sizeof(run));
	}
	side_unload(s, fd);
	side_unload(s, map);
	return (int)run.test.retval;
}

int streams_probe(enum stream_state *state)
{
	struct side s;
	int err = side_open(&s, SIDE_LINUX);

	if (err) {
		if (err != -EPERM)
			printf("%s: no fixture: %s\n", side_names[SIDE_LINUX], strerror(-err));
		return err;
	}
	if (hole_is_reported(&s))
		*state = STREAMS_WORK;
	else
		*state = print_result(&s) == -ENOMEM ? STREAMS_NO_MEMORY : STREAMS_NO_REPORTS;
	side_close(&s);
	return 0;
}
