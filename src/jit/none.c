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

void jit_tools(unsigned int which)
{
}
