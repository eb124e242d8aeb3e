/* SPDX-License-Identifier: BSD-2-Clause */
/* Bloom filter: a bit set that values hash into; may say yes for what was never added. */
#include "base/base.h"
#include "map/ops.h"

#include <sys/random.h>

#define HASHES_DEFAULT 5u
#define HASHES_MASK 0xfu
#define MIX 0x9e3779b97f4a7c15ull

struct bloom {
	uint64_t seed;
	uint32_t n_hashes;
	uint64_t mask; /* bits - 1 */
	_Atomic uint64_t bits[];
};

static int bloom_check(const union bpf_attr *attr)
{
	UA_FAIL_IF(attr->key_size || !attr->value_size || !attr->max_entries, -EINVAL);
	UA_FAIL_IF(attr->map_flags & ~(BPF_F_NUMA_NODE | BPF_F_ZERO_SEED | MAP_ACCESS_FLAGS),
		   -EINVAL);
	UA_FAIL_IF(!map_access_flags_ok(attr->map_flags), -EINVAL);
	UA_FAIL_IF(attr->map_extra & ~(uint64_t)HASHES_MASK, -EINVAL);
	UA_FAIL_IF(attr->value_size > 4u << 20, -E2BIG);
	return 0;
}

/* Bits for few false answers: entries * hashes / ln 2, rounded up to a power of two. */
static uint64_t bits_for(uint32_t entries, uint32_t hashes)
{
	uint64_t want = (uint64_t)entries * hashes * 7 / 5, bits = 64;

	while (bits < want && bits < 1ull << 32)
		bits *= 2;
	return bits;
}

static int bloom_create(struct map *map, const union bpf_attr *attr)
{
	uint32_t hashes = attr->map_extra ? (uint32_t)attr->map_extra : HASHES_DEFAULT;
	uint64_t bits = bits_for(attr->max_entries, hashes);
	struct bloom *b = mem_zalloc(sizeof(*b) + bits / 8);

	UA_FAIL_IF(!b, -ENOMEM);
	b->n_hashes = hashes;
	b->mask = bits - 1;
	if (!(attr->map_flags & BPF_F_ZERO_SEED) &&
	    getrandom(&b->seed, sizeof(b->seed), GRND_NONBLOCK) != sizeof(b->seed))
		b->seed = (uintptr_t)b * MIX;
	map->priv = b;
	return 0;
}

static void bloom_free(struct map *map)
{
	mem_free(map->priv);
}

static uint64_t hash_value(uint64_t seed, const uint8_t *p, uint32_t size)
{
	uint64_t h = seed ^ size;

	for (; size; p += min_t(uint32_t, size, 8), size -= min_t(uint32_t, size, 8)) {
		uint64_t w = 0;

		memcpy(&w, p, min_t(uint32_t, size, 8));
		h = (h ^ w) * MIX;
		h ^= h >> 29;
	}
	return h * MIX;
}

/* The i-th bit of a value: two halves of one hash, combined linearly. */
static uint64_t nth_bit(const struct bloom *b, uint64_t hash, uint32_t i)
{
	return ((hash >> 32) + i * (hash | 1)) & b->mask;
}

static int bloom_push(struct map *map, const void *value, uint64_t flags)
{
	struct bloom *b = map->priv;
	uint64_t hash = hash_value(b->seed, value, map->v.value_size);

	UA_FAIL_IF(flags != BPF_ANY, -EINVAL);
	for (uint32_t i = 0; i < b->n_hashes; i++) {
		uint64_t bit = nth_bit(b, hash, i);

		atomic_fetch_or(&b->bits[bit / 64], 1ull << bit % 64);
	}
	return 0;
}

static int bloom_peek(struct map *map, void *value)
{
	struct bloom *b = map->priv;
	uint64_t hash = hash_value(b->seed, value, map->v.value_size);

	for (uint32_t i = 0; i < b->n_hashes; i++) {
		uint64_t bit = nth_bit(b, hash, i);

		if (!(atomic_load(&b->bits[bit / 64]) & 1ull << bit % 64))
			return -ENOENT;
	}
	return 0;
}

static uint64_t bloom_mem_usage(const struct map *map)
{
	const struct bloom *b = map->priv;

	return sizeof(*b) + (b->mask + 1) / 8;
}

/* Values have types, keys do not exist. */
static int bloom_check_btf(const struct map *map, const struct btf *btf, uint32_t key_id,
			   uint32_t value_id)
{
	return key_id ? -EINVAL : 0;
}

const struct map_ops map_ops_bloom_filter = {
	.name = "bloom_filter",
	.check = bloom_check,
	.create = bloom_create,
	.free = bloom_free,
	.check_btf = bloom_check_btf,
	.push = bloom_push,
	.peek = bloom_peek,
	.mem_usage = bloom_mem_usage,
};
