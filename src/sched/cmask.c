/* SPDX-License-Identifier: BSD-2-Clause */
/* Host-side operations on cmasks. */
#include "sched/cmask.h"

#include "base/base.h"
#include "btf/types/scx.h"

/* The range of a mask, read once. */
struct frame {
	uint32_t base, end; /* [base, end) */
};

static struct frame frame_of(const struct scx_cmask *m)
{
	uint32_t base = *(const volatile u32 *)&m->base, n = *(const volatile u32 *)&m->nr_cids;

	return (struct frame){base, n > UINT32_MAX - base ? UINT32_MAX : base + n};
}

static struct frame intersect(struct frame a, struct frame b)
{
	struct frame f = {max_t(uint32_t, a.base, b.base), min_t(uint32_t, a.end, b.end)};

	return f.base < f.end ? f : (struct frame){0, 0};
}

/* Bits of the word that holds cids [word*64, word*64+64) which lie in the frame. */
static uint64_t frame_bits(struct frame f, uint32_t word)
{
	uint64_t lo = (uint64_t)word * 64, bits = ~0ull;

	if (f.base > lo)
		bits &= ~0ull << (f.base - lo);
	if (f.end < lo + 64)
		bits &= ~(~0ull << (f.end - lo));
	return bits;
}

/* Absolute word w of a mask whose base is `base`. */
static u64 *word_at(struct scx_cmask *m, uint32_t base, uint32_t w)
{
	return &m->bits[w - base / 64];
}

static u64 word_get(const struct scx_cmask *m, uint32_t base, uint32_t w)
{
	return *(const volatile u64 *)&m->bits[w - base / 64];
}

#define for_each_word(w, f) \
	for (uint32_t w = (f).base / 64; (f).base < (f).end && w <= ((f).end - 1) / 64; w++)

void cmask_init(struct scx_cmask *m, uint32_t base, uint32_t nr_cids, uint32_t alloc_words)
{
	m->base = base;
	m->nr_cids = nr_cids;
	m->alloc_words = alloc_words;
	memset(m->bits, 0, (size_t)alloc_words * 8);
}

int cmask_reframe(struct scx_cmask *m, uint32_t base, uint32_t nr_cids)
{
	uint64_t last = (uint64_t)base + nr_cids;
	uint64_t words = nr_cids ? (last - 1) / 64 - base / 64 + 1 : 0;

	UA_FAIL_IF(last > UINT32_MAX || words > m->alloc_words, -EINVAL);
	cmask_init(m, base, nr_cids, m->alloc_words);
	return 0;
}

bool cmask_test(const struct scx_cmask *m, uint32_t cid)
{
	struct frame f = frame_of(m);

	return cid >= f.base && cid < f.end && (word_get(m, f.base, cid / 64) >> (cid & 63) & 1);
}

void cmask_set(struct scx_cmask *m, uint32_t cid)
{
	struct frame f = frame_of(m);

	if (cid >= f.base && cid < f.end)
		*word_at(m, f.base, cid / 64) |= 1ull << (cid & 63);
}

void cmask_clear(struct scx_cmask *m, uint32_t cid)
{
	struct frame f = frame_of(m);

	if (cid >= f.base && cid < f.end)
		*word_at(m, f.base, cid / 64) &= ~(1ull << (cid & 63));
}

void cmask_zero(struct scx_cmask *m)
{
	struct frame f = frame_of(m);

	for_each_word(w, f) * word_at(m, f.base, w) = 0;
}

void cmask_fill(struct scx_cmask *m)
{
	struct frame f = frame_of(m);

	for_each_word(w, f) * word_at(m, f.base, w) = frame_bits(f, w);
}

enum mask_op { MASK_AND, MASK_OR, MASK_ANDNOT, MASK_COPY };

static u64 combine(enum mask_op op, u64 dst, u64 src)
{
	switch (op) {
	case MASK_AND:
		return dst & src;
	case MASK_OR:
		return dst | src;
	case MASK_ANDNOT:
		return dst & ~src;
	default:
		return src;
	}
}

static void apply(struct scx_cmask *dst, const struct scx_cmask *src, enum mask_op op)
{
	struct frame d = frame_of(dst), s = frame_of(src), f = intersect(d, s);

	for_each_word(w, f)
	{
		u64 *word = word_at(dst, d.base, w), bits = frame_bits(f, w);

		*word = (*word & ~bits) | (combine(op, *word, word_get(src, s.base, w)) & bits);
	}
}

void cmask_and(struct scx_cmask *dst, const struct scx_cmask *src)
{
	apply(dst, src, MASK_AND);
}

void cmask_or(struct scx_cmask *dst, const struct scx_cmask *src)
{
	apply(dst, src, MASK_OR);
}

void cmask_andnot(struct scx_cmask *dst, const struct scx_cmask *src)
{
	apply(dst, src, MASK_ANDNOT);
}

void cmask_copy(struct scx_cmask *dst, const struct scx_cmask *src)
{
	apply(dst, src, MASK_COPY);
}

bool cmask_subset(const struct scx_cmask *a, const struct scx_cmask *b)
{
	struct frame fa = frame_of(a), fb = frame_of(b), both = intersect(fa, fb);

	for_each_word(w, fa)
	{
		u64 in_b = 0;

		if (both.base < both.end && w >= both.base / 64 && w <= (both.end - 1) / 64)
			in_b = word_get(b, fb.base, w) & frame_bits(both, w);
		if (word_get(a, fa.base, w) & frame_bits(fa, w) & ~in_b)
			return false;
	}
	return true;
}

bool cmask_intersects(const struct scx_cmask *a, const struct scx_cmask *b)
{
	struct frame fa = frame_of(a), fb = frame_of(b), f = intersect(fa, fb);

	for_each_word(w, f) if (word_get(a, fa.base, w) & word_get(b, fb.base, w) &
				frame_bits(f, w)) return true;
	return false;
}

uint32_t cmask_next(const struct scx_cmask *m, uint32_t cid)
{
	struct frame all = frame_of(m), f = {max_t(uint32_t, all.base, cid), all.end};

	for_each_word(w, f)
	{
		u64 bits = word_get(m, all.base, w) & frame_bits(f, w);

		if (bits)
			return w * 64 + (uint32_t)__builtin_ctzll(bits);
	}
	return all.end;
}

bool cmask_empty(const struct scx_cmask *m)
{
	struct frame f = frame_of(m);

	return cmask_next(m, f.base) == f.end;
}

uint32_t cmask_weight(const struct scx_cmask *m)
{
	struct frame f = frame_of(m);
	uint32_t n = 0;

	for_each_word(w, f) n +=
		(uint32_t)__builtin_popcountll(word_get(m, f.base, w) & frame_bits(f, w));
	return n;
}
