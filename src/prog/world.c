/* SPDX-License-Identifier: BSD-2-Clause */
/* Which world this thread is in. */
#include "prog/world.h"
#include "base/base.h"
#include "map/map.h"

__thread const struct world *world_here __attribute__((tls_model("initial-exec")));

const struct world *world_enter(const struct world *w)
{
	const struct world *old = world_here;

	world_here = w;
	map_ask_cpu(w ? w->cpu : NULL, w ? w->arg : NULL);
	return old;
}

uint64_t world_clock(clockid_t clock)
{
	const struct world *w = world_here;
	struct timespec ts;

	if (ua_unlikely(w != NULL))
		return w->now(w->arg);
	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}
