/* SPDX-License-Identifier: BSD-2-Clause */
/* The live side of the seam: bpf(2) of the running kernel. Needs CAP_BPF and CAP_PERFMON. */
#include "base/base.h"
#include "kernel/kernel.h"

#include <bpf/btf.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <zlib.h>

struct linux_kernel {
	struct kernel k;
	struct btf *btf; /* parsed when first asked for */
	bool btf_missing;
	char *config;	 /* text of the kernel's configuration, or NULL */
	char value[256]; /* the string last returned by kconfig */
};

static struct linux_kernel *of(struct kernel *k)
{
	return container_of(k, struct linux_kernel, k);
}

static long linux_bpf(struct kernel *k, int cmd, union bpf_attr *attr, unsigned int size)
{
	long ret = syscall(SYS_bpf, cmd, attr, size);

	return ret < 0 ? -errno : ret;
}

static void *linux_mmap(struct kernel *k, void *addr, size_t len, int prot, int flags, int fd,
			uint64_t off, int *err)
{
	void *got = mmap(addr, len, prot, flags, fd, off);

	*err = got == MAP_FAILED ? -errno : 0;
	return got == MAP_FAILED ? NULL : got;
}

static int linux_munmap(struct kernel *k, void *addr, size_t len)
{
	return munmap(addr, len) ? -errno : 0;
}

static int linux_close(struct kernel *k, int fd)
{
	return close(fd) ? -errno : 0;
}

static struct btf *linux_btf(struct kernel *k)
{
	struct linux_kernel *lk = of(k);

	if (!lk->btf && !lk->btf_missing) {
		lk->btf = btf__parse_raw("/sys/kernel/btf/vmlinux");
		lk->btf_missing = !lk->btf;
	}
	return lk->btf;
}

/* -- Configuration -------------------------------------------------------- */

static char *read_text(const char *path)
{
	gzFile f = gzopen(path, "rb"); /* reads plain files too */
	char *text = NULL;
	size_t cap = 0, n = 0;
	int got;

	if (!f)
		return NULL;
	do {
		if (UA_GROW(&text, &cap, n + 65536)) {
			mem_free(text);
			gzclose(f);
			return NULL;
		}
		got = gzread(f, text + n, cap - n - 1);
		n += got > 0 ? got : 0;
	} while (got > 0);
	text[n] = 0;
	gzclose(f);
	return text;
}

static const char *config_line(const struct linux_kernel *lk, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = lk->config; p && *p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL)
		if (!strncmp(p, name, n) && p[n] == '=')
			return p + n + 1;
	return NULL;
}

static int parse_config(struct linux_kernel *lk, const char *text, uint64_t *val, const char **str)
{
	char *end;

	if (*text == '"') {
		size_t n = strcspn(text + 1, "\"\n");

		snprintf(lk->value, sizeof(lk->value), "%.*s", (int)min_t(size_t, n, 255),
			 text + 1);
		*str = lk->value;
		return 0;
	}
	if ((*text == 'y' || *text == 'n' || *text == 'm') && (text[1] == '\n' || !text[1])) {
		*val = *text;
		return 0;
	}
	*val = strtoull(text, &end, 0);
	return end == text ? -EINVAL : 0;
}

static int linux_kconfig(struct kernel *k, const char *name, uint64_t *val, const char **str)
{
	struct linux_kernel *lk = of(k);
	unsigned int major, minor, patch = 0;
	struct utsname uts;
	const char *line;
	char path[128];

	UA_FAIL_IF(uname(&uts), -errno);
	if (!strcmp(name, "LINUX_KERNEL_VERSION")) {
		if (sscanf(uts.release, "%u.%u.%u", &major, &minor, &patch) < 2)
			return -EINVAL;
		*val = major << 16 | minor << 8 | min_t(unsigned int, patch, 255);
		return 0;
	}
	if (!lk->config) {
		snprintf(path, sizeof(path), "/boot/config-%s", uts.release);
		lk->config = read_text(path);
		if (!lk->config)
			lk->config = read_text("/proc/config.gz");
	}
	line = config_line(lk, name);
	return line ? parse_config(lk, line, val, str) : -ENOENT;
}

static void linux_free(struct kernel *k)
{
	struct linux_kernel *lk = of(k);

	btf__free(lk->btf);
	mem_free(lk->config);
	mem_free(lk);
}

static const struct kernel_ops linux_ops = {
	.name = "linux",
	.bpf = linux_bpf,
	.mmap = linux_mmap,
	.munmap = linux_munmap,
	.close = linux_close,
	.vmlinux_btf = linux_btf,
	.kconfig = linux_kconfig,
	.free = linux_free,
};

int kernel_linux_new(const struct ua_engine_opts *opts, struct kernel **out)
{
	struct linux_kernel *lk = mem_zalloc(sizeof(*lk));

	UA_FAIL_IF(!lk, -ENOMEM);
	lk->k.ops = &linux_ops;
	*out = &lk->k;
	return 0;
}
