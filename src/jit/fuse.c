/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Third stage: several nodes become one.
 *
 * Each pass looks for a last node (the or of a rotate, the add behind a copy, ...) and walks
 * back to the nodes that feed it. What is removed must be dead: nothing between reads it, and
 * nothing behind the last node does. All looking back stays inside a stretch without labels
 * and jumps, see rule 3 in ir.h. Facts are computed anew after each pass.
 */
#include "jit/ir.h"

#define LOOK_BACK 24

struct span {
	struct ir *ir;
	const struct node_func *f;
};

static struct node *at(const struct span *s, uint32_t i)
{
	return &s->ir->nodes[i];
}

static void remove_node(struct node *n)
{
	n->op = N_NOP;
}

/* -- Looking around ------------------------------------------------------- */

static bool defines(const struct node *n, uint8_t reg)
{
	struct effects e;

	ir_effects(n, &e);
	return e.def & bit(reg);
}

static bool reads(const struct node *n, uint8_t reg)
{
	struct effects e;

	ir_effects(n, &e);
	return e.use & bit(reg);
}

/* Last node before `i` in this stretch that writes `reg`, or -1. */
static int64_t def_before(const struct span *s, uint32_t i, uint8_t reg)
{
	for (uint32_t k = i; k > s->f->first && i - k < LOOK_BACK; k--) {
		if (at(s, k)->flags & NODE_LABEL || ir_is_jump(at(s, k - 1)))
			return -1;
		if (defines(at(s, k - 1), reg))
			return k - 1;
	}
	return -1;
}

static bool read_between(const struct span *s, uint32_t from, uint32_t to, uint8_t reg)
{
	for (uint32_t k = from + 1; k < to; k++)
		if (reads(at(s, k), reg))
			return true;
	return false;
}

static bool defined_between(const struct span *s, uint32_t from, uint32_t to, uint8_t reg)
{
	for (uint32_t k = from + 1; k < to; k++)
		if (defines(at(s, k), reg))
			return true;
	return false;
}

static bool live_after(const struct span *s, uint32_t i, uint8_t reg)
{
	return at(s, i)->live & bit(reg);
}

/* -- Copies and dead code ------------------------------------------------- */

static bool is_copy(const struct node *n)
{
	return n->dst != n->src &&
	       (n->op == OP_MOV64_X || (n->op == OP_MOV32_X && n->zx & bit(n->src)));
}

static bool replace(uint8_t *field, uint8_t from, uint8_t to)
{
	if (*field != from)
		return false;
	*field = to;
	return true;
}

/* Reads of `from` become reads of `to`, where the form has them apart from its result. */
static bool replace_reads(struct node *n, uint8_t from, uint8_t to)
{
	bool any = false;

	if (n->op >= OP_COUNT)
		return false;
	switch (op_info[n->op].kind) {
	case K_ALU_X:
	case K_MOVSX:
	case K_CAST:
	case K_LDX:
	case K_LDACQ:
		return replace(&n->src, from, to);
	case K_STX:
	case K_STREL:
	case K_JCOND_X:
		any = replace(&n->src, from, to);
		return replace(&n->dst, from, to) || any;
	case K_ST:
	case K_JCOND_K:
		return replace(&n->dst, from, to);
	default:
		return false;
	}
}

/* Behind d = s, s is read in place of d, as long as both keep their values. */
static void forward_copy(const struct span *s, uint32_t i)
{
	uint8_t d = at(s, i)->dst, src = at(s, i)->src;
	uint32_t live_to = i;

	for (uint32_t k = i + 1; k < s->f->end && k - i < LOOK_BACK; k++) {
		struct node *n = at(s, k);

		if (n->flags & NODE_LABEL)
			return;
		if (replace_reads(n, d, src))
			for (; live_to < k; live_to++) {
				at(s, live_to)->live |= bit(src);
				at(s, live_to)->live_hi |= bit(src);
			}
		if (defines(n, d) || defines(n, src))
			return;
	}
}

static bool has_only_result(const struct node *n)
{
	if (n->op >= OP_COUNT)
		return n->op >= N_ROL64 && n->op <= N_BLSR32;
	switch (op_info[n->op].kind) {
	case K_ALU_K:
	case K_ALU_X:
	case K_UNARY:
	case K_MOVSX:
	case K_CAST:
	case K_LDIMM64:
		return true;
	default:
		return false;
	}
}

static bool is_commutative(uint16_t op)
{
	switch ((op - OP_ADD64_K) / 4) {
	case (OP_ADD64_K - OP_ADD64_K) / 4:
	case (OP_MUL64_K - OP_ADD64_K) / 4:
	case (OP_OR64_K - OP_ADD64_K) / 4:
	case (OP_AND64_K - OP_ADD64_K) / 4:
	case (OP_XOR64_K - OP_ADD64_K) / 4:
		return true;
	default:
		return false;
	}
}

/* a op= b; b = a, with a dead behind: b op= a. */
static void turn_around(const struct span *s, uint32_t i)
{
	struct node *mov = at(s, i), *op;
	int64_t d = def_before(s, i, mov->src);

	if (mov->op != OP_MOV64_X || live_after(s, i, mov->src) || d < 0)
		return;
	op = at(s, (uint32_t)d);
	if (op->op >= OP_COUNT || op_info[op->op].kind != K_ALU_X || op->op >= OP_MOV64_K ||
	    !is_commutative(op->op) || op->src != mov->dst || op->dst == op->src)
		return;
	if (read_between(s, (uint32_t)d, i, mov->src) ||
	    read_between(s, (uint32_t)d, i, mov->dst) ||
	    defined_between(s, (uint32_t)d, i, mov->dst))
		return;
	op->src = op->dst;
	op->dst = mov->dst;
	remove_node(mov);
}

/* Values by number: a copy onto a register that already holds the value goes. */
static void drop_known_copies(const struct span *s)
{
	uint32_t value[MAX_BPF_REG], next = 0;

	for (uint32_t i = s->f->first; i < s->f->end; i++) {
		struct node *n = at(s, i);
		struct effects e;

		if (i == s->f->first || n->flags & NODE_LABEL)
			for (uint8_t r = 0; r < MAX_BPF_REG; r++)
				value[r] = next++;
		if (is_copy(n) && value[n->dst] == value[n->src])
			remove_node(n);
		ir_effects(n, &e);
		for (uint8_t r = 0; r < MAX_BPF_REG; r++)
			if (e.def & bit(r))
				value[r] = is_copy(n) ? value[n->src] : next++;
	}
}

static bool pass_copies(const struct span *s)
{
	bool any = false;

	for (uint32_t i = s->f->first; i < s->f->end; i++) {
		struct node *n = at(s, i);

		if (!is_copy(n))
			continue;
		any = true;
		turn_around(s, i);
		if (n->op != N_NOP)
			forward_copy(s, i);
	}
	return any;
}

static bool pass_dead(const struct span *s)
{
	bool any = false;

	for (uint32_t i = s->f->first; i < s->f->end; i++) {
		struct node *n = at(s, i);
		struct effects e;

		if (!has_only_result(n))
			continue;
		ir_effects(n, &e);
		if (!(e.def & n->live) || (n->op == OP_MOV64_X && n->dst == n->src)) {
			remove_node(n);
			any = true;
		}
	}
	return any;
}

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
	int64_t d = def_before(s, i, reg);
	const struct node *n;

	if (d < 0 || read_between(s, (uint32_t)d, i, reg))
		return false;
	n = at(s, (uint32_t)d);
	if (n->op != OP_LSH64_K && n->op != OP_LSH32_K && n->op != OP_RSH64_K &&
	    n->op != OP_RSH32_K)
		return false;
	*out = (struct shifted){.shift = (uint32_t)d,
				.root = reg,
				.left = n->op == OP_LSH64_K || n->op == OP_LSH32_K,
				.wide = n->op == OP_LSH64_K || n->op == OP_RSH64_K,
				.n = (uint8_t)n->imm};
	out->copy = def_before(s, out->shift, reg);
	if (out->copy < 0)
		return true;
	n = at(s, (uint32_t)out->copy);
	if ((n->op == OP_MOV64_X || (!out->wide && n->op == OP_MOV32_X)) && n->src != reg &&
	    !read_between(s, (uint32_t)out->copy, out->shift, reg))
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
	       !defined_between(s, (uint32_t)copied->copy, in_place->shift, in_place->root);
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
	return !defined_between(s, from, i, sa->root) ? sa->root : NO_REG;
}

static void drop_shifted(const struct span *s, const struct shifted *sh)
{
	remove_node(at(s, sh->shift));
	if (sh->copy >= 0)
		remove_node(at(s, (uint32_t)sh->copy));
}

static bool is_joining(uint16_t op)
{
	return op == OP_OR64_X || op == OP_OR32_X || op == OP_XOR64_X || op == OP_XOR32_X ||
	       op == OP_ADD64_X || op == OP_ADD32_X;
}

/* r = x; r <<= n; x >>= width - n; r |= x, in any order of its parts. */
static bool fuse_rotate(const struct span *s, uint32_t i)
{
	struct node *n = at(s, i);
	struct shifted sa, sb;
	bool wide = (n->op - OP_ADD64_K) % 4 < 2;
	uint8_t root;

	if (!is_joining(n->op) || n->dst == n->src || live_after(s, i, n->src))
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
	struct node *n = at(s, i), *shift, *mul, *high;
	int64_t d_shift, d_mul, d_high, d_copy;
	uint8_t v = n->dst, a = n->src;

	if (n->op != OP_OR32_X || v == a || live_after(s, i, a))
		return false;
	d_shift = def_before(s, i, v);
	d_high = def_before(s, i, a);
	if (d_shift < 0 || d_high < 0)
		return false;
	shift = at(s, (uint32_t)d_shift);
	high = at(s, (uint32_t)d_high);
	d_mul = def_before(s, (uint32_t)d_shift, v);
	d_copy = def_before(s, (uint32_t)d_high, a);
	if (shift->op != OP_RSH32_K || high->op != OP_MUL32_K || d_mul < 0 || d_copy < 0)
		return false;
	mul = at(s, (uint32_t)d_mul);
	if (mul->op != OP_MUL32_K || !shift->imm ||
	    (uint32_t)high->imm != (uint32_t)mul->imm << (32 - shift->imm))
		return false;
	if ((at(s, (uint32_t)d_copy)->op != OP_MOV32_X &&
	     at(s, (uint32_t)d_copy)->op != OP_MOV64_X) ||
	    at(s, (uint32_t)d_copy)->src != v || d_copy > d_mul ||
	    defined_between(s, (uint32_t)d_copy, (uint32_t)d_mul, v))
		return false;
	if (read_between(s, (uint32_t)d_mul, (uint32_t)d_shift, v) ||
	    read_between(s, (uint32_t)d_shift, i, v) ||
	    read_between(s, (uint32_t)d_copy, (uint32_t)d_high, a) ||
	    read_between(s, (uint32_t)d_high, i, a))
		return false;
	n->op = N_ROL32;
	n->imm = 32 - shift->imm;
	n->src = v;
	remove_node(shift);
	remove_node(high);
	remove_node(at(s, (uint32_t)d_copy));
	return true;
}

static void pass_rotates(const struct span *s)
{
	for (uint32_t i = s->f->first; i < s->f->end; i++)
		if (!fuse_rotate(s, i))
			fuse_multiplied_rotate(s, i);
}

/* -- Sums ----------------------------------------------------------------- */

/* The node that made dst of `i` and may be absorbed by it: nothing else reads it. */
static struct node *feeder(const struct span *s, uint32_t i, uint8_t reg, int64_t *d)
{
	*d = def_before(s, i, reg);
	if (*d < 0 || read_between(s, (uint32_t)*d, i, reg))
		return NULL;
	return at(s, (uint32_t)*d);
}

static bool is_wide_op(const struct node *n)
{
	return (n->op - OP_ADD64_K) % 4 < 2;
}

/* d = s; d += x: a copy of the same or a larger width is read in place. */
static void absorb_copy(const struct span *s, uint32_t i, uint8_t *field)
{
	struct node *n = at(s, i), *mov;
	int64_t d;

	mov = feeder(s, i, *field, &d);
	if (mov && n->op == N_LEA32 && mov->op == OP_MOV32_X && mov->src == mov->dst &&
	    (*field == n->dst || !live_after(s, i, *field))) {
		remove_node(mov); /* only low halves are added up */
		mov = feeder(s, i, *field, &d);
	}
	if (!mov || mov->src == mov->dst || (*field != n->dst && live_after(s, i, *field)))
		return;
	if (mov->op != OP_MOV64_X &&
	    !(mov->op == OP_MOV32_X && (n->op == N_LEA32 || mov->zx & bit(mov->src))))
		return;
	if (defined_between(s, (uint32_t)d, i, mov->src))
		return;
	*field = mov->src;
	remove_node(mov);
}

static void absorb_shift(const struct span *s, uint32_t i)
{
	struct node *n = at(s, i), *shift;
	bool wide = n->op == N_LEA64;
	int64_t d;

	/* The register shifted in place is the one the sum goes to, or dies here. */
	for (int k = 0; k < 2; k++) {
		uint8_t reg = k ? n->x : n->src, other = k ? n->src : n->x;

		if (reg == NO_REG || other == NO_REG || reg == other)
			continue;
		shift = feeder(s, i, reg, &d);
		if (!shift || (shift->op != OP_LSH64_K && (wide || shift->op != OP_LSH32_K)) ||
		    shift->imm < 1 || shift->imm > 3 || (reg != n->dst && live_after(s, i, reg)))
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
	struct node *n = at(s, i);
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
	struct node *n = at(s, i);
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
	struct node *n = at(s, i), *sum;
	int64_t d;

	if ((n->op != OP_ADD64_K && n->op != OP_ADD32_K) || s->ir->code->blind)
		return;
	sum = feeder(s, i, n->dst, &d);
	if (!sum || sum->op != (n->op == OP_ADD64_K ? N_LEA64 : N_LEA32) || sum->off ||
	    sum->x == NO_REG ||
	    (sum->src != n->dst && defined_between(s, (uint32_t)d, i, sum->src)) ||
	    (sum->x != n->dst && defined_between(s, (uint32_t)d, i, sum->x)))
		return;
	n->op = sum->op;
	n->src = sum->src;
	n->x = sum->x;
	n->scale = sum->scale;
	n->off = (int32_t)n->imm;
	remove_node(sum);
}

static void pass_sums(const struct span *s)
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
	struct node *n = at(s, i), *less;
	bool wide = n->op == OP_AND64_X;
	int64_t d;

	less = feeder(s, i, n->dst, &d);
	if (!less || less->op != (wide ? N_LEA64 : N_LEA32) || less->off != -1 ||
	    less->x != NO_REG || less->src != n->src || n->dst == n->src ||
	    defined_between(s, (uint32_t)d, i, n->src))
		return false;
	n->op = wide ? N_BLSR64 : N_BLSR32;
	remove_node(less);
	return true;
}

/* x ^= -1; x &= y, or y &= x with x dead behind it. */
static bool fuse_andn(const struct span *s, uint32_t i)
{
	struct node *n = at(s, i), *not;
	bool wide = n->op == OP_AND64_X;
	uint8_t d = n->dst, y = n->src;
	int64_t k;

	if (d == y)
		return false;
	for (int side = 0; side < 2; side++) {
		uint8_t x = side ? y : d;

		if (side && live_after(s, i, x))
			continue;
		not = feeder(s, i, x, &k);
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
	struct node *n = at(s, i), *shl;
	int64_t d;

	if ((n->op != OP_RSH64_K && n->op != OP_ARSH64_K) || n->imm != 32)
		return;
	shl = feeder(s, i, n->dst, &d);
	if (!shl || shl->op != OP_LSH64_K || shl->imm != 32)
		return;
	n->op = n->op == OP_RSH64_K ? OP_MOV32_X : OP_MOVSX64_32;
	n->src = n->dst;
	remove_node(shl);
	shl = feeder(s, i, n->dst, &d);
	if (shl && shl->op == OP_MOV64_X && !defined_between(s, (uint32_t)d, i, shl->src)) {
		n->src = shl->src;
		remove_node(shl);
	}
}

static void pass_bits(const struct span *s)
{
	for (uint32_t i = s->f->first; i < s->f->end; i++) {
		struct node *n = at(s, i);

		fuse_extend(s, i);
		if ((n->op == OP_AND64_X || n->op == OP_AND32_X) && !fuse_blsr(s, i))
			fuse_andn(s, i);
	}
}

/* -- Tests ---------------------------------------------------------------- */

static bool is_jcond(const struct node *n)
{
	return n->op < OP_COUNT &&
	       (op_info[n->op].kind == K_JCOND_K || op_info[n->op].kind == K_JCOND_X);
}

/* x &= y; if x == 0: a test of bits, if x is not wanted otherwise. */
static void fuse_test(const struct span *s, uint32_t i)
{
	struct node *n = at(s, i), *and;
	bool eq = n->op == OP_JEQ64_K || n->op == OP_JEQ32_K;
	bool wide = n->op == OP_JEQ64_K || n->op == OP_JNE64_K;
	int64_t d;

	if ((!eq && n->op != OP_JNE64_K && n->op != OP_JNE32_K) || n->off ||
	    live_after(s, i, n->dst))
		return;
	and = feeder(s, i, n->dst, &d);
	if (!and|| (op_info[ and->op < OP_COUNT ? and->op : 0].kind == K_ALU_X &&
		    (and->src == and->dst || defined_between(s, (uint32_t)d, i, and->src))))
		return;
	if (and->op == (wide ? OP_AND64_X : OP_AND32_X))
		n->op = wide ? OP_JSET64_X : OP_JSET32_X;
	else if (and->op == (wide ? OP_AND64_K : OP_AND32_K))
		n->op = wide ? OP_JSET64_K : OP_JSET32_K;
	else
		return;
	n->negated ^= eq;
	n->src = and->src;
	n->off = (int32_t)and->imm;
	remove_node(and);
	/* What was masked is often a copy made for that. */
	and = feeder(s, i, n->dst, &d);
	if (and&&is_copy(and) && (op_info[n->op].kind == K_JCOND_K || n->src != n->dst) &&
	    !defined_between(s, (uint32_t)d, i, and->src)) {
		n->dst = and->src;
		remove_node(and);
	}
}

static void pass_tests(const struct span *s)
{
	for (uint32_t i = s->f->first; i < s->f->end; i++)
		fuse_test(s, i);
}

/* -- Selects -------------------------------------------------------------- */

/* What may be computed although it is not wanted: cheap, cannot fault. */
static bool is_cheap_arm(const struct node *n)
{
	if (n->op == OP_LDIMM64)
		return n->src != BPF_PSEUDO_FUNC;
	if (n->op >= OP_COUNT || (op_info[n->op].kind != K_ALU_K && op_info[n->op].kind != K_ALU_X))
		return false;
	switch ((n->op - OP_ADD64_K) / 4) {
	case (OP_ADD64_K - OP_ADD64_K) / 4:
	case (OP_SUB64_K - OP_ADD64_K) / 4:
	case (OP_OR64_K - OP_ADD64_K) / 4:
	case (OP_AND64_K - OP_ADD64_K) / 4:
	case (OP_XOR64_K - OP_ADD64_K) / 4:
	case (OP_MOV64_K - OP_ADD64_K) / 4:
		return true;
	default:
		return false;
	}
}

static uint32_t skip_nops(const struct span *s, uint32_t i)
{
	while (i < s->f->end && at(s, i)->op == N_NOP && !(at(s, i)->flags & NODE_LABEL))
		i++;
	return i;
}

static bool is_access(const struct node *n)
{
	switch (op_info[n->op].kind) {
	case K_LDX:
	case K_ST:
	case K_STX:
	case K_ATOMIC:
	case K_LDACQ:
	case K_STREL:
		return true;
	default:
		return false;
	}
}

#define LOOK_AHEAD 12

/*
 * Whether the value that `reg` has from node `i` on soon becomes part of an address. There a
 * branch is better: the access starts early on a guess, and guessing right half of the time
 * already beats waiting for a comparison whose operand comes from memory.
 */
static bool feeds_address(const struct span *s, uint32_t i, uint8_t reg)
{
	uint16_t from = bit(reg);

	for (int steps = 0; steps < LOOK_AHEAD && from && i < s->f->end; steps++) {
		const struct node *n = at(s, i);
		struct effects e;

		if (n->op == OP_JA || n->op == OP_JA32) {
			i = n->target;
			continue;
		}
		if (ir_is_jump(n) || !ir_falls_through(n))
			return false;
		if (n->op < OP_COUNT && is_access(n) && from & bit(ir_address_reg(n)))
			return true;
		ir_effects(n, &e);
		from = e.use & from ? from | e.def : from & (uint16_t)~e.def;
		i++;
	}
	return false;
}

/* The arm's own form is kept beside the list, for lowering. */
static int keep_cold(struct ir *ir, struct node *n, const struct node *nodes, uint32_t count)
{
	UA_TRY(UA_GROW(&ir->cold, &ir->cold_cap, ir->n_cold + count));
	n->cold = (uint32_t)ir->n_cold;
	n->n_cold = count;
	memcpy(&ir->cold[ir->n_cold], nodes, count * sizeof(*nodes));
	ir->n_cold += count;
	return 0;
}

/*
 * if cond goto L; d = arm; L:      also where the arm ends in goto L.
 * The place of the arm takes the whole, the jump goes.
 */
static int fuse_select(const struct span *s, uint32_t i)
{
	struct node *jump = at(s, i), *arm, copy;
	struct effects e;
	uint32_t k = skip_nops(s, i + 1), end;

	if (!is_jcond(jump) || k + 1 >= s->f->end)
		return 0;
	arm = at(s, k);
	if (arm->flags & NODE_LABEL || !is_cheap_arm(arm))
		return 0;
	end = skip_nops(s, k + 1);
	if (jump->target != end && skip_nops(s, jump->target) != end &&
	    !((at(s, end)->op == OP_JA || at(s, end)->op == OP_JA32) &&
	      at(s, end)->target == jump->target && !(at(s, end)->flags & NODE_LABEL)))
		return 0;
	if (feeds_address(s, end, arm->dst))
		return 0;
	copy = *arm;
	ir_effects(&copy, &e);
	arm->zero_arm = e.zero_hi;
	arm->op = N_SELECT;
	arm->src = copy.op == OP_LDIMM64 || op_info[copy.op].kind == K_ALU_K ? NO_REG : copy.src;
	arm->cond = jump->op;
	arm->x = jump->dst;
	arm->y = op_info[jump->op].kind == K_JCOND_X ? jump->src : NO_REG;
	arm->off = jump->off;
	arm->negated = jump->negated;
	remove_node(jump);
	return keep_cold(s->ir, arm, &copy, 1);
}

static int pass_selects(const struct span *s)
{
	for (uint32_t i = s->f->first; i < s->f->end; i++)
		UA_TRY(fuse_select(s, i));
	return 0;
}

/* -- Jumps ---------------------------------------------------------------- */

/* if cond goto L; goto M; L:      becomes     if !cond goto M; L: */
static void pass_jumps(const struct span *s)
{
	for (uint32_t i = s->f->first; i + 2 < s->f->end; i++) {
		struct node *jump = at(s, i), *ja;
		uint32_t k = skip_nops(s, i + 1);

		if (!is_jcond(jump) || k + 1 >= s->f->end)
			continue;
		ja = at(s, k);
		if ((ja->op != OP_JA && ja->op != OP_JA32) || ja->flags & NODE_LABEL ||
		    skip_nops(s, k + 1) != skip_nops(s, jump->target))
			continue;
		jump->negated = !jump->negated;
		jump->target = ja->target;
		remove_node(ja);
	}
}

/* -- All ------------------------------------------------------------------ */

int ir_fuse(struct ir *ir, const struct node_func *f)
{
	struct span s = {ir, f};

	UA_TRY(ir_flow(ir, f));
	pass_jumps(&s);
	UA_TRY(ir_flow(ir, f));
	pass_rotates(&s);
	UA_TRY(ir_flow(ir, f));
	drop_known_copies(&s);
	UA_TRY(ir_flow(ir, f));
	pass_copies(&s);
	UA_TRY(ir_flow(ir, f));
	pass_dead(&s);
	pass_sums(&s);
	UA_TRY(ir_flow(ir, f));
	pass_bits(&s);
	UA_TRY(ir_flow(ir, f));
	pass_tests(&s);
	UA_TRY(ir_flow(ir, f));
	UA_TRY(pass_selects(&s));
	UA_TRY(ir_flow(ir, f));
	while (pass_dead(&s))
		UA_TRY(ir_flow(ir, f));
	return 0;
}
