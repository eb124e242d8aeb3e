/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The checked mode: what it lets through, what it stops and with which words, and that random
 * programs do no harm.
 */
#include <sys/mman.h>
#include <time.h>
#include "arena/arena.h"
#include "harness.h"

static char last_report[256];
static int questions_left;
static uint64_t region[4];
static bool region_writable;

static void on_report(struct run *run, const char *headline)
{
	snprintf(last_report, sizeof(last_report), "%s", headline);
}

static bool allowed(struct run *run, uint64_t addr, uint32_t size, bool write)
{
	uint64_t at = addr - (uintptr_t)region;

	return at <= sizeof(region) && size <= sizeof(region) - at && (!write || region_writable);
}

static bool call_allowed(struct run *run, const struct op *call, const uint64_t args[5])
{
	return args[0] != 666;
}

static bool go_on(struct run *run)
{
	return questions_left-- > 0;
}

static const struct run_hooks hooks = {
	.report = on_report, .allowed = allowed, .call_allowed = call_allowed, .go_on = go_on};

static uint64_t helper_nothing(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	return 0;
}

/* Calls the callback r1: recursion through the host. */
static uint64_t helper_callback(uint64_t cb, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	int err;

	return interp_call(run_top, (const struct code_func *)(uintptr_t)cb, (uint64_t[5]){0},
			   &err);
}

static const host_fn helpers[] = {[1] = helper_nothing, [2] = helper_callback};

static uint64_t run_checked(const struct bpf_insn *insns, uint32_t n, struct arena *arena,
			    uint64_t r1, int *err)
{
	const struct run template = {.hooks = &hooks};
	struct code *code = code_of(insns, n);
	uint64_t ret;

	code->checked = true;
	code->arena = arena;
	code->helper_fns = helpers;
	code->n_helper_fns = ARRAY_SIZE(helpers);
	last_report[0] = '\0';
	questions_left = 3;
	ret = run_code(code, &template, r1, 0, err);
	code_done(code);
	return ret;
}

#define WILD "ERROR: Invalid memory access: "
#define MAX_PROG 12

/* r1 is the address of `region`; programs end with exit. */
static const struct check {
	const char *what;
	struct bpf_insn insns[MAX_PROG];
	int err;
	const char *report; /* how it begins */
} checks[] = {
	{"low address",
	 {I_MOV(2, 0x1000), I_LDX(BPF_DW, 0, 2, 0)},
	 -EFAULT,
	 WILD "READ of 8 bytes at 0x1000"},
	{"store",
	 {I_MOV(2, 0x1000), I_ST(BPF_W, 2, 4, 1)},
	 -EFAULT,
	 WILD "WRITE of 4 bytes at 0x1004"},
	{"atomic",
	 {I_MOV(2, 0x1000), INSN(BPF_STX | BPF_ATOMIC | BPF_DW, 2, 0, 0, BPF_ADD)},
	 -EFAULT,
	 WILD "WRITE of 8 bytes at 0x1000"},
	{"load acquire",
	 {I_MOV(2, 0x1000), INSN(BPF_STX | BPF_ATOMIC | BPF_H, 0, 2, 0, BPF_LOAD_ACQ)},
	 -EFAULT,
	 WILD "READ of 2 bytes at 0x1000"},
	{"misaligned atomic",
	 {INSN(BPF_STX | BPF_ATOMIC | BPF_W, 10, 0, -6, BPF_ADD)},
	 -EFAULT,
	 WILD "WRITE of 4"},
	{"end of the address space", {I_MOV(2, -4), I_LDX(BPF_DW, 0, 2, 0)}, -EFAULT, WILD "READ"},
	{"wraps round to the stack", {I_MOV(2, -1), I_LDX(BPF_B, 0, 2, 1)}, -EFAULT, WILD "READ"},
	{"whole frame", {I_LDX(BPF_DW, 0, 10, -512), I_STX(BPF_DW, 10, 0, -8)}, 0, ""},
	{"above the frame", {I_LDX(BPF_DW, 0, 10, -4)}, -EFAULT, WILD "READ of 8"},
	{"below the frame", {I_ST(BPF_B, 10, -513, 0)}, -EFAULT, WILD "WRITE of 1"},
	{"the next frame is not live", {I_ST(BPF_B, 10, 0, 0)}, -EFAULT, WILD "WRITE of 1"},
	{"region, read", {I_LDX(BPF_DW, 0, 1, 24)}, 0, ""},
	{"region, end", {I_LDX(BPF_DW, 0, 1, 25)}, -EFAULT, WILD "READ of 8"},
	{"region, write", {I_STX(BPF_DW, 1, 1, 0)}, -EFAULT, WILD "WRITE of 8"},
	{"arena access without one",
	 {INSN(BPF_LDX | BPF_PROBE_MEM32 | BPF_DW, 0, 1, 0, 0)},
	 -EFAULT,
	 "ERROR: Arena access without an arena"},
	{"unknown helper", {I_CALL(3)}, -EFAULT, "ERROR: Call of an unknown function"},
	{"hole in the table of helpers", {I_CALL(0)}, -EFAULT, "ERROR: Call of an unknown"},
	{"negative helper", {I_CALL(-1)}, -EFAULT, "ERROR: Call of an unknown function"},
	{"unknown kfunc", {I_CALL_KFUNC(0)}, -EFAULT, "ERROR: Call of an unknown function"},
	{"refused argument", {I_MOV(1, 666), I_CALL(1)}, -EFAULT, "ERROR: Invalid argument"},
	{"recursion", {I_CALL_LOCAL(-1)}, -EFAULT, "ERROR: Too many nested function calls"},
	{"callbacks recurse",
	 {I_LD64(1, BPF_PSEUDO_FUNC, -1), I_CALL(2)},
	 -EFAULT,
	 "ERROR: Callbacks nest too deep"},
	{"endless loop", {I_JA(-1)}, -ETIMEDOUT, "ERROR: Time limit"},
	{"endless conditional loop", {I_JMP(BPF_JEQ, 0, 0, -1)}, -ETIMEDOUT, "ERROR: Time limit"},
};

static void run_check(const struct check *c)
{
	struct bpf_insn insns[MAX_PROG + 1];
	uint32_t n = 0;
	int err;

	while (n < MAX_PROG && memcmp(&c->insns[n], &(struct bpf_insn){0}, 8)) {
		insns[n] = c->insns[n];
		n++;
		if (insn_is_ldimm64(&c->insns[n - 1])) {
			insns[n] = c->insns[n];
			n++;
		}
	}
	insns[n++] = I_EXIT();
	run_checked(insns, n, NULL, (uintptr_t)region, &err);
	CHECK(err == c->err, "%s: %d", c->what, err);
	CHECK(!strncmp(last_report, c->report, strlen(c->report)) &&
		      !last_report[0] == !c->report[0],
	      "%s: \"%s\"", c->what, last_report);
}

/* A pointer into the caller's frame works, one into a frame that is gone does not. */
static void check_frames(void)
{
	const struct bpf_insn caller[] = {
		I_ST(BPF_DW, 10, -16, 5),
		I_MOVX(1, 10),
		I_CALL_LOCAL(2),
		I_LDX(BPF_DW, 0, 10, -16),
		I_EXIT(),
		I_ST(BPF_DW, 1, -16, 6),
		I_EXIT(),
	};
	const struct bpf_insn gone[] = {I_CALL_LOCAL(2), I_LDX(BPF_DW, 0, 0, -8), I_EXIT(),
					I_MOVX(0, 10), I_EXIT()};
	uint64_t ret;
	int err;

	ret = run_checked(caller, ARRAY_SIZE(caller), NULL, 0, &err);
	CHECK(!err && ret == 6, "%d %" PRIu64, err, ret);
	run_checked(gone, ARRAY_SIZE(gone), NULL, 0, &err);
	CHECK(err == -EFAULT, "%d", err);
}

/* Nothing of the host's or of an earlier frame's memory shows in a fresh frame. */
static void check_stack_is_clean(void)
{
	const struct bpf_insn prog[] = {I_CALL_LOCAL(4), I_MOV(1, 0),
					I_CALL_LOCAL(4), I_LDX(BPF_DW, 1, 10, -256),
					I_JA(4),	 I_ST(BPF_DW, 10, -256, 77),
					I_EXIT(),	 I_LDX(BPF_DW, 0, 10, -256),
					I_EXIT(),	 I_ALUX(BPF_OR, 0, 1),
					I_EXIT()};
	uint64_t ret;
	int err;

	ret = run_checked(prog, ARRAY_SIZE(prog), NULL, 0, &err);
	CHECK(!err && ret == 0, "%d %" PRIu64, err, ret);
}

/* A window in which nothing faults. */
static struct arena_head *window_new(void)
{
	static struct arena_head head;
	uint8_t *p = mmap(NULL, ARENA_MAX_SIZE + ARENA_GUARD_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	head.window = p + ARENA_HALF_GUARD;
	return &head;
}

/* With an arena, small numbers are arena pointers for plain accesses, too. */
static void check_arena(struct arena_head *arena)
{
	const struct bpf_insn prog[] = {
		I_MOV(2, 0x2000),	  I_ST(BPF_DW, 2, -8, 42),
		I_LD64(3, 0, 0xffffffff), I_ST(BPF_B, 3, 1, 7), /* in the guard behind */
		I_LDX(BPF_DW, 0, 2, -8),  I_EXIT(),
	};
	const struct bpf_insn beyond[] = {I_LD64(2, 0, 0x100000000), I_LDX(BPF_DW, 0, 2, 0),
					  I_EXIT()};
	uint64_t ret;
	int err;

	ret = run_checked(prog, ARRAY_SIZE(prog), (struct arena *)arena, 0, &err);
	CHECK(!err && ret == 42 && arena->window[0x2000 - 8] == 42, "%d %" PRIu64, err, ret);
	CHECK(arena->window[1ull << 32] == 7, "the guard behind the window");
	run_checked(beyond, ARRAY_SIZE(beyond), (struct arena *)arena, 0, &err);
	CHECK(err == -EFAULT, "%d", err);
}

/* ---- Random programs ---- */

static uint64_t seed;

static uint32_t random32(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33);
}

/*
 * Probing loads read any host memory by contract; only the verifier may emit them. Atomics may
 * be misaligned in the arena, and systems that trap those across cache lines make them crawl.
 */
static bool wanted(const struct op_info *info, bool with_arena)
{
	return strncmp(info->name, "PLD", 3) && (info->kind != K_ATOMIC || !with_arena);
}

static struct bpf_insn random_insn(uint32_t i, uint32_t n, bool with_arena)
{
	static const int32_t imms[] = {0, 8, 64, -8, 512, INT32_MIN};
	static const int16_t offs[] = {0, 8, -8, -16, -512, 32760, INT16_MIN};
	const struct op_info *info = &op_info[random32() % OP_COUNT];
	struct bpf_insn insn = {.code = info->code,
				.dst_reg = random32() % 11,
				.src_reg = random32() % 11,
				.off = offs[random32() % ARRAY_SIZE(offs)],
				.imm = imms[random32() % ARRAY_SIZE(imms)]};
	int32_t picked = (int32_t)(info->pick & 0xffffff);
	uint32_t target = random32() % n;

	if (!wanted(info, with_arena))
		return I_MOVX(1, 10);
	if (info->kind == K_JA || info->kind == K_JCOND_K || info->kind == K_JCOND_X ||
	    info->kind == K_MAY_GOTO)
		insn.off = (int16_t)(target - i - 1);
	if (info->kind == K_JA || info->kind == K_CALL)
		insn.imm = (int32_t)(target - i - 1);
	if (info->pick >> 24 == PICK_FIELD_SRC)
		insn.src_reg = picked & 15;
	if (info->pick >> 24 == PICK_FIELD_OFF)
		insn.off = (int16_t)picked;
	if (info->pick >> 24 == PICK_FIELD_IMM)
		insn.imm = picked;
	return insn;
}

static void random_program(struct arena_head *arena)
{
	struct bpf_insn insns[64];
	uint32_t n = 4 + random32() % 60, bad;
	bool with_arena = random32() % 2;
	struct code *code;
	const struct run template = {.hooks = &hooks};
	int err;

	for (uint32_t i = 0; i < n; i++) {
		insns[i] = random_insn(i, n, with_arena);
		if (insn_is_ldimm64(&insns[i])) {
			if (insns[i].src_reg != BPF_PSEUDO_FUNC || random32() % 2)
				insns[i].src_reg = 0;
			if (++i < n)
				insns[i] = INSN(0, 0, 0, 0, random32() % 3);
		}
	}
	insns[n - 1] = I_EXIT();
	if (code_from_raw(insns, n, &code, &bad))
		return;
	code->arena = (struct arena *)(with_arena ? arena : NULL);
	code->helper_fns = helpers;
	code->n_helper_fns = 2; /* not the one that takes the argument for a function */
	questions_left = 0;
	run_code(code, &template, (uintptr_t)region, 64, &err);
	code_done(code);
}

int main(int argc, char **argv)
{
	struct arena_head *arena = window_new();
	int n = 0;

	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : (uint64_t)time(NULL);
	printf("seed %" PRIu64 "\n", seed);
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
		run_check(&checks[i]);
	check_frames();
	check_stack_is_clean();
	region_writable = true;
	if (arena)
		check_arena(arena);
	for (time_t end = time(NULL) + 2; arena && time(NULL) < end; n++)
		random_program(arena);
	printf("%d random programs\n", n);
	return failures != 0;
}
