/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of native functions for fault reports.
 *
 * dladdr() takes the loader's lock and sees exported names only, so neither its safety nor its
 * answers fit a report written in a signal handler. Instead normal context maps the symbol
 * tables of the loaded files beforehand, and the handler searches them.
 */
#ifndef UA_OS_SYMBOLS_H
#define UA_OS_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct symbol {
	const char *name; /* of the function, or of the file if no function is known */
	uintptr_t start;  /* of that */
	size_t size;
	bool is_function;
};

/* Take notice of files loaded since the last call; cheap when there are none. Failures only
 * cost names. Not from signal handlers. */
void symbols_refresh(void);

/* What contains `pc`; false if it is in no file that symbols_refresh() has seen. [signal] */
bool symbols_find(uintptr_t pc, struct symbol *out);

#endif
