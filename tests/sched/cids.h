/* SPDX-License-Identifier: BSD-2-Clause */
/* Room in the tables of cids.bpf.c. */
#ifndef TESTS_SCHED_CIDS_H
#define TESTS_SCHED_CIDS_H

#define CIDS 64

#endif
