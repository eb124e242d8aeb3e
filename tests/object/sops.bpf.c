/* SPDX-License-Identifier: BSD-2-Clause */
/* struct_ops variables: members in another order, members the engine lacks, two versions. */
#include "common.bpf.h"

struct task_struct;
struct scx_exit_info;

struct sched_ext_ops {
	char name[128];
	u64 flags;
	void (*invented)(void);
	u64 invented_number;
	void (*exit)(struct scx_exit_info *info);
	void (*enqueue)(struct task_struct *p, u64 enq_flags);
	int (*init)(void);
};

struct sched_ext_ops___future {
	u64 invented_number;
	int (*init)(void);
};

struct never_heard_of_ops {
	int (*init)(void);
};

u64 n_enqueued;

SEC("struct_ops/test_enqueue")
int test_enqueue(u64 *ctx)
{
	n_enqueued++;
	return 0;
}

SEC("struct_ops/test_exit")
int test_exit(u64 *ctx)
{
	return 0;
}

SEC("struct_ops.s/test_init")
int test_init(u64 *ctx)
{
	return 0;
}

SEC("struct_ops/invented")
int invented(u64 *ctx)
{
	return 0;
}

SEC("struct_ops/other_init")
int other_init(u64 *ctx)
{
	return 0;
}

SEC(".struct_ops.link")
struct sched_ext_ops ops = {
	.name = "test",
	.flags = 2,
	.invented = (void *)invented,
	.exit = (void *)test_exit,
	.enqueue = (void *)test_enqueue,
	.init = (void *)test_init,
};

SEC("?.struct_ops.link")
struct sched_ext_ops___future future = {
	.invented_number = 3,
	.init = (void *)test_init,
};

SEC("?.struct_ops")
struct never_heard_of_ops unknown = {
	.init = (void *)other_init,
};
