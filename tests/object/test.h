/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by the loader's tests: a count of failures and an engine. */
#ifndef UA_TESTS_OBJECT_TEST_H
#define UA_TESTS_OBJECT_TEST_H

#include "base/base.h"
#include "uarena.h"

static int failures;

#define CHECK(cond, ...)                                                  \
	do {                                                              \
		if (!(cond)) {                                            \
			failures++;                                       \
			printf("%s:%d: %s: ", __FILE__, __LINE__, #cond); \
			printf(__VA_ARGS__);                              \
			printf("\n");                                     \
		}                                                         \
	} while (0)

#endif
