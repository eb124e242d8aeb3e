/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ring buffer, in the kernel's layout so that its consumers work unchanged:
 *
 *   descriptor offset 0          consumer position, the consumer writes it
 *   offset PAGE                  producer position, read-only for consumers
 *   offset 2 * PAGE              data; mapped twice in a row, records never wrap
 *
 * A record is 8 bytes of header (length with BUSY and DISCARD bits, distance to the ring's
 * first page) and the sample, rounded up to 8. Producers reserve under a lock and commit
 * without one: the consumer stops at the first BUSY record, so order is kept.
 *
 * The consumer may be another process and may write anything into its page and, through the
 * descriptor, into the rest: positions of the producer are kept privately and only copied out,
 * the consumer's is clamped before use, and a header that programs commit is found from the
 * sample's address, not from what the ring says.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/base.h"
#include "map/kinds.h"
#include "map/ops.h"

#define PAGE 4096u
#define HEADER 8u
#define BUSY_BIT (1u << 31)
#define DISCARD_BIT (1u << 30)
#define RING_MAX (1u << 30)
#define LEN_MASK (DISCARD_BIT - 1)

struct header {
	_Atomic uint32_t len;
	uint32_t pg_off;
};

struct ringbuf {
	pthread_mutex_t lock;
	struct map *map;
	uint8_t *base;	   /* consumer page, producer page, data, data again */
	uint64_t size;	   /* of the data */
	uint64_t producer; /* authoritative; the shared page has a copy */
	uint64_t pending;  /* oldest record that may still be busy */
	int event;	   /* eventfd, -1 until somebody polls */
	struct ringbuf *next;
};

/* Rings by address, so that a sample leads to its ring. */
static pthread_rwlock_t rings_lock = PTHREAD_RWLOCK_INITIALIZER;
static struct ringbuf *rings;

static _Atomic uint64_t *consumer_pos(const struct ringbuf *r)
{
	return (_Atomic uint64_t *)r->base;
}

static _Atomic uint64_t *producer_pos(const struct ringbuf *r)
{
	return (_Atomic uint64_t *)(r->base + PAGE);
}

static uint8_t *data_at(const struct ringbuf *r, uint64_t pos)
{
	return r->base + 2 * PAGE + (pos & (r->size - 1));
}

/* -- Life ------------------------------------------------------------------------ */

static int ringbuf_check(const union bpf_attr *attr)
{
	uint32_t n = attr->max_entries;

	UA_FAIL_IF(attr->map_flags & ~BPF_F_NUMA_NODE, -EINVAL);
	UA_FAIL_IF(attr->key_size || attr->value_size || !n || n & (n - 1) || n % PAGE, -EINVAL);
	UA_FAIL_IF(n > RING_MAX, -E2BIG);
	return 0;
}

/* Reserve the whole range first, so that the two views of the data are adjacent. */
static int map_views(struct ringbuf *r, int fd)
{
	size_t head = 2 * PAGE + r->size, total = head + r->size;
	uint8_t *base =
		mmap(NULL, total, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	UA_FAIL_IF(base == MAP_FAILED, -ENOMEM);
	if (mmap(base, head, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED ||
	    mmap(base + head, r->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
		 2 * PAGE) == MAP_FAILED) {
		munmap(base, total);
		return -ENOMEM;
	}
	r->base = base;
	return 0;
}

static int open_memory(struct ringbuf *r, struct map *map)
{
	int fd = memfd_create("bpf-ringbuf", MFD_CLOEXEC | MFD_ALLOW_SEALING), err;

	UA_FAIL_IF(fd < 0, -ENOMEM);
	err = ftruncate(fd, (off_t)(2 * PAGE + r->size)) ? -ENOMEM : 0;
	/* A consumer that shrank the file would make producers fault. */
	if (!err && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		err = -errno;
	if (!err)
		err = map_views(r, fd);
	if (err)
		close(fd);
	else
		map->fd = fd;
	return err;
}

static int ringbuf_create(struct map *map, const union bpf_attr *attr)
{
	struct ringbuf *r = mem_zalloc(sizeof(*r));
	int err;

	UA_FAIL_IF(!r, -ENOMEM);
	r->size = attr->max_entries;
	r->event = -1;
	r->map = map;
	err = open_memory(r, map);
	if (err) {
		mem_free(r);
		return err;
	}
	pthread_mutex_init(&r->lock, NULL);
	map->priv = r;
	pthread_rwlock_wrlock(&rings_lock);
	r->next = rings;
	rings = r;
	pthread_rwlock_unlock(&rings_lock);
	return 0;
}

static void ringbuf_free(struct map *map)
{
	struct ringbuf *r = map->priv, **at;

	pthread_rwlock_wrlock(&rings_lock);
	for (at = &rings; *at != r; at = &(*at)->next)
		continue;
	*at = r->next;
	pthread_rwlock_unlock(&rings_lock);
	munmap(r->base, 2 * PAGE + 2 * r->size);
	if (r->event >= 0)
		close(r->event);
	pthread_mutex_destroy(&r->lock);
	mem_free(r);
}

static struct ringbuf *ring_of(const void *sample)
{
	const uint8_t *p = sample;
	struct ringbuf *r;

	pthread_rwlock_rdlock(&rings_lock);
	for (r = rings; r; r = r->next)
		if (p >= r->base + 2 * PAGE && p < r->base + 2 * PAGE + r->size * 2)
			break;
	pthread_rwlock_unlock(&rings_lock);
	return r;
}

/* -- Producing ---------------------------------------------------------------------- */

/* Unread bytes: whatever the consumer wrote, between 0 and what has been produced. */
static uint64_t unread(const struct ringbuf *r)
{
	uint64_t n = r->producer - atomic_load_explicit(consumer_pos(r), memory_order_acquire);

	return n <= r->size ? n : r->size;
}

/* Skip the records that have been committed since. Busy ones must not be overwritten even if
 * the consumer claims to have read them. */
static void advance_pending(struct ringbuf *r)
{
	while (r->pending < r->producer) {
		struct header *h = (struct header *)data_at(r, r->pending);
		uint32_t len = atomic_load_explicit(&h->len, memory_order_acquire);
		uint64_t step = HEADER + (((uint64_t)(len & LEN_MASK) + 7) & ~7ull);

		if (len & BUSY_BIT)
			return;
		r->pending = step > r->producer - r->pending ? r->producer : r->pending + step;
	}
}

static struct header *reserve(struct ringbuf *r, uint64_t size)
{
	uint64_t total = (size + HEADER + 7) & ~7ull;
	struct header *h = NULL;

	pthread_mutex_lock(&r->lock);
	advance_pending(r);
	if (total <= r->size - unread(r) && r->producer + total - r->pending <= r->size) {
		h = (struct header *)data_at(r, r->producer);
		h->pg_off = (uint32_t)(((uint8_t *)h - r->base) / PAGE);
		atomic_store_explicit(&h->len, (uint32_t)size | BUSY_BIT, memory_order_relaxed);
		r->producer += total;
		atomic_store_explicit(producer_pos(r), r->producer, memory_order_release);
	}
	pthread_mutex_unlock(&r->lock);
	return h;
}

static void notify(struct ringbuf *r, const struct header *h, uint64_t flags)
{
	uint64_t at = (uint64_t)((const uint8_t *)h - (r->base + 2 * PAGE)) & (r->size - 1);
	uint64_t read = atomic_load_explicit(consumer_pos(r), memory_order_acquire) & (r->size - 1);
	uint64_t one = 1;

	/* The consumer waits only if it has read everything before this record. */
	if (flags & BPF_RB_FORCE_WAKEUP || (at == read && !(flags & BPF_RB_NO_WAKEUP)))
		if (r->event >= 0 && write(r->event, &one, sizeof(one)) < 0)
			return;
}

static void commit(struct ringbuf *r, struct header *h, uint64_t flags, bool discard)
{
	uint32_t len = atomic_load_explicit(&h->len, memory_order_relaxed) & ~BUSY_BIT;

	atomic_store_explicit(&h->len, discard ? len | DISCARD_BIT : len, memory_order_seq_cst);
	notify(r, h, flags);
}

void *map_ringbuf_reserve(struct map *map, uint64_t size, uint64_t flags)
{
	struct ringbuf *r = map->priv;
	struct header *h;

	if (flags || size > LEN_MASK || size + HEADER > r->size)
		return NULL;
	h = reserve(r, size);
	return h ? h + 1 : NULL;
}

void map_ringbuf_commit(void *sample, uint64_t flags, bool discard)
{
	struct ringbuf *r = ring_of(sample);

	if (r)
		commit(r, (struct header *)sample - 1, flags, discard);
}

long map_ringbuf_output(struct map *map, const void *data, uint64_t size, uint64_t flags)
{
	struct ringbuf *r = map->priv;
	struct header *h;

	UA_FAIL_IF(flags & ~(BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP), -EINVAL);
	UA_FAIL_IF(size > LEN_MASK || size + HEADER > r->size, -EAGAIN);
	h = reserve(r, size);
	UA_FAIL_IF(!h, -EAGAIN);
	memcpy(h + 1, data, size);
	commit(r, h, flags, false);
	return 0;
}

uint64_t map_ringbuf_query(struct map *map, uint64_t what)
{
	const struct ringbuf *r = map->priv;

	switch (what) {
	case BPF_RB_AVAIL_DATA:
		return unread(r);
	case BPF_RB_RING_SIZE:
		return r->size;
	case BPF_RB_CONS_POS:
		return atomic_load_explicit(consumer_pos(r), memory_order_acquire);
	case BPF_RB_PROD_POS:
		return atomic_load_explicit(producer_pos(r), memory_order_acquire);
	default:
		return 0;
	}
}

/* -- The rest of the operations ------------------------------------------------------ */

static int ringbuf_poll_fd(struct map *map)
{
	struct ringbuf *r = map->priv;
	uint64_t one = 1;
	int fd;

	pthread_mutex_lock(&r->lock);
	if (r->event < 0) {
		r->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (r->event >= 0 && unread(r) && write(r->event, &one, sizeof(one)) < 0)
			log_debug("ring buffer: eventfd: %s\n", strerror(errno));
	}
	fd = r->event >= 0 ? r->event : -errno;
	pthread_mutex_unlock(&r->lock);
	return fd;
}

/* Only the consumer's page may be mapped writable. What lies in the second view of the data is
 * not in the file under that offset, so mappings that reach it are made of two. */
static int ringbuf_mmap(struct map *map, void **addr, uint64_t len, int prot, int flags,
			uint64_t off)
{
	const struct ringbuf *r = map->priv;
	uint64_t file = 2 * PAGE + r->size, first;
	void *at;

	UA_FAIL_IF((prot & PROT_WRITE) && (off || len != PAGE), -EPERM);
	UA_FAIL_IF(off > file + r->size || len > file + r->size - off, -EINVAL);
	prot &= ~PROT_EXEC;
	if (off >= file)
		off -= r->size;
	at = mmap(*addr, len, prot, flags, map->fd, (off_t)off);
	UA_FAIL_IF(at == MAP_FAILED, -errno);
	first = file - off;
	if (len > first && mmap((char *)at + first, len - first, prot, MAP_SHARED | MAP_FIXED,
				map->fd, 2 * PAGE) == MAP_FAILED) {
		int err = -errno;

		munmap(at, len);
		return err;
	}
	*addr = at;
	return 0;
}

static void *no_lookup(struct map *map, const void *key)
{
	return NULL;
}

static int no_update(struct map *map, const void *key, const void *value, uint64_t flags)
{
	return -ENOTSUPP;
}

static int no_remove(struct map *map, const void *key)
{
	return -ENOTSUPP;
}

static int no_sys_lookup(struct map *map, const void *key, void *value, uint64_t flags)
{
	return -ENOTSUPP;
}

static int no_next_key(struct map *map, const void *key, void *next)
{
	return -ENOTSUPP;
}

static uint64_t ringbuf_mem_usage(const struct map *map)
{
	const struct ringbuf *r = map->priv;

	return sizeof(*r) + 2 * PAGE + r->size;
}

const struct map_ops map_ops_ringbuf = {
	.name = "ringbuf",
	.check = ringbuf_check,
	.create = ringbuf_create,
	.free = ringbuf_free,
	.lookup = no_lookup,
	.update = no_update,
	.remove = no_remove,
	.next_key = no_next_key,
	.sys_lookup = no_sys_lookup,
	.mmap = ringbuf_mmap,
	.poll_fd = ringbuf_poll_fd,
	.mem_usage = ringbuf_mem_usage,
};
