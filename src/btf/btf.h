/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BTF: queries on top of libbpf's btf API.
 *
 * Everything that reads a BTF of foreign origin gets it from btf_load(), which proves once
 * that all type ids and names are in range and that no chain of modifiers, arrays or embedded
 * structs is cyclic. The queries rely on that and need no checks of their own.
 */
#ifndef UA_BTF_BTF_H
#define UA_BTF_BTF_H

#include <bpf/btf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The engine's own types and kfunc prototypes; a fresh copy the caller owns (btf__free). */
int btf_engine(struct btf **out);
/* Parse and check raw .BTF contents, 4-byte aligned. -EINVAL (the log says why), -ENOMEM.
 * The caller owns *out. */
int btf_load(const void *data, size_t size, struct btf **out);
/* The check alone, for a BTF parsed elsewhere. */
int btf_check(const struct btf *btf);

const char *btf_name(const struct btf *btf, uint32_t name_off); /* never NULL, "" if none */
const char *btf_type_name(const struct btf *btf, uint32_t id);

/* Follow const, volatile, restrict, typedef and type tags; *id becomes the id of the result. */
const struct btf_type *btf_resolve(const struct btf *btf, uint32_t *id);
/* Same, but stops at typedefs. */
const struct btf_type *btf_skip_quals(const struct btf *btf, uint32_t *id);
/* Size in bytes, negative errno for functions, forward declarations and void. */
int64_t btf_size(const struct btf *btf, uint32_t id);
/* Alignment of a scalar, pointer or array of them; 8 for structs and unions. */
uint32_t btf_align(const struct btf *btf, uint32_t id);

/* Id of the first type of this kind and name, or 0. Kind 0: any kind. */
uint32_t btf_find(const struct btf *btf, const char *name, uint32_t kind);

struct btf_place {
	uint32_t type_id;  /* of the member */
	uint32_t bit_off;  /* from the start of the outer type */
	uint32_t bit_size; /* non-zero for bitfields */
};
/* Member by name, looking into anonymous members too. false: no such member. */
bool btf_member(const struct btf *btf, uint32_t struct_id, const char *name, struct btf_place *out);

/* Decl tag `tag` on a type (component -1) or on its i-th member or parameter. */
bool btf_has_decl_tag(const struct btf *btf, uint32_t id, int component, const char *tag);
/* Value behind "prefix" of the first decl tag that starts with it, or NULL. */
const char *btf_decl_tag_value(const struct btf *btf, uint32_t id, int component,
			       const char *prefix);
/* Is one of the type tags directly under pointer `ptr_id` equal to `tag`? */
bool btf_ptr_has_type_tag(const struct btf *btf, uint32_t ptr_id, const char *tag);

/* Length of a name without its "___flavour" suffix. */
size_t btf_essential_len(const char *name);

#endif
