/* SPDX-License-Identifier: BSD-2-Clause */
/* The registry of struct_ops types: what their members are, from BTF. */
#include "prog/struct_ops.h"

#include "base/base.h"
#include "btf/btf.h"
#include "prog/struct_ops_type.h"

/* -- Members -------------------------------------------------------------------- */

/* Prototype behind a pointer to function, or 0. */
static uint32_t proto_of(const struct btf *btf, uint32_t type_id)
{
	const struct btf_type *t = btf_resolve(btf, &type_id);

	if (!btf_is_ptr(t))
		return 0;
	type_id = t->type;
	t = btf_resolve(btf, &type_id);
	return btf_is_func_proto(t) ? type_id : 0;
}

static bool cut(const char *name, size_t *len, const char *suffix)
{
	size_t n = strlen(suffix);

	if (*len < n || memcmp(name + *len - n, suffix, n))
		return false;
	*len -= n;
	return true;
}

static uint8_t marks_of(const char *param)
{
	size_t len = strlen(param);
	uint8_t flags = cut(param, &len, "__nullable") ? MEMBER_ARG_NULLABLE : 0;

	if (cut(param, &len, "__arena"))
		return flags | MEMBER_ARG_ARENA;
	return cut(param, &len, "__ref") ? flags | MEMBER_ARG_REF : flags;
}

/* The function whose parameter names carry the marks, or NULL. */
static const struct btf_type *stub_proto(const struct btf *btf, const char *type,
					 const char *member)
{
	const struct btf_type *func;
	char name[256];
	uint32_t id;

	snprintf(name, sizeof(name), "%s__%s", type, member);
	id = btf_find(btf, name, BTF_KIND_FUNC);
	func = id ? btf__type_by_id(btf, id) : NULL;
	return func ? btf__type_by_id(btf, func->type) : NULL;
}

static int fill_arg(const struct btf *btf, uint32_t type_id, struct member_arg_conv *a)
{
	const struct btf_type *t = btf_resolve(btf, &type_id);

	if (btf_is_ptr(t)) {
		int64_t pointee = btf_size(btf, t->type);

		a->size = 8;
		a->mem_size = pointee > 0 && pointee < UINT32_MAX ? (uint32_t)pointee : 0;
	} else if (btf_is_int(t)) {
		a->size = (uint8_t)t->size;
		a->is_signed = btf_int_encoding(t) & BTF_INT_SIGNED;
	} else if (btf_is_any_enum(t)) {
		a->size = (uint8_t)t->size;
		a->is_signed = btf_kflag(t);
	}
	return a->size == 1 || a->size == 2 || a->size == 4 || a->size == 8 ? 0 : -EINVAL;
}

static void fill_ret(const struct btf *btf, uint32_t type_id, struct struct_ops_member *m)
{
	const struct btf_type *t = btf_resolve(btf, &type_id);

	m->ret_errno = type_id && btf_is_int(t) && t->size >= sizeof(int) &&
		       (btf_int_encoding(t) & BTF_INT_SIGNED);
}

static int fill_function(const struct btf *btf, const char *type, struct struct_ops_member *m)
{
	const struct btf_type *proto = btf__type_by_id(btf, m->proto);
	const struct btf_type *stub = stub_proto(btf, type, m->name);

	m->n_args = btf_vlen(proto);
	if (m->n_args > STRUCT_OPS_MAX_ARGS || (stub && btf_vlen(stub) != m->n_args)) {
		log_warn("uarena: struct_ops %s: member %s: %s\n", type, m->name,
			 m->n_args > STRUCT_OPS_MAX_ARGS
				 ? "too many parameters"
				 : "its marked prototype has another number of parameters");
		return -EINVAL;
	}
	fill_ret(btf, proto->type, m);
	for (uint32_t i = 0; i < m->n_args; i++) {
		if (fill_arg(btf, btf_params(proto)[i].type, &m->args[i])) {
			log_warn("uarena: struct_ops %s: member %s: parameter %u is neither an "
				 "integer nor a pointer\n",
				 type, m->name, i);
			return -EINVAL;
		}
		if (stub)
			m->args[i].flags = marks_of(btf_name(btf, btf_params(stub)[i].name_off));
		m->arg_flags[i] = m->args[i].flags;
	}
	return 0;
}

static int fill_member(const struct btf *btf, const char *type, const struct btf_member *bm,
		       struct struct_ops_member *m)
{
	int64_t size = btf_size(btf, bm->type);

	m->name = mem_strdup(btf_name(btf, bm->name_off));
	UA_FAIL_IF(!m->name, -ENOMEM);
	m->proto = proto_of(btf, bm->type);
	m->size = size > 0 ? (uint32_t)size : 0;
	return m->proto ? fill_function(btf, type, m) : 0;
}

/* -- Types ------------------------------------------------------------------------- */

static void type_free(struct struct_ops_type *t)
{
	if (!t)
		return;
	for (uint32_t i = 0; t->members && i < t->n_members; i++)
		mem_free(t->members[i].name);
	mem_free(t->members);
	mem_free((char *)t->desc.name);
	pthread_mutex_destroy(&t->lock);
	mem_free(t);
}

static struct struct_ops_member *find_member(struct struct_ops_type *t, const char *name)
{
	for (uint32_t i = 0; i < t->n_members; i++)
		if (!strcmp(t->members[i].name, name))
			return &t->members[i];
	return NULL;
}

static int apply_marks(struct struct_ops_type *t)
{
	for (size_t i = 0; i < t->desc.n_marks; i++) {
		const struct struct_ops_mark *mark = &t->desc.marks[i];
		struct struct_ops_member *m = find_member(t, mark->member);

		if (!m || mark->arg >= m->n_args || m->args[mark->arg].size != 8) {
			log_warn("uarena: struct_ops %s: member %s has no pointer parameter %u\n",
				 t->desc.name, mark->member, mark->arg);
			return -EINVAL;
		}
		m->args[mark->arg].flags |= (uint8_t)mark->flags;
		m->arg_flags[mark->arg] |= (uint8_t)mark->flags;
	}
	t->desc.marks = NULL;
	t->desc.n_marks = 0;
	return 0;
}

static int fill_members(struct struct_ops_type *t, const struct btf *btf)
{
	const struct btf_type *st = btf__type_by_id(btf, t->type_id);

	t->n_members = btf_vlen(st);
	UA_FAIL_IF(t->n_members > STRUCT_OPS_MAX_MEMBERS, -E2BIG);
	t->members = mem_calloc(t->n_members, sizeof(*t->members));
	UA_FAIL_IF(!t->members, -ENOMEM);
	for (uint32_t i = 0; i < t->n_members; i++) {
		if (btf_member_bitfield_size(st, i)) {
			log_warn("uarena: struct_ops %s: bit fields are not supported\n",
				 t->desc.name);
			return -EINVAL;
		}
		t->members[i].off = btf_member_bit_offset(st, i) / 8;
		UA_TRY(fill_member(btf, t->desc.name, &btf_members(st)[i], &t->members[i]));
	}
	return apply_marks(t);
}

/* struct bpf_struct_ops_<name> { common; data aligned to 64 }, made if the BTF lacks it. */
static int value_type(struct engine *e, struct struct_ops_type *t)
{
	uint32_t common = btf_find(e->btf, "bpf_struct_ops_common_value", BTF_KIND_STRUCT);
	uint32_t size = (STRUCT_OPS_DATA_OFF + t->size + 63) & ~63u;
	char name[256];
	int id;

	snprintf(name, sizeof(name), "bpf_struct_ops_%s", t->desc.name);
	t->value_type_id = btf_find(e->btf, name, BTF_KIND_STRUCT);
	t->value_size = size;
	if (t->value_type_id) {
		t->value_size = btf__type_by_id(e->btf, t->value_type_id)->size;
		UA_FAIL_IF(t->value_size < STRUCT_OPS_DATA_OFF + t->size, -EINVAL);
		return 0;
	}
	id = btf__add_struct(e->btf, name, size);
	UA_TRY(id);
	t->value_type_id = (uint32_t)id;
	UA_TRY(btf__add_field(e->btf, "common", (int)common, 0, 0));
	return btf__add_field(e->btf, "data", (int)t->type_id, STRUCT_OPS_DATA_OFF * 8, 0);
}

static int type_fill(struct engine *e, struct struct_ops_type *t)
{
	t->type_id = btf_find(e->btf, t->desc.name, BTF_KIND_STRUCT);
	if (!t->type_id) {
		log_warn("uarena: struct_ops %s: no such struct in the engine's BTF\n",
			 t->desc.name);
		return -ENOENT;
	}
	t->size = btf__type_by_id(e->btf, t->type_id)->size;
	UA_TRY(value_type(e, t));
	return fill_members(t, e->btf);
}

static int type_add(struct engine *e, struct struct_ops_type *t)
{
	for (struct struct_ops_type *o = e->struct_ops_types; o; o = o->next)
		if (!strcmp(o->desc.name, t->desc.name)) {
			log_warn("uarena: struct_ops %s: registered twice\n", t->desc.name);
			return -EEXIST;
		}
	UA_TRY(engine_may_register(e));
	UA_TRY(type_fill(e, t));
	t->next = e->struct_ops_types;
	e->struct_ops_types = t;
	return 0;
}

int struct_ops_register(struct engine *e, const struct struct_ops_desc *desc,
			struct struct_ops_type **out)
{
	struct struct_ops_type *t = mem_zalloc(sizeof(*t));
	int err = -ENOMEM;

	UA_FAIL_IF(!t, -ENOMEM);
	t->desc = *desc;
	pthread_mutex_init(&t->lock, NULL);
	t->desc.name = mem_strdup(desc->name);
	if (t->desc.name) {
		pthread_mutex_lock(&e->lock);
		err = type_add(e, t);
		pthread_mutex_unlock(&e->lock);
	}
	if (err) {
		type_free(t);
		return err;
	}
	if (out)
		*out = t;
	return 0;
}

void struct_ops_free_types(struct engine *e)
{
	struct struct_ops_type *t;

	while ((t = e->struct_ops_types)) {
		e->struct_ops_types = t->next;
		type_free(t);
	}
}

struct struct_ops_type *struct_ops_find(struct engine *e, uint32_t type_id, uint32_t value_type_id)
{
	struct struct_ops_type *t;

	pthread_mutex_lock(&e->lock);
	for (t = e->struct_ops_types; t; t = t->next)
		if ((type_id && t->type_id == type_id) ||
		    (value_type_id && t->value_type_id == value_type_id))
			break;
	pthread_mutex_unlock(&e->lock);
	return t;
}

/* -- Loading a member's program -------------------------------------------------------- */

int struct_ops_fill_verify(struct engine *e, uint32_t attach_btf_id, struct prog *prog,
			   struct verify_in *v)
{
	struct struct_ops_type *t = struct_ops_find(e, attach_btf_id, 0);
	uint32_t idx = prog->expected_attach_type;
	struct struct_ops_member *m;

	if (!t) {
		log_warn("uarena: %s: attach_btf_id %u is not a supported struct\n", prog->name,
			 attach_btf_id);
		return -ENOTSUPP;
	}
	if (idx >= t->n_members || !t->members[idx].proto) {
		log_warn("uarena: %s: attach to invalid member idx %u of struct %s\n", prog->name,
			 idx, t->desc.name);
		return -EINVAL;
	}
	m = &t->members[idx];
	if (t->desc.check_member && t->desc.check_member(t->desc.arg, m->name, prog)) {
		log_warn("uarena: %s: attach to unsupported member %s of struct %s\n", prog->name,
			 m->name, t->desc.name);
		return -EINVAL;
	}
	prog->member_idx = idx;
	prog->member = m;
	prog->attach_btf_id = attach_btf_id;
	v->member_proto = btf__type_by_id(e->btf, m->proto);
	v->member_btf_type = t->type_id;
	v->member_idx = idx;
	v->member_arg_flags = m->arg_flags;
	v->member_sleepable = !t->desc.atomic;
	return 0;
}

bool struct_ops_arg_memory(const struct prog *prog, const uint64_t *args, uint64_t addr,
			   uint32_t size)
{
	const struct struct_ops_member *m = prog->member;

	for (uint32_t i = 0; m && i < m->n_args; i++) {
		uint64_t room = m->args[i].mem_size;

		if (args[i] && addr >= args[i] && addr - args[i] <= room &&
		    size <= room - (addr - args[i]))
			return true;
	}
	return false;
}
