/* SPDX-License-Identifier: BSD-2-Clause */
/* bpf(2) on links: the only kind the engine has binds a struct_ops map to its consumer. */
#include <unistd.h>

#include "base/base.h"
#include "kernel/engine_priv.h"
#include "map/map.h"
#include "prog/struct_ops.h"

#define BPF_F_REPLACE (1u << 2)

long cmd_link_create(struct engine_kernel *k, union bpf_attr *attr)
{
	struct struct_ops_link *link;
	struct map *map;
	uint32_t id;
	int fd, user_fd, err;

	if (attr->link_create.attach_type != BPF_STRUCT_OPS) {
		log_warn("uarena: the engine attaches struct_ops maps only, not attach type %u\n",
			 attr->link_create.attach_type);
		return -EOPNOTSUPP;
	}
	UA_FAIL_IF(attr->link_create.flags & ~BPF_F_LINK, -EINVAL);
	UA_TRY(engine_get_map(k, attr->link_create.map_fd, &map));
	err = struct_ops_link_new(map, &link);
	map_put(map);
	UA_TRY(err);
	fd = engine_file("bpf-link");
	user_fd = fd < 0 ? fd : objects_add(&k->objects, OBJECT_LINK, link, fd, &id);
	if (fd >= 0)
		close(fd);
	if (user_fd < 0)
		struct_ops_link_put(link);
	return user_fd;
}

static int update(struct engine_kernel *k, struct struct_ops_link *link, const union bpf_attr *attr)
{
	struct map *map, *old = NULL;
	int err;

	UA_TRY(engine_get_map(k, attr->link_update.new_map_fd, &map));
	err = attr->link_update.flags & BPF_F_REPLACE
		      ? engine_get_map(k, attr->link_update.old_map_fd, &old)
		      : 0;
	if (!err)
		err = struct_ops_link_update(link, map, old);
	map_put(old);
	map_put(map);
	return err;
}

long cmd_link_update(struct engine_kernel *k, union bpf_attr *attr)
{
	struct struct_ops_link *link;
	int err;

	UA_FAIL_IF(attr->link_update.flags & ~BPF_F_REPLACE, -EINVAL);
	UA_FAIL_IF(!(attr->link_update.flags & BPF_F_REPLACE) && attr->link_update.old_map_fd,
		   -EINVAL);
	UA_TRY(objects_get(&k->objects, (int)attr->link_update.link_fd, OBJECT_LINK,
			   (void **)&link));
	err = update(k, link, attr);
	struct_ops_link_put(link);
	return err;
}

long cmd_link_detach(struct engine_kernel *k, union bpf_attr *attr)
{
	struct struct_ops_link *link;
	int err;

	UA_TRY(objects_get(&k->objects, (int)attr->link_update.link_fd, OBJECT_LINK,
			   (void **)&link));
	err = struct_ops_link_detach(link);
	struct_ops_link_put(link);
	return err;
}

long cmd_prog_assoc_struct_ops(struct engine_kernel *k, union bpf_attr *attr)
{
	struct prog *prog;
	struct map *map;
	int err;

	UA_FAIL_IF(attr->prog_assoc_struct_ops.flags, -EINVAL);
	UA_TRY(engine_get_prog(k, attr->prog_assoc_struct_ops.prog_fd, &prog));
	err = engine_get_map(k, attr->prog_assoc_struct_ops.map_fd, &map);
	if (!err) {
		err = map->v.map_type == BPF_MAP_TYPE_STRUCT_OPS ? 0 : -EINVAL;
		if (!err && prog->type == BPF_PROG_TYPE_STRUCT_OPS)
			err = -EINVAL;
		if (!err && prog->struct_ops)
			err = -EBUSY;
		if (!err)
			prog->struct_ops = map_get(map);
		map_put(map);
	}
	prog_put(prog);
	return err;
}
