/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Global functions: what their prototype promises to the function, and demands of callers.
 *
 * Declaration tags "arg:..." say what a pointer parameter is; without one it is memory of the
 * size of its pointee, or NULL.
 */
#include <bpf/btf.h>
#include "abi/helpers.h"
#include "verify/env.h"

/* -- Prototypes ---------------------------------------------------------------------- */

enum tag {
	TAG_CTX = 1,
	TAG_NONNULL = 2,
	TAG_NULLABLE = 4,
	TAG_ARENA = 8,
	TAG_TRUSTED = 16,
};

static uint32_t tags_of(const struct env *env, const struct func *func, uint32_t arg)
{
	static const struct {
		const char *name;
		uint32_t tag;
	} names[] = {
		{"arg:ctx", TAG_CTX},		{"arg:nonnull", TAG_NONNULL},
		{"arg:nullable", TAG_NULLABLE}, {"arg:arena", TAG_ARENA},
		{"arg:trusted", TAG_TRUSTED},
	};
	uint32_t tags = 0;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (btf_has_decl_tag(env->in->btf, func->type_id, (int)arg, names[i].name))
			tags |= names[i].tag;
	return tags;
}

static bool is_ctx_type(const struct env *env, const struct btf_type *t, const char *name)
{
	if (!btf_is_struct(t))
		return false;
	switch (env->in->prog_type) {
	case BPF_PROG_TYPE_SOCKET_FILTER:
	case BPF_PROG_TYPE_SCHED_CLS:
		return !strcmp(name, "__sk_buff");
	case BPF_PROG_TYPE_RAW_TRACEPOINT:
		return !strcmp(name, "bpf_raw_tracepoint_args");
	default:
		return false;
	}
}

static int prepare_trusted(struct env *env, struct func_arg *out, const char *name, uint32_t i,
			   uint32_t tags)
{
	const char *flavour = strstr(name, "___"); /* names of its own for one type */
	char type[128];

	snprintf(type, sizeof(type), "%.*s", flavour ? (int)(flavour - name) : 127, name);
	out->kind = FARG_BTF;
	out->flags = RF_TRUSTED | (tags & TAG_NULLABLE ? RF_NULL : 0);
	out->id = btf_find(env->in->engine_btf, type, BTF_KIND_STRUCT);
	if (out->id)
		return 0;
	vlog(env, "arg#%u has type %s, which the kernel does not have\n", i, name);
	return -EINVAL;
}

static int prepare_pointer(struct env *env, const struct func *func, uint32_t i, uint32_t ptr_id,
			   struct func_arg *out)
{
	const struct btf *btf = env->in->btf;
	uint32_t tags = tags_of(env, func, i), id = btf__type_by_id(btf, ptr_id)->type;
	bool arena_tag = btf_ptr_has_type_tag(btf, ptr_id, "arena");
	const struct btf_type *t = btf_resolve(btf, &id);
	const char *name = id ? btf_name(btf, t->name_off) : "";
	int64_t size;

	if (tags & TAG_ARENA && tags != TAG_ARENA) {
		vlog(env, "arg#%u arena cannot be combined with any other tags\n", i);
		return -EINVAL;
	}
	out->nullable = !(tags & TAG_NONNULL);
	if (tags & TAG_ARENA || arena_tag) {
		out->kind = FARG_ARENA;
		return 0;
	}
	if (tags & TAG_CTX || (id && is_ctx_type(env, t, name))) {
		out->kind = FARG_CTX;
		return 0;
	}
	if (tags & TAG_TRUSTED)
		return prepare_trusted(env, out, name, i, tags);
	size = id ? btf_size(btf, id) : -EINVAL;
	if (size <= 0) {
		vlog(env, "arg#%u reference type('%s %s') size cannot be determined: %lld\n", i,
		     id && btf_is_composite(t) ? "STRUCT" : "UNKNOWN", name, (long long)size);
		return -EINVAL;
	}
	out->kind = FARG_MEM;
	out->size = (uint32_t)size;
	return 0;
}

static int check_return_type(struct env *env, struct func *func, const struct btf_type *proto)
{
	uint32_t id = proto->type;
	const struct btf_type *t = btf_resolve(env->in->btf, &id);

	func->returns_void = !id;
	if (!id || btf_is_int(t) || btf_is_any_enum(t) ||
	    (btf_is_ptr(t) && btf_ptr_has_type_tag(env->in->btf, id, "arena")))
		return 0;
	vlog(env, "Global function %s() doesn't return scalar. Only those are supported.\n",
	     func->name);
	return -EINVAL;
}

int subprog_prepare(struct env *env, uint32_t f)
{
	const struct btf *btf = env->in->btf;
	struct func *func = &env->funcs[f];
	const struct btf_type *proto;

	if (func->prepared)
		return 0;
	proto = btf__type_by_id(btf, btf__type_by_id(btf, func->type_id)->type);
	func->n_args = btf_vlen(proto);
	if (func->n_args > 5) {
		vlog(env, "Global function %s() with %u > 5 args. Buggy compiler.\n", func->name,
		     func->n_args);
		func->n_args = 0;
		return -EINVAL;
	}
	UA_TRY(check_return_type(env, func, proto));
	for (uint32_t i = 0; i < func->n_args; i++) {
		uint32_t id = btf_params(proto)[i].type;
		const struct btf_type *t = btf_resolve(btf, &id);

		if (btf_is_int(t) || btf_is_any_enum(t)) {
			func->args[i].kind = FARG_SCALAR;
		} else if (btf_is_ptr(t)) {
			UA_TRY(prepare_pointer(env, func, i, id, &func->args[i]));
		} else {
			vlog(env, "Arg#%u type %s in %s() is not supported yet.\n", i,
			     btf_name(btf, t->name_off), func->name);
			return -EINVAL;
		}
	}
	func->prepared = true;
	return 0;
}

/* -- The function's side ---------------------------------------------------------------- */

static void entry_arg(struct env *env, const struct func_arg *arg, struct reg *r)
{
	switch (arg->kind) {
	case FARG_SCALAR:
	case FARG_ARENA:
		/* Callers pass full pointers: arithmetic on an arena parameter must keep its upper
		 * half (Linux 6.18 does), and a dereference casts first. */
		reg_scalar(r);
		break;
	case FARG_CTX:
		reg_pointer(r, R_CTX, 0);
		break;
	case FARG_BTF:
		reg_pointer(r, R_BTF, arg->flags);
		r->btf_id = arg->id;
		r->id = arg->flags & RF_NULL ? new_id(env) : 0;
		break;
	default:
		reg_pointer(r, R_MEM, arg->nullable ? RF_NULL : 0);
		r->size = arg->size;
		r->id = arg->nullable ? new_id(env) : 0;
	}
}

int subprog_entry(struct env *env, uint32_t func)
{
	struct frame *f = frame_new();

	UA_FAIL_IF(!f, -ENOMEM);
	env->st = (struct vstate){.frames = {f}, .in_sleepable = env->sleepable};
	f->func = func;
	f->callsite = UINT32_MAX;
	UA_TRY(flow_enter(env, NULL, func, &f->inst));
	reg_pointer(&f->regs[BPF_REG_FP], R_STACK, 0);
	if (!func) {
		reg_pointer(&f->regs[BPF_REG_1], R_CTX, 0);
		return 0;
	}
	UA_TRY(subprog_prepare(env, func));
	for (uint32_t i = 0; i < env->funcs[func].n_args; i++)
		entry_arg(env, &env->funcs[func].args[i], &f->regs[i + 1]);
	return 0;
}

/* -- The caller's side -------------------------------------------------------------------- */

static int check_mem_arg(struct env *env, const struct func_arg *arg, int regno)
{
	struct reg *r = &env_regs(env)[regno], saved = *r;
	uint64_t v;
	int err;

	if (reg_is_const(r, &v) && !v && arg->nullable)
		return 0;
	if (!arg->nullable && (r->flags & RF_NULL || r->type == R_SCALAR)) {
		vlog(env, "arg#%d is expected to be non-NULL\n", regno - 1);
		return -EINVAL;
	}
	r->flags &= (uint8_t)~RF_NULL;
	err = mem_arg(env, regno, arg->size, false, ACC_READ, false);
	if (!err)
		err = mem_arg(env, regno, arg->size, false, ACC_WRITE, false);
	*r = saved;
	return err;
}

static int check_arg(struct env *env, const struct func_arg *arg, int regno)
{
	const struct reg *r = &env_regs(env)[regno];
	uint64_t v;

	UA_TRY(check_reg_read(env, regno));
	switch (arg->kind) {
	case FARG_SCALAR:
		if (r->type == R_SCALAR || r->type == R_ARENA)
			return 0;
		vlog(env, "R%d is not a scalar\n", regno);
		return -EINVAL;
	case FARG_CTX:
		if (r->type == R_CTX)
			return check_fixed_off(env, r, regno, false);
		vlog(env, "arg#%d expects pointer to ctx\n", regno - 1);
		return -EINVAL;
	case FARG_ARENA:
		if (r->type == R_ARENA || r->type == R_SCALAR)
			return 0;
		vlog(env, "R%d is not a pointer to arena or scalar.\n", regno);
		return -EINVAL;
	case FARG_BTF:
		if (r->type == R_BTF && r->btf_id == arg->id && r->flags & RF_TRUSTED &&
		    (!(r->flags & RF_NULL) || arg->flags & RF_NULL))
			return 0;
		if (arg->flags & RF_NULL && reg_is_const(r, &v) && !v)
			return 0;
		vlog(env, "R%d is not a trusted pointer to %s\n", regno,
		     btf_type_name(env->in->engine_btf, arg->id));
		return -EINVAL;
	default:
		return check_mem_arg(env, arg, regno);
	}
}

int subprog_check_args(struct env *env, uint32_t f)
{
	const struct func *func = &env->funcs[f];
	int err = subprog_prepare(env, f);

	for (uint32_t i = 0; !err && i < func->n_args; i++)
		err = check_arg(env, &func->args[i], (int)i + 1);
	if (!err)
		return 0;
	vlog(env, "Caller passes invalid args into func#%u ('%s')\n", f, func->name);
	return err == -ENOMEM ? err : -EINVAL;
}

/* -- Sleeping --------------------------------------------------------------------------- */

static bool insn_sleeps(const struct env *env, uint32_t i)
{
	const struct bpf_insn *insn = &env->insns[i];
	const struct helper_proto *proto;

	if (insn->code != (BPF_JMP | BPF_CALL))
		return false;
	if (insn->src_reg == BPF_PSEUDO_KFUNC_CALL)
		return env->aux[i].kfunc && env->aux[i].kfunc->flags & KF_SLEEPABLE;
	if (insn->src_reg == BPF_PSEUDO_CALL)
		return env->funcs[func_at(env, i + 1 + (uint32_t)insn->imm)].might_sleep;
	proto = helper_proto((uint32_t)insn->imm);
	return proto && proto->flags & HELPER_SLEEP;
}

void subprog_find_sleepers(struct env *env)
{
	bool changed = true;

	while (changed) {
		changed = false;
		for (uint32_t f = 0; f < env->n_funcs; f++)
			for (uint32_t i = env->funcs[f].start;
			     !env->funcs[f].might_sleep && i < env->funcs[f].end; i++)
				if (!env->aux[i].pad && insn_sleeps(env, i))
					env->funcs[f].might_sleep = changed = true;
	}
}
