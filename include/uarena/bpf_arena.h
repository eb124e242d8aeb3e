/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For BPF programs: what one needs to write against an arena, for clang 19 or newer.
 * Compile with -target bpf -mcpu=v4 -g -O2. The programs run unchanged on Linux.
 */
#ifndef UARENA_BPF_ARENA_H
#define UARENA_BPF_ARENA_H

#ifndef __bpf__
#error "this header is for BPF programs; the host includes <uarena.h>"
#endif

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed char s8;
typedef short s16;
typedef int s32;
typedef long long s64;
typedef _Bool bool;
#define true 1
#define false 0
#ifndef NULL
#define NULL ((void *)0)
#endif

#define SEC(name) __attribute__((section(name), used))
#define __always_inline inline __attribute__((always_inline))
#define __noinline __attribute__((noinline))
#define __weak __attribute__((weak))
#define __hidden __attribute__((visibility("hidden")))
#define __ksym __attribute__((section(".ksyms")))

/* BTF-encoded map attributes, as libbpf reads them. */
#define __uint(name, val) int(*name)[val]
#define __ulong(name, val) enum { UARENA_CAT(__unique_value_, __COUNTER__) = val } name
#define __type(name, val) typeof(val) *name
#define __array(name, val) typeof(val) *name[]
#define UARENA_CAT_(a, b) a##b
#define UARENA_CAT(a, b) UARENA_CAT_(a, b)

enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_RINGBUF = 27,
	BPF_MAP_TYPE_ARENA = 33,
};

enum {
	BPF_F_MMAPABLE = 1u << 10,
	BPF_F_SEGV_ON_FAULT = 1u << 17,
	BPF_F_NO_USER_CONV = 1u << 18,
};

enum { BPF_STDOUT = 1, BPF_STDERR = 2 };

#define NUMA_NO_NODE (-1)
#define PAGE_SIZE 4096

/* A pointer into the arena, and a global variable that lives in it. */
#define __arena __attribute__((address_space(1)))
#define __arena_global __attribute__((address_space(1)))
/* Parameter of a global function that takes an arena pointer. */
#define __arg_arena __attribute__((btf_decl_tag("arg:arena")))

/* Ties a program to its arena. Needed where it is handed pointers into the arena, but names
 * neither the map nor a variable in it. */
#define arena_use(map) asm volatile("" : : "r"(&(map)))

void __arena *bpf_arena_alloc_pages(void *map, void __arena *addr, u32 page_cnt, int node_id,
				    u64 flags) __ksym __weak;
void bpf_arena_free_pages(void *map, void __arena *ptr, u32 page_cnt) __ksym __weak;
int bpf_arena_reserve_pages(void *map, void __arena *ptr, u32 page_cnt) __ksym __weak;

/* True until the loop budget of the frame is spent: while (p && can_loop) ... */
static __always_inline bool can_loop_check(void)
{
	asm volatile goto("may_goto %l[spent]" : : : : spent);
	return true;
spent:
	return false;
}
#define can_loop can_loop_check()

/*
 * Keeps the compiler from merging what is before with what is behind. Needed between stores of
 * zero to neighbouring fields in the arena: clang before 21 makes a memset of them and forgets to
 * cast its address, which the verifier then refuses as an access through a scalar.
 */
#define barrier() asm volatile("" : : : "memory")

/*
 * A zero that neither compiler nor verifier can see through: memory of a data map may hold
 * anything. Counters of loops bounded by can_loop start from it, so that the verifier treats
 * them as unknown instead of walking every iteration.
 */
static volatile u64 uarena_zero;

static __always_inline u64 opaque_zero(void)
{
	return uarena_zero;
}

#endif
