/* SPDX-License-Identifier: BSD-2-Clause */
/* What the mask benchmark and its programs share. */
#ifndef BENCH_MASKS_H
#define BENCH_MASKS_H

#define MASK_WORDS 64 /* up to 4096 cids */

struct bench_mask {
	unsigned int base, nr_cids, alloc_words;
	unsigned long long bits[MASK_WORDS];
};

/* Each returns how many members the mask has. */
struct mask_ops {
	unsigned int (*in_arena)(struct bench_mask *mask);
	unsigned int (*by_probe)(unsigned long long addr, unsigned long long size);
	unsigned int (*by_map)(void);
};

#endif
