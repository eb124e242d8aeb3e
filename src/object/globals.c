/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Variables of an object by name and type.
 *
 * They live in the maps of data sections or at the end of the arena. Before load their address
 * is that of the initial value, afterwards that of the memory programs use.
 */
#include "object/object.h"
#include "uarena.h"

struct var {
	const char *name;
	uint32_t type_id;
	struct ua_map *map; /* of the section, or the arena */
	uint32_t sec;
	uint64_t off, size;
	bool is_static;
};

/* -- Lookup --------------------------------------------------------------- */

static uint32_t datasec_of(const struct ua_object *obj, const struct ua_map *map)
{
	if (map == obj->arena)
		return obj->arena_datasec;
	return map->role == MAP_DATA || map->role == MAP_RODATA || map->role == MAP_BSS
		       ? map->datasec
		       : 0;
}

/* Visits all variables; stops when fn returns true. */
static bool for_each(const struct ua_object *obj, bool (*fn)(const struct var *v, void *arg),
		     void *arg)
{
	for (size_t m = 0; m < obj->n_maps; m++) {
		struct ua_map *map = obj->maps[m];
		uint32_t id = datasec_of(obj, map);
		const struct btf_type *t = id ? btf__type_by_id(obj->btf, id) : NULL;

		for (uint32_t i = 0; t && i < btf_vlen(t); i++) {
			const struct btf_var_secinfo *info = &btf_var_secinfos(t)[i];
			const struct btf_type *var = btf__type_by_id(obj->btf, info->type);
			struct var v;

			if (!btf_is_var(var))
				continue;
			v = (struct var){.name = btf_name(obj->btf, var->name_off),
					 .type_id = var->type,
					 .map = map,
					 .sec = map == obj->arena ? obj->arena_sec : map->sec,
					 .off = info->offset,
					 .size = info->size,
					 .is_static = btf_var(var)->linkage == BTF_VAR_STATIC};
			if (fn(&v, arg))
				return true;
		}
	}
	return false;
}

static int address(const struct ua_object *obj, const struct var *v, void **addr)
{
	uint8_t *base = v->map->data;

	if (v->map == obj->arena)
		base = obj->loaded ? base + obj->arena_off : obj->arena_init;
	else if (obj->loaded && !v->map->live)
		return -EOPNOTSUPP;
	UA_FAIL_IF(!v->map->data && obj->loaded, -ENOENT);
	*addr = base + v->off;
	return 0;
}

struct by_name {
	const char *name;
	struct var found;
	bool any;
};

/* Of two variables of a name the one that is not static is meant. */
static bool match_name(const struct var *v, void *arg)
{
	struct by_name *want = arg;

	if (strcmp(v->name, want->name) || (want->any && v->is_static))
		return false;
	want->found = *v;
	want->any = true;
	return !v->is_static;
}

static bool find(const struct ua_object *obj, const char *name, struct var *out)
{
	struct by_name want = {.name = name};

	for_each(obj, match_name, &want);
	*out = want.found;
	return want.any;
}

int ua_object__find_global(const struct ua_object *obj, const char *name, void **addr, size_t *size)
{
	struct var v;

	if (!find(obj, name, &v))
		return -ENOENT;
	UA_TRY(address(obj, &v, addr));
	if (size)
		*size = v.size;
	return 0;
}

/* -- Listing -------------------------------------------------------------- */

/* A type as C would write it, declarator left out: "struct node *", "u32 [4]". */
static const char *type_text(const struct ua_object *obj, uint32_t id, char *buf, size_t size)
{
	const struct btf_type *t = btf_skip_quals(obj->btf, &id);
	char suffix[64] = "";
	const char *tag = "";

	for (int depth = 0; depth < 8 && (btf_is_ptr(t) || btf_is_array(t)); depth++) {
		char more[32] = "*";
		char old[64];

		if (btf_is_array(t))
			snprintf(more, sizeof(more), "[%u]", btf_array(t)->nelems);
		snprintf(old, sizeof(old), "%s", suffix);
		/* a pointer to an array reads inside out; the order of the list is kept */
		if (btf_is_array(t))
			snprintf(suffix, sizeof(suffix), "%.31s%.31s", old, more);
		else
			snprintf(suffix, sizeof(suffix), "%.31s%.31s", more, old);
		id = btf_is_ptr(t) ? t->type : btf_array(t)->type;
		t = btf_skip_quals(obj->btf, &id);
	}
	if (btf_is_struct(t))
		tag = "struct ";
	else if (btf_is_union(t))
		tag = "union ";
	else if (btf_is_any_enum(t))
		tag = "enum ";
	snprintf(buf, size, "%s%.80s%s%s", tag,
		 !id				    ? "void"
		 : *btf_name(obj->btf, t->name_off) ? btf_name(obj->btf, t->name_off)
		 : btf_is_func_proto(t)		    ? "function"
						    : "(anonymous)",
		 *suffix ? " " : "", suffix);
	return buf;
}

struct by_index {
	size_t left;
	struct var found;
};

static bool match_index(const struct var *v, void *arg)
{
	struct by_index *want = arg;

	want->found = *v;
	return want->left-- == 0;
}

int ua_object__global_at(const struct ua_object *obj, size_t index, struct ua_global_info *info)
{
	static _Thread_local char text[160];
	struct by_index want = {.left = index};

	if (!for_each(obj, match_index, &want))
		return -ENOENT;
	*info = (struct ua_global_info){
		.name = want.found.name,
		.section = object_sec_name(obj, want.found.sec),
		.type = type_text(obj, want.found.type_id, text, sizeof(text)),
		.size = want.found.size,
		.type_id = want.found.type_id};
	if (address(obj, &want.found, &info->addr))
		info->addr = NULL;
	return 0;
}

/* -- Assignment ----------------------------------------------------------- */

/* What remains of "name.member[3] = value" and the place found so far. */
struct place {
	const struct ua_object *obj;
	const char *text; /* the whole, for messages */
	const char *at;
	uint32_t type_id;
	uint64_t off;
	uint32_t bits; /* non-zero: bitfield */
};

static int bad(const struct place *p, const char *what)
{
	return object_fail(p->obj, -EINVAL, "\"%s\": %s", p->text, what);
}

static const char *skip_space(const char *s)
{
	return s + strspn(s, " \t");
}

/* Copies an identifier; 0 if there is none or it is too long. */
static size_t take_name(const char **at, char *buf, size_t size)
{
	size_t n = 0;
	const char *s = skip_space(*at);

	while ((s[n] >= '0' && s[n] <= '9') || (s[n] >= 'a' && s[n] <= 'z') ||
	       (s[n] >= 'A' && s[n] <= 'Z') || s[n] == '_' || s[n] == '$')
		n++;
	if (!n || n >= size)
		return 0;
	memcpy(buf, s, n);
	buf[n] = 0;
	*at = s + n;
	return n;
}

static int step_member(struct place *p)
{
	struct btf_place member;
	char name[256];

	p->at++;
	if (!take_name(&p->at, name, sizeof(name)))
		return bad(p, "a member name is expected after '.'");
	if (!btf_member(p->obj->btf, p->type_id, name, &member))
		return bad(p, "no such member");
	p->type_id = member.type_id;
	p->off += member.bit_off / 8;
	p->bits = member.bit_size;
	return 0;
}

static int step_element(struct place *p)
{
	const struct btf_type *t = btf_resolve(p->obj->btf, &p->type_id);
	unsigned long long i;
	int64_t size;
	char *end;

	i = strtoull(p->at + 1, &end, 0);
	if (end == p->at + 1 || *skip_space(end) != ']')
		return bad(p, "an index is expected after '['");
	if (!btf_is_array(t) || i >= btf_array(t)->nelems)
		return bad(p, "no such element");
	p->type_id = btf_array(t)->type;
	size = btf_size(p->obj->btf, p->type_id);
	if (size < 0)
		return bad(p, "an element without size");
	p->off += i * size;
	p->at = skip_space(end) + 1;
	return 0;
}

static int parse_path(struct place *p)
{
	for (;;) {
		p->at = skip_space(p->at);
		if (*p->at == '.')
			UA_TRY(step_member(p));
		else if (*p->at == '[')
			UA_TRY(step_element(p));
		else if (*p->at == '=')
			return 0;
		else
			return bad(p, "'=' is expected");
	}
}

static bool find_enumerator(const struct btf *btf, const struct btf_type *t, const char *name,
			    uint64_t *val)
{
	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		bool wide = btf_is_enum64(t);

		if (strcmp(btf_name(btf,
				    wide ? btf_enum64(t)[i].name_off : btf_enum(t)[i].name_off),
			   name))
			continue;
		*val = wide ? btf_enum64_value(&btf_enum64(t)[i])
			    : (uint64_t)(int64_t)btf_enum(t)[i].val;
		return true;
	}
	return false;
}

static int parse_word(struct place *p, const char *word, uint64_t *val)
{
	const struct btf *btf = p->obj->btf;
	uint32_t n = btf__type_cnt(btf);

	if (!strcmp(word, "true") || !strcmp(word, "false")) {
		*val = *word == 't';
		return 0;
	}
	for (uint32_t id = 1; id < n; id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);

		if (btf_is_any_enum(t) && find_enumerator(btf, t, word, val))
			return 0;
	}
	return bad(p, "neither a number nor a known enumerator");
}

static int parse_value(struct place *p, uint64_t *val, bool *negative)
{
	const char *s = skip_space(p->at + 1);
	char word[256];
	char *end;

	*negative = *s == '-';
	errno = 0;
	*val = *negative ? (uint64_t)strtoll(s, &end, 0) : strtoull(s, &end, 0);
	if (end == s) {
		if (!take_name(&s, word, sizeof(word)))
			return bad(p, "a value is expected after '='");
		end = (char *)s;
		UA_TRY(parse_word(p, word, val));
	} else if (errno) {
		return bad(p, "the value does not fit into 64 bits");
	}
	return *skip_space(end) ? bad(p, "text behind the value") : 0;
}

static int store(struct place *p, const struct var *v, uint64_t val, bool negative)
{
	const struct btf_type *t = btf_resolve(p->obj->btf, &p->type_id);
	int64_t size = btf_size(p->obj->btf, p->type_id);
	void *addr;

	if ((!btf_is_int(t) && !btf_is_any_enum(t) && !btf_is_ptr(t)) || p->bits || size < 1 ||
	    size > 8)
		return bad(p, "the variable is no integer, enum or pointer");
	if (p->off + size > v->size)
		return bad(p, "outside the variable");
	if (size < 8 && (negative ? (int64_t)val < -(1ll << (size * 8 - 1)) : val >> (size * 8)))
		return bad(p, "the value does not fit into the variable");
	if (btf_is_int(t) && (btf_int_encoding(t) & BTF_INT_BOOL) && val > 1)
		return bad(p, "the variable is a bool");
	UA_TRY(address(p->obj, v, &addr));
	memcpy((char *)addr + p->off, &val, size);
	return 0;
}

int ua_object__set_global(struct ua_object *obj, const char *assignment)
{
	struct place p = {.obj = obj, .text = assignment, .at = assignment};
	char name[256];
	struct var v;
	bool negative;
	uint64_t val;

	if (obj->loaded)
		return bad(&p, "the object is already loaded");
	if (!take_name(&p.at, name, sizeof(name)))
		return bad(&p, "a variable name is expected");
	if (!find(obj, name, &v)) {
		bad(&p, "no such variable");
		return -ENOENT;
	}
	p.type_id = v.type_id;
	UA_TRY(parse_path(&p));
	UA_TRY(parse_value(&p, &val, &negative));
	return store(&p, &v, val, negative);
}

/* -- Resizing ------------------------------------------------------------- */

/*
 * As in libbpf: if the last variable is an array and the new end falls on an element, the
 * array's type is made to fit; otherwise the section loses its description.
 */
int globals_resized(struct ua_object *obj, struct ua_map *map, uint32_t size)
{
	struct btf_type *sec =
		map->datasec ? (struct btf_type *)btf__type_by_id(obj->btf, map->datasec) : NULL;
	struct btf_var_secinfo *last;
	const struct btf_type *array, *var;
	uint32_t array_id, elem_type, index_type;
	int64_t elem;
	int new_id;

	if (!sec || !btf_vlen(sec))
		return 0;
	last = &btf_var_secinfos(sec)[btf_vlen(sec) - 1];
	var = btf__type_by_id(obj->btf, last->type);
	array_id = var->type;
	array = btf_resolve(obj->btf, &array_id);
	elem = btf_is_array(array) ? btf_size(obj->btf, btf_array(array)->type) : 0;
	if (elem <= 0 || size <= last->offset || (size - last->offset) % elem) {
		map->datasec = map->def.value_type_id = 0;
		return 0;
	}
	elem_type = btf_array(array)->type;
	index_type = btf_array(array)->index_type;
	new_id = btf__add_array(obj->btf, index_type, elem_type, (size - last->offset) / elem);
	UA_FAIL_IF(new_id < 0, -ENOMEM);
	/* adding a type moves all of them */
	sec = (struct btf_type *)btf__type_by_id(obj->btf, map->datasec);
	last = &btf_var_secinfos(sec)[btf_vlen(sec) - 1];
	sec->size = size;
	last->size = size - last->offset;
	((struct btf_type *)btf__type_by_id(obj->btf, last->type))->type = new_id;
	return 0;
}
