/* SPDX-License-Identifier: BSD-2-Clause */
/* Functions and types that the embedding application adds to an engine; public form: uarena.h. */
#ifndef UA_PROG_HOST_H
#define UA_PROG_HOST_H

#include <uarena.h>
#include "prog/engine.h"

int host_add_kfuncs(struct engine *e, const struct ua_kfunc *funcs, size_t n);
int host_add_kfunc_btf(struct engine *e, const char *name, void *fn, uint32_t flags);
/* Appends the types of `btf`, which must have passed btf_check(). */
int host_add_btf(struct engine *e, const struct btf *btf);

/* Memory that must live as long as the engine, mem_free()d with it. */
struct host_consumer {
	struct host_consumer *next;
};
void host_keep(struct engine *e, struct host_consumer *c);
void host_free(struct engine *e);

#endif
