/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program after the verifier: what the interpreter and the JIT run.
 *
 * `insns` is the rewritten program ("xlated"): arena accesses carry the PROBE modes, 64-bit
 * ALU on arena pointers is narrowed, map and BTF references are resolved. `ops` is the same
 * program decoded, one op per instruction slot, so that an index into one is an index into
 * the other. Both execution engines read `ops` and nothing else.
 *
 * Conventions of rewritten instructions:
 *   LDIMM64        imm64 holds the final value: constant, map pointer or data address. With
 *                  src = BPF_PSEUDO_FUNC the op's imm is the index of a callback function; the
 *                  value at run time is &funcs[index] in the interpreter, its native entry in
 *                  the JIT.
 *   CALL_HELPER    imm = helper id; the function is helper_fns[id]. Tail call (id 12): the
 *                  function returns NULL (fall through) or the struct code to continue in,
 *                  which replaces the running one: same ctx, fresh stack, run->code updated.
 *   CALL_LOCAL     the op's imm is the index of the callee in `funcs`.
 *   CALL_KFUNC     imm = index into `kcalls`.
 *   jumps          the op's imm is the absolute index of the target slot; the immediate that a
 *                  conditional jump compares with is in the op's off.
 *
 * In `insns` jumps, local calls and BPF_PSEUDO_FUNC stay relative to the next slot, as in the
 * kernel's encoding. Making `ops` of them takes two steps: code_decode() turns all three into
 * absolute slots; code_link() then, once `funcs` is filled, turns the slots of calls and
 * callbacks into indexes of functions.
 */
#ifndef UA_ABI_CODE_H
#define UA_ABI_CODE_H

#include "abi/opcodes.h"

#define CODE_TAIL_CALL 12 /* helper id, see CALL_HELPER above */

struct arena;

struct op {
	uint16_t op; /* enum opcode */
	uint8_t dst, src;
	int32_t off; /* memory offset; in a jump that compares with an immediate, that immediate */
	int64_t imm; /* immediate, sign-extended; or target or index, see above */
};
_Static_assert(sizeof(struct op) == 16, "ops are indexed in the hot loop");

/* One function of the program: the main program is funcs[0]; funcs are sorted by start. */
struct code_func {
	uint32_t start, end;  /* slots [start, end) */
	uint32_t stack_depth; /* bytes below r10 it uses, a multiple of 8, at most 512 */
	uint32_t max_stack;   /* deepest chain from here, in bytes; 0 if not computed */
	bool uses_may_goto;
	bool uses_arena;
	bool is_callback; /* its address is taken */
	bool has_tail_call;
	const struct code *code;
	void *entry; /* native entry once the JIT has compiled it, else NULL */
	char name[64];
};

typedef uint64_t (*host_fn)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);

/* How a register value is turned into a host argument. */
enum karg_conv {
	KARG_PLAIN,
	KARG_ARENA,	     /* window base + low 32 bits; zero becomes the base */
	KARG_ARENA_NULLABLE, /* same, but zero low 32 bits become NULL */
};

enum kret_conv {
	KRET_U64,
	KRET_S32,
	KRET_U32,
	KRET_S16,
	KRET_U16,
	KRET_S8,
	KRET_U8,
	KRET_BOOL,
	KRET_VOID
};

/* A resolved call of a host function by kfunc number. */
struct code_kcall {
	const char *name;
	host_fn fn;	 /* already the non-sleepable twin where the call site needs it */
	uint8_t conv[5]; /* enum karg_conv */
	uint8_t ret;	 /* enum kret_conv */
	bool has_arena_args;
};

/* A source line: valid from slot `idx` until the next record. Sorted by idx. */
struct code_line {
	uint32_t idx;
	uint32_t line, col;
	const char *file; /* owned by the program's BTF */
	const char *text;
};

struct code {
	struct bpf_insn *insns;
	struct op *ops;
	uint32_t n_ops;
	struct code_func *funcs;
	uint32_t n_funcs;
	struct code_kcall *kcalls;
	uint32_t n_kcalls;
	struct code_line *lines;
	uint32_t n_lines;
	struct arena *arena;	   /* NULL: the program references none */
	const host_fn *helper_fns; /* by helper id */
	uint32_t n_helper_fns;
	char tag[17];	   /* program tag as the kernel prints it */
	bool no_user_conv; /* arena map has BPF_F_NO_USER_CONV */
	bool checked;	   /* interpreter must check every non-arena access */
	bool sleepable;
	bool blind;	  /* JIT option: constant blinding */
	uint32_t user_hi; /* high half of the arena's user_vm_start */
	void *jit;	  /* struct jit_image, NULL when interpreted */
};

/*
 * Decode insns[0..n) into ops; both arrays belong to the caller. -EINVAL with the slot in *bad
 * for what no engine could run: an unknown operation, a register above r10, half an LDIMM64, a
 * jump, call or callback that leaves the program or lands in the middle of an LDIMM64, a last
 * instruction that falls off the end. Reserved fields are not looked at. The second slot of
 * LDIMM64 becomes OP_PAD.
 */
int code_decode(const struct bpf_insn *insns, uint32_t n, struct op *ops, uint32_t *bad);
/* Slots to indexes, see above; exactly once per code. -EINVAL with the slot in *bad if a callee
 * is not the start of a function. */
int code_link(struct code *code, uint32_t *bad);
/*
 * A code from instructions that no verifier has seen: functions begin at 0 and where calls and
 * callbacks go; `checked` is set, so that the interpreter may run it. -EINVAL with the slot in
 * *bad, -ENOMEM.
 */
int code_from_raw(const struct bpf_insn *insns, uint32_t n, struct code **out, uint32_t *bad);
/* Frees the arrays and the struct; the JIT image must be gone. NULL is fine. */
void code_free(struct code *code);

/* Function that contains slot `idx`, source line at slot `idx` (NULL if unknown). */
const struct code_func *code_func_at(const struct code *code, uint32_t idx);
const struct code_line *code_line_at(const struct code *code, uint32_t idx);

#endif
