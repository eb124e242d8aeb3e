/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the library asks of the operating system beyond the C library, one function per need.
 *
 * All return 0 (or a descriptor) or a negative errno and leave logging to the caller, who
 * knows what the failure means. Functions marked [signal] may be called from signal handlers:
 * they are plain system calls and touch nothing but errno.
 */
#ifndef UA_OS_OS_H
#define UA_OS_OS_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- Shared memory ---- */

/* A sealed (no shrink, no grow, no more seals), close-on-exec memfd of `size` bytes. Its number
 * is high, out of the way of hosts that close or reuse low ones. */
int os_memfd(const char *name, uint64_t size);
/* Duplicate with a high number, close-on-exec; the original stays open. */
int os_fd_dup_high(int fd);
/* Remove [off, off + len) from the file and from every mapping of it. [signal] */
int os_punch(int fd, uint64_t off, uint64_t len);
/* Give the file memory for [off, off + len). [signal] */
int os_fallocate(int fd, uint64_t off, uint64_t len);
/* True if any page of [off, off + len) holds data. [signal] */
bool os_has_data(int fd, uint64_t off, uint64_t len);
/* Start of the next data (hole = false) or hole at or after off, or -ENXIO. */
int64_t os_seek(int fd, uint64_t off, bool hole);

/* ---- Mappings; the mmap family without interposers. [signal] ---- */

/* Returns the address or a negative errno as a pointer: test with os_map_err(). */
void *os_mmap(void *addr, size_t len, int prot, int flags, int fd, uint64_t off);
int os_munmap(void *addr, size_t len);
int os_mprotect(void *addr, size_t len, int prot);
int os_madvise(void *addr, size_t len, int advice);
static inline int os_map_err(const void *p)
{
	return (uintptr_t)p > (uintptr_t)-4096 ? (int)(intptr_t)p : 0;
}
uint64_t os_max_maps(void); /* vm.max_map_count, or its default */

/* Guard markers (Linux 6.13, file mappings 6.15). -EINVAL where the kernel has none. [signal] */
int os_guard_install(void *addr, size_t len);
int os_guard_remove(void *addr, size_t len);

/* ---- userfaultfd ---- */

/*
 * A userfaultfd that turns missing shared-memory pages into SIGBUS. Tried in order: the system
 * call for user-mode faults only, the system call, /dev/userfaultfd. The error of the first
 * attempt if none works. High number, close-on-exec.
 */
int os_uffd_open(void);
int os_uffd_register(int uffd, void *addr, size_t len);	  /* [signal] */
int os_uffd_unregister(int uffd, void *addr, size_t len); /* [signal] */
/* Create zero pages over holes. *done: bytes done, also on failure. -EEXIST: the page at
 * addr + *done is there already; -ENOENT: the range is not registered any more. [signal] */
int os_uffd_zeropage(int uffd, void *addr, size_t len, size_t *done);

/* ---- A lock that signal handlers may take ---- */

/* Normal context must block signals while it holds the lock: os_lock()/os_unlock() do. Handlers
 * that run with all signals blocked use the _raw forms. */
struct os_lock {
	_Atomic uint32_t v; /* 0 free, 1 held, 2 held with waiters */
};
void os_lock_raw(struct os_lock *l);   /* [signal] */
void os_unlock_raw(struct os_lock *l); /* [signal] */
/* Blocks every signal while the lock is held; keep *saved for os_unlock(). */
void os_lock(struct os_lock *l, uint64_t *saved);
void os_unlock(struct os_lock *l, const uint64_t *saved);
void os_yield(void); /* [signal] */

/* ---- Signals ---- */

/* Replace the thread's signal mask, kernel form (bit n - 1 is signal n); old may be NULL. */
void os_sigmask_set(const uint64_t *mask, uint64_t *old); /* [signal] */
/* Queue a signal with full siginfo to the calling thread. */
int os_sigqueue_self(int sig, siginfo_t *info); /* [signal] */
/* Bytes a signal handler's stack needs at least on this CPU, frame included. */
size_t os_sigframe_size(void);
/* Where a handler that the kernel called returns to; 0 where that is not known. */
uintptr_t os_sigreturn_addr(int sig);

/* ---- Machine ---- */

bool os_node_online(int node); /* NUMA node; node 0 always is */
uint64_t os_now_ns(void);      /* monotonic */

#endif
