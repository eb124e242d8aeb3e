/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mapping an arena: the rules and errnos of mmap and munmap, what survives them, other
 * processes, fork, SEGV_ON_FAULT. The expectations are Linux's, taken from Linux 6.18.
 */
#include <sys/socket.h>
#include "arena_test.h"
#include "uarena.h"

#define A 0x7d4000000000ull
#define RW (PROT_READ | PROT_WRITE)
#define G4 ((1ull << 32))

/* -- mmap ----------------------------------------------------------------- */

static const struct {
	const char *what;
	uint64_t extra, first; /* map_extra; place of a first mapping of two pages, 0 = none */
	uint64_t hint, len;
	int prot, flags;
	uint64_t off;
	int err;
	uint64_t at; /* 0: anywhere */
} maps[] = {
	{"anywhere", 0, 0, 0, 10 * PAGE, RW, MAP_SHARED, 0, 0, 0},
	{"hint", 0, 0, A, 10 * PAGE, RW, MAP_SHARED, 0, 0, A},
	{"hint is rounded down", 0, 0, A + 0x800, PAGE, RW, MAP_SHARED, 0, 0, A},
	{"length is rounded up", 0, 0, A, 10 * PAGE + 1, RW, MAP_SHARED, 0, 0, A},
	{"shorter than the map", 0, 0, A, PAGE, RW, MAP_SHARED, 0, 0, A},
	{"longer than the map", 0, 0, A, 20 * PAGE, RW, MAP_SHARED, 0, 0, A},
	{"validate", 0, 0, A, PAGE, RW, MAP_SHARED_VALIDATE, 0, 0, A},
	{"read only", 0, 0, A, PAGE, PROT_READ, MAP_SHARED, 0, 0, A},
	{"private", 0, 0, A, PAGE, RW, MAP_PRIVATE, 0, -EINVAL, 0},
	{"executable", 0, 0, A, PAGE, RW | PROT_EXEC, MAP_SHARED, 0, -EPERM, 0},
	{"nothing", 0, 0, A, 0, RW, MAP_SHARED, 0, -EINVAL, 0},
	{"offset", 0, 0, A, PAGE, RW, MAP_SHARED, PAGE, -EINVAL, 0},
	{"too long", 0, 0, A, G4 + PAGE, RW, MAP_SHARED, 0, -E2BIG, 0},
	{"too long, private", 0, 0, A, G4 + PAGE, RW, MAP_PRIVATE, 0, -E2BIG, 0},
	{"offset before length", 0, 0, A, G4 + PAGE, RW, MAP_SHARED, PAGE, -EINVAL, 0},
	{"hint that would straddle", 0, 0, A - PAGE, 2 * PAGE, RW, MAP_SHARED, 0, 0, A},
	{"fixed that would straddle", 0, 0, A - PAGE, 2 * PAGE, RW, MAP_SHARED | MAP_FIXED, 0, 0,
	 A},
	{"fixed, unaligned", 0, 0, A + 0x800, PAGE, RW, MAP_SHARED | MAP_FIXED, 0, -EINVAL, 0},
	{"again", 0, A, A, 2 * PAGE, RW, MAP_SHARED, 0, -EBUSY, 0},
	{"again, fixed", 0, A, A, 2 * PAGE, RW, MAP_SHARED | MAP_FIXED, 0, 0, A},
	{"again, not replacing", 0, A, A, 2 * PAGE, RW, MAP_SHARED | MAP_FIXED_NOREPLACE, 0,
	 -EEXIST, 0},
	{"again, no hint", 0, A, 0, 2 * PAGE, RW, MAP_SHARED, 0, -EINVAL, 0},
	{"again, elsewhere", 0, A, A + G4, 2 * PAGE, RW, MAP_SHARED | MAP_FIXED, 0, -EINVAL, 0},
	{"again, longer", 0, A, A, 3 * PAGE, RW, MAP_SHARED, 0, -E2BIG, 0},
	{"again, shorter", 0, A, A, PAGE, RW, MAP_SHARED, 0, -EINVAL, 0},
	{"again, private", 0, A, A, 2 * PAGE, RW, MAP_PRIVATE, 0, -EINVAL, 0},
	{"placed", A, 0, A, 10 * PAGE, RW, MAP_SHARED, 0, 0, A},
	{"placed, no hint", A, 0, 0, 10 * PAGE, RW, MAP_SHARED, 0, -EINVAL, 0},
	{"placed, shorter", A, 0, A, PAGE, RW, MAP_SHARED, 0, -EINVAL, 0},
	{"placed, longer", A, 0, A, 11 * PAGE, RW, MAP_SHARED, 0, -E2BIG, 0},
};

static struct arena *new_arena(uint64_t extra, uint32_t flags)
{
	struct arena_opts o = {
		.max_entries = 10, .map_flags = BPF_F_MMAPABLE | flags, .map_extra = extra};
	struct arena *a;

	CHECK(!arena_create(&o, &a));
	return a;
}

static void check_maps(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
		struct arena *a = new_arena(maps[i].extra, 0);
		void *first = (void *)maps[i].first, *at = (void *)maps[i].hint;
		int err;

		CHECK(!first || !arena_mmap(a, &first, 2 * PAGE, RW, MAP_SHARED, 0));
		err = arena_mmap(a, &at, maps[i].len, maps[i].prot, maps[i].flags, maps[i].off);
		if (err != maps[i].err || (!err && maps[i].at && at != (void *)maps[i].at))
			fprintf(stderr, "%s: %d at %p\n", maps[i].what, err, at);
		CHECK(err == maps[i].err);
		CHECK(err || !maps[i].at || at == (void *)maps[i].at);
		CHECK(err || arena_user_start(a) == (uint64_t)at);
		arena_put(a);
	}
}

static void check_size_decides(void)
{
	struct arena *a = new_arena(0, 0);
	void *at = (void *)A;

	CHECK(!arena_alloc_pages(a, 0, 1, -1, 0));
	CHECK(!arena_mmap(a, &at, 3 * PAGE, RW, MAP_SHARED, 0));
	CHECK(!arena_alloc_pages(a, 0, 4, -1, 0));
	CHECK(arena_alloc_pages(a, 0, 3, -1, 0) == A);
	arena_put(a);
	a = new_arena(0, 0);
	CHECK(!arena_mmap(a, &at, 20 * PAGE, RW, MAP_SHARED, 0));
	*(volatile char *)(A + 15 * PAGE) = 1;
	CHECK(!arena_alloc_pages(a, 0, 11, -1, 0));
	CHECK(arena_alloc_pages(a, 0, 10, -1, 0) == A);
	arena_put(a);
}

/* -- munmap --------------------------------------------------------------- */

static int touch(void *p)
{
	(void)*(volatile char *)p;
	return 0;
}

static void check_munmap(void)
{
	struct arena *a = new_arena(A, 0);
	void *at = (void *)A;

	CHECK(!arena_mmap(a, &at, 10 * PAGE, RW, MAP_SHARED, 0));
	*(volatile int *)(A + PAGE) = 77;
	CHECK(arena_munmap(a, at, PAGE) == -EINVAL);
	CHECK(arena_munmap(a, (void *)(A + PAGE), 9 * PAGE) == -EINVAL);
	CHECK(arena_munmap(a, (void *)(A + 1), 10 * PAGE) == -EINVAL);
	CHECK(!arena_munmap(a, (void *)(A + 20 * PAGE), PAGE));
	CHECK(*(volatile int *)(A + PAGE) == 77);
	CHECK(!arena_munmap(a, (void *)(A - PAGE), 12 * PAGE));
	CHECK(in_child(touch, at) == 1000 + SIGSEGV);
	CHECK(*(volatile int *)(arena_window_base(a) + (uint32_t)A + PAGE) == 77);
	CHECK(!arena_mmap(a, &at, 10 * PAGE, RW, MAP_SHARED, 0));
	CHECK(*(volatile int *)(A + PAGE) == 77);
	CHECK(!arena_validate(a));
	arena_put(a);
}

/* The system calls that would split or move the view are not ours to refuse: they take effect
 * on this view and leave everything else intact. */
static void check_foreign_changes(void)
{
	struct arena *a = new_arena(A, 0);
	void *at = (void *)A;
	uint64_t val;

	CHECK(!arena_mmap(a, &at, 10 * PAGE, RW, MAP_SHARED, 0));
	*(volatile int *)(A + PAGE) = 5;
	CHECK(!mprotect((void *)(A + PAGE), PAGE, PROT_READ));
	CHECK(*(volatile int *)(A + PAGE) == 5);
	CHECK(!munmap((void *)(A + 2 * PAGE), PAGE));
	CHECK(in_child(touch, (void *)(A + 2 * PAGE)) == 1000 + SIGSEGV);
	CHECK(arena_alloc_pages(a, A + 2 * PAGE, 1, -1, 0));
	CHECK(access_load(arena_window_base(a) + (uint32_t)A + 2 * PAGE, 8, &val) && !val);
	arena_put(a);
}

static void check_read_only(void)
{
	struct arena *a = new_arena(A, 0);
	void *at = (void *)A;

	CHECK(!arena_mmap(a, &at, 10 * PAGE, PROT_READ, MAP_SHARED, 0));
	CHECK(arena_alloc_pages(a, A, 1, -1, 0) == A);
	CHECK(access_store(arena_window_base(a) + (uint32_t)A, 4, 7));
	CHECK(*(volatile int *)A == 7);
	CHECK(*(volatile int *)(A + 3 * PAGE) == 0);
	CHECK(arena_populated(a) == 2);
	arena_put(a);
}

static int write_read_only(void *p)
{
	struct arena *a = new_arena(A, 0);
	void *at = (void *)A;

	CHECK(!fault_thread_attach());
	CHECK(!arena_mmap(a, &at, 10 * PAGE, RW, MAP_SHARED, 0));
	*(volatile int *)A = 5;
	CHECK(!mprotect(at, PAGE, PROT_READ));
	*(volatile int *)A = 6;
	return 0;
}

/* -- Flags and fork ------------------------------------------------------- */

static int segv_on_fault(void *touch_hole)
{
	struct arena *a = new_arena(A, BPF_F_SEGV_ON_FAULT);
	void *at = (void *)A;

	CHECK(!arena_mmap(a, &at, 10 * PAGE, RW, MAP_SHARED, 0));
	CHECK(arena_alloc_pages(a, A, 1, -1, 0) == A);
	*(volatile int *)A = 5;
	if (touch_hole)
		(void)*(volatile char *)(A + PAGE);
	CHECK(arena_populated(a) == 1);
	return 0;
}

static int use_in_child(void *arena)
{
	struct arena *a = arena;
	void *at = (void *)A;

	CHECK(!arena_alloc_pages(a, 0, 1, -1, 0));
	CHECK(arena_mmap(a, &at, 10 * PAGE, RW, MAP_SHARED, 0) == -EPERM);
	arena_free_pages(a, A, 1);
	arena_put(a);
	a = new_arena(A, 0);
	CHECK(!arena_mmap(a, &at, 10 * PAGE, RW, MAP_SHARED, 0));
	*(volatile int *)A = 6;
	arena_free_pages_deferred(a, A, 1);
	arena_put(a);
	return 0;
}

static void check_fork(void)
{
	struct arena *a = new_arena(A, 0);
	void *at = (void *)A;

	CHECK(!arena_mmap(a, &at, 10 * PAGE, RW, MAP_SHARED, 0));
	*(volatile int *)A = 5;
	CHECK(in_child(touch, at) == 1000 + SIGSEGV);
	CHECK(in_child(touch, arena_window_base(a) + (uint32_t)A) == 1000 + SIGSEGV);
	CHECK(!in_child(use_in_child, a));
	CHECK(*(volatile int *)A == 5);
	CHECK(arena_populated(a) == 1 && !arena_validate(a));
	arena_put(a);
}

/* -- A process that was given the descriptor ------------------------------ */

static void send_fd(int sock, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = {0}, byte = 0;
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	CHECK(sendmsg(sock, &msg, 0) == 1);
}

static int receive_fd(int sock)
{
	char control[CMSG_SPACE(sizeof(int))], byte;
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = sizeof(control)};
	int fd = -1;

	CHECK(recvmsg(sock, &msg, 0) == 1 && CMSG_FIRSTHDR(&msg));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

static void sync_with(int sock)
{
	char c = 0;

	CHECK(write(sock, &c, 1) == 1);
	CHECK(read(sock, &c, 1) == 1);
}

/* Runs in a program that shares nothing with its parent but the socket. */
static int client_main(int sock)
{
	int fd = receive_fd(sock);
	struct ua_client *client, *again;
	volatile uint64_t **head = (volatile uint64_t **)A;

	CHECK(ua_client__map(1, NULL, &client) == -EINVAL);
	CHECK(!ua_client__map(fd, NULL, &client));
	CHECK(ua_client__map(fd, NULL, &again) == -EEXIST);
	close(fd);
	CHECK(ua_client__base(client) == (void *)A && ua_client__size(client) == 10 * PAGE);
	CHECK(**head == 1234);
	**head = 4321;
	*(volatile int *)(A + 5 * PAGE) = 55; /* a hole: populated for everybody */
	sync_with(sock);		      /* the owner frees page 5 */
	sync_with(sock);
	CHECK(*(volatile int *)(A + 5 * PAGE) == 0);
	ua_client__unmap(client);
	CHECK(in_child(touch, (void *)A) == 1000 + SIGSEGV);
	return 0;
}

static void check_client(const char *self)
{
	struct arena *a = new_arena(A, 0);
	void *at = (void *)A;
	int sv[2], status;
	uint64_t val;
	char num[16];
	pid_t pid;

	CHECK(!arena_mmap(a, &at, 10 * PAGE, RW, MAP_SHARED, 0));
	*(uint64_t *)A = A + 3 * PAGE + 8;
	*(uint64_t *)(A + 3 * PAGE + 8) = 1234;
	CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	snprintf(num, sizeof(num), "%d", sv[1]);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		execl(self, self, "client", num, NULL);
		_exit(99);
	}
	close(sv[1]);
	send_fd(sv[0], arena_memfd(a));
	sync_with(sv[0]);
	CHECK(*(volatile uint64_t *)(A + 3 * PAGE + 8) == 4321);
	CHECK(access_load(arena_window_base(a) + (uint32_t)A + 5 * PAGE, 8, &val) && val == 55);
	CHECK(arena_populated(a) == 3);
	CHECK(!arena_alloc_pages(a, A + 5 * PAGE, 1, -1, 0));
	arena_free_pages(a, A + 5 * PAGE, 1);
	CHECK(!access_load(arena_window_base(a) + (uint32_t)A + 5 * PAGE, 8, &val));
	sync_with(sv[0]);
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status));
	CHECK(arena_populated(a) == 3 && !arena_validate(a));
	arena_put(a);
}

/* Without the library a process populates silently; the page counts as its own once met. */
static int raw_client(void *fd)
{
	char *p = mmap(NULL, 10 * PAGE, RW, MAP_SHARED, (int)(intptr_t)fd, 0);

	CHECK(p != MAP_FAILED);
	memset(p + 2 * PAGE, 9, PAGE);
	return 0;
}

static void check_raw_client(void)
{
	struct arena *a = new_arena(A, 0);
	void *at = (void *)A;
	uint64_t val;

	CHECK(!arena_mmap(a, &at, 10 * PAGE, RW, MAP_SHARED, 0));
	CHECK(!in_child(raw_client, (void *)(intptr_t)arena_memfd(a)));
	CHECK(access_load(arena_window_base(a) + (uint32_t)A + 2 * PAGE, 1, &val) && val == 9);
	CHECK(arena_alloc_pages(a, 0, 4, -1, 0) == A + 3 * PAGE);
	CHECK(arena_populated(a) == 5);
	arena_put(a);
}

int main(int argc, char **argv)
{
	if (argc == 3)
		return client_main(atoi(argv[2]));
	CHECK(!fault_thread_attach());
	check_maps();
	check_size_decides();
	check_munmap();
	check_foreign_changes();
	check_read_only();
	CHECK(in_child(write_read_only, NULL) == 1000 + SIGSEGV);
	CHECK(in_child(segv_on_fault, NULL) == 0);
	CHECK(in_child(segv_on_fault, "yes") == 1000 + SIGSEGV);
	check_fork();
	check_client(argv[0]);
	check_raw_client();
	return 0;
}
