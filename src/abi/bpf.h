/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bpf(2) interface: commands, kinds, flags and attribute layouts, numbered as Linux does.
 *
 * Layouts are checked against the running kernel's BTF by tests/kernel. Sources that include
 * this must not include <linux/bpf.h>.
 */
#ifndef UA_ABI_BPF_H
#define UA_ABI_BPF_H

#include "abi/insn.h"

enum bpf_cmd {
	BPF_MAP_CREATE = 0,
	BPF_MAP_LOOKUP_ELEM = 1,
	BPF_MAP_UPDATE_ELEM = 2,
	BPF_MAP_DELETE_ELEM = 3,
	BPF_MAP_GET_NEXT_KEY = 4,
	BPF_PROG_LOAD = 5,
	BPF_OBJ_PIN = 6,
	BPF_OBJ_GET = 7,
	BPF_PROG_ATTACH = 8,
	BPF_PROG_DETACH = 9,
	BPF_PROG_TEST_RUN = 10,
	BPF_PROG_GET_NEXT_ID = 11,
	BPF_MAP_GET_NEXT_ID = 12,
	BPF_PROG_GET_FD_BY_ID = 13,
	BPF_MAP_GET_FD_BY_ID = 14,
	BPF_OBJ_GET_INFO_BY_FD = 15,
	BPF_PROG_QUERY = 16,
	BPF_RAW_TRACEPOINT_OPEN = 17,
	BPF_BTF_LOAD = 18,
	BPF_BTF_GET_FD_BY_ID = 19,
	BPF_TASK_FD_QUERY = 20,
	BPF_MAP_LOOKUP_AND_DELETE_ELEM = 21,
	BPF_MAP_FREEZE = 22,
	BPF_BTF_GET_NEXT_ID = 23,
	BPF_MAP_LOOKUP_BATCH = 24,
	BPF_MAP_LOOKUP_AND_DELETE_BATCH = 25,
	BPF_MAP_UPDATE_BATCH = 26,
	BPF_MAP_DELETE_BATCH = 27,
	BPF_LINK_CREATE = 28,
	BPF_LINK_UPDATE = 29,
	BPF_LINK_GET_FD_BY_ID = 30,
	BPF_LINK_GET_NEXT_ID = 31,
	BPF_ENABLE_STATS = 32,
	BPF_ITER_CREATE = 33,
	BPF_LINK_DETACH = 34,
	BPF_PROG_BIND_MAP = 35,
	BPF_TOKEN_CREATE = 36,
	BPF_PROG_STREAM_READ_BY_FD = 37,
	BPF_PROG_ASSOC_STRUCT_OPS = 38,
	BPF_CMD_MAX,
};

enum bpf_map_type {
	BPF_MAP_TYPE_UNSPEC = 0,
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PROG_ARRAY = 3,
	BPF_MAP_TYPE_PERF_EVENT_ARRAY = 4,
	BPF_MAP_TYPE_PERCPU_HASH = 5,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_STACK_TRACE = 7,
	BPF_MAP_TYPE_CGROUP_ARRAY = 8,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_LRU_PERCPU_HASH = 10,
	BPF_MAP_TYPE_LPM_TRIE = 11,
	BPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
	BPF_MAP_TYPE_HASH_OF_MAPS = 13,
	BPF_MAP_TYPE_DEVMAP = 14,
	BPF_MAP_TYPE_SOCKMAP = 15,
	BPF_MAP_TYPE_CPUMAP = 16,
	BPF_MAP_TYPE_XSKMAP = 17,
	BPF_MAP_TYPE_SOCKHASH = 18,
	BPF_MAP_TYPE_CGROUP_STORAGE = 19,
	BPF_MAP_TYPE_REUSEPORT_SOCKARRAY = 20,
	BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE = 21,
	BPF_MAP_TYPE_QUEUE = 22,
	BPF_MAP_TYPE_STACK = 23,
	BPF_MAP_TYPE_SK_STORAGE = 24,
	BPF_MAP_TYPE_DEVMAP_HASH = 25,
	BPF_MAP_TYPE_STRUCT_OPS = 26,
	BPF_MAP_TYPE_RINGBUF = 27,
	BPF_MAP_TYPE_INODE_STORAGE = 28,
	BPF_MAP_TYPE_TASK_STORAGE = 29,
	BPF_MAP_TYPE_BLOOM_FILTER = 30,
	BPF_MAP_TYPE_USER_RINGBUF = 31,
	BPF_MAP_TYPE_CGRP_STORAGE = 32,
	BPF_MAP_TYPE_ARENA = 33,
	BPF_MAP_TYPE_INSN_ARRAY = 34,
	BPF_MAP_TYPE_MAX,
};

enum bpf_prog_type {
	BPF_PROG_TYPE_UNSPEC = 0,
	BPF_PROG_TYPE_SOCKET_FILTER = 1,
	BPF_PROG_TYPE_KPROBE = 2,
	BPF_PROG_TYPE_SCHED_CLS = 3,
	BPF_PROG_TYPE_SCHED_ACT = 4,
	BPF_PROG_TYPE_TRACEPOINT = 5,
	BPF_PROG_TYPE_XDP = 6,
	BPF_PROG_TYPE_PERF_EVENT = 7,
	BPF_PROG_TYPE_CGROUP_SKB = 8,
	BPF_PROG_TYPE_CGROUP_SOCK = 9,
	BPF_PROG_TYPE_LWT_IN = 10,
	BPF_PROG_TYPE_LWT_OUT = 11,
	BPF_PROG_TYPE_LWT_XMIT = 12,
	BPF_PROG_TYPE_SOCK_OPS = 13,
	BPF_PROG_TYPE_SK_SKB = 14,
	BPF_PROG_TYPE_CGROUP_DEVICE = 15,
	BPF_PROG_TYPE_SK_MSG = 16,
	BPF_PROG_TYPE_RAW_TRACEPOINT = 17,
	BPF_PROG_TYPE_CGROUP_SOCK_ADDR = 18,
	BPF_PROG_TYPE_LWT_SEG6LOCAL = 19,
	BPF_PROG_TYPE_LIRC_MODE2 = 20,
	BPF_PROG_TYPE_SK_REUSEPORT = 21,
	BPF_PROG_TYPE_FLOW_DISSECTOR = 22,
	BPF_PROG_TYPE_CGROUP_SYSCTL = 23,
	BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE = 24,
	BPF_PROG_TYPE_CGROUP_SOCKOPT = 25,
	BPF_PROG_TYPE_TRACING = 26,
	BPF_PROG_TYPE_STRUCT_OPS = 27,
	BPF_PROG_TYPE_EXT = 28,
	BPF_PROG_TYPE_LSM = 29,
	BPF_PROG_TYPE_SK_LOOKUP = 30,
	BPF_PROG_TYPE_SYSCALL = 31,
	BPF_PROG_TYPE_NETFILTER = 32,
	BPF_PROG_TYPE_MAX,
};

enum bpf_attach_type {
	BPF_CGROUP_INET_INGRESS = 0,
	BPF_CGROUP_INET_EGRESS = 1,
	BPF_CGROUP_INET_SOCK_CREATE = 2,
	BPF_CGROUP_SOCK_OPS = 3,
	BPF_SK_SKB_STREAM_PARSER = 4,
	BPF_SK_SKB_STREAM_VERDICT = 5,
	BPF_CGROUP_DEVICE = 6,
	BPF_SK_MSG_VERDICT = 7,
	BPF_CGROUP_INET4_BIND = 8,
	BPF_CGROUP_INET6_BIND = 9,
	BPF_CGROUP_INET4_CONNECT = 10,
	BPF_CGROUP_INET6_CONNECT = 11,
	BPF_CGROUP_INET4_POST_BIND = 12,
	BPF_CGROUP_INET6_POST_BIND = 13,
	BPF_CGROUP_UDP4_SENDMSG = 14,
	BPF_CGROUP_UDP6_SENDMSG = 15,
	BPF_LIRC_MODE2 = 16,
	BPF_FLOW_DISSECTOR = 17,
	BPF_CGROUP_SYSCTL = 18,
	BPF_CGROUP_UDP4_RECVMSG = 19,
	BPF_CGROUP_UDP6_RECVMSG = 20,
	BPF_CGROUP_GETSOCKOPT = 21,
	BPF_CGROUP_SETSOCKOPT = 22,
	BPF_TRACE_RAW_TP = 23,
	BPF_TRACE_FENTRY = 24,
	BPF_TRACE_FEXIT = 25,
	BPF_MODIFY_RETURN = 26,
	BPF_LSM_MAC = 27,
	BPF_TRACE_ITER = 28,
	BPF_CGROUP_INET4_GETPEERNAME = 29,
	BPF_CGROUP_INET6_GETPEERNAME = 30,
	BPF_CGROUP_INET4_GETSOCKNAME = 31,
	BPF_CGROUP_INET6_GETSOCKNAME = 32,
	BPF_CGROUP_INET_SOCK_RELEASE = 34,
	BPF_SK_LOOKUP = 36,
	BPF_SK_REUSEPORT_SELECT = 39,
	BPF_SK_REUSEPORT_SELECT_OR_MIGRATE = 40,
	BPF_STRUCT_OPS = 44,
	BPF_NETFILTER = 45,
	BPF_CGROUP_UNIX_CONNECT = 49,
	BPF_CGROUP_UNIX_SENDMSG = 50,
	BPF_CGROUP_UNIX_RECVMSG = 51,
	BPF_CGROUP_UNIX_GETPEERNAME = 52,
	BPF_CGROUP_UNIX_GETSOCKNAME = 53,
	BPF_TRACE_KPROBE_SESSION = 56,
	BPF_TRACE_UPROBE_SESSION = 57,
};

#define BPF_OBJ_NAME_LEN 16
#define BPF_TAG_SIZE 8

/* BPF_MAP_CREATE flags */
#define BPF_F_NO_PREALLOC (1u << 0)
#define BPF_F_NO_COMMON_LRU (1u << 1)
#define BPF_F_NUMA_NODE (1u << 2)
#define BPF_F_RDONLY (1u << 3)
#define BPF_F_WRONLY (1u << 4)
#define BPF_F_STACK_BUILD_ID (1u << 5)
#define BPF_F_ZERO_SEED (1u << 6)
#define BPF_F_RDONLY_PROG (1u << 7)
#define BPF_F_WRONLY_PROG (1u << 8)
#define BPF_F_CLONE (1u << 9)
#define BPF_F_MMAPABLE (1u << 10)
#define BPF_F_PRESERVE_ELEMS (1u << 11)
#define BPF_F_INNER_MAP (1u << 12)
#define BPF_F_LINK (1u << 13)
#define BPF_F_PATH_FD (1u << 14)
#define BPF_F_VTYPE_BTF_OBJ_FD (1u << 15)
#define BPF_F_TOKEN_FD (1u << 16)
#define BPF_F_SEGV_ON_FAULT (1u << 17)
#define BPF_F_NO_USER_CONV (1u << 18)

/* BPF_MAP_UPDATE_ELEM flags */
#define BPF_ANY 0
#define BPF_NOEXIST 1
#define BPF_EXIST 2
#define BPF_F_LOCK 4

/* BPF_PROG_LOAD flags */
#define BPF_F_STRICT_ALIGNMENT (1u << 0)
#define BPF_F_ANY_ALIGNMENT (1u << 1)
#define BPF_F_TEST_RND_HI32 (1u << 2)
#define BPF_F_TEST_STATE_FREQ (1u << 3)
#define BPF_F_SLEEPABLE (1u << 4)
#define BPF_F_XDP_HAS_FRAGS (1u << 5)
#define BPF_F_XDP_DEV_BOUND_ONLY (1u << 6)
#define BPF_F_TEST_REG_INVARIANTS (1u << 7)

#define BPF_F_TEST_RUN_ON_CPU (1u << 0)

enum bpf_stream_id { BPF_STREAM_STDOUT = 1, BPF_STREAM_STDERR = 2 };
#define BPF_STREAM_MAX_CAPACITY 100000

struct bpf_func_info {
	uint32_t insn_off;
	uint32_t type_id;
};

struct bpf_line_info {
	uint32_t insn_off;
	uint32_t file_name_off;
	uint32_t line_off;
	uint32_t line_col; /* line << 10 | column */
};

union bpf_attr {
	struct { /* BPF_MAP_CREATE */
		uint32_t map_type;
		uint32_t key_size;
		uint32_t value_size;
		uint32_t max_entries;
		uint32_t map_flags;
		uint32_t inner_map_fd;
		uint32_t numa_node;
		char map_name[BPF_OBJ_NAME_LEN];
		uint32_t map_ifindex;
		uint32_t btf_fd;
		uint32_t btf_key_type_id;
		uint32_t btf_value_type_id;
		uint32_t btf_vmlinux_value_type_id;
		uint64_t map_extra;
		int32_t value_type_btf_obj_fd;
		int32_t map_token_fd;
		uint64_t excl_prog_hash;
		uint32_t excl_prog_hash_size;
	} __attribute__((aligned(8)));
	struct { /* BPF_MAP_*_ELEM */
		uint32_t map_fd;
		uint64_t key __attribute__((aligned(8)));
		union {
			uint64_t value __attribute__((aligned(8)));
			uint64_t next_key __attribute__((aligned(8)));
		};
		uint64_t flags;
	};
	struct { /* BPF_MAP_*_BATCH */
		uint64_t in_batch __attribute__((aligned(8)));
		uint64_t out_batch __attribute__((aligned(8)));
		uint64_t keys __attribute__((aligned(8)));
		uint64_t values __attribute__((aligned(8)));
		uint32_t count;
		uint32_t map_fd;
		uint64_t elem_flags;
		uint64_t flags;
	} batch;
	struct { /* BPF_PROG_LOAD */
		uint32_t prog_type;
		uint32_t insn_cnt;
		uint64_t insns __attribute__((aligned(8)));
		uint64_t license __attribute__((aligned(8)));
		uint32_t log_level;
		uint32_t log_size;
		uint64_t log_buf __attribute__((aligned(8)));
		uint32_t kern_version;
		uint32_t prog_flags;
		char prog_name[BPF_OBJ_NAME_LEN];
		uint32_t prog_ifindex;
		uint32_t expected_attach_type;
		uint32_t prog_btf_fd;
		uint32_t func_info_rec_size;
		uint64_t func_info __attribute__((aligned(8)));
		uint32_t func_info_cnt;
		uint32_t line_info_rec_size;
		uint64_t line_info __attribute__((aligned(8)));
		uint32_t line_info_cnt;
		uint32_t attach_btf_id;
		union {
			uint32_t attach_prog_fd;
			uint32_t attach_btf_obj_fd;
		};
		uint32_t core_relo_cnt;
		uint64_t fd_array __attribute__((aligned(8)));
		uint64_t core_relos __attribute__((aligned(8)));
		uint32_t core_relo_rec_size;
		uint32_t log_true_size;
		int32_t prog_token_fd;
		uint32_t fd_array_cnt;
		uint64_t signature __attribute__((aligned(8)));
		uint32_t signature_size;
		int32_t keyring_id;
	};
	struct { /* BPF_PROG_TEST_RUN */
		uint32_t prog_fd;
		uint32_t retval;
		uint32_t data_size_in;
		uint32_t data_size_out;
		uint64_t data_in __attribute__((aligned(8)));
		uint64_t data_out __attribute__((aligned(8)));
		uint32_t repeat;
		uint32_t duration;
		uint32_t ctx_size_in;
		uint32_t ctx_size_out;
		uint64_t ctx_in __attribute__((aligned(8)));
		uint64_t ctx_out __attribute__((aligned(8)));
		uint32_t flags;
		uint32_t cpu;
		uint32_t batch_size;
	} test;
	struct { /* BPF_ENABLE_STATS */
		uint32_t type;
	} enable_stats;
	struct { /* BPF_*_GET_*_ID */
		union {
			uint32_t start_id;
			uint32_t prog_id;
			uint32_t map_id;
			uint32_t btf_id;
			uint32_t link_id;
		};
		uint32_t next_id;
		uint32_t open_flags;
		int32_t fd_by_id_token_fd;
	} get_id;
	struct { /* BPF_OBJ_GET_INFO_BY_FD */
		uint32_t bpf_fd;
		uint32_t info_len;
		uint64_t info __attribute__((aligned(8)));
	} info;
	struct { /* BPF_BTF_LOAD */
		uint64_t btf __attribute__((aligned(8)));
		uint64_t btf_log_buf __attribute__((aligned(8)));
		uint32_t btf_size;
		uint32_t btf_log_size;
		uint32_t btf_log_level;
		uint32_t btf_log_true_size;
		uint32_t btf_flags;
		int32_t btf_token_fd;
	};
	struct { /* BPF_LINK_CREATE */
		union {
			uint32_t prog_fd;
			uint32_t map_fd;
		};
		uint32_t target_fd;
		uint32_t attach_type;
		uint32_t flags;
		uint32_t target_btf_id;
		uint32_t pad;
		uint64_t rest[4];
	} link_create;
	struct { /* BPF_LINK_UPDATE */
		uint32_t link_fd;
		union {
			uint32_t new_prog_fd;
			uint32_t new_map_fd;
		};
		uint32_t flags;
		union {
			uint32_t old_prog_fd;
			uint32_t old_map_fd;
		};
	} link_update;
	struct { /* BPF_PROG_STREAM_READ_BY_FD */
		uint64_t stream_buf __attribute__((aligned(8)));
		uint32_t stream_buf_len;
		uint32_t stream_id;
		uint32_t prog_fd;
	} prog_stream_read;
	struct { /* BPF_PROG_ASSOC_STRUCT_OPS */
		uint32_t map_fd;
		uint32_t prog_fd;
		uint32_t flags;
	} prog_assoc_struct_ops;
} __attribute__((aligned(8)));

#define BPF_LINK_TYPE_STRUCT_OPS 9

struct bpf_link_info {
	uint32_t type;
	uint32_t id;
	uint32_t prog_id;
	uint32_t : 32;
	union {
		struct {
			uint32_t map_id;
		} struct_ops;
		uint64_t room[6]; /* what other kinds of links have */
	};
};

struct bpf_map_info {
	uint32_t type;
	uint32_t id;
	uint32_t key_size;
	uint32_t value_size;
	uint32_t max_entries;
	uint32_t map_flags;
	char name[BPF_OBJ_NAME_LEN];
	uint32_t ifindex;
	uint32_t btf_vmlinux_value_type_id;
	uint64_t netns_dev;
	uint64_t netns_ino;
	uint32_t btf_id;
	uint32_t btf_key_type_id;
	uint32_t btf_value_type_id;
	uint32_t btf_vmlinux_id;
	uint64_t map_extra;
	uint64_t hash __attribute__((aligned(8)));
	uint32_t hash_size;
} __attribute__((aligned(8)));

struct bpf_prog_info {
	uint32_t type;
	uint32_t id;
	uint8_t tag[BPF_TAG_SIZE];
	uint32_t jited_prog_len;
	uint32_t xlated_prog_len;
	uint64_t jited_prog_insns __attribute__((aligned(8)));
	uint64_t xlated_prog_insns __attribute__((aligned(8)));
	uint64_t load_time;
	uint32_t created_by_uid;
	uint32_t nr_map_ids;
	uint64_t map_ids __attribute__((aligned(8)));
	char name[BPF_OBJ_NAME_LEN];
	uint32_t ifindex;
	uint32_t gpl_compatible : 1;
	uint32_t : 31;
	uint64_t netns_dev;
	uint64_t netns_ino;
	uint32_t nr_jited_ksyms;
	uint32_t nr_jited_func_lens;
	uint64_t jited_ksyms __attribute__((aligned(8)));
	uint64_t jited_func_lens __attribute__((aligned(8)));
	uint32_t btf_id;
	uint32_t func_info_rec_size;
	uint64_t func_info __attribute__((aligned(8)));
	uint32_t nr_func_info;
	uint32_t nr_line_info;
	uint64_t line_info __attribute__((aligned(8)));
	uint64_t jited_line_info __attribute__((aligned(8)));
	uint32_t nr_jited_line_info;
	uint32_t line_info_rec_size;
	uint32_t jited_line_info_rec_size;
	uint32_t nr_prog_tags;
	uint64_t prog_tags __attribute__((aligned(8)));
	uint64_t run_time_ns;
	uint64_t run_cnt;
	uint64_t recursion_misses;
	uint32_t verified_insns;
	uint32_t attach_btf_obj_id;
	uint32_t attach_btf_id;
} __attribute__((aligned(8)));

struct bpf_btf_info {
	uint64_t btf __attribute__((aligned(8)));
	uint32_t btf_size;
	uint32_t id;
	uint64_t name __attribute__((aligned(8)));
	uint32_t name_len;
	uint32_t kernel_btf;
} __attribute__((aligned(8)));

#endif
