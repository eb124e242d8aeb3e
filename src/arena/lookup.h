/* SPDX-License-Identifier: BSD-2-Clause */
/* What the fault handler needs of the exception tables. */
#ifndef UA_ARENA_LOOKUP_H
#define UA_ARENA_LOOKUP_H

#include <stdint.h>
#include "arena/extable.h"

/* Entry of the native instruction at pc and the start of its region, or NULL. Between
 * trap_enter() and trap_exit(). */
const struct ext_entry *ext_find(uintptr_t pc, uintptr_t *start);
/* In a forked child, before anything else. */
void ext_forked(void);

#endif
