/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The regions of a checked run: a ring of what was announced last. A program that holds more
 * pointers than that at once is stopped, which checked mode may do and the verifier may not.
 */
#include "prog/region.h"

#include "base/base.h"
#include "map/map.h"
#include "prog/struct_ops.h"

#define MAX_REGIONS 2048 /* a power of two */

struct regions {
	uint32_t n; /* announced so far; the last MAX_REGIONS are kept */
	struct {
		uint64_t start, size;
		bool writable;
	} v[MAX_REGIONS];
};

static bool inside(uint64_t addr, uint32_t size, uint64_t start, uint64_t room)
{
	return addr >= start && addr - start <= room && size <= room - (addr - start);
}

/* Values that instructions address directly: .data, .rodata, .bss and their like. */
static bool in_direct_value(const struct prog *prog, uint64_t addr, uint32_t size, bool write)
{
	for (uint32_t i = 0; i < prog->n_maps; i++) {
		struct map *map = prog->maps[i];
		uint64_t start;

		if (map_arena(map) || !map->v.ops->direct_value ||
		    map->v.ops->direct_value(map, &start, 0))
			continue;
		if (inside(addr, size, start, map->v.value_size))
			return !write || !(map->v.map_flags & BPF_F_RDONLY_PROG);
	}
	return false;
}

/* Programs may read what BTF says of a map. */
static bool in_map_object(const struct prog *prog, uint64_t addr, uint32_t size)
{
	for (uint32_t i = 0; i < prog->n_maps; i++)
		if (inside(addr, size, (uintptr_t)prog->maps[i], offsetof(struct map, refs)))
			return true;
	return false;
}

static bool announced(const struct regions *r, uint64_t addr, uint32_t size, bool write)
{
	uint32_t kept = r ? min_t(uint32_t, r->n, MAX_REGIONS) : 0;

	for (uint32_t i = 1; i <= kept; i++) {
		uint32_t at = (r->n - i) % MAX_REGIONS;

		if (inside(addr, size, r->v[at].start, r->v[at].size) &&
		    (!write || r->v[at].writable))
			return true;
	}
	return false;
}

bool region_allowed(struct run *run, uint64_t addr, uint32_t size, bool write)
{
	const struct run_ctx *rc = run->ctx;

	return inside(addr, size, (uintptr_t)rc->ctx, rc->ctx_size) ||
	       (rc->pkt &&
		inside(addr, size, (uintptr_t)rc->pkt, (uint64_t)(rc->pkt_end - rc->pkt))) ||
	       announced(rc->records, addr, size, write) ||
	       in_direct_value(rc->prog, addr, size, write) ||
	       (!write && in_map_object(rc->prog, addr, size)) ||
	       (rc->prog->member && struct_ops_arg_memory(rc->prog, rc->ctx, addr, size));
}

void region_allow_slow(struct run_ctx *rc, const void *mem, uint32_t size, bool writable)
{
	struct regions *r = rc->records;
	uint32_t at;

	if (announced(r, (uintptr_t)mem, size, writable))
		return;
	if (!r)
		r = rc->records = mem_zalloc(sizeof(*r));
	if (!r)
		return;
	at = r->n++ % MAX_REGIONS;
	r->v[at].start = (uintptr_t)mem;
	r->v[at].size = size;
	r->v[at].writable = writable;
}

void region_enter(struct run_ctx *rc, const struct prog *prog)
{
	for (uint32_t i = 0; i < prog->n_maps; i++) {
		struct map *map = prog->maps[i];
		uint64_t start;

		if (map_arena(map) || !map->v.ops->direct_value ||
		    map->v.ops->direct_value(map, &start, 0))
			continue;
		region_allow(rc, (const void *)(uintptr_t)start, map->v.value_size,
			     !(map->v.map_flags & BPF_F_RDONLY_PROG));
	}
}

void region_run_end(struct run_ctx *rc)
{
	mem_free(rc->records);
	rc->records = NULL;
}
