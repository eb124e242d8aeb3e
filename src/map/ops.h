/* SPDX-License-Identifier: BSD-2-Clause */
/* The kinds of map by number: one list, read by map.c. Each kind defines map_ops_<name>.
 * Below it what kinds share. */
#ifndef UA_MAP_OPS_H
#define UA_MAP_OPS_H

#include "map/map.h"

/* X(BPF_MAP_TYPE_..., name) */
#define MAP_KINDS(X)                                       \
	X(BPF_MAP_TYPE_HASH, hash)                         \
	X(BPF_MAP_TYPE_ARRAY, array)                       \
	X(BPF_MAP_TYPE_PROG_ARRAY, prog_array)             \
	X(BPF_MAP_TYPE_PERF_EVENT_ARRAY, perf_event_array) \
	X(BPF_MAP_TYPE_LPM_TRIE, lpm_trie)                 \
	X(BPF_MAP_TYPE_ARRAY_OF_MAPS, array_of_maps)       \
	X(BPF_MAP_TYPE_HASH_OF_MAPS, hash_of_maps)         \
	X(BPF_MAP_TYPE_BLOOM_FILTER, bloom_filter)         \
	X(BPF_MAP_TYPE_ARENA, arena)                       \
	X(BPF_MAP_TYPE_PERCPU_HASH, percpu_hash)           \
	X(BPF_MAP_TYPE_PERCPU_ARRAY, percpu_array)         \
	X(BPF_MAP_TYPE_LRU_HASH, lru_hash)                 \
	X(BPF_MAP_TYPE_LRU_PERCPU_HASH, lru_percpu_hash)   \
	X(BPF_MAP_TYPE_QUEUE, queue)                       \
	X(BPF_MAP_TYPE_STACK, stack)                       \
	X(BPF_MAP_TYPE_RINGBUF, ringbuf)                   \
	X(BPF_MAP_TYPE_TASK_STORAGE, task_storage)         \
	X(BPF_MAP_TYPE_CGRP_STORAGE, cgrp_storage)

#define X(type, name) extern const struct map_ops map_ops_##name;
MAP_KINDS(X)
#undef X

#define MAP_ACCESS_FLAGS (BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG)

static inline bool map_access_flags_ok(uint32_t flags)
{
	return (flags & (BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG)) !=
	       (BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG);
}

/* The calling thread's slot in a per-CPU value. */
static inline uint32_t map_cpu_slot(const struct map *map)
{
	uint32_t cpu = map_this_cpu();

	return __builtin_expect(cpu < map->n_cpus, 1) ? cpu : cpu % map->n_cpus;
}

/* false: more than the machine has. Untouched memory costs nothing here, so an allocation that
 * Linux refuses would succeed and take the machine down when it is filled. */
bool map_size_ok(uint64_t bytes);

/* check_btf of kinds whose keys and values have no types. */
int map_check_no_btf(const struct map *map, const struct btf *btf, uint32_t key_id,
		     uint32_t value_id);

/* What all kinds indexed by a u32 do alike (array.c). */
int array_check(const union bpf_attr *attr);
int array_check_btf(const struct map *map, const struct btf *btf, uint32_t key_id,
		    uint32_t value_id);
int array_remove(struct map *map, const void *key);
int array_next_key(struct map *map, const void *key, void *next);

/* Kinds that are a hash map inside: a private map in map->priv with the same keys and values of
 * `value_size`, to be used through map_ops_hash. */
int map_backing_new(struct map *map, const union bpf_attr *attr, uint32_t value_size);
void map_backing_free(struct map *map);

/* Maps of maps (inner.c): copy of what programs may rely on, from a descriptor; and whether a
 * map fits it. -EINVAL, -ENOTSUPP, -EBADF. */
int map_inner_template(struct map *map, int fd);
int map_inner_check(const struct map *outer, const struct map *inner);

#endif
