/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers become things: descriptors maps, BTF ids kfuncs, offsets callbacks.
 *
 * An arena is associated with the program here, when an instruction or the load-time fd_array
 * names its map; dereferencing a pointer that happens to point into an arena does not.
 */
#include <bpf/btf.h>
#include "arena/arena.h"
#include "btf/types/percpu.h"
#include "map/map.h"
#include "verify/env.h"

/* -- Maps ------------------------------------------------------------------ */

static int arena_associate(struct env *env, struct map *map)
{
	struct arena *arena = map_arena(map);

	if (!arena || arena == env->arena)
		return 0;
	if (env->arena) {
		vlog(env, "Only one arena per program\n");
		return -EBUSY;
	}
	if (!arena_user_start(arena)) {
		vlog(env, "arena's user address must be set via map_extra or mmap()\n");
		return -EINVAL;
	}
	env->arena = arena;
	env->arena_map = map;
	return 0;
}

static bool type_traces(uint32_t type)
{
	return type == BPF_PROG_TYPE_KPROBE || type == BPF_PROG_TYPE_TRACEPOINT ||
	       type == BPF_PROG_TYPE_PERF_EVENT || type == BPF_PROG_TYPE_RAW_TRACEPOINT ||
	       type == BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE;
}

/* Kinds whose elements go before a program that sleeps could be done with them. */
static bool lasts_through_sleep(const struct map *map)
{
	switch (map->v.map_type) {
	case BPF_MAP_TYPE_PROG_ARRAY:
	case BPF_MAP_TYPE_PERF_EVENT_ARRAY:
	case BPF_MAP_TYPE_LPM_TRIE:
	case BPF_MAP_TYPE_BLOOM_FILTER:
		return false;
	default:
		return true;
	}
}

/* Is it a map for programs of this type? */
static int map_suits(struct env *env, const struct map *map)
{
	bool traces = type_traces(env->in->prog_type);
	bool filter = env->in->prog_type == BPF_PROG_TYPE_SOCKET_FILTER;
	bool locks = map->rec.spin_lock_off >= 0 || map->rec.res_spin_lock_off >= 0;

	if (locks && (filter || traces))
		vlog(env, "%s progs cannot use bpf_spin_lock yet\n",
		     filter ? "socket filter" : "tracing");
	else if (map->rec.timer_off >= 0 && traces)
		vlog(env, "tracing progs cannot use bpf_timer yet\n");
	else if (map->rec.wq_off >= 0 && traces)
		vlog(env, "tracing progs cannot use bpf_wq yet\n");
	else if (map->v.map_type == BPF_MAP_TYPE_STRUCT_OPS)
		vlog(env, "bpf_struct_ops map cannot be used in prog\n");
	else if (env->sleepable && !lasts_through_sleep(map))
		vlog(env, "Sleepable programs can only use array, hash, ringbuf and local storage "
			  "maps\n");
	else
		return 0;
	return -EINVAL;
}

static int map_use(struct env *env, struct map *map)
{
	for (uint32_t i = 0; i < env->n_maps; i++)
		if (env->maps[i] == map)
			return 0;
	if (env->n_maps >= MAX_USED_MAPS) {
		vlog(env, "The total number of maps per program has reached the limit of %u\n",
		     MAX_USED_MAPS);
		return -E2BIG;
	}
	UA_TRY(UA_GROW(&env->maps, &env->cap_maps, env->n_maps + 1));
	UA_TRY(map_suits(env, map));
	UA_TRY(arena_associate(env, map));
	env->maps[env->n_maps++] = map;
	return 0;
}

static int direct_value(struct env *env, struct insn_aux *aux, uint32_t off)
{
	struct map *map = aux->map;
	struct arena *arena = map_arena(map);
	int err = 0;

	if (arena) {
		err = off >= arena_max_entries(arena) * ARENA_PAGE_SIZE ? -ERANGE : 0;
		aux->ld_value = arena_user_start(arena) + off;
	} else if (!map->v.ops->direct_value) {
		vlog(env, "no direct value access support for this map type\n");
		return -EINVAL;
	} else if (off >= 1u << 29) {
		vlog(env, "direct value offset of %u is not allowed\n", off);
		return -EINVAL;
	} else {
		err = map->v.ops->direct_value(map, &aux->ld_value, off);
	}
	if (err)
		vlog(env, "invalid access to map value pointer, value_size=%u off=%u\n",
		     map->v.value_size, off);
	aux->ld_kind = arena ? LD_ARENA_VALUE : LD_MAP_VALUE;
	aux->map_off = off;
	return err;
}

static int resolve_map(struct env *env, uint32_t i)
{
	struct bpf_insn *insn = &env->insns[i];
	struct insn_aux *aux = &env->aux[i];
	bool is_idx = insn->src_reg >= BPF_PSEUDO_MAP_IDX;
	bool is_value =
		insn->src_reg == BPF_PSEUDO_MAP_VALUE || insn->src_reg == BPF_PSEUDO_MAP_IDX_VALUE;
	int err;

	if (!is_value && insn[1].imm) {
		vlog(env, "unrecognized bpf_ld_imm64 insn\n");
		return -EINVAL;
	}
	err = env->in->resolve_map
		      ? env->in->resolve_map(env->in->resolve_arg, insn->imm, is_idx, &aux->map)
		      : -EBADF;
	if (err) {
		vlog(env, "fd %d is not pointing to valid bpf_map\n", insn->imm);
		return err;
	}
	UA_TRY(map_use(env, aux->map));
	if (is_value)
		return direct_value(env, aux, (uint32_t)insn[1].imm);
	aux->ld_kind = LD_MAP;
	aux->ld_value = (uint64_t)(uintptr_t)aux->map;
	return 0;
}

/* -- Other LDIMM64 ---------------------------------------------------------- */

static int resolve_func(struct env *env, uint32_t i)
{
	int f = func_at(env, i + 1 + (uint32_t)env->insns[i].imm);

	ua_assert(f >= 0);
	if (!env->in->n_func_info) {
		vlog(env, "missing btf func_info\n");
		return -EINVAL;
	}
	if (env->funcs[f].is_global) {
		vlog(env, "callback function not static\n");
		return -EINVAL;
	}
	env->aux[i].ld_kind = LD_FUNC;
	env->aux[i].ld_value = (uint64_t)f;
	return 0;
}

static int no_address(struct env *env, const char *name)
{
	vlog(env, "ldimm64 failed to find the address for kernel symbol '%s'.\n", name);
	return -ENOENT;
}

#define PERCPU_NAME(type, name) #name,

/* Programs hand it to the helpers that know where a CPU has it; to them it is a name. */
static int resolve_percpu(struct env *env, uint32_t i, uint32_t id)
{
	static const char *const names[] = {PERCPU_VARS(PERCPU_NAME)};
	const struct btf_type *var = btf__type_by_id(env->in->engine_btf, id);
	const char *name = btf_type_name(env->in->engine_btf, id);
	uint32_t type = var->type, n = 0;

	while (strcmp(names[n], name))
		if (++n == ARRAY_SIZE(names))
			return no_address(env, name);
	btf_resolve(env->in->engine_btf, &type);
	env->aux[i].ld_kind = LD_PERCPU;
	env->aux[i].ld_type = type;
	env->aux[i].ld_value = PERCPU_NONE + 1 + n;
	return 0;
}

/* The address of a kfunc: programs only ask whether it is there. */
static int resolve_ksym(struct env *env, uint32_t i)
{
	uint32_t id = (uint32_t)env->insns[i].imm;
	const struct btf_type *t = btf__type_by_id(env->in->engine_btf, id);
	const struct kfunc *kf;

	if (!t) {
		vlog(env, "ldimm64 insn specifies invalid btf_id %u.\n", id);
		return -ENOENT;
	}
	if (!btf_is_func(t) && !btf_is_var(t)) {
		vlog(env, "pseudo btf_id %u in ldimm64 isn't KIND_VAR or KIND_FUNC\n", id);
		return -EINVAL;
	}
	if (btf_is_var(t))
		return resolve_percpu(env, i, id);
	kf = env->in->kfuncs ? kfunc_by_id(env->in->kfuncs, id) : NULL;
	if (!kf)
		return no_address(env, btf_type_name(env->in->engine_btf, id));
	env->aux[i].ld_kind = LD_KSYM;
	env->aux[i].ld_value = (uint64_t)(uintptr_t)kf->fn;
	return 0;
}

static int resolve_ldimm64(struct env *env, uint32_t i)
{
	const struct bpf_insn *insn = &env->insns[i];

	switch (insn->src_reg) {
	case 0:
		env->aux[i].ld_kind = LD_CONST;
		env->aux[i].ld_value = (uint64_t)(uint32_t)insn[1].imm << 32 | (uint32_t)insn->imm;
		return 0;
	case BPF_PSEUDO_FUNC:
		return resolve_func(env, i);
	case BPF_PSEUDO_BTF_ID:
		return resolve_ksym(env, i);
	default:
		return resolve_map(env, i);
	}
}

/* -- Calls ------------------------------------------------------------------ */

/* A kfunc that does not exist is an error only if the walk reaches the call. */
static void resolve_kfunc(struct env *env, uint32_t i)
{
	const struct bpf_insn *insn = &env->insns[i];

	if (env->in->kfuncs && !insn->off)
		env->aux[i].kfunc = kfunc_by_id(env->in->kfuncs, (uint32_t)insn->imm);
}

int resolve_all(struct env *env)
{
	for (uint32_t i = 0; i < env->in->n_fd_array_maps; i++)
		UA_TRY(map_use(env, env->in->fd_array_maps[i]));
	for (uint32_t i = 0; i < env->n; i++) {
		const struct bpf_insn *insn = &env->insns[i];

		if (insn_is_ldimm64(insn))
			UA_TRY(resolve_ldimm64(env, i++));
		else if (insn->code == (BPF_JMP | BPF_CALL) &&
			 insn->src_reg == BPF_PSEUDO_KFUNC_CALL)
			resolve_kfunc(env, i);
	}
	return 0;
}
