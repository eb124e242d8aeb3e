/* SPDX-License-Identifier: BSD-2-Clause */
/* Alloc, free, reserve and the three kinds of fault, on every backend there is. */
#include <signal.h>
#include <sys/mman.h>
#include "abi/bpf.h"
#include "arena/access.h"
#include "arena/arena.h"
#include "arena/fault.h"
#include "arena/run.h"
#include "base/base.h"

#define PAGE 4096ull
#define USER 0x7e0000000000ull

#define CHECK(cond)                                                                \
	do {                                                                       \
		if (!(cond)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
			exit(1);                                                   \
		}                                                                  \
	} while (0)

static volatile int reports;
static volatile uint64_t last_addr;
static volatile bool last_write;

static void on_violation(struct run *run, uint64_t addr, bool is_write, void *uc, int64_t idx)
{
	reports++;
	last_addr = addr;
	last_write = is_write;
}

static void check_program_access(struct arena *a)
{
	uint8_t *base = arena_window_base(a);
	uint64_t val = 7, p;

	CHECK(!access_load(base + 0x5000, 8, &val) && val == 7);
	CHECK(!access_store(base + 0x5000, 8, 1));
	CHECK(!access_load(base - 100, 4, &val));
	CHECK(!access_load(base + ARENA_MAX_SIZE + 5, 1, &val));
	CHECK(!access_rmw(base + 0x5008, 8, BPF_ADD | BPF_FETCH, &val, 0) && val == 7);
	p = arena_alloc_pages(a, USER + 0x5000, 1, -1, 0);
	CHECK(p == USER + 0x5000);
	CHECK(access_store(base + 0x5000, 8, 0x1122334455667788));
	CHECK(access_load(base + 0x5001, 2, &val) && val == 0x6677);
	val = 1;
	CHECK(access_rmw(base + 0x5000, 4, BPF_ADD | BPF_FETCH, &val, 0) && val == 0x55667788);
	val = 0xf;
	CHECK(access_rmw(base + 0x5000, 8, BPF_AND | BPF_FETCH, &val, 0) &&
	      val == 0x1122334455667789);
	CHECK(*(uint64_t *)(USER + 0x5000) == 9);
	arena_free_pages(a, p, 1);
	CHECK(!access_load(base + 0x5000, 8, &val));
}

static void check_host_access(struct arena *a)
{
	struct run run = {.arena = a, .violation = on_violation};
	uint8_t *base = arena_window_base(a);
	void *(*volatile copy)(void *, const void *, size_t) = memcpy;
	char buf[300];

	reports = 0;
	run_push(&run);
	*(volatile uint64_t *)(base + 0x8010) = 42;
	CHECK(reports == 1 && last_addr == USER + 0x8000 && last_write);
	CHECK(*(volatile uint64_t *)(base + 0x9010) == 42);
	CHECK(reports == 2 && last_addr == USER + 0x9000 && !last_write);
	memset(base + 0x8000, 3, 100);
	CHECK(reports == 2);
	copy(buf, base + 0xb000 - 100, sizeof(buf)); /* straddles two holes */
	CHECK(reports == 4);
	*(volatile char *)(base + ARENA_MAX_SIZE + 40) = 1;
	CHECK(reports == 5 && last_addr == USER);
	run_pop(&run);
	CHECK(!arena_alloc_pages(a, USER + 0x8000, 1, -1, 0));
}

static void check_user_access(struct arena *a)
{
	volatile uint64_t *p = (uint64_t *)(USER + 0x20000);
	uint64_t val = 1;

	CHECK(*p == 0);
	*p = 5;
	CHECK(access_load(arena_window_base(a) + 0x20000, 8, &val) && val == 5);
	CHECK(!arena_alloc_pages(a, USER + 0x20000, 1, -1, 0));
	arena_free_pages(a, USER + 0x20000, 1);
	CHECK(*p == 0);
	arena_free_pages(a, USER + 0x20000, 1);
}

/* A page freed before the user view was ever used is a hole there like any other. */
static void check_untouched_view(struct arena *a)
{
	CHECK(arena_alloc_pages(a, 0, 2, -1, 0) == USER);
	arena_free_pages(a, USER, 2);
	*(volatile int *)(USER + PAGE) = 1;
	CHECK(arena_populated(a) == 1);
	arena_free_pages(a, USER, 2);
}

static int run_backend(enum arena_backend backend)
{
	struct arena_opts o = {.max_entries = 100,
			       .map_flags = BPF_F_MMAPABLE,
			       .backend = backend,
			       .map_extra = USER};
	struct arena *a;
	void *addr = (void *)USER;
	int err = arena_create(&o, &a);

	if (err == -EOPNOTSUPP)
		return 77;
	CHECK(!err);
	CHECK(!fault_thread_attach());
	CHECK(!arena_mmap(a, &addr, 100 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 0));
	check_untouched_view(a);
	check_program_access(a);
	check_user_access(a);
	check_host_access(a);
	CHECK(arena_populated(a) == 0);
	CHECK(arena_alloc_pages(a, 0, 8, -1, 0) == USER);
	CHECK(arena_alloc_pages(a, 0, 4, -1, 0) == USER + 0xc000);
	CHECK(arena_populated(a) == 12);
	arena_free_pages_deferred(a, USER + 0x1000, 2);
	arena_flush_deferred(a);
	CHECK(arena_populated(a) == 10);
	CHECK(arena_alloc_pages(a, 0, 2, -1, 0) == USER + 0x1000);
	CHECK(!arena_validate(a));
	arena_put(a);
	return 0;
}

static int print_all(enum log_level level, const char *fmt, va_list args)
{
	return vfprintf(stderr, fmt, args);
}

int main(void)
{
	static const char *const names[] = {"", "userfaultfd", "guard", "mprotect"};
	int ran = 0;

	log_set(print_all);
	for (enum arena_backend b = ARENA_BACKEND_UFFD; b <= ARENA_BACKEND_MPROTECT; b++) {
		int ret = run_backend(b);

		printf("%s: %s\n", names[b], ret ? "not available" : "ok");
		ran += !ret;
	}
	return ran ? 0 : 77;
}
