/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of this folder share. */
#ifndef TESTS_PROG_CHECK_H
#define TESTS_PROG_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uarena.h>

#define CHECK(cond)                                                                \
	do {                                                                       \
		if (!(cond)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
			exit(1);                                                   \
		}                                                                  \
	} while (0)

#define CHECK_EQ(is, should)                                                                      \
	do {                                                                                      \
		long long is_ = (long long)(is), should_ = (long long)(should);                   \
		if (is_ != should_) {                                                             \
			fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #is, \
				is_, should_);                                                    \
			exit(1);                                                                  \
		}                                                                                 \
	} while (0)

/* The last message the library printed. */
static char last_message[1024];

__attribute__((unused)) static int keep_message(enum ua_print_level level, const char *fmt,
						va_list args)
{
	/* Checked builds also trace failing expressions, at debug level. */
	if (level == UA_PRINT_DEBUG)
		return 0;
	return vsnprintf(last_message, sizeof(last_message), fmt, args);
}

__attribute__((unused)) static struct ua_program *program(struct ua_object *obj, const char *name)
{
	struct ua_program *p = ua_object__find_program(obj, name);

	if (!p) {
		fprintf(stderr, "no program %s\n", name);
		exit(1);
	}
	return p;
}

#endif
