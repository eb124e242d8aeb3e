/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory: memfd, mappings, guard markers, userfaultfd. Contracts in os.h. */
#include "os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/userfaultfd.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif
#ifndef USERFAULTFD_IOC_NEW
#define USERFAULTFD_IOC_NEW _IO(0xAA, 0x00)
#endif
#define GUARD_INSTALL 102
#define GUARD_REMOVE 103

static int err_of(long ret)
{
	return ret < 0 ? -errno : 0;
}

/* -- Descriptors and files ------------------------------------------------ */

int os_fd_dup_high(int fd)
{
	struct rlimit rl = {.rlim_cur = 1024};
	int floor, high;

	(void)getrlimit(RLIMIT_NOFILE, &rl);
	floor = rl.rlim_cur > 2048 ? 1024 : (int)(rl.rlim_cur / 2);
	high = fcntl(fd, F_DUPFD_CLOEXEC, floor);
	if (high < 0 && errno != EBADF)
		high = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return high < 0 ? -errno : high;
}

static int move_high(int fd)
{
	int high = os_fd_dup_high(fd);

	close(fd);
	return high;
}

/* Growing a file past the limit is not just an error, it is a SIGXFSZ. */
static bool beyond_limit(uint64_t size)
{
	struct rlimit rl;

	return !getrlimit(RLIMIT_FSIZE, &rl) && rl.rlim_cur != RLIM_INFINITY && size > rl.rlim_cur;
}

int os_memfd(const char *name, uint64_t size)
{
	int fd, err;

	if (beyond_limit(size))
		return -EFBIG;
	fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)size) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)) {
		err = -errno;
		close(fd);
		return err;
	}
	return move_high(fd);
}

int os_punch(int fd, uint64_t off, uint64_t len)
{
	return err_of(syscall(SYS_fallocate, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			      (off_t)off, (off_t)len));
}

int os_fallocate(int fd, uint64_t off, uint64_t len)
{
	return err_of(syscall(SYS_fallocate, fd, 0, (off_t)off, (off_t)len));
}

int64_t os_seek(int fd, uint64_t off, bool hole)
{
	long pos = syscall(SYS_lseek, fd, (off_t)off, hole ? SEEK_HOLE : SEEK_DATA);

	return pos < 0 ? -errno : pos;
}

bool os_has_data(int fd, uint64_t off, uint64_t len)
{
	int64_t pos = os_seek(fd, off, false);

	return pos >= 0 && (uint64_t)pos < off + len;
}

/* -- Mappings ------------------------------------------------------------- */

void *os_mmap(void *addr, size_t len, int prot, int flags, int fd, uint64_t off)
{
	long p = syscall(SYS_mmap, addr, len, prot, flags, fd, (off_t)off);

	return (void *)(p == -1 ? (intptr_t)-errno : (intptr_t)p);
}

int os_munmap(void *addr, size_t len)
{
	return err_of(syscall(SYS_munmap, addr, len));
}

int os_mprotect(void *addr, size_t len, int prot)
{
	return err_of(syscall(SYS_mprotect, addr, len, prot));
}

int os_madvise(void *addr, size_t len, int advice)
{
	return err_of(syscall(SYS_madvise, addr, len, advice));
}

int os_guard_install(void *addr, size_t len)
{
	return os_madvise(addr, len, GUARD_INSTALL);
}

int os_guard_remove(void *addr, size_t len)
{
	return os_madvise(addr, len, GUARD_REMOVE);
}

uint64_t os_max_maps(void)
{
	FILE *f = fopen("/proc/sys/vm/max_map_count", "re");
	unsigned long n = 65530;

	if (!f)
		return n;
	if (fscanf(f, "%lu", &n) != 1)
		n = 65530;
	fclose(f);
	return n;
}

/* -- userfaultfd ---------------------------------------------------------- */

static int uffd_api(int fd)
{
	struct uffdio_api api = {
		.api = UFFD_API,
		.features = UFFD_FEATURE_SIGBUS | UFFD_FEATURE_MISSING_SHMEM,
	};

	return err_of(ioctl(fd, UFFDIO_API, &api));
}

/* Takes over fd (or the negative errno in it). */
static int uffd_finish(int fd)
{
	int err;

	if (fd < 0)
		return fd;
	err = uffd_api(fd);
	if (err) {
		close(fd);
		return err;
	}
	return move_high(fd);
}

static int uffd_syscall(int flags)
{
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | flags);

	return uffd_finish(fd < 0 ? -errno : fd);
}

static int uffd_device(void)
{
	int dev = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);
	int fd;

	if (dev < 0)
		return -errno;
	fd = ioctl(dev, USERFAULTFD_IOC_NEW, O_CLOEXEC | O_NONBLOCK);
	fd = fd < 0 ? -errno : fd;
	close(dev);
	return uffd_finish(fd);
}

int os_uffd_open(void)
{
	int first = uffd_syscall(UFFD_USER_MODE_ONLY);
	int fd = first;

	if (fd < 0)
		fd = uffd_syscall(0);
	if (fd < 0)
		fd = uffd_device();
	return fd < 0 ? first : fd;
}

int os_uffd_register(int uffd, void *addr, size_t len)
{
	struct uffdio_register reg = {
		.range = {.start = (uintptr_t)addr, .len = len},
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	return err_of(syscall(SYS_ioctl, uffd, UFFDIO_REGISTER, &reg));
}

int os_uffd_unregister(int uffd, void *addr, size_t len)
{
	struct uffdio_range range = {.start = (uintptr_t)addr, .len = len};

	return err_of(syscall(SYS_ioctl, uffd, UFFDIO_UNREGISTER, &range));
}

int os_uffd_zeropage(int uffd, void *addr, size_t len, size_t *done)
{
	*done = 0;
	while (*done < len) {
		struct uffdio_zeropage zp = {
			.range = {.start = (uintptr_t)addr + *done, .len = len - *done},
		};
		int err = err_of(syscall(SYS_ioctl, uffd, UFFDIO_ZEROPAGE, &zp));

		if (!err)
			zp.zeropage = (long long)zp.range.len;
		if (zp.zeropage > 0)
			*done += (size_t)zp.zeropage;
		if (err && err != -EAGAIN)
			return err;
	}
	return 0;
}
