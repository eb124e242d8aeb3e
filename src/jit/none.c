/* SPDX-License-Identifier: BSD-2-Clause */
/* No code generator for this architecture: programs are interpreted. */
#include "jit/jit.h"

#include "base/base.h"

bool jit_available(void)
{
	return false;
}

int jit_compile(struct code *code)
{
	log_info("jit: no code generator for this architecture\n");
	return -EOPNOTSUPP;
}

void jit_free(struct code *code)
{
	ua_assert(!code->jit);
}

int64_t jit_slot_at(const struct code *code, uintptr_t pc)
{
	return -1;
}

uint32_t jit_backtrace(const struct run *run, const void *uc, struct jit_frame *frames,
		       uint32_t max)
{
	return 0;
}

int jit_dump(const struct code *code, uint32_t func, bool origins, FILE *out)
{
	return -ENOENT;
}

int jit_dump_stages(const struct code *code, uint32_t func, FILE *out)
{
	return -EOPNOTSUPP;
}

struct jit_disasm *jit_disasm_open(void)
{
	return NULL;
}

void jit_disasm(const struct jit_disasm *d, const uint8_t *code, uint32_t at, uint32_t end,
		FILE *out)
{
	for (; at < end; at++)
		fprintf(out, "%6x: %02x\n", at, code[at]);
}

void jit_disasm_close(struct jit_disasm *d)
{
}

void jit_tools(unsigned int which)
{
}
