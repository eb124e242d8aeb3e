/* SPDX-License-Identifier: BSD-2-Clause */
/* Releasing what a __kptr field holds, by the kinds of object programs can own. */
#include "prog/kptr.h"
#include "base/base.h"
#include "btf/btf.h"
#include "prog/kfuncs.h"

static const struct {
	const char *type;
	host_fn release;
} owned[] = {
	{"bpf_cpumask", kfunc_bpf_cpumask_release},
	{"task_struct", kfunc_bpf_task_release},
	{"cgroup", kfunc_bpf_cgroup_release},
};

static host_fn release_of(const struct map *map)
{
	const char *type = btf_type_name(map->btf, map->rec.kptr_type);

	for (size_t i = 0; i < ARRAY_SIZE(owned); i++)
		if (!strcmp(owned[i].type, type))
			return owned[i].release;
	return NULL;
}

static void value_gone(struct map *map, void *value)
{
	uint64_t *field = (uint64_t *)((char *)value + map->rec.kptr_off);
	uint64_t object = __atomic_exchange_n(field, 0, __ATOMIC_SEQ_CST);

	if (object)
		release_of(map)(object, 0, 0, 0, 0);
}

int kptr_bind(struct map *map)
{
	if (map->rec.kptr_off < 0)
		return 0;
	if (!release_of(map)) {
		log_warn("uarena: map %s: a __kptr to this type cannot be released\n", map->v.name);
		return -EINVAL;
	}
	map->value_gone = value_gone;
	return 0;
}
