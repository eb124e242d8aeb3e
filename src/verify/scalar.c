/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers at both widths: every operation runs on the 64-bit and on the 32-bit ranges with the
 * code of rng.c, then the two widths and the tnum are reconciled by scalar_sync().
 */
#include "abi/insn.h"
#include "verify/scalar.h"

static struct rng get64(const struct scalar *s)
{
	return (struct rng){s->umin, s->umax, s->smin, s->smax};
}

static struct rng get32(const struct scalar *s)
{
	return (struct rng){s->umin32, s->umax32, s->smin32, s->smax32};
}

static void set64(struct scalar *s, struct rng r)
{
	s->umin = r.umin;
	s->umax = r.umax;
	s->smin = r.smin;
	s->smax = r.smax;
}

static void set32(struct scalar *s, struct rng r)
{
	s->umin32 = (uint32_t)r.umin;
	s->umax32 = (uint32_t)r.umax;
	s->smin32 = (int32_t)r.smin;
	s->smax32 = (int32_t)r.smax;
}

void scalar_unknown(struct scalar *s)
{
	s->var = TNUM_UNKNOWN;
	set64(s, rng_full(64));
	set32(s, rng_full(32));
}

void scalar_const(struct scalar *s, uint64_t v)
{
	s->var = tnum_const(v);
	set64(s, rng_const(v, 64));
	set32(s, rng_const(v, 32));
}

void scalar_urange(struct scalar *s, uint64_t min, uint64_t max)
{
	scalar_unknown(s);
	s->umin = min;
	s->umax = max;
	scalar_sync(s);
}

void scalar_srange(struct scalar *s, int64_t min, int64_t max)
{
	scalar_unknown(s);
	s->smin = min;
	s->smax = max;
	scalar_sync(s);
}

bool scalar_eq(const struct scalar *a, const struct scalar *b)
{
	return tnum_eq(a->var, b->var) && a->umin == b->umin && a->umax == b->umax &&
	       a->smin == b->smin && a->smax == b->smax && a->umin32 == b->umin32 &&
	       a->umax32 == b->umax32 && a->smin32 == b->smin32 && a->smax32 == b->smax32;
}

bool scalar_within(const struct scalar *a, const struct scalar *b)
{
	return a->umin <= b->umin && a->umax >= b->umax && a->smin <= b->smin &&
	       a->smax >= b->smax && a->umin32 <= b->umin32 && a->umax32 >= b->umax32 &&
	       a->smin32 <= b->smin32 && a->smax32 >= b->smax32 && tnum_within(a->var, b->var);
}

/* -- Reconciling the widths ------------------------------------------------------ */

/* Both ends share the upper half, or the range wraps a signed 32-bit range once. */
static void narrow(struct scalar *s)
{
	struct rng r = get32(s);

	if (s->umin >> 32 == s->umax >> 32) {
		r.umin = (uint32_t)s->umin > r.umin ? (uint32_t)s->umin : r.umin;
		r.umax = (uint32_t)s->umax < r.umax ? (uint32_t)s->umax : r.umax;
	}
	if (s->smin >= INT32_MIN && s->smax <= INT32_MAX) {
		r.smin = s->smin > r.smin ? s->smin : r.smin;
		r.smax = s->smax < r.smax ? s->smax : r.smax;
	}
	set32(s, r);
}

/* Smallest v' >= v whose low half lies in [lo, hi]; false if that would exceed 64 bits. */
static bool round_up(uint64_t *v, uint32_t lo, uint32_t hi)
{
	uint32_t low = (uint32_t)*v;

	if (low < lo)
		*v += lo - low;
	else if (low > hi && __builtin_add_overflow(*v - low + lo, 1ull << 32, v))
		return false;
	return true;
}

static bool round_down(uint64_t *v, uint32_t lo, uint32_t hi)
{
	uint32_t low = (uint32_t)*v;

	if (low > hi)
		*v -= low - hi;
	else if (low < lo && __builtin_sub_overflow(*v - low + hi, 1ull << 32, v))
		return false;
	return true;
}

/* The ends of the 64-bit ranges move to values whose low half the 32-bit range allows. */
static bool widen(struct scalar *s)
{
	/* Shifting by 2^63 turns the signed order into the unsigned one; low halves stay. */
	uint64_t bias = 1ull << 63, lo = (uint64_t)s->smin ^ bias, hi = (uint64_t)s->smax ^ bias;

	if (!round_up(&s->umin, s->umin32, s->umax32) ||
	    !round_down(&s->umax, s->umin32, s->umax32) || !round_up(&lo, s->umin32, s->umax32) ||
	    !round_down(&hi, s->umin32, s->umax32))
		return false;
	s->smin = (int64_t)(lo ^ bias);
	s->smax = (int64_t)(hi ^ bias);
	return s->umin <= s->umax && s->smin <= s->smax;
}

bool scalar_sync(struct scalar *s)
{
	struct rng r;

	for (int round = 0; round < 2; round++) {
		r = get64(s);
		if (!rng_sync(&r, &s->var, 64))
			return false;
		set64(s, r);
		narrow(s);
		r = get32(s);
		if (!rng_sync(&r, &s->var, 32))
			return false;
		set32(s, r);
		if (!widen(s))
			return false;
		r = get64(s);
		if (!rng_sync(&r, &s->var, 64))
			return false;
		set64(s, r);
	}
	return true;
}

/* -- Arithmetic -------------------------------------------------------------------- */

void scalar_zext32(struct scalar *d)
{
	struct rng r = get32(d);

	d->var = tnum_low(d->var, 32);
	r.smin = 0;
	r.smax = UINT32_MAX;
	set64(d, r);
	scalar_sync(d);
}

void scalar_trunc(struct scalar *d, int bytes)
{
	uint64_t keep;

	if (bytes >= 8)
		return;
	keep = (1ull << bytes * 8) - 1;
	d->var = tnum_low(d->var, bytes * 8);
	if (d->umin >> bytes * 8 == d->umax >> bytes * 8) {
		d->umin &= keep;
		d->umax &= keep;
	} else {
		d->umin = 0;
		d->umax = keep;
	}
	d->smin = 0;
	d->smax = (int64_t)keep;
	if (bytes < 4)
		set32(d, rng_full(32));
	scalar_sync(d);
}

void scalar_sext(struct scalar *d, int bits, bool is32)
{
	struct scalar x;
	int64_t max = (int64_t)((1ull << (bits - 1)) - 1);
	bool fits = d->smin >= -max - 1 && d->smax <= max;
	bool fits32 = d->smin32 >= -max - 1 && d->smax32 <= max;

	scalar_unknown(&x);
	x.var = tnum_sext(d->var, bits);
	x.smin = -max - 1;
	x.smax = max;
	if (fits || (bits <= 32 && fits32)) {
		x.smin = fits ? d->smin : d->smin32;
		x.smax = fits ? d->smax : d->smax32;
	}
	scalar_sync(&x);
	*d = x;
	if (is32)
		scalar_zext32(d);
}

void scalar_pick(struct scalar *d, uint64_t v, bool is32)
{
	struct scalar x = *d;

	if (!is32) {
		scalar_const(d, v);
		return;
	}
	x.var.mask &= ~(uint64_t)UINT32_MAX;
	x.var.value = (x.var.value & ~(uint64_t)UINT32_MAX) | (uint32_t)v;
	set32(&x, rng_const((uint32_t)v, 32));
	if (scalar_sync(&x))
		*d = x;
}

void scalar_bswap(struct scalar *d, int bits)
{
	struct tnum t = tnum_low(d->var, bits);

	scalar_unknown(d);
	d->var = tnum_bswap(t, bits);
	scalar_sync(d);
}

/* One width of d op s; `t` is the tnum of the result. False: not modelled. */
static bool alu_width(struct rng *d, struct rng s, struct tnum t, uint8_t op, int w)
{
	unsigned int n = (unsigned int)s.umin;

	switch (op) {
	case BPF_ADD:
		*d = rng_add(*d, s, w);
		return true;
	case BPF_SUB:
		*d = rng_sub(*d, s, w);
		return true;
	case BPF_MUL:
		*d = rng_mul(*d, s, w);
		return true;
	case BPF_AND:
		*d = rng_and(*d, s, t, w);
		return true;
	case BPF_OR:
		*d = rng_or(*d, s, t, w);
		return true;
	case BPF_XOR:
		*d = rng_xor(*d, s, t, w);
		return true;
	case BPF_LSH:
		*d = rng_lsh(*d, n, w);
		return true;
	case BPF_RSH:
		*d = rng_rsh(*d, n, w);
		return true;
	default:
		*d = rng_arsh(*d, n, w);
		return true;
	}
}

static struct tnum alu_tnum(struct tnum a, struct tnum b, uint8_t op, int w)
{
	unsigned int n = (unsigned int)b.value & 63;

	switch (op) {
	case BPF_ADD:
		return tnum_add(a, b);
	case BPF_SUB:
		return tnum_sub(a, b);
	case BPF_MUL:
		return tnum_mul(a, b);
	case BPF_AND:
		return tnum_and(a, b);
	case BPF_OR:
		return tnum_or(a, b);
	case BPF_XOR:
		return tnum_xor(a, b);
	case BPF_LSH:
		return tnum_lsh(a, n);
	case BPF_RSH:
		return tnum_rsh(tnum_low(a, w), n);
	default:
		return tnum_arsh(a, n, w);
	}
}

static bool is_shift(uint8_t op)
{
	return op == BPF_LSH || op == BPF_RSH || op == BPF_ARSH;
}

/*
 * Division has no transfer function, and shifts only have one for a known amount. As in Linux
 * nothing at all is known of the others' results, not even that 32-bit ones have no upper half.
 */
static bool modelled(const struct scalar *s, uint8_t op, int w)
{
	if (is_shift(op))
		return scalar_is_const(s) && s->umax < (uint64_t)w;
	return op != BPF_DIV && op != BPF_MOD;
}

void scalar_alu(struct scalar *d, const struct scalar *s, uint8_t op, bool is32)
{
	int w = is32 ? 32 : 64;
	struct rng lo = get32(d), hi = get64(d);
	struct tnum t;

	if (!modelled(s, op, w)) {
		scalar_unknown(d);
		return;
	}
	t = alu_tnum(d->var, s->var, op, w);
	/* The low half of a wide right shift takes bits from the upper half. */
	if (is32 || !is_shift(op))
		alu_width(&lo, get32(s), tnum_low(t, 32), op, 32);
	else
		lo = rng_full(32);
	if (!is32)
		alu_width(&hi, get64(s), t, op, 64);
	else
		hi = rng_full(64);
	d->var = t;
	set64(d, hi);
	set32(d, lo);
	if (is32)
		scalar_zext32(d);
	else if (!scalar_sync(d))
		scalar_unknown(d);
}

void scalar_neg(struct scalar *d, bool is32)
{
	struct scalar zero;

	scalar_const(&zero, 0);
	scalar_alu(&zero, d, BPF_SUB, is32);
	*d = zero;
}

/* -- Comparisons --------------------------------------------------------------------- */

int scalar_cmp(const struct scalar *a, const struct scalar *b, enum scalar_cmp op, bool is32)
{
	struct rng ra = is32 ? get32(a) : get64(a), rb = is32 ? get32(b) : get64(b);

	return rng_cmp(&ra, a->var, &rb, b->var, op, is32 ? 32 : 64);
}

bool scalar_assume(struct scalar *a, struct scalar *b, enum scalar_cmp op, bool is32)
{
	struct rng ra = is32 ? get32(a) : get64(a), rb = is32 ? get32(b) : get64(b);

	if (!rng_assume(&ra, &a->var, &rb, &b->var, op, is32 ? 32 : 64))
		return false;
	if (is32) {
		set32(a, ra);
		set32(b, rb);
	} else {
		set64(a, ra);
		set64(b, rb);
	}
	return scalar_sync(a) && scalar_sync(b);
}
