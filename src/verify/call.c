/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls between functions of the program, callbacks, and returns.
 *
 * Static functions are walked at every call, with what the caller knows. Global ones are
 * walked once, for any arguments that fit their prototype (subprog.c). A callback is queued as
 * a path of its own that returns to the calling instruction, which is then taken again: as
 * often as the states differ.
 */
#include <bpf/btf.h>
#include "abi/helpers.h"
#include "verify/env.h"

/* -- Local calls ------------------------------------------------------------------- */

static int frame_push(struct env *env, struct vstate *st, uint32_t func)
{
	struct frame *f;

	if (st->depth + 1 >= MAX_CALL_FRAMES) {
		vlog(env, "the call stack of %u frames is too deep\n", st->depth + 2);
		return -E2BIG;
	}
	f = st->frames[st->depth + 1];
	if (!f)
		f = st->frames[st->depth + 1] = frame_new();
	UA_FAIL_IF(!f, -ENOMEM);
	memset(f->regs, 0, sizeof(f->regs));
	memset(f->set_at, 0, sizeof(f->set_at));
	f->n_slots = 0;
	f->func = func;
	f->callsite = env->insn_idx;
	f->is_callback = f->is_async = false;
	f->callback_depth = 0;
	f->n_refs = st->n_refs;
	UA_TRY(flow_enter(env, st->frames[st->depth]->inst, func, &f->inst));
	st->frames[++st->depth] = f;
	reg_pointer(&f->regs[BPF_REG_FP], R_STACK, 0);
	f->regs[BPF_REG_FP].frame = (uint8_t)st->depth;
	return 0;
}

static void log_call(struct env *env)
{
	if (!env->log || !(env->log->level & (LOG_LEVEL1 | LOG_LEVEL2)))
		return;
	vlog(env, "caller:\n");
	print_state(env, &env->st, env->st.depth - 1, true);
	vlog(env, "callee:\n");
	print_state(env, &env->st, env->st.depth, true);
}

static int call_static(struct env *env, uint32_t func)
{
	struct reg args[6];

	memcpy(args, env_regs(env), sizeof(args));
	UA_TRY(frame_push(env, &env->st, func));
	memcpy(&env_regs(env)[1], &args[1], 5 * sizeof(*args));
	memset(env->st.frames[env->st.depth - 1]->regs, 0, 6 * sizeof(*args));
	env->next_insn = env->funcs[func].start;
	env->due = DUE_STATE;
	log_call(env);
	return 0;
}

static int call_local(struct env *env, const struct bpf_insn *insn)
{
	uint32_t f = (uint32_t)func_at(env, env->insn_idx + 1 + (uint32_t)insn->imm);
	struct func *func = &env->funcs[f];

	if (!func->is_global)
		return call_static(env, f);
	if (env->st.n_locks) {
		vlog(env, "global function calls are not allowed while holding a lock,\n"
			  "use static function instead\n");
		return -EINVAL;
	}
	if (func->might_sleep && !env_may_sleep(env)) {
		vlog(env,
		     "global functions that may sleep are not allowed in non-sleepable context,\n"
		     "i.e., in a RCU/IRQ/preempt-disabled section, or in\n"
		     "a non-sleepable BPF program context\n");
		return -EINVAL;
	}
	UA_TRY(subprog_check_args(env, f));
	if (env->log && env->log->level & LOG_LEVEL2)
		vlog(env, "Func#%u ('%s') is global and assumed valid.\n", f, func->name);
	func->called = true;
	clobber_caller_saved(env);
	reg_scalar(&env_regs(env)[BPF_REG_0]);
	touch_reg(env, BPF_REG_0);
	return 0;
}

/* -- Callbacks ------------------------------------------------------------------------ */

static int enter_sync(struct env *env, const struct callback *cb)
{
	struct vstate *st = walk_push(env, env->funcs[cb->func].start);
	struct frame *caller;

	UA_FAIL_IF(!st, env->push_err);
	caller = cur_frame(st);
	caller->callback_depth++;
	env_frame(env)->callback_depth = 0;
	UA_TRY(frame_push(env, st, cb->func));
	cur_frame(st)->is_callback = true;
	cur_frame(st)->ret_min = cb->ret_min;
	cur_frame(st)->ret_max = cb->ret_max;
	cb->set_args(env, caller, cur_frame(st), cb);
	return 0;
}

/* Is the callback walked already? What it starts from depends on its map only. */
static int async_known(struct env *env, const struct callback *cb)
{
	for (uint32_t i = 0; i < env->n_asyncs; i++)
		if (env->asyncs[i].func == cb->func && env->asyncs[i].map == cb->map)
			return 1;
	UA_TRY(UA_GROW(&env->asyncs, &env->cap_asyncs, env->n_asyncs + 1));
	env->asyncs[env->n_asyncs++] = (struct async){cb->func, cb->map};
	return 0;
}

/* Runs later, alone: no caller, nothing held, no sleeping. */
static int enter_async(struct env *env, const struct callback *cb)
{
	struct vstate *st;
	struct frame *f;
	int known;

	UA_TRY(known = async_known(env, cb));
	if (known)
		return 0;
	st = walk_push(env, env->funcs[cb->func].start);
	UA_FAIL_IF(!st, env->push_err);
	prune_path_done(env, st->parent);
	st->parent = NULL;
	st->depth = 0;
	st->n_refs = st->n_locks = st->rcu = st->preempt = st->irq_id = st->may_goto_depth = 0;
	st->in_sleepable = false;
	f = st->frames[0];
	memset(f->regs, 0, sizeof(f->regs));
	memset(f->set_at, 0, sizeof(f->set_at));
	f->n_slots = 0;
	f->func = cb->func;
	f->callsite = UINT32_MAX;
	f->callback_depth = 0;
	f->n_refs = 0;
	f->is_callback = f->is_async = true;
	f->ret_min = cb->ret_min;
	f->ret_max = cb->ret_max;
	UA_TRY(flow_enter(env, NULL, cb->func, &f->inst));
	reg_pointer(&f->regs[BPF_REG_FP], R_STACK, 0);
	env->funcs[cb->func].is_async = true;
	cb->set_args(env, env_frame(env), f, cb);
	return 0;
}

int callback_enter(struct env *env, const struct callback *cb)
{
	return cb->async ? enter_async(env, cb) : enter_sync(env, cb);
}

/* -- Returns --------------------------------------------------------------------------- */

static int ret_denied(struct env *env, const struct reg *r0, const char *where, int min, int max)
{
	char name[64];

	if (r0->type != R_SCALAR) {
		vlog(env, "%s the register R0 is not a known value (%s)\n", where,
		     reg_type_name(r0, name));
		return -EINVAL;
	}
	vlog(env, "%s the register R0 has", where);
	if (r0->s.smin > INT64_MIN)
		vlog(env, " smin=%lld", (long long)r0->s.smin);
	if (r0->s.smax < INT64_MAX)
		vlog(env, " smax=%lld", (long long)r0->s.smax);
	if (r0->s.smin == INT64_MIN && r0->s.smax == INT64_MAX)
		vlog(env, " unknown scalar value");
	vlog(env, " should have been in [%d, %d]\n", min, max);
	return -EINVAL;
}

static int check_range(struct env *env, const char *where, int min, int max)
{
	const struct reg *r0 = &env_regs(env)[BPF_REG_0];

	if (r0->type != R_SCALAR)
		return ret_denied(env, r0, where, min, max);
	flow_need_reg(env, BPF_REG_0);
	if (r0->s.smin < min || r0->s.smax > max)
		return ret_denied(env, r0, where, min, max);
	return 0;
}

/* What the main function may return. */
static int check_main_return(struct env *env)
{
	const struct verify_in *in = env->in;
	int min, max;

	if (in->prog_type == BPF_PROG_TYPE_STRUCT_OPS && in->member_proto &&
	    !in->member_proto->type)
		return 0;
	UA_TRY(check_reg_read(env, BPF_REG_0));
	if (!prog_type_returns(env, &min, &max))
		return 0;
	return check_range(env, "At program exit", min, max);
}

static int exit_top(struct env *env)
{
	const struct frame *f = env_frame(env);

	UA_TRY(ref_check_exit(env, "BPF_EXIT instruction in main prog"));
	env->path_dead = true;
	if (f->is_async) {
		UA_TRY(check_reg_read(env, BPF_REG_0));
		return check_range(env, "At async callback return", f->ret_min, f->ret_max);
	}
	if (env->top_func == 0)
		return check_main_return(env);
	if (env->funcs[env->top_func].returns_void)
		return 0;
	UA_TRY(check_reg_read(env, BPF_REG_0));
	if (env_regs(env)[BPF_REG_0].type == R_SCALAR || env_regs(env)[BPF_REG_0].type == R_ARENA)
		return 0;
	return ret_denied(env, &env_regs(env)[BPF_REG_0], "At subprogram exit", 0, 0);
}

static int return_callback(struct env *env, const struct frame *f)
{
	UA_TRY(check_reg_read(env, BPF_REG_0));
	if (f->ret_min <= f->ret_max)
		UA_TRY(check_range(env, "At callback return", f->ret_min, f->ret_max));
	if (env->st.n_refs == f->n_refs)
		return 0;
	if (env->st.n_refs > f->n_refs)
		vlog(env, "Unreleased reference id=%u alloc_insn=%u\n",
		     env->st.refs[env->st.n_refs - 1].id, env->st.refs[env->st.n_refs - 1].insn);
	else
		vlog(env, "callback releases a reference of its caller\n");
	return -EINVAL;
}

/* The callee's frame is still there, one above the current one. */
static void log_return(struct env *env)
{
	if (!env->log || !(env->log->level & (LOG_LEVEL1 | LOG_LEVEL2)))
		return;
	vlog(env, "returning from callee:\n");
	print_state(env, &env->st, env->st.depth + 1, true);
	vlog(env, "to caller at %u:\n", env->next_insn);
	print_state(env, &env->st, env->st.depth, true);
}

static int return_local(struct env *env)
{
	struct vstate *st = &env->st;
	struct frame *f = env_frame(env), *caller = st->frames[st->depth - 1];
	struct reg r0 = f->regs[BPF_REG_0];
	bool callback = f->is_callback;

	if (r0.type == R_STACK) {
		vlog(env, "cannot return stack pointer to the caller\n");
		return -EINVAL;
	}
	if (callback)
		UA_TRY(return_callback(env, f));
	else
		caller->regs[BPF_REG_0] = r0;
	env->next_insn = callback ? f->callsite : f->callsite + 1;
	st->depth--;
	flow_walked(env, caller, f->callsite, env->next_insn);
	if (callback)
		UA_TRY(prune_widen(env, st, env->next_insn));
	touch_reg(env, BPF_REG_0);
	env->due = DUE_RETURN;
	log_return(env);
	return 0;
}

/*
 * A load behind the end of the packet, or a tail call, ends the function that makes it, with
 * `value` or with whatever the other program returns. The path that does not end there waits.
 */
int return_early(struct env *env, const struct reg *value)
{
	if (!env->st.depth)
		return 0;
	UA_FAIL_IF(!walk_push(env, env->next_insn), env->push_err);
	env_regs(env)[BPF_REG_0] = *value;
	return return_local(env);
}

int exit_step(struct env *env)
{
	return env->st.depth ? return_local(env) : exit_top(env);
}

int call_step(struct env *env, const struct bpf_insn *insn)
{
	const struct kfunc *kf = env->aux[env->insn_idx].kfunc;
	bool unlock = !insn->src_reg && insn->imm == BPF_FUNC_spin_unlock;

	env->jmps_processed++;
	if (env->st.n_locks && !unlock && insn->src_reg != BPF_PSEUDO_CALL &&
	    !(kf && kf->flags & KF_LOCK_OK)) {
		vlog(env, "function calls are not allowed while holding a lock\n");
		return -EINVAL;
	}
	if (insn->src_reg == BPF_PSEUDO_CALL)
		return call_local(env, insn);
	if (insn->src_reg == BPF_PSEUDO_KFUNC_CALL)
		return kfunc_call(env, kf);
	return helper_call(env, (uint32_t)insn->imm);
}
