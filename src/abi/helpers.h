/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The helpers: one list of all that Linux numbers, with the prototypes of those the engine has.
 *
 *   H(id, name, ret, (args), types, flags, btf)   implemented; ret and args in the verifier's words
 *   N(id, name)                                   known by name only: programs that call it are
 *                                                 refused with a message that names it
 *
 * Readers: verifier (prototypes), prog/helper.c (host functions), disassembler and docs (names).
 * `types` is the set of program types that may call it, as Linux 6.18 answers when probed.
 */
#ifndef UA_ABI_HELPERS_H
#define UA_ABI_HELPERS_H

#include "abi/bpf.h"

/* Modifiers of argument, return and register types; the kernel's names and bits. */
enum helper_type_flag {
	PTR_MAYBE_NULL = 1 << 8,
	MEM_RDONLY = 1 << 9,
	MEM_RINGBUF = 1 << 10,
	MEM_USER = 1 << 11,
	MEM_PERCPU = 1 << 12,
	OBJ_RELEASE = 1 << 13,
	PTR_UNTRUSTED = 1 << 14,
	MEM_UNINIT = 1 << 15,
	DYNPTR_TYPE_LOCAL = 1 << 16,
	DYNPTR_TYPE_RINGBUF = 1 << 17,
	MEM_FIXED_SIZE = 1 << 18, /* 8 bytes in every prototype of this list */
	MEM_ALLOC = 1 << 19,
	PTR_TRUSTED = 1 << 20,
	MEM_RCU = 1 << 21,
	NON_OWN_REF = 1 << 22,
	MEM_ALIGNED = 1 << 25,
	MEM_WRITE = 1 << 26,
};
#define HELPER_BASE_TYPE(t) ((t) & 0xffu)

enum helper_arg {
	ARG_DONTCARE,
	ARG_CONST_MAP_PTR,
	ARG_PTR_TO_MAP_KEY,
	ARG_PTR_TO_MAP_VALUE,
	ARG_PTR_TO_MEM,
	ARG_PTR_TO_ARENA,
	ARG_CONST_SIZE,
	ARG_CONST_SIZE_OR_ZERO,
	ARG_PTR_TO_CTX,
	ARG_ANYTHING,
	ARG_PTR_TO_SPIN_LOCK,
	ARG_PTR_TO_SOCK_COMMON,
	ARG_PTR_TO_SOCKET,
	ARG_PTR_TO_BTF_ID,
	ARG_PTR_TO_RINGBUF_MEM,
	ARG_CONST_ALLOC_SIZE_OR_ZERO,
	ARG_PTR_TO_BTF_ID_SOCK_COMMON,
	ARG_PTR_TO_PERCPU_BTF_ID,
	ARG_PTR_TO_FUNC,
	ARG_PTR_TO_STACK,
	ARG_PTR_TO_CONST_STR,
	ARG_PTR_TO_TIMER,
	ARG_KPTR_XCHG_DEST,
	ARG_PTR_TO_DYNPTR,
	ARG_TYPE_MAX,

	ARG_PTR_TO_MEM_RO = ARG_PTR_TO_MEM | MEM_RDONLY,
	ARG_PTR_TO_MEM_OR_NULL_RO = ARG_PTR_TO_MEM | MEM_RDONLY | PTR_MAYBE_NULL,
	ARG_PTR_TO_MEM_OR_NULL_W = ARG_PTR_TO_MEM | MEM_WRITE | PTR_MAYBE_NULL,
	ARG_PTR_TO_UNINIT_MEM = ARG_PTR_TO_MEM | MEM_UNINIT | MEM_WRITE,
	ARG_PTR_TO_UNINIT_MAP_VALUE = ARG_PTR_TO_MAP_VALUE | MEM_UNINIT | MEM_WRITE,
	ARG_PTR_TO_MAP_VALUE_OR_NULL = ARG_PTR_TO_MAP_VALUE | PTR_MAYBE_NULL,
	ARG_PTR_TO_STACK_OR_NULL = ARG_PTR_TO_STACK | PTR_MAYBE_NULL,
	ARG_PTR_TO_BTF_ID_OR_NULL = ARG_PTR_TO_BTF_ID | PTR_MAYBE_NULL,
	ARG_PTR_TO_RINGBUF_MEM_RELEASE = ARG_PTR_TO_RINGBUF_MEM | OBJ_RELEASE,
	ARG_PTR_TO_LONG_OUT =
		ARG_PTR_TO_MEM | MEM_FIXED_SIZE | MEM_UNINIT | MEM_WRITE | MEM_ALIGNED,
};

enum helper_ret {
	RET_INTEGER,
	RET_VOID,
	RET_PTR_TO_MAP_VALUE,
	RET_PTR_TO_SOCKET,
	RET_PTR_TO_TCP_SOCK,
	RET_PTR_TO_SOCK_COMMON,
	RET_PTR_TO_MEM,
	RET_PTR_TO_MEM_OR_BTF_ID,
	RET_PTR_TO_BTF_ID,
	RET_TYPE_MAX,

	RET_PTR_TO_MAP_VALUE_OR_NULL = RET_PTR_TO_MAP_VALUE | PTR_MAYBE_NULL,
	RET_PTR_TO_RINGBUF_MEM_OR_NULL = RET_PTR_TO_MEM | MEM_RINGBUF | PTR_MAYBE_NULL,
	RET_PTR_TO_MEM_OR_BTF_ID_OR_NULL = RET_PTR_TO_MEM_OR_BTF_ID | PTR_MAYBE_NULL,
	RET_PTR_TO_BTF_ID_TRUSTED = RET_PTR_TO_BTF_ID | PTR_TRUSTED,
};

enum helper_flags {
	HELPER_GPL = 1 << 0,	  /* only for programs under a GPL-compatible license */
	HELPER_SLEEP = 1 << 1,	  /* may sleep: sleepable programs only */
	HELPER_PKT = 1 << 2,	  /* memory arguments may point into the packet */
	HELPER_FASTCALL = 1 << 3, /* promises not to clobber unused argument registers */
};

#define HELPER_T(type) (1ull << BPF_PROG_TYPE_##type)
#define HELPER_TYPES_ALL (~0ull)
#define HELPER_TYPES_PACKET                                                                 \
	(HELPER_T(SOCKET_FILTER) | HELPER_T(SCHED_CLS) | HELPER_T(SCHED_ACT) |              \
	 HELPER_T(CGROUP_SKB) | HELPER_T(LWT_IN) | HELPER_T(LWT_OUT) | HELPER_T(LWT_XMIT) | \
	 HELPER_T(SK_SKB) | HELPER_T(LWT_SEG6LOCAL) | HELPER_T(SK_REUSEPORT) |              \
	 HELPER_T(FLOW_DISSECTOR))
#define HELPER_TYPES_NET                                                                    \
	(HELPER_TYPES_PACKET | HELPER_T(XDP) | HELPER_T(CGROUP_SOCK) | HELPER_T(SOCK_OPS) | \
	 HELPER_T(SK_MSG) | HELPER_T(CGROUP_SOCK_ADDR) | HELPER_T(CGROUP_SYSCTL) |          \
	 HELPER_T(SK_LOOKUP))
#define HELPER_TYPES_FROM_START                                                \
	(HELPER_T(SOCKET_FILTER) | HELPER_T(SCHED_CLS) | HELPER_T(SCHED_ACT) | \
	 HELPER_T(CGROUP_SKB) | HELPER_T(SK_REUSEPORT))
#define HELPER_TYPES_OUTPUT \
	(~(HELPER_T(SK_REUSEPORT) | HELPER_T(FLOW_DISSECTOR) | HELPER_T(NETFILTER)))
#define HELPER_TYPES_TRACING_ONLY                                                           \
	(HELPER_T(KPROBE) | HELPER_T(TRACEPOINT) | HELPER_T(PERF_EVENT) |                   \
	 HELPER_T(RAW_TRACEPOINT) | HELPER_T(RAW_TRACEPOINT_WRITABLE) | HELPER_T(TRACING) | \
	 HELPER_T(LSM))
#define HELPER_TYPES_TRACING (HELPER_TYPES_TRACING_ONLY | HELPER_T(SYSCALL))

/* clang-format off */
#define UA_HELPERS(H, N) \
	H(1, map_lookup_elem, RET_PTR_TO_MAP_VALUE_OR_NULL, \
	  (ARG_CONST_MAP_PTR, ARG_PTR_TO_MAP_KEY), \
	  HELPER_TYPES_ALL, HELPER_PKT, NULL) \
	H(2, map_update_elem, RET_INTEGER, \
	  (ARG_CONST_MAP_PTR, ARG_PTR_TO_MAP_KEY, ARG_PTR_TO_MAP_VALUE, ARG_ANYTHING), \
	  HELPER_TYPES_ALL, HELPER_PKT, NULL) \
	H(3, map_delete_elem, RET_INTEGER, (ARG_CONST_MAP_PTR, ARG_PTR_TO_MAP_KEY), \
	  HELPER_TYPES_ALL, HELPER_PKT, NULL) \
	H(4, probe_read, RET_INTEGER, \
	  (ARG_PTR_TO_UNINIT_MEM, ARG_CONST_SIZE_OR_ZERO, ARG_ANYTHING), \
	  HELPER_TYPES_TRACING, HELPER_GPL, NULL) \
	H(5, ktime_get_ns, RET_INTEGER, (), HELPER_TYPES_ALL, 0, NULL) \
	H(6, trace_printk, RET_INTEGER, (ARG_PTR_TO_MEM_RO, ARG_CONST_SIZE), \
	  HELPER_TYPES_ALL, HELPER_GPL, NULL) \
	H(7, get_prandom_u32, RET_INTEGER, (), HELPER_TYPES_ALL, 0, NULL) \
	H(8, get_smp_processor_id, RET_INTEGER, (), HELPER_TYPES_ALL, HELPER_FASTCALL, NULL) \
	N(9, skb_store_bytes) \
	N(10, l3_csum_replace) \
	N(11, l4_csum_replace) \
	H(12, tail_call, RET_VOID, (ARG_PTR_TO_CTX, ARG_CONST_MAP_PTR, ARG_ANYTHING), \
	  HELPER_TYPES_ALL, 0, NULL) \
	N(13, clone_redirect) \
	H(14, get_current_pid_tgid, RET_INTEGER, (), HELPER_TYPES_ALL, 0, NULL) \
	H(15, get_current_uid_gid, RET_INTEGER, (), HELPER_TYPES_ALL, 0, NULL) \
	H(16, get_current_comm, RET_INTEGER, (ARG_PTR_TO_UNINIT_MEM, ARG_CONST_SIZE), \
	  HELPER_TYPES_ALL, 0, NULL) \
	N(17, get_cgroup_classid) \
	N(18, skb_vlan_push) \
	N(19, skb_vlan_pop) \
	N(20, skb_get_tunnel_key) \
	N(21, skb_set_tunnel_key) \
	N(22, perf_event_read) \
	N(23, redirect) \
	N(24, get_route_realm) \
	H(25, perf_event_output, RET_INTEGER, \
	  (ARG_PTR_TO_CTX, ARG_CONST_MAP_PTR, ARG_ANYTHING, ARG_PTR_TO_MEM_RO, ARG_CONST_SIZE_OR_ZERO), \
	  HELPER_TYPES_OUTPUT, HELPER_GPL, NULL) \
	H(26, skb_load_bytes, RET_INTEGER, \
	  (ARG_PTR_TO_CTX, ARG_ANYTHING, ARG_PTR_TO_UNINIT_MEM, ARG_CONST_SIZE), \
	  HELPER_TYPES_PACKET, 0, NULL) \
	N(27, get_stackid) \
	N(28, csum_diff) \
	N(29, skb_get_tunnel_opt) \
	N(30, skb_set_tunnel_opt) \
	N(31, skb_change_proto) \
	N(32, skb_change_type) \
	N(33, skb_under_cgroup) \
	N(34, get_hash_recalc) \
	H(35, get_current_task, RET_INTEGER, (), \
	  HELPER_TYPES_ALL, HELPER_FASTCALL | HELPER_GPL, NULL) \
	N(36, probe_write_user) \
	N(37, current_task_under_cgroup) \
	N(38, skb_change_tail) \
	N(39, skb_pull_data) \
	N(40, csum_update) \
	N(41, set_hash_invalid) \
	H(42, get_numa_node_id, RET_INTEGER, (), HELPER_TYPES_ALL, 0, NULL) \
	N(43, skb_change_head) \
	N(44, xdp_adjust_head) \
	H(45, probe_read_str, RET_INTEGER, \
	  (ARG_PTR_TO_UNINIT_MEM, ARG_CONST_SIZE_OR_ZERO, ARG_ANYTHING), \
	  HELPER_TYPES_TRACING, HELPER_GPL, NULL) \
	N(46, get_socket_cookie) \
	N(47, get_socket_uid) \
	N(48, set_hash) \
	N(49, setsockopt) \
	N(50, skb_adjust_room) \
	N(51, redirect_map) \
	N(52, sk_redirect_map) \
	N(53, sock_map_update) \
	N(54, xdp_adjust_meta) \
	N(55, perf_event_read_value) \
	N(56, perf_prog_read_value) \
	N(57, getsockopt) \
	N(58, override_return) \
	N(59, sock_ops_cb_flags_set) \
	N(60, msg_redirect_map) \
	N(61, msg_apply_bytes) \
	N(62, msg_cork_bytes) \
	N(63, msg_pull_data) \
	N(64, bind) \
	N(65, xdp_adjust_tail) \
	N(66, skb_get_xfrm_state) \
	N(67, get_stack) \
	H(68, skb_load_bytes_relative, RET_INTEGER, \
	  (ARG_PTR_TO_CTX, ARG_ANYTHING, ARG_PTR_TO_UNINIT_MEM, ARG_CONST_SIZE, ARG_ANYTHING), \
	  HELPER_TYPES_FROM_START, 0, NULL) \
	N(69, fib_lookup) \
	N(70, sock_hash_update) \
	N(71, msg_redirect_hash) \
	N(72, sk_redirect_hash) \
	N(73, lwt_push_encap) \
	N(74, lwt_seg6_store_bytes) \
	N(75, lwt_seg6_adjust_srh) \
	N(76, lwt_seg6_action) \
	N(77, rc_repeat) \
	N(78, rc_keydown) \
	N(79, skb_cgroup_id) \
	H(80, get_current_cgroup_id, RET_INTEGER, (), HELPER_TYPES_ALL, 0, NULL) \
	N(81, get_local_storage) \
	N(82, sk_select_reuseport) \
	N(83, skb_ancestor_cgroup_id) \
	N(84, sk_lookup_tcp) \
	N(85, sk_lookup_udp) \
	N(86, sk_release) \
	H(87, map_push_elem, RET_INTEGER, \
	  (ARG_CONST_MAP_PTR, ARG_PTR_TO_MAP_VALUE, ARG_ANYTHING), \
	  HELPER_TYPES_ALL, HELPER_PKT, NULL) \
	H(88, map_pop_elem, RET_INTEGER, (ARG_CONST_MAP_PTR, ARG_PTR_TO_UNINIT_MAP_VALUE), \
	  HELPER_TYPES_ALL, 0, NULL) \
	H(89, map_peek_elem, RET_INTEGER, (ARG_CONST_MAP_PTR, ARG_PTR_TO_UNINIT_MAP_VALUE), \
	  HELPER_TYPES_ALL, 0, NULL) \
	N(90, msg_push_data) \
	N(91, msg_pop_data) \
	N(92, rc_pointer_rel) \
	H(93, spin_lock, RET_VOID, (ARG_PTR_TO_SPIN_LOCK), HELPER_TYPES_ALL, 0, NULL) \
	H(94, spin_unlock, RET_VOID, (ARG_PTR_TO_SPIN_LOCK), HELPER_TYPES_ALL, 0, NULL) \
	N(95, sk_fullsock) \
	N(96, tcp_sock) \
	N(97, skb_ecn_set_ce) \
	N(98, get_listener_sock) \
	N(99, skc_lookup_tcp) \
	N(100, tcp_check_syncookie) \
	N(101, sysctl_get_name) \
	N(102, sysctl_get_current_value) \
	N(103, sysctl_get_new_value) \
	N(104, sysctl_set_new_value) \
	H(105, strtol, RET_INTEGER, \
	  (ARG_PTR_TO_MEM_RO, ARG_CONST_SIZE, ARG_ANYTHING, ARG_PTR_TO_LONG_OUT), \
	  HELPER_TYPES_ALL, 0, NULL) \
	H(106, strtoul, RET_INTEGER, \
	  (ARG_PTR_TO_MEM_RO, ARG_CONST_SIZE, ARG_ANYTHING, ARG_PTR_TO_LONG_OUT), \
	  HELPER_TYPES_ALL, 0, NULL) \
	N(107, sk_storage_get) \
	N(108, sk_storage_delete) \
	N(109, send_signal) \
	N(110, tcp_gen_syncookie) \
	N(111, skb_output) \
	H(112, probe_read_user, RET_INTEGER, \
	  (ARG_PTR_TO_UNINIT_MEM, ARG_CONST_SIZE_OR_ZERO, ARG_ANYTHING), \
	  HELPER_TYPES_ALL, HELPER_GPL, NULL) \
	H(113, probe_read_kernel, RET_INTEGER, \
	  (ARG_PTR_TO_UNINIT_MEM, ARG_CONST_SIZE_OR_ZERO, ARG_ANYTHING), \
	  HELPER_TYPES_ALL, HELPER_GPL, NULL) \
	H(114, probe_read_user_str, RET_INTEGER, \
	  (ARG_PTR_TO_UNINIT_MEM, ARG_CONST_SIZE_OR_ZERO, ARG_ANYTHING), \
	  HELPER_TYPES_ALL, HELPER_GPL, NULL) \
	H(115, probe_read_kernel_str, RET_INTEGER, \
	  (ARG_PTR_TO_UNINIT_MEM, ARG_CONST_SIZE_OR_ZERO, ARG_ANYTHING), \
	  HELPER_TYPES_ALL, HELPER_GPL, NULL) \
	N(116, tcp_send_ack) \
	N(117, send_signal_thread) \
	H(118, jiffies64, RET_INTEGER, (), HELPER_TYPES_ALL, 0, NULL) \
	N(119, read_branch_records) \
	H(120, get_ns_current_pid_tgid, RET_INTEGER, \
	  (ARG_ANYTHING, ARG_ANYTHING, ARG_PTR_TO_UNINIT_MEM, ARG_CONST_SIZE), \
	  HELPER_TYPES_ALL, 0, NULL) \
	N(121, xdp_output) \
	N(122, get_netns_cookie) \
	H(123, get_current_ancestor_cgroup_id, RET_INTEGER, (ARG_ANYTHING), \
	  HELPER_TYPES_ALL, 0, NULL) \
	N(124, sk_assign) \
	H(125, ktime_get_boot_ns, RET_INTEGER, (), HELPER_TYPES_ALL, 0, NULL) \
	N(126, seq_printf) \
	N(127, seq_write) \
	N(128, sk_cgroup_id) \
	N(129, sk_ancestor_cgroup_id) \
	H(130, ringbuf_output, RET_INTEGER, \
	  (ARG_CONST_MAP_PTR, ARG_PTR_TO_MEM_RO, ARG_CONST_SIZE_OR_ZERO, ARG_ANYTHING), \
	  HELPER_TYPES_ALL, 0, NULL) \
	H(131, ringbuf_reserve, RET_PTR_TO_RINGBUF_MEM_OR_NULL, \
	  (ARG_CONST_MAP_PTR, ARG_CONST_ALLOC_SIZE_OR_ZERO, ARG_ANYTHING), \
	  HELPER_TYPES_ALL, 0, NULL) \
	H(132, ringbuf_submit, RET_VOID, (ARG_PTR_TO_RINGBUF_MEM_RELEASE, ARG_ANYTHING), \
	  HELPER_TYPES_ALL, 0, NULL) \
	H(133, ringbuf_discard, RET_VOID, (ARG_PTR_TO_RINGBUF_MEM_RELEASE, ARG_ANYTHING), \
	  HELPER_TYPES_ALL, 0, NULL) \
	H(134, ringbuf_query, RET_INTEGER, (ARG_CONST_MAP_PTR, ARG_ANYTHING), \
	  HELPER_TYPES_ALL, 0, NULL) \
	N(135, csum_level) \
	N(136, skc_to_tcp6_sock) \
	N(137, skc_to_tcp_sock) \
	N(138, skc_to_tcp_timewait_sock) \
	N(139, skc_to_tcp_request_sock) \
	N(140, skc_to_udp6_sock) \
	N(141, get_task_stack) \
	N(142, load_hdr_opt) \
	N(143, store_hdr_opt) \
	N(144, reserve_hdr_opt) \
	N(145, inode_storage_get) \
	N(146, inode_storage_delete) \
	N(147, d_path) \
	H(148, copy_from_user, RET_INTEGER, \
	  (ARG_PTR_TO_UNINIT_MEM, ARG_CONST_SIZE_OR_ZERO, ARG_ANYTHING), \
	  HELPER_TYPES_ALL, HELPER_SLEEP, NULL) \
	N(149, snprintf_btf) \
	N(150, seq_printf_btf) \
	N(151, skb_cgroup_classid) \
	N(152, redirect_neigh) \
	H(153, per_cpu_ptr, RET_PTR_TO_MEM_OR_BTF_ID_OR_NULL, \
	  (ARG_PTR_TO_PERCPU_BTF_ID, ARG_ANYTHING), \
	  HELPER_TYPES_ALL, 0, NULL) \
	H(154, this_cpu_ptr, RET_PTR_TO_MEM_OR_BTF_ID, (ARG_PTR_TO_PERCPU_BTF_ID), \
	  HELPER_TYPES_ALL, 0, NULL) \
	N(155, redirect_peer) \
	H(156, task_storage_get, RET_PTR_TO_MAP_VALUE_OR_NULL, \
	  (ARG_CONST_MAP_PTR, ARG_PTR_TO_BTF_ID_OR_NULL, ARG_PTR_TO_MAP_VALUE_OR_NULL, ARG_ANYTHING), \
	  HELPER_TYPES_ALL, 0, "task_struct") \
	H(157, task_storage_delete, RET_INTEGER, (ARG_CONST_MAP_PTR, ARG_PTR_TO_BTF_ID_OR_NULL), \
	  HELPER_TYPES_ALL, 0, "task_struct") \
	H(158, get_current_task_btf, RET_PTR_TO_BTF_ID_TRUSTED, (), \
	  HELPER_TYPES_ALL, HELPER_FASTCALL | HELPER_GPL, "task_struct") \
	N(159, bprm_opts_set) \
	H(160, ktime_get_coarse_ns, RET_INTEGER, (), HELPER_TYPES_NET, 0, NULL) \
	N(161, ima_inode_hash) \
	N(162, sock_from_file) \
	N(163, check_mtu) \
	H(164, for_each_map_elem, RET_INTEGER, \
	  (ARG_CONST_MAP_PTR, ARG_PTR_TO_FUNC, ARG_PTR_TO_STACK_OR_NULL, ARG_ANYTHING), \
	  HELPER_TYPES_ALL, 0, NULL) \
	H(165, snprintf, RET_INTEGER, \
	  (ARG_PTR_TO_MEM_OR_NULL_W, ARG_CONST_SIZE_OR_ZERO, ARG_PTR_TO_CONST_STR, \
	   ARG_PTR_TO_MEM_OR_NULL_RO, ARG_CONST_SIZE_OR_ZERO), \
	  HELPER_TYPES_ALL, HELPER_GPL, NULL) \
	N(166, sys_bpf) \
	N(167, btf_find_by_name_kind) \
	N(168, sys_close) \
	H(169, timer_init, RET_INTEGER, (ARG_PTR_TO_TIMER, ARG_CONST_MAP_PTR, ARG_ANYTHING), \
	  HELPER_TYPES_ALL, HELPER_GPL, NULL) \
	H(170, timer_set_callback, RET_INTEGER, (ARG_PTR_TO_TIMER, ARG_PTR_TO_FUNC), \
	  HELPER_TYPES_ALL, HELPER_GPL, NULL) \
	H(171, timer_start, RET_INTEGER, (ARG_PTR_TO_TIMER, ARG_ANYTHING, ARG_ANYTHING), \
	  HELPER_TYPES_ALL, HELPER_GPL, NULL) \
	H(172, timer_cancel, RET_INTEGER, (ARG_PTR_TO_TIMER), \
	  HELPER_TYPES_ALL, HELPER_GPL, NULL) \
	H(173, get_func_ip, RET_INTEGER, (ARG_PTR_TO_CTX), \
	  HELPER_TYPES_TRACING, HELPER_GPL, NULL) \
	H(174, get_attach_cookie, RET_INTEGER, (ARG_PTR_TO_CTX), \
	  HELPER_TYPES_TRACING_ONLY, 0, NULL) \
	N(175, task_pt_regs) \
	N(176, get_branch_snapshot) \
	H(177, trace_vprintk, RET_INTEGER, \
	  (ARG_PTR_TO_MEM_RO, ARG_CONST_SIZE, ARG_PTR_TO_MEM_OR_NULL_RO, ARG_CONST_SIZE_OR_ZERO), \
	  HELPER_TYPES_ALL, HELPER_GPL, NULL) \
	N(178, skc_to_unix_sock) \
	N(179, kallsyms_lookup_name) \
	N(180, find_vma) \
	H(181, loop, RET_INTEGER, \
	  (ARG_ANYTHING, ARG_PTR_TO_FUNC, ARG_PTR_TO_STACK_OR_NULL, ARG_ANYTHING), \
	  HELPER_TYPES_ALL, 0, NULL) \
	H(182, strncmp, RET_INTEGER, (ARG_PTR_TO_MEM_RO, ARG_CONST_SIZE, ARG_PTR_TO_CONST_STR), \
	  HELPER_TYPES_ALL, 0, NULL) \
	N(183, get_func_arg) \
	N(184, get_func_ret) \
	N(185, get_func_arg_cnt) \
	N(186, get_retval) \
	N(187, set_retval) \
	N(188, xdp_get_buff_len) \
	N(189, xdp_load_bytes) \
	N(190, xdp_store_bytes) \
	N(191, copy_from_user_task) \
	N(192, skb_set_tstamp) \
	N(193, ima_file_hash) \
	H(194, kptr_xchg, RET_PTR_TO_BTF_ID | PTR_MAYBE_NULL, \
	  (ARG_KPTR_XCHG_DEST, ARG_PTR_TO_BTF_ID_OR_NULL | OBJ_RELEASE), \
	  HELPER_TYPES_ALL, 0, NULL) \
	H(195, map_lookup_percpu_elem, RET_PTR_TO_MAP_VALUE_OR_NULL, \
	  (ARG_CONST_MAP_PTR, ARG_PTR_TO_MAP_KEY, ARG_ANYTHING), \
	  HELPER_TYPES_ALL, HELPER_PKT, NULL) \
	N(196, skc_to_mptcp_sock) \
	N(197, dynptr_from_mem) \
	N(198, ringbuf_reserve_dynptr) \
	N(199, ringbuf_submit_dynptr) \
	N(200, ringbuf_discard_dynptr) \
	N(201, dynptr_read) \
	N(202, dynptr_write) \
	N(203, dynptr_data) \
	N(204, tcp_raw_gen_syncookie_ipv4) \
	N(205, tcp_raw_gen_syncookie_ipv6) \
	N(206, tcp_raw_check_syncookie_ipv4) \
	N(207, tcp_raw_check_syncookie_ipv6) \
	H(208, ktime_get_tai_ns, RET_INTEGER, (), HELPER_TYPES_ALL, 0, NULL) \
	N(209, user_ringbuf_drain) \
	H(210, cgrp_storage_get, RET_PTR_TO_MAP_VALUE_OR_NULL, \
	  (ARG_CONST_MAP_PTR, ARG_PTR_TO_BTF_ID_OR_NULL, ARG_PTR_TO_MAP_VALUE_OR_NULL, ARG_ANYTHING), \
	  HELPER_TYPES_ALL, 0, "cgroup") \
	H(211, cgrp_storage_delete, RET_INTEGER, (ARG_CONST_MAP_PTR, ARG_PTR_TO_BTF_ID_OR_NULL), \
	  HELPER_TYPES_ALL, 0, "cgroup")
/* clang-format on */

#define HELPER_ID_MAX 212 /* one past the last id Linux has */

struct helper_proto {
	uint32_t id;
	uint32_t ret;	  /* enum helper_ret with flags */
	uint32_t args[5]; /* enum helper_arg with flags */
	uint32_t flags;	  /* enum helper_flags */
	uint64_t types;	  /* bit per program type */
	const char *btf;  /* name of the struct behind PTR_TO_BTF_ID arguments and results */
};

/* Prototype of a helper the engine implements, else NULL. */
const struct helper_proto *helper_proto(uint32_t id);
/* "map_lookup_elem" for 1; NULL if Linux has no such helper. */
const char *helper_name(uint32_t id);
/* Id of a helper by the name helper_name() gives it, or -1. */
int helper_id(const char *name);

static inline bool helper_callable(const struct helper_proto *proto, uint32_t prog_type)
{
	return prog_type < 64 && (proto->types >> prog_type & 1);
}

#endif
