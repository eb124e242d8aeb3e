/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checked mode: which memory may the program touch besides its stack and the arena?
 *
 * Context, packet and directly addressed map values are known; what helpers hand out (looked-up
 * values, ring-buffer records, engine objects) they announce with region_allow(). Nothing of
 * this happens for verified programs.
 */
#ifndef UA_PROG_REGION_H
#define UA_PROG_REGION_H

#include "prog/prog.h"

bool region_allowed(struct run *run, uint64_t addr, uint32_t size, bool write);

void region_allow_slow(struct run_ctx *rc, const void *mem, uint32_t size, bool writable);

/* [mem, mem+size) was handed to the program. NULL is ignored. */
static inline void region_allow(struct run_ctx *rc, const void *mem, uint32_t size, bool writable)
{
	if (__builtin_expect(rc->prog->code->checked && mem, 0))
		region_allow_slow(rc, mem, size, writable);
}

/* A tail call goes on in `prog`: what its instructions address directly. */
void region_enter(struct run_ctx *rc, const struct prog *prog);
/* Forget what was announced. */
void region_run_end(struct run_ctx *rc);

#endif
