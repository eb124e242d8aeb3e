/* SPDX-License-Identifier: BSD-2-Clause */
/* CPUs come and go. */
#include "sched/core.h"

static void tell_scheduler(struct machine *m, struct cpu *c, bool online)
{
	struct sched *s = m->sched;
	int32_t arg;

	m->hotplug_seq++;
	if (!s || !s->live)
		return;
	sched_mark_online(s, c, online);
	arg = sched_cpu_arg(s, c);
	if (online && s->ops->cpu_online)
		OP_VOID(s, OP_OTHER, NULL, cpu_online, arg);
	else if (!online && s->ops->cpu_offline)
		OP_VOID(s, OP_OTHER, NULL, cpu_offline, arg);
	else
		sched_exit(s, SCX_EXIT_UNREG_KERN, SCX_ECODE_ACT_RESTART | SCX_ECODE_RSN_HOTPLUG,
			   "cpu %d going %s, exiting scheduler", c->nr,
			   online ? "online" : "offline");
}

static void evacuate(struct machine *m, struct cpu *c)
{
	for (struct core_task *t = m->all_first; t; t = t->all_next)
		if (t->t.cpu == c->nr && t->queued)
			task_leave_cpu(t);
	pick_resched(c);
}

static void set_online(struct machine *m, struct cpu *c, bool online)
{
	c->online = m->topo.cpus[c->nr].online = online;
	if (online) {
		mask_set(&m->online, (uint32_t)c->nr);
		tell_scheduler(m, c, true);
		pick_resched(c);
	} else {
		tell_scheduler(m, c, false);
		mask_clear(&m->online, (uint32_t)c->nr);
		idle_update(c, false);
		evacuate(m, c);
	}
	machine_notify(m, &(struct machine_event){
				  .kind = MACHINE_HOTPLUG,
				  .at = m->now,
				  .cpu = c->nr,
				  .value = online,
			  });
}

int machine_set_online(struct machine *m, int32_t nr, bool online)
{
	UA_FAIL_IF(nr < 0 || (uint32_t)nr >= m->n_cpus, -EINVAL);
	if (m->cpus[nr].online == online)
		return 0;
	UA_FAIL_IF(!online && mask_weight(m, &m->online) == 1, -EINVAL);
	machine_enter(m, &m->cpus[nr]);
	set_online(m, &m->cpus[nr], online);
	machine_leave(m);
	return 0;
}
