/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The run record: the thread-local record of the program now running on this thread.
 *
 * Fault recovery attributes a violation to the record on top and to nothing else: walking
 * frame pointers and scanning the stack both named the wrong program when tried. The record
 * lives on the stack of whoever starts a program; pushing and popping it must stay a handful
 * of stores (3 ns per call is the target).
 *
 * run_top is initial-exec TLS, because the fault handler reads it and the dynamic models may
 * allocate on first use.
 */
#ifndef UA_ARENA_RUN_H
#define UA_ARENA_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct code;
struct op;
struct run;

/*
 * Called for each violation of the program that owns the record.
 * addr      user-form address (high half of user_vm_start, low 32 bits of the access)
 * is_write  kind of access
 * uc        ucontext_t of the fault when called from the signal handler, else NULL
 * idx       slot of the faulting instruction, or -1 (host access)
 * Runs in signal context: no allocation, no locks that normal context holds with signals open.
 */
typedef void (*run_violation_fn)(struct run *run, uint64_t addr, bool is_write, void *uc,
				 int64_t idx);

/* Called when the loop budget of a frame of the owner of the record is spent (text: spec 5). */
typedef void (*run_timeout_fn)(struct run *run);

/* What the engines need of the program's owner beyond that; one constant table. */
struct run_hooks {
	/* Headline and stack dump to the program's stderr (prog_report); normal context. */
	void (*report)(struct run *run, const char *headline);
	/* Checked interpreter: is [addr, addr+size) the program's, besides its stack? */
	bool (*allowed)(struct run *run, uint64_t addr, uint32_t size, bool write);
	/* Checked interpreter: may this helper or kfunc be called with r1..r5? NULL: yes. */
	bool (*call_allowed)(struct run *run, const struct op *call, const uint64_t args[5]);
	/* Checked interpreter: asked every 65536 jumps and calls; false ends the run with
	 * -ETIMEDOUT. NULL: for ever. */
	bool (*go_on)(struct run *run);
	/* Legacy LD_ABS/LD_IND: size bytes at `off` of the packet that belongs to `ctx`, in host
	 * order. False: outside, the function returns 0 to its caller. NULL: no packets. */
	bool (*load_packet)(struct run *run, uint64_t ctx, int32_t off, uint32_t size,
			    uint64_t *val);
};

/* JIT: an exit to a host function that is calling back into the program now. */
struct run_callback {
	struct run_callback *prev; /* around it, same run record */
	void *exit_fp;
};

struct run {
	struct run *prev;
	const struct run_hooks *hooks; /* NULL: no reports, nothing allowed, no packets */
	const struct code *code;
	struct arena *arena; /* NULL: the program has none */
	void *prog;	     /* struct prog, opaque down here */
	void *ctx;	     /* what helpers need of the run (prog/run_ctx.h) */
	run_violation_fn violation;
	run_timeout_fn timeout;		/* may be NULL */
	struct arena *null_shown;	/* whose NULL page a host access of this run was shown under
					   null_guard: arena_hide_null() when the run ends */
	void *exit_fp;			/* JIT: stack pointer at the last exit to host code; only
					   jit_backtrace() knows the frame layout */
	struct run_callback *callbacks; /* innermost first */
	void *interp;			/* interpreter: innermost activation, for stack dumps */
	int stop;			/* negative errno: the run ends. Set by host functions; the
					   interpreter looks after each call, compiled code not */
} __attribute__((aligned(16)));		/* every run initialises it: in pairs, by vector stores */

extern __thread struct run *run_top
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

static inline void run_push(struct run *run)
{
	run->prev = run_top;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	run_top = run;
}

/* For who kept run->prev in a register: reading it back would chain each run to the last. */
static inline void run_pop_to(struct run *prev)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	run_top = prev;
}

static inline void run_pop(struct run *run)
{
	run_pop_to(run->prev);
}

/*
 * Timed may_goto, the rule both execution engines follow. A frame that uses may_goto starts
 * with count RUN_MAY_GOTO_COUNT and *since 0. At each site: count 0 jumps; otherwise count is
 * decremented, and when it becomes 0 it is reloaded with what this returns; no jump then.
 * The first call of a frame starts its clock; once RUN_MAY_GOTO_LIMIT_NS have passed it
 * reports a timeout and returns 0.
 */
#define RUN_MAY_GOTO_COUNT 0xffff
#define RUN_MAY_GOTO_LIMIT_NS 250000000ull
uint32_t run_may_goto(uint64_t *since);

#endif
