/* SPDX-License-Identifier: BSD-2-Clause */
/* Fusing arithmetic: rotates, sums of up to three, bit operations. */
#include "jit/fuse.h"

/* -- Rotates -------------------------------------------------------------- */

/* A shifted copy: reg holds (value << or >> n), where the value stands in `root`. */
struct shifted {
	uint32_t shift; /* node */
	int64_t copy;	/* node that copied root to the register, or -1: root is the register */
	uint8_t root;
	bool left, wide;
	uint8_t n;
};

static bool find_shifted(const struct span *s, uint32_t i, uint8_t reg, struct shifted *out)
{
	int64_t d = span_def_before(s, i, reg);
	const struct node *n;

	if (d < 0 || span_read_between(s, (uint32_t)d, i, reg))
		return false;
	n = span_at(s, (uint32_t)d);
	if (n->op != OP_LSH64_K && n->op != OP_LSH32_K && n->op != OP_RSH64_K &&
	    n->op != OP_RSH32_K)
		return false;
	*out = (struct shifted){.shift = (uint32_t)d,
				.root = reg,
				.left = n->op == OP_LSH64_K || n->op == OP_LSH32_K,
				.wide = n->op == OP_LSH64_K || n->op == OP_RSH64_K,
				.n = (uint8_t)n->imm};
	out->copy = span_def_before(s, out->shift, reg);
	if (out->copy < 0)
		return true;
	n = span_at(s, (uint32_t)out->copy);
	if ((n->op == OP_MOV64_X || (!out->wide && n->op == OP_MOV32_X)) && n->src != reg &&
	    !span_read_between(s, (uint32_t)out->copy, out->shift, reg))
		out->root = n->src;
	else
		out->copy = -1;
	return true;
}

/* The copy was taken of the value that the other one shifts in place. */
static bool still_there(const struct span *s, const struct shifted *copied,
			const struct shifted *in_place)
{
	return copied->copy < in_place->shift &&
	       !span_defined_between(s, (uint32_t)copied->copy, in_place->shift, in_place->root);
}

/* Where the common value stands at `i` once the shifts are gone, or NO_REG. */
static uint8_t common_root(const struct span *s, uint32_t i, uint8_t a, const struct shifted *sa,
			   uint8_t b, const struct shifted *sb)
{
	uint32_t from;

	if (sa->root == b && sb->root == b)
		return still_there(s, sa, sb) ? b : NO_REG;
	if (sa->root == a && sb->root == a)
		return still_there(s, sb, sa) ? a : NO_REG;
	if (sa->root != sb->root || sa->copy < 0 || sb->copy < 0)
		return NO_REG;
	from = (uint32_t)min_t(int64_t, sa->copy, sb->copy);
	return !span_defined_between(s, from, i, sa->root) ? sa->root : NO_REG;
}

static void drop_shifted(const struct span *s, const struct shifted *sh)
{
	remove_node(span_at(s, sh->shift));
	if (sh->copy >= 0)
		remove_node(span_at(s, (uint32_t)sh->copy));
}

static bool is_joining(uint16_t op)
{
	return op == OP_OR64_X || op == OP_OR32_X || op == OP_XOR64_X || op == OP_XOR32_X ||
	       op == OP_ADD64_X || op == OP_ADD32_X;
}

/* r = x; r <<= n; x >>= width - n; r |= x, in any order of its parts. */
static bool fuse_rotate(const struct span *s, uint32_t i)
{
	struct node *n = span_at(s, i);
	struct shifted sa, sb;
	bool wide = (n->op - OP_ADD64_K) % 4 < 2;
	uint8_t root;

	if (!is_joining(n->op) || n->dst == n->src || span_live_after(s, i, n->src))
		return false;
	if (!find_shifted(s, i, n->dst, &sa) || !find_shifted(s, i, n->src, &sb))
		return false;
	if (sa.left == sb.left || sa.wide != wide || sb.wide != wide ||
	    sa.n + sb.n != (wide ? 64 : 32))
		return false;
	root = common_root(s, i, n->dst, &sa, n->src, &sb);
	if (root == NO_REG)
		return false;
	drop_shifted(s, &sa);
	drop_shifted(s, &sb);
	n->op = wide ? N_ROL64 : N_ROL32;
	n->imm = sa.left ? sa.n : sb.n;
	n->src = root;
	return true;
}

/*
 * The compiler turns rol(v * c, n) into (v * (c << n)) | ((v * c) >> (32 - n)):
 *   a = v; a *= c << n; v *= c; v >>= 32 - n; v |= a
 */
static bool fuse_multiplied_rotate(const struct span *s, uint32_t i)
{
	struct node *n = span_at(s, i), *shift, *mul, *high;
	int64_t d_shift, d_mul, d_high, d_copy;
	uint8_t v = n->dst, a = n->src;

	if (n->op != OP_OR32_X || v == a || span_live_after(s, i, a))
		return false;
	d_shift = span_def_before(s, i, v);
	d_high = span_def_before(s, i, a);
	if (d_shift < 0 || d_high < 0)
		return false;
	shift = span_at(s, (uint32_t)d_shift);
	high = span_at(s, (uint32_t)d_high);
	d_mul = span_def_before(s, (uint32_t)d_shift, v);
	d_copy = span_def_before(s, (uint32_t)d_high, a);
	if (shift->op != OP_RSH32_K || high->op != OP_MUL32_K || d_mul < 0 || d_copy < 0)
		return false;
	mul = span_at(s, (uint32_t)d_mul);
	if (mul->op != OP_MUL32_K || !shift->imm ||
	    (uint32_t)high->imm != (uint32_t)mul->imm << (32 - shift->imm))
		return false;
	if ((span_at(s, (uint32_t)d_copy)->op != OP_MOV32_X &&
	     span_at(s, (uint32_t)d_copy)->op != OP_MOV64_X) ||
	    span_at(s, (uint32_t)d_copy)->src != v || d_copy > d_mul ||
	    span_defined_between(s, (uint32_t)d_copy, (uint32_t)d_mul, v))
		return false;
	if (span_read_between(s, (uint32_t)d_mul, (uint32_t)d_shift, v) ||
	    span_read_between(s, (uint32_t)d_shift, i, v) ||
	    span_read_between(s, (uint32_t)d_copy, (uint32_t)d_high, a) ||
	    span_read_between(s, (uint32_t)d_high, i, a))
		return false;
	n->op = N_ROL32;
	n->imm = 32 - shift->imm;
	n->src = v;
	remove_node(shift);
	remove_node(high);
	remove_node(span_at(s, (uint32_t)d_copy));
	return true;
}

void fuse_rotates(const struct span *s)
{
	for (uint32_t i = s->f->first; i < s->f->end; i++)
		if (!fuse_rotate(s, i))
			fuse_multiplied_rotate(s, i);
}

/* -- Sums ----------------------------------------------------------------- */

static bool is_wide_op(const struct node *n)
{
	return (n->op - OP_ADD64_K) % 4 < 2;
}

/* d = s; d += x: a copy of the same or a larger width is read in place. */
static void absorb_copy(const struct span *s, uint32_t i, uint8_t *field)
{
	struct node *n = span_at(s, i), *mov;
	int64_t d;

	mov = span_feeder(s, i, *field, &d);
	if (mov && n->op == N_LEA32 && mov->op == OP_MOV32_X && mov->src == mov->dst &&
	    (*field == n->dst || !span_live_after(s, i, *field))) {
		remove_node(mov); /* only low halves are added up */
		mov = span_feeder(s, i, *field, &d);
	}
	if (!mov || mov->src == mov->dst || (*field != n->dst && span_live_after(s, i, *field)))
		return;
	if (mov->op != OP_MOV64_X &&
	    !(mov->op == OP_MOV32_X && (n->op == N_LEA32 || mov->zx & bit(mov->src))))
		return;
	if (span_defined_between(s, (uint32_t)d, i, mov->src))
		return;
	*field = mov->src;
	remove_node(mov);
}

static void absorb_shift(const struct span *s, uint32_t i)
{
	struct node *n = span_at(s, i), *shift;
	bool wide = n->op == N_LEA64;
	int64_t d;

	/* The register shifted in place is the one the sum goes to, or dies here. */
	for (int k = 0; k < 2; k++) {
		uint8_t reg = k ? n->x : n->src, other = k ? n->src : n->x;

		if (reg == NO_REG || other == NO_REG || reg == other)
			continue;
		shift = span_feeder(s, i, reg, &d);
		if (!shift || (shift->op != OP_LSH64_K && (wide || shift->op != OP_LSH32_K)) ||
		    shift->imm < 1 || shift->imm > 3 ||
		    (reg != n->dst && span_live_after(s, i, reg)))
			continue;
		n->src = other;
		n->x = reg;
		n->scale = (uint8_t)shift->imm;
		remove_node(shift);
		absorb_copy(s, i, &n->x);
		return;
	}
}

static bool is_sum(const struct node *n)
{
	switch (n->op) {
	case OP_ADD64_K:
	case OP_ADD32_K:
		return true;
	case OP_SUB64_K:
	case OP_SUB32_K:
		return n->imm != INT32_MIN;
	case OP_ADD64_X:
	case OP_ADD32_X:
		return n->dst != n->src;
	default:
		return false;
	}
}

/* As a sum of up to three; taken back when nothing was absorbed. */
static void fuse_sum(const struct span *s, uint32_t i)
{
	struct node *n = span_at(s, i);
	const struct node old = *n;
	bool by_reg = n->op == OP_ADD64_X || n->op == OP_ADD32_X;
	bool is_sub = n->op == OP_SUB64_K || n->op == OP_SUB32_K;

	if (!is_sum(n) || (!by_reg && s->ir->code->blind))
		return;
	n->x = by_reg ? n->src : NO_REG;
	n->off = by_reg ? 0 : (int32_t)(is_sub ? -n->imm : n->imm);
	n->src = n->dst;
	n->scale = 0;
	n->op = is_wide_op(&old) ? N_LEA64 : N_LEA32;
	if (n->x != NO_REG)
		absorb_shift(s, i);
	if (n->src == n->dst)
		absorb_copy(s, i, &n->src);
	if (n->src == n->dst && n->x == (by_reg ? old.src : NO_REG) && !n->scale)
		*n = old;
}

/* d *= 3, 5 or 9 is d + (d << 1, 2 or 3), and a constant added then fits in too. */
static void fuse_product(const struct span *s, uint32_t i)
{
	struct node *n = span_at(s, i);
	bool wide = n->op == OP_MUL64_K;

	if ((!wide && n->op != OP_MUL32_K) || (n->imm != 3 && n->imm != 5 && n->imm != 9))
		return;
	n->op = wide ? N_LEA64 : N_LEA32;
	n->src = n->x = n->dst;
	n->scale = n->imm == 3 ? 1 : n->imm == 5 ? 2 : 3;
	n->off = 0;
}

static void absorb_sum(const struct span *s, uint32_t i)
{
	struct node *n = span_at(s, i), *sum;
	int64_t d;

	if ((n->op != OP_ADD64_K && n->op != OP_ADD32_K) || s->ir->code->blind)
		return;
	sum = span_feeder(s, i, n->dst, &d);
	if (!sum || sum->op != (n->op == OP_ADD64_K ? N_LEA64 : N_LEA32) || sum->off ||
	    sum->x == NO_REG ||
	    (sum->src != n->dst && span_defined_between(s, (uint32_t)d, i, sum->src)) ||
	    (sum->x != n->dst && span_defined_between(s, (uint32_t)d, i, sum->x)))
		return;
	n->op = sum->op;
	n->src = sum->src;
	n->x = sum->x;
	n->scale = sum->scale;
	n->off = (int32_t)n->imm;
	remove_node(sum);
}

void fuse_sums(const struct span *s)
{
	for (uint32_t i = s->f->first; i < s->f->end; i++) {
		fuse_product(s, i);
		absorb_sum(s, i);
		fuse_sum(s, i);
	}
}

/* -- Bit operations ------------------------------------------------------- */

/* r = x - 1; r &= x */
static bool fuse_blsr(const struct span *s, uint32_t i)
{
	struct node *n = span_at(s, i), *less;
	bool wide = n->op == OP_AND64_X;
	int64_t d;

	less = span_feeder(s, i, n->dst, &d);
	if (!less || less->op != (wide ? N_LEA64 : N_LEA32) || less->off != -1 ||
	    less->x != NO_REG || less->src != n->src || n->dst == n->src ||
	    span_defined_between(s, (uint32_t)d, i, n->src))
		return false;
	n->op = wide ? N_BLSR64 : N_BLSR32;
	remove_node(less);
	return true;
}

/* x ^= -1; x &= y, or y &= x with x dead behind it. */
static bool fuse_andn(const struct span *s, uint32_t i)
{
	struct node *n = span_at(s, i), *not;
	bool wide = n->op == OP_AND64_X;
	uint8_t d = n->dst, y = n->src;
	int64_t k;

	if (d == y)
		return false;
	for (int side = 0; side < 2; side++) {
		uint8_t x = side ? y : d;

		if (side && span_live_after(s, i, x))
			continue;
		not = span_feeder(s, i, x, &k);
		if (!not|| not->op != (wide ? OP_XOR64_K : OP_XOR32_K) || not->imm != -1)
			continue;
		remove_node(not);
		n->op = wide ? N_ANDN64 : N_ANDN32;
		n->x = x;
		n->src = side ? d : y;
		return true;
	}
	return false;
}

/* x <<= 32; x >>= 32: how 32-bit values were extended before there were 32-bit moves. */
static void fuse_extend(const struct span *s, uint32_t i)
{
	struct node *n = span_at(s, i), *shl;
	int64_t d;

	if ((n->op != OP_RSH64_K && n->op != OP_ARSH64_K) || n->imm != 32)
		return;
	shl = span_feeder(s, i, n->dst, &d);
	if (!shl || shl->op != OP_LSH64_K || shl->imm != 32)
		return;
	n->op = n->op == OP_RSH64_K ? OP_MOV32_X : OP_MOVSX64_32;
	n->src = n->dst;
	remove_node(shl);
	shl = span_feeder(s, i, n->dst, &d);
	if (shl && shl->op == OP_MOV64_X && !span_defined_between(s, (uint32_t)d, i, shl->src)) {
		n->src = shl->src;
		remove_node(shl);
	}
}

void fuse_bits(const struct span *s)
{
	for (uint32_t i = s->f->first; i < s->f->end; i++) {
		struct node *n = span_at(s, i);

		fuse_extend(s, i);
		if ((n->op == OP_AND64_X || n->op == OP_AND32_X) && !fuse_blsr(s, i))
			fuse_andn(s, i);
	}
}
