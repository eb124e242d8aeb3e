/* SPDX-License-Identifier: BSD-2-Clause */
/* Loaded BTF objects. */
#include "kernel/btf_obj.h"

#include "base/base.h"
#include "btf/btf.h"

int btf_obj_new(void *raw, uint32_t size, struct btf_obj **out)
{
	struct btf_obj *obj = mem_zalloc(sizeof(*obj));
	int err = obj ? btf_load(raw, size, &obj->btf) : -ENOMEM;

	if (err) {
		mem_free(obj);
		mem_free(raw);
		return err;
	}
	obj->refs = 1;
	obj->raw = raw;
	obj->size = size;
	*out = obj;
	return 0;
}

void btf_obj_put(void *p)
{
	struct btf_obj *obj = p;

	if (atomic_fetch_sub(&obj->refs, 1) != 1)
		return;
	owner_gone(&obj->owner);
	btf__free(obj->btf);
	mem_free(obj->raw);
	mem_free(obj);
}
