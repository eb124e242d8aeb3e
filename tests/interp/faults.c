/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Accesses to what is not there: every arena operation on a hole (registers, report, the
 * program goes on), BTF-pointer loads on a bad address, and a wild plain access in the trusting
 * mode, which must end the program and not the host.
 */
#include <sys/mman.h>
#include "arena/arena.h"
#include "arena/fault.h"
#include "harness.h"

#define USER_START 0x7f0012300000ull
#define SENTINEL 0x1122334455667788ull

static struct {
	int n;
	uint64_t addr;
	bool is_write;
	int64_t idx;
} report;

static void on_violation(struct run *run, uint64_t addr, bool is_write, void *uc, int64_t idx)
{
	report.n++;
	report.addr = addr;
	report.is_write = is_write;
	report.idx = idx;
}

static uint64_t out[2]; /* of a run: r0 and the other operand; in: the address */

static bool out_allowed(struct run *run, uint64_t addr, uint32_t size, bool write)
{
	uint64_t at = addr - (uintptr_t)out;

	return at < sizeof(out) && size <= sizeof(out) - at;
}

static const struct run_hooks hooks = {.allowed = out_allowed};
static const struct run template = {.violation = on_violation, .hooks = &hooks};

static bool is_arena_op(const struct op_info *info)
{
	return strstr(info->text, "arena") || !strncmp(info->name, "AA_", 3);
}

/* Runs one access by r7 with r6 as the other operand. */
static void run_access(struct bpf_insn insn, struct arena *arena, uint64_t addr, int *err)
{
	const struct bpf_insn prog[] = {
		I_MOVX(8, 1), I_LDX(BPF_DW, 7, 1, 0), I_LD64(6, 0, SENTINEL), I_MOVX(0, 6),
		insn,	      I_STX(BPF_DW, 8, 0, 0), I_STX(BPF_DW, 8, 6, 8), I_EXIT()};
	struct code *code = code_of(prog, ARRAY_SIZE(prog));

	out[0] = addr;
	memset(&report, 0, sizeof(report));
	code->arena = arena;
	code->user_hi = (uint32_t)(USER_START >> 32);
	run_code(code, &template, (uintptr_t)out, 0, err);
	code_done(code);
}

static struct bpf_insn insn_of(const struct op_info *info)
{
	bool load = info->kind == K_LDX || info->kind == K_LDACQ;
	struct bpf_insn insn = {.code = info->code,
				.dst_reg = load ? 6 : 7,
				.src_reg = load ? 7 : 6,
				.off = 24,
				.imm = (int32_t)(info->pick & 0xffffff)};

	if (info->kind == K_ST)
		insn.src_reg = 0;
	return insn;
}

static void check_hole(const struct op_info *info, struct arena *arena)
{
	bool load = info->kind == K_LDX || info->kind == K_LDACQ;
	struct bpf_insn insn = insn_of(info);
	bool cmpxchg = info->kind == K_ATOMIC && insn.imm == BPF_CMPXCHG;
	bool fetch = info->kind == K_ATOMIC && (insn.imm & BPF_FETCH) && !cmpxchg;
	int err;

	run_access(insn, arena, USER_START + 0x3000, &err);
	CHECK(!err, "%s: stopped with %d", info->name, err);
	CHECK(report.n == 1 && report.addr == USER_START + 0x3018 && report.idx == 5 &&
		      report.is_write == !load,
	      "%s: %d reports, %#" PRIx64 " %s at %" PRId64, info->name, report.n, report.addr,
	      report.is_write ? "WRITE" : "READ", report.idx);
	CHECK(out[0] == (cmpxchg ? 0 : SENTINEL), "%s: r0 is %#" PRIx64, info->name, out[0]);
	CHECK(out[1] == (load || fetch ? 0 : SENTINEL), "%s: r6 is %#" PRIx64, info->name, out[1]);
	CHECK(arena_populated(arena) == 0, "%s: populated a page", info->name);
}

/* Offsets from pointers near the ends of the window fault in the guards, they do not wrap. */
static void check_guards(struct arena *arena)
{
	static const struct {
		uint64_t low;
		int16_t off;
		uint32_t reported;
	} cases[] = {{0, -8, 0xfffffff8}, {8, INT16_MIN, 0xffff8008}, {0xfffffff8, 16, 8}};
	int err;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		run_access(INSN(BPF_LDX | BPF_PROBE_MEM32 | BPF_DW, 6, 7, cases[i].off, 0), arena,
			   cases[i].low, &err);
		CHECK(!err && report.n == 1 && out[1] == 0 &&
			      (uint32_t)report.addr == cases[i].reported,
		      "case %zu: %d reports, %#" PRIx64, i, report.n, report.addr);
	}
}

static void check_probe(const struct op_info *info, uint64_t addr)
{
	int err;

	run_access(insn_of(info), NULL, addr, &err);
	CHECK(!err && report.n == 0 && out[1] == 0, "%s: %d, %d reports, %#" PRIx64, info->name,
	      err, report.n, out[1]);
}

static void check_wild(const struct op_info *info, uint64_t addr)
{
	int err;

	run_access(insn_of(info), NULL, addr, &err);
	CHECK(err == -EFAULT && report.n == 0, "%s: %d, %d reports", info->name, err, report.n);
}

static bool is_plain_access(const struct op_info *info)
{
	switch (info->kind) {
	case K_LDX:
	case K_ST:
	case K_STX:
	case K_ATOMIC:
	case K_LDACQ:
	case K_STREL:
		return !is_arena_op(info) && strncmp(info->name, "PLD", 3);
	default:
		return false;
	}
}

int main(void)
{
	const struct arena_opts opts = {
		.max_entries = 16, .map_extra = USER_START, .map_flags = 1 << 10};
	struct arena *arena;
	void *gone = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int err = fault_install();

	if (err || fault_thread_attach() || arena_create(&opts, &arena)) {
		printf("no arena on this system\n");
		return 77;
	}
	for (int i = 0; i < (jit_available() ? MODE_JIT + 1 : MODE_JIT) * OP_COUNT; i++) {
		const struct op_info *info = &op_info[i % OP_COUNT];

		mode = (enum mode)(i / OP_COUNT);
		if (is_arena_op(info)) {
			check_hole(info, arena);
		} else if (!strncmp(info->name, "PLD", 3)) {
			check_probe(info, (uintptr_t)gone);
			check_probe(info, 0x8000000000000000); /* not canonical on x86-64 */
		} else if (is_plain_access(info) && mode != MODE_JIT) {
			check_wild(info, (uintptr_t)gone);
			check_wild(info, 0x8000000000000000);
		}
	}
	for (int m = 0; m < (jit_available() ? MODE_JIT + 1 : MODE_JIT); m++) {
		mode = (enum mode)m;
		check_guards(arena);
	}
	printf("%d programs were left to the interpreter\n", jit_refused);
	arena_put(arena);
	return failures != 0;
}
