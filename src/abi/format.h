/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The format strings of bpf_snprintf, bpf_trace_printk, bpf_stream_vprintk and their kin: the
 * one parser, read by the verifier (is this string acceptable?) and by prog/format.c (print it).
 */
#ifndef UA_ABI_FORMAT_H
#define UA_ABI_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FORMAT_MAX_ARGS 12

enum format_kind {
	FORMAT_END,
	FORMAT_TEXT,
	FORMAT_SIGNED,	 /* d i */
	FORMAT_UNSIGNED, /* u */
	FORMAT_HEX,	 /* x, X with `upper` */
	FORMAT_CHAR,	 /* c */
	FORMAT_STRING,	 /* s pks pus */
	FORMAT_POINTER,	 /* p pK px */
	FORMAT_SYMBOL,	 /* ps pS pB, by `variant` */
	FORMAT_IP,	 /* pi4 pI4 pi6 pI6; `variant` i or I, `upper` for version 6 */
};

struct format_item {
	enum format_kind kind;
	const char *text; /* FORMAT_TEXT */
	size_t len;
	bool wide; /* takes the whole 64-bit argument */
	bool upper;
	bool left, plus, space, zero; /* flags */
	uint32_t width;		      /* 0: none */
	char variant;
};

/* Reads the next item at *pos. -EINVAL: not a format the kernel accepts. */
int format_next(const char *fmt, size_t *pos, struct format_item *item);

/* Check the whole string: it must end within `size` bytes and take at most n_args arguments.
 * Returns how many it takes, or -EINVAL. */
int format_check(const char *fmt, size_t size, uint32_t n_args);

#endif
