/* SPDX-License-Identifier: BSD-2-Clause */
/* Creating an object's maps, filling them, mapping data and the arena into this process. */
#include "object/object.h"

#include <sys/mman.h>
#include <unistd.h>

#include "kernel/features.h"

static int map_fail(const struct ua_map *map, long err, const char *what)
{
	return object_fail(map->obj, err, "map %s: %s: %s", map->name, what, strerror(-err));
}

/* -- Create --------------------------------------------------------------- */

/* Kinds whose keys or values are not the programmer's; Linux refuses types for them. */
static bool takes_btf(uint32_t type)
{
	switch (type) {
	case BPF_MAP_TYPE_PERF_EVENT_ARRAY:
	case BPF_MAP_TYPE_CGROUP_ARRAY:
	case BPF_MAP_TYPE_STACK_TRACE:
	case BPF_MAP_TYPE_ARRAY_OF_MAPS:
	case BPF_MAP_TYPE_HASH_OF_MAPS:
	case BPF_MAP_TYPE_DEVMAP:
	case BPF_MAP_TYPE_DEVMAP_HASH:
	case BPF_MAP_TYPE_CPUMAP:
	case BPF_MAP_TYPE_XSKMAP:
	case BPF_MAP_TYPE_SOCKMAP:
	case BPF_MAP_TYPE_SOCKHASH:
	case BPF_MAP_TYPE_QUEUE:
	case BPF_MAP_TYPE_STACK:
	case BPF_MAP_TYPE_RINGBUF:
	case BPF_MAP_TYPE_ARENA:
	case BPF_MAP_TYPE_STRUCT_OPS:
		return false;
	default:
		return true;
	}
}

/* What libbpf makes of sizes that depend on the machine. */
static uint32_t machine_entries(const struct map_def *def)
{
	uint64_t n = def->max_entries;

	if (def->type == BPF_MAP_TYPE_PERF_EVENT_ARRAY && !n)
		return sysconf(_SC_NPROCESSORS_CONF);
	if (def->type == BPF_MAP_TYPE_RINGBUF || def->type == BPF_MAP_TYPE_USER_RINGBUF) {
		uint64_t size = 4096;

		while (size < n)
			size *= 2;
		return size > UINT32_MAX ? def->max_entries : size;
	}
	return n;
}

static long create(const struct ua_object *obj, const struct map_def *def, const char *name,
		   int inner_fd)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = def->type;
	attr.key_size = def->key_size;
	attr.value_size = def->value_size;
	attr.max_entries = machine_entries(def);
	attr.map_flags = def->map_flags;
	attr.numa_node = def->numa_node;
	attr.map_extra = def->map_extra;
	attr.btf_vmlinux_value_type_id = def->vmlinux_value_id;
	if (inner_fd >= 0)
		attr.inner_map_fd = inner_fd;
	snprintf(attr.map_name, sizeof(attr.map_name), "%s", name);
	if (obj->btf_fd >= 0 && takes_btf(def->type) && (def->key_type_id || def->value_type_id)) {
		attr.btf_fd = obj->btf_fd;
		attr.btf_key_type_id = def->key_type_id;
		attr.btf_value_type_id = def->value_type_id;
	}
	if (obj->btf_fd >= 0 && def->vmlinux_value_id)
		attr.btf_fd = obj->btf_fd; /* Linux wants one, whatever it is */
	return kernel_bpf(obj->k, BPF_MAP_CREATE, &attr, sizeof(attr));
}

static int create_map(struct ua_map *map)
{
	const struct ua_object *obj = map->obj;
	long inner = -1, fd;

	if (map->inner) {
		inner = create(obj, map->inner, "inner", -1);
		if (inner < 0)
			return map_fail(map, inner, "cannot create the template of its elements");
	}
	fd = create(obj, &map->def, map->kernel_name, inner);
	if (inner >= 0)
		obj->k->ops->close(obj->k, inner);
	if (fd < 0) {
		const union bpf_attr kind = {.map_type = map->def.type};

		map_fail(map, fd, "cannot create");
		object_advise(obj, BPF_MAP_CREATE, &kind, fd);
		return fd;
	}
	map->fd = fd;
	return 0;
}

/* -- Data ----------------------------------------------------------------- */

static long update(const struct ua_map *map, const void *key, const void *value)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = map->fd;
	attr.key = (uintptr_t)key;
	attr.value = (uintptr_t)value;
	return kernel_bpf(map->obj->k, BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr));
}

static int freeze(const struct ua_map *map)
{
	union bpf_attr attr;
	long err;

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = map->fd;
	err = kernel_bpf(map->obj->k, BPF_MAP_FREEZE, &attr, sizeof(attr));
	return err ? map_fail(map, err, "cannot freeze") : 0;
}

/* Put the map's memory where the initial contents were, so that addresses handed out before
 * load stay good. */
static int map_live(struct ua_map *map)
{
	bool ro = map->role == MAP_RODATA || map->role == MAP_KCONFIG;
	struct kernel *k = map->obj->k;
	void *addr;
	int err = 0;

	addr = k->ops->mmap(k, map->data, map->data_len, PROT_READ | (ro ? 0 : PROT_WRITE),
			    MAP_SHARED | MAP_FIXED, map->fd, 0, &err);
	if (err)
		return map_fail(map, err, "cannot map");
	ua_assert(addr == map->data);
	map->data = addr;
	map->live = true;
	return 0;
}

static int fill_data(struct ua_map *map)
{
	int zero = 0;
	long err = update(map, &zero, map->data);

	if (err)
		return map_fail(map, err, "cannot set the initial contents");
	if (map->role == MAP_RODATA || map->role == MAP_KCONFIG)
		UA_TRY(freeze(map));
	return map->mappable ? map_live(map) : 0;
}

/* -- Arena ---------------------------------------------------------------- */

/*
 * An object chooses the address of its arena, and MAP_FIXED replaces what is there. Reserve the
 * range first, so that an object cannot take memory this process uses.
 */
static int reserve_range(const struct ua_map *map, void *addr, size_t len)
{
	void *got = mmap(addr, len, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);

	if (got == addr)
		return 0;
	if (got != MAP_FAILED) { /* kernels before 4.17 take the address as a hint */
		munmap(got, len);
		errno = EEXIST;
	}
	return -errno;
}

/*
 * Variables go to the arena's end, so that address 0 stays free. A kernel that cannot name
 * addresses that far gets them at the start, where libbpf of its time put them.
 */
static uint64_t arena_vars_off(const struct ua_map *map)
{
	struct kernel *k = map->obj->k;
	uint64_t off = map->data_len - page_align(map->obj->arena_init_len);

	return map->data_len <= KERNEL_FAR_OFFSET || kernel_has_far_globals(k) ? off : 0;
}

static int fill_arena(struct ua_map *map)
{
	struct ua_object *obj = map->obj;

	if (!obj->arena_init_len)
		return 0;
	if (map->def.map_flags & BPF_F_SEGV_ON_FAULT)
		return object_fail(
			obj, -EINVAL,
			"map %s: an arena with BPF_F_SEGV_ON_FAULT cannot hold variables",
			map->name);
	obj->arena_off = arena_vars_off(map);
	memcpy((char *)map->data + obj->arena_off, obj->arena_init, obj->arena_init_len);
	return 0;
}

/* Something else lives at the arena's address, a sanitizer's shadow for one. */
static int map_arena_elsewhere(struct ua_map *map, void *fixed, size_t len)
{
	struct kernel *k = map->obj->k;
	int err = -EEXIST;

	if (k->ops->mmap_displaced)
		map->data = k->ops->mmap_displaced(k, map->fd, PROT_READ | PROT_WRITE, &err);
	if (err)
		return object_fail(
			map->obj, err,
			"map %s: cannot map the arena at %p: the address range is in use",
			map->name, fixed);
	log_debug("uarena: object %s: map %s: %p is in use in this process, the arena is at %p: "
		  "follow pointers of programs with ua_arena__to_host()\n",
		  map->obj->name, map->name, fixed, map->data);
	map->data_len = len;
	map->live = true;
	return fill_arena(map);
}

/*
 * The whole arena is mapped before any program is loaded: programs of an arena without a fixed
 * address cannot be loaded earlier.
 */
static int map_arena(struct ua_map *map)
{
	struct kernel *k = map->obj->k;
	size_t len = (size_t)map->def.max_entries * 4096;
	void *fixed = (void *)(uintptr_t)map->def.map_extra, *addr;
	int err = 0;

	if (fixed)
		err = reserve_range(map, fixed, len);
	if (err == -EEXIST)
		return map_arena_elsewhere(map, fixed, len);
	if (err)
		return map_fail(map, err, "cannot reserve the arena's address");
	addr = k->ops->mmap(k, fixed, len, PROT_READ | PROT_WRITE,
			    MAP_SHARED | (fixed ? MAP_FIXED : 0), map->fd, 0, &err);
	if (err) {
		if (fixed)
			munmap(fixed, len);
		return map_fail(map, err, "cannot map the arena");
	}
	map->data = addr;
	map->data_len = len;
	map->live = true;
	return fill_arena(map);
}

int load_maps(struct ua_object *obj)
{
	for (size_t i = 0; i < obj->n_maps; i++) {
		struct ua_map *map = obj->maps[i];

		if (map->role == MAP_STRUCT_OPS && !st_ops_wanted(map))
			continue;
		UA_TRY(create_map(map));
		if (map->role == MAP_USER && map->def.type == BPF_MAP_TYPE_ARENA)
			UA_TRY(map_arena(map));
		else if (map->role != MAP_USER && map->role != MAP_STRUCT_OPS)
			UA_TRY(fill_data(map));
	}
	return 0;
}

/* -- Initial elements ----------------------------------------------------- */

static int slot_fd(const struct ua_map *map, const struct map_slot *slot)
{
	const struct ua_object *obj = map->obj;

	if (!map->slots_are_progs)
		return obj->maps[slot->target]->fd;
	for (size_t i = 0; i < obj->n_progs; i++)
		if (obj->progs[i]->func == slot->target)
			return obj->progs[i]->fd;
	return -1;
}

/* Programs that are not loaded leave their slots empty. */
int load_map_slots(struct ua_object *obj)
{
	for (size_t i = 0; i < obj->n_maps; i++) {
		const struct ua_map *map = obj->maps[i];

		for (size_t s = 0; s < map->n_slots; s++) {
			int fd = slot_fd(map, &map->slots[s]);
			long err = fd < 0 ? 0 : update(map, &map->slots[s].index, &fd);

			if (err)
				return map_fail(map, err, "cannot set an initial element");
		}
	}
	return 0;
}

void map_unload(struct ua_map *map)
{
	struct kernel *k = map->obj->k;

	if (map->data && map->live)
		k->ops->munmap(k, map->data, map->data_len);
	else if (map->data)
		munmap(map->data, map->data_len);
	map->data = NULL;
	map->data_len = 0;
	map->live = false;
	if (map->fd >= 0)
		k->ops->close(k, map->fd);
	map->fd = -1;
}
