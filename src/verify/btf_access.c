/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loads through pointers to kernel types, and the few stores that are allowed.
 *
 * A pointer found in an object is not trusted: it may be stale or NULL, so that loads through
 * it are probed and kfuncs do not take it. Exceptions are fields known to be valid as long as
 * the object, under RCU or always. Helpers, which are older than that distinction, take what was
 * found in an RCU section as well.
 */
#include "map/map.h"
#include "verify/env.h"

#define FIELD_ERR(...)                  \
	do {                            \
		vlog(env, __VA_ARGS__); \
		return -EACCES;         \
	} while (0)

/* Fields whose targets live as long as the object, or as long as an RCU section. */
static const struct {
	const char *type, *field;
	uint8_t flags;
} safe_fields[] = {
	{"task_struct", "cpus_ptr", RF_RCU},
	{"task_struct", "cgroups", RF_RCU},
	{"task_struct", "real_parent", RF_RCU},
	{"task_struct", "group_leader", RF_RCU},
	{"css_set", "dfl_cgrp", RF_RCU},
	{"bpf_iter_meta", "seq", RF_TRUSTED},
	{"cgroup", "kn", RF_RCU},
};

struct place {
	uint32_t type_id;   /* of the member reached */
	uint32_t in_struct; /* struct that has it */
	const char *name;
	uint32_t off; /* inside the member */
};

/* -- Walking a type down to an offset ------------------------------------------------ */

static const struct btf_member *member_at(const struct btf *btf, const struct btf_type *t,
					  uint32_t off, uint32_t *moff)
{
	const struct btf_member *found = NULL;

	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		uint32_t bit = btf_member_bit_offset(t, i), bits = btf_member_bitfield_size(t, i);
		int64_t size =
			bits ? (bit % 8 + bits + 7) / 8 : btf_size(btf, btf_members(t)[i].type);

		if (off < bit / 8 || size < 0 || off >= bit / 8 + (uint64_t)size)
			continue;
		found = &btf_members(t)[i];
		*moff = bit / 8;
		break;
	}
	return found;
}

static int walk(struct env *env, uint32_t id, uint32_t off, uint32_t size, struct place *out)
{
	const struct btf *btf = env->in->engine_btf;

	for (;;) {
		const struct btf_type *t = btf_resolve(btf, &id);
		const struct btf_member *m;
		uint32_t moff = 0;

		if (btf_is_array(t)) {
			int64_t elem = btf_size(btf, btf_array(t)->type);

			if (elem <= 0)
				return -EACCES;
			off %= (uint32_t)elem;
			id = btf_array(t)->type;
			continue;
		}
		if (!btf_is_composite(t)) {
			out->type_id = id;
			out->off = off;
			return 0;
		}
		if ((uint64_t)off + size > t->size)
			FIELD_ERR("access beyond struct %s at off %u size %u\n",
				  btf_name(btf, t->name_off), off, size);
		m = member_at(btf, t, off, &moff);
		if (!m)
			FIELD_ERR("no field at off %u of struct %s\n", off,
				  btf_name(btf, t->name_off));
		out->in_struct = id;
		out->name = btf_name(btf, m->name_off);
		off -= moff;
		id = m->type;
	}
}

static uint8_t pointer_flags(struct env *env, const struct reg *from, const struct place *at)
{
	const char *type = btf_type_name(env->in->engine_btf, at->in_struct);
	bool in_rcu = env->st.rcu || !env_may_sleep(env);

	if (from->flags & RF_UNTRUSTED)
		return RF_UNTRUSTED;
	if (!(from->flags & (RF_TRUSTED | RF_RCU)) && !from->ref)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(safe_fields); i++) {
		if (strcmp(type, safe_fields[i].type) || strcmp(at->name, safe_fields[i].field))
			continue;
		if (safe_fields[i].flags & RF_TRUSTED)
			return from->flags & RF_TRUSTED ? RF_TRUSTED : RF_UNTRUSTED;
		return in_rcu ? RF_RCU : RF_UNTRUSTED;
	}
	return in_rcu ? 0 : RF_UNTRUSTED;
}

/* What a load of `size` bytes at `at` gives. */
static int load_result(struct env *env, const struct reg *from, const struct place *at,
		       uint32_t size, struct reg *out)
{
	const struct btf *btf = env->in->engine_btf;
	uint32_t id = at->type_id;
	const struct btf_type *t = btf__type_by_id(btf, id);

	if (!btf_is_ptr(t))
		return 0;
	if (at->off || size != 8)
		FIELD_ERR("cannot access ptr member %s with moff 0 in struct %s with off %u size "
			  "%u\n",
			  at->name, btf_type_name(btf, at->in_struct), at->off, size);
	id = t->type;
	t = btf_resolve(btf, &id);
	if (!id || !btf_is_composite(t))
		return 0;
	reg_pointer(out, R_BTF, pointer_flags(env, from, at));
	out->btf_id = id;
	return 0;
}

/* -- Stores ----------------------------------------------------------------------------- */

static bool is_sched_ops(const struct env *env)
{
	return env->in->prog_type == BPF_PROG_TYPE_STRUCT_OPS && env->in->member_btf_type &&
	       strstr(btf_type_name(env->in->engine_btf, env->in->member_btf_type),
		      "sched_ext_ops");
}

/* sched_ext programs may set three members of a task. */
static int check_store(struct env *env, const struct reg *r, uint32_t off, uint32_t size)
{
	static const char *const fields[] = {"slice", "dsq_vtime", "disallow"};
	const struct btf *btf = env->in->engine_btf;
	struct btf_place scx, field;

	if (!is_sched_ops(env)) {
		vlog(env, "only read is supported\n");
		return -EACCES;
	}
	if (strcmp(btf_type_name(btf, r->btf_id), "task_struct") || r->flags & RF_UNTRUSTED ||
	    !btf_member(btf, r->btf_id, "scx", &scx))
		return -EACCES;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		uint32_t at;

		if (!btf_member(btf, scx.type_id, fields[i], &field))
			continue;
		at = (scx.bit_off + field.bit_off) / 8;
		if (off >= at && off + size <= at + (uint32_t)btf_size(btf, field.type_id))
			return 0;
	}
	vlog(env, "store into struct task_struct at off %u size %u is not allowed\n", off, size);
	return -EACCES;
}

/* -- Entry points --------------------------------------------------------------------------- */

static int check_offset(struct env *env, const struct reg *r, int regno, int off)
{
	const char *name =
		r->type == R_BTF ? btf_type_name(env->in->engine_btf, r->btf_id) : "bpf_map";
	char buf[64];

	if (r->off + off < 0)
		FIELD_ERR("R%d is ptr_%s invalid negative access: off=%d\n", regno, name,
			  r->off + off);
	if (!scalar_is_const(&r->s) || r->s.var.value) {
		tnum_print(buf, sizeof(buf), r->s.var);
		FIELD_ERR("R%d is ptr_%s invalid variable offset: off=%d, var_off=%s\n", regno,
			  name, r->off + off, buf);
	}
	return 0;
}

int btf_access(struct env *env, int regno, int off, int size, enum access acc, struct reg *out)
{
	const struct reg r = env_regs(env)[regno];
	struct place at = {0};

	UA_TRY(check_offset(env, &r, regno, off));
	if (r.flags & RF_PERCPU)
		FIELD_ERR("R%d is ptr_%s access percpu memory: off=%d\n", regno,
			  btf_type_name(env->in->engine_btf, r.btf_id), r.off + off);
	if (acc == ACC_WRITE)
		return check_store(env, &r, (uint32_t)(r.off + off), (uint32_t)size);
	env->aux[env->insn_idx].probe = true;
	UA_TRY(walk(env, r.btf_id, (uint32_t)(r.off + off), (uint32_t)size, &at));
	return load_result(env, &r, &at, (uint32_t)size, out);
}

int map_ptr_access(struct env *env, int regno, int off, int size, enum access acc, struct reg *out)
{
	const struct reg r = env_regs(env)[regno];
	const char *name = map_arena(r.map) ? "bpf_arena" : "bpf_map";
	uint32_t id = btf_find(env->in->engine_btf, name, BTF_KIND_STRUCT);
	struct place at = {0};

	if (!id)
		FIELD_ERR("map_ptr access not supported for map type %u\n", r.map->v.map_type);
	UA_TRY(check_offset(env, &r, regno, off));
	if (acc == ACC_WRITE)
		FIELD_ERR("only read from %s is supported\n", name);
	UA_TRY(walk(env, id, (uint32_t)(r.off + off), (uint32_t)size, &at));
	return load_result(env, &r, &at, (uint32_t)size, out);
}
