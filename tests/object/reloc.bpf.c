/* SPDX-License-Identifier: BSD-2-Clause */
/* One reference of every kind; programs put what they saw into .bss variables. */
#include "common.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16);
} arena SEC(".maps");

struct pair {
	u32 a, b;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 7);
	__type(key, u32);
	__type(value, struct pair);
} pairs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 3);
	__uint(key_size, 4);
	__uint(value_size, 16);
} sized SEC(".maps");

int callee(void *ctx);
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, sizeof(u32));
	__array(values, int(void *));
} jumps SEC(".maps") = {
	.values = {[2] = (void *)&callee},
};

enum colour { RED = 1, GREEN = 7 };

u64 in_data = 11;
u64 in_custom SEC(".data.custom") = 22;
const volatile u32 in_rodata = 33;
const volatile u64 __SCX_SLICE_DFL __attribute__((weak));
const volatile u64 __SCX_DSQ_LOCAL __attribute__((weak));
const volatile u64 __SCX_SLICE_INF __attribute__((weak)) = 3;
const volatile u64 __SCX_NO_SUCH __attribute__((weak));
const volatile enum colour colour = RED;
const volatile bool flag;
const volatile s16 small = -1;
const volatile struct {
	u32 one;
	struct pair pairs[2];
} nested;
u64 __arena_global in_arena = 44;
static volatile u64 hidden_counter;
u32 private_value __hidden SEC(".data.private") = 55;
u32 grow[1] SEC(".data.grow");

u64 out[32];

extern int LINUX_KERNEL_VERSION __kconfig;
extern int CONFIG_UARENA_NONSENSE __kconfig __weak;
extern void bpf_rcu_read_lock___flavour(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;
extern int bpf_no_such_kfunc(void) __ksym __weak;

static __noinline int add(int a, int b)
{
	hidden_counter++;
	return a + b;
}

__noinline int scale(int a)
{
	return add(a, a) * 3;
}

__hidden __noinline int hidden_scale(int a)
{
	return scale(a) + 1;
}

static int each(u32 i, u64 *sum)
{
	*sum += i + in_rodata;
	return 0;
}

SEC("syscall")
int data(void *ctx)
{
	out[0] = in_data++;
	out[1] = in_custom++;
	out[2] = in_rodata;
	out[3] = colour;
	out[4] = flag;
	out[5] = small;
	out[6] = nested.pairs[1].b;
	out[7] = in_arena;
	in_arena = 45;
	out[8] = private_value;
	out[9] = (u64)&arena != 0;
	return 0;
}

SEC("syscall")
int constants(void *ctx)
{
	out[21] = __SCX_SLICE_DFL;
	out[22] = __SCX_DSQ_LOCAL;
	out[23] = __SCX_SLICE_INF;
	out[24] = __SCX_NO_SUCH;
	return 0;
}

SEC("syscall")
int calls(void *ctx)
{
	u64 sum = 0;

	out[10] = hidden_scale(5);
	out[11] = scale(1);
	out[12] = hidden_counter;
	bpf_loop(4, each, &sum, 0);
	out[13] = sum;
	return 0;
}

SEC("syscall")
int externs(void *ctx)
{
	out[14] = LINUX_KERNEL_VERSION;
	out[15] = CONFIG_UARENA_NONSENSE;
	bpf_rcu_read_lock___flavour();
	bpf_rcu_read_unlock();
	out[16] = bpf_no_such_kfunc ? bpf_no_such_kfunc() : 77;
	return 0;
}

SEC("syscall")
int maps(void *ctx)
{
	struct pair p = {1, 2}, *found;
	u32 key = 9;

	bpf_map_update_elem(&pairs, &key, &p, 0);
	found = bpf_map_lookup_elem(&pairs, &key);
	out[17] = found ? found->b : 0;
	key = 2;
	out[18] = bpf_map_lookup_elem(&sized, &key) != NULL;
	key = 3;
	out[19] = bpf_map_lookup_elem(&sized, &key) != NULL;
	return 0;
}

SEC("raw_tp") /* programs that may sleep make no tail calls */
int jump(void *ctx)
{
	bpf_tail_call(ctx, &jumps, 2);
	return 1;
}

SEC("raw_tp")
int callee(void *ctx)
{
	out[20] = 99;
	return 5;
}

SEC("?syscall")
int not_loaded(void *ctx)
{
	return 0;
}

SEC("no_such_section")
int unknown_kind(void *ctx)
{
	return 0;
}
