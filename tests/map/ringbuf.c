/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ring buffer: several producers, one consumer that reads the mapping as libbpf does: every
 * record once, in each producer's order, unharmed. And a consumer that writes nonsense.
 */
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "map/kinds.h"
#include "map_test.h"

#define PAGE 4096u
#define SIZE 16384u
#define PRODUCERS 3
#define RECORDS 30000
#define BUSY (1u << 31)
#define DISCARD (1u << 30)

struct record {
	uint32_t producer, seq;
	uint64_t check[4];
};

static struct map *ring;
static _Atomic uint64_t *consumer_pos, *producer_pos;
static uint8_t *data;
static atomic_int producing;

/* Every tenth record is discarded, every third has the long form. */
static void *produce(void *arg)
{
	uint32_t id = (uint32_t)(uintptr_t)arg;

	for (uint32_t seq = 0; seq < RECORDS;) {
		uint64_t size = seq % 3 ? sizeof(struct record) : 16;
		struct record *r = map_ringbuf_reserve(ring, size, 0);

		if (!r) {
			usleep(50);
			continue;
		}
		r->producer = id;
		r->seq = seq;
		for (uint64_t i = 0; i < (size - 8) / 8; i++)
			r->check[i] = (uint64_t)id << 32 | (seq + i);
		map_ringbuf_commit(r, 0, seq % 10 == 9);
		seq++;
	}
	atomic_fetch_sub(&producing, 1);
	return NULL;
}

static void check_record(const struct record *r, uint32_t size, uint32_t next[PRODUCERS])
{
	CHECK(r->producer < PRODUCERS);
	if (next[r->producer] % 10 == 9)
		next[r->producer]++;
	CHECK(r->seq == next[r->producer]++);
	CHECK(size == (r->seq % 3 ? sizeof(struct record) : 16));
	for (uint64_t i = 0; i < (size - 8) / 8; i++)
		CHECK(r->check[i] == ((uint64_t)r->producer << 32 | (r->seq + i)));
}

/* false: nothing to read now. */
static bool consume(uint32_t next[PRODUCERS])
{
	uint64_t pos = atomic_load(consumer_pos);
	uint32_t len;

	if (pos == atomic_load(producer_pos))
		return false;
	len = atomic_load((_Atomic uint32_t *)(data + pos % SIZE));
	if (len & BUSY)
		return false;
	if (!(len & DISCARD))
		check_record((struct record *)(data + pos % SIZE + 8), len, next);
	pos += (8 + (len & ~DISCARD) + 7) & ~7u;
	atomic_store(consumer_pos, pos);
	return true;
}

static void map_ring(void)
{
	void *at = NULL;

	CHECK(!ring->v.ops->mmap(ring, &at, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 0));
	consumer_pos = at;
	at = NULL;
	CHECK(!ring->v.ops->mmap(ring, &at, PAGE + 2 * SIZE, PROT_READ, MAP_SHARED, PAGE));
	producer_pos = at;
	data = (uint8_t *)at + PAGE;
}

static void unmap_ring(void)
{
	munmap((void *)consumer_pos, PAGE);
	munmap((void *)producer_pos, PAGE + 2 * SIZE);
}

static void producers_and_a_consumer(void)
{
	uint32_t next[PRODUCERS] = {0};
	pthread_t t[PRODUCERS];

	atomic_store(&producing, PRODUCERS);
	for (uintptr_t i = 0; i < PRODUCERS; i++)
		CHECK(!pthread_create(&t[i], NULL, produce, (void *)i));
	while (atomic_load(&producing) || atomic_load(consumer_pos) != atomic_load(producer_pos))
		if (!consume(next))
			usleep(20);
	for (int i = 0; i < PRODUCERS; i++) {
		pthread_join(t[i], NULL);
		CHECK(next[i] + (next[i] % 10 == 9) == RECORDS);
	}
	CHECK(map_ringbuf_query(ring, BPF_RB_AVAIL_DATA) == 0);
	CHECK(map_ringbuf_query(ring, BPF_RB_RING_SIZE) == SIZE);
}

/* Positions the consumer made up must not lead producers outside the ring. */
static void hostile_consumer(void)
{
	static const uint64_t wild[] = {0,	    1,		7,	    SIZE,	   SIZE + 8,
					1ull << 31, 1ull << 63, UINT64_MAX, UINT64_MAX - 7};
	uint64_t sample[8] = {0};

	for (size_t i = 0; i < ARRAY_SIZE(wild); i++)
		for (int n = 0; n < 2000; n++) {
			atomic_store(consumer_pos, wild[i] + (uint64_t)n);
			map_ringbuf_output(ring, sample, (uint64_t)n % sizeof(sample), 0);
		}
	CHECK(!map_ringbuf_reserve(ring, SIZE + 1, 0));
	CHECK(!map_ringbuf_reserve(ring, UINT32_MAX, 0));
	CHECK(!map_ringbuf_reserve(ring, UINT64_MAX, 0));
	CHECK(!map_ringbuf_reserve(ring, 8, 1));
}

int main(void)
{
	ring = new_map(BPF_MAP_TYPE_RINGBUF, 0, 0, SIZE, 0, 1);
	map_ring();
	producers_and_a_consumer();
	hostile_consumer();
	unmap_ring();
	map_put(ring);
	return 0;
}
