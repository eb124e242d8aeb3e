/* SPDX-License-Identifier: BSD-2-Clause */
/* Held resources: references, locks, saved interrupt state; and where sleeping is allowed. */
#include "verify/env.h"

int ref_add(struct env *env, enum ref_kind kind, const struct reg *lock, uint32_t *id)
{
	struct vstate *st = &env->st;

	if (st->n_refs == st->cap_refs) {
		uint32_t cap = st->cap_refs ? st->cap_refs * 2 : 4;
		struct ref *refs = mem_recalloc(st->refs, cap, sizeof(*refs));

		UA_FAIL_IF(!refs, -ENOMEM);
		st->refs = refs;
		st->cap_refs = cap;
	}
	*id = new_id(env);
	st->refs[st->n_refs] =
		(struct ref){.kind = (uint8_t)kind, .id = *id, .insn = env->insn_idx};
	if (lock) {
		st->refs[st->n_refs].uid = lock->map_uid;
		st->refs[st->n_refs].off = lock->off;
		st->refs[st->n_refs].map = lock->map;
	}
	st->n_refs++;
	st->n_locks += kind >= REF_LOCK && kind <= REF_RES_LOCK_IRQ;
	return 0;
}

const struct ref *ref_find(const struct vstate *st, uint32_t id)
{
	for (uint32_t i = 0; i < st->n_refs; i++)
		if (st->refs[i].id == id)
			return &st->refs[i];
	return NULL;
}

bool ref_is_lock(const struct ref *ref, const struct reg *lock)
{
	return ref->uid == lock->map_uid && ref->off == lock->off && ref->map == lock->map;
}

/* Order is kept: locks are released innermost first. */
int ref_drop(struct env *env, uint32_t id, enum ref_kind kind)
{
	struct vstate *st = &env->st;

	for (uint32_t i = 0; i < st->n_refs; i++)
		if (st->refs[i].id == id && st->refs[i].kind == kind) {
			memmove(&st->refs[i], &st->refs[i + 1],
				(st->n_refs - i - 1) * sizeof(*st->refs));
			st->n_refs--;
			st->n_locks -= kind >= REF_LOCK && kind <= REF_RES_LOCK_IRQ;
			return 0;
		}
	return -EINVAL;
}

static void invalidate(struct reg *r, void *arg)
{
	if (r->ref == *(uint32_t *)arg)
		reg_scalar(r);
}

int ref_release(struct env *env, uint32_t id)
{
	UA_TRY(ref_drop(env, id, REF_PTR));
	vstate_each_reg(&env->st, invalidate, &id);
	return 0;
}

static int region(struct env *env, const char *what, const char *which)
{
	vlog(env, "%s cannot be used inside %s-ed region\n", what, which);
	return -EINVAL;
}

/* Nothing may be held when the program ends. */
int ref_check_exit(struct env *env, const char *what)
{
	const struct vstate *st = &env->st;
	int err = 0;

	for (uint32_t i = 0; i < st->n_refs; i++)
		if (st->refs[i].kind == REF_PTR) {
			vlog(env, "Unreleased reference id=%u alloc_insn=%u\n", st->refs[i].id,
			     st->refs[i].insn);
			err = -EINVAL;
		}
	if (err) {
		vlog(env, "%s would lead to reference leak\n", what);
		return err;
	}
	if (st->n_locks)
		return region(env, what, "bpf_spin_lock");
	if (st->irq_id)
		return region(env, what, "bpf_local_irq_save");
	if (st->rcu)
		return region(env, what, "bpf_rcu_read_lock");
	if (st->preempt)
		return region(env, what, "bpf_preempt_disable");
	return 0;
}

bool env_may_sleep(const struct env *env)
{
	const struct vstate *st = &env->st;

	return st->in_sleepable && !st->rcu && !st->preempt && !st->irq_id && !st->n_locks;
}
