/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loader's model of an object.
 *
 *   open   elf.c       file outline            open.c     sections, functions, programs
 *          btfext.c    .BTF.ext                maps_open.c  .maps, data sections
 *          extern.c    .kconfig, .ksyms        reloc_read.c relocation records
 *   load   extern.c    resolve externs         maps_load.c  create and fill maps, map the arena
 *          core*.c     CO-RE                   link.c     one instruction array per program
 *          load.c      BTF and program load    struct_ops.c
 *   use    api.c       public functions        globals.c  variables by name and type
 *          place.c     their parts
 *
 * Sizes and offsets that came from the file were checked where they were read; later stages
 * rely on it.
 */
#ifndef UA_OBJECT_OBJECT_H
#define UA_OBJECT_OBJECT_H

#include "base/base.h"
#include "abi/bpf.h"
#include "btf/btf.h"
#include "kernel/handle.h"
#include "object/elf.h"

struct ua_object;
struct ua_map;
struct ua_program;
struct sec_def;

/* -- Relocations ---------------------------------------------------------- */

enum reloc_kind {
	RELOC_MAP,	 /* ld_imm64: map descriptor */
	RELOC_DATA,	 /* ld_imm64: address of byte `addend` of a map's value or the arena */
	RELOC_EXTERN,	 /* ld_imm64: value or address of an extern */
	RELOC_CALL,	 /* call of a function of this object */
	RELOC_CALL_EXT,	 /* call of a kfunc */
	RELOC_FUNC_ADDR, /* ld_imm64: address of a function of this object */
};

struct reloc {
	enum reloc_kind kind;
	uint32_t insn;	 /* index within the section */
	uint32_t target; /* index of map, extern or function */
	int64_t addend;
};

/* One CO-RE record, with the index of its instruction within the section. */
struct core_reloc {
	uint32_t insn, type_id, access_off, kind;
};

/* An instruction that a CO-RE record has made unusable. */
struct core_poison {
	const struct func *func;
	const struct core_reloc *rel;
};

/* A function in an executable section, program or subprogram. */
struct func {
	const char *name;
	uint32_t sec, start, n; /* instructions */
	uint8_t bind, vis;
	struct bpf_insn *insns; /* relocated copy but for calls; NULL until first needed */
};

/* What belongs to one executable section. */
struct code_sec {
	uint32_t sec;
	struct reloc *relocs; /* sorted by insn */
	size_t n_relocs, cap_relocs;
	struct core_reloc *core;
	size_t n_core, cap_core;
	struct bpf_func_info *func_info; /* insn_off counts instructions of the section */
	size_t n_func_info, cap_func_info;
	struct bpf_line_info *line_info;
	size_t n_line_info, cap_line_info;
};

/* -- Externs -------------------------------------------------------------- */

enum ext_kind { EXT_KCONFIG, EXT_KSYM };

struct ext {
	const char *name;
	enum ext_kind kind;
	bool weak, resolved;
	uint32_t btf_id; /* VAR or FUNC in the object's BTF */
	uint32_t sym;	 /* ELF symbol index */
	/* kconfig */
	uint32_t type_id, off, size;
	/* ksym */
	bool is_func, typed;
	uint32_t kernel_id; /* FUNC or VAR in the kernel's BTF */
};

/* -- Maps and programs ---------------------------------------------------- */

enum map_role { MAP_USER, MAP_DATA, MAP_RODATA, MAP_BSS, MAP_KCONFIG, MAP_STRUCT_OPS };

/* Initial element of an array of programs or maps. */
struct map_slot {
	uint32_t index;
	uint32_t target; /* map or function index */
};

struct map_def {
	uint32_t type, key_size, value_size, max_entries, map_flags, numa_node;
	uint64_t map_extra;
	uint32_t key_type_id, value_type_id;
	uint32_t vmlinux_value_id; /* struct_ops: value type in the kernel's BTF */
};

struct st_ops;

struct ua_map {
	struct ua_object *obj;
	char *name; /* as in the source or the section name */
	char kernel_name[BPF_OBJ_NAME_LEN];
	enum map_role role;
	uint32_t sec;	  /* ELF section */
	uint32_t sec_off; /* within .maps or .struct_ops */
	uint32_t datasec; /* BTF id of the section's description, 0 if none */
	struct map_def def;
	struct map_def *inner;
	uint32_t values_off; /* of the initial elements in the definition */
	struct map_slot *slots;
	size_t n_slots, cap_slots;
	bool has_values, slots_are_progs;
	int fd;
	/* Contents of data maps: an anonymous mapping, replaced by the map's own at load if the
	 * map can be mapped. Arena: the whole arena once loaded. */
	void *data;
	size_t data_len; /* bytes mapped, a multiple of the page size; 0: not a data map */
	bool mappable;
	bool live; /* data is the map's own memory */
	struct st_ops *st;
};

struct ua_program {
	struct ua_object *obj;
	uint32_t func;
	const char *section;	   /* without the leading '?' */
	const struct sec_def *def; /* NULL: section name means nothing to the loader */
	const char *attach_to;
	uint32_t type, attach_type, flags;
	bool autoload, user_autoload;
	uint32_t attach_btf_id;
	bool needs_struct_ops; /* only loadable as a member of a struct_ops map */
	int fd;
	void *engine_prog; /* struct prog of the engine, once asked for */
};

struct ua_object {
	struct ua_engine *engine;
	struct kernel *k;
	char *name;
	uint32_t log_level;
	bool loaded;
	struct elf_file elf;
	struct btf *btf; /* NULL: the file has none */
	int btf_fd;
	char *license;
	uint32_t kern_version;
	struct code_sec *code;
	size_t n_code, cap_code;
	struct func *funcs;
	size_t n_funcs, cap_funcs;
	struct ua_program **progs;
	size_t n_progs, cap_progs;
	struct ua_map **maps;
	size_t n_maps, cap_maps;
	struct ext *exts;
	size_t n_exts, cap_exts;
	/* Arena variables: section .addr_space.1. */
	uint32_t arena_sec, arena_datasec;
	uint8_t *arena_init; /* initial contents before load */
	uint64_t arena_init_len;
	uint64_t arena_off; /* of the variables from the arena's start, once loaded */
	struct ua_map *arena;
	struct core_cache *core_cache;
	struct core_poison *poisons;
	size_t n_poisons, cap_poisons;
};

/* Log "uarena: object NAME: ..." and return err. */
int object_fail(const struct ua_object *obj, int err, const char *fmt, ...) UA_PRINTF(3, 4);
/* Log also why the live kernel may have refused a command, and what to do, if that is known. */
void object_advise(const struct ua_object *obj, int cmd, const union bpf_attr *attr, long err);
const char *object_sec_name(const struct ua_object *obj, uint32_t sec);
struct code_sec *object_code_sec(struct ua_object *obj, uint32_t sec); /* NULL: no code */
/* Function that starts at / contains instruction `insn` of section `sec`; NULL if none. */
struct func *object_func_at(const struct ua_object *obj, uint32_t sec, uint32_t insn);
size_t page_align(size_t n);

/* -- Stages of open ------------------------------------------------------- */

void object_free(struct ua_object *obj); /* load.c */
int object_load(struct ua_object *obj);	 /* load.c: runs the stages of load */
int open_object(struct ua_object *obj, const void *buf, size_t size); /* open.c: runs the rest */
int open_btf_ext(struct ua_object *obj);
int open_externs(struct ua_object *obj);
int open_maps(struct ua_object *obj);
int open_struct_ops(struct ua_object *obj);
int open_relocs(struct ua_object *obj);
/* Append a map named `name`. */
int object_add_map(struct ua_object *obj, const char *name, struct ua_map **out);
/* Give it `size` bytes of data, copied from `init` unless that is NULL. */
int map_set_data(struct ua_map *map, const void *init, size_t size);
struct ua_map *object_map_at(const struct ua_object *obj, uint32_t sec, uint64_t off,
			     uint32_t *index);

/* -- Section names (sec.c) ------------------------------------------------ */

struct sec_def {
	const char *prefix;
	uint32_t prog_type, attach_type;
	uint32_t flags;
};
#define SEC_SLEEPABLE 1	       /* PREFIX.s is allowed and means BPF_F_SLEEPABLE */
#define SEC_EXTRA 2	       /* PREFIX/SOMETHING is allowed */
#define SEC_ATTACH_BTF 4       /* needs attach_btf_id, looked up by SOMETHING */
#define SEC_ALWAYS_SLEEPABLE 8 /* BPF_F_SLEEPABLE without .s */

/* Fill in section, def, type, attach_type, flags, attach_to, autoload from a section name. */
void sec_parse(const char *name, struct ua_program *prog);

/* -- Stages of load ------------------------------------------------------- */

int load_externs(struct ua_object *obj, struct btf *kernel_btf);
int load_maps(struct ua_object *obj);
int load_map_slots(struct ua_object *obj);
int load_struct_ops(struct ua_object *obj, struct btf *kernel_btf); /* before maps and programs */
int load_btf(struct ua_object *obj);
/* Replace kinds of types that came after Linux 5.2; int_id is a 4-byte integer's (btf_older.c). */
int btf_make_older(struct btf *btf, uint32_t int_id);
void map_unload(struct ua_map *map); /* close and unmap, back to nothing */

/* A program's instructions with everything the kernel wants beside them. */
struct linked {
	struct bpf_insn *insns;
	size_t n, cap;
	struct bpf_func_info *func_info;
	size_t n_func_info, cap_func_info;
	struct bpf_line_info *line_info;
	size_t n_line_info, cap_line_info;
};
int link_program(struct ua_program *prog, struct btf *kernel_btf, struct linked *out);
void linked_free(struct linked *out);
/* Was a call of this unknown helper put there for an extern that does not exist? Then log which. */
bool link_explain_call(const struct ua_program *prog, long number);

/* -- Variables (globals.c) ------------------------------------------------ */

/* Schedulers take the kernel's constants from variables __SCX_NAME of .rodata, which user space
 * sets before load. Those that are 0 get the value of the enumerator SCX_NAME, if there is one. */
void globals_fill_enums(const struct ua_object *obj, const struct btf *kernel);
/* The section's data has been given `size` bytes: describe its last variable accordingly. */
int globals_resized(struct ua_object *obj, struct ua_map *map, uint32_t size);

/* -- CO-RE (core.c) ------------------------------------------------------- */

/* Apply one record to func->insns. -EINVAL etc. with the text logged. */
int core_apply(struct ua_object *obj, struct btf *kernel_btf, struct func *func,
	       const struct core_reloc *rel);
void core_cache_free(struct ua_object *obj);
/* Was a call of this unknown helper put there by a record? Then log which. */
bool core_explain_call(const struct ua_object *obj, long number);
/* libbpf's notion of compatible types, used for kfunc prototypes too. */
bool core_types_compat(const struct btf *local, uint32_t local_id, const struct btf *kernel,
		       uint32_t kernel_id);

/* -- Prototypes (signature.c) ---------------------------------------------- */

/* Do two FUNC_PROTOs agree in number, size and named structs of parameters and result? */
bool signature_serves(const struct btf *local, uint32_t local_proto, const struct btf *kernel,
		      uint32_t kernel_proto);
/* May an extern function be resolved to this kfunc? */
bool signature_kfunc_fits(const struct btf *local, uint32_t local_proto, const struct btf *kernel,
			  uint32_t kernel_proto);
/* "int (struct request *, u32)" */
void signature_print(const struct btf *btf, uint32_t proto, char *buf, size_t size);

/* -- struct_ops (struct_ops.c) -------------------------------------------- */

bool st_ops_wanted(const struct ua_map *map); /* is the map to be created? */
void st_ops_set_wanted(struct ua_map *map, bool on);
void *st_ops_data(const struct ua_map *map, size_t *size); /* the variable, before load */
uint32_t st_ops_type(const struct ua_map *map);		   /* of the variable */
void st_ops_free(struct ua_map *map);
/* Fill the live map from the variable and the loaded programs, then create the link.
 * Returns the link's descriptor, or 0 for a map without BPF_F_LINK. */
int object_attach_struct_ops(struct ua_map *map);

#endif
