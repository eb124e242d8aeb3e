/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which pages of an arena are allocated, on either side of the seam. Linux does not tell, so a
 * small program asks: it tries to reserve a range, which succeeds where nothing is allocated and
 * is undone at once; in a page that refuses, it sees whether a store stays. No other program may
 * run on the arena meanwhile.
 */
#ifndef UA_KERNEL_PAGE_MAP_H
#define UA_KERNEL_PAGE_MAP_H

#include <stddef.h>
#include <stdint.h>

struct kernel;

/*
 * enum arena_page_kind of the first n pages of the arena behind map_fd, whose user address is
 * start. Scratch pages count as holes. -EOPNOTSUPP: the kernel has no bpf_arena_reserve_pages.
 */
int kernel_page_map(struct kernel *k, int map_fd, uint64_t start, uint8_t *kinds, size_t n);

#endif
