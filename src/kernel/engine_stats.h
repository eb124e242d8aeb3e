/* SPDX-License-Identifier: BSD-2-Clause */
/* Who wants runs to be counted: the object behind a descriptor of BPF_ENABLE_STATS. */
#ifndef UA_KERNEL_ENGINE_STATS_H
#define UA_KERNEL_ENGINE_STATS_H

#include "base/owner.h"

struct engine;

struct stats_user {
	_Atomic int refs;
	struct owner owner;
	struct engine *engine;
};

void stats_user_put(struct stats_user *s);

#endif
