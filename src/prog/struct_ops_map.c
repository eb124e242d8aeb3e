/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * struct_ops maps and links.
 *
 *   INIT --update--> READY --link--> (in use while a link refers to it) --> READY
 *   INIT --update--> INUSE --delete--> TOBEFREE            maps without BPF_F_LINK
 *
 * A value is written once. What it owns (programs, native functions, the struct) is freed one
 * epoch after the map went, because a consumer may still be inside.
 */
#include "base/base.h"
#include "map/map.h"
#include "prog/struct_ops_type.h"

enum state { STATE_INIT, STATE_INUSE, STATE_TOBEFREE, STATE_READY };

struct common { /* struct bpf_struct_ops_common_value */
	uint32_t refcnt;
	uint32_t state;
};

struct struct_ops_value {
	struct struct_ops_type *type;
	struct map *map;      /* whose value this is; no reference */
	pthread_mutex_t lock; /* update and delete */
	_Atomic int state;
	void *uvalue;		    /* as written */
	struct member_func **funcs; /* by member, NULL where there is none */
	struct epoch_item free_item;
	uint8_t ops[] __attribute__((aligned(16)));
};

static struct struct_ops_value *value_of_map(const struct map *map)
{
	return map->priv;
}

/* -- Taking into use and out of it ------------------------------------------------- */

static int reg_locked(struct struct_ops_value *v)
{
	struct struct_ops_type *t = v->type;

	if (t->desc.reg)
		UA_TRY(t->desc.reg(t->desc.arg, v->ops, v));
	else
		UA_FAIL_IF(atomic_load(&t->current), -EBUSY);
	atomic_store(&t->current, v);
	return 0;
}

static int value_reg(struct struct_ops_value *v)
{
	int err;

	pthread_mutex_lock(&v->type->lock);
	err = reg_locked(v);
	pthread_mutex_unlock(&v->type->lock);
	return err;
}

static void value_unreg(struct struct_ops_value *v)
{
	struct struct_ops_type *t = v->type;
	struct struct_ops_value *self = v;

	pthread_mutex_lock(&t->lock);
	atomic_compare_exchange_strong(&t->current, &self, NULL);
	if (t->desc.unreg)
		t->desc.unreg(t->desc.arg, v->ops, v);
	pthread_mutex_unlock(&t->lock);
}

static int value_replace(struct struct_ops_value *v, struct struct_ops_value *old)
{
	struct struct_ops_type *t = v->type;
	int err = 0;

	pthread_mutex_lock(&t->lock);
	if (t->desc.update)
		err = t->desc.update(t->desc.arg, v->ops, old->ops);
	if (!err)
		atomic_store(&t->current, v);
	pthread_mutex_unlock(&t->lock);
	return err;
}

void *struct_ops_current(const struct struct_ops_type *type)
{
	struct struct_ops_value *v = atomic_load_explicit(&type->current, memory_order_acquire);

	return v ? v->ops : NULL;
}

struct struct_ops_value *struct_ops_value_of(const struct struct_ops_type *type, const void *ops)
{
	return (struct struct_ops_value *)((uintptr_t)ops - offsetof(struct struct_ops_value, ops));
}

int struct_ops_for_each_prog(struct struct_ops_value *value,
			     int (*cb)(struct prog *prog, const char *member, void *arg), void *arg)
{
	for (uint32_t i = 0; i < value->type->n_members; i++) {
		int ret = value->funcs[i]
				  ? cb(value->funcs[i]->prog, value->type->members[i].name, arg)
				  : 0;

		if (ret)
			return ret;
	}
	return 0;
}

/* -- Binding programs ------------------------------------------------------------------ */

static void func_free(struct member_func *f)
{
	if (!f)
		return;
	trampoline_free(f);
	prog_put(f->prog);
	mem_free(f);
}

static int check_prog(const struct struct_ops_type *t, uint32_t idx, const struct prog *p)
{
	if (p->type != BPF_PROG_TYPE_STRUCT_OPS || p->attach_btf_id != t->type_id ||
	    p->member_idx != idx) {
		log_warn("uarena: struct_ops %s: program %s was not loaded for member %s\n",
			 t->desc.name, p->name, t->members[idx].name);
		return -EINVAL;
	}
	for (uint32_t i = 0; i < t->members[idx].n_args; i++)
		if ((t->members[idx].args[i].flags & MEMBER_ARG_ARENA) && !p->arena) {
			log_warn("uarena: struct_ops %s: member %s takes an arena pointer, program "
				 "%s has no arena\n",
				 t->desc.name, t->members[idx].name, p->name);
			return -EINVAL;
		}
	return 0;
}

static bool is_plain(const struct member_func *f)
{
	for (uint32_t i = 0; i < f->n_args; i++)
		if (f->args[i].size < 8 || (f->args[i].flags & MEMBER_ARG_ARENA))
			return false;
	return true;
}

static int func_new(const struct struct_ops_member *m, struct prog *p, struct member_func **out)
{
	struct member_func *f = mem_zalloc(sizeof(*f));
	int err;

	UA_FAIL_IF(!f, -ENOMEM);
	f->n_args = m->n_args;
	f->ret_errno = m->ret_errno;
	memcpy(f->args, m->args, sizeof(f->args));
	f->plain = is_plain(f);
	f->prog = prog_get(p);
	err = trampoline_new(f);
	if (err) {
		func_free(f);
		return err;
	}
	*out = f;
	return 0;
}

static int bind_func(struct struct_ops_value *v, uint32_t idx, uint64_t fd)
{
	const struct struct_ops_member *m = &v->type->members[idx];
	struct engine *e = v->map->engine;
	struct prog *p;
	int err;

	if (!fd)
		return 0;
	p = e->prog_by_fd(e->dispatcher, (int)fd);
	UA_FAIL_IF(!p, -EBADF);
	err = check_prog(v->type, idx, p);
	if (!err)
		err = func_new(m, p, &v->funcs[idx]);
	prog_put(p);
	if (!err)
		memcpy(v->ops + m->off, &v->funcs[idx]->code, sizeof(void *));
	return err;
}

static bool all_zero(const uint8_t *p, size_t n)
{
	while (n && !*p) {
		p++;
		n--;
	}
	return !n;
}

static int init_member(struct struct_ops_value *v, uint32_t idx, const uint8_t *udata)
{
	const struct struct_ops_member *m = &v->type->members[idx];
	const struct struct_ops_desc *desc = &v->type->desc;
	int done = desc->init_member ? desc->init_member(desc->arg, m->name, v->ops, udata) : 0;
	uint64_t fd;

	if (done)
		return done < 0 ? done : 0;
	if (m->proto) {
		memcpy(&fd, udata + m->off, sizeof(fd));
		return bind_func(v, idx, fd);
	}
	if (desc->init_member)
		return all_zero(udata + m->off, m->size) ? 0 : -EINVAL;
	memcpy(v->ops + m->off, udata + m->off, m->size);
	return 0;
}

/* -- Map operations -------------------------------------------------------------------- */

static int map_check(const union bpf_attr *attr)
{
	UA_FAIL_IF(attr->key_size != sizeof(uint32_t) || attr->max_entries != 1 ||
			   (attr->map_flags & ~(BPF_F_LINK | BPF_F_VTYPE_BTF_OBJ_FD)) ||
			   !attr->btf_vmlinux_value_type_id,
		   -EINVAL);
	return 0;
}

static void value_destroy(struct struct_ops_value *v)
{
	for (uint32_t i = 0; v->funcs && i < v->type->n_members; i++)
		func_free(v->funcs[i]);
	mem_free(v->funcs);
	mem_free(v->uvalue);
	pthread_mutex_destroy(&v->lock);
	mem_free(v);
}

static int op_create(struct map *map, const union bpf_attr *attr)
{
	struct struct_ops_type *t =
		struct_ops_find(map->engine, 0, attr->btf_vmlinux_value_type_id);
	struct struct_ops_value *v;

	UA_FAIL_IF(!t, -ENOTSUPP);
	UA_FAIL_IF(attr->value_size != t->value_size, -EINVAL);
	v = mem_zalloc(sizeof(*v) + t->size);
	UA_FAIL_IF(!v, -ENOMEM);
	v->type = t;
	v->map = map;
	pthread_mutex_init(&v->lock, NULL);
	v->uvalue = mem_zalloc(t->value_size);
	v->funcs = mem_calloc(t->n_members, sizeof(*v->funcs));
	if (!v->uvalue || !v->funcs) {
		value_destroy(v);
		return -ENOMEM;
	}
	map->priv = v;
	return 0;
}

static void destroy_deferred(struct epoch_item *item)
{
	value_destroy(container_of(item, struct struct_ops_value, free_item));
}

static void op_free(struct map *map)
{
	struct struct_ops_value *v = value_of_map(map);

	if (v)
		epoch_defer(&v->free_item, destroy_deferred);
}

static void undo_binding(struct struct_ops_value *v)
{
	for (uint32_t i = 0; i < v->type->n_members; i++) {
		func_free(v->funcs[i]);
		v->funcs[i] = NULL;
	}
	memset(v->ops, 0, v->type->size);
}

static int write_locked(struct struct_ops_value *v, const uint8_t *value)
{
	const struct struct_ops_desc *desc = &v->type->desc;
	int err = 0;

	UA_FAIL_IF(v->state != STATE_INIT, -EBUSY);
	for (uint32_t i = 0; i < v->type->n_members && !err; i++)
		err = init_member(v, i, value + STRUCT_OPS_DATA_OFF);
	if (!err && desc->validate)
		err = desc->validate(desc->arg, v->ops);
	if (!err && !(v->map->v.map_flags & BPF_F_LINK)) {
		err = value_reg(v);
		if (!err)
			map_get(v->map);
	}
	if (err) {
		undo_binding(v);
		return err;
	}
	memcpy(v->uvalue, value, v->type->value_size);
	v->state = v->map->v.map_flags & BPF_F_LINK ? STATE_READY : STATE_INUSE;
	return 0;
}

static int op_update(struct map *map, const void *key, const void *value, uint64_t flags)
{
	struct struct_ops_value *v = value_of_map(map);
	struct common common;
	uint32_t idx;
	int err;

	memcpy(&idx, key, sizeof(idx));
	memcpy(&common, value, sizeof(common));
	UA_FAIL_IF(flags, -EINVAL);
	UA_FAIL_IF(idx, -E2BIG);
	UA_FAIL_IF(common.refcnt || common.state, -EINVAL);
	pthread_mutex_lock(&v->lock);
	err = write_locked(v, value);
	pthread_mutex_unlock(&v->lock);
	return err;
}

static int op_remove(struct map *map, const void *key)
{
	struct struct_ops_value *v = value_of_map(map);
	int inuse = STATE_INUSE;

	UA_FAIL_IF(map->v.map_flags & BPF_F_LINK, -EOPNOTSUPP);
	if (!atomic_compare_exchange_strong(&v->state, &inuse, STATE_TOBEFREE))
		return inuse == STATE_INIT ? -ENOENT : -EINPROGRESS;
	value_unreg(v);
	map_put(map);
	return 0;
}

static int op_lookup(struct map *map, const void *key, void *value, uint64_t flags)
{
	struct struct_ops_value *v = value_of_map(map);
	struct common common;
	uint32_t idx;

	memcpy(&idx, key, sizeof(idx));
	UA_FAIL_IF(idx, -ENOENT);
	common = (struct common){.state = (uint32_t)v->state};
	if (common.state == STATE_INIT) {
		memset(value, 0, v->type->value_size);
		return 0;
	}
	common.refcnt = (uint32_t)max_t(int, atomic_load(&map->refs) - 1, 0);
	memcpy(value, v->uvalue, v->type->value_size);
	memcpy(value, &common, sizeof(common));
	return 0;
}

static int op_next_key(struct map *map, const void *key, void *next)
{
	uint32_t idx = UINT32_MAX;

	if (key)
		memcpy(&idx, key, sizeof(idx));
	UA_FAIL_IF(idx == 0, -ENOENT);
	memset(next, 0, sizeof(idx));
	return 0;
}

static uint64_t op_mem_usage(const struct map *map)
{
	const struct struct_ops_type *t = value_of_map(map)->type;

	return sizeof(struct struct_ops_value) + t->size + t->value_size +
	       t->n_members * sizeof(struct member_func *);
}

const struct map_ops struct_ops_map_ops = {
	.name = "struct_ops",
	.check = map_check,
	.create = op_create,
	.free = op_free,
	.remove = op_remove,
	.next_key = op_next_key,
	.sys_lookup = op_lookup,
	.sys_update = op_update,
	.mem_usage = op_mem_usage,
};

/* -- Links -------------------------------------------------------------------------------- */

struct struct_ops_link {
	_Atomic int refs;
	struct owner owner;
	pthread_mutex_t lock;
	struct map *map; /* held; NULL: detached */
};

static bool may_link(const struct map *map)
{
	return map->v.map_type == BPF_MAP_TYPE_STRUCT_OPS && (map->v.map_flags & BPF_F_LINK) &&
	       value_of_map(map)->state == STATE_READY;
}

int struct_ops_link_new(struct map *map, struct struct_ops_link **out)
{
	struct struct_ops_link *link;
	int err;

	UA_FAIL_IF(!may_link(map), -EINVAL);
	link = mem_zalloc(sizeof(*link));
	UA_FAIL_IF(!link, -ENOMEM);
	err = value_reg(value_of_map(map));
	if (err) {
		mem_free(link);
		return err;
	}
	pthread_mutex_init(&link->lock, NULL);
	link->refs = 1;
	link->map = map_get(map);
	*out = link;
	return 0;
}

static int update_locked(struct struct_ops_link *link, struct map *map, struct map *expected_old)
{
	struct struct_ops_value *v = value_of_map(map), *old;

	UA_FAIL_IF(!link->map, -ENOLINK);
	UA_FAIL_IF(expected_old && link->map != expected_old, -EPERM);
	old = value_of_map(link->map);
	UA_FAIL_IF(v->type != old->type, -EINVAL);
	if (v == old)
		return 0;
	UA_TRY(value_replace(v, old));
	map_put(link->map);
	link->map = map_get(map);
	return 0;
}

int struct_ops_link_update(struct struct_ops_link *link, struct map *map, struct map *expected_old)
{
	int err;

	UA_FAIL_IF(!may_link(map), -EINVAL);
	if (value_of_map(map)->type->desc.reg && !value_of_map(map)->type->desc.update)
		return -EOPNOTSUPP;
	pthread_mutex_lock(&link->lock);
	err = update_locked(link, map, expected_old);
	pthread_mutex_unlock(&link->lock);
	return err;
}

int struct_ops_link_detach(struct struct_ops_link *link)
{
	struct map *map;

	pthread_mutex_lock(&link->lock);
	map = link->map;
	link->map = NULL;
	pthread_mutex_unlock(&link->lock);
	UA_FAIL_IF(!map, -ENOLINK);
	value_unreg(value_of_map(map));
	map_put(map);
	return 0;
}

bool struct_ops_link_get_live(struct struct_ops_link *link)
{
	return refs_get_live(&link->refs);
}

void struct_ops_link_own(struct struct_ops_link *link, struct owner owner)
{
	link->owner = owner;
}

uint32_t struct_ops_link_map_id(struct struct_ops_link *link)
{
	uint32_t id;

	pthread_mutex_lock(&link->lock);
	id = link->map ? link->map->v.id : 0;
	pthread_mutex_unlock(&link->lock);
	return id;
}

void struct_ops_link_put(struct struct_ops_link *link)
{
	if (!link || atomic_fetch_sub_explicit(&link->refs, 1, memory_order_acq_rel) != 1)
		return;
	owner_gone(&link->owner);
	struct_ops_link_detach(link);
	pthread_mutex_destroy(&link->lock);
	mem_free(link);
}
