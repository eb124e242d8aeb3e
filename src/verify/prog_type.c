/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the type of a program settles: where it may be attached, and what it may return.
 *
 * One table, as Linux 6.18 answers for every pair of type and attach type. A type that is not
 * in it may be loaded for any attach type and return anything.
 */
#include <bpf/btf.h>
#include "verify/env.h"

#define AT(n) (1ull << (n))
#define ANYWHERE UINT64_MAX
#define ANYTHING INT32_MIN, INT32_MAX

static const struct prog_rule {
	uint32_t type;
	uint64_t attach; /* bit per expected_attach_type */
	int32_t ret_min, ret_max;
} rules[] = {
	{BPF_PROG_TYPE_KPROBE, AT(BPF_TRACE_KPROBE_SESSION) | AT(BPF_TRACE_UPROBE_SESSION), 0, 1},
	{BPF_PROG_TYPE_KPROBE, ANYWHERE, ANYTHING},
	{BPF_PROG_TYPE_CGROUP_SKB, AT(BPF_CGROUP_INET_INGRESS), 0, 1},
	{BPF_PROG_TYPE_CGROUP_SKB, AT(BPF_CGROUP_INET_EGRESS), 0, 3},
	{BPF_PROG_TYPE_CGROUP_SOCK,
	 AT(0) | AT(BPF_CGROUP_INET_SOCK_CREATE) | AT(BPF_CGROUP_INET_SOCK_RELEASE) |
		 AT(BPF_CGROUP_INET4_POST_BIND) | AT(BPF_CGROUP_INET6_POST_BIND),
	 0, 1},
	{BPF_PROG_TYPE_SOCK_OPS, ANYWHERE, 0, 1},
	{BPF_PROG_TYPE_CGROUP_DEVICE, ANYWHERE, 0, 1},
	{BPF_PROG_TYPE_CGROUP_SOCK_ADDR, AT(BPF_CGROUP_INET4_BIND) | AT(BPF_CGROUP_INET6_BIND), 0,
	 3},
	{BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
	 AT(BPF_CGROUP_INET4_CONNECT) | AT(BPF_CGROUP_INET6_CONNECT) | AT(BPF_CGROUP_UNIX_CONNECT) |
		 AT(BPF_CGROUP_UDP4_SENDMSG) | AT(BPF_CGROUP_UDP6_SENDMSG) |
		 AT(BPF_CGROUP_UNIX_SENDMSG),
	 0, 1},
	{BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
	 AT(BPF_CGROUP_UDP4_RECVMSG) | AT(BPF_CGROUP_UDP6_RECVMSG) | AT(BPF_CGROUP_UNIX_RECVMSG) |
		 AT(BPF_CGROUP_INET4_GETPEERNAME) | AT(BPF_CGROUP_INET6_GETPEERNAME) |
		 AT(BPF_CGROUP_UNIX_GETPEERNAME) | AT(BPF_CGROUP_INET4_GETSOCKNAME) |
		 AT(BPF_CGROUP_INET6_GETSOCKNAME) | AT(BPF_CGROUP_UNIX_GETSOCKNAME),
	 1, 1},
	{BPF_PROG_TYPE_SK_REUSEPORT,
	 AT(0) | AT(BPF_SK_REUSEPORT_SELECT) | AT(BPF_SK_REUSEPORT_SELECT_OR_MIGRATE), ANYTHING},
	{BPF_PROG_TYPE_CGROUP_SYSCTL, ANYWHERE, 0, 1},
	{BPF_PROG_TYPE_CGROUP_SOCKOPT, AT(BPF_CGROUP_GETSOCKOPT) | AT(BPF_CGROUP_SETSOCKOPT), 0, 1},
	{BPF_PROG_TYPE_TRACING, AT(BPF_TRACE_FENTRY) | AT(BPF_TRACE_FEXIT), 0, 0},
	{BPF_PROG_TYPE_TRACING, AT(BPF_TRACE_ITER), 0, 1},
	{BPF_PROG_TYPE_TRACING, AT(BPF_TRACE_RAW_TP) | AT(BPF_MODIFY_RETURN), ANYTHING},
	{BPF_PROG_TYPE_SK_LOOKUP, AT(BPF_SK_LOOKUP), 0, 1},
	{BPF_PROG_TYPE_SYSCALL, AT(0), ANYTHING},
	{BPF_PROG_TYPE_NETFILTER, AT(BPF_NETFILTER), 0, 1},
};

static const struct prog_rule *rule_of(uint32_t type, uint32_t attach, bool *known)
{
	*known = false;
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		if (rules[i].type != type)
			continue;
		*known = true;
		if (rules[i].attach == ANYWHERE || (attach < 64 && rules[i].attach >> attach & 1))
			return &rules[i];
	}
	return NULL;
}

bool prog_type_attaches(uint32_t type, uint32_t attach)
{
	bool known;

	return rule_of(type, attach, &known) || !known;
}

bool prog_type_returns(const struct env *env, int *min, int *max)
{
	bool known;
	const struct prog_rule *r =
		rule_of(env->in->prog_type, env->in->expected_attach_type, &known);

	if (!r || r->ret_min == INT32_MIN)
		return false;
	*min = r->ret_min;
	*max = r->ret_max;
	return true;
}

#define T(type) AT(BPF_PROG_TYPE_##type)
#define TRACING_TYPES \
	(T(TRACEPOINT) | T(PERF_EVENT) | T(TRACING) | T(LSM) | T(STRUCT_OPS) | T(SYSCALL))
#define OBJECT_TYPES                                                                            \
	(TRACING_TYPES | T(SCHED_CLS) | T(XDP) | T(CGROUP_SKB) | T(CGROUP_SOCK) | T(SOCK_OPS) | \
	 T(CGROUP_DEVICE) | T(CGROUP_SOCK_ADDR) | T(CGROUP_SYSCTL) | T(CGROUP_SOCKOPT))

bool prog_type_calls(const struct env *env, uint32_t kfunc_flags)
{
	uint64_t type = AT(env->in->prog_type);

	if (kfunc_flags & KF_OF_OBJECTS)
		return type & OBJECT_TYPES;
	return !(kfunc_flags & KF_OF_TRACING) || type & TRACING_TYPES;
}

/* Programs that trace or replace a function name it by its id in the kernel's BTF. */
int prog_type_check_target(struct env *env)
{
	const struct verify_in *in = env->in;
	const struct btf_type *t = btf__type_by_id(in->engine_btf, in->attach_btf_id);
	bool typedefs = in->prog_type == BPF_PROG_TYPE_TRACING &&
			in->expected_attach_type == BPF_TRACE_RAW_TP;

	if (in->prog_type != BPF_PROG_TYPE_TRACING && in->prog_type != BPF_PROG_TYPE_LSM &&
	    in->prog_type != BPF_PROG_TYPE_EXT)
		return 0;
	if (!in->attach_btf_id)
		vlog(env, "Tracing programs must provide btf_id\n");
	else if (!t)
		vlog(env, "attach_btf_id %u is invalid\n", in->attach_btf_id);
	else if (typedefs ? !btf_is_typedef(t) : !btf_is_func(t))
		vlog(env, "attach_btf_id %u is not a %s\n", in->attach_btf_id,
		     typedefs ? "typedef" : "function");
	else
		return 0;
	return -EINVAL;
}
