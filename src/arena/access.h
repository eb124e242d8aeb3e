/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Program accesses made by the interpreter: loads, stores and atomics on window addresses
 * that may be holes. Each is one instruction with an exception-table entry; on a fault the
 * function returns false, having changed nothing, and the interpreter reports.
 *
 * size is 1, 2, 4 or 8. op is the imm of BPF_ATOMIC; for read-modify-write *val is the
 * operand in, the old value out (fetching forms), *cmp the comparand of CMPXCHG.
 */
#ifndef UA_ARENA_ACCESS_H
#define UA_ARENA_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

bool access_load(const void *addr, unsigned int size, uint64_t *val);
bool access_store(void *addr, unsigned int size, uint64_t val);
bool access_load_acquire(const void *addr, unsigned int size, uint64_t *val);
bool access_store_release(void *addr, unsigned int size, uint64_t val);
bool access_rmw(void *addr, unsigned int size, int op, uint64_t *val, uint64_t cmp);

#endif
