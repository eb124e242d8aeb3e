/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Living in somebody else's process: its own handlers before and after ours, the default
 * action, blocked signals, small stacks, closed descriptors, mlockall, jumps out of handlers.
 */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <sys/resource.h>
#include "arena_test.h"

#define HOLE (USER + 5 * PAGE)

static struct arena *arena;
static volatile int host_calls;
static volatile uintptr_t host_addr;
static volatile int host_code;
static sigjmp_buf back;

static void setup(void)
{
	arena = test_arena(ARENA_BACKEND_AUTO, 10, 0, ARENA_SCRATCH_DEAD);
	CHECK(arena);
}

/* Recovery works: one report for a host access, a skipped program access. */
static void check_recovery(uint32_t page)
{
	uint8_t *at = arena_window_base(arena) + page * PAGE;
	struct counted_run c;
	uint64_t val = 9;

	CHECK(!access_load(at, 8, &val) && val == 9);
	counted_push(&c, arena);
	*(volatile char *)at = 1;
	run_pop(&c.run);
	CHECK(c.reports == 1);
}

static void host_handler(int sig, siginfo_t *info, void *uc)
{
	host_calls++;
	host_addr = (uintptr_t)info->si_addr;
	host_code = info->si_code;
	CHECK(sig == SIGSEGV && info->si_signo == SIGSEGV);
	siglongjmp(back, 1);
}

static void install_host_handler(void)
{
	struct sigaction act = {.sa_sigaction = host_handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};

	CHECK(!sigaction(SIGSEGV, &act, NULL));
}

/* A fault of the host's own, and one in the window with no program running. */
static void check_host_sees_own_faults(void)
{
	uint8_t *foreign = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *targets[] = {foreign + 100, arena_window_base(arena) + 7 * PAGE + 8,
			      arena_window_base(arena) - 8};
	int codes[] = {SEGV_ACCERR, SEGV_MAPERR, SEGV_ACCERR};

	for (volatile int i = 0; i < 3; i++) {
		host_calls = 0;
		if (!sigsetjmp(back, 1))
			*(volatile char *)targets[i] = 1;
		CHECK(host_calls == 1 && host_addr == (uintptr_t)targets[i] &&
		      host_code == codes[i]);
	}
	munmap(foreign, PAGE);
}

static int handler_before(void *unused)
{
	install_host_handler();
	setup();
	check_recovery(1);
	check_host_sees_own_faults();
	check_host_sees_own_faults(); /* after the jump out of the handler too */
	check_recovery(2);
	return 0;
}

static int handler_after(void *unused)
{
	setup();
	check_recovery(1);
	install_host_handler();
	CHECK(!fault_install()); /* as the next attach or arena does */
	check_recovery(2);
	check_host_sees_own_faults();
	install_host_handler();
	CHECK(!fault_install());
	check_host_sees_own_faults();
	check_recovery(3);
	return 0;
}

/* A polite handler on top of ours passes on what it does not know. */
static struct sigaction below;
static volatile int polite_calls;

static void polite_handler(int sig, siginfo_t *info, void *uc)
{
	polite_calls++;
	below.sa_sigaction(sig, info, uc);
}

static int polite_on_top(void *take_over)
{
	struct sigaction act = {.sa_sigaction = polite_handler,
				.sa_flags = SA_SIGINFO | SA_ONSTACK};

	install_host_handler();
	setup();
	CHECK(!sigaction(SIGBUS, &act, &below));
	check_recovery(1);
	CHECK(polite_calls > 0);
	CHECK(!sigaction(SIGSEGV, &act, &below));
	if (take_over) /* now we call it and it calls us: the host's first handler is next */
		CHECK(!fault_install());
	check_host_sees_own_faults();
	CHECK(polite_calls > 1);
	return 0;
}

/* -- The default action --------------------------------------------------- */

static int die_foreign(void *unused)
{
	setup();
	*(volatile char *)mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) = 1;
	return 0;
}

static int die_window(void *unused)
{
	setup();
	*(volatile char *)(arena_window_base(arena) + 3 * PAGE) = 1;
	return 0;
}

static int die_raise(void *unused)
{
	setup();
	raise(SIGSEGV);
	return 0;
}

static int survive_ignored(void *unused)
{
	signal(SIGSEGV, SIG_IGN);
	setup();
	raise(SIGSEGV);
	check_recovery(1);
	return 0;
}

/* -- Threads -------------------------------------------------------------- */

static void *attach_blocked(void *sig)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, (int)(intptr_t)sig);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	return (void *)(intptr_t)fault_thread_attach();
}

static int blocked(void *sig)
{
	pthread_t t;
	void *ret;

	setup();
	CHECK(!pthread_create(&t, NULL, attach_blocked, sig));
	CHECK(!pthread_join(t, &ret));
	CHECK((int)(intptr_t)ret == -EDEADLK);
	return 0;
}

static __attribute__((noinline)) void deep(int depth)
{
	volatile char pad[512];

	pad[0] = 1;
	if (depth)
		deep(depth - 1);
	else
		check_recovery(4);
	pad[1] = pad[0];
}

static void *small_stack(void *unused)
{
	CHECK(!fault_thread_attach());
	deep(12);
	return NULL;
}

static int small_stacks(void *unused)
{
	pthread_attr_t attr;
	pthread_t t;

	setup();
	pthread_attr_init(&attr);
	CHECK(!pthread_attr_setstacksize(&attr, 16384 + 4096));
	CHECK(!pthread_create(&t, &attr, small_stack, NULL));
	CHECK(!pthread_join(t, NULL));
	return 0;
}

static int own_altstack(void *unused)
{
	static char mine[65536];
	stack_t ss = {.ss_sp = mine, .ss_size = sizeof(mine)}, now;

	CHECK(!sigaltstack(&ss, NULL));
	setup();
	check_recovery(1);
	fault_thread_detach();
	CHECK(!sigaltstack(NULL, &now) && now.ss_sp == mine);
	return 0;
}

/* -- Descriptors and memory ----------------------------------------------- */

static int closed_descriptors(void *unused)
{
	setup();
	CHECK(arena_alloc_pages(arena, USER, 1, -1, 0));
	for (int fd = 3; fd < 4096; fd++)
		close(fd);
	CHECK(!arena_alloc_pages(arena, 0, 1, -1, 0));
	arena_free_pages(arena, USER, 1);
	arena_put(arena);
	return 0;
}

static uint64_t resident_kb(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long size, res;

	CHECK(f && fscanf(f, "%lu %lu", &size, &res) == 2);
	fclose(f);
	return res * 4;
}

static int locked_memory(void *unused)
{
	uint64_t before = resident_kb();
	struct rlimit rl = {RLIM_INFINITY, RLIM_INFINITY};

	(void)setrlimit(RLIMIT_MEMLOCK, &rl); /* a capability may do as well */
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		return SKIP;
	arena = test_arena(ARENA_BACKEND_UFFD, ARENA_MAX_SIZE / PAGE, 0, ARENA_SCRATCH_DEAD);
	if (!arena)
		return SKIP;
	CHECK(resident_kb() - before < 64 * 1024);
	check_recovery(1);
	CHECK(arena_alloc_pages(arena, 0, 4, -1, 0));
	arena_free_pages(arena, USER, 100);
	CHECK(arena_populated(arena) == 0);
	return 0;
}

static int small_files(void *unused)
{
	struct arena_opts o = {.max_entries = 1, .map_flags = BPF_F_MMAPABLE};
	struct rlimit rl = {1 << 20, 1 << 20};
	struct arena *a;

	CHECK(!setrlimit(RLIMIT_FSIZE, &rl));
	CHECK(arena_create(&o, &a) == -ENOMEM);
	return 0;
}

/* Punched by somebody who has the descriptor: the page comes back, empty. */
static int healed(void *unused)
{
	setup();
	CHECK(arena_alloc_pages(arena, USER, 2, -1, 0));
	memset((void *)USER, 1, 2 * PAGE);
	CHECK(!fallocate(arena_memfd(arena), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			 2 * PAGE));
	CHECK(*(volatile char *)USER == 0);
	{
		struct counted_run c;

		counted_push(&c, arena);
		CHECK(*(volatile char *)(arena_window_base(arena) + PAGE) == 0);
		run_pop(&c.run);
		CHECK(!c.reports);
	}
	CHECK(!arena_validate(arena));
	return 0;
}

static const struct {
	const char *what;
	int (*fn)(void *);
	void *arg;
	int expect;
} cases[] = {
	{"handler before", handler_before, NULL, 0},
	{"handler after", handler_after, NULL, 0},
	{"polite handler on top", polite_on_top, NULL, 0},
	{"polite handler, taken over", polite_on_top, "yes", 0},
	{"default action, foreign fault", die_foreign, NULL, 1000 + SIGSEGV},
	{"default action, window", die_window, NULL, 1000 + SIGSEGV},
	{"default action, raised", die_raise, NULL, 1000 + SIGSEGV},
	{"ignored and raised", survive_ignored, NULL, 0},
	{"SIGSEGV blocked", blocked, (void *)SIGSEGV, 0},
	{"SIGBUS blocked", blocked, (void *)SIGBUS, 0},
	{"small stack", small_stacks, NULL, 0},
	{"own alternate stack", own_altstack, NULL, 0},
	{"closed descriptors", closed_descriptors, NULL, 0},
	{"file size limit", small_files, NULL, 0},
	{"mlockall", locked_memory, NULL, 0},
	{"punched page", healed, NULL, 0},
};

int main(void)
{
	int bad = 0;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int ret = in_child(cases[i].fn, cases[i].arg);

		if (ret == SKIP) {
			printf("%s: not possible here\n", cases[i].what);
			continue;
		}
		if (ret != cases[i].expect) {
			bad++;
			fprintf(stderr, "%s: %d\n", cases[i].what, ret);
		}
	}
	return bad ? 1 : 0;
}
