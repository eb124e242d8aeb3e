/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks of a BTF of foreign origin, made once when it is read.
 *
 * After btf_check() every type id and name offset is in range, references are of the kind
 * they must be, and the graph of "contains by value" (modifiers, arrays, members, variables)
 * has no cycle and a bounded depth, so that every later walk along it ends.
 */
#include "base/base.h"
#include "btf/btf.h"

/* Linux stops resolving at 32; chains of modifiers count here too. */
#define MAX_DEPTH 64

struct check {
	const struct btf *btf;
	uint32_t n;	/* types, void included */
	uint8_t *depth; /* 0 not visited, DEPTH_OPEN on the stack, else depth of the subtree */
	struct frame {
		uint32_t id;
		uint32_t next; /* index of the next child */
	} stack[MAX_DEPTH];
};

#define DEPTH_OPEN 0xff

static int bad(uint32_t id, const char *what)
{
	log_warn("uarena: BTF type %u: %s\n", id, what);
	return -EINVAL;
}

/* -- Header and type section ---------------------------------------------- */

/* Bytes that follow the struct btf_type of a kind, per list entry or fixed; -1 unknown. */
static int64_t tail_size(const struct btf_type *t)
{
	static const int8_t fixed[] = {
		[BTF_KIND_INT] = 4,
		[BTF_KIND_ARRAY] = sizeof(struct btf_array),
		[BTF_KIND_VAR] = sizeof(struct btf_var),
		[BTF_KIND_DECL_TAG] = sizeof(struct btf_decl_tag),
		[BTF_KIND_ENUM64] = 0,
	};
	static const int8_t entry[] = {
		[BTF_KIND_STRUCT] = sizeof(struct btf_member),
		[BTF_KIND_UNION] = sizeof(struct btf_member),
		[BTF_KIND_ENUM] = sizeof(struct btf_enum),
		[BTF_KIND_FUNC_PROTO] = sizeof(struct btf_param),
		[BTF_KIND_DATASEC] = sizeof(struct btf_var_secinfo),
		[BTF_KIND_ENUM64] = sizeof(struct btf_enum64),
	};
	uint32_t kind = btf_kind(t);

	if (!kind || kind >= ARRAY_SIZE(entry))
		return -1;
	return fixed[kind] + (int64_t)entry[kind] * btf_vlen(t);
}

/* libbpf repeats this walk, but prints to stderr when it fails. */
static int check_type_section(const uint8_t *types, uint32_t len)
{
	uint32_t id = 1;

	for (uint32_t off = 0; off < len; id++) {
		const struct btf_type *t = (const void *)(types + off);
		int64_t tail;

		if (len - off < sizeof(*t))
			return bad(id, "runs out of the type section");
		tail = tail_size(t);
		if (tail < 0)
			return bad(id, "unknown kind");
		if (tail > len - off - sizeof(*t))
			return bad(id, "runs out of the type section");
		off += sizeof(*t) + tail;
	}
	return 0;
}

static int check_header(const void *data, size_t size)
{
	struct btf_header hdr;
	const char *strs;
	uint64_t room;

	if (size < sizeof(hdr) || size > UINT32_MAX)
		return bad(0, "header is truncated");
	memcpy(&hdr, data, sizeof(hdr));
	if (hdr.magic != BTF_MAGIC)
		return bad(0, hdr.magic == __builtin_bswap16(BTF_MAGIC) ? "big-endian BTF"
									: "no BTF magic");
	if (hdr.version != BTF_VERSION || hdr.hdr_len < sizeof(hdr) || hdr.hdr_len > size)
		return bad(0, "bad header version or length");
	room = size - hdr.hdr_len;
	if ((uint64_t)hdr.type_off + hdr.type_len > room ||
	    (uint64_t)hdr.str_off + hdr.str_len > room)
		return bad(0, "a section lies outside the data");
	if (hdr.type_off % 4 || hdr.type_len % 4 || hdr.hdr_len % 4)
		return bad(0, "the type section is not aligned");
	if ((uint64_t)hdr.type_off + hdr.type_len > hdr.str_off)
		return bad(0, "the type section overlaps the strings");
	strs = (const char *)data + hdr.hdr_len + hdr.str_off;
	if (!hdr.str_len || strs[0] || strs[hdr.str_len - 1])
		return bad(0, "the string section does not begin and end with NUL");
	return check_type_section((const uint8_t *)data + hdr.hdr_len + hdr.type_off, hdr.type_len);
}

/* -- One type ------------------------------------------------------------- */

static bool name_ok(const struct check *c, uint32_t off)
{
	return btf__str_by_offset(c->btf, off) != NULL;
}

static uint32_t kind_of(const struct check *c, uint32_t id)
{
	return id ? btf_kind(btf__type_by_id(c->btf, id)) : BTF_KIND_UNKN;
}

static int check_int(uint32_t id, const struct btf_type *t)
{
	uint32_t bits = btf_int_bits(t);

	if (bits > 128 || bits + btf_int_offset(t) > t->size * 8ull || !t->size || t->size > 16)
		return bad(id, "ill-formed integer");
	return 0;
}

static int check_members(struct check *c, uint32_t id, const struct btf_type *t)
{
	const struct btf_member *m = btf_members(t);

	for (uint32_t i = 0; i < btf_vlen(t); i++)
		if (m[i].type >= c->n || !name_ok(c, m[i].name_off) ||
		    btf_member_bit_offset(t, i) / 8 > t->size)
			return bad(id, "ill-formed member");
	return 0;
}

static int check_params(struct check *c, uint32_t id, const struct btf_type *t)
{
	const struct btf_param *p = btf_params(t);

	for (uint32_t i = 0; i < btf_vlen(t); i++)
		if (p[i].type >= c->n || !name_ok(c, p[i].name_off))
			return bad(id, "ill-formed parameter");
	return t->type < c->n ? 0 : bad(id, "return type out of range");
}

static int check_enum(struct check *c, uint32_t id, const struct btf_type *t)
{
	bool is64 = btf_is_enum64(t);

	for (uint32_t i = 0; i < btf_vlen(t); i++)
		if (!name_ok(c, is64 ? btf_enum64(t)[i].name_off : btf_enum(t)[i].name_off))
			return bad(id, "enumerator without a name");
	if (t->size != 1 && t->size != 2 && t->size != 4 && t->size != 8)
		return bad(id, "ill-formed enum size");
	return 0;
}

static int check_datasec(struct check *c, uint32_t id, const struct btf_type *t)
{
	const struct btf_var_secinfo *v = btf_var_secinfos(t);

	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		uint32_t kind = v[i].type < c->n ? kind_of(c, v[i].type) : BTF_KIND_UNKN;

		if (kind != BTF_KIND_VAR && kind != BTF_KIND_FUNC)
			return bad(id, "section entry is neither variable nor function");
	}
	return 0;
}

static int check_array(struct check *c, uint32_t id, const struct btf_type *t)
{
	const struct btf_array *a = btf_array(t);

	return a->type < c->n && a->index_type < c->n ? 0 : bad(id, "ill-formed array");
}

static int check_decl_tag(struct check *c, uint32_t id, const struct btf_type *t)
{
	if (t->type >= c->n || !t->type || btf_decl_tag(t)->component_idx < -1)
		return bad(id, "ill-formed declaration tag");
	return 0;
}

static int check_func(struct check *c, uint32_t id, const struct btf_type *t)
{
	if (t->type >= c->n || kind_of(c, t->type) != BTF_KIND_FUNC_PROTO)
		return bad(id, "function without prototype");
	return 0;
}

static int check_type(struct check *c, uint32_t id)
{
	const struct btf_type *t = btf__type_by_id(c->btf, id);

	if (!t || !name_ok(c, t->name_off))
		return bad(id, "name out of range");
	switch (btf_kind(t)) {
	case BTF_KIND_INT:
		return check_int(id, t);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return check_members(c, id, t);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return check_enum(c, id, t);
	case BTF_KIND_FUNC_PROTO:
		return check_params(c, id, t);
	case BTF_KIND_DATASEC:
		return check_datasec(c, id, t);
	case BTF_KIND_ARRAY:
		return check_array(c, id, t);
	case BTF_KIND_DECL_TAG:
		return check_decl_tag(c, id, t);
	case BTF_KIND_FUNC:
		return check_func(c, id, t);
	case BTF_KIND_PTR:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_VAR:
	case BTF_KIND_TYPE_TAG:
		return t->type < c->n ? 0 : bad(id, "referenced type out of range");
	case BTF_KIND_FWD:
	case BTF_KIND_FLOAT:
		return 0;
	default:
		return bad(id, "unknown kind");
	}
}

/* -- No cycles ------------------------------------------------------------ */

/* The i-th type contained by value in t, 0 (void) when there are no more or it is void. */
static bool child(const struct btf_type *t, uint32_t i, uint32_t *out)
{
	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		if (i >= btf_vlen(t))
			return false;
		*out = btf_members(t)[i].type;
		return true;
	case BTF_KIND_ARRAY:
		*out = btf_array(t)->type;
		return i == 0;
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
	case BTF_KIND_VAR:
		*out = t->type;
		return i == 0;
	default:
		return false;
	}
}

static int walk(struct check *c, uint32_t root)
{
	uint32_t sp = 0;

	c->stack[sp++] = (struct frame){root, 0};
	c->depth[root] = DEPTH_OPEN;
	while (sp) {
		struct frame *f = &c->stack[sp - 1];
		uint32_t kid;

		if (!child(btf__type_by_id(c->btf, f->id), f->next++, &kid)) {
			c->depth[f->id] = 1;
			sp--;
			continue;
		}
		if (!kid || c->depth[kid] == 1)
			continue;
		if (c->depth[kid] == DEPTH_OPEN)
			return bad(kid, "contains itself");
		if (sp == MAX_DEPTH)
			return bad(root, "types nest too deeply");
		c->depth[kid] = DEPTH_OPEN;
		c->stack[sp++] = (struct frame){kid, 0};
	}
	return 0;
}

static int check_all(struct check *c)
{
	for (uint32_t id = 1; id < c->n; id++)
		UA_TRY(check_type(c, id));
	for (uint32_t id = 1; id < c->n; id++)
		if (!c->depth[id])
			UA_TRY(walk(c, id));
	return 0;
}

int btf_check(const struct btf *btf)
{
	struct check *c = mem_zalloc(sizeof(*c));
	int err;

	UA_FAIL_IF(!c, -ENOMEM);
	c->btf = btf;
	c->n = btf__type_cnt(btf);
	c->depth = mem_zalloc(c->n);
	err = c->depth ? check_all(c) : -ENOMEM;
	mem_free(c->depth);
	mem_free(c);
	return err;
}

int btf_load(const void *data, size_t size, struct btf **out)
{
	struct btf *btf;
	int err;

	UA_TRY(check_header(data, size));
	btf = btf__new(data, size);
	UA_FAIL_IF(!btf, errno == ENOMEM ? -ENOMEM : -EINVAL);
	err = btf_check(btf);
	if (err) {
		btf__free(btf);
		return err;
	}
	*out = btf;
	return 0;
}
