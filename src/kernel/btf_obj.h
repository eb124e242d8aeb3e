/* SPDX-License-Identifier: BSD-2-Clause */
/* A BTF that was loaded: parsed, with its bytes for those who ask for them back. */
#ifndef UA_KERNEL_BTF_OBJ_H
#define UA_KERNEL_BTF_OBJ_H

#include <stdatomic.h>
#include <stdint.h>

struct btf;

struct btf_obj {
	_Atomic int refs;
	struct btf *btf;
	void *raw;
	uint32_t size, id;
};

/* One reference for the caller. -EINVAL with a logged reason, -ENOMEM. Takes over raw, in
 * either case. */
int btf_obj_new(void *raw, uint32_t size, struct btf_obj **out);
void btf_obj_get(struct btf_obj *obj);
void btf_obj_put(void *obj);

#endif
