/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A unit test of a scheduler, without a kernel: tasks whose weights are as 1 to 2 share one CPU
 * for ten seconds of virtual time, and a heavy one gets twice as much of it.
 *
 *	unit_test build/examples/sched/vtime.bpf.o
 */
#include <stdio.h>
#include <uarena.h>

#define MS 1000000ull

/* A burst is over: hogs just go on. */
static void next(void *arg, struct ua_task *task)
{
	ua_task__run(task, 10 * MS);
}

static struct ua_map *find_scheduler(struct ua_object *obj)
{
	struct ua_map *map = NULL;

	while ((map = ua_object__next_map(obj, map)))
		if (ua_map__type(map) == 26) /* BPF_MAP_TYPE_STRUCT_OPS */
			return map;
	return NULL;
}

static struct ua_task *start(struct ua_machine *m, const char *name, int nice)
{
	UA_OPTS(ua_task_opts, opts, .name = name, .nice = nice);
	struct ua_task *task;

	if (ua_machine__fork(m, &opts, NULL, &task))
		return NULL;
	ua_task__run(task, 10 * MS);
	ua_task__wake(task, NULL, false);
	return task;
}

static int check(struct ua_machine *m, const struct ua_task *light, const struct ua_task *heavy)
{
	UA_OPTS(ua_sched_info, info);
	double ratio;

	ua_machine__sched(m, &info);
	if (info.state != UA_SCHED_ENABLED) {
		printf("scheduler ended: %s: %s\n%s", info.reason, info.msg, info.dump);
		return 1;
	}
	ratio = (double)ua_task__runtime(heavy) / (double)ua_task__runtime(light);
	printf("%s: light %llu ms, heavy %llu ms, ratio %.2f\n", info.name,
	       (unsigned long long)(ua_task__runtime(light) / MS),
	       (unsigned long long)(ua_task__runtime(heavy) / MS), ratio);
	return ratio < 1.9 || ratio > 2.1;
}

int main(int argc, char **argv)
{
	UA_OPTS(ua_machine_opts, machine_opts, .topology = "1c", .seed = 1, .next = next);
	UA_OPTS(ua_engine_opts, engine_opts, .n_cpus = 1);
	struct ua_task *light, *heavy, *other;
	struct ua_engine *engine;
	struct ua_machine *m;
	struct ua_object *obj;
	struct ua_link *link;
	struct ua_map *ops;
	int failed;

	if (argc != 2 || ua_machine__new(&machine_opts, &m) ||
	    ua_engine__open(&engine_opts, &engine) || ua_machine__bind(m, engine) ||
	    ua_object__open_file(engine, argv[1], NULL, &obj) || ua_object__load(obj) ||
	    !(ops = find_scheduler(obj)) || ua_map__attach_struct_ops(ops, &link))
		return 2;
	light = start(m, "light", 3); /* three levels of nice halve the weight */
	heavy = start(m, "heavy", 0);
	other = start(m, "other", 0);
	if (!light || !heavy || !other || ua_machine__run(m, 10000 * MS))
		return 2;
	failed = check(m, light, heavy);
	ua_link__destroy(link);
	ua_object__close(obj);
	ua_machine__free(m);
	ua_engine__close(engine);
	return failed;
}
