/* SPDX-License-Identifier: BSD-2-Clause */
/* Telling profilers and debuggers about images. Off unless jit_tools() asked for it. */
#ifndef UA_JIT_TOOLS_H
#define UA_JIT_TOOLS_H

#include "jit/image.h"

/* After an image is in place; failures are logged and change nothing else. */
void tools_announce(const struct code *code, struct jit_image *img);
/* Before its memory goes. */
void tools_withdraw(struct jit_image *img);

/* gdb.c: an object file in memory that names the functions; NULL if memory is short. */
struct gdb_entry;
struct gdb_entry *gdb_register(const struct code *code, const struct jit_image *img);
void gdb_unregister(struct gdb_entry *entry);

#endif
