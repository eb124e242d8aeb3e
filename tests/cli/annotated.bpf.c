/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs annotated as tests: those named good_* hold what they promise, bad_* break it in one
 * way each, so that a check that does nothing would show.
 */
#include <uarena/bpf_arena.h>
#include <uarena/bpf_test.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4);
} arena SEC(".maps");

/* Annotations on lines of their own: source lines appear in the log that they are matched with. */
/* clang-format off */
/* Its name up to 6.19, and since. */
int bpf_stream_vprintk_impl(int stream, const char *fmt, const void *args, u32 size, void *aux) __ksym
	__weak;
int bpf_stream_vprintk(int stream, const char *fmt, const void *args, u32 size) __ksym __weak;

static int say(int stream, const char *text)
{
	u64 none;

	return bpf_stream_vprintk ? bpf_stream_vprintk(stream, text, &none, 0)
				  : bpf_stream_vprintk_impl(stream, text, &none, 0, NULL);
}

#define SAY(stream, text) say(stream, text)

/* Reads behind the context's pointer: refused. */
#define REFUSED() (*(volatile u64 *)(u64)(long)ctx == 0 ? 0 : *(volatile u64 *)8)

SEC("syscall") __success int good_load(void *ctx)
{
	return 1; /* loaded only, so the value does not count */
}

SEC("syscall") __retval(-7) __description("returns -7 #literally") int good_retval(void *ctx)
{
	return -7;
}

SEC("syscall") __retval(0x80000000) int good_hex(void *ctx)
{
	return 1 << 31;
}

SEC("syscall") __failure __msg("invalid mem access") __not_msg("no such text")
int good_refused(void *ctx)
{
	return REFUSED();
}

SEC("syscall") __failure __msg("R{{[0-9]}} invalid{{.*}}'scalar'") int good_regex(void *ctx)
{
	return REFUSED();
}

SEC("syscall") __success __log_level(2) __msg("R0=3") __msg("exit") int good_log(void *ctx)
{
	return 3;
}

SEC("syscall") __retval(0) __stdout("one") __stdout("...") __stdout("two") __stderr("three (3.0) [x]")
int good_streams(void *ctx)
{
	SAY(BPF_STDOUT, "one two\n");
	SAY(BPF_STDERR, "three (3.0) [x]\n");
	return 0;
}

/* Nobody reads a stream while the program runs: 2040 * 49 bytes fill its 100000. */
SEC("syscall") __retval(2040) int good_full_stream(void *ctx)
{
	int n = 0;

	while (can_loop && !SAY(BPF_STDOUT, "................................................\n"))
		n++;
	return n;
}

SEC("syscall") __retval(0) __stderr("Arena {{(READ|WRITE)}} access at unmapped address {{0x[0-9a-f]+}}")
int good_report(void *ctx)
{
	bpf_arena_free_pages(&arena, NULL, 0);
	*(volatile int __arena *)0xdead0000 = 1;
	return 0;
}

SEC("syscall") __success __arch_arm64 __arch_x86_64 int good_arch(void *ctx)
{
	return 0;
}

static u8 per_cpu[4096];
static u32 (*const this_cpu)(void) = (void *)8;

/* The verifier knows how many processors there are. */
SEC("syscall") __retval(5) int good_cpu(void *ctx)
{
	u32 cpu = this_cpu();

	per_cpu[cpu] = 5;
	return per_cpu[cpu];
}

SEC("syscall") __auxiliary int helper_only(void *ctx)
{
	return 0;
}

SEC("syscall") __failure int bad_loads(void *ctx)
{
	return 0;
}

SEC("syscall") __success int bad_refused(void *ctx)
{
	return REFUSED();
}

SEC("syscall") __retval(1) int bad_retval(void *ctx)
{
	return 2;
}

SEC("syscall") __failure __msg("invalid mem access") __msg("0: (")
int bad_order(void *ctx)
{
	return REFUSED();
}

SEC("syscall") __failure __not_msg("invalid mem {{a.*s}}") int bad_present(void *ctx)
{
	return REFUSED();
}

SEC("syscall") __retval(0) __stdout("two") __stdout("one") int bad_stdout(void *ctx)
{
	SAY(BPF_STDOUT, "one two\n");
	return 0;
}

SEC("syscall") __retval(0) __stderr("x") int bad_stderr(void *ctx)
{
	SAY(BPF_STDOUT, "x\n");
	return 0;
}

SEC("syscall") __retval(seven) int bad_annotation(void *ctx)
{
	return 7;
}

char LICENSE[] SEC("license") = "GPL";
