/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The process-wide fault handler: decide whose fault it is, act, or pass it on.
 *
 * Everything here runs in signal context with all signals blocked, unless it says otherwise.
 * It uses system calls, atomics and initial-exec TLS only.
 */
#include "arena/fault.h"

#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#include "arena/access.h"
#include "arena/chain.h"
#include "arena/lookup.h"
#include "arena/priv.h"
#include "base/base.h"

#define STUCK_AT 64	 /* identical faults in a row before something must be repaired */
#define FORCE_AT 4096	 /* ... before the window shows the scratch page whatever the state says */
#define GIVE_UP_AT 65536 /* ... before a user fault is not ours after all */

#ifndef BUS_MCEERR_AR
#define BUS_MCEERR_AR 4
#endif

/* -- Machine context ------------------------------------------------------ */

#if defined(__x86_64__)

#define PF_WRITE 2
#define TRAP_PAGE_FAULT 14

static uintptr_t uc_pc(const ucontext_t *uc)
{
	return (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
}

static void uc_set_pc(ucontext_t *uc, uintptr_t pc)
{
	uc->uc_mcontext.gregs[REG_RIP] = (greg_t)pc;
}

static bool uc_is_write(const ucontext_t *uc)
{
	return uc->uc_mcontext.gregs[REG_TRAPNO] == TRAP_PAGE_FAULT &&
	       (uc->uc_mcontext.gregs[REG_ERR] & PF_WRITE);
}

/* Register by its number in instruction encodings. */
static greg_t *uc_reg(ucontext_t *uc, uint8_t reg)
{
	static const uint8_t place[16] = {
		REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
		REG_R8,	 REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
	};

	return &uc->uc_mcontext.gregs[place[reg & 15]];
}

#elif defined(__aarch64__)

#define ESR_MAGIC_NUMBER 0x45535201u
#define ESR_WRITE (1u << 6)

static uintptr_t uc_pc(const ucontext_t *uc)
{
	return uc->uc_mcontext.pc;
}

static void uc_set_pc(ucontext_t *uc, uintptr_t pc)
{
	uc->uc_mcontext.pc = pc;
}

/* The syndrome is one of the tagged records behind the registers. */
static bool uc_is_write(const ucontext_t *uc)
{
	const uint8_t *at = (const uint8_t *)uc->uc_mcontext.__reserved;
	const uint8_t *end = at + sizeof(uc->uc_mcontext.__reserved);
	uint32_t head[2];
	uint64_t esr;

	for (; at + 16 <= end; at += head[1]) {
		memcpy(head, at, sizeof(head));
		if (!head[0] || head[1] < 8)
			break;
		if (head[0] != ESR_MAGIC_NUMBER)
			continue;
		memcpy(&esr, at + 8, sizeof(esr));
		return esr & ESR_WRITE;
	}
	return false;
}

static unsigned long long *uc_reg(ucontext_t *uc, uint8_t reg)
{
	return &uc->uc_mcontext.regs[reg < 31 ? reg : 30];
}

#endif

/* -- Program accesses ----------------------------------------------------- */

static void program_fault(const struct ext_entry *e, uintptr_t region, ucontext_t *uc)
{
	struct run *run = run_top;

	if ((e->flags & EXT_F_ARENA) && run && run->violation) {
		uint64_t reg = e->addr_reg == EXT_NO_REG ? 0 : (uint64_t)*uc_reg(uc, e->addr_reg);
		uint64_t addr = (uint32_t)reg;

		if (run->arena && e->flags & EXT_F_HOST)
			addr = reg - (uintptr_t)arena_window_base(run->arena);
		/* As in Linux, what lies before or behind the 4 GiB is not folded back. */
		addr += (uint64_t)(int64_t)e->disp;
		if (run->arena)
			addr += arena_to_user(run->arena, 0);
		run->violation(run, addr, e->flags & EXT_F_WRITE, uc, e->idx);
	}
	if (e->clear_reg != EXT_NO_REG)
		*uc_reg(uc, e->clear_reg) = 0;
	uc_set_pc(uc, region + e->resume);
}

/* The page may have memory that only the window does not show yet. */
static bool is_stale(uintptr_t addr)
{
	const struct trap *t = trap_find(addr);

	return t && t->window &&
	       window_fault_stale(t->space->arena, (uint32_t)((addr - t->start) / ARENA_PAGE_SIZE));
}

static bool try_program(uintptr_t addr, ucontext_t *uc)
{
	uintptr_t start;
	const struct ext_entry *e = ext_find(uc_pc(uc), &start);

	if (!e)
		return false;
	if (!is_stale(addr))
		program_fault(e, start, uc);
	return true;
}

/* -- Host and user accesses ----------------------------------------------- */

struct repeat {
	uintptr_t addr, pc;
	uint32_t n;
};

static __thread struct repeat repeat __attribute__((tls_model("initial-exec")));

static uint32_t count_repeats(uintptr_t addr, uintptr_t pc)
{
	if (repeat.addr != addr || repeat.pc != pc)
		repeat = (struct repeat){addr, pc, 0};
	return ++repeat.n;
}

static enum fault_verdict data_fault(const struct trap *t, int sig, uintptr_t addr, ucontext_t *uc)
{
	uint32_t page = (uint32_t)((addr - t->start) / ARENA_PAGE_SIZE);
	uint32_t n = count_repeats(addr, uc_pc(uc));
	struct run *run = run_top;

	if (t->window && run && n > FORCE_AT)
		return host_fault_forced(t->space->arena, page, uc_is_write(uc), run, uc);
	if (n > GIVE_UP_AT)
		return FAULT_FOREIGN;
	if (t->window && !run)
		return window_fault_stale(t->space->arena, page) ? FAULT_RETRY : FAULT_FOREIGN;
	if (t->window)
		return host_fault(t->space->arena, page, uc_is_write(uc), run, uc, n > STUCK_AT);
	/* With userfaultfd a hole is SIGBUS; the rest is the host's own mprotect() or munmap(). */
	if (t->space->backend == ARENA_BACKEND_UFFD && sig != SIGBUS)
		return FAULT_FOREIGN;
	return user_fault(t->space, page, n > STUCK_AT);
}

/* What a hole is to whoever does not expect arenas. */
static void look_like_segv(siginfo_t *info, int *sig)
{
	if (*sig != SIGBUS)
		return;
	info->si_signo = *sig = SIGSEGV;
	info->si_code = SEGV_MAPERR;
}

static void on_fault(int sig, siginfo_t *info, void *ctx)
{
	uintptr_t addr = (uintptr_t)info->si_addr, ret = (uintptr_t)__builtin_return_address(0);
	int saved = errno, pass_as = sig;
	siginfo_t pass = *info;
	ucontext_t *uc = ctx;
	bool done = false;
	const struct trap *t;
	unsigned int token;

	if (info->si_code > 0 && !(sig == SIGBUS && info->si_code >= BUS_MCEERR_AR)) {
		token = trap_enter();
		done = try_program(addr, uc);
		t = done ? NULL : trap_find(addr);
		if (t) {
			done = data_fault(t, sig, addr, uc) == FAULT_RETRY;
			look_like_segv(&pass, &pass_as);
		}
		trap_exit(token);
	}
	errno = saved;
	if (!done)
		chain_pass(pass_as, sig, &pass, uc, ret);
}

/* -- Installation, in normal context -------------------------------------- */

static pthread_mutex_t install_lock = PTHREAD_MUTEX_INITIALIZER;

static void forked(void)
{
	pthread_mutex_init(&install_lock, NULL);
	ext_forked();
	trap_forked();
	deferred_forked();
}

static int install_once(void)
{
	const struct ext_region *interp = access_region();

	UA_FAIL_IF(!interp, -ENOMEM);
	UA_TRY(ext_register(interp));
	UA_FAIL_IF(pthread_atfork(NULL, NULL, forked), -ENOMEM);
	return 0;
}

int fault_install(void)
{
	static bool installed;
	int err = 0;

	pthread_mutex_lock(&install_lock);
	if (!installed)
		err = install_once();
	installed = installed || !err;
	if (!err)
		err = chain_install(SIGSEGV, on_fault);
	if (!err)
		err = chain_install(SIGBUS, on_fault);
	pthread_mutex_unlock(&install_lock);
	return err;
}
