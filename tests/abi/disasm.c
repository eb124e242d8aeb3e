/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The disassembler against a table of texts, and the table against the verifier log of the
 * running kernel where it lets us load programs.
 */
#include <sys/syscall.h>
#include <unistd.h>
#include <inttypes.h>
#include "abi/bpf.h"
#include "abi/disasm.h"
#include "base/base.h"

#define I(c, d, s, o, i) {.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i)}
#define A64(op, src) (BPF_ALU64 | (op) | (src))
#define A32(op, src) (BPF_ALU | (op) | (src))

enum { ANYWHERE, NOT_LOADABLE };

/* Runs in order in the kernel: r6 is the context, r10-8 a slot that holds a scalar. */
static const struct line {
	struct bpf_insn insn;
	const char *text;
	int where;
} lines[] = {
	{I(A64(BPF_MOV, BPF_X), 6, 1, 0, 0), "(bf) r6 = r1"},
	{I(A64(BPF_MOV, BPF_K), 0, 0, 0, 5), "(b7) r0 = 5"},
	{I(A64(BPF_MOV, BPF_K), 2, 0, 0, -7), "(b7) r2 = -7"},
	{I(A32(BPF_MOV, BPF_K), 3, 0, 0, -1), "(b4) w3 = -1"},
	{I(A32(BPF_MOV, BPF_X), 4, 3, 0, 0), "(bc) w4 = w3"},
	{I(A64(BPF_ADD, BPF_K), 0, 0, 0, 12), "(07) r0 += 12"},
	{I(A64(BPF_ADD, BPF_X), 0, 2, 0, 0), "(0f) r0 += r2"},
	{I(A32(BPF_SUB, BPF_X), 0, 2, 0, 0), "(1c) w0 -= w2"},
	{I(A64(BPF_MUL, BPF_K), 0, 0, 0, 3), "(27) r0 *= 3"},
	{I(A64(BPF_DIV, BPF_X), 0, 2, 0, 0), "(3f) r0 /= r2"},
	{I(A64(BPF_DIV, BPF_X), 0, 2, 1, 0), "(3f) r0 s/= r2"},
	{I(A32(BPF_MOD, BPF_K), 0, 0, 0, 7), "(94) w0 %= 7"},
	{I(A32(BPF_MOD, BPF_K), 0, 0, 1, 7), "(94) w0 s%= 7"},
	{I(A64(BPF_OR, BPF_X), 0, 2, 0, 0), "(4f) r0 |= r2"},
	{I(A64(BPF_AND, BPF_K), 0, 0, 0, 255), "(57) r0 &= 255"},
	{I(A32(BPF_XOR, BPF_X), 0, 2, 0, 0), "(ac) w0 ^= w2"},
	{I(A64(BPF_LSH, BPF_K), 0, 0, 0, 4), "(67) r0 <<= 4"},
	{I(A32(BPF_RSH, BPF_K), 0, 0, 0, 4), "(74) w0 >>= 4"},
	{I(A64(BPF_ARSH, BPF_K), 0, 0, 0, 4), "(c7) r0 s>>= 4"},
	{I(A64(BPF_NEG, BPF_K), 0, 0, 0, 0), "(87) r0 = -r0"},
	{I(A32(BPF_NEG, BPF_K), 0, 0, 0, 0), "(84) w0 = -w0"},
	{I(A32(BPF_END, BPF_TO_BE), 0, 0, 0, 16), "(dc) r0 = be16 r0"},
	{I(A32(BPF_END, BPF_TO_LE), 0, 0, 0, 64), "(d4) r0 = le64 r0"},
	{I(A64(BPF_END, BPF_TO_LE), 0, 0, 0, 32), "(d7) r0 = bswap32 r0"},
	{I(A64(BPF_MOV, BPF_X), 0, 2, 8, 0), "(bf) r0 = (s8)r2"},
	{I(A64(BPF_MOV, BPF_X), 0, 2, 32, 0), "(bf) r0 = (s32)r2"},
	{I(A32(BPF_MOV, BPF_X), 0, 2, 16, 0), "(bc) w0 = (s16)w2"},
	{I(BPF_ST | BPF_MEM | BPF_DW, 10, 0, -8, 42), "(7a) *(u64 *)(r10 -8) = 42"},
	{I(BPF_STX | BPF_MEM | BPF_B, 10, 2, -8, 0), "(73) *(u8 *)(r10 -8) = r2"},
	{I(BPF_STX | BPF_MEM | BPF_DW, 10, 2, -8, 0), "(7b) *(u64 *)(r10 -8) = r2"},
	{I(BPF_LDX | BPF_MEM | BPF_W, 0, 6, 16, 0), "(61) r0 = *(u32 *)(r6 +16)"},
	{I(BPF_LDX | BPF_MEM | BPF_H, 0, 10, -8, 0), "(69) r0 = *(u16 *)(r10 -8)"},
	{I(BPF_LDX | BPF_MEMSX | BPF_H, 0, 10, -8, 0), "(89) r0 = *(s16 *)(r10 -8)"},
	{I(BPF_LDX | BPF_MEMSX | BPF_W, 0, 10, -8, 0), "(81) r0 = *(s32 *)(r10 -8)"},
	{I(BPF_STX | BPF_ATOMIC | BPF_DW, 10, 2, -8, BPF_ADD), "(db) lock *(u64 *)(r10 -8) += r2"},
	{I(BPF_STX | BPF_ATOMIC | BPF_W, 10, 2, -8, BPF_AND), "(c3) lock *(u32 *)(r10 -8) &= r2"},
	{I(BPF_STX | BPF_ATOMIC | BPF_DW, 10, 2, -8, BPF_ADD | BPF_FETCH),
	 "(db) r2 = atomic64_fetch_add((u64 *)(r10 -8), r2)"},
	{I(BPF_STX | BPF_ATOMIC | BPF_W, 10, 2, -8, BPF_OR | BPF_FETCH),
	 "(c3) r2 = atomic_fetch_or((u32 *)(r10 -8), r2)"},
	{I(BPF_STX | BPF_ATOMIC | BPF_DW, 10, 2, -8, BPF_XCHG),
	 "(db) r2 = atomic64_xchg((u64 *)(r10 -8), r2)"},
	{I(BPF_STX | BPF_ATOMIC | BPF_W, 10, 2, -8, BPF_CMPXCHG),
	 "(c3) r0 = atomic_cmpxchg((u32 *)(r10 -8), r0, r2)"},
	{I(BPF_STX | BPF_ATOMIC | BPF_H, 0, 10, -8, BPF_LOAD_ACQ),
	 "(cb) r0 = load_acquire((u16 *)(r10 -8))"},
	{I(BPF_STX | BPF_ATOMIC | BPF_DW, 10, 2, -8, BPF_STORE_REL),
	 "(db) store_release((u64 *)(r10 -8), r2)"},
	{I(BPF_LD | BPF_IMM | BPF_DW, 2, 0, 0, 0x55667788), "(18) r2 = 0x1122334455667788"},
	{I(0, 0, 0, 0, 0x11223344), NULL},
	{I(BPF_LD | BPF_ABS | BPF_B, 0, 0, 0, 3), "(30) r0 = *(u8 *)skb[3]"},
	{I(A64(BPF_MOV, BPF_K), 7, 0, 0, 1), "(b7) r7 = 1"},
	{I(BPF_LD | BPF_IND | BPF_W, 0, 7, 0, 2), "(40) r0 = *(u32 *)skb[r7 + 2]"},
	{I(BPF_JMP | BPF_JCOND, 0, 0, 0, 0), "(e5) may_goto pc+0"},
	{I(BPF_JMP | BPF_CALL, 0, 0, 0, 5), "(85) call bpf_ktime_get_ns#5"},
	{I(BPF_JMP | BPF_CALL, 0, 0, 0, 7), "(85) call bpf_get_prandom_u32#7"},
	{I(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 0, 16), "(15) if r0 == 0x10 goto pc+0"},
	{I(BPF_JMP32 | BPF_JSGT | BPF_K, 0, 0, 0, -2), "(66) if w0 s> 0xfffffffe goto pc+0"},
	{I(BPF_JMP | BPF_JSET | BPF_X, 0, 7, 0, 0), "(4d) if r0 & r7 goto pc+0"},
	{I(BPF_JMP32 | BPF_JNE | BPF_X, 0, 7, 0, 0), "(5e) if w0 != w7 goto pc+0"},
	{I(BPF_JMP | BPF_JSLE | BPF_X, 0, 7, 0, 0), "(dd) if r0 s<= r7 goto pc+0"},
	{I(BPF_JMP | BPF_JA, 0, 0, 0, 0), "(05) goto pc+0"},
	{I(BPF_JMP32 | BPF_JA, 0, 0, 0, 0), "(06) gotol pc+0"},
	{I(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 1), "(85) call pc+1"},
	{I(BPF_JMP | BPF_EXIT, 0, 0, 0, 0), "(95) exit"},
	{I(A64(BPF_MOV, BPF_K), 0, 0, 0, 0), "(b7) r0 = 0"},
	{I(BPF_JMP | BPF_EXIT, 0, 0, 0, 0), "(95) exit"},
	{I(A64(BPF_MOV, BPF_X), 1, 2, 1, BPF_CAST_KERN), "(bf) r1 = addr_space_cast(r2, 0, 1)",
	 NOT_LOADABLE},
	{I(A64(BPF_MOV, BPF_X), 1, 2, 1, BPF_CAST_USER), "(bf) r1 = addr_space_cast(r2, 1, 0)",
	 NOT_LOADABLE},
	{I(BPF_LDX | BPF_PROBE_MEM32 | BPF_DW, 1, 2, 8, 0), "(b9) r1 = *(u64 *)(r2 +8)",
	 NOT_LOADABLE},
	{I(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, 77), "(85) call kernel-function#77",
	 NOT_LOADABLE},
	{I(BPF_JMP | BPF_CALL, 0, 0, 0, 99999), "(85) call unknown#99999", NOT_LOADABLE},
	{I(0xff, 0, 0, 0, 0), "BUG_ff", NOT_LOADABLE},
};

static int failures;

static void check_texts(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct bpf_insn two[2] = {lines[i].insn};
		char buf[DISASM_MAX];

		if (!lines[i].text)
			continue;
		if (i + 1 < ARRAY_SIZE(lines))
			two[1] = lines[i + 1].insn;
		disasm_insn(two, NULL, buf, sizeof(buf));
		if (strcmp(buf, lines[i].text)) {
			printf("expected \"%s\", got \"%s\"\n", lines[i].text, buf);
			failures++;
		}
	}
}

static const char *name_call(void *arg, const struct bpf_insn *insn, char *buf, size_t size)
{
	snprintf(buf, size, "%s%d", (const char *)arg, insn->imm);
	return buf;
}

static const char *name_imm(void *arg, const struct bpf_insn *insn, uint64_t imm, char *buf,
			    size_t size)
{
	if (insn->src_reg != BPF_PSEUDO_MAP_FD)
		return NULL;
	snprintf(buf, size, "map[%s:%u]", (const char *)arg, (unsigned)imm);
	return buf;
}

static void check_name(struct bpf_insn insn, const char *expected)
{
	const struct disasm_names names = {.arg = (void *)"n", .call = name_call, .imm = name_imm};
	struct bpf_insn two[2] = {insn};
	char buf[DISASM_MAX];

	disasm_insn(two, &names, buf, sizeof(buf));
	if (strcmp(buf, expected)) {
		printf("expected \"%s\", got \"%s\"\n", expected, buf);
		failures++;
	}
}

/* -1: the kernel does not let us. */
static int kernel_log(char *log, size_t size)
{
	struct bpf_insn insns[ARRAY_SIZE(lines)];
	uint32_t n = 0;
	union bpf_attr attr;
	long fd;

	while (lines[n].where == ANYWHERE) {
		insns[n] = lines[n].insn;
		n++;
	}
	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
	attr.insns = (uintptr_t)insns;
	attr.insn_cnt = n;
	attr.license = (uintptr_t)"GPL";
	attr.log_level = 2;
	attr.log_buf = (uintptr_t)log;
	attr.log_size = (uint32_t)size;
	fd = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	if (fd < 0)
		return -1;
	close((int)fd);
	return 0;
}

static void check_kernel(void)
{
	static char log[1 << 20];

	if (kernel_log(log, sizeof(log))) {
		printf("kernel comparison skipped: %m\n%s\n", log);
		return;
	}
	for (size_t i = 0; lines[i].where == ANYWHERE; i++) {
		char want[DISASM_MAX];

		if (!lines[i].text)
			continue;
		snprintf(want, sizeof(want), "\n%zu: %s", i, lines[i].text);
		if (!strstr(log, want)) {
			printf("the kernel does not print \"%s\"\n", want + 1);
			failures++;
		}
	}
	if (failures)
		printf("%s\n", log);
	printf("compared with the kernel\n");
}

int main(void)
{
	check_texts();
	check_name(lines[0].insn, lines[0].text);
	check_name((struct bpf_insn)I(BPF_JMP | BPF_CALL, 0, 1, 0, 3), "(85) call pcn3");
	check_name((struct bpf_insn)I(BPF_JMP | BPF_CALL, 0, 2, 0, 3), "(85) call n3#3");
	check_name((struct bpf_insn)I(BPF_LD | BPF_IMM | BPF_DW, 1, 1, 0, 9), "(18) r1 = map[n:9]");
	check_name((struct bpf_insn)I(BPF_LD | BPF_IMM | BPF_DW, 1, 0, 0, 9), "(18) r1 = 0x9");
	check_kernel();
	return failures != 0;
}
