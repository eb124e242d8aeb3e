/* SPDX-License-Identifier: BSD-2-Clause */
/* The kinds of map by number: one list, read by map.c. Each kind defines map_ops_<name>. */
#ifndef UA_MAP_OPS_H
#define UA_MAP_OPS_H

#include "map/map.h"

/* X(BPF_MAP_TYPE_..., name) */
#define MAP_KINDS(X)                     \
	X(BPF_MAP_TYPE_QUEUE, queue)     \
	X(BPF_MAP_TYPE_STACK, stack)     \
	X(BPF_MAP_TYPE_RINGBUF, ringbuf) \
	X(BPF_MAP_TYPE_TASK_STORAGE, task_storage)

#define X(type, name) extern const struct map_ops map_ops_##name;
MAP_KINDS(X)
#undef X

#endif
