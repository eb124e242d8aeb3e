/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reference counts of objects that others find by name: whoever looks one up takes a reference
 * only while there is one, and the owner of the names hears when the last is gone.
 */
#ifndef UA_BASE_OWNER_H
#define UA_BASE_OWNER_H

#include <stdatomic.h>
#include <stdbool.h>

struct owner {
	void (*gone)(void *self); /* before anything of the object is freed; NULL: nobody's */
	void *self;
};

static inline void owner_gone(const struct owner *o)
{
	if (o->gone)
		o->gone(o->self);
}

static inline bool refs_get_live(_Atomic int *refs)
{
	int n = atomic_load(refs);

	while (n && !atomic_compare_exchange_weak(refs, &n, n + 1))
		continue;
	return n != 0;
}

#endif
