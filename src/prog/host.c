/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host functions as kfuncs: a declaration (struct ua_kfunc) becomes a FUNC of the engine's BTF
 * whose parameter names carry the kinds as suffixes, and from there on nobody can tell it from
 * a kfunc of the engine's own.
 */
#include "prog/host.h"

#include "base/base.h"
#include "btf/btf.h"
#include "map/map.h"

/* -- Kinds ------------------------------------------------------------------------ */

static const struct kind_info {
	const char *suffix;
	const char *type; /* of the integer; NULL: a pointer to void */
	uint8_t size;
	uint8_t encoding;
	bool ret; /* also a result */
} kinds[] = {
	[UA_KIND_u8] = {"", "unsigned char", 1, 0, true},
	[UA_KIND_u16] = {"", "unsigned short", 2, 0, true},
	[UA_KIND_u32] = {"", "unsigned int", 4, 0, true},
	[UA_KIND_u64] = {"", "unsigned long long", 8, 0, true},
	[UA_KIND_s8] = {"", "signed char", 1, BTF_INT_SIGNED, true},
	[UA_KIND_s16] = {"", "short", 2, BTF_INT_SIGNED, true},
	[UA_KIND_s32] = {"", "int", 4, BTF_INT_SIGNED, true},
	[UA_KIND_s64] = {"", "long long", 8, BTF_INT_SIGNED, true},
	[UA_KIND_bool] = {"", "_Bool", 1, BTF_INT_BOOL, true},
	[UA_KIND_mem] = {""},
	[UA_KIND_size] = {"__sz", "unsigned int", 4, 0, false},
	[UA_KIND_map] = {"__map"},
	[UA_KIND_ctx] = {"__ctx"},
	[UA_KIND_callback] = {""},
	[UA_KIND_arena] = {"__arena", .ret = true},
	[UA_KIND_arena_nullable] = {"__arena__nullable"},
	[UA_KIND_str] = {"__str"},
};

static bool kind_known(enum ua_kind kind)
{
	return kind > UA_KIND_void && kind < ARRAY_SIZE(kinds) && kinds[kind].suffix;
}

/* -- Checks that name the culprit ------------------------------------------------------- */

static int refuse(const struct ua_kfunc *f, uint32_t i, const char *why)
{
	const char *name = f->args[i].name ? f->args[i].name : "";

	log_warn("uarena: kfunc %s: parameter %u (%s): %s\n", f->name, i + 1, name, why);
	return -EINVAL;
}

/* A name that would be read as carrying a kind: suffixes start with two underscores. */
static bool is_plain_name(const char *name)
{
	return name && *name && !strstr(name, "__") && strlen(name) < 64;
}

static int check_arg(const struct ua_kfunc *f, uint32_t i)
{
	enum ua_kind kind = f->args[i].kind;

	if (!kind_known(kind))
		return refuse(f, i, "unknown kind");
	if (!is_plain_name(f->args[i].name))
		return refuse(f, i, "name is missing, too long or contains \"__\"");
	if (kind == UA_KIND_mem && (i == 4 || f->args[i + 1].kind != UA_KIND_size))
		return refuse(f, i, "memory needs its size as the next parameter");
	if (kind == UA_KIND_size && (!i || f->args[i - 1].kind != UA_KIND_mem))
		return refuse(f, i, "a size must follow the memory it belongs to");
	return 0;
}

static int check_func(const struct ua_kfunc *f)
{
	uint32_t n = 0;

	if (f->sz != sizeof(*f) || !f->name || !*f->name || !f->fn ||
	    f->flags & ~UA_KFUNC_SLEEPABLE) {
		log_warn("uarena: kfunc %s: name, function or flags are ill-formed\n",
			 f->name ? f->name : "?");
		return -EINVAL;
	}
	if (f->ret != UA_KIND_void && !(kind_known(f->ret) && kinds[f->ret].ret)) {
		log_warn("uarena: kfunc %s: not a kind of result\n", f->name);
		return -EINVAL;
	}
	for (; n < ARRAY_SIZE(f->args) && f->args[n].kind; n++) {
		if (n == 5)
			return refuse(f, n, "more than 5 parameters");
		UA_TRY(check_arg(f, n));
	}
	return 0;
}

/* -- BTF ---------------------------------------------------------------------------- */

static int find_or_add_int(struct btf *btf, const struct kind_info *k)
{
	uint32_t id = btf_find(btf, k->type, BTF_KIND_INT);

	if (id && btf__type_by_id(btf, id)->size == k->size)
		return (int)id;
	return btf__add_int(btf, k->type, k->size, k->encoding);
}

static int add_callback_type(struct btf *btf)
{
	int u64_id = find_or_add_int(btf, &kinds[UA_KIND_u64]);
	int proto;

	UA_TRY(u64_id);
	proto = btf__add_func_proto(btf, u64_id);
	UA_TRY(proto);
	for (int i = 0; i < 5; i++) {
		char name[] = "a0";

		name[1] = (char)('1' + i);
		UA_TRY(btf__add_func_param(btf, name, u64_id));
	}
	return btf__add_ptr(btf, proto);
}

static int add_string_type(struct btf *btf)
{
	static const struct kind_info chars = {"", "char", 1, BTF_INT_SIGNED, false};
	int id = find_or_add_int(btf, &chars);

	UA_TRY(id);
	id = btf__add_const(btf, id);
	UA_TRY(id);
	return btf__add_ptr(btf, id);
}

static int kind_type(struct btf *btf, enum ua_kind kind)
{
	if (kind == UA_KIND_void)
		return 0;
	if (kinds[kind].type)
		return find_or_add_int(btf, &kinds[kind]);
	if (kind == UA_KIND_callback)
		return add_callback_type(btf);
	return kind == UA_KIND_str ? add_string_type(btf) : btf__add_ptr(btf, 0);
}

/* The types of parameters must exist before the prototype: its parameters follow it. */
static int add_proto(struct btf *btf, const struct ua_kfunc *f)
{
	int types[5] = {0}, ret = kind_type(btf, f->ret), proto;
	char name[96];

	UA_TRY(ret);
	for (uint32_t i = 0; i < 5 && f->args[i].kind; i++) {
		types[i] = kind_type(btf, f->args[i].kind);
		UA_TRY(types[i]);
	}
	proto = btf__add_func_proto(btf, ret);
	UA_TRY(proto);
	for (uint32_t i = 0; i < 5 && f->args[i].kind; i++) {
		snprintf(name, sizeof(name), "%s%s", f->args[i].name,
			 kinds[f->args[i].kind].suffix);
		UA_TRY(btf__add_func_param(btf, name, types[i]));
	}
	return proto;
}

static int add_func_type(struct btf *btf, const struct ua_kfunc *f)
{
	int proto = add_proto(btf, f);

	UA_TRY(proto);
	return btf__add_func(btf, f->name, BTF_FUNC_GLOBAL, proto);
}

/* -- Registration --------------------------------------------------------------------- */

/* The set refers to names; callers may pass short-lived ones. */
static const char *keep_name(struct engine *e, const char *name)
{
	char *copy;

	if (UA_GROW(&e->names, &e->cap_names, e->n_names + 1))
		return NULL;
	copy = mem_strdup(name);
	if (copy)
		e->names[e->n_names++] = copy;
	return copy;
}

void host_keep(struct engine *e, struct host_consumer *c)
{
	pthread_mutex_lock(&e->lock);
	c->next = e->consumers;
	e->consumers = c;
	pthread_mutex_unlock(&e->lock);
}

void host_free(struct engine *e)
{
	struct host_consumer *c;

	while ((c = e->consumers)) {
		e->consumers = c->next;
		mem_free(c);
	}
	for (size_t i = 0; i < e->n_names; i++)
		mem_free(e->names[i]);
	mem_free(e->names);
}

static int add_bound(struct engine *e, const char *name, void *fn, uint32_t flags)
{
	const char *kept = keep_name(e, name);

	UA_FAIL_IF(!kept, -ENOMEM);
	return kfunc_add(&e->kfuncs, kept, (host_fn)fn, NULL,
			 flags & UA_KFUNC_SLEEPABLE ? KF_SLEEPABLE : 0);
}

static int add_one(struct engine *e, const struct ua_kfunc *f)
{
	UA_TRY(add_func_type(e->btf, f));
	return add_bound(e, f->name, f->fn, f->flags);
}

static int check_new(const struct engine *e, const struct ua_kfunc *funcs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool twice = false;

		UA_TRY(check_func(&funcs[i]));
		for (size_t j = 0; j < i; j++)
			twice |= !strcmp(funcs[i].name, funcs[j].name);
		if (twice || btf_find(e->btf, funcs[i].name, BTF_KIND_FUNC)) {
			log_warn("uarena: kfunc %s: registered twice\n", funcs[i].name);
			return -EEXIST;
		}
	}
	return 0;
}

static int add_all(struct engine *e, const struct ua_kfunc *funcs, size_t n)
{
	size_t before = e->kfuncs.n;
	int err = 0;

	UA_TRY(engine_may_register(e));
	UA_TRY(check_new(e, funcs, n));
	for (size_t i = 0; i < n && !err; i++)
		err = add_one(e, &funcs[i]);
	if (err)
		e->kfuncs.n = before;
	return err;
}

int host_add_kfuncs(struct engine *e, const struct ua_kfunc *funcs, size_t n)
{
	int err;

	pthread_mutex_lock(&e->lock);
	err = add_all(e, funcs, n);
	pthread_mutex_unlock(&e->lock);
	return err;
}

int host_add_kfunc_btf(struct engine *e, const char *name, void *fn, uint32_t flags)
{
	int err;

	UA_FAIL_IF(!name || !fn || flags & ~UA_KFUNC_SLEEPABLE, -EINVAL);
	pthread_mutex_lock(&e->lock);
	err = engine_may_register(e);
	if (!err)
		err = add_bound(e, name, fn, flags);
	pthread_mutex_unlock(&e->lock);
	return err;
}

int host_add_btf(struct engine *e, const struct btf *btf)
{
	int err;

	pthread_mutex_lock(&e->lock);
	err = engine_may_register(e);
	if (!err)
		err = btf__add_btf(e->btf, btf);
	pthread_mutex_unlock(&e->lock);
	return err < 0 ? err : 0;
}

/* -- Within a host function --------------------------------------------------------------- */

struct ua_arena *ua_kfunc__arena(void)
{
	return run_top ? (struct ua_arena *)run_top->arena : NULL;
}

uint64_t ua_callback__call(uint64_t callback, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
			   uint64_t a5)
{
	return run_top ? prog_callback(callback, a1, a2, a3, a4, a5) : 1;
}

void ua_kfunc__fail(int err)
{
	if (run_ctx_top() && err < 0)
		run_ctx_top()->error = err;
}

int ua_kfunc__print(enum ua_stream id, const char *text)
{
	struct run_ctx *rc = run_ctx_top();

	UA_FAIL_IF(!rc || (id != UA_STDOUT && id != UA_STDERR), -EINVAL);
	return stream_push(rc->prog->streams[id - 1], text, strlen(text));
}

void *ua_kfunc_map__lookup(void *map, const void *key)
{
	struct map *m = map;

	return m->v.ops->lookup ? m->v.ops->lookup(m, key) : NULL;
}

int ua_kfunc_map__update(void *map, const void *key, const void *value, uint64_t flags)
{
	struct map *m = map;

	return m->v.ops->update ? m->v.ops->update(m, key, value, flags) : -EOPNOTSUPP;
}

int ua_kfunc_map__delete(void *map, const void *key)
{
	struct map *m = map;

	return m->v.ops->remove ? m->v.ops->remove(m, key) : -EOPNOTSUPP;
}

uint32_t ua_kfunc_map__value_size(const void *map)
{
	return ((const struct map *)map)->v.value_size;
}
