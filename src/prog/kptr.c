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

static host_fn release_of(const struct map *map, const struct map_kptr *k)
{
	const char *type = btf_type_name(map->btf, k->type);

	for (size_t i = 0; i < ARRAY_SIZE(owned); i++)
		if (!strcmp(owned[i].type, type))
			return owned[i].release;
	return NULL;
}

static void value_gone(struct map *map, void *value)
{
	for (uint32_t i = 0; i < map->rec.n_kptrs; i++) {
		const struct map_kptr *k = &map->rec.kptrs[i];
		uint64_t *field = (uint64_t *)((char *)value + k->off);
		uint64_t object = __atomic_exchange_n(field, 0, __ATOMIC_SEQ_CST);

		if (object)
			release_of(map, k)(object, 0, 0, 0, 0);
	}
}

int kptr_bind(struct map *map)
{
	for (uint32_t i = 0; i < map->rec.n_kptrs; i++)
		if (!release_of(map, &map->rec.kptrs[i])) {
			log_warn("uarena: map %s: __kptr to struct %s: nobody can release that\n",
				 map->v.name, btf_type_name(map->btf, map->rec.kptrs[i].type));
			return -EINVAL;
		}
	if (map->rec.n_kptrs)
		map->value_gone = value_gone;
	return 0;
}
