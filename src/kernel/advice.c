/* SPDX-License-Identifier: BSD-2-Clause */
/* Facts, and the table that judges them. */
#include "kernel/advice.h"

#include "base/base.h"
#include "kernel/kernel.h"

#include <sys/utsname.h>
#include <unistd.h>

#define VERSION(major, minor) ((uint32_t)(major) << 16 | (minor) << 8)

/* -- Facts ------------------------------------------------------------------ */

static bool first_line(const char *path, const char *prefix, char *line, int size)
{
	FILE *f = fopen(path, "r");
	bool found = false;

	while (f && !found && fgets(line, size, f))
		found = !strncmp(line, prefix, strlen(prefix));
	if (f)
		fclose(f);
	return found;
}

static bool has_caps(void)
{
	const uint64_t admin = 1ull << 21, bpf = 1ull << 39, perfmon = 1ull << 38;
	char line[128];
	uint64_t caps;

	if (!first_line("/proc/self/status", "CapEff:", line, sizeof(line)))
		return true; /* nothing is known against it */
	caps = strtoull(line + 7, NULL, 16);
	return caps & admin || (caps & bpf && caps & perfmon);
}

static uint32_t version(void)
{
	unsigned int major = 0, minor = 0;
	struct utsname uts;

	if (uname(&uts) || sscanf(uts.release, "%u.%u", &major, &minor) != 2)
		return UINT32_MAX;
	return VERSION(major, minor);
}

void kernel_facts_read(struct kernel_facts *f)
{
	char line[128];

	*f = (struct kernel_facts){.version = version(), .may_bpf = has_caps(), .jit = -1};
	if (first_line("/proc/sys/net/core/bpf_jit_enable", "", line, sizeof(line)))
		f->jit = atoi(line);
	if (first_line("/sys/kernel/security/lockdown", "", line, sizeof(line)))
		f->locked = strstr(line, "[integrity]") || strstr(line, "[confidentiality]");
	f->has_btf = !access("/sys/kernel/btf/vmlinux", R_OK);
}

/* -- Judgement ---------------------------------------------------------------- */

enum when {
	IF_NO_CAPS,
	IF_LOCKED,
	IF_ALLOWED, /* the process has the capabilities and the kernel is not locked down */
	IF_OLD,	    /* older than the row's version */
	IF_NO_JIT,
	IF_NO_BTF,
	ALWAYS,
};

#define ANY -1

static const struct advice {
	int err, cmd; /* ANY: each */
	int map_type; /* of BPF_MAP_CREATE; ANY: each */
	enum when when;
	uint32_t version;
	const char *text;
} table[] = {
	{EPERM, ANY, ANY, IF_NO_CAPS, 0,
	 "this process lacks the capabilities CAP_BPF and CAP_PERFMON that the kernel wants of "
	 "those who load programs: run it as root, or run the object on the engine"},
	{EPERM, ANY, ANY, IF_LOCKED, 0,
	 "the kernel is locked down (/sys/kernel/security/lockdown), which forbids this"},
	{EPERM, ANY, ANY, IF_ALLOWED, 0,
	 "the capabilities are there: a security module, a seccomp filter or the container "
	 "forbids bpf(2)"},
	{ENOSYS, ANY, ANY, ALWAYS, 0,
	 "the kernel was built without CONFIG_BPF_SYSCALL, or a seccomp filter hides bpf(2)"},
	{EINVAL, BPF_MAP_CREATE, BPF_MAP_TYPE_ARENA, IF_OLD, VERSION(6, 9),
	 "the kernel is too old: arenas are new in Linux 6.9"},
	{EOPNOTSUPP, BPF_MAP_CREATE, BPF_MAP_TYPE_ARENA, ALWAYS, 0,
	 "the kernel has no JIT compiler that can do arenas: x86-64 since 6.9, arm64 since 6.10"},
	{E2BIG, BPF_MAP_CREATE, ANY, IF_OLD, VERSION(6, 9),
	 "the kernel is too old: it does not know an attribute that this object needs"},
	{ENOTSUPP, BPF_PROG_LOAD, ANY, IF_NO_JIT, 0,
	 "the kernel's JIT compiler is off: sysctl net.core.bpf_jit_enable=1"},
	{EINVAL, BPF_PROG_LOAD, ANY, IF_NO_JIT, 0,
	 "the kernel's JIT compiler is off: sysctl net.core.bpf_jit_enable=1"},
	{EINVAL, BPF_PROG_LOAD, ANY, IF_NO_BTF, 0,
	 "the kernel was built without CONFIG_DEBUG_INFO_BTF: it cannot resolve kernel functions"},
};

static bool holds(const struct advice *a, const struct kernel_facts *f)
{
	switch (a->when) {
	case IF_NO_CAPS:
		return !f->may_bpf;
	case IF_LOCKED:
		return f->may_bpf && f->locked;
	case IF_ALLOWED:
		return f->may_bpf && !f->locked;
	case IF_OLD:
		return f->version < a->version;
	case IF_NO_JIT:
		return !f->jit;
	case IF_NO_BTF:
		return !f->has_btf;
	default:
		return true;
	}
}

const char *kernel_advice(const struct kernel_facts *f, int cmd, const union bpf_attr *attr,
			  long err)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		const struct advice *a = &table[i];

		if (a->err == -err && (a->cmd == ANY || a->cmd == cmd) &&
		    (a->map_type == ANY || (uint32_t)a->map_type == attr->map_type) && holds(a, f))
			return a->text;
	}
	return NULL;
}

const char *kernel_advise(const struct kernel *k, int cmd, const union bpf_attr *attr, long err)
{
	struct kernel_facts facts;

	if (strcmp(k->ops->name, "linux"))
		return NULL;
	kernel_facts_read(&facts);
	return kernel_advice(&facts, cmd, attr, err);
}
