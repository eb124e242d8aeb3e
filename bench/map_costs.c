/* SPDX-License-Identifier: BSD-2-Clause */
/* What a lookup costs, called as a helper calls it. */
#include <stdio.h>
#include <time.h>

#include "base/base.h"
#include "base/epoch.h"
#include "map/map.h"

#define ENTRIES 1024u
#define ROUNDS 3000u

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static struct map *filled(uint32_t type, uint32_t key_size)
{
	union bpf_attr attr = {
		.map_type = type, .key_size = key_size, .value_size = 8, .max_entries = ENTRIES};
	struct map_env env = {.n_cpus = 1};
	uint64_t value = 1, key[8] = {0};
	struct map *m;

	if (map_create(&attr, &env, &m))
		exit(1);
	for (key[0] = 0; key[0] < ENTRIES; key[0]++)
		if (map_elem_update(m, key, &value, BPF_ANY))
			exit(1);
	return m;
}

/* ns per lookup over all keys, the best of many rounds: the machine may be busy. */
static void measure(const char *name, uint32_t type, uint32_t key_size)
{
	struct map *m = filled(type, key_size);
	uint64_t key[8] = {0}, best = UINT64_MAX, sum = 0;

	epoch_enter();
	for (uint32_t r = 0; r < ROUNDS; r++) {
		uint64_t start = now_ns();

		for (key[0] = 0; key[0] < ENTRIES; key[0]++)
			sum += *(uint64_t *)m->v.ops->lookup(m, key);
		start = now_ns() - start;
		best = min_t(uint64_t, best, start);
	}
	epoch_exit();
	if (sum != (uint64_t)ROUNDS * ENTRIES)
		exit(1);
	printf("%-24s %6.2f ns per lookup\n", name, (double)best / ENTRIES);
	map_put(m);
}

int main(void)
{
	measure("array", BPF_MAP_TYPE_ARRAY, 4);
	measure("per-CPU array", BPF_MAP_TYPE_PERCPU_ARRAY, 4);
	measure("hash, 4-byte key", BPF_MAP_TYPE_HASH, 4);
	measure("hash, 8-byte key", BPF_MAP_TYPE_HASH, 8);
	measure("hash, 32-byte key", BPF_MAP_TYPE_HASH, 32);
	measure("LRU hash, 8-byte key", BPF_MAP_TYPE_LRU_HASH, 8);
	measure("per-CPU hash, 8-byte key", BPF_MAP_TYPE_PERCPU_HASH, 8);
	return 0;
}
