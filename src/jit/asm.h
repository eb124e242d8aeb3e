/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The assembler's generic half: a byte buffer, labels, jumps that shrink, host-call sites,
 * exception entries and the slot map.
 *
 * A program is emitted several times into the same buffer. In the first pass every jump is
 * long; each later pass uses the short form where the distance allowed it, until all fit. Loops
 * are padded by what the pass before said of their size. The
 * emitter must therefore do the same things in the same order each time, apart from sizes.
 * Labels: one per node, then one per function entry, then those asked for during the pass.
 */
#ifndef UA_JIT_ASM_H
#define UA_JIT_ASM_H

#include "arena/extable.h"
#include "jit/ir.h"

/* A jump or a position-relative reference to a label. */
struct fixup {
	uint32_t at; /* first byte of the displacement */
	uint32_t label;
	uint8_t size;  /* 1 or 4; the displacement counts from its end */
	uint32_t jump; /* number of the jump in this pass, or NO_JUMP */
};
#define NO_JUMP UINT32_MAX

struct host_call {
	uint32_t at; /* the call instruction, HOST_CALL_SIZE bytes */
	const void *fn;
};

struct slot_mark {
	uint32_t at, slot; /* code from here on belongs to this slot */
};

struct cold_path {
	uint32_t node;
	uint32_t entry, back; /* labels */
};

/* A jump that was tried short and did not fit, for the padding of loops, stays long. */
enum jump_size { JUMP_LONG, JUMP_SHORT, JUMP_LONG_FOR_GOOD };

struct jit {
	const struct code *code;
	struct ir ir;
	uint8_t *buf;
	size_t n, cap;
	uint32_t *labels; /* offsets */
	size_t n_labels, labels_cap;
	struct fixup *fixups;
	size_t n_fixups, fixups_cap;
	uint8_t *shorts; /* enum jump_size by jump number; kept between passes */
	size_t n_shorts, shorts_cap;
	uint32_t n_jumps;
	struct host_call *calls;
	size_t n_calls, calls_cap;
	struct ext_entry *ext;
	size_t n_ext, ext_cap;
	struct slot_mark *marks;
	size_t n_marks, marks_cap;
	struct cold_path *cold;
	size_t n_cold, cold_cap;
	uint32_t *frame_size; /* by function: rbp - rsp in its body, 0 if frameless */
	uint64_t blind_state; /* constant blinding: generator, reseeded for each pass */
	uint64_t blind_seed;
	/* state of the function being emitted */
	uint32_t func, cur;
	uint16_t zx; /* registers known to have a zero upper half right now */
	uint32_t pass;
	uint32_t *prev;	      /* offsets of the nodes in the pass before; NULL in the first */
	uint8_t t1_low;	      /* register whose low half the first temporary holds, or NO_REG */
	uint32_t thunk_label; /* reloads the may_goto budget */
	int err;	      /* sticky */
};

/* Append to one of the vectors above; failure is sticky in j->err. */
#define ASM_PUSH(j, vec, ...)                                                          \
	do {                                                                           \
		if (UA_GROW(&(j)->vec, &(j)->vec##_cap, (j)->n_##vec + 1))             \
			(j)->err = -ENOMEM;                                            \
		else                                                                   \
			(j)->vec[(j)->n_##vec++] = (__typeof__(*(j)->vec))__VA_ARGS__; \
	} while (0)

static inline void put1(struct jit *j, uint8_t b)
{
	if (ua_likely(j->n < j->cap))
		j->buf[j->n] = b;
	j->n++; /* the driver sees the overflow and starts again with a larger buffer */
}

static inline void put4(struct jit *j, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		put1(j, (uint8_t)(v >> 8 * i));
}

static inline void put8(struct jit *j, uint64_t v)
{
	put4(j, (uint32_t)v);
	put4(j, (uint32_t)(v >> 32));
}

uint32_t asm_label_new(struct jit *j);
void asm_label_here(struct jit *j, uint32_t label);
uint32_t asm_func_label(const struct jit *j, uint32_t func);
/* A label reference of `size` bytes at the current position; emits the placeholder. */
void asm_reference(struct jit *j, uint32_t label, uint8_t size, uint32_t jump);
/* Whether the next jump is short, and its number. */
bool asm_jump_is_short(struct jit *j, uint32_t *jump);
/* Bytes to put before the loop that begins with node `head`, so that it is fetched well. */
uint32_t asm_loop_padding(const struct jit *j, uint32_t head);
void asm_host_call(struct jit *j, const void *fn);
/* e.resume is an offset or EXT_RESUME_LABEL(label). */
#define EXT_RESUME_LABEL(label) (UINT32_MAX - (label))
void asm_ext(struct jit *j, struct ext_entry e);
void asm_mark_slot(struct jit *j, uint32_t slot);
void asm_cold(struct jit *j, uint32_t node, uint32_t entry, uint32_t back);
uint64_t asm_random(struct jit *j);

#endif
