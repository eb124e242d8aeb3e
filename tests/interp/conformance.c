/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs every vector of the public instruction-set suite: *.data under the directory named by
 * UARENA_CONFORMANCE, else the one given on the command line. A vector is an assembly text
 * (or raw instructions), the memory that r1 points to and r2 is the size of, and r0 at exit.
 * Each runs in both modes of the interpreter and compiled.
 */
#include <glob.h>
#include <unistd.h>
#include "asm.h"
#include "harness.h"

#define MAX_SLOTS 512
#define MAX_MEM 4096

/* What no engine of Linux's instruction set can run. */
static const struct {
	const char *name, *reason;
} skipped[] = {
	{"callx", "calls through a register, which Linux's instruction set lacks"},
};

struct vector {
	struct bpf_insn insns[MAX_SLOTS];
	int n_insns;
	uint8_t mem[MAX_MEM];
	uint32_t mem_size;
	uint64_t result;
	bool has_result;
};

/* ---- Reading ---- */

static char *file_text(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = calloc(1, 1 << 16);

	if (!f || !text || fread(text, 1, (1 << 16) - 1, f) == 0) {
		printf("%s: cannot read\n", path);
		exit(1);
	}
	fclose(f);
	return text;
}

/* The body of section `name`, up to the next "-- ", into buf. */
static bool section(const char *text, const char *name, char *buf, size_t size)
{
	char head[32];
	const char *from, *to;

	snprintf(head, sizeof(head), "-- %s\n", name);
	from = strstr(text, head);
	if (!from)
		return false;
	from += strlen(head);
	to = strstr(from, "\n-- ");
	snprintf(buf, size, "%.*s", to ? (int)(to - from) + 1 : (int)strlen(from), from);
	return true;
}

static void read_raw(struct vector *v, const char *body)
{
	char *end;

	for (const char *p = body; v->n_insns < MAX_SLOTS; p = end) {
		uint64_t word = strtoull(p, &end, 16);

		if (end == p)
			return;
		memcpy(&v->insns[v->n_insns++], &word, sizeof(word));
	}
}

static void read_mem(struct vector *v, const char *body)
{
	char *end;

	for (const char *p = body; v->mem_size < MAX_MEM; p = end) {
		unsigned long byte = strtoul(p, &end, 16);

		if (end == p)
			return;
		v->mem[v->mem_size++] = (uint8_t)byte;
	}
}

static bool read_vector(const char *path, struct vector *v)
{
	char *text = file_text(path);
	static char body[1 << 16];

	memset(v, 0, sizeof(*v));
	if (section(text, "asm", body, sizeof(body)))
		v->n_insns = asm_program(body, v->insns, MAX_SLOTS);
	else if (section(text, "raw", body, sizeof(body)))
		read_raw(v, body);
	if (section(text, "mem", body, sizeof(body)))
		read_mem(v, body);
	if (section(text, "result", body, sizeof(body))) {
		v->result = strtoull(body, NULL, 16);
		v->has_result = true;
	}
	free(text);
	return v->n_insns > 0 && v->has_result;
}

/* ---- Running ---- */

static uint64_t helper_any(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	return a + b + c + d + e;
}

static const uint8_t *allowed_mem;
static uint32_t allowed_size;

static bool mem_allowed(struct run *run, uint64_t addr, uint32_t size, bool write)
{
	uint64_t start = (uintptr_t)allowed_mem;

	return addr >= start && size <= allowed_size && addr - start <= allowed_size - size;
}

static bool run_vector(const struct vector *v, uint64_t *ret)
{
	static const struct run_hooks hooks = {.allowed = mem_allowed};
	static const host_fn helpers[6] = {[5] = helper_any};
	const struct run template = {.hooks = &hooks};
	struct code *code = code_of(v->insns, (uint32_t)v->n_insns);
	uint8_t *mem = mem_dup(v->mem, v->mem_size ? v->mem_size : 1);
	int err;

	code->helper_fns = helpers;
	code->n_helper_fns = ARRAY_SIZE(helpers);
	allowed_mem = mem;
	allowed_size = v->mem_size;
	*ret = run_code(code, &template, (uintptr_t)mem, v->mem_size, &err);
	mem_free(mem);
	code_done(code);
	return err == 0;
}

static const char *skip_reason(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(skipped); i++)
		if (!strcmp(skipped[i].name, name))
			return skipped[i].reason;
	return NULL;
}

static bool run_file(const char *path, const char *name)
{
	static struct vector v;
	uint64_t ret;

	if (!read_vector(path, &v)) {
		printf("%s: not a vector\n", name);
		return false;
	}
	for (int m = 0; m < (jit_available() ? MODE_JIT + 1 : MODE_JIT); m++) {
		mode = (enum mode)m;
		if (!run_vector(&v, &ret)) {
			printf("%s: stopped\n", name);
			return false;
		}
		if (ret != v.result) {
			printf("%s: r0 is 0x%" PRIx64 ", expected 0x%" PRIx64 "\n", name, ret,
			       v.result);
			return false;
		}
	}
	return true;
}

int main(int argc, char **argv)
{
	const char *dir = getenv("UARENA_CONFORMANCE");
	char pattern[4096];
	glob_t found;
	int passed = 0;

	if (!dir)
		dir = argc > 1 ? argv[1] : ".";
	snprintf(pattern, sizeof(pattern), "%s/*.data", dir);
	if (glob(pattern, 0, NULL, &found)) {
		printf("no vectors in %s\n", dir);
		return 77;
	}
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *slash = strrchr(found.gl_pathv[i], '/') + 1;
		char name[128];

		snprintf(name, sizeof(name), "%.*s", (int)strcspn(slash, "."), slash);
		if (skip_reason(name))
			printf("%s: skipped: %s\n", name, skip_reason(name));
		else if (run_file(found.gl_pathv[i], name))
			passed++;
		else
			failures++;
	}
	printf("%d passed, %d failed of %zu; %d left to the interpreter\n", passed, failures,
	       found.gl_pathc, jit_refused);
	globfree(&found);
	return failures != 0;
}
