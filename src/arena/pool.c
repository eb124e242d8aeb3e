/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two-level segregated fit (Masmano et al., 2004) with the block records out of band.
 *
 * No packaged allocator keeps all its metadata away from the memory it hands out and can be
 * told to use foreign pages without also replacing malloc, hence this small one.
 *
 * A block is a run of granules of one chunk (one growth of the pool). Its record knows the
 * neighbours in address order, so that freeing merges in constant time. Free blocks hang in
 * lists by size class: first level the power of two, second level 16 steps within it; two
 * bitmaps find the smallest list that surely fits. Live blocks are found by their offset in
 * an open-addressing table.
 */
#include "arena/pool.h"

#include <pthread.h>

#include "arena/arena.h"
#include "base/base.h"
#include "base/opts.h"
#include "uarena.h"

#define SL_BITS 4
#define SL_COUNT (1u << SL_BITS)
#define FL_COUNT 32 /* granule counts below 2^32 */

struct block {
	struct block *prev, *next;	     /* by address, same chunk */
	struct block *free_prev, *free_next; /* same size class */
	uint64_t start;			     /* offset from the window base, bytes */
	uint32_t granules;
	bool is_free;
};

struct chunk {
	struct chunk *next;
	struct block *first;
	uint64_t user_addr;
	uint32_t pages;
};

struct pool {
	pthread_mutex_t lock;
	struct arena *arena;
	uint32_t grow_pages;
	struct chunk *chunks;
	struct block *lists[FL_COUNT][SL_COUNT];
	uint32_t fl_map, sl_map[FL_COUNT];
	struct block **table; /* live blocks by start */
	size_t table_size, n_live;
	struct block *spare; /* records to reuse, linked by next */
	size_t used_bytes, pages;
	bool give_back; /* what ua_pool__destroy() does with the pages */
};

/* -- Size classes ---------------------------------------------------------- */

struct class
{
	uint32_t fl, sl;
};

/* Class whose list a block of n granules belongs to (rounded down). */
static struct class class_of(uint32_t n)
{
	uint32_t top = 31 - (uint32_t)__builtin_clz(n);

	if (top < SL_BITS)
		return (struct class){0, n};
	return (struct class){top - SL_BITS + 1, (n >> (top - SL_BITS)) & (SL_COUNT - 1)};
}

/* First class all of whose blocks have at least n granules. */
static struct class class_for(uint32_t n)
{
	uint32_t top = 31 - (uint32_t)__builtin_clz(n), step;

	if (top < SL_BITS)
		return class_of(n);
	step = (1u << (top - SL_BITS)) - 1;
	return class_of(n > UINT32_MAX - step ? UINT32_MAX : n + step);
}

static void
list_add(struct pool *p, struct block *b)
{
	struct class c = class_of(b->granules);
	struct block **head = &p->lists[c.fl][c.sl];

	b->is_free = true;
	b->free_prev = NULL;
	b->free_next = *head;
	if (*head)
		(*head)->free_prev = b;
	*head = b;
	p->sl_map[c.fl] |= 1u << c.sl;
	p->fl_map |= 1u << c.fl;
}

static void list_del(struct pool *p, struct block *b)
{
	struct class c = class_of(b->granules);

	if (b->free_next)
		b->free_next->free_prev = b->free_prev;
	if (b->free_prev)
		b->free_prev->free_next = b->free_next;
	else
		p->lists[c.fl][c.sl] = b->free_next;
	b->is_free = false;
	if (p->lists[c.fl][c.sl])
		return;
	p->sl_map[c.fl] &= ~(1u << c.sl);
	if (!p->sl_map[c.fl])
		p->fl_map &= ~(1u << c.fl);
}

static struct block *list_find(struct pool *p, uint32_t granules)
{
	struct class c = class_for(granules);
	uint32_t sl = p->sl_map[c.fl] & (~0u << c.sl);
	uint32_t fl = c.fl + 1 < FL_COUNT ? p->fl_map & (~0u << (c.fl + 1)) : 0;

	if (sl)
		return p->lists[c.fl][__builtin_ctz(sl)];
	if (!fl)
		return NULL;
	fl = (uint32_t)__builtin_ctz(fl);
	return p->lists[fl][__builtin_ctz(p->sl_map[fl])];
}

/* -- Live blocks by start --------------------------------------------------- */

static size_t table_slot(const struct pool *p, uint64_t start)
{
	return (size_t)((start / POOL_GRANULE * 0x9e3779b97f4a7c15ull) >> 20) & (p->table_size - 1);
}

static void table_put(struct pool *p, struct block *b)
{
	size_t i = table_slot(p, b->start);

	while (p->table[i])
		i = (i + 1) & (p->table_size - 1);
	p->table[i] = b;
}

static int table_reserve(struct pool *p)
{
	size_t old_size = p->table_size, want = old_size ? old_size * 2 : 64;
	struct block **old = p->table, **bigger;

	if (p->n_live + 1 <= old_size / 2)
		return 0;
	bigger = mem_calloc(want, sizeof(*bigger));
	UA_FAIL_IF(!bigger, -ENOMEM);
	p->table = bigger;
	p->table_size = want;
	for (size_t i = 0; i < old_size; i++)
		if (old[i])
			table_put(p, old[i]);
	mem_free(old);
	return 0;
}

/* Index of the live block that starts there, or table_size. */
static size_t table_find(const struct pool *p, uint64_t start)
{
	size_t i;

	if (!p->table_size)
		return 0;
	for (i = table_slot(p, start); p->table[i]; i = (i + 1) & (p->table_size - 1))
		if (p->table[i]->start == start)
			return i;
	return p->table_size;
}

/* Removal closes the gap, so that searches may stop at the first empty slot. */
static void table_del(struct pool *p, size_t hole)
{
	size_t mask = p->table_size - 1;

	for (size_t i = (hole + 1) & mask; p->table[i]; i = (i + 1) & mask) {
		size_t home = table_slot(p, p->table[i]->start);

		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		p->table[hole] = p->table[i];
		hole = i;
	}
	p->table[hole] = NULL;
}

/* -- Blocks ------------------------------------------------------------------ */

static struct block *record_new(struct pool *p)
{
	struct block *b = p->spare;

	if (!b)
		return mem_zalloc(sizeof(*b));
	p->spare = b->next;
	*b = (struct block){0};
	return b;
}

static void record_put(struct pool *p, struct block *b)
{
	b->next = p->spare;
	p->spare = b;
}

/* Give the tail of b beyond `granules` back to the lists. Without memory for its record the
 * block stays larger than asked for, which is harmless. */
static void split(struct pool *p, struct block *b, uint32_t granules)
{
	struct block *rest = b->granules > granules ? record_new(p) : NULL;

	if (!rest)
		return;
	rest->start = b->start + (uint64_t)granules * POOL_GRANULE;
	rest->granules = b->granules - granules;
	rest->prev = b;
	rest->next = b->next;
	if (b->next)
		b->next->prev = rest;
	b->next = rest;
	b->granules = granules;
	list_add(p, rest);
}

/* Fold `right` into its left neighbour `left`; neither is on a list. */
static struct block *merge(struct pool *p, struct block *left, struct block *right)
{
	left->granules += right->granules;
	left->next = right->next;
	if (right->next)
		right->next->prev = left;
	record_put(p, right);
	return left;
}

static void block_release(struct pool *p, struct block *b)
{
	if (b->next && b->next->is_free) {
		list_del(p, b->next);
		merge(p, b, b->next);
	}
	if (b->prev && b->prev->is_free) {
		list_del(p, b->prev);
		b = merge(p, b->prev, b);
	}
	list_add(p, b);
}

static void *block_take(struct pool *p, struct block *b, uint32_t granules)
{
	list_del(p, b);
	split(p, b, granules);
	table_put(p, b);
	p->n_live++;
	p->used_bytes += (size_t)b->granules * POOL_GRANULE;
	return arena_window_base(p->arena) + b->start;
}

/* -- Growth ------------------------------------------------------------------- */

static int chunk_add(struct pool *p, uint64_t addr, uint32_t pages)
{
	struct chunk *c = mem_zalloc(sizeof(*c));
	struct block *b = c ? record_new(p) : NULL;

	if (!b) {
		mem_free(c);
		return -ENOMEM;
	}
	b->start = arena_low(addr);
	b->granules = pages * (ARENA_PAGE_SIZE / POOL_GRANULE);
	*c = (struct chunk){.next = p->chunks, .first = b, .user_addr = addr, .pages = pages};
	p->chunks = c;
	p->pages += pages;
	list_add(p, b);
	return 0;
}

/* Take more pages. The lock is dropped meanwhile: allocating pages is a system call. */
static int grow(struct pool *p, uint32_t granules)
{
	/* A block of the next class up is what list_find() will accept. */
	uint64_t bytes = ((uint64_t)granules + granules / SL_COUNT + 1) * POOL_GRANULE;
	uint64_t need = (bytes + ARENA_PAGE_SIZE - 1) / ARENA_PAGE_SIZE;
	uint32_t pages = need > p->grow_pages ? (uint32_t)need : p->grow_pages;
	uint64_t addr;
	int err;

	pthread_mutex_unlock(&p->lock);
	addr = arena_alloc_pages(p->arena, 0, pages, -1, 0);
	pthread_mutex_lock(&p->lock);
	UA_FAIL_IF(!addr, -ENOMEM);
	err = chunk_add(p, addr, pages);
	if (err)
		arena_free_pages(p->arena, addr, pages);
	return err;
}

/* -- Interface ----------------------------------------------------------------- */

int pool_new(struct arena *arena, uint32_t grow_pages, struct pool **out)
{
	struct pool *p;

	UA_FAIL_IF(grow_pages > ARENA_MAX_SIZE / ARENA_PAGE_SIZE, -EINVAL);
	p = mem_zalloc(sizeof(*p));
	UA_FAIL_IF(!p, -ENOMEM);
	pthread_mutex_init(&p->lock, NULL);
	p->arena = arena_get(arena);
	p->grow_pages = grow_pages ? grow_pages : POOL_GROW_PAGES;
	*out = p;
	return 0;
}

static void blocks_free(struct block *b)
{
	while (b) {
		struct block *next = b->next;

		mem_free(b);
		b = next;
	}
}

void pool_free_all(struct pool *p, bool give_back)
{
	while (p->chunks) {
		struct chunk *c = p->chunks;

		p->chunks = c->next;
		if (give_back)
			arena_free_pages(p->arena, c->user_addr, c->pages);
		blocks_free(c->first);
		mem_free(c);
	}
	blocks_free(p->spare);
	mem_free(p->table);
	arena_put(p->arena);
	pthread_mutex_destroy(&p->lock);
	mem_free(p);
}

void *pool_alloc(struct pool *p, size_t size, bool may_grow)
{
	uint32_t granules;
	struct block *b;
	void *mem = NULL;

	if (!size || size > ARENA_MAX_SIZE - ARENA_PAGE_SIZE)
		return NULL;
	granules = (uint32_t)((size + POOL_GRANULE - 1) / POOL_GRANULE);
	pthread_mutex_lock(&p->lock);
	if (table_reserve(p))
		may_grow = false;
	else
		/* Another thread may take what this one grew by, hence the loop. */
		while (!(b = list_find(p, granules)) && may_grow && !grow(p, granules))
			continue;
	/* Growing dropped the lock: the table may have filled up meanwhile. */
	if (p->table_size && !table_reserve(p) && (b = list_find(p, granules)))
		mem = block_take(p, b, granules);
	pthread_mutex_unlock(&p->lock);
	return mem;
}

int pool_release(struct pool *p, void *ptr)
{
	uint64_t start = (uint64_t)((uint8_t *)ptr - arena_window_base(p->arena));
	struct block *b = NULL;
	size_t i;

	pthread_mutex_lock(&p->lock);
	i = table_find(p, start);
	if (i < p->table_size) {
		b = p->table[i];
		table_del(p, i);
		p->n_live--;
		p->used_bytes -= (size_t)b->granules * POOL_GRANULE;
		block_release(p, b);
	}
	pthread_mutex_unlock(&p->lock);
	UA_FAIL_IF(!b, -EINVAL);
	return 0;
}

void pool_usage(struct pool *p, size_t *used, size_t *pages)
{
	pthread_mutex_lock(&p->lock);
	*used = p->used_bytes;
	*pages = p->pages;
	pthread_mutex_unlock(&p->lock);
}

/* -- Validity -------------------------------------------------------------------- */

static bool on_its_list(const struct pool *p, const struct block *b)
{
	struct class c = class_of(b->granules);

	for (const struct block *at = p->lists[c.fl][c.sl]; at; at = at->free_next)
		if (at == b)
			return true;
	return false;
}

static int block_check(const struct pool *p, const struct block *b, uint64_t expected_start)
{
	int bad = 0;

	bad += b->start != expected_start || !b->granules;
	bad += b->next && b->next->prev != b;
	bad += b->is_free && b->next && b->next->is_free;
	bad += b->is_free ? !on_its_list(p, b) : table_find(p, b->start) == p->table_size;
	return bad;
}

int pool_validate(struct pool *p)
{
	size_t live = 0, pages = 0;
	int bad = 0;

	pthread_mutex_lock(&p->lock);
	for (const struct chunk *c = p->chunks; c; c = c->next) {
		uint64_t at = arena_low(c->user_addr);

		for (const struct block *b = c->first; b; b = b->next) {
			bad += block_check(p, b, at);
			at += (uint64_t)b->granules * POOL_GRANULE;
			live += !b->is_free;
		}
		bad += at != arena_low(c->user_addr) + (uint64_t)c->pages * ARENA_PAGE_SIZE;
		pages += c->pages;
	}
	bad += live != p->n_live || pages != p->pages;
	pthread_mutex_unlock(&p->lock);
	return bad;
}

/* -- Public ---------------------------------------------------------------------- */

int ua_pool__new(struct ua_arena *arena, const struct ua_pool_opts *opts, struct ua_pool **pool)
{
	struct pool *p;

	UA_FAIL_IF(!arena || !pool || !opts_valid(opts), -EINVAL);
	UA_TRY(pool_new((struct arena *)arena, opts_get(opts, grow_pages, 0), &p));
	p->give_back = opts_get(opts, give_back, false);
	*pool = (struct ua_pool *)p;
	return 0;
}

void ua_pool__destroy(struct ua_pool *pool)
{
	struct pool *p = (struct pool *)pool;

	if (p)
		pool_free_all(p, p->give_back);
}

void *ua_pool__alloc(struct ua_pool *pool, size_t size)
{
	return pool_alloc((struct pool *)pool, size, true);
}

void *ua_pool__alloc_nowait(struct ua_pool *pool, size_t size)
{
	return pool_alloc((struct pool *)pool, size, false);
}

int ua_pool__free(struct ua_pool *pool, void *ptr)
{
	return pool_release((struct pool *)pool, ptr);
}
