/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * struct_ops: variables of .struct_ops sections, one map each.
 *
 * The local struct and the kernel's are matched member by member by name, so that an object
 * built against another kernel works as long as it does not set what this one lacks. A
 * program that is only named by a member the kernel lacks is not loaded.
 */
#include "object/object.h"
#include "uarena.h"

struct st_ops {
	uint32_t local_id; /* struct type of the variable */
	uint8_t *data;	   /* the variable, without the programs */
	uint32_t size;
	uint32_t n_members;
	uint32_t *progs; /* program index + 1 per member, 0 none */
	bool autocreate;
	uint32_t kernel_id; /* the kernel's struct */
	uint32_t value_id;  /* struct bpf_struct_ops_NAME */
	uint32_t value_size;
	uint32_t data_off; /* of the struct in the value */
};

static int st_fail(const struct ua_map *map, int err, const char *what, const char *name)
{
	return object_fail(map->obj, err, "section %s: variable %s: %s%s%s",
			   object_sec_name(map->obj, map->sec), map->name, what, *name ? ": " : "",
			   name);
}

/* -- Open ----------------------------------------------------------------- */

static int program_of_func(const struct ua_object *obj, uint32_t func)
{
	for (size_t i = 0; i < obj->n_progs; i++)
		if (obj->progs[i]->func == func)
			return i;
	return -1;
}

static int set_program(struct ua_map *map, const struct elf_rel *rel)
{
	const struct ua_object *obj = map->obj;
	const struct elf_sym *sym = &obj->elf.syms[rel->sym];
	const struct btf_type *t = btf__type_by_id(obj->btf, map->st->local_id);
	uint64_t bit = (rel->off - map->sec_off) * 8;
	const struct func *func;
	int prog;

	func = sym->sec < obj->elf.n_secs && sym->value / 8 <= UINT32_MAX
		       ? object_func_at(obj, sym->sec, sym->value / sizeof(struct bpf_insn))
		       : NULL;
	prog = func ? program_of_func(obj, func - obj->funcs) : -1;
	if (prog < 0 || obj->progs[prog]->type != BPF_PROG_TYPE_STRUCT_OPS)
		return st_fail(map, -EINVAL, "refers to something that is no struct_ops program",
			       sym->name);
	for (uint32_t i = 0; i < btf_vlen(t); i++)
		if (btf_member_bit_offset(t, i) == bit) {
			map->st->progs[i] = prog + 1;
			return 0;
		}
	return st_fail(map, -EINVAL, "a program is assigned to no member", sym->name);
}

static struct ua_map *variable_at(const struct ua_object *obj, uint32_t sec, uint64_t off)
{
	for (size_t i = 0; i < obj->n_maps; i++) {
		struct ua_map *map = obj->maps[i];

		if (map->role == MAP_STRUCT_OPS && map->sec == sec && off >= map->sec_off &&
		    off - map->sec_off < map->st->size)
			return map;
	}
	return NULL;
}

static int read_relocs(struct ua_object *obj, const struct elf_sec *rels)
{
	size_t n = elf_rel_count(rels);

	if (rels->type != SHT_REL)
		return object_fail(obj, -EINVAL, "section %s: ill-formed", rels->name);
	for (size_t i = 0; i < n; i++) {
		struct elf_rel rel = elf_rel_at(rels, i);
		struct ua_map *map = variable_at(obj, rels->info, rel.off);

		if (!map || rel.sym >= obj->elf.n_syms || rel.type != R_BPF_64_ABS64)
			return object_fail(obj, -EINVAL, "section %s: record %zu is ill-formed",
					   rels->name, i);
		UA_TRY(set_program(map, &rel));
	}
	return 0;
}

static int open_variable(struct ua_object *obj, uint32_t sec, const struct btf_var_secinfo *v)
{
	const char *sec_name = object_sec_name(obj, sec);
	uint32_t id = btf__type_by_id(obj->btf, v->type)->type;
	const struct btf_type *t = btf_resolve(obj->btf, &id);
	struct ua_map *map;
	struct st_ops *st;

	UA_TRY(object_add_map(obj, btf_type_name(obj->btf, v->type), &map));
	map->role = MAP_STRUCT_OPS;
	map->sec = sec;
	map->sec_off = v->offset;
	map->def.type = BPF_MAP_TYPE_STRUCT_OPS;
	map->def.max_entries = 1;
	map->def.key_size = sizeof(int);
	if (strstr(sec_name, ".link"))
		map->def.map_flags = BPF_F_LINK;
	if (!btf_is_struct(t) || !*btf_name(obj->btf, t->name_off) || v->size < t->size)
		return st_fail(map, -EINVAL, "not a named struct", "");
	st = map->st = mem_zalloc(sizeof(*st));
	UA_FAIL_IF(!st, -ENOMEM);
	st->local_id = id;
	st->size = t->size;
	st->n_members = btf_vlen(t);
	st->autocreate = *sec_name != '?';
	st->data = mem_dup(obj->elf.secs[sec].data + v->offset, t->size);
	st->progs = mem_calloc(st->n_members, sizeof(*st->progs));
	return st->data && st->progs ? 0 : -ENOMEM;
}

static int open_section(struct ua_object *obj, uint32_t sec)
{
	const char *name = object_sec_name(obj, sec);
	uint32_t id = obj->btf ? btf_find(obj->btf, name, BTF_KIND_DATASEC) : 0;
	const struct btf_type *t;

	if (!id || !obj->elf.secs[sec].data)
		return object_fail(obj, -EINVAL, "section %s: not described in BTF", name);
	t = btf__type_by_id(obj->btf, id);
	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		const struct btf_var_secinfo *v = &btf_var_secinfos(t)[i];

		if (!btf_is_var(btf__type_by_id(obj->btf, v->type)))
			return object_fail(obj, -EINVAL, "section %s: holds a function", name);
		UA_TRY(open_variable(obj, sec, v));
	}
	return 0;
}

static bool is_struct_ops_section(const char *name)
{
	name += *name == '?';
	return !strcmp(name, ".struct_ops") || !strcmp(name, ".struct_ops.link");
}

/* Programs of variables that are not created are not loaded, unless the user said so. */
static void adjust_autoload(struct ua_object *obj)
{
	for (size_t i = 0; i < obj->n_progs; i++)
		if (obj->progs[i]->needs_struct_ops && !obj->progs[i]->user_autoload)
			obj->progs[i]->autoload = false;
	for (size_t i = 0; i < obj->n_maps; i++) {
		const struct st_ops *st = obj->maps[i]->st;

		for (uint32_t m = 0; st && st->autocreate && m < st->n_members; m++)
			if (st->progs[m] && !obj->progs[st->progs[m] - 1]->user_autoload)
				obj->progs[st->progs[m] - 1]->autoload = true;
	}
}

int open_struct_ops(struct ua_object *obj)
{
	for (uint32_t i = 1; i < obj->elf.n_secs; i++)
		if (obj->elf.secs[i].type == SHT_PROGBITS &&
		    is_struct_ops_section(obj->elf.secs[i].name))
			UA_TRY(open_section(obj, i));
	for (uint32_t i = 1; i < obj->elf.n_secs; i++) {
		const struct elf_sec *sec = &obj->elf.secs[i];

		if ((sec->type == SHT_REL || sec->type == SHT_RELA) &&
		    is_struct_ops_section(object_sec_name(obj, sec->info)))
			UA_TRY(read_relocs(obj, sec));
	}
	adjust_autoload(obj);
	return 0;
}

/* -- Load ----------------------------------------------------------------- */

static bool is_zero(const uint8_t *p, size_t n)
{
	while (n && !*p)
		p++, n--;
	return n == 0;
}

static int kernel_member(const struct btf *kernel, uint32_t id, const char *name)
{
	const struct btf_type *t = btf__type_by_id(kernel, id);

	for (uint32_t i = 0; i < btf_vlen(t); i++)
		if (!strcmp(btf_name(kernel, btf_members(t)[i].name_off), name))
			return i;
	return -1;
}

static int find_kernel_types(struct ua_map *map, const struct btf *kernel)
{
	struct st_ops *st = map->st;
	const char *local = btf_type_name(map->obj->btf, st->local_id);
	struct btf_place data;
	char name[160], value[192];

	snprintf(name, sizeof(name), "%.*s", (int)min_t(size_t, btf_essential_len(local), 128),
		 local);
	snprintf(value, sizeof(value), "bpf_struct_ops_%s", name);
	st->kernel_id = kernel ? btf_find(kernel, name, BTF_KIND_STRUCT) : 0;
	st->value_id = kernel ? btf_find(kernel, value, BTF_KIND_STRUCT) : 0;
	if (!st->kernel_id || !st->value_id || !btf_member(kernel, st->value_id, "data", &data) ||
	    data.type_id != st->kernel_id)
		return st_fail(map, -ENOTSUP, "the kernel has no such struct_ops", name);
	st->value_size = btf__type_by_id(kernel, st->value_id)->size;
	st->data_off = data.bit_off / 8;
	map->def.value_size = st->value_size;
	map->def.vmlinux_value_id = st->value_id;
	return 0;
}

static int bind_program(struct ua_map *map, uint32_t index, uint32_t member)
{
	struct ua_program *prog = map->obj->progs[index];

	if (prog->attach_btf_id &&
	    (prog->attach_btf_id != map->st->kernel_id || prog->attach_type != member))
		return st_fail(map, -EINVAL, "a program is used for two different members",
			       map->obj->funcs[prog->func].name);
	prog->attach_btf_id = map->st->kernel_id;
	prog->attach_type = member;
	return 0;
}

/* Prototype behind a pointer to function, or 0. */
static uint32_t proto_of(const struct btf *btf, uint32_t type_id)
{
	const struct btf_type *t = btf_resolve(btf, &type_id);

	if (!type_id || !btf_is_ptr(t))
		return 0;
	type_id = t->type;
	t = btf_resolve(btf, &type_id);
	return type_id && btf_is_func_proto(t) ? type_id : 0;
}

/* A program is called with the kernel's arguments, so the prototypes must agree. */
static int check_signature(const struct ua_map *map, const struct btf *kernel, const char *name,
			   uint32_t local_type, uint32_t kernel_type)
{
	const struct btf *btf = map->obj->btf;
	uint32_t local = proto_of(btf, local_type), wanted = proto_of(kernel, kernel_type);
	char is[256], should[256];

	if (!local || !wanted)
		return st_fail(map, -EINVAL,
			       "a program is assigned to a member that is no function", name);
	if (signature_serves(btf, local, kernel, wanted))
		return 0;
	signature_print(btf, local, is, sizeof(is));
	signature_print(kernel, wanted, should, sizeof(should));
	return object_fail(map->obj, -EINVAL,
			   "section %s: variable %s: member %s is '%s' here, but must be '%s'",
			   object_sec_name(map->obj, map->sec), map->name, name, is, should);
}

static int match_member(struct ua_map *map, const struct btf *kernel, uint32_t i)
{
	struct st_ops *st = map->st;
	const struct btf *btf = map->obj->btf;
	const struct btf_type *t = btf__type_by_id(btf, st->local_id);
	const struct btf_member *m = &btf_members(t)[i];
	uint64_t off = btf_member_bit_offset(t, i) / 8;
	int64_t size = btf_size(btf, m->type);
	const char *name = btf_name(btf, m->name_off);
	int km;

	if (btf_member_bitfield_size(t, i) || size < 0 || off + size > st->size)
		return st_fail(map, -ENOTSUP, "member of a kind struct_ops cannot hold", name);
	km = kernel_member(kernel, st->kernel_id, name);
	if (km < 0) {
		if (!is_zero(st->data + off, size))
			return st_fail(map, -ENOTSUP,
				       "the kernel's struct lacks a member that is set", name);
		st->progs[i] = 0;
		return 0;
	}
	if (btf_size(kernel, btf_members(btf__type_by_id(kernel, st->kernel_id))[km].type) !=
		    size &&
	    !is_zero(st->data + off, size))
		return st_fail(map, -ENOTSUP, "the kernel's member has another size", name);
	if (!st->progs[i])
		return 0;
	UA_TRY(check_signature(map, kernel, name, m->type,
			       btf_members(btf__type_by_id(kernel, st->kernel_id))[km].type));
	return bind_program(map, st->progs[i] - 1, km);
}

static int match_struct(struct ua_map *map, const struct btf *kernel)
{
	UA_TRY(find_kernel_types(map, kernel));
	for (uint32_t i = 0; i < map->st->n_members; i++)
		UA_TRY(match_member(map, kernel, i));
	return 0;
}

int load_struct_ops(struct ua_object *obj, struct btf *kernel_btf)
{
	for (size_t i = 0; i < obj->n_maps; i++) {
		struct ua_map *map = obj->maps[i];

		if (map->st && map->st->autocreate)
			UA_TRY(match_struct(map, kernel_btf));
	}
	adjust_autoload(obj); /* members the kernel lacks have lost their programs */
	return 0;
}

bool st_ops_wanted(const struct ua_map *map)
{
	return map->st->autocreate;
}

void st_ops_set_wanted(struct ua_map *map, bool on)
{
	map->st->autocreate = on;
	adjust_autoload(map->obj);
}

uint32_t st_ops_type(const struct ua_map *map)
{
	return map->st->local_id;
}

void *st_ops_data(const struct ua_map *map, size_t *size)
{
	*size = map->st->size;
	return map->st->data;
}

void st_ops_free(struct ua_map *map)
{
	if (!map->st)
		return;
	mem_free(map->st->data);
	mem_free(map->st->progs);
	mem_free(map->st);
	map->st = NULL;
}

/* -- Attach --------------------------------------------------------------- */

static int fill_value(const struct ua_map *map, uint8_t *value)
{
	const struct ua_object *obj = map->obj;
	const struct st_ops *st = map->st;
	const struct btf *kernel = obj->k->ops->vmlinux_btf(obj->k);
	const struct btf_type *t = btf__type_by_id(obj->btf, st->local_id);
	const struct btf_type *kt = btf__type_by_id(kernel, st->kernel_id);

	for (uint32_t i = 0; i < st->n_members; i++) {
		const struct btf_member *m = &btf_members(t)[i];
		int km = kernel_member(kernel, st->kernel_id, btf_name(obj->btf, m->name_off));
		uint64_t to, size = btf_size(obj->btf, m->type);

		if (km < 0)
			continue;
		to = st->data_off + (uint64_t)btf_member_bit_offset(kt, km) / 8;
		if (to + size > st->value_size)
			continue; /* the members' sizes differ and the local one is zero */
		if (st->progs[i])
			*(uint64_t *)(value + to) = obj->progs[st->progs[i] - 1]->fd;
		else if ((int64_t)size == btf_size(kernel, btf_members(kt)[km].type))
			memcpy(value + to, st->data + btf_member_bit_offset(t, i) / 8, size);
	}
	return 0;
}

static long set_value(const struct ua_map *map, const void *value)
{
	union bpf_attr attr;
	int zero = 0;

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = map->fd;
	attr.key = (uintptr_t)&zero;
	attr.value = (uintptr_t)value;
	return kernel_bpf(map->obj->k, BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr));
}

static long create_link(const struct ua_map *map)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.link_create.map_fd = map->fd;
	attr.link_create.attach_type = BPF_STRUCT_OPS;
	return kernel_bpf(map->obj->k, BPF_LINK_CREATE, &attr, sizeof(attr));
}

/* A map that may be linked keeps its value between links: it is written once. */
static long write_value(const struct ua_map *map)
{
	uint8_t *value = mem_zalloc(map->st->value_size);
	long err;

	UA_FAIL_IF(!value, -ENOMEM);
	fill_value(map, value);
	err = set_value(map, value);
	mem_free(value);
	return err == -EBUSY && (map->def.map_flags & BPF_F_LINK) ? 0 : err;
}

int object_attach_struct_ops(struct ua_map *map)
{
	long err;

	if (!map->st || map->fd < 0)
		return st_fail(map, -EINVAL, "not a loaded struct_ops variable", "");
	err = write_value(map);
	if (!err && (map->def.map_flags & BPF_F_LINK))
		err = create_link(map);
	return err < 0 ? st_fail(map, err, "cannot attach", strerror(-err)) : err;
}

/* -- Public links ---------------------------------------------------------- */

struct ua_link {
	struct kernel *k;
	int fd;	    /* of the link; -1: the map itself is registered */
	int map_fd; /* then: its descriptor */
};

int ua_map__attach_struct_ops(struct ua_map *map, struct ua_link **out)
{
	struct ua_link *link;
	int fd;

	link = mem_zalloc(sizeof(*link));
	UA_FAIL_IF(!link, -ENOMEM);
	fd = object_attach_struct_ops(map);
	if (fd < 0) {
		mem_free(link);
		return fd;
	}
	link->k = map->obj->k;
	link->fd = map->def.map_flags & BPF_F_LINK ? fd : -1;
	link->map_fd = map->fd;
	*out = link;
	return 0;
}

int ua_link__update_map(struct ua_link *link, struct ua_map *map)
{
	union bpf_attr attr;
	long err;

	if (!map->st || map->fd < 0)
		return st_fail(map, -EINVAL, "not a loaded struct_ops variable", "");
	UA_FAIL_IF(link->fd < 0 || !(map->def.map_flags & BPF_F_LINK), -EINVAL);
	err = write_value(map);
	if (!err) {
		memset(&attr, 0, sizeof(attr));
		attr.link_update.link_fd = link->fd;
		attr.link_update.new_map_fd = map->fd;
		err = kernel_bpf(link->k, BPF_LINK_UPDATE, &attr, sizeof(attr));
	}
	return err < 0 ? st_fail(map, err, "cannot replace the struct in use", strerror(-err)) : 0;
}

int ua_link__fd(const struct ua_link *link)
{
	return link->fd;
}

static void unregister_map(const struct ua_link *link)
{
	union bpf_attr attr;
	int zero = 0;

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = link->map_fd;
	attr.key = (uintptr_t)&zero;
	kernel_bpf(link->k, BPF_MAP_DELETE_ELEM, &attr, sizeof(attr));
}

void ua_link__destroy(struct ua_link *link)
{
	if (!link)
		return;
	if (link->fd >= 0)
		link->k->ops->close(link->k, link->fd);
	else
		unregister_map(link);
	mem_free(link);
}
