/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A red-black tree in the arena: left-leaning insertion after Sedgewick would recurse, which
 * BPF cannot; this one walks down with a parent pointer and repairs on the way up.
 */
#include <uarena/bpf_arena.h>

enum color { RED, BLACK };

struct node {
	struct node __arena *parent, *child[2];
	u64 key;
	u32 color;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1024);
} arena SEC(".maps");

struct node __arena *root;
u64 nodes;

static char __arena *bump, *bump_end;

static struct node __arena *node_new(u64 key)
{
	struct node __arena *n;

	if (bump + sizeof(*n) > bump_end) {
		bump = bpf_arena_alloc_pages(&arena, NULL, 1, NUMA_NO_NODE, 0);
		if (!bump)
			return NULL;
		bump_end = bump + PAGE_SIZE;
	}
	n = (struct node __arena *)bump;
	bump += sizeof(*n);
	n->key = key;
	n->color = RED;
	/* clang 19 turns plain stores of adjacent zeros into a memset without address-space
	 * cast, which no verifier takes; volatile keeps them apart. */
	*(struct node __arena *volatile __arena *)&n->parent = NULL;
	*(struct node __arena *volatile __arena *)&n->child[0] = NULL;
	*(struct node __arena *volatile __arena *)&n->child[1] = NULL;
	return n;
}

static u32 is_right(struct node __arena *n)
{
	return n->parent && n->parent->child[1] == n;
}

static void replace_child(struct node __arena *parent, struct node __arena *old,
			  struct node __arena *new)
{
	if (!parent)
		root = new;
	else if (parent->child[1] == old)
		parent->child[1] = new;
	else
		parent->child[0] = new;
	if (new)
		new->parent = parent;
}

/* Turn n down in direction dir: its other child takes its place. */
static __noinline void rotate(struct node __arena *n __arg_arena, u32 dir)
{
	u32 other = !(dir & 1);
	struct node __arena *up = n->child[other];
	struct node __arena *inner;

	if (!up)
		return;
	inner = up->child[!other];
	n->child[other] = inner;
	if (inner)
		inner->parent = n;
	replace_child(n->parent, n, up);
	up->child[!other] = n;
	n->parent = up;
}

static void repair(struct node __arena *n)
{
	while (n->parent && n->parent->color == RED && can_loop) {
		struct node __arena *p = n->parent, *g = p->parent;
		u32 side = is_right(p);
		struct node __arena *uncle = g ? g->child[!side] : NULL;

		if (!g)
			break;
		if (uncle && uncle->color == RED) {
			p->color = uncle->color = BLACK;
			g->color = RED;
			n = g;
			continue;
		}
		if (is_right(n) != side) {
			rotate(p, side);
			n = p;
			p = n->parent;
			if (!p)
				break;
		}
		p->color = BLACK;
		g->color = RED;
		rotate(g, !side);
	}
	if (root)
		root->color = BLACK;
}

static int insert(u64 key)
{
	struct node __arena *at = root, *parent = NULL, *n;

	while (at && can_loop) {
		if (at->key == key)
			return -17;
		parent = at;
		at = at->child[key > at->key];
	}
	n = node_new(key);
	if (!n)
		return -12;
	n->parent = parent;
	if (parent)
		parent->child[key > parent->key] = n;
	else
		root = n;
	nodes++;
	repair(n);
	return 0;
}

static bool contains(u64 key)
{
	struct node __arena *at = root;

	while (at && at->key != key && can_loop)
		at = at->child[key > at->key];
	return at;
}

/* In-order walk with parent pointers: keys ascend, no red node has a red parent. */
static int check_order(void)
{
	struct node __arena *n = root;
	u64 seen = opaque_zero(), last = opaque_zero();

	while (n && n->child[0] && can_loop)
		n = n->child[0];
	while (n && can_loop) {
		if (seen && n->key <= last)
			return 10;
		if (n->color == RED && n->parent && n->parent->color == RED)
			return 11;
		last = n->key;
		seen++;
		if (n->child[1]) {
			n = n->child[1];
			while (n->child[0] && can_loop)
				n = n->child[0];
			continue;
		}
		while (is_right(n) && can_loop)
			n = n->parent;
		n = n->parent;
	}
	return seen == nodes ? 0 : 12;
}

SEC("syscall")
int test_rbtree(void *ctx)
{
	u64 x = opaque_zero() + 88172645463325252ull;

	for (u64 i = opaque_zero(); i < 2000 && can_loop; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		if (insert(x % 100000) == -12)
			return 1;
	}
	for (u64 i = opaque_zero(); i < 500 && can_loop; i++)
		if (insert(200000 + i))
			return 2;
	if (!contains(200499) || contains(200500))
		return 3;
	return check_order();
}

char _license[] SEC("license") = "Dual BSD/GPL";
