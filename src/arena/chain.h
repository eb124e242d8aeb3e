/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Living with other handlers of SIGSEGV and SIGBUS.
 *
 * A handler found at installation, or put over ours later, is remembered and called for the
 * faults that are not ours, as the kernel would have called it. A handler that sits on top
 * of ours and itself calls the one it replaced comes back here; then the one below it is
 * next, down to the default action.
 */
#ifndef UA_ARENA_CHAIN_H
#define UA_ARENA_CHAIN_H

#include <signal.h>
#include <stdint.h>
#include <ucontext.h>

typedef void (*chain_fn)(int sig, siginfo_t *info, void *ctx);

/* Put fn on top for sig (SIGSEGV or SIGBUS) if it is not there. Normal context. */
int chain_install(int sig, chain_fn fn);
/*
 * From fn: hand a fault on as signal `sig`. `arrived` is the signal it came with, ret the
 * return address of fn, by which a call from the kernel is told from one by another handler.
 */
void chain_pass(int sig, int arrived, siginfo_t *info, ucontext_t *uc, uintptr_t ret);

#endif
