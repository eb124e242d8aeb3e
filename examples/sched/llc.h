/* SPDX-License-Identifier: BSD-2-Clause */
/* What llc.bpf.c keeps in its arena; hosts include it to read along. */
#ifndef EXAMPLES_SCHED_LLC_H
#define EXAMPLES_SCHED_LLC_H

#ifdef __bpf__
#define LLC_PTR(type) type __arena *
typedef u32 llc_u32;
typedef u64 llc_u64;
#else
#include <stdint.h>
/* The program's pointers are valid as they are where the arena is mapped, see ua_arena__view(). */
#define LLC_PTR(type) type *
typedef uint32_t llc_u32;
typedef uint64_t llc_u64;
#endif

/* One last-level cache. */
struct llc {
	llc_u32 first_cid, end_cid; /* its CPUs are neighbours in cid order */
	llc_u64 vtime_now;	    /* of the task that started here last */
	llc_u64 nr_woken_idle;	    /* wakeups that found an idle CPU here */
	llc_u64 nr_queued;	    /* tasks put into the queue */
	llc_u64 nr_taken;	    /* tasks run from the queue by its own CPUs */
	llc_u64 nr_stolen;	    /* tasks that CPUs of other LLCs took from it */
	llc_u64 busy_ns;	    /* CPU time of tasks that belong here */
};

/* One task. */
struct task_ctx {
	LLC_PTR(struct task_ctx) next_free;
	llc_u32 llc; /* where it belongs */
	llc_u64 started;
	/* the cids it may use follow: a struct scx_cmask */
};

#endif
