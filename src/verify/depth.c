/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stack depth: 512 bytes along every chain of calls, eight frames, no recursion.
 *
 * A callback counts as called where its address is taken; one that runs from a timer begins a
 * chain of its own.
 */
#include "abi/helpers.h"
#include "verify/env.h"

/* Frames are rounded up as by a kernel that compiles; without its JIT they would be 32 bytes at
 * least. */
static uint32_t rounded(uint32_t depth)
{
	return (depth + 15) / 16 * 16;
}

struct chain {
	uint32_t func[MAX_CALL_FRAMES];
	uint32_t n, bytes;
};

static int called_at(const struct env *env, uint32_t i)
{
	const struct bpf_insn *insn = &env->insns[i];

	if (!env->aux[i].seen)
		return -1;
	if (insn->code == (BPF_JMP | BPF_CALL) && insn->src_reg == BPF_PSEUDO_CALL)
		return func_at(env, i + 1 + (uint32_t)insn->imm);
	if (insn_is_ldimm64(insn) && insn->src_reg == BPF_PSEUDO_FUNC &&
	    !env->funcs[env->aux[i].ld_value].is_async)
		return (int)env->aux[i].ld_value;
	return -1;
}

static int too_many(struct env *env, uint32_t frames)
{
	vlog(env, "the call stack of %u frames is too deep !\n", frames);
	return -E2BIG;
}

static int too_deep(struct env *env, const struct chain *c)
{
	vlog(env, "combined stack size of %u calls is %u. Too large\n", c->n, c->bytes);
	return -EACCES;
}

static int descend(struct env *env, struct chain *c, uint32_t f)
{
	struct func *func = &env->funcs[f];
	uint32_t own = rounded(func->stack_depth), deepest = 0, frames = 0;

	for (uint32_t i = 0; i < c->n; i++)
		if (c->func[i] == f) {
			vlog(env, "recursive call from %s() to %s()\n",
			     env->funcs[c->func[c->n - 1]].name, func->name);
			return -EINVAL;
		}
	if (func->max_frames) { /* seen from another caller */
		if (c->n + func->max_frames > MAX_CALL_FRAMES)
			return too_many(env, c->n + func->max_frames);
		c->bytes += func->max_stack;
		if (c->bytes > MAX_BPF_STACK)
			return too_deep(env, c);
		c->bytes -= func->max_stack;
		return 0;
	}
	if (c->n == MAX_CALL_FRAMES)
		return too_many(env, c->n + 1);
	c->func[c->n++] = f;
	c->bytes += own;
	if (c->bytes > MAX_BPF_STACK)
		return too_deep(env, c);
	for (uint32_t i = func->start; i < func->end; i++) {
		int callee = called_at(env, i);

		if (callee < 0)
			continue;
		UA_TRY(descend(env, c, (uint32_t)callee));
		deepest = max_t(uint32_t, deepest, env->funcs[callee].max_stack);
		frames = max_t(uint32_t, frames, env->funcs[callee].max_frames);
	}
	func->max_stack = own + deepest;
	func->max_frames = frames + 1;
	c->n--;
	c->bytes -= own;
	return 0;
}

int depth_check(struct env *env)
{
	struct chain c = {.n = 0};

	UA_TRY(descend(env, &c, 0));
	for (uint32_t f = 1; f < env->n_funcs; f++)
		if (env->funcs[f].is_async)
			UA_TRY(descend(env, &c, f));
	return 0;
}
