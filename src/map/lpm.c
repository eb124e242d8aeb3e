/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Longest-prefix match: a hash map of (prefix length, prefix), and a count of entries per
 * length. A lookup probes the lengths in use from the longest down, so it costs one hash
 * lookup per distinct length rather than one step per bit.
 *
 * Unlike Linux, next_key gives entries in no particular order and with the bits behind the
 * prefix cleared.
 */
#include "base/base.h"
#include "map/ops.h"

#include <pthread.h>

#define DATA_MIN 1u
#define DATA_MAX 256u
#define LENGTHS (DATA_MAX * 8 + 1)

struct lpm_key {
	uint32_t prefix;
	uint8_t data[DATA_MAX];
};

struct lpm {
	struct map *entries;  /* must stay first: map_backing_* */
	pthread_mutex_t lock; /* writers */
	uint32_t max_prefix;
	_Atomic uint32_t used[LENGTHS];
};

static int lpm_check(const union bpf_attr *attr)
{
	uint32_t flags = attr->map_flags;

	UA_FAIL_IF(!attr->max_entries || !(flags & BPF_F_NO_PREALLOC), -EINVAL);
	UA_FAIL_IF(flags & ~(BPF_F_NO_PREALLOC | BPF_F_NUMA_NODE | MAP_ACCESS_FLAGS), -EINVAL);
	UA_FAIL_IF(!map_access_flags_ok(flags), -EINVAL);
	UA_FAIL_IF(attr->key_size < 4 + DATA_MIN || attr->key_size > 4 + DATA_MAX, -EINVAL);
	UA_FAIL_IF(!attr->value_size || attr->value_size > (4u << 20) - 320, -EINVAL);
	return 0;
}

static int lpm_create(struct map *map, const union bpf_attr *attr)
{
	struct lpm *t = mem_zalloc(sizeof(*t));
	int err;

	UA_FAIL_IF(!t, -ENOMEM);
	err = map_backing_new(map, attr, attr->value_size);
	if (err) {
		mem_free(t);
		return err;
	}
	t->entries = map->priv;
	t->max_prefix = (attr->key_size - 4) * 8;
	pthread_mutex_init(&t->lock, NULL);
	map->priv = t;
	return 0;
}

static void lpm_free(struct map *map)
{
	struct lpm *t = map->priv;

	map->priv = t->entries;
	map_backing_free(map);
	pthread_mutex_destroy(&t->lock);
	mem_free(t);
}

/* The first `prefix` bits of a key; the rest of the data zero. */
static void cut(const struct map *map, const void *key, uint32_t prefix, struct lpm_key *out)
{
	uint32_t size = map->v.key_size - 4, bytes = (prefix + 7) / 8;

	out->prefix = prefix;
	memset(out->data, 0, size);
	memcpy(out->data, (const uint8_t *)key + 4, bytes);
	if (prefix % 8)
		out->data[bytes - 1] &= (uint8_t)(0xff00 >> prefix % 8);
}

static uint32_t prefix_of(const void *key)
{
	uint32_t prefix;

	memcpy(&prefix, key, sizeof(prefix));
	return prefix;
}

static void *lpm_lookup(struct map *map, const void *key)
{
	struct lpm *t = map->priv;
	uint32_t prefix = prefix_of(key);
	struct lpm_key k;
	void *value;

	if (prefix > t->max_prefix)
		return NULL;
	for (uint32_t n = prefix + 1; n-- > 0;) {
		if (!atomic_load_explicit(&t->used[n], memory_order_acquire))
			continue;
		cut(map, key, n, &k);
		value = map_ops_hash.lookup(t->entries, &k);
		if (value)
			return value;
	}
	return NULL;
}

static int lpm_update(struct map *map, const void *key, const void *value, uint64_t flags)
{
	struct lpm *t = map->priv;
	uint32_t prefix = prefix_of(key);
	struct lpm_key k;
	bool fresh;
	int err;

	UA_FAIL_IF(flags > BPF_EXIST || prefix > t->max_prefix, -EINVAL);
	cut(map, key, prefix, &k);
	pthread_mutex_lock(&t->lock);
	fresh = !map_ops_hash.lookup(t->entries, &k);
	err = map_ops_hash.update(t->entries, &k, value, flags);
	if (!err && fresh)
		atomic_fetch_add(&t->used[prefix], 1);
	pthread_mutex_unlock(&t->lock);
	return err == -E2BIG ? -ENOSPC : err;
}

static int lpm_remove(struct map *map, const void *key)
{
	struct lpm *t = map->priv;
	uint32_t prefix = prefix_of(key);
	struct lpm_key k;
	int err;

	UA_FAIL_IF(prefix > t->max_prefix, -EINVAL);
	cut(map, key, prefix, &k);
	pthread_mutex_lock(&t->lock);
	err = map_ops_hash.remove(t->entries, &k);
	if (!err)
		atomic_fetch_sub(&t->used[prefix], 1);
	pthread_mutex_unlock(&t->lock);
	return err;
}

static int lpm_next_key(struct map *map, const void *key, void *next)
{
	struct lpm *t = map->priv;
	struct lpm_key k;

	if (!key || prefix_of(key) > t->max_prefix)
		return map_ops_hash.next_key(t->entries, NULL, next);
	cut(map, key, prefix_of(key), &k);
	return map_ops_hash.next_key(t->entries, &k, next);
}

static uint64_t lpm_mem_usage(const struct map *map)
{
	const struct lpm *t = map->priv;

	return sizeof(*t) + map_ops_hash.mem_usage(t->entries);
}

static int lpm_check_btf(const struct map *map, const struct btf *btf, uint32_t key_id,
			 uint32_t value_id)
{
	return key_id ? 0 : -EINVAL;
}

const struct map_ops map_ops_lpm_trie = {
	.name = "lpm_trie",
	.check = lpm_check,
	.create = lpm_create,
	.free = lpm_free,
	.check_btf = lpm_check_btf,
	.lookup = lpm_lookup,
	.update = lpm_update,
	.remove = lpm_remove,
	.next_key = lpm_next_key,
	.mem_usage = lpm_mem_usage,
};
