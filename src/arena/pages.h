/* SPDX-License-Identifier: BSD-2-Clause */
/* Between pages.c and its neighbours; see priv.h. */
#ifndef UA_ARENA_PAGES_H
#define UA_ARENA_PAGES_H

#include "arena/priv.h"

/* Lock held: take what user faults and host accesses did to pages over into the free set. */
void pages_sync(struct arena *a);
void pages_free_range(struct arena *a, uint32_t first, uint32_t n);
/* The pages a free of [ptr, ptr + page_cnt pages) means; false if none. */
bool pages_to_free(const struct arena *a, uint64_t ptr, uint32_t page_cnt, uint32_t *first,
		   uint32_t *n);

#endif
