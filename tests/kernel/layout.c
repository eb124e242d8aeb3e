/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * abi/bpf.h against the types of the running kernel: every field at the same place with the
 * same size. Fields the kernel does not have yet are listed, not failed.
 */
#include "base/base.h"
#include "abi/bpf.h"
#include "btf/btf.h"

#include <unistd.h>

struct field {
	const char *outer, *path; /* path in the kernel's type */
	size_t off, size;
};

#define A(field, path) \
	{"bpf_attr", path, offsetof(union bpf_attr, field), sizeof(((union bpf_attr *)0)->field)}
#define S(type, field) \
	{#type, #field, offsetof(struct type, field), sizeof(((struct type *)0)->field)}
#define SAME(field) A(field, #field)

static const struct field fields[] = {
	SAME(map_type),
	SAME(key_size),
	SAME(value_size),
	SAME(max_entries),
	SAME(map_flags),
	SAME(inner_map_fd),
	SAME(numa_node),
	SAME(map_name),
	SAME(map_ifindex),
	SAME(btf_fd),
	SAME(btf_key_type_id),
	SAME(btf_value_type_id),
	SAME(btf_vmlinux_value_type_id),
	SAME(map_extra),
	SAME(value_type_btf_obj_fd),
	SAME(map_token_fd),
	SAME(excl_prog_hash),
	SAME(excl_prog_hash_size),
	SAME(map_fd),
	SAME(key),
	SAME(value),
	SAME(next_key),
	SAME(flags),
	SAME(enable_stats.type),
	S(bpf_link_info, type),
	S(bpf_link_info, id),
	S(bpf_link_info, prog_id),
	S(bpf_link_info, struct_ops.map_id),
	SAME(batch.in_batch),
	SAME(batch.out_batch),
	SAME(batch.keys),
	SAME(batch.values),
	SAME(batch.count),
	SAME(batch.map_fd),
	SAME(batch.elem_flags),
	SAME(batch.flags),
	SAME(prog_type),
	SAME(insn_cnt),
	SAME(insns),
	SAME(license),
	SAME(log_level),
	SAME(log_size),
	SAME(log_buf),
	SAME(kern_version),
	SAME(prog_flags),
	SAME(prog_name),
	SAME(prog_ifindex),
	SAME(expected_attach_type),
	SAME(prog_btf_fd),
	SAME(func_info_rec_size),
	SAME(func_info),
	SAME(func_info_cnt),
	SAME(line_info_rec_size),
	SAME(line_info),
	SAME(line_info_cnt),
	SAME(attach_btf_id),
	SAME(attach_prog_fd),
	SAME(attach_btf_obj_fd),
	SAME(core_relo_cnt),
	SAME(fd_array),
	SAME(core_relos),
	SAME(core_relo_rec_size),
	SAME(log_true_size),
	SAME(prog_token_fd),
	SAME(fd_array_cnt),
	SAME(signature),
	SAME(signature_size),
	SAME(keyring_id),
	SAME(test.prog_fd),
	SAME(test.retval),
	SAME(test.data_size_in),
	SAME(test.data_size_out),
	SAME(test.data_in),
	SAME(test.data_out),
	SAME(test.repeat),
	SAME(test.duration),
	SAME(test.ctx_size_in),
	SAME(test.ctx_size_out),
	SAME(test.ctx_in),
	SAME(test.ctx_out),
	SAME(test.flags),
	SAME(test.cpu),
	SAME(test.batch_size),
	A(get_id.start_id, "start_id"),
	A(get_id.prog_id, "prog_id"),
	A(get_id.map_id, "map_id"),
	A(get_id.btf_id, "btf_id"),
	A(get_id.link_id, "link_id"),
	A(get_id.next_id, "next_id"),
	A(get_id.open_flags, "open_flags"),
	A(get_id.fd_by_id_token_fd, "fd_by_id_token_fd"),
	SAME(info.bpf_fd),
	SAME(info.info_len),
	SAME(info.info),
	SAME(btf),
	SAME(btf_log_buf),
	SAME(btf_size),
	SAME(btf_log_size),
	SAME(btf_log_level),
	SAME(btf_log_true_size),
	SAME(btf_flags),
	SAME(btf_token_fd),
	SAME(link_create.prog_fd),
	SAME(link_create.map_fd),
	SAME(link_create.target_fd),
	SAME(link_create.attach_type),
	SAME(link_create.flags),
	SAME(link_create.target_btf_id),
	SAME(link_update.link_fd),
	SAME(link_update.new_prog_fd),
	SAME(link_update.new_map_fd),
	SAME(link_update.flags),
	SAME(link_update.old_prog_fd),
	SAME(link_update.old_map_fd),
	SAME(prog_stream_read.stream_buf),
	SAME(prog_stream_read.stream_buf_len),
	SAME(prog_stream_read.stream_id),
	SAME(prog_stream_read.prog_fd),
	SAME(prog_assoc_struct_ops.map_fd),
	SAME(prog_assoc_struct_ops.prog_fd),
	SAME(prog_assoc_struct_ops.flags),
	S(bpf_map_info, type),
	S(bpf_map_info, id),
	S(bpf_map_info, key_size),
	S(bpf_map_info, value_size),
	S(bpf_map_info, max_entries),
	S(bpf_map_info, map_flags),
	S(bpf_map_info, name),
	S(bpf_map_info, ifindex),
	S(bpf_map_info, btf_vmlinux_value_type_id),
	S(bpf_map_info, netns_dev),
	S(bpf_map_info, netns_ino),
	S(bpf_map_info, btf_id),
	S(bpf_map_info, btf_key_type_id),
	S(bpf_map_info, btf_value_type_id),
	S(bpf_map_info, btf_vmlinux_id),
	S(bpf_map_info, map_extra),
	S(bpf_map_info, hash),
	S(bpf_map_info, hash_size),
	S(bpf_prog_info, type),
	S(bpf_prog_info, id),
	S(bpf_prog_info, tag),
	S(bpf_prog_info, jited_prog_len),
	S(bpf_prog_info, xlated_prog_len),
	S(bpf_prog_info, jited_prog_insns),
	S(bpf_prog_info, xlated_prog_insns),
	S(bpf_prog_info, load_time),
	S(bpf_prog_info, created_by_uid),
	S(bpf_prog_info, nr_map_ids),
	S(bpf_prog_info, map_ids),
	S(bpf_prog_info, name),
	S(bpf_prog_info, ifindex),
	S(bpf_prog_info, netns_dev),
	S(bpf_prog_info, netns_ino),
	S(bpf_prog_info, nr_jited_ksyms),
	S(bpf_prog_info, nr_jited_func_lens),
	S(bpf_prog_info, jited_ksyms),
	S(bpf_prog_info, jited_func_lens),
	S(bpf_prog_info, btf_id),
	S(bpf_prog_info, func_info_rec_size),
	S(bpf_prog_info, func_info),
	S(bpf_prog_info, nr_func_info),
	S(bpf_prog_info, nr_line_info),
	S(bpf_prog_info, line_info),
	S(bpf_prog_info, jited_line_info),
	S(bpf_prog_info, nr_jited_line_info),
	S(bpf_prog_info, line_info_rec_size),
	S(bpf_prog_info, jited_line_info_rec_size),
	S(bpf_prog_info, nr_prog_tags),
	S(bpf_prog_info, prog_tags),
	S(bpf_prog_info, run_time_ns),
	S(bpf_prog_info, run_cnt),
	S(bpf_prog_info, recursion_misses),
	S(bpf_prog_info, verified_insns),
	S(bpf_prog_info, attach_btf_obj_id),
	S(bpf_prog_info, attach_btf_id),
	S(bpf_btf_info, btf),
	S(bpf_btf_info, btf_size),
	S(bpf_btf_info, id),
	S(bpf_btf_info, name),
	S(bpf_btf_info, name_len),
	S(bpf_btf_info, kernel_btf),
	S(bpf_func_info, insn_off),
	S(bpf_func_info, type_id),
	S(bpf_line_info, insn_off),
	S(bpf_line_info, file_name_off),
	S(bpf_line_info, line_off),
	S(bpf_line_info, line_col),
};

/* Follow "a.b.c"; offset in bytes, -1: no such field. */
static int64_t place(const struct btf *btf, uint32_t id, const char *path, int64_t *size)
{
	char name[64];
	int64_t off = 0;
	size_t n;

	for (;; path += n + 1) {
		struct btf_place at;

		n = strcspn(path, ".");
		snprintf(name, sizeof(name), "%.*s", (int)n, path);
		if (!btf_member(btf, id, name, &at))
			return -1;
		off += at.bit_off / 8;
		id = at.type_id;
		if (!path[n])
			break;
		btf_resolve(btf, &id);
	}
	*size = btf_size(btf, id);
	return off;
}

static int check(const struct btf *btf, const struct field *f)
{
	uint32_t id = btf_find(btf, f->outer, 0);
	int64_t size = 0, off = id ? place(btf, id, f->path, &size) : -1;

	if (off < 0) {
		printf("not in this kernel: %s.%s\n", f->outer, f->path);
		return 0;
	}
	if (off == (int64_t)f->off && size == (int64_t)f->size)
		return 0;
	fprintf(stderr, "%s.%s: at %zu, %zu bytes; the kernel's at %lld, %lld bytes\n", f->outer,
		f->path, f->off, f->size, (long long)off, (long long)size);
	return 1;
}

int main(void)
{
	const char *path = "/sys/kernel/btf/vmlinux";
	struct btf *btf;
	int failed = 0;

	if (access(path, R_OK)) {
		printf("no %s to compare with\n", path);
		return 77;
	}
	btf = btf__parse_raw(path);
	if (!btf)
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		failed += check(btf, &fields[i]);
	printf("%zu fields compared\n", ARRAY_SIZE(fields));
	btf__free(btf);
	return failed != 0;
}
