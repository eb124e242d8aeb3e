/* SPDX-License-Identifier: BSD-2-Clause */
/* Files the tool carries with it, made into C by scripts/embed. */
#ifndef UA_CLI_EMBEDDED_H
#define UA_CLI_EMBEDDED_H

#include <stddef.h>

struct embedded {
	const char *name; /* without folder; NULL ends the list */
	const char *data; /* followed by a 0 */
	size_t size;
};

extern const struct embedded embedded_files[];

#endif
