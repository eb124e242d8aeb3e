/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a thread needs before it can recover from a fault: unblocked signals and a stack for
 * the handler. An alternate stack somebody else installed is kept (sanitizers free the current
 * one at thread exit and must find theirs); ours is taken down when the thread ends.
 */
#include "arena/fault.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include "base/base.h"
#include "os/os.h"

#define HANDLER_STACK 65536 /* the report with its stack dump is built on it */
#define GUARD_BYTES 4096

struct attached {
	bool yes;
	uint8_t *stack; /* ours, or NULL */
	size_t size;
};

static __thread struct attached self __attribute__((tls_model("initial-exec")));
static pthread_key_t exit_key;
static bool have_key;

static void on_thread_exit(void *unused)
{
	(void)unused;
	fault_thread_detach();
}

static void make_key(void)
{
	have_key = !pthread_key_create(&exit_key, on_thread_exit);
}

static int check_mask(void)
{
	sigset_t mask;

	if (pthread_sigmask(SIG_BLOCK, NULL, &mask))
		return 0;
	if (!sigismember(&mask, SIGSEGV) && !sigismember(&mask, SIGBUS))
		return 0;
	log_warn("arena: this thread blocks %s; an access to a hole would kill the process. "
		 "Unblock SIGSEGV and SIGBUS in threads that run programs\n",
		 sigismember(&mask, SIGSEGV) ? "SIGSEGV" : "SIGBUS");
	return -EDEADLK;
}

static int install_stack(void)
{
	size_t size = (os_sigframe_size() + HANDLER_STACK + GUARD_BYTES + 4095) & ~(size_t)4095;
	stack_t ss = {0};
	uint8_t *p;

	UA_FAIL_IF(sigaltstack(NULL, &ss), -errno);
	if (!(ss.ss_flags & SS_DISABLE))
		return 0;
	p = os_mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		    -1, 0);
	UA_TRY(os_map_err(p));
	os_mprotect(p, GUARD_BYTES, PROT_NONE);
	ss = (stack_t){.ss_sp = p + GUARD_BYTES, .ss_size = size - GUARD_BYTES};
	if (sigaltstack(&ss, NULL)) {
		int err = -errno;

		os_munmap(p, size);
		return err;
	}
	self.stack = p;
	self.size = size;
	return 0;
}

int fault_thread_attach(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	if (ua_likely(self.yes))
		return 0;
	UA_TRY(check_mask());
	UA_TRY(fault_install());
	UA_TRY(install_stack());
	pthread_once(&once, make_key);
	if (have_key)
		pthread_setspecific(exit_key, &self);
	self.yes = true;
	return 0;
}

void fault_thread_detach(void)
{
	stack_t ss = {0}, off = {.ss_flags = SS_DISABLE};

	if (self.stack) {
		if (!sigaltstack(NULL, &ss) && ss.ss_sp == self.stack + GUARD_BYTES)
			sigaltstack(&off, NULL);
		os_munmap(self.stack, self.size);
	}
	self = (struct attached){0};
}
