/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls of kfuncs: arguments by the kinds kfunc_arg_info() names, results by type and flags.
 *
 * Kfuncs that change what the program holds (locks, RCU, preemption, interrupts, iterators)
 * are in section.c and iter.c.
 */
#include <bpf/btf.h>
#include "map/map.h"
#include "verify/env.h"

#define MAX_MEM_SIZE (1u << 29)

static int denied(struct env *env, int regno, const char *what)
{
	vlog(env, "R%d %s\n", regno, what);
	return -EINVAL;
}

/* -- Memory ------------------------------------------------------------------------- */

static int check_pair(struct env *env, const struct kfunc_arg *mem, const struct kfunc_arg *size,
		      int regno)
{
	struct reg *ptr = &env_regs(env)[regno - 1];
	const struct reg *r = &env_regs(env)[regno];
	uint64_t v;
	int err = -EINVAL;

	if (r->type != R_SCALAR)
		return denied(env, regno, "is not a scalar");
	if (size->konst && !reg_is_const(r, &v))
		return denied(env, regno, "must be a known constant");
	flow_need_reg(env, regno);
	if (mem->nullable && reg_is_const(ptr, &v) && !v)
		return 0;
	if (r->s.smin < 0)
		vlog(env, "R%d min value is negative, either use unsigned or 'var &= const'\n",
		     regno);
	else if (r->s.umax >= MAX_MEM_SIZE)
		vlog(env, "R%d unbounded memory access, use 'var &= const' or 'if (var < const)'\n",
		     regno);
	else
		err = mem_arg(env, regno - 1, r->s.umax, true, ACC_READ, mem->uninit);
	if (!err && !mem->konst)
		err = mem_arg(env, regno - 1, r->s.umax, true, ACC_WRITE, mem->uninit);
	if (err)
		vlog(env, "arg#%d arg#%d memory, len pair leads to invalid memory access\n",
		     regno - 2, regno - 1);
	return err;
}

static int check_sized(struct env *env, const struct kfunc_arg *arg, int regno)
{
	if (!arg->mem_size) /* the size argument that follows is checked with it */
		return 0;
	if (!arg->uninit)
		UA_TRY(mem_arg(env, regno, arg->mem_size, false, ACC_READ, false));
	if (!arg->konst)
		UA_TRY(mem_arg(env, regno, arg->mem_size, false, ACC_WRITE, arg->uninit));
	return 0;
}

/* -- Objects ------------------------------------------------------------------------- */

static bool is_rcu(const struct env *env, const struct reg *r)
{
	return r->flags & RF_RCU && (env->st.rcu || !env->st.in_sleepable);
}

/* A struct that begins with another may stand for it. */
static bool begins_with(const struct btf *btf, uint32_t id, uint32_t want)
{
	for (int depth = 0; depth < 8; depth++) {
		const struct btf_type *t = btf_resolve(btf, &id);

		if (id == want)
			return true;
		if (!btf_is_composite(t) || !btf_vlen(t))
			return false;
		id = btf_members(t)[0].type;
	}
	return false;
}

static bool same_object(const struct btf *btf, uint32_t id, uint32_t want)
{
	const char *have = btf_type_name(btf, id), *need = btf_type_name(btf, want);

	return !strcmp(have, need) || begins_with(btf, id, want);
}

static int not_an_object(struct env *env, int i, const struct reg *r)
{
	char name[64];

	vlog(env, "arg#%d is %s expected ptr_ or socket\n", i, reg_type_name(r, name));
	return -EINVAL;
}

static int check_object(struct env *env, const struct kfunc *kf, int i, uint32_t want)
{
	const struct btf *btf = env->in->engine_btf;
	const struct reg *r = &env_regs(env)[i + 1];
	uint32_t id = r->btf_id;

	if (r->type == R_MAP_PTR)
		id = btf_find(btf, "bpf_map", BTF_KIND_STRUCT);
	else if (r->type == R_BTF && r->flags & RF_UNTRUSTED && kf->flags & KF_RCU)
		return denied(env, i + 1, "must be a rcu pointer");
	else if (r->type != R_BTF || r->flags & (RF_UNTRUSTED | RF_PERCPU))
		return not_an_object(env, i, r);
	UA_TRY(check_fixed_off(env, r, i + 1, false));
	if (!same_object(btf, id, want)) {
		vlog(env,
		     "kernel function %s args#%d expected pointer to STRUCT %s but R%d has a "
		     "pointer "
		     "to STRUCT %s\n",
		     kf->name, i, btf_type_name(btf, want), i + 1, btf_type_name(btf, id));
		return -EINVAL;
	}
	if (r->type == R_MAP_PTR || r->ref || r->flags & RF_TRUSTED || is_rcu(env, r))
		return 0;
	return denied(env, i + 1, "must be referenced or trusted");
}

static int check_map(struct env *env, const struct kfunc *kf, int i)
{
	const struct reg *r = &env_regs(env)[i + 1];
	uint32_t want = btf_find(env->in->engine_btf, "bpf_map", BTF_KIND_STRUCT);

	if (r->type == R_MAP_PTR)
		return 0;
	if (r->type == R_SCALAR) {
		vlog(env, "pointer in R%d isn't map pointer\n", i + 1);
		return -EINVAL;
	}
	return check_object(env, kf, i, want);
}

/* An object, or any memory of its size if it holds nothing but numbers. */
static int check_object_or_memory(struct env *env, const struct kfunc *kf,
				  const struct kfunc_arg *arg, int i)
{
	const struct reg *r = &env_regs(env)[i + 1];

	if (r->type != R_BTF && arg->mem_size)
		return check_sized(env, arg, i + 1);
	return check_object(env, kf, i, arg->btf_type);
}

static int check_arena(struct env *env, const struct kfunc *kf, int regno)
{
	const struct reg *r = &env_regs(env)[regno];

	if (!env->arena) {
		vlog(env, "R%d arena pointer requires a program with an associated arena\n", regno);
		return -EINVAL;
	}
	if (r->type == R_ARENA || r->type == R_SCALAR)
		return 0;
	return denied(env, regno, "is not a pointer to arena or scalar");
}

/* A host function calls back with numbers only, as often as it likes, before it returns. */
static void set_callback_args(struct env *env, struct frame *caller, struct frame *callee,
			      const struct callback *cb)
{
	for (int i = 1; i <= 5; i++)
		reg_scalar(&callee->regs[i]);
}

static int check_callback(struct env *env, int i)
{
	const struct reg *r = &env_regs(env)[i + 1];
	struct callback cb = {.func = r->func, .ret_min = 1, .set_args = set_callback_args};

	if (r->type == R_FUNC)
		return callback_enter(env, &cb);
	vlog(env, "arg#%d expected pointer to func\n", i);
	return -EINVAL;
}

/* -- One argument ------------------------------------------------------------------------ */

static int check_scalar(struct env *env, const struct kfunc_arg *arg, int regno)
{
	uint64_t v;

	if (env_regs(env)[regno].type == R_ARENA && !arg->konst)
		return 0;
	if (env_regs(env)[regno].type != R_SCALAR)
		return denied(env, regno, "is not a scalar");
	if (!arg->konst)
		return 0;
	flow_need_reg(env, regno);
	return reg_is_const(&env_regs(env)[regno], &v) ? 0 : denied(env, regno, "is not a const");
}

static int check_ctx(struct env *env, int i)
{
	const struct reg *r = &env_regs(env)[i + 1];
	char name[64];

	if (r->type == R_CTX)
		return check_fixed_off(env, r, i + 1, false);
	vlog(env, "arg#%d expected pointer to ctx, but got %s\n", i, reg_type_name(r, name));
	return -EINVAL;
}

static int check_null(struct env *env, const struct kfunc_arg *arg, int i, bool *done)
{
	const struct reg *r = &env_regs(env)[i + 1];
	uint64_t v;
	bool is_null = reg_is_const(r, &v) && !v, pointer = arg->kind != KARG_ARENA_PTR;

	*done = is_null && arg->nullable && pointer;
	if (*done || !pointer || (!is_null && !(r->flags & RF_NULL)))
		return 0;
	if (arg->nullable && arg->kind != KARG_MEM)
		return 0;
	vlog(env, "Possibly NULL pointer passed to trusted arg%d\n", i);
	return -EACCES;
}

static bool is_number(const struct kfunc_arg *arg)
{
	return arg->kind == KARG_SCALAR || arg->kind == KARG_CONST || arg->kind == KARG_MEM_SIZE;
}

static int check_pointer(struct env *env, const struct kfunc *kf, const struct kfunc_arg *arg,
			 int i)
{
	switch (arg->kind) {
	case KARG_MEM:
		return check_sized(env, arg, i + 1);
	case KARG_MAP:
		return check_map(env, kf, i);
	case KARG_CTX:
		return check_ctx(env, i);
	case KARG_STR:
		return const_string_arg(env, i + 1);
	case KARG_ARENA_PTR:
		return check_arena(env, kf, i + 1);
	case KARG_BTF_PTR:
		return check_object_or_memory(env, kf, arg, i);
	case KARG_CALLBACK:
		return check_callback(env, i);
	case KARG_ITER:
		return iter_arg(env, kf, arg, i + 1);
	case KARG_IRQ_FLAG:
		return irq_flag_arg(env, kf, i + 1);
	case KARG_RES_LOCK:
		return res_lock_arg(env, kf, i + 1);
	default:
		vlog(env, "arg#%d of kernel function %s is of a kind that is not supported\n", i,
		     kf->name);
		return -ENOTSUPP;
	}
}

static int check_arg(struct env *env, const struct kfunc *kf, int i)
{
	struct kfunc_arg arg, before;
	bool done = false;

	UA_TRY(kfunc_arg_info(env->in->kfuncs, kf, i, &arg));
	if (arg.kind == KARG_IGNORE || arg.kind == KARG_PROG_AUX)
		return 0;
	UA_TRY(check_reg_read(env, i + 1));
	if (arg.kind == KARG_MEM_SIZE) {
		UA_TRY(kfunc_arg_info(env->in->kfuncs, kf, i - 1, &before));
		return check_pair(env, &before, &arg, i + 1);
	}
	if (is_number(&arg))
		return check_scalar(env, &arg, i + 1);
	UA_TRY(check_null(env, &arg, i, &done));
	return done ? 0 : check_pointer(env, kf, &arg, i);
}

/* -- Results ------------------------------------------------------------------------------- */

static void number_result(struct reg *r0, const struct btf_type *t)
{
	reg_scalar(r0);
	if (btf_is_int(t) && btf_int_encoding(t) & BTF_INT_BOOL)
		scalar_urange(&r0->s, 0, 1);
}

static uint8_t object_flags(const struct env *env, const struct kfunc *kf)
{
	if (kf->flags & KF_RCU_PROTECTED)
		return RF_RCU;
	return kf->flags & (KF_ACQUIRE | KF_ITER_NEXT) ? RF_TRUSTED : 0;
}

static int pointer_result(struct env *env, const struct kfunc *kf, struct reg *r0, uint32_t target,
			  uint32_t iter_ref)
{
	const struct btf *btf = env->in->engine_btf;
	const struct btf_type *t = btf_resolve(btf, &target);
	uint8_t null = kf->flags & (KF_RET_NULL | KF_ITER_NEXT) ? RF_NULL : 0;

	if (!target) {
		reg_scalar(r0);
		return 0;
	}
	if (btf_is_composite(t)) {
		reg_pointer(r0, R_BTF, null | object_flags(env, kf));
		r0->btf_id = target;
	} else {
		reg_pointer(r0, R_MEM, null | RF_RDONLY);
		r0->size = (uint32_t)btf_size(btf, target);
	}
	if (kf->flags & KF_ACQUIRE)
		UA_TRY(ref_add(env, REF_PTR, NULL, &r0->ref));
	else if (r0->type == R_MEM) /* inside the iterator; objects outlive it */
		r0->ref = iter_ref;
	r0->id = !null ? 0 : kf->flags & KF_ACQUIRE ? r0->ref : new_id(env);
	return 0;
}

static int set_result(struct env *env, const struct kfunc *kf, uint32_t iter_ref)
{
	const struct btf *btf = env->in->engine_btf;
	uint32_t id = btf__type_by_id(btf, btf__type_by_id(btf, kf->btf_id)->type)->type;
	const struct btf_type *t = btf_resolve(btf, &id);
	struct reg *r0 = &env_regs(env)[BPF_REG_0];

	touch_reg(env, BPF_REG_0);
	if (!id)
		return 0;
	if (btf_is_ptr(t))
		return pointer_result(env, kf, r0, t->type, iter_ref);
	number_result(r0, t);
	return 0;
}

/* -- The call -------------------------------------------------------------------------------- */

static const char *region_name(const struct env *env)
{
	const struct vstate *st = &env->st;

	return st->rcu	     ? "rcu_read_lock"
	       : st->preempt ? "non-preemptible"
	       : st->irq_id  ? "IRQ-disabled"
			     : "spin lock";
}

static int check_callable(struct env *env, const struct kfunc *kf)
{
	if (!kf) {
		vlog(env, "calling kernel function %d is not allowed: it does not exist here\n",
		     env->insns[env->insn_idx].imm);
		return -EACCES;
	}
	if (env->in->not_gpl) {
		vlog(env, "cannot call kernel function from non-GPL compatible program\n");
		return -EINVAL;
	}
	if (!prog_type_calls(env, kf->flags) || (kf->flags & KF_SCHED && !sched_allows(env, kf))) {
		vlog(env, "calling kernel function %s is not allowed\n", kf->name);
		return -EACCES;
	}
	if (!(kf->flags & KF_SLEEPABLE))
		return 0;
	if (!env->st.in_sleepable) {
		vlog(env, "program must be sleepable to call sleepable kfunc %s\n", kf->name);
		return -EACCES;
	}
	if (!env_may_sleep(env)) {
		vlog(env, "kernel func %s is sleepable within %s region\n", kf->name,
		     region_name(env));
		return -EACCES;
	}
	return 0;
}

/* The one argument that holds a reference gives it up. */
static int release(struct env *env, const struct kfunc *kf, int n)
{
	for (int i = 1; i <= n; i++) {
		const struct reg *r = &env_regs(env)[i];

		if (r->type == R_BTF && r->ref && !ref_release(env, r->ref))
			return 0;
	}
	vlog(env, "release kernel function %s expects refcounted PTR_TO_BTF_ID\n", kf->name);
	return -EINVAL;
}

int kfunc_call(struct env *env, const struct kfunc *kf)
{
	uint32_t iter_ref = 0;
	int n;

	UA_TRY(check_callable(env, kf));
	UA_TRY(section_begin(env, kf));
	if (!env_may_sleep(env))
		env->aux[env->insn_idx].nosleep = true;
	n = kfunc_n_args(env->in->kfuncs, kf);
	for (int i = 0; i < n; i++)
		UA_TRY(check_arg(env, kf, i));
	if (kf->flags & KF_RELEASE)
		UA_TRY(release(env, kf, n));
	UA_TRY(iter_call(env, kf, &iter_ref));
	UA_TRY(section_call(env, kf));
	clobber_caller_saved(env);
	UA_TRY(set_result(env, kf, iter_ref));
	section_result(env, kf);
	return kf->flags & KF_ITER_NEXT ? iter_next(env) : 0;
}
