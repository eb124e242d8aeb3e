/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sections that kfuncs open and close: RCU, preemption, interrupts, resilient locks.
 *
 * Saved interrupt state lives in eight bytes on the stack and must be restored innermost first;
 * resilient locks may fail to be taken, and are released in reverse order too.
 */
#include "map/map.h"
#include "verify/env.h"

#define MAX_ERRNO 4095

static bool is(const struct kfunc *kf, const char *name)
{
	return !strcmp(kf->name, name);
}

/* -- Interrupt flags ------------------------------------------------------------------ */

static int flag_slot(struct env *env, int regno, struct slot **slot)
{
	const struct reg *r = &env_regs(env)[regno];
	int64_t off = (int64_t)r->off + (int64_t)r->s.var.value;

	if (r->type != R_STACK || !scalar_is_const(&r->s) || off % 8 || off >= 0 ||
	    off < -MAX_BPF_STACK || r->frame != env->st.depth) {
		vlog(env, "arg#%d doesn't point to an irq flag on stack\n", regno - 1);
		return -EINVAL;
	}
	UA_TRY(frame_grow(env_frame(env), (uint32_t)(-off / 8)));
	touch_slot(env, r->frame, (uint32_t)(-off / 8 - 1));
	*slot = &env_frame(env)->slots[-off / 8 - 1];
	return 0;
}

static bool saves_irq(const struct kfunc *kf)
{
	return is(kf, "bpf_local_irq_save") || is(kf, "bpf_res_spin_lock_irqsave");
}

static int irq_save(struct env *env, const struct kfunc *kf, int regno)
{
	struct slot *slot;
	uint32_t id;

	UA_TRY(flag_slot(env, regno, &slot));
	if (slot->kind[0] == SLOT_IRQ) {
		vlog(env, "expected uninitialized irq flag as arg#%d\n", regno - 1);
		return -EINVAL;
	}
	UA_TRY(mem_arg(env, regno, 8, false, ACC_WRITE, true));
	UA_TRY(flag_slot(env, regno, &slot));
	UA_TRY(ref_add(env, REF_IRQ, NULL, &id));
	memset(slot->kind, SLOT_IRQ, sizeof(slot->kind));
	reg_pointer(&slot->reg, R_IRQ, 0);
	slot->reg.ref = id;
	/* Which family of kfuncs saved it: they must not be mixed. */
	slot->reg.iter = is(kf, "bpf_local_irq_save");
	env->st.irq_id = id;
	return 0;
}

static uint32_t innermost_irq(const struct vstate *st)
{
	for (uint32_t i = st->n_refs; i--;)
		if (st->refs[i].kind == REF_IRQ)
			return st->refs[i].id;
	return 0;
}

static int irq_restore(struct env *env, const struct kfunc *kf, int regno)
{
	struct slot *slot;

	UA_TRY(flag_slot(env, regno, &slot));
	if (slot->kind[0] != SLOT_IRQ) {
		vlog(env, "expected an initialized irq flag as arg#%d\n", regno - 1);
		return -EINVAL;
	}
	if (slot->reg.iter != is(kf, "bpf_local_irq_restore")) {
		vlog(env, "irq flag acquired by %s kfuncs cannot be restored with %s kfuncs\n",
		     slot->reg.iter ? "native" : "lock", slot->reg.iter ? "lock" : "native");
		return -EINVAL;
	}
	if (slot->reg.ref != env->st.irq_id) {
		vlog(env,
		     "cannot restore irq state out of order, expected id=%u acquired at "
		     "insn_idx=%u\n",
		     env->st.irq_id,
		     ref_find(&env->st, env->st.irq_id) ? ref_find(&env->st, env->st.irq_id)->insn
							: 0);
		return -EACCES;
	}
	flow_read_slots(env, env->st.depth, ~0ull);
	UA_TRY(ref_drop(env, slot->reg.ref, REF_IRQ));
	env->st.irq_id = innermost_irq(&env->st);
	memset(slot, 0, sizeof(*slot));
	return 0;
}

int irq_flag_arg(struct env *env, const struct kfunc *kf, int regno)
{
	return saves_irq(kf) ? irq_save(env, kf, regno) : irq_restore(env, kf, regno);
}

/* -- Resilient locks --------------------------------------------------------------------- */

static int check_res_lock(struct env *env, int regno)
{
	const struct reg *r = &env_regs(env)[regno];
	int64_t off = (int64_t)r->off + (int64_t)r->s.var.value;

	if (r->type != R_MAP_VALUE) {
		vlog(env, "arg#%d doesn't point to map value or allocated object\n", regno - 1);
		return -EINVAL;
	}
	if (!scalar_is_const(&r->s)) {
		vlog(env,
		     "R%d doesn't have constant offset. bpf_res_spin_lock has to be at the "
		     "constant offset\n",
		     regno);
		return -EINVAL;
	}
	if (off != r->map->rec.res_spin_lock_off) {
		vlog(env, "off %lld doesn't point to 'struct bpf_res_spin_lock' that is at %d\n",
		     (long long)off, r->map->rec.res_spin_lock_off);
		return -EINVAL;
	}
	return 0;
}

static int res_lock(struct env *env, const struct kfunc *kf, int regno)
{
	const struct reg *r = &env_regs(env)[regno];
	bool irq = is(kf, "bpf_res_spin_lock_irqsave");
	uint32_t id;

	for (uint32_t i = 0; i < env->st.n_refs; i++) {
		const struct ref *ref = &env->st.refs[i];

		if (ref->kind == REF_LOCK) {
			vlog(env,
			     "Cannot acquire bpf_res_spin_lock while holding a bpf_spin_lock\n");
			return -EINVAL;
		}
		if ((ref->kind == REF_RES_LOCK || ref->kind == REF_RES_LOCK_IRQ) &&
		    ref_is_lock(ref, r)) {
			vlog(env, "Acquiring the same lock again, AA deadlock detected\n");
			return -EINVAL;
		}
	}
	return ref_add(env, irq ? REF_RES_LOCK_IRQ : REF_RES_LOCK, r, &id);
}

static int res_unlock(struct env *env, const struct kfunc *kf, int regno)
{
	uint8_t kind = is(kf, "bpf_res_spin_unlock_irqrestore") ? REF_RES_LOCK_IRQ : REF_RES_LOCK;
	const struct ref *held = NULL;

	for (uint32_t i = env->st.n_refs; i-- && !held;)
		if (env->st.refs[i].kind == REF_RES_LOCK ||
		    env->st.refs[i].kind == REF_RES_LOCK_IRQ)
			held = &env->st.refs[i];
	if (!held) {
		vlog(env, "bpf_res_spin_unlock without taking a lock\n");
		return -EINVAL;
	}
	if (held->kind != kind || !ref_is_lock(held, &env_regs(env)[regno])) {
		vlog(env, "bpf_res_spin_unlock cannot be out of order\n");
		return -EINVAL;
	}
	return ref_drop(env, held->id, (enum ref_kind)kind);
}

int res_lock_arg(struct env *env, const struct kfunc *kf, int regno)
{
	UA_TRY(check_res_lock(env, regno));
	return strstr(kf->name, "unlock") ? res_unlock(env, kf, regno) : res_lock(env, kf, regno);
}

/* -- RCU and preemption ---------------------------------------------------------------------- */

static void rcu_lost(struct reg *r, void *arg)
{
	if (!(r->flags & RF_RCU) || r->type != R_BTF)
		return;
	r->flags = (uint8_t)((r->flags & ~(RF_RCU | RF_NULL)) | RF_UNTRUSTED);
}

static int rcu_unlock(struct env *env)
{
	if (!env->st.rcu) {
		vlog(env, "unmatched rcu read unlock (kernel function bpf_rcu_read_unlock)\n");
		return -EINVAL;
	}
	if (!--env->st.rcu && env->st.in_sleepable)
		vstate_each_reg(&env->st, rcu_lost, NULL);
	return 0;
}

int section_call(struct env *env, const struct kfunc *kf)
{
	if (is(kf, "bpf_rcu_read_lock")) {
		env->st.rcu++;
	} else if (is(kf, "bpf_rcu_read_unlock")) {
		return rcu_unlock(env);
	} else if (is(kf, "bpf_preempt_disable")) {
		env->st.preempt++;
	} else if (is(kf, "bpf_preempt_enable")) {
		if (!env->st.preempt) {
			vlog(env, "unmatched attempt to enable preemption (kernel function "
				  "bpf_preempt_enable)\n");
			return -EINVAL;
		}
		env->st.preempt--;
	}
	return 0;
}

static bool takes_res_lock(const struct kfunc *kf)
{
	return is(kf, "bpf_res_spin_lock") || is(kf, "bpf_res_spin_lock_irqsave");
}

/*
 * A resilient lock may not be had. That way nothing is held, but the place for the interrupt
 * state may have been written to.
 */
int section_begin(struct env *env, const struct kfunc *kf)
{
	struct vstate *failed;
	struct reg *regs;

	if (!takes_res_lock(kf))
		return 0;
	if (saves_irq(kf)) {
		UA_TRY(check_reg_read(env, BPF_REG_2));
		UA_TRY(mem_arg(env, BPF_REG_2, 8, false, ACC_WRITE, true));
	}
	failed = walk_push(env, env->insn_idx + 1);
	UA_FAIL_IF(!failed, env->push_err);
	regs = cur_frame(failed)->regs;
	memset(regs, 0, 6 * sizeof(*regs));
	reg_scalar(&regs[BPF_REG_0]);
	scalar_srange(&regs[BPF_REG_0].s, -MAX_ERRNO, -1);
	return 0;
}

void section_result(struct env *env, const struct kfunc *kf)
{
	if (takes_res_lock(kf))
		reg_const(&env_regs(env)[BPF_REG_0], 0);
}
