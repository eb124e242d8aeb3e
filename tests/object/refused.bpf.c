/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs that are refused: for their length, and for an error far from the start. */
#include "common.bpf.h"

SEC("?syscall")
int endless(void *ctx)
{
	unsigned long sum = 0;

	for (int i = 0; i < 10000000; i++) {
		sum += i;
		asm volatile("" : "+r"(sum));
	}
	return sum;
}

SEC("?syscall")
int late_error(void *ctx)
{
	unsigned long sum = 0;

	for (int i = 0; i < 5000; i++) {
		sum += i;
		asm volatile("" : "+r"(sum));
	}
	return *(volatile int *)sum;
}

struct task_struct {
	int no_such_member;
} CORE;

SEC("?syscall")
int no_member(struct task_struct *task)
{
	return task->no_such_member;
}

int no_such_kfunc(void) __ksym __weak;

SEC("?syscall")
int no_kfunc(void *ctx)
{
	return no_such_kfunc();
}

SEC("?syscall")
int fine(void *ctx)
{
	return 0;
}
