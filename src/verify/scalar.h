/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is known of a number: a tristate number and four ranges that hold at the same time,
 * unsigned and signed, of all 64 bits and of the low 32.
 *
 * Every operation works on one width at a time (struct rng), and the width is a parameter: the
 * same code that verifies programs at 64 and 32 bits is tested exhaustively at 4.
 */
#ifndef UA_VERIFY_SCALAR_H
#define UA_VERIFY_SCALAR_H

#include "verify/tnum.h"

/* Ranges of a w-bit number; the signed ones are sign-extended. */
struct rng {
	uint64_t umin, umax;
	int64_t smin, smax;
};

struct scalar {
	struct tnum var;
	uint64_t umin, umax;
	int64_t smin, smax;
	uint32_t umin32, umax32;
	int32_t smin32, smax32;
};

/* A comparison and its negation differ in the lowest bit. */
enum scalar_cmp {
	CMP_EQ,
	CMP_NE,
	CMP_GT,
	CMP_LE,
	CMP_GE,
	CMP_LT,
	CMP_SGT,
	CMP_SLE,
	CMP_SGE,
	CMP_SLT,
	CMP_SET,
	CMP_NSET,
};

/* ---- rng.c: one width ---- */

struct rng rng_full(int w);
struct rng rng_const(uint64_t v, int w);
bool rng_is_empty(const struct rng *r);
struct rng rng_add(struct rng a, struct rng b, int w);
struct rng rng_sub(struct rng a, struct rng b, int w);
struct rng rng_mul(struct rng a, struct rng b, int w);
struct rng rng_lsh(struct rng a, unsigned int n, int w);
struct rng rng_rsh(struct rng a, unsigned int n, int w);
struct rng rng_arsh(struct rng a, unsigned int n, int w);
/* Bitwise operations: from the operands' ranges and the result's tnum. */
struct rng rng_and(struct rng a, struct rng b, struct tnum t, int w);
struct rng rng_or(struct rng a, struct rng b, struct tnum t, int w);
struct rng rng_xor(struct rng a, struct rng b, struct tnum t, int w);
/* Let the ranges and the tnum learn from each other. False: no value fits. */
bool rng_sync(struct rng *r, struct tnum *t, int w);
/* 1 always, 0 never, -1 unknown. */
int rng_cmp(const struct rng *a, struct tnum ta, const struct rng *b, struct tnum tb,
	    enum scalar_cmp op, int w);
/* Assume that the comparison holds. False: it cannot. */
bool rng_assume(struct rng *a, struct tnum *ta, struct rng *b, struct tnum *tb, enum scalar_cmp op,
		int w);

/* ---- scalar.c: both widths ---- */

void scalar_unknown(struct scalar *s);
void scalar_const(struct scalar *s, uint64_t v);
void scalar_urange(struct scalar *s, uint64_t min, uint64_t max);
void scalar_srange(struct scalar *s, int64_t min, int64_t max);
bool scalar_sync(struct scalar *s);
static inline bool scalar_is_const(const struct scalar *s)
{
	return tnum_is_const(s->var);
}
bool scalar_eq(const struct scalar *a, const struct scalar *b);
bool scalar_within(const struct scalar *a, const struct scalar *b); /* b's values all in a */
/* d = d op s; op is BPF_ADD ... BPF_ARSH, BPF_MUL, ...; what is not modelled becomes unknown. */
void scalar_alu(struct scalar *d, const struct scalar *s, uint8_t op, bool is32);
void scalar_neg(struct scalar *d, bool is32);
void scalar_zext32(struct scalar *d);
void scalar_trunc(struct scalar *d, int bytes); /* low bytes, zero-extended */
void scalar_sext(struct scalar *d, int bits, bool is32);
void scalar_bswap(struct scalar *d, int bits);
/* Of the values d may have, those that are v: all 64 bits, or the low 32. */
void scalar_pick(struct scalar *d, uint64_t v, bool is32);
int scalar_cmp(const struct scalar *a, const struct scalar *b, enum scalar_cmp op, bool is32);
bool scalar_assume(struct scalar *a, struct scalar *b, enum scalar_cmp op, bool is32);

#endif
