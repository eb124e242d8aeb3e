/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls of helpers: arguments and results by the prototypes of abi/helpers.h.
 *
 * Each kind of argument accepts certain pointers (types_of); what is behind them is then
 * checked by kind. A result may be a fresh pointer, perhaps NULL, perhaps a reference that has
 * to be released.
 */
#include "abi/helpers.h"
#include "map/map.h"
#include "verify/env.h"

#define MAX_MEM_SIZE (1u << 29)
#define MAX_ERRNO 4095

/* What the arguments checked so far say about the call. */
struct call {
	const struct helper_proto *proto;
	struct map *map, *timer_map;
	uint32_t inner, timer_inner; /* which maps they are, if inside others */
	const char *kptr;  /* type of the object whose pointer in a map value is exchanged */
	uint32_t percpu;   /* type of the per-CPU variable */
	uint32_t release;  /* reference an argument gives up */
	uint32_t ref;	   /* that an argument stems from */
	uint64_t size;	   /* constant or largest size argument */
	bool key_in_range; /* array lookup with a known valid index: never NULL */
	int func_arg;	   /* register that holds a callback */
};

/* -- Which register types an argument accepts -------------------------------------------- */

struct accepts {
	const char *text; /* in the kernel's words */
	uint32_t types;	  /* bit per enum rtype */
};

#define T(x) (1u << R_##x)

static const struct accepts accepts_mem = {
	"fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, trusted_ptr_",
	T(STACK) | T(PKT) | T(PKT_META) | T(MAP_KEY) | T(MAP_VALUE) | T(MEM) | T(BUF) | T(BTF)};
static const struct accepts accepts_scalar = {"scalar", T(SCALAR)};
static const struct accepts accepts_ctx = {"ctx", T(CTX)};
static const struct accepts accepts_map = {"map_ptr", T(MAP_PTR)};
static const struct accepts accepts_value = {"map_value", T(MAP_VALUE)};
static const struct accepts accepts_func = {"func", T(FUNC)};
static const struct accepts accepts_stack = {"fp", T(STACK)};
static const struct accepts accepts_ringbuf = {"ringbuf_mem", T(MEM)};
static const struct accepts accepts_btf = {"ptr_, trusted_ptr_, rcu_ptr_", T(BTF)};

static const struct accepts accepts_percpu = {"percpu_ptr_, percpu_rcu_ptr_, percpu_trusted_ptr_",
					      T(BTF)};

static const struct accepts *types_of(uint32_t arg)
{
	switch (HELPER_BASE_TYPE(arg)) {
	case ARG_CONST_MAP_PTR:
		return &accepts_map;
	case ARG_PTR_TO_MAP_KEY:
	case ARG_PTR_TO_MAP_VALUE:
	case ARG_PTR_TO_MEM:
		return &accepts_mem;
	case ARG_CONST_SIZE:
	case ARG_CONST_SIZE_OR_ZERO:
	case ARG_CONST_ALLOC_SIZE_OR_ZERO:
		return &accepts_scalar;
	case ARG_PTR_TO_CTX:
		return &accepts_ctx;
	case ARG_PTR_TO_SPIN_LOCK:
	case ARG_PTR_TO_TIMER:
	case ARG_KPTR_XCHG_DEST:
	case ARG_PTR_TO_CONST_STR:
		return &accepts_value;
	case ARG_PTR_TO_FUNC:
		return &accepts_func;
	case ARG_PTR_TO_STACK:
		return &accepts_stack;
	case ARG_PTR_TO_RINGBUF_MEM:
		return &accepts_ringbuf;
	case ARG_PTR_TO_BTF_ID:
		return &accepts_btf;
	case ARG_PTR_TO_PERCPU_BTF_ID:
		return &accepts_percpu;
	default:
		return NULL;
	}
}

static int type_denied(struct env *env, int regno, const char *expected)
{
	char name[64];

	vlog(env, "R%d type=%s expected=%s\n", regno, reg_type_name(&env_regs(env)[regno], name),
	     expected);
	return -EACCES;
}

/* Of kernel objects, helpers only read those that are trusted. */
static int check_object_memory(struct env *env, uint32_t id, int regno, uint32_t arg)
{
	const struct reg *r = &env_regs(env)[regno];
	char name[64];

	if (!(r->flags & RF_TRUSTED) || r->ref)
		return type_denied(env, regno, accepts_mem.text);
	if (arg & MEM_RDONLY)
		return 0;
	vlog(env, "bpf_%s() may write into memory pointed by R%d type=%s\n", helper_name(id), regno,
	     reg_type_name(r, name));
	return -EACCES;
}

/* Untrusted, or a per-CPU variable where an object is asked for, or the other way round. */
static bool wrong_object(const struct reg *r, const struct accepts *a)
{
	bool percpu = r->flags & RF_PERCPU;

	return r->type == R_BTF && (r->flags & RF_UNTRUSTED || percpu != (a == &accepts_percpu));
}

static int check_type(struct env *env, uint32_t id, int regno, uint32_t arg)
{
	const struct accepts *a = types_of(arg);
	const struct reg *r = &env_regs(env)[regno];
	bool want_ringbuf = HELPER_BASE_TYPE(arg) == ARG_PTR_TO_RINGBUF_MEM;

	if (!a) {
		vlog(env, "R%d: this kind of argument is not supported\n", regno);
		return -EINVAL;
	}
	if (!(a->types >> r->type & 1) || (r->flags & RF_NULL && !(arg & PTR_MAYBE_NULL)) ||
	    (want_ringbuf && !(r->flags & RF_RINGBUF)) || wrong_object(r, a))
		return type_denied(env, regno, a->text);
	if (a != &accepts_mem)
		return 0;
	if (r->type == R_BTF)
		return check_object_memory(env, id, regno, arg);
	return r->flags & RF_RDONLY && !(arg & MEM_RDONLY) ? type_denied(env, regno, a->text) : 0;
}

/* Values that hold locks are told apart by the lookup that found them. */
static uint32_t rec_uid(struct env *env, const struct map *map)
{
	return map->rec.spin_lock_off >= 0 || map->rec.res_spin_lock_off >= 0 ? new_id(env) : 0;
}

/* -- Map arguments ------------------------------------------------------------------------- */

static int need_map(struct env *env, const struct call *call, const char *what)
{
	if (call->map)
		return 0;
	vlog(env, "invalid map_ptr to access map->%s\n", what);
	return -EACCES;
}

/* The index an array is looked up with, if it is a number known here. */
static bool known_key(struct env *env, const struct reg *r, uint64_t *key)
{
	int64_t off = (int64_t)r->off + (int64_t)r->s.var.value;
	const struct slot *slot;
	uint32_t i;

	if (r->type != R_STACK || !scalar_is_const(&r->s) || off % 4 || off >= 0)
		return false;
	i = (uint32_t)((-off - 1) / 8);
	if (i >= env->st.frames[r->frame]->n_slots)
		return false;
	slot = &env->st.frames[r->frame]->slots[i];
	for (int b = 0; b < 4; b++)
		if (slot->kind[(off & 7) + b] != SLOT_ZERO)
			goto spilled;
	*key = 0;
	flow_need_half(env, r->frame, i, off & 4);
	return true;
spilled:
	if (off & 7 || slot->kind[3] != SLOT_SPILL || slot->kind[4] == SLOT_SPILL ||
	    !reg_is_const(&slot->reg, key))
		return false;
	*key = (uint32_t)*key;
	flow_need_half(env, r->frame, i, false);
	return true;
}

static int check_key(struct env *env, struct call *call, int regno)
{
	uint32_t type;
	uint64_t key;

	UA_TRY(need_map(env, call, "key"));
	type = call->map->v.map_type;
	/* With this flag another map, of fewer elements, may take the map's place. */
	if ((type == BPF_MAP_TYPE_ARRAY || type == BPF_MAP_TYPE_PERCPU_ARRAY) &&
	    !(call->map->v.map_flags & BPF_F_INNER_MAP) &&
	    known_key(env, &env_regs(env)[regno], &key))
		call->key_in_range = key < call->map->v.max_entries;
	return mem_arg(env, regno, call->map->v.key_size, false, ACC_READ, false);
}

static int check_value(struct env *env, const struct call *call, int regno, uint32_t arg)
{
	uint64_t v;

	if (arg & PTR_MAYBE_NULL && reg_is_const(&env_regs(env)[regno], &v) && !v)
		return 0;
	UA_TRY(need_map(env, call, "value"));
	return mem_arg(env, regno, call->map->v.value_size, false,
		       arg & MEM_WRITE ? ACC_WRITE : ACC_READ, arg & MEM_UNINIT);
}

/* Which helpers work on which kinds of map; kinds not named here take the generic ones. */
static bool map_fits(uint32_t type, uint32_t id)
{
	bool ringbuf = id >= 130 && id <= 134, queue = id >= 87 && id <= 89;
	bool task = id == 156 || id == 157, cgroup = id == 210 || id == 211;
	bool lookup = id >= 1 && id <= 3;

	if (id == BPF_FUNC_for_each_map_elem)
		return true; /* call_back() knows */
	switch (type) {
	case BPF_MAP_TYPE_RINGBUF:
		return ringbuf;
	case BPF_MAP_TYPE_QUEUE:
	case BPF_MAP_TYPE_STACK:
		return queue;
	case BPF_MAP_TYPE_BLOOM_FILTER:
		return id == 87 || id == 89;
	case BPF_MAP_TYPE_ARRAY_OF_MAPS:
	case BPF_MAP_TYPE_HASH_OF_MAPS:
		return id == 1;
	case BPF_MAP_TYPE_TASK_STORAGE:
		return task;
	case BPF_MAP_TYPE_CGRP_STORAGE:
		return cgroup;
	case BPF_MAP_TYPE_PROG_ARRAY:
		return id == BPF_FUNC_tail_call;
	case BPF_MAP_TYPE_ARENA:
	case BPF_MAP_TYPE_STRUCT_OPS:
		return false;
	case BPF_MAP_TYPE_PERF_EVENT_ARRAY:
		return id == 25;
	default:
		if (id == 195)
			return type == BPF_MAP_TYPE_PERCPU_ARRAY ||
			       type == BPF_MAP_TYPE_PERCPU_HASH ||
			       type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
		return lookup || id == 169;
	}
}

static bool changes_elements(uint32_t id)
{
	return id == 2 || id == 3 || id == 87 || id == 88;
}

static int check_map_fits(struct env *env, const struct call *call, uint32_t id)
{
	if (!call->map)
		return 0;
	if (!map_fits(call->map->v.map_type, id)) {
		vlog(env, "cannot pass map_type %u into func bpf_%s#%u\n", call->map->v.map_type,
		     helper_name(id), id);
		return -EINVAL;
	}
	if (changes_elements(id) && call->map->v.map_flags & BPF_F_RDONLY_PROG) {
		vlog(env, "write into map forbidden\n");
		return -EACCES;
	}
	return 0;
}

/* -- Memory and sizes ---------------------------------------------------------------------- */

static int check_size(struct env *env, struct call *call, int regno, uint32_t arg, uint32_t mem)
{
	const struct reg *r = &env_regs(env)[regno];
	bool zero_ok = HELPER_BASE_TYPE(arg) == ARG_CONST_SIZE_OR_ZERO;
	bool write = mem & (MEM_WRITE | MEM_UNINIT) || !(mem & MEM_RDONLY);

	call->size = r->s.umax;
	if (r->s.smin < 0) {
		vlog(env, "R%d min value is negative, either use unsigned or 'var &= const'\n",
		     regno);
		return -EACCES;
	}
	if (!r->s.umin && !zero_ok) {
		vlog(env, "R%d invalid zero-sized read: u64=[%lld,%lld]\n", regno,
		     (long long)r->s.umin, (long long)r->s.umax);
		return -EACCES;
	}
	if (r->s.umax >= MAX_MEM_SIZE) {
		vlog(env, "R%d unbounded memory access, use 'var &= const' or 'if (var < const)'\n",
		     regno);
		return -EACCES;
	}
	flow_need_reg(env, regno);
	/* A size that varies may leave bytes as they were: they count as read. */
	return mem_arg(env, regno - 1, r->s.umax, zero_ok, write ? ACC_WRITE : ACC_READ,
		       mem & MEM_UNINIT && scalar_is_const(&r->s));
}

static int check_const_string(struct env *env, int regno)
{
	const struct reg *r = &env_regs(env)[regno];
	struct map *map = r->map;
	uint64_t addr = 0, off = (uint64_t)r->off;

	if (!(map->v.map_flags & BPF_F_RDONLY_PROG) || !atomic_load(&map->frozen)) {
		vlog(env, "R%d does not point to a readonly map'\n", regno);
		return -EACCES;
	}
	if (!scalar_is_const(&r->s)) {
		vlog(env, "R%d is not a constant address'\n", regno);
		return -EACCES;
	}
	if (!map->v.ops->direct_value) {
		vlog(env, "no direct value access support for this map type\n");
		return -EACCES;
	}
	off += r->s.var.value;
	if (off >= map->v.value_size || map->v.ops->direct_value(map, &addr, (uint32_t)off)) {
		vlog(env, "direct value access on string failed\n");
		return -EACCES;
	}
	if (!memchr((const void *)(uintptr_t)addr, 0, map->v.value_size - off)) {
		vlog(env, "string is not zero-terminated\n");
		return -EINVAL;
	}
	return 0;
}

int const_string_arg(struct env *env, int regno)
{
	if (env_regs(env)[regno].type != R_MAP_VALUE || env_regs(env)[regno].flags & RF_NULL)
		return type_denied(env, regno, "map_value");
	return check_const_string(env, regno);
}

/* -- Locks and timers in values ---------------------------------------------------------------- */

static int check_embedded(struct env *env, int regno, int field, const char *name)
{
	const struct reg *r = &env_regs(env)[regno];
	int64_t off = (int64_t)r->off + (int64_t)r->s.var.value;

	if (!scalar_is_const(&r->s)) {
		vlog(env, "R%d doesn't have constant offset. %s has to be at the constant offset\n",
		     regno, name);
		return -EINVAL;
	}
	if (field < 0) {
		vlog(env, "map '%.*s' has no valid %s\n", BPF_OBJ_NAME_LEN, r->map->v.name, name);
		return -EINVAL;
	}
	if (off != field) {
		vlog(env, "off %lld doesn't point to 'struct %s' that is at %d\n", (long long)off,
		     name, field);
		return -EINVAL;
	}
	return 0;
}

static int spin_lock(struct env *env, int regno)
{
	uint32_t id;

	UA_TRY(check_embedded(env, regno, env_regs(env)[regno].map->rec.spin_lock_off,
			      "bpf_spin_lock"));
	if (env->st.n_locks) {
		vlog(env, "Locking two bpf_spin_locks are not allowed\n");
		return -EINVAL;
	}
	return ref_add(env, REF_LOCK, &env_regs(env)[regno], &id);
}

static int spin_unlock(struct env *env, int regno)
{
	const struct vstate *st = &env->st;
	const struct ref *held = NULL;

	UA_TRY(check_embedded(env, regno, env_regs(env)[regno].map->rec.spin_lock_off,
			      "bpf_spin_lock"));
	for (uint32_t i = 0; i < st->n_refs; i++)
		if (st->refs[i].kind == REF_LOCK)
			held = &st->refs[i];
	if (!held) {
		vlog(env, "bpf_spin_unlock without taking a lock\n");
		return -EINVAL;
	}
	if (!ref_is_lock(held, &env_regs(env)[regno])) {
		vlog(env, "bpf_spin_unlock of different lock\n");
		return -EINVAL;
	}
	return ref_drop(env, held->id, REF_LOCK);
}

static int check_timer(struct env *env, struct call *call, int regno)
{
	const struct reg *r = &env_regs(env)[regno];

	UA_TRY(check_embedded(env, regno, r->map->rec.timer_off, "bpf_timer"));
	call->timer_map = r->map;
	call->timer_inner = r->inner;
	return 0;
}

static int check_kptr(struct env *env, struct call *call, int regno)
{
	const struct reg *r = &env_regs(env)[regno];
	int64_t at = (int64_t)r->off + (int64_t)r->s.var.value;
	const struct map_kptr *kptr = map_kptr_in(r->map, at, at + 1);

	if (!kptr && r->map->rec.n_kptrs)
		kptr = &r->map->rec.kptrs[0];
	UA_TRY(check_embedded(env, regno, kptr ? (int)kptr->off : -1, "kptr"));
	call->kptr = btf_type_name(r->map->btf, kptr->type);
	if (!btf_find(env->in->engine_btf, call->kptr, BTF_KIND_STRUCT)) {
		vlog(env, "kernel has no type %s\n", call->kptr);
		return -EINVAL;
	}
	return 0;
}

/* -- One argument ------------------------------------------------------------------------------ */

static int check_btf_arg(struct env *env, const struct call *call, int regno)
{
	const struct reg *r = &env_regs(env)[regno];
	const char *name = btf_type_name(env->in->engine_btf, r->btf_id);
	const char *want = call->kptr ? call->kptr : call->proto->btf;

	if (want && strcmp(name, want)) {
		vlog(env, "R%d is of type %s but %s is expected\n", regno, name, want);
		return -EACCES;
	}
	return check_fixed_off(env, r, regno, false);
}

static int check_release(struct env *env, struct call *call, int regno)
{
	const struct reg *r = &env_regs(env)[regno];

	if (!r->ref || r->off || !scalar_is_const(&r->s) || r->s.var.value) {
		vlog(env,
		     "R%d must have zero offset when passed to release func or trusted arg to "
		     "kfunc\n",
		     regno);
		return -EINVAL;
	}
	call->release = r->ref;
	return 0;
}

static int check_map_arg(struct env *env, struct call *call, int regno)
{
	const struct reg *r = &env_regs(env)[regno];

	if (call->timer_map && (call->timer_map != r->map || call->timer_inner != r->inner)) {
		vlog(env,
		     "timer pointer in R1 map_uid=%u doesn't match map pointer in R%d "
		     "map_uid=%u\n",
		     call->timer_inner, regno, r->inner);
		return -EINVAL;
	}
	call->map = r->map;
	call->inner = r->inner;
	return 0;
}

static int check_alloc_size(struct env *env, struct call *call, int regno)
{
	if (!reg_is_const(&env_regs(env)[regno], &call->size)) {
		vlog(env, "R%d is not a known constant'\n", regno);
		return -EACCES;
	}
	flow_need_reg(env, regno);
	return 0;
}

static int check_by_kind(struct env *env, struct call *call, int i, int regno, uint32_t arg)
{
	switch (HELPER_BASE_TYPE(arg)) {
	case ARG_CONST_MAP_PTR:
		return check_map_arg(env, call, regno);
	case ARG_PTR_TO_MAP_KEY:
		return check_key(env, call, regno);
	case ARG_PTR_TO_MAP_VALUE:
		return check_value(env, call, regno, arg);
	case ARG_PTR_TO_MEM:
		if (!(arg & MEM_FIXED_SIZE))
			return 0;
		UA_TRY(mem_arg(env, regno, 8, false, arg & MEM_WRITE ? ACC_WRITE : ACC_READ,
			       arg & MEM_UNINIT));
		return arg & MEM_ALIGNED ? check_align(env, &env_regs(env)[regno], 0, 8, true) : 0;
	case ARG_CONST_SIZE:
	case ARG_CONST_SIZE_OR_ZERO:
		return check_size(env, call, regno, arg, call->proto->args[i - 1]);
	case ARG_CONST_ALLOC_SIZE_OR_ZERO:
		return check_alloc_size(env, call, regno);
	case ARG_PTR_TO_CTX:
		return check_fixed_off(env, &env_regs(env)[regno], regno, false);
	case ARG_PTR_TO_SPIN_LOCK:
		return call->proto->id == BPF_FUNC_spin_unlock ? spin_unlock(env, regno)
							       : spin_lock(env, regno);
	case ARG_PTR_TO_TIMER:
		return check_timer(env, call, regno);
	case ARG_KPTR_XCHG_DEST:
		return check_kptr(env, call, regno);
	case ARG_PTR_TO_CONST_STR:
		return check_const_string(env, regno);
	case ARG_PTR_TO_BTF_ID:
		return check_btf_arg(env, call, regno);
	case ARG_PTR_TO_PERCPU_BTF_ID:
		call->percpu = env_regs(env)[regno].btf_id;
		return check_fixed_off(env, &env_regs(env)[regno], regno, false);
	case ARG_PTR_TO_FUNC:
		call->func_arg = regno;
		return 0;
	default:
		return 0;
	}
}

/* At most one argument may stem from something held. */
static int check_only_ref(struct env *env, struct call *call, int regno, uint32_t arg)
{
	uint32_t ref = env_regs(env)[regno].ref;

	if (!ref || HELPER_BASE_TYPE(arg) == ARG_KPTR_XCHG_DEST)
		return 0;
	if (call->ref) {
		vlog(env, "more than one arg with ref_obj_id R%d %u %u\n", regno, ref, call->ref);
		return -EACCES;
	}
	call->ref = ref;
	return 0;
}

static bool is_packet(const struct reg *r)
{
	return r->type == R_PKT || r->type == R_PKT_META;
}

static int check_arg(struct env *env, struct call *call, int i)
{
	uint32_t arg = call->proto->args[i];
	int regno = i + 1;
	uint64_t v;

	UA_TRY(check_reg_read(env, regno));
	if (HELPER_BASE_TYPE(arg) == ARG_ANYTHING)
		return 0;
	if (is_packet(&env_regs(env)[regno]) && !(call->proto->flags & HELPER_PKT)) {
		vlog(env, "helper access to the packet is not allowed\n");
		return -EACCES;
	}
	if (reg_is_const(&env_regs(env)[regno], &v) && !v && arg & PTR_MAYBE_NULL)
		return 0;
	UA_TRY(check_type(env, call->proto->id, regno, arg));
	if (arg & OBJ_RELEASE)
		UA_TRY(check_release(env, call, regno));
	UA_TRY(check_only_ref(env, call, regno, arg));
	return check_by_kind(env, call, i, regno, arg);
}

/* -- Callbacks -----------------------------------------------------------------------------------
 */

static void map_element(struct reg *key, struct reg *value, struct map *map)
{
	reg_pointer(key, R_MAP_KEY, 0);
	key->map = map;
	reg_pointer(value, R_MAP_VALUE, 0);
	value->map = map;
}

static void set_loop_args(struct env *env, struct frame *caller, struct frame *callee,
			  const struct callback *cb)
{
	reg_scalar(&callee->regs[1]);
	callee->regs[2] = caller->regs[3];
}

static void set_each_args(struct env *env, struct frame *caller, struct frame *callee,
			  const struct callback *cb)
{
	reg_pointer(&callee->regs[1], R_MAP_PTR, 0);
	callee->regs[1].map = cb->map;
	map_element(&callee->regs[2], &callee->regs[3], cb->map);
	callee->regs[1].inner = callee->regs[3].inner = cb->inner;
	callee->regs[3].map_uid = rec_uid(env, cb->map);
	callee->regs[4] = caller->regs[3];
}

static void set_timer_args(struct env *env, struct frame *caller, struct frame *callee,
			   const struct callback *cb)
{
	reg_pointer(&callee->regs[1], R_MAP_PTR, 0);
	callee->regs[1].map = cb->map;
	map_element(&callee->regs[2], &callee->regs[3], cb->map);
}

static int loop_callback(struct env *env, struct callback *cb)
{
	flow_need_reg(env, BPF_REG_1);
	if (env_frame(env)->callback_depth >= env_regs(env)[BPF_REG_1].s.umax) {
		env_frame(env)->callback_depth = 0;
		return 0;
	}
	cb->set_args = set_loop_args;
	return callback_enter(env, cb);
}

static bool walks_elements(uint32_t map_type)
{
	switch (map_type) {
	case BPF_MAP_TYPE_ARRAY:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_LRU_HASH:
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
		return true;
	default:
		return false;
	}
}

static int call_back(struct env *env, const struct call *call)
{
	struct callback cb = {
		.func = env_regs(env)[call->func_arg].func, .map = call->map, .inner = call->inner};

	switch (call->proto->id) {
	case BPF_FUNC_loop:
		cb.ret_max = 1;
		if (env_regs(env)[BPF_REG_1].type != R_SCALAR)
			return type_denied(env, BPF_REG_1, "scalar");
		return loop_callback(env, &cb);
	case BPF_FUNC_for_each_map_elem:
		if (!walks_elements(call->map->v.map_type)) {
			vlog(env, "callback function not allowed for map\n");
			return -ENOTSUPP;
		}
		cb.ret_max = 1;
		cb.set_args = set_each_args;
		return callback_enter(env, &cb);
	default:
		cb.async = true;
		cb.map = call->timer_map;
		cb.set_args = set_timer_args;
		return callback_enter(env, &cb);
	}
}

/* -- Results ----------------------------------------------------------------------------------- */

/* What the field held is the program's now. */
static int kptr_result(struct env *env, const char *type, struct reg *r0)
{
	uint32_t id;

	UA_TRY(ref_add(env, REF_PTR, NULL, &id));
	reg_pointer(r0, R_BTF, RF_NULL | RF_TRUSTED);
	r0->btf_id = btf_find(env->in->engine_btf, type, BTF_KIND_STRUCT);
	r0->id = r0->ref = id;
	touch_reg(env, BPF_REG_0);
	return 0;
}

/* A struct is an object; anything else is memory to read. */
static void percpu_result(struct env *env, const struct call *call, uint8_t null, struct reg *r0)
{
	const struct btf *btf = env->in->engine_btf;

	if (btf_is_composite(btf__type_by_id(btf, call->percpu))) {
		reg_pointer(r0, R_BTF, null);
		r0->btf_id = call->percpu;
	} else {
		reg_pointer(r0, R_MEM, null | RF_RDONLY);
		r0->size = (uint32_t)btf_size(btf, call->percpu);
	}
	r0->id = null ? new_id(env) : 0;
}

static int set_result(struct env *env, const struct call *call)
{
	struct reg *r0 = &env_regs(env)[BPF_REG_0];
	uint32_t ret = call->proto->ret, id = 0;
	uint8_t null = ret & PTR_MAYBE_NULL ? RF_NULL : 0;

	switch (HELPER_BASE_TYPE(ret)) {
	case RET_VOID:
		return 0;
	case RET_PTR_TO_MAP_VALUE:
		UA_TRY(need_map(env, call, "value"));
		reg_pointer(r0, R_MAP_VALUE, call->key_in_range && call->proto->id == 1 ? 0 : null);
		r0->map = call->map;
		r0->inner = call->inner;
		r0->map_uid = rec_uid(env, call->map);
		r0->id = r0->flags & RF_NULL ? new_id(env) : r0->map_uid;
		break;
	case RET_PTR_TO_MEM:
		UA_TRY(ref_add(env, REF_PTR, NULL, &id));
		reg_pointer(r0, R_MEM, (uint8_t)(null | (ret & MEM_RINGBUF ? RF_RINGBUF : 0)));
		r0->size = (uint32_t)call->size;
		r0->id = r0->ref = id;
		break;
	case RET_PTR_TO_MEM_OR_BTF_ID:
		percpu_result(env, call, null, r0);
		break;
	case RET_PTR_TO_BTF_ID:
		if (call->kptr)
			return kptr_result(env, call->kptr, r0);
		reg_pointer(r0, R_BTF, (uint8_t)(null | (ret & PTR_TRUSTED ? RF_TRUSTED : 0)));
		r0->btf_id = btf_find(env->in->engine_btf, call->proto->btf, BTF_KIND_STRUCT);
		r0->id = null ? new_id(env) : 0;
		break;
	default:
		reg_scalar(r0);
	}
	touch_reg(env, BPF_REG_0);
	return 0;
}

/* Strings read report how much they copied; processors index arrays without a check. */
static void refine_result(struct env *env, const struct call *call)
{
	uint32_t id = call->proto->id;

	if (id == 45 || id == 114 || id == 115)
		scalar_srange(&env_regs(env)[BPF_REG_0].s, -MAX_ERRNO, (int64_t)call->size);
	if (id == 8 && env->in->n_cpus)
		scalar_srange(&env_regs(env)[BPF_REG_0].s, 0, (int64_t)env->in->n_cpus - 1);
}

/* -- The call ------------------------------------------------------------------------------------
 */

static int check_callable(struct env *env, uint32_t id, const struct helper_proto **proto)
{
	const char *name = helper_name(id);

	*proto = helper_proto(id);
	if (!name || id >= HELPER_ID_MAX) {
		vlog(env, "invalid func unknown#%d\n", (int)id);
		return -EINVAL;
	}
	if (!*proto || !helper_callable(*proto, env->in->prog_type) ||
	    id >= env->in->n_helper_fns || !env->in->helper_fns[id]) {
		vlog(env, "program of this type cannot use helper bpf_%s#%u\n", name, id);
		return -EINVAL;
	}
	if ((*proto)->flags & HELPER_GPL && env->in->not_gpl) {
		vlog(env, "cannot call GPL-restricted function from non-GPL compatible program\n");
		return -EINVAL;
	}
	if ((*proto)->flags & HELPER_SLEEP && !env->st.in_sleepable) {
		vlog(env, "helper call might sleep in a non-sleepable prog\n");
		return -EINVAL;
	}
	if ((*proto)->flags & HELPER_SLEEP && !env_may_sleep(env)) {
		vlog(env, "sleepable helper bpf_%s#%u in %s region\n", name, id,
		     env->st.rcu       ? "rcu_read_lock"
		     : env->st.preempt ? "non-preemptible"
				       : "IRQ-disabled");
		return -EINVAL;
	}
	return 0;
}

int helper_call(struct env *env, uint32_t id)
{
	struct call call = {0};
	struct reg any;

	reg_scalar(&any);
	UA_TRY(check_callable(env, id, &call.proto));
	for (int i = 0; i < 5 && call.proto->args[i]; i++)
		UA_TRY(check_arg(env, &call, i));
	if (!call.timer_map)
		UA_TRY(check_map_fits(env, &call, id));
	if (id == BPF_FUNC_tail_call)
		UA_TRY(ref_check_exit(env, "tail_call"));
	if (call.release)
		UA_TRY(ref_release(env, call.release));
	if (call.func_arg)
		UA_TRY(call_back(env, &call));
	clobber_caller_saved(env);
	UA_TRY(set_result(env, &call));
	refine_result(env, &call);
	return id == BPF_FUNC_tail_call ? return_early(env, &any) : 0;
}
