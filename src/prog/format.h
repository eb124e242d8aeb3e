/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Printing with the kernel's formats: what a program may print and how it looks.
 *
 * Pointers print as they are, like Linux with no_hash_pointers; the memory behind %s and %pi4
 * is read fault-safe, and a bad address prints as nothing or zero.
 */
#ifndef UA_PROG_FORMAT_H
#define UA_PROG_FORMAT_H

#include "abi/format.h"

#define FORMAT_BUF 1024	      /* longest message, with its NUL */
#define FORMAT_CONST SIZE_MAX /* as fmt_size: a terminated string that nobody can change */

/*
 * Format into out[0..size), always terminated if size > 0. fmt must end within fmt_size; it is
 * copied first, because other threads may write to it meanwhile.
 * Returns the length of the whole text without its NUL, also beyond size; -EINVAL for a
 * format the kernel refuses or too few arguments, -ENOSPC when the arguments, strings
 * included, take more than the 512 bytes the kernel sets aside.
 */
int format_print(char *out, size_t size, const char *fmt, size_t fmt_size, const uint64_t *args,
		 uint32_t n_args);

/* The (data, len) pair of the vprintk family: -EINVAL unless well-formed, else the count. */
int format_arg_count(const void *data, uint64_t len);

#endif
