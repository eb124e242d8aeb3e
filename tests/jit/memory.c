/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory of compiled code: never writable and executable at once, packed, reused; with and
 * without /proc/self/mem; compiling and freeing while other threads run and after fork; every
 * failing allocation.
 */
#include "harness.h"
#include "os/exec.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

/* r0 = r1 * factor + 3 in a loop of one round, so that every kind of table is in use. */
static struct code *program(int32_t factor)
{
	struct builder b = {.n = 0};

	put_op(&b, OP_MOV64_X, 0, 1, 0, 0);
	put_op(&b, OP_MUL64_K, 0, 0, 0, factor);
	put_op(&b, OP_MAY_GOTO, 0, 0, 0, 4);
	put_op(&b, OP_JEQ64_K, 0, 0, -1, 2);
	put_op(&b, OP_CALL_LOCAL, 0, 0, 0, 1);
	put_op(&b, OP_EXIT, 0, 0, 0, 0);
	put_op(&b, OP_ADD64_K, 0, 0, 0, 3);
	put_op(&b, OP_EXIT, 0, 0, 0, 0);
	return code_from(&b, (uint32_t[]){0, 6}, 2);
}

static uint64_t run_program(struct code *code, uint64_t arg)
{
	struct run run = {.code = code};
	uint64_t ret;

	epoch_enter();
	run_push(&run);
	ret = ((host_fn)code->funcs[0].entry)(arg, 0, 0, 0, 0);
	run_pop(&run);
	epoch_exit();
	return ret;
}

static void check_maps(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	char line[512];

	while (f && fgets(line, sizeof(line), f))
		CHECK(!strstr(line, " rwx"), "%s", line);
	if (f)
		fclose(f);
}

#define MANY 200
static void test_many(bool force_pages)
{
	static struct code *codes[MANY];
	uintptr_t lowest = UINTPTR_MAX, highest = 0;

	exec_force_pages(force_pages);
	for (int round = 0; round < 3; round++)
		for (int i = round; i < MANY; i += round + 1) {
			if (codes[i]) {
				jit_free(codes[i]);
				code_free(codes[i]);
			}
			codes[i] = program(i);
			CHECK(!jit_compile(codes[i]), "program %d", i);
		}
	for (int i = 0; i < MANY; i++) {
		uintptr_t at = (uintptr_t)codes[i]->funcs[0].entry;

		CHECK(run_program(codes[i], 5) == 5u * i + 3, "program %d", i);
		lowest = at < lowest ? at : lowest;
		highest = at > highest ? at : highest;
	}
	check_maps();
	if (!force_pages)
		CHECK(highest - lowest < 1u << 20, "spread over %zx", (size_t)(highest - lowest));
	for (int i = 0; i < MANY; i++) {
		jit_free(codes[i]);
		code_free(codes[i]);
		codes[i] = NULL;
	}
	epoch_drain();
	exec_force_pages(false);
}

static struct code *shared;
static int stop;

static void *runner(void *arg)
{
	uint64_t wrong = 0;

	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		struct code *code;

		epoch_enter();
		code = __atomic_load_n(&shared, __ATOMIC_ACQUIRE);
		wrong += run_program(code, 7) != 7u * 11 + 3;
		epoch_exit();
	}
	return (void *)(uintptr_t)wrong;
}

struct dead {
	struct epoch_item item;
	struct code *code;
};

static void bury(struct epoch_item *item)
{
	struct dead *d = container_of(item, struct dead, item);

	code_free(d->code);
	free(d);
}

/* A program is replaced under the feet of those who run it. */
static void test_threads(void)
{
	pthread_t threads[3];
	void *wrong;

	shared = program(11);
	CHECK(!jit_compile(shared), "first");
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, runner, NULL);
	for (int i = 0; i < 300; i++) {
		struct code *next = program(11);
		struct dead *d = calloc(1, sizeof(*d));

		CHECK(!jit_compile(next), "next");
		d->code = __atomic_exchange_n(&shared, next, __ATOMIC_ACQ_REL);
		jit_free(d->code);
		epoch_defer(&d->item, bury);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
	for (int i = 0; i < 3; i++) {
		pthread_join(threads[i], &wrong);
		CHECK(!wrong, "%zu wrong results", (size_t)(uintptr_t)wrong);
	}
	jit_free(shared);
	code_free(shared);
	epoch_drain();
}

/* Parent and child go on compiling at the same addresses. */
static void test_fork(void)
{
	struct code *old = program(2), *mine;
	int status = -1;
	pid_t pid;

	CHECK(!jit_compile(old), "old");
	pid = fork();
	mine = program(pid ? 100 : 200);
	CHECK(!jit_compile(mine), "mine");
	for (int i = 0; i < 1000; i++)
		CHECK(run_program(mine, 1) == (pid ? 103 : 203) && run_program(old, 1) == 5,
		      "fork");
	if (!pid)
		_exit(failures ? 1 : 0);
	waitpid(pid, &status, 0);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, "child: %x", status);
	jit_free(mine);
	jit_free(old);
	code_free(mine);
	code_free(old);
}

static void test_no_memory(void)
{
	struct code *code = program(3);
	unsigned long n = 1;
	int err;

	do {
		mem_fail_after(n++);
		err = jit_compile(code);
		mem_fail_after(0);
		CHECK(!err || err == -ENOMEM, "allocation %lu: %d", n - 1, err);
		CHECK(!!code->jit == !err, "half an image");
	} while (err == -ENOMEM && n < 1000);
	CHECK(n > 10 && !err, "%lu allocations", n);
	CHECK(run_program(code, 1) == 6, "result");
	jit_free(code);
	code_free(code);
}

int main(void)
{
	if (!jit_available())
		return 77;
	test_no_memory();
	test_many(false);
	test_many(true);
	test_fork();
	test_threads();
	return failures ? 1 : 0;
}
