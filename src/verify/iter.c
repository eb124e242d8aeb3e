/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Open-coded iterators: an object on the stack, made by NAME_new, stepped by NAME_next, which
 * must be destroyed by NAME_destroy.
 *
 * Each step is walked both ways: drained (NULL), and active once more. The active way counts
 * the iterator's depth and forgets numbers nobody relied on, so that the loop converges.
 */
#include <bpf/btf.h>
#include "verify/env.h"

static const char *iter_name(const struct env *env, uint32_t btf_id)
{
	return btf_type_name(env->in->engine_btf, btf_id) + strlen("bpf_");
}

static int slot_of(struct env *env, int regno, uint32_t *slot)
{
	const struct reg *r = &env_regs(env)[regno];
	int64_t off = (int64_t)r->off + (int64_t)r->s.var.value;

	if (r->type != R_STACK || !scalar_is_const(&r->s) || off % 8 || off >= 0 ||
	    off < -MAX_BPF_STACK) {
		vlog(env, "arg#%d expected pointer to an iterator on stack\n", regno - 1);
		return -EINVAL;
	}
	*slot = (uint32_t)(-off / 8 - 1);
	return 0;
}

/* The iterator's `n` slots, from `first` (lowest address) upwards. */
static bool is_iter(const struct frame *f, uint32_t first, uint32_t n, uint32_t btf_id)
{
	if (first + 1 < n || first >= f->n_slots)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		const struct slot *s = &f->slots[first - i];

		if (s->kind[0] != SLOT_ITER || s->reg.btf_id != btf_id ||
		    !!(s->reg.flags & RF_FIXED_FIRST) != !i)
			return false;
	}
	return true;
}

static int make(struct env *env, struct frame *f, uint32_t first, uint32_t n, uint32_t btf_id)
{
	uint32_t ref;

	UA_TRY(ref_add(env, REF_PTR, NULL, &ref));
	for (uint32_t i = 0; i < n; i++) {
		struct slot *s = &f->slots[first - i];

		memset(s->kind, SLOT_ITER, sizeof(s->kind));
		reg_pointer(&s->reg, R_ITER, i ? 0 : RF_FIXED_FIRST);
		s->reg.btf_id = btf_id;
		s->reg.iter = ITER_ACTIVE;
		s->reg.ref = ref;
		touch_slot(env, env->st.depth, first - i);
	}
	return 0;
}

static int check_new(struct env *env, struct frame *f, const struct kfunc_arg *arg, int regno,
		     uint32_t first, uint32_t n)
{
	UA_TRY(mem_arg(env, regno, n * 8, false, ACC_WRITE, true));
	return make(env, f, first, n, arg->btf_type);
}

static int not_initialized(struct env *env, int regno, uint32_t btf_id)
{
	vlog(env, "expected an initialized %s as arg #%d\n", iter_name(env, btf_id), regno - 1);
	return -EINVAL;
}

int iter_arg(struct env *env, const struct kfunc *kf, const struct kfunc_arg *arg, int regno)
{
	uint32_t first, n = (uint32_t)(btf_size(env->in->engine_btf, arg->btf_type) + 7) / 8;
	const struct reg *r = &env_regs(env)[regno];
	struct frame *f;

	UA_TRY(slot_of(env, regno, &first));
	f = env->st.frames[r->frame];
	if (first + 1 < n) {
		vlog(env, "arg#%d expected pointer to an iterator on stack\n", regno - 1);
		return -EINVAL;
	}
	if (kf->flags & KF_ITER_NEW) {
		if (!is_iter(f, first, n, arg->btf_type))
			return check_new(env, f, arg, regno, first, n);
		vlog(env, "expected uninitialized %s as arg #%d\n", iter_name(env, arg->btf_type),
		     regno - 1);
		return -EINVAL;
	}
	if (!is_iter(f, first, n, arg->btf_type))
		return not_initialized(env, regno, arg->btf_type);
	for (uint32_t i = 0; i < n; i++)
		flow_read_slots(env, r->frame, 1ull << (first - i));
	env->iter_frame = r->frame;
	env->iter_slot = first;
	env->iter_slots = n;
	return 0;
}

static struct reg *iter_reg(struct env *env, struct vstate *st)
{
	return &st->frames[env->iter_frame]->slots[env->iter_slot].reg;
}

static int destroy(struct env *env)
{
	struct frame *f = env->st.frames[env->iter_frame];
	uint32_t ref = iter_reg(env, &env->st)->ref;

	for (uint32_t i = 0; i < env->iter_slots; i++) {
		memset(&f->slots[env->iter_slot - i], 0, sizeof(*f->slots));
		touch_slot(env, env->iter_frame, env->iter_slot - i);
	}
	return ref_release(env, ref);
}

/* After the arguments, before the result. */
int iter_call(struct env *env, const struct kfunc *kf, uint32_t *ref)
{
	if (kf->flags & KF_ITER_DESTROY)
		return destroy(env);
	if (kf->flags & KF_ITER_NEXT)
		*ref = iter_reg(env, &env->st)->ref;
	return 0;
}

/* After the result: r0 is the element or NULL. */
int iter_next(struct env *env)
{
	struct reg *it = iter_reg(env, &env->st), *r0;
	struct vstate *active;

	if (it->iter == ITER_ACTIVE) {
		active = walk_push(env, env->insn_idx + 1);
		UA_FAIL_IF(!active, env->push_err);
		iter_reg(env, active)->iter_depth++;
		UA_TRY(prune_widen(env, active, env->insn_idx));
		r0 = &cur_frame(active)->regs[BPF_REG_0];
		r0->flags &= (uint8_t)~RF_NULL;
		r0->id = 0;
	}
	it->iter = ITER_DRAINED;
	reg_const(&env_regs(env)[BPF_REG_0], 0);
	touch_slot(env, env->iter_frame, env->iter_slot);
	return 0;
}
