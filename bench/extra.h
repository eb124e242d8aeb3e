/* SPDX-License-Identifier: BSD-2-Clause */
/* Figures of the engine that no other backend has: loading time and scaling over threads. */
#ifndef UA_BENCH_EXTRA_H
#define UA_BENCH_EXTRA_H

/* Each prints one line, or why it could not. exec: enum ua_exec. */
void extra_load(const char *object, const char *name, int exec);
void extra_threads(const char *object, const char *name, int exec);

#endif
