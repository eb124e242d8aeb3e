/* SPDX-License-Identifier: BSD-2-Clause */
/* Loading: BTF for the kernel, then externs, maps and programs in the order they need. */
#include "object/object.h"

#define LOG_FIRST (64u << 10)
#define LOG_LIMIT (16u << 20)
/* Bits of the log level: every step on the failing path; statistics. */
#define LOG_STEPS 1u
#define LOG_STATS 4u
#define STEPS_SHOWN 100000

/* -- BTF ------------------------------------------------------------------ */

static uint32_t int_type(struct btf *btf)
{
	uint32_t n = btf__type_cnt(btf);
	int id;

	for (uint32_t i = 1; i < n; i++) {
		const struct btf_type *t = btf__type_by_id(btf, i);

		if (btf_is_int(t) && t->size == 4 && btf_int_bits(t) == 32)
			return i;
	}
	id = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	return id > 0 ? id : 0;
}

/*
 * Linux knows neither extern functions in a section nor sections without size. Externs of
 * functions become a variable in the section's list, the functions themselves static.
 */
static int replace_externs(struct btf *btf, uint32_t id, uint32_t dummy_var)
{
	struct btf_type *t = (struct btf_type *)btf__type_by_id(btf, id);
	struct btf_var_secinfo *v = btf_var_secinfos(t);
	uint32_t off = 0;

	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		struct btf_type *member = (struct btf_type *)btf__type_by_id(btf, v[i].type);

		if (btf_is_func(member)) {
			member->info = (member->info & ~0xffffu) | BTF_FUNC_GLOBAL;
			v[i].type = dummy_var;
		} else {
			btf_var(member)->linkage = BTF_VAR_GLOBAL_ALLOCATED;
			member->type = btf__type_by_id(btf, dummy_var)->type;
		}
		v[i].offset = off;
		v[i].size = 4;
		off += 4;
	}
	t->size = off;
	return 0;
}

static int name_params(struct btf *btf, uint32_t datasec, uint32_t name_off)
{
	const struct btf_type *t = btf__type_by_id(btf, datasec);

	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		const struct btf_type *func = btf__type_by_id(btf, btf_var_secinfos(t)[i].type);
		const struct btf_type *proto;

		if (!btf_is_func(func))
			continue;
		proto = btf__type_by_id(btf, func->type);
		for (uint32_t p = 0; p < btf_vlen(proto); p++)
			if (btf_params(proto)[p].type && !btf_params(proto)[p].name_off)
				btf_params(proto)[p].name_off = name_off;
	}
	return 0;
}

static int sanitize_section(struct btf *btf, const char *name)
{
	uint32_t id = btf_find(btf, name, BTF_KIND_DATASEC), int_id;
	int var, str;

	if (!id)
		return 0;
	int_id = int_type(btf);
	str = btf__add_str(btf, "dummy_ksym");
	var = int_id ? btf__add_var(btf, "dummy_ksym", BTF_VAR_GLOBAL_ALLOCATED, int_id) : -ENOMEM;
	UA_FAIL_IF(str < 0 || var < 0, -ENOMEM);
	name_params(btf, id, str);
	return replace_externs(btf, id, var);
}

static int sanitize(struct ua_object *obj, struct btf **out)
{
	uint32_t size;
	const void *raw = btf__raw_data(obj->btf, &size);
	int err;

	UA_FAIL_IF(!raw, -ENOMEM);
	UA_TRY(btf_load(raw, size, out));
	err = sanitize_section(*out, ".ksyms");
	if (!err)
		err = sanitize_section(*out, ".kconfig");
	if (err)
		btf__free(*out);
	return err;
}

static long upload(struct ua_object *obj, struct btf *btf)
{
	union bpf_attr attr;
	uint32_t size;
	const void *raw = btf__raw_data(btf, &size);

	UA_FAIL_IF(!raw, -ENOMEM);
	memset(&attr, 0, sizeof(attr));
	attr.btf = (uintptr_t)raw;
	attr.btf_size = size;
	return kernel_bpf(obj->k, BPF_BTF_LOAD, &attr, sizeof(attr));
}

/* A kernel that does not know some kind of type says no more than that something is wrong. */
static long upload_older(struct ua_object *obj, struct btf *btf)
{
	uint32_t id = int_type(btf);
	int err = id ? btf_make_older(btf, id) : -ENOMEM;

	log_debug("uarena: object %s: section .BTF: refused, once more as older kernels know it\n",
		  obj->name);
	return err ? err : upload(obj, btf);
}

int load_btf(struct ua_object *obj)
{
	const union bpf_attr none = {0};
	struct btf *btf;
	long fd;

	if (!obj->btf)
		return 0;
	UA_TRY(sanitize(obj, &btf));
	fd = upload(obj, btf);
	if (fd == -EINVAL)
		fd = upload_older(obj, btf);
	btf__free(btf);
	if (fd < 0) {
		object_fail(obj, fd, "section .BTF: refused: %s", strerror(-fd));
		object_advise(obj, BPF_BTF_LOAD, &none, fd);
		return fd;
	}
	obj->btf_fd = fd;
	return 0;
}

/* -- Programs ------------------------------------------------------------- */

static const char *prog_name(const struct ua_program *prog)
{
	return prog->obj->funcs[prog->func].name;
}

static int prog_fail(const struct ua_program *prog, long err, const char *what)
{
	return object_fail(prog->obj, err, "section %s: program %s: %s", prog->section,
			   prog_name(prog), what);
}

/* The kernel function, type or tracepoint that a tracing program names. */
static int find_attach_btf(struct ua_program *prog, struct btf *kernel)
{
	static const struct {
		uint32_t attach_type, kind;
		const char *prefix;
	} forms[] = {
		{BPF_TRACE_RAW_TP, BTF_KIND_TYPEDEF, "btf_trace_"},
		{BPF_TRACE_ITER, BTF_KIND_FUNC, "bpf_iter_"},
		{BPF_LSM_MAC, BTF_KIND_FUNC, "bpf_lsm_"},
		{43, BTF_KIND_FUNC, "bpf_lsm_"},
		{0, BTF_KIND_FUNC, ""},
	};
	char name[128];
	size_t f = 0;

	if (!prog->attach_to)
		return prog_fail(prog, -EINVAL, "the section does not say what it attaches to");
	while (forms[f].attach_type && forms[f].attach_type != prog->attach_type)
		f++;
	snprintf(name, sizeof(name), "%s%s", forms[f].prefix, prog->attach_to);
	prog->attach_btf_id = kernel ? btf_find(kernel, name, forms[f].kind) : 0;
	if (!prog->attach_btf_id)
		return object_fail(prog->obj, -ESRCH,
				   "section %s: program %s: the kernel has no %s", prog->section,
				   prog_name(prog), name);
	return 0;
}

static void fill_attr(const struct ua_program *prog, const struct linked *code,
		      union bpf_attr *attr)
{
	const struct ua_object *obj = prog->obj;

	memset(attr, 0, sizeof(*attr));
	attr->prog_type = prog->type;
	attr->insn_cnt = code->n;
	attr->insns = (uintptr_t)code->insns;
	attr->license = (uintptr_t)(obj->license ? obj->license : "");
	attr->kern_version = obj->kern_version;
	attr->prog_flags = prog->flags;
	attr->expected_attach_type = prog->attach_type;
	attr->attach_btf_id = prog->attach_btf_id;
	snprintf(attr->prog_name, sizeof(attr->prog_name), "%s", prog_name(prog));
	if (obj->btf_fd < 0 || !code->n_func_info)
		return;
	attr->prog_btf_fd = obj->btf_fd;
	attr->func_info_rec_size = sizeof(*code->func_info);
	attr->func_info = (uintptr_t)code->func_info;
	attr->func_info_cnt = code->n_func_info;
	if (!code->n_line_info)
		return;
	attr->line_info_rec_size = sizeof(*code->line_info);
	attr->line_info = (uintptr_t)code->line_info;
	attr->line_info_cnt = code->n_line_info;
}

/* The end of the log, as much as goes into `size` bytes, comes back in *log, to be freed. */
static long load_logged(const struct ua_program *prog, union bpf_attr *attr, uint32_t level,
			uint32_t size, char **log)
{
	*log = mem_zalloc(size);
	UA_FAIL_IF(!*log, -ENOMEM);
	attr->log_buf = (uintptr_t)*log;
	attr->log_size = size;
	attr->log_level = level;
	return kernel_bpf(prog->obj->k, BPF_PROG_LOAD, attr, sizeof(*attr));
}

/* Calls of helpers that nobody knows stand for what the loader did not find. */
static void explain_call(const struct ua_program *prog, const char *log)
{
	static const char unknown[] = "invalid func unknown#";
	const char *at = strstr(log, unknown);
	long number = at ? strtol(at + sizeof(unknown) - 1, NULL, 10) : 0;

	if (number && !core_explain_call(prog->obj, number))
		link_explain_call(prog, number);
}

static void print_log(const struct ua_program *prog, long fd, char *log)
{
	if (log && *log)
		log_print(fd < 0 ? LOG_WARN : LOG_INFO,
			  "uarena: object %s: program %s: verifier log:\n%s", prog->obj->name,
			  prog_name(prog), log);
	if (log)
		explain_call(prog, log);
	mem_free(log);
}

/* The whole log, for those who asked for it. */
static long load_with_log(const struct ua_program *prog, union bpf_attr *attr, uint32_t level)
{
	char *log;
	long fd = load_logged(prog, attr, level, LOG_FIRST, &log);

	if (fd == -ENOSPC) {
		mem_free(log);
		fd = load_logged(prog, attr, level, min_t(uint32_t, attr->log_true_size, LOG_LIMIT),
				 &log);
	}
	print_log(prog, fd, log);
	return fd;
}

static long load_silent(const struct ua_program *prog, union bpf_attr *attr)
{
	attr->log_buf = 0;
	attr->log_size = attr->log_level = 0;
	return kernel_bpf(prog->obj->k, BPF_PROG_LOAD, attr, sizeof(*attr));
}

/* Is the log of the verifier's steps worth a second load? Up to a million take long to write. */
static bool few_steps(const char *log)
{
	static const char count[] = "processed ";
	const char *at = strstr(log, count);

	return !at || strtoull(at + sizeof(count) - 1, NULL, 10) <= STEPS_SHOWN;
}

/*
 * A program that is refused after not too many steps is loaded once more, for their log, whose
 * end says how the verifier got there. -ENOSPC tells of a log that lost its beginning, not of the
 * program.
 */
static long load_or_explain(const struct ua_program *prog, union bpf_attr *attr)
{
	char *log;
	long fd = load_logged(prog, attr, LOG_STATS, LOG_FIRST, &log), again;

	if (fd == -ENOSPC)
		fd = load_silent(prog, attr);
	if (fd < 0 && log && few_steps(log)) {
		mem_free(log);
		again = load_logged(prog, attr, LOG_STEPS, LOG_FIRST, &log);
		fd = again == -ENOSPC ? fd : again;
	}
	if (fd < 0)
		print_log(prog, fd, log);
	else
		mem_free(log);
	return fd;
}

static int load_linked(struct ua_program *prog, const struct linked *code)
{
	uint32_t level = prog->obj->log_level;
	union bpf_attr attr;
	long fd;

	fill_attr(prog, code, &attr);
	fd = level ? load_with_log(prog, &attr, level) : load_or_explain(prog, &attr);
	if (fd < 0) {
		object_fail(prog->obj, fd, "section %s: program %s: refused: %s", prog->section,
			    prog_name(prog), fd == -ENOTSUPP ? "not supported" : strerror(-fd));
		object_advise(prog->obj, BPF_PROG_LOAD, &attr, fd);
		return fd;
	}
	prog->fd = fd;
	return 0;
}

static int load_program(struct ua_program *prog, struct btf *kernel)
{
	struct linked code;
	int err;

	if (!prog->def)
		return prog_fail(prog, -EINVAL,
				 "the section name does not say what kind of program it is");
	if (prog->needs_struct_ops && !prog->attach_btf_id)
		return prog_fail(prog, -EINVAL, "not a member of any struct_ops variable");
	if ((prog->def->flags & SEC_ATTACH_BTF) && !prog->attach_btf_id)
		UA_TRY(find_attach_btf(prog, kernel));
	UA_TRY(link_program(prog, kernel, &code));
	err = load_linked(prog, &code);
	linked_free(&code);
	return err;
}

static int load_programs(struct ua_object *obj, struct btf *kernel)
{
	for (size_t i = 0; i < obj->n_progs; i++)
		if (obj->progs[i]->autoload)
			UA_TRY(load_program(obj->progs[i], kernel));
	return 0;
}

/* -- All ------------------------------------------------------------------ */

static int load_all(struct ua_object *obj)
{
	struct btf *kernel = obj->k->ops->vmlinux_btf(obj->k);

	globals_fill_enums(obj, kernel);
	UA_TRY(load_externs(obj, kernel));
	UA_TRY(load_struct_ops(obj, kernel));
	UA_TRY(load_btf(obj));
	UA_TRY(load_maps(obj));
	UA_TRY(load_programs(obj, kernel));
	return load_map_slots(obj);
}

static void unload(struct ua_object *obj)
{
	for (size_t i = 0; i < obj->n_progs; i++) {
		if (obj->progs[i]->fd >= 0)
			obj->k->ops->close(obj->k, obj->progs[i]->fd);
		obj->progs[i]->fd = -1;
	}
	for (size_t i = 0; i < obj->n_maps; i++)
		map_unload(obj->maps[i]);
	if (obj->btf_fd >= 0)
		obj->k->ops->close(obj->k, obj->btf_fd);
	obj->btf_fd = -1;
}

int object_load(struct ua_object *obj)
{
	int err;

	if (obj->loaded)
		return object_fail(obj, -EINVAL, "already loaded");
	obj->loaded = true; /* a failed load cannot be repeated: addresses of data are gone */
	err = load_all(obj);
	if (err)
		unload(obj);
	return err;
}

void object_free(struct ua_object *obj)
{
	unload(obj);
	for (size_t i = 0; i < obj->n_progs; i++)
		mem_free(obj->progs[i]);
	for (size_t i = 0; i < obj->n_maps; i++) {
		st_ops_free(obj->maps[i]);
		mem_free(obj->maps[i]->inner);
		mem_free(obj->maps[i]->slots);
		mem_free(obj->maps[i]->name);
		mem_free(obj->maps[i]);
	}
	for (size_t i = 0; i < obj->n_funcs; i++)
		mem_free(obj->funcs[i].insns);
	for (size_t i = 0; i < obj->n_code; i++) {
		mem_free(obj->code[i].relocs);
		mem_free(obj->code[i].core);
		mem_free(obj->code[i].func_info);
		mem_free(obj->code[i].line_info);
	}
	core_cache_free(obj);
	mem_free(obj->poisons);
	btf__free(obj->btf);
	elf_release(&obj->elf);
	mem_free(obj->progs);
	mem_free(obj->maps);
	mem_free(obj->funcs);
	mem_free(obj->code);
	mem_free(obj->exts);
	mem_free(obj->arena_init);
	mem_free(obj->license);
	mem_free(obj->name);
	mem_free(obj);
}
