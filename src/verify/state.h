/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The abstract machine: what the walk knows of registers, stack and held resources.
 *
 * A path carries one struct vstate. Registers and spilled registers are struct reg; a stack
 * slot is eight bytes that each have a kind, and a spilled register if all of it was stored.
 * Slot i covers [fp - 8 * (i + 1), fp - 8 * i).
 */
#ifndef UA_VERIFY_STATE_H
#define UA_VERIFY_STATE_H

#include "abi/insn.h"
#include "verify/scalar.h"

struct map;
struct cached;
struct inst;

enum rtype {
	R_NONE, /* never written, or no longer readable */
	R_SCALAR,
	R_CTX,
	R_MAP_PTR, /* the map itself */
	R_MAP_VALUE,
	R_MAP_KEY, /* in a for_each callback */
	R_STACK,
	R_PKT_META,
	R_PKT,
	R_PKT_END,
	R_MEM,	/* `size` bytes */
	R_BUF,	/* of an iterator; bounds are checked when the program attaches */
	R_BTF,	/* object of a kernel type */
	R_FUNC, /* callback */
	R_ARENA,
	R_ITER, /* stack slots only: an iterator object */
	R_IRQ,	/* stack slots only: saved interrupt state */
};

enum rflag {
	RF_NULL = 1 << 0, /* or NULL */
	RF_RDONLY = 1 << 1,
	RF_UNTRUSTED = 1 << 2, /* may be anything: loads are probed */
	RF_TRUSTED = 1 << 3,
	RF_RCU = 1 << 4,	 /* valid until rcu_read_unlock */
	RF_RINGBUF = 1 << 5,	 /* reserved ring-buffer record */
	RF_FIXED_FIRST = 1 << 6, /* iterator: first slot of the object */
	RF_PERCPU = 1 << 7,	 /* R_BTF: a variable each CPU has; helpers tell where */
};

/* Scalars related by "a = b + delta" share an id; LINK_DELTA marks those with a delta. */
#define LINK_DELTA (1u << 31)

enum iter_state { ITER_ACTIVE = 1, ITER_DRAINED = 2 };

struct reg {
	uint8_t type;  /* enum rtype */
	uint8_t flags; /* enum rflag */
	uint8_t frame; /* R_STACK: whose */
	uint8_t iter;  /* R_ITER: enum iter_state */
	int32_t off;   /* pointers: fixed part; scalars: delta to the linked base */
	uint32_t
		id; /* scalars: link; pointers: which of those that share a null check or a range */
	uint32_t ref; /* held reference it stems from, 0 if none */
	union {
		struct map *map; /* R_MAP_* */
		uint32_t size;	 /* R_MEM */
		uint32_t btf_id; /* R_BTF, R_ITER: type in the engine's BTF */
		uint32_t func;	 /* R_FUNC */
		uint32_t range;	 /* R_PKT*: bytes behind the pointer known to be there */
		uint64_t any;
	};
	uint32_t map_uid; /* R_MAP_VALUE with locks: which lookup gave it, else 0 */
	union {
		uint32_t iter_depth;
		uint32_t inner; /* R_MAP_*: which lookup gave the map, 0: it has a descriptor */
	};
	struct scalar s; /* value, or variable part of the offset */
};

enum slot_kind { SLOT_INVALID, SLOT_MISC, SLOT_ZERO, SLOT_SPILL, SLOT_ITER, SLOT_IRQ };

struct slot {
	uint8_t kind[8]; /* kind[0] is the byte at the lowest address */
	struct reg reg;	 /* valid if kind[0] is SPILL, ITER or IRQ */
};

#define MAX_SLOTS (MAX_BPF_STACK / 8)

struct frame {
	struct reg regs[MAX_BPF_REG];
	struct slot *slots;
	uint16_t n_slots, cap_slots;
	uint32_t func;	   /* index of the function */
	uint32_t callsite; /* slot of the call in the caller */
	struct inst *inst; /* flow.c: the function as called by this chain */
	bool is_callback;  /* called by a host function */
	bool is_async;	   /* ... later, from nowhere */
	uint32_t callback_depth;
	uint32_t
		set_at[MAX_BPF_REG]; /* instruction that wrote each register last, plus 1; 0 none */
	uint32_t n_refs;	     /* held when it was entered */
	int32_t ret_min, ret_max;    /* what a callback may return; min > max: anything */
};

enum ref_kind { REF_PTR, REF_LOCK, REF_RES_LOCK, REF_RES_LOCK_IRQ, REF_IRQ };

struct ref {
	uint8_t kind;
	uint32_t id;
	uint32_t insn;
	/* Locks: where. Values of one map are told apart by the lookup that found them. */
	uint32_t uid;
	int32_t off;
	const struct map *map;
};

struct vstate {
	struct frame *frames[MAX_CALL_FRAMES];
	uint32_t depth; /* index of the innermost frame */
	struct ref *refs;
	uint32_t n_refs, cap_refs;
	uint32_t n_locks;      /* refs that are locks */
	uint32_t rcu, preempt; /* nesting */
	uint32_t irq_id;       /* innermost saved interrupt state, 0 if none */
	uint32_t may_goto_depth;
	uint32_t insn; /* where the path continues */
	bool in_sleepable;
	struct cached *parent; /* last checkpoint on this path */
};

static inline struct frame *cur_frame(struct vstate *st)
{
	return st->frames[st->depth];
}

static inline bool slot_is_spill(const struct slot *slot)
{
	return slot->kind[0] == SLOT_SPILL;
}

/* How much of a slot's register was stored there. */
static inline int spilled_bytes(const uint8_t kind[8])
{
	int n = 0;

	while (n < 8 && kind[n] == SLOT_SPILL)
		n++;
	return n;
}

/* ---- state.c ---- */

void reg_scalar(struct reg *r);
void reg_const(struct reg *r, uint64_t v);
void reg_pointer(struct reg *r, enum rtype type, uint8_t flags);
bool reg_is_const(const struct reg *r, uint64_t *v);
struct frame *frame_new(void);
void frame_free(struct frame *f);
int frame_grow(struct frame *f, uint32_t n_slots);
int vstate_copy(struct vstate *to, const struct vstate *from);
void vstate_clear(struct vstate *st);
size_t vstate_size(const struct vstate *st); /* of what it points to */
/* Calls fn on every register of the state, spilled ones included. */
void vstate_each_reg(struct vstate *st, void (*fn)(struct reg *r, void *arg), void *arg);

#endif
