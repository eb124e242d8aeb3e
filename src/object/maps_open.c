/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Maps of an object: definitions in .maps, read through BTF, and one array per data section.
 *
 * In a definition, __uint(n, v) is a pointer to an array of v ints, __ulong(n, v) an enum with
 * the one value v, __type(n, t) a pointer to t, and __array(n, t) an array of pointers to t.
 */
#include "object/object.h"

#include <ctype.h>
#include <sys/mman.h>

#define ARENA_SEC ".addr_space.1"
/* More than any map can hold; keeps arithmetic on sizes in range. */
#define MAX_DATA (1ull << 30)
#define PAGE 4096

/* -- Maps in general ------------------------------------------------------ */

int object_add_map(struct ua_object *obj, const char *name, struct ua_map **out)
{
	struct ua_map *map = mem_zalloc(sizeof(*map));

	UA_FAIL_IF(!map, -ENOMEM);
	map->obj = obj;
	map->fd = -1;
	map->name = mem_strdup(name);
	if (!map->name || UA_GROW(&obj->maps, &obj->cap_maps, obj->n_maps + 1)) {
		mem_free(map->name);
		mem_free(map);
		return -ENOMEM;
	}
	snprintf(map->kernel_name, sizeof(map->kernel_name), "%s", name);
	obj->maps[obj->n_maps++] = map;
	*out = map;
	return 0;
}

int map_set_data(struct ua_map *map, const void *init, size_t size)
{
	size_t len = page_align(max_t(size_t, size, PAGE));
	void *data = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	UA_FAIL_IF(data == MAP_FAILED, -ENOMEM);
	if (init && size)
		memcpy(data, init, size);
	if (map->data)
		munmap(map->data, map->data_len);
	map->data = data;
	map->data_len = len;
	return 0;
}

struct ua_map *object_map_at(const struct ua_object *obj, uint32_t sec, uint64_t off,
			     uint32_t *index)
{
	for (size_t i = 0; i < obj->n_maps; i++) {
		struct ua_map *map = obj->maps[i];

		if (map->sec != sec || (map->role == MAP_USER && map->sec_off != off) ||
		    map->role == MAP_STRUCT_OPS)
			continue;
		*index = i;
		return map;
	}
	return NULL;
}

/* -- Definitions ---------------------------------------------------------- */

struct def_reader {
	struct ua_object *obj;
	const struct btf *btf;
	const char *map, *field;
};

static int bad_def(const struct def_reader *r, const char *what)
{
	return object_fail(r->obj, -EINVAL, "section .maps: map %s: %s%s%s", r->map, r->field,
			   *r->field ? ": " : "", what);
}

/* What a member "typeof(t) *member" points to. */
static int read_pointee(const struct def_reader *r, uint32_t id, uint32_t *to)
{
	const struct btf_type *t = btf_resolve(r->btf, &id);

	if (!t || !btf_is_ptr(t))
		return bad_def(r, "not a pointer");
	*to = t->type;
	return 0;
}

static int read_number(const struct def_reader *r, uint32_t id, uint64_t *val)
{
	const struct btf_type *t = btf_resolve(r->btf, &id);

	if (t && btf_is_enum(t) && btf_vlen(t) == 1) {
		*val = (uint32_t)btf_enum(t)->val;
		return 0;
	}
	if (t && btf_is_enum64(t) && btf_vlen(t) == 1) {
		*val = btf_enum64_value(btf_enum64(t));
		return 0;
	}
	UA_TRY(read_pointee(r, id, &id));
	t = btf__type_by_id(r->btf, id);
	if (!btf_is_array(t))
		return bad_def(r, "not a number");
	*val = btf_array(t)->nelems;
	return 0;
}

static int read_u32(const struct def_reader *r, uint32_t id, uint32_t *val)
{
	uint64_t v;

	UA_TRY(read_number(r, id, &v));
	if (v > UINT32_MAX)
		return bad_def(r, "does not fit into 32 bits");
	*val = v;
	return 0;
}

/* key_size and key (or value_size and value) may both be given but must agree. */
static int set_size(const struct def_reader *r, uint32_t *slot, uint64_t size)
{
	if (size > INT32_MAX || (*slot && *slot != size))
		return bad_def(r, "conflicting or impossible size");
	*slot = size;
	return 0;
}

static int read_type(const struct def_reader *r, uint32_t id, uint32_t *type_id, uint32_t *size)
{
	int64_t bytes;

	UA_TRY(read_pointee(r, id, type_id));
	bytes = btf_size(r->btf, *type_id);
	if (bytes < 0)
		return bad_def(r, "type has no size");
	return set_size(r, size, bytes);
}

static int read_def(struct def_reader *r, uint32_t struct_id, struct map_def *def,
		    struct ua_map *map);

/* values: __array(values, struct inner definition) or __array(values, function type) */
static int read_values(struct def_reader *r, uint32_t id, uint32_t bit_off, struct ua_map *map)
{
	const struct btf_type *t = btf_resolve(r->btf, &id);
	uint32_t to;

	if (!map)
		return bad_def(r, "an inner map cannot have values");
	if (!t || !btf_is_array(t))
		return bad_def(r, "not an array");
	UA_TRY(read_pointee(r, btf_array(t)->type, &to));
	t = btf_resolve(r->btf, &to);
	map->has_values = true;
	map->values_off = bit_off / 8;
	if (btf_is_func_proto(t)) {
		map->slots_are_progs = true;
		return 0;
	}
	if (!btf_is_struct(t))
		return bad_def(r, "neither maps nor programs");
	map->inner = mem_zalloc(sizeof(*map->inner));
	UA_FAIL_IF(!map->inner, -ENOMEM);
	return read_def(r, to, map->inner, NULL);
}

static int read_field(struct def_reader *r, const struct btf_type *t, uint32_t i,
		      struct map_def *def, struct ua_map *map)
{
	const char *f = btf_name(r->btf, btf_members(t)[i].name_off);
	uint32_t id = btf_members(t)[i].type, n;

	r->field = f;
	if (!strcmp(f, "type"))
		return read_u32(r, id, &def->type);
	if (!strcmp(f, "max_entries"))
		return read_u32(r, id, &def->max_entries);
	if (!strcmp(f, "map_flags"))
		return read_u32(r, id, &def->map_flags);
	if (!strcmp(f, "numa_node"))
		return read_u32(r, id, &def->numa_node);
	if (!strcmp(f, "map_extra"))
		return read_number(r, id, &def->map_extra);
	if (!strcmp(f, "pinning")) /* there is no BPF file system; the map is made anew */
		return read_u32(r, id, &n);
	if (!strcmp(f, "key"))
		return read_type(r, id, &def->key_type_id, &def->key_size);
	if (!strcmp(f, "value"))
		return read_type(r, id, &def->value_type_id, &def->value_size);
	if (!strcmp(f, "values"))
		return read_values(r, id, btf_member_bit_offset(t, i), map);
	if (!strcmp(f, "key_size")) {
		UA_TRY(read_u32(r, id, &n));
		return set_size(r, &def->key_size, n);
	}
	if (!strcmp(f, "value_size")) {
		UA_TRY(read_u32(r, id, &n));
		return set_size(r, &def->value_size, n);
	}
	return bad_def(r, "unknown attribute");
}

static int read_def(struct def_reader *r, uint32_t struct_id, struct map_def *def,
		    struct ua_map *map)
{
	const struct btf_type *t = btf__type_by_id(r->btf, struct_id);

	for (uint32_t i = 0; i < btf_vlen(t); i++)
		UA_TRY(read_field(r, t, i, def, map));
	r->field = "";
	if (def->type == BPF_MAP_TYPE_UNSPEC)
		return bad_def(r, "no type");
	if (map && map->has_values && !map->slots_are_progs && !def->value_size)
		def->value_size = sizeof(int);
	if (map && map->slots_are_progs)
		def->key_size = def->value_size = sizeof(int);
	return 0;
}

static int open_definition(struct ua_object *obj, uint32_t sec, const struct btf_var_secinfo *v)
{
	struct def_reader r = {.obj = obj, .btf = obj->btf, .field = ""};
	uint32_t id = btf__type_by_id(obj->btf, v->type)->type;
	struct ua_map *map;
	const struct btf_type *t = btf_resolve(obj->btf, &id);

	r.map = btf_type_name(obj->btf, v->type);
	if (!t || !btf_is_struct(t))
		return bad_def(&r, "not a struct");
	if (v->size < t->size)
		return bad_def(&r, "definition is truncated");
	UA_TRY(object_add_map(obj, r.map, &map));
	map->role = MAP_USER;
	map->sec = sec;
	map->sec_off = v->offset;
	UA_TRY(read_def(&r, id, &map->def, map));
	if (map->def.type == BPF_MAP_TYPE_ARENA) {
		if (obj->arena)
			return object_fail(obj, -EINVAL,
					   "map %s: only one arena per object (%s is one)",
					   map->name, obj->arena->name);
		obj->arena = map;
	}
	return 0;
}

static int open_definitions(struct ua_object *obj)
{
	uint32_t sec = elf_find_section(&obj->elf, ".maps"), id;
	const struct btf_type *t;

	if (!sec)
		return 0;
	id = obj->btf ? btf_find(obj->btf, ".maps", BTF_KIND_DATASEC) : 0;
	if (!id)
		return object_fail(obj, -EINVAL, "section .maps: not described in BTF");
	t = btf__type_by_id(obj->btf, id);
	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		const struct btf_var_secinfo *v = &btf_var_secinfos(t)[i];

		if (!btf_is_var(btf__type_by_id(obj->btf, v->type)))
			return object_fail(obj, -EINVAL, "section .maps: holds a function");
		UA_TRY(open_definition(obj, sec, v));
	}
	return 0;
}

/* -- Data sections -------------------------------------------------------- */

static bool is_data_name(const char *name, const char *stem)
{
	size_t n = strlen(stem);

	return !strncmp(name, stem, n) && (!name[n] || name[n] == '.');
}

/* ".bss" of object "queue" becomes "queue.bss"; a section of the programmer's own naming keeps
 * its name. */
static void name_for_kernel(struct ua_map *map)
{
	int room = BPF_OBJ_NAME_LEN - 1 - (int)strlen(map->name);

	if (strchr(map->name + 1, '.'))
		return;
	snprintf(map->kernel_name, sizeof(map->kernel_name), "%.*s%s", room, map->obj->name,
		 map->name);
	for (char *c = map->kernel_name; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '_' && *c != '.')
			*c = '_';
}

/* Sections of static variables only are private: locks and timers are kept there, and a map
 * that holds such objects cannot be mapped. */
static bool has_visible_variable(const struct btf *btf, uint32_t datasec)
{
	const struct btf_type *t = datasec ? btf__type_by_id(btf, datasec) : NULL;

	for (uint32_t i = 0; t && i < btf_vlen(t); i++) {
		const struct btf_type *var = btf__type_by_id(btf, btf_var_secinfos(t)[i].type);

		if (btf_is_var(var) && btf_var(var)->linkage != BTF_VAR_STATIC)
			return true;
	}
	return false;
}

static int open_data(struct ua_object *obj, uint32_t i, enum map_role role)
{
	const struct elf_sec *sec = &obj->elf.secs[i];
	struct ua_map *map;

	if (sec->size > MAX_DATA)
		return object_fail(obj, -E2BIG, "section %s: larger than any map", sec->name);
	if ((role == MAP_BSS) != !sec->data)
		return object_fail(obj, -EINVAL, "section %s: %s", sec->name,
				   sec->data ? "has contents" : "has no contents");
	UA_TRY(object_add_map(obj, sec->name, &map));
	map->role = role;
	map->sec = i;
	map->datasec = obj->btf ? btf_find(obj->btf, sec->name, BTF_KIND_DATASEC) : 0;
	map->mappable = has_visible_variable(obj->btf, map->datasec);
	map->def = (struct map_def){
		.type = BPF_MAP_TYPE_ARRAY,
		.key_size = sizeof(int),
		.value_size = sec->size,
		.max_entries = 1,
		.map_flags = (role == MAP_RODATA ? BPF_F_RDONLY_PROG : 0) |
			     (map->mappable ? BPF_F_MMAPABLE : 0),
		.value_type_id = map->datasec,
	};
	name_for_kernel(map);
	return map_set_data(map, sec->data, sec->size);
}

static int open_data_sections(struct ua_object *obj)
{
	for (uint32_t i = 1; i < obj->elf.n_secs; i++) {
		const struct elf_sec *sec = &obj->elf.secs[i];
		const char *name = sec->name;

		if (!sec->size || (sec->type != SHT_PROGBITS && sec->type != SHT_NOBITS))
			continue;
		if (is_data_name(name, ".data"))
			UA_TRY(open_data(obj, i, MAP_DATA));
		else if (is_data_name(name, ".rodata"))
			UA_TRY(open_data(obj, i, MAP_RODATA));
		else if (is_data_name(name, ".bss"))
			UA_TRY(open_data(obj, i, MAP_BSS));
	}
	return 0;
}

/* -- Arena variables ------------------------------------------------------ */

static int open_arena_variables(struct ua_object *obj)
{
	uint32_t i = elf_find_section(&obj->elf, ARENA_SEC);
	const struct elf_sec *sec = &obj->elf.secs[i];

	if (!i || !sec->size)
		return 0;
	if (!obj->arena)
		return object_fail(obj, -ENOENT,
				   "section " ARENA_SEC ": variables without an arena map");
	if (sec->size > MAX_DATA ||
	    page_align(sec->size) > (uint64_t)obj->arena->def.max_entries * PAGE)
		return object_fail(obj, -E2BIG, "section " ARENA_SEC ": larger than the arena %s",
				   obj->arena->name);
	obj->arena_init = mem_zalloc(sec->size);
	UA_FAIL_IF(!obj->arena_init, -ENOMEM);
	if (sec->data)
		memcpy(obj->arena_init, sec->data, sec->size);
	obj->arena_init_len = sec->size;
	obj->arena_sec = i;
	obj->arena_datasec = obj->btf ? btf_find(obj->btf, ARENA_SEC, BTF_KIND_DATASEC) : 0;
	return 0;
}

int open_maps(struct ua_object *obj)
{
	UA_TRY(open_definitions(obj));
	UA_TRY(open_data_sections(obj));
	return open_arena_variables(obj);
}
