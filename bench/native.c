/* SPDX-License-Identifier: BSD-2-Clause */
/* The workloads for the host's compilers and for WebAssembly: three calls by number. */
#define ARENA
#define MORE 1
#define ZERO 0
#include "workloads.h"

#define EXPORT __attribute__((visibility("default")))

static const struct {
	w64 (*work)(w64 n);
	void (*prep)(void);
} table[] = {
#define W(name, prepare, op, n, calls, vec) {work_##name, prep_##prepare},
	UA_WORKLOADS(W)
#undef W
};

EXPORT void bench_setup(void *mem);
EXPORT void bench_prep(int i);
EXPORT w64 bench_work(int i, w64 n);
EXPORT w64 (*bench_function(int i))(w64 n);

void bench_setup(void *mem)
{
	w_mem = mem;
}

void bench_prep(int i)
{
	table[i].prep();
}

w64 bench_work(int i, w64 n)
{
	return table[i].work(n);
}

w64 (*bench_function(int i))(w64 n)
{
	return table[i].work;
}
