/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The disassembler. The operator of an instruction is taken from the pseudo-code in the list of
 * operations; what is written here is the shape of the lines.
 */
#include "abi/disasm.h"

#include "abi/helpers.h"
#include "abi/opcodes.h"
#include "base/base.h"

struct word {
	char s[16];
};

/* The i-th word of the pseudo-code. */
static struct word word_at(const char *text, int i)
{
	struct word w;
	size_t n;

	for (; i > 0; i--)
		text += strcspn(text, " ") + 1;
	n = min_t(size_t, strcspn(text, " "), sizeof(w.s) - 1);
	memcpy(w.s, text, n);
	w.s[n] = '\0';
	return w;
}

static bool is_narrow(uint8_t code)
{
	return BPF_CLASS(code) == BPF_ALU || BPF_CLASS(code) == BPF_JMP32;
}

static char reg_letter(uint8_t code)
{
	return is_narrow(code) ? 'w' : 'r';
}

static const char *size_name(uint8_t code, bool is_signed)
{
	static const char *const names[2][4] = {{"u32", "u16", "u8", "u64"},
						{"s32", "s16", "s8", "s64"}};

	return names[is_signed][BPF_SIZE(code) >> 3];
}

/* "d += i", and with "u32" in front in the narrow forms. */
static struct word alu_operator(const struct op_info *info)
{
	return word_at(info->text, is_narrow(info->code) ? 2 : 1);
}

static int print_alu(const struct bpf_insn *insn, const struct op_info *info, char *buf,
		     size_t size)
{
	char reg = reg_letter(insn->code);

	if (info->kind == K_ALU_X)
		return snprintf(buf, size, "(%02x) %c%d %s %c%d", insn->code, reg, insn->dst_reg,
				alu_operator(info).s, reg, insn->src_reg);
	return snprintf(buf, size, "(%02x) %c%d %s %d", insn->code, reg, insn->dst_reg,
			alu_operator(info).s, insn->imm);
}

static int print_unary(const struct bpf_insn *insn, const struct op_info *info, char *buf,
		       size_t size)
{
	char reg = reg_letter(insn->code);

	if (BPF_OP(insn->code) == BPF_NEG)
		return snprintf(buf, size, "(%02x) %c%d = -%c%d", insn->code, reg, insn->dst_reg,
				reg, insn->dst_reg);
	return snprintf(buf, size, "(%02x) r%d = %s r%d", insn->code, insn->dst_reg,
			word_at(info->text, 2).s, insn->dst_reg);
}

static int print_movsx(const struct bpf_insn *insn, char *buf, size_t size)
{
	char reg = reg_letter(insn->code);

	return snprintf(buf, size, "(%02x) %c%d = (s%d)%c%d", insn->code, reg, insn->dst_reg,
			insn->off, reg, insn->src_reg);
}

static int print_ldimm64(const struct bpf_insn *insn, const struct disasm_names *names, char *buf,
			 size_t size)
{
	uint64_t imm = (uint64_t)(uint32_t)insn[1].imm << 32 | (uint32_t)insn->imm;
	char own[64];
	const char *text = NULL;

	if (names && names->imm)
		text = names->imm(names->arg, insn, imm, own, sizeof(own));
	if (!text) {
		snprintf(own, sizeof(own), "0x%llx", (unsigned long long)imm);
		text = own;
	}
	return snprintf(buf, size, "(%02x) r%d = %s", insn->code, insn->dst_reg, text);
}

static int print_load(const struct bpf_insn *insn, const struct op_info *info, char *buf,
		      size_t size)
{
	bool is_signed = strstr(info->name, "DSX") != NULL;

	return snprintf(buf, size, "(%02x) r%d = *(%s *)(r%d %+d)", insn->code, insn->dst_reg,
			size_name(insn->code, is_signed), insn->src_reg, insn->off);
}

static int print_store(const struct bpf_insn *insn, const struct op_info *info, char *buf,
		       size_t size)
{
	const char *type = size_name(insn->code, false);

	if (info->kind == K_ST)
		return snprintf(buf, size, "(%02x) *(%s *)(r%d %+d) = %d", insn->code, type,
				insn->dst_reg, insn->off, insn->imm);
	return snprintf(buf, size, "(%02x) *(%s *)(r%d %+d) = r%d", insn->code, type, insn->dst_reg,
			insn->off, insn->src_reg);
}

/* "u64 lock [d+off] += s", "u64 s = fetch_add [d+off], s", "u64 r0 = cmpxchg [d+off], r0, s" */
static int print_atomic(const struct bpf_insn *insn, const struct op_info *info, char *buf,
			size_t size)
{
	const char *type = size_name(insn->code, false);
	const char *wide = BPF_SIZE(insn->code) == BPF_DW ? "64" : "";

	if (insn->imm == BPF_CMPXCHG)
		return snprintf(buf, size, "(%02x) r0 = atomic%s_cmpxchg((%s *)(r%d %+d), r0, r%d)",
				insn->code, wide, type, insn->dst_reg, insn->off, insn->src_reg);
	if (insn->imm & BPF_FETCH)
		return snprintf(buf, size, "(%02x) r%d = atomic%s_%s((%s *)(r%d %+d), r%d)",
				insn->code, insn->src_reg, wide, word_at(info->text, 3).s, type,
				insn->dst_reg, insn->off, insn->src_reg);
	return snprintf(buf, size, "(%02x) lock *(%s *)(r%d %+d) %s r%d", insn->code, type,
			insn->dst_reg, insn->off, word_at(info->text, 3).s, insn->src_reg);
}

static int print_packet(const struct bpf_insn *insn, char *buf, size_t size)
{
	const char *type = size_name(insn->code, false);

	if (BPF_MODE(insn->code) == BPF_IND)
		return snprintf(buf, size, "(%02x) r0 = *(%s *)skb[r%d + %d]", insn->code, type,
				insn->src_reg, insn->imm);
	return snprintf(buf, size, "(%02x) r0 = *(%s *)skb[%d]", insn->code, type, insn->imm);
}

/* "if d == i goto off", "if (u32)d == i goto off" */
static int print_branch(const struct bpf_insn *insn, const struct op_info *info, char *buf,
			size_t size)
{
	char reg = reg_letter(insn->code);
	struct word op = word_at(info->text, 2);

	if (info->kind == K_JCOND_X)
		return snprintf(buf, size, "(%02x) if %c%d %s %c%d goto pc%+d", insn->code, reg,
				insn->dst_reg, op.s, reg, insn->src_reg, insn->off);
	return snprintf(buf, size, "(%02x) if %c%d %s 0x%x goto pc%+d", insn->code, reg,
			insn->dst_reg, op.s, (uint32_t)insn->imm, insn->off);
}

static int print_call(const struct bpf_insn *insn, const struct disasm_names *names, char *buf,
		      size_t size)
{
	char own[128];
	const char *name = NULL;

	if (names && names->call)
		name = names->call(names->arg, insn, own, sizeof(own));
	if (!name && insn->src_reg == BPF_PSEUDO_CALL) {
		snprintf(own, sizeof(own), "%+d", insn->imm);
		name = own;
	}
	if (insn->src_reg == BPF_PSEUDO_CALL)
		return snprintf(buf, size, "(%02x) call pc%s", insn->code, name);
	if (!name && insn->src_reg == BPF_PSEUDO_KFUNC_CALL)
		name = "kernel-function";
	if (!name && (name = helper_name((uint32_t)insn->imm))) {
		snprintf(own, sizeof(own), "bpf_%s", name);
		name = own;
	}
	return snprintf(buf, size, "(%02x) call %s#%d", insn->code, name ? name : "unknown",
			insn->imm);
}

int disasm_insn(const struct bpf_insn *insn, const struct disasm_names *names, char *buf,
		size_t size)
{
	enum opcode op = opcode_of(insn);
	const struct op_info *info;

	if (op == OP_INVALID)
		return snprintf(buf, size, "BUG_%02x", insn->code);
	info = &op_info[op];
	switch (info->kind) {
	case K_ALU_K:
	case K_ALU_X:
		return print_alu(insn, info, buf, size);
	case K_UNARY:
		return print_unary(insn, info, buf, size);
	case K_MOVSX:
		return print_movsx(insn, buf, size);
	case K_CAST:
		return snprintf(buf, size, "(%02x) r%d = addr_space_cast(r%d, %d, %d)", insn->code,
				insn->dst_reg, insn->src_reg, (int)((uint32_t)insn->imm >> 16),
				(int)(uint16_t)insn->imm);
	case K_LDIMM64:
		return print_ldimm64(insn, names, buf, size);
	case K_LDX:
		return print_load(insn, info, buf, size);
	case K_ST:
	case K_STX:
		return print_store(insn, info, buf, size);
	case K_ATOMIC:
		return print_atomic(insn, info, buf, size);
	case K_LDACQ:
		return snprintf(buf, size, "(%02x) r%d = load_acquire((%s *)(r%d %+d))", insn->code,
				insn->dst_reg, size_name(insn->code, false), insn->src_reg,
				insn->off);
	case K_STREL:
		return snprintf(buf, size, "(%02x) store_release((%s *)(r%d %+d), r%d)", insn->code,
				size_name(insn->code, false), insn->dst_reg, insn->off,
				insn->src_reg);
	case K_LDPKT:
		return print_packet(insn, buf, size);
	case K_JA:
		return op == OP_JA32
			       ? snprintf(buf, size, "(%02x) gotol pc%+d", insn->code, insn->imm)
			       : snprintf(buf, size, "(%02x) goto pc%+d", insn->code, insn->off);
	case K_JCOND_K:
	case K_JCOND_X:
		return print_branch(insn, info, buf, size);
	case K_MAY_GOTO:
		return snprintf(buf, size, "(%02x) may_goto pc%+d", insn->code, insn->off);
	case K_CALL:
		return print_call(insn, names, buf, size);
	case K_EXIT:
		break;
	}
	return snprintf(buf, size, "(%02x) exit", insn->code);
}
