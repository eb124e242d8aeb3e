/* SPDX-License-Identifier: BSD-2-Clause */
/* What plan.bpf.c is told and tells; laid out alike on both sides. */
#ifndef TESTS_SCHED_PLAN_H
#define TESTS_SCHED_PLAN_H

#define PLANS 256
#define ORDER 4096

/* Where a task is to be put, by pid % PLANS. */
struct plan {
	unsigned long long dsq, slice, vtime, flags;
	unsigned int keyed;  /* by vtime */
	unsigned int direct; /* already in select */
	int cpu;	     /* select: this one; -1 the previous */
	unsigned int keep;   /* enqueue: not at all, it stays in custody */
};

/* What a SYSCALL program is to do. */
struct order {
	unsigned long long dsq, flags, to, to_flags, slice, vtime;
	unsigned int set_slice, set_vtime, keyed;
	int cpu;
};

#endif
