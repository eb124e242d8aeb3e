/* SPDX-License-Identifier: BSD-2-Clause */
/* Workloads compiled by a host compiler into a shared object. */
#include "backend.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#define MEM_SIZE (80u << 20)

typedef unsigned long long (*work_fn)(unsigned long long n);

struct native {
	void *handle, *mem;
	void (*prep)(int i);
	work_fn (*function)(int i);
};

uint64_t bench_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int native_prep(struct backend *b, int i)
{
	((struct native *)b->priv)->prep(i);
	return 0;
}

static int native_work(struct backend *b, int i, uint64_t n, uint32_t calls, uint64_t *sum,
		       uint64_t *ns)
{
	work_fn fn = ((struct native *)b->priv)->function(i);
	uint64_t start = bench_now();

	for (uint32_t k = 0; k < calls; k++)
		*sum = fn(n);
	*ns = bench_now() - start;
	return 0;
}

static void native_close(struct backend *b)
{
	struct native *nat = b->priv;

	munmap(nat->mem, MEM_SIZE);
	dlclose(nat->handle);
	free(nat);
}

int backend_native(struct backend *b, const char *name, const char *path)
{
	struct native *nat = calloc(1, sizeof(*nat));
	void (*setup)(void *);

	if (!nat)
		return -ENOMEM;
	nat->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	nat->mem = mmap(NULL, MEM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!nat->handle || nat->mem == MAP_FAILED) {
		printf("%s: not measured: %s\n", name, nat->handle ? "no memory" : dlerror());
		free(nat);
		return -ENOENT;
	}
	/* The same page size for all: arenas have 4 KiB pages. */
	madvise(nat->mem, MEM_SIZE, MADV_NOHUGEPAGE);
	setup = (void (*)(void *))dlsym(nat->handle, "bench_setup");
	nat->prep = (void (*)(int))dlsym(nat->handle, "bench_prep");
	nat->function = (work_fn(*)(int))dlsym(nat->handle, "bench_function");
	setup(nat->mem);
	*b = (struct backend){.name = name,
			      .prep = native_prep,
			      .work = native_work,
			      .close = native_close,
			      .priv = nat};
	return 0;
}
