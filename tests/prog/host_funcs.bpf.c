/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs that call functions of the host, one per kind of parameter. */
#include <uarena/bpf_arena.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 64);
	__ulong(map_extra, 1ull << 45);
} arena SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, u32);
	__type(value, u64);
} table SEC(".maps");

struct node {
	u64 value;
	struct node __arena *next;
};

extern u64 t_sum_list(struct node __arena *head, u32 limit) __ksym;
extern u64 t_is_base(void __arena *p) __ksym;
extern u64 t_nullable(void __arena *p) __ksym;
extern s32 t_mem(void *buf, u32 size) __ksym;
extern u64 t_map(void *map, u32 key) __ksym;
extern u64 t_callback(u64 (*cb)(u64, u64, u64, u64, u64), u64 arg) __ksym;
extern u64 t_str(const char *s) __ksym;
extern void __arena *t_make(u64 value) __ksym;
extern s8 t_narrow(s8 a, u16 b, bool c) __ksym;
extern u64 t_touch(void __arena *p) __ksym;
extern u64 t_nested(void __arena *p, u32 depth) __ksym;
extern void t_fail(s32 err) __ksym;
extern u64 t_absent(u64 x) __ksym __weak;

u64 __arena_global anchor = 7;

struct args {
	u64 a, b;
};

SEC("syscall")
int list(struct args *ctx)
{
	struct node __arena *head = NULL, *n;
	int i;

	for (i = 0; i < 10 && can_loop; i++) {
		n = bpf_arena_alloc_pages(&arena, NULL, 1, NUMA_NO_NODE, 0);
		if (!n)
			return -1;
		n->value = i + 1;
		n->next = head;
		head = n;
	}
	ctx->a = t_sum_list(head, 100);
	return 0;
}

SEC("syscall")
int zero(struct args *ctx)
{
	anchor++;
	ctx->a = t_is_base((void __arena *)0) * 4 +
		 t_is_base((void __arena *)0xbadc0ffe00000000ull) * 2 + t_is_base(&anchor);
	ctx->b = t_nullable((void __arena *)0) * 4 +
		 t_nullable((void __arena *)0xbadc0ffe00000000ull) * 2 + t_nullable(&anchor);
	return 0;
}

SEC("syscall")
int memory(struct args *ctx)
{
	char buf[16] = "abc";

	ctx->a = t_mem(buf, sizeof(buf));
	ctx->b = buf[0];
	return 0;
}

SEC("syscall")
int map(struct args *ctx)
{
	ctx->a = t_map(&table, 2);
	return 0;
}

static u64 twice(u64 a, u64 b, u64 c, u64 d, u64 e)
{
	return 2 * a + b;
}

SEC("syscall")
int callback(struct args *ctx)
{
	ctx->a = t_callback(twice, 20);
	return 0;
}

SEC("syscall")
int string(struct args *ctx)
{
	ctx->a = t_str("five!");
	return 0;
}

SEC("syscall")
int make(struct args *ctx)
{
	u64 __arena *p = t_make(99);

	anchor++;
	ctx->a = p ? *p : 0;
	return 0;
}

SEC("syscall")
int narrow(struct args *ctx)
{
	ctx->a = t_narrow(-3, 70, 1);
	return 0;
}

SEC("syscall")
int touch(struct args *ctx)
{
	anchor++;
	ctx->a = t_touch((void __arena *)0x30008ull);
	return 0;
}

SEC("syscall")
int nest(struct args *ctx)
{
	u32 depth = ctx->a;

	anchor++;
	ctx->b = t_nested(&anchor, depth);
	return depth;
}

SEC("syscall")
int fail(struct args *ctx)
{
	t_fail(-95);
	ctx->a = 1;
	return 0;
}

SEC("syscall")
int weak(struct args *ctx)
{
	ctx->a = t_absent ? t_absent(1) : 42;
	return 0;
}

char _license[] SEC("license") = "GPL";
