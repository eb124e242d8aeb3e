/* SPDX-License-Identifier: BSD-2-Clause */
/* BPF_ENABLE_STATS: runs are counted while somebody wants it, on the engine and on the kernel. */
#include "base/base.h"
#include "kernel/kernel.h"
#include "uarena.h"

static struct kernel *k;
static int failures;

#define CHECK_EQ(got, want)                                                                        \
	do {                                                                                       \
		long got_ = (long)(got), want_ = (long)(want);                                     \
		if (got_ != want_) {                                                               \
			failures++;                                                                \
			printf("%s: %d: %s is %ld, not %ld\n", k->ops->name, __LINE__, #got, got_, \
			       want_);                                                             \
		}                                                                                  \
	} while (0)

static int enable(uint32_t type)
{
	union bpf_attr attr = {.enable_stats = {.type = type}};

	return (int)kernel_bpf(k, BPF_ENABLE_STATS, &attr, sizeof(attr));
}

static int load(void)
{
	static const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K},
		{.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
			       .insns = (uintptr_t)insns,
			       .insn_cnt = ARRAY_SIZE(insns),
			       .license = (uintptr_t)"GPL"};

	return (int)kernel_bpf(k, BPF_PROG_LOAD, &attr, sizeof(attr));
}

static void run_three(int prog)
{
	static uint8_t packet[64];
	union bpf_attr attr = {.test = {.prog_fd = (uint32_t)prog,
					.data_in = (uintptr_t)packet,
					.data_size_in = sizeof(packet),
					.repeat = 3}};

	CHECK_EQ(kernel_bpf(k, BPF_PROG_TEST_RUN, &attr, sizeof(attr)), 0);
}

static uint64_t count(int prog)
{
	struct bpf_prog_info info = {0};
	union bpf_attr attr = {.info = {.bpf_fd = (uint32_t)prog,
					.info_len = sizeof(info),
					.info = (uintptr_t)&info}};

	CHECK_EQ(kernel_bpf(k, BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr)), 0);
	CHECK_EQ(info.run_time_ns != 0, info.run_cnt != 0);
	return info.run_cnt;
}

static void check(void)
{
	int prog = load(), first, second;

	run_three(prog);
	CHECK_EQ(count(prog), 0);
	CHECK_EQ(enable(1), -EINVAL);
	first = enable(0);
	second = enable(0);
	CHECK_EQ(first >= 0 && second >= 0, 1);
	run_three(prog);
	CHECK_EQ(count(prog), 3);
	k->ops->close(k, first);
	run_three(prog);
	CHECK_EQ(count(prog), 6);
	k->ops->close(k, second);
	run_three(prog);
	CHECK_EQ(count(prog), 6);
	k->ops->close(k, prog);
}

static void on(int (*make)(const struct ua_engine_opts *, struct kernel **))
{
	int fd;

	if (make(NULL, &k)) {
		failures++;
		return;
	}
	fd = load();
	if (fd < 0) {
		printf("%s: may not be asked\n", k->ops->name);
	} else {
		k->ops->close(k, fd);
		check();
	}
	k->ops->free(k);
}

int main(void)
{
	on(kernel_engine_new);
	on(kernel_linux_new);
	return failures != 0;
}
