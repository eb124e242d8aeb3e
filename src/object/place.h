/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parts of variables as users write them: "name.member[3] = value".
 *
 * A place starts as the whole variable; place_walk() follows the members and indices that come
 * next in the text. Values are integers, enumerators, true and false. What is wrong is logged.
 */
#ifndef UA_OBJECT_PLACE_H
#define UA_OBJECT_PLACE_H

#include "object/object.h"

#define PLACE_NAME_MAX 256

struct place {
	const struct ua_object *obj; /* whose BTF describes it */
	const char *text;	     /* the whole, for messages */
	const char *at;		     /* what was not read yet */
	uint32_t type_id;
	uint64_t off;
	uint32_t bits; /* non-zero: bitfield */
};

struct place_value {
	uint64_t bits;
	bool negative;
};

/* Log what is wrong with p->text; -EINVAL. */
int place_bad(const struct place *p, const char *what);
/* Copies an identifier and moves behind it; false: there is none, or it is too long. */
bool place_take_name(const char **at, char buf[PLACE_NAME_MAX]);
int place_walk(struct place *p);
/* Reads "= VALUE" to the end of the text. */
int place_parse_value(struct place *p, struct place_value *val);
/* The variable has `room` bytes at `base`. -EINVAL if the place is no scalar, or too small. */
int place_store(const struct place *p, const struct place_value *val, void *base, size_t room);
int place_load(const struct place *p, const void *base, size_t room, uint64_t *val);

#endif
