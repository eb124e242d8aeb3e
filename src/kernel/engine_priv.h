/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine's side of the seam: shared by its command files.
 *
 *   engine.c        command table, attribute size rules, life
 *   engine_map.c    maps and their elements       engine_batch.c   batches
 *   engine_prog.c   programs and test runs        engine_info.c    OBJ_GET_INFO_BY_FD
 *   engine_link.c   struct_ops links              engine_mem.c     mmap of map descriptors
 *   objects.c       descriptors and ids           user.c           the caller's memory
 *
 * Handlers get a copy of the attributes whose bytes behind the command's last field are known
 * to be zero; what they change in the copy goes back to the caller.
 */
#ifndef UA_KERNEL_ENGINE_PRIV_H
#define UA_KERNEL_ENGINE_PRIV_H

#include "kernel/kernel.h"
#include "kernel/objects.h"
#include "prog/engine.h"

struct map;
struct mapping;

struct engine_kernel {
	struct kernel base; /* must stay first */
	struct engine *engine;
	struct objects objects;
	pthread_mutex_t mem_lock; /* mappings, and freezing against them */
	struct mapping *mappings; /* engine_mem.c */
};

/* X(command, handler, last field the command knows) */
#define ENGINE_CMDS(X)                                                                       \
	X(BPF_MAP_CREATE, cmd_map_create, excl_prog_hash_size)                               \
	X(BPF_MAP_LOOKUP_ELEM, cmd_map_lookup, flags)                                        \
	X(BPF_MAP_UPDATE_ELEM, cmd_map_update, flags)                                        \
	X(BPF_MAP_DELETE_ELEM, cmd_map_delete, key)                                          \
	X(BPF_MAP_GET_NEXT_KEY, cmd_map_next_key, next_key)                                  \
	X(BPF_MAP_LOOKUP_AND_DELETE_ELEM, cmd_map_lookup_and_delete, flags)                  \
	X(BPF_MAP_FREEZE, cmd_map_freeze, map_fd)                                            \
	X(BPF_MAP_LOOKUP_BATCH, cmd_map_lookup_batch, batch.flags)                           \
	X(BPF_MAP_LOOKUP_AND_DELETE_BATCH, cmd_map_lookup_and_delete_batch, batch.flags)     \
	X(BPF_MAP_UPDATE_BATCH, cmd_map_update_batch, batch.flags)                           \
	X(BPF_MAP_DELETE_BATCH, cmd_map_delete_batch, batch.flags)                           \
	X(BPF_PROG_LOAD, cmd_prog_load, keyring_id)                                          \
	X(BPF_PROG_TEST_RUN, cmd_prog_test_run, test.batch_size)                             \
	X(BPF_ENABLE_STATS, cmd_enable_stats, enable_stats.type)                             \
	X(BPF_PROG_STREAM_READ_BY_FD, cmd_prog_stream_read, prog_stream_read.prog_fd)        \
	X(BPF_PROG_ASSOC_STRUCT_OPS, cmd_prog_assoc_struct_ops, prog_assoc_struct_ops.flags) \
	X(BPF_BTF_LOAD, cmd_btf_load, btf_token_fd)                                          \
	X(BPF_OBJ_GET_INFO_BY_FD, cmd_obj_info, info.info)                                   \
	X(BPF_PROG_GET_NEXT_ID, cmd_prog_next_id, get_id.next_id)                            \
	X(BPF_MAP_GET_NEXT_ID, cmd_map_next_id, get_id.next_id)                              \
	X(BPF_BTF_GET_NEXT_ID, cmd_btf_next_id, get_id.next_id)                              \
	X(BPF_LINK_GET_NEXT_ID, cmd_link_next_id, get_id.next_id)                            \
	X(BPF_PROG_GET_FD_BY_ID, cmd_prog_fd_by_id, get_id.prog_id)                          \
	X(BPF_MAP_GET_FD_BY_ID, cmd_map_fd_by_id, get_id.open_flags)                         \
	X(BPF_BTF_GET_FD_BY_ID, cmd_btf_fd_by_id, get_id.fd_by_id_token_fd)                  \
	X(BPF_LINK_GET_FD_BY_ID, cmd_link_fd_by_id, get_id.link_id)                          \
	X(BPF_LINK_CREATE, cmd_link_create, link_create.rest)                                \
	X(BPF_LINK_UPDATE, cmd_link_update, link_update.old_prog_fd)                         \
	X(BPF_LINK_DETACH, cmd_link_detach, link_update.link_fd)                             \
	X(BPF_OBJ_PIN, cmd_pin, map_token_fd)                                                \
	X(BPF_OBJ_GET, cmd_pin, map_token_fd)

#define X(cmd, handler, last) long handler(struct engine_kernel *k, union bpf_attr *attr);
ENGINE_CMDS(X)
#undef X

/* References; the caller puts them. Negative errno as objects_get(). */
int engine_get_map(struct engine_kernel *k, uint32_t fd, struct map **out);
/* For reading or writing elements: -EPERM if the descriptor or a freeze forbids it. What is got
 * for writing keeps the map from being frozen until it is put. */
int engine_use_map(struct engine_kernel *k, uint32_t fd, bool read, bool write, struct map **out);
void engine_unuse_map(struct map *map, bool write);
/* BPF_F_RDONLY and BPF_F_WRONLY as open(2) says it. -EINVAL: both. */
int engine_fd_mode(uint32_t map_flags);
int engine_get_prog(struct engine_kernel *k, uint32_t fd, struct prog **out);

/* Descriptor for a new object without a file of its own; becomes the object's file. */
int engine_file(const char *name);

void *engine_mmap(struct kernel *k, void *addr, size_t len, int prot, int flags, int fd,
		  uint64_t off, int *err);
int engine_munmap(struct kernel *k, void *addr, size_t len);
int engine_freeze(struct engine_kernel *k, struct map *map);
/* Forget all mappings, arenas' views included. */
void engine_unmap_all(struct engine_kernel *k);
void *engine_mmap_displaced(struct kernel *k, int fd, int prot, int *err);

#endif
