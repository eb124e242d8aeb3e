/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The executable form: struct code out of the checked instructions.
 *
 * Everything the engines need is copied out of the environment here; after this nothing refers
 * to the verifier's own structures any more.
 */
#include <bpf/btf.h>
#include "abi/skb.h"
#include "arena/arena.h"
#include "map/map.h"
#include "verify/env.h"

/* -- Instructions ----------------------------------------------------------- */

static void write_imm64(struct bpf_insn *insn, uint64_t value)
{
	insn[0].src_reg = 0;
	insn[0].imm = (int32_t)value;
	insn[1].imm = (int32_t)(value >> 32);
}

static int kcall_index(struct env *env, struct code *code, const struct insn_aux *aux)
{
	bool sleepable = env->sleepable && !aux->nosleep;
	struct code_kcall kcall = {0};

	kfunc_fill_kcall(env->in->kfuncs, aux->kfunc, sleepable, &kcall);
	for (uint32_t i = 0; i < code->n_kcalls; i++)
		if (code->kcalls[i].name == kcall.name && code->kcalls[i].fn == kcall.fn)
			return (int)i;
	UA_TRY(UA_GROW(&code->kcalls, &env->cap_kcalls, code->n_kcalls + 1));
	code->kcalls[code->n_kcalls] = kcall;
	return (int)code->n_kcalls++;
}

/* A call of nothing: only code that was never reached can hold one; it ends the program. */
static void write_trap(struct bpf_insn *insn)
{
	*insn = (struct bpf_insn){.code = BPF_JMP | BPF_EXIT};
}

static bool helper_known(const struct env *env, int32_t id)
{
	const struct verify_in *in = env->in;

	return id >= 0 && (uint32_t)id < in->n_helper_fns && in->helper_fns[id];
}

static int rewrite_call(struct env *env, struct code *code, uint32_t i)
{
	struct bpf_insn *insn = &env->insns[i];
	int idx;

	if (insn->src_reg == BPF_PSEUDO_CALL)
		return 0;
	if (insn->src_reg == BPF_PSEUDO_KFUNC_CALL && env->aux[i].kfunc) {
		UA_TRY(idx = kcall_index(env, code, &env->aux[i]));
		insn->imm = idx;
		insn->off = 0;
	} else if (insn->src_reg || !helper_known(env, insn->imm)) {
		write_trap(insn);
	}
	return 0;
}

static void set_mode(struct bpf_insn *insn, uint8_t mode)
{
	insn->code = (uint8_t)((insn->code & ~0xe0u) | mode);
}

static void rewrite_mem(struct bpf_insn *insn, const struct insn_aux *aux)
{
	bool sext = BPF_MODE(insn->code) == BPF_MEMSX;

	if (aux->mem_type == R_ARENA) {
		if (BPF_MODE(insn->code) == BPF_ATOMIC)
			set_mode(insn, BPF_PROBE_ATOMIC);
		else
			set_mode(insn, sext ? BPF_PROBE_MEM32SX : BPF_PROBE_MEM32);
	} else if (aux->probe && BPF_CLASS(insn->code) == BPF_LDX) {
		set_mode(insn, sext ? BPF_PROBE_MEMSX : BPF_PROBE_MEM);
	} else if (aux->ctx_pointer) {
		insn->off = (int16_t)skb_ctx_pointer((uint32_t)insn->off);
		insn->code = BPF_LDX | BPF_MEM | BPF_DW;
	}
}

/*
 * Arithmetic on arena pointers has 32-bit results. An instruction that other paths reach with
 * plain numbers stays as it is: accesses look at the low half only.
 */
static void rewrite_alu(struct bpf_insn *insn, const struct insn_aux *aux)
{
	if (aux->arena_alu && !aux->scalar_alu)
		insn->code = (uint8_t)((insn->code & ~7u) | BPF_ALU);
}

/* A jump that always goes one way; falling through becomes a jump to the next slot. */
static void rewrite_jump(struct bpf_insn *insn, const struct insn_aux *aux)
{
	if (aux->taken != 1 && aux->taken != 2)
		return;
	*insn = (struct bpf_insn){.code = BPF_JMP | BPF_JA, .off = aux->taken == 2 ? insn->off : 0};
}

static void rewrite_ldimm64(struct env *env, uint32_t i)
{
	const struct insn_aux *aux = &env->aux[i];

	if (aux->ld_kind != LD_FUNC)
		write_imm64(&env->insns[i], aux->ld_value);
	else if (!env->unproved && !env->aux[env->funcs[aux->ld_value].start].seen)
		write_imm64(&env->insns[i], 0); /* nothing ever calls it */
}

static int rewrite(struct env *env, struct code *code)
{
	for (uint32_t i = 0; i < env->n; i++) {
		struct bpf_insn *insn = &env->insns[i];

		if (env->aux[i].pad)
			continue;
		if (insn_is_ldimm64(insn))
			rewrite_ldimm64(env, i);
		else if (insn->code == (BPF_JMP | BPF_CALL))
			UA_TRY(rewrite_call(env, code, i));
		else if (BPF_CLASS(insn->code) == BPF_JMP || BPF_CLASS(insn->code) == BPF_JMP32)
			rewrite_jump(insn, &env->aux[i]);
		else if (BPF_CLASS(insn->code) == BPF_ALU64)
			rewrite_alu(insn, &env->aux[i]);
		else if (BPF_CLASS(insn->code) != BPF_ALU && BPF_CLASS(insn->code) != BPF_LD)
			rewrite_mem(insn, &env->aux[i]);
	}
	return 0;
}

/* -- Dead code ------------------------------------------------------------------------ */

static bool is_nop(const struct bpf_insn *insn)
{
	return (insn->code == (BPF_JMP | BPF_JA) || insn->code == (BPF_JMP | BPF_JCOND)) &&
	       !insn->off;
}

/* to[i]: where slot i goes; slots that go away go where the next one kept does. */
static uint32_t number_slots(const struct env *env, uint32_t *to, bool *keep)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < env->n; i++) {
		keep[i] =
			env->aux[i].pad ? keep[i - 1] : env->aux[i].seen && !is_nop(&env->insns[i]);
		to[i] = n;
		n += keep[i];
	}
	to[env->n] = n;
	return n;
}

static void retarget(struct env *env, uint32_t i, const uint32_t *to)
{
	struct bpf_insn *insn = &env->insns[i];
	int64_t target;
	bool func_ref = insn_is_ldimm64(insn) ? insn->src_reg == BPF_PSEUDO_FUNC
					      : insn->code == (BPF_JMP | BPF_CALL) &&
							insn->src_reg == BPF_PSEUDO_CALL;

	if (func_ref) {
		insn->imm = (int32_t)(to[i + 1 + (uint32_t)insn->imm] - to[i] - 1);
	} else if (insn_jump_target(env->insns, i, &target)) {
		int32_t off = (int32_t)(to[target] - to[i] - 1);

		if (insn->code == (BPF_JMP32 | BPF_JA))
			insn->imm = off;
		else
			insn->off = (int16_t)off;
	}
}

static void move_funcs(struct env *env, const uint32_t *to)
{
	uint32_t n = 0;

	for (uint32_t f = 0; f < env->n_funcs; f++) {
		struct func func = env->funcs[f];

		func.start = to[func.start];
		func.end = to[func.end];
		if (func.start < func.end)
			env->funcs[n++] = func;
	}
	env->n_funcs = n;
}

/* The verifier's own copy of the line records follows the instructions. */
static int drop_dead_code(struct env *env)
{
	uint32_t *to = mem_calloc(env->n + 1, sizeof(*to));
	bool *keep = mem_calloc(env->n, sizeof(*keep));
	uint32_t n = 0;

	if (to && keep) {
		n = number_slots(env, to, keep);
		for (uint32_t i = 0; i < env->n; i++)
			if (keep[i] && !env->aux[i].pad)
				retarget(env, i, to);
		for (uint32_t i = 0; i < env->n; i++)
			if (keep[i])
				env->insns[to[i]] = env->insns[i];
		move_funcs(env, to);
		for (uint32_t i = 0; i < env->in->n_line_info; i++)
			env->line_at[i] = to[env->line_at[i]];
		env->n = n;
	}
	mem_free(to);
	mem_free(keep);
	return n ? 0 : -ENOMEM;
}

/* -- Functions and lines ------------------------------------------------------ */

static int emit_funcs(struct env *env, struct code *code)
{
	code->funcs = mem_calloc(env->n_funcs, sizeof(*code->funcs));
	UA_FAIL_IF(!code->funcs, -ENOMEM);
	code->n_funcs = env->n_funcs;
	for (uint32_t i = 0; i < env->n_funcs; i++) {
		const struct func *from = &env->funcs[i];
		struct code_func *to = &code->funcs[i];

		to->start = from->start;
		to->end = from->end;
		to->stack_depth = from->stack_depth;
		to->max_stack = from->max_stack;
		to->uses_may_goto = from->uses_may_goto;
		to->uses_arena = env->arena != NULL;
		to->is_callback = from->is_callback;
		to->has_tail_call = from->has_tail_call;
		to->code = code;
		snprintf(to->name, sizeof(to->name), "%s",
			 *from->name || i ? from->name : env->in->name);
	}
	return 0;
}

static void emit_line(struct env *env, struct code *code, uint32_t i)
{
	const struct verify_in *in = env->in;
	const struct bpf_line_info *from = &in->line_info[i];
	const char *text = btf__name_by_offset(in->btf, from->line_off);

	/* Records of code that is gone: the next one takes the place. */
	if (code->n_lines && code->lines[code->n_lines - 1].idx == env->line_at[i])
		code->n_lines--;
	if (env->line_at[i] >= env->n)
		return;
	while (*text == ' ' || *text == '\t')
		text++;
	code->lines[code->n_lines++] = (struct code_line){
		.idx = env->line_at[i],
		.line = from->line_col >> 10,
		.col = from->line_col & 1023,
		.file = btf__name_by_offset(in->btf, from->file_name_off),
		.text = text,
	};
}

static int emit_lines(struct env *env, struct code *code)
{
	uint32_t n = env->in->n_line_info;

	if (!n)
		return 0;
	code->lines = mem_calloc(n, sizeof(*code->lines));
	UA_FAIL_IF(!code->lines, -ENOMEM);
	for (uint32_t i = 0; i < n; i++)
		emit_line(env, code, i);
	return 0;
}

static int lines_init(struct env *env)
{
	uint32_t n = env->in->n_line_info;

	env->line_at = mem_calloc(n + 1, sizeof(*env->line_at));
	UA_FAIL_IF(!env->line_at, -ENOMEM);
	for (uint32_t i = 0; i < n; i++)
		env->line_at[i] = env->in->line_info[i].insn_off;
	return 0;
}

/* -- The whole ----------------------------------------------------------------- */

static int emit_ops(struct env *env, struct code *code)
{
	uint32_t bad = 0;
	int err;

	code->n_ops = env->n;
	code->insns = mem_dup(env->insns, env->n * sizeof(*env->insns));
	code->ops = mem_calloc(env->n, sizeof(*code->ops));
	UA_FAIL_IF(!code->insns || !code->ops, -ENOMEM);
	err = code_decode(code->insns, env->n, code->ops, &bad);
	if (!err)
		err = code_link(code, &bad);
	if (err)
		vlog(env, "insn %u cannot be decoded\n", bad);
	return err;
}

static int fill(struct env *env, struct code *code)
{
	UA_TRY(lines_init(env));
	UA_TRY(rewrite(env, code));
	if (!env->unproved)
		UA_TRY(drop_dead_code(env));
	UA_TRY(emit_funcs(env, code));
	UA_TRY(emit_ops(env, code));
	UA_TRY(emit_lines(env, code));
	code->arena = env->arena;
	if (env->arena) {
		code->no_user_conv = arena_flags(env->arena) & BPF_F_NO_USER_CONV;
		code->user_hi = (uint32_t)(arena_user_start(env->arena) >> 32);
	}
	code->helper_fns = env->in->helper_fns;
	code->n_helper_fns = env->in->n_helper_fns;
	code->sleepable = env->sleepable;
#ifdef UA_DEBUG
	code->checked = true;
#else
	code->checked = env->unproved;
#endif
	return 0;
}

int emit_code(struct env *env, struct code **out)
{
	struct code *code = mem_zalloc(sizeof(*code));
	int err;

	UA_FAIL_IF(!code, -ENOMEM);
	err = fill(env, code);
	if (err) {
		code_free(code);
		return err;
	}
	*out = code;
	return 0;
}
