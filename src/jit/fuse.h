/* SPDX-License-Identifier: BSD-2-Clause */
/* What the fusing passes share: one function under work, and looking around in it. */
#ifndef UA_JIT_FUSE_H
#define UA_JIT_FUSE_H

#include "jit/ir.h"

#define LOOK_BACK 24

struct span {
	struct ir *ir;
	const struct node_func *f;
};

static inline struct node *span_at(const struct span *s, uint32_t i)
{
	return &s->ir->nodes[i];
}

static inline void remove_node(struct node *n)
{
	n->op = N_NOP;
}

/* Last node before `i` in this stretch, without labels and jumps, that writes `reg`, or -1. */
int64_t span_def_before(const struct span *s, uint32_t i, uint8_t reg);
/* Whether a node strictly between reads or writes `reg`. */
bool span_read_between(const struct span *s, uint32_t from, uint32_t to, uint8_t reg);
bool span_defined_between(const struct span *s, uint32_t from, uint32_t to, uint8_t reg);
bool span_live_after(const struct span *s, uint32_t i, uint8_t reg);
/* The node that made `reg` of `i` and may be absorbed by it, for nothing else reads it; NULL. */
struct node *span_feeder(const struct span *s, uint32_t i, uint8_t reg, int64_t *d);
bool span_is_copy(const struct node *n);

/* fuse_alu.c */
void fuse_rotates(const struct span *s);
void fuse_sums(const struct span *s);
void fuse_bits(const struct span *s);
/* fuse_jump.c */
void fuse_jumps(const struct span *s);
void fuse_tests(const struct span *s);
int fuse_selects(const struct span *s);

#endif
