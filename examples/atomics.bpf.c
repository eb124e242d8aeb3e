/* SPDX-License-Identifier: BSD-2-Clause */
/* Every atomic an arena takes on x86-64, on 32 and 64 bits. */
#include <uarena/bpf_arena.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16);
} arena SEC(".maps");

u64 __arena_global word64;
u32 __arena_global word32;
u64 __arena_global counter;

struct count_args {
	u64 times;
};

/* Several threads run this at once: the counter must not lose one. */
SEC("syscall")
int count(struct count_args *args)
{
	u64 times = args->times;

	for (u64 i = opaque_zero(); i < times && can_loop; i++)
		__sync_fetch_and_add(&counter, 1);
	return 0;
}

SEC("syscall")
int test_add(void *ctx)
{
	word64 = 1;
	word32 = 1;
	if (__sync_fetch_and_add(&word64, 41) != 1 || word64 != 42)
		return 1;
	if (__sync_fetch_and_add(&word32, 0xffffffff) != 1 || word32 != 0)
		return 2;
	return 0;
}

SEC("syscall")
int test_bits(void *ctx)
{
	word64 = 0xf0f0;
	(void)__sync_fetch_and_and(&word64, 0x00ff);
	if (word64 != 0xf0)
		return 1;
	(void)__sync_fetch_and_or(&word64, 0x0f);
	if (word64 != 0xff)
		return 2;
	(void)__sync_fetch_and_xor(&word64, 0x101);
	return word64 == 0x1fe ? 0 : 3;
}

SEC("syscall")
int test_exchange(void *ctx)
{
	word64 = 7;
	if (__sync_lock_test_and_set(&word64, 8) != 7 || word64 != 8)
		return 1;
	if (__sync_val_compare_and_swap(&word64, 7, 9) != 8 || word64 != 8)
		return 2;
	if (__sync_val_compare_and_swap(&word64, 8, 9) != 8 || word64 != 9)
		return 3;
	word32 = 3;
	return __sync_val_compare_and_swap(&word32, 3, 4) == 3 && word32 == 4 ? 0 : 4;
}

char _license[] SEC("license") = "Dual BSD/GPL";
