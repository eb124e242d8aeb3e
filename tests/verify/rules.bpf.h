/* SPDX-License-Identifier: BSD-2-Clause */
/* For the programs of rules.bpf.c and its like: types, helpers and kfuncs by their Linux names. */
#ifndef UA_TESTS_VERIFY_RULES_H
#define UA_TESTS_VERIFY_RULES_H

#include <uarena/bpf_arena.h>
#include <uarena/bpf_test.h>

#define MAP_TYPE_PROG_ARRAY 3
#define MAP_TYPE_PERCPU_HASH 5
#define MAP_TYPE_LPM_TRIE 11
#define MAP_TYPE_ARRAY_OF_MAPS 12
#define MAP_TYPE_HASH_OF_MAPS 13
#define MAP_TYPE_QUEUE 22
#define MAP_TYPE_BLOOM_FILTER 30

struct bpf_spin_lock {
	u32 val;
};
struct bpf_timer {
	u64 __opaque[2];
} __attribute__((aligned(8)));

static void *(*const map_lookup)(void *map, const void *key) = (void *)1;
static long (*const map_update)(void *map, const void *key, const void *value,
				u64 flags) = (void *)2;
static u32 (*const prandom)(void) = (void *)7;
static long (*const tail_call)(void *ctx, void *map, u32 index) = (void *)12;
static long (*const map_push)(void *map, const void *value, u64 flags) = (void *)87;
static long (*const map_peek)(void *map, void *value) = (void *)89;
static void (*const spin_lock)(struct bpf_spin_lock *lock) = (void *)93;
static void (*const spin_unlock)(struct bpf_spin_lock *lock) = (void *)94;
static long (*const each_elem)(void *map, void *fn, void *ctx, u64 flags) = (void *)164;
static long (*const loop)(u32 n, void *fn, void *ctx, u64 flags) = (void *)181;

/* Something that may be anything, as far as compiler and verifier know. */
#define OPAQUE(x) asm volatile("" : "+r"(x))

char _license[] SEC("license") = "GPL";

#endif
