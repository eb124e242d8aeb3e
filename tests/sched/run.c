/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who runs where and for how long: keeping the CPU, preempting, kicks, verdicts for other CPUs
 * and for at once, tasks that may not move, custody, the two policies. Usage: run PLAN-OBJECT
 */
#include "planned.h"

static const char *object;
static struct sim sim;

/* ops: of the object's schedulers. */
static void begin(const char *machine, const char *ops)
{
	char at[64];

	sim_open(&sim, machine, 5);
	sim_watch(&sim, true);
	snprintf(at, sizeof(at), "@%s", ops);
	sim_attach(&sim, object, at, NULL);
	plan_default(&sim, 1);
}

static void end(void)
{
	sim_expect_running(&sim);
	sim_watch_settle(&sim);
	sim_close(&sim);
}

static struct scx_event_stats events(void)
{
	struct scx_event_stats e;

	machine_sched_events(sim.m, &e);
	return e;
}

static struct sim_actor *sleeper(const char *comm)
{
	return sim_task(&sim, comm, (struct load){.run = 1 * MS, .idle = true});
}

/* A hog that has its CPU for ever. */
static struct sim_actor *owner(const char *comm, int cpu)
{
	struct sim_actor *a =
		sim_task(&sim, comm, (struct load){.run = 1 * SEC, .cpus = 1ull << cpu});

	*plan_of(&sim, a) = (struct plan){.dsq = SCX_DSQ_LOCAL, .slice = SCX_SLICE_INF, .cpu = -1};
	sim_run(&sim, 1 * MS);
	CHECK(a->t->state == TASK_ON_CPU && a->t->cpu == cpu);
	return a;
}

static bool runs(const struct sim_actor *a)
{
	return a->t->state == TASK_ON_CPU;
}

/* -- Keeping the CPU ------------------------------------------------------------------------ */

static void keeps_running(void)
{
	struct sim_actor *a;

	begin("1c", "plan_ops");
	a = sim_task(&sim, "alone", (struct load){.run = 1 * SEC});
	sim_run(&sim, 200 * MS);
	CHECK_EQ(sim_global_u32(&sim, "nr_enqueued"), 1);
	CHECK(events().SCX_EV_DISPATCH_KEEP_LAST >= 5);
	CHECK(events().SCX_EV_REFILL_SLICE_DFL >= 5);
	CHECK(runs(a));
	end();
}

static void asked_last(void)
{
	struct sim_actor *a;

	begin("1c", "plan_last_ops");
	a = sim_task(&sim, "alone", (struct load){.run = 1 * SEC});
	sim_run(&sim, 200 * MS);
	CHECK(sim_global_u32(&sim, "nr_last") >= 5);
	CHECK_EQ(events().SCX_EV_DISPATCH_KEEP_LAST, 0);
	CHECK(runs(a));
	end();
}

/* A slice lasts as long as it says, to the tick. */
static void slices(void)
{
	struct sim_actor *a, *b;
	uint32_t n;

	begin("1c", "plan_ops");
	a = sim_task(&sim, "a", (struct load){.run = 1 * SEC});
	b = sim_task(&sim, "b", (struct load){.run = 1 * SEC});
	plan_log(&sim);
	sim_run(&sim, 1 * SEC);
	n = sim_global_u32(&sim, "nr_ran");
	CHECK(n >= 195 && n <= 205);
	CHECK(a->t->runtime > 480 * MS && b->t->runtime > 480 * MS);
	end();
}

/* -- Preempting ----------------------------------------------------------------------------- */

static void preempts(void)
{
	struct sim_actor *hog, *a, *b;

	begin("1c", "plan_ops");
	hog = owner("hog", 0);
	a = sleeper("a");
	b = sleeper("b");
	plan_put(&sim, a, SCX_DSQ_LOCAL, 0);
	plan_put(&sim, b, SCX_DSQ_LOCAL, SCX_ENQ_PREEMPT);
	sim_wake(&sim, "a");
	sim_run(&sim, 100 * US);
	CHECK(runs(hog) && a->t->state == TASK_QUEUED);
	/* In front of who waits already, and at once. */
	sim_wake(&sim, "b");
	sim_run(&sim, 100 * US);
	CHECK(runs(b) && a->t->state == TASK_QUEUED && hog->t->state == TASK_QUEUED);
	end();
}

static void kick(int cpu, uint64_t flags)
{
	*plan_order(&sim) = (struct order){.cpu = cpu, .flags = flags};
	CHECK_EQ(sim_call(&sim, "kick"), 0);
	sim_run(&sim, 10 * US);
}

static void kicks(void)
{
	struct sim_actor *hog, *a;
	uint32_t n;

	begin("2c", "plan_ops");
	hog = owner("hog", 0);
	a = sim_task(&sim, "a", (struct load){.run = 1 * MS, .idle = true, .cpus = 1});
	sim_wake(&sim, "a");
	sim_run(&sim, 1 * MS);
	CHECK(runs(hog));
	/* Somebody has the CPU and time left: neither kick changes that. */
	kick(0, SCX_KICK_IDLE);
	CHECK(runs(hog));
	kick(0, 0);
	CHECK(runs(hog));
	kick(0, SCX_KICK_PREEMPT);
	CHECK(runs(a) && hog->t->state == TASK_QUEUED);
	/* An idle CPU looks again. */
	n = sim_global_u32(&sim, "nr_dispatch");
	kick(1, SCX_KICK_IDLE);
	CHECK(sim_global_u32(&sim, "nr_dispatch") > n);
	n = sim_global_u32(&sim, "nr_dispatch");
	kick(1, SCX_KICK_WAIT);
	CHECK(sim_global_u32(&sim, "nr_dispatch") > n);
	end();
}

/* It means who runs then, not who is chosen in that tick anyhow. */
static void kick_in_tick(void)
{
	struct sim_actor *a[3];
	char comm[] = "a";

	begin("1c", "plan_ops");
	for (int i = 0; i < 3; i++, comm[0]++) {
		a[i] = sim_task(&sim, comm, (struct load){.run = 1 * SEC});
		plan_of(&sim, a[i])->slice = 1 * MS;
	}
	plan_set(&sim, "kick_on_tick", 1);
	sim_run(&sim, 30 * MS);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(a[i]->t->runtime / MS, 10);
	end();
}

/* What the kernel's per-CPU variables say. */
static void runqueues(void)
{
	struct sim_actor *hog;
	struct order *o;

	begin("2c", "plan_ops");
	hog = owner("hog", 1);
	sim_run(&sim, 10 * MS + 300 * US);
	o = plan_order(&sim);
	o->cpu = 1;
	CHECK_EQ(sim_call(&sim, "runqueue"), 1);
	CHECK_EQ(o->dsq / MS, machine_now(sim.m) / MS); /* as of the last tick */
	CHECK_EQ(o->to, pid_of(hog));
	CHECK(o->flags); /* this_cpu_ptr means the CPU it runs on */
	o->cpu = 2;
	CHECK_EQ(sim_call(&sim, "runqueue"), 0);
	end();
}

static void shorter_slice(void)
{
	struct sim_actor *hog, *a;

	begin("1c", "plan_ops");
	hog = owner("hog", 0);
	a = sleeper("a");
	plan_put(&sim, a, SCX_DSQ_LOCAL, 0);
	sim_wake(&sim, "a");
	sim_run(&sim, 50 * MS);
	CHECK(runs(hog));
	*plan_order(&sim) = (struct order){.cpu = 0, .slice = 3 * MS};
	CHECK_EQ(sim_call(&sim, "set_slice"), 1);
	sim_run(&sim, 2 * MS);
	CHECK(runs(hog));
	sim_run(&sim, 1500 * US);
	CHECK(runs(a) && !runs(hog));
	end();
}

/* -- Verdicts for other CPUs ---------------------------------------------------------------- */

static void elsewhere(void)
{
	struct sim_actor *a;

	begin("4c", "plan_ops");
	owner("hog", 0);
	a = sleeper("a");
	plan_put(&sim, a, SCX_DSQ_LOCAL_ON | 2, 0);
	sim_wake(&sim, "a");
	sim_run(&sim, 100 * US);
	CHECK(runs(a) && a->t->cpu == 2);
	sim_run(&sim, 10 * MS);
	/* Chosen by select, and dispatched there: enqueue() is not asked. */
	*plan_of(&sim, a) =
		(struct plan){.dsq = SCX_DSQ_LOCAL, .slice = SLICE, .direct = 1, .cpu = 3};
	plan_set(&sim, "nr_enqueued", 0);
	sim_wake(&sim, "a");
	sim_run(&sim, 100 * US);
	CHECK(runs(a) && a->t->cpu == 3);
	CHECK_EQ(sim_global_u32(&sim, "nr_enqueued"), 0);
	sim_run(&sim, 10 * MS);
	/* Who may use one CPU only is not asked about. */
	CHECK_EQ(machine_set_affinity(sim.m, a->t, &(uint64_t){2}), 0);
	plan_set(&sim, "nr_enqueued", 0);
	sim_wake(&sim, "a");
	sim_run(&sim, 100 * US);
	CHECK(runs(a) && a->t->cpu == 1);
	CHECK_EQ(sim_global_u32(&sim, "nr_enqueued"), 1);
	end();
}

/* Only if it can run at once; else the scheduler is asked again. */
static void at_once(void)
{
	struct sim_actor *a;

	begin("1c", "plan_ops");
	a = sleeper("a");
	plan_put(&sim, a, SCX_DSQ_LOCAL, SCX_ENQ_IMMED);
	sim_wake(&sim, "a");
	sim_run(&sim, 100 * US);
	CHECK(runs(a));
	CHECK_EQ(sim_global_u32(&sim, "nr_reenqueued"), 0);
	sim_run(&sim, 10 * MS);
	owner("hog", 0);
	sim_wake(&sim, "a");
	sim_run(&sim, 100 * US);
	CHECK_EQ(sim_global_u32(&sim, "nr_reenqueued"), 1);
	CHECK_EQ(events().SCX_EV_REENQ_IMMED, 1);
	CHECK(a->t->state == TASK_QUEUED);
	end();
}

/* -- Tasks that may not move ---------------------------------------------------------------- */

static void pinned(void)
{
	struct sim_actor *a;

	begin("2c", "plan_ops");
	a = sleeper("a");
	machine_set_pinned(sim.m, a->t, true);
	plan_set(&sim, "nr_enqueued", 0);
	sim_wake(&sim, "a");
	sim_run(&sim, 100 * US);
	CHECK(runs(a));
	CHECK_EQ(sim_global_u32(&sim, "nr_enqueued"), 0);
	CHECK_EQ(events().SCX_EV_ENQ_SKIP_MIGRATION_DISABLED, 1);
	end();
	/* With the flag, enqueue() is asked; sending it away is its mistake. */
	begin("2c", "plan_pinned_ops");
	a = sleeper("a");
	machine_set_pinned(sim.m, a->t, true);
	sim_wake(&sim, "a");
	sim_run(&sim, 10 * MS);
	CHECK_EQ(sim_global_u32(&sim, "nr_enqueued"), 1);
	plan_put(&sim, a, SCX_DSQ_LOCAL_ON | (uint32_t)!a->t->cpu, 0);
	sim_wake(&sim, "a");
	sim_run(&sim, 10 * MS);
	sim_expect_exit(&sim, SCX_EXIT_ERROR, "cannot move migration disabled a[");
	sim_watch_settle(&sim);
	sim_close(&sim);
}

/* -- Custody -------------------------------------------------------------------------------- */

static void custody(void)
{
	struct sim_actor *a;

	begin("2c", "plan_ops");
	a = sleeper("a");
	plan_of(&sim, a)->keep = 1;
	sim_wake(&sim, "a");
	sim_run(&sim, 5 * MS);
	CHECK_EQ(a->t->state, TASK_QUEUED);
	CHECK_EQ(sim_global_u32(&sim, "nr_enqueued"), 1);
	CHECK_EQ(sim_global_u32(&sim, "nr_dequeued"), 0);
	/* A change takes it away and asks again. */
	CHECK_EQ(machine_set_nice(sim.m, a->t, 5), 0);
	sim_run(&sim, 1 * MS);
	CHECK_EQ(sim_global_u32(&sim, "nr_dequeued"), 1);
	CHECK_EQ(sim_global_u64(&sim, "last_deq_flags"), SCX_DEQ_SCHED_CHANGE);
	CHECK_EQ(sim_global_u32(&sim, "nr_enqueued"), 2);
	/* In a queue of the scheduler it still is in custody, which ends on the way to a CPU. */
	plan_put(&sim, a, 1, 0);
	CHECK_EQ(machine_set_nice(sim.m, a->t, 6), 0);
	sim_run(&sim, 100 * US);
	CHECK_EQ(sim_global_u32(&sim, "nr_dequeued"), 3);
	CHECK_EQ(sim_global_u64(&sim, "last_deq_flags"), 0);
	sim_run(&sim, 10 * MS);
	CHECK_EQ(a->t->state, TASK_SLEEPING);
	end();
}

/* -- Policies ------------------------------------------------------------------------------- */

static void partial(void)
{
	struct sim_actor *normal, *ext;

	begin("1c", "plan_partial_ops");
	normal = sim_task(&sim, "normal", (struct load){.run = 1 * SEC});
	sim_run(&sim, 10 * MS);
	CHECK_EQ(sim_global_u32(&sim, "nr_enqueued"), 0);
	ext = sim_task(&sim, "ext", (struct load){.run = 1 * MS, .idle = true, .ext = true});
	sim_wake(&sim, "ext");
	sim_run(&sim, 10 * MS);
	/* The default policy comes first. */
	CHECK(runs(normal) && ext->t->state == TASK_QUEUED);
	CHECK_EQ(sim_global_u32(&sim, "nr_enqueued"), 1);
	CHECK_EQ(machine_set_policy(sim.m, normal->t, true), 0);
	CHECK_EQ(machine_set_policy(sim.m, ext->t, false), 0);
	sim_run(&sim, 100 * US);
	CHECK(runs(ext) && normal->t->state == TASK_QUEUED);
	sim_run(&sim, 10 * MS);
	CHECK(runs(normal) && ext->t->state == TASK_SLEEPING);
	end();
}

int main(int argc, char **argv)
{
	static void (*const cases[])(void) = {
		keeps_running, asked_last, slices,  preempts, kicks,   kick_in_tick, runqueues,
		shorter_slice, elsewhere,  at_once, pinned,   custody, partial,
	};

	CHECK(argc == 2);
	object = argv[1];
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		cases[i]();
	return 0;
}
