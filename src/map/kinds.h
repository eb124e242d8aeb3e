/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Operations of single kinds of map beyond struct map_ops, for helpers. The verifier has made
 * sure that the map is of that kind. Implemented in the file of the kind.
 */
#ifndef UA_MAP_KINDS_H
#define UA_MAP_KINDS_H

#include <stdbool.h>
#include "map/map.h"

/* Ring buffer: bpf_ringbuf_* with their results. */
#define BPF_RB_NO_WAKEUP (1ull << 0)
#define BPF_RB_FORCE_WAKEUP (1ull << 1)
#define BPF_RB_AVAIL_DATA 0
#define BPF_RB_RING_SIZE 1
#define BPF_RB_CONS_POS 2
#define BPF_RB_PROD_POS 3
void *map_ringbuf_reserve(struct map *map, uint64_t size, uint64_t flags);
void map_ringbuf_commit(void *sample, uint64_t flags, bool discard);
long map_ringbuf_output(struct map *map, const void *data, uint64_t size, uint64_t flags);
uint64_t map_ringbuf_query(struct map *map, uint64_t what);

/* Program array: the program (struct prog) in a slot, valid within this epoch section, or NULL. */
void *map_prog_array_get(struct map *map, uint32_t index);

/* Perf event array: one sample to the ring that `flags` chooses (low 32 bits: index, or
 * BPF_F_CURRENT_CPU = all ones). -E2BIG, -ENOENT, -EINVAL, -ENOSPC. */
long map_perf_output(struct map *map, uint64_t flags, const void *data, uint64_t size);

/* Local storage. owner is the address of the object's struct bpf_local_storage pointer, which
 * begins as NULL. flags: BPF_LOCAL_STORAGE_GET_F_CREATE. */
void *map_storage_get(struct map *map, void *owner, const void *init, uint64_t flags);
int map_storage_delete(struct map *map, void *owner);
/* The object goes: drop its values from every map. */
void map_storage_forget(void *owner);

#endif
