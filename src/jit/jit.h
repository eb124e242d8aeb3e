/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The JIT: code -> native code. It trusts the verifier: no check of its own.
 *
 * Native calling convention of every compiled function: r1..r5 in the first five integer
 * argument registers of the platform, r0 in the return register, so that host code calls a
 * program, and a helper calls a callback, as a plain C function of type host_fn. That holds
 * for funcs[0] and for functions whose address is taken: they load the window base themselves.
 * The entries of the others are for tools only; their caller must have loaded it.
 */
#ifndef UA_JIT_JIT_H
#define UA_JIT_JIT_H

#include <stdio.h>
#include "abi/code.h"

bool jit_available(void);

/* Compile all functions of `code`, set funcs[].entry and code->jit, register the exception
 * table. 0, -EOPNOTSUPP (an operation this back end lacks; logged), -ENOMEM. */
int jit_compile(struct code *code);
/* The native code goes once every section open now has been left (base/epoch.h). */
void jit_free(struct code *code);

struct run;

/* One frame of a stack dump: the slot being executed in `func` (of func->code). */
struct jit_frame {
	const struct code_func *func;
	uint32_t slot;
	uintptr_t pc;
};

/*
 * Innermost-first native frames of the program of `run`, at most `max`; the number written.
 * uc is the ucontext_t of a fault inside compiled code, or NULL when the program is in a host
 * call. Signal-safe: reads memory only.
 */
uint32_t jit_backtrace(const struct run *run, const void *uc, struct jit_frame *frames,
		       uint32_t max);

/* Slot of the instruction at native address `pc` of this code, or -1. */
int64_t jit_slot_at(const struct code *code, uintptr_t pc);

/* Native code of one function, with BPF instructions and source lines between if `origins`.
 * -ENOENT if it is not compiled. */
int jit_dump(const struct code *code, uint32_t func, bool origins, FILE *out);
/* The JIT's working form of one function after each stage (src/jit/ir.h). */
int jit_dump_stages(const struct code *code, uint32_t func, FILE *out);

/* Native code of this machine as text. A disassembler of NULL prints bytes: LLVM's library,
 * which does the work, is missing. */
struct jit_disasm;
struct jit_disasm *jit_disasm_open(void);
void jit_disasm(const struct jit_disasm *d, const uint8_t *code, uint32_t at, uint32_t end,
		FILE *out);
void jit_disasm_close(struct jit_disasm *d);

/* Which tools hear of programs compiled from now on, process-wide. At first those named in the
 * environment: UARENA_JIT_TOOLS=perf,jitdump,gdb. */
#define JIT_TOOL_PERF_MAP 1 /* /tmp/perf-PID.map */
#define JIT_TOOL_JITDUMP 2  /* /tmp/jit-PID.dump, for perf inject --jit */
#define JIT_TOOL_GDB 4	    /* gdb's JIT interface */
void jit_tools(unsigned int which);

#endif
