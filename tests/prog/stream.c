/* SPDX-License-Identifier: BSD-2-Clause */
/* Streams: capacity rules, partial reads, order per writer under threads and signals, poll. */
#include "prog/stream.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"

#define CHECK(cond)                                                                \
	do {                                                                       \
		if (!(cond)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
			exit(1);                                                   \
		}                                                                  \
	} while (0)

static struct stream *fresh(void)
{
	struct stream *s;

	CHECK(!stream_new(&s));
	return s;
}

/* -- Partial reads --------------------------------------------------------- */

static void test_partial(void)
{
	static const int want_len[] = {2, 2, 1}, want[] = {2, 1, 0};
	struct stream *s = fresh();
	char buf[8];

	CHECK(stream_read(s, buf, sizeof(buf)) == 0);
	CHECK(stream_push(s, "", 0) == 0);
	CHECK(stream_read(s, buf, sizeof(buf)) == 0);
	CHECK(stream_push(s, "abc", 3) == 0);
	for (int i = 0; i < 3; i++)
		CHECK(stream_read(s, buf, (size_t)want_len[i]) == want[i]);
	CHECK(!stream_push(s, "one", 3) && !stream_push(s, "two", 3));
	CHECK(stream_read(s, buf, 8) == 6 && !memcmp(buf, "onetwo", 6));
	stream_free(s);
}

/* -- Capacity: reaching it fails; released only by reading a whole message ---- */

static void test_capacity(void)
{
	static char big[BPF_STREAM_MAX_CAPACITY];
	struct stream *s = fresh();

	CHECK(stream_push(s, big, BPF_STREAM_MAX_CAPACITY) == -ENOSPC);
	CHECK(stream_push(s, big, BPF_STREAM_MAX_CAPACITY - 1) == 0);
	CHECK(stream_push(s, big, 1) == -ENOSPC);
	CHECK(stream_read(s, big, 90000) == 90000);
	CHECK(stream_push(s, big, 1) == -ENOSPC);
	CHECK(stream_read(s, big, 90000) == 9999);
	CHECK(stream_push(s, big, 1) == 0);
	stream_free(s);
}

/* One-byte messages take the most room in the ring, and wrap around it. */
static void test_small_messages(void)
{
	struct stream *s = fresh();
	char c, want = 0, next = 0;

	for (int round = 0; round < 5; round++) {
		while (!stream_push(s, &next, 1))
			next++;
		for (int i = 0; i < 99999; i++, want++)
			CHECK(stream_read(s, &c, 1) == 1 && c == want);
		CHECK(stream_read(s, &c, 1) == 0);
	}
	stream_free(s);
}

static void test_pieces(void)
{
	struct stream *s = fresh();
	struct stream_msg a, b;
	char buf[32];

	CHECK(!stream_begin(s, 6, &a) && !stream_begin(s, 4, &b));
	stream_append(&b, "later", 5);
	stream_commit(&b);
	CHECK(stream_read(s, buf, sizeof(buf)) == 0);
	stream_append(&a, "abc", 3);
	stream_commit(&a);
	CHECK(stream_read(s, buf, sizeof(buf)) == 10 && !memcmp(buf, "abc   late", 10));
	stream_free(s);
}

/* -- Threads and signals ----------------------------------------------------- */

#define WRITERS 3
#define PER_WRITER 40000

struct shared {
	struct stream *s;
	atomic_int running;
};

static __thread struct stream *signal_stream;
static __thread volatile uint32_t signals_pushed;

static void push_in_handler(int sig)
{
	char msg[12];
	uint32_t n = signals_pushed;

	memcpy(msg, "sig:", 4);
	memcpy(msg + 4, &n, 4);
	memcpy(msg + 8, "....", 4);
	if (signal_stream && !stream_push(signal_stream, msg, sizeof(msg)))
		signals_pushed = n + 1;
}

static void *writer(void *arg)
{
	struct shared *sh = arg;
	static atomic_uint ids;
	uint32_t id = atomic_fetch_add(&ids, 1);
	char msg[12];

	signal_stream = id == 0 ? sh->s : NULL;
	for (uint32_t i = 0; i < PER_WRITER;) {
		memcpy(msg, "thr", 3);
		msg[3] = (char)('0' + id);
		memcpy(msg + 4, &i, 4);
		memcpy(msg + 8, "....", 4);
		if (!stream_push(sh->s, msg, sizeof(msg)))
			i++;
		else
			sched_yield();
		if (id == 0 && i % 16 == 0)
			raise(SIGUSR1);
	}
	signal_stream = NULL;
	atomic_fetch_sub(&sh->running, 1);
	return NULL;
}

static void check_message(const char *msg, uint32_t *next, uint32_t *signals)
{
	uint32_t n;

	memcpy(&n, msg + 4, 4);
	CHECK(!memcmp(msg + 8, "....", 4));
	if (!memcmp(msg, "sig:", 4)) {
		CHECK(n == *signals);
		++*signals;
		return;
	}
	CHECK(!memcmp(msg, "thr", 3) && msg[3] >= '0' && msg[3] < '0' + WRITERS);
	CHECK(n == next[msg[3] - '0']);
	next[msg[3] - '0']++;
}

static void test_threads(void)
{
	struct shared sh = {.s = fresh(), .running = WRITERS};
	uint32_t next[WRITERS] = {0}, signals = 0, total = 0;
	struct pollfd pfd = {.fd = stream_fd(sh.s), .events = POLLIN};
	pthread_t threads[WRITERS];
	char msg[12];

	CHECK(pfd.fd >= 0);
	signal(SIGUSR1, push_in_handler);
	for (int i = 0; i < WRITERS; i++)
		CHECK(!pthread_create(&threads[i], NULL, writer, &sh));
	while (total < WRITERS * PER_WRITER) {
		CHECK(poll(&pfd, 1, 2000) == 1); /* a lost wake-up ends here */
		while (stream_read(sh.s, msg, sizeof(msg)) == sizeof(msg)) {
			check_message(msg, next, &signals);
			total = next[0] + next[1] + next[2];
		}
	}
	for (int i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	while (stream_read(sh.s, msg, sizeof(msg)) == sizeof(msg))
		check_message(msg, next, &signals);
	CHECK(signals > 0);
	stream_free(sh.s);
}

static void test_poll(void)
{
	struct stream *s = fresh();
	struct pollfd pfd = {.events = POLLIN};
	char buf[8];

	CHECK(!stream_push(s, "x", 1));
	pfd.fd = stream_fd(s);
	CHECK(pfd.fd >= 0 && stream_fd(s) == pfd.fd);
	CHECK(poll(&pfd, 1, 0) == 1);
	CHECK(!stream_push(s, "yz", 2));
	CHECK(stream_read(s, buf, 2) == 2 && poll(&pfd, 1, 0) == 1);
	CHECK(stream_read(s, buf, 2) == 1 && poll(&pfd, 1, 0) == 0);
	CHECK(!stream_push(s, "x", 1) && poll(&pfd, 1, 0) == 1);
	stream_free(s);
}

static void test_fork(void)
{
	struct stream *s = fresh();
	char buf[8];
	int status;
	pid_t pid;

	CHECK(!stream_push(s, "both", 4));
	pid = fork();
	if (!pid) {
		CHECK(stream_read(s, buf, 8) == 4);
		CHECK(!stream_push(s, "child", 5) && stream_read(s, buf, 8) == 5);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(stream_read(s, buf, 8) == 4 && !memcmp(buf, "both", 4));
	stream_free(s);
}

int main(void)
{
	test_partial();
	test_capacity();
	test_small_messages();
	test_pieces();
	test_threads();
	test_poll();
	test_fork();
	return 0;
}
