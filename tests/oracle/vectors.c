/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vectors of the public instruction-set suite on Linux and on the engine, both with their
 * verifiers: the vector becomes a local function of a program whose context is the vector's
 * memory. Verdicts must agree, and r0 where the program is accepted.
 *
 *   vectors FOLDER
 */
#include <glob.h>

#include "../interp/asm.h"
#include "side.h"

#define MAX_MEM 2048
#define PROLOGUE 6

struct vector {
	struct bpf_insn insns[MAX_PROG];
	int n;
	uint8_t ctx[MAX_MEM + 8];
	uint32_t mem_size;
	uint64_t result;
};

static struct side sides[N_SIDES];
static int same, accepted, wrong;

/* The text behind "-- name\n", cut at the next heading; NULL: there is none. */
static char *section(char *text, const char *name)
{
	char head[32], *from, *end;

	snprintf(head, sizeof(head), "-- %s\n", name);
	from = strstr(text, head);
	if (!from)
		return NULL;
	from = strdup(from + strlen(head));
	end = strstr(from, "-- ");
	if (end)
		*end = 0;
	return from;
}

static void read_words(const char *text, int width, uint8_t *to, uint32_t most, uint32_t *n)
{
	char *end;

	for (const char *p = text; p && *n + (uint32_t)width <= most;
	     p = end, *n += (uint32_t)width) {
		uint64_t word = strtoull(p, &end, 16);

		if (end == p)
			return;
		memcpy(to + *n, &word, (size_t)width);
	}
}

/* The program around the vector. */
static void put_prologue(struct vector *v)
{
	const struct bpf_insn around[PROLOGUE] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 6, .src_reg = 1},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 2, .imm = (int32_t)v->mem_size},
		{.code = BPF_JMP | BPF_CALL, .src_reg = BPF_PSEUDO_CALL, .imm = PROLOGUE - 3},
		{.code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = 6, .src_reg = 0, .off = MAX_MEM},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0},
		{.code = BPF_JMP | BPF_EXIT},
	};

	memcpy(v->insns, around, sizeof(around));
	v->n += PROLOGUE;
}

static bool read_vector(const char *path, struct vector *v)
{
	static char text[1 << 16];
	FILE *f = fopen(path, "r");
	size_t got = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
	char *as, *raw, *mem, *result;
	uint32_t bytes = 0;

	if (f)
		fclose(f);
	text[got] = 0;
	*v = (struct vector){0};
	as = section(text, "asm");
	raw = section(text, "raw");
	mem = section(text, "mem");
	result = section(text, "result");
	if (as)
		v->n = asm_program(as, v->insns + PROLOGUE, MAX_PROG - PROLOGUE);
	else
		read_words(raw, 8, (uint8_t *)(v->insns + PROLOGUE), (MAX_PROG - PROLOGUE) * 8,
			   &bytes);
	if (!as)
		v->n = (int)(bytes / 8);
	read_words(mem, 1, v->ctx, MAX_MEM, &v->mem_size);
	v->result = result ? strtoull(result, NULL, 16) : 0;
	free(as);
	free(raw);
	free(mem);
	free(result);
	if (v->n <= 0)
		return false;
	put_prologue(v);
	return true;
}

static bool calls_helper(const struct vector *v)
{
	for (int i = 0; i < v->n; i++)
		if (v->insns[i].code == (BPF_JMP | BPF_CALL) && !v->insns[i].src_reg)
			return true;
	return false;
}

static int run_on(struct side *s, const struct vector *v, uint8_t *ctx)
{
	int fd = side_load(s, v->insns, (uint32_t)v->n, NULL, 0), err;
	union bpf_attr attr = {.test = {.prog_fd = (uint32_t)fd,
					.ctx_in = (uintptr_t)ctx,
					.ctx_size_in = sizeof(v->ctx)}};

	if (fd < 0)
		return fd;
	memcpy(ctx, v->ctx, sizeof(v->ctx));
	err = (int)kernel_bpf(s->k, BPF_PROG_TEST_RUN, &attr, sizeof(attr));
	side_unload(s, fd);
	return err;
}

static void test_vector(const char *path, const struct vector *v)
{
	static uint8_t ctx[N_SIDES][sizeof(v->ctx)];
	const char *name = strrchr(path, '/') + 1;
	uint64_t r0;
	int errs[N_SIDES];
	bool ok = true;

	memset(ctx, 0, sizeof(ctx));
	for (int i = 0; i < N_SIDES; i++) {
		errs[i] = run_on(&sides[i], v, ctx[i]);
		ok &= errs[i] == errs[0];
		if (!calls_helper(v))
			ok &= !memcmp(ctx[i], ctx[0], sizeof(ctx[0]));
	}
	memcpy(&r0, ctx[0] + MAX_MEM, 8);
	if (!errs[0] && !calls_helper(v))
		ok &= r0 == v->result;
	accepted += !errs[0];
	same += ok;
	wrong += !ok;
	if (!ok)
		printf("%s: Linux %d, compiled %d, interpreted %d; r0 %" PRIx64
		       ", in the file %" PRIx64 "\n",
		       name, errs[0], errs[1], errs[2], r0, v->result);
}

int main(int argc, char **argv)
{
	static struct vector v;
	char pattern[4096];
	glob_t found;

	for (int i = 0; i < N_SIDES; i++) {
		int err = side_open(&sides[i], (enum side_kind)i);

		if (err == -EPERM) {
			printf("skipped: the running kernel does not let us use BPF\n");
			return 77;
		}
		if (err)
			return 1;
	}
	snprintf(pattern, sizeof(pattern), "%s/*.data", argc > 1 ? argv[1] : ".");
	if (glob(pattern, 0, NULL, &found))
		return 1;
	for (size_t i = 0; i < found.gl_pathc; i++)
		if (read_vector(found.gl_pathv[i], &v))
			test_vector(found.gl_pathv[i], &v);
	printf("count|vectors|%d\ncount|accepted by both|%d\ncount|failures|%d\n", same + wrong,
	       accepted, wrong);
	globfree(&found);
	for (int i = 0; i < N_SIDES; i++)
		side_close(&sides[i]);
	return wrong != 0;
}
