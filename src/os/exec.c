/* SPDX-License-Identifier: BSD-2-Clause */
/* Executable memory; how it stays unwritable is told in exec.h. */
#include "os/exec.h"
#include "base/base.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#define REGION_SIZE (1u << 20)
#define REGION_GRANULES (REGION_SIZE / EXEC_ALIGN)
#define PAGE 4096u
#define TRAP 0xcc /* int3 */

struct region {
	struct region *next;
	uint8_t *base;
	uint32_t used; /* granules */
	uint8_t taken[REGION_GRANULES / 8];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct region *regions;
static atomic_bool force_pages;

void exec_force_pages(bool on)
{
	atomic_store(&force_pages, on);
}

/* -- Mapping -------------------------------------------------------------- */

/* Addresses below the text are tried first: above a position-dependent program its heap grows. */
static void *map_near(size_t size, int prot)
{
	uintptr_t text = (uintptr_t)&exec_alloc & ~(uintptr_t)(REGION_SIZE - 1);
	void *p;

	for (uintptr_t k = 16; k <= 1024; k *= 2) {
		uintptr_t at = text - k * REGION_SIZE - size;

		if (at > text)
			break;
		p = mmap((void *)at, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
			 -1, 0);
		if (p == (void *)at)
			return p;
		if (p != MAP_FAILED)
			munmap(p, size);
	}
	p = mmap(NULL, size, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return p == MAP_FAILED ? NULL : p;
}

/* The file is opened per write: a descriptor kept across fork would name the parent's memory. */
static int write_through(void *dst, const void *src, size_t size)
{
	int fd = atomic_load(&force_pages) ? -1 : open("/proc/self/mem", O_WRONLY | O_CLOEXEC);
	size_t done = 0;

	if (fd < 0)
		return -EACCES;
	while (done < size) {
		ssize_t n = pwrite(fd, (const char *)src + done, size - done,
				   (off_t)((uintptr_t)dst + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	close(fd);
	return done == size ? 0 : -EACCES;
}

static void fill_traps(uint8_t *base, size_t size)
{
	uint8_t traps[PAGE];

	memset(traps, TRAP, sizeof(traps));
	for (size_t at = 0; at < size; at += sizeof(traps))
		write_through(base + at, traps, min_t(size_t, size - at, sizeof(traps)));
}

/* Decided by trying, once: may code be placed in memory that is not writable? */
static bool can_write_through(void)
{
	static atomic_int known; /* 0 not tried, 1 yes, 2 no */
	int state = atomic_load(&known);

	if (!state) {
		uint8_t *probe =
			mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		state = 2;
		if (probe != MAP_FAILED) {
			if (!write_through(probe, "x", 1) && *(volatile uint8_t *)probe == 'x')
				state = 1;
			munmap(probe, PAGE);
		}
		atomic_store(&known, state);
	}
	return state == 1 && !atomic_load(&force_pages);
}

/* -- Packed blocks -------------------------------------------------------- */

static bool is_taken(const struct region *r, uint32_t g)
{
	return r->taken[g / 8] >> (g % 8) & 1;
}

static void mark(struct region *r, uint32_t first, uint32_t n, bool taken)
{
	for (uint32_t g = first; g < first + n; g++) {
		ua_assert(is_taken(r, g) != taken);
		r->taken[g / 8] ^= (uint8_t)(1u << (g % 8));
	}
	r->used = taken ? r->used + n : r->used - n;
}

static int64_t find_run(const struct region *r, uint32_t n)
{
	uint32_t run = 0;

	if (REGION_GRANULES - r->used < n)
		return -1;
	for (uint32_t g = 0; g < REGION_GRANULES; g++) {
		run = is_taken(r, g) ? 0 : run + 1;
		if (run == n)
			return g - n + 1;
	}
	return -1;
}

static struct region *region_new(void)
{
	struct region *r = mem_zalloc(sizeof(*r));

	if (!r)
		return NULL;
	r->base = map_near(REGION_SIZE, PROT_READ | PROT_EXEC);
	if (!r->base) {
		mem_free(r);
		return NULL;
	}
	r->next = regions;
	regions = r;
	return r;
}

static void *packed_alloc(uint32_t n)
{
	struct region *r;
	int64_t at = -1;

	for (r = regions; r; r = r->next) {
		at = find_run(r, n);
		if (at >= 0)
			break;
	}
	if (!r) {
		r = region_new();
		at = 0;
	}
	if (!r)
		return NULL;
	mark(r, (uint32_t)at, n, true);
	return r->base + at * EXEC_ALIGN;
}

static struct region *region_of(const void *block)
{
	struct region *r = regions;

	while (r && (uintptr_t)block - (uintptr_t)r->base >= REGION_SIZE)
		r = r->next;
	return r;
}

/* -- Interface ------------------------------------------------------------ */

static size_t round_up(size_t size, size_t to)
{
	return (size + to - 1) & ~(to - 1);
}

void *exec_alloc(size_t size)
{
	void *p;

	if (!size || size > SIZE_MAX / 2)
		return NULL;
	if (!can_write_through() || size > REGION_SIZE)
		return map_near(round_up(size, PAGE), PROT_READ | PROT_WRITE);
	pthread_mutex_lock(&lock);
	p = packed_alloc((uint32_t)(round_up(size, EXEC_ALIGN) / EXEC_ALIGN));
	pthread_mutex_unlock(&lock);
	return p;
}

static struct region *region_of_locked(const void *block)
{
	struct region *r;

	pthread_mutex_lock(&lock);
	r = region_of(block);
	pthread_mutex_unlock(&lock);
	return r;
}

int exec_write(void *block, const void *code, size_t size)
{
	size_t whole;
	uint8_t *padded;
	int err;

	if (!region_of_locked(block)) {
		memcpy(block, code, size);
		__builtin___clear_cache(block, (char *)block + size);
		UA_FAIL_IF(mprotect(block, round_up(size, PAGE), PROT_READ | PROT_EXEC), -EACCES);
		return 0;
	}
	whole = round_up(size, EXEC_ALIGN);
	padded = mem_alloc(whole);
	UA_FAIL_IF(!padded, -ENOMEM);
	memcpy(padded, code, size);
	memset(padded + size, TRAP, whole - size);
	err = write_through(block, padded, whole);
	__builtin___clear_cache(block, (char *)block + whole);
	mem_free(padded);
	return err;
}

void exec_free(void *block, size_t size)
{
	struct region *r;

	if (!block)
		return;
	r = region_of_locked(block);
	if (!r) {
		munmap(block, round_up(size, PAGE));
		return;
	}
	size = round_up(size, EXEC_ALIGN);
	fill_traps(block, size);
	pthread_mutex_lock(&lock);
	mark(r, (uint32_t)(((uint8_t *)block - r->base) / EXEC_ALIGN),
	     (uint32_t)(size / EXEC_ALIGN), false);
	pthread_mutex_unlock(&lock);
}
