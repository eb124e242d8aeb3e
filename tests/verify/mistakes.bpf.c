/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The usual mistakes. tests/cli/cases/mistake-*.cmd verify one each and compare the whole
 * explanation that a user sees: reason, line, the way there, and what to change.
 */
#include "rules.bpf.h"

struct node {
	struct node __arena *next;
	u64 value;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16);
} arena SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, u32);
	__type(value, u64[4]);
} counters SEC(".maps");

struct node __arena *head;

/* What is known of the context when the program starts. */
struct args {
	u64 n;
	struct node *list;
};

#define TOUCH_ARENA(map)             \
	({                           \
		void *touch_ = &map; \
		OPAQUE(touch_);      \
	})

SEC("syscall")
int no_null_check(struct args *ctx)
{
	u32 key = ctx->n;
	u64 *value = map_lookup(&counters, &key);

	return value[1];
}

SEC("syscall")
int loop_without_can_loop(struct args *ctx)
{
	struct node __arena *n = head;
	u64 sum = 0;

	TOUCH_ARENA(arena);
	while (n) {
		sum += n->value;
		n = n->next;
	}
	return sum;
}

SEC("syscall")
int no_cast(struct args *ctx)
{
	struct node *n = ctx->list;

	TOUCH_ARENA(arena);
	return n->value;
}

SEC("syscall")
int arena_not_named(struct args *ctx)
{
	struct node __arena *n = (void __arena *)ctx->list;

	return n->value;
}

__noinline int sum_two(struct node *n)
{
	return n ? n->value : 0;
}

SEC("syscall")
int not_tagged(struct args *ctx)
{
	struct node __arena *n = (struct node __arena *)(void __arena *)ctx->list;

	TOUCH_ARENA(arena);
	n += 1;
	OPAQUE(n);
	return sum_two((struct node *)(long)n);
}

/* Each bit that is tested doubles what has to be walked. */
SEC("syscall")
int too_many_states(struct args *ctx)
{
	u64 n = ctx->n, mask = 0;

	for (u32 i = 0; i < 40; i++)
		if (n & 1ull << i) {
			u64 bit = 3ull << i;

			OPAQUE(bit);
			mask += bit;
		}
	return mask == 12345 ? 0 : 1;
}
