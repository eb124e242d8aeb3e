/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The JIT's working form: a flat list of nodes per program.
 *
 * A node is an operation of struct code, or one of the fused operations below. The stages, in
 * order, each over one function at a time:
 *
 *   build   one node per operation, jump targets become node indexes, small leaves are inlined
 *   flow    labels, liveness, known zero upper halves
 *   fuse    several nodes become one; what is no longer needed becomes N_NOP
 *   hoist   the window base is added to pointers outside the loops that use them
 *   lower   bytes (target.h)
 *
 * Rules every stage keeps:
 *   1. A node's result in every BPF register that is live behind it is bit for bit that of the
 *      operations it stands for; that includes the upper half unless live_hi says it is dead.
 *   2. Accesses that may fault are never added, dropped, fused, repeated or reordered among
 *      each other: every fault has its own report and its own result.
 *   3. Nothing is moved across a label, a call or a may_goto.
 *   4. BPF registers keep their native register all the time; there is no allocator.
 */
#ifndef UA_JIT_IR_H
#define UA_JIT_IR_H

#include "abi/code.h"
#include "base/base.h"

/* Fused operations, numbered behind enum opcode. */
#define UA_NODE_OPS(X)                             \
	X(NOP, "nothing")                          \
	X(ROL64, "d = rol64(s, imm)")              \
	X(ROL32, "d = rol32(s, imm)")              \
	X(LEA64, "d = s + (x << scale) + off")     \
	X(LEA32, "u32 d = s + (x << scale) + off") \
	X(SELECT, "if !(x cond y|off) cold node")  \
	X(ANDN64, "d = ~x & s")                    \
	X(ANDN32, "u32 d = ~x & s")                \
	X(BLSR64, "d = s & (s - 1)")               \
	X(BLSR32, "u32 d = s & (s - 1)")

enum node_op {
	N_FIRST = OP_INVALID,
#define X(id, text) N_##id,
	UA_NODE_OPS(X)
#undef X
		N_COUNT,
};

#define NO_REG 0xff
#define NODE_LABEL 1 /* something jumps here */
#define NODE_LOOP 2  /* a backward jump comes here */

struct node {
	uint16_t op;
	uint8_t dst, src;
	int32_t off;
	int64_t imm;
	uint32_t target;   /* jumps: index of the target node */
	uint32_t loop_end; /* NODE_LOOP: the last jump that comes here */
	uint32_t slot;
	/* Facts by flow.c, one bit per BPF register. */
	uint16_t live;	  /* holds a value that is read later; state behind the node */
	uint16_t live_hi; /* and its upper half matters */
	uint16_t zx;	  /* upper half known to be zero; state before the node */
	uint8_t flags;
	bool negated;	     /* conditional jumps: taken if the condition does not hold */
	bool zero_arm;	     /* SELECT: the value it may take over has a zero upper half */
	bool rebase;	     /* the result, an arena pointer, gets the window base added */
	bool host;	     /* arena access whose address register has the base in it already */
	uint8_t x, y, scale; /* further operands of fused operations */
	uint16_t cond;	     /* SELECT: the comparison */
	uint32_t cold;	     /* SELECT: the arm's own form, in ir.cold */
};

/* A function as nodes [first, end). */
struct node_func {
	uint32_t first, end;
	bool framed;	      /* needs rbp and a frame */
	bool calls_host;      /* contains a call of host code */
	bool calls;	      /* contains any call */
	bool uses_budget;     /* contains may_goto */
	bool clobbers_budget; /* it or a callee changes the budget register */
	bool arena;	      /* it or a callee needs the window base */
	bool host_entry;      /* called from host code */
	bool tail_calls;
	bool tail_calls_below; /* it or a callee may */
	uint16_t saved;	       /* BPF registers r6..r9 it writes */
};

struct ir {
	const struct code *code;
	struct node *nodes;
	size_t n, cap;
	struct node *cold; /* arms of selects */
	size_t n_cold, cold_cap;
	struct node_func *funcs; /* code->n_funcs */
	uint32_t *node_of;	 /* slot -> node */
};

/* What a node reads and writes. Upper halves: `hi` are read in full anyway; those of `thru` are
 * needed only if the upper half of the result is. */
struct effects {
	uint16_t use, hi, thru, def;
	bool zero_hi; /* the results have a zero upper half */
};

int ir_build(struct ir *ir, const struct code *code);
void ir_free(struct ir *ir);
void ir_effects(const struct node *n, struct effects *e);
uint8_t ir_address_reg(const struct node *n); /* of a memory access */
bool ir_is_arena_access(const struct node *n);
/* Registers with a zero upper half behind the node, given those before it. */
uint16_t ir_zero_after(const struct node *n, uint16_t zx);
bool ir_is_jump(const struct node *n); /* has a target */
bool ir_falls_through(const struct node *n);
int ir_flow(struct ir *ir, const struct node_func *f);
int ir_fuse(struct ir *ir, const struct node_func *f); /* leaves the facts up to date */
int ir_hoist(struct ir *ir, const struct node_func *f);

/* One line per node: operation, operands, facts. */
void ir_dump(const struct ir *ir, const struct node_func *f, const char *stage, FILE *out);

static inline uint16_t bit(uint8_t reg)
{
	return reg < 16 ? (uint16_t)(1u << reg) : 0;
}

#endif
