/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * struct_ops: C structs whose function pointers are programs.
 *
 * A type is a struct of the engine's BTF and a consumer that takes it into use: the simulated
 * scheduler, or the embedding application. A map of the type holds one value; writing it binds
 * the programs it names and builds native functions for them, so that the consumer calls
 * members as plain C functions, from any thread. A link (or, for maps without BPF_F_LINK, the
 * update itself) hands the struct to the consumer.
 *
 * The struct and its functions stay valid for epoch sections that were open when it was taken
 * out of use. A consumer that fetches the pointer and calls through it must therefore do both
 * in one section, or wait in unreg() until its calls have ended.
 *
 * What arguments mean beyond their type is written in the parameter names of the function
 * "<struct>__<member>" in the BTF, if there is one: suffixes __nullable, __ref, __arena.
 */
#ifndef UA_PROG_STRUCT_OPS_H
#define UA_PROG_STRUCT_OPS_H

#include "prog/engine.h"

#define STRUCT_OPS_MAX_MEMBERS 256
#define STRUCT_OPS_MAX_ARGS 12

struct struct_ops_type;
struct struct_ops_value; /* the contents of one map */
struct struct_ops_link;

extern const struct map_ops struct_ops_map_ops;

/*
 * The consumer. Every callback may be NULL; without reg() one struct at a time may be in use.
 * reg, unreg and update of one type are never called concurrently, and must not themselves take
 * structs of the type into use or out of it. ops is the native struct.
 */
struct struct_ops_mark {
	const char *member;
	uint32_t arg, flags; /* enum member_arg */
};

struct struct_ops_desc {
	const char *name; /* of the struct */
	/* In addition to those in the BTF; only read during registration. */
	const struct struct_ops_mark *marks;
	size_t n_marks;
	bool atomic; /* members may sleep only if their program is marked sleepable */
	void *arg;   /* first argument of all callbacks */
	/* May a program with these properties implement the member? 0 or a negative errno. */
	int (*check_member)(void *arg, const char *member, const struct prog *prog);
	/* A member of the value being written. 1: done; 0: default (function pointers are bound,
	 * data must be zero); negative errno. Without it data members are copied. */
	int (*init_member)(void *arg, const char *member, void *ops, const void *udata);
	int (*validate)(void *arg, void *ops);
	int (*reg)(void *arg, void *ops, struct struct_ops_value *value);
	void (*unreg)(void *arg, void *ops, struct struct_ops_value *value);
	/* The old struct goes out of use when this succeeds. NULL with a reg(): -EOPNOTSUPP. */
	int (*update)(void *arg, void *ops, void *old_ops);
};

/* desc is copied. -ENOENT: no such struct; -EEXIST; -EINVAL: a member cannot be called (named in
 * the log); -EBUSY: a program was loaded already. */
int struct_ops_register(struct engine *e, const struct struct_ops_desc *desc,
			struct struct_ops_type **out);
void struct_ops_free_types(struct engine *e);

/* The native struct in use, or NULL; several may be only if reg() allows it: then the last.
 * Valid within the caller's epoch section. */
void *struct_ops_current(const struct struct_ops_type *type);

/* cb for each member that has a program, until it returns non-zero, which is returned. */
int struct_ops_for_each_prog(struct struct_ops_value *value,
			     int (*cb)(struct prog *prog, const char *member, void *arg),
			     void *arg);
/* The value that a native struct belongs to. Same validity as the struct. */
struct struct_ops_value *struct_ops_value_of(const struct struct_ops_type *type, const void *ops);

/* The member a program is loaded for: prototype and marks for the verifier. */
int struct_ops_fill_verify(struct engine *e, uint32_t attach_btf_id, struct prog *prog,
			   struct verify_in *v);

/* Checked mode: is [addr, addr+size) what an argument of the member points at? */
bool struct_ops_arg_memory(const struct prog *prog, const uint64_t *args, uint64_t addr,
			   uint32_t size);

/* -- Links: the objects behind BPF_LINK_CREATE of a BPF_F_LINK map -------------------- */

/* One reference for the caller. -EINVAL: not a struct_ops map that is ready; else what reg()
 * says. Holds a map reference. */
int struct_ops_link_new(struct map *map, struct struct_ops_link **out);
/* expected_old may be NULL. -EOPNOTSUPP, -EINVAL, -ENOLINK, -EPERM as Linux. */
int struct_ops_link_update(struct struct_ops_link *link, struct map *map, struct map *expected_old);
int struct_ops_link_detach(struct struct_ops_link *link); /* -ENOLINK: already */
bool struct_ops_link_get_live(struct struct_ops_link *link);
void struct_ops_link_own(struct struct_ops_link *link, struct owner owner);
uint32_t struct_ops_link_map_id(struct struct_ops_link *link); /* 0: detached */
void struct_ops_link_put(struct struct_ops_link *link); /* the last one detaches; NULL is fine */

/* -- Native functions (trampoline.c) ---------------------------------------------------- */

struct map;

/* What one argument is on its way from C to the program. */
struct member_arg_conv {
	uint8_t size; /* 1, 2, 4, 8 */
	bool is_signed;
	uint8_t flags;	   /* enum member_arg */
	uint32_t mem_size; /* pointers to something of known size: that size */
};

struct member_func {
	struct prog *prog; /* held */
	uint32_t n_args;
	bool ret_errno; /* the result is a signed int or wider: a stopped program gives its errno */
	bool plain;	/* no argument needs converting */
	struct member_arg_conv args[STRUCT_OPS_MAX_ARGS];
	void *code; /* the C function */
	size_t code_size;
};

/* Build f->code from the rest. 0, -ENOMEM, -EOPNOTSUPP (no stubs for this architecture). */
int trampoline_new(struct member_func *f);
void trampoline_free(struct member_func *f);

#endif
