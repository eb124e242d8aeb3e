/* SPDX-License-Identifier: BSD-2-Clause */
/* Kinds of work that keep every path of the core busy, as much as fits the machine. */
#ifndef TESTS_SCHED_WORK_H
#define TESTS_SCHED_WORK_H

#include "sim.h"

enum work_shape { HOGS, SLEEPERS, PAIRS, MIXED, N_SHAPES };
extern const char *const work_shapes[];

void work_add(struct sim *s, enum work_shape shape);
/* Tasks that come and go; round makes their names unique. */
void work_add_shortlived(struct sim *s, uint32_t n, uint32_t round);
/* Affinities, weights and pins change under the tasks, as the seed says. */
void work_disturb(struct sim *s);

#endif
