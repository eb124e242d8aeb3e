/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Texts of streams, made comparable: what differs from one run or one kernel to the next is
 * masked (processor, process, tags and offsets of programs, addresses of locks), and frames of a
 * stack dump that are functions of the kernel are left out.
 */
#ifndef UA_TESTS_ORACLE_STREAMS_H
#define UA_TESTS_ORACLE_STREAMS_H

#include <stddef.h>

/* In place; the text only gets shorter. */
void stream_normalize(char *text);
/* The next report "ERROR: ..." at or behind `text`, without its stack dump: its length in *n;
 * NULL: there is none. */
const char *stream_report(const char *text, size_t *n);

#endif
