/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uarena: BPF arenas in user space.
 *
 * The order of a program's life:
 *   ua_engine__open -> ua_object__open_file -> (set globals, choose programs)
 *   -> ua_object__load -> ua_program__run ... -> ua_object__close -> ua_engine__close
 *
 * Conventions
 *   - Functions return 0 (or a count) on success and a negative errno on failure; the text
 *     that explains a failure goes to the callback set with ua_set_print().
 *   - Option structs begin with `sz`; set it with UA_OPTS(). Fields that are missing in an
 *     older caller's struct are zero.
 *   - Pointers a function returns are borrowed and live as long as the object they come
 *     from, unless the comment says that the caller owns them.
 *   - Functions may be called from any thread; calls on one object that change it
 *     (open, set, load, close) must not run concurrently with others on the same object.
 */
#ifndef UARENA_H
#define UARENA_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define UA_API __attribute__((visibility("default")))

#define UA_VERSION_MAJOR 0
#define UA_VERSION_MINOR 1
#define UA_VERSION_PATCH 0

/* struct TYPE NAME = { .sz = sizeof, fields }: UA_OPTS(ua_engine_opts, o, .null_guard = true); */
#define UA_OPTS(TYPE, NAME, ...) struct TYPE NAME = {.sz = sizeof(struct TYPE), ##__VA_ARGS__}

struct ua_engine;
struct ua_object;
struct ua_program;
struct ua_map;
struct ua_arena;

/* ---- Messages ---- */

enum ua_print_level { UA_PRINT_WARN, UA_PRINT_INFO, UA_PRINT_DEBUG };
typedef int (*ua_print_fn)(enum ua_print_level level, const char *fmt, va_list args);
/* Process-wide; NULL silences. Default: warnings and infos to stderr. Returns the old one. */
UA_API ua_print_fn ua_set_print(ua_print_fn fn);
UA_API const char *ua_version(void);

/* ---- Engine ---- */

enum ua_backend { UA_BACKEND_ENGINE, UA_BACKEND_LINUX };
enum ua_exec { UA_EXEC_AUTO, UA_EXEC_INTERP, UA_EXEC_JIT };
enum ua_scratch { UA_SCRATCH_DEAD, UA_SCRATCH_REPLACE };
/* How holes are trapped; AUTO tries them in this order. */
enum ua_window { UA_WINDOW_AUTO, UA_WINDOW_UFFD, UA_WINDOW_GUARD, UA_WINDOW_MPROTECT };

struct ua_engine_opts {
	size_t sz;
	enum ua_backend backend;
	enum ua_exec exec;
	enum ua_scratch scratch; /* what becomes of an address a host access hit as a hole */
	enum ua_window window;
	bool null_guard;      /* the page at 32-bit address 0 is never allocated */
	uint32_t n_cpus;      /* CPUs programs see, at most 4096; 0 = those online */
	uint32_t scratch_max; /* scratch pages mapped before the oldest is evicted; 0 = 4096 */
	size_t : 0;
};

/* opts may be NULL. The caller owns *engine. */
UA_API int ua_engine__open(const struct ua_engine_opts *opts, struct ua_engine **engine);
/* All objects must be closed before. */
UA_API void ua_engine__close(struct ua_engine *engine);

/* ---- Objects ---- */

struct ua_object_opts {
	size_t sz;
	const char *name;
	uint32_t log_level; /* verifier log of every program: 0, 1, 2 */
	size_t : 0;
};

/* Reads and checks the file; nothing is created yet. -EINVAL: not a well-formed BPF object. */
UA_API int ua_object__open_file(struct ua_engine *engine, const char *path,
				const struct ua_object_opts *opts, struct ua_object **obj);
UA_API int ua_object__open_mem(struct ua_engine *engine, const void *buf, size_t size,
			       const struct ua_object_opts *opts, struct ua_object **obj);
/* Creates the maps, resolves every relocation, loads the programs that are to be loaded. */
UA_API int ua_object__load(struct ua_object *obj);
UA_API void ua_object__close(struct ua_object *obj);
UA_API const char *ua_object__name(const struct ua_object *obj);

UA_API struct ua_program *ua_object__next_program(const struct ua_object *obj,
						  const struct ua_program *prev);
UA_API struct ua_program *ua_object__find_program(const struct ua_object *obj, const char *name);
UA_API struct ua_map *ua_object__next_map(const struct ua_object *obj, const struct ua_map *prev);
UA_API struct ua_map *ua_object__find_map(const struct ua_object *obj, const char *name);
UA_API struct ua_arena *ua_object__arena(const struct ua_object *obj); /* NULL if it has none */

/*
 * A global variable by name, in any data section, the arena's included.
 * Before load: address of the initial value (arena, .data, .rodata). After load: the live
 * variable, which programs see. -ENOENT: no such variable.
 */
UA_API int ua_object__find_global(const struct ua_object *obj, const char *name, void **addr,
				  size_t *size);
/* One global of the object, as `uarena show` lists them; strings are borrowed. */
struct ua_global_info {
	const char *name, *section, *type;
	size_t size;
	void *addr;	  /* as ua_object__find_global() gives it */
	uint32_t type_id; /* in the object's BTF */
};
/* The index-th global. -ENOENT: there are no more. */
UA_API int ua_object__global_at(const struct ua_object *obj, size_t index,
				struct ua_global_info *info);
/* "var = value": integers (C syntax), enumerators, true/false; before load. The place may be an
 * element or member, also a data member of a struct_ops variable. "NAME[] = N" gives an array at
 * the end of its section, or a map, N elements. */
UA_API int ua_object__set_global(struct ua_object *obj, const char *assignment);

/* ---- Programs ---- */

UA_API const char *ua_program__name(const struct ua_program *prog);
UA_API const char *ua_program__section(const struct ua_program *prog);
UA_API uint32_t ua_program__type(const struct ua_program *prog);     /* BPF_PROG_TYPE_* */
UA_API size_t ua_program__insn_count(const struct ua_program *prog); /* as in the object */
UA_API bool ua_program__autoload(const struct ua_program *prog);
UA_API int ua_program__set_autoload(struct ua_program *prog, bool on); /* before load */
UA_API int ua_program__fd(const struct ua_program *prog);

struct ua_run_opts {
	size_t sz;
	const void *ctx_in;
	size_t ctx_in_size;
	void *ctx_out;	     /* SYSCALL programs: the context as the program left it */
	size_t ctx_out_size; /* in: room; out: bytes written */
	const void *data_in;
	size_t data_in_size;
	void *data_out;
	size_t data_out_size; /* in: room; out: bytes written */
	uint32_t repeat;      /* 0 = 1 */
	uint32_t retval;      /* out */
	uint32_t duration;    /* out: ns per run */
	int32_t cpu;	      /* CPU number the program sees; -1 = the caller's */
	size_t : 0;
};

/* Runs the program on the calling thread, as BPF_PROG_TEST_RUN does. 0: it ran, see retval. */
UA_API int ua_program__run(struct ua_program *prog, struct ua_run_opts *opts);
/*
 * The hot path, for SYSCALL and RAW_TRACEPOINT programs: no copy of the context, no timing.
 * ctx must be as large as what the program was written for; NULL only if it reads none.
 * retval may be NULL.
 */
UA_API int ua_program__call(struct ua_program *prog, void *ctx, uint64_t *retval);

enum ua_stream { UA_STDOUT = 1, UA_STDERR = 2 };
/* Up to len bytes, removed from the stream; 0 when it is empty. Never blocks. */
UA_API int ua_program__read_stream(struct ua_program *prog, enum ua_stream id, void *buf,
				   size_t len);
/* Descriptor that polls readable while the stream has data; borrowed. */
UA_API int ua_program__stream_fd(struct ua_program *prog, enum ua_stream id);
/* The trace pipe: lines of bpf_printk() of all programs of the process, removed as they are
 * read; 0 when it is empty. Beyond 100 kB unread, new lines are lost. */
UA_API int ua_trace__read(void *buf, size_t len);
UA_API struct ua_arena *ua_program__arena(const struct ua_program *prog);

/* ---- The arena, from the host ---- */

/*
 * Three forms of a pointer into an arena. Programs store *program pointers*: the full user
 * address, of which the low 32 bits count. Where the arena is mapped at its user address (the
 * loader does that) the same number is a plain C pointer, the *user* form: touching a hole
 * populates it, or is a SIGSEGV with BPF_F_SEGV_ON_FAULT. The *host* form goes through the
 * window, which is always there: while a program runs on the calling thread, touching a hole
 * reads and writes a scratch page, costs the program a report on its stderr stream, and
 * nothing else. A host function called by a program uses it without any check:
 *
 *	struct node *n = ua_arena__to_host(arena, arg);
 *	sum += n->value;
 *
 * Limits: outside a run a hole is a SIGSEGV; up to 32 KiB behind the 4 GiB recover too, nothing
 * below the base does. System calls cannot recover: handed a hole they return EFAULT and
 * nothing is reported, so check with ua_arena__range_populated() or copy first.
 */
UA_API void *ua_arena__window_base(const struct ua_arena *arena);
/* A pointer whose low half is zero becomes the window base: test for NULL before. */
UA_API void *ua_arena__to_host(const struct ua_arena *arena, uint64_t ptr);
/* From host or user form; NULL is not treated specially. */
UA_API uint64_t ua_arena__to_program(const struct ua_arena *arena, const void *host);
UA_API void *ua_arena__to_user(const struct ua_arena *arena, const void *host);

/*
 * n zeroed pages: at addr exactly (any form of pointer), or where they fit best if addr is 0.
 * Returns the program pointer, or 0.
 *
 *	uint64_t p = ua_arena__alloc_pages(arena, 0, 4);
 *	struct table *t = p ? ua_arena__to_host(arena, p) : NULL;
 */
UA_API uint64_t ua_arena__alloc_pages(struct ua_arena *arena, uint64_t addr, uint32_t n);
/* Pages that are not allocated are skipped. */
UA_API void ua_arena__free_pages(struct ua_arena *arena, uint64_t ptr, uint32_t n);
/*
 * The forms for callers that hold locks programs may wait for. A free is queued: until the
 * worker has run, the pages stay accessible and count as allocated.
 */
UA_API uint64_t ua_arena__alloc_pages_nosleep(struct ua_arena *arena, uint64_t addr, uint32_t n);
UA_API void ua_arena__free_pages_nosleep(struct ua_arena *arena, uint64_t ptr, uint32_t n);
/* Returns when all queued frees are done. */
UA_API void ua_arena__flush_frees(struct ua_arena *arena);
/* Keep the allocator off these pages. -EBUSY: one is in use; -EINVAL: beyond the arena. */
UA_API int ua_arena__reserve_pages(struct ua_arena *arena, uint64_t ptr, uint32_t n);

/*
 * Copies that end at a hole with -EFAULT instead of recovering: no report, no scratch page;
 * what lies before the hole has been copied. Work outside a run too.
 *
 *	char path[256];
 *	err = ua_arena__copy_out(arena, path, ptr, sizeof(path));
 *	fd = err ? err : open(path, O_RDONLY);
 */
UA_API int ua_arena__copy_in(struct ua_arena *arena, uint64_t ptr, const void *src, size_t n);
UA_API int ua_arena__copy_out(struct ua_arena *arena, void *dst, uint64_t ptr, size_t n);
/* Is every page of [ptr, ptr + n) allocated now? Others may free them meanwhile. */
UA_API bool ua_arena__range_populated(const struct ua_arena *arena, uint64_t ptr, size_t n);

/* The map's descriptor, to be passed to other processes; borrowed. */
UA_API int ua_arena__fd(const struct ua_arena *arena);
UA_API void *ua_arena__user_base(const struct ua_arena *arena); /* NULL until decided */
/*
 * Where this process sees the user view: the user base, unless something else lived there when
 * the object was loaded (AddressSanitizer's shadow covers 1 << 44; so does a second arena with
 * the same address). Then programs' pointers are valid in other processes but not in this one:
 * follow them with ua_arena__to_host(). NULL: not mapped.
 */
UA_API void *ua_arena__view(const struct ua_arena *arena);
UA_API size_t ua_arena__size(const struct ua_arena *arena);	 /* bytes */
UA_API size_t ua_arena__populated(const struct ua_arena *arena); /* pages */
enum ua_page { UA_PAGE_HOLE, UA_PAGE_ALLOC, UA_PAGE_RESERVED, UA_PAGE_SCRATCH };
/* enum ua_page of pages first, first + 1, ...; returns how many of n there are. */
UA_API size_t ua_arena__page_map(struct ua_arena *arena, size_t first, uint8_t *kinds, size_t n);

/* ---- The arena in another process ---- */

struct ua_client;

struct ua_client_opts {
	size_t sz;
	enum ua_window window; /* how holes are trapped in this process */
	size_t : 0;
};

/*
 * Map an arena at its user address, from the descriptor (ua_arena__fd) that its owner sent
 * over a Unix socket: every pointer the programs stored is valid here. Touching a hole does
 * what it does in the owner's user view. The caller keeps fd and owns *client; opts may be
 * NULL. -EINVAL: not an arena; -ENODATA: the owner has not decided the address yet; -EEXIST:
 * something is mapped there in this process.
 *
 *	int fd = receive_descriptor(sock, &head);
 *	err = ua_client__map(fd, NULL, &client);
 *	for (struct node *n = err ? NULL : head; n; n = n->next)
 *		...
 *	ua_client__unmap(client);
 *
 * A process that maps the descriptor with mmap(2) instead, at offset 0, populates every hole
 * it touches, and the allocator learns of it only when it comes across the page.
 */
UA_API int ua_client__map(int fd, const struct ua_client_opts *opts, struct ua_client **client);
UA_API void ua_client__unmap(struct ua_client *client); /* NULL is fine */
UA_API void *ua_client__base(const struct ua_client *client);
UA_API size_t ua_client__size(const struct ua_client *client);

/* ---- Small allocations that programs can reach ---- */

struct ua_pool;

struct ua_pool_opts {
	size_t sz;
	uint32_t grow_pages; /* least number of pages taken from the arena at a time; 0 = 4 */
	bool give_back;	     /* ua_pool__destroy() frees the pages; else they stay allocated */
	size_t : 0;
};

/*
 * A sub-allocator over pages of an arena, 8-byte granularity, thread-safe. Its bookkeeping is
 * on the host heap, out of reach of programs. The caller owns *pool; it holds the arena.
 *
 *	struct request *r = ua_pool__alloc(pool, sizeof(*r));
 *	... hand ua_arena__to_program(arena, r) to a program ...
 *	ua_pool__free(pool, r);
 */
UA_API int ua_pool__new(struct ua_arena *arena, const struct ua_pool_opts *opts,
			struct ua_pool **pool);
/* Outstanding allocations become invalid. */
UA_API void ua_pool__destroy(struct ua_pool *pool);
/* Host pointer, or NULL: size 0 or beyond the arena, arena or heap exhausted. Fresh pages are
 * zero, reused memory is not cleared. May take pages from the arena, a system call. */
UA_API void *ua_pool__alloc(struct ua_pool *pool, size_t size);
/* The same from memory the pool already holds: no system call. */
UA_API void *ua_pool__alloc_nowait(struct ua_pool *pool, size_t size);
/* -EINVAL, and nothing changes: ptr is not a live allocation of this pool. */
UA_API int ua_pool__free(struct ua_pool *pool, void *ptr);

/* ---- Host functions: what programs may call in the embedding application ---- */

/*
 * A program declares the function as a ksym and calls it directly:
 *
 *	extern u64 sum_list(struct node __arena *head, u32 limit) __ksym;
 *
 * The host describes and registers it before the first program of the engine is loaded:
 *
 *	static uint64_t sum_list(struct node *head, uint32_t limit) { ... }
 *	static const struct ua_kfunc funcs[] = {
 *		UA_KFUNC(u64, sum_list, (arena, head), (u32, limit)),
 *	};
 *	err = ua_engine__add_kfuncs(engine, funcs, 1);
 *
 * Kinds of parameters, at most 5:
 *	u8 u16 u32 u64 s8 s16 s32 s64 bool   scalar
 *	mem, then size      memory of the program (stack, map value) and its length (u32); the host
 *	                    may read and write it
 *	map                 a map of the program: ua_kfunc_map__*()
 *	ctx                 the context of the program
 *	callback            a function of the program taking up to 5 u64: ua_callback__call()
 *	arena               arena pointer as a host pointer; zero becomes the base of the window
 *	arena_nullable      the same, NULL stays NULL
 *	str                 constant string
 * Kinds of results: void, the scalars, and arena (a program pointer: ua_arena__to_program()).
 *
 * Arena pointers need no check: an access to a page that is not there, up to 32 KiB behind the
 * pointer, is reported on the program's stderr stream and goes to scratch memory. All other
 * pointers are proven by the verifier.
 */
enum ua_kind {
	UA_KIND_NONE, /* ends a parameter list */
	UA_KIND_void,
	UA_KIND_u8,
	UA_KIND_u16,
	UA_KIND_u32,
	UA_KIND_u64,
	UA_KIND_s8,
	UA_KIND_s16,
	UA_KIND_s32,
	UA_KIND_s64,
	UA_KIND_bool,
	UA_KIND__Bool = UA_KIND_bool, /* where bool is a macro */
	UA_KIND_mem,
	UA_KIND_size,
	UA_KIND_map,
	UA_KIND_ctx,
	UA_KIND_callback,
	UA_KIND_arena,
	UA_KIND_arena_nullable,
	UA_KIND_str,
};

#define UA_KFUNC_SLEEPABLE 1u /* only sleepable programs may call it */

struct ua_kfunc {
	size_t sz;
	const char *name;
	void *fn;
	uint32_t flags;
	enum ua_kind ret;
	struct {
		enum ua_kind kind;
		const char *name;
	} args[6];
};

#define UA_KFUNC(RET, NAME, ...) UA_KFUNC_FLAGS(0, RET, NAME, ##__VA_ARGS__)
#define UA_KFUNC_FLAGS(FLAGS, RET, NAME, ...)                                           \
	{                                                                               \
		sizeof(struct ua_kfunc), #NAME, (void *)(NAME), (FLAGS), UA_KIND_##RET, \
		{                                                                       \
			UA_KARGS(__VA_ARGS__)                                           \
		}                                                                       \
	}
#define UA_KARG_(KIND, ARG) {UA_KIND_##KIND, #ARG},
#define UA_KARG(PAIR) UA_KARG_ PAIR
#define UA_KARGS(...) UA_KARGS_N(_, ##__VA_ARGS__, 5, 4, 3, 2, 1, 0)(__VA_ARGS__)
#define UA_KARGS_N(_0, _1, _2, _3, _4, _5, N, ...) UA_KARGS_##N
#define UA_KARGS_0(...) {UA_KIND_NONE, 0},
#define UA_KARGS_1(A) UA_KARG(A)
#define UA_KARGS_2(A, B) UA_KARG(A) UA_KARG(B)
#define UA_KARGS_3(A, B, C) UA_KARGS_2(A, B) UA_KARG(C)
#define UA_KARGS_4(A, B, C, D) UA_KARGS_2(A, B) UA_KARGS_2(C, D)
#define UA_KARGS_5(A, B, C, D, E) UA_KARGS_2(A, B) UA_KARGS_3(C, D, E)

/* All or none. -EEXIST: the name is taken; -EINVAL: ill-formed (the message names function and
 * parameter); -EBUSY: a program was loaded; -EOPNOTSUPP: not UA_BACKEND_ENGINE. */
UA_API int ua_engine__add_kfuncs(struct ua_engine *engine, const struct ua_kfunc *funcs, size_t n);

/*
 * The same from BTF, for prototypes that name structs of the host: the BTF of a C file, raw
 * .BTF contents or an ELF file that has them (clang -target bpf -g -c). Parameter names carry
 * the kinds as suffixes: __sz, __map, __ctx, __arena, __arena__nullable, __str, ...
 */
UA_API int ua_engine__add_btf(struct ua_engine *engine, const void *btf, size_t size);
UA_API int ua_engine__add_btf_file(struct ua_engine *engine, const char *path);
/* `name` is a function of the BTF. -ENOENT: it is not. */
UA_API int ua_engine__add_kfunc_btf(struct ua_engine *engine, const char *name, void *fn,
				    uint32_t flags);

/* Within a host function: the program that called it. */
UA_API struct ua_arena *ua_kfunc__arena(void); /* NULL if it has none */
/* Calls back into the program. Returns its result, or 1 if the program was stopped. */
UA_API uint64_t ua_callback__call(uint64_t callback, uint64_t a1, uint64_t a2, uint64_t a3,
				  uint64_t a4, uint64_t a5);
/* End the run with this negative errno; the program still runs to its end. */
UA_API void ua_kfunc__fail(int err);
/* Appends text to one of the program's streams. -ENOSPC: it is full. */
UA_API int ua_kfunc__print(enum ua_stream id, const char *text);
/* A parameter of kind map. lookup gives the live value, valid until the function returns. */
UA_API void *ua_kfunc_map__lookup(void *map, const void *key);
UA_API int ua_kfunc_map__update(void *map, const void *key, const void *value, uint64_t flags);
UA_API int ua_kfunc_map__delete(void *map, const void *key);
UA_API uint32_t ua_kfunc_map__value_size(const void *map);

/* ---- struct_ops: C structs whose function pointers are programs ---- */

/*
 * The host declares a type, before the first program is loaded; its struct must be in the
 * engine's BTF (ua_engine__add_btf). Objects bind programs to members with
 *
 *	SEC("struct_ops/pick") u32 BPF_PROG(my_pick, ...)
 *	SEC(".struct_ops.link") struct policy mine = { .pick = (void *)my_pick };
 *
 * and the host calls them from any thread:
 *
 *	const struct policy *p = ua_struct_ops__enter(type);
 *	if (p && p->pick)
 *		choice = p->pick(req, flags);
 *	ua_struct_ops__exit(type);
 *
 * Between enter and exit the struct and its functions stay valid, even while the link is
 * updated or destroyed. Members without a program are NULL, data members hold what the object
 * set. A program that is stopped returns its errno if the result is a signed int, else 0.
 *
 * Arguments are integers and pointers of up to 8 bytes, at most 12. A function of the BTF named
 * "<struct>__<member>" marks parameters by suffixes of their names: __arena (a host pointer into
 * the program's arena, which the program gets as arena pointer), __arena__nullable, __nullable.
 */
struct ua_struct_ops;

/* The same marks without a function in the BTF (clang defines none with more than 5 arguments). */
#define UA_ARG_NULLABLE 1u
#define UA_ARG_ARENA 2u
struct ua_struct_ops_mark {
	const char *member;
	uint32_t arg;	/* from 0 */
	uint32_t flags; /* UA_ARG_* */
};

struct ua_struct_ops_opts {
	size_t sz;
	void *arg;
	const struct ua_struct_ops_mark *marks;
	size_t n_marks;
	/* All may be NULL. check: refuse a value before it is used. reg, unreg, update tell when
	 * a struct comes into use and goes; without reg one at a time may be in use (-EBUSY). */
	int (*check)(void *arg, const void *ops);
	int (*reg)(void *arg, const void *ops);
	void (*unreg)(void *arg, const void *ops);
	int (*update)(void *arg, const void *ops, const void *old);
	size_t : 0;
};

/* -ENOENT: the BTF has no such struct; -EEXIST; -EINVAL: a member cannot be called (named in the
 * message); -EBUSY: a program was loaded. Lives as long as the engine. */
UA_API int ua_engine__add_struct_ops(struct ua_engine *engine, const char *name,
				     const struct ua_struct_ops_opts *opts,
				     struct ua_struct_ops **type);
UA_API const void *ua_struct_ops__enter(struct ua_struct_ops *type); /* NULL: none is in use */
UA_API void ua_struct_ops__exit(struct ua_struct_ops *type);
/* Between enter and exit: cb for each member that has a program, until it returns non-zero,
 * which is returned. arena is the program's or NULL. */
UA_API int ua_struct_ops__for_each_prog(struct ua_struct_ops *type, const void *ops,
					int (*cb)(void *arg, const char *member,
						  const char *program, struct ua_arena *arena),
					void *arg);

struct ua_link;

/* Takes a map of a .struct_ops.link section into use. The caller owns *link. */
UA_API int ua_map__attach_struct_ops(struct ua_map *map, struct ua_link **link);
/* Replaces the struct in use by another of the same type, of any object of the engine. */
UA_API int ua_link__update_map(struct ua_link *link, struct ua_map *map);
UA_API int ua_link__fd(const struct ua_link *link);
UA_API void ua_link__destroy(struct ua_link *link); /* takes it out of use */

/* ---- A simulated machine: schedulers under test ---- */

/*
 * CPUs, tasks and virtual time for sched_ext schedulers (docs/sched.md). The engine must have
 * been opened with as many CPUs; attaching a struct_ops map of type sched_ext_ops or
 * sched_ext_ops_cid then lets that scheduler decide. Tasks do what the host says: each runs for
 * a burst of CPU time, then the machine asks what comes next. One seed gives one course of
 * events. All functions of one machine are for one thread at a time.
 *
 *	static void next(void *arg, struct ua_task *t)      // its burst is over
 *	{
 *		ua_task__run(t, 2000000);                   // the next one: 2 ms
 *		ua_task__block(t);                          // but sleep first
 *		ua_machine__wake_at(m, ua_machine__now(m) + 5000000, t);
 *	}
 *
 *	UA_OPTS(ua_machine_opts, mo, .topology = "1n:2l:4c:2t", .seed = 1, .next = next);
 *	UA_OPTS(ua_engine_opts, eo, .n_cpus = 16);
 *	UA_OPTS(ua_task_opts, to, .name = "worker");
 *	... ua_machine__new(&mo, &m), ua_engine__open(&eo, &engine), ua_machine__bind(m, engine),
 *	... open and load the object, ua_map__attach_struct_ops(map, &link)
 *	ua_machine__fork(m, &to, NULL, &t);
 *	ua_task__run(t, 2000000);
 *	ua_task__wake(t, NULL, false);
 *	ua_machine__run(m, 1000000000);                     // one second
 *	ua_machine__sched(m, &info);                        // info.state, info.kind, info.msg
 */
struct ua_machine;
struct ua_task;

struct ua_machine_opts {
	size_t sz;
	/* nodes : LLCs per node : cores per LLC : threads per core, left parts may be missing:
	 * "2n:2l:8c:2t", "4c:2t"; NULL: 1n:1l:8c:2t */
	const char *topology;
	uint64_t seed;
	uint32_t hz;	    /* ticks per second; 0 = 1000 */
	uint32_t n_offline; /* so many of the last CPUs start offline */
	void (*next)(void *arg, struct ua_task *task);
	void *arg;
	size_t : 0;
};

/* -EINVAL: the topology (the message says what). The caller owns *machine. */
UA_API int ua_machine__new(const struct ua_machine_opts *opts, struct ua_machine **machine);
/* After closing the objects that were loaded into its engine. Tasks go, too. */
UA_API void ua_machine__free(struct ua_machine *machine);
/* -EINVAL: the engine was opened for another number of CPUs; -EBUSY: it has a machine. NULL
 * unbinds. */
UA_API int ua_machine__bind(struct ua_machine *machine, struct ua_engine *engine);
UA_API uint32_t ua_machine__n_cpus(const struct ua_machine *machine);
UA_API uint64_t ua_machine__now(const struct ua_machine *machine); /* ns */
UA_API uint64_t ua_machine__random(struct ua_machine *machine);	   /* from the seed */
/* Let things happen until this time. -ELOOP: time stands still; -ENOMEM. */
UA_API int ua_machine__run(struct ua_machine *machine, uint64_t until);
/* Call fn(arg) or wake a task at a time. -ENOMEM. */
UA_API int ua_machine__at(struct ua_machine *machine, uint64_t when, void (*fn)(void *arg),
			  void *arg);
UA_API int ua_machine__wake_at(struct ua_machine *machine, uint64_t when, struct ua_task *task);
/* Hotplug. -EINVAL: the last CPU online, or no such. */
UA_API int ua_machine__set_online(struct ua_machine *machine, int cpu, bool online);
/* What /sys/kernel/sched_ext/NAME would say: state, switch_all, hotplug_seq, enable_seq. Returns
 * the length of the text; -ENOENT. */
UA_API int ua_machine__attr(const struct ua_machine *machine, const char *name, char *text,
			    size_t size);

struct ua_task_opts {
	size_t sz;
	const char *name;
	int nice;
	const uint64_t *cpus; /* affinity, a bit per CPU; NULL: all */
	bool ext;	      /* policy SCHED_EXT, for schedulers that take only such tasks */
	bool kthread;
	uint64_t cookie; /* core scheduling: the threads of a core run one cookie at a time */
	void *data;	 /* ua_task__data() */
	size_t : 0;
};

/* A sleeping task; it stays until ua_task__exit(). The scheduler may refuse it. */
UA_API int ua_machine__fork(struct ua_machine *machine, const struct ua_task_opts *opts,
			    struct ua_task *parent, struct ua_task **task);
UA_API void ua_task__run(struct ua_task *task, uint64_t ns); /* its next burst; not 0 */
/* waker: the running task that does it, or NULL; sync: that one is about to sleep. */
UA_API void ua_task__wake(struct ua_task *task, struct ua_task *waker, bool sync);
/* The running task sleeps, or gives way: within `next`. */
UA_API void ua_task__block(struct ua_task *task);
UA_API void ua_task__yield(struct ua_task *task);
UA_API void ua_task__exit(struct ua_task *task); /* any task; it is gone afterwards */
UA_API int ua_task__set_affinity(struct ua_task *task, const uint64_t *cpus);
UA_API int ua_task__set_nice(struct ua_task *task, int nice);
UA_API uint64_t ua_task__runtime(const struct ua_task *task); /* ns on CPUs */
UA_API int ua_task__cpu(const struct ua_task *task); /* where it runs, waits, or was last */
UA_API int ua_task__pid(const struct ua_task *task);
UA_API void *ua_task__data(const struct ua_task *task);

enum ua_sched_state { UA_SCHED_NONE, UA_SCHED_ENABLED, UA_SCHED_EXITED };

/* Texts live until the next scheduler is attached. kind: enum scx_exit_kind. */
struct ua_sched_info {
	size_t sz;
	enum ua_sched_state state;
	const char *name;
	int kind, cpu;
	int64_t code;
	const char *reason, *msg, *dump;
	size_t : 0;
};
UA_API int ua_machine__sched(const struct ua_machine *machine, struct ua_sched_info *info);

/* ---- Maps ---- */

UA_API const char *ua_map__name(const struct ua_map *map);
UA_API uint32_t ua_map__type(const struct ua_map *map); /* BPF_MAP_TYPE_* */
UA_API uint32_t ua_map__key_size(const struct ua_map *map);
UA_API uint32_t ua_map__value_size(const struct ua_map *map);
UA_API uint32_t ua_map__max_entries(const struct ua_map *map);
UA_API int ua_map__set_max_entries(struct ua_map *map, uint32_t n);   /* before load */
UA_API int ua_map__set_value_size(struct ua_map *map, uint32_t size); /* before load */
UA_API int ua_map__fd(const struct ua_map *map);
UA_API int ua_map__lookup(const struct ua_map *map, const void *key, void *value, uint64_t flags);
UA_API int ua_map__update(const struct ua_map *map, const void *key, const void *value,
			  uint64_t flags);
UA_API int ua_map__delete(const struct ua_map *map, const void *key);
UA_API int ua_map__next_key(const struct ua_map *map, const void *key, void *next);
/* Initial value of a data map, or an arena's mapping once loaded; NULL if there is none. */
UA_API void *ua_map__initial_value(const struct ua_map *map, size_t *size);

#ifdef __cplusplus
}
#endif
#endif
