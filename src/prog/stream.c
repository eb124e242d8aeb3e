/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Streams: a ring of records.
 *
 *   record   header (u32: length, and a bit once it is complete), payload, padding to 4 bytes
 *
 * A writer first charges its payload to `used`, then takes its place with one fetch-and-add on
 * `head`. The ring is so large that the charge alone guarantees room: a record takes at most
 * 8 bytes per payload byte. The reader zeroes a record before it gives the charge back, so a
 * place that is taken but not complete reads as header 0.
 *
 * The ring is mapped by the first writer with a raw system call: allocating would not be
 * signal-safe, and most streams are never written to.
 */
#include "prog/stream.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/base.h"

#define RING_SIZE (1u << 20)
#define HEADER 4u
#define COMPLETE (1u << 31)
_Static_assert(8u * BPF_STREAM_MAX_CAPACITY < RING_SIZE, "the charge must guarantee room");

struct stream {
	_Atomic(uint8_t *) ring;
	_Atomic uint64_t head;	   /* where the next record goes; positions only grow */
	_Atomic int64_t used;	   /* payload bytes charged */
	_Atomic uint32_t signaled; /* the descriptor was, or is about to be, made readable */
	_Atomic int fd;
	pthread_mutex_t readers;
	uint64_t tail;	   /* the rest: readers only */
	uint32_t consumed; /* bytes of the record at tail that were read */
};

int stream_new(struct stream **out)
{
	struct stream *s = mem_zalloc(sizeof(*s));

	UA_FAIL_IF(!s, -ENOMEM);
	pthread_mutex_init(&s->readers, NULL);
	atomic_init(&s->fd, -1);
	*out = s;
	return 0;
}

void stream_free(struct stream *s)
{
	if (!s)
		return;
	if (s->ring)
		munmap(s->ring, RING_SIZE);
	if (s->fd >= 0)
		close(s->fd);
	pthread_mutex_destroy(&s->readers);
	mem_free(s);
}

/* -- Writers: no locks, no allocation, raw system calls only ------------------ */

static uint8_t *ring_get(struct stream *s)
{
	uint8_t *ring = atomic_load_explicit(&s->ring, memory_order_acquire);
	long fresh;

	if (ua_likely(ring != NULL))
		return ring;
	fresh = syscall(SYS_mmap, NULL, (size_t)RING_SIZE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0L);
	if (fresh == -1)
		return NULL;
	if (atomic_compare_exchange_strong(&s->ring, &ring, (uint8_t *)fresh))
		return (uint8_t *)fresh;
	syscall(SYS_munmap, fresh, (size_t)RING_SIZE);
	return ring;
}

static _Atomic uint32_t *header_at(uint8_t *ring, uint64_t pos)
{
	return (_Atomic uint32_t *)(ring + pos % RING_SIZE);
}

static uint32_t record_size(uint32_t len)
{
	return HEADER + ((len + 3) & ~3u);
}

static int charge(struct stream *s, size_t len)
{
	int64_t before = atomic_load_explicit(&s->used, memory_order_relaxed);

	UA_FAIL_IF(before >= BPF_STREAM_MAX_CAPACITY || len >= BPF_STREAM_MAX_CAPACITY, -ENOSPC);
	before = atomic_fetch_add(&s->used, (int64_t)len);
	if (before + (int64_t)len < BPF_STREAM_MAX_CAPACITY)
		return 0;
	atomic_fetch_sub(&s->used, (int64_t)len);
	return -ENOSPC;
}

int stream_begin(struct stream *s, size_t len, struct stream_msg *msg)
{
	*msg = (struct stream_msg){.s = s};
	if (!len)
		return 0;
	UA_FAIL_IF(!ring_get(s), -ENOMEM);
	UA_TRY(charge(s, len));
	msg->len = (uint32_t)len;
	msg->pos = atomic_fetch_add(&s->head, record_size(msg->len));
	return 0;
}

static void ring_write(uint8_t *ring, uint64_t pos, const uint8_t *data, size_t len)
{
	size_t at = pos % RING_SIZE;
	size_t first = min_t(size_t, len, RING_SIZE - at);

	memcpy(ring + at, data, first);
	memcpy(ring, data + first, len - first);
}

void stream_append(struct stream_msg *msg, const void *data, size_t len)
{
	len = min_t(size_t, len, msg->len - msg->done);
	if (!len)
		return;
	ring_write(msg->s->ring, msg->pos + HEADER + msg->done, data, len);
	msg->done += (uint32_t)len;
}

static void wake(struct stream *s)
{
	static const uint64_t one = 1;
	int fd = atomic_load(&s->fd);

	if (fd >= 0 && !atomic_exchange(&s->signaled, 1))
		syscall(SYS_write, fd, &one, sizeof(one));
}

void stream_commit(struct stream_msg *msg)
{
	while (msg->done < msg->len)
		stream_append(msg, " ", 1);
	if (!msg->len)
		return;
	atomic_store(header_at(msg->s->ring, msg->pos), msg->len | COMPLETE);
	wake(msg->s);
}

int stream_push(struct stream *s, const void *data, size_t len)
{
	struct stream_msg msg;

	UA_TRY(stream_begin(s, len, &msg));
	stream_append(&msg, data, len);
	stream_commit(&msg);
	return 0;
}

/* -- Readers -------------------------------------------------------------------- */

static void ring_read(const uint8_t *ring, uint64_t pos, uint8_t *buf, size_t len)
{
	size_t at = pos % RING_SIZE;
	size_t first = min_t(size_t, len, RING_SIZE - at);

	memcpy(buf, ring + at, first);
	memcpy(buf + first, ring, len - first);
}

static void ring_zero(uint8_t *ring, uint64_t pos, size_t len)
{
	size_t at = pos % RING_SIZE;
	size_t first = min_t(size_t, len, RING_SIZE - at);

	memset(ring + at, 0, first);
	memset(ring, 0, len - first);
}

/* Payload length of the complete record at the tail, or 0. */
static uint32_t tail_len(struct stream *s)
{
	uint8_t *ring = atomic_load_explicit(&s->ring, memory_order_acquire);
	uint32_t header = ring ? atomic_load(header_at(ring, s->tail)) : 0;

	return header & COMPLETE ? header & ~COMPLETE : 0;
}

static size_t read_record(struct stream *s, uint32_t len, uint8_t *buf, size_t room)
{
	size_t n = min_t(size_t, room, len - s->consumed);

	ring_read(s->ring, s->tail + HEADER + s->consumed, buf, n);
	s->consumed += (uint32_t)n;
	if (s->consumed < len)
		return n;
	ring_zero(s->ring, s->tail, record_size(len));
	s->tail += record_size(len);
	s->consumed = 0;
	atomic_fetch_sub(&s->used, len);
	return n;
}

/* A writer that completes a record after the check finds `signaled` clear and wakes itself. */
static void clear_if_empty(struct stream *s)
{
	uint64_t count;

	if (s->fd < 0 || tail_len(s))
		return;
	(void)!read(s->fd, &count, sizeof(count));
	atomic_store(&s->signaled, 0);
	if (tail_len(s))
		wake(s);
}

int stream_read(struct stream *s, void *buf, size_t len)
{
	size_t done = 0;
	uint32_t n;

	len = min_t(size_t, len, INT32_MAX);
	pthread_mutex_lock(&s->readers);
	while (done < len && (n = tail_len(s)))
		done += read_record(s, n, (uint8_t *)buf + done, len - done);
	clear_if_empty(s);
	pthread_mutex_unlock(&s->readers);
	return (int)done;
}

int stream_fd(struct stream *s)
{
	int fd;

	pthread_mutex_lock(&s->readers);
	fd = s->fd;
	if (fd < 0) {
		fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (fd < 0) {
			fd = -errno;
		} else {
			atomic_store(&s->fd, fd);
			if (tail_len(s))
				wake(s);
		}
	}
	pthread_mutex_unlock(&s->readers);
	return fd;
}
