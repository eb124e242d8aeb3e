/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs that do something worth a report. report.c looks for the texts of the lines. */
#include <uarena/bpf_arena.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 64);
	__ulong(map_extra, 1ull << 45);
} arena SEC(".maps");

static long (*bpf_loop)(u32 nr, void *cb, void *ctx, u64 flags) = (void *)181;
extern int bpf_stream_print_stack(int id) __ksym;
extern void r_touch(void __arena *p, u32 write) __ksym;
extern void r_copy(void __arena *p) __ksym;
extern s32 r_again(u32 level) __ksym;

u64 __arena_global anchor;
u64 ticks;

static __noinline void store_at(u32 where)
{
	u64 __arena *p = (u64 __arena *)(u64)where;

	p[1] = 42; /* in a subprogram */
}

static long each(u32 i, void *ctx)
{
	store_at(0x20000); /* in a callback */
	return 1;
}

/* -- Reports ------------------------------------------------------------------ */

SEC("syscall")
int wild_store(void *ctx)
{
	anchor = 1;
	store_at(0x10000); /* from the main program */
	return 0;
}

SEC("syscall")
int wild_load(void *ctx)
{
	u32 __arena *p = (u32 __arena *)0x11000ull;

	anchor = 1;
	return p[3] + 5; /* a load */
}

SEC("syscall")
int in_callback(void *ctx)
{
	anchor = 1;
	bpf_loop(3, each, NULL, 0); /* the loop */
	return 0;
}

SEC("syscall")
int host_write(void *ctx)
{
	anchor = 1;
	r_touch((void __arena *)0x12340ull, 1); /* host writes */
	return 0;
}

SEC("syscall")
int host_read(void *ctx)
{
	anchor = 1;
	r_touch((void __arena *)0x13ff8ull, 0); /* host reads */
	return 0;
}

SEC("syscall")
int host_copy(void *ctx)
{
	anchor = 1;
	r_copy((void __arena *)0x14000ull); /* libc */
	return 0;
}

SEC("syscall")
int outer(void *ctx)
{
	anchor = 1;
	return r_again(1); /* nested */
}

SEC("syscall")
int spin(void *ctx)
{
	while (can_loop)
		ticks++; /* for ever */
	return 3;
}

SEC("syscall")
int dump_stack(void *ctx)
{
	return bpf_stream_print_stack(BPF_STDOUT) * 10 - bpf_stream_print_stack(7); /* dump */
}

char _license[] SEC("license") = "GPL";
