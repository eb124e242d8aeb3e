/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every operation in every operand shape against the model, on edge values and random ones, in
 * both modes of the interpreter and compiled.
 */
#include <time.h>
#include "arena/arena.h"
#include "harness.h"
#include "model.h"

static const uint64_t edges[] = {
	0,
	1,
	2,
	7,
	31,
	32,
	63,
	64,
	0x7f,
	0x80,
	0xff,
	0x7fff,
	0x8000,
	0xffff,
	0x7fffffff,
	0x80000000,
	0xffffffff,
	0x100000000,
	0x1122334455667788,
	0x7fffffffffffffff,
	0x8000000000000000,
	0xffffffff00000000,
	0xffffffff80000000,
	0xfffffffffffffffe,
	0xffffffffffffffff,
};

static uint64_t seed;

static uint64_t random64(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return seed ^ seed >> 29;
}

/* Values for operand number i: the edges first, then random ones of random width. */
static uint64_t value(size_t i)
{
	return i < ARRAY_SIZE(edges) ? edges[i] : random64() >> (random64() & 63);
}
#define N_VALUES (ARRAY_SIZE(edges) + 15)

static uint64_t run_two(struct code *code, uint64_t a, uint64_t b)
{
	int err;
	uint64_t ret = run_code(code, NULL, a, b, &err);

	CHECK(!err, "stopped: %d", err);
	return ret;
}

static void compare(const struct op_info *info, const struct bpf_insn *insn, uint64_t a, uint64_t b,
		    uint64_t got, uint64_t want)
{
	CHECK(got == want,
	      "%s r%d r%d off %d imm %d of %#" PRIx64 ", %#" PRIx64 ": got %#" PRIx64
	      ", expected %#" PRIx64,
	      info->name, insn->dst_reg, insn->src_reg, insn->off, insn->imm, a, b, got, want);
}

static struct bpf_insn insn_of(const struct op_info *info)
{
	struct bpf_insn insn = {.code = info->code};
	int32_t v = (int32_t)(info->pick & 0xffffff);

	switch (info->pick >> 24) {
	case PICK_FIELD_SRC:
		insn.src_reg = (uint8_t)v & 15;
		break;
	case PICK_FIELD_OFF:
		insn.off = (int16_t)v;
		break;
	case PICK_FIELD_IMM:
		insn.imm = v;
		break;
	}
	return insn;
}

/* ---- Arithmetic and jumps: dst and src come in as arguments ---- */

static void check_alu(const struct op_info *info, struct bpf_insn insn)
{
	const struct bpf_insn prog[] = {I_MOVX(insn.dst_reg, 1), I_MOVX(insn.src_reg, 2), insn,
					I_MOVX(0, insn.dst_reg), I_EXIT()};
	bool same = insn.dst_reg == insn.src_reg;
	struct code *code = code_of(prog, ARRAY_SIZE(prog));

	for (size_t i = 0; i < N_VALUES; i++) {
		for (size_t j = 0; j < N_VALUES; j++) {
			uint64_t a = value(i), b = value(j);
			uint64_t want = model_alu(&insn, same ? b : a, b);

			compare(info, &insn, a, b, run_two(code, a, b), want);
		}
	}
	code_done(code);
}

static void check_jump(const struct op_info *info, struct bpf_insn insn)
{
	bool same = insn.dst_reg == insn.src_reg;

	if (info->code == (BPF_JMP32 | BPF_JA))
		insn.imm = 1;
	else
		insn.off = 1;
	const struct bpf_insn prog[] = {I_MOVX(insn.dst_reg, 1),
					I_MOVX(insn.src_reg, 2),
					I_MOV(0, 7),
					insn,
					I_MOV(0, 8),
					I_EXIT()};
	struct code *code = code_of(prog, ARRAY_SIZE(prog));

	for (size_t i = 0; i < N_VALUES; i++) {
		for (size_t j = 0; j < N_VALUES; j++) {
			uint64_t a = value(i), b = value(j);
			uint64_t want = model_taken(&insn, same ? b : a, b) ? 7 : 8;

			compare(info, &insn, a, b, run_two(code, a, b), want);
		}
	}
	code_done(code);
}

static const uint8_t pairs[][2] = {{6, 7}, {9, 3}, {3, 9}, {8, 8}};

static void check_scalar(const struct op_info *info)
{
	bool jump = info->kind == K_JCOND_K || info->kind == K_JCOND_X || info->kind == K_JA;
	bool imm = info->kind == K_ALU_K || info->kind == K_JCOND_K;

	for (size_t p = 0; p < ARRAY_SIZE(pairs); p++) {
		struct bpf_insn insn = insn_of(info);

		insn.dst_reg = pairs[p][0] & 15;
		insn.src_reg = pairs[p][1] & 15;
		for (size_t i = 0; i < (imm ? N_VALUES : 1); i++) {
			if (imm)
				insn.imm = (int32_t)value(i);
			if (jump)
				check_jump(info, insn);
			else
				check_alu(info, insn);
			if (imm && p) /* all immediates with one pair of registers are enough */
				break;
		}
	}
}

/* ---- Memory: r7 points into a buffer, or r7 is the offset in the arena ---- */

#define BUF_SIZE 64

struct mem_case {
	struct bpf_insn insn;
	uint64_t operand, r0;
	int align;
	bool arena;
};

static uint8_t buffer[BUF_SIZE] __attribute__((aligned(16)));

static uint64_t mem_args[4]; /* address, r0, other operand in, other operand out */

static bool within(uint64_t addr, uint32_t size, const void *start, size_t len)
{
	uint64_t at = addr - (uintptr_t)start;

	return at <= len && size <= len - at;
}

static bool buffer_allowed(struct run *run, uint64_t addr, uint32_t size, bool write)
{
	return within(addr, size, buffer, sizeof(buffer)) ||
	       within(addr, size, mem_args, sizeof(mem_args));
}

static uint64_t run_mem(const struct mem_case *c, uint64_t *operand_after)
{
	static struct arena_head arena;
	static const struct run_hooks hooks = {.allowed = buffer_allowed};
	const struct run template = {.hooks = &hooks};
	uint8_t other = c->insn.dst_reg == 7 ? c->insn.src_reg : c->insn.dst_reg;
	uint64_t at = (uint64_t)(c->align - c->insn.off);
	uint64_t ret;
	const struct bpf_insn prog[] = {I_LDX(BPF_DW, 7, 1, 0),
					I_LDX(BPF_DW, 0, 1, 8),
					I_MOVX(8, 1),
					I_LDX(BPF_DW, other, 1, 16),
					c->insn,
					I_STX(BPF_DW, 8, other, 24),
					I_EXIT()};
	struct code *code = code_of(prog, ARRAY_SIZE(prog));
	int err;

	arena.window = buffer;
	code->arena = c->arena ? (struct arena *)&arena : NULL;
	/* Only the low half of an arena pointer counts. */
	mem_args[0] = at + (c->arena ? 0x1234500000000000 : (uintptr_t)buffer);
	mem_args[1] = c->r0;
	mem_args[2] = c->operand;
	ret = run_code(code, &template, (uintptr_t)mem_args, 0, &err);
	CHECK(!err, "stopped: %d", err);
	*operand_after = mem_args[3];
	code_done(code);
	return ret;
}

static void check_mem_case(const struct op_info *info, const struct mem_case *c)
{
	uint8_t before[BUF_SIZE], want[BUF_SIZE];
	uint64_t regs[11] = {0}, r0, operand;
	uint8_t other = c->insn.dst_reg == 7 ? c->insn.src_reg : c->insn.dst_reg;

	for (int i = 0; i < BUF_SIZE; i++)
		before[i] = (uint8_t)random64();
	if (c->insn.imm == BPF_CMPXCHG && random64() % 2)
		model_write(before + c->align, 8, c->r0);
	memcpy(want, before, BUF_SIZE);
	memcpy(buffer, before, BUF_SIZE);
	regs[0] = c->r0;
	regs[other] = c->operand;
	model_mem(&c->insn, want + c->align, regs);
	r0 = run_mem(c, &operand);
	compare(info, &c->insn, c->r0, c->operand, r0, regs[0]);
	compare(info, &c->insn, c->r0, c->operand, operand, regs[other]);
	CHECK(!memcmp(buffer, want, BUF_SIZE), "%s changed memory otherwise than expected",
	      info->name);
}

static void check_mem(const struct op_info *info)
{
	static const int offs[] = {0, 5, -3, 32767, -32768};
	bool load = info->kind == K_LDX || info->kind == K_LDACQ;

	for (size_t i = 0; i < 4 * ARRAY_SIZE(offs); i++) {
		struct mem_case c = {
			.insn = insn_of(info), .operand = value(i), .r0 = value(i + 3)};

		c.arena = strstr(info->text, "arena") || !strncmp(info->name, "AA_", 3);
		c.insn.off = (int16_t)offs[i % ARRAY_SIZE(offs)];
		/* Plain atomics are aligned, all else is not always. */
		c.align = info->kind == K_ATOMIC && !c.arena ? (int)(i % 3) * 8 : (int)(i % 9) + 8;
		c.insn.dst_reg = load ? 6 : 7;
		c.insn.src_reg = load ? 7 : 6;
		if (info->kind == K_ST)
			c.insn.imm = (int32_t)value(i + 5);
		/* An offset in the arena is a 32-bit number: keep the sum in the buffer. */
		if (c.arena && c.insn.off > c.align)
			c.insn.off = (int16_t)(c.align - 1);
		check_mem_case(info, &c);
	}
}

static void check_cast(const struct op_info *info)
{
	static const int directions[] = {BPF_CAST_KERN, BPF_CAST_USER};

	for (int i = 0; i < 4; i++) {
		struct bpf_insn insn = insn_of(info);
		bool no_conv = i / 2;

		insn.dst_reg = 3;
		insn.src_reg = 2;
		insn.imm = directions[i % 2];
		const struct bpf_insn prog[] = {insn, I_MOVX(0, 3), I_EXIT()};
		struct code *code = code_of(prog, ARRAY_SIZE(prog));

		code->user_hi = 0x7fab;
		code->no_user_conv = no_conv;
		for (size_t j = 0; j < N_VALUES; j++) {
			uint64_t v = value(j), want = (uint32_t)v;

			if (insn.imm == BPF_CAST_USER && !no_conv && want)
				want |= 0x7fabull << 32;
			compare(info, &insn, 0, v, run_two(code, 0, v), want);
		}
		code_done(code);
	}
}

static void check_ldimm64(const struct op_info *info)
{
	for (size_t j = 0; j < N_VALUES; j++) {
		uint64_t v = value(j);
		const struct bpf_insn prog[] = {I_LD64(0, 0, v), I_EXIT()};
		uint64_t got = RUN(prog);

		compare(info, &prog[0], 0, v, got, v);
	}
}

/* False: tests/interp/calls.c and others have it. */
static bool check_op(const struct op_info *info)
{
	switch (info->kind) {
	case K_ALU_K:
	case K_ALU_X:
	case K_UNARY:
	case K_MOVSX:
	case K_JA:
	case K_JCOND_K:
	case K_JCOND_X:
		check_scalar(info);
		return true;
	case K_LDX:
	case K_ST:
	case K_STX:
	case K_ATOMIC:
	case K_LDACQ:
	case K_STREL:
		check_mem(info);
		return true;
	case K_CAST:
		check_cast(info);
		return true;
	case K_LDIMM64:
		check_ldimm64(info);
		return true;
	default:
		return false;
	}
}

int main(int argc, char **argv)
{
	int n = 0;

	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : (uint64_t)time(NULL);
	printf("seed %" PRIu64 "\n", seed);
	for (int m = 0; m < (jit_available() ? MODE_JIT + 1 : MODE_JIT); m++) {
		mode = (enum mode)m;
		for (int op = 0; op < OP_COUNT && failures < 20; op++)
			n += check_op(&op_info[op]);
		printf("mode %d: %d operations of %d\n", m, n, OP_COUNT);
		n = 0;
	}
	printf("%d programs were left to the interpreter\n", jit_refused);
	return failures != 0;
}
