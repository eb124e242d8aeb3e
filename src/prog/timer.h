/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BPF timers: struct bpf_timer in a map value, callbacks on one thread of the library; timers
 * started in another world (world.h) wait in its queue for its owner to fire them.
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
/* One can again, by the map's id. */
void timer_map_opened(struct map *map);

/* NULL if memory is short. */
struct timer_queue *timer_queue_new(void);
/* Timers in it are no longer armed. Nobody must be firing one. */
void timer_queue_free(struct timer_queue *q);
/* When the earliest expires, on the world's clock; UINT64_MAX: never. */
uint64_t timer_queue_next(const struct timer_queue *q);
/* Call back the earliest, if there is one, whatever the time. enter() comes first, with the CPU
 * that started it. The caller is in the world. */
void timer_queue_fire(struct timer_queue *q, void (*enter)(void *arg, uint32_t cpu), void *arg);

#endif
