/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs in a simulated world: what they see of clocks, CPUs, tasks and chance is what the
 * world says, timers fire in its time, and leaving it brings the real one back.
 */
#include "check.h"
#include "prog/timer.h"
#include "prog/world.h"

#include <errno.h>
#include <unistd.h>

struct seen {
	uint64_t mono, boot, tai, jiffies;
	uint64_t pid_tgid, uid_gid, cgroup, ancestor, no_ancestor;
	uint32_t cpu, node, random[2];
	int32_t current_pid, found_pid;
	uint64_t found_cgroup;
	char comm[16];
};

struct fired {
	uint64_t at;
	uint32_t key, cpu;
};

struct fired_log {
	struct fired entry[32];
	uint32_t n;
	int32_t own_cancel;
};

struct start {
	uint32_t key, flags;
	uint64_t ns, again;
};

#define N_CPUS 4

static struct {
	uint64_t now;
	uint32_t cpu, random;
	struct task_object task, other;
	struct cgroup *cgroup;
	struct world world;
} sim;

static uint64_t now(void *arg)
{
	return sim.now;
}

static uint32_t cpu(void *arg)
{
	return sim.cpu;
}

static uint32_t node(void *arg)
{
	return sim.cpu / 2;
}

static uint32_t chance(void *arg)
{
	return sim.random += 10;
}

static struct task_struct *current(void *arg)
{
	return &sim.task.ts;
}

static struct task_struct *by_pid(void *arg, s32 pid)
{
	return pid == sim.other.ts.pid ? task_get(&sim.other.ts) : NULL;
}

static struct cgroup *cgroup_named(void *arg, u64 id)
{
	return id == sim.cgroup->kn->id ? sim.cgroup : NULL;
}

static void sim_init(void)
{
	static union {
		struct cgroup cgroup;
		char room[sizeof(struct cgroup) + 2 * sizeof(struct cgroup *)];
	} child;
	static struct kernfs_node kn = {.id = 9, .name = "child"};
	static struct css_set css = {.dfl_cgrp = &child.cgroup};

	child.cgroup.kn = &kn;
	child.cgroup.level = 1;
	child.cgroup.ancestors[0] = cgroup_root();
	child.cgroup.ancestors[1] = &child.cgroup;
	sim.cgroup = &child.cgroup;
	sim.now = 5000000000;
	sim.task.ts = (struct task_struct){.pid = 42, .tgid = 40, .comm = "sim", .cgroups = &css};
	sim.other.ts = (struct task_struct){.pid = 77, .rcu_users.refs.counter = 1};
	sim.world = (struct world){
		.now = now,
		.cpu = cpu,
		.node = node,
		.current = current,
		.task_by_pid = by_pid,
		.cgroup_by_id = cgroup_named,
		.random = chance,
		.timers = timer_queue_new(),
	};
}

static int call(struct ua_object *obj, const char *name, void *ctx)
{
	uint64_t ret = ~0ull;

	CHECK_EQ(ua_program__call(program(obj, name), ctx, &ret), 0);
	return (int)ret;
}

/* -- Looking around ----------------------------------------------------------------------- */

static void test_surroundings(struct ua_object *obj)
{
	struct seen s = {0};

	sim.cpu = 3;
	sim.random = 0;
	CHECK_EQ(call(obj, "look", &s), 0);
	CHECK_EQ(s.mono, sim.now);
	CHECK_EQ(s.boot, sim.now);
	CHECK_EQ(s.tai, sim.now);
	CHECK_EQ(s.jiffies, sim.now / 1000000);
	CHECK_EQ(s.pid_tgid, 40ull << 32 | 42);
	CHECK_EQ(s.uid_gid, 0);
	CHECK_EQ(s.cgroup, 9);
	CHECK_EQ(s.ancestor, 1);
	CHECK_EQ(s.no_ancestor, 0);
	CHECK_EQ(s.cpu, 3);
	CHECK_EQ(s.node, 1);
	CHECK_EQ(s.random[0], 10);
	CHECK_EQ(s.random[1], 20);
	CHECK_EQ(s.current_pid, 42);
	CHECK(!strcmp(s.comm, "sim"));
	CHECK_EQ(s.found_pid, 77);
	CHECK_EQ(s.found_cgroup, 9);
	CHECK_EQ(sim.other.ts.rcu_users.refs.counter, 1);
}

static void test_real_world(struct ua_object *obj)
{
	struct seen s = {0};

	CHECK_EQ(call(obj, "look", &s), 0);
	CHECK(s.mono != sim.now && s.tai != s.mono);
	CHECK_EQ(s.pid_tgid >> 32, getpid());
	CHECK_EQ(s.cgroup, 1);
	CHECK_EQ(s.found_cgroup, 0);
	CHECK(s.random[1] != s.random[0] + 10);
}

static void test_slots(struct ua_object *obj)
{
	static const char *const maps[] = {"slots", "hash_slots"};
	uint64_t v[N_CPUS];
	uint32_t key = 0;

	for (uint32_t i = 0; i < N_CPUS; i++) {
		sim.cpu = i;
		for (uint32_t n = 0; n <= i; n++)
			CHECK_EQ(call(obj, "count", NULL), 0);
	}
	for (size_t m = 0; m < 2; m++) {
		CHECK_EQ(ua_map__lookup(ua_object__find_map(obj, maps[m]), &key, v, 0), 0);
		for (uint32_t i = 0; i < N_CPUS; i++)
			CHECK_EQ(v[i], i + 1);
	}
}

/* Who chooses a CPU is on that CPU, here as well; afterwards the world decides again. */
static void test_chosen_cpu(struct ua_object *obj)
{
	struct seen s = {0};

	sim.cpu = 1;
	CHECK_EQ(map_set_cpu(2), MAP_CPU_ANY);
	CHECK_EQ(call(obj, "look", &s), 0);
	CHECK_EQ(s.cpu, 2);
	CHECK_EQ(map_set_cpu(MAP_CPU_ANY), 2);
	CHECK_EQ(call(obj, "look", &s), 0);
	CHECK_EQ(s.cpu, 1);
}

/* -- Timers ------------------------------------------------------------------------------- */

static int start(struct ua_object *obj, uint32_t key, uint64_t ns, uint64_t again)
{
	struct start s = {.key = key, .ns = ns, .again = again};

	return call(obj, "start", &s);
}

static int cancel(struct ua_object *obj, uint32_t key)
{
	struct start s = {.key = key};

	return call(obj, "cancel", &s);
}

static void enter(void *arg, uint32_t on)
{
	sim.cpu = on;
}

static void run_until(uint64_t end)
{
	while (timer_queue_next(sim.world.timers) <= end) {
		sim.now = timer_queue_next(sim.world.timers);
		timer_queue_fire(sim.world.timers, enter, NULL);
	}
	sim.now = end;
}

static void get_log(struct ua_object *obj, struct fired_log *log)
{
	uint32_t key = 0;

	CHECK_EQ(ua_map__lookup(ua_object__find_map(obj, ".bss"), &key, log, 0), 0);
}

static void test_timers(struct ua_object *obj)
{
	static const struct fired want[] = {
		{100, 2, 2}, {100, 3, 1}, {200, 0, 0}, {250, 1, 1}, {300, 0, 0}, {400, 0, 0},
	};
	uint64_t from = sim.now;
	struct fired_log log;

	CHECK_EQ(timer_queue_next(sim.world.timers), UINT64_MAX);
	timer_queue_fire(sim.world.timers, enter, NULL);
	sim.cpu = 0;
	CHECK_EQ(start(obj, 0, 200, 100), 0);
	CHECK_EQ(start(obj, 4, 150, 0), 0);
	sim.cpu = 1;
	CHECK_EQ(start(obj, 1, 250, 0), 0);
	sim.cpu = 2;
	CHECK_EQ(start(obj, 2, 100, 0), 0);
	sim.cpu = 1;
	CHECK_EQ(start(obj, 3, 100, 0), 0);
	CHECK_EQ(timer_queue_next(sim.world.timers), from + 100);
	CHECK_EQ(cancel(obj, 4), 1);
	CHECK_EQ(cancel(obj, 4), 0);
	run_until(from + 450);
	CHECK_EQ(timer_queue_next(sim.world.timers), from + 500);
	CHECK_EQ(cancel(obj, 0), 1);
	CHECK_EQ(timer_queue_next(sim.world.timers), UINT64_MAX);

	get_log(obj, &log);
	CHECK_EQ(log.own_cancel, -EDEADLK);
	CHECK_EQ(log.n, sizeof(want) / sizeof(*want));
	for (uint32_t i = 0; i < log.n; i++) {
		CHECK_EQ(log.entry[i].at, from + want[i].at);
		CHECK_EQ(log.entry[i].key, want[i].key);
		CHECK_EQ(log.entry[i].cpu, want[i].cpu);
	}
}

/* The same timer, started here and there, is in one queue only. */
static void test_timer_moves(struct ua_object *obj)
{
	struct fired_log before, after;

	get_log(obj, &before);
	world_enter(NULL);
	CHECK_EQ(start(obj, 5, 3600ull * 1000000000, 0), 0);
	world_enter(&sim.world);
	CHECK_EQ(timer_queue_next(sim.world.timers), UINT64_MAX);
	CHECK_EQ(start(obj, 5, 10, 0), 0);
	run_until(sim.now + 10);
	get_log(obj, &after);
	CHECK_EQ(after.n, before.n + 1);
	CHECK_EQ(cancel(obj, 5), 0);
}

/* What is armed when a queue goes does not fire, and may be started again elsewhere. */
static void test_queue_goes(struct ua_object *obj)
{
	CHECK_EQ(start(obj, 6, 10, 0), 0);
	CHECK_EQ(start(obj, 7, 20, 0), 0);
	timer_queue_free(sim.world.timers);
	sim.world.timers = timer_queue_new();
	CHECK_EQ(timer_queue_next(sim.world.timers), UINT64_MAX);
	CHECK_EQ(cancel(obj, 6), 0);
	CHECK_EQ(start(obj, 7, 10, 0), 0);
	CHECK_EQ(timer_queue_next(sim.world.timers), sim.now + 10);
}

static void test_object(const char *path, enum ua_exec exec)
{
	UA_OPTS(ua_engine_opts, opts, .exec = exec, .n_cpus = N_CPUS);
	struct ua_engine *engine;
	struct ua_object *obj;

	CHECK_EQ(ua_engine__open(&opts, &engine), 0);
	CHECK_EQ(ua_object__open_file(engine, path, NULL, &obj), 0);
	CHECK_EQ(ua_object__load(obj), 0);
	sim_init();
	CHECK(!world_enter(&sim.world));
	test_surroundings(obj);
	test_slots(obj);
	test_chosen_cpu(obj);
	test_timers(obj);
	test_timer_moves(obj);
	test_queue_goes(obj);
	CHECK(world_enter(NULL) == &sim.world);
	test_real_world(obj);
	/* Timer 7 is still armed: its value takes it along. */
	ua_object__close(obj);
	ua_engine__close(engine);
	CHECK_EQ(timer_queue_next(sim.world.timers), UINT64_MAX);
	timer_queue_free(sim.world.timers);
}

int main(int argc, char **argv)
{
	CHECK(argc == 2);
	for (int exec = UA_EXEC_INTERP; exec <= UA_EXEC_JIT; exec++)
		test_object(argv[1], (enum ua_exec)exec);
	return 0;
}
