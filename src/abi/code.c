/* SPDX-License-Identifier: BSD-2-Clause */
/* The decoder: instruction -> operation, from the one list in opcodes.h. */
#include "abi/code.h"
#include "base/base.h"

const struct op_info op_info[OP_COUNT] = {
#define X(id, kind, code, pick, text) [OP_##id] = { #id, text, K_##kind, (uint8_t)(code), (pick) },
	UA_OPCODES(X)
#undef X
};

/* Operations that share a code byte, as a chain: first[code], then next[op]. OP_INVALID ends. */
static uint16_t first_op[256], next_op[OP_COUNT];

__attribute__((constructor)) static void chains_build(void)
{
	for (int i = 0; i < 256; i++)
		first_op[i] = OP_INVALID;
	for (int i = OP_COUNT - 1; i >= 0; i--) {
		next_op[i] = first_op[op_info[i].code];
		first_op[op_info[i].code] = (uint16_t)i;
	}
}

static bool picked(const struct op_info *info, const struct bpf_insn *insn)
{
	int32_t value = (int32_t)(info->pick & 0xffffff);

	switch (info->pick >> 24) {
	case PICK_FIELD_SRC:
		return insn->src_reg == value;
	case PICK_FIELD_OFF:
		return insn->off == value;
	case PICK_FIELD_IMM:
		return insn->imm == value;
	default:
		return true;
	}
}

enum opcode opcode_of(const struct bpf_insn *insn)
{
	uint16_t op = first_op[insn->code];

	while (op != OP_INVALID && !picked(&op_info[op], insn))
		op = next_op[op];
	return op;
}
