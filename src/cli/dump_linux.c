/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uarena dump --on linux: what the live kernel made of a program, from BPF_OBJ_GET_INFO_BY_FD.
 * Calls in the rewritten program are distances from a symbol of the kernel; their names come
 * from /proc/kallsyms.
 */
#include "cli/cli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/disasm.h"
#include "jit/jit.h"
#include "kernel/handle.h"
#include "object/object.h"

/* -- Symbols ------------------------------------------------------------------ */

struct symbol {
	uint64_t addr;
	char name[64];
};

struct symbols {
	struct symbol *list;
	size_t n, cap;
	uint64_t call_base; /* 0: the kernel hides its addresses */
};

static void symbols_read(struct symbols *s)
{
	FILE *f = fopen("/proc/kallsyms", "r");
	struct symbol sym;
	char line[512];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%" SCNx64 " %*c %63s", &sym.addr, sym.name) != 2 || !sym.addr)
			continue;
		if (!strcmp(sym.name, "__bpf_call_base"))
			s->call_base = sym.addr;
		if (UA_GROW(&s->list, &s->cap, s->n + 1))
			break;
		s->list[s->n++] = sym;
	}
	if (f)
		fclose(f);
}

static const char *symbol_at(const struct symbols *s, uint64_t addr)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->list[i].addr == addr)
			return s->list[i].name;
	return NULL;
}

/* -- What the kernel tells ---------------------------------------------------- */

struct told {
	const struct btf *btf; /* the object's */
	struct bpf_prog_info info;
	struct bpf_insn *insns;
	uint8_t *native;
	uint64_t *ksyms, *native_lines;
	uint32_t *lens;
	struct bpf_func_info *funcs;
	struct bpf_line_info *lines;
	uint32_t n_insns, n_funcs, n_lines, n_parts;
	struct symbols symbols;
};

static void *array(uint64_t *to, uint32_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);

	*to = (uintptr_t)p;
	return p;
}

static int get_info(struct cli_session *s, int fd, struct bpf_prog_info *info)
{
	union bpf_attr attr = {.info = {.bpf_fd = (uint32_t)fd,
					.info_len = sizeof(*info),
					.info = (uintptr_t)info}};

	return (int)kernel_bpf(s->engine->kernel, BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr));
}

/* Once for the sizes, once more for what they are the sizes of. */
static int ask(struct cli_session *s, int fd, struct told *t)
{
	struct bpf_prog_info sizes = {0}, *i = &t->info;
	int err = get_info(s, fd, &sizes);

	if (err)
		return err;
	i->xlated_prog_len = sizes.xlated_prog_len;
	i->jited_prog_len = sizes.jited_prog_len;
	i->nr_jited_ksyms = sizes.nr_jited_ksyms;
	i->nr_jited_func_lens = sizes.nr_jited_func_lens;
	i->nr_func_info = sizes.nr_func_info;
	i->nr_line_info = sizes.nr_line_info;
	i->nr_jited_line_info = sizes.nr_jited_line_info;
	i->func_info_rec_size = sizeof(*t->funcs);
	i->line_info_rec_size = sizeof(*t->lines);
	i->jited_line_info_rec_size = sizeof(*t->native_lines);
	t->insns = array(&i->xlated_prog_insns, sizes.xlated_prog_len + 8, 1);
	t->native = array(&i->jited_prog_insns, sizes.jited_prog_len, 1);
	t->ksyms = array(&i->jited_ksyms, sizes.nr_jited_ksyms, sizeof(*t->ksyms));
	t->lens = array(&i->jited_func_lens, sizes.nr_jited_func_lens, sizeof(*t->lens));
	t->funcs = array(&i->func_info, sizes.nr_func_info, sizeof(*t->funcs));
	t->lines = array(&i->line_info, sizes.nr_line_info, sizeof(*t->lines));
	t->native_lines =
		array(&i->jited_line_info, sizes.nr_jited_line_info, sizeof(*t->native_lines));
	if (!t->insns || !t->native || !t->ksyms || !t->lens || !t->funcs || !t->lines ||
	    !t->native_lines)
		return -ENOMEM;
	err = get_info(s, fd, i);
	t->n_insns = i->xlated_prog_insns ? i->xlated_prog_len / (uint32_t)sizeof(*t->insns) : 0;
	t->n_funcs = i->nr_func_info;
	t->n_lines = i->nr_line_info;
	t->n_parts = i->jited_prog_insns ? i->nr_jited_func_lens : 0;
	return err;
}

static void told_free(struct told *t)
{
	free(t->insns);
	free(t->native);
	free(t->ksyms);
	free(t->lens);
	free(t->funcs);
	free(t->lines);
	free(t->native_lines);
	mem_free(t->symbols.list);
}

/* -- Printing ------------------------------------------------------------------- */

static const char *func_name(const struct told *t, uint32_t i)
{
	const struct btf_type *type =
		i < t->n_funcs ? btf__type_by_id(t->btf, t->funcs[i].type_id) : NULL;

	return type ? btf_name(t->btf, type->name_off) : t->info.name;
}

static void print_line(const struct told *t, uint32_t i)
{
	const char *text = btf_name(t->btf, t->lines[i].line_off);
	const char *file = btf_name(t->btf, t->lines[i].file_name_off);

	printf("; %s @ %s:%u\n", text + strspn(text, " \t"), *file ? file : "?",
	       t->lines[i].line_col >> 10);
}

static const char *call_name(void *arg, const struct bpf_insn *insn, char *buf, size_t size)
{
	const struct told *t = arg;

	if (insn->src_reg == BPF_PSEUDO_CALL) { /* off: the distance, imm: which function */
		snprintf(buf, size, "%+d#%s", insn->off, func_name(t, (uint32_t)insn->imm));
		return buf;
	}
	return t->symbols.call_base
		       ? symbol_at(&t->symbols, t->symbols.call_base + (uint64_t)(int64_t)insn->imm)
		       : "unknown";
}

static const char *imm_text(void *arg, const struct bpf_insn *insn, uint64_t imm, char *buf,
			    size_t size)
{
	if (insn->src_reg == BPF_PSEUDO_MAP_FD)
		snprintf(buf, size, "map[id:%d]", insn->imm);
	else if (insn->src_reg == BPF_PSEUDO_MAP_VALUE)
		snprintf(buf, size, "map[id:%d][0]+%d", insn->imm, insn[1].imm);
	else
		return NULL;
	return buf;
}

static int print_xlated(struct told *t)
{
	struct disasm_names names = {.arg = t, .call = call_name, .imm = imm_text};
	char text[2 * DISASM_MAX];
	uint32_t func = 0, line = 0;

	symbols_read(&t->symbols);
	if (!t->n_funcs)
		printf("%s:\n", t->info.name);
	for (uint32_t i = 0; i < t->n_insns; i++) {
		if (func < t->n_funcs && t->funcs[func].insn_off == i)
			printf("%s:\n", func_name(t, func++));
		for (; line < t->n_lines && t->lines[line].insn_off <= i; line++)
			if (t->lines[line].insn_off == i)
				print_line(t, line);
		disasm_insn(&t->insns[i], &names, text, sizeof(text));
		printf("%4u: %s\n", i, text);
		i += insn_is_ldimm64(&t->insns[i]);
	}
	return CLI_OK;
}

/* The code of one function, cut where the source lines of its instructions begin. */
static void print_part(const struct told *t, const struct jit_disasm *d, const uint8_t *code,
		       uint32_t part, bool lines)
{
	uint64_t start = part < t->info.nr_jited_ksyms ? t->ksyms[part] : 0;
	uint32_t at = 0, end = t->lens[part];

	printf("%s:\n", func_name(t, part));
	for (uint32_t i = 0; lines && i < t->n_lines && i < t->info.nr_jited_line_info; i++) {
		uint64_t off = t->native_lines[i] - start;

		if (!start || off >= end || off < at)
			continue;
		jit_disasm(d, code, at, (uint32_t)off, stdout);
		print_line(t, i);
		at = (uint32_t)off;
	}
	jit_disasm(d, code, at, end, stdout);
}

static int print_jited(const struct told *t, bool lines)
{
	struct jit_disasm *d = jit_disasm_open();
	const uint8_t *code = t->native;

	for (uint32_t i = 0; i < t->n_parts; code += t->lens[i++])
		if (t->lens[i] <= t->info.jited_prog_len - (uint32_t)(code - t->native))
			print_part(t, d, code, i, lines);
	jit_disasm_close(d);
	return CLI_OK;
}

int cli_dump_linux(struct cli_session *s, struct ua_program *p, enum cli_dump what)
{
	struct told t = {.btf = s->obj->btf};
	int err = ask(s, ua_program__fd(p), &t), status = CLI_REFUSED;

	if (err)
		cli_error("'%s': the kernel does not describe it: %s", ua_program__name(p),
			  strerror(-err));
	else if (what == CLI_DUMP_XLATED ? !t.n_insns : !t.n_parts)
		cli_error("'%s': the kernel %s", ua_program__name(p),
			  what == CLI_DUMP_XLATED ? "hides its instructions"
						  : "has not compiled it, or hides its code");
	else
		status = what == CLI_DUMP_XLATED ? print_xlated(&t)
						 : print_jited(&t, what == CLI_DUMP_JITED_LINES);
	told_free(&t);
	return status;
}
