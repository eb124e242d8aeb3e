/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tristate arithmetic. For sums the bits that can differ are those where the smallest and the
 * largest possible sum differ, plus those already unknown: carries only ever grow with the
 * operands.
 */
#include "verify/tnum.h"

static struct tnum make(uint64_t value, uint64_t mask)
{
	return (struct tnum){value & ~mask, mask};
}

struct tnum tnum_range(uint64_t min, uint64_t max)
{
	uint64_t differ = min ^ max;
	int bits = differ ? 64 - __builtin_clzll(differ) : 0;

	if (bits == 64)
		return TNUM_UNKNOWN;
	return make(min, (1ull << bits) - 1);
}

struct tnum tnum_add(struct tnum a, struct tnum b)
{
	uint64_t lo = a.value + b.value, hi = lo + a.mask + b.mask;

	return make(lo, (lo ^ hi) | a.mask | b.mask);
}

struct tnum tnum_sub(struct tnum a, struct tnum b)
{
	uint64_t base = a.value - b.value, hi = base + a.mask, lo = base - b.mask;

	return make(base, (lo ^ hi) | a.mask | b.mask);
}

/*
 * Long multiplication. The known parts multiply exactly; on top of that a known 1 of a adds
 * b's uncertainty, and an unknown bit of a adds all of b or nothing.
 */
struct tnum tnum_mul(struct tnum a, struct tnum b)
{
	struct tnum sum = tnum_const(a.value * b.value);

	for (int i = 0; i < 64 && (a.value | a.mask) >> i; i++) {
		uint64_t bit = 1ull << i;

		if (a.mask & bit)
			sum = tnum_add(sum, make(0, tnum_max(b) << i));
		else if (a.value & bit)
			sum = tnum_add(sum, make(0, b.mask << i));
	}
	return sum;
}

struct tnum tnum_and(struct tnum a, struct tnum b)
{
	uint64_t ones = a.value & b.value;

	return make(ones, tnum_max(a) & tnum_max(b) & ~ones);
}

struct tnum tnum_or(struct tnum a, struct tnum b)
{
	uint64_t ones = a.value | b.value;

	return make(ones, (a.mask | b.mask) & ~ones);
}

struct tnum tnum_xor(struct tnum a, struct tnum b)
{
	return make(a.value ^ b.value, a.mask | b.mask);
}

struct tnum tnum_lsh(struct tnum a, unsigned int n)
{
	return make(a.value << n, a.mask << n);
}

struct tnum tnum_rsh(struct tnum a, unsigned int n)
{
	return make(a.value >> n, a.mask >> n);
}

struct tnum tnum_sext(struct tnum a, int w)
{
	int up = 64 - w;

	return make((uint64_t)((int64_t)(a.value << up) >> up),
		    (uint64_t)((int64_t)(a.mask << up) >> up));
}

struct tnum tnum_arsh(struct tnum a, unsigned int n, int w)
{
	struct tnum x = tnum_sext(a, w);

	return tnum_low(make((uint64_t)((int64_t)x.value >> n), (uint64_t)((int64_t)x.mask >> n)),
			w);
}

static uint64_t swap(uint64_t v, int bits)
{
	if (bits == 16)
		return __builtin_bswap16((uint16_t)v);
	if (bits == 32)
		return __builtin_bswap32((uint32_t)v);
	return __builtin_bswap64(v);
}

struct tnum tnum_bswap(struct tnum a, int bits)
{
	return make(swap(a.value, bits), swap(a.mask, bits));
}

struct tnum tnum_union(struct tnum a, struct tnum b)
{
	return make(a.value, a.mask | b.mask | (a.value ^ b.value));
}

bool tnum_meet(struct tnum *a, struct tnum b)
{
	if ((a->value ^ b.value) & ~(a->mask | b.mask))
		return false;
	*a = make(a->value | b.value, a->mask & b.mask);
	return true;
}
