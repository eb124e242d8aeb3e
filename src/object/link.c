/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One instruction array per program: its function, then every function it calls, each once.
 *
 * A function's own copy has everything resolved that does not depend on where the function
 * ends up; calls and addresses of functions are resolved in the program's array.
 */
#include "object/object.h"

/* imm of calls that lead nowhere; the verifier's message then names an unknown function. */
#define CALL_UNRESOLVED 2002000000

struct linker {
	struct ua_object *obj;
	struct btf *kernel;
	struct ua_program *prog;
	struct linked *out;
	uint32_t *at;	 /* start of each function in the array, UINT32_MAX not yet */
	uint32_t *order; /* functions in the order they were appended */
	size_t n_order;
};

/* -- Records of a section that belong to a function ----------------------- */

static size_t first_reloc(const struct code_sec *code, uint32_t insn)
{
	size_t lo = 0, hi = code->n_relocs;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (code->relocs[mid].insn < insn)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static const struct reloc *reloc_at(const struct code_sec *code, uint32_t insn)
{
	size_t i = first_reloc(code, insn);

	return i < code->n_relocs && code->relocs[i].insn == insn ? &code->relocs[i] : NULL;
}

/* -- A function's own copy ------------------------------------------------ */

static int unresolved(const struct ua_object *obj, const struct func *func, const struct ext *ext)
{
	if (ext->kind == EXT_KCONFIG)
		return object_fail(obj, -EINVAL,
				   "section %s: function %s: extern %s: no such kernel "
				   "configuration value",
				   object_sec_name(obj, func->sec), func->name, ext->name);
	return object_fail(obj, -ESRCH, "section %s: function %s: extern %s: %s",
			   object_sec_name(obj, func->sec), func->name, ext->name,
			   !ext->typed	  ? "the kernel's addresses are not known"
			   : ext->is_func ? "no such kfunc"
					  : "no such kernel variable");
}

static struct ua_map *kconfig_map(const struct ua_object *obj)
{
	for (size_t i = 0; i < obj->n_maps; i++)
		if (obj->maps[i]->role == MAP_KCONFIG)
			return obj->maps[i];
	return NULL;
}

static void set_imm64(struct bpf_insn *insn, uint8_t src, uint32_t lo, uint32_t hi)
{
	insn[0].src_reg = src;
	insn[0].imm = lo;
	insn[1].imm = hi;
}

static int relocate_extern(const struct ua_object *obj, const struct func *func,
			   const struct ext *ext, struct bpf_insn *insn)
{
	if (!ext->resolved && !ext->weak)
		return unresolved(obj, func, ext);
	if (ext->kind == EXT_KCONFIG)
		set_imm64(insn, BPF_PSEUDO_MAP_VALUE, kconfig_map(obj)->fd, ext->off);
	else if (ext->resolved)
		set_imm64(insn, BPF_PSEUDO_BTF_ID, ext->kernel_id, 0);
	else
		set_imm64(insn, 0, 0, 0);
	return 0;
}

static int relocate_call(const struct ua_object *obj, const struct func *func,
			 const struct ext *ext, uint32_t index, struct bpf_insn *insn)
{
	if (ext->resolved) {
		insn->src_reg = BPF_PSEUDO_KFUNC_CALL;
		insn->off = 0;
		insn->imm = ext->kernel_id;
		return 0;
	}
	if (!ext->weak)
		return unresolved(obj, func, ext);
	*insn = (struct bpf_insn){.code = BPF_JMP | BPF_CALL, .imm = CALL_UNRESOLVED + index};
	return 0;
}

bool link_explain_call(const struct ua_program *prog, long number)
{
	const struct ua_object *obj = prog->obj;
	long index = number - CALL_UNRESOLVED;

	if (index < 0 || (size_t)index >= obj->n_exts)
		return false;
	object_fail(obj, 0,
		    "section %s: program %s: calls %s, which does not exist: check for it with "
		    "bpf_ksym_exists()",
		    prog->section, obj->funcs[prog->func].name, obj->exts[index].name);
	return true;
}

static void relocate_data(const struct ua_object *obj, const struct reloc *rel,
			  struct bpf_insn *insn)
{
	if (rel->target == UINT32_MAX)
		set_imm64(insn, BPF_PSEUDO_MAP_VALUE, obj->arena->fd, obj->arena_off + rel->addend);
	else
		set_imm64(insn, BPF_PSEUDO_MAP_VALUE, obj->maps[rel->target]->fd, rel->addend);
}

static int relocate(struct ua_object *obj, struct func *func, const struct reloc *rel)
{
	struct bpf_insn *insn = &func->insns[rel->insn - func->start];

	if (insn_is_ldimm64(insn) && rel->insn + 1 >= func->start + func->n)
		return object_fail(obj, -EINVAL,
				   "section %s: function %s: last instruction is cut off",
				   object_sec_name(obj, func->sec), func->name);
	switch (rel->kind) {
	case RELOC_MAP:
		set_imm64(insn, BPF_PSEUDO_MAP_FD, obj->maps[rel->target]->fd, 0);
		return 0;
	case RELOC_DATA:
		relocate_data(obj, rel, insn);
		return 0;
	case RELOC_EXTERN:
		return relocate_extern(obj, func, &obj->exts[rel->target], insn);
	case RELOC_CALL_EXT:
		return relocate_call(obj, func, &obj->exts[rel->target], rel->target, insn);
	default:
		return 0;
	}
}

static int prepare(struct linker *ln, struct func *func)
{
	struct ua_object *obj = ln->obj;
	struct code_sec *code = object_code_sec(obj, func->sec);
	const uint8_t *data = obj->elf.secs[func->sec].data;
	uint32_t end = func->start + func->n;

	if (func->insns)
		return 0;
	func->insns = mem_dup(data + func->start * sizeof(struct bpf_insn),
			      func->n * sizeof(struct bpf_insn));
	UA_FAIL_IF(!func->insns, -ENOMEM);
	for (size_t i = first_reloc(code, func->start);
	     i < code->n_relocs && code->relocs[i].insn < end; i++)
		UA_TRY(relocate(obj, func, &code->relocs[i]));
	for (size_t i = 0; i < code->n_core; i++)
		if (code->core[i].insn >= func->start && code->core[i].insn < end)
			UA_TRY(core_apply(obj, ln->kernel, func, &code->core[i]));
	return 0;
}

/* -- Appending ------------------------------------------------------------ */

static int append_info(struct linker *ln, const struct func *func, uint32_t at)
{
	const struct code_sec *code = object_code_sec(ln->obj, func->sec);
	struct linked *out = ln->out;
	uint32_t end = func->start + func->n;

	for (size_t i = 0; i < code->n_func_info; i++) {
		const struct bpf_func_info *info = &code->func_info[i];

		if (info->insn_off != func->start)
			continue;
		UA_TRY(UA_GROW(&out->func_info, &out->cap_func_info, out->n_func_info + 1));
		out->func_info[out->n_func_info++] = (struct bpf_func_info){at, info->type_id};
		break;
	}
	for (size_t i = 0; i < code->n_line_info; i++) {
		struct bpf_line_info info = code->line_info[i];

		if (info.insn_off < func->start || info.insn_off >= end)
			continue;
		info.insn_off += at - func->start;
		UA_TRY(UA_GROW(&out->line_info, &out->cap_line_info, out->n_line_info + 1));
		out->line_info[out->n_line_info++] = info;
	}
	return 0;
}

static int append(struct linker *ln, uint32_t index)
{
	struct func *func = &ln->obj->funcs[index];
	struct linked *out = ln->out;
	uint32_t at = out->n;

	if (ln->at[index] != UINT32_MAX)
		return 0;
	if (func->n > BPF_COMPLEXITY_LIMIT_INSNS - out->n)
		return object_fail(ln->obj, -E2BIG, "program %s: more than %d instructions",
				   ln->obj->funcs[ln->prog->func].name, BPF_COMPLEXITY_LIMIT_INSNS);
	UA_TRY(prepare(ln, func));
	UA_TRY(UA_GROW(&out->insns, &out->cap, out->n + func->n));
	memcpy(out->insns + at, func->insns, func->n * sizeof(*out->insns));
	out->n += func->n;
	ln->at[index] = at;
	ln->order[ln->n_order++] = index;
	return append_info(ln, func, at);
}

/* The function that instruction i of `func` calls or takes the address of; -1 none. */
static int callee_of(struct linker *ln, const struct func *func, uint32_t i, int64_t *out)
{
	const struct bpf_insn *insn = &func->insns[i];
	const struct reloc *rel = reloc_at(object_code_sec(ln->obj, func->sec), func->start + i);
	const struct func *callee;
	int64_t target;

	*out = -1;
	if (rel && (rel->kind == RELOC_CALL || rel->kind == RELOC_FUNC_ADDR)) {
		*out = rel->target;
		return 0;
	}
	if (rel || insn->code != (BPF_JMP | BPF_CALL) || insn->src_reg != BPF_PSEUDO_CALL)
		return 0;
	/* A call within the section that the assembler resolved. */
	target = (int64_t)func->start + i + insn->imm + 1;
	callee = target < 0 || target > UINT32_MAX ? NULL
						   : object_func_at(ln->obj, func->sec, target);
	if (!callee || callee->start != target)
		return object_fail(
			ln->obj, -EINVAL,
			"section %s: function %s: instruction %u calls the middle of nowhere",
			object_sec_name(ln->obj, func->sec), func->name, i);
	*out = callee - ln->obj->funcs;
	return 0;
}

static int append_callees(struct linker *ln, const struct func *func)
{
	uint32_t at = ln->at[func - ln->obj->funcs];

	for (uint32_t i = 0; i < func->n; i++) {
		int64_t callee;
		struct bpf_insn *insn;

		UA_TRY(callee_of(ln, func, i, &callee));
		if (callee >= 0) {
			UA_TRY(append(ln, callee));
			insn = &ln->out->insns[at + i];
			insn->imm = (int64_t)ln->at[callee] - (at + i) - 1;
			if (insn_is_ldimm64(insn))
				set_imm64(insn, BPF_PSEUDO_FUNC, insn->imm, 0);
		}
		i += insn_is_ldimm64(&func->insns[i]);
	}
	return 0;
}

/* Linux wants both or neither, and the program's own function first. */
static void check_info(struct linker *ln)
{
	struct linked *out = ln->out;

	if (out->n_func_info != ln->n_order) {
		out->n_func_info = 0;
		out->n_line_info = 0;
	}
}

static int link_all(struct linker *ln)
{
	UA_TRY(append(ln, ln->prog->func));
	for (size_t i = 0; i < ln->n_order; i++)
		UA_TRY(append_callees(ln, &ln->obj->funcs[ln->order[i]]));
	check_info(ln);
	return 0;
}

int link_program(struct ua_program *prog, struct btf *kernel_btf, struct linked *out)
{
	struct ua_object *obj = prog->obj;
	struct linker ln = {.obj = obj, .kernel = kernel_btf, .prog = prog, .out = out};
	int err = -ENOMEM;

	*out = (struct linked){0};
	ln.at = mem_calloc(obj->n_funcs, sizeof(*ln.at));
	ln.order = mem_calloc(obj->n_funcs, sizeof(*ln.order));
	if (ln.at && ln.order) {
		memset(ln.at, 0xff, obj->n_funcs * sizeof(*ln.at));
		err = link_all(&ln);
	}
	mem_free(ln.at);
	mem_free(ln.order);
	if (err)
		linked_free(out);
	return err;
}

void linked_free(struct linked *out)
{
	mem_free(out->insns);
	mem_free(out->func_info);
	mem_free(out->line_info);
	*out = (struct linked){0};
}
