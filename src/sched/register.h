/* SPDX-License-Identifier: BSD-2-Clause */
/* What sched_ext adds to an engine when it opens. */
#ifndef UA_SCHED_REGISTER_H
#define UA_SCHED_REGISTER_H

struct engine;

int sched_register(struct engine *e);

#endif
