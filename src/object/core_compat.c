/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Three notions of "the same type", from loose to strict.
 *
 *   fields_compat  a member may be read as the other: kinds agree, sizes may differ
 *   types_compat   kinds agree all along, names do not matter but at the root (by the caller)
 *   types_match    local members and enumerators all exist and match in the kernel's type
 */
#include "object/core.h"

#define MAX_DEPTH 32

bool core_same_name(const char *a, const char *b)
{
	size_t n = btf_essential_len(a);

	return n == btf_essential_len(b) && !strncmp(a, b, n);
}

static bool same_kind(const struct btf_type *a, const struct btf_type *b)
{
	return btf_kind(a) == btf_kind(b) || (btf_is_any_enum(a) && btf_is_any_enum(b));
}

static bool anonymous_or_same(const char *a, const char *b)
{
	return !*a || !*b || core_same_name(a, b);
}

bool core_fields_compat(const struct btf *local, uint32_t local_id, const struct btf *kernel,
			uint32_t kernel_id)
{
	for (int depth = 0; depth < MAX_DEPTH; depth++) {
		const struct btf_type *l = btf_resolve(local, &local_id);
		const struct btf_type *k = btf_resolve(kernel, &kernel_id);

		if (btf_is_composite(l) && btf_is_composite(k))
			return true;
		if (!same_kind(l, k))
			return false;
		switch (btf_kind(l)) {
		case BTF_KIND_PTR:
		case BTF_KIND_FLOAT:
			return true;
		case BTF_KIND_INT:
			/* old-style bitfields carry an offset in the integer */
			return !btf_int_offset(l) && !btf_int_offset(k);
		case BTF_KIND_FWD:
		case BTF_KIND_ENUM:
		case BTF_KIND_ENUM64:
			return anonymous_or_same(btf_name(local, l->name_off),
						 btf_name(kernel, k->name_off));
		case BTF_KIND_ARRAY:
			local_id = btf_array(l)->type;
			kernel_id = btf_array(k)->type;
			continue;
		default:
			return false;
		}
	}
	return false;
}

static bool compat(const struct btf *local, uint32_t local_id, const struct btf *kernel,
		   uint32_t kernel_id, int depth);

static bool protos_compat(const struct btf *local, const struct btf_type *l,
			  const struct btf *kernel, const struct btf_type *k, int depth)
{
	if (btf_vlen(l) != btf_vlen(k))
		return false;
	for (uint32_t i = 0; i < btf_vlen(l); i++)
		if (!compat(local, btf_params(l)[i].type, kernel, btf_params(k)[i].type, depth))
			return false;
	return compat(local, l->type, kernel, k->type, depth);
}

static bool compat(const struct btf *local, uint32_t local_id, const struct btf *kernel,
		   uint32_t kernel_id, int depth)
{
	for (; depth < MAX_DEPTH; depth++) {
		const struct btf_type *l = btf_resolve(local, &local_id);
		const struct btf_type *k = btf_resolve(kernel, &kernel_id);

		if (!same_kind(l, k))
			return false;
		switch (btf_kind(l)) {
		case BTF_KIND_INT:
			return !btf_int_offset(l) && !btf_int_offset(k);
		case BTF_KIND_PTR:
			local_id = l->type;
			kernel_id = k->type;
			continue;
		case BTF_KIND_ARRAY:
			local_id = btf_array(l)->type;
			kernel_id = btf_array(k)->type;
			continue;
		case BTF_KIND_FUNC_PROTO:
			return protos_compat(local, l, kernel, k, depth + 1);
		default:
			return btf_kind(l) != BTF_KIND_VAR && btf_kind(l) != BTF_KIND_DATASEC;
		}
	}
	return false;
}

bool core_types_compat(const struct btf *local, uint32_t local_id, const struct btf *kernel,
		       uint32_t kernel_id)
{
	return compat(local, local_id, kernel, kernel_id, 0);
}

/* -- Match ---------------------------------------------------------------- */

/* Comparing members by name is quadratic and nests; the budget ends hostile comparisons. */
struct matcher {
	const struct btf *local, *kernel;
	uint32_t budget;
};

static bool match(struct matcher *m, uint32_t local_id, uint32_t kernel_id, bool behind_ptr,
		  int depth);

static bool match_enums(struct matcher *m, const struct btf_type *l, const struct btf_type *k)
{
	for (uint32_t i = 0; i < btf_vlen(l); i++) {
		uint32_t off =
			btf_is_enum64(l) ? btf_enum64(l)[i].name_off : btf_enum(l)[i].name_off;
		const char *name = btf_name(m->local, off);
		bool found = false;

		for (uint32_t j = 0; j < btf_vlen(k) && !found && m->budget; j++, m->budget--) {
			off = btf_is_enum64(k) ? btf_enum64(k)[j].name_off
					       : btf_enum(k)[j].name_off;
			found = core_same_name(name, btf_name(m->kernel, off));
		}
		if (!found)
			return false;
	}
	return true;
}

static bool match_member(struct matcher *m, const struct btf_member *member,
			 const struct btf_type *k, int depth)
{
	const char *name = btf_name(m->local, member->name_off);

	for (uint32_t i = 0; i < btf_vlen(k) && m->budget; i++) {
		const struct btf_member *other = &btf_members(k)[i];
		const char *other_name = btf_name(m->kernel, other->name_off);

		m->budget--;
		if (*name && !core_same_name(name, other_name))
			continue;
		if (!*name && *other_name)
			continue;
		if (match(m, member->type, other->type, false, depth))
			return true;
	}
	return false;
}

static bool match_composites(struct matcher *m, const struct btf_type *l, const struct btf_type *k,
			     int depth)
{
	for (uint32_t i = 0; i < btf_vlen(l); i++)
		if (!match_member(m, &btf_members(l)[i], k, depth))
			return false;
	return true;
}

static bool match_protos(struct matcher *m, const struct btf_type *l, const struct btf_type *k,
			 int depth)
{
	if (btf_vlen(l) != btf_vlen(k))
		return false;
	for (uint32_t i = 0; i < btf_vlen(l); i++)
		if (!match(m, btf_params(l)[i].type, btf_params(k)[i].type, false, depth))
			return false;
	return match(m, l->type, k->type, false, depth);
}

static bool fwd_for(const struct btf_type *a, const struct btf_type *b)
{
	return btf_is_fwd(a) &&
	       (btf_is_fwd(b) ? btf_kflag(a) == btf_kflag(b)
			      : btf_is_composite(b) && btf_kflag(a) == btf_is_union(b));
}

static bool match_kind(struct matcher *m, const struct btf_type *l, const struct btf_type *k,
		       bool behind_ptr, int depth)
{
	if (behind_ptr && (fwd_for(l, k) || fwd_for(k, l)))
		return true;
	if (!same_kind(l, k))
		return false;
	switch (btf_kind(l)) {
	case BTF_KIND_UNKN: /* void */
	case BTF_KIND_FWD:
		return true;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return match_enums(m, l, k);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		/* behind a pointer the name suffices */
		return behind_ptr || match_composites(m, l, k, depth);
	case BTF_KIND_INT:
		return l->size == k->size &&
		       !((btf_int_encoding(l) ^ btf_int_encoding(k)) & BTF_INT_SIGNED);
	case BTF_KIND_FLOAT:
		return l->size == k->size;
	case BTF_KIND_PTR:
		return match(m, l->type, k->type, true, depth);
	case BTF_KIND_ARRAY:
		return (!btf_array(l)->nelems || btf_array(l)->nelems == btf_array(k)->nelems) &&
		       match(m, btf_array(l)->type, btf_array(k)->type, false, depth);
	case BTF_KIND_FUNC_PROTO:
		return match_protos(m, l, k, depth);
	default:
		return false;
	}
}

static bool match(struct matcher *m, uint32_t local_id, uint32_t kernel_id, bool behind_ptr,
		  int depth)
{
	const struct btf_type *l, *k;

	if (depth >= MAX_DEPTH || !m->budget)
		return false;
	m->budget--;
	l = btf_resolve(m->local, &local_id);
	k = btf_resolve(m->kernel, &kernel_id);
	if (!anonymous_or_same(btf_name(m->local, l->name_off), btf_name(m->kernel, k->name_off)) &&
	    !btf_is_int(l))
		return false;
	return match_kind(m, l, k, behind_ptr, depth + 1);
}

bool core_types_match(const struct btf *local, uint32_t local_id, const struct btf *kernel,
		      uint32_t kernel_id)
{
	struct matcher m = {local, kernel, 1 << 20};

	return match(&m, local_id, kernel_id, false, 0);
}
