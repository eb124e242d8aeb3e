/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kfunc registry and the one parser of parameter name suffixes.
 *
 * A name is read from its end: "__nullable", "__opt" and "__uninit" are marks that may stand
 * behind another suffix, every other suffix decides the kind. Without one, the type decides.
 */
#include "base/base.h"
#include "btf/btf.h"
#include "btf/kfunc.h"

static const struct btf_type *proto_of(const struct kfunc_set *set, uint32_t func_id)
{
	const struct btf_type *func = btf__type_by_id(set->btf, func_id);

	return btf__type_by_id(set->btf, func->type);
}

/* -- Suffixes ------------------------------------------------------------- */

/* Cut `suffix` off the end of name[0..*len). */
static bool cut(const char *name, size_t *len, const char *suffix)
{
	size_t n = strlen(suffix);

	if (*len < n || memcmp(name + *len - n, suffix, n))
		return false;
	*len -= n;
	return true;
}

static const struct {
	const char *suffix;
	enum kfunc_arg_kind kind;
	bool pointer, konst;
} suffixes[] = {
	{"__szk", KARG_MEM_SIZE, false, true},	    {"__sz", KARG_MEM_SIZE, false, false},
	{"__k", KARG_CONST, false, true},	    {"__ign", KARG_IGNORE, true, false},
	{"__map", KARG_MAP, true, false},	    {"__str", KARG_STR, true, true},
	{"__irq_flag", KARG_IRQ_FLAG, true, false}, {"__iter", KARG_ITER, true, false},
	{"__prog", KARG_PROG_AUX, true, false},	    {"__ctx", KARG_CTX, true, false},
	{"__arena", KARG_ARENA_PTR, true, false},
};

/* true: a suffix decided out->kind. */
static bool parse_name(bool pointer, struct kfunc_arg *out)
{
	size_t len = strlen(out->name);

	for (bool more = true; more;) {
		bool null = cut(out->name, &len, "__nullable") || cut(out->name, &len, "__opt");
		bool uninit = cut(out->name, &len, "__uninit");

		out->nullable |= null;
		out->uninit |= uninit;
		more = null || uninit;
	}
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
		if (suffixes[i].pointer == pointer && cut(out->name, &len, suffixes[i].suffix)) {
			out->kind = suffixes[i].kind;
			out->konst = suffixes[i].konst;
			return true;
		}
	return false;
}

/* -- Types ---------------------------------------------------------------- */

static bool is_scalar(const struct btf_type *t)
{
	return btf_is_int(t) || btf_is_any_enum(t);
}

/* A struct of nothing but scalars may also be passed as plain memory. */
static bool is_scalar_struct(const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = btf_resolve(btf, &id);

	if (btf_is_array(t))
		return is_scalar_struct(btf, btf_array(t)->type);
	if (!btf_is_composite(t))
		return is_scalar(t);
	for (uint32_t i = 0; i < btf_vlen(t); i++)
		if (!is_scalar_struct(btf, btf_members(t)[i].type))
			return false;
	return true;
}

static bool size_follows(const struct kfunc_set *set, const struct btf_type *proto, uint32_t i)
{
	struct kfunc_arg next = {.kind = KARG_SCALAR};

	if (i + 1 >= btf_vlen(proto))
		return false;
	next.name = btf_name(set->btf, btf_params(proto)[i + 1].name_off);
	return parse_name(false, &next) && next.kind == KARG_MEM_SIZE;
}

static void classify_struct(const struct kfunc_set *set, const struct kfunc *kf, uint32_t i,
			    uint32_t id, struct kfunc_arg *out)
{
	const char *name = btf_type_name(set->btf, id);
	bool iter = kf->flags & (KF_ITER_NEW | KF_ITER_NEXT | KF_ITER_DESTROY);

	out->btf_type = id;
	if (i == 0 && iter && !strncmp(name, "bpf_iter_", 9)) {
		out->kind = KARG_ITER;
	} else if (!strcmp(name, "bpf_res_spin_lock")) {
		out->kind = KARG_RES_LOCK;
	} else if (!strcmp(name, "bpf_dynptr")) {
		out->kind = KARG_DYNPTR;
	} else if (!strcmp(name, "__sk_buff")) {
		out->kind = KARG_CTX;
	} else {
		out->kind = KARG_BTF_PTR;
		if (is_scalar_struct(set->btf, id))
			out->mem_size = btf__type_by_id(set->btf, id)->size;
	}
}

static int classify_pointer(const struct kfunc_set *set, const struct kfunc *kf,
			    const struct btf_type *proto, uint32_t i, uint32_t id,
			    struct kfunc_arg *out)
{
	const struct btf_type *t = btf__type_by_id(set->btf, id);
	uint32_t to = t->type;

	for (t = btf__type_by_id(set->btf, to); btf_is_mod(t) && !btf_is_typedef(t);
	     t = btf__type_by_id(set->btf, t->type))
		out->konst |= btf_is_const(t);
	t = btf_resolve(set->btf, &to);
	if (btf_is_func_proto(t)) {
		out->kind = KARG_CALLBACK;
	} else if (size_follows(set, proto, i)) {
		out->kind = KARG_MEM;
		out->btf_type = to;
	} else if (btf_is_composite(t) || btf_is_fwd(t)) {
		classify_struct(set, kf, i, to, out);
	} else if (is_scalar(t)) {
		out->kind = KARG_MEM;
		out->btf_type = to;
		out->mem_size = t->size;
	} else {
		log_warn("uarena: kfunc %s: parameter %u (%s): a pointer that says nothing about "
			 "its target\n",
			 kf->name, i, out->name);
		return -EINVAL;
	}
	return 0;
}

int kfunc_n_args(const struct kfunc_set *set, const struct kfunc *kf)
{
	return btf_vlen(proto_of(set, kf->btf_id));
}

int kfunc_arg_info(const struct kfunc_set *set, const struct kfunc *kf, int i,
		   struct kfunc_arg *out)
{
	const struct btf_type *proto = proto_of(set, kf->btf_id), *t;
	const struct btf_param *p;
	uint32_t id;

	UA_FAIL_IF(i < 0 || i >= btf_vlen(proto), -EINVAL);
	p = &btf_params(proto)[i];
	id = p->type;
	t = btf_resolve(set->btf, &id);
	*out = (struct kfunc_arg){.kind = KARG_SCALAR, .name = btf_name(set->btf, p->name_off)};
	if (!is_scalar(t) && !btf_is_ptr(t)) {
		log_warn("uarena: kfunc %s: parameter %d (%s): neither scalar nor pointer\n",
			 kf->name, i, out->name);
		return -EINVAL;
	}
	if (parse_name(btf_is_ptr(t), out)) {
		if (out->kind == KARG_ITER) {
			out->btf_type = t->type;
			btf_resolve(set->btf, &out->btf_type);
		}
		return 0;
	}
	return btf_is_ptr(t) ? classify_pointer(set, kf, proto, i, id, out) : 0;
}

/* -- Registry ------------------------------------------------------------- */

const struct kfunc *kfunc_by_id(const struct kfunc_set *set, uint32_t btf_id)
{
	for (size_t i = 0; i < set->n; i++)
		if (set->v[i].btf_id == btf_id)
			return &set->v[i];
	return NULL;
}

const struct kfunc *kfunc_by_name(const struct kfunc_set *set, const char *name)
{
	for (size_t i = 0; i < set->n; i++)
		if (!strcmp(set->v[i].name, name))
			return &set->v[i];
	return NULL;
}

static int check_proto(const struct kfunc_set *set, const struct kfunc *kf)
{
	int n = kfunc_n_args(set, kf);

	if (n > 5) {
		log_warn("uarena: kfunc %s: more than 5 parameters\n", kf->name);
		return -EINVAL;
	}
	for (int i = 0; i < n; i++) {
		struct kfunc_arg arg;

		UA_TRY(kfunc_arg_info(set, kf, i, &arg));
	}
	return 0;
}

int kfunc_add(struct kfunc_set *set, const char *name, host_fn fn, host_fn fn_nosleep,
	      uint32_t flags)
{
	struct kfunc kf = {.name = name, .fn = fn, .fn_nosleep = fn_nosleep, .flags = flags};

	kf.btf_id = btf_find(set->btf, name, BTF_KIND_FUNC);
	if (!kf.btf_id) {
		log_warn("uarena: kfunc %s: not in the engine's BTF\n", name);
		return -ENOENT;
	}
	if (kfunc_by_id(set, kf.btf_id)) {
		log_warn("uarena: kfunc %s: registered twice\n", name);
		return -EEXIST;
	}
	UA_TRY(check_proto(set, &kf));
	UA_TRY(UA_GROW(&set->v, &set->cap, set->n + 1));
	set->v[set->n++] = kf;
	return 0;
}

/* -- Calls ---------------------------------------------------------------- */

static enum kret_conv int_conv(const struct btf_type *t, bool is_signed, bool is_bool)
{
	if (is_bool)
		return KRET_BOOL;
	switch (t->size) {
	case 1:
		return is_signed ? KRET_S8 : KRET_U8;
	case 2:
		return is_signed ? KRET_S16 : KRET_U16;
	case 4:
		return is_signed ? KRET_S32 : KRET_U32;
	default:
		return KRET_U64;
	}
}

static enum kret_conv ret_conv(const struct kfunc_set *set, const struct btf_type *proto)
{
	uint32_t id = proto->type;
	const struct btf_type *t = btf_resolve(set->btf, &id);

	if (!id)
		return KRET_VOID;
	if (btf_is_int(t))
		return int_conv(t, btf_int_encoding(t) & BTF_INT_SIGNED,
				btf_int_encoding(t) & BTF_INT_BOOL);
	return btf_is_any_enum(t) ? int_conv(t, btf_kflag(t), false) : KRET_U64;
}

void kfunc_fill_kcall(const struct kfunc_set *set, const struct kfunc *kf, bool sleepable_site,
		      struct code_kcall *out)
{
	int n = kfunc_n_args(set, kf);

	*out = (struct code_kcall){
		.name = kf->name,
		.fn = !sleepable_site && kf->fn_nosleep ? kf->fn_nosleep : kf->fn,
		.ret = ret_conv(set, proto_of(set, kf->btf_id)),
	};
	for (int i = 0; i < n; i++) {
		struct kfunc_arg arg;

		if (kfunc_arg_info(set, kf, i, &arg) || arg.kind != KARG_ARENA_PTR)
			continue;
		out->conv[i] = arg.nullable ? KARG_ARENA_NULLABLE : KARG_ARENA;
		out->has_arena_args = true;
	}
}
