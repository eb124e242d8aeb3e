/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One input through the loader: open, and if that works load, then close. Used by the
 * libFuzzer target and by the mutator.
 */
#ifndef UA_FUZZ_OBJECT_ONE_H
#define UA_FUZZ_OBJECT_ONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "uarena.h"

enum object_outcome { OBJECT_REFUSED, OBJECT_OPENED, OBJECT_LOADED };

/* Maps are kept small: their size is no matter of the loader, but would use up the machine. */
static void object_limit_maps(struct ua_object *obj)
{
	for (struct ua_map *map = NULL; (map = ua_object__next_map(obj, map));) {
		if (ua_map__max_entries(map) > 4096)
			ua_map__set_max_entries(map, 4096);
		if (ua_map__value_size(map) > 65536)
			ua_map__set_value_size(map, 64);
	}
}

static void object_walk(struct ua_object *obj)
{
	struct ua_global_info info;

	for (size_t i = 0; i < 64 && !ua_object__global_at(obj, i, &info); i++) {
		void *addr;
		size_t size;

		ua_object__find_global(obj, info.name, &addr, &size);
	}
	ua_object__set_global(obj, "in_data = 1");
	ua_object__set_global(obj, "nested.pairs[1].b = RED");
}

static enum object_outcome object_one(struct ua_engine *engine, const uint8_t *data, size_t size)
{
	enum object_outcome outcome = OBJECT_REFUSED;
	struct ua_object *obj;

	if (ua_object__open_mem(engine, data, size, NULL, &obj))
		return outcome;
	outcome = OBJECT_OPENED;
	object_walk(obj);
	object_limit_maps(obj);
	if (!ua_object__load(obj))
		outcome = OBJECT_LOADED;
	ua_object__close(obj);
	return outcome;
}

#endif
