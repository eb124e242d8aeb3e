/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BPF instruction encoding (RFC 9669) and the internal forms the verifier adds.
 *
 *   bit    63          32 31        16 15    12 11     8 7              0
 *         +--------------+------------+--------+--------+----------------+
 *         |     imm      |    off     |  src   |  dst   |      code      |
 *         +--------------+------------+--------+--------+----------------+
 *
 *   code, memory classes:   mode(3) size(2) class(3)
 *   code, ALU and jumps:    operation(4) source(1) class(3)
 *
 * The constants are the kernel's interface names; sources that use them must not include
 * <linux/bpf.h>, whose version on the build machine may know neither arenas nor streams.
 */
#ifndef UA_ABI_INSN_H
#define UA_ABI_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bpf_insn {
	uint8_t code;
	uint8_t dst_reg : 4;
	uint8_t src_reg : 4;
	int16_t off;
	int32_t imm;
};

#define BPF_CLASS(code) ((code) & 0x07)
#define BPF_LD 0x00
#define BPF_LDX 0x01
#define BPF_ST 0x02
#define BPF_STX 0x03
#define BPF_ALU 0x04
#define BPF_JMP 0x05
#define BPF_JMP32 0x06
#define BPF_ALU64 0x07

#define BPF_SIZE(code) ((code) & 0x18)
#define BPF_W 0x00
#define BPF_H 0x08
#define BPF_B 0x10
#define BPF_DW 0x18

#define BPF_MODE(code) ((code) & 0xe0)
#define BPF_IMM 0x00
#define BPF_ABS 0x20
#define BPF_IND 0x40
#define BPF_MEM 0x60
#define BPF_MEMSX 0x80
#define BPF_ATOMIC 0xc0
/* Modes that only the rewriting pass produces (numbers as in the kernel). */
#define BPF_PROBE_MEM 0x20   /* load through a BTF pointer: a bad address gives 0 */
#define BPF_PROBE_MEMSX 0x40 /* same, sign-extending */
#define BPF_PROBE_MEM32 0xa0 /* arena access: window base + 32-bit register + off */
#define BPF_PROBE_MEM32SX 0xc0
#define BPF_PROBE_ATOMIC 0xe0

#define BPF_OP(code) ((code) & 0xf0)
#define BPF_ADD 0x00
#define BPF_SUB 0x10
#define BPF_MUL 0x20
#define BPF_DIV 0x30
#define BPF_OR 0x40
#define BPF_AND 0x50
#define BPF_LSH 0x60
#define BPF_RSH 0x70
#define BPF_NEG 0x80
#define BPF_MOD 0x90
#define BPF_XOR 0xa0
#define BPF_MOV 0xb0
#define BPF_ARSH 0xc0
#define BPF_END 0xd0

#define BPF_JA 0x00
#define BPF_JEQ 0x10
#define BPF_JGT 0x20
#define BPF_JGE 0x30
#define BPF_JSET 0x40
#define BPF_JNE 0x50
#define BPF_JSGT 0x60
#define BPF_JSGE 0x70
#define BPF_CALL 0x80
#define BPF_EXIT 0x90
#define BPF_JLT 0xa0
#define BPF_JLE 0xb0
#define BPF_JSLT 0xc0
#define BPF_JSLE 0xd0
#define BPF_JCOND 0xe0

#define BPF_SRC(code) ((code) & 0x08)
#define BPF_K 0x00
#define BPF_X 0x08
#define BPF_TO_LE 0x00
#define BPF_TO_BE 0x08

/* imm of BPF_ATOMIC */
#define BPF_FETCH 0x01
#define BPF_XCHG (0xe0 | BPF_FETCH)
#define BPF_CMPXCHG (0xf0 | BPF_FETCH)
#define BPF_LOAD_ACQ 0x100
#define BPF_STORE_REL 0x110

#define BPF_ADDR_SPACE_CAST 1	/* off of BPF_ALU64|BPF_MOV|BPF_X */
#define BPF_CAST_KERN 1		/* imm: address space 1 -> 0 */
#define BPF_CAST_USER (1 << 16) /* imm: address space 0 -> 1 */

#define BPF_MAY_GOTO 0 /* src_reg of BPF_JCOND */

/* src_reg of BPF_LD|BPF_IMM|BPF_DW */
#define BPF_PSEUDO_MAP_FD 1
#define BPF_PSEUDO_MAP_VALUE 2
#define BPF_PSEUDO_BTF_ID 3
#define BPF_PSEUDO_FUNC 4
#define BPF_PSEUDO_MAP_IDX 5
#define BPF_PSEUDO_MAP_IDX_VALUE 6

/* src_reg of BPF_CALL */
#define BPF_PSEUDO_CALL 1
#define BPF_PSEUDO_KFUNC_CALL 2

#define BPF_REG_0 0
#define BPF_REG_1 1
#define BPF_REG_2 2
#define BPF_REG_3 3
#define BPF_REG_4 4
#define BPF_REG_5 5
#define BPF_REG_6 6
#define BPF_REG_7 7
#define BPF_REG_8 8
#define BPF_REG_9 9
#define BPF_REG_10 10
#define BPF_REG_FP BPF_REG_10
#define MAX_BPF_REG 11

#define MAX_BPF_STACK 512
#define MAX_CALL_FRAMES 8
#define BPF_COMPLEXITY_LIMIT_INSNS 1000000
#define BPF_MAX_LOOPS (8 * 1024 * 1024)
#define BPF_MAX_TIMED_LOOPS 0xffff
#define MAX_TAIL_CALL_CNT 33

static inline unsigned int bpf_size_bytes(uint8_t code)
{
	switch (BPF_SIZE(code)) {
	case BPF_B:
		return 1;
	case BPF_H:
		return 2;
	case BPF_W:
		return 4;
	default:
		return 8;
	}
}

static inline bool insn_is_ldimm64(const struct bpf_insn *insn)
{
	return insn->code == (BPF_LD | BPF_IMM | BPF_DW);
}

#endif
