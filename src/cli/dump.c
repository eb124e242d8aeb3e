/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uarena dump: what became of a program. "xlated" is the program after verification and
 * rewriting, with the source lines it came from; "jited" its native code; "btf" the types that
 * CO-RE relocates against. What Linux made of it is in dump_linux.c.
 */
#include "cli/cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <bpf/btf.h>

#include "abi/disasm.h"
#include "jit/jit.h"
#include "kernel/handle.h"
#include "object/object.h"
#include "prog/prog.h"

static const char *call_name(void *arg, const struct bpf_insn *insn, char *buf, size_t size)
{
	const struct code *code = arg;
	uint32_t slot = (uint32_t)(insn - code->insns), idx = (uint32_t)code->ops[slot].imm;

	if (code->ops[slot].op == OP_CALL_KFUNC && idx < code->n_kcalls)
		return code->kcalls[idx].name;
	if (code->ops[slot].op == OP_CALL_LOCAL && idx < code->n_funcs) {
		snprintf(buf, size, "%+d#%s", (int)(code->funcs[idx].start - slot - 1),
			 code->funcs[idx].name);
		return buf;
	}
	return NULL;
}

/* Source lines once each, where their first instruction stands. */
static void print_line(const struct code *code, uint32_t slot)
{
	const struct code_line *line = code_line_at(code, slot);

	if (line && line->idx == slot && line->text)
		printf("; %s @ %s:%u\n", line->text + strspn(line->text, " \t"),
		       line->file ? line->file : "?", line->line);
}

static void print_func(const struct code *code, const struct code_func *f)
{
	struct disasm_names names = {.arg = (void *)code, .call = call_name};
	char text[2 * DISASM_MAX];

	printf("%s:\n", f->name);
	for (uint32_t slot = f->start; slot < f->end; slot++) {
		if (code->ops[slot].op == OP_PAD)
			continue;
		print_line(code, slot);
		disasm_insn(&code->insns[slot], &names, text, sizeof(text));
		printf("%4u: %s\n", slot, text);
	}
}

static int dump_xlated(struct cli_session *s, const char *name)
{
	struct ua_program *p = ua_object__find_program(s->obj, name);
	const struct prog *prog = kernel_engine_prog(s->engine->kernel, ua_program__fd(p));

	if (!prog)
		return cli_dump_linux(s, p, CLI_DUMP_XLATED);
	for (uint32_t i = 0; i < prog->code->n_funcs; i++)
		print_func(prog->code, &prog->code->funcs[i]);
	return CLI_OK;
}

/* The words behind the program's name: "linum" adds instructions and source lines, "stages"
 * shows the JIT's working form instead. */
static int dump_jited(struct cli_session *s, const struct cli_options *o)
{
	struct ua_program *p = ua_object__find_program(s->obj, o->operands[2]);
	const struct prog *prog = kernel_engine_prog(s->engine->kernel, ua_program__fd(p));
	const char *how = o->n_operands == 4 ? o->operands[3] : "";
	int err = 0;

	if (!prog && !strcmp(how, "stages")) {
		cli_error("dump jited stages shows the engine's compiler; it has no --on linux");
		return CLI_USAGE;
	}
	if (!prog)
		return cli_dump_linux(s, p, *how ? CLI_DUMP_JITED_LINES : CLI_DUMP_JITED);
	if (!prog->code->jit) {
		cli_error("'%s' is not compiled here", o->operands[2]);
		return CLI_REFUSED;
	}
	for (uint32_t f = 0; f < prog->code->n_funcs && !err; f++) {
		if (!strcmp(how, "stages"))
			err = jit_dump_stages(prog->code, f, stdout);
		else
			err = jit_dump(prog->code, f, !strcmp(how, "linum"), stdout);
	}
	return err ? CLI_REFUSED : CLI_OK;
}

static void print_text(void *ctx, const char *fmt, va_list args)
{
	vprintf(fmt, args);
}

/* As programs include it: once, and with accesses that are relocated. */
static const char btf_head[] =
	"#ifndef __VMLINUX_H__\n"
	"#define __VMLINUX_H__\n\n"
	"#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = "
	"record)\n\n",
		  btf_foot[] = "#pragma clang attribute pop\n\n#endif\n";

static int dump_btf(const struct cli_options *o)
{
	struct ua_engine *engine;
	struct btf_dump *d;
	const struct btf *btf;
	int err = ua_engine__open(&o->engine, &engine);

	if (err) {
		cli_error("cannot start the engine: %s", strerror(-err));
		return CLI_REFUSED;
	}
	btf = engine->kernel->ops->vmlinux_btf(engine->kernel);
	d = btf ? btf_dump__new(btf, print_text, NULL, NULL) : NULL;
	if (d)
		fputs(btf_head, stdout);
	for (uint32_t id = 1; d && id < btf__type_cnt(btf); id++)
		btf_dump__dump_type(d, id);
	if (d)
		fputs(btf_foot, stdout);
	btf_dump__free(d);
	ua_engine__close(engine);
	return d ? CLI_OK : CLI_REFUSED;
}

static int dump_program(const struct cli_options *o)
{
	struct cli_session s;
	int status;

	bool jited = !strcmp(o->operands[0], "jited");

	if (o->n_operands != 3 &&
	    !(jited && o->n_operands == 4 &&
	      (!strcmp(o->operands[3], "linum") || !strcmp(o->operands[3], "stages")))) {
		cli_error("dump %s takes an object and one program%s", o->operands[0],
			  jited ? ", then linum or stages" : "");
		return CLI_USAGE;
	}
	status = cli_open(o, o->operands[1], &s);
	if (!status)
		status = cli_load_only(&s, (const char **)o->operands + 2, 1);
	if (!status)
		status = jited ? dump_jited(&s, o) : dump_xlated(&s, o->operands[2]);
	cli_close(&s);
	return status;
}

int cli_dump(int argc, char **argv)
{
	struct cli_options o;
	bool done;
	int status = cli_options(argc, argv, "dump", ACCEPT_ENGINE, 1, &o, &done);

	if (!done) {
		if (!strcmp(o.operands[0], "xlated") || !strcmp(o.operands[0], "jited")) {
			status = dump_program(&o);
		} else if (!strcmp(o.operands[0], "btf")) {
			status = dump_btf(&o);
		} else {
			cli_error("dump '%s': must be xlated, jited or btf", o.operands[0]);
			status = CLI_USAGE;
		}
	}
	cli_options_free(&o);
	return status;
}
