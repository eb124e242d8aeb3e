/* SPDX-License-Identifier: BSD-2-Clause */
/* Generated programs whose verdict follows from a formula. */
#ifndef UA_TESTS_VERIFY_FAMILIES_H
#define UA_TESTS_VERIFY_FAMILIES_H

#include "suite.h"

void families_each(void (*fn)(const struct suite_case *c, void *arg), void *arg);

#endif
