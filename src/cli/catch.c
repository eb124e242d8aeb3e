/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages of the library, the verifier's log among them, caught on their way to the terminal. */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>

static struct {
	char *text;
	size_t size;
	ua_print_fn before;
} caught;

static int catch_print(enum ua_print_level level, const char *fmt, va_list args)
{
	va_list again;
	char *bigger;
	int n;

	if (level == UA_PRINT_DEBUG)
		return caught.before ? caught.before(level, fmt, args) : 0;
	va_copy(again, args);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	bigger = n < 0 ? NULL : realloc(caught.text, caught.size + (size_t)n + 1);
	if (!bigger)
		return -1;
	vsnprintf(bigger + caught.size, (size_t)n + 1, fmt, args);
	caught.text = bigger;
	caught.size += (size_t)n;
	return n;
}

void cli_catch_begin(void)
{
	caught.before = ua_set_print(catch_print);
}

char *cli_catch_end(void)
{
	char *text = caught.text;

	ua_set_print(caught.before);
	caught.text = NULL;
	caught.size = 0;
	return text;
}
