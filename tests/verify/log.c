/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log in buffers of every size: a ring keeps the end of what a large buffer holds, a fixed
 * log the beginning, and both report the size the whole needs.
 */
#include "harness.h"

static int failures;

/* Two paths that succeed, one that fails. */
static const struct bpf_insn failing[] = {
	CALL(7), JMP(BPF_JEQ, 0, 1, 4), JMP(BPF_JEQ, 0, 2, 3), MOV(1, 5), MOVX(0, 9), EXIT(), DONE,
};

static void fail(const char *what, uint32_t size, uint32_t level)
{
	failures++;
	printf("%s: buffer of %u bytes, level %u\n", what, size, level);
}

static struct verify_log verify(char *buf, uint32_t size, uint32_t level)
{
	struct bpf_insn *copy = mem_dup(failing, sizeof(failing));
	struct verify_log log = {.buf = buf, .size = size, .level = level};
	struct verify_in in = {
		.prog_type = BPF_PROG_TYPE_SYSCALL,
		.insns = copy,
		.n_insns = ARRAY_SIZE(failing),
		.engine_btf = engine->btf,
		.kfuncs = &engine->kfuncs,
		.helper_fns = engine->helper_fns,
		.n_helper_fns = engine->n_helper_fns,
		.log = &log,
	};
	struct code *code = NULL;

	if (!copy || verify_program(&in, &code) != -EACCES)
		fail("wrong verdict", size, level);
	code_free(code);
	mem_free(copy);
	return log;
}

static void check_size(const char *whole, uint64_t true_size, uint32_t size, uint32_t level)
{
	static char buf[1 << 14];
	size_t len = strlen(whole), got;
	struct verify_log log;

	memset(buf, 'x', sizeof(buf));
	log = verify(buf, size, level);
	got = strnlen(buf, size);
	if (buf[size] != 'x')
		fail("written past the end", size, level);
	if (got == size)
		fail("no terminating NUL", size, level);
	if (log.true_size != true_size)
		fail("other true size", size, level);
	if (level & 8 ? strncmp(buf, whole, got) || got != (len < size ? len : size - 1)
		      : got > len || strcmp(buf, whole + len - got))
		fail("other text", size, level);
	if (level == 2 && got != (len < size ? len : size - 1))
		fail("shorter than it could be", size, level);
}

int main(void)
{
	static const uint32_t levels[] = {1, 2, 9, 10};
	static char whole[1 << 14];

	harness_open();
	for (size_t l = 0; l < ARRAY_SIZE(levels); l++) {
		struct verify_log log = verify(whole, sizeof(whole), levels[l]);

		for (uint32_t size = 1; size < strlen(whole) + 20; size++)
			check_size(whole, log.true_size, size, levels[l]);
	}
	harness_close();
	printf("%d failures\n", failures);
	return failures != 0;
}
