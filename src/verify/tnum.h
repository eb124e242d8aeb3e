/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tristate numbers: 64 bits of which each is 0, 1 or unknown. Bit i is unknown if it is set
 * in mask, else it is that of value; value and mask never share a bit.
 */
#ifndef UA_VERIFY_TNUM_H
#define UA_VERIFY_TNUM_H

#include <stdbool.h>
#include <stdint.h>

struct tnum {
	uint64_t value, mask;
};

static const struct tnum TNUM_UNKNOWN = {0, UINT64_MAX};

static inline struct tnum tnum_const(uint64_t v)
{
	return (struct tnum){v, 0};
}

static inline bool tnum_is_const(struct tnum a)
{
	return !a.mask;
}

static inline bool tnum_has(struct tnum a, uint64_t v)
{
	return !((v ^ a.value) & ~a.mask);
}

static inline bool tnum_eq(struct tnum a, struct tnum b)
{
	return a.value == b.value && a.mask == b.mask;
}

/* Largest value a may have. */
static inline uint64_t tnum_max(struct tnum a)
{
	return a.value | a.mask;
}

/* Is every value of b one of a's? */
static inline bool tnum_within(struct tnum a, struct tnum b)
{
	return !(b.mask & ~a.mask) && !((a.value ^ b.value) & ~a.mask);
}

/* The low w bits, zero-extended. */
static inline struct tnum tnum_low(struct tnum a, int w)
{
	uint64_t keep = w >= 64 ? UINT64_MAX : (1ull << w) - 1;

	return (struct tnum){a.value & keep, a.mask & keep};
}

struct tnum tnum_range(uint64_t min, uint64_t max); /* smallest tnum holding [min, max] */
struct tnum tnum_add(struct tnum a, struct tnum b);
struct tnum tnum_sub(struct tnum a, struct tnum b);
struct tnum tnum_mul(struct tnum a, struct tnum b);
struct tnum tnum_and(struct tnum a, struct tnum b);
struct tnum tnum_or(struct tnum a, struct tnum b);
struct tnum tnum_xor(struct tnum a, struct tnum b);
struct tnum tnum_lsh(struct tnum a, unsigned int n);
struct tnum tnum_rsh(struct tnum a, unsigned int n);
struct tnum tnum_arsh(struct tnum a, unsigned int n, int w); /* w-bit sign */
struct tnum tnum_sext(struct tnum a, int w);		     /* low w bits, sign-extended */
struct tnum tnum_bswap(struct tnum a, int bits);
struct tnum tnum_union(struct tnum a, struct tnum b);
/* Values both allow; false if there is none. */
bool tnum_meet(struct tnum *a, struct tnum b);

#endif
