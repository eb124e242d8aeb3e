/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that may not be there: addresses that programs made up, buffers of bpf(2) callers.
 *
 * Reads are single instructions with an exception-table entry, so no address can harm the
 * process, and holes of an arena are neither populated nor reported.
 */
#ifndef UA_PROG_PROBE_H
#define UA_PROG_PROBE_H

#include <stddef.h>
#include <stdint.h>

/* 0, or -EFAULT and dst zeroed. */
int probe_read(void *dst, size_t size, uint64_t src);
/* 0, or -EFAULT, with the bytes before the bad one written. */
int probe_write(uint64_t dst, const void *src, size_t size);
/* Copy up to and including the NUL, at most size bytes, always terminated. Returns the bytes
 * written, 0 for size 0; -EFAULT and dst zeroed if a byte before the end cannot be read. */
long probe_read_str(char *dst, size_t size, uint64_t src);

#endif
