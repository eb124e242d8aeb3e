/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Executable memory: blocks of code packed into shared regions.
 *
 * A region is mapped once, private, readable and executable, and never becomes writable: code
 * is placed through /proc/self/mem, whose writes go past the protection and break sharing with
 * a forked child, so that parent and child can each go on compiling. Threads may run code of
 * the same page meanwhile. Where that file is refused, each block gets pages of its own that
 * are written first and made executable afterwards.
 *
 * Freed code is overwritten with traps. All functions are thread-safe.
 */
#ifndef UA_OS_EXEC_H
#define UA_OS_EXEC_H

#include <stdbool.h>
#include <stddef.h>

#define EXEC_ALIGN 64 /* blocks start and end on a multiple of this */

/* Room for `size` bytes (> 0), unwritten; NULL when there is none. Regions are placed near
 * this library's text if possible, so that relative calls reach host functions. */
void *exec_alloc(size_t size);
/* Fill the block at `block` once with `size` bytes of code. 0 or -EACCES, -ENOMEM. */
int exec_write(void *block, const void *code, size_t size);
/* `size` as given to exec_alloc(). No thread may be inside any more. */
void exec_free(void *block, size_t size);

/* Tests: refuse /proc/self/mem from now on, as a confined process would see it. */
void exec_force_pages(bool on);

#endif
