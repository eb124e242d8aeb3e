/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For BPF programs: cmasks in arena memory, the sets of cids that a sched_ext scheduler in cid
 * form gets and keeps.
 *
 * A mask covers [base, base + nr_cids). Word 0 of bits[] begins at base rounded down to 64, so
 * that words of two masks line up whatever their bases; bits outside the range are zero.
 * Functions of two masks touch only the cids that both cover. Searches return the end of the
 * range when they find nothing.
 *
 * Plain functions are for masks that nobody else changes meanwhile. Those named *_atomic, and
 * the test-and-change pair, may be used by several CPUs at once: they are loops around a
 * compare-and-swap, which every JIT can do on arena memory.
 */
#ifndef UARENA_BPF_CMASK_H
#define UARENA_BPF_CMASK_H

#include <uarena/bpf_arena.h>

struct scx_cmask {
	u32 base;
	u32 nr_cids;
	u32 alloc_words;
	u64 bits[];
};

typedef struct scx_cmask __arena cmask_t;

/* Size of a mask of n cids with any base, as a type for struct members: CMASK(name, n). */
#define CMASK_WORDS(n) (((n) + 63) / 64 + 1)
#define CMASK_BYTES(n) (sizeof(struct scx_cmask) + 8 * CMASK_WORDS(n))

static __always_inline u32 cmask_end(const cmask_t *m)
{
	return m->base + m->nr_cids;
}

static __always_inline bool cmask_covers(const cmask_t *m, u32 cid)
{
	return cid - m->base < m->nr_cids;
}

/* The word that holds cid, which the mask must cover. */
static __always_inline u64 __arena *cmask_word(const cmask_t *m, u32 cid)
{
	return (u64 __arena *)&m->bits[cid / 64 - m->base / 64];
}

/* Those bits of the word of `at` that belong to [at, end). */
static __always_inline u64 cmask_span(u32 at, u32 end)
{
	u64 span = ~0ull << (at % 64);
	u32 left = end - at / 64 * 64;

	return left < 64 ? span & ~(~0ull << left) : span;
}

/* An empty mask; the memory must have room for alloc_words. Too few make its range empty. */
static __always_inline void cmask_init(cmask_t *m, u32 base, u32 nr_cids, u32 alloc_words)
{
	m->alloc_words = alloc_words;
	barrier();
	m->base = base;
	m->nr_cids = base % 64 + nr_cids <= alloc_words * 64 ? nr_cids : 0;
	for (u32 w = opaque_zero(); w < alloc_words && can_loop; w++)
		m->bits[w] = 0;
}

/* -- One cid. Outside the range: not a member, and changes are ignored. ------------------ */

static __always_inline bool cmask_test(const cmask_t *m, u32 cid)
{
	return cmask_covers(m, cid) && *cmask_word(m, cid) >> cid % 64 & 1;
}

static __always_inline void cmask_set(cmask_t *m, u32 cid)
{
	if (cmask_covers(m, cid))
		*cmask_word(m, cid) |= 1ull << cid % 64;
}

static __always_inline void cmask_clear(cmask_t *m, u32 cid)
{
	if (cmask_covers(m, cid))
		*cmask_word(m, cid) &= ~(1ull << cid % 64);
}

/* Make the bit what `on` says. True if this call changed it. */
static __always_inline bool cmask_change(cmask_t *m, u32 cid, bool on)
{
	u64 bit = 1ull << cid % 64;
	u64 __arena *word;

	if (!cmask_covers(m, cid))
		return false;
	word = cmask_word(m, cid);
	while (can_loop) {
		u64 old = *(volatile u64 __arena *)word;

		if (!(old & bit) == !on)
			return false;
		if (__sync_val_compare_and_swap(word, old, old ^ bit) == old)
			return true;
	}
	return false;
}

static __always_inline void cmask_set_atomic(cmask_t *m, u32 cid)
{
	cmask_change(m, cid, true);
}

static __always_inline void cmask_clear_atomic(cmask_t *m, u32 cid)
{
	cmask_change(m, cid, false);
}

/* Was it a member before? */
static __always_inline bool cmask_test_and_set(cmask_t *m, u32 cid)
{
	return cmask_covers(m, cid) && !cmask_change(m, cid, true);
}

/* Only one CPU gets true: this is how to claim an idle CPU. */
static __always_inline bool cmask_test_and_clear(cmask_t *m, u32 cid)
{
	return cmask_change(m, cid, false);
}

/* -- Searching and counting ------------------------------------------------------------- */

/* The first member >= cid. */
static __always_inline u32 cmask_next(const cmask_t *m, u32 cid)
{
	u32 end = cmask_end(m);
	u32 at = cid > m->base ? cid : m->base;

	for (; at < end && can_loop; at = (at | 63) + 1) {
		u64 bits = *cmask_word(m, at) & cmask_span(at, end);

		if (bits)
			return at / 64 * 64 + __builtin_ctzll(bits);
	}
	return end;
}

static __always_inline u32 cmask_first(const cmask_t *m)
{
	return cmask_next(m, 0);
}

static __always_inline bool cmask_empty(const cmask_t *m)
{
	return cmask_first(m) == cmask_end(m);
}

/* The first cid in [from, to) that is in both masks, or `to`. */
static __always_inline u32 cmask_next_and(const cmask_t *a, const cmask_t *b, u32 from, u32 to)
{
	u32 end = to, at = from;

	end = end < cmask_end(a) ? end : cmask_end(a);
	end = end < cmask_end(b) ? end : cmask_end(b);
	at = at > a->base ? at : a->base;
	at = at > b->base ? at : b->base;
	for (; at < end && can_loop; at = (at | 63) + 1) {
		u64 bits = *cmask_word(a, at) & *cmask_word(b, at) & cmask_span(at, end);

		if (bits)
			return at / 64 * 64 + __builtin_ctzll(bits);
	}
	return to;
}

static __always_inline bool cmask_intersects(const cmask_t *a, const cmask_t *b)
{
	return cmask_next_and(a, b, 0, ~0u) != ~0u;
}

static __always_inline u32 cmask_weight(const cmask_t *m)
{
	u32 end = cmask_end(m), n = 0;

	for (u32 at = m->base; at < end && can_loop; at = (at | 63) + 1)
		n += __builtin_popcountll(*cmask_word(m, at) & cmask_span(at, end));
	return n;
}

/* Is every member of a in b? */
static __always_inline bool cmask_subset(const cmask_t *a, const cmask_t *b)
{
	u32 end = cmask_end(a);

	for (u32 at = cmask_first(a); at < end && can_loop; at = cmask_next(a, at + 1))
		if (!cmask_test(b, at))
			return false;
	return true;
}

/* -- Whole masks ------------------------------------------------------------------------ */

enum cmask_op { CMASK_AND, CMASK_OR, CMASK_ANDNOT, CMASK_COPY };

/* op is a constant wherever this is expanded. */
static __always_inline void cmask_combine(cmask_t *dst, const cmask_t *src, enum cmask_op op)
{
	u32 end = cmask_end(dst) < cmask_end(src) ? cmask_end(dst) : cmask_end(src);
	u32 at = dst->base > src->base ? dst->base : src->base;

	for (; at < end && can_loop; at = (at | 63) + 1) {
		u64 span = cmask_span(at, end), s = *cmask_word(src, at);
		u64 __arena *d = cmask_word(dst, at);

		if (op == CMASK_AND)
			*d &= s | ~span;
		else if (op == CMASK_OR)
			*d |= s & span;
		else if (op == CMASK_ANDNOT)
			*d &= ~(s & span);
		else
			*d = (*d & ~span) | (s & span);
	}
}

static __always_inline void cmask_and(cmask_t *dst, const cmask_t *src)
{
	cmask_combine(dst, src, CMASK_AND);
}

static __always_inline void cmask_or(cmask_t *dst, const cmask_t *src)
{
	cmask_combine(dst, src, CMASK_OR);
}

static __always_inline void cmask_andnot(cmask_t *dst, const cmask_t *src)
{
	cmask_combine(dst, src, CMASK_ANDNOT);
}

static __always_inline void cmask_copy(cmask_t *dst, const cmask_t *src)
{
	cmask_combine(dst, src, CMASK_COPY);
}

static __always_inline void cmask_zero(cmask_t *m)
{
	u32 end = cmask_end(m);

	for (u32 at = m->base; at < end && can_loop; at = (at | 63) + 1)
		*cmask_word(m, at) = 0;
}

static __always_inline void cmask_fill(cmask_t *m)
{
	u32 end = cmask_end(m);

	for (u32 at = m->base; at < end && can_loop; at = (at | 63) + 1)
		*cmask_word(m, at) = cmask_span(at, end);
}

#endif
