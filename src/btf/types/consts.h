/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Constants that programs take from the kernel's types. The engine has them as macros, which
 * leave no trace in BTF; here they become enumerators. For engine.bpf.c only.
 */
#ifndef UA_BTF_TYPES_CONSTS_H
#define UA_BTF_TYPES_CONSTS_H

#include "abi/bpf.h"
#include "abi/insn.h"

enum ua_consts {
	ua_no_prealloc = BPF_F_NO_PREALLOC,
	ua_no_common_lru = BPF_F_NO_COMMON_LRU,
	ua_numa_node = BPF_F_NUMA_NODE,
	ua_rdonly = BPF_F_RDONLY,
	ua_wronly = BPF_F_WRONLY,
	ua_zero_seed = BPF_F_ZERO_SEED,
	ua_rdonly_prog = BPF_F_RDONLY_PROG,
	ua_wronly_prog = BPF_F_WRONLY_PROG,
	ua_clone = BPF_F_CLONE,
	ua_mmapable = BPF_F_MMAPABLE,
	ua_inner_map = BPF_F_INNER_MAP,
	ua_link = BPF_F_LINK,
	ua_segv_on_fault = BPF_F_SEGV_ON_FAULT,
	ua_no_user_conv = BPF_F_NO_USER_CONV,
	ua_any = BPF_ANY,
	ua_noexist = BPF_NOEXIST,
	ua_exist = BPF_EXIST,
	ua_lock = BPF_F_LOCK,
	ua_max_loops = BPF_MAX_LOOPS,
	ua_max_timed_loops = BPF_MAX_TIMED_LOOPS,
};

#undef BPF_F_NO_PREALLOC
#undef BPF_F_NO_COMMON_LRU
#undef BPF_F_NUMA_NODE
#undef BPF_F_RDONLY
#undef BPF_F_WRONLY
#undef BPF_F_ZERO_SEED
#undef BPF_F_RDONLY_PROG
#undef BPF_F_WRONLY_PROG
#undef BPF_F_CLONE
#undef BPF_F_MMAPABLE
#undef BPF_F_INNER_MAP
#undef BPF_F_LINK
#undef BPF_F_SEGV_ON_FAULT
#undef BPF_F_NO_USER_CONV
#undef BPF_ANY
#undef BPF_NOEXIST
#undef BPF_EXIST
#undef BPF_F_LOCK
#undef BPF_MAX_LOOPS
#undef BPF_MAX_TIMED_LOOPS

struct ua_const_types {
	enum {
		BPF_F_NO_PREALLOC = ua_no_prealloc,
		BPF_F_NO_COMMON_LRU = ua_no_common_lru,
		BPF_F_NUMA_NODE = ua_numa_node,
		BPF_F_RDONLY = ua_rdonly,
		BPF_F_WRONLY = ua_wronly,
		BPF_F_ZERO_SEED = ua_zero_seed,
		BPF_F_RDONLY_PROG = ua_rdonly_prog,
		BPF_F_WRONLY_PROG = ua_wronly_prog,
		BPF_F_CLONE = ua_clone,
		BPF_F_MMAPABLE = ua_mmapable,
		BPF_F_INNER_MAP = ua_inner_map,
		BPF_F_LINK = ua_link,
		BPF_F_SEGV_ON_FAULT = ua_segv_on_fault,
		BPF_F_NO_USER_CONV = ua_no_user_conv,
	} map_flags;
	enum {
		BPF_ANY = ua_any,
		BPF_NOEXIST = ua_noexist,
		BPF_EXIST = ua_exist,
		BPF_F_LOCK = ua_lock,
	} update_flags;
	enum {
		BPF_MAX_LOOPS = ua_max_loops,
		BPF_MAX_TIMED_LOOPS = ua_max_timed_loops,
	} limits;
	enum {
		BPF_F_TIMER_ABS = 1 << 0,
		BPF_F_TIMER_CPU_PIN = 1 << 1,
	} timer_flags;
	enum {
		BPF_RB_NO_WAKEUP = 1 << 0,
		BPF_RB_FORCE_WAKEUP = 1 << 1,
	} ringbuf_flags;
	enum {
		BPF_RB_AVAIL_DATA,
		BPF_RB_RING_SIZE,
		BPF_RB_CONS_POS,
		BPF_RB_PROD_POS,
	} ringbuf_query;
	enum page_size_enum { __PAGE_SIZE = 4096 } page_size;
};

#endif
