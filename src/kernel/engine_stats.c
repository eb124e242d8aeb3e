/* SPDX-License-Identifier: BSD-2-Clause */
/* bpf(2)'s run-time statistics: counted while at least one descriptor that asks for it is open. */
#include <unistd.h>

#include "base/base.h"
#include "kernel/engine_priv.h"
#include "kernel/engine_stats.h"

#define BPF_STATS_RUN_TIME 0

long cmd_enable_stats(struct engine_kernel *k, union bpf_attr *attr)
{
	struct stats_user *s;
	uint32_t id;
	int fd, user_fd;

	UA_FAIL_IF(attr->enable_stats.type != BPF_STATS_RUN_TIME, -EINVAL);
	s = mem_zalloc(sizeof(*s));
	UA_FAIL_IF(!s, -ENOMEM);
	*s = (struct stats_user){.refs = 1, .engine = k->engine};
	atomic_fetch_add(&k->engine->stats_users, 1);
	fd = engine_file("bpf-stats");
	user_fd = fd < 0 ? fd : objects_add(&k->objects, OBJECT_STATS, s, fd, &id);
	if (fd >= 0)
		close(fd);
	if (user_fd < 0)
		stats_user_put(s);
	return user_fd;
}

void stats_user_put(struct stats_user *s)
{
	if (atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	owner_gone(&s->owner);
	atomic_fetch_sub(&s->engine->stats_users, 1);
	mem_free(s);
}
