/* SPDX-License-Identifier: BSD-2-Clause */
/* Passing foreign faults on. Model in chain.h. */
#include "arena/chain.h"

#include <string.h>
#include "base/base.h"
#include "os/os.h"

#define MAX_CHAIN 8

struct chain {
	chain_fn ours;
	uintptr_t from_kernel;		 /* return address of a handler the kernel called */
	struct sigaction act[MAX_CHAIN]; /* [0] was there first */
	_Atomic int n;
};

static struct chain chains[2]; /* SIGSEGV, SIGBUS */

/* Level of the action that is running on this thread, if we were called again from it. */
static __thread int level_running __attribute__((tls_model("initial-exec")));

static struct chain *chain_of(int sig)
{
	return &chains[sig == SIGBUS];
}

/* -- Installation --------------------------------------------------------- */

static int take_over(struct chain *c, int sig, chain_fn fn)
{
	struct sigaction act;

	memset(&act, 0, sizeof(act));
	act.sa_sigaction = fn;
	act.sa_flags = SA_SIGINFO | SA_ONSTACK;
	sigfillset(&act.sa_mask);
	UA_FAIL_IF(sigaction(sig, &act, NULL), -errno);
	c->from_kernel = os_sigreturn_addr(sig);
	return 0;
}

static bool same_action(const struct sigaction *a, const struct sigaction *b)
{
	return a->sa_sigaction == b->sa_sigaction && a->sa_flags == b->sa_flags;
}

int chain_install(int sig, chain_fn fn)
{
	struct chain *c = chain_of(sig);
	struct sigaction now;
	int n = atomic_load(&c->n);

	UA_FAIL_IF(sigaction(sig, NULL, &now), -errno);
	if ((now.sa_flags & SA_SIGINFO) && now.sa_sigaction == fn)
		return 0;
	/* A host that puts the same handler back again and again is one entry. */
	if (!n || !same_action(&c->act[n - 1], &now)) {
		n = min_t(int, n, MAX_CHAIN - 1);
		c->act[n] = now;
		atomic_store(&c->n, n + 1);
	}
	c->ours = fn;
	return take_over(c, sig, fn);
}

/* -- Passing on ----------------------------------------------------------- */

static bool is_on_top(const struct chain *c, int sig)
{
	struct sigaction now;

	return !sigaction(sig, NULL, &now) && (now.sa_flags & SA_SIGINFO) &&
	       now.sa_sigaction == c->ours;
}

/* Above whom in the chain we are standing: the top, unless the handler we passed the fault to
 * calls us back with it. */
static int level_now(int sig, int arrived, uintptr_t ret)
{
	const struct chain *c = chain_of(arrived);
	bool called_back = c->from_kernel && ret != c->from_kernel && is_on_top(c, arrived);

	return called_back ? level_running : atomic_load(&chain_of(sig)->n);
}

/* Ends the process with this signal at the faulting instruction: the core is the host's. */
static void default_action(int sig, siginfo_t *info, ucontext_t *uc)
{
	struct sigaction dfl;

	memset(&dfl, 0, sizeof(dfl));
	dfl.sa_handler = SIG_DFL;
	sigaction(sig, &dfl, NULL);
	sigdelset(&uc->uc_sigmask, sig);
	os_sigqueue_self(sig, info);
}

/* The mask the kernel would have set for this handler. */
static void set_mask(const struct sigaction *act, int sig, const ucontext_t *uc)
{
	uint64_t mask, more;

	memcpy(&mask, &uc->uc_sigmask, sizeof(mask));
	memcpy(&more, &act->sa_mask, sizeof(more));
	mask |= more;
	if (!(act->sa_flags & SA_NODEFER))
		mask |= 1ull << (sig - 1);
	os_sigmask_set(&mask, NULL);
}

static void call_action(struct sigaction act, int sig, siginfo_t *info, ucontext_t *uc)
{
	set_mask(&act, sig, uc);
	if (act.sa_flags & SA_SIGINFO)
		act.sa_sigaction(sig, info, uc);
	else
		act.sa_handler(sig);
}

void chain_pass(int sig, int arrived, siginfo_t *info, ucontext_t *uc, uintptr_t ret)
{
	struct chain *c = chain_of(sig);
	int level = level_now(sig, arrived, ret) - 1;
	struct sigaction *act = level >= 0 ? &c->act[level] : NULL;
	struct sigaction copy;

	if (act && act->sa_handler == SIG_IGN && info->si_code <= 0)
		return;
	/* The kernel does not let a fault be ignored either. */
	if (!act || act->sa_handler == SIG_DFL || act->sa_handler == SIG_IGN) {
		default_action(sig, info, uc);
		return;
	}
	copy = *act;
	if (copy.sa_flags & SA_RESETHAND)
		act->sa_handler = SIG_DFL;
	level_running = level;
	call_action(copy, sig, info, uc);
}
