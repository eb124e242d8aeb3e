/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OBJ_GET_INFO_BY_FD. Callers with a smaller struct get its beginning; callers with a larger
 * one must have zeros behind ours. Arrays in the info are filled as far as the caller's counts
 * reach, and the counts then say how many there are.
 */
#include "base/base.h"
#include "kernel/btf_obj.h"
#include "kernel/engine_priv.h"
#include "kernel/user.h"
#include "map/map.h"
#include "prog/struct_ops.h"

/* Read the caller's info, at most `size` bytes of it; *len becomes what was read. */
static int info_begin(const union bpf_attr *attr, void *info, uint32_t size, uint32_t *len)
{
	uint8_t byte;

	UA_FAIL_IF(attr->info.info_len > 4096, -E2BIG);
	memset(info, 0, size);
	*len = min_t(uint32_t, attr->info.info_len, size);
	for (uint32_t i = size; i < attr->info.info_len; i++) {
		UA_TRY(user_read(&byte, attr->info.info + i, 1));
		UA_FAIL_IF(byte, -E2BIG);
	}
	return user_read(info, attr->info.info, *len);
}

static int info_end(union bpf_attr *attr, const void *info, uint32_t len)
{
	UA_TRY(user_write(attr->info.info, info, len));
	attr->info.info_len = len;
	return 0;
}

static int map_info(struct map *map, union bpf_attr *attr)
{
	struct bpf_map_info info;
	uint32_t len;

	UA_TRY(info_begin(attr, &info, sizeof(info), &len));
	info = (struct bpf_map_info){
		.type = map->v.map_type,
		.id = map->v.id,
		.key_size = map->v.key_size,
		.value_size = map->v.value_size,
		.max_entries = map->v.max_entries,
		.map_flags = map->v.map_flags,
		.map_extra = map->v.map_extra,
		.btf_id = map->btf_obj ? ((struct btf_obj *)map->btf_obj)->id : 0,
		.btf_key_type_id = map->btf_key_type_id,
		.btf_value_type_id = map->btf_value_type_id,
		.btf_vmlinux_value_type_id = map->btf_vmlinux_value_type_id,
	};
	memcpy(info.name, map->v.name, sizeof(info.name));
	return info_end(attr, &info, len);
}

/* Copy as many elements as the caller has room for; *count becomes how many there are. */
static int put_array(uint64_t to, uint32_t *count, const void *from, uint32_t n, size_t size)
{
	uint32_t room = *count;

	*count = n;
	if (!room || !n)
		return 0;
	return user_write(to, from, (size_t)min_t(uint32_t, room, n) * size);
}

static int put_map_ids(const struct prog *prog, struct bpf_prog_info *info)
{
	uint32_t n = min_t(uint32_t, info->nr_map_ids, prog->n_maps);

	info->nr_map_ids = prog->n_maps;
	for (uint32_t i = 0; i < n; i++)
		UA_TRY(user_write(info->map_ids + i * 4ull, &prog->maps[i]->v.id, 4));
	return 0;
}

/* Addresses in the rewritten program are nobody's business, as with the kernel's. */
static int put_xlated(const struct prog *prog, struct bpf_prog_info *info)
{
	uint32_t size = prog->code->n_ops * (uint32_t)sizeof(struct bpf_insn),
		 room = info->xlated_prog_len;

	info->xlated_prog_len = size;
	if (!room || !info->xlated_prog_insns)
		return 0;
	return user_write(info->xlated_prog_insns, prog->code->insns, min_t(uint32_t, room, size));
}

static int put_records(const struct prog *prog, struct bpf_prog_info *info)
{
	UA_TRY(put_array(info->func_info, &info->nr_func_info, prog->func_info, prog->n_func_info,
			 sizeof(*prog->func_info)));
	UA_TRY(put_array(info->line_info, &info->nr_line_info, prog->line_info, prog->n_line_info,
			 sizeof(*prog->line_info)));
	info->func_info_rec_size = sizeof(*prog->func_info);
	info->line_info_rec_size = sizeof(*prog->line_info);
	return 0;
}

static void put_plain(const struct prog *prog, struct bpf_prog_info *info)
{
	info->type = prog->type;
	info->id = prog->id;
	memcpy(info->tag, prog->tag, sizeof(info->tag));
	memcpy(info->name, prog->name, sizeof(info->name));
	info->gpl_compatible = prog->gpl;
	info->load_time = prog->load_time_ns;
	info->btf_id = prog->btf_obj ? ((struct btf_obj *)prog->btf_obj)->id : 0;
	info->run_cnt = atomic_load(&prog->run_cnt);
	info->run_time_ns = atomic_load(&prog->run_time_ns);
	info->verified_insns = prog->stats.insn_processed;
	info->jited_prog_len = 0;
	info->nr_jited_ksyms = 0;
	info->nr_jited_func_lens = 0;
	info->nr_jited_line_info = 0;
	info->nr_prog_tags = 0;
}

static int prog_info(struct prog *prog, union bpf_attr *attr)
{
	struct bpf_prog_info info;
	uint32_t len;

	UA_TRY(info_begin(attr, &info, sizeof(info), &len));
	put_plain(prog, &info);
	UA_TRY(put_map_ids(prog, &info));
	UA_TRY(put_xlated(prog, &info));
	UA_TRY(put_records(prog, &info));
	return info_end(attr, &info, len);
}

static int btf_info(struct btf_obj *obj, union bpf_attr *attr)
{
	struct bpf_btf_info info;
	uint32_t len, room;

	UA_TRY(info_begin(attr, &info, sizeof(info), &len));
	room = info.btf_size;
	info.id = obj->id;
	info.btf_size = obj->size;
	info.name_len = 0;
	info.kernel_btf = 0;
	if (info.btf && room)
		UA_TRY(user_write(info.btf, obj->raw, min_t(uint32_t, room, obj->size)));
	return info_end(attr, &info, len);
}

static int link_info(struct struct_ops_link *link, uint32_t id, union bpf_attr *attr)
{
	struct bpf_link_info info;
	uint32_t len;

	UA_TRY(info_begin(attr, &info, sizeof(info), &len));
	info = (struct bpf_link_info){.type = BPF_LINK_TYPE_STRUCT_OPS,
				      .id = id,
				      .struct_ops.map_id = struct_ops_link_map_id(link)};
	return info_end(attr, &info, len);
}

long cmd_obj_info(struct engine_kernel *k, union bpf_attr *attr)
{
	int kind = objects_kind(&k->objects, (int)attr->info.bpf_fd), err;
	void *ptr;

	UA_FAIL_IF(kind == -EBADF, -EBADFD); /* as Linux, for this command alone */
	UA_FAIL_IF(kind < 0, kind);
	UA_FAIL_IF(kind == OBJECT_STATS, -EINVAL);
	UA_TRY(objects_get(&k->objects, (int)attr->info.bpf_fd, (enum object_kind)kind, &ptr));
	if (kind == OBJECT_MAP) {
		err = map_info(ptr, attr);
		map_put(ptr);
	} else if (kind == OBJECT_PROG) {
		err = prog_info(ptr, attr);
		prog_put(ptr);
	} else if (kind == OBJECT_BTF) {
		err = btf_info(ptr, attr);
		btf_obj_put(ptr);
	} else {
		err = link_info(ptr, objects_id(&k->objects, (int)attr->info.bpf_fd), attr);
		struct_ops_link_put(ptr);
	}
	return err;
}
