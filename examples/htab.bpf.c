/* SPDX-License-Identifier: BSD-2-Clause */
/* A chained hash table in the arena, with a free list for removed entries. */
#include <uarena/bpf_arena.h>

#define BUCKETS 256

struct entry {
	struct entry __arena *next;
	u64 key, value;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 256);
} arena SEC(".maps");

struct htab_args {
	u64 key, value;
};

struct entry __arena *__arena_global buckets[BUCKETS];
struct entry __arena *free_entries;
u64 __arena_global entries;

static u32 bucket_of(u64 key)
{
	return (u32)((key * 0x9e3779b97f4a7c15ull) >> 56) % BUCKETS;
}

static struct entry __arena *entry_new(void)
{
	struct entry __arena *e = free_entries;

	if (!e) {
		struct entry __arena *page =
			bpf_arena_alloc_pages(&arena, NULL, 1, NUMA_NO_NODE, 0);

		if (!page)
			return NULL;
		for (u64 i = opaque_zero(); i < PAGE_SIZE / sizeof(*e) && can_loop; i++) {
			page[i].next = free_entries;
			free_entries = &page[i];
		}
		e = free_entries;
	}
	free_entries = e->next;
	return e;
}

static struct entry __arena *find(u64 key)
{
	struct entry __arena *e = buckets[bucket_of(key)];

	while (e && e->key != key && can_loop)
		e = e->next;
	return e;
}

__noinline int htab_put(u64 key, u64 value)
{
	struct entry __arena *e = find(key);
	u32 b = bucket_of(key);

	if (!e) {
		e = entry_new();
		if (!e)
			return -12;
		e->key = key;
		e->next = buckets[b];
		buckets[b] = e;
		entries++;
	}
	e->value = value;
	return 0;
}

__noinline int htab_del(u64 key)
{
	struct entry __arena *e = buckets[bucket_of(key)], *prev = NULL;

	while (e && e->key != key && can_loop) {
		prev = e;
		e = e->next;
	}
	if (!e)
		return -2;
	if (prev)
		prev->next = e->next;
	else
		buckets[bucket_of(key)] = e->next;
	e->next = free_entries;
	free_entries = e;
	entries--;
	return 0;
}

SEC("syscall")
int put(struct htab_args *args)
{
	return htab_put(args->key, args->value);
}

SEC("syscall")
int get(struct htab_args *args)
{
	struct entry __arena *e = find(args->key);

	if (!e)
		return -2;
	args->value = e->value;
	return 0;
}

SEC("syscall")
int test_htab(void *ctx)
{
	for (u64 i = opaque_zero(); i < 1000 && can_loop; i++)
		if (htab_put(i, i * i))
			return 1;
	for (u64 i = opaque_zero(); i < 1000 && can_loop; i++) {
		struct entry __arena *e = find(i);

		if (!e || e->value != i * i)
			return 2;
	}
	for (u64 i = opaque_zero(); i < 1000 && can_loop; i += 2)
		if (htab_del(i))
			return 3;
	for (u64 i = opaque_zero(); i < 1000 && can_loop; i++)
		if (!find(i) != !(i & 1))
			return 4;
	return entries == 500 ? 0 : 5;
}

char _license[] SEC("license") = "Dual BSD/GPL";
