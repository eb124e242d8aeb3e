/* SPDX-License-Identifier: BSD-2-Clause */
/* What the arena's tests share: checks, an arena at a fixed place, a counting run record. */
#ifndef UA_TESTS_ARENA_TEST_H
#define UA_TESTS_ARENA_TEST_H

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "abi/bpf.h"
#include "arena/access.h"
#include "arena/arena.h"
#include "arena/fault.h"
#include "arena/run.h"
#include "base/base.h"

#define PAGE 4096ull
#define USER 0x7e0000000000ull
#define SKIP 77

#define CHECK(cond)                                                                \
	do {                                                                       \
		if (!(cond)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
			_exit(1);                                                  \
		}                                                                  \
	} while (0)

/* Sanitizers install a handler that ends the process their way; the tests expect the signal. */
__attribute__((constructor)) static void default_actions(void)
{
	signal(SIGSEGV, SIG_DFL);
	signal(SIGBUS, SIG_DFL);
}

static const char *const backend_names[] = {"auto", "userfaultfd", "guard", "mprotect"};

/* NULL where the backend does not work. */
static inline struct arena *test_arena(enum arena_backend backend, uint64_t pages, uint32_t flags,
				       enum arena_scratch_policy policy)
{
	struct arena_opts o = {
		.max_entries = pages,
		.map_extra = USER,
		.map_flags = BPF_F_MMAPABLE | flags,
		.backend = backend,
		.scratch_policy = policy,
	};
	void *addr = (void *)USER;
	struct arena *a;

	CHECK(!fault_thread_attach());
	if (arena_create(&o, &a) == -EOPNOTSUPP)
		return NULL;
	CHECK(!arena_mmap(a, &addr, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 0));
	return a;
}

/* A run record that counts; written from the signal handler. */
struct counted_run {
	struct run run;
	volatile int reports;
	volatile uint64_t addr;
	volatile bool is_write;
};

static inline void count_violation(struct run *run, uint64_t addr, bool is_write, void *uc,
				   int64_t idx)
{
	struct counted_run *c = (struct counted_run *)run;

	c->reports++;
	c->addr = addr;
	c->is_write = is_write;
}

static inline void counted_push(struct counted_run *c, struct arena *a)
{
	memset(c, 0, sizeof(*c));
	c->run.arena = a;
	c->run.violation = count_violation;
	run_push(&c->run);
}

/* Exit status of fn(arg) in a child, or 1000 + the signal that ended it. */
static inline int in_child(int (*fn)(void *arg), void *arg)
{
	pid_t pid;
	int status;

	fflush(NULL);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid)
		_exit(fn(arg));
	CHECK(waitpid(pid, &status, 0) == pid);
	return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

#endif
