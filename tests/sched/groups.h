/* SPDX-License-Identifier: BSD-2-Clause */
/* How many cgroups groups.bpf.c writes down. */
#ifndef TESTS_SCHED_GROUPS_H
#define TESTS_SCHED_GROUPS_H

#define GROUPS 16

#endif
