/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The executable form: struct code out of the checked instructions.
 *
 * Everything the engines need is copied out of the environment here; after this nothing refers
 * to the verifier's own structures any more.
 */
#include <bpf/btf.h>
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

static int kcall_index(struct env *env, struct code *code, const struct insn_aux *aux, size_t *cap)
{
	bool sleepable = env->sleepable && !aux->nosleep;
	struct code_kcall kcall = {0};

	kfunc_fill_kcall(env->in->kfuncs, aux->kfunc, sleepable, &kcall);
	for (uint32_t i = 0; i < code->n_kcalls; i++)
		if (code->kcalls[i].name == kcall.name && code->kcalls[i].fn == kcall.fn)
			return (int)i;
	UA_TRY(UA_GROW(&code->kcalls, cap, code->n_kcalls + 1));
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

static int rewrite_call(struct env *env, struct code *code, uint32_t i, size_t *cap)
{
	struct bpf_insn *insn = &env->insns[i];
	int idx;

	if (insn->src_reg == BPF_PSEUDO_CALL)
		return 0;
	if (insn->src_reg == BPF_PSEUDO_KFUNC_CALL && env->aux[i].kfunc) {
		UA_TRY(idx = kcall_index(env, code, &env->aux[i], cap));
		insn->imm = idx;
		insn->off = 0;
	} else if (insn->src_reg || !helper_known(env, insn->imm)) {
		write_trap(insn);
	}
	return 0;
}

static int rewrite(struct env *env, struct code *code)
{
	size_t cap = 0;

	for (uint32_t i = 0; i < env->n; i++) {
		struct bpf_insn *insn = &env->insns[i];

		if (insn_is_ldimm64(insn)) {
			if (env->aux[i].ld_kind != LD_FUNC)
				write_imm64(insn, env->aux[i].ld_value);
			i++;
		} else if (insn->code == (BPF_JMP | BPF_CALL)) {
			UA_TRY(rewrite_call(env, code, i, &cap));
		}
	}
	return 0;
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

static int emit_lines(struct env *env, struct code *code)
{
	const struct verify_in *in = env->in;

	if (!in->n_line_info)
		return 0;
	code->lines = mem_calloc(in->n_line_info, sizeof(*code->lines));
	UA_FAIL_IF(!code->lines, -ENOMEM);
	for (uint32_t i = 0; i < in->n_line_info; i++) {
		const struct bpf_line_info *from = &in->line_info[i];
		const char *text = btf__name_by_offset(in->btf, from->line_off);

		while (*text == ' ' || *text == '\t')
			text++;
		code->lines[i] = (struct code_line){
			.idx = from->insn_off,
			.line = from->line_col >> 10,
			.col = from->line_col & 1023,
			.file = btf__name_by_offset(in->btf, from->file_name_off),
			.text = text,
		};
	}
	code->n_lines = in->n_line_info;
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
	UA_TRY(rewrite(env, code));
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
	code->checked = env->unproved;
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
