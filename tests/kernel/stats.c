/* SPDX-License-Identifier: BSD-2-Clause */
/* BPF_ENABLE_STATS: runs are counted while somebody wants it, on the engine and on the kernel. */
#include "seam.h"

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

	CHECK_EQ(seam_info(k, prog, &info, sizeof(info)), 0);
	CHECK_EQ(info.run_time_ns != 0, info.run_cnt != 0);
	return info.run_cnt;
}

static void check(void)
{
	int prog = seam_load_empty(k), first, second;

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

int main(void)
{
	failures += seam_both(&k, check);
	return failures != 0;
}
