/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What can run the workloads. A backend prepares and runs a workload by its number and says how
 * long the run took; the harness (bench.c) decides what runs when and compares.
 */
#ifndef UA_BENCH_BACKEND_H
#define UA_BENCH_BACKEND_H

#include <stdint.h>

struct workload {
	const char *name, *op;
	uint64_t n; /* operations per call, 0: the call is the operation */
	uint32_t calls;
	int vectorisable;
};
extern const struct workload workloads[];
extern const int n_workloads;

struct backend {
	const char *name;
	int (*prep)(struct backend *b, int i);
	/* Run workload i `calls` times with n operations each; 0 and the last checksum. */
	int (*work)(struct backend *b, int i, uint64_t n, uint32_t calls, uint64_t *sum,
		    uint64_t *ns);
	void (*close)(struct backend *b);
	uint32_t max_calls; /* what a row of single calls is cut down to; 0: no limit */
	/* A program that only BPF has (page_1, stray, ...), or NULL. */
	int (*extra)(struct backend *b, const char *program, uint64_t n, uint64_t *sum,
		     uint64_t *ns);
	void *priv;
};

/* Each fills *b, or prints why it cannot and returns a negative errno. */
int backend_native(struct backend *b, const char *name, const char *path);
int backend_uarena(struct backend *b, const char *name, const char *object, int on_linux, int exec);
int backend_wasm(struct backend *b, const char *name, const char *script, const char *module);

uint64_t bench_now(void);

#endif
