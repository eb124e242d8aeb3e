/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The exception table of the inline accesses. The assembler can only write distances from the
 * entry itself into the section ua_access_ext; the fault handler wants a sorted region.
 */
#include <pthread.h>
#include "base/base.h"
#include "arena/access.h"

struct access_entry {
	int32_t pc, resume; /* each relative to its own field */
};

/* Weak: a binary that links no interpreter has no such section. */
extern const struct access_entry __start_ua_access_ext[]
	__attribute__((weak, visibility("hidden")));
extern const struct access_entry __stop_ua_access_ext[] __attribute__((weak, visibility("hidden")));

static struct ext_region region;
static bool built;

static uintptr_t target(const int32_t *field)
{
	return (uintptr_t)field + (uintptr_t)(intptr_t)*field;
}

static int by_pc(const void *a, const void *b)
{
	const struct ext_entry *x = a, *y = b;

	return x->pc < y->pc ? -1 : x->pc > y->pc;
}

static void region_build(void)
{
	const struct access_entry *from = __start_ua_access_ext;
	size_t n = (size_t)(__stop_ua_access_ext - from);
	struct ext_entry *v = mem_calloc(n, sizeof(*v));
	uintptr_t lo = UINTPTR_MAX, hi = 0;

	if (!v)
		return;
	for (size_t i = 0; i < n; i++) {
		lo = min_t(uintptr_t, lo,
			   min_t(uintptr_t, target(&from[i].pc), target(&from[i].resume)));
		hi = max_t(uintptr_t, hi, target(&from[i].pc));
	}
	for (size_t i = 0; i < n; i++) {
		v[i] = (struct ext_entry){
			.pc = (uint32_t)(target(&from[i].pc) - lo),
			.resume = (uint32_t)(target(&from[i].resume) - lo),
			.clear_reg = EXT_NO_REG,
			.addr_reg = EXT_NO_REG,
		};
	}
	qsort(v, n, sizeof(*v), by_pc);
	region = (struct ext_region){.start = lo, .end = hi + 1, .entries = v, .n = (uint32_t)n};
	built = true;
}

const struct ext_region *access_region(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

	pthread_mutex_lock(&lock);
	if (!built)
		region_build();
	pthread_mutex_unlock(&lock);
	return built ? &region : NULL;
}
