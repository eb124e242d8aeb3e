/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interpreter: one decoder table, one switch (threaded where the compiler allows).
 *
 * It trusts the verifier. With code->checked it additionally checks every non-arena access
 * against the memory the program may touch, which is how debug builds and the soundness runs
 * catch a verifier bug: the access stops the program with -EFAULT and a line on its stream.
 *
 * The checked mode also runs programs that no verifier has seen or rewritten, and never harms
 * the host whatever they do. There a plain access whose base register is below 4 GiB goes to
 * the arena, if the program has one; any other must lie in a live frame of the program or
 * please run->hooks->allowed(). Values of helper and kfunc arguments are for those to check.
 */
#ifndef UA_INTERP_INTERP_H
#define UA_INTERP_INTERP_H

#include "abi/code.h"

struct run;

/*
 * Run function `func` of the code of `run` (already pushed) with r1..r5 = args[0..4].
 * *err: 0, or the negative errno that stopped the program, also in run->stop, so that the
 * program around a callback stops too. Returns r0.
 * One activation per call; run->interp links activations for stack dumps.
 */
uint64_t interp_call(struct run *run, const struct code_func *func, const uint64_t args[5],
		     int *err);

/* What a stack dump reads: one activation per interp_call(), innermost first. */
struct interp_activation {
	struct interp_activation *prev; /* activation further out, same run record */
	uint32_t level;			/* activations further out */
	uint32_t depth;			/* live frames, at least 1 */
	struct {
		const struct code *code; /* a tail call changes it for its frame only */
		uint32_t slot;		 /* of the call it is in, or of the last reported access */
	} frame[8];			 /* frame[depth - 1] is innermost */
	const uint8_t *stack;		 /* frame i's stack is [stack + i*512, +512), r10 its end */
};

#endif
