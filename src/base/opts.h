/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Option structs of the public interface: `sz` says how much of the struct the caller knows.
 * Fields beyond it read as their default, so that old callers work with new libraries.
 */
#ifndef UA_BASE_OPTS_H
#define UA_BASE_OPTS_H

#include <stdbool.h>
#include <stddef.h>

/* NULL is valid and means all defaults; a struct must at least hold its own size. */
#define opts_valid(opts) (!(opts) || (opts)->sz >= sizeof((opts)->sz))

#define opts_has(opts, field) \
	((opts) && (opts)->sz >= offsetof(__typeof__(*(opts)), field) + sizeof((opts)->field))

#define opts_get(opts, field, fallback) (opts_has(opts, field) ? (opts)->field : (fallback))

#endif
