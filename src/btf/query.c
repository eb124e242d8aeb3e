/* SPDX-License-Identifier: BSD-2-Clause */
/* Queries on a checked BTF: names, resolved types, sizes, members, tags. */
#include "base/base.h"
#include "btf/btf.h"

const char *btf_name(const struct btf *btf, uint32_t name_off)
{
	const char *name = btf__str_by_offset(btf, name_off);

	return name ? name : "";
}

const char *btf_type_name(const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	return id && t ? btf_name(btf, t->name_off) : "";
}

const struct btf_type *btf_skip_quals(const struct btf *btf, uint32_t *id)
{
	const struct btf_type *t = btf__type_by_id(btf, *id);

	while (t && (btf_is_const(t) || btf_is_volatile(t) || btf_is_restrict(t) ||
		     btf_is_type_tag(t))) {
		*id = t->type;
		t = btf__type_by_id(btf, *id);
	}
	return t;
}

const struct btf_type *btf_resolve(const struct btf *btf, uint32_t *id)
{
	const struct btf_type *t = btf_skip_quals(btf, id);

	while (t && btf_is_typedef(t)) {
		*id = t->type;
		t = btf_skip_quals(btf, id);
	}
	return t;
}

int64_t btf_size(const struct btf *btf, uint32_t id)
{
	uint64_t count = 1, size;

	for (;;) {
		const struct btf_type *t = btf_resolve(btf, &id);

		UA_FAIL_IF(!t, -EINVAL);
		switch (btf_kind(t)) {
		case BTF_KIND_INT:
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION:
		case BTF_KIND_ENUM:
		case BTF_KIND_ENUM64:
		case BTF_KIND_DATASEC:
		case BTF_KIND_FLOAT:
			size = t->size;
			break;
		case BTF_KIND_PTR:
			size = sizeof(uint64_t);
			break;
		case BTF_KIND_VAR:
			id = t->type;
			continue;
		case BTF_KIND_ARRAY:
			UA_FAIL_IF(__builtin_mul_overflow(count, btf_array(t)->nelems, &count),
				   -E2BIG);
			id = btf_array(t)->type;
			continue;
		default:
			return -EINVAL;
		}
		UA_FAIL_IF(__builtin_mul_overflow(count, size, &size) || size > INT64_MAX, -E2BIG);
		return size;
	}
}

uint32_t btf_align(const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = btf_resolve(btf, &id);

	while (t && btf_is_array(t)) {
		id = btf_array(t)->type;
		t = btf_resolve(btf, &id);
	}
	if (!t)
		return 1;
	if (btf_is_ptr(t))
		return sizeof(uint64_t);
	if (btf_is_int(t) || btf_is_any_enum(t) || btf_is_float(t))
		return min_t(uint32_t, t->size ? t->size : 1, 16);
	return btf_is_composite(t) ? 8 : 1;
}

uint32_t btf_find(const struct btf *btf, const char *name, uint32_t kind)
{
	int id;

	id = kind ? btf__find_by_name_kind(btf, name, kind) : btf__find_by_name(btf, name);
	return id > 0 ? id : 0;
}

/* budget bounds the walk: nested anonymous members can share types, so that a small BTF
 * describes exponentially many places. */
static bool find_member(const struct btf *btf, uint32_t id, const char *name, uint32_t base,
			uint32_t *budget, struct btf_place *out)
{
	const struct btf_type *t = btf_resolve(btf, &id);
	const struct btf_member *m;

	if (!t || !btf_is_composite(t))
		return false;
	m = btf_members(t);
	for (uint32_t i = 0; i < btf_vlen(t) && *budget; i++) {
		uint32_t off = base + btf_member_bit_offset(t, i);

		--*budget;
		if (!strcmp(btf_name(btf, m[i].name_off), name)) {
			*out = (struct btf_place){m[i].type, off, btf_member_bitfield_size(t, i)};
			return true;
		}
		if (!m[i].name_off && find_member(btf, m[i].type, name, off, budget, out))
			return true;
	}
	return false;
}

bool btf_member(const struct btf *btf, uint32_t struct_id, const char *name, struct btf_place *out)
{
	uint32_t budget = 1 << 18;

	return *name && find_member(btf, struct_id, name, 0, &budget, out);
}

const char *btf_decl_tag_value(const struct btf *btf, uint32_t id, int component,
			       const char *prefix)
{
	uint32_t n = btf__type_cnt(btf);

	for (uint32_t i = 1; i < n; i++) {
		const struct btf_type *t = btf__type_by_id(btf, i);
		const char *name;

		if (!btf_is_decl_tag(t) || t->type != id ||
		    btf_decl_tag(t)->component_idx != component)
			continue;
		name = btf_name(btf, t->name_off);
		if (!strncmp(name, prefix, strlen(prefix)))
			return name + strlen(prefix);
	}
	return NULL;
}

bool btf_has_decl_tag(const struct btf *btf, uint32_t id, int component, const char *tag)
{
	uint32_t n = btf__type_cnt(btf);

	for (uint32_t i = 1; i < n; i++) {
		const struct btf_type *t = btf__type_by_id(btf, i);

		if (btf_is_decl_tag(t) && t->type == id &&
		    btf_decl_tag(t)->component_idx == component &&
		    !strcmp(btf_name(btf, t->name_off), tag))
			return true;
	}
	return false;
}

bool btf_ptr_has_type_tag(const struct btf *btf, uint32_t ptr_id, const char *tag)
{
	const struct btf_type *t = btf_resolve(btf, &ptr_id);

	if (!t || !btf_is_ptr(t))
		return false;
	for (t = btf__type_by_id(btf, t->type); t && btf_is_type_tag(t);
	     t = btf__type_by_id(btf, t->type))
		if (!strcmp(btf_name(btf, t->name_off), tag))
			return true;
	return false;
}

size_t btf_essential_len(const char *name)
{
	size_t len = strlen(name);

	/* "a___b": a non-empty name, three underscores, a non-empty flavour. */
	for (size_t i = len; i-- > 4;)
		if (name[i - 1] == '_' && name[i - 2] == '_' && name[i - 3] == '_' &&
		    name[i] != '_' && name[i - 4] != '_')
			return i - 3;
	return len;
}
