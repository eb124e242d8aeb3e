/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the JIT made of a program, as text: its nodes after each stage, and the native code
 * between the BPF instructions and source lines it comes from.
 *
 * Disassembly is LLVM's, whose C interface is looked up when it is first needed; without the
 * library the bytes are printed.
 */
#include "jit/image.h"

#include "abi/disasm.h"

#include <dlfcn.h>
#include <inttypes.h>

/* -- Nodes ---------------------------------------------------------------- */

static const char *const fused_name[] = {
#define X(id, text) [N_##id - N_NOP] = #id,
	UA_NODE_OPS(X)
#undef X
};

static const char *node_name(const struct node *n)
{
	return n->op < OP_COUNT ? op_info[n->op].name : fused_name[n->op - N_NOP];
}

static void dump_mask(FILE *out, const char *what, uint16_t mask)
{
	fprintf(out, " %s=", what);
	for (uint8_t r = 0; r < MAX_BPF_REG; r++)
		if (mask & bit(r))
			fprintf(out, "%x", r);
}

static void dump_node(const struct ir *ir, uint32_t i, FILE *out)
{
	const struct node *n = &ir->nodes[i];

	fprintf(out, "%c%5u %5u %-12s", n->flags & NODE_LABEL ? '>' : ' ', i, n->slot,
		node_name(n));
	fprintf(out, "%s%s%s", n->negated ? " not" : "", n->host ? " host" : "",
		n->rebase ? " +base" : "");
	fprintf(out, " d%u", n->dst);
	if (n->src != NO_REG)
		fprintf(out, " s%u", n->src);
	if (n->x != NO_REG)
		fprintf(out, " x%u<<%u", n->x, n->scale);
	if (n->off)
		fprintf(out, " off %d", n->off);
	if (ir_is_jump(n))
		fprintf(out, " -> %u", n->target);
	else if (n->imm)
		fprintf(out, " imm %" PRId64, n->imm);
	if (n->op == N_SELECT)
		fprintf(out, " unless %s: %s", op_info[n->cond].name,
			node_name(&ir->cold[n->cold]));
	dump_mask(out, "live", n->live & ~bit(BPF_REG_FP));
	dump_mask(out, "hi", n->live_hi & ~bit(BPF_REG_FP));
	dump_mask(out, "zero", n->zx);
	fputc('\n', out);
}

void ir_dump(const struct ir *ir, const struct node_func *f, const char *stage, FILE *out)
{
	fprintf(out, "-- %s\n", stage);
	for (uint32_t i = f->first; i < f->end; i++)
		if (ir->nodes[i].op != N_NOP)
			dump_node(ir, i, out);
}

static int dump_stages_of(struct ir *ir, uint32_t func, FILE *out)
{
	const struct node_func *f = &ir->funcs[func];

	fprintf(out, "%s:\n", ir->code->funcs[func].name);
	UA_TRY(ir_flow(ir, f));
	ir_dump(ir, f, "build", out);
	UA_TRY(ir_fuse(ir, f));
	ir_dump(ir, f, "fuse", out);
	UA_TRY(ir_hoist(ir, f));
	ir_dump(ir, f, "hoist", out);
	return 0;
}

int jit_dump_stages(const struct code *code, uint32_t func, FILE *out)
{
	struct ir ir;
	int err = ir_build(&ir, code);

	if (!err)
		err = dump_stages_of(&ir, func, out);
	ir_free(&ir);
	return err;
}

/* -- Native code ---------------------------------------------------------- */

/* The part of LLVM's C interface that is needed, under its own names. */
struct jit_disasm {
	void *dc;
	void *(*create)(const char *triple, void *info, int tag, void *get_op, void *lookup);
	size_t (*insn)(void *dc, const uint8_t *bytes, uint64_t n, uint64_t pc, char *text,
		       size_t size);
	int (*options)(void *dc, uint64_t options);
	void (*dispose)(void *dc);
};
#define LLVM_OPTION_INTEL 4

static bool llvm_find(struct jit_disasm *llvm)
{
	static const char *const libs[] = {"libLLVM.so.19.1", "libLLVM-19.so", "libLLVM.so",
					   "libLLVM-15.so.1", "libLLVM-14.so.1"};
	void *lib = NULL;
	void (*init[3])(void);

	for (size_t i = 0; i < ARRAY_SIZE(libs) && !lib; i++)
		lib = dlopen(libs[i], RTLD_LAZY | RTLD_LOCAL);
	if (!lib)
		return false;
	*(void **)&init[0] = dlsym(lib, "LLVMInitializeX86TargetInfo");
	*(void **)&init[1] = dlsym(lib, "LLVMInitializeX86TargetMC");
	*(void **)&init[2] = dlsym(lib, "LLVMInitializeX86Disassembler");
	*(void **)&llvm->create = dlsym(lib, "LLVMCreateDisasm");
	*(void **)&llvm->insn = dlsym(lib, "LLVMDisasmInstruction");
	*(void **)&llvm->options = dlsym(lib, "LLVMSetDisasmOptions");
	*(void **)&llvm->dispose = dlsym(lib, "LLVMDisasmDispose");
	if (!init[0] || !init[1] || !init[2] || !llvm->create || !llvm->insn || !llvm->options ||
	    !llvm->dispose)
		return false;
	for (int i = 0; i < 3; i++)
		init[i]();
	return true;
}

static void dump_bytes(const uint8_t *code, uint32_t at, uint32_t end, FILE *out)
{
	for (; at < end; at += 16) {
		fprintf(out, "%6x:", at);
		for (uint32_t i = at; i < end && i < at + 16; i++)
			fprintf(out, " %02x", code[i]);
		fputc('\n', out);
	}
}

struct jit_disasm *jit_disasm_open(void)
{
	struct jit_disasm *d = mem_zalloc(sizeof(*d));

	if (d && llvm_find(d))
		d->dc = d->create("x86_64-linux-gnu", NULL, 0, NULL, NULL);
	if (d && d->dc) {
		d->options(d->dc, LLVM_OPTION_INTEL);
		return d;
	}
	mem_free(d);
	return NULL;
}

void jit_disasm_close(struct jit_disasm *d)
{
	if (d)
		d->dispose(d->dc);
	mem_free(d);
}

void jit_disasm(const struct jit_disasm *d, const uint8_t *code, uint32_t at, uint32_t end,
		FILE *out)
{
	char text[128];

	while (at < end) {
		size_t len = d ? d->insn(d->dc, code + at, end - at, at, text, sizeof(text)) : 0;

		if (!len) {
			dump_bytes(code, at, end, out);
			return;
		}
		fprintf(out, "%6x:%s\n", at, text);
		at += (uint32_t)len;
	}
}

static void dump_origin(const struct code *code, uint32_t slot, FILE *out)
{
	const struct code_line *line = code_line_at(code, slot);
	char text[2 * DISASM_MAX];

	if (line && line->idx == slot && line->text)
		fprintf(out, "; %s @ %s:%u\n", line->text + strspn(line->text, " \t"),
			line->file ? line->file : "?", line->line);
	if (!code->insns || slot >= code->n_ops)
		return;
	disasm_insn(&code->insns[slot], NULL, text, sizeof(text));
	fprintf(out, "%4u: %s\n", slot, text);
}

int jit_dump(const struct code *code, uint32_t func, bool origins, FILE *out)
{
	const struct jit_image *img = code->jit;
	struct jit_disasm *d;

	UA_FAIL_IF(!img || func >= img->n_funcs, -ENOENT);
	d = jit_disasm_open();
	fprintf(out, "%s:\n", code->funcs[func].name);
	for (size_t i = 0; i < img->n_marks; i++) {
		uint32_t at = img->marks[i].at;
		uint32_t end = i + 1 < img->n_marks ? img->marks[i + 1].at : img->code_end;

		if (at < img->funcs[func].start || at >= img->funcs[func].end)
			continue;
		if (origins)
			dump_origin(code, img->marks[i].slot, out);
		jit_disasm(d, img->text, at, end, out);
	}
	jit_disasm_close(d);
	return 0;
}
