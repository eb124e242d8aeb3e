/* SPDX-License-Identifier: BSD-2-Clause */
/* What a program says of itself as a test, in the BTF decl tags of the kernel's test loader. */
#ifndef UA_CLI_ANNOTATION_H
#define UA_CLI_ANNOTATION_H

#include "cli/cli.h"

/* Where a text is expected. */
enum expect_in { EXPECT_LOG, EXPECT_STDERR, EXPECT_STDOUT, N_EXPECT_IN };

struct expectation {
	enum expect_in in;
	bool absent; /* must not occur before the next one that must */
	unsigned long order;
	const char *text;
};

/* Strings belong to the object. */
struct annotation {
	bool is_test;	/* has any tag for the privileged mode */
	bool auxiliary; /* loaded with each test of the object */
	bool failure;	/* is to be refused */
	bool runs;	/* expects output */
	bool has_retval, any_retval;
	uint32_t retval;
	uint32_t log_level;
	const char *description;		/* or NULL */
	bool arch_named, arch_this, arch_other; /* is only for architectures that are named */
	const char *bad;			/* tag that could not be read */
	struct expectation *expect;		/* in order; owned */
	size_t n_expect;
};

/* 0 or -ENOMEM. Release with annotation_free() in either case. */
int annotation_read(const struct ua_object *obj, const char *program, struct annotation *a);
void annotation_free(struct annotation *a);

/*
 * Do all expectations for `in` hold of `text` (NULL: empty), each behind the one before?
 * Returns the first that does not, or NULL.
 */
const struct expectation *annotation_unmet(const struct annotation *a, enum expect_in in,
					   const char *text);

#endif
