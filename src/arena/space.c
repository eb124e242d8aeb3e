/* SPDX-License-Identifier: BSD-2-Clause */
/* The three ways of trapping holes: userfaultfd, guard markers, mprotect. Model in space.h. */
#include "arena/space.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/base.h"

#define PAGE ((size_t)ARENA_PAGE_SIZE)
#define ADVICE_POPULATE_READ 22
#define ADVICE_POPULATE_WRITE 23
#define CHUNK 512u /* pages that get their guard markers together: one page table */

static uint8_t *page_addr(const struct view *v, uint32_t page)
{
	return v->start + page * PAGE;
}

/* -- Budget: isolated accessible pages cost two mappings each -------------- */

/*
 * A process that runs out of mappings cannot even malloc any more, so the mprotect backend
 * keeps to a quarter of what the kernel grants, all arenas together.
 */
static atomic_long maps_used;
static atomic_long maps_max;

static long maps_budget(void)
{
	long max = atomic_load(&maps_max);

	if (!max) {
		max = (long)(os_max_maps() / 4);
		atomic_store(&maps_max, max);
	}
	return max;
}

static bool open_at(const struct view *v, int64_t page)
{
	return page >= 0 && page < v->n_pages && view_is_open(v, (uint32_t)page);
}

/* Runs of accessible pages in [first, first + n), not counting one that came from outside. */
static long runs_in(const struct view *v, uint32_t first, uint32_t n)
{
	long runs = 0;

	for (uint32_t p = first; p <= first + n; p++)
		runs += open_at(v, p) && !open_at(v, (int64_t)p - 1);
	return runs;
}

static void flags_set(struct view *v, uint32_t first, uint32_t n, uint8_t set, uint8_t clear)
{
	for (uint32_t p = first; p < first + n; p++) {
		if (clear)
			atomic_fetch_and(&v->flags[p], (uint8_t)~clear);
		if (set)
			atomic_fetch_or(&v->flags[p], set);
	}
}

/* Mark pages open or closed and account for the change in the number of mappings. */
static void account(struct view *v, uint32_t first, uint32_t n, bool open)
{
	long before = runs_in(v, first, n);

	flags_set(v, first, n, open ? VIEW_OPEN : 0, open ? 0 : VIEW_OPEN);
	atomic_fetch_add(&maps_used, 2 * (runs_in(v, first, n) - before));
}

/* -- Open and close ------------------------------------------------------- */

static int chunk_prepare(struct view *v, uint32_t chunk)
{
	uint32_t first = chunk * CHUNK;
	size_t len = min_t(uint32_t, CHUNK, v->n_pages - first) * PAGE;

	if (atomic_load(&v->flags[first]) & VIEW_CHUNK)
		return 0;
	UA_TRY(os_guard_install(page_addr(v, first), len));
	UA_TRY(os_mprotect(page_addr(v, first), len, v->prot));
	atomic_fetch_or(&v->flags[first], VIEW_CHUNK);
	return 0;
}

static int guard_open(struct view *v, uint32_t first, uint32_t n)
{
	for (uint32_t c = first / CHUNK; c <= (first + n - 1) / CHUNK; c++)
		UA_TRY(chunk_prepare(v, c));
	UA_TRY(os_guard_remove(page_addr(v, first), n * PAGE));
	flags_set(v, first, n, VIEW_OPEN, 0);
	return 0;
}

static int mprotect_open(struct view *v, uint32_t first, uint32_t n)
{
	UA_FAIL_IF(atomic_load(&maps_used) + 2 > maps_budget(), -ENOMEM);
	UA_TRY(os_mprotect(page_addr(v, first), n * PAGE, v->prot));
	account(v, first, n, true);
	return 0;
}

int view_open(struct view *v, uint32_t first, uint32_t n)
{
	if (!v->start || v->space->backend == ARENA_BACKEND_UFFD)
		return 0;
	return v->space->backend == ARENA_BACKEND_GUARD ? guard_open(v, first, n)
							: mprotect_open(v, first, n);
}

void view_close(struct view *v, uint32_t first, uint32_t n)
{
	if (!v->start || v->space->backend == ARENA_BACKEND_UFFD)
		return;
	if (v->space->backend == ARENA_BACKEND_MPROTECT) {
		os_mprotect(page_addr(v, first), n * PAGE, PROT_NONE);
		account(v, first, n, false);
		return;
	}
	for (uint32_t p = first; p < first + n; p++) {
		if (atomic_load(&v->flags[p / CHUNK * CHUNK]) & VIEW_CHUNK)
			os_guard_install(page_addr(v, p), PAGE);
	}
	flags_set(v, first, n, 0, VIEW_OPEN);
}

/* -- Mapping views -------------------------------------------------------- */

/* With the advice every mapping of the pages needs: not for forked children, whose copy would
 * not trap; no huge pages, which would fill neighbouring holes. */
static int map_pages(struct space *s, uint8_t *addr, size_t len, uint64_t off, int flags)
{
	void *p = os_mmap(addr, len, PROT_NONE, MAP_SHARED | MAP_NORESERVE | flags, s->fd, off);

	UA_TRY(os_map_err(p));
	if (p != addr) { /* kernels before 4.17 take MAP_FIXED_NOREPLACE as a hint */
		os_munmap(p, len);
		return -EEXIST;
	}
	os_madvise(addr, len, MADV_DONTFORK);
	os_madvise(addr, len, MADV_NOHUGEPAGE);
	return 0;
}

/* Register before the pages become accessible: nothing can slip in between, and mlockall()
 * does not populate the whole range. */
static int trap_and_allow(struct space *s, uint8_t *addr, size_t len, int prot)
{
	UA_TRY(os_uffd_register(s->uffd, addr, len));
	return os_mprotect(addr, len, prot);
}

int space_map_view(struct space *s, struct view *v, int map_flags)
{
	size_t len = v->n_pages * PAGE;
	int err;

	UA_TRY(map_pages(s, v->start, len, 0, map_flags));
	if (s->backend != ARENA_BACKEND_UFFD)
		return 0;
	err = trap_and_allow(s, v->start, len, v->prot);
	if (err)
		os_mmap(v->start, len, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
	return err;
}

int space_restore_page(struct space *s, struct view *v, uint32_t page)
{
	uint8_t *addr = page_addr(v, page);

	UA_TRY(map_pages(s, addr, PAGE, page * PAGE, MAP_FIXED));
	if (s->backend == ARENA_BACKEND_UFFD)
		return trap_and_allow(s, addr, PAGE, v->prot);
	if (s->backend == ARENA_BACKEND_MPROTECT) {
		account(v, page, 1, false);
		return 0;
	}
	flags_set(v, page, 1, 0, VIEW_OPEN);
	if (!(atomic_load(&v->flags[page / CHUNK * CHUNK]) & VIEW_CHUNK))
		return 0;
	UA_TRY(os_guard_install(addr, PAGE));
	return os_mprotect(addr, PAGE, v->prot);
}

/* -- Memory --------------------------------------------------------------- */

/* Touch the pages now, so that a lack of memory shows here; the views' no-huge-page advice holds,
 * which fallocate() would not respect. */
static int touch_pages(struct space *s, struct view *via, uint32_t first, uint32_t n)
{
	int advice = via->prot & PROT_WRITE ? ADVICE_POPULATE_WRITE : ADVICE_POPULATE_READ;
	int err = os_madvise(page_addr(via, first), n * PAGE, advice);

	return err == -EINVAL ? os_fallocate(s->fd, first * PAGE, n * PAGE) : err;
}

static int populate_file(struct space *s, struct view *via, uint32_t first, uint32_t n,
			 uint32_t *done)
{
	int64_t data = os_seek(s->fd, first * PAGE, false);
	uint32_t room = n;
	uint64_t saved;
	int err;

	if (data >= 0 && (uint64_t)data / PAGE < (uint64_t)first + n)
		room = (uint32_t)((uint64_t)data / PAGE) - first;
	UA_FAIL_IF(!room, -EEXIST);
	os_lock(&s->map_lock, &saved);
	err = view_open(via, first, room);
	os_unlock(&s->map_lock, &saved);
	UA_TRY(err);
	UA_TRY(touch_pages(s, via, first, room));
	*done = room;
	return room == n ? 0 : -EEXIST;
}

int space_populate(struct space *s, struct view *via, uint32_t first, uint32_t n, uint32_t *done)
{
	size_t bytes = 0;
	int err;

	*done = 0;
	if (s->backend != ARENA_BACKEND_UFFD)
		return populate_file(s, via, first, n, done);
	err = os_uffd_zeropage(s->uffd, page_addr(via, first), n * PAGE, &bytes);
	*done = (uint32_t)(bytes / PAGE);
	return err;
}

static void close_views(struct space *s, uint32_t first, uint32_t n)
{
	uint64_t saved;

	os_lock(&s->map_lock, &saved);
	view_close(&s->window, first, n);
	view_close(&s->user, first, n);
	os_unlock(&s->map_lock, &saved);
}

/* Chunks that were never opened are out of reach anyway, and must stay so. */
static void fence(struct view *v, uint32_t first, uint32_t n, bool up)
{
	uint32_t end = first + n, stop;

	for (; v->start && first < end; first = stop) {
		stop = min_t(uint32_t, end, (first / CHUNK + 1) * CHUNK);
		if (atomic_load(&v->flags[first / CHUNK * CHUNK]) & VIEW_CHUNK)
			os_mprotect(page_addr(v, first), (stop - first) * PAGE,
				    up ? PROT_NONE : v->prot);
	}
}

/* Punching drops guard markers on its way, so something else has to keep accesses out. */
static int withdraw_fenced(struct space *s, uint32_t first, uint32_t n)
{
	struct view *views[] = {&s->window, &s->user};
	uint64_t saved;
	int err;

	os_lock(&s->map_lock, &saved);
	for (int i = 0; i < 2; i++)
		fence(views[i], first, n, true);
	err = os_punch(s->fd, first * PAGE, n * PAGE);
	for (int i = 0; i < 2; i++) {
		view_close(views[i], first, n);
		fence(views[i], first, n, false);
	}
	os_unlock(&s->map_lock, &saved);
	return err;
}

int space_withdraw(struct space *s, uint32_t first, uint32_t n)
{
	if (s->backend == ARENA_BACKEND_GUARD)
		return withdraw_fenced(s, first, n);
	if (s->backend == ARENA_BACKEND_MPROTECT)
		close_views(s, first, n);
	return os_punch(s->fd, first * PAGE, n * PAGE);
}

bool space_intact(struct space *s)
{
	struct stat st;

	if (atomic_load(&s->broken))
		return false;
	if (!fstat(s->fd, &st) && st.st_ino == s->ino)
		return true;
	atomic_store(&s->broken, true);
	log_warn("arena: its descriptors were closed by the process (daemon(), close_range()?); "
		 "no page can be allocated or freed any more\n");
	return false;
}

/* -- Choosing ------------------------------------------------------------- */

/* Does `try` succeed on one unused page of the file? */
static int probe(struct space *s, int (*try)(struct space *s, void *page))
{
	void *p = os_mmap(NULL, PAGE, PROT_NONE, MAP_SHARED, s->fd, 0);
	int err = os_map_err(p);

	if (err)
		return err;
	err = try(s, p);
	os_munmap(p, PAGE);
	return err;
}

static int try_register(struct space *s, void *page)
{
	return os_uffd_register(s->uffd, page, PAGE);
}

static int try_guard(struct space *s, void *page)
{
	return os_guard_install(page, PAGE);
}

static int open_uffd(struct space *s)
{
	int err;

	s->uffd = os_uffd_open();
	if (s->uffd < 0)
		return s->uffd;
	err = probe(s, try_register);
	if (err) {
		close(s->uffd);
		s->uffd = -1;
	}
	return err;
}

static int open_one(struct space *s, enum arena_backend b)
{
	s->uffd = -1;
	s->backend = b;
	switch (b) {
	case ARENA_BACKEND_UFFD:
		return open_uffd(s);
	case ARENA_BACKEND_GUARD:
		return probe(s, try_guard);
	case ARENA_BACKEND_MPROTECT:
		maps_budget();
		return 0;
	default:
		return -EINVAL;
	}
}

int space_open_backend(struct space *s, enum arena_backend want)
{
	static const char *const names[] = {"any", "userfaultfd", "guard markers", "mprotect"};
	int err = -EINVAL;

	if (want > ARENA_BACKEND_MPROTECT)
		return -EINVAL;
	for (enum arena_backend b = ARENA_BACKEND_UFFD; b <= ARENA_BACKEND_MPROTECT; b++) {
		if (want != ARENA_BACKEND_AUTO && want != b)
			continue;
		err = open_one(s, b);
		if (!err)
			return 0;
		log_debug("arena: no %s here: %s\n", names[b], strerror(-err));
	}
	log_warn("arena: cannot trap holes with %s: %s\n", names[want], strerror(-err));
	return -EOPNOTSUPP;
}
