/* SPDX-License-Identifier: BSD-2-Clause */
/* A BTF that was loaded: parsed, with its bytes for those who ask for them back. */
#ifndef UA_KERNEL_BTF_OBJ_H
#define UA_KERNEL_BTF_OBJ_H

#include <stdint.h>

#include "base/owner.h"

struct btf;

struct btf_obj {
	_Atomic int refs;
	struct owner owner;
	struct btf *btf;
	void *raw;
	uint32_t size, id;
};

/* One reference for the caller. -EINVAL with a logged reason, -ENOMEM. Takes over raw, in
 * either case. */
int btf_obj_new(void *raw, uint32_t size, struct btf_obj **out);
void btf_obj_put(void *obj);

#endif
