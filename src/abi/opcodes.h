/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one list of operations. Decoder, disassembler, interpreter, JIT and tests read it.
 *
 * An operation is what an instruction does once every discriminating field (code, and where
 * it matters src, off or imm) has been looked at. Readers instantiate
 *
 *   UA_OPCODES(X)   X(ID, kind, code, pick, "pseudo-code")
 *
 * ID      the operation, OP_<ID>
 * kind    shape of the operands, K_<kind> (see enum op_kind)
 * code    the instruction's code byte
 * pick    what the other fields must hold: PICK_ANY, or PICK_SRC/OFF/IMM(value)
 *
 * In the pseudo-code d is dst, s is src, i is imm; "u32" and "s32" say that only the low half
 * takes part and the upper half of d becomes zero; "arena[x]" is window base + x.
 */
#ifndef UA_ABI_OPCODES_H
#define UA_ABI_OPCODES_H

#include "abi/insn.h"

/* Discriminator: which field, and the value it must have. */
#define PICK_ANY 0
#define PICK_FIELD_SRC 1
#define PICK_FIELD_OFF 2
#define PICK_FIELD_IMM 3
#define PICK_SRC(v) ((PICK_FIELD_SRC << 24) | (v))
#define PICK_OFF(v) ((PICK_FIELD_OFF << 24) | (v))
#define PICK_IMM(v) ((PICK_FIELD_IMM << 24) | (v))

enum op_kind {
	K_ALU_K,    /* d = d op imm */
	K_ALU_X,    /* d = d op s */
	K_UNARY,    /* d = op d */
	K_MOVSX,    /* d = sign-extended s */
	K_CAST,	    /* address-space cast */
	K_LDIMM64,  /* d = 64-bit immediate, two slots */
	K_LDX,	    /* d = mem[s + off] */
	K_ST,	    /* mem[d + off] = imm */
	K_STX,	    /* mem[d + off] = s */
	K_ATOMIC,   /* read-modify-write of mem[d + off] */
	K_LDACQ,    /* d = mem[s + off], acquire */
	K_STREL,    /* mem[d + off] = s, release */
	K_LDPKT,    /* legacy packet load into r0 */
	K_JA,	    /* unconditional jump */
	K_JCOND_K,  /* compare d with imm, jump */
	K_JCOND_X,  /* compare d with s, jump */
	K_MAY_GOTO, /* jump when the loop budget is spent */
	K_CALL,	    /* helper, kfunc, local function */
	K_EXIT,
};

/* Two widths x two sources of one arithmetic operation. */
#define UA_ALU4(X, N, op, pick, text)                                     \
	X(N##64_K, ALU_K, BPF_ALU64 | op | BPF_K, pick, "d " text " i")   \
	X(N##64_X, ALU_X, BPF_ALU64 | op | BPF_X, pick, "d " text " s")   \
	X(N##32_K, ALU_K, BPF_ALU | op | BPF_K, pick, "u32 d " text " i") \
	X(N##32_X, ALU_X, BPF_ALU | op | BPF_X, pick, "u32 d " text " s")

#define UA_OPS_ALU(X)                                                                        \
	UA_ALU4(X, ADD, BPF_ADD, PICK_ANY, "+=")                                             \
	UA_ALU4(X, SUB, BPF_SUB, PICK_ANY, "-=")                                             \
	UA_ALU4(X, MUL, BPF_MUL, PICK_ANY, "*=")                                             \
	UA_ALU4(X, DIV, BPF_DIV, PICK_OFF(0), "/=")                                          \
	UA_ALU4(X, SDIV, BPF_DIV, PICK_OFF(1), "s/=")                                        \
	UA_ALU4(X, MOD, BPF_MOD, PICK_OFF(0), "%=")                                          \
	UA_ALU4(X, SMOD, BPF_MOD, PICK_OFF(1), "s%=")                                        \
	UA_ALU4(X, OR, BPF_OR, PICK_ANY, "|=")                                               \
	UA_ALU4(X, AND, BPF_AND, PICK_ANY, "&=")                                             \
	UA_ALU4(X, XOR, BPF_XOR, PICK_ANY, "^=")                                             \
	UA_ALU4(X, LSH, BPF_LSH, PICK_ANY, "<<=")                                            \
	UA_ALU4(X, RSH, BPF_RSH, PICK_ANY, ">>=")                                            \
	UA_ALU4(X, ARSH, BPF_ARSH, PICK_ANY, "s>>=")                                         \
	X(MOV64_K, ALU_K, BPF_ALU64 | BPF_MOV | BPF_K, PICK_ANY, "d = i")                    \
	X(MOV64_X, ALU_X, BPF_ALU64 | BPF_MOV | BPF_X, PICK_OFF(0), "d = s")                 \
	X(MOV32_K, ALU_K, BPF_ALU | BPF_MOV | BPF_K, PICK_ANY, "u32 d = i")                  \
	X(MOV32_X, ALU_X, BPF_ALU | BPF_MOV | BPF_X, PICK_OFF(0), "u32 d = s")               \
	X(MOVSX64_8, MOVSX, BPF_ALU64 | BPF_MOV | BPF_X, PICK_OFF(8), "d = (s8)s")           \
	X(MOVSX64_16, MOVSX, BPF_ALU64 | BPF_MOV | BPF_X, PICK_OFF(16), "d = (s16)s")        \
	X(MOVSX64_32, MOVSX, BPF_ALU64 | BPF_MOV | BPF_X, PICK_OFF(32), "d = (s32)s")        \
	X(MOVSX32_8, MOVSX, BPF_ALU | BPF_MOV | BPF_X, PICK_OFF(8), "u32 d = (s8)s")         \
	X(MOVSX32_16, MOVSX, BPF_ALU | BPF_MOV | BPF_X, PICK_OFF(16), "u32 d = (s16)s")      \
	X(NEG64, UNARY, BPF_ALU64 | BPF_NEG | BPF_K, PICK_ANY, "d = -d")                     \
	X(NEG32, UNARY, BPF_ALU | BPF_NEG | BPF_K, PICK_ANY, "u32 d = -d")                   \
	X(LE16, UNARY, BPF_ALU | BPF_END | BPF_TO_LE, PICK_IMM(16), "d = le16 d")            \
	X(LE32, UNARY, BPF_ALU | BPF_END | BPF_TO_LE, PICK_IMM(32), "d = le32 d")            \
	X(LE64, UNARY, BPF_ALU | BPF_END | BPF_TO_LE, PICK_IMM(64), "d = le64 d")            \
	X(BE16, UNARY, BPF_ALU | BPF_END | BPF_TO_BE, PICK_IMM(16), "d = be16 d")            \
	X(BE32, UNARY, BPF_ALU | BPF_END | BPF_TO_BE, PICK_IMM(32), "d = be32 d")            \
	X(BE64, UNARY, BPF_ALU | BPF_END | BPF_TO_BE, PICK_IMM(64), "d = be64 d")            \
	X(BSWAP16, UNARY, BPF_ALU64 | BPF_END | BPF_TO_LE, PICK_IMM(16), "d = bswap16 d")    \
	X(BSWAP32, UNARY, BPF_ALU64 | BPF_END | BPF_TO_LE, PICK_IMM(32), "d = bswap32 d")    \
	X(BSWAP64, UNARY, BPF_ALU64 | BPF_END | BPF_TO_LE, PICK_IMM(64), "d = bswap64 d")    \
	/* Told apart from MOVSX by off == 1; the decoder looks at imm for the direction. */ \
	X(CAST, CAST, BPF_ALU64 | BPF_MOV | BPF_X, PICK_OFF(1), "d = addr_space_cast(s, i)")

/* One access mode in the four sizes. */
#define UA_SZ4(X, N, kind, base, pick, pre, post)           \
	X(N##8, kind, (base) | BPF_B, pick, pre "8" post)   \
	X(N##16, kind, (base) | BPF_H, pick, pre "16" post) \
	X(N##32, kind, (base) | BPF_W, pick, pre "32" post) \
	X(N##64, kind, (base) | BPF_DW, pick, pre "64" post)
#define UA_SX3(X, N, base, pre, post)                          \
	X(N##8, LDX, (base) | BPF_B, PICK_ANY, pre "8" post)   \
	X(N##16, LDX, (base) | BPF_H, PICK_ANY, pre "16" post) \
	X(N##32, LDX, (base) | BPF_W, PICK_ANY, pre "32" post)

#define UA_OPS_MEM(X)                                                                       \
	X(LDIMM64, LDIMM64, BPF_LD | BPF_IMM | BPF_DW, PICK_ANY, "d = i64")                 \
	UA_SZ4(X, LDX, LDX, BPF_LDX | BPF_MEM, PICK_ANY, "d = u", "[s+off]")                \
	UA_SX3(X, LDSX, BPF_LDX | BPF_MEMSX, "d = s", "[s+off]")                            \
	UA_SZ4(X, ST, ST, BPF_ST | BPF_MEM, PICK_ANY, "u", "[d+off] = i")                   \
	UA_SZ4(X, STX, STX, BPF_STX | BPF_MEM, PICK_ANY, "u", "[d+off] = s")                \
	UA_SZ4(X, PLDX, LDX, BPF_LDX | BPF_PROBE_MEM, PICK_ANY, "d = probe u", "[s+off]")   \
	UA_SX3(X, PLDSX, BPF_LDX | BPF_PROBE_MEMSX, "d = probe s", "[s+off]")               \
	UA_SZ4(X, ALDX, LDX, BPF_LDX | BPF_PROBE_MEM32, PICK_ANY, "d = u", " arena[s+off]") \
	UA_SX3(X, ALDSX, BPF_LDX | BPF_PROBE_MEM32SX, "d = s", " arena[s+off]")             \
	UA_SZ4(X, AST, ST, BPF_ST | BPF_PROBE_MEM32, PICK_ANY, "u", " arena[d+off] = i")    \
	UA_SZ4(X, ASTX, STX, BPF_STX | BPF_PROBE_MEM32, PICK_ANY, "u", " arena[d+off] = s") \
	X(LDABS8, LDPKT, BPF_LD | BPF_ABS | BPF_B, PICK_ANY, "r0 = u8 packet[i]")           \
	X(LDABS16, LDPKT, BPF_LD | BPF_ABS | BPF_H, PICK_ANY, "r0 = be16 packet[i]")        \
	X(LDABS32, LDPKT, BPF_LD | BPF_ABS | BPF_W, PICK_ANY, "r0 = be32 packet[i]")        \
	X(LDIND8, LDPKT, BPF_LD | BPF_IND | BPF_B, PICK_ANY, "r0 = u8 packet[s+i]")         \
	X(LDIND16, LDPKT, BPF_LD | BPF_IND | BPF_H, PICK_ANY, "r0 = be16 packet[s+i]")      \
	X(LDIND32, LDPKT, BPF_LD | BPF_IND | BPF_W, PICK_ANY, "r0 = be32 packet[s+i]")

/* Read-modify-write operations: two widths of one atomic, in one mode. */
#define UA_RMW2(X, N, mode, op, text)                                         \
	X(N##32, ATOMIC, BPF_STX | (mode) | BPF_W, PICK_IMM(op), "u32 " text) \
	X(N##64, ATOMIC, BPF_STX | (mode) | BPF_DW, PICK_IMM(op), "u64 " text)
#define UA_RMW(X, P, mode)                                                         \
	UA_RMW2(X, P##ADD, mode, BPF_ADD, "lock [d+off] += s")                     \
	UA_RMW2(X, P##OR, mode, BPF_OR, "lock [d+off] |= s")                       \
	UA_RMW2(X, P##AND, mode, BPF_AND, "lock [d+off] &= s")                     \
	UA_RMW2(X, P##XOR, mode, BPF_XOR, "lock [d+off] ^= s")                     \
	UA_RMW2(X, P##FADD, mode, BPF_ADD | BPF_FETCH, "s = fetch_add [d+off], s") \
	UA_RMW2(X, P##FOR, mode, BPF_OR | BPF_FETCH, "s = fetch_or [d+off], s")    \
	UA_RMW2(X, P##FAND, mode, BPF_AND | BPF_FETCH, "s = fetch_and [d+off], s") \
	UA_RMW2(X, P##FXOR, mode, BPF_XOR | BPF_FETCH, "s = fetch_xor [d+off], s") \
	UA_RMW2(X, P##XCHG, mode, BPF_XCHG, "s = xchg [d+off], s")                 \
	UA_RMW2(X, P##CMPXCHG, mode, BPF_CMPXCHG, "r0 = cmpxchg [d+off], r0, s")

#define UA_OPS_ATOMIC(X)                                                                           \
	UA_RMW(X, A_, BPF_ATOMIC)                                                                  \
	UA_SZ4(X, LDACQ, LDACQ, BPF_STX | BPF_ATOMIC, PICK_IMM(BPF_LOAD_ACQ), "d = acquire u",     \
	       "[s+off]")                                                                          \
	UA_SZ4(X, STREL, STREL, BPF_STX | BPF_ATOMIC, PICK_IMM(BPF_STORE_REL), "release u",        \
	       "[d+off] = s")                                                                      \
	UA_RMW(X, AA_, BPF_PROBE_ATOMIC)                                                           \
	UA_SZ4(X, ALDACQ, LDACQ, BPF_STX | BPF_PROBE_ATOMIC, PICK_IMM(BPF_LOAD_ACQ),               \
	       "d = acquire u", " arena[s+off]")                                                   \
	UA_SZ4(X, ASTREL, STREL, BPF_STX | BPF_PROBE_ATOMIC, PICK_IMM(BPF_STORE_REL), "release u", \
	       " arena[d+off] = s")

#define UA_JMP4(X, N, op, text)                                                                \
	X(N##64_K, JCOND_K, BPF_JMP | op | BPF_K, PICK_ANY, "if d " text " i goto off")        \
	X(N##64_X, JCOND_X, BPF_JMP | op | BPF_X, PICK_ANY, "if d " text " s goto off")        \
	X(N##32_K, JCOND_K, BPF_JMP32 | op | BPF_K, PICK_ANY, "if (u32)d " text " i goto off") \
	X(N##32_X, JCOND_X, BPF_JMP32 | op | BPF_X, PICK_ANY, "if (u32)d " text " s goto off")

#define UA_OPS_JMP(X)                                                                            \
	X(JA, JA, BPF_JMP | BPF_JA, PICK_ANY, "goto off")                                        \
	X(JA32, JA, BPF_JMP32 | BPF_JA, PICK_ANY, "gotol imm")                                   \
	UA_JMP4(X, JEQ, BPF_JEQ, "==")                                                           \
	UA_JMP4(X, JNE, BPF_JNE, "!=")                                                           \
	UA_JMP4(X, JGT, BPF_JGT, ">")                                                            \
	UA_JMP4(X, JGE, BPF_JGE, ">=")                                                           \
	UA_JMP4(X, JLT, BPF_JLT, "<")                                                            \
	UA_JMP4(X, JLE, BPF_JLE, "<=")                                                           \
	UA_JMP4(X, JSGT, BPF_JSGT, "s>")                                                         \
	UA_JMP4(X, JSGE, BPF_JSGE, "s>=")                                                        \
	UA_JMP4(X, JSLT, BPF_JSLT, "s<")                                                         \
	UA_JMP4(X, JSLE, BPF_JSLE, "s<=")                                                        \
	UA_JMP4(X, JSET, BPF_JSET, "&")                                                          \
	X(MAY_GOTO, MAY_GOTO, BPF_JMP | BPF_JCOND, PICK_SRC(BPF_MAY_GOTO), "may_goto off")       \
	X(CALL_HELPER, CALL, BPF_JMP | BPF_CALL, PICK_SRC(0), "call helper i")                   \
	X(CALL_LOCAL, CALL, BPF_JMP | BPF_CALL, PICK_SRC(BPF_PSEUDO_CALL), "call pc+i")          \
	X(CALL_KFUNC, CALL, BPF_JMP | BPF_CALL, PICK_SRC(BPF_PSEUDO_KFUNC_CALL), "call kfunc i") \
	X(EXIT, EXIT, BPF_JMP | BPF_EXIT, PICK_ANY, "exit")

#define UA_OPCODES(X) UA_OPS_ALU(X) UA_OPS_MEM(X) UA_OPS_ATOMIC(X) UA_OPS_JMP(X)

enum opcode {
#define X(id, kind, code, pick, text) OP_##id,
	UA_OPCODES(X)
#undef X
		OP_COUNT,
	OP_PAD = OP_COUNT, /* second slot of LDIMM64: never executed */
	OP_INVALID,
};

struct op_info {
	const char *name;
	const char *text;
	enum op_kind kind;
	uint8_t code;
	uint32_t pick;
};

extern const struct op_info op_info[OP_COUNT];

/* The operation an instruction encodes, or OP_INVALID. Reserved fields are the caller's check. */
enum opcode opcode_of(const struct bpf_insn *insn);

#endif
