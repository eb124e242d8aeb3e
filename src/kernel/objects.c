/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of live objects. */
#include "kernel/objects.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"

/* Ids stay positive as an int, as bpf(2) returns them. */
#define ID_MAX 0x7fffffffu

void objects_init(struct objects *t)
{
	*t = (struct objects){0};
	pthread_mutex_init(&t->lock, NULL);
}

static struct object **bucket(struct objects *t, dev_t dev, ino_t ino)
{
	return &t->by_inode[((uint64_t)ino * 31 + dev) % OBJECT_BUCKETS];
}

static struct object *find_inode(struct objects *t, const struct stat *st)
{
	struct object *o = *bucket(t, st->st_dev, st->st_ino);

	while (o && (o->ino != st->st_ino || o->dev != st->st_dev))
		o = o->hash_next;
	return o;
}

/* Position of the first object of that kind with an id of at least `id`. */
static size_t find_id(const struct objects *t, enum object_kind kind, uint32_t id)
{
	size_t lo = 0, hi = t->n[kind];

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (t->by_id[kind][mid]->id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* -- Entering and leaving ------------------------------------------------------- */

static int dup_fd(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	return copy >= 0 ? copy : -errno;
}

/* A duplicate shares the access mode; another one needs another open file. */
static int user_fd_of(int fd, int mode)
{
	char path[32];

	if (mode == O_RDWR)
		return dup_fd(fd);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fd = open(path, mode | O_CLOEXEC);
	return fd >= 0 ? fd : -errno;
}

static uint32_t take_id(struct objects *t, enum object_kind kind)
{
	do
		t->last_id[kind] = t->last_id[kind] < ID_MAX ? t->last_id[kind] + 1 : 1;
	while (find_id(t, kind, t->last_id[kind]) < t->n[kind] &&
	       t->by_id[kind][find_id(t, kind, t->last_id[kind])]->id == t->last_id[kind]);
	return t->last_id[kind];
}

static void link_in(struct objects *t, struct object *o)
{
	struct object **head = bucket(t, o->dev, o->ino);
	size_t at = find_id(t, o->kind, o->id);

	o->hash_next = *head;
	*head = o;
	memmove(t->by_id[o->kind] + at + 1, t->by_id[o->kind] + at,
		(t->n[o->kind] - at) * sizeof(*t->by_id[o->kind]));
	t->by_id[o->kind][at] = o;
	t->n[o->kind]++;
}

static void unlink_out(struct objects *t, struct object *o)
{
	struct object **at = bucket(t, o->dev, o->ino);
	size_t i = find_id(t, o->kind, o->id);

	while (*at != o)
		at = &(*at)->hash_next;
	*at = o->hash_next;
	t->n[o->kind]--;
	memmove(t->by_id[o->kind] + i, t->by_id[o->kind] + i + 1,
		(t->n[o->kind] - i) * sizeof(*t->by_id[o->kind]));
}

static void object_free(struct object *o)
{
	close(o->fd);
	mem_free(o);
}

/* The last reference is gone. */
static void object_gone(void *self)
{
	struct object *o = self;

	pthread_mutex_lock(&o->table->lock);
	unlink_out(o->table, o);
	pthread_mutex_unlock(&o->table->lock);
	object_free(o);
}

/* Both descriptors and the record, or nothing. */
static int object_new(struct objects *t, enum object_kind kind, void *ptr, int fd, int mode,
		      struct object **out, int *user_fd)
{
	struct object *o = mem_zalloc(sizeof(*o));
	struct stat st;

	UA_FAIL_IF(!o, -ENOMEM);
	*o = (struct object){.table = t, .kind = kind, .ptr = ptr, .open = 1, .fd = dup_fd(fd)};
	*user_fd = o->fd < 0 ? o->fd : user_fd_of(fd, mode);
	if (*user_fd < 0 || fstat(fd, &st)) {
		int err = *user_fd < 0 ? *user_fd : -errno;

		if (*user_fd >= 0)
			close(*user_fd);
		if (o->fd >= 0)
			close(o->fd);
		mem_free(o);
		return err;
	}
	o->dev = st.st_dev;
	o->ino = st.st_ino;
	*out = o;
	return 0;
}

int objects_add_mode(struct objects *t, enum object_kind kind, void *ptr, int fd, int mode,
		     uint32_t *id)
{
	struct object *o = NULL;
	int user_fd, err;

	UA_TRY(object_new(t, kind, ptr, fd, mode, &o, &user_fd));
	pthread_mutex_lock(&t->lock);
	err = UA_GROW(&t->by_id[kind], &t->cap[kind], t->n[kind] + 1);
	if (!err) {
		o->id = *id = take_id(t, kind);
		t->own(kind, ptr, (struct owner){object_gone, o});
		link_in(t, o);
	}
	pthread_mutex_unlock(&t->lock);
	if (!err)
		return user_fd;
	close(user_fd);
	object_free(o);
	return err;
}

int objects_add(struct objects *t, enum object_kind kind, void *ptr, int fd, uint32_t *id)
{
	return objects_add_mode(t, kind, ptr, fd, O_RDWR, id);
}

/* The last descriptor is closed, and with it goes the table's reference. */
static void last_closed(struct objects *t, enum object_kind kind, void *ptr)
{
	t->closed(kind, ptr);
	t->put(kind, ptr);
}

/* The last open one before place *end, which closes with that; NULL: none is left. */
static void *take_open(struct objects *t, enum object_kind kind, size_t *end)
{
	void *ptr = NULL;
	size_t i;

	pthread_mutex_lock(&t->lock);
	i = min_t(size_t, *end, t->n[kind]);
	while (i && !ptr) {
		struct object *o = t->by_id[kind][--i];

		if (!o->open)
			continue;
		o->open = 0;
		ptr = o->ptr; /* alive by the reference that the caller puts */
	}
	pthread_mutex_unlock(&t->lock);
	*end = i;
	return ptr;
}

/* Each end may take others out of the table, and so may what was closed before and is destroyed
 * only now, on another thread: who waits moves down at most. */
static void close_kind(struct objects *t, enum object_kind kind)
{
	size_t end = SIZE_MAX;

	for (void *ptr; (ptr = take_open(t, kind, &end)) != NULL;)
		last_closed(t, kind, ptr);
}

void objects_close_all(struct objects *t)
{
	close_kind(t, OBJECT_LINK);
	close_kind(t, OBJECT_PROG);
	close_kind(t, OBJECT_MAP);
	close_kind(t, OBJECT_BTF);
	close_kind(t, OBJECT_STATS);
}

void objects_free(struct objects *t)
{
	for (int kind = 0; kind < OBJECT_KINDS; kind++) {
		for (size_t i = 0; i < t->n[kind]; i++) {
			struct object *o = t->by_id[kind][i];

			t->own(o->kind, o->ptr, (struct owner){0});
			object_free(o);
		}
		mem_free(t->by_id[kind]);
	}
	pthread_mutex_destroy(&t->lock);
}

/* -- Looking up -------------------------------------------------------------------- */

int objects_get(struct objects *t, int fd, enum object_kind kind, void **ptr)
{
	struct object *o;
	struct stat st;

	UA_FAIL_IF(fstat(fd, &st), -EBADF);
	pthread_mutex_lock(&t->lock);
	o = find_inode(t, &st);
	if (o && o->kind == kind && t->get(kind, o->ptr))
		*ptr = o->ptr;
	else
		o = NULL;
	pthread_mutex_unlock(&t->lock);
	return o ? 0 : -EINVAL;
}

int objects_kind(struct objects *t, int fd)
{
	struct object *o;
	struct stat st;
	int kind;

	UA_FAIL_IF(fstat(fd, &st), -EBADF);
	pthread_mutex_lock(&t->lock);
	o = find_inode(t, &st);
	kind = o ? (int)o->kind : -EINVAL;
	pthread_mutex_unlock(&t->lock);
	return kind;
}

uint32_t objects_id(struct objects *t, int fd)
{
	struct object *o;
	struct stat st;
	uint32_t id;

	if (fstat(fd, &st))
		return 0;
	pthread_mutex_lock(&t->lock);
	o = find_inode(t, &st);
	id = o ? o->id : 0;
	pthread_mutex_unlock(&t->lock);
	return id;
}

static struct object *find_exact(const struct objects *t, enum object_kind kind, uint32_t id)
{
	size_t i = find_id(t, kind, id);

	return i < t->n[kind] && t->by_id[kind][i]->id == id ? t->by_id[kind][i] : NULL;
}

int objects_open_id(struct objects *t, enum object_kind kind, uint32_t id, int mode)
{
	struct object *o;
	void *first = NULL;
	int fd = -ENOENT;

	pthread_mutex_lock(&t->lock);
	o = find_exact(t, kind, id);
	if (o && (o->open || t->get(kind, o->ptr))) {
		first = o->open ? NULL : o->ptr;
		fd = user_fd_of(o->fd, mode);
		o->open += fd >= 0;
	}
	pthread_mutex_unlock(&t->lock);
	if (first && fd >= 0)
		t->opened(kind, first);
	else if (first)
		t->put(kind, first);
	return fd;
}

int objects_next_id(struct objects *t, enum object_kind kind, uint32_t id, uint32_t *next)
{
	int err = -ENOENT;
	size_t i;

	UA_FAIL_IF(id >= ID_MAX, -EINVAL);
	pthread_mutex_lock(&t->lock);
	i = find_id(t, kind, id + 1);
	if (i < t->n[kind]) {
		*next = t->by_id[kind][i]->id;
		err = 0;
	}
	pthread_mutex_unlock(&t->lock);
	return err;
}

int objects_close(struct objects *t, int fd)
{
	enum object_kind kind;
	void *last = NULL;
	struct object *o;
	struct stat st;

	UA_FAIL_IF(fstat(fd, &st), -EBADF);
	pthread_mutex_lock(&t->lock);
	o = find_inode(t, &st);
	if (o && o->open && !--o->open) {
		last = o->ptr;
		kind = o->kind;
	}
	pthread_mutex_unlock(&t->lock);
	close(fd);
	if (last)
		last_closed(t, kind, last);
	return 0;
}
