/* SPDX-License-Identifier: BSD-2-Clause */
/* Making failing programs small, and files of them. */
#include "gen.h"

#include <time.h>

#include "abi/disasm.h"

#define NOP ((struct bpf_insn){.code = BPF_JMP | BPF_JA})

static bool is_nop(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_JA) && !insn->off && !insn->imm;
}

static uint32_t slots(const struct program *p, uint32_t i)
{
	return insn_is_ldimm64(&p->insns[i]) && i + 1 < p->n ? 2 : 1;
}

/* Distance of a jump or local call, or NULL if it is neither. */
static bool jumps(const struct bpf_insn *insn, bool *in_imm)
{
	uint8_t class = BPF_CLASS(insn->code), op = BPF_OP(insn->code);

	if (class != BPF_JMP && class != BPF_JMP32)
		return false;
	*in_imm = op == BPF_CALL || (class == BPF_JMP32 && op == BPF_JA);
	return op == BPF_CALL ? insn->src_reg == BPF_PSEUDO_CALL : op != BPF_EXIT;
}

static void remove_slot(struct program *p, uint32_t at)
{
	for (uint32_t i = 0; i < p->n; i++) {
		struct bpf_insn *insn = &p->insns[i];
		bool in_imm;
		int64_t target;

		if (!jumps(insn, &in_imm))
			continue;
		target = (int64_t)i + 1 + (in_imm ? insn->imm : insn->off);
		target = (target > at ? target - 1 : target) - (i > at ? i - 1 : i) - 1;
		if (in_imm)
			insn->imm = (int32_t)target;
		else
			insn->off = (int16_t)target;
	}
	memmove(&p->insns[at], &p->insns[at + 1], (p->n - at - 1) * sizeof(p->insns[0]));
	p->n--;
}

static bool blank_each(struct program *p, bool (*fails)(const struct program *, void *), void *arg)
{
	bool any = false;

	for (uint32_t i = p->n; i-- > 0;) {
		struct program was = *p;
		uint32_t n = slots(p, i);

		if (is_nop(&p->insns[i]) || (i && slots(p, i - 1) == 2))
			continue;
		for (uint32_t k = 0; k < n; k++)
			p->insns[i + k] = NOP;
		if (fails(p, arg))
			any = true;
		else
			*p = was;
	}
	return any;
}

static void drop_each(struct program *p, bool (*fails)(const struct program *, void *), void *arg)
{
	for (uint32_t i = p->n; i-- > 0;) {
		struct program was = *p;

		if (!is_nop(&p->insns[i]))
			continue;
		remove_slot(p, i);
		if (!fails(p, arg))
			*p = was;
	}
}

/* A program that takes a verifier a second each time is left as large as it is by then. */
#define SHRINK_SECONDS 30

struct shrinking {
	bool (*fails)(const struct program *p, void *arg);
	void *arg;
	time_t end;
};

static bool fails_in_time(const struct program *p, void *arg)
{
	const struct shrinking *s = arg;

	return time(NULL) < s->end && s->fails(p, s->arg);
}

void gen_shrink(struct program *p, bool (*fails)(const struct program *p, void *arg), void *arg)
{
	struct shrinking s = {fails, arg, time(NULL) + SHRINK_SECONDS};

	while (blank_each(p, fails_in_time, &s))
		;
	drop_each(p, fails_in_time, &s);
}

/* -- Files ------------------------------------------------------------------------------ */

uint64_t regress_hash(const struct result *r)
{
	return memory_hash(&r->mem, sizeof(r->mem), (uint64_t)r->err << 32 | r->ret);
}

int regress_write(const char *path, const struct regress *r)
{
	FILE *f = fopen(path, "w");
	char text[DISASM_MAX];

	UA_FAIL_IF(!f, -errno);
	fprintf(f, "# %s\nverdict %d\n", r->note, r->verdict);
	if (*r->declared)
		fprintf(f, "engine %d %s\n", r->engine, r->declared);
	if (r->runs)
		fprintf(f, "memory %" PRIu64 "\nret %u\nhash %" PRIx64 "\n", r->mem_seed, r->ret,
			r->hash);
	for (uint32_t i = 0; i < r->prog.n; i++) {
		const struct bpf_insn *insn = &r->prog.insns[i];
		bool second = i && slots(&r->prog, i - 1) == 2;

		*text = 0;
		if (!second)
			disasm_insn(insn, NULL, text, sizeof(text));
		fprintf(f, "insn %02x %u %u %d %d # %u: %s\n", insn->code, insn->dst_reg,
			insn->src_reg, insn->off, insn->imm, i, second ? "" : text);
	}
	return fclose(f) ? -errno : 0;
}

static bool read_insn(struct program *p, const char *line)
{
	unsigned int code, dst, src;
	int off, imm;

	if (sscanf(line, "insn %x %u %u %d %d", &code, &dst, &src, &off, &imm) != 5 ||
	    p->n == MAX_PROG)
		return false;
	p->insns[p->n++] = (struct bpf_insn){.code = (uint8_t)code,
					     .dst_reg = dst & 15,
					     .src_reg = src & 15,
					     .off = (int16_t)off,
					     .imm = imm};
	return true;
}

int regress_read(const char *path, struct regress *r)
{
	FILE *f = fopen(path, "r");
	char line[1024];
	bool ok = true;

	UA_FAIL_IF(!f, -errno);
	*r = (struct regress){0};
	while (ok && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "memory %" SCNu64, &r->mem_seed) == 1)
			r->runs = true;
		else if (*line != '#' && *line != '\n')
			ok = sscanf(line, "verdict %d", &r->verdict) == 1 ||
			     sscanf(line, "engine %d %63[^\n]", &r->engine, r->declared) == 2 ||
			     sscanf(line, "ret %u", &r->ret) == 1 ||
			     sscanf(line, "hash %" SCNx64, &r->hash) == 1 ||
			     read_insn(&r->prog, line);
	}
	fclose(f);
	return ok && r->prog.n ? 0 : -EINVAL;
}
