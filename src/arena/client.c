/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The arena in another process: only the user view, from nothing but the descriptor.
 *
 * Whoever sent the descriptor, and everybody else who has it, may write anything to the shared
 * header, so it is copied once, checked, and never read again. Holes behave as in the owner:
 * the state bytes decide, and the view is trapped like the owner's.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "abi/bpf.h"
#include "arena/fault.h"
#include "arena/priv.h"
#include "base/base.h"
#include "uarena.h"

#define PAGE ((uint64_t)ARENA_PAGE_SIZE)

struct ua_client {
	struct space space;
	struct trap *trap;
	uint32_t fork_gen;
};

struct geometry {
	uint64_t start, size;
	uint32_t map_flags;
};

static int read_geometry(int fd, struct geometry *g)
{
	struct shared_header h;
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	UA_FAIL_IF(seals < 0 || !(seals & F_SEAL_SHRINK), -EINVAL);
	UA_FAIL_IF(fstat(fd, &st), -errno);
	UA_FAIL_IF((uint64_t)st.st_size != SHARED_OFFSET + shared_size(MAX_PAGES), -EINVAL);
	UA_FAIL_IF(pread(fd, &h, sizeof(h), SHARED_OFFSET) != sizeof(h), -EINVAL);
	UA_FAIL_IF(h.magic != SHARED_MAGIC || h.version != SHARED_VERSION, -EINVAL);
	UA_FAIL_IF(h.page_size != ARENA_PAGE_SIZE || h.n_states != MAX_PAGES, -EINVAL);
	*g = (struct geometry){
		.start = atomic_load(&h.user_start),
		.size = atomic_load(&h.user_size),
		.map_flags = h.map_flags,
	};
	UA_FAIL_IF(!g->start, -ENODATA);
	UA_FAIL_IF(g->start % PAGE || g->size % PAGE || !g->size || g->size > ARENA_MAX_SIZE,
		   -EINVAL);
	UA_FAIL_IF(g->start >> 32 != (g->start + g->size - 1) >> 32, -EINVAL);
	return 0;
}

static int client_open(struct ua_client *c, int fd, enum arena_backend backend)
{
	struct space *s = &c->space;
	void *p;

	s->fd = os_fd_dup_high(fd);
	UA_FAIL_IF(s->fd < 0, s->fd);
	p = os_mmap(NULL, shared_size(MAX_PAGES), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_NORESERVE, s->fd, SHARED_OFFSET);
	UA_TRY(os_map_err(p));
	os_madvise(p, shared_size(MAX_PAGES), MADV_DONTFORK);
	s->shared = p;
	UA_TRY(fault_install());
	return space_open_backend(s, backend);
}

static int client_show(struct ua_client *c, const struct geometry *g)
{
	struct space *s = &c->space;
	struct view *v = &s->user;
	int err;

	v->space = s;
	v->n_pages = (uint32_t)(g->size / PAGE);
	v->prot = PROT_READ | PROT_WRITE;
	if (s->backend != ARENA_BACKEND_UFFD) {
		v->flags = mem_calloc(v->n_pages, 1);
		UA_FAIL_IF(!v->flags, -ENOMEM);
	}
	s->map_flags = g->map_flags;
	atomic_store(&s->n_pages, v->n_pages);
	c->trap = trap_add(g->start, g->start + g->size, s, false);
	UA_FAIL_IF(!c->trap, -ENOMEM);
	v->start = (uint8_t *)g->start;
	err = space_map_view(s, v, MAP_FIXED_NOREPLACE);
	if (err)
		v->start = NULL;
	return err;
}

int ua_client__map(int fd, const struct ua_client_opts *opts, struct ua_client **client)
{
	enum arena_backend backend = opts ? (enum arena_backend)opts->window : ARENA_BACKEND_AUTO;
	struct ua_client *c;
	struct geometry g = {0};
	int err = read_geometry(fd, &g);

	if (err) {
		log_warn("client: descriptor %d is not that of a mapped arena: %s\n", fd,
			 strerror(-err));
		return err;
	}
	c = mem_zalloc(sizeof(*c));
	UA_FAIL_IF(!c, -ENOMEM);
	c->fork_gen = trap_fork_gen();
	c->space.fd = c->space.uffd = -1;
	err = client_open(c, fd, backend);
	if (!err)
		err = client_show(c, &g);
	if (err) {
		log_warn("client: cannot map the arena at %#llx: %s\n", (unsigned long long)g.start,
			 strerror(-err));
		ua_client__unmap(c);
		return err;
	}
	*client = c;
	return 0;
}

static void client_unmap(struct ua_client *c)
{
	struct view *v = &c->space.user;

	if (c->trap)
		trap_remove(c->trap);
	if (v->start)
		os_munmap(v->start, v->n_pages * PAGE);
	if (c->space.shared)
		os_munmap(c->space.shared, shared_size(MAX_PAGES));
}

void ua_client__unmap(struct ua_client *c)
{
	if (!c)
		return;
	if (c->fork_gen == trap_fork_gen()) /* a forked child has no such mappings */
		client_unmap(c);
	if (c->space.uffd >= 0)
		close(c->space.uffd);
	if (c->space.fd >= 0)
		close(c->space.fd);
	mem_free((void *)c->space.user.flags);
	mem_free(c);
}

void *ua_client__base(const struct ua_client *c)
{
	return c->space.user.start;
}

size_t ua_client__size(const struct ua_client *c)
{
	return c->space.user.n_pages * PAGE;
}
