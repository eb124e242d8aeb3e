/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locks that programs take: bpf_spin_lock, bpf_res_spin_lock, and the exclusion that disabled
 * preemption or interrupts give on one CPU.
 *
 * Threads are not CPUs: several may run programs under one CPU number. Code that disables
 * preemption relies on being alone on its CPU, so doing that takes a lock of that number.
 */
#ifndef UA_PROG_LOCK_H
#define UA_PROG_LOCK_H

#include <stdint.h>

struct run_ctx;

void lock_preempt_disable(void);
void lock_preempt_enable(void);

/* 0, -EDEADLK (this thread holds it, or another waits for a lock of ours and holds it), or
 * -ETIMEDOUT after 250 ms. Without the report, which is the kfunc's. */
int lock_res_acquire(uint32_t *lock);
void lock_res_release(uint32_t *lock);
/* Locks this thread holds, outermost first; the number, of which at most 31 are listed. */
uint32_t lock_res_held(void *const **locks);

/* A run was stopped half-way: release what it still holds. */
void lock_run_stopped(struct run_ctx *rc);

#endif
