/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Maps: one file per kind, each fills a struct map_ops; map.c creates, counts and frees.
 *
 * All operations are safe from several threads at once. Values handed to programs by
 * lookup stay valid until no run that could have seen them is active: kinds that recycle
 * elements say in their file how they keep that promise.
 */
#ifndef UA_MAP_MAP_H
#define UA_MAP_MAP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include "abi/bpf.h"
#include "base/epoch.h"
#include "base/owner.h"

struct btf;
struct btf_type;
struct map;
struct arena;

struct map_ops {
	const char *name;
	/* Kind's own attribute checks, in the kernel's order and with its errnos. */
	int (*check)(const union bpf_attr *attr);
	/* Sets priv; may set fd to a descriptor of its own, else map.c makes one. */
	int (*create)(struct map *map, const union bpf_attr *attr);
	void (*free)(struct map *map);
	/* The last descriptor was closed; programs may still hold the map. */
	void (*closed)(struct map *map);
	/* Key and value types, sizes already compared; key_id 0 = none. NULL: a key is needed. */
	int (*check_btf)(const struct map *map, const struct btf *btf, uint32_t key_id,
			 uint32_t value_id);
	/* From programs and host: pointer to the live value or NULL. */
	void *(*lookup)(struct map *map, const void *key);
	int (*update)(struct map *map, const void *key, const void *value, uint64_t flags);
	int (*remove)(struct map *map, const void *key);
	int (*next_key)(struct map *map, const void *key, void *next);
	int (*push)(struct map *map, const void *value, uint64_t flags);
	int (*pop)(struct map *map, void *value);
	int (*peek)(struct map *map, void *value);
	/* From bpf(2): whole value in and out (all CPUs for per-CPU kinds); NULL = via lookup. */
	int (*sys_lookup)(struct map *map, const void *key, void *value, uint64_t flags);
	int (*sys_update)(struct map *map, const void *key, const void *value, uint64_t flags);
	int (*lookup_and_delete)(struct map *map, const void *key, void *value, uint64_t flags);
	/* Per-CPU kinds: value of another CPU. */
	void *(*lookup_percpu)(struct map *map, const void *key, uint32_t cpu);
	/* Calls cb(map, key, value, arg) for each element until it returns non-zero; count or <0.
	 */
	long (*for_each)(struct map *map,
			 uint64_t (*cb)(struct map *, void *key, void *value, void *arg),
			 void *arg);
	/* mmap of the descriptor, generic checks done: *addr is hint in, address out. NULL: none.
	 * Arenas have their own (arena_mmap). */
	int (*mmap)(struct map *map, void **addr, uint64_t len, int prot, int flags, uint64_t off);
	/* Nobody in this process writes any more: make sure nobody else can. -EBUSY. NULL: nothing
	 * to do. */
	int (*freeze)(struct map *map);
	/* Address of byte `off` of the value of a one-element array (direct value), or <0. */
	int (*direct_value)(struct map *map, uint64_t *addr, uint32_t off);
	int (*poll_fd)(struct map *map); /* descriptor to poll for new data, or -EOPNOTSUPP */
	uint64_t (*mem_usage)(const struct map *map);
};

/* Pointers to counted objects (__kptr): where, and to what (a type of the map's BTF). */
#define MAP_KPTRS_MAX 11 /* as in Linux */

struct map_kptr {
	uint32_t off, type;
};

/* Where special fields sit in the value; -1 = none. From BTF, at creation. */
struct map_record {
	int spin_lock_off;
	int res_spin_lock_off;
	int timer_off;
	int wq_off;
	uint32_t n_kptrs;
	struct map_kptr kptrs[MAP_KPTRS_MAX]; /* ascending */
};

/*
 * The first member mirrors what programs may read of `struct bpf_map` through BTF; the
 * engine's BTF describes exactly this layout (tests/btf checks the offsets).
 */
struct map {
	struct map_btf_view {
		const struct map_ops *ops;
		struct map *inner_map_meta; /* template of a map of maps, else NULL */
		uint32_t map_type, key_size, value_size, max_entries;
		uint64_t map_extra;
		uint32_t map_flags, id;
		char name[BPF_OBJ_NAME_LEN];
	} v;
	uint64_t user_vm_start, user_vm_end; /* arena maps: struct bpf_arena of the kernel */
	_Atomic int refs;
	struct owner owner;
	int fd;		 /* the map's descriptor, owned */
	struct btf *btf; /* borrowed from the BTF object that btf_obj keeps alive */
	void *btf_obj;
	void (*btf_obj_put)(void *btf_obj);
	uint32_t btf_key_type_id, btf_value_type_id, btf_vmlinux_value_type_id;
	struct map_record rec;
	_Atomic int frozen;
	_Atomic int writers;   /* live writable mmaps */
	_Atomic bool borrowed; /* programs reach it through another map, without a reference */
	struct epoch_item gone;
	bool closed;	 /* no user descriptor left: no new timers (prog/timer.c) */
	uint32_t n_cpus; /* per-CPU kinds: slots per value */
	void (*timers_cancel)(struct map *map,
			      void *value);		  /* set by prog/ when values hold timers */
	void (*value_gone)(struct map *map, void *value); /* kinds whose values hold something */
	void *engine;
	const struct map_host *host;
	const void *arena_opts;
	void *priv; /* the kind's own state */
};

/* Kinds by number; NULL for kinds the engine does not have. */
const struct map_ops *map_ops_of(uint32_t type);
/* Adds a kind that lives in a later folder: struct_ops (prog/struct_ops_map.c), whose values
 * name programs. Before any map is created. */
void map_ops_register(uint32_t type, const struct map_ops *ops);
/* -EINVAL unless it is a name bpf(2) accepts. */
int map_name_check(const char name[BPF_OBJ_NAME_LEN]);

/* How kinds that hold programs or maps reach them: descriptors are the dispatcher's. */
struct map_host {
	int (*prog_by_fd)(void *engine, int fd, void **prog); /* takes a reference */
	void (*prog_put)(void *prog);
	uint32_t (*prog_id)(const void *prog);
	/* 0, or -EINVAL: the two must not tail-call each other through one array. */
	int (*prog_compatible)(const void *owner, const void *prog);
	int (*map_by_fd)(void *engine, int fd, struct map **map); /* takes a reference */
};

struct map_env { /* what creation needs of the engine */
	uint32_t n_cpus;
	struct btf *btf; /* resolved from attr->btf_fd, may be NULL */
	int btf_err;	 /* why it could not be resolved */
	void *engine;	 /* struct engine of prog/engine.h, for kinds registered from there */
	const struct map_host *host; /* may be NULL: no program arrays, no maps of maps */
	const void *arena_opts;	     /* struct arena_opts template: policy, backend, null_guard */
};

/* Generic checks, then the kind's. One reference for the caller. */
int map_create(const union bpf_attr *attr, const struct map_env *env, struct map **out);
struct map *map_get(struct map *map);
void map_put(struct map *map);

/* Call when the last descriptor was closed. */
void map_closed(struct map *map);

struct arena *map_arena(const struct map *map); /* NULL unless an arena map */
/* Bring user_vm_start and _end of an arena map up to date: after mmap, before verifying. */
void map_arena_sync(struct map *map);
uint32_t map_value_size_sys(const struct map *map); /* bytes bpf(2) moves per value */

/* Elements as bpf(2) moves them (elem.c): whole values, special fields skipped, BPF_F_LOCK,
 * errnos of Linux. Callable from any thread, outside and inside runs. */
int map_elem_lookup(struct map *map, const void *key, void *value, uint64_t flags);
int map_elem_update(struct map *map, const void *key, const void *value, uint64_t flags);
int map_elem_delete(struct map *map, const void *key);
int map_elem_next_key(struct map *map, const void *key, void *next);
int map_elem_lookup_and_delete(struct map *map, const void *key, void *value, uint64_t flags);

/* Copy from or to a value that others may be using: as on Linux, every aligned word of eight
 * bytes is whole, if both sides are aligned. */
void map_copy_shared(void *dst, const void *src, size_t n);
/* Copy one value, without the special fields; those of dst stay. */
void map_value_copy(const struct map *map, void *dst, const void *src);
/* The same under the value's spin lock, which is in dst (into the map) or src (out of it). */
void map_value_copy_locked(const struct map *map, void *dst, const void *src, bool lock_dst);
/* Zero the special fields of a copy that leaves the map. */
void map_value_clear_special(const struct map *map, void *value);
/* The first __kptr that bytes [lo, hi) of a value touch, or NULL. */
const struct map_kptr *map_kptr_in(const struct map *map, int64_t lo, int64_t hi);
/* The value leaves the map: cancel what its special fields have running. */
void map_value_release(struct map *map, void *value);

/*
 * CPU number of the calling thread as programs see it: stable during a run. Every thread has
 * its own as long as there are no more threads than CPUs; then the least used is shared.
 * [signal-safe]
 */
uint32_t map_this_cpu(void);
/* Programs on this thread see `cpu` from now on, MAP_CPU_ANY: the thread's own number.
 * Returns the previous setting. */
#define MAP_CPU_ANY UINT32_MAX
uint32_t map_set_cpu(uint32_t cpu);
/* On this thread, unless map_set_cpu() says otherwise, fn(arg) tells the CPU; NULL: the thread's
 * own. It is asked each time, also from signal handlers. */
void map_ask_cpu(uint32_t (*fn)(void *arg), void *arg);
/* How many CPUs there are for the threads of this process. Default: those online. */
#define MAP_MAX_CPUS 4096
void map_cpu_limit(uint32_t n);

#endif
