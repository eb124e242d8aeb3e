/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The workloads, written once: compiled natively, for BPF and for WebAssembly. The file that
 * includes this defines
 *
 *   ARENA    the qualifier of pointers into the working memory
 *   MORE     true while a loop may go on
 *   ZERO     a zero the compiler cannot see through where that matters
 *
 * A workload takes the number of operations and returns a checksum that is the same
 * everywhere: no addresses in it. Its preparation lays out the memory it works on.
 *
 *   W(name, prep, operation, ops per call, calls, vectorisable)
 */
#ifndef UA_BENCH_WORKLOADS_H
#define UA_BENCH_WORKLOADS_H

#define UA_WORKLOADS(W)                                  \
	W(nop, none, "call", 0, 20000, 0)                \
	W(loop, none, "iteration", 2000000, 1, 0)        \
	W(list_build_l1, none, "node", 500000, 1, 0)     \
	W(list_build_l2, none, "node", 500000, 1, 0)     \
	W(list_build_64m, none, "node", 1048576, 4, 0)   \
	W(list_walk_l1, list_l1, "node", 1000000, 1, 0)  \
	W(list_walk_l2, list_l2, "node", 500000, 1, 0)   \
	W(list_walk_64m, list_64m, "node", 100000, 1, 0) \
	W(hash_insert, none, "insert", 131072, 1, 0)     \
	W(hash_lookup, hash, "lookup", 200000, 1, 0)     \
	W(tree_insert, none, "insert", 8192, 1, 0)       \
	W(tree_lookup, tree, "lookup", 10000, 1, 0)      \
	W(strsearch, text, "byte", 500000, 1, 0)         \
	W(bitmap_andor, bitmap, "word", 1000000, 1, 1)   \
	W(bitmap_next, bitmap, "word", 20000, 1, 0)      \
	W(xxh64, bitmap, "word", 1000000, 1, 0)          \
	W(sip, bitmap, "word", 500000, 1, 0)             \
	W(alu32, bitmap, "word", 1000000, 1, 0)          \
	W(memset64, none, "word", 2000000, 1, 1)         \
	W(memset8, none, "byte", 2000000, 1, 1)          \
	W(memcpy64, bitmap, "word", 2000000, 1, 1)       \
	W(memcpy8, bitmap, "byte", 2000000, 1, 1)        \
	W(atomic_add, none, "op", 500000, 1, 0)          \
	W(atomic_cas, none, "op", 500000, 1, 0)          \
	W(call_leaf, none, "call", 500000, 1, 0)         \
	W(call_tree, none, "call", 508000, 1, 0)         \
	W(slab, slab, "pair", 500000, 1, 0)              \
	W(bump, none, "alloc", 1000000, 1, 0)

#ifdef ARENA

typedef unsigned char w8;
typedef unsigned int w32;
typedef unsigned long long w64;

#define W_MEM_SIZE (80u << 20)
#define W_NOINLINE static __attribute__((noinline))

static char ARENA *w_mem; /* W_MEM_SIZE bytes, zeroed at the start */

#define AT(type, offset) ((type ARENA *)(w_mem + (offset)))
/* Not a constant: clang 19 forgets the cast of the address where a constant is stored. */
#define W_NULL(type) ((type ARENA *)ZERO)
#define FOR(i, n) for (w64 i = ZERO; i < (n) && MORE; i++)

static inline w64 w_mix(w64 x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdull;
	x ^= x >> 29;
	return x;
}

static void prep_none(void)
{
}

static w64 work_nop(w64 n)
{
	return n;
}

static w64 work_loop(w64 n)
{
	w64 sum = 0;

	FOR(i, n)
	{
		__asm__ volatile("");
		sum = i;
	}
	return sum;
}

/* ---- Lists ---- */

struct w_node {
	struct w_node ARENA *next;
	w64 value;
};

static inline w64 w_list_build(w64 n, w64 mask)
{
	struct w_node ARENA *nodes = AT(struct w_node, 0), *head = nodes;

	FOR(i, n)
	{
		struct w_node ARENA *node = &nodes[i & mask];

		node->value = i;
		node->next = head;
		head = node;
	}
	return head->value + nodes[0].value;
}

/* A cycle through mask + 1 nodes in an order that no prefetcher guesses. */
static inline void w_list_scatter(w64 mask)
{
	struct w_node ARENA *nodes = AT(struct w_node, 0);

	FOR(i, mask + 1)
	{
		nodes[i].value = i;
		nodes[i].next = &nodes[(i * 1664525 + 1013904223) & mask];
	}
}

static inline w64 w_list_walk(w64 n)
{
	struct w_node ARENA *node = AT(struct w_node, 0);
	w64 sum = 0;

	FOR(i, n)
	{
		sum += node->value;
		node = node->next;
	}
	return sum;
}

#define W_L1_MASK 1023
#define W_L2_MASK 32767
#define W_64M_MASK 4194303

static w64 work_list_build_l1(w64 n)
{
	return w_list_build(n, W_L1_MASK);
}
static w64 work_list_build_l2(w64 n)
{
	return w_list_build(n, W_L2_MASK);
}
/* A quarter of the memory per call: one call over all of it would outlast a loop budget. */
static w64 w_quarter;

static w64 work_list_build_64m(w64 n)
{
	struct w_node ARENA *nodes = AT(struct w_node, 0), *head = nodes;

	nodes += (w_quarter++ & 3) * n;
	FOR(i, n)
	{
		nodes[i].value = i;
		nodes[i].next = head;
		head = &nodes[i];
	}
	return head->value + nodes[n / 2].value;
}
static void prep_list_l1(void)
{
	w_list_scatter(W_L1_MASK);
}
static void prep_list_l2(void)
{
	w_list_scatter(W_L2_MASK);
}
static void prep_list_64m(void)
{
	w_list_scatter(W_64M_MASK);
}
static w64 work_list_walk_l1(w64 n)
{
	return w_list_walk(n);
}
static w64 work_list_walk_l2(w64 n)
{
	return w_list_walk(n);
}
static w64 work_list_walk_64m(w64 n)
{
	return w_list_walk(n);
}

/* ---- A hash table with chains ---- */

struct w_entry {
	struct w_entry ARENA *next;
	w64 key, value;
};

#define W_BUCKETS 4096
#define W_ENTRIES 8192

static inline w64 w_hash(w64 key)
{
	return (key * 0x9e3779b97f4a7c15ull >> 40) & (W_BUCKETS - 1);
}

struct w_table {
	struct w_entry ARENA *buckets[W_BUCKETS];
	struct w_entry entries[W_ENTRIES];
};

static inline void w_table_clear(struct w_table ARENA *t)
{
	FOR(i, W_BUCKETS) t->buckets[i] = W_NULL(struct w_entry);
}

/* Empties the table before every W_ENTRIES inserts. */
static w64 work_hash_insert(w64 n)
{
	struct w_table ARENA *t = AT(struct w_table, 0);

	FOR(i, n)
	{
		w64 at = i & (W_ENTRIES - 1), key = at * 7, b = w_hash(key);
		struct w_entry ARENA *e = &t->entries[at];

		if (!at)
			w_table_clear(t);
		e->key = key;
		e->value = i;
		e->next = t->buckets[b];
		t->buckets[b] = e;
	}
	return t->entries[5].key + t->entries[W_ENTRIES - 1].value;
}

static void prep_hash(void)
{
	work_hash_insert(W_ENTRIES);
}

static w64 work_hash_lookup(w64 n)
{
	struct w_table ARENA *t = AT(struct w_table, 0);
	w64 sum = 0;

	FOR(i, n)
	{
		w64 key = w_mix(i) & 65535;
		struct w_entry ARENA *e = t->buckets[w_hash(key)];

		while (e && MORE) {
			if (e->key == key) {
				sum += e->value;
				break;
			}
			e = e->next;
		}
	}
	return sum;
}

/* ---- A search tree ---- */

struct w_leaf {
	struct w_leaf ARENA *child[2];
	w64 key;
};

static inline w64 w_tree_add(w64 i)
{
	struct w_leaf ARENA *leaf = AT(struct w_leaf, 4096) + i;
	struct w_leaf ARENA *ARENA *link = AT(struct w_leaf ARENA *, 0);
	w64 key = w_mix(i + 1), depth = 0;

	leaf->child[0] = leaf->child[1] = W_NULL(struct w_leaf);
	leaf->key = key;
	while (*link && MORE) {
		link = &(*link)->child[key > (*link)->key];
		depth++;
	}
	*link = leaf;
	return depth;
}

static w64 work_tree_insert(w64 n)
{
	w64 sum = 0;

	*AT(struct w_leaf ARENA *, 0) = W_NULL(struct w_leaf);
	FOR(i, n) sum += w_tree_add(i);
	return sum;
}

static void prep_tree(void)
{
	work_tree_insert(8192);
}

static w64 work_tree_lookup(w64 n)
{
	w64 sum = 0;

	FOR(i, n)
	{
		w64 key = w_mix((i * 7 & 8191) + 1);
		struct w_leaf ARENA *leaf = *AT(struct w_leaf ARENA *, 0);

		while (leaf && leaf->key != key && MORE) {
			leaf = leaf->child[key > leaf->key];
			sum++;
		}
	}
	return sum;
}

/* ---- Bytes and bits ---- */

#define W_TEXT 65536

static void prep_text(void)
{
	w8 ARENA *text = AT(w8, 0);

	FOR(i, W_TEXT + 16) text[i] = (w8)('a' + (w_mix(i) & 3));
}

/* Occurrences of a short word, compared byte by byte. */
static w64 work_strsearch(w64 n)
{
	const w8 ARENA *text = AT(w8, 0);
	w64 found = 0;

	FOR(i, n)
	{
		const w8 ARENA *p = text + (i & (W_TEXT - 1));
		w64 j = ZERO;

		while (j < 6 && p[j] == 'a' + (j & 1) && MORE)
			j++;
		found += j == 6;
	}
	return found;
}

#define W_WORDS 1024

static void prep_bitmap(void)
{
	w64 ARENA *words = AT(w64, 0);

	FOR(i, 4 * W_WORDS) words[i] = w_mix(i) & w_mix(i + 77);
}

static w64 work_bitmap_andor(w64 n)
{
	w64 ARENA *a = AT(w64, 0), *b = a + W_WORDS, *c = b + W_WORDS;

	for (w64 done = ZERO; done < n && MORE; done += W_WORDS)
		FOR(i, W_WORDS) a[i] = (b[i] & ~c[i]) | (a[i] & c[i]);
	return a[3] ^ a[W_WORDS - 1];
}

/* Number of the lowest bit set in w, which is not 0, by halving. */
static inline w32 w_lowest(w64 w)
{
	w32 bit = 0;

	if (!(w & 0xffffffff)) {
		bit += 32;
		w >>= 32;
	}
	if (!(w & 0xffff)) {
		bit += 16;
		w >>= 16;
	}
	if (!(w & 0xff)) {
		bit += 8;
		w >>= 8;
	}
	if (!(w & 0xf)) {
		bit += 4;
		w >>= 4;
	}
	if (!(w & 3)) {
		bit += 2;
		w >>= 2;
	}
	return bit + !(w & 1);
}

static w64 work_bitmap_next(w64 n)
{
	const w64 ARENA *words = AT(w64, 0);
	w64 sum = 0;

	FOR(i, n)
	{
		w64 w = words[i & (W_WORDS - 1)];

		while (w && MORE) {
			sum += w_lowest(w);
			w &= w - 1;
		}
	}
	return sum;
}

static inline w64 w_rol(w64 x, int k)
{
	return x << k | x >> (64 - k);
}

static w64 work_xxh64(w64 n)
{
	const w64 ARENA *words = AT(w64, 0);
	w64 h = 0x27d4eb2f165667c5ull;

	FOR(i, n)
	{
		w64 k = words[i & (4 * W_WORDS - 1)] * 0xc2b2ae3d27d4eb4full;

		k = w_rol(k, 31) * 0x9e3779b185ebca87ull;
		h = w_rol(h ^ k, 27) * 0x9e3779b185ebca87ull + 0x85ebca77c2b2ae63ull;
	}
	return h;
}

static w64 work_sip(w64 n)
{
	const w64 ARENA *words = AT(w64, 0);
	w64 a = 0x736f6d6570736575ull, b = 0x646f72616e646f6dull;
	w64 c = 0x6c7967656e657261ull, d = 0x7465646279746573ull;

	FOR(i, n)
	{
		w64 m = words[i & (4 * W_WORDS - 1)];

		d ^= m;
		a += b;
		b = w_rol(b, 13) ^ a;
		a = w_rol(a, 32);
		c += d;
		d = w_rol(d, 16) ^ c;
		a += d;
		d = w_rol(d, 21) ^ a;
		c += b;
		b = w_rol(b, 17) ^ c;
		c = w_rol(c, 32);
		a ^= m;
	}
	return a ^ b ^ c ^ d;
}

static w64 work_alu32(w64 n)
{
	const w32 ARENA *words = AT(w32, 0);
	w32 h = 0x811c9dc5;

	FOR(i, n)
	{
		w32 k = words[i & (8 * W_WORDS - 1)] * 0xcc9e2d51u;

		k = k << 15 | k >> 17;
		h ^= k * 0x1b873593u;
		h = (h << 13 | h >> 19) * 5 + 0xe6546b64u;
	}
	return h;
}

static w64 work_memset64(w64 n)
{
	w64 ARENA *to = AT(w64, 0);

	for (w64 done = ZERO; done < n && MORE; done += W_WORDS)
		FOR(i, W_WORDS) to[i] = done;
	return to[0] + to[W_WORDS - 1];
}

static w64 work_memset8(w64 n)
{
	w8 ARENA *to = AT(w8, 0);

	for (w64 done = ZERO; done < n && MORE; done += 8 * W_WORDS)
		FOR(i, 8 * W_WORDS) to[i] = (w8)(done >> 13);
	return to[0] + to[8 * W_WORDS - 1];
}

static w64 work_memcpy64(w64 n)
{
	const w64 ARENA *from = AT(w64, 0);
	w64 ARENA *to = AT(w64, 65536);

	for (w64 done = ZERO; done < n && MORE; done += W_WORDS)
		FOR(i, W_WORDS) to[i] = from[i];
	return to[0] + to[W_WORDS - 1];
}

static w64 work_memcpy8(w64 n)
{
	const w8 ARENA *from = AT(w8, 0);
	w8 ARENA *to = AT(w8, 65536);

	for (w64 done = ZERO; done < n && MORE; done += 8 * W_WORDS)
		FOR(i, 8 * W_WORDS) to[i] = from[i];
	return to[0] + to[8 * W_WORDS - 1];
}

/* ---- Atomics ---- */

static w64 work_atomic_add(w64 n)
{
	w64 ARENA *p = AT(w64, 0);
	w64 sum = 0;

	*p = 0;
	FOR(i, n) sum += __sync_fetch_and_add(p, i);
	return sum + *p;
}

static w64 work_atomic_cas(w64 n)
{
	w64 ARENA *p = AT(w64, 0);
	w64 seen = 0;

	*p = 0;
	FOR(i, n) seen += __sync_val_compare_and_swap(p, i, i + 1);
	return seen + *p;
}

/* ---- Calls ---- */

W_NOINLINE w64 w_leaf_call(w64 a, w64 b)
{
	__asm__ volatile("");
	return (a ^ b) + 3;
}

static w64 work_call_leaf(w64 n)
{
	w64 sum = 0;

	FOR(i, n) sum = w_leaf_call(sum, i);
	return sum;
}

#define W_TREE_LEVEL(name, below)              \
	W_NOINLINE w64 name(w64 x)             \
	{                                      \
		w64 left = below(x + 1);       \
                                               \
		__asm__ volatile("");          \
		return left + below(x ^ left); \
	}
W_NOINLINE w64 w_tree0(w64 x)
{
	__asm__ volatile("");
	return x * 3;
}
W_TREE_LEVEL(w_tree1, w_tree0)
W_TREE_LEVEL(w_tree2, w_tree1)
W_TREE_LEVEL(w_tree3, w_tree2)
W_TREE_LEVEL(w_tree4, w_tree3)
W_TREE_LEVEL(w_tree5, w_tree4)
W_TREE_LEVEL(w_tree6, w_tree5)

/* 127 calls per round. */
static w64 work_call_tree(w64 n)
{
	w64 sum = 0;

	for (w64 done = ZERO; done < n && MORE; done += 127)
		sum += w_tree6(done);
	return sum;
}

/* ---- Allocation ---- */

struct w_chunk {
	struct w_chunk ARENA *next;
	w64 uses;
};
struct w_slab {
	struct w_chunk ARENA *free;
	w64 live;
	struct w_chunk chunks[256];
};

static void prep_slab(void)
{
	struct w_slab ARENA *s = AT(struct w_slab, 0);

	s->free = W_NULL(struct w_chunk);
	s->live = ZERO;
	FOR(i, 256)
	{
		s->chunks[i].uses = 0;
		s->chunks[i].next = s->free;
		s->free = &s->chunks[i];
	}
}

/* Two chunks out, the first back first: the list's order changes all the time. */
static w64 work_slab(w64 n)
{
	struct w_slab ARENA *s = AT(struct w_slab, 0);

	FOR(i, n)
	{
		struct w_chunk ARENA *a = s->free;
		struct w_chunk ARENA *b = a->next;

		s->free = b->next;
		s->live++;
		a->uses++;
		b->uses += i;
		a->next = s->free;
		b->next = a;
		s->free = b;
		s->live--;
	}
	return s->live + s->chunks[255].uses + s->chunks[254].uses;
}

struct w_bump {
	w64 at, wraps;
};

static w64 work_bump(w64 n)
{
	struct w_bump ARENA *b = AT(struct w_bump, 0);

	b->at = 64;
	b->wraps = 0;
	FOR(i, n)
	{
		w64 size = 16 + (i & 3) * 16;

		if (b->at + size > 65536) {
			b->at = 64;
			b->wraps++;
		}
		*AT(w64, b->at) = i;
		b->at += size;
	}
	return b->at + b->wraps;
}

#endif
#endif
