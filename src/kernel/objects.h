/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors and ids: which live object a file descriptor means.
 *
 * Every map, program, BTF and link has one file (a memfd) of its own, which the table keeps
 * open; callers get duplicates. Looking up goes by device and inode, so a descriptor that was
 * dup'ed or came back from another process still means its object.
 *
 * While descriptors that were handed out are open, the table holds a reference; closing one
 * behind the seam's back only delays its end until the engine goes. An object stays in the
 * table, and its id valid, as long as anything holds a reference: a program its maps, a link its
 * map, a map the one within.
 */
#ifndef UA_KERNEL_OBJECTS_H
#define UA_KERNEL_OBJECTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/owner.h"

enum object_kind { OBJECT_MAP, OBJECT_PROG, OBJECT_BTF, OBJECT_LINK, OBJECT_STATS, OBJECT_KINDS };

struct objects;

struct object {
	struct objects *table;
	enum object_kind kind;
	uint32_t id;
	void *ptr;
	int fd; /* the table's own */
	dev_t dev;
	ino_t ino;
	uint32_t open; /* descriptors handed out and not closed */
	struct object *hash_next;
};

#define OBJECT_BUCKETS 256

struct objects {
	pthread_mutex_t lock;
	struct object *by_inode[OBJECT_BUCKETS];
	struct object **by_id[OBJECT_KINDS]; /* ascending ids */
	size_t n[OBJECT_KINDS], cap[OBJECT_KINDS];
	uint32_t last_id[OBJECT_KINDS];
	/* Take a reference of an object's ptr unless the last is gone, and drop one. */
	bool (*get)(enum object_kind kind, void *ptr);
	void (*put)(enum object_kind kind, void *ptr);
	/* Who is to be told when the last is gone. */
	void (*own)(enum object_kind kind, void *ptr, struct owner owner);
	/* The first descriptor was opened by id, after the last one had been closed. */
	void (*opened)(enum object_kind kind, void *ptr);
	/* The last descriptor was closed; called before the table's reference goes. */
	void (*closed)(enum object_kind kind, void *ptr);
};

void objects_init(struct objects *t);
/* Closes what is open: links first, then programs, maps, BTF. */
void objects_close_all(struct objects *t);
/* Forgets objects that something still holds. */
void objects_free(struct objects *t);

/* Enter an object under its file `fd`, which stays the caller's; the table takes over his
 * reference to ptr. Returns a descriptor for the user, or a negative errno (then nothing was
 * taken over). *id is set before anybody else can see the object. */
int objects_add(struct objects *t, enum object_kind kind, void *ptr, int fd, uint32_t *id);
/* The same with a descriptor that is O_RDONLY, O_WRONLY or O_RDWR. */
int objects_add_mode(struct objects *t, enum object_kind kind, void *ptr, int fd, int mode,
		     uint32_t *id);
/* The object behind a descriptor with a reference on it: -EBADF not open, -EINVAL another
 * kind or no object at all. */
int objects_get(struct objects *t, int fd, enum object_kind kind, void **ptr);
/* New descriptor for an id, with an access mode as above. -ENOENT. */
int objects_open_id(struct objects *t, enum object_kind kind, uint32_t id, int mode);
/* Smallest id above `id`. -ENOENT: none. */
int objects_next_id(struct objects *t, enum object_kind kind, uint32_t id, uint32_t *next);
/* Close a descriptor that the table handed out; any other is simply closed. */
int objects_close(struct objects *t, int fd);
/* Id of an object that `fd` means, of whatever kind; 0: none. */
uint32_t objects_id(struct objects *t, int fd);
/* Kind of the object behind fd; negative errno as objects_get(). */
int objects_kind(struct objects *t, int fd);

#endif
