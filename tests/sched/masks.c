/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The masks of bpf_cmask.h against those of the host: every operation on random ranges and
 * contents gives the same mask and the same result. Usage: masks OBJECT [seed]
 */
#include <time.h>

#include "btf/types/scx.h"
#include "masks.h"
#include "sched/cmask.h"
#include "sim.h"

static const char *const names[] = {
#define X(name, call) "mask_" #name,
	MASK_CHANGES(X) MASK_QUERIES(X)
#undef X
};

static struct scx_cmask *mask(struct test_mask *m)
{
	return (struct scx_cmask *)m;
}

static void fill(struct test_mask *m)
{
	uint32_t base = (uint32_t)random() % 130, n = (uint32_t)random() % 300;

	memset(m, 0, sizeof(*m));
	cmask_init(mask(m), base, n, MASK_WORDS);
	for (uint32_t i = 0; i < n; i++)
		if (random() % 3 == 0)
			cmask_set(mask(m), base + i);
	if (random() % 8 == 0)
		cmask_zero(mask(m));
}

static int model_next_and(struct test_mask *a, struct test_mask *b, uint32_t from, uint32_t to)
{
	for (; from < to; from++)
		if (cmask_test(mask(a), from) && cmask_test(mask(b), from))
			break;
	return (int)min_t(uint32_t, from, to);
}

/* What the host makes of it; the result of changes is 0. */
static int model(enum mask_op op, struct test_mask *a, struct test_mask *b, uint32_t cid)
{
	int was = cmask_test(mask(a), cid);

	switch (op) {
	case MASK_set:
	case MASK_set_atomic:
		cmask_set(mask(a), cid);
		return 0;
	case MASK_test_and_set:
		cmask_set(mask(a), cid);
		return was;
	case MASK_clear:
	case MASK_clear_atomic:
		cmask_clear(mask(a), cid);
		return 0;
	case MASK_test_and_clear:
		cmask_clear(mask(a), cid);
		return was;
	case MASK_zero:
		cmask_zero(mask(a));
		return 0;
	case MASK_fill:
		cmask_fill(mask(a));
		return 0;
	case MASK_and:
		cmask_and(mask(a), mask(b));
		return 0;
	case MASK_or:
		cmask_or(mask(a), mask(b));
		return 0;
	case MASK_andnot:
		cmask_andnot(mask(a), mask(b));
		return 0;
	case MASK_copy:
		cmask_copy(mask(a), mask(b));
		return 0;
	case MASK_init:
		memset(a->bits, 0, sizeof(a->bits));
		a->base = cid;
		a->nr_cids = 100;
		return 0;
	case MASK_test:
		return was;
	case MASK_next:
		return (int)cmask_next(mask(a), cid);
	case MASK_first:
		return (int)cmask_next(mask(a), 0);
	case MASK_empty:
		return cmask_empty(mask(a));
	case MASK_weight:
		return (int)cmask_weight(mask(a));
	case MASK_subset:
		return cmask_subset(mask(a), mask(b));
	case MASK_intersects:
		return cmask_intersects(mask(a), mask(b));
	default:
		return model_next_and(a, b, cid, 300);
	}
}

static void check(struct sim *s, enum mask_op op)
{
	struct test_mask *a = sim_global(s, "mask_a"), *b = sim_global(s, "mask_b"), is_a, is_b;
	uint32_t cid = (uint32_t)random() % 450;
	int is, should;

	fill(a);
	fill(b);
	is_a = *a;
	is_b = *b;
	*(uint32_t *)sim_global(s, "cid_arg") = cid;
	should = model(op, &is_a, &is_b, cid);
	is = sim_call(s, names[op]);
	if (is != should || memcmp(a, &is_a, sizeof(*a)) || memcmp(b, &is_b, sizeof(*b)))
		FAIL("%s: cid %u, masks [%u, +%u) and [%u, +%u): %d, should be %d", names[op], cid,
		     is_a.base, is_a.nr_cids, is_b.base, is_b.nr_cids, is, should);
}

int main(int argc, char **argv)
{
	unsigned int seed = argc > 2 ? (unsigned int)atoi(argv[2]) : (unsigned int)time(NULL);
	struct sim s;

	CHECK(argc > 1);
	printf("seed %u\n", seed);
	fflush(stdout);
	srandom(seed);
	sim_open(&s, "1c", 1);
	CHECK_EQ(ua_object__open_file(s.engine, argv[1], NULL, &s.obj), 0);
	if (ua_object__load(s.obj))
		FAIL("%s", sim_log());
	for (int i = 0; i < 400; i++)
		for (int op = 0; op < N_MASK_OPS; op++)
			check(&s, (enum mask_op)op);
	sim_close(&s);
	return 0;
}
