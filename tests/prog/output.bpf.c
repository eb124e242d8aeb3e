/* SPDX-License-Identifier: BSD-2-Clause */
/* Records into a perf event array, and the messages of sched_ext outside a scheduler. */
#include <uarena/bpf_arena.h>

struct {
	__uint(type, 4);
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__uint(value_size, 4);
} events SEC(".maps");

struct {
	__uint(type, 27);
	__uint(max_entries, 4096);
} ring SEC(".maps");

static long (*const perf_output)(void *ctx, void *map, u64 flags, const void *data,
				 u64 size) = (void *)25;
static u64 (*const ring_query)(void *ring, u64 what) = (void *)134;
static u64 (*const numa_node)(void) = (void *)42;

void scx_bpf_error_bstr(char *fmt, u64 *data, u32 data__sz) __ksym;
void scx_bpf_exit_bstr(s64 exit_code, char *fmt, u64 *data, u32 data__sz) __ksym;
void scx_bpf_dump_bstr(char *fmt, u64 *data, u32 data__sz) __ksym;

struct record {
	u64 a, b;
};

/* Slot 0 has a ring, slot 1 is empty. */
SEC("tc")
int perf(void *ctx)
{
	struct record r = {0x1111, 0x2222};

	if (perf_output(ctx, &events, 1, &r, sizeof(r)) != -2)
		return 1;
	if (perf_output(ctx, &events, 2, &r, sizeof(r)) != -7)
		return 2;
	if (perf_output(ctx, &events, 1ull << 60, &r, sizeof(r)) != -22)
		return 3;
	if (perf_output(ctx, &events, 1ull << 51, &r, sizeof(r)) != -14) /* more than the packet */
		return 7;
	if (perf_output(ctx, &events, 0, &r, sizeof(r)))
		return 4;
	if (ring_query(&ring, 0) != sizeof(r) + 8)
		return 5;
	if (perf_output(ctx, &events, 8ull << 32, &r, sizeof(r))) /* with 8 bytes of the packet */
		return 8;
	if (ring_query(&ring, 0) != 2 * (sizeof(r) + 8) + 8)
		return 9;
	for (int i = 0; i < 4096 && can_loop; i++)
		if (perf_output(ctx, &events, 0, &r, sizeof(r)) == -28)
			return 0;
	return 6;
}

SEC("syscall")
int node(void *ctx)
{
	return numa_node();
}

char fmt[] = "%d of %s";
char word[] = "three";
u64 args[2];
int went_on;

SEC("syscall")
int error(void *ctx)
{
	args[0] = 1;
	args[1] = (u64)word;
	scx_bpf_error_bstr(fmt, args, sizeof(args));
	went_on++;
	return 5;
}

SEC("syscall")
int leave(void *ctx)
{
	args[0] = 2;
	args[1] = (u64)word;
	scx_bpf_exit_bstr(77, fmt, args, sizeof(args));
	return 5;
}

SEC("syscall")
int dump(void *ctx)
{
	args[0] = 3;
	args[1] = (u64)word;
	scx_bpf_dump_bstr(fmt, args, sizeof(args));
	return 5;
}

char LICENSE[] SEC("license") = "GPL";
