/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The JIT: code -> native code. It trusts the verifier: no check of its own.
 *
 * Native calling convention of every compiled function: r1..r5 in the first five integer
 * argument registers of the platform, r0 in the return register, so that host code calls a
 * program, and a helper calls a callback, as a plain C function of type host_fn. Compiled
 * functions load the window base themselves.
 */
#ifndef UA_JIT_JIT_H
#define UA_JIT_JIT_H

#include "abi/code.h"

bool jit_available(void);

/* Compile all functions of `code`, set funcs[].entry and code->jit, register the exception
 * table. 0, -EOPNOTSUPP (an operation this back end lacks; logged), -ENOMEM. */
int jit_compile(struct code *code);
void jit_free(struct code *code); /* waits for threads still inside */

/* Slot of the instruction at native address `pc` of this code, or -1. */
int64_t jit_slot_at(const struct code *code, uintptr_t pc);

#endif
