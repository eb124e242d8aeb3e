/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host side of the helpers: one function helper_NAME per H row of abi/helpers.h.
 *
 * They run on the program's thread, inside its epoch section, with its run record on top, and
 * trust the verifier: arguments are what the prototype says. r1..r5 are the raw registers.
 */
#ifndef UA_PROG_HELPER_H
#define UA_PROG_HELPER_H

#include "abi/helpers.h"
#include "prog/prog.h"

#define HOST_ARGS uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5
#define HELPER_FN(name) uint64_t helper_##name(HOST_ARGS)

#define H(id, name, ...) HELPER_FN(name);
#define N(id, name)
UA_HELPERS(H, N)
#undef H
#undef N

/* A register that holds a pointer into the host. */
static inline void *host_ptr(uint64_t r)
{
	return (void *)(uintptr_t)r;
}

/* The trace pipe: what bpf_trace_printk writes, one line per call, for the whole process. */
struct stream *trace_stream(void); /* NULL if memory is short */

#endif
