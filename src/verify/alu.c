/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arithmetic: on numbers, on pointers, and the two address-space casts.
 *
 * An arena pointer is 32 bits in a register whose upper half is zero. Any arithmetic with one
 * gives an arena pointer; emit.c narrows 64-bit operations so that the upper half stays zero.
 */
#include "verify/env.h"

#define LINK_MAX INT32_MAX

static bool is_pointer(const struct reg *r)
{
	return r->type != R_SCALAR && r->type != R_NONE;
}

static const char *op_text(uint8_t op)
{
	static const char *const text[16] = {"+=",   "-=",     "*=",  "/=", "|=", "&=",
					     "<<=",  ">>=",    "neg", "%=", "^=", "=",
					     "s>>=", "endian", "",    ""};
	return text[op >> 4];
}

static int denied(struct env *env, int regno, const char *what)
{
	vlog(env, "R%d %s\n", regno, what);
	return -EACCES;
}

/* -- Pointer arithmetic -------------------------------------------------------- */

static int check_addend(struct env *env, const struct scalar *s, const struct reg *ptr)
{
	char name[64];

	reg_type_name(ptr, name);
	if (scalar_is_const(s) && (s->smin >= MAX_VAR_OFF || s->smin <= -MAX_VAR_OFF)) {
		vlog(env, "math between %s pointer and %lld is not allowed\n", name,
		     (long long)s->smin);
		return -EINVAL;
	}
	if (ptr->off >= MAX_VAR_OFF || ptr->off <= -MAX_VAR_OFF) {
		vlog(env, "%s pointer offset %d is not allowed\n", name, ptr->off);
		return -EINVAL;
	}
	if (s->smin == INT64_MIN) {
		vlog(env,
		     "math between %s pointer and register with unbounded min value is not "
		     "allowed\n",
		     name);
		return -EINVAL;
	}
	if (s->smin >= MAX_VAR_OFF || s->smin <= -MAX_VAR_OFF) {
		vlog(env, "value %lld makes %s pointer be out of bounds\n", (long long)s->smin,
		     name);
		return -EINVAL;
	}
	return 0;
}

static int check_pointer_kind(struct env *env, const struct reg *ptr, int regno,
			      const struct scalar *s, uint8_t op)
{
	char name[64], text[160];

	reg_type_name(ptr, name);
	if (ptr->flags & RF_NULL) {
		snprintf(text, sizeof(text),
			 "pointer arithmetic on %s prohibited, null-check it first", name);
		return denied(env, regno, text);
	}
	if (ptr->type == R_PKT_END || ptr->type == R_ITER || ptr->type == R_IRQ ||
	    (ptr->type == R_MAP_PTR && !(op == BPF_ADD && scalar_is_const(s) && !s->smin))) {
		snprintf(text, sizeof(text), "pointer arithmetic on %s prohibited", name);
		return denied(env, regno, text);
	}
	return 0;
}

/* Moves a packet pointer by something unknown: what was known behind it is not any more. */
static void packet_moved(struct env *env, struct reg *out, const struct scalar *s, bool backwards)
{
	if (out->type != R_PKT && out->type != R_PKT_META)
		return;
	out->id = new_id(env);
	if (!backwards || s->smin < 0)
		out->range = 0;
}

static void move_pointer(struct env *env, struct reg *out, const struct scalar *s, uint8_t op)
{
	int64_t off = scalar_is_const(s) ? s->smin : 0;

	if (op == BPF_SUB)
		off = -off;
	if (scalar_is_const(s) && out->off + off >= INT32_MIN && out->off + off <= INT32_MAX) {
		out->off += (int32_t)off;
		return;
	}
	scalar_alu(&out->s, s, op, false);
	packet_moved(env, out, s, op == BPF_SUB);
}

static int check_pointer_op(struct env *env, const struct bpf_insn *insn, const struct reg *ptr,
			    bool ptr_is_dst)
{
	uint8_t op = BPF_OP(insn->code);
	char text[96];

	if (op == BPF_AND || op == BPF_OR || op == BPF_XOR) {
		snprintf(text, sizeof(text), "bitwise operator %s on pointer prohibited",
			 op_text(op));
		return denied(env, insn->dst_reg, text);
	}
	if (op != BPF_ADD && op != BPF_SUB) {
		snprintf(text, sizeof(text), "pointer arithmetic with %s operator prohibited",
			 op_text(op));
		return denied(env, insn->dst_reg, text);
	}
	if (op == BPF_SUB && !ptr_is_dst)
		return denied(env, insn->dst_reg, "tried to subtract pointer from scalar");
	if (op == BPF_SUB && ptr->type == R_STACK)
		return denied(env, insn->dst_reg, "subtraction from stack pointer prohibited");
	return 0;
}

/* *dst = ptr op s */
static int pointer_alu(struct env *env, const struct bpf_insn *insn, const struct reg *ptr,
		       const struct scalar *s, bool ptr_is_dst)
{
	struct reg out = *ptr;
	uint8_t op = BPF_OP(insn->code);

	if (BPF_CLASS(insn->code) == BPF_ALU && op == BPF_SUB) {
		reg_scalar(&env_regs(env)[insn->dst_reg]);
		scalar_zext32(&env_regs(env)[insn->dst_reg].s);
		return 0;
	}
	if (BPF_CLASS(insn->code) == BPF_ALU)
		return denied(env, insn->dst_reg, "32-bit pointer arithmetic prohibited");
	UA_TRY(check_pointer_kind(env, ptr, insn->dst_reg, s, op));
	UA_TRY(check_addend(env, s, ptr));
	UA_TRY(check_pointer_op(env, insn, ptr, ptr_is_dst));
	move_pointer(env, &out, s, op);
	UA_TRY(check_addend(env, &out.s, &out));
	env_regs(env)[insn->dst_reg] = out;
	return 0;
}

/* -- Numbers --------------------------------------------------------------------- */

void link_forget(struct env *env, struct reg *reg)
{
	reg->id = 0;
	reg->off = 0;
}

/* d += const keeps the link to the numbers d was equal to. */
static void link_after(struct env *env, struct reg *d, const struct bpf_insn *insn,
		       const struct scalar *s)
{
	int64_t v = (int64_t)s->var.value;

	if (insn && d->id && BPF_CLASS(insn->code) == BPF_ALU64 && BPF_OP(insn->code) == BPF_ADD &&
	    scalar_is_const(s) && !(d->id & LINK_DELTA) && v >= -LINK_MAX && v <= LINK_MAX) {
		d->id |= LINK_DELTA;
		d->off = (int32_t)v;
	} else {
		link_forget(env, d);
	}
}

static int arena_alu(struct env *env, const struct bpf_insn *insn)
{
	reg_pointer(&env_regs(env)[insn->dst_reg], R_ARENA, 0);
	if (BPF_CLASS(insn->code) == BPF_ALU64)
		env->aux[env->insn_idx].arena_alu = true;
	return 0;
}

/*
 * The sign of a number, spread by a shift, selects a constant: "x s>>= 63; x &= 8". Neither
 * ranges nor bits can say "0 or -1", so the two are walked one by one.
 */
static int split_mask(struct env *env, const struct bpf_insn *insn, const struct scalar *mask)
{
	struct reg *d = &env_regs(env)[insn->dst_reg];
	uint8_t op = BPF_OP(insn->code);
	bool wide = d->s.smin == -1 && d->s.smax == 0;
	struct vstate *zero;

	if ((op != BPF_AND && op != BPF_OR) || !scalar_is_const(mask) ||
	    !(wide || (d->s.smin32 == -1 && d->s.smax32 == 0)))
		return 0;
	zero = walk_push(env, env->insn_idx);
	UA_FAIL_IF(!zero, env->push_err);
	scalar_pick(&cur_frame(zero)->regs[insn->dst_reg].s, 0, !wide);
	scalar_pick(&d->s, UINT64_MAX, !wide);
	return 0;
}

static int binary(struct env *env, const struct bpf_insn *insn)
{
	struct reg *regs = env_regs(env), *d = &regs[insn->dst_reg];
	bool is_x = BPF_SRC(insn->code) == BPF_X;
	struct reg src;

	if (is_x)
		src = regs[insn->src_reg];
	else
		reg_const(&src, (uint64_t)(int64_t)insn->imm);
	if (d->type == R_ARENA || src.type == R_ARENA)
		return arena_alu(env, insn);
	env->aux[env->insn_idx].scalar_alu = true;
	if (is_pointer(d) && is_pointer(&src)) {
		char text[64];

		if (BPF_OP(insn->code) == BPF_SUB) {
			reg_scalar(d);
			return 0;
		}
		snprintf(text, sizeof(text), "pointer %s pointer prohibited",
			 op_text(BPF_OP(insn->code)));
		return denied(env, insn->dst_reg, text);
	}
	if (is_pointer(d)) {
		if (is_x)
			flow_need_reg(env, insn->src_reg);
		return pointer_alu(env, insn, d, &src.s, true);
	}
	if (is_pointer(&src)) {
		struct scalar s = d->s;

		flow_need_reg(env, insn->dst_reg);
		return pointer_alu(env, insn, &src, &s, false);
	}
	UA_TRY(split_mask(env, insn, &src.s));
	scalar_alu(&d->s, &src.s, BPF_OP(insn->code), BPF_CLASS(insn->code) == BPF_ALU);
	link_after(env, d, insn, &src.s);
	return 0;
}

/* -- Moves ------------------------------------------------------------------------- */

/* Both sides of a copy get the same id, so that what is learnt of one holds for the other. */
static void link_before_copy(struct env *env, struct reg *src)
{
	if (src->type != R_SCALAR || scalar_is_const(&src->s))
		return;
	if (src->id & LINK_DELTA)
		link_forget(env, src);
	if (!src->id)
		src->id = new_id(env);
}

static int cast(struct env *env, const struct bpf_insn *insn)
{
	struct reg *d = &env_regs(env)[insn->dst_reg];

	if (!env->arena) {
		vlog(env,
		     "addr_space_cast insn can only be used in a program that has an associated "
		     "arena\n");
		return -EINVAL;
	}
	if (insn->imm == BPF_CAST_KERN)
		reg_pointer(d, R_ARENA, 0);
	else
		reg_scalar(d);
	return 0;
}

static void move32(struct env *env, struct reg *d, struct reg *src)
{
	bool narrow = src->s.umax <= UINT32_MAX;

	if (src->type != R_SCALAR) {
		reg_scalar(d);
	} else {
		if (narrow)
			link_before_copy(env, src);
		*d = *src;
		if (!narrow)
			link_forget(env, d);
	}
	scalar_zext32(&d->s);
}

static void move_sext(struct env *env, const struct bpf_insn *insn, struct reg *d, struct reg *src)
{
	bool is32 = BPF_CLASS(insn->code) == BPF_ALU;
	bool same = src->s.umax < 1ull << (insn->off - 1);

	if (src->type != R_SCALAR) {
		reg_scalar(d);
		if (is32)
			scalar_zext32(&d->s);
		return;
	}
	if (same)
		link_before_copy(env, src);
	*d = *src;
	if (!same)
		link_forget(env, d);
	scalar_sext(&d->s, insn->off, is32);
}

static int move(struct env *env, const struct bpf_insn *insn)
{
	struct reg *d = &env_regs(env)[insn->dst_reg], *src = &env_regs(env)[insn->src_reg];
	bool wide = BPF_CLASS(insn->code) == BPF_ALU64;

	if (BPF_SRC(insn->code) == BPF_K) {
		reg_const(d, wide ? (uint64_t)(int64_t)insn->imm : (uint32_t)insn->imm);
		return 0;
	}
	if (wide && insn->off == BPF_ADDR_SPACE_CAST)
		return cast(env, insn);
	if (insn->off) {
		move_sext(env, insn, d, src);
	} else if (wide) {
		link_before_copy(env, src);
		*d = *src;
	} else {
		move32(env, d, src);
	}
	return 0;
}

/* The host is little-endian: a conversion to that order only cuts off. */
static void endian(struct env *env, const struct bpf_insn *insn, struct reg *d)
{
	bool cuts = BPF_CLASS(insn->code) == BPF_ALU && BPF_SRC(insn->code) == BPF_TO_LE;

	if (cuts && insn->imm == 64)
		return;
	if (cuts)
		scalar_trunc(&d->s, insn->imm / 8);
	else
		scalar_bswap(&d->s, insn->imm);
	link_forget(env, d);
}

static int unary(struct env *env, const struct bpf_insn *insn)
{
	struct reg *d = &env_regs(env)[insn->dst_reg];
	bool wide = BPF_CLASS(insn->code) == BPF_ALU64, neg = BPF_OP(insn->code) == BPF_NEG;

	if (d->type != R_SCALAR) {
		reg_scalar(d);
	} else if (!neg) {
		endian(env, insn, d);
		return 0;
	} else {
		scalar_neg(&d->s, !wide);
	}
	if (neg && !wide)
		scalar_zext32(&d->s);
	link_forget(env, d);
	return 0;
}

int alu_step(struct env *env, const struct bpf_insn *insn)
{
	uint8_t op = BPF_OP(insn->code);

	if (BPF_SRC(insn->code) == BPF_X && op != BPF_END)
		UA_TRY(check_reg_read(env, insn->src_reg));
	if (op != BPF_MOV)
		UA_TRY(check_reg_read(env, insn->dst_reg));
	UA_TRY(check_reg_write(env, insn->dst_reg));
	if (op == BPF_MOV)
		return move(env, insn);
	if (op == BPF_NEG || op == BPF_END)
		return unary(env, insn);
	return binary(env, insn);
}
