/* SPDX-License-Identifier: BSD-2-Clause */
/* The public functions on objects, programs and maps. */
#include "object/object.h"
#include "uarena.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* -- Open and close ------------------------------------------------------- */

/* A field of an option struct, 0 if the caller's struct is too old to have it. */
#define OPT(opts, field)                                                                      \
	((opts) && (opts)->sz >= offsetof(__typeof__(*(opts)), field) + sizeof((opts)->field) \
		 ? (opts)->field                                                              \
		 : 0)

/* "dir/queue.bpf.o" is object "queue". */
static char *name_of_path(const char *path)
{
	const char *base = strrchr(path, '/');
	char *name = mem_strdup(base ? base + 1 : path);
	char *end;

	if (!name)
		return NULL;
	end = strstr(name, ".bpf.o");
	if (!end)
		end = strrchr(name, '.');
	if (end && end != name)
		*end = 0;
	return name;
}

static int object_new(struct ua_engine *engine, const char *name, const struct ua_object_opts *opts,
		      struct ua_object **out)
{
	struct ua_object *obj = mem_zalloc(sizeof(*obj));
	const char *given = OPT(opts, name);

	UA_FAIL_IF(!obj, -ENOMEM);
	obj->engine = engine;
	obj->k = engine->kernel;
	obj->btf_fd = -1;
	obj->log_level = OPT(opts, log_level);
	obj->name = given ? mem_strdup(given) : name_of_path(name);
	if (!obj->name) {
		mem_free(obj);
		return -ENOMEM;
	}
	*out = obj;
	return 0;
}

int ua_object__open_mem(struct ua_engine *engine, const void *buf, size_t size,
			const struct ua_object_opts *opts, struct ua_object **obj)
{
	struct ua_object *new;
	int err;

	UA_FAIL_IF(!engine || !buf || !obj, -EINVAL);
	UA_TRY(object_new(engine, "memory", opts, &new));
	err = open_object(new, buf, size);
	if (err)
		object_free(new);
	else
		*obj = new;
	return err;
}

static int read_file(const char *path, void **buf, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;
	size_t cap = 0;
	struct stat st;
	ssize_t n;

	*buf = NULL;
	*size = 0;
	UA_FAIL_IF(fd < 0, -errno);
	if (fstat(fd, &st) || S_ISDIR(st.st_mode))
		err = S_ISDIR(st.st_mode) ? -EISDIR : -errno;
	while (!err) {
		err = UA_GROW((uint8_t **)buf, &cap, *size + 65536);
		if (err)
			break;
		n = read(fd, (char *)*buf + *size, cap - *size);
		if (n < 0 && errno != EINTR)
			err = -errno;
		if (n <= 0 && !(n < 0 && errno == EINTR))
			break;
		*size += n > 0 ? n : 0;
	}
	close(fd);
	if (err)
		mem_free(*buf);
	return err;
}

int ua_object__open_file(struct ua_engine *engine, const char *path,
			 const struct ua_object_opts *opts, struct ua_object **obj)
{
	struct ua_object *new;
	size_t size;
	void *buf;
	int err;

	UA_FAIL_IF(!engine || !path || !obj, -EINVAL);
	err = read_file(path, &buf, &size);
	if (err) {
		log_warn("uarena: %s: cannot read: %s\n", path, strerror(-err));
		return err;
	}
	err = object_new(engine, path, opts, &new);
	if (!err) {
		err = open_object(new, buf, size);
		if (err)
			object_free(new);
		else
			*obj = new;
	}
	mem_free(buf);
	return err;
}

int ua_object__load(struct ua_object *obj)
{
	return object_load(obj);
}

void ua_object__close(struct ua_object *obj)
{
	if (obj)
		object_free(obj);
}

const char *ua_object__name(const struct ua_object *obj)
{
	return obj->name;
}

/* -- Programs ------------------------------------------------------------- */

struct ua_program *ua_object__next_program(const struct ua_object *obj,
					   const struct ua_program *prev)
{
	size_t i = 0;

	while (prev && i < obj->n_progs && obj->progs[i] != prev)
		i++;
	i += prev != NULL;
	return i < obj->n_progs ? obj->progs[i] : NULL;
}

const char *ua_program__name(const struct ua_program *prog)
{
	return prog->obj->funcs[prog->func].name;
}

struct ua_program *ua_object__find_program(const struct ua_object *obj, const char *name)
{
	for (size_t i = 0; i < obj->n_progs; i++)
		if (!strcmp(ua_program__name(obj->progs[i]), name))
			return obj->progs[i];
	return NULL;
}

const char *ua_program__section(const struct ua_program *prog)
{
	return prog->section;
}

uint32_t ua_program__type(const struct ua_program *prog)
{
	return prog->type;
}

size_t ua_program__insn_count(const struct ua_program *prog)
{
	return prog->obj->funcs[prog->func].n;
}

bool ua_program__autoload(const struct ua_program *prog)
{
	return prog->autoload;
}

int ua_program__set_autoload(struct ua_program *prog, bool on)
{
	UA_FAIL_IF(prog->obj->loaded, -EINVAL);
	prog->autoload = on;
	prog->user_autoload = true;
	return 0;
}

int ua_program__fd(const struct ua_program *prog)
{
	return prog->fd >= 0 ? prog->fd : -ENOENT;
}

/* -- Maps ----------------------------------------------------------------- */

struct ua_map *ua_object__next_map(const struct ua_object *obj, const struct ua_map *prev)
{
	size_t i = 0;

	while (prev && i < obj->n_maps && obj->maps[i] != prev)
		i++;
	i += prev != NULL;
	return i < obj->n_maps ? obj->maps[i] : NULL;
}

struct ua_map *ua_object__find_map(const struct ua_object *obj, const char *name)
{
	for (size_t i = 0; i < obj->n_maps; i++)
		if (!strcmp(obj->maps[i]->name, name))
			return obj->maps[i];
	for (size_t i = 0; i < obj->n_maps; i++)
		if (!strcmp(obj->maps[i]->kernel_name, name))
			return obj->maps[i];
	return NULL;
}

const char *ua_map__name(const struct ua_map *map)
{
	return map->name;
}

uint32_t ua_map__type(const struct ua_map *map)
{
	return map->def.type;
}

uint32_t ua_map__key_size(const struct ua_map *map)
{
	return map->def.key_size;
}

uint32_t ua_map__value_size(const struct ua_map *map)
{
	return map->def.value_size;
}

uint32_t ua_map__max_entries(const struct ua_map *map)
{
	return map->def.max_entries;
}

int ua_map__set_max_entries(struct ua_map *map, uint32_t n)
{
	UA_FAIL_IF(map->obj->loaded, -EINVAL);
	if (map == map->obj->arena && page_align(map->obj->arena_init_len) > (uint64_t)n * 4096)
		return object_fail(map->obj, -E2BIG, "map %s: too small for the arena's variables",
				   map->name);
	map->def.max_entries = n;
	return 0;
}

/* Data sections grow or shrink with their last variable, which must be an array. */
static int resize_data(struct ua_map *map, uint32_t size)
{
	struct ua_object *obj = map->obj;
	const void *old = map->data;
	uint32_t keep = min_t(uint32_t, size, map->def.value_size);
	void *copy = mem_dup(old, keep);
	int err;

	UA_FAIL_IF(!copy, -ENOMEM);
	err = map_set_data(map, NULL, size);
	if (!err) {
		memcpy(map->data, copy, keep);
		map->def.value_size = size;
		err = globals_resized(obj, map, size);
	}
	mem_free(copy);
	return err;
}

int ua_map__set_value_size(struct ua_map *map, uint32_t size)
{
	UA_FAIL_IF(map->obj->loaded || !size, -EINVAL);
	UA_FAIL_IF(map->role == MAP_STRUCT_OPS || map->role == MAP_KCONFIG, -EINVAL);
	UA_FAIL_IF(size > 1u << 30, -E2BIG);
	if (map->role != MAP_USER)
		return resize_data(map, size);
	map->def.value_size = size;
	map->def.key_type_id = map->def.value_type_id = 0;
	return 0;
}

int ua_map__fd(const struct ua_map *map)
{
	return map->fd >= 0 ? map->fd : -ENOENT;
}

static long elem(const struct ua_map *map, int cmd, const void *key, const void *value,
		 uint64_t flags)
{
	union bpf_attr attr;

	UA_FAIL_IF(map->fd < 0, -EINVAL);
	memset(&attr, 0, sizeof(attr));
	attr.map_fd = map->fd;
	attr.key = (uintptr_t)key;
	attr.value = (uintptr_t)value;
	attr.flags = flags;
	return kernel_bpf(map->obj->k, cmd, &attr, sizeof(attr));
}

int ua_map__lookup(const struct ua_map *map, const void *key, void *value, uint64_t flags)
{
	return elem(map, BPF_MAP_LOOKUP_ELEM, key, value, flags);
}

int ua_map__update(const struct ua_map *map, const void *key, const void *value, uint64_t flags)
{
	return elem(map, BPF_MAP_UPDATE_ELEM, key, value, flags);
}

int ua_map__delete(const struct ua_map *map, const void *key)
{
	return elem(map, BPF_MAP_DELETE_ELEM, key, NULL, 0);
}

int ua_map__next_key(const struct ua_map *map, const void *key, void *next)
{
	return elem(map, BPF_MAP_GET_NEXT_KEY, key, next, 0);
}

void *ua_map__initial_value(const struct ua_map *map, size_t *size)
{
	size_t n = map->def.value_size;
	void *data = map->data;

	if (map->role == MAP_STRUCT_OPS)
		data = map->obj->loaded ? NULL : st_ops_data(map, &n);
	else if (map == map->obj->arena)
		n = map->data_len;
	if (size)
		*size = data ? n : 0;
	return data;
}
