/* SPDX-License-Identifier: BSD-2-Clause */
/* Prototypes and names of helpers, from the one list in helpers.h. */
#include "abi/helpers.h"

#include <string.h>

#define LIST(...) {__VA_ARGS__}

static const struct helper_proto protos[HELPER_ID_MAX] = {
#define H(_id, _name, _ret, _args, _types, _flags, _btf) \
	[_id] = {.id = (_id),                            \
		 .ret = (_ret),                          \
		 .args = LIST _args,                     \
		 .flags = (_flags),                      \
		 .types = (_types),                      \
		 .btf = (_btf)},
#define N(_id, _name)
	UA_HELPERS(H, N)
#undef H
#undef N
};

static const char *const names[HELPER_ID_MAX] = {
#define H(_id, _name, ...) [_id] = #_name,
#define N(_id, _name) [_id] = #_name,
	UA_HELPERS(H, N)
#undef H
#undef N
};

const struct helper_proto *helper_proto(uint32_t id)
{
	return id < HELPER_ID_MAX && protos[id].id ? &protos[id] : NULL;
}

const char *helper_name(uint32_t id)
{
	return id < HELPER_ID_MAX ? names[id] : NULL;
}

int helper_id(const char *name)
{
	for (int id = 1; id < HELPER_ID_MAX; id++)
		if (!strcmp(names[id], name))
			return id;
	return -1;
}
