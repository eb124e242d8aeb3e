/* SPDX-License-Identifier: BSD-2-Clause */
/* The decoder: instruction -> operation, from the one list in opcodes.h; lookups in a code. */
#include "abi/code.h"
#include "base/base.h"

const struct op_info op_info[OP_COUNT] = {
#define X(id, kind, code, pick, text) [OP_##id] = {#id, text, K_##kind, (uint8_t)(code), (pick)},
	UA_OPCODES(X)
#undef X
};

/* Operations that share a code byte, as a chain: first[code], then next[op]. OP_INVALID ends. */
static uint16_t first_op[256], next_op[OP_COUNT];

__attribute__((constructor)) static void chains_build(void)
{
	for (int i = 0; i < 256; i++)
		first_op[i] = OP_INVALID;
	for (int i = OP_COUNT - 1; i >= 0; i--) {
		next_op[i] = first_op[op_info[i].code];
		first_op[op_info[i].code] = (uint16_t)i;
	}
}

static bool picked(const struct op_info *info, const struct bpf_insn *insn)
{
	int32_t value = (int32_t)(info->pick & 0xffffff);

	switch (info->pick >> 24) {
	case PICK_FIELD_SRC:
		return insn->src_reg == value;
	case PICK_FIELD_OFF:
		return insn->off == value;
	case PICK_FIELD_IMM:
		return insn->imm == value;
	default:
		return true;
	}
}

enum opcode opcode_of(const struct bpf_insn *insn)
{
	uint16_t op = first_op[insn->code];

	while (op != OP_INVALID && !picked(&op_info[op], insn))
		op = next_op[op];
	return op;
}

/* ---- Instructions -> ops ---- */

/* The absolute slot that `rel`, counted from the slot behind `idx`, stands for. */
static int slot_of(uint32_t n, uint32_t idx, int32_t rel, int64_t *slot)
{
	*slot = (int64_t)idx + 1 + rel;
	return *slot < 0 || *slot >= n ? -EINVAL : 0;
}

static int decode_ldimm64(const struct bpf_insn *insn, uint32_t n, uint32_t idx, struct op *op)
{
	if (idx + 1 >= n || insn[1].code != 0)
		return -EINVAL;
	op[1] = (struct op){.op = OP_PAD};
	if (insn->src_reg == BPF_PSEUDO_FUNC)
		return slot_of(n, idx, insn->imm, &op->imm);
	op->imm = (int64_t)((uint64_t)(uint32_t)insn[1].imm << 32 | (uint32_t)insn->imm);
	return 0;
}

static int decode_one(const struct bpf_insn *insn, uint32_t n, uint32_t idx, struct op *op)
{
	enum opcode id = opcode_of(insn);

	if (id == OP_INVALID || insn->dst_reg > BPF_REG_10)
		return -EINVAL;
	*op = (struct op){.op = id,
			  .dst = insn->dst_reg,
			  .src = insn->src_reg,
			  .off = insn->off,
			  .imm = insn->imm};
	switch (op_info[id].kind) {
	case K_LDIMM64:
		return decode_ldimm64(insn, n, idx, op);
	case K_JA:
		return slot_of(n, idx, id == OP_JA32 ? insn->imm : insn->off, &op->imm);
	case K_MAY_GOTO:
		return slot_of(n, idx, insn->off, &op->imm);
	case K_JCOND_K:
	case K_JCOND_X:
		/* The immediate moves to off: imm is taken by the target. */
		op->off = insn->imm;
		if (insn->src_reg > BPF_REG_10)
			return -EINVAL;
		return slot_of(n, idx, insn->off, &op->imm);
	case K_CALL:
		return id == OP_CALL_LOCAL ? slot_of(n, idx, insn->imm, &op->imm) : 0;
	default:
		return insn->src_reg > BPF_REG_10 ? -EINVAL : 0;
	}
}

static bool names_func(const struct op *op)
{
	return op->op == OP_CALL_LOCAL || (op->op == OP_LDIMM64 && op->src == BPF_PSEUDO_FUNC);
}

static bool names_slot(const struct op *op)
{
	if (op->op == OP_PAD)
		return false;
	switch (op_info[op->op].kind) {
	case K_JA:
	case K_MAY_GOTO:
	case K_JCOND_K:
	case K_JCOND_X:
		return true;
	default:
		return names_func(op);
	}
}

static bool ends_flow(uint16_t op)
{
	return op == OP_EXIT || op == OP_JA || op == OP_JA32;
}

int code_decode(const struct bpf_insn *insns, uint32_t n, struct op *ops, uint32_t *bad)
{
	*bad = 0;
	UA_FAIL_IF(n == 0, -EINVAL);
	for (uint32_t i = 0; i < n; i += ops[i].op == OP_LDIMM64 ? 2 : 1) {
		*bad = i;
		UA_TRY(decode_one(&insns[i], n, i, &ops[i]));
	}
	for (uint32_t i = 0; i < n; i++) {
		*bad = i;
		UA_FAIL_IF(names_slot(&ops[i]) && ops[ops[i].imm].op == OP_PAD, -EINVAL);
	}
	UA_FAIL_IF(!ends_flow(ops[n - 1].op), -EINVAL);
	return 0;
}

/* ---- Lookups ---- */

/* Index of the last function that starts at or before `idx`, or -1. */
static int64_t func_index(const struct code *code, uint32_t idx)
{
	uint32_t lo = 0, hi = code->n_funcs;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (code->funcs[mid].start <= idx)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (int64_t)lo - 1;
}

int code_link(struct code *code, uint32_t *bad)
{
	for (uint32_t i = 0; i < code->n_ops; i++) {
		struct op *op = &code->ops[i];
		int64_t f;

		if (!names_func(op))
			continue;
		f = func_index(code, (uint32_t)op->imm);
		*bad = i;
		UA_FAIL_IF(f < 0 || code->funcs[f].start != op->imm, -EINVAL);
		op->imm = f;
	}
	return 0;
}

/* ---- Codes without a verifier ---- */

/* Fills code->funcs from the marks of the slots where functions begin. */
static int funcs_from_marks(struct code *code, const uint8_t *marks)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < code->n_ops; i++)
		n += marks[i];
	code->funcs = mem_calloc(n, sizeof(*code->funcs));
	UA_FAIL_IF(!code->funcs, -ENOMEM);
	for (uint32_t i = 0; i < code->n_ops; i++) {
		struct code_func *f = &code->funcs[code->n_funcs];

		if (!marks[i])
			continue;
		if (code->n_funcs)
			f[-1].end = i;
		*f = (struct code_func){.start = i, .end = code->n_ops, .code = code};
		/* Nothing is known of it, so everything is assumed. */
		f->stack_depth = MAX_BPF_STACK;
		f->uses_may_goto = f->uses_arena = f->is_callback = f->has_tail_call = true;
		snprintf(f->name, sizeof(f->name), code->n_funcs ? "func%u" : "main", i);
		code->n_funcs++;
	}
	return 0;
}

static int code_fill_raw(struct code *code, const struct bpf_insn *insns, uint32_t *bad)
{
	uint8_t *marks;
	int err;

	UA_FAIL_IF(!code->insns || !code->ops, -ENOMEM);
	UA_TRY(code_decode(insns, code->n_ops, code->ops, bad));
	marks = mem_zalloc(code->n_ops);
	UA_FAIL_IF(!marks, -ENOMEM);
	marks[0] = 1;
	for (uint32_t i = 0; i < code->n_ops; i++) {
		if (names_func(&code->ops[i]))
			marks[code->ops[i].imm] = 1;
	}
	err = funcs_from_marks(code, marks);
	mem_free(marks);
	return err ? err : code_link(code, bad);
}

int code_from_raw(const struct bpf_insn *insns, uint32_t n, struct code **out, uint32_t *bad)
{
	struct code *code = mem_zalloc(sizeof(*code));
	int err;

	UA_FAIL_IF(!code, -ENOMEM);
	code->insns = mem_dup(insns, n * sizeof(*insns));
	code->ops = mem_calloc(n, sizeof(*code->ops));
	code->n_ops = n;
	code->checked = true;
	*bad = 0;
	err = n ? code_fill_raw(code, insns, bad) : -EINVAL;
	if (err)
		code_free(code);
	else
		*out = code;
	return err;
}

const struct code_func *code_func_at(const struct code *code, uint32_t idx)
{
	int64_t f = func_index(code, idx);

	return f >= 0 && idx < code->funcs[f].end ? &code->funcs[f] : NULL;
}

const struct code_line *code_line_at(const struct code *code, uint32_t idx)
{
	uint32_t lo = 0, hi = code->n_lines;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (code->lines[mid].idx <= idx)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? &code->lines[lo - 1] : NULL;
}

void code_free(struct code *code)
{
	if (!code)
		return;
	ua_assert(!code->jit);
	mem_free(code->insns);
	mem_free(code->ops);
	mem_free(code->funcs);
	mem_free(code->kcalls);
	mem_free(code->lines);
	mem_free(code);
}
