/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exception tables of compiled code: what is cleared, where it goes on, what is reported; and
 * regions that come and go while other threads fault.
 */
#include <pthread.h>
#include <stdatomic.h>
#include "arena/extable.h"
#include "arena_test.h"
#include "os/os.h"

#ifndef __x86_64__
int main(void)
{
	printf("the code of this test is x86-64\n");
	return SKIP;
}
#else

/* mov $7, %eax; mov 16(%rdi), %rax; ret   and   mov %rsi, 32(%rdi); mov $9, %eax; ret */
static const uint8_t load_code[] = {0xb8, 7, 0, 0, 0, 0x48, 0x8b, 0x47, 16, 0xc3};
static const uint8_t store_code[] = {0x48, 0x89, 0x77, 32, 0xb8, 9, 0, 0, 0, 0xc3};
#define LOAD_AT 0
#define STORE_AT 64
#define RSI 6
#define RAX 0

/* The host pointer to access, and the program pointer it was made from. */
typedef uint64_t (*access_fn)(uint8_t *host, uint64_t program);

static struct ext_entry entries[] = {
	{.pc = LOAD_AT + 5,
	 .resume = LOAD_AT + 9,
	 .clear_reg = RAX,
	 .addr_reg = RSI,
	 .flags = EXT_F_ARENA,
	 .disp = 16,
	 .idx = 3},
	{.pc = STORE_AT,
	 .resume = STORE_AT + 4,
	 .clear_reg = EXT_NO_REG,
	 .addr_reg = RSI,
	 .flags = EXT_F_ARENA | EXT_F_WRITE,
	 .disp = -32,
	 .idx = 4},
};

static uint8_t *code;
static struct arena *arena;
static _Atomic bool stop;
static volatile int64_t last_idx;

static void note_violation(struct run *run, uint64_t addr, bool is_write, void *uc, int64_t idx)
{
	count_violation(run, addr, is_write, uc, idx);
	last_idx = idx;
	CHECK(uc);
}

static uint64_t call(uint32_t at, uint32_t page, uint64_t program)
{
	return ((access_fn)(code + at))(arena_window_base(arena) + page * PAGE, program);
}

static void check_one_by_one(void)
{
	struct counted_run c;

	counted_push(&c, arena);
	c.run.violation = note_violation;
	CHECK(call(LOAD_AT, 2, 2 * PAGE) == 0);
	CHECK(c.reports == 1 && c.addr == USER + 2 * PAGE + 16 && !c.is_write && last_idx == 3);
	CHECK(call(STORE_AT, 2, 0xabc00002000) == 9);
	CHECK(c.reports == 2 && c.addr == USER + 2 * PAGE - 32 && c.is_write && last_idx == 4);
	CHECK(call(STORE_AT, 2, 16) == 9); /* before the arena, not at its other end */
	CHECK(c.reports == 3 && c.addr == USER - 16);
	CHECK(arena_populated(arena) == 0);
	CHECK(arena_alloc_pages(arena, USER + 2 * PAGE, 1, -1, 0));
	CHECK(call(STORE_AT, 2, 55) == 9);
	CHECK(*(volatile uint64_t *)(USER + 2 * PAGE + 32) == 55);
	CHECK(call(LOAD_AT, 2, 0) == 0 && c.reports == 3);
	run_pop(&c.run);
	CHECK(call(LOAD_AT, 3, 0) == 0); /* no run record: recovers, nobody to tell */
}

/* Not an arena access: recovers without a report, whatever the address. */
static void check_probe(void)
{
	struct counted_run c;

	entries[0].flags = 0;
	counted_push(&c, arena);
	CHECK(((access_fn)code)((uint8_t *)0x123, 0) == 0);
	CHECK(((access_fn)code)((uint8_t *)0x8000000000000000, 0) == 0);
	run_pop(&c.run);
	CHECK(!c.reports);
	entries[0].flags = EXT_F_ARENA;
}

static void *fault_all_the_time(void *unused)
{
	struct counted_run c;

	CHECK(!fault_thread_attach());
	counted_push(&c, arena);
	do {
		CHECK(call(LOAD_AT, 5, 5 * PAGE) == 0);
	} while (!atomic_load(&stop));
	run_pop(&c.run);
	CHECK(c.reports > 0);
	return NULL;
}

/* Neighbours below and above the code in use; their tables are freed at once. */
static void check_churn(void)
{
	uintptr_t places[] = {(uintptr_t)code - 4096, (uintptr_t)code + 4096};
	uint64_t end = os_now_ns() + 300000000;
	pthread_t t[3];

	for (int i = 0; i < 3; i++)
		CHECK(!pthread_create(&t[i], NULL, fault_all_the_time, NULL));
	for (int i = 0; os_now_ns() < end; i++) {
		struct ext_entry *e = malloc(sizeof(*e));
		struct ext_region r = {places[i % 2], places[i % 2] + 100, e, 1};

		*e = (struct ext_entry){.pc = 1};
		CHECK(!ext_register(&r));
		ext_unregister(&r);
		memset(e, 0xff, sizeof(*e));
		free(e);
	}
	atomic_store(&stop, true);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
}

static int after_unregister(void *unused)
{
	return (int)call(LOAD_AT, 7, 7 * PAGE);
}

int main(void)
{
	struct ext_region region;

	arena = test_arena(ARENA_BACKEND_AUTO, 16, 0, ARENA_SCRATCH_DEAD);
	code = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(arena && code != MAP_FAILED);
	memcpy(code + LOAD_AT, load_code, sizeof(load_code));
	memcpy(code + STORE_AT, store_code, sizeof(store_code));
	CHECK(!mprotect(code, PAGE, PROT_READ | PROT_EXEC));
	region = (struct ext_region){(uintptr_t)code, (uintptr_t)code + 128, entries, 2};
	CHECK(!ext_register(&region));
	check_one_by_one();
	check_probe();
	check_churn();
	ext_unregister(&region);
	CHECK(in_child(after_unregister, NULL) == 1000 + SIGSEGV);
	arena_put(arena);
	return 0;
}
#endif
