/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The simulated machine without memory: the n-th allocation fails, for every n, while it is
 * made, while tasks are forked, while a scheduler attaches, and while it runs. Nothing crashes,
 * nothing leaks, and with memory it works again. Usage: nomem FOLDER
 */
#include "sim.h"

#include "kernel/engine_priv.h"
#include "kernel/handle.h"

#define TASKS 4

static struct ua_map *ops_of(struct ua_object *obj)
{
	struct ua_map *map = NULL;

	while ((map = ua_object__next_map(obj, map)))
		if (ua_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS)
			return map;
	FAIL("the object has no scheduler");
}

static void wake(void *owner, uint64_t gen)
{
	machine_wake(((struct sim_task *)owner)->actor, owner, NULL, false);
}

static void burst_done(void *arg, struct sim_task *t)
{
	struct machine *m = t->actor;

	t->burst = 1 * MS;
	machine_block(m, t);
	machine_at(m, machine_now(m) + 2 * MS, wake, t, 0);
}

enum phase { MAKE, FORK, ATTACH, RUN, N_PHASES };

struct world_under_test {
	struct engine *core;
	struct ua_map *ops;
	unsigned long n; /* which allocation fails */
	enum phase phase;
};

static void starve(const struct world_under_test *w, enum phase phase)
{
	mem_fail_after(w->phase == phase ? w->n : 0);
}

static int fork_all(struct machine *m)
{
	for (int i = 0; i < TASKS; i++) {
		struct task_spec spec = {.comm = "t", .actor = m};
		struct sim_task *t;
		int err = machine_fork(m, &spec, NULL, &t);

		if (err)
			return err;
		t->burst = 1 * MS;
		machine_wake(m, t, NULL, false);
	}
	return 0;
}

/* 0: all of it went through. */
static int live(const struct world_under_test *w)
{
	static const struct machine_opts opts = {.topology = "2c:2t", .seed = 1};
	static const struct machine_driver driver = {.burst_done = burst_done};
	struct ua_link *link = NULL;
	struct machine *m;
	int err;

	starve(w, MAKE);
	err = machine_new(&opts, &m);
	mem_fail_after(0);
	if (err)
		return err;
	machine_set_driver(m, &driver);
	CHECK_EQ(machine_bind(m, w->core), 0);
	starve(w, FORK);
	err = fork_all(m);
	starve(w, ATTACH);
	if (!err)
		err = ua_map__attach_struct_ops(w->ops, &link);
	starve(w, RUN);
	if (!err)
		err = machine_run(m, 20 * MS);
	mem_fail_after(0);
	if (!err && machine_sched_state(m) != MACHINE_SCHED_ENABLED)
		err = -ECANCELED;
	ua_link__destroy(link);
	machine_free(m);
	return err;
}

static void starve_phase(struct world_under_test *w, enum phase phase)
{
	static const char *const names[] = {"make", "fork", "attach", "run"};
	unsigned int failed = 0, in_a_row = 0;

	w->phase = phase;
	for (w->n = 1; in_a_row < 20 && w->n < 2000; w->n++) {
		if (live(w)) {
			failed++;
			in_a_row = 0;
		} else {
			in_a_row++;
		}
	}
	printf("%s: %u allocations failed it\n", names[phase], failed);
	CHECK(phase == RUN || failed);
	CHECK(in_a_row == 20);
}

static void test(const char *folder, const char *name)
{
	UA_OPTS(ua_engine_opts, opts, .n_cpus = 4);
	struct world_under_test w = {0};
	struct ua_engine *engine;
	struct ua_object *obj;
	char path[4096];

	printf("%s\n", name);
	snprintf(path, sizeof(path), "%s/%s.bpf.o", folder, name);
	CHECK_EQ(ua_engine__open(&opts, &engine), 0);
	CHECK_EQ(ua_object__open_file(engine, path, NULL, &obj), 0);
	CHECK_EQ(ua_object__load(obj), 0);
	w.core = container_of(engine->kernel, struct engine_kernel, base)->engine;
	w.ops = ops_of(obj);
	for (int phase = MAKE; phase < N_PHASES; phase++)
		starve_phase(&w, (enum phase)phase);
	ua_object__close(obj);
	ua_engine__close(engine);
}

int main(int argc, char **argv)
{
	CHECK(argc == 2);
	ua_set_print(NULL);
	test(argv[1], "vtime");
	test(argv[1], "llc");
	return 0;
}
