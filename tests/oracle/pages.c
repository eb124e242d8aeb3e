/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random sequences of page allocations, frees, reservations and touches by program and user, on
 * Linux and on the engine. Every step must give the same address, errno or value.
 *
 *   pages OBJECT [-s SEED] [-n SEQUENCES] [-d FOLDER FOR FAILING CASES [-k]]
 *   pages OBJECT FILE...     replay recorded sequences on the engine only
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "pages.h"
#include "uarena.h"

#define PAGES_AT 0x300000000000ull
#define MAX_OPS 40

struct side {
	struct ua_engine *engine;
	struct ua_object *obj;
	struct ua_program *prog;
	struct page_op *ops;
	uint32_t *n_ops;
	uint8_t *view;
};

struct sequence {
	uint32_t pages, n;
	struct page_op ops[MAX_OPS];
};

enum { LINUX, ENGINE };
static struct side sides[2];
static long steps;
static bool keep; /* save the first sequence of each size, though it agrees */

/* -- Sides ------------------------------------------------------------------------ */

static int side_open(struct side *s, enum ua_backend backend, const char *path, uint32_t pages)
{
	UA_OPTS(ua_engine_opts, opts, .backend = backend);
	int err = ua_engine__open(&opts, &s->engine);

	if (!err)
		err = ua_object__open_file(s->engine, path, NULL, &s->obj);
	if (!err)
		err = ua_map__set_max_entries(ua_object__find_map(s->obj, "arena"), pages);
	if (!err)
		err = ua_object__load(s->obj);
	if (!err)
		err = ua_object__find_global(s->obj, "ops", (void **)&s->ops, NULL);
	if (!err)
		err = ua_object__find_global(s->obj, "n_ops", (void **)&s->n_ops, NULL);
	if (err)
		return err;
	s->prog = ua_object__find_program(s->obj, "run_batch");
	s->view = ua_map__initial_value(ua_object__find_map(s->obj, "arena"), NULL);
	return s->prog && s->view ? 0 : -ENOENT;
}

static void side_close(struct side *s)
{
	if (s->obj)
		ua_object__close(s->obj);
	if (s->engine)
		ua_engine__close(s->engine);
	*s = (struct side){0};
}

static void run_batch(struct side *s, struct page_op *ops, uint32_t n)
{
	UA_OPTS(ua_run_opts, run, .cpu = -1);
	char drop[4096];

	if (!n)
		return;
	memcpy(s->ops, ops, n * sizeof(*ops));
	*s->n_ops = n;
	if (ua_program__run(s->prog, &run)) {
		printf("a batch did not run\n");
		exit(1);
	}
	memcpy(ops, s->ops, n * sizeof(*ops));
	while (ua_program__read_stream(s->prog, UA_STDERR, drop, sizeof(drop)) > 0)
		;
}

/* A touch by the user's side populates a hole. */
static void touch(struct side *s, struct page_op *op)
{
	volatile uint64_t *p = (void *)(s->view + (op->addr - PAGES_AT));

	op->result = *p;
	*p = op->n;
}

static void run_sequence(struct side *s, struct sequence *q)
{
	struct page_op all = {.kind = OP_FREE, .n = q->pages, .addr = PAGES_AT};
	uint32_t from = 0;

	for (uint32_t i = 0; i <= q->n; i++) {
		if (i < q->n && q->ops[i].kind != OP_USER && i - from < BATCH)
			continue;
		run_batch(s, &q->ops[from], i - from);
		from = i;
		if (i < q->n && q->ops[i].kind == OP_USER) {
			touch(s, &q->ops[i]);
			from = i + 1;
		}
	}
	run_batch(s, &all, 1);
}

/* -- Sequences ----------------------------------------------------------------------- */

static uint64_t rng_state;

static uint32_t below(uint32_t n)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return (uint32_t)(((rng_state * 0x2545f4914f6cdd1dull) >> 32) * n >> 32);
}

static uint64_t page_addr(uint32_t pages)
{
	uint32_t page = below(16) ? below(pages) : below(pages + 2);

	return PAGES_AT + page * 4096ull + (below(24) ? 0 : 8 * below(512));
}

static uint32_t count_pages(uint32_t pages)
{
	static const uint32_t sizes[] = {1, 1, 1, 2, 2, 3, 4, 8};

	return below(10) ? sizes[below(ARRAY_SIZE(sizes))] : below(pages + 2);
}

/* Users must keep off reserved pages, which are a SIGSEGV, so know which they can be. */
static void random_sequence(struct sequence *q, uint32_t pages)
{
	static const uint8_t kinds[] = {OP_ALLOC, OP_ALLOC,   OP_ALLOC,	    OP_ALLOC,	   OP_FREE,
					OP_FREE,  OP_RESERVE, OP_PROG_READ, OP_PROG_WRITE, OP_USER};
	bool reserves = below(2);

	*q = (struct sequence){.pages = pages, .n = 4 + below(MAX_OPS - 4)};
	for (uint32_t i = 0; i < q->n; i++) {
		struct page_op *op = &q->ops[i];

		op->kind = kinds[below(ARRAY_SIZE(kinds))];
		if (op->kind == (reserves ? OP_USER : OP_RESERVE))
			op->kind = OP_ALLOC;
		op->n = count_pages(pages);
		op->addr = op->kind == OP_ALLOC && below(3) ? 0 : page_addr(pages);
		if (op->kind == OP_USER)
			op->addr = PAGES_AT + below(pages) * 4096ull;
		else if (op->kind == OP_PROG_READ || op->kind == OP_PROG_WRITE)
			op->addr &= ~7ull;
	}
}

/* The first step that differs, or -1. Leaves Linux's results in q. */
static int differs(struct sequence *q)
{
	struct sequence other = *q;

	run_sequence(&sides[LINUX], q);
	run_sequence(&sides[ENGINE], &other);
	for (uint32_t i = 0; i < q->n; i++)
		if (q->ops[i].result != other.ops[i].result)
			return (int)i;
	return -1;
}

/* -- Failing cases --------------------------------------------------------------------- */

static void shrink(struct sequence *q)
{
	for (uint32_t i = q->n; i-- > 0;) {
		struct sequence less = *q;

		memmove(&less.ops[i], &less.ops[i + 1], (less.n - i - 1) * sizeof(less.ops[0]));
		less.n--;
		if (differs(&less) >= 0)
			*q = less;
	}
	differs(q);
}

static void save(const struct sequence *q, const char *folder, uint64_t seed)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/pages-%" PRIu64 ".txt", folder, seed);
	f = fopen(path, "w");
	if (!f)
		return;
	fprintf(f, "pages %u\n", q->pages);
	for (uint32_t i = 0; i < q->n; i++)
		fprintf(f, "op %u %u %llx %llx\n", q->ops[i].kind, q->ops[i].n, q->ops[i].addr,
			q->ops[i].result);
	fclose(f);
	printf("%u operations in %s\n", q->n, path);
}

static bool replay(const char *object, const char *path)
{
	struct sequence q = {0}, got;
	FILE *f = fopen(path, "r");
	char line[128];
	bool ok = f != NULL;

	while (ok && fgets(line, sizeof(line), f)) {
		struct page_op *op = &q.ops[q.n];

		if (*line == '#' || sscanf(line, "pages %u", &q.pages) == 1)
			continue;
		ok = q.n < MAX_OPS && sscanf(line, "op %u %u %llx %llx", &op->kind, &op->n,
					     &op->addr, &op->result) == 4;
		q.n += ok;
	}
	if (f)
		fclose(f);
	if (!ok || !q.n || side_open(&sides[ENGINE], UA_BACKEND_ENGINE, object, q.pages))
		return false;
	got = q;
	run_sequence(&sides[ENGINE], &got);
	side_close(&sides[ENGINE]);
	for (uint32_t i = 0; i < q.n; i++)
		if (got.ops[i].result != q.ops[i].result) {
			printf("step %u: %llx, Linux %llx\n", i, got.ops[i].result,
			       q.ops[i].result);
			ok = false;
		}
	return ok;
}

/* -- All ----------------------------------------------------------------------------------- */

static int compare(const char *object, uint32_t pages, long n, uint64_t seed, const char *folder)
{
	struct sequence q;
	int failures = 0, err = side_open(&sides[LINUX], UA_BACKEND_LINUX, object, pages);

	if (!err)
		err = side_open(&sides[ENGINE], UA_BACKEND_ENGINE, object, pages);
	for (long i = 0; !err && i < n && failures < 5; i++) {
		uint64_t case_seed = seed * 1000003 + pages * 100000 + (uint64_t)i;
		int step;

		rng_state = (case_seed + 1) * 0x9e3779b97f4a7c15ull | 1;
		random_sequence(&q, pages);
		steps += q.n;
		step = differs(&q);
		if (step < 0 && keep && folder && !i)
			save(&q, folder, case_seed);
		if (step < 0)
			continue;
		failures++;
		printf("%u pages, case %" PRIu64 ": step %d differs\n", pages, case_seed, step);
		shrink(&q);
		if (folder)
			save(&q, folder, case_seed);
	}
	side_close(&sides[LINUX]);
	side_close(&sides[ENGINE]);
	return err ? err : failures;
}

static int replay_all(const char *object, char **paths, int n)
{
	int failed = 0;

	for (int i = 0; i < n; i++) {
		bool ok = replay(object, paths[i]);

		printf("%s: %s\n", paths[i], ok ? "ok" : "failed");
		failed += !ok;
	}
	return failed != 0;
}

int main(int argc, char **argv)
{
	static const uint32_t sizes[] = {1, 2, 5, 16, 64, 100, 600};
	const char *object = argc > 1 ? argv[1] : "", *folder = NULL;
	long n = 200, done = 0, failures = 0;
	uint64_t seed = 1;
	int opt;

	optind = 2;
	while ((opt = getopt(argc, argv, "s:n:d:k")) != -1) {
		if (opt == 's')
			seed = strtoull(optarg, NULL, 0);
		else if (opt == 'n')
			n = atol(optarg);
		else if (opt == 'd')
			folder = optarg;
		else if (opt == 'k')
			keep = true;
		else
			return 2;
	}
	if (optind < argc)
		return replay_all(object, argv + optind, argc - optind);
	printf("seed %" PRIu64 "\n", seed);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		long each = (n + (long)ARRAY_SIZE(sizes) - 1) / (long)ARRAY_SIZE(sizes);
		int err = compare(object, sizes[i], each, seed, folder);

		if (err == -EPERM) {
			printf("skipped: the running kernel does not let us use BPF\n");
			return 77;
		}
		if (err < 0) {
			printf("%u pages: %s\n", sizes[i], strerror(-err));
			return 1;
		}
		failures += err;
		done += each;
	}
	printf("count|sequences|%ld\ncount|steps|%ld\ncount|failures|%ld\n", done, steps, failures);
	return failures != 0;
}
