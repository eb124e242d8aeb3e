/* SPDX-License-Identifier: BSD-2-Clause */
/* What a section name says about the programs in it. */
#include "object/object.h"

#define NONE 0
#define S SEC_SLEEPABLE
#define X SEC_EXTRA
#define B SEC_ATTACH_BTF

static const struct sec_def sec_defs[] = {
	{"syscall", BPF_PROG_TYPE_SYSCALL, NONE, SEC_ALWAYS_SLEEPABLE},
	{"socket", BPF_PROG_TYPE_SOCKET_FILTER, NONE, 0},
	{"tc", BPF_PROG_TYPE_SCHED_CLS, NONE, X},
	{"tcx", BPF_PROG_TYPE_SCHED_CLS, NONE, X},
	{"netkit", BPF_PROG_TYPE_SCHED_CLS, NONE, X},
	{"classifier", BPF_PROG_TYPE_SCHED_CLS, NONE, 0},
	{"action", BPF_PROG_TYPE_SCHED_ACT, NONE, 0},
	{"raw_tp", BPF_PROG_TYPE_RAW_TRACEPOINT, NONE, X},
	{"raw_tracepoint", BPF_PROG_TYPE_RAW_TRACEPOINT, NONE, X},
	{"raw_tp.w", BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE, NONE, X},
	{"raw_tracepoint.w", BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE, NONE, X},
	{"struct_ops", BPF_PROG_TYPE_STRUCT_OPS, NONE, S | X},
	{"tp", BPF_PROG_TYPE_TRACEPOINT, NONE, X},
	{"tracepoint", BPF_PROG_TYPE_TRACEPOINT, NONE, X},
	{"kprobe", BPF_PROG_TYPE_KPROBE, NONE, X},
	{"kretprobe", BPF_PROG_TYPE_KPROBE, NONE, X},
	{"kprobe.multi", BPF_PROG_TYPE_KPROBE, 42, X},
	{"kretprobe.multi", BPF_PROG_TYPE_KPROBE, 42, X},
	{"kprobe.session", BPF_PROG_TYPE_KPROBE, 56, X},
	{"ksyscall", BPF_PROG_TYPE_KPROBE, NONE, X},
	{"kretsyscall", BPF_PROG_TYPE_KPROBE, NONE, X},
	{"uprobe", BPF_PROG_TYPE_KPROBE, NONE, S | X},
	{"uretprobe", BPF_PROG_TYPE_KPROBE, NONE, S | X},
	{"uprobe.multi", BPF_PROG_TYPE_KPROBE, 48, S | X},
	{"uretprobe.multi", BPF_PROG_TYPE_KPROBE, 48, S | X},
	{"uprobe.session", BPF_PROG_TYPE_KPROBE, 57, S | X},
	{"usdt", BPF_PROG_TYPE_KPROBE, NONE, S | X},
	{"tp_btf", BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP, X | B},
	{"fentry", BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, S | X | B},
	{"fexit", BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT, S | X | B},
	{"fmod_ret", BPF_PROG_TYPE_TRACING, BPF_MODIFY_RETURN, S | X | B},
	{"iter", BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER, S | X | B},
	{"freplace", BPF_PROG_TYPE_EXT, NONE, X},
	{"lsm", BPF_PROG_TYPE_LSM, BPF_LSM_MAC, S | X | B},
	{"lsm_cgroup", BPF_PROG_TYPE_LSM, 43, X | B},
	{"xdp", BPF_PROG_TYPE_XDP, 37, 0},
	{"xdp.frags", BPF_PROG_TYPE_XDP, 37, 0},
	{"xdp/devmap", BPF_PROG_TYPE_XDP, 33, 0},
	{"xdp/cpumap", BPF_PROG_TYPE_XDP, 35, 0},
	{"perf_event", BPF_PROG_TYPE_PERF_EVENT, NONE, 0},
	{"lwt_in", BPF_PROG_TYPE_LWT_IN, NONE, 0},
	{"lwt_out", BPF_PROG_TYPE_LWT_OUT, NONE, 0},
	{"lwt_xmit", BPF_PROG_TYPE_LWT_XMIT, NONE, 0},
	{"lwt_seg6local", BPF_PROG_TYPE_LWT_SEG6LOCAL, NONE, 0},
	{"sockops", BPF_PROG_TYPE_SOCK_OPS, BPF_CGROUP_SOCK_OPS, 0},
	{"sk_skb", BPF_PROG_TYPE_SK_SKB, NONE, 0},
	{"sk_skb/stream_parser", BPF_PROG_TYPE_SK_SKB, BPF_SK_SKB_STREAM_PARSER, 0},
	{"sk_skb/stream_verdict", BPF_PROG_TYPE_SK_SKB, BPF_SK_SKB_STREAM_VERDICT, 0},
	{"sk_msg", BPF_PROG_TYPE_SK_MSG, 7, 0},
	{"sk_lookup", BPF_PROG_TYPE_SK_LOOKUP, 36, 0},
	{"sk_reuseport", BPF_PROG_TYPE_SK_REUSEPORT, 39, 0},
	{"sk_reuseport/migrate", BPF_PROG_TYPE_SK_REUSEPORT, 40, 0},
	{"lirc_mode2", BPF_PROG_TYPE_LIRC_MODE2, BPF_LIRC_MODE2, 0},
	{"flow_dissector", BPF_PROG_TYPE_FLOW_DISSECTOR, BPF_FLOW_DISSECTOR, 0},
	{"netfilter", BPF_PROG_TYPE_NETFILTER, 45, 0},
	{"cgroup/skb", BPF_PROG_TYPE_CGROUP_SKB, NONE, 0},
	{"cgroup_skb/ingress", BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_INGRESS, 0},
	{"cgroup_skb/egress", BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_EGRESS, 0},
	{"cgroup/sock", BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET_SOCK_CREATE, 0},
	{"cgroup/sock_create", BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET_SOCK_CREATE, 0},
	{"cgroup/post_bind4", BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET4_POST_BIND, 0},
	{"cgroup/post_bind6", BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET6_POST_BIND, 0},
	{"cgroup/bind4", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_BIND, 0},
	{"cgroup/bind6", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET6_BIND, 0},
	{"cgroup/connect4", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_CONNECT, 0},
	{"cgroup/connect6", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET6_CONNECT, 0},
	{"cgroup/sendmsg4", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UDP4_SENDMSG, 0},
	{"cgroup/sendmsg6", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UDP6_SENDMSG, 0},
	{"cgroup/recvmsg4", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UDP4_RECVMSG, 0},
	{"cgroup/recvmsg6", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UDP6_RECVMSG, 0},
	{"cgroup/sysctl", BPF_PROG_TYPE_CGROUP_SYSCTL, BPF_CGROUP_SYSCTL, 0},
	{"cgroup/getsockopt", BPF_PROG_TYPE_CGROUP_SOCKOPT, BPF_CGROUP_GETSOCKOPT, 0},
	{"cgroup/setsockopt", BPF_PROG_TYPE_CGROUP_SOCKOPT, BPF_CGROUP_SETSOCKOPT, 0},
	{"cgroup/dev", BPF_PROG_TYPE_CGROUP_DEVICE, BPF_CGROUP_DEVICE, 0},
};

static bool matches(const struct sec_def *def, const char *name, bool *sleepable,
		    const char **extra)
{
	size_t n = strlen(def->prefix);

	if (strncmp(name, def->prefix, n))
		return false;
	*sleepable = (def->flags & SEC_SLEEPABLE) && name[n] == '.' && name[n + 1] == 's' &&
		     (!name[n + 2] || name[n + 2] == '/');
	n += *sleepable ? 2 : 0;
	*extra = name[n] == '/' ? name + n + 1 : NULL;
	return !name[n] || (*extra && (def->flags & SEC_EXTRA));
}

static void apply(struct ua_program *prog, const struct sec_def *def, bool sleepable)
{
	prog->def = def;
	prog->type = def->prog_type;
	prog->attach_type = def->attach_type;
	if (sleepable || (def->flags & SEC_ALWAYS_SLEEPABLE))
		prog->flags |= BPF_F_SLEEPABLE;
	if (!strcmp(def->prefix, "xdp.frags"))
		prog->flags |= BPF_F_XDP_HAS_FRAGS;
	/* Which member it becomes, and whether it is one at all, a variable decides. */
	if (def->prog_type == BPF_PROG_TYPE_STRUCT_OPS)
		prog->needs_struct_ops = true;
}

void sec_parse(const char *name, struct ua_program *prog)
{
	prog->autoload = *name != '?';
	prog->section = name + (*name == '?');
	for (size_t i = 0; i < ARRAY_SIZE(sec_defs); i++) {
		const char *extra;
		bool sleepable;

		if (!matches(&sec_defs[i], prog->section, &sleepable, &extra))
			continue;
		prog->attach_to = extra;
		apply(prog, &sec_defs[i], sleepable);
		return;
	}
}
