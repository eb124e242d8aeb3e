/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BTF for kernels that are older than some kinds of types: what they do not know becomes what
 * they know, of the same length and size, so that every id and offset stays. Nothing that such
 * a kernel could check is lost.
 *
 *   FLOAT     5.13  a struct without members
 *   DECL_TAG  5.16  an integer
 *   TYPE_TAG  5.17  const
 *   ENUM64    6.0   a union of integers
 */
#include "object/object.h"

static uint32_t kind_bits(uint32_t kind, uint32_t vlen)
{
	return kind << 24 | vlen;
}

static void replace_enum64(struct btf_type *t, uint32_t int_id)
{
	uint32_t n = btf_vlen(t);
	struct btf_enum64 *e = btf_enum64(t);

	_Static_assert(sizeof(struct btf_enum64) == sizeof(struct btf_member), "in place");
	for (uint32_t i = 0; i < n; i++)
		*(struct btf_member *)&e[i] =
			(struct btf_member){.name_off = e[i].name_off, .type = int_id};
	t->info = kind_bits(BTF_KIND_UNION, n);
}

static void replace(struct btf_type *t, uint32_t int_id, uint32_t tag_name)
{
	switch (btf_kind(t)) {
	case BTF_KIND_FLOAT:
		t->info = kind_bits(BTF_KIND_STRUCT, 0);
		t->name_off = 0; /* "long double" is no name for a struct */
		break;
	case BTF_KIND_DECL_TAG: /* what is behind the type says that it is 8 bits wide */
		t->info = kind_bits(BTF_KIND_INT, 0);
		t->size = 1;
		t->name_off = tag_name;
		*(uint32_t *)(t + 1) = 8;
		break;
	case BTF_KIND_TYPE_TAG:
		t->info = kind_bits(BTF_KIND_CONST, 0);
		t->name_off = 0;
		break;
	case BTF_KIND_ENUM64:
		replace_enum64(t, int_id);
		break;
	}
}

int btf_make_older(struct btf *btf, uint32_t int_id)
{
	int tag_name = btf__add_str(btf, "decl_tag");

	UA_FAIL_IF(tag_name < 0, tag_name);
	for (uint32_t id = 1; id < btf__type_cnt(btf); id++)
		replace((struct btf_type *)btf__type_by_id(btf, id), int_id, (uint32_t)tag_name);
	return 0;
}
