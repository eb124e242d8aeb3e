/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules for sizes, unknown commands and descriptors that are none. */
#include "surface.h"

#include <fcntl.h>
#include <unistd.h>

#define ATTR_END(field) (offsetof(union bpf_attr, field) + sizeof(((union bpf_attr *)0)->field))

static long call(struct surface *s, int cmd, void *attr, unsigned int size)
{
	return kernel_bpf(s->k, cmd, attr, size);
}

static void sizes(struct surface *s)
{
	union {
		union bpf_attr attr;
		uint8_t bytes[8192];
	} u = {.attr = {.map_type = BPF_MAP_TYPE_ARRAY,
			.key_size = 4,
			.value_size = 4,
			.max_entries = 1}};
	int fd;

	fd = (int)call(s, BPF_MAP_CREATE, &u, 20);
	SURFACE_CHECK(s, fd < 0 ? fd : 0, 0, "short attr");
	if (fd >= 0)
		s->k->ops->close(s->k, fd);
	fd = (int)call(s, BPF_MAP_CREATE, &u, 16);
	SURFACE_CHECK(s, fd < 0 ? fd : 0, 0, "attr up to max_entries");
	if (fd >= 0)
		s->k->ops->close(s->k, fd);
	SURFACE_CHECK(s, call(s, BPF_MAP_CREATE, &u, 12), -EINVAL, "attr without max_entries");
	SURFACE_CHECK(s, call(s, BPF_MAP_CREATE, &u, 0), -EINVAL, "no attr");
	fd = (int)call(s, BPF_MAP_CREATE, &u, 4096);
	SURFACE_CHECK(s, fd < 0 ? fd : 0, 0, "a page of attr");
	if (fd >= 0)
		s->k->ops->close(s->k, fd);
	SURFACE_CHECK(s, call(s, BPF_MAP_CREATE, &u, 4097), -E2BIG, "more than a page");
	u.bytes[4000] = 1;
	SURFACE_CHECK(s, call(s, BPF_MAP_CREATE, &u, 4096), -E2BIG, "non-zero behind the union");
	SURFACE_CHECK(s, call(s, BPF_MAP_CREATE, &u, 3000) < 0, 0, "not looked at");
	u.bytes[4000] = 0;
	u.bytes[ATTR_END(excl_prog_hash_size)] = 1;
	SURFACE_CHECK(s, call(s, BPF_MAP_CREATE, &u, sizeof(union bpf_attr)), -EINVAL,
		      "non-zero behind the command's last field");
}

static const struct {
	int cmd;
	size_t end; /* of the last field */
} last_fields[] = {
	{BPF_MAP_LOOKUP_ELEM, ATTR_END(flags)},
	{BPF_MAP_UPDATE_ELEM, ATTR_END(flags)},
	{BPF_MAP_DELETE_ELEM, ATTR_END(key)},
	{BPF_MAP_GET_NEXT_KEY, ATTR_END(next_key)},
	{BPF_MAP_LOOKUP_AND_DELETE_ELEM, ATTR_END(flags)},
	{BPF_MAP_FREEZE, ATTR_END(map_fd)},
	{BPF_MAP_LOOKUP_BATCH, ATTR_END(batch.flags)},
	{BPF_MAP_UPDATE_BATCH, ATTR_END(batch.flags)},
	{BPF_MAP_DELETE_BATCH, ATTR_END(batch.flags)},
	{BPF_OBJ_GET_INFO_BY_FD, ATTR_END(info.info)},
	{BPF_PROG_GET_NEXT_ID, ATTR_END(get_id.next_id)},
	{BPF_MAP_GET_NEXT_ID, ATTR_END(get_id.next_id)},
	{BPF_BTF_GET_NEXT_ID, ATTR_END(get_id.next_id)},
	{BPF_PROG_GET_FD_BY_ID, ATTR_END(get_id.prog_id)},
	{BPF_PROG_STREAM_READ_BY_FD, ATTR_END(prog_stream_read.prog_fd)},
	{BPF_PROG_TEST_RUN, ATTR_END(test.batch_size)},
};

static void tails(struct surface *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(last_fields); i++) {
		union bpf_attr attr = {0};

		((uint8_t *)&attr)[last_fields[i].end] = 1;
		SURFACE_CHECK(s, call(s, last_fields[i].cmd, &attr, sizeof(attr)), -EINVAL,
			      "byte behind the last field of command %d", last_fields[i].cmd);
	}
}

static void unknown(struct surface *s)
{
	static const int cmds[] = {-1, 500, 0x7fffffff, INT32_MIN};
	union bpf_attr attr = {0};

	for (size_t i = 0; i < ARRAY_SIZE(cmds); i++)
		SURFACE_CHECK(s, call(s, cmds[i], &attr, sizeof(attr)), -EINVAL, "command %d",
			      cmds[i]);
}

static void wrong_descriptors(struct surface *s)
{
	static const int map_cmds[] = {BPF_MAP_LOOKUP_ELEM,
				       BPF_MAP_UPDATE_ELEM,
				       BPF_MAP_DELETE_ELEM,
				       BPF_MAP_GET_NEXT_KEY,
				       BPF_MAP_LOOKUP_AND_DELETE_ELEM,
				       BPF_MAP_FREEZE};
	int file = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (size_t i = 0; i < ARRAY_SIZE(map_cmds); i++) {
		union bpf_attr attr = {.map_fd = 9999};

		SURFACE_CHECK(s, call(s, map_cmds[i], &attr, sizeof(attr)), -EBADF,
			      "command %d on a closed descriptor", map_cmds[i]);
		attr.map_fd = (uint32_t)file;
		SURFACE_CHECK(s, call(s, map_cmds[i], &attr, sizeof(attr)), -EINVAL,
			      "command %d on /dev/null", map_cmds[i]);
		attr.map_fd = UINT32_MAX;
		SURFACE_CHECK(s, call(s, map_cmds[i], &attr, sizeof(attr)), -EBADF,
			      "command %d on descriptor -1", map_cmds[i]);
	}
	close(file);
}

static void wrong_objects(struct surface *s)
{
	int map = surface_map(s, BPF_MAP_TYPE_ARRAY, 4, 4, 1, 0);
	union bpf_attr attr = {.prog_stream_read = {.prog_fd = (uint32_t)map, .stream_id = 1}};

	SURFACE_CHECK(s, call(s, BPF_PROG_STREAM_READ_BY_FD, &attr, sizeof(attr)), -EINVAL,
		      "stream of a map");
	attr.prog_stream_read.prog_fd = 9999;
	SURFACE_CHECK(s, call(s, BPF_PROG_STREAM_READ_BY_FD, &attr, sizeof(attr)), -EBADF,
		      "stream of nothing");
	attr = (union bpf_attr){.test = {.prog_fd = (uint32_t)map}};
	SURFACE_CHECK(s, call(s, BPF_PROG_TEST_RUN, &attr, sizeof(attr)), -EINVAL,
		      "test run of a map");
	attr = (union bpf_attr){.test = {.prog_fd = 9999}};
	SURFACE_CHECK(s, call(s, BPF_PROG_TEST_RUN, &attr, sizeof(attr)), -EBADF,
		      "test run of nothing");
	attr = (union bpf_attr){.info = {.bpf_fd = 9999}};
	SURFACE_CHECK(s, call(s, BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr)), -EBADFD,
		      "info of nothing");
	s->k->ops->close(s->k, map);
}

void surface_attrs(struct surface *s)
{
	sizes(s);
	tails(s);
	unknown(s);
	wrong_descriptors(s);
	wrong_objects(s);
}
