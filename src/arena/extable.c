/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exception tables: the registered regions.
 *
 * Handlers read an immutable sorted list through one pointer; a change makes a new list and
 * frees the old one when no handler uses it any more.
 */
#include "arena/extable.h"

#include "arena/lookup.h"
#include "arena/priv.h"
#include "base/base.h"

struct region_list {
	uint32_t n;
	struct ext_region r[];
};

static _Atomic(struct region_list *) regions;
static pthread_mutex_t regions_lock = PTHREAD_MUTEX_INITIALIZER;

/* -- Registration --------------------------------------------------------- */

/* Lock held. Index of the first region that starts at or after `start`. */
static uint32_t position(const struct region_list *l, uintptr_t start)
{
	uint32_t lo = 0, hi = l ? l->n : 0;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (l->r[mid].start < start)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void replace_list(struct region_list *old, struct region_list *l)
{
	atomic_store(&regions, l);
	trap_wait();
	mem_free(old);
}

static int list_add(struct region_list *old, const struct ext_region *region)
{
	uint32_t n = old ? old->n : 0, at = position(old, region->start);
	struct region_list *l = mem_alloc(sizeof(*l) + (n + 1) * sizeof(l->r[0]));

	UA_FAIL_IF(!l, -ENOMEM);
	l->n = n + 1;
	l->r[at] = *region;
	if (old) {
		memcpy(l->r, old->r, at * sizeof(l->r[0]));
		memcpy(l->r + at + 1, old->r + at, (n - at) * sizeof(l->r[0]));
	}
	replace_list(old, l);
	return 0;
}

int ext_register(const struct ext_region *region)
{
	int err;

	pthread_mutex_lock(&regions_lock);
	err = list_add(atomic_load(&regions), region);
	pthread_mutex_unlock(&regions_lock);
	return err;
}

/* Without memory for a shorter list the entry is emptied in place instead. */
static void list_remove(struct region_list *old, uint32_t at)
{
	struct region_list *l = NULL;

	if (old->n > 1) {
		l = mem_alloc(sizeof(*l) + (old->n - 1) * sizeof(l->r[0]));
		if (!l) {
			__atomic_store_n(&old->r[at].n, 0, __ATOMIC_SEQ_CST);
			__atomic_store_n(&old->r[at].end, old->r[at].start, __ATOMIC_SEQ_CST);
			trap_wait();
			return;
		}
		l->n = old->n - 1;
		memcpy(l->r, old->r, at * sizeof(l->r[0]));
		memcpy(l->r + at, old->r + at + 1, (l->n - at) * sizeof(l->r[0]));
	}
	replace_list(old, l);
}

void ext_unregister(const struct ext_region *region)
{
	struct region_list *l;
	uint32_t at;

	pthread_mutex_lock(&regions_lock);
	l = atomic_load(&regions);
	at = position(l, region->start);
	while (l && at < l->n && l->r[at].start == region->start &&
	       l->r[at].entries != region->entries)
		at++;
	if (l && at < l->n && l->r[at].start == region->start)
		list_remove(l, at);
	pthread_mutex_unlock(&regions_lock);
}

/* In a child the thread that held the lock is gone; the list itself is never half changed. */
void ext_forked(void)
{
	pthread_mutex_init(&regions_lock, NULL);
}

/* -- Lookup, in the handler ----------------------------------------------- */

static const struct ext_entry *entry_at(const struct ext_region *r, uintptr_t pc)
{
	uint32_t lo = 0, hi = __atomic_load_n(&r->n, __ATOMIC_SEQ_CST);
	uint32_t off = (uint32_t)(pc - r->start);

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (r->entries[mid].pc == off)
			return &r->entries[mid];
		if (r->entries[mid].pc < off)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

const struct ext_entry *ext_find(uintptr_t pc, uintptr_t *start)
{
	const struct region_list *l = atomic_load(&regions);
	uint32_t at = position(l, pc + 1);

	while (at--) {
		const struct ext_region *r = &l->r[at];

		if (pc < __atomic_load_n(&r->end, __ATOMIC_SEQ_CST)) {
			*start = r->start;
			return entry_at(r, pc);
		}
		if (r->end > r->start)
			break;
	}
	return NULL;
}
