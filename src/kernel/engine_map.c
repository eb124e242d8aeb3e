/* SPDX-License-Identifier: BSD-2-Clause */
/* bpf(2) on maps: creation and single elements. What an element command does is in map/. */
#include <unistd.h>

#include "base/base.h"
#include "kernel/btf_obj.h"
#include "kernel/engine_priv.h"
#include "kernel/user.h"
#include "map/map.h"

/* -- Creation ------------------------------------------------------------------------------ */

static int host_prog_by_fd(void *engine, int fd, void **prog)
{
	return engine_get_prog(((struct engine *)engine)->dispatcher, (uint32_t)fd,
			       (struct prog **)prog);
}

static void host_prog_put(void *prog)
{
	prog_put(prog);
}

static uint32_t host_prog_id(const void *prog)
{
	return ((const struct prog *)prog)->id;
}

/* Programs that share a program array must agree on what a tail call replaces. */
static int host_prog_compatible(const void *owner, const void *prog)
{
	const struct prog *a = owner, *b = prog;

	UA_FAIL_IF(a->type != b->type || a->sleepable != b->sleepable, -EINVAL);
	UA_FAIL_IF(!a->entry != !b->entry, -EINVAL); /* one is compiled, the other is not */
	return 0;
}

static int host_map_by_fd(void *engine, int fd, struct map **map)
{
	return engine_get_map(((struct engine *)engine)->dispatcher, (uint32_t)fd, map);
}

static const struct map_host map_host = {
	.prog_by_fd = host_prog_by_fd,
	.prog_put = host_prog_put,
	.prog_id = host_prog_id,
	.prog_compatible = host_prog_compatible,
	.map_by_fd = host_map_by_fd,
};

/* Enter a new map; it takes over the reference to its BTF. */
static long publish(struct engine_kernel *k, struct map *map, struct btf_obj *btf, int mode)
{
	int fd;

	map->btf_obj = btf;
	map->btf_obj_put = btf_obj_put;
	fd = objects_add_mode(&k->objects, OBJECT_MAP, map, map->fd, mode, &map->v.id);
	if (fd < 0)
		map_put(map);
	return fd;
}

long cmd_map_create(struct engine_kernel *k, union bpf_attr *attr)
{
	struct map_env env = {.n_cpus = k->engine->n_cpus,
			      .engine = k->engine,
			      .host = &map_host,
			      .arena_opts = &k->engine->arena_opts};
	struct btf_obj *btf = NULL;
	struct map *map;
	int err, mode = engine_fd_mode(attr->map_flags);

	/* As Linux, which wants a BTF for any of them, though the last is not looked up there. */
	if (attr->btf_key_type_id || attr->btf_value_type_id || attr->btf_vmlinux_value_type_id)
		env.btf_err =
			objects_get(&k->objects, (int)attr->btf_fd, OBJECT_BTF, (void **)&btf);
	if (btf)
		env.btf = attr->btf_vmlinux_value_type_id ? k->engine->btf : btf->btf;
	err = map_create(attr, &env, &map);
	if (!err)
		return publish(k, map, btf, mode);
	if (btf)
		btf_obj_put(btf);
	return err;
}

/* -- Element commands ---------------------------------------------------------------------- */

/* A map, the caller's key and room for a value, for the length of one command. */
struct elem {
	struct map *map;
	void *key, *value;
	uint32_t value_size;
	bool write;
};

static int read_key(const struct map *map, uint64_t ukey, void **key)
{
	if (map->v.key_size)
		return user_dup(ukey, map->v.key_size, key);
	UA_FAIL_IF(ukey, -EINVAL);
	return 0;
}

static void elem_end(struct elem *e)
{
	mem_free(e->key);
	mem_free(e->value);
	engine_unuse_map(e->map, e->write);
}

static int elem_begin(struct engine_kernel *k, const union bpf_attr *attr, bool read, bool write,
		      struct elem *e)
{
	int err;

	*e = (struct elem){.write = write};
	UA_TRY(engine_use_map(k, attr->map_fd, read, write, &e->map));
	err = read_key(e->map, attr->key, &e->key);
	e->value_size = map_value_size_sys(e->map);
	if (!err) {
		e->value = mem_zalloc(e->value_size);
		err = e->value ? 0 : -ENOMEM;
	}
	if (err)
		elem_end(e);
	return err;
}

long cmd_map_lookup(struct engine_kernel *k, union bpf_attr *attr)
{
	struct elem e;
	int err = 0;

	UA_FAIL_IF(attr->flags & ~(uint64_t)BPF_F_LOCK, -EINVAL);
	UA_TRY(elem_begin(k, attr, true, false, &e));
	if (e.map->v.map_type == BPF_MAP_TYPE_BLOOM_FILTER) /* the value is the question */
		err = user_read(e.value, attr->value, e.value_size);
	if (!err)
		err = map_elem_lookup(e.map, e.key, e.value, attr->flags);
	if (!err)
		err = user_write(attr->value, e.value, e.value_size);
	elem_end(&e);
	return err;
}

long cmd_map_update(struct engine_kernel *k, union bpf_attr *attr)
{
	struct elem e;
	int err;

	UA_TRY(elem_begin(k, attr, false, true, &e));
	err = user_read(e.value, attr->value, e.value_size);
	if (!err)
		err = map_elem_update(e.map, e.key, e.value, attr->flags);
	elem_end(&e);
	return err;
}

long cmd_map_delete(struct engine_kernel *k, union bpf_attr *attr)
{
	struct elem e;
	int err;

	UA_TRY(elem_begin(k, attr, false, true, &e));
	err = map_elem_delete(e.map, e.key);
	elem_end(&e);
	return err;
}

long cmd_map_lookup_and_delete(struct engine_kernel *k, union bpf_attr *attr)
{
	struct elem e;
	int err;

	UA_FAIL_IF(attr->flags & ~(uint64_t)BPF_F_LOCK, -EINVAL);
	UA_TRY(elem_begin(k, attr, true, true, &e));
	err = map_elem_lookup_and_delete(e.map, e.key, e.value, attr->flags);
	if (!err)
		err = user_write(attr->value, e.value, e.value_size);
	elem_end(&e);
	return err;
}

/* -- Iteration and freezing ------------------------------------------------------------------ */

static int next_key(struct map *map, const union bpf_attr *attr)
{
	void *key = NULL, *next;
	int err;

	if (attr->key)
		UA_TRY(read_key(map, attr->key, &key));
	next = mem_zalloc(map->v.key_size);
	err = next ? map_elem_next_key(map, key, next) : -ENOMEM;
	if (!err)
		err = user_write(attr->next_key, next, map->v.key_size);
	mem_free(next);
	mem_free(key);
	return err;
}

long cmd_map_next_key(struct engine_kernel *k, union bpf_attr *attr)
{
	struct map *map;
	int err;

	UA_TRY(engine_use_map(k, attr->map_fd, true, false, &map));
	err = next_key(map, attr);
	engine_unuse_map(map, false);
	return err;
}

long cmd_map_freeze(struct engine_kernel *k, union bpf_attr *attr)
{
	struct map *map;
	int err;

	UA_TRY(engine_get_map(k, attr->map_fd, &map));
	err = engine_freeze(k, map);
	map_put(map);
	return err;
}
