/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bounded lock-free queue for many producers and consumers (Vyukov's scheme): each cell has
 * a sequence number that says whose turn it is. Works between programs, host and processes.
 */
#include <uarena/bpf_arena.h>

#define CELLS 64

struct cell {
	u64 seq;
	u64 value;
};

struct queue {
	u64 head, pad1[7];
	u64 tail, pad2[7];
	struct cell cells[CELLS];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16);
} arena SEC(".maps");

struct queue __arena_global queue;

struct queue_args {
	u64 value;
};

SEC("syscall")
int queue_init(void *ctx)
{
	for (u64 i = opaque_zero(); i < CELLS && can_loop; i++)
		queue.cells[i].seq = i;
	queue.head = queue.tail = 0;
	return 0;
}

/* 0 or -11 when full. */
static int push(u64 value)
{
	while (can_loop) {
		u64 pos = *(volatile u64 __arena *)&queue.tail;
		struct cell __arena *c = &queue.cells[pos % CELLS];
		s64 ahead = (s64)(*(volatile u64 __arena *)&c->seq - pos);

		if (ahead < 0)
			return -11;
		if (ahead > 0 || __sync_val_compare_and_swap(&queue.tail, pos, pos + 1) != pos)
			continue;
		c->value = value;
		__sync_val_compare_and_swap(&c->seq, pos, pos + 1);
		return 0;
	}
	return -110;
}

/* 0 or -11 when empty. */
static int pop(u64 *value)
{
	while (can_loop) {
		u64 pos = *(volatile u64 __arena *)&queue.head;
		struct cell __arena *c = &queue.cells[pos % CELLS];
		s64 ahead = (s64)(*(volatile u64 __arena *)&c->seq - (pos + 1));

		if (ahead < 0)
			return -11;
		if (ahead > 0 || __sync_val_compare_and_swap(&queue.head, pos, pos + 1) != pos)
			continue;
		*value = c->value;
		__sync_val_compare_and_swap(&c->seq, pos + 1, pos + CELLS);
		return 0;
	}
	return -110;
}

SEC("syscall")
int queue_push(struct queue_args *args)
{
	return push(args->value);
}

SEC("syscall")
int queue_pop(struct queue_args *args)
{
	u64 value = 0;
	int err = pop(&value);

	args->value = value;
	return err;
}

SEC("syscall")
int test_queue(void *ctx)
{
	u64 value = 0;

	queue_init(NULL);
	if (pop(&value) != -11)
		return 1;
	for (u64 i = opaque_zero(); i < CELLS && can_loop; i++)
		if (push(i + 100))
			return 2;
	if (push(1) != -11)
		return 3;
	for (u64 i = opaque_zero(); i < CELLS && can_loop; i++)
		if (pop(&value) || value != i + 100)
			return 4;
	return pop(&value) == -11 ? 0 : 5;
}

char _license[] SEC("license") = "Dual BSD/GPL";
