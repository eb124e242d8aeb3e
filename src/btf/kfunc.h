/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kfuncs: host functions that programs call by BTF id.
 *
 * A kfunc is a FUNC of the engine's BTF plus a host implementation and flags. What its
 * arguments mean is written in the BTF parameter names (suffixes __sz, __k, __ign, __map,
 * __nullable, __str, __arena, ...); the parse of those suffixes lives in kfunc.c and nowhere
 * else, so that verifier, registration and documentation agree.
 */
#ifndef UA_BTF_KFUNC_H
#define UA_BTF_KFUNC_H

#include "abi/code.h"

struct btf;

enum kfunc_flags {
	KF_ACQUIRE = 1 << 0,
	KF_RELEASE = 1 << 1,
	KF_RET_NULL = 1 << 2,
	KF_TRUSTED_ARGS = 1 << 4,
	KF_SLEEPABLE = 1 << 5,
	KF_DESTRUCTIVE = 1 << 6,
	KF_RCU = 1 << 7,
	KF_ITER_NEW = 1 << 8,
	KF_ITER_NEXT = 1 << 9,
	KF_ITER_DESTROY = 1 << 10,
	KF_RCU_PROTECTED = 1 << 11,
	KF_FASTCALL = 1 << 12,
	KF_ARENA_RET = 1 << 13,
	KF_ARENA_ARG1 = 1 << 14,
	KF_ARENA_ARG2 = 1 << 15,
	KF_IMPLICIT_ARGS = 1 << 16,
	/* ours */
	KF_LOCK_OK = 1 << 20, /* may be called while a BPF lock is held */
	KF_SCHED = 1 << 21,   /* subject to the sched_ext context rules */
	/* Which types of programs may call it; none of these: all. */
	KF_OF_OBJECTS = 1 << 22, /* those that may hold tasks and cgroups */
	KF_OF_TRACING = 1 << 23, /* tracing, struct_ops and syscall programs */
};

/* Where a kfunc may be called from beyond its flags; checked by the verifier via filter(). */
struct kfunc {
	const char *name;
	host_fn fn;
	host_fn fn_nosleep; /* twin for non-sleepable call sites, or NULL */
	uint32_t flags;
	uint32_t btf_id; /* FUNC in the engine's BTF */
};

struct kfunc_set {
	struct kfunc *v;
	size_t n, cap;
	struct btf *btf; /* the engine's BTF the ids refer to, borrowed */
};

const struct kfunc *kfunc_by_id(const struct kfunc_set *set, uint32_t btf_id);
const struct kfunc *kfunc_by_name(const struct kfunc_set *set, const char *name);
/* Binds `name` to a host function. -ENOENT no such FUNC in the BTF, -EEXIST duplicate,
 * -EINVAL ill-formed prototype (the log names the parameter). */
int kfunc_add(struct kfunc_set *set, const char *name, host_fn fn, host_fn fn_nosleep,
	      uint32_t flags);

enum kfunc_arg_kind {
	KARG_SCALAR,
	KARG_CONST,
	KARG_MEM,
	KARG_MEM_SIZE,
	KARG_MAP,
	KARG_CTX,
	KARG_CALLBACK,
	KARG_STR,
	KARG_IGNORE,
	KARG_ARENA_PTR,
	KARG_BTF_PTR,
	KARG_ITER,
	KARG_IRQ_FLAG,
	KARG_RES_LOCK,
	KARG_PROG_AUX,
	KARG_DYNPTR,
};

struct kfunc_arg {
	enum kfunc_arg_kind kind;
	bool nullable;
	bool konst;	   /* scalars: must be a known constant; pointers: memory is only read */
	bool uninit;	   /* memory is only written */
	uint32_t btf_type; /* pointee of KARG_BTF_PTR, KARG_MEM, KARG_ITER */
	/* KARG_MEM: pointee's size, 0 if a KARG_MEM_SIZE argument follows. KARG_BTF_PTR: size
	 * of a struct of scalars, which may be passed as plain memory instead; else 0. */
	uint32_t mem_size;
	const char *name;
};

/* Describe argument i (0-based). -EINVAL if the prototype cannot be understood. */
int kfunc_arg_info(const struct kfunc_set *set, const struct kfunc *kf, int i,
		   struct kfunc_arg *out);
int kfunc_n_args(const struct kfunc_set *set, const struct kfunc *kf);
/* Conversions for code_kcall. */
void kfunc_fill_kcall(const struct kfunc_set *set, const struct kfunc *kf, bool sleepable_site,
		      struct code_kcall *out);

#endif
