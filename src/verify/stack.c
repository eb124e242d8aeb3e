/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stack: spilled registers, bytes, and objects the engine keeps there.
 *
 * An aligned store of a whole number, or of a pointer, keeps what is known of it; everything
 * else leaves bytes that are zero or of unknown value. Reading bytes never written is allowed
 * and gives an unknown number.
 */
#include "verify/env.h"

static int denied(struct env *env, const struct reg *r, int regno, int off, int64_t size,
		  const char *verb)
{
	char buf[64];

	if (scalar_is_const(&r->s)) {
		vlog(env, "invalid %s stack R%d off=%lld size=%lld\n", verb, regno,
		     (long long)((int64_t)r->off + off + (int64_t)r->s.var.value), (long long)size);
	} else {
		tnum_print(buf, sizeof(buf), r->s.var);
		vlog(env, "invalid variable-offset %s stack R%d var_off=%s off=%d size=%lld\n",
		     verb, regno, buf, r->off + off, (long long)size);
	}
	return -EACCES;
}

/* Bytes [*lo, *hi) relative to the frame pointer that the access may touch. */
static int check_bounds(struct env *env, int regno, int off, int64_t size, enum access acc,
			int64_t *lo, int64_t *hi)
{
	const struct reg *r = &env_regs(env)[regno];
	const char *verb = acc == ACC_READ ? "read from" : "write to";
	struct func *func = &env->funcs[env->st.frames[r->frame]->func];

	if (!scalar_is_const(&r->s) && (r->s.smax >= MAX_VAR_OFF || r->s.smin <= -MAX_VAR_OFF)) {
		vlog(env, "invalid unbounded variable-offset %s stack R%d\n", verb, regno);
		return -EACCES;
	}
	*lo = (int64_t)r->off + off + r->s.smin;
	*hi = (int64_t)r->off + off + r->s.smax + size;
	if (*lo < -MAX_BPF_STACK || *lo >= 0)
		return denied(env, r, regno, off, size, verb);
	if (*hi > 0 || size < 0) {
		denied(env, r, regno, off, size, verb);
		return -EINVAL;
	}
	if ((uint64_t)-*lo > func->stack_depth)
		func->stack_depth = (uint32_t)(-*lo + 7) / 8 * 8;
	return frame_grow(env->st.frames[r->frame], (uint32_t)(-*lo + 7) / 8);
}

static uint32_t slot_at(int64_t off)
{
	return (uint32_t)((-off - 1) / 8);
}

static uint32_t byte_at(int64_t off)
{
	return (uint32_t)(off & 7);
}

/* Slots that [lo, hi) touches, as a set. */
static uint64_t slots_in(int64_t lo, int64_t hi)
{
	uint64_t set = 0;

	for (uint32_t i = slot_at(hi - 1); i <= slot_at(lo); i++)
		set |= 1ull << i;
	return set;
}

/* The slot stops being a spilled register; its bytes stay readable. */
static void slot_unspill(struct slot *slot)
{
	bool was_reg = slot->kind[0] >= SLOT_SPILL;

	for (int b = 0; b < 8; b++)
		if (slot->kind[b] == SLOT_SPILL)
			slot->kind[b] = SLOT_MISC;
		else if (slot->kind[b] > SLOT_SPILL)
			slot->kind[b] = SLOT_INVALID;
	if (was_reg)
		memset(&slot->reg, 0, sizeof(slot->reg));
}

static void write_bytes(struct env *env, struct frame *f, uint32_t frame, int64_t lo, int64_t hi,
			uint8_t kind)
{
	for (int64_t at = lo; at < hi; at++) {
		struct slot *slot = &f->slots[slot_at(at)];

		slot_unspill(slot);
		slot->kind[byte_at(at)] = kind;
		touch_slot(env, frame, slot_at(at));
	}
}

/* -- Stores -------------------------------------------------------------------------- */

static void spill(struct env *env, struct slot *slot, struct reg *reg, int size)
{
	slot_unspill(slot);
	slot->reg = *reg;
	if (size < 8 && reg->type == R_SCALAR) {
		if (size < 8 && reg->s.umax >> (8 * size))
			link_forget(env, &slot->reg);
		scalar_trunc(&slot->reg.s, size);
	}
	for (int b = 0; b < size; b++)
		slot->kind[b] = SLOT_SPILL;
}

static bool is_zero(const struct reg *r)
{
	uint64_t v;

	return reg_is_const(r, &v) && !v;
}

static int check_pointer_spill(struct env *env, const struct reg *value, uint32_t frame, int64_t lo,
			       int size)
{
	if (value->type == R_SCALAR)
		return 0;
	if (size != 8 || byte_at(lo)) {
		vlog(env, "invalid size of register spill\n");
		return -EACCES;
	}
	if (frame != env->st.depth && value->type == R_STACK) {
		vlog(env, "cannot spill pointers to stack into stack frame of the caller\n");
		return -EINVAL;
	}
	return 0;
}

static void link_for_spill(struct env *env, struct reg *value, int size)
{
	if (value->type != R_SCALAR || scalar_is_const(&value->s) ||
	    (size < 8 && value->s.umax >> (8 * size)))
		return;
	if (!value->id)
		value->id = new_id(env);
}

static int store_fixed(struct env *env, uint32_t frame, int64_t lo, int size, struct reg *value)
{
	struct frame *f = env->st.frames[frame];
	struct slot *slot = &f->slots[slot_at(lo)];

	UA_TRY(check_pointer_spill(env, value, frame, lo, size));
	if (!byte_at(lo)) {
		link_for_spill(env, value, size);
		spill(env, slot, value, size);
		touch_slot(env, frame, slot_at(lo));
	} else {
		write_bytes(env, f, frame, lo, lo + size, is_zero(value) ? SLOT_ZERO : SLOT_MISC);
	}
	return 0;
}

/* Somewhere in [lo, hi): a byte may be old or new. */
static void store_variable(struct env *env, uint32_t frame, int64_t lo, int64_t hi,
			   const struct reg *value)
{
	struct frame *f = env->st.frames[frame];

	for (int64_t at = lo; at < hi; at++) {
		struct slot *slot = &f->slots[slot_at(at)];
		uint8_t old = slot->kind[byte_at(at)];

		slot_unspill(slot);
		slot->kind[byte_at(at)] =
			old == SLOT_ZERO && is_zero(value) ? SLOT_ZERO : SLOT_MISC;
		touch_slot(env, frame, slot_at(at));
	}
}

int stack_write(struct env *env, int regno, int off, int size, int src, const struct bpf_insn *insn)
{
	const struct reg *r = &env_regs(env)[regno];
	uint32_t frame = r->frame;
	struct reg imm, *value = &imm;
	int64_t lo, hi;

	UA_TRY(check_bounds(env, regno, off, size, ACC_WRITE, &lo, &hi));
	if (src >= 0)
		value = &env_regs(env)[src];
	else if (BPF_CLASS(insn->code) == BPF_ST)
		reg_const(&imm, (uint64_t)(int64_t)insn->imm);
	else
		reg_scalar(&imm); /* read-modify-write */
	if (src >= 0)
		flow_spill(env, src, frame, slots_in(lo, hi));
	if (scalar_is_const(&r->s) && value == &imm && BPF_CLASS(insn->code) != BPF_ST) {
		write_bytes(env, env->st.frames[frame], frame, lo, hi, SLOT_MISC);
		return 0;
	}
	if (scalar_is_const(&r->s))
		return store_fixed(env, frame, lo, size, value);
	if (value->type != R_SCALAR)
		UA_TRY(check_pointer_spill(env, value, frame, 0, size));
	store_variable(env, frame, lo, hi, value);
	return 0;
}

/* -- Loads ----------------------------------------------------------------------------- */

static int read_denied(struct env *env, int64_t lo, int size)
{
	vlog(env, "invalid read from stack off %lld+0 size %d\n", (long long)lo, size);
	return -EACCES;
}

/* What `size` bytes at `lo` read as, if they are not a spilled register. */
static int load_bytes(struct env *env, const struct frame *f, int64_t lo, int64_t hi,
		      struct reg *out)
{
	bool zero = true;

	for (int64_t at = lo; at < hi; at++) {
		uint8_t kind = f->slots[slot_at(at)].kind[byte_at(at)];

		if (kind > SLOT_SPILL)
			return read_denied(env, lo, (int)(hi - lo));
		zero &= kind == SLOT_ZERO ||
			(kind == SLOT_SPILL && is_zero(&f->slots[slot_at(at)].reg));
	}
	if (zero)
		reg_const(out, 0);
	else
		reg_scalar(out);
	return 0;
}

static int load_spill(struct env *env, const struct slot *slot, int64_t lo, int size,
		      struct reg *out)
{
	int spilled = spilled_bytes(slot->kind);

	if (slot->reg.type != R_SCALAR) {
		if (size != 8 || byte_at(lo)) {
			vlog(env, "invalid size of register fill\n");
			return -EACCES;
		}
		*out = slot->reg;
		return 0;
	}
	if (byte_at(lo) || size > spilled)
		return 1;
	*out = slot->reg;
	if (size < 8 && out->s.umax >> (8 * size))
		link_forget(env, out);
	return 0;
}

int stack_read(struct env *env, int regno, int off, int size, int dst, bool sext)
{
	const struct reg *r = &env_regs(env)[regno];
	uint32_t frame = r->frame;
	struct frame *f = env->st.frames[frame];
	struct reg out;
	int64_t lo, hi;
	int kept = 1;

	UA_TRY(check_bounds(env, regno, off, size, ACC_READ, &lo, &hi));
	flow_read_slots(env, frame, slots_in(lo, hi));
	touch_slot(env, frame, slot_at(lo));
	if (scalar_is_const(&r->s) && slot_is_spill(&f->slots[slot_at(lo)]))
		UA_TRY(kept = load_spill(env, &f->slots[slot_at(lo)], lo, size, &out));
	if (kept)
		UA_TRY(load_bytes(env, f, lo, hi, &out));
	if (dst < 0)
		return 0;
	flow_fill(env, dst, frame, slots_in(lo, hi));
	if (out.type == R_SCALAR && size < 8) {
		if (sext && out.id && out.s.umax >> (8 * size - 1))
			link_forget(env, &out);
		if (sext)
			scalar_sext(&out.s, size * 8, false);
		else
			scalar_trunc(&out.s, size);
	}
	env_regs(env)[dst] = out;
	touch_reg(env, dst);
	return 0;
}

/* -- Arguments of calls -------------------------------------------------------------------- */

int stack_arg(struct env *env, int regno, int off, uint64_t size, bool zero_ok, enum access acc,
	      bool raw)
{
	const struct reg *r = &env_regs(env)[regno];
	uint32_t frame = r->frame;
	struct frame *f;
	int64_t lo, hi;

	if (!size && !zero_ok) {
		vlog(env, "invalid zero-sized read\n");
		return -EACCES;
	}
	if (size > INT32_MAX)
		return denied(env, r, regno, off, INT32_MAX,
			      acc == ACC_READ ? "read from" : "write to");
	UA_TRY(check_bounds(env, regno, off, (int64_t)size, acc, &lo, &hi));
	f = env->st.frames[frame];
	if (lo == hi)
		return 0;
	for (int64_t at = lo; at < hi; at++)
		if (f->slots[slot_at(at)].kind[byte_at(at)] > SLOT_SPILL) {
			vlog(env, "invalid %s stack R%d off %lld+%lld size %llu\n",
			     acc == ACC_READ ? "read from" : "write to", regno, (long long)lo,
			     (long long)(at - lo), (unsigned long long)size);
			return -EACCES;
		}
	if (!raw)
		flow_read_slots(env, frame, slots_in(lo, hi));
	if (acc == ACC_WRITE)
		write_bytes(env, f, frame, lo, hi, SLOT_MISC);
	return 0;
}
