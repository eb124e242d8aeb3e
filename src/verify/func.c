/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Functions: where they begin and end, that no jump leaves them, that every instruction can
 * be reached, and what the program's BTF says about them (func_info, line_info).
 *
 * A function starts at slot 0, at every target of a local call and at every address taken
 * with BPF_PSEUDO_FUNC. It must end in an exit or an unconditional jump.
 */
#include <bpf/btf.h>
#include "verify/env.h"

/* -- Boundaries ------------------------------------------------------------ */

static bool is_local_ref(const struct bpf_insn *insn)
{
	if (insn_is_ldimm64(insn))
		return insn->src_reg == BPF_PSEUDO_FUNC;
	return insn->code == (BPF_JMP | BPF_CALL) && insn->src_reg == BPF_PSEUDO_CALL;
}

static int func_add(struct env *env, uint32_t start, bool callback)
{
	uint32_t at = 0;

	while (at < env->n_funcs && env->funcs[at].start < start)
		at++;
	if (at == env->n_funcs || env->funcs[at].start != start) {
		if (env->n_funcs >= MAX_FUNCS) {
			vlog(env, "too many subprograms\n");
			return -E2BIG;
		}
		memmove(&env->funcs[at + 1], &env->funcs[at],
			(env->n_funcs - at) * sizeof(*env->funcs));
		env->funcs[at] = (struct func){.start = start, .name = ""};
		env->n_funcs++;
	}
	env->funcs[at].is_callback |= callback;
	return 0;
}

static int find_starts(struct env *env)
{
	UA_TRY(func_add(env, 0, false));
	for (uint32_t i = 0; i < env->n; i++) {
		const struct bpf_insn *insn = &env->insns[i];
		int64_t target = (int64_t)i + 1 + insn->imm;

		if (is_local_ref(insn)) {
			if (target < 0 || target >= env->n || env->aux[target].pad) {
				vlog(env, "call to invalid destination\n");
				return -EINVAL;
			}
			UA_TRY(func_add(env, (uint32_t)target, insn_is_ldimm64(insn)));
		}
	}
	return 0;
}

int func_of(const struct env *env, uint32_t idx)
{
	uint32_t lo = 0, hi = env->n_funcs;

	while (hi - lo > 1) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (env->funcs[mid].start <= idx)
			lo = mid;
		else
			hi = mid;
	}
	return (int)lo;
}

int func_at(const struct env *env, uint32_t start)
{
	int f = func_of(env, start);

	return env->funcs[f].start == start ? f : -1;
}

/* -- Jumps ----------------------------------------------------------------- */

bool insn_jump_target(const struct bpf_insn *insns, uint32_t i, int64_t *target)
{
	const struct bpf_insn *insn = &insns[i];
	uint8_t class = BPF_CLASS(insn->code), op = BPF_OP(insn->code);

	if ((class != BPF_JMP && class != BPF_JMP32) || op == BPF_CALL || op == BPF_EXIT)
		return false;
	*target = (int64_t)i + 1 + (class == BPF_JMP32 && op == BPF_JA ? insn->imm : insn->off);
	return true;
}

bool insn_ends_flow(const struct bpf_insn *insn)
{
	uint8_t class = BPF_CLASS(insn->code), op = BPF_OP(insn->code);

	return (class == BPF_JMP && (op == BPF_EXIT || op == BPF_JA)) ||
	       (class == BPF_JMP32 && op == BPF_JA);
}

static int check_jumps(struct env *env, const struct func *func)
{
	for (uint32_t i = func->start; i < func->end; i++) {
		int64_t target;

		if (env->aux[i].pad || !insn_jump_target(env->insns, i, &target))
			continue;
		if (target < func->start || target >= func->end) {
			vlog(env, "jump out of range from insn %u to %lld\n", i, (long long)target);
			return -EINVAL;
		}
		if (env->aux[target].pad) {
			vlog(env, "jump into the middle of ldimm64 insn %lld\n", (long long)target);
			return -EINVAL;
		}
	}
	if (env->aux[func->end - 1].pad || !insn_ends_flow(&env->insns[func->end - 1])) {
		vlog(env, "last insn is not an exit or jmp\n");
		return -EINVAL;
	}
	return 0;
}

int func_check_reachable(struct env *env)
{
	uint32_t *todo = mem_calloc(env->n, sizeof(*todo)), top = 0;
	bool *seen = mem_calloc(env->n, sizeof(*seen));
	int err = todo && seen ? 0 : -ENOMEM;

	if (!err) {
		todo[top++] = 0;
		seen[0] = true;
	}
	while (top) {
		uint32_t i = todo[--top];
		const struct bpf_insn *insn = &env->insns[i];
		int64_t next[2], n = 0;

		if (insn_jump_target(env->insns, i, &next[n]))
			n++;
		else if (is_local_ref(insn))
			next[n++] = (int64_t)i + 1 + insn->imm;
		if (!insn_ends_flow(insn))
			next[n++] = (int64_t)i + (insn_is_ldimm64(insn) ? 2 : 1);
		while (n--)
			if (!seen[next[n]]) {
				seen[next[n]] = true;
				todo[top++] = (uint32_t)next[n];
			}
	}
	for (uint32_t i = 0; !err && i < env->n; i++)
		if (!seen[i] && !env->aux[i].pad) {
			vlog(env, "unreachable insn %u\n", i);
			err = -EINVAL;
		}
	mem_free(todo);
	mem_free(seen);
	return err;
}

static void note_features(struct env *env, struct func *func)
{
	for (uint32_t i = func->start; i < func->end; i++) {
		const struct bpf_insn *insn = &env->insns[i];

		if (env->aux[i].pad)
			continue;
		func->uses_may_goto |= insn->code == (BPF_JMP | BPF_JCOND);
		func->has_ld_abs |= BPF_CLASS(insn->code) == BPF_LD && !insn_is_ldimm64(insn);
		func->has_tail_call |= insn->code == (BPF_JMP | BPF_CALL) && !insn->src_reg &&
				       insn->imm == BPF_FUNC_tail_call;
	}
}

int func_find_all(struct env *env)
{
	env->funcs = mem_calloc(MAX_FUNCS + 1, sizeof(*env->funcs));
	UA_FAIL_IF(!env->funcs, -ENOMEM);
	for (uint32_t i = 0; i < env->n; i++)
		if (insn_is_ldimm64(&env->insns[i]))
			env->aux[++i].pad = true;
	UA_TRY(find_starts(env));
	for (uint32_t f = 0; f < env->n_funcs; f++) {
		env->funcs[f].end = f + 1 < env->n_funcs ? env->funcs[f + 1].start : env->n;
		UA_TRY(check_jumps(env, &env->funcs[f]));
		note_features(env, &env->funcs[f]);
	}
	return 0;
}

/* -- BTF ------------------------------------------------------------------- */

static bool returns_number(const struct btf *btf, const struct btf_type *proto)
{
	uint32_t id = proto->type;
	const struct btf_type *t = btf_resolve(btf, &id);

	return id && (btf_is_int(t) || btf_is_any_enum(t));
}

/* What ends a function early leaves a number: 0, or what another program returned. */
static int check_early_end(struct env *env, const struct func *func, const struct btf_type *proto)
{
	const char *what = func->has_ld_abs ? "LD_ABS" : func->has_tail_call ? "tail_call" : NULL;

	if (!what || func == env->funcs || (proto && returns_number(env->in->btf, proto)))
		return 0;
	if (proto)
		vlog(env, "%s is only allowed in functions that return 'int'.\n", what);
	else
		vlog(env, "%s is not allowed in subprogs without BTF\n", what);
	return -EINVAL;
}

static int check_func_info(struct env *env)
{
	const struct verify_in *in = env->in;

	for (uint32_t i = 0; !in->n_func_info && i < env->n_funcs; i++)
		UA_TRY(check_early_end(env, &env->funcs[i], NULL));
	if (!in->n_func_info)
		return 0;
	if (in->n_func_info != env->n_funcs) {
		vlog(env, "number of funcs in func_info doesn't match number of subprogs\n");
		return -EINVAL;
	}
	for (uint32_t i = 0; i < env->n_funcs; i++) {
		struct func *func = &env->funcs[i];
		const struct btf_type *t = btf__type_by_id(in->btf, in->func_info[i].type_id);
		const struct btf_type *proto;

		if (in->func_info[i].insn_off != func->start) {
			vlog(env,
			     "func_info BTF section doesn't match subprog layout in BPF program\n");
			return -EINVAL;
		}
		proto = t && btf_is_func(t) ? btf__type_by_id(in->btf, t->type) : NULL;
		if (!proto || !btf_is_func_proto(proto)) {
			vlog(env, "invalid type id %u in func info\n", in->func_info[i].type_id);
			return -EINVAL;
		}
		UA_TRY(check_early_end(env, func, proto));
		func->type_id = in->func_info[i].type_id;
		func->name = btf__name_by_offset(in->btf, t->name_off);
		func->is_global = btf_vlen(t) == BTF_FUNC_GLOBAL;
	}
	return 0;
}

static int check_line(struct env *env, uint32_t i, uint32_t prev)
{
	const struct bpf_line_info *line = &env->in->line_info[i];

	if (line->insn_off >= env->n || (i && line->insn_off <= prev)) {
		vlog(env, "Invalid line_info[%u].insn_off:%u (prev_offset:%u prog->len:%u)\n", i,
		     line->insn_off, prev, env->n);
		return -EINVAL;
	}
	if (env->aux[line->insn_off].pad) {
		vlog(env, "Invalid insn code at line_info[%u].insn_off\n", i);
		return -EINVAL;
	}
	if (!btf__name_by_offset(env->in->btf, line->line_off) ||
	    !btf__name_by_offset(env->in->btf, line->file_name_off)) {
		vlog(env, "Invalid line_info[%u].line_off or .file_name_off\n", i);
		return -EINVAL;
	}
	return 0;
}

/* Offsets grow, and every function has a record at its start. */
static int check_line_info(struct env *env)
{
	const struct verify_in *in = env->in;
	uint32_t f = 0, prev = 0;

	for (uint32_t i = 0; i < in->n_line_info; i++) {
		UA_TRY(check_line(env, i, prev));
		prev = in->line_info[i].insn_off;
		if (f < env->n_funcs && prev > env->funcs[f].start)
			break;
		if (f < env->n_funcs && prev == env->funcs[f].start)
			f++;
	}
	if (in->n_line_info && f != env->n_funcs) {
		vlog(env, "missing bpf_line_info for func#%u\n", f);
		return -EINVAL;
	}
	return 0;
}

int func_check_btf(struct env *env)
{
	if (!env->in->btf && (env->in->n_func_info || env->in->n_line_info)) {
		vlog(env, "func_info or line_info without BTF\n");
		return -EINVAL;
	}
	UA_TRY(check_func_info(env));
	return check_line_info(env);
}
