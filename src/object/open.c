/* SPDX-License-Identifier: BSD-2-Clause */
/* From a file to sections, functions and programs. Nothing is created in the kernel yet. */
#include "object/object.h"
#include "kernel/advice.h"

/* No program is longer, whatever its subprograms (BPF_COMPLEXITY_LIMIT_INSNS). */
#define MAX_SECTION_INSNS BPF_COMPLEXITY_LIMIT_INSNS

int object_fail(const struct ua_object *obj, int err, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	log_warn("uarena: object %s: %s\n", obj->name, text);
	return err;
}

void object_advise(const struct ua_object *obj, int cmd, const union bpf_attr *attr, long err)
{
	const char *text = kernel_advise(obj->k, cmd, attr, err);

	if (text)
		log_warn("uarena: %s\n", text);
}

const char *object_sec_name(const struct ua_object *obj, uint32_t sec)
{
	return sec < obj->elf.n_secs ? obj->elf.secs[sec].name : "?";
}

struct code_sec *object_code_sec(struct ua_object *obj, uint32_t sec)
{
	size_t lo = 0, hi = obj->n_code;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (obj->code[mid].sec < sec)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < obj->n_code && obj->code[lo].sec == sec ? &obj->code[lo] : NULL;
}

size_t page_align(size_t n)
{
	return (n + 4095) & ~(size_t)4095;
}

/* -- Functions ------------------------------------------------------------ */

static int compare_func(const void *a, const void *b)
{
	const struct func *x = a, *y = b;

	if (x->sec != y->sec)
		return x->sec < y->sec ? -1 : 1;
	return x->start < y->start ? -1 : x->start > y->start;
}

struct func *object_func_at(const struct ua_object *obj, uint32_t sec, uint32_t insn)
{
	size_t lo = 0, hi = obj->n_funcs;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		struct func *f = &obj->funcs[mid];

		if (f->sec < sec || (f->sec == sec && f->start + f->n <= insn))
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == obj->n_funcs || obj->funcs[lo].sec != sec || obj->funcs[lo].start > insn)
		return NULL;
	return &obj->funcs[lo];
}

static int add_func(struct ua_object *obj, const struct elf_sym *sym)
{
	const struct elf_sec *sec = &obj->elf.secs[sym->sec];

	if (!sym->size || sym->value % sizeof(struct bpf_insn) ||
	    sym->size % sizeof(struct bpf_insn))
		return object_fail(obj, -EINVAL,
				   "section %s: function %s is not a whole number of instructions",
				   sec->name, sym->name);
	UA_TRY(UA_GROW(&obj->funcs, &obj->cap_funcs, obj->n_funcs + 1));
	obj->funcs[obj->n_funcs++] = (struct func){
		.name = sym->name,
		.sec = sym->sec,
		.start = sym->value / sizeof(struct bpf_insn),
		.n = sym->size / sizeof(struct bpf_insn),
		.bind = sym->bind,
		.vis = sym->vis,
	};
	return 0;
}

static int check_funcs(const struct ua_object *obj)
{
	for (size_t i = 1; i < obj->n_funcs; i++) {
		const struct func *a = &obj->funcs[i - 1], *b = &obj->funcs[i];

		if (a->sec == b->sec && a->start + a->n > b->start)
			return object_fail(obj, -EINVAL, "section %s: functions %s and %s overlap",
					   object_sec_name(obj, a->sec), a->name, b->name);
	}
	return 0;
}

static int open_functions(struct ua_object *obj)
{
	const struct elf_file *elf = &obj->elf;

	for (uint32_t i = 0; i < elf->n_syms; i++) {
		const struct elf_sym *sym = &elf->syms[i];

		if (sym->type == STT_FUNC && sym->sec && sym->sec < elf->n_secs &&
		    object_code_sec(obj, sym->sec))
			UA_TRY(add_func(obj, sym));
	}
	if (obj->n_funcs)
		qsort(obj->funcs, obj->n_funcs, sizeof(*obj->funcs), compare_func);
	return check_funcs(obj);
}

/* -- Programs ------------------------------------------------------------- */

static int add_program(struct ua_object *obj, uint32_t func)
{
	struct ua_program *prog = mem_zalloc(sizeof(*prog));

	UA_FAIL_IF(!prog, -ENOMEM);
	prog->obj = obj;
	prog->func = func;
	prog->fd = -1;
	sec_parse(object_sec_name(obj, obj->funcs[func].sec), prog);
	if (UA_GROW(&obj->progs, &obj->cap_progs, obj->n_progs + 1)) {
		mem_free(prog);
		return -ENOMEM;
	}
	obj->progs[obj->n_progs++] = prog;
	return 0;
}

/* Programs are the global functions outside .text; anything else is called by one. */
static int open_programs(struct ua_object *obj)
{
	for (size_t i = 0; i < obj->n_funcs; i++) {
		const struct func *f = &obj->funcs[i];

		if (strcmp(object_sec_name(obj, f->sec), ".text") && f->bind != STB_LOCAL)
			UA_TRY(add_program(obj, i));
	}
	return 0;
}

/* -- Sections ------------------------------------------------------------- */

static int add_code_section(struct ua_object *obj, uint32_t i)
{
	const struct elf_sec *sec = &obj->elf.secs[i];

	if (sec->size % sizeof(struct bpf_insn) ||
	    sec->size / sizeof(struct bpf_insn) > MAX_SECTION_INSNS)
		return object_fail(obj, -EINVAL,
				   "section %s: %llu bytes are not a whole number of instructions",
				   sec->name, (unsigned long long)sec->size);
	UA_TRY(UA_GROW(&obj->code, &obj->cap_code, obj->n_code + 1));
	obj->code[obj->n_code++] = (struct code_sec){.sec = i};
	return 0;
}

static int open_license(struct ua_object *obj, const struct elf_sec *sec)
{
	if (!sec->data || !sec->size || obj->license)
		return object_fail(obj, -EINVAL, "section license: ill-formed or repeated");
	obj->license = mem_zalloc(sec->size + 1);
	UA_FAIL_IF(!obj->license, -ENOMEM);
	memcpy(obj->license, sec->data, sec->size);
	return 0;
}

static int open_version(struct ua_object *obj, const struct elf_sec *sec)
{
	if (!sec->data || sec->size != sizeof(obj->kern_version))
		return object_fail(obj, -EINVAL, "section version: not a 32-bit number");
	memcpy(&obj->kern_version, sec->data, sizeof(obj->kern_version));
	return 0;
}

static int open_sections(struct ua_object *obj)
{
	for (uint32_t i = 1; i < obj->elf.n_secs; i++) {
		const struct elf_sec *sec = &obj->elf.secs[i];

		if (elf_is_code(sec) && sec->size)
			UA_TRY(add_code_section(obj, i));
		else if (!strcmp(sec->name, "license"))
			UA_TRY(open_license(obj, sec));
		else if (!strcmp(sec->name, "version"))
			UA_TRY(open_version(obj, sec));
		else if (!strcmp(sec->name, "maps"))
			return object_fail(obj, -ENOTSUP,
					   "section maps: old-style definitions; use .maps");
	}
	return 0;
}

/* -- BTF ------------------------------------------------------------------ */

static int compare_secinfo(const void *a, const void *b)
{
	const struct btf_var_secinfo *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/*
 * clang leaves sizes and offsets of sections to relocations; take them from the symbols. A
 * hidden variable belongs to this object alone, which BTF expresses as static.
 */
static int complete_var(struct ua_object *obj, struct btf_var_secinfo *v, uint32_t sec, bool offset)
{
	struct btf_type *var = (struct btf_type *)btf__type_by_id(obj->btf, v->type);
	const char *name = btf_name(obj->btf, var->name_off);
	const struct elf_sym *sym = elf_find_symbol(&obj->elf, name, sec);

	if (!sym || sym->sec != sec) {
		if (offset)
			return object_fail(obj, -EINVAL, "section %s: no symbol for variable %s",
					   object_sec_name(obj, sec), name);
		return 0;
	}
	if (offset)
		v->offset = sym->value;
	if (btf_is_var(var) && (sym->vis == STV_HIDDEN || sym->vis == STV_INTERNAL))
		btf_var(var)->linkage = BTF_VAR_STATIC;
	return 0;
}

static int complete_datasec(struct ua_object *obj, uint32_t id)
{
	struct btf_type *t = (struct btf_type *)btf__type_by_id(obj->btf, id);
	struct btf_var_secinfo *v = btf_var_secinfos(t);
	const char *name = btf_name(obj->btf, t->name_off);
	uint32_t sec = elf_find_section(&obj->elf, name);
	bool incomplete = !t->size;

	if (!sec) /* .ksyms and .kconfig have no section */
		return 0;
	if (incomplete)
		t->size = min_t(uint64_t, obj->elf.secs[sec].size, UINT32_MAX);
	for (uint32_t i = 0; i < btf_vlen(t); i++)
		UA_TRY(complete_var(obj, &v[i], sec, incomplete));
	if (btf_vlen(t))
		qsort(v, btf_vlen(t), sizeof(*v), compare_secinfo);
	for (uint32_t i = 0; i < btf_vlen(t); i++)
		if ((uint64_t)v[i].offset + v[i].size > obj->elf.secs[sec].size)
			return object_fail(obj, -EINVAL, "section %s: variable %s lies outside",
					   name, btf_type_name(obj->btf, v[i].type));
	return 0;
}

static int open_btf(struct ua_object *obj)
{
	uint32_t sec = elf_find_section(&obj->elf, ".BTF"), n;
	void *copy;
	int err;

	if (!sec || !obj->elf.secs[sec].data)
		return 0;
	copy = mem_dup(obj->elf.secs[sec].data, obj->elf.secs[sec].size);
	UA_FAIL_IF(!copy, -ENOMEM);
	err = btf_load(copy, obj->elf.secs[sec].size, &obj->btf);
	mem_free(copy);
	if (err)
		return object_fail(obj, err, "section .BTF: ill-formed");
	n = btf__type_cnt(obj->btf);
	for (uint32_t id = 1; id < n; id++)
		if (btf_is_datasec(btf__type_by_id(obj->btf, id)))
			UA_TRY(complete_datasec(obj, id));
	return open_btf_ext(obj);
}

/* A hidden function is verified with each caller, as if it were static. */
static void hide_functions(struct ua_object *obj)
{
	for (size_t i = 0; i < obj->n_funcs; i++) {
		const struct func *f = &obj->funcs[i];
		struct btf_type *t;
		uint32_t id;

		if (f->vis != STV_HIDDEN && f->vis != STV_INTERNAL)
			continue;
		id = btf_find(obj->btf, f->name, BTF_KIND_FUNC);
		if (!id)
			continue;
		t = (struct btf_type *)btf__type_by_id(obj->btf, id);
		t->info = (t->info & ~0xffffu) | BTF_FUNC_STATIC;
	}
}

int open_object(struct ua_object *obj, const void *buf, size_t size)
{
	UA_TRY(elf_read(&obj->elf, obj->name, buf, size));
	UA_TRY(open_sections(obj));
	UA_TRY(open_functions(obj));
	UA_TRY(open_programs(obj));
	UA_TRY(open_btf(obj));
	if (obj->btf)
		hide_functions(obj);
	UA_TRY(open_maps(obj));
	UA_TRY(open_externs(obj));
	UA_TRY(open_struct_ops(obj));
	return open_relocs(obj);
}
