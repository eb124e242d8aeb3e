/* SPDX-License-Identifier: BSD-2-Clause */
/* Small bpf(2) calls that tests of either side of the seam make. */
#ifndef UA_TESTS_KERNEL_SEAM_H
#define UA_TESTS_KERNEL_SEAM_H

#include "base/base.h"
#include "kernel/kernel.h"

static inline int seam_map(struct kernel *k, uint32_t type, uint32_t key, uint32_t value,
			   uint32_t max, uint32_t flags, int inner)
{
	union bpf_attr attr = {.map_type = type,
			       .key_size = key,
			       .value_size = value,
			       .max_entries = max,
			       .map_flags = flags,
			       .inner_map_fd = (uint32_t)inner};

	return (int)kernel_bpf(k, BPF_MAP_CREATE, &attr, sizeof(attr));
}

static inline long seam_element(struct kernel *k, int cmd, int fd, const void *key, void *value)
{
	union bpf_attr attr = {
		.map_fd = (uint32_t)fd, .key = (uintptr_t)key, .value = (uintptr_t)value};

	return kernel_bpf(k, cmd, &attr, sizeof(attr));
}

static inline int seam_load(struct kernel *k, const struct bpf_insn *insns, uint32_t n)
{
	union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
			       .insns = (uintptr_t)insns,
			       .insn_cnt = n,
			       .license = (uintptr_t)"GPL"};

	return (int)kernel_bpf(k, BPF_PROG_LOAD, &attr, sizeof(attr));
}

/* A program that returns 0. */
static inline int seam_load_empty(struct kernel *k)
{
	static const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K},
		{.code = BPF_JMP | BPF_EXIT},
	};

	return seam_load(k, insns, ARRAY_SIZE(insns));
}

static inline long seam_info(struct kernel *k, int fd, void *info, uint32_t size)
{
	union bpf_attr attr = {
		.info = {.bpf_fd = (uint32_t)fd, .info_len = size, .info = (uintptr_t)info}};

	return kernel_bpf(k, BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr));
}

/* Run test(k) on the engine, and on the kernel if it lets us load. Number of sides that failed to
 * start. */
static inline int seam_both(struct kernel **k, void (*test)(void))
{
	static int (*const make[])(const struct ua_engine_opts *,
				   struct kernel **) = {kernel_engine_new, kernel_linux_new};
	int failed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(make); i++) {
		int fd = -1;

		if (make[i](NULL, k)) {
			failed++;
			continue;
		}
		fd = seam_load_empty(*k);
		if (fd >= 0) {
			(*k)->ops->close(*k, fd);
			test();
		} else {
			printf("%s: may not be asked\n", (*k)->ops->name);
		}
		(*k)->ops->free(*k);
	}
	return failed;
}

#endif
