/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mapping an arena, what a mapping allows, and what touching it does. Each case has a process
 * with a side of its own, since some end in a signal.
 */
#include "surface.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define AT 0x210000000000ull
#define PAGE 4096ull
#define PAGES 8
#define RW (PROT_READ | PROT_WRITE)
#define SIGNAL(n) (1000 + (n)) /* how a process that a signal ended counts */
#define SHARED MAP_SHARED
#define FIXED (MAP_SHARED | MAP_FIXED_NOREPLACE)

static int arena_new(struct kernel *k, uint64_t at, uint32_t flags)
{
	union bpf_attr attr = {.map_type = BPF_MAP_TYPE_ARENA,
			       .max_entries = PAGES,
			       .map_flags = BPF_F_MMAPABLE | flags,
			       .map_extra = at};

	return (int)kernel_bpf(k, BPF_MAP_CREATE, &attr, sizeof(attr));
}

/* -- Processes -------------------------------------------------------------------- */

/* What fn returned in a process with a fresh side, or which signal ended it. */
static long elsewhere(const struct surface *s, long (*fn)(struct kernel *k, const void *arg),
		      const void *arg)
{
	int ends[2], status;
	long ret = -EIO;
	pid_t pid;

	fflush(NULL);
	if (pipe(ends))
		return -errno;
	pid = fork();
	if (!pid) {
		struct kernel *k;

		ret = s->is_linux ? kernel_linux_new(NULL, &k) : kernel_engine_new(NULL, &k);
		if (!ret)
			ret = fn(k, arg);
		_exit(write(ends[1], &ret, sizeof(ret)) != sizeof(ret));
	}
	close(ends[1]);
	if (read(ends[0], &ret, sizeof(ret)) != sizeof(ret))
		ret = -EIO;
	close(ends[0]);
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) ? SIGNAL(WTERMSIG(status)) : ret;
}

/* -- Mapping ------------------------------------------------------------------------ */

static const struct mapping {
	const char *name;
	uint64_t extra, addr; /* of the arena, of the mapping */
	uint32_t flags;
	size_t pages;
	int prot, how;
	uint64_t off;
	long want; /* 0: mapped where the arena is to be */
} mappings[] = {
	{"where it is to be", AT, AT, 0, PAGES, RW, FIXED, 0, 0},
	{"anywhere", AT, 0, 0, PAGES, RW, SHARED, 0, -EINVAL},
	{"with a hint at its place", AT, AT, 0, PAGES, RW, SHARED, 0, 0},
	{"with a hint elsewhere", AT, AT + (1 << 24), 0, PAGES, RW, SHARED, 0, -EINVAL},
	{"elsewhere by force", AT, AT + (1 << 24), 0, PAGES, RW, FIXED, 0, -EINVAL},
	{"shorter", AT, AT, 0, PAGES - 1, RW, SHARED, 0, -EINVAL},
	{"shorter by force", AT, AT, 0, PAGES - 1, RW, FIXED, 0, -EINVAL},
	{"longer", AT, AT, 0, PAGES + 1, RW, SHARED, 0, -E2BIG},
	{"longer by force", AT, AT, 0, PAGES + 1, RW, FIXED, 0, -E2BIG},
	{"from its second page", AT, AT, 0, PAGES - 1, RW, SHARED, PAGE, -EINVAL},
	{"private", AT, AT, 0, PAGES, RW, MAP_PRIVATE, 0, -EINVAL},
	{"read-only", AT, AT, 0, PAGES, PROT_READ, SHARED, 0, 0},
	{"executable", AT, AT, 0, PAGES, RW | PROT_EXEC, SHARED, 0, -EPERM},
	{"populated", AT, AT, 0, PAGES, RW, SHARED | MAP_POPULATE, 0, 0},
	{"not to be touched", AT, AT, BPF_F_SEGV_ON_FAULT, PAGES, RW, SHARED, 0, 0},
	{"without a place of its own", 0, 0, 0, PAGES, RW, SHARED, 0, 0},
	{"without a place, by force", 0, AT, 0, PAGES, RW, FIXED, 0, 0},
	{"without a place, from its second page", 0, 0, 0, PAGES, RW, SHARED, PAGE, -EINVAL},
	{"without a place, longer", 0, 0, 0, PAGES + 1, RW, SHARED, 0, 0},
};

static long map(struct kernel *k, int fd, const struct mapping *m, void **at)
{
	int err = 0;

	*at = k->ops->mmap(k, (void *)m->addr, m->pages * PAGE, m->prot, m->how, fd, m->off, &err);
	return err;
}

static long try_mapping(struct kernel *k, const void *arg)
{
	const struct mapping *m = arg;
	int fd = arena_new(k, m->extra, m->flags);
	void *at;
	long err = fd < 0 ? fd : map(k, fd, m, &at);

	return err ? err : m->extra && at != (void *)m->extra ? 1 : 0;
}

/* -- What a mapping allows -------------------------------------------------------------- */

static long map_at(struct kernel *k, uint32_t flags, uint8_t **at)
{
	int fd = arena_new(k, AT, flags), err = 0;

	UA_FAIL_IF(fd < 0, fd);
	*at = k->ops->mmap(k, (void *)AT, PAGES * PAGE, RW, FIXED, fd, 0, &err);
	return err;
}

static long read_hole(struct kernel *k, const void *arg)
{
	uint8_t *at;
	long err = map_at(k, 0, &at);

	return err ? err : *(volatile uint8_t *)(at + 3 * PAGE);
}

static long write_hole(struct kernel *k, const void *arg)
{
	volatile uint8_t *at;
	long err = map_at(k, 0, (uint8_t **)&at);

	if (err)
		return err;
	at[3 * PAGE + 5] = 9;
	return at[3 * PAGE + 5] + at[3 * PAGE + 4];
}

static long touch_forbidden(struct kernel *k, const void *arg)
{
	uint8_t *at;
	long err = map_at(k, BPF_F_SEGV_ON_FAULT, &at);

	return err ? err : *(volatile uint8_t *)(at + 3 * PAGE);
}

static long write_read_only(struct kernel *k, const void *arg)
{
	int fd = arena_new(k, AT, 0), err = 0;
	volatile uint8_t *at =
		k->ops->mmap(k, (void *)AT, PAGES * PAGE, PROT_READ, FIXED, fd, 0, &err);

	if (err)
		return err;
	at[0] = 1;
	return 0;
}

static long touch_unmapped(struct kernel *k, const void *arg)
{
	uint8_t *at;
	long err = map_at(k, 0, &at);

	if (!err)
		err = k->ops->munmap(k, at, PAGES * PAGE);
	return err ? err : *(volatile uint8_t *)at;
}

static long map_twice(struct kernel *k, const void *arg)
{
	int fd = arena_new(k, AT, 0), err = 0;

	k->ops->mmap(k, (void *)AT, PAGES * PAGE, RW, FIXED, fd, 0, &err);
	if (!err)
		k->ops->mmap(k, (void *)AT, PAGES * PAGE, RW, FIXED, fd, 0, &err);
	return err;
}

static long map_again(struct kernel *k, const void *arg)
{
	int fd = arena_new(k, AT, 0), err = 0;
	volatile uint8_t *at = k->ops->mmap(k, (void *)AT, PAGES * PAGE, RW, FIXED, fd, 0, &err);

	if (err)
		return err;
	at[2 * PAGE] = 77;
	err = k->ops->munmap(k, (void *)AT, PAGES * PAGE);
	if (!err)
		at = k->ops->mmap(k, (void *)AT, PAGES * PAGE, RW, FIXED, fd, 0, &err);
	return err ? err : at[2 * PAGE]; /* what was written is still there */
}

static long see_in_child(struct kernel *k, const void *arg)
{
	volatile uint8_t *at;
	long err = map_at(k, 0, (uint8_t **)&at);
	int status = 0;
	pid_t pid;

	if (err)
		return err;
	at[0] = 5;
	pid = fork();
	if (!pid)
		_exit(at[0] + (at[PAGE] = 6)); /* a page of the parent's and a hole */
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) ? SIGNAL(WTERMSIG(status))
				   : WEXITSTATUS(status) * 100 + at[PAGE];
}

static long close_descriptor(struct kernel *k, const void *arg)
{
	int fd = arena_new(k, AT, 0), err = 0;
	volatile uint8_t *at = k->ops->mmap(k, (void *)AT, PAGES * PAGE, RW, FIXED, fd, 0, &err);

	if (err)
		return err;
	at[0] = 3;
	k->ops->close(k, fd);
	return at[0] + at[PAGE]; /* the mapping keeps the arena */
}

static long map_closed(struct kernel *k, const void *arg)
{
	int fd = arena_new(k, AT, 0), err = 0;

	k->ops->close(k, fd);
	k->ops->mmap(k, (void *)AT, PAGES * PAGE, RW, FIXED, fd, 0, &err);
	return err;
}

static long freeze_arena(struct kernel *k, const void *arg)
{
	union bpf_attr attr = {.map_fd = (uint32_t)arena_new(k, AT, 0)};

	return kernel_bpf(k, BPF_MAP_FREEZE, &attr, sizeof(attr));
}

static long map_frozen(struct kernel *k, const void *arg)
{
	int fd = arena_new(k, AT, 0), err = 0;
	union bpf_attr attr = {.map_fd = (uint32_t)fd};
	long ret = kernel_bpf(k, BPF_MAP_FREEZE, &attr, sizeof(attr));

	k->ops->mmap(k, (void *)AT, PAGES * PAGE, RW, FIXED, fd, 0, &err);
	return ret ? ret : err;
}

static long freeze_mapped(struct kernel *k, const void *arg)
{
	int fd = arena_new(k, AT, 0), err = 0;
	union bpf_attr attr = {.map_fd = (uint32_t)fd};

	k->ops->mmap(k, (void *)AT, PAGES * PAGE, RW, FIXED, fd, 0, &err);
	return err ? err : kernel_bpf(k, BPF_MAP_FREEZE, &attr, sizeof(attr));
}

static long unmap_part(struct kernel *k, const void *arg)
{
	uint8_t *at;
	long err = map_at(k, 0, &at);

	return err ? err : k->ops->munmap(k, at, PAGE);
}

static long protect_part(struct kernel *k, const void *arg)
{
	uint8_t *at;
	long err = map_at(k, 0, &at);

	return err ? err : mprotect(at, PAGE, PROT_READ) ? -errno : 0;
}

static long protect_all(struct kernel *k, const void *arg)
{
	uint8_t *at;
	long err = map_at(k, 0, &at);

	return err ? err : mprotect(at, PAGES * PAGE, PROT_READ) ? -errno : at[0];
}

static long move(struct kernel *k, const void *arg)
{
	uint8_t *at;
	long err = map_at(k, 0, &at);

	if (err)
		return err;
	return mremap(at, PAGES * PAGE, PAGES * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		      at + (1 << 24)) == MAP_FAILED
		       ? -errno
		       : 0;
}

static long grow(struct kernel *k, const void *arg)
{
	uint8_t *at;
	long err = map_at(k, 0, &at);

	if (err)
		return err;
	return mremap(at, PAGES * PAGE, 2 * PAGES * PAGE, MREMAP_MAYMOVE) == MAP_FAILED ? -errno
											: 0;
}

static const char past_the_seam[] = "an ordinary mapping, and the calls do not pass the engine";

static const struct {
	const char *name;
	long (*fn)(struct kernel *k, const void *arg);
	long want;
	struct differs differs;
} uses[] = {
	{"reading a hole", read_hole, 0},
	{"writing to a hole", write_hole, 9},
	{"reading a hole of an arena with BPF_F_SEGV_ON_FAULT", touch_forbidden, SIGNAL(11)},
	{"writing through a read-only mapping", write_read_only, SIGNAL(11)},
	{"touching what was unmapped", touch_unmapped, SIGNAL(11)},
	{"mapping it twice", map_twice, -EEXIST},
	{"mapping it again after unmapping", map_again, 77},
	{"using it in a child", see_in_child, SIGNAL(11)} /* which does not get the mapping */,
	{"using it after closing its descriptor", close_descriptor, 3},
	{"mapping a closed descriptor", map_closed, -EBADF},
	{"freezing", freeze_arena, 0},
	{"mapping a frozen one", map_frozen, -EPERM},
	{"freezing a mapped one", freeze_mapped, -EBUSY},
	{"unmapping a part", unmap_part, -EINVAL},
	{"protecting a part", protect_part, 0, {-EINVAL, past_the_seam}},
	{"protecting all", protect_all, 0},
	{"moving the mapping", move, 0, {-EINVAL, past_the_seam}},
	{"growing the mapping", grow, 0, {-EFAULT, past_the_seam}},
};

void surface_arena(struct surface *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(mappings); i++)
		SURFACE_CHECK(s, elsewhere(s, try_mapping, &mappings[i]), mappings[i].want,
			      "arena mapped %s", mappings[i].name);
	for (size_t i = 0; i < ARRAY_SIZE(uses); i++)
		SURFACE_CHECK(s, elsewhere(s, uses[i].fn, NULL),
			      surface_expect(s, (int)uses[i].want, uses[i].differs), "arena: %s",
			      uses[i].name);
}
