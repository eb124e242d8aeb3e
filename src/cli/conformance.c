/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uarena conformance-plugin [HEX]: the plugin protocol of the public bpf_conformance runner.
 *
 * The program's bytes come as hexadecimal text on standard input, the memory that r1 points to
 * (r2 is its size) as the operand; r0 goes to standard output in hexadecimal. Spaces between
 * bytes are ignored. The vectors are raw instructions that no verifier would take, so they run
 * in the interpreter's checked mode.
 */
#include "cli/cli.h"

#include <ctype.h>
#include "abi/code.h"
#include "arena/run.h"
#include "base/base.h"
#include "interp/interp.h"

struct bytes {
	uint8_t *v;
	size_t n, cap;
};

static int nibble(int c)
{
	return isdigit(c) ? c - '0' : tolower(c) - 'a' + 10;
}

/* Appends the bytes that `text` spells. False: not hexadecimal, or half a byte. */
static bool bytes_parse(struct bytes *b, const char *text)
{
	for (;;) {
		while (isspace((unsigned char)*text))
			text++;
		if (!*text)
			return true;
		if (!isxdigit((unsigned char)text[0]) || !isxdigit((unsigned char)text[1]))
			return false;
		if (UA_GROW(&b->v, &b->cap, b->n + 1))
			return false;
		b->v[b->n++] = (uint8_t)(nibble(text[0]) << 4 | nibble(text[1]));
		text += 2;
	}
}

static bool bytes_read(struct bytes *b, FILE *in)
{
	char *text = NULL;
	size_t cap = 0;
	bool ok = getdelim(&text, &cap, '\0', in) > 0 && bytes_parse(b, text);

	free(text);
	return ok;
}

/* The vectors call helper 5 and want nothing of it but that it returns. */
static uint64_t helper_returns(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	return a;
}

static const struct bytes *memory;

static bool memory_allowed(struct run *run, uint64_t addr, uint32_t size, bool write)
{
	uint64_t at = addr - (uintptr_t)memory->v;

	return at <= memory->n && size <= memory->n - at;
}

static void print_headline(struct run *run, const char *headline)
{
	fprintf(stderr, "%s\n", headline);
}

static int run_checked(struct code *code, const struct bytes *mem)
{
	static const struct run_hooks hooks = {.report = print_headline, .allowed = memory_allowed};
	static const host_fn helpers[] = {[5] = helper_returns};
	struct run run = {.code = code, .hooks = &hooks};
	uint64_t ret;
	int err;

	memory = mem;
	code->helper_fns = helpers;
	code->n_helper_fns = ARRAY_SIZE(helpers);
	run_push(&run);
	ret = interp_call(&run, &code->funcs[0], (uint64_t[5]){(uintptr_t)mem->v, mem->n}, &err);
	run_pop(&run);
	if (err)
		return CLI_REFUSED;
	printf("%llx\n", (unsigned long long)ret);
	return CLI_OK;
}

static int run_program(const struct bytes *prog, const struct bytes *mem)
{
	struct code *code;
	uint32_t bad;
	int status;

	if (prog->n % sizeof(struct bpf_insn) || prog->n / sizeof(struct bpf_insn) > UINT32_MAX) {
		cli_error("the program's size is not a multiple of 8 bytes");
		return CLI_REFUSED;
	}
	if (code_from_raw((const struct bpf_insn *)prog->v,
			  (uint32_t)(prog->n / sizeof(struct bpf_insn)), &code, &bad)) {
		cli_error("instruction %u is not one", bad);
		return CLI_REFUSED;
	}
	status = run_checked(code, mem);
	code_free(code);
	return status;
}

int cli_conformance_plugin(int argc, char **argv)
{
	struct bytes prog = {0}, mem = {0};
	int status = CLI_USAGE;

	if (argc > 2)
		cli_error("conformance-plugin takes one operand, the memory's bytes");
	else if (argc == 2 && !bytes_parse(&mem, argv[1]))
		cli_error("the memory's bytes are not hexadecimal");
	else if (!bytes_read(&prog, stdin))
		cli_error("the program on standard input is not hexadecimal");
	else
		status = run_program(&prog, &mem);
	mem_free(prog.v);
	mem_free(mem.v);
	return status;
}
