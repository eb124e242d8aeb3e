/* SPDX-License-Identifier: BSD-2-Clause */
/* What sched_ext adds to an engine: types of struct_ops and kfuncs. */
#include "sched/register.h"

#include "sched/core.h"

int sched_register(struct engine *e)
{
	UA_TRY(sched_register_kfuncs(e));
	return sched_register_types(e);
}
