/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Texts of streams, made comparable: what differs from one run or one kernel to the next is
 * masked (processor, process, tags and offsets of programs, addresses of locks), and frames of a
 * stack dump that are functions of the kernel are left out.
 */
#ifndef UA_TESTS_ORACLE_STREAMS_H
#define UA_TESTS_ORACLE_STREAMS_H

/* In place; the text only gets shorter. */
void stream_normalize(char *text);
/* Also without the source line of the access that is reported, where Linux names the line before
 * if the instruction is the first of its line: it looks up the byte before. */
void stream_drop_fault_lines(char *text);

#endif
