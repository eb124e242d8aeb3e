/* SPDX-License-Identifier: BSD-2-Clause */
/* Pointers to counted objects in map values (__kptr): who releases them when a value goes. */
#ifndef UA_PROG_KPTR_H
#define UA_PROG_KPTR_H

#include "map/map.h"

/* Before a program that uses the map runs: only programs put pointers there. -EINVAL: a type
 * whose objects nobody can release. */
int kptr_bind(struct map *map);

#endif
