/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CO-RE: fields, types and enumerators of the object's BTF found again in the kernel's.
 *
 *   core_spec.c    "0:1:2" access strings as paths, and the same path in a kernel type
 *   core_compat.c  when a local and a kernel type are the same for a program's purposes
 *   core.c         candidates, values, the instruction
 */
#ifndef UA_OBJECT_CORE_H
#define UA_OBJECT_CORE_H

#include "object/object.h"

enum core_kind {
	CORE_FIELD_BYTE_OFFSET,
	CORE_FIELD_BYTE_SIZE,
	CORE_FIELD_EXISTS,
	CORE_FIELD_SIGNED,
	CORE_FIELD_LSHIFT_U64,
	CORE_FIELD_RSHIFT_U64,
	CORE_TYPE_ID_LOCAL,
	CORE_TYPE_ID_TARGET,
	CORE_TYPE_EXISTS,
	CORE_TYPE_SIZE,
	CORE_ENUMVAL_EXISTS,
	CORE_ENUMVAL_VALUE,
	CORE_TYPE_MATCHES,
	CORE_KIND_MAX,
};

static inline bool core_is_field(uint32_t kind)
{
	return kind <= CORE_FIELD_RSHIFT_U64;
}

static inline bool core_is_enumval(uint32_t kind)
{
	return kind == CORE_ENUMVAL_EXISTS || kind == CORE_ENUMVAL_VALUE;
}

#define CORE_MAX_STEPS 64

/* One step: element `idx` of an array (name NULL), or member `idx` of struct `type_id`. */
struct core_step {
	const char *name;
	uint32_t type_id, idx;
};

/* A path. Steps through anonymous members are folded into their named successor. */
struct core_spec {
	const struct btf *btf;
	uint32_t root;
	uint32_t n;
	struct core_step steps[CORE_MAX_STEPS];
	uint64_t bit_off;
};

/* Parse an access string. -EINVAL: it does not fit the type. */
int core_spec_parse(const struct btf *btf, uint32_t root, uint32_t kind, const char *access,
		    struct core_spec *out);
/* The same path in type `root` of the kernel's BTF. 1 found, 0 not, or a negative errno. */
int core_spec_match(const struct core_spec *local, const struct btf *kernel, uint32_t root,
		    uint32_t kind, struct core_spec *out);

bool core_same_name(const char *a, const char *b); /* up to flavours */
bool core_types_match(const struct btf *local, uint32_t local_id, const struct btf *kernel,
		      uint32_t kernel_id);
bool core_fields_compat(const struct btf *local, uint32_t local_id, const struct btf *kernel,
			uint32_t kernel_id);

#endif
