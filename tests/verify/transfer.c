/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transfer functions against concrete execution.
 *
 * Small width, exhaustively: every pair of 4-bit ranges and every pair of 4-bit tristate
 * numbers, for every operation and comparison, with the code that runs at 64 bits. Full width,
 * at random: abstract values made from sets of concrete ones, which the result must contain.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "abi/insn.h"
#include "verify/scalar.h"

#define W 4
#define N (1 << W)

static unsigned long checks;
static int failures;

static void fail(const char *what, uint64_t a, uint64_t b, uint64_t got)
{
	if (failures++ < 20)
		printf("%s: %#llx, %#llx give %#llx, which the result excludes\n", what,
		       (unsigned long long)a, (unsigned long long)b, (unsigned long long)got);
}

static int64_t sext(uint64_t v, int w)
{
	return (int64_t)(v << (64 - w)) >> (64 - w);
}

static bool rng_has(const struct rng *r, uint64_t v, int w)
{
	int64_t s = sext(v, w);

	return v >= r->umin && v <= r->umax && s >= r->smin && s <= r->smax;
}

/* -- Concrete semantics ---------------------------------------------------------- */

static const uint8_t ops[] = {BPF_ADD, BPF_SUB, BPF_MUL, BPF_AND, BPF_OR,
			      BPF_XOR, BPF_LSH, BPF_RSH, BPF_ARSH};
#define N_OPS (sizeof(ops) / sizeof(ops[0]))

static bool is_shift(uint8_t op)
{
	return op == BPF_LSH || op == BPF_RSH || op == BPF_ARSH;
}

static uint64_t run_op(uint8_t op, uint64_t a, uint64_t b, int w)
{
	uint64_t keep = w == 64 ? UINT64_MAX : (1ull << w) - 1, r;

	switch (op) {
	case BPF_ADD:
		r = a + b;
		break;
	case BPF_SUB:
		r = a - b;
		break;
	case BPF_MUL:
		r = a * b;
		break;
	case BPF_AND:
		r = a & b;
		break;
	case BPF_OR:
		r = a | b;
		break;
	case BPF_XOR:
		r = a ^ b;
		break;
	case BPF_LSH:
		r = a << (b % (unsigned int)w);
		break;
	case BPF_RSH:
		r = (a & keep) >> (b % (unsigned int)w);
		break;
	case BPF_DIV:
		r = (b & keep) ? (a & keep) / (b & keep) : 0;
		break;
	case BPF_MOD:
		r = (b & keep) ? (a & keep) % (b & keep) : a;
		break;
	default:
		r = (uint64_t)(sext(a & keep, w) >> (b % (unsigned int)w));
	}
	return r & keep;
}

static bool run_cmp(enum scalar_cmp op, uint64_t a, uint64_t b, int w)
{
	int64_t sa = sext(a, w), sb = sext(b, w);

	switch (op) {
	case CMP_EQ:
		return a == b;
	case CMP_NE:
		return a != b;
	case CMP_GT:
		return a > b;
	case CMP_GE:
		return a >= b;
	case CMP_LT:
		return a < b;
	case CMP_LE:
		return a <= b;
	case CMP_SGT:
		return sa > sb;
	case CMP_SGE:
		return sa >= sb;
	case CMP_SLT:
		return sa < sb;
	case CMP_SLE:
		return sa <= sb;
	case CMP_SET:
		return a & b;
	default:
		return !(a & b);
	}
}

static struct rng op_rng(uint8_t op, struct rng a, struct rng b, struct tnum t)
{
	switch (op) {
	case BPF_ADD:
		return rng_add(a, b, W);
	case BPF_SUB:
		return rng_sub(a, b, W);
	case BPF_MUL:
		return rng_mul(a, b, W);
	case BPF_AND:
		return rng_and(a, b, t, W);
	case BPF_OR:
		return rng_or(a, b, t, W);
	case BPF_XOR:
		return rng_xor(a, b, t, W);
	case BPF_LSH:
		return rng_lsh(a, (unsigned int)b.umin, W);
	case BPF_RSH:
		return rng_rsh(a, (unsigned int)b.umin, W);
	default:
		return rng_arsh(a, (unsigned int)b.umin, W);
	}
}

static struct tnum op_tnum(uint8_t op, struct tnum a, struct tnum b)
{
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
		return tnum_lsh(a, (unsigned int)b.value);
	case BPF_RSH:
		return tnum_rsh(a, (unsigned int)b.value);
	default:
		return tnum_arsh(a, (unsigned int)b.value, W);
	}
}

/* -- 4 bits, everything -------------------------------------------------------------- */

/* Abstract values: every unsigned range, then every signed one, then every tnum. */
struct abstract {
	struct rng r;
	struct tnum t;
	uint32_t set; /* the concrete values it stands for */
};

static struct abstract all[N * N + N * N + 81];
static int n_all;

static void add_abstract(struct rng r, struct tnum t)
{
	struct abstract x = {r, t, 0};

	for (uint64_t v = 0; v < N; v++)
		if (rng_has(&r, v, W) && tnum_has(t, v))
			x.set |= 1u << v;
	if (!x.set)
		return;
	if (!rng_sync(&x.r, &x.t, W))
		fail("sync found an inhabited value empty", r.umin, r.umax, t.mask);
	for (uint64_t v = 0; v < N; v++, checks++)
		if (x.set >> v & 1 && (!rng_has(&x.r, v, W) || !tnum_has(tnum_low(x.t, W), v)))
			fail("sync", r.umin, r.umax, v);
	x.t = tnum_low(x.t, W);
	all[n_all++] = x;
}

static void build(void)
{
	struct rng full = rng_full(W);
	struct tnum any = {0, N - 1};

	for (uint64_t lo = 0; lo < N; lo++)
		for (uint64_t hi = lo; hi < N; hi++) {
			struct rng u = full, s = full;

			u.umin = lo;
			u.umax = hi;
			add_abstract(u, any);
			s.smin = (int64_t)lo - N / 2;
			s.smax = (int64_t)hi - N / 2;
			add_abstract(s, any);
		}
	for (uint64_t mask = 0; mask < N; mask++)
		for (uint64_t value = 0; value < N; value++)
			if (!(value & mask))
				add_abstract(full, (struct tnum){value, mask});
}

static void small_op(const struct abstract *a, const struct abstract *b, uint8_t op)
{
	struct tnum t;
	struct rng r;

	if (is_shift(op) && (!tnum_is_const(b->t) || b->t.value >= W))
		return;
	t = tnum_low(op_tnum(op, a->t, b->t), W);
	r = op_rng(op, a->r, b->r, t);
	for (uint64_t x = 0; x < N; x++)
		for (uint64_t y = 0; a->set >> x & 1 && y < N; y++) {
			uint64_t v = run_op(op, x, y, W);

			if (!(b->set >> y & 1))
				continue;
			checks++;
			if (!rng_has(&r, v, W))
				fail("range", x, y, v);
			if (!tnum_has(t, v))
				fail("tnum", x, y, v);
		}
}

static void small_cmp(const struct abstract *a, const struct abstract *b, enum scalar_cmp op)
{
	int way = rng_cmp(&a->r, a->t, &b->r, b->t, op, W);
	struct abstract x = *a, y = *b;
	bool possible = rng_assume(&x.r, &x.t, &y.r, &y.t, op, W);

	possible = possible && rng_sync(&x.r, &x.t, W) && rng_sync(&y.r, &y.t, W);
	for (uint64_t i = 0; i < N; i++)
		for (uint64_t k = 0; a->set >> i & 1 && k < N; k++) {
			bool holds = run_cmp(op, i, k, W);

			if (!(b->set >> k & 1))
				continue;
			checks++;
			if (way >= 0 && way != holds)
				fail("branch decided wrongly", i, k, (uint64_t)op);
			if (holds &&
			    (!possible || !rng_has(&x.r, i, W) || !rng_has(&y.r, k, W) ||
			     !tnum_has(tnum_low(x.t, W), i) || !tnum_has(tnum_low(y.t, W), k)))
				fail("assumption", i, k, (uint64_t)op);
		}
}

static void small(void)
{
	build();
	for (int i = 0; i < n_all; i++)
		for (int k = 0; k < n_all; k++) {
			for (size_t o = 0; o < N_OPS; o++)
				small_op(&all[i], &all[k], ops[o]);
			for (int c = CMP_EQ; c <= CMP_NSET; c++)
				small_cmp(&all[i], &all[k], (enum scalar_cmp)c);
		}
	printf("width %d: %d abstract values, %lu checks\n", W, n_all, checks);
}

/* -- 64 bits, at random ---------------------------------------------------------------- */

static uint64_t seed;

static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed * 0x2545f4914f6cdd1dull;
}

/* Values near the places where ranges break. */
static uint64_t rnd_value(void)
{
	static const uint64_t edges[] = {0,
					 1,
					 0x7f,
					 0x80,
					 0xff,
					 0x7fff,
					 0x8000,
					 0x7fffffff,
					 0x80000000,
					 0xffffffff,
					 0x100000000,
					 0x7fffffffffffffff,
					 0x8000000000000000,
					 0xffffffff00000000,
					 0xffffffff80000000,
					 UINT64_MAX};

	switch (rnd() % 4) {
	case 0:
		return edges[rnd() % (sizeof(edges) / 8)] + rnd() % 5 - 2;
	case 1:
		return rnd() >> (rnd() % 64);
	case 2:
		return (uint64_t)((int64_t)rnd() >> (rnd() % 64));
	default:
		return rnd();
	}
}

#define SET 4

/* The value that the registers of a random set of numbers would have. */
static void from_set(struct scalar *s, const uint64_t v[SET])
{
	scalar_const(s, v[0]);
	for (int i = 1; i < SET; i++) {
		struct scalar x;

		scalar_const(&x, v[i]);
		s->var = tnum_union(s->var, x.var);
		s->umin = x.umin < s->umin ? x.umin : s->umin;
		s->umax = x.umax > s->umax ? x.umax : s->umax;
		s->smin = x.smin < s->smin ? x.smin : s->smin;
		s->smax = x.smax > s->smax ? x.smax : s->smax;
		s->umin32 = x.umin32 < s->umin32 ? x.umin32 : s->umin32;
		s->umax32 = x.umax32 > s->umax32 ? x.umax32 : s->umax32;
		s->smin32 = x.smin32 < s->smin32 ? x.smin32 : s->smin32;
		s->smax32 = x.smax32 > s->smax32 ? x.smax32 : s->smax32;
	}
	if (rnd() & 1)
		s->var = TNUM_UNKNOWN;
	if (rnd() & 1) {
		s->umin = 0;
		s->umax = UINT64_MAX;
	}
	if (rnd() & 1) {
		s->smin = INT64_MIN;
		s->smax = INT64_MAX;
	}
}

static bool scalar_has(const struct scalar *s, uint64_t v)
{
	int64_t sv = (int64_t)v;
	uint32_t u32 = (uint32_t)v;

	return tnum_has(s->var, v) && v >= s->umin && v <= s->umax && sv >= s->smin &&
	       sv <= s->smax && u32 >= s->umin32 && u32 <= s->umax32 && (int32_t)u32 >= s->smin32 &&
	       (int32_t)u32 <= s->smax32;
}

static void make_sets(uint64_t a[SET], uint64_t b[SET], struct scalar *sa, struct scalar *sb)
{
	uint64_t near_a = rnd_value(), near_b = rnd_value();

	for (int i = 0; i < SET; i++) {
		a[i] = rnd() & 1 ? near_a + rnd() % 16 : rnd_value();
		b[i] = rnd() & 1 ? near_b + rnd() % 16 : rnd_value();
	}
	for (int i = 0; i < SET && rnd() % 3 == 0; i++)
		b[i] = b[0];
	from_set(sa, a);
	from_set(sb, b);
	if (!scalar_sync(sa) || !scalar_sync(sb))
		fail("sync found an inhabited value empty", a[0], b[0], 0);
	for (int i = 0; i < SET; i++, checks++)
		if (!scalar_has(sa, a[i]) || !scalar_has(sb, b[i]))
			fail("sync", a[i], b[i], 0);
}

static void random_op(const uint64_t a[SET], const uint64_t b[SET], const struct scalar *sa,
		      const struct scalar *sb)
{
	static const uint8_t more[] = {BPF_ADD, BPF_SUB, BPF_MUL,  BPF_AND, BPF_OR, BPF_XOR,
				       BPF_LSH, BPF_RSH, BPF_ARSH, BPF_DIV, BPF_MOD};
	uint8_t op = more[rnd() % sizeof(more)];
	bool is32 = rnd() & 1;
	struct scalar s = *sb, d = *sa;
	uint64_t amount = rnd() % (is32 ? 32 : 64);
	int w = is32 ? 32 : 64;

	if (is_shift(op))
		scalar_const(&s, amount);
	scalar_alu(&d, &s, op, is32);
	for (int i = 0; i < SET; i++)
		for (int k = 0; k < SET; k++, checks++) {
			uint64_t y = is_shift(op) ? amount : b[k], v = run_op(op, a[i], y, w);

			if (is32)
				v = (uint32_t)v;
			if (!scalar_has(&d, v))
				fail(is32 ? "alu32" : "alu64", a[i], y, v);
		}
}

static void random_unary(const uint64_t a[SET], const struct scalar *sa)
{
	static const int bits[] = {8, 16, 32};
	int w = bits[rnd() % 3], size = w / 8, swap_bits = 16 << (rnd() % 3);
	bool is32 = w < 32 && rnd() & 1, low_only = rnd() & 1;
	struct scalar x = *sa, z = *sa, t = *sa, n = *sa, n32 = *sa, e = *sa, p = *sa;

	scalar_sext(&x, w, is32);
	scalar_zext32(&z);
	scalar_trunc(&t, size);
	scalar_neg(&n, false);
	scalar_neg(&n32, true);
	scalar_bswap(&e, swap_bits);
	scalar_pick(&p, a[0], low_only);
	for (int i = 0; i < SET; i++, checks += 7) {
		uint64_t low = swap_bits == 64 ? a[i] : a[i] & ((1ull << swap_bits) - 1);
		uint64_t swapped = swap_bits == 16   ? __builtin_bswap16((uint16_t)low)
				   : swap_bits == 32 ? __builtin_bswap32((uint32_t)low)
						     : __builtin_bswap64(low);
		uint64_t sx = (uint64_t)sext(a[i], w);

		if (!scalar_has(&x, is32 ? (uint32_t)sx : sx))
			fail("sign extension", a[i], (uint64_t)w, sx);
		if (!scalar_has(&z, (uint32_t)a[i]))
			fail("zero extension", a[i], 32, 0);
		if (!scalar_has(&t, a[i] & ((1ull << w) - 1)))
			fail("truncation", a[i], (uint64_t)w, 0);
		if (!scalar_has(&n, -a[i]) || !scalar_has(&n32, (uint32_t)-a[i]))
			fail("negation", a[i], 0, -a[i]);
		if (!scalar_has(&e, swapped))
			fail("byte swap", a[i], (uint64_t)swap_bits, swapped);
		if ((low_only ? (uint32_t)a[i] == (uint32_t)a[0] : a[i] == a[0]) &&
		    !scalar_has(&p, a[i]))
			fail("choice of a value", a[i], a[0], low_only);
	}
}

static void random_cmp(const uint64_t a[SET], const uint64_t b[SET], const struct scalar *sa,
		       const struct scalar *sb)
{
	enum scalar_cmp op = (enum scalar_cmp)(rnd() % (CMP_NSET + 1));
	bool is32 = rnd() & 1;
	struct scalar x = *sa, y = *sb;
	int way = scalar_cmp(sa, sb, op, is32), w = is32 ? 32 : 64;
	bool possible = scalar_assume(&x, &y, op, is32);

	for (int i = 0; i < SET; i++)
		for (int k = 0; k < SET; k++, checks++) {
			bool holds = run_cmp(op, is32 ? (uint32_t)a[i] : a[i],
					     is32 ? (uint32_t)b[k] : b[k], w);

			if (way >= 0 && way != holds)
				fail("branch decided wrongly", a[i], b[k], (uint64_t)op);
			if (holds && (!possible || !scalar_has(&x, a[i]) || !scalar_has(&y, b[k])))
				fail("assumption", a[i], b[k], (uint64_t)op);
		}
}

int main(int argc, char **argv)
{
	long rounds = argc > 1 ? atol(argv[1]) : 300000;

	seed = argc > 2 ? strtoull(argv[2], NULL, 0) : (uint64_t)time(NULL) | 1;
	printf("seed %llu\n", (unsigned long long)seed);
	small();
	for (long i = 0; i < rounds; i++) {
		uint64_t a[SET], b[SET];
		struct scalar sa, sb;

		make_sets(a, b, &sa, &sb);
		random_op(a, b, &sa, &sb);
		random_unary(a, &sa);
		random_cmp(a, b, &sa, &sb);
	}
	printf("%lu checks, %d failures\n", checks, failures);
	return failures != 0;
}
