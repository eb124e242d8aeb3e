/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Creation, reference counts and descriptors of maps, whatever their kind.
 *
 * The checks come in the kernel's order and give its errnos. Each map has a memfd: for kinds
 * that can be mapped it holds the data, for the others it is an empty sealed file whose only
 * purpose is an identity that survives dup() and being sent to another process.
 */
#include "map/map.h"
#include "base/base.h"
#include "base/wordlock.h"
#include "btf/btf.h"
#include "map/ops.h"

#include <ctype.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

static const struct map_ops *kinds[BPF_MAP_TYPE_MAX] = {
#define X(type, name) [type] = &map_ops_##name,
	MAP_KINDS(X)
#undef X
};

const struct map_ops *map_ops_of(uint32_t type)
{
	return type < BPF_MAP_TYPE_MAX ? kinds[type] : NULL;
}

void map_ops_register(uint32_t type, const struct map_ops *ops)
{
	ua_assert(type < BPF_MAP_TYPE_MAX);
	kinds[type] = ops;
}

/* -- Checks --------------------------------------------------------------- */

static int check_generic(const union bpf_attr *attr)
{
	uint32_t type = attr->map_type;

	if (attr->btf_vmlinux_value_type_id)
		UA_FAIL_IF(type != BPF_MAP_TYPE_STRUCT_OPS || attr->btf_key_type_id ||
				   attr->btf_value_type_id,
			   -EINVAL);
	else
		UA_FAIL_IF(attr->btf_key_type_id && !attr->btf_value_type_id, -EINVAL);
	UA_FAIL_IF(attr->map_extra && type != BPF_MAP_TYPE_BLOOM_FILTER &&
			   type != BPF_MAP_TYPE_ARENA,
		   -EINVAL);
	UA_FAIL_IF((attr->map_flags & BPF_F_RDONLY) && (attr->map_flags & BPF_F_WRONLY), -EINVAL);
	/* One NUMA node is all that programs are shown. */
	UA_FAIL_IF((attr->map_flags & BPF_F_NUMA_NODE) && attr->numa_node, -EINVAL);
	UA_FAIL_IF(!map_ops_of(type), -EINVAL);
	UA_FAIL_IF(attr->map_ifindex, -EINVAL);
	return 0;
}

/* Characters of [A-Za-z0-9_.] and a NUL; what comes behind it does not matter. */
int map_name_check(const char name[BPF_OBJ_NAME_LEN])
{
	size_t len = strnlen(name, BPF_OBJ_NAME_LEN);

	UA_FAIL_IF(len == BPF_OBJ_NAME_LEN, -EINVAL);
	for (size_t i = 0; i < len; i++)
		UA_FAIL_IF(!isalnum((unsigned char)name[i]) && name[i] != '_' && name[i] != '.',
			   -EINVAL);
	return 0;
}

bool map_size_ok(uint64_t bytes)
{
	long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);

	return pages <= 0 || bytes <= (uint64_t)pages * (uint64_t)page;
}

/* -- Special fields ------------------------------------------------------- */

#define RECORD_NONE {.spin_lock_off = -1, .res_spin_lock_off = -1, .timer_off = -1, .wq_off = -1}

static const struct special {
	const char *name;
	uint32_t size;
	size_t slot; /* of struct map_record; SIZE_MAX: not supported in maps */
} specials[] = {
	{"bpf_spin_lock", 4, offsetof(struct map_record, spin_lock_off)},
	{"bpf_res_spin_lock", 4, offsetof(struct map_record, res_spin_lock_off)},
	{"bpf_timer", 16, offsetof(struct map_record, timer_off)},
	{"bpf_wq", 16, offsetof(struct map_record, wq_off)},
	{"bpf_list_head", 16, SIZE_MAX},
	{"bpf_list_node", 24, SIZE_MAX},
	{"bpf_rb_root", 16, SIZE_MAX},
	{"bpf_rb_node", 32, SIZE_MAX},
	{"bpf_refcount", 4, SIZE_MAX},
	{"bpf_task_work", 8, SIZE_MAX},
};

static int *record_slot(struct map_record *rec, const struct special *s)
{
	return (int *)((char *)rec + s->slot);
}

static int record_add(struct map_record *rec, const struct special *s, uint64_t off)
{
	int *slot;

	if (s->slot == SIZE_MAX) {
		log_warn("map values with a struct %s are not supported\n", s->name);
		return -EOPNOTSUPP;
	}
	slot = record_slot(rec, s);
	UA_FAIL_IF(*slot >= 0, -E2BIG);
	UA_FAIL_IF(off % (s->size == 4 ? 4 : 8) || off > INT32_MAX, -EINVAL);
	*slot = (int)off;
	return 0;
}

static int record_kptr(struct map_record *rec, uint32_t to, uint64_t off)
{
	UA_FAIL_IF(off % 8 || off > INT32_MAX, -EINVAL);
	UA_FAIL_IF(rec->n_kptrs == MAP_KPTRS_MAX, -E2BIG);
	rec->kptrs[rec->n_kptrs++] = (struct map_kptr){.off = (uint32_t)off, .type = to};
	return 0;
}

static bool has_singular(const struct map_record *r)
{
	return r->spin_lock_off >= 0 || r->res_spin_lock_off >= 0 || r->timer_off >= 0 ||
	       r->wq_off >= 0;
}

static int record_parse(const struct btf *btf, uint32_t id, uint64_t base, struct map_record *rec,
			int depth);

/* Only pointers may stand in an array: nothing else can occur twice in a value. */
static int record_array(const struct btf *btf, const struct btf_array *a, uint64_t base,
			struct map_record *rec, int depth)
{
	struct map_record elem = RECORD_NONE;
	int64_t size = btf_size(btf, a->type);

	if (!a->nelems || size <= 0)
		return 0;
	if (a->nelems == 1)
		return record_parse(btf, a->type, base, rec, depth);
	UA_TRY(record_parse(btf, a->type, 0, &elem, depth));
	UA_FAIL_IF(has_singular(&elem), -EINVAL);
	for (uint32_t i = 0; elem.n_kptrs && i < a->nelems; i++)
		for (uint32_t k = 0; k < elem.n_kptrs; k++)
			UA_TRY(record_kptr(rec, elem.kptrs[k].type,
					   base + i * (uint64_t)size + elem.kptrs[k].off));
	return 0;
}

static int record_parse(const struct btf *btf, uint32_t id, uint64_t base, struct map_record *rec,
			int depth)
{
	const struct btf_type *t = btf_resolve(btf, &id);

	UA_FAIL_IF(depth > 8, -E2BIG);
	if (btf_is_ptr(t) && btf_ptr_has_type_tag(btf, id, "kptr")) {
		uint32_t to = t->type;

		btf_resolve(btf, &to);
		return record_kptr(rec, to, base);
	}
	if (btf_is_array(t))
		return record_array(btf, btf_array(t), base, rec, depth + 1);
	if (btf_is_struct(t))
		for (size_t i = 0; i < ARRAY_SIZE(specials); i++)
			if (!strcmp(btf_name(btf, t->name_off), specials[i].name) &&
			    t->size == specials[i].size)
				return record_add(rec, &specials[i], base);
	if (btf_is_struct(t))
		for (int i = 0; i < btf_vlen(t); i++)
			UA_TRY(record_parse(btf, btf_members(t)[i].type,
					    base + btf_member_bit_offset(t, i) / 8, rec,
					    depth + 1));
	if (btf_is_datasec(t))
		for (int i = 0; i < btf_vlen(t); i++) {
			const struct btf_type *var =
				btf__type_by_id(btf, btf_var_secinfos(t)[i].type);

			UA_TRY(record_parse(btf, var->type, base + btf_var_secinfos(t)[i].offset,
					    rec, depth + 1));
		}
	return 0;
}

static bool has_special(const struct map *map)
{
	const struct map_record *r = &map->rec;

	return has_singular(r) || r->n_kptrs;
}

static bool is_storage(uint32_t type)
{
	return type == BPF_MAP_TYPE_TASK_STORAGE || type == BPF_MAP_TYPE_CGRP_STORAGE;
}

static bool holds_kptr(uint32_t type)
{
	return type == BPF_MAP_TYPE_HASH || type == BPF_MAP_TYPE_LRU_HASH ||
	       type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_LRU_PERCPU_HASH ||
	       type == BPF_MAP_TYPE_ARRAY || type == BPF_MAP_TYPE_PERCPU_ARRAY || is_storage(type);
}

static int check_record(const struct map *map)
{
	const struct map_record *r = &map->rec;
	uint32_t type = map->v.map_type;
	bool plain = type == BPF_MAP_TYPE_HASH || type == BPF_MAP_TYPE_ARRAY;

	if (!has_special(map))
		return 0;
	for (uint32_t i = 0; i < r->n_kptrs; i++)
		UA_FAIL_IF(r->kptrs[i].off + 8 > map->v.value_size, -EFAULT);
	UA_FAIL_IF(r->n_kptrs && !holds_kptr(type), -EOPNOTSUPP);
	for (size_t i = 0; i < ARRAY_SIZE(specials); i++) {
		int off = specials[i].slot == SIZE_MAX
				  ? -1
				  : *record_slot((struct map_record *)r, &specials[i]);

		UA_FAIL_IF(off >= 0 && off + specials[i].size > map->v.value_size, -EFAULT);
	}
	UA_FAIL_IF(r->spin_lock_off >= 0 && r->res_spin_lock_off >= 0, -EINVAL);
	UA_FAIL_IF(map->v.map_flags & (BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG), -EACCES);
	UA_FAIL_IF((r->spin_lock_off >= 0 || r->res_spin_lock_off >= 0) && !plain &&
			   !is_storage(type),
		   -EOPNOTSUPP);
	UA_FAIL_IF((r->timer_off >= 0 || r->wq_off >= 0) && !plain && type != BPF_MAP_TYPE_LRU_HASH,
		   -EOPNOTSUPP);
	return 0;
}

static int attach_btf(struct map *map, const union bpf_attr *attr, const struct map_env *env)
{
	if (!attr->btf_key_type_id && !attr->btf_value_type_id && !attr->btf_vmlinux_value_type_id)
		return 0;
	UA_FAIL_IF(!env->btf, env->btf_err ? env->btf_err : -EBADF);
	map->btf = env->btf;
	map->btf_key_type_id = attr->btf_key_type_id;
	map->btf_value_type_id = attr->btf_value_type_id;
	map->btf_vmlinux_value_type_id = attr->btf_vmlinux_value_type_id;
	if (!attr->btf_value_type_id)
		return 0;
	UA_FAIL_IF(attr->btf_value_type_id >= btf__type_cnt(env->btf) ||
			   attr->btf_key_type_id >= btf__type_cnt(env->btf),
		   -EINVAL);
	UA_FAIL_IF(attr->btf_key_type_id &&
			   btf_size(env->btf, attr->btf_key_type_id) != map->v.key_size,
		   -EINVAL);
	UA_FAIL_IF(!attr->btf_key_type_id && !map->v.ops->check_btf, -EINVAL);
	UA_FAIL_IF(btf_size(env->btf, attr->btf_value_type_id) != map->v.value_size, -EINVAL);
	UA_TRY(record_parse(env->btf, attr->btf_value_type_id, 0, &map->rec, 0));
	UA_TRY(check_record(map));
	if (!map->v.ops->check_btf)
		return 0;
	return map->v.ops->check_btf(map, env->btf, attr->btf_key_type_id, attr->btf_value_type_id);
}

int map_check_no_btf(const struct map *map, const struct btf *btf, uint32_t key_id,
		     uint32_t value_id)
{
	return -ENOTSUPP;
}

/* -- Life ----------------------------------------------------------------- */

static int name_fd(struct map *map)
{
	map->fd = memfd_create("bpf-map", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	UA_FAIL_IF(map->fd < 0, -errno);
	UA_FAIL_IF(fcntl(map->fd, F_ADD_SEALS,
			 F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL),
		   -errno);
	return 0;
}

static struct map *map_new(const union bpf_attr *attr, const struct map_env *env)
{
	struct map *map = mem_zalloc(sizeof(*map));

	if (!map)
		return NULL;
	map->v.ops = map_ops_of(attr->map_type);
	map->v.map_type = attr->map_type;
	map->v.key_size = attr->key_size;
	map->v.value_size = attr->value_size;
	map->v.max_entries = attr->max_entries;
	/* These two are of the descriptor, not of the map. */
	map->v.map_flags = attr->map_flags & ~(BPF_F_RDONLY | BPF_F_WRONLY);
	map->v.map_extra = attr->map_extra;
	map->rec = (struct map_record)RECORD_NONE;
	atomic_init(&map->refs, 1);
	map->fd = -1;
	map->n_cpus = env->n_cpus;
	map->engine = env->engine;
	map->host = env->host;
	map->arena_opts = env->arena_opts;
	return map;
}

static void map_destroy(struct map *map)
{
	map->v.ops->free(map);
	if (map->fd >= 0)
		close(map->fd);
	if (map->btf_obj)
		map->btf_obj_put(map->btf_obj);
	mem_free(map);
}

static int map_finish(struct map *map, const union bpf_attr *attr, const struct map_env *env)
{
	UA_TRY(map_name_check(attr->map_name));
	snprintf(map->v.name, BPF_OBJ_NAME_LEN, "%s", attr->map_name);
	UA_TRY(attach_btf(map, attr, env));
	return map->fd < 0 ? name_fd(map) : 0;
}

int map_create(const union bpf_attr *attr, const struct map_env *env, struct map **out)
{
	struct map *map;
	int err;

	UA_TRY(check_generic(attr));
	if (map_ops_of(attr->map_type)->check)
		UA_TRY(map_ops_of(attr->map_type)->check(attr));
	map = map_new(attr, env);
	UA_FAIL_IF(!map, -ENOMEM);
	err = map->v.ops->create(map, attr);
	if (err) {
		mem_free(map);
		return err;
	}
	err = map_finish(map, attr, env);
	if (err) {
		map_destroy(map);
		return err;
	}
	*out = map;
	return 0;
}

struct map *map_get(struct map *map)
{
	atomic_fetch_add_explicit(&map->refs, 1, memory_order_relaxed);
	return map;
}

static void destroy_later(struct epoch_item *item)
{
	map_destroy(container_of(item, struct map, gone));
}

void map_put(struct map *map)
{
	if (!map || atomic_fetch_sub(&map->refs, 1) != 1)
		return;
	owner_gone(&map->owner);
	if (atomic_load_explicit(&map->borrowed, memory_order_relaxed))
		epoch_defer(&map->gone, destroy_later);
	else
		map_destroy(map);
}

void map_closed(struct map *map)
{
	if (map->v.ops->closed)
		map->v.ops->closed(map);
}

int map_backing_new(struct map *map, const union bpf_attr *attr, uint32_t value_size)
{
	union bpf_attr inner = *attr;
	struct map_env env = {.n_cpus = map->n_cpus};
	struct map *b;
	int err;

	inner.map_type = BPF_MAP_TYPE_HASH;
	inner.value_size = value_size;
	b = map_new(&inner, &env);
	UA_FAIL_IF(!b, -ENOMEM);
	err = b->v.ops->create(b, &inner);
	if (err)
		mem_free(b);
	else
		map->priv = b;
	return err;
}

void map_backing_free(struct map *map)
{
	map_destroy(map->priv);
}

/* -- Values --------------------------------------------------------------- */

uint32_t map_value_size_sys(const struct map *map)
{
	switch (map->v.map_type) {
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
		return ((map->v.value_size + 7) & ~7u) * map->n_cpus;
	case BPF_MAP_TYPE_PROG_ARRAY:
	case BPF_MAP_TYPE_PERF_EVENT_ARRAY:
	case BPF_MAP_TYPE_ARRAY_OF_MAPS:
	case BPF_MAP_TYPE_HASH_OF_MAPS:
		return 4;
	default:
		return map->v.value_size;
	}
}

struct hole {
	uint32_t off, size;
};

#define HOLES_MAX (4 + MAP_KPTRS_MAX)

static int hole_add(struct hole *holes, int n, struct hole h)
{
	int at = n;

	for (; at > 0 && holes[at - 1].off > h.off; at--)
		holes[at] = holes[at - 1];
	holes[at] = h;
	return n + 1;
}

/* Special fields of the value in ascending order. */
static int record_holes(const struct map *map, struct hole holes[HOLES_MAX])
{
	const struct hole all[] = {
		{(uint32_t)map->rec.spin_lock_off, 4},
		{(uint32_t)map->rec.res_spin_lock_off, 4},
		{(uint32_t)map->rec.timer_off, 16},
		{(uint32_t)map->rec.wq_off, 16},
	};
	int n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if ((int)all[i].off >= 0)
			n = hole_add(holes, n, all[i]);
	for (uint32_t i = 0; i < map->rec.n_kptrs; i++)
		n = hole_add(holes, n, (struct hole){map->rec.kptrs[i].off, 8});
	return n;
}

void map_copy_shared(void *dst, const void *src, size_t n)
{
	uint64_t *d = dst;
	const uint64_t *s = src;
	size_t words = n / 8;

	if (((uintptr_t)dst | (uintptr_t)src) % 8) {
		memcpy(dst, src, n);
		return;
	}
	for (size_t i = 0; i < words; i++)
		__atomic_store_n(&d[i], __atomic_load_n(&s[i], __ATOMIC_RELAXED), __ATOMIC_RELAXED);
	for (size_t i = 8 * words; i < n; i++)
		__atomic_store_n((uint8_t *)dst + i,
				 __atomic_load_n((const uint8_t *)src + i, __ATOMIC_RELAXED),
				 __ATOMIC_RELAXED);
}

static void copy_around(const struct map *map, uint8_t *dst, const uint8_t *src)
{
	struct hole holes[HOLES_MAX];
	int n = record_holes(map, holes);
	uint32_t from = 0;

	for (int i = 0; i < n; i++) {
		map_copy_shared(dst + from, src + from, holes[i].off - from);
		from = holes[i].off + holes[i].size;
	}
	map_copy_shared(dst + from, src + from, map->v.value_size - from);
}

void map_value_copy(const struct map *map, void *dst, const void *src)
{
	if (ua_likely(!has_special(map)))
		map_copy_shared(dst, src, map->v.value_size);
	else
		copy_around(map, dst, src);
}

void map_value_copy_locked(const struct map *map, void *dst, const void *src, bool lock_dst)
{
	const char *owner = lock_dst ? dst : src;
	uint32_t *lock = (uint32_t *)(owner + map->rec.spin_lock_off);

	word_lock(lock);
	map_value_copy(map, dst, src);
	word_unlock(lock);
}

void map_value_clear_special(const struct map *map, void *value)
{
	struct hole holes[HOLES_MAX];
	int n;

	if (ua_likely(!has_special(map)))
		return;
	n = record_holes(map, holes);
	for (int i = 0; i < n; i++)
		memset((char *)value + holes[i].off, 0, holes[i].size);
}

const struct map_kptr *map_kptr_in(const struct map *map, int64_t lo, int64_t hi)
{
	for (uint32_t i = 0; i < map->rec.n_kptrs; i++)
		if (lo < (int64_t)map->rec.kptrs[i].off + 8 && hi > (int64_t)map->rec.kptrs[i].off)
			return &map->rec.kptrs[i];
	return NULL;
}

void map_value_release(struct map *map, void *value)
{
	if (map->timers_cancel && map->rec.timer_off >= 0)
		map->timers_cancel(map, value);
	if (map->value_gone)
		map->value_gone(map, value);
}
