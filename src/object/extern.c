/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Externs: variables of .kconfig, kfuncs and kernel variables of .ksyms.
 *
 * What cannot be found is an error only when a program that is loaded refers to it, and not
 * even then if it is weak: variables read as 0 and calls become calls of no helper, which the
 * verifier refuses unless it proves that they are never reached.
 */
#include "object/object.h"

/* -- Open ----------------------------------------------------------------- */

/* VAR or FUNC of that name in an extern section; *kind says which section. */
static uint32_t find_extern(const struct ua_object *obj, const char *name, enum ext_kind *kind)
{
	static const char *const secs[] = {[EXT_KCONFIG] = ".kconfig", [EXT_KSYM] = ".ksyms"};

	for (size_t s = 0; s < ARRAY_SIZE(secs); s++) {
		uint32_t id = btf_find(obj->btf, secs[s], BTF_KIND_DATASEC);
		const struct btf_type *t = btf__type_by_id(obj->btf, id);

		for (uint32_t i = 0; id && i < btf_vlen(t); i++) {
			uint32_t member = btf_var_secinfos(t)[i].type;

			if (strcmp(btf_type_name(obj->btf, member), name))
				continue;
			*kind = s;
			return member;
		}
	}
	return 0;
}

static int open_kconfig(struct ua_object *obj, struct ext *ext, uint32_t *end)
{
	uint32_t id = btf__type_by_id(obj->btf, ext->btf_id)->type, align;
	int64_t size = btf_size(obj->btf, id);

	if (size <= 0 || size > 4096)
		return object_fail(obj, -EINVAL, "section .kconfig: extern %s: impossible type",
				   ext->name);
	align = btf_align(obj->btf, id);
	ext->type_id = id;
	ext->size = size;
	ext->off = (*end + align - 1) / align * align;
	*end = ext->off + ext->size;
	return 0;
}

static int open_ksym(struct ua_object *obj, struct ext *ext)
{
	const struct btf_type *t = btf__type_by_id(obj->btf, ext->btf_id);
	uint32_t id = t->type;

	ext->is_func = btf_is_func(t);
	ext->type_id = id;
	btf_resolve(obj->btf, &id);
	/* "extern const void x __ksym" asks for an address and knows no type. */
	ext->typed = ext->is_func || id != 0;
	return 0;
}

static int add_kconfig_map(struct ua_object *obj, uint32_t size)
{
	struct ua_map *map;

	UA_TRY(object_add_map(obj, ".kconfig", &map));
	map->role = MAP_KCONFIG;
	map->mappable = true;
	map->def = (struct map_def){.type = BPF_MAP_TYPE_ARRAY,
				    .key_size = sizeof(int),
				    .value_size = size,
				    .max_entries = 1,
				    .map_flags = BPF_F_RDONLY_PROG | BPF_F_MMAPABLE};
	return map_set_data(map, NULL, size);
}

int open_externs(struct ua_object *obj)
{
	uint32_t kconfig_size = 0;

	for (uint32_t i = 1; obj->btf && i < obj->elf.n_syms; i++) {
		const struct elf_sym *sym = &obj->elf.syms[i];
		struct ext ext = {.name = sym->name, .sym = i, .weak = sym->bind == STB_WEAK};

		if (sym->sec || !*sym->name || (sym->bind != STB_GLOBAL && sym->bind != STB_WEAK))
			continue;
		ext.btf_id = find_extern(obj, sym->name, &ext.kind);
		if (!ext.btf_id) /* an error where something refers to it */
			continue;
		if (ext.kind == EXT_KCONFIG)
			UA_TRY(open_kconfig(obj, &ext, &kconfig_size));
		else
			UA_TRY(open_ksym(obj, &ext));
		UA_TRY(UA_GROW(&obj->exts, &obj->cap_exts, obj->n_exts + 1));
		obj->exts[obj->n_exts++] = ext;
	}
	return kconfig_size ? add_kconfig_map(obj, kconfig_size) : 0;
}

/* -- .kconfig values ------------------------------------------------------ */

static int bad_value(const struct ua_object *obj, const struct ext *ext, const char *what)
{
	return object_fail(obj, -EINVAL, "section .kconfig: extern %s: %s", ext->name, what);
}

static int put_string(const struct ua_object *obj, const struct ext *ext, const char *str, char *to)
{
	uint32_t id = ext->type_id;
	const struct btf_type *t = btf_resolve(obj->btf, &id);

	if (!btf_is_array(t) || btf_size(obj->btf, btf_array(t)->type) != 1)
		return bad_value(obj, ext, "the value is a string, the variable no char array");
	snprintf(to, ext->size, "%s", str);
	return 0;
}

/* enum libbpf_tristate { TRI_NO, TRI_YES, TRI_MODULE } */
static uint64_t tristate(uint64_t val)
{
	switch (val) {
	case 'y':
		return 1;
	case 'm':
		return 2;
	default:
		return 0;
	}
}

static int put_number(const struct ua_object *obj, const struct ext *ext, uint64_t val, void *to)
{
	uint32_t id = ext->type_id;
	const struct btf_type *t = btf_resolve(obj->btf, &id);
	bool letter = val == 'y' || val == 'n' || val == 'm';

	if (btf_is_any_enum(t) && letter)
		val = tristate(val);
	else if (btf_is_int(t) && (btf_int_encoding(t) & BTF_INT_BOOL) && letter)
		val = val == 'y';
	else if (!btf_is_int(t) && !btf_is_any_enum(t))
		return bad_value(obj, ext, "the value is a number, the variable is none");
	if (ext->size < 8 && val >> (ext->size * 8) && (int64_t)val >> (ext->size * 8 - 1) != -1)
		return bad_value(obj, ext, "the value does not fit into the variable");
	memcpy(to, &val, ext->size < 8 ? ext->size : 8);
	return 0;
}

static int load_kconfig(struct ua_object *obj, struct ext *ext, struct ua_map *map)
{
	const char *str = NULL;
	uint64_t val = 0;
	int err = obj->k->ops->kconfig(obj->k, ext->name, &val, &str);
	char *to = (char *)map->data + ext->off;

	if (err == -ENOENT)
		return 0;
	UA_TRY(err);
	ext->resolved = true;
	return str ? put_string(obj, ext, str, to) : put_number(obj, ext, val, to);
}

/* -- .ksyms --------------------------------------------------------------- */

/* Same name up to the flavour of either side. */
static bool same_name(const char *a, const char *b)
{
	size_t n = btf_essential_len(a);

	return n == btf_essential_len(b) && !strncmp(a, b, n);
}

static bool candidate_fits(const struct ua_object *obj, const struct ext *ext,
			   const struct btf *kernel, uint32_t id)
{
	const struct btf_type *t = btf__type_by_id(kernel, id);
	const struct btf_type *local = btf__type_by_id(obj->btf, ext->btf_id);

	if (btf_kind(t) != (ext->is_func ? BTF_KIND_FUNC : BTF_KIND_VAR))
		return false;
	return core_types_compat(obj->btf, local->type, kernel, t->type) ||
	       (ext->is_func && signature_kfunc_fits(obj->btf, local->type, kernel, t->type));
}

/*
 * "name___flavour" looks for the kernel's "name". The kernel may itself offer a second
 * prototype of a name under a flavour; an extern takes the first that is compatible, its
 * full name before its essential one.
 */
static uint32_t find_ksym(const struct ua_object *obj, const struct ext *ext,
			  const struct btf *kernel, bool *incompatible)
{
	uint32_t n = btf__type_cnt(kernel), kind = ext->is_func ? BTF_KIND_FUNC : BTF_KIND_VAR;
	uint32_t id = btf_find(kernel, ext->name, kind);
	char *plain;

	if (id && candidate_fits(obj, ext, kernel, id))
		return id;
	plain = mem_dup(ext->name, strlen(ext->name) + 1);
	if (plain) {
		plain[btf_essential_len(ext->name)] = 0;
		id = btf_find(kernel, plain, kind);
		mem_free(plain);
		if (id && candidate_fits(obj, ext, kernel, id))
			return id;
	}
	for (uint32_t i = 1; i < n; i++) {
		if (btf_kind(btf__type_by_id(kernel, i)) != kind ||
		    !same_name(btf_type_name(kernel, i), ext->name))
			continue;
		if (candidate_fits(obj, ext, kernel, i))
			return i;
		*incompatible = true;
	}
	return 0;
}

static void load_ksym(struct ua_object *obj, struct ext *ext, const struct btf *kernel)
{
	bool incompatible = false;

	if (!ext->typed || !kernel)
		return;
	ext->kernel_id = find_ksym(obj, ext, kernel, &incompatible);
	ext->resolved = ext->kernel_id != 0;
	if (!ext->resolved && incompatible)
		log_debug("uarena: object %s: extern %s: its prototype differs from the kernel's\n",
			  obj->name, ext->name);
}

int load_externs(struct ua_object *obj, struct btf *kernel_btf)
{
	struct ua_map *kconfig = NULL;

	for (size_t i = 0; i < obj->n_maps; i++)
		if (obj->maps[i]->role == MAP_KCONFIG)
			kconfig = obj->maps[i];
	for (size_t i = 0; i < obj->n_exts; i++) {
		if (obj->exts[i].kind == EXT_KCONFIG)
			UA_TRY(load_kconfig(obj, &obj->exts[i], kconfig));
		else
			load_ksym(obj, &obj->exts[i], kernel_btf);
	}
	return 0;
}
