/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instructions one by one: is the encoding one that programs may use?
 *
 * After this stage opcode_of() of every slot is an operation that is not internal to the
 * rewriting, register numbers are valid, reserved fields are zero and every LDIMM64 has its
 * second half. Where jumps lead is func.c's question.
 */
#include "verify/env.h"

static int reserved(struct env *env, uint32_t idx, const char *what)
{
	vlog(env, "insn %u: %s uses reserved fields\n", idx, what);
	return -EINVAL;
}

static int unknown(struct env *env, const struct bpf_insn *insn)
{
	vlog(env, "unknown opcode %02x\n", insn->code);
	return -EINVAL;
}

static int check_mov(struct env *env, uint32_t i, const struct bpf_insn *insn)
{
	bool wide = BPF_CLASS(insn->code) == BPF_ALU64;

	if (BPF_SRC(insn->code) == BPF_K)
		return insn->src_reg || insn->off ? reserved(env, i, "BPF_MOV") : 0;
	if (wide && insn->off == BPF_ADDR_SPACE_CAST) {
		if (insn->imm == BPF_CAST_KERN || insn->imm == BPF_CAST_USER)
			return 0;
		vlog(env, "addr_space_cast insn can only convert between address space 1 and 0\n");
		return -EINVAL;
	}
	if (insn->imm ||
	    (insn->off && insn->off != 8 && insn->off != 16 && !(wide && insn->off == 32)))
		return reserved(env, i, "BPF_MOV");
	return 0;
}

static int check_shift_or_div(struct env *env, const struct bpf_insn *insn)
{
	int32_t width = BPF_CLASS(insn->code) == BPF_ALU64 ? 64 : 32;

	switch (BPF_OP(insn->code)) {
	case BPF_DIV:
	case BPF_MOD:
		if (insn->imm)
			return 0;
		vlog(env, "div by zero\n");
		return -EINVAL;
	case BPF_LSH:
	case BPF_RSH:
	case BPF_ARSH:
		if (insn->imm >= 0 && insn->imm < width)
			return 0;
		vlog(env, "invalid shift %d\n", insn->imm);
		return -EINVAL;
	default:
		return 0;
	}
}

static int check_binary(struct env *env, uint32_t i, const struct bpf_insn *insn)
{
	uint8_t op = BPF_OP(insn->code);
	bool is_signed = insn->off == 1 && (op == BPF_DIV || op == BPF_MOD);

	if (insn->off && !is_signed)
		return reserved(env, i, "BPF_ALU");
	if (BPF_SRC(insn->code) == BPF_X)
		return insn->imm ? reserved(env, i, "BPF_ALU") : 0;
	if (insn->src_reg)
		return reserved(env, i, "BPF_ALU");
	return check_shift_or_div(env, insn);
}

static int check_alu(struct env *env, uint32_t i, const struct bpf_insn *insn)
{
	bool wide = BPF_CLASS(insn->code) == BPF_ALU64;

	switch (BPF_OP(insn->code)) {
	case BPF_NEG:
		if (BPF_SRC(insn->code) != BPF_K || insn->src_reg || insn->off || insn->imm)
			return reserved(env, i, "BPF_NEG");
		return 0;
	case BPF_END:
		if (insn->src_reg || insn->off || (wide && BPF_SRC(insn->code) != BPF_TO_LE) ||
		    (insn->imm != 16 && insn->imm != 32 && insn->imm != 64))
			return reserved(env, i, "BPF_END");
		return 0;
	case BPF_MOV:
		return check_mov(env, i, insn);
	case 0xe0:
	case 0xf0:
		return unknown(env, insn);
	default:
		return check_binary(env, i, insn);
	}
}

static int check_atomic(struct env *env, const struct bpf_insn *insn)
{
	unsigned int size = bpf_size_bytes(insn->code);

	switch (insn->imm) {
	case BPF_ADD:
	case BPF_ADD | BPF_FETCH:
	case BPF_AND:
	case BPF_AND | BPF_FETCH:
	case BPF_OR:
	case BPF_OR | BPF_FETCH:
	case BPF_XOR:
	case BPF_XOR | BPF_FETCH:
	case BPF_XCHG:
	case BPF_CMPXCHG:
		if (size >= 4)
			return 0;
		vlog(env, "invalid atomic operand size\n");
		return -EINVAL;
	case BPF_LOAD_ACQ:
	case BPF_STORE_REL:
		return 0;
	default:
		vlog(env, "BPF_ATOMIC uses invalid atomic opcode %02x\n", insn->imm);
		return -EINVAL;
	}
}

static int check_mem(struct env *env, uint32_t i, const struct bpf_insn *insn)
{
	switch (BPF_CLASS(insn->code)) {
	case BPF_LDX:
		if (BPF_MODE(insn->code) != BPF_MEM && BPF_MODE(insn->code) != BPF_MEMSX)
			return unknown(env, insn);
		if (insn->code == (BPF_LDX | BPF_MEMSX | BPF_DW))
			return unknown(env, insn);
		return insn->imm ? reserved(env, i, "BPF_LDX") : 0;
	case BPF_ST:
		if (BPF_MODE(insn->code) != BPF_MEM)
			return unknown(env, insn);
		return insn->src_reg ? reserved(env, i, "BPF_ST") : 0;
	default:
		if (BPF_MODE(insn->code) == BPF_ATOMIC)
			return check_atomic(env, insn);
		if (BPF_MODE(insn->code) != BPF_MEM)
			return unknown(env, insn);
		return insn->imm ? reserved(env, i, "BPF_STX") : 0;
	}
}

static int check_ldimm64(struct env *env, uint32_t i, const struct bpf_insn *insn)
{
	const struct bpf_insn *hi = insn + 1;

	if (i + 1 >= env->n || hi->code || hi->dst_reg || hi->src_reg || hi->off) {
		vlog(env, "invalid bpf_ld_imm64 insn\n");
		return -EINVAL;
	}
	if (insn->off)
		return reserved(env, i, "BPF_LD_IMM64");
	if (insn->src_reg > BPF_PSEUDO_MAP_IDX_VALUE) {
		vlog(env, "unrecognized bpf_ld_imm64 insn\n");
		return -EINVAL;
	}
	return 0;
}

static int check_ld(struct env *env, uint32_t i, const struct bpf_insn *insn)
{
	bool ind = BPF_MODE(insn->code) == BPF_IND;

	if (insn_is_ldimm64(insn))
		return check_ldimm64(env, i, insn);
	if ((!ind && BPF_MODE(insn->code) != BPF_ABS) || BPF_SIZE(insn->code) == BPF_DW)
		return unknown(env, insn);
	if (insn->dst_reg || insn->off || (!ind && insn->src_reg))
		return reserved(env, i, "BPF_LD_[ABS|IND]");
	return 0;
}

static int check_call(struct env *env, uint32_t i, const struct bpf_insn *insn)
{
	if (BPF_SRC(insn->code) != BPF_K || insn->dst_reg ||
	    insn->src_reg > BPF_PSEUDO_KFUNC_CALL ||
	    (insn->off && insn->src_reg != BPF_PSEUDO_KFUNC_CALL) ||
	    BPF_CLASS(insn->code) == BPF_JMP32)
		return reserved(env, i, "BPF_CALL");
	return 0;
}

static int check_goto(struct env *env, uint32_t i, const struct bpf_insn *insn)
{
	bool is_long = BPF_CLASS(insn->code) == BPF_JMP32;

	if (BPF_SRC(insn->code) != BPF_K || insn->src_reg || insn->dst_reg ||
	    (is_long ? insn->off : insn->imm))
		return reserved(env, i, "BPF_JA");
	return 0;
}

static int check_may_goto(struct env *env, uint32_t i, const struct bpf_insn *insn)
{
	if (BPF_CLASS(insn->code) != BPF_JMP || BPF_SRC(insn->code) != BPF_K)
		return unknown(env, insn);
	if (insn->src_reg != BPF_MAY_GOTO || insn->dst_reg || insn->imm) {
		vlog(env, "invalid may_goto imm %d\n", insn->imm);
		return -EINVAL;
	}
	return 0;
}

static int check_jmp(struct env *env, uint32_t i, const struct bpf_insn *insn)
{
	switch (BPF_OP(insn->code)) {
	case BPF_CALL:
		return check_call(env, i, insn);
	case BPF_JA:
		return check_goto(env, i, insn);
	case BPF_EXIT:
		if (BPF_SRC(insn->code) != BPF_K || insn->imm || insn->src_reg || insn->dst_reg ||
		    insn->off || BPF_CLASS(insn->code) == BPF_JMP32)
			return reserved(env, i, "BPF_EXIT");
		return 0;
	case BPF_JCOND:
		return check_may_goto(env, i, insn);
	case 0xf0:
		return unknown(env, insn);
	default:
		if (BPF_SRC(insn->code) == BPF_X ? insn->imm : insn->src_reg)
			return reserved(env, i, "BPF_JMP/JMP32");
		return 0;
	}
}

static int check_one(struct env *env, uint32_t i, const struct bpf_insn *insn)
{
	if (insn->dst_reg >= MAX_BPF_REG || insn->src_reg >= MAX_BPF_REG) {
		vlog(env, "R%d is invalid\n",
		     insn->dst_reg >= MAX_BPF_REG ? insn->dst_reg : insn->src_reg);
		return -EINVAL;
	}
	switch (BPF_CLASS(insn->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		return check_alu(env, i, insn);
	case BPF_LD:
		return check_ld(env, i, insn);
	case BPF_JMP:
	case BPF_JMP32:
		return check_jmp(env, i, insn);
	default:
		return check_mem(env, i, insn);
	}
}

int insn_check_all(struct env *env)
{
	for (uint32_t i = 0; i < env->n; i++) {
		UA_TRY(check_one(env, i, &env->insns[i]));
		ua_assert(opcode_of(&env->insns[i]) != OP_INVALID);
		if (insn_is_ldimm64(&env->insns[i]))
			i++;
	}
	return 0;
}
