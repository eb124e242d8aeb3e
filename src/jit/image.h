/* SPDX-License-Identifier: BSD-2-Clause */
/* A compiled program: its block of code and what is known about each place in it. */
#ifndef UA_JIT_IMAGE_H
#define UA_JIT_IMAGE_H

#include "arena/extable.h"
#include "base/epoch.h"
#include "jit/asm.h"
#include "jit/jit.h"

struct image_func {
	uint32_t start, end; /* offsets of its code, cold paths included */
	uint32_t frame_size;
};

struct jit_image {
	struct epoch_item defer;
	uint8_t *text;
	size_t size;	   /* code and literals */
	uint32_t code_end; /* literals begin behind */
	struct ext_region region;
	struct ext_entry *ext;
	struct slot_mark *marks; /* sorted */
	size_t n_marks;
	struct image_func *funcs;
	uint32_t n_funcs;
	bool registered;
	struct gdb_entry *gdb; /* NULL unless announced to gdb */
};

/* Function whose code contains offset `at`, or -1 (shared thunks). */
int64_t image_func_at(const struct jit_image *img, uint32_t at);
/* Slot the code at offset `at` belongs to, or -1. */
int64_t image_slot_at(const struct jit_image *img, uint32_t at);

#endif
