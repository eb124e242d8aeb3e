/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the programs of one engine share: kernel types, kfuncs, helpers, options.
 *
 * The dispatcher (kernel/engine.c) creates it, owns descriptors and ids, and hands resolved
 * objects to prog_load(). Nothing here knows a descriptor except through the two callbacks
 * below, which struct_ops values need, because they name programs by descriptor.
 */
#ifndef UA_PROG_ENGINE_H
#define UA_PROG_ENGINE_H

#include <pthread.h>
#include "arena/arena.h"
#include "btf/kfunc.h"
#include "prog/prog.h"

struct ua_engine_opts;
struct struct_ops_type;
struct host_consumer;

struct engine {
	struct btf *btf; /* engine types and kfunc prototypes, owned; grows by registration */
	struct kfunc_set kfuncs;
	const host_fn *helper_fns; /* by helper id, NULL where unknown */
	uint32_t n_helper_fns;
	bool interp_only;	      /* UA_EXEC_INTERP */
	bool jit_only;		      /* UA_EXEC_JIT: failing to compile fails the load */
	struct arena_opts arena_opts; /* template for new arenas: policy, backend, null_guard */
	uint32_t n_cpus;
	_Atomic uint32_t stats_users; /* BPF_ENABLE_STATS: count runs and their time if not 0 */
	pthread_mutex_t lock;	      /* registration of kfuncs and struct_ops types */
	bool loaded;		      /* a program was loaded: the BTF must not change any more */
	struct struct_ops_type *struct_ops_types;
	char **names; /* of the host's kfuncs */
	size_t n_names, cap_names;
	struct host_consumer *consumers;

	struct machine *machine; /* the simulated machine bound to this engine (sched/), or NULL */

	/* Set by the dispatcher: the program behind a descriptor with a reference, or NULL. */
	struct prog *(*prog_by_fd)(void *dispatcher, int fd);
	void *dispatcher;
};

/* opts may be NULL. Helper table, kfunc set and engine BTF are ready on return. */
int engine_new(const struct ua_engine_opts *opts, struct engine **out);
void engine_free(struct engine *e); /* no programs, maps or links may be left */

/* Call with e->lock held before changing BTF, kfuncs or types: -EBUSY after the first load. */
int engine_may_register(const struct engine *e);

/* Implemented beside the helpers: the helper table, and the engine's own kfuncs. */
const host_fn *helper_table(uint32_t *n);
int kfunc_add_builtin(struct kfunc_set *set);

/* What BPF_PROG_LOAD names, resolved. References in here stay the caller's. */
struct prog_load_in {
	union bpf_attr *attr;  /* attribute checks done; log_true_size is written back */
	const struct btf *btf; /* of prog_btf_fd, may be NULL */
	void *btf_obj;	       /* its owner; handed to btf_obj_put when the program goes */
	void (*btf_obj_put)(void *btf_obj);
	/* A map for an instruction, with a reference for the callee: see struct verify_in. */
	int (*resolve_map)(void *arg, int fd, bool is_idx, struct map **out);
	void *resolve_arg;
	struct map **fd_array_maps; /* bound by fd_array_cnt, borrowed */
	uint32_t n_fd_array_maps;
};

/* Verify, compile. One reference for the caller; id and descriptor are his to assign. On
 * success the program owns the caller's reference on btf_obj, on failure it is untouched. */
int prog_load(struct engine *e, const struct prog_load_in *in, struct prog **out);

#endif
