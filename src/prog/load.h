/* SPDX-License-Identifier: BSD-2-Clause */
/* Parts of loading a program that other files of this folder and tests need. */
#ifndef UA_PROG_LOAD_H
#define UA_PROG_LOAD_H

#include "prog/prog.h"

/* Free a program nobody has seen, at once. */
void prog_destroy(struct prog *p);
/* The kernel's tag: start of the SHA-1 of the instructions with map descriptors zeroed. */
int prog_tag(const struct bpf_insn *insns, uint32_t n, uint8_t tag[BPF_TAG_SIZE]);
bool prog_license_is_gpl(const char *license);

#endif
