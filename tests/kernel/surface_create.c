/* SPDX-License-Identifier: BSD-2-Clause */
/* BPF_MAP_CREATE: which attributes give which errno. */
#include "surface.h"

#define HASH BPF_MAP_TYPE_HASH
#define ARRAY BPF_MAP_TYPE_ARRAY
#define PROGS BPF_MAP_TYPE_PROG_ARRAY
#define PERF BPF_MAP_TYPE_PERF_EVENT_ARRAY
#define PHASH BPF_MAP_TYPE_PERCPU_HASH
#define PARRAY BPF_MAP_TYPE_PERCPU_ARRAY
#define LRU BPF_MAP_TYPE_LRU_HASH
#define PLRU BPF_MAP_TYPE_LRU_PERCPU_HASH
#define QUEUE BPF_MAP_TYPE_QUEUE
#define STACK BPF_MAP_TYPE_STACK
#define RING BPF_MAP_TYPE_RINGBUF
#define TASK BPF_MAP_TYPE_TASK_STORAGE
#define ARENA BPF_MAP_TYPE_ARENA
#define AOM BPF_MAP_TYPE_ARRAY_OF_MAPS
#define HOM BPF_MAP_TYPE_HASH_OF_MAPS
#define LPM BPF_MAP_TYPE_LPM_TRIE
#define BLOOM BPF_MAP_TYPE_BLOOM_FILTER

#define NOPRE BPF_F_NO_PREALLOC
#define MMAP BPF_F_MMAPABLE

static const struct create_case {
	int err;
	uint32_t type, key, value, max, flags;
	union bpf_attr more; /* the other fields */
	struct differs differs;
} cases[] = {
	/* arrays */
	{0, ARRAY, 4, 8, 1, 0},
	{0, ARRAY, 4, 1, 3, 0},
	{0, ARRAY, 4, 8, 1, MMAP},
	{0, ARRAY, 4, 8, 1, BPF_F_INNER_MAP},
	{0, ARRAY, 4, 8, 1, BPF_F_NUMA_NODE},
	{-EINVAL, ARRAY, 4, 8, 1, BPF_F_NUMA_NODE, {.numa_node = 4096}},
	{-EINVAL, ARRAY, 4, 8, 1, BPF_F_NUMA_NODE, {.numa_node = 0x80000000}},
	{0, ARRAY, 4, 8, 1, 0, {.numa_node = 4096}},
	{-EINVAL, ARRAY, 0, 8, 1, 0},
	{-EINVAL, ARRAY, 3, 8, 1, 0},
	{-EINVAL, ARRAY, 8, 8, 1, 0},
	{-EINVAL, ARRAY, 4, 0, 1, 0},
	{-EINVAL, ARRAY, 4, 8, 0, 0},
	{-EINVAL, ARRAY, 4, 8, 1, NOPRE},
	{-EINVAL, ARRAY, 4, 8, 1, BPF_F_ZERO_SEED},
	{-EINVAL, ARRAY, 4, 8, 1, BPF_F_STACK_BUILD_ID},
	{-EINVAL, ARRAY, 4, 8, 1, BPF_F_PRESERVE_ELEMS},
	{-EINVAL, ARRAY, 4, 8, 1, BPF_F_CLONE},
	{-EINVAL, ARRAY, 4, 8, 1, BPF_F_LINK},
	{-EINVAL, ARRAY, 4, 8, 1, BPF_F_SEGV_ON_FAULT},
	{-EINVAL, ARRAY, 4, 8, 1, BPF_F_NO_USER_CONV},
	{-EINVAL, ARRAY, 4, 8, 1, 1u << 31},
	{0, ARRAY, 4, 8, 1, BPF_F_RDONLY},
	{0, ARRAY, 4, 8, 1, BPF_F_WRONLY},
	{-EINVAL, ARRAY, 4, 8, 1, BPF_F_RDONLY | BPF_F_WRONLY},
	{0, ARRAY, 4, 8, 1, BPF_F_RDONLY_PROG},
	{0, ARRAY, 4, 8, 1, BPF_F_WRONLY_PROG},
	{-EINVAL, ARRAY, 4, 8, 1, BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG},
	{-E2BIG, ARRAY, 4, 0x80000000, 1, 0},
	{-EINVAL, ARRAY, 4, 8, 1, 0, {.map_extra = 1}},
	{-EINVAL, ARRAY, 4, 8, 1, 0, {.btf_key_type_id = 1}},
	{-EBADF, ARRAY, 4, 8, 1, 0, {.btf_key_type_id = 1, .btf_value_type_id = 1, .btf_fd = 9999}},
	{-EINVAL, ARRAY, 4, 8, 1, 0, {.btf_vmlinux_value_type_id = 1}},
	{-EINVAL, ARRAY, 4, 8, 1, 0, {.map_ifindex = 77}},
	/* names */
	{0, ARRAY, 4, 8, 1, 0, {.map_name = "a_B.9"}},
	{0, ARRAY, 4, 8, 1, 0, {.map_name = "123456789012345"}},
	{-EINVAL,
	 ARRAY,
	 4,
	 8,
	 1,
	 0,
	 {.map_name = {'1', '2', '3', '4', '5', '6', '7', '8', '9', '0', '1', '2', '3', '4', '5',
		       '6'}}},
	{-EINVAL, ARRAY, 4, 8, 1, 0, {.map_name = "a-b"}},
	{-EINVAL, ARRAY, 4, 8, 1, 0, {.map_name = "a b"}},
	{0, ARRAY, 4, 8, 1, 0, {.map_name = "a\0-"}}, /* what is behind the NUL does not matter */
	/* per-CPU arrays */
	{0, PARRAY, 4, 8, 4, 0},
	{0, PARRAY, 4, 32768, 1, 0},
	{-E2BIG, PARRAY, 4, 32769, 1, 0},
	{-EINVAL, PARRAY, 4, 8, 4, MMAP},
	{-EINVAL, PARRAY, 4, 8, 4, BPF_F_INNER_MAP},
	{-EINVAL, PARRAY, 4, 8, 4, BPF_F_NUMA_NODE},
	{-EINVAL, PARRAY, 4, 8, 4, BPF_F_PRESERVE_ELEMS},
	{-EINVAL, PARRAY, 8, 8, 4, 0},
	{-EINVAL, PARRAY, 4, 0, 4, 0},
	{-EINVAL, PARRAY, 4, 8, 0, 0},
	/* hashes */
	{0, HASH, 1, 1, 1, 0},
	{0, HASH, 8, 8, 100, NOPRE},
	{0, HASH, 40, 300, 100, 0},
	{0, HASH, 8, 8, 100, BPF_F_ZERO_SEED},
	{0, HASH, 8, 8, 100, BPF_F_NUMA_NODE},
	{-EINVAL, HASH, 0, 8, 100, 0},
	{-EINVAL, HASH, 8, 0, 100, 0},
	{-EINVAL, HASH, 8, 8, 0, 0},
	{-EINVAL, HASH, 8, 8, 100, MMAP},
	{-EINVAL, HASH, 8, 8, 100, BPF_F_NO_COMMON_LRU},
	{-EINVAL, HASH, 8, 8, 100, BPF_F_INNER_MAP},
	{-EINVAL, HASH, 8, 8, 100, BPF_F_PRESERVE_ELEMS},
	{-EINVAL, HASH, 8, 8, 100, BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG},
	{0, HASH, 8, 8, 100, BPF_F_RDONLY_PROG},
	{-E2BIG, HASH, 8, 4u << 20, 1, 0},
	{-E2BIG, HASH, 4u << 20, 8, 1, NOPRE},
	{-E2BIG, HASH, 0xfffffff0, 0xfffffff0, 1, NOPRE},
	{-E2BIG, HASH, 8, 8, 0xffffffff, NOPRE},
	{-EINVAL, HASH, 8, 8, 100, 0, {.map_extra = 1}},
	{0, PHASH, 8, 8, 100, 0},
	{0, PHASH, 8, 8, 100, NOPRE},
	{0, PHASH, 8, 32768, 1, NOPRE},
	{-E2BIG, PHASH, 8, 32769, 1, NOPRE},
	{-EINVAL, PHASH, 8, 8, 100, BPF_F_NUMA_NODE},
	{-EINVAL, PHASH, 8, 8, 100, MMAP},
	{0, LRU, 8, 8, 100, 0},
	{0, LRU, 8, 8, 100, BPF_F_NO_COMMON_LRU},
	{-ENOTSUPP, LRU, 8, 8, 100, NOPRE},
	{-EINVAL, LRU, 8, 8, 100, BPF_F_NUMA_NODE | BPF_F_NO_COMMON_LRU},
	{0, LRU, 8, 8, 100, BPF_F_NUMA_NODE},
	{-EINVAL, LRU, 8, 8, 0, 0},
	{0, PLRU, 8, 8, 100, 0},
	{0, PLRU, 8, 8, 100, BPF_F_NO_COMMON_LRU},
	{-ENOTSUPP, PLRU, 8, 8, 100, NOPRE},
	{-EINVAL, PLRU, 8, 8, 100, BPF_F_NUMA_NODE},
	/* queues and stacks */
	{0, QUEUE, 0, 8, 4, 0},
	{0, STACK, 0, 1, 4, 0},
	{-EINVAL, QUEUE, 4, 8, 4, 0},
	{-EINVAL, QUEUE, 0, 0, 4, 0},
	{-EINVAL, QUEUE, 0, 8, 0, 0},
	{-EINVAL, QUEUE, 0, 8, 4, NOPRE},
	{-EINVAL, QUEUE, 0, 8, 4, MMAP},
	{0, QUEUE, 0, 8, 4, BPF_F_RDONLY},
	{-EINVAL, QUEUE, 0, 8, 4, BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG},
	{-E2BIG, QUEUE, 0, (4u << 20) + 1, 4, 0},
	{-E2BIG, STACK, 0, 0x7fffffff, 4, 0},
	/* ring buffers */
	{0, RING, 0, 0, 4096, 0},
	{0, RING, 0, 0, 65536, BPF_F_NUMA_NODE},
	{-EINVAL, RING, 0, 0, 0, 0},
	{-EINVAL, RING, 0, 0, 2048, 0},
	{-EINVAL, RING, 0, 0, 12288, 0},
	{-EINVAL, RING, 4, 0, 4096, 0},
	{-EINVAL, RING, 0, 8, 4096, 0},
	{-EINVAL, RING, 0, 0, 4096, BPF_F_RDONLY},
	{-EINVAL, RING, 0, 0, 4096, MMAP},
	{-EINVAL, RING, 0, 0, 4096, BPF_F_RDONLY_PROG},
	/* arrays of descriptors */
	{0, PROGS, 4, 4, 4, 0},
	{-EINVAL, PROGS, 4, 8, 4, 0},
	{-EINVAL, PROGS, 8, 4, 4, 0},
	{-EINVAL, PROGS, 4, 4, 0, 0},
	{-EINVAL, PROGS, 4, 4, 4, MMAP},
	{-EINVAL, PROGS, 4, 4, 4, BPF_F_RDONLY_PROG},
	{-EINVAL, PROGS, 4, 4, 4, BPF_F_WRONLY_PROG},
	{0, PROGS, 4, 4, 4, BPF_F_RDONLY},
	{-EINVAL, PROGS, 4, 4, 4, BPF_F_PRESERVE_ELEMS},
	{0, PERF, 4, 4, 4, 0},
	{0, PERF, 4, 4, 4, BPF_F_PRESERVE_ELEMS},
	{-EINVAL, PERF, 4, 8, 4, 0},
	{-EINVAL, PERF, 4, 4, 4, MMAP},
	{-EINVAL, PERF, 4, 4, 4, NOPRE},
	{-EBADF, AOM, 4, 4, 4, 0, {.inner_map_fd = 9999}},
	{-EINVAL, AOM, 4, 8, 4, 0, {.inner_map_fd = 9999}},
	{-EBADF, HOM, 4, 4, 4, 0, {.inner_map_fd = 9999}},
	{-EINVAL, HOM, 4, 8, 4, 0, {.inner_map_fd = 9999}},
	/* task storage: BTF is a must */
	{-EINVAL, TASK, 4, 8, 0, NOPRE},
	{-EINVAL, TASK, 4, 8, 0, 0},
	{-EINVAL, TASK, 4, 8, 1, NOPRE},
	{-EINVAL, TASK, 8, 8, 0, NOPRE},
	/* arenas */
	{0, ARENA, 0, 0, 1, MMAP},
	{0, ARENA, 0, 0, 100, MMAP | BPF_F_SEGV_ON_FAULT},
	{0, ARENA, 0, 0, 100, MMAP | BPF_F_NO_USER_CONV},
	{0, ARENA, 0, 0, 1u << 20, MMAP},
	{0, ARENA, 0, 0, 100, MMAP, {.map_extra = 0x100000000000}},
	{-EINVAL, ARENA, 4, 0, 1, MMAP},
	{-EINVAL, ARENA, 0, 4, 1, MMAP},
	{-EINVAL, ARENA, 0, 0, 0, MMAP},
	{-EINVAL, ARENA, 0, 0, 1, 0},
	{-EINVAL, ARENA, 0, 0, 1, MMAP | BPF_F_RDONLY},
	{-EINVAL, ARENA, 0, 0, 1, MMAP | BPF_F_NUMA_NODE},
	{-EINVAL, ARENA, 0, 0, 1, MMAP | NOPRE},
	{-EINVAL, ARENA, 0, 0, 1, MMAP | BPF_F_RDONLY_PROG},
	{-EINVAL, ARENA, 0, 0, 1, MMAP, {.map_extra = 1}},
	{-EINVAL, ARENA, 0, 0, 1, MMAP, {.map_extra = 0x100000000800}},
	{-E2BIG, ARENA, 0, 0, (1u << 20) + 1, MMAP},
	{-E2BIG, ARENA, 0, 0, 0xffffffff, MMAP},
	{-ERANGE, ARENA, 0, 0, 2, MMAP, {.map_extra = 0x1000fffff000}},
	{0, ARENA, 0, 0, 1, MMAP, {.map_extra = 0x1000fffff000}},
	{-ERANGE, ARENA, 0, 0, 1u << 20, MMAP, {.map_extra = 0x100000001000}},
	/* tries */
	{0, LPM, 8, 8, 4, NOPRE},
	{0, LPM, 5, 1, 4, NOPRE},
	{-EINVAL, LPM, 4, 1, 4, NOPRE},
	{-EINVAL, LPM, 8, 8, 4, 0},
	{-EINVAL, LPM, 261, 8, 4, NOPRE},
	{0, LPM, 260, 8, 4, NOPRE},
	{-EINVAL, LPM, 8, 0, 4, NOPRE},
	{-EINVAL, LPM, 8, 8, 0, NOPRE},
	{-EINVAL, LPM, 8, 8, 4, NOPRE | MMAP},
	/* Bloom filters */
	{0, BLOOM, 0, 8, 100, 0},
	{0, BLOOM, 0, 8, 100, 0, {.map_extra = 15}},
	{-EINVAL, BLOOM, 0, 8, 100, 0, {.map_extra = 16}},
	{-EINVAL, BLOOM, 4, 8, 100, 0},
	{-EINVAL, BLOOM, 0, 0, 100, 0},
	{-EINVAL, BLOOM, 0, 8, 0, 0},
	{-EINVAL, BLOOM, 0, 8, 100, NOPRE},
	{0, BLOOM, 0, 8, 100, BPF_F_ZERO_SEED},
	/* more than there is */
	{-ENOMEM, ARRAY, 4, 0x10000000, 0x10000000, 0},
	{-ENOMEM, ARRAY, 4, 0x10000000, 0x10000000, MMAP},
	{-ENOMEM, QUEUE, 0, 0x100000, 0x10000000, 0},
	/* kinds that are none */
	{-EINVAL, 0, 4, 4, 4, 0},
	{-EINVAL, 9999, 4, 4, 4, 0},
	{-EINVAL, 0xffffffff, 4, 4, 4, 0},
};

static const struct {
	uint32_t outer, inner, key, value, max, flags;
	int err;
} inner_cases[] = {
	{AOM, ARRAY, 4, 8, 1, 0, 0},	     {AOM, HASH, 8, 8, 10, 0, 0},
	{AOM, RING, 0, 0, 4096, 0, 0},	     {AOM, QUEUE, 0, 8, 4, 0, 0},
	{AOM, PROGS, 4, 4, 4, 0, -ENOTSUPP}, {AOM, PERF, 4, 4, 4, 0, 0},
	{HOM, ARRAY, 4, 8, 1, 0, 0},	     {HOM, LRU, 4, 8, 1, 0, 0},
	{HOM, PROGS, 4, 4, 4, 0, -ENOTSUPP},
};

static void inner_maps(struct surface *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(inner_cases); i++) {
		int inner = surface_map(s, inner_cases[i].inner, inner_cases[i].key,
					inner_cases[i].value, inner_cases[i].max, 0);
		union bpf_attr attr = {.map_type = inner_cases[i].outer,
				       .key_size = 4,
				       .value_size = 4,
				       .max_entries = 2,
				       .inner_map_fd = (uint32_t)inner};
		int fd = (int)kernel_bpf(s->k, BPF_MAP_CREATE, &attr, sizeof(attr));

		SURFACE_CHECK(s, fd < 0 ? fd : 0, inner_cases[i].err, "inner map case %zu", i);
		if (fd >= 0) { /* no third level */
			attr.inner_map_fd = (uint32_t)fd;
			SURFACE_CHECK(s, kernel_bpf(s->k, BPF_MAP_CREATE, &attr, sizeof(attr)),
				      -EINVAL, "third level %zu", i);
			s->k->ops->close(s->k, fd);
		}
		s->k->ops->close(s->k, inner);
	}
}

void surface_create(struct surface *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct create_case *c = &cases[i];
		union bpf_attr attr = c->more;
		int fd;

		attr.map_type = c->type;
		attr.key_size = c->key;
		attr.value_size = c->value;
		attr.max_entries = c->max;
		attr.map_flags = c->flags;
		fd = (int)kernel_bpf(s->k, BPF_MAP_CREATE, &attr, sizeof(attr));
		SURFACE_CHECK(s, fd < 0 ? fd : 0, surface_expect(s, c->err, c->differs),
			      "create #%zu: type %d key %u value %u max %u flags %#x", i,
			      (int)c->type, c->key, c->value, c->max, c->flags);
		if (fd >= 0)
			s->k->ops->close(s->k, fd);
	}
	inner_maps(s);
}
