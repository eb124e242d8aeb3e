/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Function prototypes of two BTFs: may one stand for the other, and how to write them down.
 *
 * Stricter than CO-RE's type compatibility where structs and integers are concerned, because
 * here a mismatch means that arguments are misread; but a pointer to void on the kernel's side
 * stands for a pointer to anything.
 */
#include "object/object.h"

/* -- Comparing -------------------------------------------------------------- */

static bool same_name(const struct btf *a, const struct btf_type *ta, const struct btf *b,
		      const struct btf_type *tb)
{
	const char *na = btf_name(a, ta->name_off), *nb = btf_name(b, tb->name_off);
	size_t n = btf_essential_len(na);

	return !n || !*nb || (n == btf_essential_len(nb) && !strncmp(na, nb, n));
}

static bool is_struct_like(const struct btf_type *t)
{
	return btf_is_composite(t) || btf_is_fwd(t);
}

static bool is_number(const struct btf_type *t)
{
	return btf_is_int(t) || btf_is_any_enum(t);
}

static bool same_pointee(const struct btf *local, uint32_t lid, const struct btf *kernel,
			 uint32_t kid)
{
	const struct btf_type *l = btf_resolve(local, &lid), *k = btf_resolve(kernel, &kid);

	if (!lid || !kid)
		return true;
	if (is_struct_like(l) && is_struct_like(k))
		return same_name(local, l, kernel, k);
	if (is_number(l) && is_number(k))
		return l->size == k->size;
	return btf_kind(l) == btf_kind(k);
}

static bool same_type(const struct btf *local, uint32_t lid, const struct btf *kernel, uint32_t kid)
{
	const struct btf_type *l = btf_resolve(local, &lid), *k = btf_resolve(kernel, &kid);

	if (!lid || !kid)
		return lid == kid;
	if (btf_is_ptr(l) && btf_is_ptr(k))
		return same_pointee(local, l->type, kernel, k->type);
	if (is_number(l) && is_number(k))
		return l->size == k->size;
	return btf_kind(l) == btf_kind(k) && same_name(local, l, kernel, k);
}

/* "()", as headers made from BTF say, is a single parameter without a type. */
static uint32_t n_params(const struct btf_type *proto)
{
	uint32_t n = btf_vlen(proto);

	return n == 1 && !btf_params(proto)->type ? 0 : n;
}

/* Kernels append parameters to operations; a program need not know of them. */
bool signature_serves(const struct btf *local, uint32_t local_proto, const struct btf *kernel,
		      uint32_t kernel_proto)
{
	const struct btf_type *l = btf__type_by_id(local, local_proto);
	const struct btf_type *k = btf__type_by_id(kernel, kernel_proto);

	if (n_params(l) > n_params(k) || !same_type(local, l->type, kernel, k->type))
		return false;
	for (uint32_t i = 0; i < n_params(l); i++)
		if (!same_type(local, btf_params(l)[i].type, kernel, btf_params(k)[i].type))
			return false;
	return true;
}

/* A kfunc's parameters that are pointers to void on the kernel's side take any pointer. */
bool signature_kfunc_fits(const struct btf *local, uint32_t local_proto, const struct btf *kernel,
			  uint32_t kernel_proto)
{
	const struct btf_type *l = btf__type_by_id(local, local_proto);
	const struct btf_type *k = btf__type_by_id(kernel, kernel_proto);

	if (!btf_is_func_proto(l) || !btf_is_func_proto(k) || n_params(l) != n_params(k))
		return false;
	for (uint32_t i = 0; i <= n_params(l); i++) {
		uint32_t lid = i < n_params(l) ? btf_params(l)[i].type : l->type;
		uint32_t kid = i < n_params(k) ? btf_params(k)[i].type : k->type;
		uint32_t to = kid;
		const struct btf_type *kt = btf_resolve(kernel, &to);
		const struct btf_type *lt = btf__type_by_id(local, lid);

		if (to && btf_is_ptr(kt)) {
			uint32_t pointee = kt->type;

			btf_resolve(kernel, &pointee);
			lt = btf_resolve(local, &lid);
			if (!pointee && lid && btf_is_ptr(lt))
				continue;
		}
		if (!core_types_compat(local, lid, kernel, kid))
			return false;
	}
	return true;
}

/* -- Writing down -------------------------------------------------------------- */

struct text {
	char *buf;
	size_t size, len;
};

static void put(struct text *t, const char *s)
{
	while (*s && t->len + 1 < t->size)
		t->buf[t->len++] = *s++;
	t->buf[t->len] = 0;
}

static void put_type(struct text *t, const struct btf *btf, uint32_t id)
{
	const struct btf_type *type;
	unsigned int stars = 0;

	for (type = btf_skip_quals(btf, &id); id && btf_is_ptr(type);
	     type = btf_skip_quals(btf, &id)) {
		id = type->type;
		if (++stars == 8)
			break;
	}
	if (id && btf_is_struct(type))
		put(t, "struct ");
	else if (id && btf_is_union(type))
		put(t, "union ");
	else if (id && btf_is_fwd(type))
		put(t, btf_kflag(type) ? "union " : "struct ");
	else if (id && btf_is_any_enum(type))
		put(t, "enum ");
	if (!id)
		put(t, "void");
	else
		put(t, btf_is_func_proto(type) ? "function" : btf_type_name(btf, id));
	if (stars)
		put(t, " ");
	while (stars--)
		put(t, "*");
}

void signature_print(const struct btf *btf, uint32_t proto, char *buf, size_t size)
{
	const struct btf_type *type = btf__type_by_id(btf, proto);
	struct text t = {buf, size, 0};

	put_type(&t, btf, type->type);
	put(&t, " (");
	for (uint32_t i = 0; i < n_params(type); i++) {
		put(&t, i ? ", " : "");
		put_type(&t, btf, btf_params(type)[i].type);
	}
	put(&t, n_params(type) ? ")" : "void)");
}
