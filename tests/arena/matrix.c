/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fault matrix: who makes which access to what kind of page, and what comes of it. Each
 * cell is a process of its own, because some end in a signal.
 */
#include "arena_test.h"
#include "uarena.h"

#define TOP ((int64_t)ARENA_MAX_SIZE)
#define SEGV_EXIT 42
#define TARGET_PAGE 5

/*
 * Outcomes
 *   F  skipped: the accessor said so, nothing changed, no page appeared
 *   V  recovered: one report with the right page and kind of access, scratch page
 *   Q  quiet: the access goes through, to the scratch page, no report
 *   P  the page is populated
 *   S  SIGSEGV with the right address reaches the host's handler
 *   E  EFAULT
 *   -  there is no such access
 */
enum page_kind { HOLE, GUARD, FREED, RESERVED, SCRATCHED, BELOW, BEYOND, N_PAGES };

static const char *const page_names[] = {"hole",      "guard", "freed", "reserved",
					 "scratched", "below", "beyond"};

enum who { PROGRAM, HOST, NESTED, USER_THREAD, PROCESS };

static const char *const who_names[] = {"program", "host", "nested", "user", "process"};

enum kind { READ, WRITE, ATOMIC, STRADDLE, MEMCPY, REP_MOVS, SYSCALL };

static const struct {
	enum who who;
	enum kind kind;
	const char *name;
	const char *expect; /* hole guard freed reserved scratched below beyond */
} matrix[] = {
	{PROGRAM, READ, "read", "FFFFQFF"},
	{PROGRAM, WRITE, "write", "FFFFQFF"},
	{PROGRAM, ATOMIC, "atomic", "FFFFQFF"},
	{PROGRAM, STRADDLE, "straddle", "FFFFQFF"},
	{PROGRAM, MEMCPY, "memcpy", "-------"},
	{PROGRAM, REP_MOVS, "rep movs", "-------"},
	{PROGRAM, SYSCALL, "syscall", "-------"},
	{HOST, READ, "read", "VVVVQSS"},
	{HOST, WRITE, "write", "VVVVQSS"},
	{HOST, ATOMIC, "atomic", "VVVVQSS"},
	{HOST, STRADDLE, "straddle", "VVVVQSS"},
	{HOST, MEMCPY, "memcpy", "VVVVQSS"},
	{HOST, REP_MOVS, "rep movs", "VVVVQSS"},
	{HOST, SYSCALL, "syscall", "EEEEQEE"},
	{NESTED, READ, "read", "VVVVQSS"},
	{NESTED, WRITE, "write", "VVVVQSS"},
	{NESTED, ATOMIC, "atomic", "VVVVQSS"},
	{NESTED, STRADDLE, "straddle", "VVVVQSS"},
	{NESTED, MEMCPY, "memcpy", "VVVVQSS"},
	{NESTED, REP_MOVS, "rep movs", "VVVVQSS"},
	{NESTED, SYSCALL, "syscall", "EEEEQEE"},
	{USER_THREAD, READ, "read", "PSPPSSS"},
	{USER_THREAD, WRITE, "write", "PSPPSSS"},
	{USER_THREAD, ATOMIC, "atomic", "PSPPSSS"},
	{USER_THREAD, STRADDLE, "straddle", "PSPPSSS"},
	{USER_THREAD, MEMCPY, "memcpy", "PSPPSSS"},
	{USER_THREAD, REP_MOVS, "rep movs", "PSPPSSS"},
	{USER_THREAD, SYSCALL, "syscall", "EEEEEEE"},
	{PROCESS, READ, "read", "PSPPSSS"},
	{PROCESS, WRITE, "write", "PSPPSSS"},
	{PROCESS, ATOMIC, "atomic", "PSPPSSS"},
	{PROCESS, STRADDLE, "straddle", "PSPPSSS"},
	{PROCESS, MEMCPY, "memcpy", "PSPPSSS"},
	{PROCESS, REP_MOVS, "rep movs", "PSPPSSS"},
	{PROCESS, SYSCALL, "syscall", "EEEEEEE"},
};

struct cell {
	enum arena_backend backend;
	enum who who;
	enum kind kind;
	enum page_kind page;
	char expect;
};

/* -- Pages ---------------------------------------------------------------- */

static const int64_t offsets[N_PAGES] = {
	[HOLE] = TARGET_PAGE * 4096,
	[GUARD] = TOP,
	[FREED] = TARGET_PAGE * 4096,
	[RESERVED] = TARGET_PAGE * 4096,
	[SCRATCHED] = TARGET_PAGE * 4096,
	[BELOW] = -64,
	[BEYOND] = TOP + ARENA_HALF_GUARD + 64,
};

/* The target begins where an access that straddles reaches into it. */
static int64_t straddle_offset(enum page_kind page)
{
	switch (page) {
	case BELOW:
		return -4;
	case BEYOND:
		return TOP + ARENA_HALF_GUARD - 4;
	default:
		return offsets[page] - 4;
	}
}

static void prepare_page(struct arena *a, enum page_kind page)
{
	uint64_t target = USER + TARGET_PAGE * PAGE;
	struct counted_run c;

	CHECK(arena_alloc_pages(a, USER, 5, -1, 0) == USER);
	CHECK(arena_alloc_pages(a, USER + TOP - PAGE, 1, -1, 0));
	if (page == FREED) {
		CHECK(arena_alloc_pages(a, target, 1, -1, 0));
		*(volatile int *)target = 1;
		arena_free_pages(a, target, 1);
	} else if (page == RESERVED) {
		CHECK(!arena_reserve_pages(a, target, 1));
	} else if (page == SCRATCHED) {
		counted_push(&c, a);
		(void)*(volatile char *)(arena_window_base(a) + TARGET_PAGE * PAGE);
		CHECK(c.reports == 1);
		run_pop(&c.run);
	}
}

/* -- Accesses ------------------------------------------------------------- */

static void rep_movs(void *to, const void *from, size_t n)
{
#ifdef __x86_64__
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
#else
	memmove(to, from, n);
#endif
}

static int write_to_pipe(const void *from)
{
	int p[2];

	CHECK(!pipe(p));
	return write(p[1], from, 8) < 0 ? -errno : 0;
}

__attribute__((no_sanitize("undefined", "address"))) static int plain_access(enum kind kind,
									     uint8_t *at)
{
	void *(*volatile copy)(void *, const void *, size_t) = memcpy;
	char buf[32] = {0};

	switch (kind) {
	case READ:
	case STRADDLE:
		(void)*(volatile uint64_t *)at;
		return 0;
	case WRITE:
		*(volatile uint64_t *)at = 1;
		return 0;
	case ATOMIC:
		__atomic_fetch_add((uint64_t *)at, 1, __ATOMIC_SEQ_CST);
		return 0;
	case MEMCPY:
		copy(buf, at, sizeof(buf));
		return 0;
	case REP_MOVS:
		rep_movs(at, buf, sizeof(buf));
		return 0;
	default:
		return write_to_pipe(at);
	}
}

static bool writes(enum kind kind)
{
	return kind == WRITE || kind == ATOMIC || kind == REP_MOVS;
}

static bool program_access(enum kind kind, uint8_t *at)
{
	uint64_t val = 3;
	bool ok;

	if (kind == WRITE)
		return access_store(at, 8, 1);
	if (kind == ATOMIC)
		ok = access_rmw(at, 8, BPF_ADD | BPF_FETCH, &val, 0);
	else
		ok = access_load(at, 8, &val);
	CHECK(ok || val == 3);
	return ok;
}

/* -- Outcomes ------------------------------------------------------------- */

static uintptr_t expect_segv_from, expect_segv_to;

static void on_segv(int sig, siginfo_t *info, void *uc)
{
	uintptr_t at = (uintptr_t)info->si_addr;
	bool code_ok = info->si_code == SEGV_MAPERR || info->si_code == SEGV_ACCERR;

	_exit(sig == SIGSEGV && code_ok && at >= expect_segv_from && at < expect_segv_to ? SEGV_EXIT
											 : 3);
}

static void expect_segv(uint8_t *at)
{
	struct sigaction act = {.sa_sigaction = on_segv, .sa_flags = SA_SIGINFO | SA_ONSTACK};

	expect_segv_from = (uintptr_t)at;
	expect_segv_to = (uintptr_t)at + 32;
	CHECK(!sigaction(SIGSEGV, &act, NULL));
}

static uint8_t kind_of_page(struct arena *a, uint32_t page)
{
	uint8_t kind;

	CHECK(arena_page_map(a, page, &kind, 1) == 1);
	return kind;
}

static int do_program(const struct cell *c, struct arena *a, uint8_t *at)
{
	uint8_t before = kind_of_page(a, TARGET_PAGE);
	bool ok = program_access(c->kind, at);

	CHECK(kind_of_page(a, TARGET_PAGE) == before);
	return ok ? 'Q' : 'F';
}

static int do_host(const struct cell *c, struct arena *a, uint8_t *at)
{
	struct counted_run outer, inner;
	uint64_t page = offsets[c->page] & ~4095ll;
	int err;

	counted_push(&outer, a);
	if (c->who == NESTED)
		counted_push(&inner, a);
	err = plain_access(c->kind, at);
	if (c->who == NESTED) {
		run_pop(&inner.run);
		CHECK(!outer.reports);
		outer = inner;
	}
	run_top = NULL;
	if (err == -EFAULT)
		return outer.reports ? 1 : 'E';
	if (!outer.reports)
		return 'Q';
	CHECK(outer.reports == 1 && outer.is_write == writes(c->kind));
	CHECK(outer.addr == (USER | (uint32_t)page));
	if (c->page != GUARD)
		CHECK(kind_of_page(a, TARGET_PAGE) == ARENA_PAGE_SCRATCH);
	return 'V';
}

static int do_user(const struct cell *c, struct arena *a, uint8_t *at)
{
	if (plain_access(c->kind, at) == -EFAULT)
		return 'E';
	return kind_of_page(a, TARGET_PAGE) == ARENA_PAGE_ALLOC ? 'P' : 'Q';
}

struct client_arg {
	const struct cell *c;
	int fd;
	uint8_t *at;
};

static int client_main(void *arg)
{
	const struct client_arg *p = arg;
	struct ua_client_opts o = {.sz = sizeof(o), .window = (enum ua_window)p->c->backend};
	struct ua_client *client;

	CHECK(!ua_client__map(p->fd, &o, &client));
	return plain_access(p->c->kind, p->at) == -EFAULT ? 'E' : 'P';
}

static int do_process(const struct cell *c, struct arena *a, uint8_t *at)
{
	struct client_arg arg = {c, arena_memfd(a), at};
	int ret = in_child(client_main, &arg);

	if (ret == 'P' && kind_of_page(a, TARGET_PAGE) != ARENA_PAGE_ALLOC)
		return 1;
	return ret;
}

static int run_cell(void *arg)
{
	const struct cell *c = arg;
	bool user = c->who == USER_THREAD || c->who == PROCESS;
	struct arena *a = test_arena(c->backend, ARENA_MAX_SIZE / PAGE, 0, ARENA_SCRATCH_DEAD);
	uint8_t *at;

	if (!a)
		return SKIP;
	prepare_page(a, c->page);
	at = user ? (uint8_t *)USER : arena_window_base(a);
	at += c->kind == STRADDLE ? straddle_offset(c->page) : offsets[c->page];
	expect_segv(at);
	CHECK(!fault_thread_attach() && !fault_install());
	if (c->who == PROGRAM)
		return do_program(c, a, at);
	if (c->who == USER_THREAD)
		return do_user(c, a, at);
	return c->who == PROCESS ? do_process(c, a, at) : do_host(c, a, at);
}

static int run_matrix(enum arena_backend backend)
{
	int bad = 0;

	for (size_t i = 0; i < ARRAY_SIZE(matrix); i++) {
		for (int page = 0; page < N_PAGES; page++) {
			struct cell c = {backend, matrix[i].who, matrix[i].kind, page,
					 matrix[i].expect[page]};
			int ret;

			if (c.expect == '-')
				continue;
			ret = in_child(run_cell, &c);
			if (ret == SKIP)
				return SKIP;
			ret = ret == SEGV_EXIT ? 'S' : ret;
			if (ret == c.expect)
				continue;
			bad++;
			fprintf(stderr, "%s: %s %s %s: expected %c, got %d (%c)\n",
				backend_names[backend], who_names[c.who], matrix[i].name,
				page_names[page], c.expect, ret, ret > 31 && ret < 127 ? ret : '?');
		}
	}
	return bad ? 1 : 0;
}

int main(void)
{
	int bad = 0, ran = 0;

	for (enum arena_backend b = ARENA_BACKEND_UFFD; b <= ARENA_BACKEND_MPROTECT; b++) {
		int ret = run_matrix(b);

		printf("%s: %s\n", backend_names[b],
		       ret == SKIP ? "not available"
		       : ret	   ? "FAILED"
				   : "ok");
		bad += ret == 1;
		ran += ret != SKIP;
	}
	return bad ? 1 : ran ? 0 : SKIP;
}
