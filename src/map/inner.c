/* SPDX-License-Identifier: BSD-2-Clause */
/* Maps inside maps: the template the verifier sees, and what may take its place. */
#include "base/base.h"
#include "map/ops.h"

static bool kind_can_be_inner(uint32_t type)
{
	return type != BPF_MAP_TYPE_PROG_ARRAY && type != BPF_MAP_TYPE_STRUCT_OPS;
}

static int template_of(const struct map *inner, struct map **out)
{
	struct map *t;

	UA_FAIL_IF(inner->v.inner_map_meta, -EINVAL);
	UA_FAIL_IF(!kind_can_be_inner(inner->v.map_type), -ENOTSUPP);
	t = mem_zalloc(sizeof(*t));
	UA_FAIL_IF(!t, -ENOMEM);
	t->v = inner->v;
	t->rec = inner->rec;
	t->fd = -1;
	t->n_cpus = inner->n_cpus;
	*out = t;
	return 0;
}

int map_inner_template(struct map *map, int fd)
{
	struct map *inner;
	int err;

	UA_TRY(map->host->map_by_fd(map->engine, fd, &inner));
	err = template_of(inner, &map->v.inner_map_meta);
	map_put(inner);
	return err;
}

int map_inner_check(const struct map *outer, const struct map *inner)
{
	const struct map *t = outer->v.inner_map_meta;

	UA_FAIL_IF(t->v.map_type != inner->v.map_type || t->v.key_size != inner->v.key_size ||
			   t->v.value_size != inner->v.value_size ||
			   t->v.map_flags != inner->v.map_flags ||
			   memcmp(&t->rec, &inner->rec, sizeof(t->rec)),
		   -EINVAL);
	/* Programs read array elements at addresses computed from the template's size. */
	UA_FAIL_IF(t->v.map_type == BPF_MAP_TYPE_ARRAY && !(t->v.map_flags & BPF_F_INNER_MAP) &&
			   t->v.max_entries != inner->v.max_entries,
		   -EINVAL);
	return 0;
}
