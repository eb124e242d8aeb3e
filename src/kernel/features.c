/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Feature probes, the same for both sides of the seam.
 *
 * An instruction is probed inside a program that gives it a value in r1 and memory behind r2:
 * the stack, or an arena. Functions and types are looked up in the side's BTF.
 */
#include "kernel/features.h"

#include "base/base.h"
#include "btf/btf.h"
#include "kernel/kernel.h"

#define USER_START (1ull << 44)

enum probe {
	PROBE_ARENA,	  /* the map itself */
	PROBE_ARENA_FLAG, /* with a flag */
	PROBE_INSN,	  /* on the stack */
	PROBE_ARENA_INSN, /* on the arena */
	PROBE_FUNC,	  /* in the BTF */
	PROBE_TYPE,
	PROBE_CMD,
	PROBE_FAR_OFFSET, /* address of an arena variable beyond 512 MiB */
	PROBE_NOSLEEP,	  /* page allocation where a program must not sleep */
	PROBE_LOOP,	  /* a loop that may_goto bounds */
	PROBE_TIMED,	  /* a loop does not end after the 8388608 rounds of untimed ones */
	PROBE_ARENA_ARGS, /* a kfunc parameter is marked as arena pointer */
};

#define INSN(c, d, s, o, i) {.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i)}

static const struct feature {
	const char *name, *text;
	enum probe probe;
	struct bpf_insn insn;
	const char *symbol;
	int number; /* flag or command */
} features[] = {
	{"arena", "arena maps", PROBE_ARENA},
	{"segv_on_fault", "arenas that user accesses do not populate", PROBE_ARENA_FLAG,
	 .number = BPF_F_SEGV_ON_FAULT},
	{"addr_space_cast", "casts between arena and user pointers", PROBE_ARENA_INSN,
	 INSN(BPF_ALU64 | BPF_MOV | BPF_X, 1, 2, BPF_ADDR_SPACE_CAST, BPF_CAST_USER)},
	{"arena_load", "loads from the arena", PROBE_ARENA_INSN,
	 INSN(BPF_LDX | BPF_MEM | BPF_DW, 1, 2, 0, 0)},
	{"arena_store", "stores to the arena", PROBE_ARENA_INSN,
	 INSN(BPF_STX | BPF_MEM | BPF_DW, 2, 1, 0, 0)},
	{"arena_memsx", "sign-extending loads from the arena", PROBE_ARENA_INSN,
	 INSN(BPF_LDX | BPF_MEMSX | BPF_W, 1, 2, 0, 0)},
	{"arena_atomic", "atomics on the arena", PROBE_ARENA_INSN,
	 INSN(BPF_STX | BPF_ATOMIC | BPF_DW, 2, 1, 0, BPF_ADD | BPF_FETCH)},
	{"arena_load_acquire", "load-acquire from the arena", PROBE_ARENA_INSN,
	 INSN(BPF_STX | BPF_ATOMIC | BPF_DW, 1, 2, 0, BPF_LOAD_ACQ)},
	{"arena_store_release", "store-release to the arena", PROBE_ARENA_INSN,
	 INSN(BPF_STX | BPF_ATOMIC | BPF_DW, 2, 1, 0, BPF_STORE_REL)},
	{"arena_far_globals", "arena variables beyond 512 MiB, placed at the end",
	 PROBE_FAR_OFFSET},
	{"arena_alloc_pages", "page allocation in sleepable programs", PROBE_FUNC,
	 .symbol = "bpf_arena_alloc_pages"},
	{"arena_alloc_nosleep", "page allocation in any program", PROBE_NOSLEEP,
	 .symbol = "bpf_arena_alloc_pages"},
	{"arena_reserve_pages", "reserved address ranges", PROBE_FUNC,
	 .symbol = "bpf_arena_reserve_pages"},
	{"arena_args", "built-in kfuncs that take arena pointers", PROBE_ARENA_ARGS},
	{"streams", "program streams", PROBE_CMD, .number = BPF_PROG_STREAM_READ_BY_FD},
	{"stream_print_stack", "stack dumps into a stream", PROBE_FUNC,
	 .symbol = "bpf_stream_print_stack"},
	{"may_goto", "loops bounded at run time", PROBE_LOOP},
	{"timed_may_goto", "loops bounded by time, not by count", PROBE_TIMED},
	{"load_acquire", "load-acquire", PROBE_INSN,
	 INSN(BPF_STX | BPF_ATOMIC | BPF_DW, 1, 2, 0, BPF_LOAD_ACQ)},
	{"store_release", "store-release", PROBE_INSN,
	 INSN(BPF_STX | BPF_ATOMIC | BPF_DW, 2, 1, 0, BPF_STORE_REL)},
	{"memsx", "sign-extending loads", PROBE_INSN,
	 INSN(BPF_LDX | BPF_MEMSX | BPF_W, 1, 2, 0, 0)},
	{"movsx", "sign-extending moves", PROBE_INSN,
	 INSN(BPF_ALU64 | BPF_MOV | BPF_X, 1, 1, 8, 0)},
	{"sdiv", "signed division", PROBE_INSN, INSN(BPF_ALU64 | BPF_DIV | BPF_X, 1, 1, 1, 0)},
	{"bswap", "unconditional byte swaps", PROBE_INSN, INSN(BPF_ALU64 | BPF_END, 1, 0, 0, 64)},
	{"gotol", "32-bit jump offsets", PROBE_INSN, INSN(BPF_JMP32 | BPF_JA, 0, 0, 0, 0)},
	{"res_spin_lock", "locks that detect deadlocks", PROBE_FUNC, .symbol = "bpf_res_spin_lock"},
	{"sched_ext", "schedulers as struct_ops", PROBE_TYPE, .symbol = "sched_ext_ops"},
	{"assoc_struct_ops", "programs associated with a struct_ops map", PROBE_CMD,
	 .number = BPF_PROG_ASSOC_STRUCT_OPS},
};

size_t kernel_feature_count(void)
{
	return ARRAY_SIZE(features);
}

const char *kernel_feature_name(size_t i)
{
	return features[i].name;
}

const char *kernel_feature_text(size_t i)
{
	return features[i].text;
}

/* -- Maps and programs to try with -------------------------------------------- */

static int arena_new(struct kernel *k, uint32_t pages, uint32_t flags)
{
	union bpf_attr attr = {.map_type = BPF_MAP_TYPE_ARENA,
			       .max_entries = pages,
			       .map_flags = BPF_F_MMAPABLE | flags,
			       .map_extra = USER_START};

	return (int)kernel_bpf(k, BPF_MAP_CREATE, &attr, sizeof(attr));
}

static bool may_ask(struct kernel *k)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
	int fd = (int)kernel_bpf(k, BPF_MAP_CREATE, &attr, sizeof(attr));

	if (fd >= 0)
		k->ops->close(k, fd);
	return fd != -EPERM;
}

static int load(struct kernel *k, const struct bpf_insn *insns, uint32_t n, bool sleepable)
{
	union bpf_attr attr = {.prog_type =
				       sleepable ? BPF_PROG_TYPE_SYSCALL : BPF_PROG_TYPE_SCHED_CLS,
			       .insns = (uintptr_t)insns,
			       .insn_cnt = n,
			       .license = (uintptr_t)"Dual BSD/GPL",
			       .prog_flags = sleepable ? BPF_F_SLEEPABLE : 0};

	return (int)kernel_bpf(k, BPF_PROG_LOAD, &attr, sizeof(attr));
}

static int loads(struct kernel *k, const struct bpf_insn *insns, uint32_t n, bool sleepable)
{
	int fd = load(k, insns, n, sleepable);

	if (fd >= 0)
		k->ops->close(k, fd);
	return fd >= 0;
}

#define MOV_K(reg, k) INSN(BPF_ALU64 | BPF_MOV | BPF_K, reg, 0, 0, k)
#define EXIT_0 MOV_K(0, 0), INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

static int try_on_stack(struct kernel *k, const struct bpf_insn *insn)
{
	const struct bpf_insn prog[] = {
		MOV_K(1, 1),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 2, 10, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, -8),
		INSN(BPF_ST | BPF_MEM | BPF_DW, 2, 0, 0, 0),
		*insn,
		EXIT_0,
	};

	return loads(k, prog, ARRAY_SIZE(prog), true);
}

static int try_on_arena(struct kernel *k, const struct bpf_insn *insn)
{
	int fd = arena_new(k, 1, 0), ok;
	const struct bpf_insn prog[] = {
		INSN(BPF_LD | BPF_IMM | BPF_DW, 3, BPF_PSEUDO_MAP_FD, 0, fd),
		INSN(0, 0, 0, 0, 0),
		MOV_K(1, 1),
		MOV_K(2, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 2, 2, BPF_ADDR_SPACE_CAST, BPF_CAST_KERN),
		*insn,
		EXIT_0,
	};

	if (fd < 0)
		return 0;
	ok = loads(k, prog, ARRAY_SIZE(prog), true);
	k->ops->close(k, fd);
	return ok;
}

static int try_loop(struct kernel *k, bool timed)
{
	static const struct bpf_insn prog[] = {
		MOV_K(0, 0),
		INSN(BPF_JMP | BPF_JCOND, 0, BPF_MAY_GOTO, 2, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, 0, 0, 0, 1),
		INSN(BPF_JMP | BPF_JA, 0, 0, -3, 0),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	const uint32_t rounds = 1u << 23;
	union bpf_attr attr = {0};
	int fd = load(k, prog, ARRAY_SIZE(prog), true), ret;

	if (fd < 0)
		return 0;
	if (!timed) {
		k->ops->close(k, fd);
		return 1;
	}
	attr.test.prog_fd = (uint32_t)fd;
	ret = (int)kernel_bpf(k, BPF_PROG_TEST_RUN, &attr, sizeof(attr));
	k->ops->close(k, fd);
	/* Untimed, every machine makes as many rounds; timed, a slow one may make fewer. */
	return !ret && (attr.test.retval < rounds - 1 || attr.test.retval > rounds + 1);
}

static int try_far_offset(struct kernel *k)
{
	int fd = arena_new(k, 1u << 20, 0), ok;
	const struct bpf_insn prog[] = {
		INSN(BPF_LD | BPF_IMM | BPF_DW, 1, BPF_PSEUDO_MAP_VALUE, 0, fd),
		INSN(0, 0, 0, 0, KERNEL_FAR_OFFSET),
		EXIT_0,
	};

	if (fd < 0)
		return 0;
	ok = loads(k, prog, ARRAY_SIZE(prog), true);
	k->ops->close(k, fd);
	return ok;
}

bool kernel_has_far_globals(struct kernel *k)
{
	return kernel_engine(k) || try_far_offset(k);
}

static int try_nosleep(struct kernel *k, uint32_t func)
{
	int fd = arena_new(k, 1, 0), ok;
	const struct bpf_insn prog[] = {
		INSN(BPF_LD | BPF_IMM | BPF_DW, 1, BPF_PSEUDO_MAP_FD, 0, fd),
		INSN(0, 0, 0, 0, 0),
		MOV_K(2, 0),
		MOV_K(3, 1),
		MOV_K(4, -1),
		MOV_K(5, 0),
		INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, (int32_t)func),
		EXIT_0,
	};

	if (fd < 0)
		return 0;
	ok = func && loads(k, prog, ARRAY_SIZE(prog), false);
	k->ops->close(k, fd);
	return ok;
}

/* -- BTF ----------------------------------------------------------------------- */

static uint32_t find(struct kernel *k, const char *name, uint32_t kind)
{
	const struct btf *btf = k->ops->vmlinux_btf(k);

	return btf ? btf_find(btf, name, kind) : 0;
}

static bool is_arena_param(const char *name)
{
	static const char suffix[] = "__arena";
	size_t n = strlen(name), m = sizeof(suffix) - 1;

	return n > m && !strcmp(name + n - m, suffix);
}

static int has_arena_args(struct kernel *k)
{
	const struct btf *btf = k->ops->vmlinux_btf(k);

	for (uint32_t id = 1; btf && id < btf__type_cnt(btf); id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);

		if (!btf_is_func_proto(t))
			continue;
		for (int i = 0; i < btf_vlen(t); i++)
			if (is_arena_param(btf_name(btf, btf_params(t)[i].name_off)))
				return 1;
	}
	return 0;
}

/* A command that exists complains about the descriptor, not about itself. */
static int has_command(struct kernel *k, int cmd)
{
	union bpf_attr attr = {0};

	if (cmd == BPF_PROG_STREAM_READ_BY_FD) {
		attr.prog_stream_read.prog_fd = UINT32_MAX;
	} else {
		attr.prog_assoc_struct_ops.map_fd = UINT32_MAX;
		attr.prog_assoc_struct_ops.prog_fd = UINT32_MAX;
	}
	return kernel_bpf(k, cmd, &attr, sizeof(attr)) == -EBADF;
}

static int try_arena(struct kernel *k, uint32_t flags)
{
	int fd = arena_new(k, 1, flags);

	if (fd >= 0)
		k->ops->close(k, fd);
	return fd >= 0;
}

int kernel_feature_probe(struct kernel *k, size_t i)
{
	const struct feature *f = &features[i];

	switch (f->probe) {
	case PROBE_FUNC:
		return find(k, f->symbol, BTF_KIND_FUNC) != 0;
	case PROBE_TYPE:
		return find(k, f->symbol, BTF_KIND_STRUCT) != 0;
	case PROBE_ARENA_ARGS: /* the engine's come from its host, which has not come yet */
		return kernel_engine(k) ? 1 : has_arena_args(k);
	default:
		break;
	}
	UA_FAIL_IF(!may_ask(k), -EPERM);
	switch (f->probe) {
	case PROBE_INSN:
		return try_on_stack(k, &f->insn);
	case PROBE_ARENA_INSN:
		return try_on_arena(k, &f->insn);
	case PROBE_CMD:
		return has_command(k, f->number);
	case PROBE_LOOP:
		return try_loop(k, false);
	case PROBE_TIMED:
		return try_loop(k, true);
	case PROBE_FAR_OFFSET:
		return try_far_offset(k);
	case PROBE_NOSLEEP:
		return try_nosleep(k, find(k, f->symbol, BTF_KIND_FUNC));
	default:
		return try_arena(k, (uint32_t)f->number);
	}
}
