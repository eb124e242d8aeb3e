/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of a program object. The last reference may be dropped while other threads still
 * run the program (found through a program array or struct_ops a moment ago), so it is freed
 * when no run that could have seen it is active any more.
 */
#include "prog/prog.h"

#include "base/base.h"
#include "jit/jit.h"
#include "map/map.h"
#include "prog/load.h"

struct prog *prog_get(struct prog *prog)
{
	atomic_fetch_add_explicit(&prog->refs, 1, memory_order_relaxed);
	return prog;
}

void prog_destroy(struct prog *p)
{
	if (!p)
		return;
	if (p->code && p->code->jit)
		jit_free(p->code);
	code_free(p->code);
	for (uint32_t i = 0; i < p->n_maps; i++)
		map_put(p->maps[i]);
	map_put(p->struct_ops);
	mem_free(p->maps);
	mem_free(p->orig);
	mem_free(p->func_info);
	mem_free(p->line_info);
	for (size_t i = 0; i < ARRAY_SIZE(p->streams); i++)
		stream_free(p->streams[i]);
	if (p->btf_obj && p->btf_obj_put)
		p->btf_obj_put(p->btf_obj);
	mem_free(p);
}

static void destroy_deferred(struct epoch_item *item)
{
	prog_destroy(container_of(item, struct prog, free_item));
}

void prog_put(struct prog *prog)
{
	if (!prog || atomic_fetch_sub_explicit(&prog->refs, 1, memory_order_acq_rel) != 1)
		return;
	owner_gone(&prog->owner);
	epoch_defer(&prog->free_item, destroy_deferred);
}
