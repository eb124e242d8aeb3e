/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel types that programs see, part 1: integers, lists, counters.
 *
 * The headers of this folder are compiled twice: with clang -target bpf they become the
 * engine's BTF (engine.bpf.c), and engine code that keeps live objects of these types
 * includes them natively. Both sides therefore agree on every offset. Names and members are
 * those of the kernel, layouts are ours: programs find members by CO-RE.
 */
#ifndef UA_BTF_TYPES_BASE_H
#define UA_BTF_TYPES_BASE_H

#include <stdbool.h>
#include <stddef.h>

typedef signed char s8;
typedef unsigned char u8;
typedef short s16;
typedef unsigned short u16;
typedef int s32;
typedef unsigned int u32;
typedef long long s64;
typedef unsigned long long u64;

/* The names of user-space headers, which programs use as well. */
typedef s8 __s8;
typedef u8 __u8;
typedef s16 __s16;
typedef u16 __u16;
typedef s32 __s32;
typedef u32 __u32;
typedef s64 __s64;
typedef u64 __u64;
typedef __u16 __le16;
typedef __u16 __be16;
typedef __u32 __le32;
typedef __u32 __be32;
typedef __u64 __le64;
typedef __u64 __be64;
typedef __u16 __sum16;
typedef __u32 __wsum;

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	s64 counter;
} atomic64_t;

typedef atomic64_t atomic_long_t;

typedef struct refcount_struct {
	atomic_t refs;
} refcount_t;

typedef struct raw_spinlock {
	u32 val;
} raw_spinlock_t;

/* Lock word of the queued spin locks that BPF programs implement in arenas. */
struct qspinlock {
	union {
		atomic_t val;
		struct {
			u8 locked;
			u8 pending;
		};
		struct {
			u16 locked_pending;
			u16 tail;
		};
	};
};

struct list_head {
	struct list_head *next, *prev;
};

struct hlist_node {
	struct hlist_node *next, **pprev;
};

struct rb_node {
	unsigned long __rb_parent_color;
	struct rb_node *rb_right, *rb_left;
};

struct rb_root {
	struct rb_node *rb_node;
};

struct callback_head {
	struct callback_head *next;
	void (*func)(struct callback_head *head);
};

#endif
