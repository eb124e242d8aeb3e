/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine as an implementation of bpf(2): the command table, the rules for attribute sizes
 * (those of Linux 6.18), the engine's life.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "arena/fault.h"
#include "base/base.h"
#include "base/epoch.h"
#include "kernel/btf_obj.h"
#include "kernel/engine_priv.h"
#include "kernel/engine_stats.h"
#include "kernel/user.h"
#include "map/map.h"
#include "prog/struct_ops.h"
#include "prog/timer.h"
#include "sched/register.h"

/* -- Commands ------------------------------------------------------------------------ */

static const struct command {
	long (*fn)(struct engine_kernel *k, union bpf_attr *attr);
	uint32_t end; /* first byte behind the last field */
} commands[BPF_CMD_MAX] = {
#define ATTR_END(field) (offsetof(union bpf_attr, field) + sizeof(((union bpf_attr *)0)->field))
#define X(cmd, handler, last) [cmd] = {handler, ATTR_END(last)},
	ENGINE_CMDS(X)
#undef X
};

#define ATTR_SIZE_MAX 4096u

static bool all_zero(const void *p, size_t from, size_t to)
{
	const uint8_t *b = p;

	for (size_t i = from; i < to; i++)
		if (b[i])
			return false;
	return true;
}

static long engine_bpf(struct kernel *kernel, int cmd, union bpf_attr *attr, unsigned int size)
{
	struct engine_kernel *k = (struct engine_kernel *)kernel;
	size_t known = min_t(size_t, size, sizeof(union bpf_attr));
	union bpf_attr copy;
	long ret;

	UA_FAIL_IF(size > ATTR_SIZE_MAX, -E2BIG);
	UA_FAIL_IF(!all_zero(attr, known, size), -E2BIG);
	memset(&copy, 0, sizeof(copy));
	memcpy(&copy, attr, known);
	UA_FAIL_IF(cmd < 0 || cmd >= BPF_CMD_MAX || !commands[cmd].fn, -EINVAL);
	UA_FAIL_IF(!all_zero(&copy, commands[cmd].end, sizeof(copy)), -EINVAL);
	ret = commands[cmd].fn(k, &copy);
	memcpy(attr, &copy, known);
	return ret;
}

long cmd_pin(struct engine_kernel *k, union bpf_attr *attr)
{
	log_warn("uarena: the engine has no bpf file system: objects cannot be pinned\n");
	return -EOPNOTSUPP;
}

/* -- References ------------------------------------------------------------------------ */

static bool object_get(enum object_kind kind, void *ptr)
{
	switch (kind) {
	case OBJECT_MAP:
		return refs_get_live(&((struct map *)ptr)->refs);
	case OBJECT_PROG:
		return refs_get_live(&((struct prog *)ptr)->refs);
	case OBJECT_BTF:
		return refs_get_live(&((struct btf_obj *)ptr)->refs);
	case OBJECT_STATS:
		return refs_get_live(&((struct stats_user *)ptr)->refs);
	default:
		return struct_ops_link_get_live(ptr);
	}
}

static void object_own(enum object_kind kind, void *ptr, struct owner owner)
{
	switch (kind) {
	case OBJECT_MAP:
		((struct map *)ptr)->owner = owner;
		break;
	case OBJECT_PROG:
		((struct prog *)ptr)->owner = owner;
		break;
	case OBJECT_BTF:
		((struct btf_obj *)ptr)->owner = owner;
		break;
	case OBJECT_STATS:
		((struct stats_user *)ptr)->owner = owner;
		break;
	default:
		struct_ops_link_own(ptr, owner);
		break;
	}
}

static void object_put(enum object_kind kind, void *ptr)
{
	switch (kind) {
	case OBJECT_MAP:
		map_put(ptr);
		break;
	case OBJECT_PROG:
		prog_put(ptr);
		break;
	case OBJECT_BTF:
		btf_obj_put(ptr);
		break;
	case OBJECT_STATS:
		stats_user_put(ptr);
		break;
	default:
		struct_ops_link_put(ptr);
		break;
	}
}

static void object_opened(enum object_kind kind, void *ptr)
{
	if (kind == OBJECT_MAP)
		timer_map_opened(ptr);
}

static void object_closed(enum object_kind kind, void *ptr)
{
	if (kind != OBJECT_MAP)
		return;
	timer_map_closed(ptr);
	map_closed(ptr);
}

int engine_get_map(struct engine_kernel *k, uint32_t fd, struct map **out)
{
	return objects_get(&k->objects, (int)fd, OBJECT_MAP, (void **)out);
}

int engine_use_map(struct engine_kernel *k, uint32_t fd, bool read, bool write, struct map **out)
{
	int mode;

	UA_TRY(engine_get_map(k, fd, out));
	/* Count first: engine_freeze() looks at the count after it has set `frozen`. */
	if (write)
		atomic_fetch_add(&(*out)->writers, 1);
	mode = fcntl((int)fd, F_GETFL) & O_ACCMODE;
	if ((read && mode == O_WRONLY) ||
	    (write && (mode == O_RDONLY || atomic_load(&(*out)->frozen)))) {
		engine_unuse_map(*out, write);
		return -EPERM;
	}
	return 0;
}

void engine_unuse_map(struct map *map, bool write)
{
	if (write)
		atomic_fetch_sub(&map->writers, 1);
	map_put(map);
}

int engine_fd_mode(uint32_t map_flags)
{
	bool ro = map_flags & BPF_F_RDONLY, wo = map_flags & BPF_F_WRONLY;

	UA_FAIL_IF(ro && wo, -EINVAL);
	return ro ? O_RDONLY : wo ? O_WRONLY : O_RDWR;
}

int engine_get_prog(struct engine_kernel *k, uint32_t fd, struct prog **out)
{
	return objects_get(&k->objects, (int)fd, OBJECT_PROG, (void **)out);
}

static struct prog *prog_by_fd(void *dispatcher, int fd)
{
	struct prog *prog;

	return engine_get_prog(dispatcher, (uint32_t)fd, &prog) ? NULL : prog;
}

/* The table holds the reference: borrowed, as long as nobody closes the descriptor. */
struct map *kernel_engine_map(struct kernel *kernel, int fd)
{
	struct map *map;

	if (kernel->ops->bpf != engine_bpf ||
	    engine_get_map((struct engine_kernel *)kernel, (uint32_t)fd, &map))
		return NULL;
	map_put(map);
	return map;
}

struct prog *kernel_engine_prog(struct kernel *kernel, int fd)
{
	struct prog *prog;

	if (kernel->ops->bpf != engine_bpf ||
	    engine_get_prog((struct engine_kernel *)kernel, (uint32_t)fd, &prog))
		return NULL;
	prog_put(prog);
	return prog;
}

struct engine *kernel_engine(struct kernel *kernel)
{
	return kernel->ops->bpf == engine_bpf ? ((struct engine_kernel *)kernel)->engine : NULL;
}

/* -- Small services ----------------------------------------------------------------------- */

int engine_file(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	return fd >= 0 ? fd : -errno;
}

static int engine_close(struct kernel *kernel, int fd)
{
	return objects_close(&((struct engine_kernel *)kernel)->objects, fd);
}

static struct btf *engine_btf(struct kernel *kernel)
{
	return ((struct engine_kernel *)kernel)->engine->btf;
}

/* What arena programs ask of the kernel's configuration; the engine behaves like an x86-64
 * kernel of this version. */
#define KERNEL_VERSION(a, b, c) (((a) << 16) + ((b) << 8) + (c))
#define ENGINE_KERNEL_VERSION KERNEL_VERSION(7, 2, 0)

/*
 * How many CPUs the kernel was built for. Libraries size tables by it and refuse to work where
 * theirs is too small (arena spin locks: 1024), so it is no larger than it must be.
 */
static uint32_t config_nr_cpus(const struct engine *e)
{
	uint32_t n = 64;

	while (n < e->n_cpus)
		n *= 2;
	return n;
}

static int engine_kconfig(struct kernel *kernel, const char *name, uint64_t *val, const char **str)
{
	const struct engine_kernel *k = (struct engine_kernel *)kernel;
	const struct {
		const char *name;
		uint64_t val;
		const char *str;
	} known[] = {
		{"LINUX_KERNEL_VERSION", ENGINE_KERNEL_VERSION, NULL},
		{"LINUX_HAS_BPF_COOKIE", 1, NULL},
		{"LINUX_HAS_SYSCALL_WRAPPER", 1, NULL},
		{"CONFIG_HZ", 1000, NULL},
		{"CONFIG_NR_CPUS", config_nr_cpus(k->engine), NULL},
		{"CONFIG_SMP", 'y', NULL},
		{"CONFIG_X86_64", 'y', NULL},
		{"CONFIG_BPF", 'y', NULL},
		{"CONFIG_BPF_SYSCALL", 'y', NULL},
		{"CONFIG_BPF_JIT", 'y', NULL},
		{"CONFIG_SCHED_CLASS_EXT", 'y', NULL},
		{"CONFIG_CC_VERSION_TEXT", 0, "uarena"},
		{"CONFIG_LOCALVERSION", 0, ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (strcmp(known[i].name, name))
			continue;
		*val = known[i].val;
		*str = known[i].str;
		return 0;
	}
	return -ENOENT;
}

/* -- Life ----------------------------------------------------------------------------------- */

static void engine_kernel_free(struct kernel *kernel)
{
	struct engine_kernel *k = (struct engine_kernel *)kernel;

	engine_unmap_all(k);
	objects_close_all(&k->objects);
	epoch_drain();
	objects_free(&k->objects);
	engine_free(k->engine);
	mem_free(k);
}

static const struct kernel_ops engine_ops = {
	.name = "engine",
	.bpf = engine_bpf,
	.mmap = engine_mmap,
	.munmap = engine_munmap,
	.mmap_displaced = engine_mmap_displaced,
	.close = engine_close,
	.vmlinux_btf = engine_btf,
	.kconfig = engine_kconfig,
	.free = engine_kernel_free,
};

int kernel_engine_new(const struct ua_engine_opts *opts, struct kernel **out)
{
	struct engine_kernel *k;
	int err;

	UA_TRY(fault_install());
	UA_TRY(fault_thread_attach());
	k = mem_zalloc(sizeof(*k));
	UA_FAIL_IF(!k, -ENOMEM);
	err = engine_new(opts, &k->engine);
	if (err) {
		mem_free(k);
		return err;
	}
	err = sched_register(k->engine);
	if (err) {
		engine_free(k->engine);
		mem_free(k);
		return err;
	}
	k->base.ops = &engine_ops;
	k->engine->prog_by_fd = prog_by_fd;
	k->engine->dispatcher = k;
	objects_init(&k->objects);
	k->objects.get = object_get;
	k->objects.put = object_put;
	k->objects.own = object_own;
	k->objects.opened = object_opened;
	k->objects.closed = object_closed;
	pthread_mutex_init(&k->mem_lock, NULL);
	map_cpu_limit(k->engine->n_cpus);
	*out = &k->base;
	return 0;
}
