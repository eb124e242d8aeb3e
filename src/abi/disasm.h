/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The disassembler: one instruction as a line of text, in the form of the kernel's verifier log
 * and of `bpftool prog dump xlated`. Names of calls and constants come from callbacks, because
 * only the caller knows maps, kfuncs and subprograms.
 */
#ifndef UA_ABI_DISASM_H
#define UA_ABI_DISASM_H

#include "abi/insn.h"

struct disasm_names {
	void *arg;
	/* Name of what a call calls, into buf or elsewhere; NULL: print the default. */
	const char *(*call)(void *arg, const struct bpf_insn *insn, char *buf, size_t size);
	/* Text of a 64-bit immediate load whose value is `imm`; NULL: print it in hexadecimal. */
	const char *(*imm)(void *arg, const struct bpf_insn *insn, uint64_t imm, char *buf,
			   size_t size);
};

#define DISASM_MAX 256 /* no line is longer, unless a callback's name is */

/*
 * Writes the text of *insn, without a newline, and returns its length as snprintf() does. Of a
 * 64-bit immediate load both slots are read. names may be NULL: then helpers have their names,
 * local calls their distance, kfuncs none. Internal modes print as the access they stand for.
 */
int disasm_insn(const struct bpf_insn *insn, const struct disasm_names *names, char *buf,
		size_t size);

#endif
