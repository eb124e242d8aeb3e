/* SPDX-License-Identifier: BSD-2-Clause */
/* What a registered struct_ops type is; shared by the files struct_ops*.c only. */
#ifndef UA_PROG_STRUCT_OPS_TYPE_H
#define UA_PROG_STRUCT_OPS_TYPE_H

#include "prog/struct_ops.h"

#define STRUCT_OPS_DATA_OFF 64 /* of the native struct in the value */

struct struct_ops_member {
	char *name;
	uint32_t off, size;
	uint32_t proto; /* BTF id of the prototype; 0: a data member */
	uint32_t n_args;
	bool ret_errno;
	struct member_arg_conv args[STRUCT_OPS_MAX_ARGS];
	uint8_t arg_flags[STRUCT_OPS_MAX_ARGS]; /* the same marks, as the verifier takes them */
};

struct struct_ops_type {
	struct struct_ops_type *next;
	struct struct_ops_desc desc; /* name owned */
	uint32_t type_id, value_type_id;
	uint32_t size, value_size;
	struct struct_ops_member *members;
	uint32_t n_members;
	pthread_mutex_t lock; /* reg, unreg, update */
	struct struct_ops_value *_Atomic current;
};

/* By either id; 0 does not match. */
struct struct_ops_type *struct_ops_find(struct engine *e, uint32_t type_id, uint32_t value_type_id);

#endif
