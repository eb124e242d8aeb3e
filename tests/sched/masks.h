/* SPDX-License-Identifier: BSD-2-Clause */
/* Masks in the arena that masks.bpf.c works on, and the operations; laid out alike on both sides.
 */
#ifndef TESTS_SCHED_MASKS_H
#define TESTS_SCHED_MASKS_H

#define MASK_WORDS 8

struct test_mask {
	unsigned int base, nr_cids, alloc_words, pad;
	unsigned long long bits[MASK_WORDS];
};

/* X(name, how to call it). Those of the first list change mask a, the others give a result. */
#define MASK_CHANGES(X)                             \
	X(set, cmask_set(a, cid))                   \
	X(clear, cmask_clear(a, cid))               \
	X(set_atomic, cmask_set_atomic(a, cid))     \
	X(clear_atomic, cmask_clear_atomic(a, cid)) \
	X(zero, cmask_zero(a))                      \
	X(fill, cmask_fill(a))                      \
	X(and, cmask_and(a, b))                     \
	X(or, cmask_or(a, b))                       \
	X(andnot, cmask_andnot(a, b))               \
	X(copy, cmask_copy(a, b))                   \
	X(init, cmask_init(a, cid, 100, MASK_WORDS))
#define MASK_QUERIES(X)                                 \
	X(test, cmask_test(a, cid))                     \
	X(test_and_set, cmask_test_and_set(a, cid))     \
	X(test_and_clear, cmask_test_and_clear(a, cid)) \
	X(next, cmask_next(a, cid))                     \
	X(first, cmask_first(a))                        \
	X(empty, cmask_empty(a))                        \
	X(weight, cmask_weight(a))                      \
	X(subset, cmask_subset(a, b))                   \
	X(intersects, cmask_intersects(a, b))           \
	X(next_and, cmask_next_and(a, b, cid, 300))

enum mask_op {
#define X(name, call) MASK_##name,
	MASK_CHANGES(X) MASK_QUERIES(X)
#undef X
		N_MASK_OPS,
};

#endif
