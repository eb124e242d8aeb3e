/* SPDX-License-Identifier: BSD-2-Clause */
/* SHA-1 (FIPS 180-4), for program tags only: they identify, they do not protect. */
#ifndef UA_PROG_SHA1_H
#define UA_PROG_SHA1_H

#include <stddef.h>
#include <stdint.h>

void sha1(const void *data, size_t len, uint8_t digest[20]);

#endif
