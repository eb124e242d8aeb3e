/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A process that has the descriptor and means harm: it rewrites state bytes, marks and the
 * header and punches pages away while the owner allocates, frees, accesses and inspects. The
 * owner may lose pages; it must not crash, hang, or touch anything else. And headers made up
 * by a hostile owner must not get a client to map anything odd.
 */
#include <fcntl.h>
#include <sys/prctl.h>
#include "arena/priv.h"
#include "arena_test.h"
#include "uarena.h"

#define N 64
#define SECONDS 0.7

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static int scribble(void *arg)
{
	int fd = arena_memfd(arg);
	struct shared *sh = mmap(NULL, shared_size(MAX_PAGES), PROT_READ | PROT_WRITE, MAP_SHARED,
				 fd, SHARED_OFFSET);
	uint64_t seed = 88172645463325252ull;

	CHECK(sh != MAP_FAILED);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		uint64_t r = next_random(&seed);

		atomic_store(&sh->state[r >> 8 & (N - 1)], (uint8_t)(r >> 40 & 15));
		if (r % 8 == 0)
			atomic_store(&sh->dirty_top[0], r);
		if (r % 8 == 1)
			atomic_store(&sh->dirty_leaf[r >> 16 & 3], r);
		if (r % 8 == 2)
			atomic_store(&sh->dirty_sum[r >> 16 & 3], r);
		if (r % 64 == 3)
			os_punch(fd, (r >> 16 & (N - 1)) * PAGE, PAGE);
		if (r % 1024 == 4)
			atomic_store(&sh->head.user_start, r);
	}
	return 0;
}

static void use_arena(struct arena *a, uint64_t *seed)
{
	uint64_t r = next_random(seed), val = 0;
	uint32_t page = r >> 32 & (N - 1), n = 1 + (r >> 48 & 3);
	uint8_t kinds[N];
	struct counted_run c;

	switch (r % 8) {
	case 0:
		arena_alloc_pages(a, 0, n, -1, 0);
		break;
	case 1:
		arena_alloc_pages(a, USER + page * PAGE, n, -1, 0);
		break;
	case 2:
		arena_free_pages(a, USER + page * PAGE, n);
		break;
	case 3:
		arena_reserve_pages(a, USER + page * PAGE, n);
		break;
	case 4:
		access_store(arena_window_base(a) + page * PAGE, 8, val);
		break;
	case 5:
		arena_page_map(a, 0, kinds, N);
		arena_populated(a);
		break;
	default:
		counted_push(&c, a);
		*(volatile uint64_t *)(arena_window_base(a) + page * PAGE) = r;
		run_pop(&c.run);
	}
}

static void under_attack(enum arena_backend backend, enum arena_scratch_policy policy)
{
	struct arena *a = test_arena(backend, N, 0, policy);
	uint64_t seed = 1234567, end;
	pid_t pid;

	if (!a)
		return;
	pid = fork();
	CHECK(pid >= 0);
	if (!pid)
		_exit(scribble(a));
	end = os_now_ns() + (uint64_t)(SECONDS * 1e9);
	while (os_now_ns() < end)
		use_arena(a, &seed);
	kill(pid, SIGKILL);
	CHECK(waitpid(pid, NULL, 0) == pid);
	CHECK(!range_validate(&a->free));
	CHECK(arena_user_start(a) == USER);
	arena_put(a);
}

/* -- Headers -------------------------------------------------------------- */

static const struct {
	const char *what;
	struct shared_header h;
	uint64_t missing; /* bytes at the end of the file */
	bool sealed;
	int err;
} headers[] = {
#define GOOD \
	.magic = SHARED_MAGIC, .version = SHARED_VERSION, .page_size = 4096, .n_states = MAX_PAGES
#define FULL 0 /* nothing missing */
	{"good", {GOOD, .user_start = USER, .user_size = PAGE}, FULL, true, 0},
	{"not sealed", {GOOD, .user_start = USER, .user_size = PAGE}, FULL, false, -EINVAL},
	{"short file", {GOOD, .user_start = USER, .user_size = PAGE}, PAGE, true, -EINVAL},
	{"no magic", {.user_start = USER, .user_size = PAGE}, FULL, true, -EINVAL},
	{"no place", {GOOD}, FULL, true, -ENODATA},
	{"unaligned", {GOOD, .user_start = USER + 1, .user_size = PAGE}, FULL, true, -EINVAL},
	{"empty", {GOOD, .user_start = USER}, FULL, true, -EINVAL},
	{"odd size", {GOOD, .user_start = USER, .user_size = 100}, FULL, true, -EINVAL},
	{"too large",
	 {GOOD, .user_start = USER, .user_size = (1ull << 32) + PAGE},
	 FULL,
	 true,
	 -EINVAL},
	{"huge", {GOOD, .user_start = USER, .user_size = -PAGE}, FULL, true, -EINVAL},
	{"straddles",
	 {GOOD, .user_start = USER - PAGE, .user_size = 2 * PAGE},
	 FULL,
	 true,
	 -EINVAL},
	{"kernel address",
	 {GOOD, .user_start = 0xffffffff81000000, .user_size = PAGE},
	 FULL,
	 true,
	 -ENOMEM},
};

static void check_header(size_t i)
{
	int fd = memfd_create("fake", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	struct ua_client *client = NULL;
	int err;

	CHECK(fd >= 0 &&
	      !ftruncate(fd, (off_t)(SHARED_OFFSET + shared_size(MAX_PAGES) - headers[i].missing)));
	CHECK(pwrite(fd, &headers[i].h, sizeof(headers[i].h), SHARED_OFFSET) ==
	      sizeof(headers[i].h));
	CHECK(!headers[i].sealed || !fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	err = ua_client__map(fd, NULL, &client);
	if (err != headers[i].err)
		fprintf(stderr, "%s: %d\n", headers[i].what, err);
	CHECK(err == headers[i].err);
	ua_client__unmap(client);
	close(fd);
}

int main(void)
{
	log_set(NULL);
	for (size_t i = 0; i < ARRAY_SIZE(headers); i++)
		check_header(i);
	for (enum arena_backend b = ARENA_BACKEND_UFFD; b <= ARENA_BACKEND_MPROTECT; b++) {
		under_attack(b, ARENA_SCRATCH_DEAD);
		under_attack(b, ARENA_SCRATCH_REPLACE);
	}
	return 0;
}
