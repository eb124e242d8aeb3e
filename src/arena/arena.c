/* SPDX-License-Identifier: BSD-2-Clause */
/* Creating an arena, mapping it into this process, taking it down. */
#include "arena/priv.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "abi/bpf.h"
#include "arena/fault.h"
#include "base/base.h"

#define PAGE ((uint64_t)ARENA_PAGE_SIZE)
#define ARENA_FLAGS (BPF_F_MMAPABLE | BPF_F_SEGV_ON_FAULT | BPF_F_NO_USER_CONV)
#define MIN_SCRATCH_MAX 16 /* one instruction can touch several pages, and threads compete */

static bool crosses_4g(uint64_t start, uint64_t len)
{
	return start >> 32 != (start + len - 1) >> 32;
}

/* -- Marks of the handler ------------------------------------------------- */

static uint64_t take_bits(_Atomic uint64_t *word)
{
	return atomic_load(word) ? atomic_exchange(word, 0) : 0;
}

/* Clears from the top down: a mark set meanwhile sets the upper bits again. One leaf at a time
 * is emptied; what is left of it is put back. */
bool dirty_take(struct shared *sh, uint32_t *page)
{
	for (uint32_t t = 0; t < DIRTY_TOPS; t++) {
		uint64_t top = take_bits(&sh->dirty_top[t]);

		while (top) {
			uint32_t s = t * 64 + (uint32_t)__builtin_ctzll(top);
			uint64_t sum = take_bits(&sh->dirty_sum[s]);

			while (sum) {
				uint32_t l = s * 64 + (uint32_t)__builtin_ctzll(sum);
				uint64_t leaf = take_bits(&sh->dirty_leaf[l]);

				if (leaf) {
					*page = l * 64 + (uint32_t)__builtin_ctzll(leaf);
					atomic_fetch_or(&sh->dirty_leaf[l], leaf & (leaf - 1));
					atomic_fetch_or(&sh->dirty_sum[s], sum);
					atomic_fetch_or(&sh->dirty_top[t], top);
					return true;
				}
				sum &= sum - 1;
			}
			top &= top - 1;
		}
	}
	return false;
}

/* -- Creation ------------------------------------------------------------- */

static int check_opts(const struct arena_opts *o)
{
	UA_FAIL_IF(!o->max_entries, -EINVAL);
	UA_FAIL_IF(!(o->map_flags & BPF_F_MMAPABLE), -EINVAL);
	UA_FAIL_IF(o->map_flags & ~ARENA_FLAGS, -EINVAL);
	UA_FAIL_IF(o->map_extra % PAGE, -EINVAL);
	UA_FAIL_IF(o->max_entries > MAX_PAGES, -E2BIG);
	UA_FAIL_IF(crosses_4g(o->map_extra, o->max_entries * PAGE), -ERANGE);
	return 0;
}

static int open_file(struct arena *a)
{
	struct space *s = &a->space;
	struct stat st;
	void *p;

	s->fd = os_memfd("uarena", SHARED_OFFSET + shared_size(MAX_PAGES));
	if (s->fd < 0) {
		log_warn("arena: cannot create a 4 GiB memfd: %s\n", strerror(-s->fd));
		return -ENOMEM;
	}
	UA_FAIL_IF(fstat(s->fd, &st), -errno);
	s->ino = st.st_ino;
	p = os_mmap(NULL, shared_size(MAX_PAGES), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_NORESERVE, s->fd, SHARED_OFFSET);
	UA_FAIL_IF(os_map_err(p), -ENOMEM);
	os_madvise(p, shared_size(MAX_PAGES), MADV_DONTFORK);
	s->shared = p;
	s->shared->head = (struct shared_header){
		.magic = SHARED_MAGIC,
		.version = SHARED_VERSION,
		.page_size = ARENA_PAGE_SIZE,
		.map_flags = s->map_flags,
		.n_states = MAX_PAGES,
	};
	return 0;
}

/* Lock held. The place of the user view decides where in the window the pages are. */
static int set_layout(struct arena *a, uint64_t start, uint64_t len)
{
	struct space *s = &a->space;
	uint32_t n = (uint32_t)(len / PAGE);
	uint32_t usable = min_t(uint64_t, n, a->max_entries);
	bool null_page = a->null_guard && !(uint32_t)start;

	a->first_window = (uint32_t)start / ARENA_PAGE_SIZE;
	s->window.n_pages = n;
	UA_TRY(window_show(a));
	UA_TRY(range_add(&a->free, null_page, usable - null_page));
	if (null_page)
		atomic_store(&s->shared->state[0], PAGE_GUARD);
	atomic_store(&a->user_end, start + len);
	atomic_store(&a->user_start, start);
	atomic_store(&s->shared->head.user_size, len);
	atomic_store(&s->shared->head.user_start, start);
	atomic_store_explicit(&s->n_pages, n, memory_order_release);
	return 0;
}

static int arena_init(struct arena *a, const struct arena_opts *o)
{
	UA_TRY(fault_install());
	UA_TRY(open_file(a));
	UA_TRY(space_open_backend(&a->space, o->backend));
	UA_TRY(window_reserve(a, o->scratch_max ? max_t(uint32_t, o->scratch_max, MIN_SCRATCH_MAX)
						: 0));
	return o->map_extra ? set_layout(a, o->map_extra, o->max_entries * PAGE) : 0;
}

int arena_create(const struct arena_opts *opts, struct arena **out)
{
	struct arena *a;
	int err;

	UA_TRY(check_opts(opts));
	a = mem_zalloc(sizeof(*a));
	UA_FAIL_IF(!a, -ENOMEM);
	atomic_store(&a->refs, 1);
	pthread_mutex_init(&a->lock, NULL);
	range_init(&a->free);
	a->fork_gen = trap_fork_gen();
	a->max_entries = opts->max_entries;
	a->policy = opts->scratch_policy;
	a->null_guard = opts->null_guard;
	a->space.arena = a;
	a->space.map_flags = opts->map_flags;
	a->space.fd = a->space.uffd = a->scratch_fd = -1;
	err = arena_init(a, opts);
	if (err) {
		arena_put(a);
		return err;
	}
	*out = a;
	return 0;
}

struct arena *arena_get(struct arena *a)
{
	atomic_fetch_add(&a->refs, 1);
	return a;
}

/* -- User view ------------------------------------------------------------ */

/* Frees of other threads close pages of the view under map_lock only. */
static void set_view(struct arena *a, uint8_t *start, _Atomic uint8_t *flags)
{
	uint64_t saved;

	os_lock(&a->space.map_lock, &saved);
	a->space.user.start = start;
	a->space.user.flags = flags;
	os_unlock(&a->space.map_lock, &saved);
}

/* Lock held. */
static void drop_view(struct arena *a)
{
	struct view *v = &a->space.user;
	_Atomic uint8_t *flags = v->flags;
	uint8_t *start = v->start;

	if (!start)
		return;
	trap_remove(a->user_trap);
	a->user_trap = NULL;
	set_view(a, NULL, NULL);
	os_munmap(start, v->n_pages * PAGE);
	mem_free((void *)flags);
}

/* Kernel rules for a place that is not decided yet; reserves it unless it is MAP_FIXED's. */
static int choose_place(uint64_t hint, uint64_t len, bool fixed, uint64_t *start)
{
	uint64_t at = hint;
	void *p;

	if (!fixed) {
		p = os_mmap((void *)hint, 2 * len, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		UA_TRY(os_map_err(p));
		at = (uint64_t)p;
	}
	*start = crosses_4g(at, len) ? (at | 0xffffffffu) + 1 : at;
	if (!fixed) {
		if (*start > at)
			os_munmap((void *)at, *start - at);
		os_munmap((void *)(*start + len), at + len - *start);
	}
	return 0;
}

/* The address checks, in the kernel's order. *fresh: the place is decided now. */
static int select_place(struct arena *a, uint64_t hint, uint64_t len, int flags, uint64_t offset,
			uint64_t *start, bool *fresh)
{
	uint64_t known = atomic_load(&a->user_start), size = atomic_load(&a->user_end) - known;
	bool fixed = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);

	UA_FAIL_IF(offset, -EINVAL);
	UA_FAIL_IF(len > ARENA_MAX_SIZE, -E2BIG);
	UA_FAIL_IF(fixed && hint % PAGE, -EINVAL);
	UA_FAIL_IF(fixed && !hint, -EPERM);
	*start = hint & ~(PAGE - 1);
	*fresh = !known;
	if (known) {
		UA_FAIL_IF(len > size, -E2BIG);
		UA_FAIL_IF(len < size || *start != known, -EINVAL);
	}
	UA_FAIL_IF((flags & MAP_TYPE) != MAP_SHARED && (flags & MAP_TYPE) != MAP_SHARED_VALIDATE,
		   -EINVAL);
	return known ? 0 : choose_place(*start, len, fixed, start);
}

/* Lock held. */
static int show_user_view(struct arena *a, uint64_t start, uint64_t len, int prot, int map_flag)
{
	struct view *v = &a->space.user;
	_Atomic uint8_t *flags = NULL;
	int err;

	v->n_pages = (uint32_t)(len / PAGE);
	v->prot = prot & (PROT_READ | PROT_WRITE);
	v->space = &a->space;
	if (a->space.backend != ARENA_BACKEND_UFFD) {
		flags = mem_calloc(v->n_pages, 1);
		UA_FAIL_IF(!flags, -ENOMEM);
	}
	set_view(a, (uint8_t *)start, flags);
	a->user_trap = trap_add(start, start + len, &a->space, false);
	err = a->user_trap ? space_map_view(&a->space, v, map_flag) : -ENOMEM;
	if (!err)
		return 0;
	if (a->user_trap)
		trap_remove(a->user_trap);
	a->user_trap = NULL;
	set_view(a, NULL, NULL);
	mem_free((void *)flags);
	if (map_flag == MAP_FIXED) /* ours or given to us: leave nothing half done there */
		os_munmap((void *)start, len);
	return err;
}

static int map_locked(struct arena *a, void **addr, uint64_t len, int prot, int flags,
		      uint64_t offset)
{
	int map_flag = flags & MAP_FIXED ? MAP_FIXED : MAP_FIXED_NOREPLACE;
	uint64_t start;
	bool fresh;
	int err;

	UA_TRY(select_place(a, (uint64_t)*addr, len, flags, offset, &start, &fresh));
	if (fresh && !(flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)))
		map_flag = MAP_FIXED; /* over our own reservation */
	if (flags & MAP_FIXED)
		drop_view(a);
	UA_FAIL_IF(a->space.user.start, flags & MAP_FIXED_NOREPLACE ? -EEXIST : -EBUSY);
	err = show_user_view(a, start, len, prot, map_flag);
	if (err == -EEXIST && !(flags & MAP_FIXED_NOREPLACE))
		return -EBUSY;
	UA_TRY(err);
	if (fresh) {
		err = set_layout(a, start, len);
		if (err) {
			drop_view(a);
			return err;
		}
	}
	*addr = (void *)start;
	return 0;
}

int arena_mmap(struct arena *a, void **addr, size_t len, int prot, int flags, uint64_t offset)
{
	uint64_t size = (len + PAGE - 1) & ~(PAGE - 1);
	int err;

	UA_FAIL_IF(!arena_is_ours(a), -EPERM);
	UA_FAIL_IF(!len || offset % PAGE, -EINVAL);
	UA_FAIL_IF(!size, -ENOMEM);
	UA_FAIL_IF(prot & PROT_EXEC, -EPERM);
	pthread_mutex_lock(&a->lock);
	err = map_locked(a, addr, size, prot, flags, offset);
	pthread_mutex_unlock(&a->lock);
	return err;
}

/* Lock held. */
static int map_displaced(struct arena *a, void **addr, int prot)
{
	uint64_t len = atomic_load(&a->user_end) - atomic_load(&a->user_start);
	void *at;
	int err;

	UA_FAIL_IF(!len, -EINVAL);
	UA_FAIL_IF(a->space.user.start, -EBUSY);
	at = mmap(NULL, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	UA_FAIL_IF(at == MAP_FAILED, -errno);
	err = show_user_view(a, (uint64_t)at, len, prot, MAP_FIXED);
	if (!err)
		*addr = at;
	return err;
}

int arena_mmap_displaced(struct arena *a, void **addr, int prot)
{
	int err;

	UA_FAIL_IF(!arena_is_ours(a), -EPERM);
	pthread_mutex_lock(&a->lock);
	err = map_displaced(a, addr, prot);
	pthread_mutex_unlock(&a->lock);
	return err;
}

uint64_t arena_view_start(const struct arena *a)
{
	return (uint64_t)a->space.user.start;
}

/* The view goes as a whole or not at all; what else lies in the range is unmapped as usual. */
int arena_munmap(struct arena *a, void *addr, size_t len)
{
	struct view *v = &a->space.user;
	uint64_t start = (uint64_t)addr, end, at, view_end;
	int err = 0;

	UA_FAIL_IF(!arena_is_ours(a), -EPERM);
	UA_FAIL_IF(!len || start % PAGE || __builtin_add_overflow(start, len + PAGE - 1, &end),
		   -EINVAL);
	end &= ~(PAGE - 1);
	pthread_mutex_lock(&a->lock);
	at = (uint64_t)v->start;
	view_end = at + v->n_pages * PAGE;
	if (at && start < view_end && end > at) {
		if (start <= at && end >= view_end)
			drop_view(a);
		else
			err = -EINVAL;
	}
	if (!err)
		err = os_munmap(addr, end - start);
	pthread_mutex_unlock(&a->lock);
	return err;
}

/* -- End ------------------------------------------------------------------ */

/* A forked child has a copy of the struct and the descriptors, nothing else. */
static void release_mappings(struct arena *a)
{
	deferred_drain(a);
	drop_view(a);
	window_release(a);
	if (a->space.shared)
		os_munmap(a->space.shared, shared_size(MAX_PAGES));
}

void arena_put(struct arena *a)
{
	if (!a || atomic_fetch_sub(&a->refs, 1) != 1)
		return;
	if (arena_is_ours(a))
		release_mappings(a);
	else if (a->scratch_fd >= 0)
		close(a->scratch_fd);
	if (a->space.uffd >= 0)
		close(a->space.uffd);
	if (a->space.fd >= 0)
		close(a->space.fd);
	range_destroy(&a->free);
	pthread_mutex_destroy(&a->lock);
	mem_free(a);
}

/* -- Questions ------------------------------------------------------------ */

bool arena_is_ours(const struct arena *a)
{
	return a->fork_gen == trap_fork_gen();
}

int arena_memfd(const struct arena *a)
{
	return a->space.fd;
}

uint32_t arena_flags(const struct arena *a)
{
	return a->space.map_flags;
}

uint64_t arena_max_entries(const struct arena *a)
{
	return a->max_entries;
}

uint64_t arena_user_start(const struct arena *a)
{
	return atomic_load(&a->user_start);
}

uint64_t arena_user_end(const struct arena *a)
{
	return atomic_load(&a->user_end);
}

uint64_t arena_to_user(const struct arena *a, uint64_t p)
{
	return (atomic_load(&a->user_start) & ~0xffffffffull) | arena_low(p);
}
