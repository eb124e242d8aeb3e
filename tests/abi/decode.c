/* SPDX-License-Identifier: BSD-2-Clause */
/* The decoder: what it makes of instructions, what it refuses, functions and lines by slot. */
#include "abi/code.h"
#include "base/base.h"

#define I(c, d, s, o, i) {.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i)}
#define EXIT I(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define NOP I(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0)
#define LD64(src, imm) I(BPF_LD | BPF_IMM | BPF_DW, 1, src, 0, imm), I(0, 0, 0, 0, 0)

static int failures;
#define CHECK(cond, ...)                                     \
	do {                                                 \
		if (!(cond)) {                               \
			printf("%d: %s: ", __LINE__, #cond); \
			printf(__VA_ARGS__);                 \
			printf("\n");                        \
			failures++;                          \
		}                                            \
	} while (0)

#define MAX 8

static const struct refusal {
	const char *what;
	struct bpf_insn insns[MAX];
	uint32_t n, bad;
} refusals[] = {
	{"empty program", {NOP}, 0, 0},
	{"unknown code", {I(0xff, 0, 0, 0, 0), EXIT}, 2, 0},
	{"call through a register", {NOP, I(BPF_JMP | BPF_CALL | BPF_X, 0, 0, 0, 1), EXIT}, 3, 1},
	{"unknown atomic", {I(BPF_STX | BPF_ATOMIC | BPF_DW, 1, 2, 0, 0x77), EXIT}, 2, 0},
	{"atomic of 16 bits", {I(BPF_STX | BPF_ATOMIC | BPF_H, 1, 2, 0, BPF_ADD), EXIT}, 2, 0},
	{"sign extension from 24 bits", {I(BPF_ALU64 | BPF_MOV | BPF_X, 1, 2, 24, 0), EXIT}, 2, 0},
	{"byte swap of 8 bits", {I(BPF_ALU | BPF_END | BPF_TO_BE, 1, 0, 0, 8), EXIT}, 2, 0},
	{"register 11 as destination", {I(BPF_ALU64 | BPF_ADD | BPF_K, 11, 0, 0, 1), EXIT}, 2, 0},
	{"register 15 as source", {I(BPF_ALU64 | BPF_ADD | BPF_X, 1, 15, 0, 0), EXIT}, 2, 0},
	{"register 12 in a jump", {I(BPF_JMP | BPF_JEQ | BPF_X, 1, 12, 0, 0), EXIT}, 2, 0},
	{"jump before the start", {I(BPF_JMP | BPF_JA, 0, 0, -2, 0), EXIT}, 2, 0},
	{"jump behind the end", {I(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1, 0), EXIT}, 2, 0},
	{"long jump behind the end", {I(BPF_JMP32 | BPF_JA, 0, 0, 0, INT32_MAX), EXIT}, 2, 0},
	{"long jump before the start", {I(BPF_JMP32 | BPF_JA, 0, 0, 0, INT32_MIN), EXIT}, 2, 0},
	{"jump into a 64-bit load", {I(BPF_JMP | BPF_JA, 0, 0, 1, 0), LD64(0, 5), EXIT}, 4, 0},
	{"call outside", {I(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 5), EXIT}, 2, 0},
	{"callback outside", {LD64(BPF_PSEUDO_FUNC, -2), EXIT}, 3, 0},
	{"callback in the middle of a load", {LD64(BPF_PSEUDO_FUNC, 0), EXIT}, 3, 0},
	{"half a 64-bit load", {NOP, I(BPF_LD | BPF_IMM | BPF_DW, 1, 0, 0, 1)}, 2, 1},
	{"second half is an instruction",
	 {I(BPF_LD | BPF_IMM | BPF_DW, 1, 0, 0, 1), NOP, EXIT},
	 3,
	 0},
	{"falls off the end", {EXIT, NOP}, 2, 1},
	{"ends in a conditional jump", {EXIT, I(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, -2, 0)}, 2, 1},
};

static void check_refusals(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		struct op ops[MAX];
		uint32_t bad = 99;
		int err = code_decode(refusals[i].insns, refusals[i].n, ops, &bad);

		CHECK(err == -EINVAL && bad == refusals[i].bad, "%s: %d at %u", refusals[i].what,
		      err, bad);
	}
}

/* Every operation of the list decodes to itself from its own code and discriminator. */
static void check_every_op(void)
{
	for (int i = 0; i < OP_COUNT; i++) {
		int32_t value = (int32_t)(op_info[i].pick & 0xffffff);
		struct bpf_insn insn = {.code = op_info[i].code};

		if (op_info[i].pick >> 24 == PICK_FIELD_SRC)
			insn.src_reg = value & 15;
		if (op_info[i].pick >> 24 == PICK_FIELD_OFF)
			insn.off = (int16_t)value;
		if (op_info[i].pick >> 24 == PICK_FIELD_IMM)
			insn.imm = value;
		CHECK((int)opcode_of(&insn) == i, "%s became %d", op_info[i].name,
		      (int)opcode_of(&insn));
	}
}

static void check_fields(void)
{
	static const struct bpf_insn insns[] = {
		I(BPF_JMP | BPF_JSGT | BPF_K, 3, 0, 2, -7),
		I(BPF_LD | BPF_IMM | BPF_DW, 4, 0, 0, (int32_t)0x89abcdef),
		I(0, 0, 0, 0, 0x01234567),
		I(BPF_JMP32 | BPF_JA, 0, 0, 9, -4),
		EXIT,
	};
	struct op ops[ARRAY_SIZE(insns)];
	uint32_t bad;

	CHECK(!code_decode(insns, ARRAY_SIZE(insns), ops, &bad), "slot %u", bad);
	CHECK(ops[0].op == OP_JSGT64_K && ops[0].imm == 3 && ops[0].off == -7 && ops[0].dst == 3,
	      "imm %lld off %d", (long long)ops[0].imm, ops[0].off);
	CHECK(ops[1].imm == 0x0123456789abcdef && ops[2].op == OP_PAD, "%llx",
	      (unsigned long long)ops[1].imm);
	CHECK(ops[3].op == OP_JA32 && ops[3].imm == 0, "%lld", (long long)ops[3].imm);
}

/* main calls f at 5 twice and takes the address of g at 7. */
static void check_functions(void)
{
	static const struct bpf_insn insns[] = {
		I(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 4),
		I(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 3),
		LD64(BPF_PSEUDO_FUNC, 4),
		EXIT,
		NOP,
		EXIT,
		EXIT,
	};
	struct code *code = NULL;
	uint32_t bad;
	int err = code_from_raw(insns, ARRAY_SIZE(insns), &code, &bad);

	CHECK(!err && code->n_funcs == 3 && code->checked, "%d at %u", err, bad);
	if (err)
		return;
	CHECK(code->ops[0].imm == 1 && code->ops[1].imm == 1 && code->ops[2].imm == 2, "indexes");
	CHECK(code->funcs[0].end == 5 && code->funcs[1].start == 5 && code->funcs[1].end == 7 &&
		      code->funcs[2].start == 7 && code->funcs[2].end == 8,
	      "bounds");
	CHECK(code_func_at(code, 4) == &code->funcs[0] &&
		      code_func_at(code, 6) == &code->funcs[1] &&
		      code_func_at(code, 7) == &code->funcs[2] && !code_func_at(code, 8),
	      "lookup");
	code->ops[0].imm = 6; /* not where a function starts */
	CHECK(code_link(code, &bad) == -EINVAL && bad == 0, "slot %u", bad);
	code_free(code);
}

static void check_lines(void)
{
	struct code_line lines[] = {{.idx = 2, .line = 10}, {.idx = 5, .line = 11}};
	struct code code = {.lines = lines, .n_lines = 2};

	CHECK(!code_line_at(&code, 1), "before the first line");
	CHECK(code_line_at(&code, 2) == &lines[0] && code_line_at(&code, 4) == &lines[0], "first");
	CHECK(code_line_at(&code, 5) == &lines[1] && code_line_at(&code, 500) == &lines[1], "last");
	code.n_lines = 0;
	CHECK(!code_line_at(&code, 5), "no lines");
}

/* A failing allocation at every point leaves nothing behind and says so. */
static void check_memory(void)
{
	static const struct bpf_insn insns[] = {EXIT};
	struct code *code;
	uint32_t bad;
	unsigned long n = 1;

	for (;; n++) {
		int err;

		mem_fail_after(n);
		err = code_from_raw(insns, 1, &code, &bad);
		mem_fail_after(0);
		if (!err)
			break;
		CHECK(err == -ENOMEM, "allocation %lu: %d", n, err);
	}
	CHECK(n > 4, "only %lu allocations", n);
	code_free(code);
	code_free(NULL);
}

int main(void)
{
	check_refusals();
	check_every_op();
	check_fields();
	check_functions();
	check_lines();
	check_memory();
	return failures != 0;
}
