/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exception tables: which native instructions are program accesses, and how to go on when
 * one of them faults.
 *
 * The JIT registers one region per image. The interpreter's accessors (arena/access.h) emit
 * entries into a linker section. The fault handler looks the faulting PC up; a hit makes the
 * fault a program access, whatever address it hit.
 */
#ifndef UA_ARENA_EXTABLE_H
#define UA_ARENA_EXTABLE_H

#include <stdbool.h>
#include <stdint.h>

#define EXT_NO_REG 0xff
#define EXT_F_WRITE 1 /* report WRITE, else READ */
#define EXT_F_ARENA 2 /* arena access: report; otherwise a BTF-pointer probe: silent */
#define EXT_F_HOST 4  /* addr_reg holds window base + pointer, not the pointer alone */

/* Registers are numbered as the architecture encodes them (x86-64: rax 0, rcx 1, ... r15 15). */
struct ext_entry {
	uint32_t pc;	   /* offset of the native instruction from the region's start */
	uint32_t resume;   /* offset where execution goes on */
	uint8_t clear_reg; /* register to zero, or EXT_NO_REG */
	uint8_t addr_reg;  /* register holding the unmodified arena pointer */
	uint16_t flags;
	int32_t disp; /* displacement added to addr_reg for the report */
	uint32_t idx; /* slot in code->ops */
};

struct ext_region {
	uintptr_t start, end;
	const struct ext_entry *entries; /* sorted by pc */
	uint32_t n;
};

/* The region must stay valid until ext_unregister() returned: it waits for handlers in flight. */
int ext_register(const struct ext_region *region);
void ext_unregister(const struct ext_region *region);

#endif
