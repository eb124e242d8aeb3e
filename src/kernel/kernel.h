/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The seam. Everything above talks bpf(2) to a struct kernel; below is the engine
 * (engine.c) or the live Linux kernel (linux.c).
 *
 * bpf() returns >= 0 or a negative errno and follows the kernel's rules for attribute size:
 * unknown commands and non-zero bytes behind the known ones give -EINVAL / -E2BIG as Linux.
 * Descriptors are real; close them with close() below, so that the engine sees it.
 */
#ifndef UA_KERNEL_KERNEL_H
#define UA_KERNEL_KERNEL_H

#include "abi/bpf.h"

struct btf;
struct kernel;

struct kernel_ops {
	const char *name; /* "engine", "linux" */
	long (*bpf)(struct kernel *k, int cmd, union bpf_attr *attr, unsigned int size);
	/* mmap of a map descriptor. Returns the address or a negative errno in *err. */
	void *(*mmap)(struct kernel *k, void *addr, size_t len, int prot, int flags, int fd,
		      uint64_t off, int *err);
	int (*munmap)(struct kernel *k, void *addr, size_t len);
	/* Map an arena whose address is taken in this process elsewhere; NULL: impossible. */
	void *(*mmap_displaced)(struct kernel *k, int fd, int prot, int *err);
	int (*close)(struct kernel *k, int fd);
	/* BTF that CO-RE, kfuncs and struct_ops resolve against; borrowed. */
	struct btf *(*vmlinux_btf)(struct kernel *k);
	/* Value of a .kconfig extern: *val gets an integer or *str a string. -ENOENT unknown. */
	int (*kconfig)(struct kernel *k, const char *name, uint64_t *val, const char **str);
	void (*free)(struct kernel *k);
};

struct kernel {
	const struct kernel_ops *ops;
};

static inline long kernel_bpf(struct kernel *k, int cmd, union bpf_attr *attr, unsigned int size)
{
	return k->ops->bpf(k, cmd, attr, size);
}

struct ua_engine_opts;
int kernel_engine_new(const struct ua_engine_opts *opts, struct kernel **out);
int kernel_linux_new(const struct ua_engine_opts *opts, struct kernel **out);

/* Engine only: the live objects behind descriptors; borrowed, NULL if not the engine's. */
struct map;
struct prog;
struct map *kernel_engine_map(struct kernel *k, int fd);
struct prog *kernel_engine_prog(struct kernel *k, int fd);
/* What its programs share, for registering functions and types; NULL for the Linux side. */
struct engine;
struct engine *kernel_engine(struct kernel *k);

#endif
