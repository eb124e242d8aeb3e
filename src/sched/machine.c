/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine: making it, its world, its clock and event loop. */
#include "sched/core.h"

#include "prog/timer.h"

/* So many events at one instant, and nothing will ever change. */
#define STANDSTILL 20000000u

__thread struct machine *machine_here __attribute__((tls_model("initial-exec")));

/* -- The world that programs see ---------------------------------------------------------- */

static uint64_t world_now(void *arg)
{
	return ((struct machine *)arg)->now;
}

static uint32_t world_cpu(void *arg)
{
	return (uint32_t)((struct machine *)arg)->here->nr;
}

static struct task_struct *world_current(void *arg)
{
	return ((struct machine *)arg)->here->rq.curr;
}

static struct task_struct *world_task_by_pid(void *arg, s32 pid)
{
	struct core_task *t = task_find(arg, pid);

	return t ? task_get(ts_of(t)) : NULL;
}

static struct cgroup *world_cgroup_by_id(void *arg, u64 id)
{
	struct sim_cgroup *cg = sim_cgroup_by_id(arg, id);

	return cg ? &cg->cg : NULL;
}

/* The list holds children in the order in which they were made. */
static struct cgroup *world_next_child(void *arg, const struct cgroup *parent,
				       const struct cgroup *child)
{
	const struct machine *m = arg;
	struct sim_cgroup *cg = m->cgroups;

	for (bool seen = !child; cg; cg = cg->next) {
		if (seen && !cg->removed && cg->parent && &cg->parent->cg == parent)
			break;
		seen |= &cg->cg == child;
	}
	return cg ? &cg->cg : NULL;
}

static const struct rq *world_rq(void *arg, uint32_t cpu)
{
	struct machine *m = arg;

	return cpu < m->n_cpus ? &m->cpus[cpu].rq : NULL;
}

static uint32_t world_random(void *arg)
{
	return (uint32_t)(machine_random(arg) >> 32);
}

/* -- Random numbers: xoroshiro-like, from the seed ---------------------------------------- */

static uint64_t splitmix(uint64_t *x)
{
	uint64_t z = *x += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

uint64_t machine_random(struct machine *m)
{
	uint64_t a = m->rng[0], b = m->rng[1];

	m->rng[0] = b;
	a ^= a << 23;
	m->rng[1] = a ^ b ^ a >> 17 ^ b >> 26;
	return m->rng[1] + b;
}

/* -- CPU masks ---------------------------------------------------------------------------- */

uint32_t mask_next(const struct machine *m, const struct cpumask *a, const struct cpumask *b,
		   uint32_t from)
{
	for (uint32_t w = from / 64; w < mask_words(m); w++) {
		unsigned long bits = a->bits[w] & (b ? b->bits[w] : ~0ul);

		if (w == from / 64)
			bits &= ~0ul << (from % 64);
		if (bits)
			return min_t(uint32_t, w * 64 + (uint32_t)__builtin_ctzl(bits), m->n_cpus);
	}
	return m->n_cpus;
}

uint32_t mask_weight(const struct machine *m, const struct cpumask *mask)
{
	uint32_t n = 0;

	for (uint32_t w = 0; w < mask_words(m); w++)
		n += (uint32_t)__builtin_popcountl(mask->bits[w]);
	return n;
}

/* -- Making one --------------------------------------------------------------------------- */

static void idle_task_init(struct machine *m, struct cpu *c)
{
	struct task_struct *ts = &c->idle;

	snprintf(ts->comm, sizeof(ts->comm), "swapper/%d", c->nr);
	ts->flags = TASK_FLAG_IDLE | TASK_FLAG_KTHREAD;
	ts->rcu_users.refs.counter = 1;
	ts->nr_cpus_allowed = 1;
	ts->cpus_ptr = &ts->cpus_mask;
	mask_set(&ts->cpus_mask, (uint32_t)c->nr);
	ts->thread_info.cpu = ts->recent_used_cpu = ts->wake_cpu = (u32)c->nr;
	ts->prio = ts->static_prio = ts->normal_prio = 120;
	ts->on_cpu = ts->on_rq = 1;
	ts->scx.weight = 100;
	ts->scx.sticky_cpu = ts->scx.holding_cpu = -1;
	ts->parent = ts->real_parent = ts->group_leader = ts;
	ts->cgroups = &m->cgroups->css;
}

static void cpu_init(struct machine *m, int32_t nr)
{
	struct cpu *c = &m->cpus[nr];

	c->m = m;
	c->nr = nr;
	c->online = m->topo.cpus[nr].online;
	c->rq.cpu = nr;
	c->rq.idle = c->rq.curr = &c->idle;
	c->cpuperf = SCX_CPUPERF_ONE;
	dsq_init(&c->local, SCX_DSQ_LOCAL, c);
	dsq_init(&c->bypass, SCX_DSQ_BYPASS, c);
	idle_task_init(m, c);
	mask_set(&m->possible, (uint32_t)nr);
	if (c->online)
		mask_set(&m->online, (uint32_t)nr);
}

/* Members of nodes, LLCs and cores; the latter as a flat list, core after core. */
static int groups_init(struct machine *m)
{
	const struct topo *topo = &m->topo;
	int32_t *fill;

	m->n_llcs = topo->nodes * topo->llcs;
	m->n_cores = m->n_llcs * topo->cores;
	m->node_cpus = mem_calloc(topo->nodes, sizeof(struct cpumask));
	m->node_idle_cpus = mem_calloc(topo->nodes, sizeof(struct cpumask));
	m->node_idle_cores = mem_calloc(topo->nodes, sizeof(struct cpumask));
	m->llc_cpus = mem_calloc(m->n_llcs, sizeof(struct cpumask));
	m->core_cpus = mem_calloc(m->n_cpus, sizeof(int32_t));
	fill = mem_calloc(m->n_cores, sizeof(int32_t));
	if (!m->node_cpus || !m->node_idle_cpus || !m->node_idle_cores || !m->llc_cpus ||
	    !m->core_cpus || !fill) {
		mem_free(fill);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < m->n_cpus; i++) {
		const struct topo_cpu *tc = &topo->cpus[i];
		struct cpu *c = &m->cpus[i];

		mask_set(&m->node_cpus[tc->node], i);
		mask_set(&m->llc_cpus[tc->llc], i);
		c->core_first = tc->core * (int32_t)topo->threads;
		c->core_n = (int32_t)topo->threads;
		m->core_cpus[c->core_first + fill[tc->core]++] = (int32_t)i;
	}
	mem_free(fill);
	return 0;
}

static void world_init(struct machine *m)
{
	m->world = (struct world){
		.arg = m,
		.now = world_now,
		.cpu = world_cpu,
		.current = world_current,
		.task_by_pid = world_task_by_pid,
		.cgroup_by_id = world_cgroup_by_id,
		.cgroup_next_child = world_next_child,
		.rq = world_rq,
		.random = world_random,
		.timers = m->world.timers,
	};
}

static int machine_fill(struct machine *m, const struct machine_opts *opts)
{
	uint64_t seed = opts->seed;

	UA_TRY(topo_parse(opts->topology ? opts->topology : "1n:1l:8c:2t", &m->topo));
	m->n_cpus = m->topo.n_cpus;
	if (opts->n_offline >= m->n_cpus) {
		log_warn("uarena: machine: %u of %u CPUs cannot be offline\n", opts->n_offline,
			 m->n_cpus);
		return -EINVAL;
	}
	for (uint32_t i = m->n_cpus - opts->n_offline; i < m->n_cpus; i++)
		m->topo.cpus[i].online = false;
	topo_number(&m->topo, 0);
	m->tick_ns = 1000000000u / (opts->hz ? opts->hz : 1000);
	m->ipi_ns = opts->ipi_ns ? opts->ipi_ns : 1000;
	m->rng[0] = splitmix(&seed);
	m->rng[1] = splitmix(&seed) | 1;
	m->deferred_last = &m->deferred;
	m->switches_last = &m->switches;
	m->cpus = mem_calloc(m->n_cpus, sizeof(*m->cpus));
	UA_FAIL_IF(!m->cpus, -ENOMEM);
	UA_TRY(cgroup_make_root(m));
	for (uint32_t i = 0; i < m->n_cpus; i++)
		cpu_init(m, (int32_t)i);
	UA_TRY(groups_init(m));
	m->here = m->cpus;
	m->world.timers = timer_queue_new();
	UA_FAIL_IF(!m->world.timers, -ENOMEM);
	world_init(m);
	return 0;
}

int machine_new(const struct machine_opts *opts, struct machine **out)
{
	struct machine *m = mem_zalloc(sizeof(*m));
	pthread_mutexattr_t attr;
	int err;

	UA_FAIL_IF(!m, -ENOMEM);
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&m->lock, &attr);
	pthread_mutexattr_destroy(&attr);
	err = machine_fill(m, opts);
	if (err) {
		machine_free(m);
		return err;
	}
	*out = m;
	return 0;
}

static void free_tasks(struct machine *m)
{
	while (m->all_first) {
		struct core_task *t = m->all_first;

		t->queued = false;
		dsq_remove(t);
		task_drop(t);
	}
}

void machine_free(struct machine *m)
{
	if (!m)
		return;
	if (m->sched) {
		machine_enter(m, NULL);
		sched_exit(m->sched, SCX_EXIT_UNREG_KERN, 0, "the machine goes");
		machine_leave(m);
	}
	machine_bind(m, NULL);
	free_tasks(m);
	if (m->cgroups)
		cgroup_free_all(m);
	if (m->world.timers)
		timer_queue_free(m->world.timers);
	event_free(&m->events);
	mem_free(m->exit.dump);
	mem_free(m->node_cpus);
	mem_free(m->node_idle_cpus);
	mem_free(m->node_idle_cores);
	mem_free(m->llc_cpus);
	mem_free(m->core_cpus);
	mem_free(m->cpus);
	topo_free(&m->topo);
	pthread_mutex_destroy(&m->lock);
	mem_free(m);
}

int machine_bind(struct machine *m, struct engine *e)
{
	if (e && e->n_cpus != m->n_cpus) {
		log_warn("uarena: the machine has %u CPUs, the engine was opened for %u: set "
			 "ua_engine_opts.n_cpus\n",
			 m->n_cpus, e->n_cpus);
		return -EINVAL;
	}
	UA_FAIL_IF(e && e->machine && e->machine != m, -EBUSY);
	if (m->engine)
		m->engine->machine = NULL;
	m->engine = e;
	if (e)
		e->machine = m;
	return 0;
}

void machine_set_driver(struct machine *m, const struct machine_driver *driver)
{
	m->driver = *driver;
}

const struct topo *machine_topo(const struct machine *m)
{
	return &m->topo;
}

uint64_t machine_now(const struct machine *m)
{
	return m->now;
}

uint64_t machine_n_events(const struct machine *m)
{
	return m->n_events;
}

/* -- Brackets ----------------------------------------------------------------------------- */

void machine_enter(struct machine *m, struct cpu *here)
{
	pthread_mutex_lock(&m->lock);
	if (!m->depth++) {
		machine_here = m;
		world_enter(&m->world);
	}
	if (here)
		m->here = here;
}

/* What the kernel does when it drops the runqueue lock, and in work it queued meanwhile. Each
 * step may cause others. */
static void settle(struct machine *m)
{
	while (m->deferred || m->switches || m->kicks || m->disable_pending ||
	       (m->sched && m->sched->reenq)) {
		ext_run_deferred(m);
		if (m->sched)
			dispatch_run_reenq(m->sched);
		pick_run_switches(m);
		pick_run_kicks(m);
		if (m->disable_pending)
			sched_disable_pending(m);
	}
	/* Every time would make large machines crawl. */
	ua_assert_expensive(++m->n_checks % (1 + m->n_tasks / 4) || !core_check(m));
}

void machine_leave(struct machine *m)
{
	if (m->depth == 1) {
		settle(m);
		machine_here = NULL;
		world_enter(NULL);
	}
	m->depth--;
	pthread_mutex_unlock(&m->lock);
}

int machine_visit(struct machine *m, int32_t cpu, int (*fn)(void *arg), void *arg)
{
	int ret;

	machine_enter(m, cpu >= 0 ? &m->cpus[cpu] : NULL);
	ret = fn(arg);
	machine_leave(m);
	return ret;
}

void machine_notify(struct machine *m, const struct machine_event *ev)
{
	for (struct machine_observer *o = m->observers; o; o = o->next)
		o->fn(o->arg, ev);
}

void machine_observe(struct machine *m, struct machine_observer *o)
{
	o->next = m->observers;
	m->observers = o;
}

/* -- The loop ----------------------------------------------------------------------------- */

/* An event that is lost for want of memory ends the run: machine_run() returns -ENOMEM. */
int machine_event(struct machine *m, uint64_t when, void (*fn)(void *, uint64_t), void *owner,
		  uint64_t gen)
{
	int err = event_add(&m->events, when, fn, owner, gen);

	if (err)
		m->oom = true;
	return err;
}

int machine_at(struct machine *m, uint64_t when, void (*fn)(void *owner, uint64_t gen), void *owner,
	       uint64_t gen)
{
	return machine_event(m, max_t(uint64_t, when, m->now), fn, owner, gen);
}

static void timer_enter(void *arg, uint32_t cpu)
{
	struct machine *m = arg;

	m->here = &m->cpus[cpu < m->n_cpus ? cpu : 0];
}

/* The next thing to happen, at or before `until`. */
static bool step(struct machine *m, uint64_t until)
{
	uint64_t at = m->events.n ? m->events.heap[0].at : UINT64_MAX;
	uint64_t timer = timer_queue_next(m->world.timers);
	struct event ev;

	if (min_t(uint64_t, at, timer) > until)
		return false;
	if (timer < at) {
		m->now = max_t(uint64_t, m->now, timer);
		timer_queue_fire(m->world.timers, timer_enter, m);
		return true;
	}
	event_pop(&m->events, &ev);
	m->now = ev.at;
	ev.fn(ev.owner, ev.gen);
	return true;
}

static int run_locked(struct machine *m, uint64_t until)
{
	uint64_t instant = m->now;
	uint32_t at_once = 0;

	m->stop = false;
	while (!m->stop && step(m, until)) {
		settle(m);
		m->n_events++;
		if (m->now != instant) {
			instant = m->now;
			at_once = 0;
		} else if (++at_once > STANDSTILL) {
			log_warn("uarena: machine: time stands still at %llu ns: %u events and "
				 "no end\n",
				 (unsigned long long)m->now, STANDSTILL);
			return -ELOOP;
		}
		UA_FAIL_IF(m->oom, -ENOMEM);
	}
	if (!m->stop)
		m->now = max_t(uint64_t, m->now, until);
	return 0;
}

int machine_run(struct machine *m, uint64_t until)
{
	int err;

	machine_enter(m, NULL);
	err = run_locked(m, until);
	machine_leave(m);
	return err;
}

void machine_stop(struct machine *m)
{
	m->stop = true;
}

/* -- The scheduler, from outside ---------------------------------------------------------- */

enum machine_sched_state machine_sched_state(const struct machine *m)
{
	return m->sched && m->sched->state <= SCHED_ENABLED ? MACHINE_SCHED_ENABLED : m->last_state;
}

const char *machine_sched_name(const struct machine *m)
{
	return m->last_name;
}

const struct machine_exit *machine_sched_exit(const struct machine *m)
{
	struct machine_exit *view = (struct machine_exit *)&m->exit_view;

	*view = (struct machine_exit){
		.kind = m->exit.kind,
		.cpu = m->exit.cpu,
		.code = m->exit.code,
		.reason = exit_reason(m->exit.kind),
		.msg = m->exit.msg,
		.dump = m->exit.dump ? m->exit.dump : "",
	};
	return view;
}

void machine_sched_events(const struct machine *m, struct scx_event_stats *out)
{
	*out = m->sched ? m->sched->events : m->last_events;
}

static const char *state_name(const struct machine *m)
{
	static const char *const names[] = {
		[SCHED_ENABLING] = "enabling",
		[SCHED_ENABLED] = "enabled",
		[SCHED_DISABLING] = "disabling",
		[SCHED_DISABLED] = "disabled",
	};

	return m->sched ? names[m->sched->state] : "disabled";
}

int machine_attr(const struct machine *m, const char *name, char *text, size_t size)
{
	const struct {
		const char *name;
		uint64_t value;
	} numbers[] = {
		{"switch_all", m->sched && m->sched->switch_all},
		{"nr_rejected", m->nr_rejected},
		{"hotplug_seq", m->hotplug_seq},
		{"enable_seq", m->enable_seq},
	};

	if (!strcmp(name, "state"))
		return snprintf(text, size, "%s", state_name(m));
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (!strcmp(name, numbers[i].name))
			return snprintf(text, size, "%llu", (unsigned long long)numbers[i].value);
	return -ENOENT;
}

void machine_sched_kill(struct machine *m)
{
	machine_enter(m, NULL);
	if (m->sched)
		sched_exit(m->sched, SCX_EXIT_SYSRQ, 0, "%s", "");
	machine_leave(m);
}
