/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BPF timers: struct bpf_timer in a map value, callbacks on one thread of the library.
 *
 * The first word of the value's field points to a struct timer, made by bpf_timer_init. A timer
 * with a callback holds a reference on the program. It goes when the value goes (map kinds call
 * map->timers_cancel), or when the last descriptor of the map is closed; from then on
 * bpf_timer_init and _set_callback give -EPERM. That breaks the circle timer, program, map.
 */
#ifndef UA_PROG_TIMER_H
#define UA_PROG_TIMER_H

#include "map/map.h"

/* No user can reach the map any more: cancel and free all timers in it. */
void timer_map_closed(struct map *map);

#endif
