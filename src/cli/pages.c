/* SPDX-License-Identifier: BSD-2-Clause */
/* The arena of a session, looked at from outside, on either side of the seam. */
#include "cli/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arena/arena.h"
#include "kernel/page_map.h"
#include "object/object.h"

static int take_engine(struct cli_arena *a)
{
	struct arena *arena = (struct arena *)a->engine;

	arena_page_map(arena, 0, a->kinds, a->n_pages);
	return 0;
}

static int take_linux(struct cli_session *s, struct cli_arena *a)
{
	a->probed = true;
	return kernel_page_map(s->engine->kernel, s->obj->arena->fd, a->start, a->kinds,
			       a->n_pages);
}

static int explain(const struct cli_options *o, int err)
{
	if (err == -EOPNOTSUPP)
		cli_error("%s: this kernel has no bpf_arena_reserve_pages, without which it "
			  "cannot be found out which pages are allocated",
			  o->operands[0]);
	else
		cli_error("%s: the arena cannot be looked at: %s", o->operands[0], strerror(-err));
	return CLI_REFUSED;
}

int cli_arena_take(struct cli_session *s, const struct cli_options *o, struct cli_arena *a)
{
	const struct ua_map *map = s->obj->arena;
	int err;

	*a = (struct cli_arena){.engine = ua_object__arena(s->obj)};
	if (!map || !map->data) {
		cli_error("%s: has no arena map", o->operands[0]);
		return CLI_REFUSED;
	}
	a->view = map->data;
	a->start = a->engine ? arena_user_start((struct arena *)a->engine)
			     : (uint64_t)(uintptr_t)map->data;
	a->n_pages = map->data_len / ARENA_PAGE_SIZE;
	a->kinds = calloc(a->n_pages, 1);
	if (!a->kinds)
		return explain(o, -ENOMEM);
	err = a->engine ? take_engine(a) : take_linux(s, a);
	if (!err)
		return CLI_OK;
	cli_arena_free(a);
	return explain(o, err);
}

void cli_arena_free(struct cli_arena *a)
{
	free(a->kinds);
	a->kinds = NULL;
}

bool cli_arena_read(const struct cli_arena *a, void *dst, uint64_t addr, size_t n)
{
	uint64_t off = addr - a->start, size = a->n_pages * ARENA_PAGE_SIZE;

	if (addr < a->start || off >= size || n > size - off)
		return false;
	if (a->engine)
		return !ua_arena__copy_out(a->engine, dst, addr, n);
	/* Touching a hole would allocate it. */
	for (uint64_t i = off / ARENA_PAGE_SIZE; n && i <= (off + n - 1) / ARENA_PAGE_SIZE; i++)
		if (a->kinds[i] != ARENA_PAGE_ALLOC)
			return false;
	memcpy(dst, a->view + off, n);
	return true;
}
