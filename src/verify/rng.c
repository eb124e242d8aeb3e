/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ranges of one width.
 *
 * Sums and products are formed in 128 bits. If the smallest and the largest exact result fall
 * into the same block of 2^w, everything between wraps by the same amount and the result is a
 * range again; otherwise nothing is known but what the tnum says.
 */
#include "verify/scalar.h"

typedef unsigned __int128 u128;
typedef __int128 s128;

static uint64_t low_mask(int w)
{
	return w >= 64 ? UINT64_MAX : (1ull << w) - 1;
}

static int64_t sign_extend(uint64_t v, int w)
{
	return (int64_t)(v << (64 - w)) >> (64 - w);
}

static uint64_t max_u(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t min_u(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static int64_t max_s(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t min_s(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

struct rng rng_full(int w)
{
	return (struct rng){0, low_mask(w), INT64_MIN >> (64 - w), INT64_MAX >> (64 - w)};
}

struct rng rng_const(uint64_t v, int w)
{
	uint64_t u = v & low_mask(w);
	int64_t s = sign_extend(u, w);

	return (struct rng){u, u, s, s};
}

bool rng_is_empty(const struct rng *r)
{
	return r->umin > r->umax || r->smin > r->smax;
}

/* -- Arithmetic -------------------------------------------------------------- */

static void set_unsigned(struct rng *r, s128 lo, s128 hi, int w)
{
	if (lo >> w == hi >> w) {
		r->umin = (uint64_t)lo & low_mask(w);
		r->umax = (uint64_t)hi & low_mask(w);
	}
}

static void set_signed(struct rng *r, s128 lo, s128 hi, int w)
{
	s128 half = (s128)1 << (w - 1);

	if ((lo + half) >> w == (hi + half) >> w) {
		r->smin = sign_extend((uint64_t)lo & low_mask(w), w);
		r->smax = sign_extend((uint64_t)hi & low_mask(w), w);
	}
}

struct rng rng_add(struct rng a, struct rng b, int w)
{
	struct rng r = rng_full(w);

	set_unsigned(&r, (s128)a.umin + b.umin, (s128)a.umax + b.umax, w);
	set_signed(&r, (s128)a.smin + b.smin, (s128)a.smax + b.smax, w);
	return r;
}

struct rng rng_sub(struct rng a, struct rng b, int w)
{
	struct rng r = rng_full(w);

	set_unsigned(&r, (s128)a.umin - b.umax, (s128)a.umax - b.umin, w);
	set_signed(&r, (s128)a.smin - b.smax, (s128)a.smax - b.smin, w);
	return r;
}

struct rng rng_mul(struct rng a, struct rng b, int w)
{
	struct rng r = rng_full(w);
	u128 ulo = (u128)a.umin * b.umin, uhi = (u128)a.umax * b.umax;
	s128 p[4] = {(s128)a.smin * b.smin, (s128)a.smin * b.smax, (s128)a.smax * b.smin,
		     (s128)a.smax * b.smax};
	s128 lo = p[0], hi = p[0];

	for (int i = 1; i < 4; i++) {
		lo = p[i] < lo ? p[i] : lo;
		hi = p[i] > hi ? p[i] : hi;
	}
	if (ulo >> w == uhi >> w) {
		r.umin = (uint64_t)ulo & low_mask(w);
		r.umax = (uint64_t)uhi & low_mask(w);
	}
	set_signed(&r, lo, hi, w);
	return r;
}

struct rng rng_lsh(struct rng a, unsigned int n, int w)
{
	struct rng r = rng_full(w);

	if (a.umax <= low_mask(w) >> n) {
		r.umin = a.umin << n;
		r.umax = a.umax << n;
	}
	if (a.smin >= r.smin >> n && a.smax <= r.smax >> n) {
		r.smin = (int64_t)((uint64_t)a.smin << n);
		r.smax = (int64_t)((uint64_t)a.smax << n);
	}
	return r;
}

struct rng rng_rsh(struct rng a, unsigned int n, int w)
{
	struct rng r = rng_full(w);

	r.umin = a.umin >> n;
	r.umax = a.umax >> n;
	return r;
}

struct rng rng_arsh(struct rng a, unsigned int n, int w)
{
	struct rng r = rng_full(w);

	r.smin = a.smin >> n;
	r.smax = a.smax >> n;
	return r;
}

struct rng rng_and(struct rng a, struct rng b, struct tnum t, int w)
{
	struct rng r = rng_full(w);

	r.umin = t.value;
	r.umax = min_u(a.umax, b.umax);
	return r;
}

struct rng rng_or(struct rng a, struct rng b, struct tnum t, int w)
{
	struct rng r = rng_full(w);

	r.umin = max_u(a.umin, b.umin);
	r.umax = tnum_max(t);
	return r;
}

struct rng rng_xor(struct rng a, struct rng b, struct tnum t, int w)
{
	struct rng r = rng_full(w);

	r.umin = t.value;
	r.umax = tnum_max(t);
	return r;
}

/* -- One domain teaches the other ---------------------------------------------- */

static void signed_from_unsigned(struct rng *r, int w)
{
	int64_t lo = sign_extend(r->umin, w), hi = sign_extend(r->umax, w);

	if (lo <= hi && (lo < 0) == (hi < 0)) {
		r->smin = max_s(r->smin, lo);
		r->smax = min_s(r->smax, hi);
	}
}

/*
 * A signed range within one sign maps to an unsigned range. One that crosses zero leaves a
 * gap between smax and smin in the unsigned order; an end that lies in the gap moves out.
 */
static void unsigned_from_signed(struct rng *r, int w)
{
	uint64_t lo = (uint64_t)r->smin & low_mask(w), hi = (uint64_t)r->smax & low_mask(w);

	if ((r->smin < 0) == (r->smax < 0)) {
		r->umin = max_u(r->umin, lo);
		r->umax = min_u(r->umax, hi);
	} else {
		if (r->umin > hi && r->umin < lo)
			r->umin = lo;
		if (r->umax > hi && r->umax < lo)
			r->umax = hi;
	}
}

static void range_from_tnum(struct rng *r, struct tnum t, int w)
{
	uint64_t sign = 1ull << (w - 1);
	uint64_t lo = t.value | (t.mask & sign), hi = tnum_max(t) & ~(t.mask & sign);

	r->umin = max_u(r->umin, t.value);
	r->umax = min_u(r->umax, tnum_max(t));
	r->smin = max_s(r->smin, sign_extend(lo, w));
	r->smax = min_s(r->smax, sign_extend(hi, w));
}

bool rng_sync(struct rng *r, struct tnum *t, int w)
{
	for (int round = 0; round < 2; round++) {
		range_from_tnum(r, tnum_low(*t, w), w);
		signed_from_unsigned(r, w);
		unsigned_from_signed(r, w);
		signed_from_unsigned(r, w);
		if (rng_is_empty(r))
			return false;
		if (w == 64) {
			if (!tnum_meet(t, tnum_range(r->umin, r->umax)))
				return false;
		} else {
			struct tnum low = tnum_range(r->umin, r->umax);

			low.mask |= ~low_mask(w);
			if (!tnum_meet(t, low))
				return false;
		}
	}
	return true;
}

/* -- Comparisons ---------------------------------------------------------------- */

static int cmp_ordered(bool always, bool never)
{
	return always ? 1 : never ? 0 : -1;
}

static int cmp_eq(const struct rng *a, struct tnum ta, const struct rng *b, struct tnum tb)
{
	struct tnum meet = ta;

	if (tnum_is_const(ta) && tnum_is_const(tb))
		return ta.value == tb.value;
	if (a->umin > b->umax || a->umax < b->umin || a->smin > b->smax || a->smax < b->smin)
		return 0;
	return tnum_meet(&meet, tb) ? -1 : 0;
}

static int cmp_set(struct tnum ta, struct tnum tb)
{
	return cmp_ordered(ta.value & tb.value, !(tnum_max(ta) & tnum_max(tb)));
}

int rng_cmp(const struct rng *a, struct tnum ta, const struct rng *b, struct tnum tb,
	    enum scalar_cmp op, int w)
{
	int eq;

	switch (op) {
	case CMP_EQ:
		return cmp_eq(a, tnum_low(ta, w), b, tnum_low(tb, w));
	case CMP_NE:
		eq = cmp_eq(a, tnum_low(ta, w), b, tnum_low(tb, w));
		return eq < 0 ? -1 : !eq;
	case CMP_GT:
		return cmp_ordered(a->umin > b->umax, a->umax <= b->umin);
	case CMP_GE:
		return cmp_ordered(a->umin >= b->umax, a->umax < b->umin);
	case CMP_LT:
		return cmp_ordered(a->umax < b->umin, a->umin >= b->umax);
	case CMP_LE:
		return cmp_ordered(a->umax <= b->umin, a->umin > b->umax);
	case CMP_SGT:
		return cmp_ordered(a->smin > b->smax, a->smax <= b->smin);
	case CMP_SGE:
		return cmp_ordered(a->smin >= b->smax, a->smax < b->smin);
	case CMP_SLT:
		return cmp_ordered(a->smax < b->smin, a->smin >= b->smax);
	case CMP_SLE:
		return cmp_ordered(a->smax <= b->smin, a->smin > b->smax);
	case CMP_SET:
		return cmp_set(tnum_low(ta, w), tnum_low(tb, w));
	default:
		eq = cmp_set(tnum_low(ta, w), tnum_low(tb, w));
		return eq < 0 ? -1 : !eq;
	}
}

/* -- Assumptions ---------------------------------------------------------------- */

static bool assume_eq(struct rng *a, struct tnum *ta, struct rng *b, struct tnum *tb, int w)
{
	struct tnum la = *ta, lb = *tb;

	la.mask |= ~low_mask(w);
	la.value &= low_mask(w);
	lb.mask |= ~low_mask(w);
	lb.value &= low_mask(w);
	a->umin = b->umin = max_u(a->umin, b->umin);
	a->umax = b->umax = min_u(a->umax, b->umax);
	a->smin = b->smin = max_s(a->smin, b->smin);
	a->smax = b->smax = min_s(a->smax, b->smax);
	return tnum_meet(ta, lb) && tnum_meet(tb, la);
}

/* a is not v: an end of a range that equals v moves by one. */
static bool assume_not(struct rng *a, uint64_t v, int w)
{
	int64_t s = sign_extend(v, w);

	if (a->umin == a->umax && a->umin == v)
		return false;
	if (a->umin == v)
		a->umin++;
	if (a->umax == v)
		a->umax--;
	if (a->smin == s && a->smin < a->smax)
		a->smin++;
	if (a->smax == s && a->smin < a->smax)
		a->smax--;
	return true;
}

static bool assume_ne(struct rng *a, struct tnum ta, struct rng *b, struct tnum tb, int w)
{
	ta = tnum_low(ta, w);
	tb = tnum_low(tb, w);
	if (tnum_is_const(tb) && !assume_not(a, tb.value, w))
		return false;
	return !tnum_is_const(ta) || assume_not(b, ta.value, w);
}

/* x + strict <= y */
static bool assume_ule(struct rng *x, struct rng *y, bool strict, int w)
{
	if (strict && (y->umax == 0 || x->umin == low_mask(w)))
		return false;
	x->umax = min_u(x->umax, y->umax - strict);
	y->umin = max_u(y->umin, x->umin + strict);
	return true;
}

static bool assume_sle(struct rng *x, struct rng *y, bool strict, int w)
{
	if (strict && (y->smax == INT64_MIN >> (64 - w) || x->smin == INT64_MAX >> (64 - w)))
		return false;
	x->smax = min_s(x->smax, y->smax - strict);
	y->smin = max_s(y->smin, x->smin + strict);
	return true;
}

/* A known single bit of one side is set in the other. */
static bool assume_set(struct tnum *ta, struct tnum tb, int w)
{
	uint64_t v = tnum_low(tb, w).value;
	struct tnum need = {v, ~v};

	if (!tnum_is_const(tnum_low(tb, w)) || !v || (v & (v - 1)))
		return true;
	return tnum_meet(ta, need);
}

/* The bits known to be set in one side are clear in the other. */
static bool assume_clear(struct tnum *ta, struct tnum tb, int w)
{
	uint64_t v = tnum_low(tb, w).value;

	return tnum_meet(ta, (struct tnum){0, ~v});
}

bool rng_assume(struct rng *a, struct tnum *ta, struct rng *b, struct tnum *tb, enum scalar_cmp op,
		int w)
{
	switch (op) {
	case CMP_EQ:
		return assume_eq(a, ta, b, tb, w);
	case CMP_NE:
		return assume_ne(a, *ta, b, *tb, w);
	case CMP_GT:
		return assume_ule(b, a, true, w);
	case CMP_GE:
		return assume_ule(b, a, false, w);
	case CMP_LT:
		return assume_ule(a, b, true, w);
	case CMP_LE:
		return assume_ule(a, b, false, w);
	case CMP_SGT:
		return assume_sle(b, a, true, w);
	case CMP_SGE:
		return assume_sle(b, a, false, w);
	case CMP_SLT:
		return assume_sle(a, b, true, w);
	case CMP_SLE:
		return assume_sle(a, b, false, w);
	case CMP_SET:
		return assume_set(ta, *tb, w) && assume_set(tb, *ta, w);
	default:
		return assume_clear(ta, *tb, w) && assume_clear(tb, *ta, w);
	}
}
