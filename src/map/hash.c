/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hash maps: plain, per-CPU, and both with eviction of what was least recently used.
 *
 * Chained buckets. Readers take no lock: they follow `next` pointers inside an epoch section.
 * Writers lock the bucket; a removed element keeps its `next` and its contents until no
 * section that could have found it is open. Replacing a value links a new element in front of
 * the old one, so that a reader sees one or the other, never a mix.
 *
 * Elements come from the heap one by one, whether BPF_F_NO_PREALLOC is set or not: recycled
 * elements would have to be withheld from the free list just as long. max_entries is enforced
 * by a counter.
 *
 * Eviction is second chance: elements sit in a queue, a lookup marks its element, and whoever
 * needs room takes the first unmarked element from the front, moving marked ones to the back.
 */
#include "base/base.h"
#include "base/epoch.h"
#include "base/wordlock.h"
#include "map/ops.h"

#include <sys/random.h>

#define HASH_FLAGS                                                                      \
	(BPF_F_NO_PREALLOC | BPF_F_NO_COMMON_LRU | BPF_F_NUMA_NODE | MAP_ACCESS_FLAGS | \
	 BPF_F_ZERO_SEED)
#define ELEM_SIZE_MAX ((4u << 20) - 48)
#define PCPU_VALUE_MAX 32768u
#define BUCKETS_MAX (1u << 24)
#define MIX 0x9e3779b97f4a7c15ull

struct elem {
	_Atomic(struct elem *) next;
	uint32_t hash;
	atomic_uchar used; /* LRU: looked up since it was last considered */
	bool queued;	   /* LRU: in the queue; guarded by lru_lock */
	union {
		struct epoch_item gone;
		struct {
			struct elem *newer, *older;
		};
	};
	uint8_t key[] __attribute__((aligned(8))); /* rounded up to 8, then the values */
};

struct bucket {
	_Atomic(struct elem *) first;
	uint32_t lock;
};

struct hash {
	struct bucket *buckets;
	uint32_t mask;
	uint32_t key_room, stride; /* key and one CPU's value, rounded up to 8 */
	uint64_t seed;
	bool lru, percpu;
	atomic_uint count;
	uint32_t lru_lock;
	struct elem *newest, *oldest;
};

/* -- Hashing and elements ------------------------------------------------- */

static inline uint64_t mix(uint64_t h)
{
	h *= MIX;
	return h ^ h >> 32;
}

static inline uint32_t hash_key(const struct hash *h, const void *key, uint32_t size)
{
	const uint8_t *p = key;
	uint64_t w = 0, v = h->seed ^ size;

	for (; size >= 8; size -= 8, p += 8) {
		memcpy(&w, p, 8);
		v = mix(v ^ w);
	}
	if (size == 4) {
		uint32_t half;

		memcpy(&half, p, 4);
		v = mix(v ^ half);
	} else if (size) {
		w = 0;
		memcpy(&w, p, size);
		v = mix(v ^ w);
	}
	return (uint32_t)(mix(v) >> 16);
}

static inline bool key_equal(const void *a, const void *b, uint32_t size)
{
	uint64_t x, y;

	if (ua_likely(size == 8)) {
		memcpy(&x, a, 8);
		memcpy(&y, b, 8);
		return x == y;
	}
	if (size == 4) {
		uint32_t v, w;

		memcpy(&v, a, 4);
		memcpy(&w, b, 4);
		return v == w;
	}
	return !memcmp(a, b, size);
}

static inline struct bucket *bucket_of(const struct hash *h, uint32_t hash)
{
	return &h->buckets[hash & h->mask];
}

static inline struct elem *next_of(struct elem *e)
{
	return atomic_load_explicit(&e->next, memory_order_acquire);
}

static inline struct elem *find(const struct hash *h, const void *key, uint32_t size, uint32_t hash)
{
	struct elem *e = atomic_load_explicit(&bucket_of(h, hash)->first, memory_order_acquire);

	while (e && (e->hash != hash || !key_equal(e->key, key, size)))
		e = next_of(e);
	return e;
}

static inline uint8_t *value_of(const struct hash *h, struct elem *e)
{
	return e->key + h->key_room;
}

static uint64_t elem_size(const struct map *map, const struct hash *h)
{
	return sizeof(struct elem) + h->key_room +
	       (uint64_t)h->stride * (h->percpu ? map->n_cpus : 1);
}

static void values_release(struct map *map, struct elem *e)
{
	const struct hash *h = map->priv;

	for (uint32_t cpu = 0; cpu < (h->percpu ? map->n_cpus : 1); cpu++)
		map_value_release(map, value_of(h, e) + cpu * h->stride);
}

static void elem_free(struct map *map, struct elem *e)
{
	values_release(map, e);
	mem_free(e);
}

static void elem_gone(struct epoch_item *item)
{
	mem_free(container_of(item, struct elem, gone));
}

/* The element is unlinked everywhere. */
static void elem_retire(struct map *map, struct elem *e)
{
	values_release(map, e);
	epoch_defer(&e->gone, elem_gone);
}

/* -- Eviction queue ------------------------------------------------------- */

static void queue_add(struct hash *h, struct elem *e)
{
	e->newer = NULL;
	e->older = h->newest;
	if (h->newest)
		h->newest->newer = e;
	else
		h->oldest = e;
	h->newest = e;
	e->queued = true;
}

static void queue_del(struct hash *h, struct elem *e)
{
	if (!e->queued)
		return;
	*(e->newer ? &e->newer->older : &h->newest) = e->older;
	*(e->older ? &e->older->newer : &h->oldest) = e->newer;
	e->queued = false;
}

static struct elem *queue_victim(struct hash *h)
{
	struct elem *e;

	word_lock(&h->lru_lock);
	while ((e = h->oldest)) {
		bool spared = atomic_exchange_explicit(&e->used, 0, memory_order_relaxed);

		queue_del(h, e);
		if (!spared)
			break;
		queue_add(h, e);
	}
	word_unlock(&h->lru_lock);
	return e;
}

/* -- Linking: the bucket is locked ---------------------------------------- */

static void link_front(struct hash *h, struct bucket *b, struct elem *e)
{
	atomic_store_explicit(&e->next, atomic_load_explicit(&b->first, memory_order_relaxed),
			      memory_order_relaxed);
	atomic_store_explicit(&b->first, e, memory_order_release);
	if (!h->lru)
		return;
	word_lock(&h->lru_lock);
	queue_add(h, e);
	word_unlock(&h->lru_lock);
}

/* false: it was not there any more. */
static bool unlink_elem(struct bucket *b, struct elem *e)
{
	_Atomic(struct elem *) *at = &b->first;
	struct elem *i;

	while ((i = atomic_load_explicit(at, memory_order_relaxed)) && i != e)
		at = &i->next;
	if (i)
		atomic_store_explicit(at, next_of(e), memory_order_release);
	return i;
}

/* Unlinks from bucket and queue; the caller retires it after unlocking. */
static bool take_out(struct hash *h, struct bucket *b, struct elem *e)
{
	if (!unlink_elem(b, e))
		return false;
	if (h->lru) {
		word_lock(&h->lru_lock);
		queue_del(h, e);
		word_unlock(&h->lru_lock);
	}
	return true;
}

/* A victim is out of the queue, which makes its memory ours to keep alive: whoever deletes it
 * meanwhile retires it, so the epoch section around us is what the pointer relies on. */
static bool evict_one(struct map *map, struct hash *h)
{
	struct elem *e = queue_victim(h);
	struct bucket *b;
	bool mine;

	if (!e)
		return false;
	b = bucket_of(h, e->hash);
	word_lock(&b->lock);
	mine = unlink_elem(b, e);
	word_unlock(&b->lock);
	if (mine) {
		atomic_fetch_sub(&h->count, 1);
		elem_retire(map, e);
	}
	return true;
}

/* -- Update --------------------------------------------------------------- */

static int reserve_slot(struct map *map, struct hash *h)
{
	epoch_enter();
	while (atomic_fetch_add(&h->count, 1) >= map->v.max_entries) {
		atomic_fetch_sub(&h->count, 1);
		if (!h->lru || !evict_one(map, h)) {
			epoch_exit();
			return h->lru ? -ENOMEM : -E2BIG;
		}
	}
	epoch_exit();
	return 0;
}

static void write_values(struct map *map, struct elem *e, const void *value, bool all_cpus)
{
	const struct hash *h = map->priv;
	uint8_t *live = value_of(h, e);

	if (!h->percpu)
		map_value_copy(map, live, value);
	else if (!all_cpus)
		map_value_copy(map, live + (uint64_t)map_cpu_slot(map) * h->stride, value);
	else
		for (uint32_t cpu = 0; cpu < map->n_cpus; cpu++)
			map_value_copy(map, live + (uint64_t)cpu * h->stride,
				       (const uint8_t *)value + (uint64_t)cpu * h->stride);
}

static struct elem *elem_new(struct map *map, const void *key, uint32_t hash, const void *value,
			     bool all_cpus)
{
	struct hash *h = map->priv;
	struct elem *e = mem_zalloc(elem_size(map, h));

	if (!e)
		return NULL;
	e->hash = hash;
	memcpy(e->key, key, map->v.key_size);
	write_values(map, e, value, all_cpus);
	return e;
}

static int check_flags(const struct elem *old, uint64_t flags)
{
	UA_FAIL_IF(old && (flags & ~(uint64_t)BPF_F_LOCK) == BPF_NOEXIST, -EEXIST);
	UA_FAIL_IF(!old && (flags & ~(uint64_t)BPF_F_LOCK) == BPF_EXIST, -ENOENT);
	return 0;
}

/* Values that are updated where they are: per-CPU ones, and under BPF_F_LOCK. */
static bool update_in_place(struct map *map, struct elem *old, const void *value, uint64_t flags,
			    bool all_cpus)
{
	struct hash *h = map->priv;

	if (h->percpu)
		write_values(map, old, value, all_cpus);
	else if (flags & BPF_F_LOCK)
		map_value_copy_locked(map, value_of(h, old), value, true);
	else
		return false;
	return true;
}

/* A slot for a new element of the locked bucket, which is unlocked meanwhile, because making
 * room may lock other buckets. *old may have appeared by then. */
static int make_room(struct map *map, struct bucket *b, const struct elem *e, struct elem **old)
{
	struct hash *h = map->priv;
	int err;

	word_unlock(&b->lock);
	err = reserve_slot(map, h);
	word_lock(&b->lock);
	*old = find(h, e->key, map->v.key_size, e->hash);
	if (!*old)
		return err;
	if (!err)
		atomic_fetch_sub(&h->count, 1);
	return 0;
}

/* Puts `e` in place of an element of the same key, or into a slot of its own. *old: what is to
 * be retired, `e` itself if the old element was updated instead. */
static int put(struct map *map, struct elem *e, const void *value, uint64_t flags, bool all_cpus,
	       struct elem **old)
{
	struct hash *h = map->priv;
	struct bucket *b = bucket_of(h, e->hash);
	int err;

	word_lock(&b->lock);
	*old = find(h, e->key, map->v.key_size, e->hash);
	err = check_flags(*old, flags);
	if (!err && !*old) {
		err = make_room(map, b, e, old);
		if (!err)
			err = check_flags(*old, *old ? flags : BPF_ANY);
	}
	if (!err && *old && update_in_place(map, *old, value, flags, all_cpus)) {
		*old = e;
	} else if (!err) {
		link_front(h, b, e);
		if (*old)
			take_out(h, b, *old);
	}
	word_unlock(&b->lock);
	return err;
}

/* In-place updates of what is there need no new element. 1: nothing is there. */
static int update_present(struct map *map, const void *key, uint32_t hash, const void *value,
			  uint64_t flags, bool all_cpus)
{
	struct hash *h = map->priv;
	struct bucket *b = bucket_of(h, hash);
	struct elem *old;
	int err;

	word_lock(&b->lock);
	old = find(h, key, map->v.key_size, hash);
	err = check_flags(old, flags);
	if (!err && old)
		update_in_place(map, old, value, flags, all_cpus);
	word_unlock(&b->lock);
	return err ? err : !old;
}

static int update(struct map *map, const void *key, const void *value, uint64_t flags,
		  bool all_cpus)
{
	struct hash *h = map->priv;
	uint32_t hash = hash_key(h, key, map->v.key_size);
	struct elem *e, *old;
	int err;

	UA_FAIL_IF((flags & ~(uint64_t)(h->percpu ? 0 : BPF_F_LOCK)) > BPF_EXIST, -EINVAL);
	UA_FAIL_IF((flags & BPF_F_LOCK) && (map->rec.spin_lock_off < 0 || h->lru), -EINVAL);
	if (h->percpu || (flags & BPF_F_LOCK)) {
		err = update_present(map, key, hash, value, flags, all_cpus);
		if (err != 1)
			return err;
	}
	e = elem_new(map, key, hash, value, all_cpus);
	UA_FAIL_IF(!e, -ENOMEM);
	err = put(map, e, value, flags, all_cpus, &old);
	if (err || old == e)
		mem_free(e);
	else if (old)
		elem_retire(map, old);
	return err;
}

static int hash_update(struct map *map, const void *key, const void *value, uint64_t flags)
{
	return update(map, key, value, flags, false);
}

static int hash_sys_update(struct map *map, const void *key, const void *value, uint64_t flags)
{
	return update(map, key, value, flags, true);
}

/* -- Lookup --------------------------------------------------------------- */

static inline struct elem *lookup(struct map *map, const void *key)
{
	const struct hash *h = map->priv;

	return find(h, key, map->v.key_size, hash_key(h, key, map->v.key_size));
}

static inline void mark_used(struct elem *e)
{
	if (!atomic_load_explicit(&e->used, memory_order_relaxed))
		atomic_store_explicit(&e->used, 1, memory_order_relaxed);
}

static void *hash_lookup(struct map *map, const void *key)
{
	struct elem *e = lookup(map, key);

	return e ? value_of(map->priv, e) : NULL;
}

static void *lru_lookup(struct map *map, const void *key)
{
	struct elem *e = lookup(map, key);

	if (!e)
		return NULL;
	mark_used(e);
	return value_of(map->priv, e);
}

static void *percpu_lookup_cpu(struct map *map, const void *key, uint32_t cpu)
{
	const struct hash *h = map->priv;
	struct elem *e = lookup(map, key);

	if (!e)
		return NULL;
	if (h->lru)
		mark_used(e);
	return value_of(h, e) + (uint64_t)cpu * h->stride;
}

static void *percpu_lookup(struct map *map, const void *key)
{
	return percpu_lookup_cpu(map, key, map_cpu_slot(map));
}

static void read_values(struct map *map, struct elem *e, void *value, uint64_t flags)
{
	const struct hash *h = map->priv;

	if (h->percpu) {
		map_copy_shared(value, value_of(h, e), (uint64_t)h->stride * map->n_cpus);
		return;
	}
	if (flags & BPF_F_LOCK)
		map_value_copy_locked(map, value, value_of(h, e), false);
	else
		map_value_copy(map, value, value_of(h, e));
	map_value_clear_special(map, value);
}

/* Reading through bpf(2) is not a use: tools must not disturb the order. */
static int hash_sys_lookup(struct map *map, const void *key, void *value, uint64_t flags)
{
	struct elem *e = lookup(map, key);

	UA_FAIL_IF(!e, -ENOENT);
	read_values(map, e, value, flags);
	return 0;
}

/* -- Removal -------------------------------------------------------------- */

static int remove_elem(struct map *map, const void *key, void *value, uint64_t flags)
{
	struct hash *h = map->priv;
	uint32_t hash = hash_key(h, key, map->v.key_size);
	struct bucket *b = bucket_of(h, hash);
	struct elem *e;

	word_lock(&b->lock);
	e = find(h, key, map->v.key_size, hash);
	if (e && value)
		read_values(map, e, value, flags);
	if (e)
		take_out(h, b, e);
	word_unlock(&b->lock);
	UA_FAIL_IF(!e, -ENOENT);
	atomic_fetch_sub(&h->count, 1);
	elem_retire(map, e);
	return 0;
}

static int hash_remove(struct map *map, const void *key)
{
	return remove_elem(map, key, NULL, 0);
}

/* -- Iteration ------------------------------------------------------------ */

static struct elem *first_from(const struct hash *h, uint64_t bucket)
{
	for (; bucket <= h->mask; bucket++) {
		struct elem *e =
			atomic_load_explicit(&h->buckets[bucket].first, memory_order_acquire);

		if (e)
			return e;
	}
	return NULL;
}

static int hash_next_key(struct map *map, const void *key, void *next)
{
	const struct hash *h = map->priv;
	struct elem *e = key ? lookup(map, key) : NULL;
	struct elem *n;

	if (e)
		n = next_of(e) ? next_of(e) : first_from(h, (uint64_t)(e->hash & h->mask) + 1);
	else
		n = first_from(h, 0);
	UA_FAIL_IF(!n, -ENOENT);
	memcpy(next, n->key, map->v.key_size);
	return 0;
}

static long hash_for_each(struct map *map, uint64_t (*cb)(struct map *, void *, void *, void *),
			  void *arg)
{
	const struct hash *h = map->priv;
	uint32_t skip = h->percpu ? map_cpu_slot(map) : 0;
	long n = 0;

	for (uint64_t i = 0; i <= h->mask; i++) {
		struct elem *e = atomic_load_explicit(&h->buckets[i].first, memory_order_acquire);

		for (; e; e = next_of(e)) {
			n++;
			if (cb(map, e->key, value_of(h, e) + (uint64_t)skip * h->stride, arg))
				return n;
		}
	}
	return n;
}

/* -- Creation ------------------------------------------------------------- */

static bool type_is_lru(uint32_t type)
{
	return type == BPF_MAP_TYPE_LRU_HASH || type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

static bool type_is_percpu(uint32_t type)
{
	return type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

static int hash_check(const union bpf_attr *attr)
{
	uint32_t flags = attr->map_flags;
	bool lru = type_is_lru(attr->map_type), percpu = type_is_percpu(attr->map_type);

	UA_FAIL_IF(flags & ~HASH_FLAGS || !map_access_flags_ok(flags), -EINVAL);
	UA_FAIL_IF(!lru && (flags & BPF_F_NO_COMMON_LRU), -EINVAL);
	UA_FAIL_IF(lru && (flags & BPF_F_NO_PREALLOC), -ENOTSUPP);
	UA_FAIL_IF((flags & BPF_F_NUMA_NODE) && (percpu || (flags & BPF_F_NO_COMMON_LRU)), -EINVAL);
	UA_FAIL_IF(!attr->max_entries || !attr->key_size || !attr->value_size, -EINVAL);
	UA_FAIL_IF((uint64_t)attr->key_size + attr->value_size >= ELEM_SIZE_MAX, -E2BIG);
	UA_FAIL_IF(percpu && attr->value_size > PCPU_VALUE_MAX, -E2BIG);
	return 0;
}

static int hash_create(struct map *map, const union bpf_attr *attr)
{
	struct hash *h;
	uint32_t n = 1;

	UA_FAIL_IF(attr->max_entries > 1u << 31, -E2BIG);
	while (n < attr->max_entries && n < BUCKETS_MAX)
		n *= 2;
	h = mem_zalloc(sizeof(*h));
	UA_FAIL_IF(!h, -ENOMEM);
	h->buckets = mem_calloc(n, sizeof(*h->buckets));
	if (!h->buckets) {
		mem_free(h);
		return -ENOMEM;
	}
	h->mask = n - 1;
	h->key_room = (attr->key_size + 7) & ~7u;
	h->stride = (attr->value_size + 7) & ~7u;
	h->lru = type_is_lru(attr->map_type);
	h->percpu = type_is_percpu(attr->map_type);
	if (!(attr->map_flags & BPF_F_ZERO_SEED) &&
	    getrandom(&h->seed, sizeof(h->seed), GRND_NONBLOCK) != sizeof(h->seed))
		h->seed = (uintptr_t)h * MIX;
	map->priv = h;
	return 0;
}

static void hash_free(struct map *map)
{
	struct hash *h = map->priv;

	for (uint64_t i = 0; i <= h->mask; i++)
		for (struct elem *e = h->buckets[i].first, *next; e; e = next) {
			next = next_of(e);
			elem_free(map, e);
		}
	mem_free(h->buckets);
	mem_free(h);
}

static uint64_t hash_mem_usage(const struct map *map)
{
	struct hash *h = map->priv;

	return sizeof(*map) + sizeof(*h) + (h->mask + 1ull) * sizeof(*h->buckets) +
	       atomic_load(&h->count) * elem_size(map, h);
}

#define HASH_OPS(kind, plain, look)                                  \
	const struct map_ops map_ops_##kind = {                      \
		.name = #kind,                                       \
		.check = hash_check,                                 \
		.create = hash_create,                               \
		.free = hash_free,                                   \
		.lookup = look,                                      \
		.update = hash_update,                               \
		.remove = hash_remove,                               \
		.next_key = hash_next_key,                           \
		.sys_lookup = hash_sys_lookup,                       \
		.sys_update = hash_sys_update,                       \
		.lookup_and_delete = remove_elem,                    \
		.lookup_percpu = (plain) ? NULL : percpu_lookup_cpu, \
		.for_each = hash_for_each,                           \
		.mem_usage = hash_mem_usage,                         \
	}

HASH_OPS(hash, true, hash_lookup);
HASH_OPS(percpu_hash, false, percpu_lookup);
HASH_OPS(lru_hash, true, lru_lookup);
HASH_OPS(lru_percpu_hash, false, percpu_lookup);
