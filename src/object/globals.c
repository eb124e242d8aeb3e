/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Variables of an object by name and type.
 *
 * They live in the maps of data sections or at the end of the arena. Before load their address
 * is that of the initial value, afterwards that of the memory programs use.
 */
#include "object/object.h"
#include "object/place.h"
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

/* -- Constants of the kernel ---------------------------------------------- */

static bool enumerator(const struct btf *btf, const char *name, uint64_t *value)
{
	for (uint32_t id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);

		for (uint32_t i = 0; btf_is_enum64(t) && i < btf_vlen(t); i++)
			if (!strcmp(btf_name(btf, btf_enum64(t)[i].name_off), name)) {
				*value = btf_enum64_value(&btf_enum64(t)[i]);
				return true;
			}
		for (uint32_t i = 0; btf_is_enum(t) && i < btf_vlen(t); i++)
			if (!strcmp(btf_name(btf, btf_enum(t)[i].name_off), name)) {
				int32_t v = btf_enum(t)[i].val;

				*value = btf_kflag(t) ? (uint64_t)v : (uint32_t)v;
				return true;
			}
	}
	return false;
}

struct fill {
	const struct ua_object *obj;
	const struct btf *kernel;
};

static bool fill_enum(const struct var *v, void *arg)
{
	const struct fill *f = arg;
	uint64_t value;
	uint8_t *at;

	if (v->map->role != MAP_RODATA || v->size != sizeof(value) ||
	    strncmp(v->name, "__SCX_", strlen("__SCX_")))
		return false;
	at = (uint8_t *)v->map->data + v->off;
	memcpy(&value, at, sizeof(value));
	if (!value && enumerator(f->kernel, v->name + strlen("__"), &value))
		memcpy(at, &value, sizeof(value));
	return false;
}

void globals_fill_enums(const struct ua_object *obj, const struct btf *kernel)
{
	struct fill f = {obj, kernel};

	if (kernel)
		for_each(obj, fill_enum, &f);
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

/* What can be assigned to: variables, and the data members of structs of operations. */
static int target(const struct ua_object *obj, const char *name, uint32_t *type_id, void **addr,
		  uint64_t *size, bool *is_ops)
{
	struct var v;
	size_t n;

	*is_ops = false;

	for (size_t i = 0; i < obj->n_maps; i++) {
		const struct ua_map *map = obj->maps[i];

		if (map->role != MAP_STRUCT_OPS || strcmp(map->name, name))
			continue;
		*addr = st_ops_data(map, &n);
		*type_id = st_ops_type(map);
		*size = n;
		*is_ops = true;
		return 0;
	}
	UA_FAIL_IF(!find(obj, name, &v), -ENOENT);
	*type_id = v.type_id;
	*size = v.size;
	return address(obj, &v, addr);
}

/* "NAME[] = N": of an array that ends its section, or of a map. */
static int set_count(struct ua_object *obj, const char *name, struct place *p)
{
	struct ua_map *map = ua_object__find_map(obj, name);
	struct place_value val;
	const struct btf_type *t;
	struct var v;
	int64_t elem;

	UA_TRY(place_parse_value(p, &val));
	if (val.negative || !val.bits || val.bits > UINT32_MAX)
		return place_bad(p, "that many elements cannot be");
	if (!find(obj, name, &v)) {
		if (map && map->role == MAP_USER)
			return ua_map__set_max_entries(map, (uint32_t)val.bits);
		place_bad(p, "no such variable or map");
		return -ENOENT;
	}
	t = btf_resolve(obj->btf, &v.type_id);
	elem = btf_is_array(t) ? btf_size(obj->btf, btf_array(t)->type) : 0;
	if (elem <= 0 || v.map == obj->arena || v.off + v.size != v.map->def.value_size)
		return place_bad(p, "only an array at the end of a data section can be resized");
	if (val.bits > UINT32_MAX / (uint64_t)elem)
		return place_bad(p, "that many elements cannot be");
	return ua_map__set_value_size(v.map, (uint32_t)(v.off + val.bits * (uint64_t)elem));
}

int ua_object__set_global(struct ua_object *obj, const char *assignment)
{
	struct place p = {.obj = obj, .text = assignment, .at = assignment};
	char name[PLACE_NAME_MAX];
	struct place_value val;
	uint64_t size;
	bool is_ops;
	uint32_t id;
	void *addr;
	int err;

	if (obj->loaded)
		return place_bad(&p, "the object is already loaded");
	if (!place_take_name(&p.at, name))
		return place_bad(&p, "a variable name is expected");
	if (!strncmp(p.at, "[]", 2)) {
		p.at += 2;
		return set_count(obj, name, &p);
	}
	err = target(obj, name, &p.type_id, &addr, &size, &is_ops);
	if (err == -ENOENT)
		place_bad(&p, "no such variable");
	UA_TRY(err);
	UA_TRY(place_walk(&p));
	id = p.type_id;
	if (is_ops && btf_is_ptr(btf_resolve(obj->btf, &id)))
		return place_bad(&p, "this is a program");
	UA_TRY(place_parse_value(&p, &val));
	return place_store(&p, &val, addr, size);
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
