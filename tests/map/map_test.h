/* SPDX-License-Identifier: BSD-2-Clause */
/* What the map tests share. */
#ifndef MAP_TEST_H
#define MAP_TEST_H

#include <stdio.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/epoch.h"
#include "map/map.h"

#define CHECK(c)                                                                \
	do {                                                                    \
		if (!(c)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #c); \
			exit(1);                                                \
		}                                                               \
	} while (0)

static inline struct map *new_map(uint32_t type, uint32_t key, uint32_t value, uint32_t max,
				  uint32_t flags, uint32_t n_cpus)
{
	union bpf_attr attr = {.map_type = type,
			       .key_size = key,
			       .value_size = value,
			       .max_entries = max,
			       .map_flags = flags};
	struct map_env env = {.n_cpus = n_cpus};
	struct map *map;
	int err = map_create(&attr, &env, &map);

	if (err) {
		fprintf(stderr, "map type %u: %d\n", type, err);
		exit(1);
	}
	return map;
}

#endif
