/* SPDX-License-Identifier: BSD-2-Clause */
/* Info, ids, access modes, mmap, duplicates of descriptors. */
#include "surface.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

static long info(struct surface *s, int fd, void *buf, uint32_t *len)
{
	union bpf_attr attr = {
		.info = {.bpf_fd = (uint32_t)fd, .info_len = *len, .info = (uintptr_t)buf}};
	long ret = kernel_bpf(s->k, BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr));

	*len = attr.info.info_len;
	return ret;
}

static void map_info(struct surface *s)
{
	union bpf_attr attr = {.map_type = BPF_MAP_TYPE_HASH,
			       .key_size = 5,
			       .value_size = 7,
			       .max_entries = 9,
			       .map_flags = BPF_F_NO_PREALLOC,
			       .map_name = "some.name"};
	int fd = (int)kernel_bpf(s->k, BPF_MAP_CREATE, &attr, sizeof(attr));
	struct bpf_map_info i = {0};
	uint8_t big[512] = {0};
	uint32_t len = 80, again;

	SURFACE_CHECK(s, info(s, fd, &i, &len), 0, "map info");
	SURFACE_CHECK(s, len, 80, "map info length");
	SURFACE_CHECK(s, i.type, BPF_MAP_TYPE_HASH, "type");
	SURFACE_CHECK(s, i.key_size, 5, "key size");
	SURFACE_CHECK(s, i.value_size, 7, "value size");
	SURFACE_CHECK(s, i.max_entries, 9, "entries");
	SURFACE_CHECK(s, i.map_flags, BPF_F_NO_PREALLOC, "flags");
	SURFACE_CHECK(s, strcmp(i.name, "some.name"), 0, "name");
	SURFACE_CHECK(s, i.id > 0, 1, "id");
	again = i.id;
	len = 8;
	memset(&i, 0, sizeof(i));
	SURFACE_CHECK(s, info(s, fd, &i, &len), 0, "short info");
	SURFACE_CHECK(s, len == 8 && i.id == again && !i.key_size, 1, "short info is cut");
	len = sizeof(big);
	SURFACE_CHECK(s, info(s, fd, big, &len), 0, "long info");
	SURFACE_CHECK(s, len < sizeof(big), 1, "long info is cut");
	big[500] = 1;
	len = sizeof(big);
	SURFACE_CHECK(s, info(s, fd, big, &len), -E2BIG, "non-zero behind the info");
	len = 8192;
	SURFACE_CHECK(s, info(s, fd, big, &len), -E2BIG, "info over a page");
	len = 80;
	SURFACE_CHECK(s, info(s, fd, (void *)0x10, &len), -EFAULT, "info to nowhere");
	len = 0;
	SURFACE_CHECK(s, info(s, fd, &i, &len), 0, "no info");
	s->k->ops->close(s->k, fd);
}

static long by_id(struct surface *s, int cmd, uint32_t id, uint32_t *next)
{
	union bpf_attr attr = {.get_id = {.start_id = id}};
	long ret = kernel_bpf(s->k, cmd, &attr, sizeof(attr));

	if (next)
		*next = attr.get_id.next_id;
	return ret;
}

static void ids(struct surface *s)
{
	int fd = surface_map(s, BPF_MAP_TYPE_ARRAY, 4, 4, 1, 0), again;
	struct bpf_map_info i = {0};
	uint32_t len = 80, next = 0;
	uint32_t key = 0, value = 42, got = 0;
	union bpf_attr attr;

	info(s, fd, &i, &len);
	SURFACE_CHECK(s, by_id(s, BPF_MAP_GET_NEXT_ID, i.id - 1, &next), 0, "next id");
	SURFACE_CHECK(s, next, i.id, "next id is ours");
	SURFACE_CHECK(s, by_id(s, BPF_MAP_GET_NEXT_ID, 0x7fffffff, NULL), -EINVAL,
		      "start id too large");
	SURFACE_CHECK(s, by_id(s, BPF_MAP_GET_NEXT_ID, 0x7ffffffe, NULL), -ENOENT, "no next id");
	SURFACE_CHECK(s, by_id(s, BPF_MAP_GET_FD_BY_ID, 0x7ffffffe, NULL), -ENOENT,
		      "unknown map id");
	SURFACE_CHECK(s, by_id(s, BPF_PROG_GET_FD_BY_ID, 0x7ffffffe, NULL), -ENOENT,
		      "unknown program id");
	SURFACE_CHECK(s, by_id(s, BPF_BTF_GET_FD_BY_ID, 0x7ffffffe, NULL), -ENOENT,
		      "unknown BTF id");
	attr = (union bpf_attr){
		.map_fd = (uint32_t)fd, .key = (uintptr_t)&key, .value = (uintptr_t)&value};
	kernel_bpf(s->k, BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr));
	again = (int)by_id(s, BPF_MAP_GET_FD_BY_ID, i.id, NULL);
	SURFACE_CHECK(s, again >= 0, 1, "map by id");
	s->k->ops->close(s->k, fd);
	attr = (union bpf_attr){
		.map_fd = (uint32_t)again, .key = (uintptr_t)&key, .value = (uintptr_t)&got};
	SURFACE_CHECK(s, kernel_bpf(s->k, BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)), 0,
		      "second descriptor");
	SURFACE_CHECK(s, got, 42, "same map");
	s->k->ops->close(s->k, again);
	SURFACE_CHECK(s, by_id(s, BPF_MAP_GET_FD_BY_ID, i.id, NULL), -ENOENT, "map is gone");
}

/* Access modes belong to the descriptor. */
static void access_modes(struct surface *s)
{
	uint32_t key = 0;
	uint64_t value = 0;
	union bpf_attr attr = {.key = (uintptr_t)&key, .value = (uintptr_t)&value};
	int ro = surface_map(s, BPF_MAP_TYPE_ARRAY, 4, 8, 1, BPF_F_RDONLY);
	int wo = surface_map(s, BPF_MAP_TYPE_ARRAY, 4, 8, 1, BPF_F_WRONLY);
	struct bpf_map_info i = {0};
	uint32_t len = 80;

	attr.map_fd = (uint32_t)ro;
	SURFACE_CHECK(s, kernel_bpf(s->k, BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)), 0,
		      "read-only lookup");
	SURFACE_CHECK(s, kernel_bpf(s->k, BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr)), -EPERM,
		      "read-only update");
	attr.map_fd = (uint32_t)wo;
	SURFACE_CHECK(s, kernel_bpf(s->k, BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)), -EPERM,
		      "write-only lookup");
	SURFACE_CHECK(s, kernel_bpf(s->k, BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr)), 0,
		      "write-only update");
	SURFACE_CHECK(s,
		      kernel_bpf(s->k, BPF_MAP_GET_NEXT_KEY, &attr, sizeof(attr)) == -EPERM ||
			      attr.flags,
		      1, "write-only next key");
	info(s, ro, &i, &len);
	SURFACE_CHECK(s, i.map_flags, 0, "the access mode is not the map's");
	s->k->ops->close(s->k, ro);
	s->k->ops->close(s->k, wo);
}

static long try_mmap(struct surface *s, int fd, size_t len, int prot, int flags, uint64_t off,
		     void **at)
{
	int err = 0;
	void *p = s->k->ops->mmap(s->k, NULL, len, prot, flags, fd, off, &err);

	if (at)
		*at = p;
	else if (!err)
		s->k->ops->munmap(s->k, p, len);
	return err;
}

#define RW (PROT_READ | PROT_WRITE)

static void array_mmap(struct surface *s)
{
	int fd = surface_map(s, BPF_MAP_TYPE_ARRAY, 4, 8, 1000, BPF_F_MMAPABLE);
	int plain = surface_map(s, BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
	int ro = surface_map(s, BPF_MAP_TYPE_ARRAY, 4, 8, 1, BPF_F_MMAPABLE | BPF_F_RDONLY_PROG);
	uint32_t key = 3;
	uint64_t value = 0;
	union bpf_attr attr = {
		.map_fd = (uint32_t)fd, .key = (uintptr_t)&key, .value = (uintptr_t)&value};
	void *at = NULL;

	SURFACE_CHECK(s, try_mmap(s, fd, 4096, RW, MAP_PRIVATE, 0, NULL), -EINVAL, "private mmap");
	SURFACE_CHECK(s, try_mmap(s, plain, 4096, RW, MAP_SHARED, 0, NULL), -EINVAL,
		      "mmap of a plain array");
	SURFACE_CHECK(s, try_mmap(s, fd, 12288, RW, MAP_SHARED, 0, NULL), -EINVAL, "mmap too long");
	SURFACE_CHECK(s, try_mmap(s, fd, 8192, RW, MAP_SHARED, 4096, NULL), -EINVAL,
		      "mmap beyond the end");
	SURFACE_CHECK(s, try_mmap(s, fd, 4096, RW, MAP_SHARED, 4096, NULL), 0,
		      "mmap of the second page");
	SURFACE_CHECK(s, try_mmap(s, fd, 8192, PROT_READ, MAP_SHARED, 0, NULL), 0,
		      "read-only mmap");
	SURFACE_CHECK(s, try_mmap(s, ro, 4096, RW, MAP_SHARED, 0, NULL), -EACCES,
		      "writable mmap of a read-only array");
	SURFACE_CHECK(s, try_mmap(s, ro, 4096, PROT_READ, MAP_SHARED, 0, NULL), 0,
		      "read-only mmap of a read-only array");
	SURFACE_CHECK(s, try_mmap(s, fd, 8192, RW, MAP_SHARED, 0, &at), 0, "mmap");
	if (!at)
		return;
	((uint64_t *)at)[3] = 0x1234;
	SURFACE_CHECK(s, kernel_bpf(s->k, BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)), 0, "lookup");
	SURFACE_CHECK(s, (long)value, 0x1234, "mapped store is seen");
	attr = (union bpf_attr){.map_fd = (uint32_t)fd};
	SURFACE_CHECK(s, kernel_bpf(s->k, BPF_MAP_FREEZE, &attr, sizeof(attr)), -EBUSY,
		      "freeze while mapped writable");
	s->k->ops->munmap(s->k, at, 8192);
	SURFACE_CHECK(s, kernel_bpf(s->k, BPF_MAP_FREEZE, &attr, sizeof(attr)), 0,
		      "freeze after munmap");
	SURFACE_CHECK(s, try_mmap(s, fd, 4096, RW, MAP_SHARED, 0, NULL), -EPERM,
		      "writable mmap of a frozen array");
	SURFACE_CHECK(s, try_mmap(s, fd, 4096, PROT_READ, MAP_SHARED, 0, NULL), 0,
		      "read-only mmap of a frozen array");
	s->k->ops->close(s->k, fd);
	s->k->ops->close(s->k, plain);
	s->k->ops->close(s->k, ro);
}

/* What programs take for constant nobody may change, whoever has the descriptor. */
static void frozen_constants(struct surface *s)
{
	int fd = surface_map(s, BPF_MAP_TYPE_ARRAY, 4, 8, 1, BPF_F_MMAPABLE | BPF_F_RDONLY_PROG);
	uint32_t key = 0;
	uint64_t value = 5;
	union bpf_attr attr = {
		.map_fd = (uint32_t)fd, .key = (uintptr_t)&key, .value = (uintptr_t)&value};
	union bpf_attr freeze = {.map_fd = (uint32_t)fd};
	void *raw;

	SURFACE_CHECK(s, kernel_bpf(s->k, BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr)), 0, "update");
	raw = mmap(NULL, 4096, RW, MAP_SHARED, fd, 0);
	if (!s->is_linux) { /* Linux refuses that mapping, here freezing notices it */
		SURFACE_CHECK(s, raw != MAP_FAILED, 1, "mapped past the seam");
		SURFACE_CHECK(s, kernel_bpf(s->k, BPF_MAP_FREEZE, &freeze, sizeof(freeze)), -EBUSY,
			      "freeze what is mapped past the seam");
		SURFACE_CHECK(s, kernel_bpf(s->k, BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr)), 0,
			      "update after a failed freeze");
		munmap(raw, 4096);
	}
	SURFACE_CHECK(s, kernel_bpf(s->k, BPF_MAP_FREEZE, &freeze, sizeof(freeze)), 0, "freeze");
	SURFACE_CHECK(s, mmap(NULL, 4096, RW, MAP_SHARED, fd, 0) == MAP_FAILED, 1,
		      "writable mmap past the seam");
	value = 0;
	SURFACE_CHECK(s, kernel_bpf(s->k, BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)), 0, "lookup");
	SURFACE_CHECK(s, (long)value, 5, "frozen value");
	s->k->ops->close(s->k, fd);
}

static void ring_mmap(struct surface *s)
{
	int fd = surface_map(s, BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0);
	int hash = surface_map(s, BPF_MAP_TYPE_HASH, 4, 4, 1, 0);

	SURFACE_CHECK(s, try_mmap(s, fd, 4096, RW, MAP_SHARED, 0, NULL), 0, "consumer page");
	SURFACE_CHECK(s, try_mmap(s, fd, 8192, RW, MAP_SHARED, 0, NULL), -EPERM,
		      "producer page writable");
	SURFACE_CHECK(s, try_mmap(s, fd, 4096, RW, MAP_SHARED, 4096, NULL), -EPERM,
		      "data writable");
	SURFACE_CHECK(s, try_mmap(s, fd, 3 * 4096, PROT_READ, MAP_SHARED, 4096, NULL), 0,
		      "producer and data");
	SURFACE_CHECK(s, try_mmap(s, fd, 5 * 4096, PROT_READ, MAP_SHARED, 4096, NULL), -EINVAL,
		      "too long");
	SURFACE_CHECK(s, try_mmap(s, hash, 4096, PROT_READ, MAP_SHARED, 0, NULL), -ENOTSUPP,
		      "mmap of a hash");
	s->k->ops->close(s->k, fd);
	s->k->ops->close(s->k, hash);
}

static void duplicates(struct surface *s)
{
	int fd = surface_map(s, BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0), copy = dup(fd);
	uint32_t key = 0;
	uint64_t value = 7;
	union bpf_attr attr = {
		.map_fd = (uint32_t)copy, .key = (uintptr_t)&key, .value = (uintptr_t)&value};

	SURFACE_CHECK(s, kernel_bpf(s->k, BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr)), 0,
		      "update through a duplicate");
	value = 0;
	attr.map_fd = (uint32_t)fd;
	kernel_bpf(s->k, BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr));
	SURFACE_CHECK(s, (long)value, 7, "the same map");
	close(copy);
	s->k->ops->close(s->k, fd);
}

void surface_objects(struct surface *s)
{
	map_info(s);
	ids(s);
	access_modes(s);
	array_mmap(s);
	frozen_constants(s);
	ring_mmap(s);
	duplicates(s);
}
