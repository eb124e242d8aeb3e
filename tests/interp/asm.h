/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Assembler for the syntax of the public conformance vectors:
 *
 *   add32 %r0, -3      ldxh %r1, [%r10-8]      lock fetch add [%r10-8], %r1
 *   jne %r0, 15, fail  fail:                   call local func
 *
 * A mnemonic is turned into the name of an operation and looked up in the one list, which
 * gives the code byte and the distinguishing field.
 */
#ifndef UA_TESTS_INTERP_ASM_H
#define UA_TESTS_INTERP_ASM_H

#include <stddef.h>
#include <stdint.h>
#include "abi/insn.h"

/* Assembles `text` into at most `max` slots. Their number, or -1 with the offending
 * line on stdout. The label "exit", unless defined, is the last exit instruction. */
int asm_program(const char *text, struct bpf_insn *insns, int max);

#endif
