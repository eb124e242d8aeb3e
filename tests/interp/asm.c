/* SPDX-License-Identifier: BSD-2-Clause */
/* The assembler of the conformance vectors: two passes over lines of at most four words. */
#include "asm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "abi/opcodes.h"

#define MAX_LABELS 64
#define MAX_WORDS 5

struct label {
	char name[32];
	int slot;
};

struct assembly {
	struct label labels[MAX_LABELS];
	int n_labels;
	int last_exit;
	struct bpf_insn *insns;
	int n, max;
	bool emitting; /* second pass */
};

/* ---- Words ---- */

static int split(char *line, char *words[MAX_WORDS])
{
	int n = 0;

	for (char *w = strtok(line, " \t\r,"); w && n < MAX_WORDS; w = strtok(NULL, " \t\r,"))
		words[n++] = w;
	return n;
}

static bool is_reg(const char *w)
{
	return w[0] == '%' && w[1] == 'r';
}

static uint8_t reg(const char *w)
{
	return (uint8_t)atoi(w + 2);
}

static int64_t number(const char *w)
{
	return (int64_t)(w[0] == '-' ? -strtoull(w + 1, NULL, 0) : strtoull(w, NULL, 0));
}

/* "[%r10-8]" */
static void memory(const char *w, uint8_t *base, int16_t *off)
{
	char *end;

	*base = (uint8_t)strtol(w + 3, &end, 10);
	*off = (int16_t)strtol(end, NULL, 0);
}

/* ---- Operations ---- */

static const struct op_info *op_named(const char *name)
{
	for (int i = 0; i < OP_COUNT; i++)
		if (!strcasecmp(op_info[i].name, name))
			return &op_info[i];
	return NULL;
}

/* Operation `stem` in a width ("" or "32" behind it) with a suffix: "add32" -> ADD32_X. */
static const struct op_info *op_wide(const char *prefix, const char *mnemonic, const char *suffix)
{
	char name[48];
	size_t n = strlen(mnemonic);
	bool narrow = n > 2 && !strcmp(mnemonic + n - 2, "32");

	snprintf(name, sizeof(name), "%s%.*s%s%s", prefix, (int)(narrow ? n - 2 : n), mnemonic,
		 narrow ? "32" : "64", suffix);
	return op_named(name);
}

/* "ldxsh" -> LDSX16, "stb" -> ST8 */
static const struct op_info *op_memory(const char *mnemonic)
{
	static const struct {
		const char *prefix, *op;
	} kinds[] = {{"ldxs", "LDSX"}, {"ldx", "LDX"}, {"stx", "STX"}, {"st", "ST"}};
	static const struct {
		const char *suffix, *bits;
	} sizes[] = {{"dw", "64"}, {"w", "32"}, {"h", "16"}, {"b", "8"}};

	for (size_t k = 0; k < 4; k++) {
		size_t n = strlen(kinds[k].prefix);

		for (size_t s = 0; s < 4 && !strncmp(mnemonic, kinds[k].prefix, n); s++) {
			char name[16];

			if (strcmp(mnemonic + n, sizes[s].suffix))
				continue;
			snprintf(name, sizeof(name), "%s%s", kinds[k].op, sizes[s].bits);
			return op_named(name);
		}
	}
	return NULL;
}

/* "movsx832" says from 8 to 32 bits: MOVSX32_8. */
static const struct op_info *op_movsx(const char *mnemonic)
{
	size_t n = strlen(mnemonic);
	char name[32];

	snprintf(name, sizeof(name), "MOVSX%s_%.*s", mnemonic + n - 2, (int)(n - 7), mnemonic + 5);
	return op_named(name);
}

/* ---- Instructions ---- */

static struct bpf_insn start_of(const struct op_info *info)
{
	struct bpf_insn insn = {.code = info->code};
	int32_t value = (int32_t)(info->pick & 0xffffff);

	switch (info->pick >> 24) {
	case PICK_FIELD_SRC:
		insn.src_reg = (uint8_t)value & 15;
		break;
	case PICK_FIELD_OFF:
		insn.off = (int16_t)value;
		break;
	case PICK_FIELD_IMM:
		insn.imm = value;
		break;
	}
	return insn;
}

static bool emit(struct assembly *as, struct bpf_insn insn)
{
	if (as->n >= as->max)
		return false;
	as->insns[as->n++] = insn;
	return true;
}

/* Distance from behind the current slot to a label or "+N". */
static bool distance(const struct assembly *as, const char *w, int *rel)
{
	*rel = 0;
	if (!as->emitting)
		return true;
	if (w[0] == '+' || w[0] == '-') {
		*rel = atoi(w);
		return true;
	}
	for (int i = 0; i < as->n_labels; i++) {
		if (strcmp(as->labels[i].name, w))
			continue;
		*rel = as->labels[i].slot - as->n - 1;
		return true;
	}
	*rel = as->last_exit - as->n - 1;
	return !strcmp(w, "exit");
}

static bool do_atomic(struct assembly *as, char **w, int n)
{
	bool fetch = n == 5 && !strcmp(w[1], "fetch");
	const struct op_info *info;
	struct bpf_insn insn;
	uint8_t base;

	if (n != (fetch ? 5 : 4))
		return false;
	info = op_wide(fetch ? "A_F" : "A_", w[n - 3], "");
	if (!info)
		return false;
	insn = start_of(info);
	memory(w[n - 2], &base, &insn.off);
	insn.dst_reg = base & 15;
	insn.src_reg = reg(w[n - 1]) & 15;
	return emit(as, insn);
}

static bool do_call(struct assembly *as, char **w, int n)
{
	bool local = n == 3 && !strcmp(w[1], "local");
	struct bpf_insn insn = {.code = BPF_JMP | BPF_CALL};
	int rel;

	if (local) {
		insn.src_reg = BPF_PSEUDO_CALL;
		if (!distance(as, w[2], &rel))
			return false;
		insn.imm = rel;
	} else if (n == 2 && is_reg(w[1])) {
		insn.code |= BPF_X;
		insn.dst_reg = reg(w[1]) & 15;
	} else {
		insn.imm = (int32_t)number(w[n - 1]);
	}
	return emit(as, insn);
}

static bool do_jump(struct assembly *as, char **w, int n)
{
	bool with_reg = n == 4 && is_reg(w[2]);
	const struct op_info *info;
	struct bpf_insn insn;
	int rel;

	if (!strcmp(w[0], "ja") || !strcmp(w[0], "ja32")) {
		insn = start_of(op_named(w[0]));
		if (n != 2 || !distance(as, w[1], &rel))
			return false;
		if (w[0][2])
			insn.imm = rel;
		else
			insn.off = (int16_t)rel;
		return emit(as, insn);
	}
	info = op_wide("", w[0], with_reg ? "_X" : "_K");
	if (n != 4 || !info || !distance(as, w[3], &rel))
		return false;
	insn = start_of(info);
	insn.dst_reg = reg(w[1]) & 15;
	insn.off = (int16_t)rel;
	if (with_reg)
		insn.src_reg = reg(w[2]) & 15;
	else
		insn.imm = (int32_t)number(w[2]);
	return emit(as, insn);
}

static bool do_memory(struct assembly *as, const struct op_info *info, char **w)
{
	struct bpf_insn insn = start_of(info);
	uint8_t base;

	memory(info->kind == K_LDX ? w[2] : w[1], &base, &insn.off);
	if (info->kind == K_LDX) {
		insn.dst_reg = reg(w[1]) & 15;
		insn.src_reg = base & 15;
		return emit(as, insn);
	}
	insn.dst_reg = base & 15;
	if (info->kind == K_STX)
		insn.src_reg = reg(w[2]) & 15;
	else
		insn.imm = (int32_t)number(w[2]);
	return emit(as, insn);
}

static bool do_unary(struct assembly *as, char **w)
{
	const char *name = !strncmp(w[0], "swap", 4) ? "bswap" : w[0];
	const struct op_info *info;
	struct bpf_insn insn;
	char full[16];

	snprintf(full, sizeof(full), "%s%s", name, name == w[0] ? "" : w[0] + 4);
	info = strncmp(name, "neg", 3) ? op_named(full) : op_wide("", name, "");
	if (!info)
		return false;
	insn = start_of(info);
	insn.dst_reg = reg(w[1]) & 15;
	return emit(as, insn);
}

static bool do_binary(struct assembly *as, char **w)
{
	bool sx = !strncmp(w[0], "movsx", 5);
	const struct op_info *info =
		sx ? op_movsx(w[0]) : op_wide("", w[0], is_reg(w[2]) ? "_X" : "_K");
	struct bpf_insn insn;

	if (!info)
		return false;
	insn = start_of(info);
	insn.dst_reg = reg(w[1]) & 15;
	if (is_reg(w[2]))
		insn.src_reg = reg(w[2]) & 15;
	else
		insn.imm = (int32_t)number(w[2]);
	return emit(as, insn);
}

static bool do_lddw(struct assembly *as, char **w)
{
	uint64_t imm = (uint64_t)number(w[2]);
	struct bpf_insn insn = {
		.code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = reg(w[1]) & 15, .imm = (int32_t)imm};

	return emit(as, insn) && emit(as, (struct bpf_insn){.imm = (int32_t)(imm >> 32)});
}

static bool do_line(struct assembly *as, char **w, int n)
{
	const struct op_info *info;

	if (!strcmp(w[0], "exit")) {
		as->last_exit = as->n;
		return emit(as, (struct bpf_insn){.code = BPF_JMP | BPF_EXIT});
	}
	if (!strcmp(w[0], "lock"))
		return do_atomic(as, w, n);
	if (!strcmp(w[0], "call"))
		return n >= 2 && do_call(as, w, n);
	if (w[0][0] == 'j')
		return do_jump(as, w, n);
	if (n == 2)
		return do_unary(as, w);
	if (n != 3)
		return false;
	if (!strcmp(w[0], "lddw"))
		return do_lddw(as, w);
	info = op_memory(w[0]);
	return info ? do_memory(as, info, w) : do_binary(as, w);
}

static bool define_label(struct assembly *as, const char *name)
{
	if (as->emitting)
		return true;
	if (as->n_labels == MAX_LABELS)
		return false;
	snprintf(as->labels[as->n_labels].name, sizeof(as->labels[0].name), "%s", name);
	as->labels[as->n_labels++].slot = as->n;
	return true;
}

static bool pass(struct assembly *as, const char *text)
{
	char line[256], *words[MAX_WORDS];

	as->n = 0;
	while (*text) {
		size_t len = strcspn(text, "\n");
		size_t comment = strcspn(text, "#\n");
		size_t n = comment < sizeof(line) ? comment : sizeof(line) - 1;
		int n_words;

		memcpy(line, text, n);
		line[n] = '\0';
		n_words = split(line, words);
		if (n_words == 1 && words[0][strlen(words[0]) - 1] == ':') {
			words[0][strlen(words[0]) - 1] = '\0';
			if (!define_label(as, words[0]))
				return false;
		} else if (n_words && !do_line(as, words, n_words)) {
			printf("cannot assemble: %.*s\n", (int)len, text);
			return false;
		}
		text += len + (text[len] == '\n');
	}
	return true;
}

int asm_program(const char *text, struct bpf_insn *insns, int max)
{
	struct assembly as = {.insns = insns, .max = max};

	if (!pass(&as, text))
		return -1;
	as.emitting = true;
	return pass(&as, text) ? as.n : -1;
}
