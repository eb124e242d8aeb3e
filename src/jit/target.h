/* SPDX-License-Identifier: BSD-2-Clause */
/* What an architecture provides: nodes -> bytes, and where a stopped program is. */
#ifndef UA_JIT_TARGET_H
#define UA_JIT_TARGET_H

#include "jit/asm.h"

struct run;

/* Offset of run_top from the thread pointer, the same in every thread. */
extern intptr_t target_run_top_offset;

bool target_available(void);
void target_emit_func(struct jit *j, uint32_t func);
void target_emit_shared(struct jit *j); /* thunks, behind the last function */
/* Literals of host calls, relative calls where they reach: code at j->buf goes to `addr`. */
void target_finish(struct jit *j, uintptr_t addr);
uint32_t target_literals_size(const struct jit *j);

/* State of a program: program counter and frame pointer of a fault, or those of the host call
 * `exit_sp` was saved at; frame pointer then still to be found through the frame size. */
void target_fault_state(const void *uc, uintptr_t *pc, uintptr_t *fp);
uintptr_t target_exit_pc(const void *exit_sp);
uintptr_t target_exit_fp(const void *exit_sp, uint32_t frame_size);
/* One frame outwards. */
void target_caller(uintptr_t *pc, uintptr_t *fp);

#endif
