/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one process-wide fault handler (SIGSEGV and SIGBUS), installed once and chained.
 *
 * Decision for a synchronous fault, first hit wins:
 *   1. PC in an exception table          program access: skip, report, go on
 *   2. address in a user view            user access: populate, or SIGSEGV
 *   3. address in [base, base+4G+32K) of a window and a run record on top
 *                                        host access: scratch page, report once, retry
 *   4. anything else                     the handler found at installation, or the default
 */
#ifndef UA_ARENA_FAULT_H
#define UA_ARENA_FAULT_H

/* Install once per process; later calls re-check that the handlers are still ours or chained
 * from the host's. 0 or a negative errno. */
int fault_install(void);

/* Per thread, before its first run: alternate stack if none is set, report buffer; -EDEADLK
 * with a logged explanation if SIGSEGV or SIGBUS is blocked or ignored. Cheap when repeated. */
int fault_thread_attach(void);
void fault_thread_detach(void);

#endif
