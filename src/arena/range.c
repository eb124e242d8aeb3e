/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Free ranges in two treaps over the same nodes: one ordered by first page, one by length and
 * then by age, youngest first. A treap is a search tree on the key and a heap on a random
 * priority, which keeps it balanced in expectation whatever a program allocates.
 */
#include "arena/range.h"

#include "base/base.h"

enum { BY_START, BY_SIZE };

struct range_node {
	struct range_node *kid[2][2]; /* [tree][left, right] */
	uint32_t start, len;
	uint64_t stamp;
	uint32_t prio;
};

/* -- Treap ---------------------------------------------------------------- */

static bool before(const struct range_node *a, const struct range_node *b, int tree)
{
	if (tree == BY_START)
		return a->start < b->start;
	if (a->len != b->len)
		return a->len < b->len;
	return a->stamp > b->stamp;
}

static struct range_node *treap_join(struct range_node *l, struct range_node *r, int tree)
{
	struct range_node *root = NULL, **slot = &root;

	while (l && r) {
		if (l->prio > r->prio) {
			*slot = l;
			slot = &l->kid[tree][1];
			l = *slot;
		} else {
			*slot = r;
			slot = &r->kid[tree][0];
			r = *slot;
		}
	}
	*slot = l ? l : r;
	return root;
}

static void treap_insert(struct range_node **root, struct range_node *n, int tree)
{
	struct range_node **slot = root, *rest, **lo, **hi;

	while (*slot && (*slot)->prio >= n->prio)
		slot = &(*slot)->kid[tree][before(*slot, n, tree)];
	/* n goes here; what hung here is split around it. */
	rest = *slot;
	*slot = n;
	lo = &n->kid[tree][0];
	hi = &n->kid[tree][1];
	while (rest) {
		if (before(rest, n, tree)) {
			*lo = rest;
			lo = &rest->kid[tree][1];
			rest = *lo;
		} else {
			*hi = rest;
			hi = &rest->kid[tree][0];
			rest = *hi;
		}
	}
	*lo = *hi = NULL;
}

static void treap_remove(struct range_node **root, struct range_node *n, int tree)
{
	struct range_node **slot = root;

	while (*slot != n)
		slot = &(*slot)->kid[tree][before(*slot, n, tree)];
	*slot = treap_join(n->kid[tree][0], n->kid[tree][1], tree);
}

/* -- Nodes ---------------------------------------------------------------- */

static struct range_node *node_new(struct range_set *set, uint32_t start, uint32_t len)
{
	struct range_node *n = mem_zalloc(sizeof(*n));

	if (!n)
		return NULL;
	set->seed ^= set->seed << 13;
	set->seed ^= set->seed >> 17;
	set->seed ^= set->seed << 5;
	n->prio = set->seed;
	n->start = start;
	n->len = len;
	return n;
}

static void node_link(struct range_set *set, struct range_node *n)
{
	n->stamp = ++set->clock;
	treap_insert(&set->by_start, n, BY_START);
	treap_insert(&set->by_size, n, BY_SIZE);
	set->n_ranges++;
	set->n_pages += n->len;
}

static void node_unlink(struct range_set *set, struct range_node *n)
{
	treap_remove(&set->by_start, n, BY_START);
	treap_remove(&set->by_size, n, BY_SIZE);
	set->n_ranges--;
	set->n_pages -= n->len;
}

static uint32_t node_end(const struct range_node *n)
{
	return n->start + n->len;
}

/* The range with the lowest start among those that end at or after `page`. */
static struct range_node *first_ending_at(const struct range_set *set, uint32_t page)
{
	struct range_node *n = set->by_start, *best = NULL;

	while (n) {
		if (node_end(n) >= page) {
			best = n;
			n = n->kid[BY_START][0];
		} else {
			n = n->kid[BY_START][1];
		}
	}
	return best;
}

/* -- Operations ----------------------------------------------------------- */

void range_init(struct range_set *set)
{
	memset(set, 0, sizeof(*set));
	set->seed = 0x9e3779b9;
}

void range_destroy(struct range_set *set)
{
	while (set->by_start) {
		struct range_node *n = set->by_start;

		set->by_start = treap_join(n->kid[BY_START][0], n->kid[BY_START][1], BY_START);
		mem_free(n);
	}
	range_init(set);
}

int64_t range_find(const struct range_set *set, uint32_t len)
{
	const struct range_node *n = set->by_size, *best = NULL;

	while (n) {
		if (n->len >= len) {
			best = n;
			n = n->kid[BY_SIZE][0];
		} else {
			n = n->kid[BY_SIZE][1];
		}
	}
	return best ? (int64_t)best->start : -ENOENT;
}

bool range_contains(const struct range_set *set, uint32_t start, uint32_t len)
{
	const struct range_node *n = first_ending_at(set, start + len);

	return n && n->start <= start;
}

int range_add(struct range_set *set, uint32_t start, uint32_t len)
{
	uint32_t end = start + len;
	struct range_node *n = first_ending_at(set, start), *keep = NULL;

	if (!len || (n && n->start <= start && node_end(n) >= end))
		return 0;
	/* Everything that overlaps or touches becomes one range. */
	while (n && n->start <= end) {
		start = min_t(uint32_t, start, n->start);
		end = max_t(uint32_t, end, node_end(n));
		node_unlink(set, n);
		mem_free(keep);
		keep = n;
		n = first_ending_at(set, start);
	}
	if (!keep)
		keep = node_new(set, start, end - start);
	UA_FAIL_IF(!keep, -ENOMEM);
	keep->start = start;
	keep->len = end - start;
	node_link(set, keep);
	return 0;
}

/* [start, end) lies strictly inside n: two ranges remain, the right one the younger. */
static int split(struct range_set *set, struct range_node *n, uint32_t start, uint32_t end)
{
	struct range_node *right = node_new(set, end, node_end(n) - end);

	UA_FAIL_IF(!right, -ENOMEM);
	node_unlink(set, n);
	n->len = start - n->start;
	node_link(set, n);
	node_link(set, right);
	return 0;
}

int range_remove(struct range_set *set, uint32_t start, uint32_t len)
{
	uint32_t end = start + len;
	struct range_node *n;

	if (!len)
		return 0;
	while ((n = first_ending_at(set, start + 1)) && n->start < end) {
		uint32_t n_end = node_end(n);

		if (n->start < start && n_end > end)
			return split(set, n, start, end);
		node_unlink(set, n);
		if (n->start < start) {
			n->len = start - n->start;
		} else if (n_end > end) {
			n->start = end;
			n->len = n_end - end;
		} else {
			mem_free(n);
			continue;
		}
		node_link(set, n);
	}
	return 0;
}

bool range_next(const struct range_set *set, uint32_t from, uint32_t *start, uint32_t *len)
{
	const struct range_node *n = first_ending_at(set, from + 1);

	if (!n)
		return false;
	*start = n->start;
	*len = n->len;
	return true;
}

/* -- Checks --------------------------------------------------------------- */

/* Depth first; *prev is the in-order predecessor. */
static int tree_bad(const struct range_node *n, int tree, const struct range_node **prev,
		    uint32_t *count)
{
	int bad = 0;

	if (!n)
		return 0;
	bad += tree_bad(n->kid[tree][0], tree, prev, count);
	bad += !n->len;
	bad += *prev && !before(*prev, n, tree);
	bad += tree == BY_START && *prev && node_end(*prev) >= n->start;
	for (int side = 0; side < 2; side++)
		bad += n->kid[tree][side] && n->kid[tree][side]->prio > n->prio;
	*prev = n;
	++*count;
	return bad + tree_bad(n->kid[tree][1], tree, prev, count);
}

int range_validate(const struct range_set *set)
{
	int bad = 0;

	for (int tree = BY_START; tree <= BY_SIZE; tree++) {
		const struct range_node *prev = NULL;
		uint32_t count = 0;

		bad += tree_bad(tree == BY_START ? set->by_start : set->by_size, tree, &prev,
				&count);
		bad += count != set->n_ranges;
	}
	return bad;
}
