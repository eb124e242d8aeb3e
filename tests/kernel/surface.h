/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The surface of bpf(2) as tables of cases, run against the engine and, where the machine
 * permits, against the running kernel, which validates the tables.
 */
#ifndef SURFACE_H
#define SURFACE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "kernel/kernel.h"
#include "uarena.h"

/* What a case gives where the engine differs from Linux on purpose. */
struct differs {
	int linux_err;
	const char *why; /* NULL: no difference */
};

struct surface {
	struct kernel *k;
	bool is_linux;
	int cases, failed;
};

static inline int surface_expect(const struct surface *s, int err, struct differs d)
{
	return s->is_linux && d.why ? d.linux_err : err;
}

#define SURFACE_CHECK(s, got, want, ...)                                             \
	do {                                                                         \
		long got_ = (got), want_ = (want);                                   \
		(s)->cases++;                                                        \
		if (got_ != want_) {                                                 \
			(s)->failed++;                                               \
			fprintf(stderr, "%s: ", (s)->is_linux ? "linux" : "engine"); \
			fprintf(stderr, __VA_ARGS__);                                \
			fprintf(stderr, ": got %ld, expected %ld\n", got_, want_);   \
		}                                                                    \
	} while (0)

void surface_create(struct surface *s);	  /* BPF_MAP_CREATE */
void surface_elements(struct surface *s); /* element commands, batches, freezing */
void surface_attrs(struct surface *s);	  /* sizes, unknown commands, bad descriptors */
void surface_objects(struct surface *s);  /* info, ids, mmap */
void surface_arena(struct surface *s);	  /* mapping arenas, touching them */
void surface_progs(struct surface *s);	  /* programs and BTF */

static inline int surface_map(struct surface *s, uint32_t type, uint32_t key, uint32_t value,
			      uint32_t max, uint32_t flags)
{
	union bpf_attr attr = {.map_type = type,
			       .key_size = key,
			       .value_size = value,
			       .max_entries = max,
			       .map_flags = flags};

	return (int)kernel_bpf(s->k, BPF_MAP_CREATE, &attr, sizeof(attr));
}

#endif
