/* SPDX-License-Identifier: BSD-2-Clause */
/* The checks of map creation, in their order, and the page kfuncs' argument tables. */
#include "arena_test.h"

static const struct {
	const char *what;
	struct arena_opts o;
	int err;
} creations[] = {
	{"plain", {.max_entries = 1, .map_flags = BPF_F_MMAPABLE}, 0},
	{"largest", {.max_entries = 1 << 20, .map_flags = BPF_F_MMAPABLE}, 0},
	{"placed", {.max_entries = 1, .map_flags = BPF_F_MMAPABLE, .map_extra = 0xfffff000}, 0},
	{"no pages", {.max_entries = 0, .map_flags = BPF_F_MMAPABLE}, -EINVAL},
	{"not mmapable", {.max_entries = 1}, -EINVAL},
	{"unknown flag", {.max_entries = 1, .map_flags = BPF_F_MMAPABLE | 1 << 2}, -EINVAL},
	{"unaligned place",
	 {.max_entries = 1, .map_flags = BPF_F_MMAPABLE, .map_extra = 100},
	 -EINVAL},
	{"too large", {.max_entries = (1 << 20) + 1, .map_flags = BPF_F_MMAPABLE}, -E2BIG},
	{"size overflows", {.max_entries = 1ull << 60, .map_flags = BPF_F_MMAPABLE}, -E2BIG},
	{"straddles",
	 {.max_entries = 2, .map_flags = BPF_F_MMAPABLE, .map_extra = 0xfffff000},
	 -ERANGE},
	{"size before straddling",
	 {.max_entries = (1 << 20) + 1, .map_flags = BPF_F_MMAPABLE, .map_extra = 0xfffff000},
	 -E2BIG},
	{"alignment before size",
	 {.max_entries = (1 << 20) + 1, .map_flags = BPF_F_MMAPABLE, .map_extra = 1},
	 -EINVAL},
};

static void check_creations(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(creations); i++) {
		struct arena *a = NULL;
		int err = arena_create(&creations[i].o, &a);

		if (err != creations[i].err)
			fprintf(stderr, "%s: %d\n", creations[i].what, err);
		CHECK(err == creations[i].err);
		arena_put(a);
	}
}

/* Every allocation of creation fails once; nothing leaks, nothing is left behind. */
static void check_no_memory(void)
{
	struct arena_opts o = {.max_entries = 10, .map_flags = BPF_F_MMAPABLE, .map_extra = USER};
	struct arena *a;
	int err = -1;

	for (unsigned int n = 1; err; n++) {
		CHECK(n < 100);
		mem_fail_after(n);
		err = arena_create(&o, &a);
		mem_fail_after(0);
		CHECK(!err || err == -ENOMEM);
	}
	arena_put(a);
}

#define TOTAL 16

static const struct {
	const char *what;
	uint64_t addr;
	uint32_t cnt;
	int node;
	uint64_t flags;
	uint64_t expect;
} allocs[] = {
	{"first", 0, 1, -1, 0, USER},
	{"flags", 0, 1, -1, 1, 0},
	{"no pages", 0, 0, -1, 0, 0},
	{"node 0", 0, 1, 0, 0, USER + PAGE},
	{"node -2", 0, 1, -2, 0, 0},
	{"absent node", 0, 1, 999, 0, 0},
	{"more than there are", 0, TOTAL + 1, -1, 0, 0},
	{"more than are free", 0, TOTAL - 1, -1, 0, 0},
	{"huge count", 0, UINT32_MAX, -1, 0, 0},
	{"unaligned", USER + 8 * PAGE + 1, 1, -1, 0, 0},
	{"named", USER + 8 * PAGE, 2, -1, 0, USER + 8 * PAGE},
	{"named, taken", USER + 9 * PAGE, 1, -1, 0, 0},
	{"named, partly taken", USER + 7 * PAGE, 2, -1, 0, 0},
	{"low half only", 4 * PAGE, 1, -1, 0, USER + 4 * PAGE},
	{"another window's address", 0x100000000 + 5 * PAGE, 1, -1, 0, USER + 5 * PAGE},
	{"off the end", USER + 15 * PAGE, 2, -1, 0, 0},
	{"behind the end", USER + 16 * PAGE, 1, -1, 0, 0},
	{"last", USER + 15 * PAGE, 1, -1, 0, USER + 15 * PAGE},
	{"non-zero address of page 0, taken", 1ull << 32, 1, -1, 0, 0},
};

static const struct {
	const char *what;
	uint64_t ptr;
	uint32_t cnt;
	int expect;
} reserves[] = {
	{"nothing", USER, 0, 0},
	{"unaligned is ignored", USER + 10 * PAGE + 8, 1, 0},
	{"free", USER + 10 * PAGE, 2, 0},
	{"reserved", USER + 11 * PAGE, 1, -EBUSY},
	{"allocated", USER, 1, -EBUSY},
	{"partly", USER + 9 * PAGE, 3, -EBUSY},
	{"off the end", USER + 15 * PAGE, 2, -EINVAL},
	{"huge", USER, UINT32_MAX, -EINVAL},
	{"low half only", 12 * PAGE, 1, 0},
};

/* After the tables: 0-1, 4-5, 8-9, 15 allocated, 10-12 reserved. */
static const struct {
	const char *what;
	uint64_t ptr;
	uint32_t cnt;
	uint64_t left; /* allocated pages after it */
} frees[] = {
	{"NULL", 0, 1, 7},
	{"no pages", USER, 0, 7},
	{"below", USER - PAGE, 1, 7},
	{"behind", USER + TOTAL *PAGE, 1, 7},
	{"inside a page, rounded down", USER + 8 * PAGE + 100, 1, 6},
	{"twice", USER + 8 * PAGE, 1, 6},
	{"low half only", 9 * PAGE, 1, 5},
	{"allocated and reserved", USER + 4 * PAGE, 9, 3},
	{"clamped to the end", USER + 14 * PAGE, UINT32_MAX, 2},
	{"all", USER, TOTAL, 0},
};

static void check_kfunc_arguments(void)
{
	struct arena *a = test_arena(ARENA_BACKEND_AUTO, TOTAL, 0, ARENA_SCRATCH_DEAD);

	CHECK(a);
	for (size_t i = 0; i < ARRAY_SIZE(allocs); i++) {
		uint64_t p = arena_alloc_pages(a, allocs[i].addr, allocs[i].cnt, allocs[i].node,
					       allocs[i].flags);

		if (p != allocs[i].expect)
			fprintf(stderr, "alloc %s: %#llx\n", allocs[i].what, (unsigned long long)p);
		CHECK(p == allocs[i].expect);
	}
	for (size_t i = 0; i < ARRAY_SIZE(reserves); i++) {
		int ret = arena_reserve_pages(a, reserves[i].ptr, reserves[i].cnt);

		if (ret != reserves[i].expect)
			fprintf(stderr, "reserve %s: %d\n", reserves[i].what, ret);
		CHECK(ret == reserves[i].expect);
	}
	for (size_t i = 0; i < ARRAY_SIZE(frees); i++) {
		arena_free_pages(a, frees[i].ptr, frees[i].cnt);
		if (arena_populated(a) != frees[i].left)
			fprintf(stderr, "free %s: %llu left\n", frees[i].what,
				(unsigned long long)arena_populated(a));
		CHECK(arena_populated(a) == frees[i].left);
	}
	CHECK(arena_alloc_pages(a, 0, TOTAL, -1, 0) == USER);
	CHECK(!arena_validate(a));
	arena_put(a);
}

static void check_null_guard(void)
{
	struct arena_opts o = {.max_entries = 4,
			       .map_extra = USER,
			       .map_flags = BPF_F_MMAPABLE,
			       .null_guard = true};
	struct counted_run c;
	struct arena *a;
	uint64_t val;

	CHECK(!arena_create(&o, &a));
	CHECK(!arena_alloc_pages(a, USER, 1, -1, 0));
	CHECK(arena_reserve_pages(a, USER, 1) == -EBUSY);
	arena_free_pages(a, USER, 4);
	CHECK(arena_alloc_pages(a, 0, 1, -1, 0) == USER + PAGE);
	CHECK(!access_load(arena_window_base(a), 8, &val));
	for (int i = 0; i < 3; i++) { /* once in every run */
		counted_push(&c, a);
		(void)*(volatile char *)arena_window_base(a);
		(void)*(volatile char *)(arena_window_base(a) + 8);
		run_pop(&c.run);
		CHECK(c.reports == 1 && c.addr == USER && c.run.null_shown == a);
		arena_hide_null(a);
	}
	CHECK(!access_load(arena_window_base(a), 8, &val));
	CHECK(!arena_validate(a));
	arena_put(a);
}

int main(void)
{
	check_creations();
	check_no_memory();
	check_kfunc_arguments();
	check_null_guard();
	return 0;
}
