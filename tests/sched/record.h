/* SPDX-License-Identifier: BSD-2-Clause */
/* What record.bpf.c leaves in its arena: one entry for each callback. */
#ifndef TESTS_SCHED_RECORD_H
#define TESTS_SCHED_RECORD_H

#define RECORDS 65536

/* X(name) in the order of the members. */
#define RECORD_OPS(X)           \
	X(select)               \
	X(enqueue)              \
	X(dequeue)              \
	X(dispatch)             \
	X(tick)                 \
	X(runnable)             \
	X(running)              \
	X(stopping)             \
	X(quiescent)            \
	X(yield)                \
	X(core_sched_before)    \
	X(set_weight)           \
	X(set_mask)             \
	X(update_idle)          \
	X(init_task)            \
	X(exit_task)            \
	X(enable)               \
	X(disable)              \
	X(dump)                 \
	X(dump_cpu)             \
	X(dump_task)            \
	X(cgroup_init)          \
	X(cgroup_exit)          \
	X(cgroup_prep_move)     \
	X(cgroup_move)          \
	X(cgroup_cancel_move)   \
	X(cgroup_set_weight)    \
	X(cgroup_set_bandwidth) \
	X(cgroup_set_idle)      \
	X(online)               \
	X(offline)              \
	X(init)                 \
	X(exit)

enum record_op {
#define X(name) OP_##name,
	RECORD_OPS(X)
#undef X
		N_OPS,
};

struct record {
	unsigned long long at;
	unsigned int op;
	int pid;		 /* 0: not about a task */
	unsigned long long a, b; /* the other arguments */
};

#endif
