/* SPDX-License-Identifier: BSD-2-Clause */
/* Access strings, and finding the path they describe in another type. */
#include "object/core.h"

/* Offsets beyond this cannot be encoded anyway. */
#define MAX_BITS (1ull << 34)

static int push(struct core_spec *s, const char *name, uint32_t type_id, uint32_t idx)
{
	UA_FAIL_IF(s->n == CORE_MAX_STEPS, -E2BIG);
	s->steps[s->n++] = (struct core_step){name, type_id, idx};
	return 0;
}

static int add_bits(struct core_spec *s, uint64_t n, uint64_t each)
{
	uint64_t bits;

	UA_FAIL_IF(__builtin_mul_overflow(n, each, &bits), -E2BIG);
	UA_FAIL_IF(bits > MAX_BITS || s->bit_off + bits > MAX_BITS, -E2BIG);
	s->bit_off += bits;
	return 0;
}

static int add_elements(struct core_spec *s, uint32_t type_id, uint32_t n)
{
	int64_t size = btf_size(s->btf, type_id);

	UA_FAIL_IF(size < 0, -EINVAL);
	return add_bits(s, n, (uint64_t)size * 8);
}

/* -- Parse ---------------------------------------------------------------- */

/* The next number of "1:2:3"; false at the end, *err if it is no number. */
static bool next_index(const char **access, uint32_t *idx, int *err)
{
	const char *p = *access;
	uint64_t n = 0;

	if (!*p)
		return false;
	for (; *p >= '0' && *p <= '9' && n <= UINT32_MAX; p++)
		n = n * 10 + (*p - '0');
	if (p == *access || n > UINT32_MAX || (*p && *p != ':') || (*p == ':' && !p[1])) {
		*err = -EINVAL;
		return false;
	}
	*idx = n;
	*access = p + (*p == ':');
	return true;
}

static int parse_member(struct core_spec *s, const struct btf_type *t, uint32_t *id, uint32_t idx)
{
	const struct btf_member *m = &btf_members(t)[idx];

	UA_FAIL_IF(idx >= btf_vlen(t), -EINVAL);
	UA_TRY(add_bits(s, 1, btf_member_bit_offset(t, idx)));
	if (m->name_off)
		UA_TRY(push(s, btf_name(s->btf, m->name_off), *id, idx));
	*id = m->type;
	return 0;
}

/* An array of no or one element at the end of a struct stands for any number. */
static bool is_flexible(const struct btf *btf, const struct core_step *last, uint32_t nelems)
{
	const struct btf_type *t;

	if (nelems > 1 || !last->name)
		return nelems == 0;
	t = btf__type_by_id(btf, last->type_id);
	return last->idx == btf_vlen(t) - 1u;
}

static int parse_element(struct core_spec *s, const struct btf_type *t, uint32_t *id, uint32_t idx)
{
	const struct btf_array *a = btf_array(t);

	*id = a->type;
	btf_resolve(s->btf, id);
	UA_FAIL_IF(idx >= a->nelems && !is_flexible(s->btf, &s->steps[s->n - 1], a->nelems),
		   -EINVAL);
	UA_TRY(push(s, NULL, *id, idx));
	return add_elements(s, *id, idx);
}

static int parse_path(struct core_spec *s, uint32_t id, const char *access)
{
	uint32_t idx;
	int err = 0;

	while (next_index(&access, &idx, &err)) {
		const struct btf_type *t = btf_resolve(s->btf, &id);

		if (btf_is_composite(t))
			UA_TRY(parse_member(s, t, &id, idx));
		else if (btf_is_array(t))
			UA_TRY(parse_element(s, t, &id, idx));
		else
			return -EINVAL;
	}
	return err;
}

static int parse_enumerator(struct core_spec *s, uint32_t id, uint32_t idx)
{
	const struct btf_type *t = btf_resolve(s->btf, &id);

	UA_FAIL_IF(!btf_is_any_enum(t) || idx >= btf_vlen(t), -EINVAL);
	return push(s,
		    btf_name(s->btf, btf_is_enum64(t) ? btf_enum64(t)[idx].name_off
						      : btf_enum(t)[idx].name_off),
		    id, idx);
}

int core_spec_parse(const struct btf *btf, uint32_t root, uint32_t kind, const char *access,
		    struct core_spec *out)
{
	uint32_t idx, id = root;
	int err = 0;

	*out = (struct core_spec){.btf = btf, .root = root};
	UA_FAIL_IF(!next_index(&access, &idx, &err), -EINVAL);
	if (core_is_enumval(kind)) {
		UA_FAIL_IF(*access, -EINVAL);
		return parse_enumerator(out, root, idx);
	}
	if (!core_is_field(kind)) {
		UA_FAIL_IF(idx || *access, -EINVAL);
		return 0;
	}
	btf_resolve(btf, &id);
	UA_TRY(push(out, NULL, id, idx));
	UA_TRY(add_elements(out, id, idx));
	return parse_path(out, id, access);
}

/* -- Match ---------------------------------------------------------------- */

static int match_enumerator(const struct core_spec *local, struct core_spec *out)
{
	uint32_t id = out->root;
	const struct btf_type *t = btf_resolve(out->btf, &id);

	if (!btf_is_any_enum(t))
		return 0;
	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		const char *name = btf_name(out->btf, btf_is_enum64(t) ? btf_enum64(t)[i].name_off
								       : btf_enum(t)[i].name_off);

		if (!core_same_name(local->steps[0].name, name))
			continue;
		UA_TRY(push(out, name, id, i));
		return 1;
	}
	return 0;
}

/* Find the member that `step` of the local path names in struct *id, inside anonymous members
 * too. On success *id is the member's type. */
static int match_member(const struct core_spec *local, const struct core_step *step,
			struct core_spec *out, uint32_t *id)
{
	const struct btf_type *t = btf_resolve(out->btf, id);
	const struct btf_type *lt = btf__type_by_id(local->btf, step->type_id);
	uint32_t type_id = *id;
	uint64_t base = out->bit_off;

	if (!btf_is_composite(t))
		return 0;
	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		const struct btf_member *m = &btf_members(t)[i];
		uint32_t next = m->type;
		int found;

		out->bit_off = base;
		UA_TRY(add_bits(out, 1, btf_member_bit_offset(t, i)));
		if (!m->name_off) {
			found = match_member(local, step, out, &next);
			if (found) {
				*id = next;
				return found;
			}
		} else if (!strcmp(step->name, btf_name(out->btf, m->name_off))) {
			if (!core_fields_compat(local->btf, btf_members(lt)[step->idx].type,
						out->btf, m->type))
				return 0;
			UA_TRY(push(out, btf_name(out->btf, m->name_off), type_id, i));
			*id = m->type;
			return 1;
		}
	}
	out->bit_off = base;
	return 0;
}

static int match_element(const struct core_step *step, struct core_spec *out, uint32_t *id)
{
	const struct btf_type *t = btf_resolve(out->btf, id);
	const struct btf_array *a = btf_array(t);

	if (!btf_is_array(t))
		return 0;
	if (step->idx >= a->nelems && !is_flexible(out->btf, &out->steps[out->n - 1], a->nelems))
		return 0;
	*id = a->type;
	btf_resolve(out->btf, id);
	UA_TRY(push(out, NULL, *id, step->idx));
	UA_TRY(add_elements(out, *id, step->idx));
	return 1;
}

static int match_path(const struct core_spec *local, struct core_spec *out)
{
	uint32_t id = out->root;

	btf_resolve(out->btf, &id);
	UA_TRY(push(out, NULL, id, local->steps[0].idx));
	if (local->steps[0].idx)
		UA_TRY(add_elements(out, id, local->steps[0].idx));
	for (uint32_t i = 1; i < local->n; i++) {
		const struct core_step *step = &local->steps[i];
		int found = step->name ? match_member(local, step, out, &id)
				       : match_element(step, out, &id);

		if (found <= 0)
			return found;
	}
	return 1;
}

int core_spec_match(const struct core_spec *local, const struct btf *kernel, uint32_t root,
		    uint32_t kind, struct core_spec *out)
{
	*out = (struct core_spec){.btf = kernel, .root = root};
	if (core_is_enumval(kind))
		return match_enumerator(local, out);
	if (core_is_field(kind))
		return match_path(local, out);
	if (kind == CORE_TYPE_MATCHES)
		return core_types_match(local->btf, local->root, kernel, root);
	return core_types_compat(local->btf, local->root, kernel, root);
}
