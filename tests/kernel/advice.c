/* SPDX-License-Identifier: BSD-2-Clause */
/* What is said of a refusal, on kernels and processes that are made up. */
#include "kernel/advice.h"

#include <stdio.h>
#include <string.h>

#include "abi/bpf.h"
#include "base/base.h"

#define ARENA BPF_MAP_TYPE_ARENA
#define HASH BPF_MAP_TYPE_HASH
#define V(major, minor) ((uint32_t)(major) << 16 | (minor) << 8)
/* version, allowed, JIT, locked down, has BTF */
#define KERNEL(v, may, on, lock, btf) \
	{.version = (v), .may_bpf = (may), .jit = (on), .locked = (lock), .has_btf = (btf)}
#define OF_VERSION(v) KERNEL(v, true, 1, false, true)
#define GOOD OF_VERSION(V(6, 18))
#define NO_CAPS KERNEL(V(6, 18), false, 1, false, true)
#define LOCKED KERNEL(V(6, 18), true, 1, true, true)
#define NO_CAPS_LOCKED KERNEL(V(6, 18), false, 1, true, true)
#define NO_JIT KERNEL(V(6, 18), true, 0, false, true)
#define NO_BTF KERNEL(V(6, 18), true, 1, false, false)

static const struct {
	struct kernel_facts facts;
	int cmd;
	uint32_t map_type;
	int err;
	const char *says; /* part of the advice; NULL: there is none */
} cases[] = {
	{NO_CAPS, BPF_BTF_LOAD, 0, EPERM, "CAP_BPF"},
	{NO_CAPS, BPF_MAP_CREATE, ARENA, EPERM, "as root"},
	{GOOD, BPF_PROG_LOAD, 0, EPERM, "seccomp"},
	{LOCKED, BPF_PROG_LOAD, 0, EPERM, "locked down"},
	{NO_CAPS_LOCKED, BPF_PROG_LOAD, 0, EPERM, "CAP_BPF"},
	{GOOD, BPF_MAP_CREATE, ARENA, ENOSYS, "CONFIG_BPF_SYSCALL"},
	{OF_VERSION(V(6, 8)), BPF_MAP_CREATE, ARENA, EINVAL, "new in Linux 6.9"},
	{OF_VERSION(V(5, 10)), BPF_MAP_CREATE, ARENA, EINVAL, "new in Linux 6.9"},
	{OF_VERSION(V(6, 9)), BPF_MAP_CREATE, ARENA, EINVAL, NULL},
	{OF_VERSION(V(6, 8)), BPF_MAP_CREATE, HASH, EINVAL, NULL},
	{GOOD, BPF_MAP_CREATE, ARENA, EOPNOTSUPP, "JIT compiler that can do arenas"},
	{GOOD, BPF_MAP_CREATE, HASH, EOPNOTSUPP, NULL},
	{OF_VERSION(V(6, 1)), BPF_MAP_CREATE, HASH, E2BIG, "an attribute"},
	{NO_JIT, BPF_PROG_LOAD, 0, ENOTSUPP, "bpf_jit_enable=1"},
	{NO_JIT, BPF_PROG_LOAD, 0, EINVAL, "bpf_jit_enable=1"},
	{NO_JIT, BPF_MAP_CREATE, HASH, EINVAL, NULL},
	{NO_BTF, BPF_PROG_LOAD, 0, EINVAL, "CONFIG_DEBUG_INFO_BTF"},
	{GOOD, BPF_PROG_LOAD, 0, EINVAL, NULL},
	{GOOD, BPF_PROG_LOAD, 0, EACCES, NULL},
	{GOOD, BPF_BTF_LOAD, 0, EINVAL, NULL},
};

int main(void)
{
	int failures = 0;
	struct kernel_facts here;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const union bpf_attr attr = {.map_type = cases[i].map_type};
		const char *got =
			kernel_advice(&cases[i].facts, cases[i].cmd, &attr, -cases[i].err);
		bool ok = cases[i].says ? got && strstr(got, cases[i].says) : !got;

		failures += !ok;
		if (!ok)
			printf("case %zu: '%s', not '%s'\n", i, got ? got : "", cases[i].says);
	}
	kernel_facts_read(&here);
	printf("here: version %#x, %s, JIT %d, %s, %s\n", here.version,
	       here.may_bpf ? "allowed" : "not allowed", here.jit,
	       here.locked ? "locked down" : "not locked down", here.has_btf ? "BTF" : "no BTF");
	failures += here.version < V(4, 0);
	return failures != 0;
}
