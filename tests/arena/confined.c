/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Confined processes: no capability at all, and a container whose filter refuses userfaultfd
 * and that has no /dev/userfaultfd. Each falls back by itself and behaves the same.
 */
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include "arena/priv.h"
#include "arena_test.h"

/* The classic BPF of seccomp filters, spelled out: <linux/filter.h> and abi/insn.h define the
 * same names. */
struct filter_insn {
	uint16_t code;
	uint8_t jt, jf;
	uint32_t k;
};

struct filter_prog {
	uint16_t len;
	struct filter_insn *insns;
};

#define LOAD_WORD 0x20
#define JUMP_EQUAL 0x15
#define RETURN 0x06
#define MODE_FILTER 2
#define RET_ERRNO 0x00050000u
#define RET_ALLOW 0x7fff0000u

static void refuse_userfaultfd(void)
{
	struct filter_insn code[] = {
		{LOAD_WORD, 0, 0, 0}, /* the number of the system call */
		{JUMP_EQUAL, 0, 1, SYS_userfaultfd},
		{RETURN, 0, 0, RET_ERRNO | EPERM},
		{RETURN, 0, 0, RET_ALLOW},
	};
	struct filter_prog prog = {ARRAY_SIZE(code), code};

	CHECK(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	CHECK(!prctl(PR_SET_SECCOMP, MODE_FILTER, &prog));
}

static void drop_privileges(void)
{
	if (getuid() == 0) {
		CHECK(!setgid(65534));
		CHECK(!setuid(65534));
	}
	CHECK(getuid() != 0);
}

static void work(enum arena_backend expect_not)
{
	struct arena *a = test_arena(ARENA_BACKEND_AUTO, 32, 0, ARENA_SCRATCH_DEAD);
	struct counted_run c;
	uint64_t val;

	CHECK(a && a->space.backend != expect_not);
	printf("  trapping with %s\n", backend_names[a->space.backend]);
	CHECK(arena_alloc_pages(a, 0, 4, -1, 0) == USER);
	*(volatile int *)(USER + PAGE) = 5;
	*(volatile int *)(USER + 10 * PAGE) = 6; /* hole, user */
	CHECK(access_load(arena_window_base(a) + 10 * PAGE, 4, &val) && val == 6);
	CHECK(!access_load(arena_window_base(a) + 11 * PAGE, 4, &val));
	counted_push(&c, a);
	*(volatile int *)(arena_window_base(a) + 12 * PAGE) = 1;
	run_pop(&c.run);
	CHECK(c.reports == 1);
	arena_free_pages(a, USER, 32);
	CHECK(arena_populated(a) == 0 && !arena_validate(a));
	arena_put(a);
}

static int unprivileged(void *unused)
{
	drop_privileges();
	work(ARENA_BACKEND_AUTO);
	fflush(NULL);
	return 0;
}

/* Without privileges /dev/userfaultfd, which belongs to root, is out of reach as well. */
static int no_userfaultfd(void *unused)
{
	drop_privileges();
	refuse_userfaultfd();
	if (!access("/dev/userfaultfd", R_OK | W_OK))
		return SKIP;
	work(ARENA_BACKEND_UFFD);
	fflush(NULL);
	return 0;
}

int main(void)
{
	int ret;

	printf("no capabilities:\n");
	CHECK(in_child(unprivileged, NULL) == 0);
	printf("userfaultfd refused:\n");
	ret = in_child(no_userfaultfd, NULL);
	CHECK(ret == 0 || ret == SKIP);
	return ret;
}
