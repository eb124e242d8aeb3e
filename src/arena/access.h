/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Program accesses made by the interpreter: loads, stores and atomics on addresses that may
 * not be there (holes of a window, stale BTF pointers).
 *
 * Each is one instruction with an exception-table entry; on a fault the function returns
 * false, having changed nothing, and the interpreter reports. They are inline so that a
 * constant size leaves just that instruction in the interpreter's loop.
 *
 * size is 1, 2, 4 or 8. op is the imm of BPF_ATOMIC; for read-modify-write *val is the
 * operand in, the old value out (fetching forms), cmp the comparand of CMPXCHG, whose old
 * value also comes out in *val. Narrow results are zero-extended.
 */
#ifndef UA_ARENA_ACCESS_H
#define UA_ARENA_ACCESS_H

#include <stdbool.h>
#include <stdint.h>
#include "abi/insn.h"
#include "arena/extable.h"

#if defined(__x86_64__)
#include "arena/access_x86.h"
#elif defined(__aarch64__)
#include "arena/access_arm64.h"
#else
#error "no program accesses for this architecture"
#endif

/*
 * The accesses compiled into this binary, as the fault handler wants them; built on the first
 * call, which must happen outside signal handlers. NULL if memory is short.
 */
const struct ext_region *access_region(void);

#endif
