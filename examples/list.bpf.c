/* SPDX-License-Identifier: BSD-2-Clause */
/* A linked list in the arena: the program builds it, anyone can walk it through its pointers. */
#include <uarena/bpf_arena.h>

struct node {
	struct node __arena *next;
	u64 value;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1024);
	__ulong(map_extra, 1ull << 44);
} arena SEC(".maps");

struct build_args {
	u64 count; /* in: nodes to add */
	u64 sum;   /* out: sum of all values in the list */
};

struct node __arena *head;
u64 __arena_global nodes_built;

static char __arena *bump, *bump_end;

static struct node __arena *node_new(void)
{
	char __arena *p = bump;

	if (p == bump_end) {
		p = bpf_arena_alloc_pages(&arena, NULL, 1, NUMA_NO_NODE, 0);
		if (!p)
			return NULL;
		bump_end = p + PAGE_SIZE;
	}
	bump = p + sizeof(struct node);
	return (struct node __arena *)p;
}

SEC("syscall")
int list_build(struct build_args *args)
{
	u64 count = args->count;

	for (u64 i = opaque_zero(); i < count && can_loop; i++) {
		struct node __arena *n = node_new();

		if (!n)
			return -12;
		n->value = i;
		n->next = head;
		head = n;
		nodes_built++;
	}
	return 0;
}

SEC("syscall")
int list_sum(struct build_args *args)
{
	u64 sum = opaque_zero();

	/* Reading an arena variable is also what ties this program to its arena. */
	if (nodes_built)
		for (struct node __arena *n = head; n && can_loop; n = n->next)
			sum += n->value;
	args->sum = sum;
	return 0;
}

SEC("syscall")
int test_list(struct build_args *args)
{
	u64 sum = opaque_zero(), length = opaque_zero();

	for (u64 i = opaque_zero(); i < 100 && can_loop; i++) {
		struct node __arena *n = node_new();

		if (!n)
			return 1;
		n->value = i;
		n->next = head;
		head = n;
	}
	for (struct node __arena *n = head; n && can_loop; n = n->next) {
		sum += n->value;
		length++;
	}
	return length >= 100 && sum >= 4950 ? 0 : 2;
}

char _license[] SEC("license") = "Dual BSD/GPL";
