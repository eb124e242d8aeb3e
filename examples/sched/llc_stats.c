/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a scheduler's arena along: llc.bpf.c on a machine of two LLCs, and what it keeps about
 * each of them, through its own pointers.
 *
 *	llc_stats build/examples/sched/llc.bpf.o
 */
#include <stdio.h>
#include <uarena.h>
#include "llc.h"

#define MS 1000000ull
#define N_TASKS 6

static struct ua_machine *machine;

/* A burst is over: sleep for as long as it took, on average. */
static void next(void *arg, struct ua_task *task)
{
	ua_task__run(task, 2 * MS);
	ua_task__block(task);
	ua_machine__wake_at(
		machine, ua_machine__now(machine) + ua_machine__random(machine) % (4 * MS), task);
}

static int start_tasks(void)
{
	for (int i = 0; i < N_TASKS; i++) {
		UA_OPTS(ua_task_opts, opts, .name = "worker");
		struct ua_task *task;
		int err = ua_machine__fork(machine, &opts, NULL, &task);

		if (err)
			return err;
		ua_task__run(task, 2 * MS);
		ua_task__wake(task, NULL, false);
	}
	return 0;
}

/* A live variable of the program, in its arena or elsewhere. */
static void *variable(struct ua_object *obj, const char *name)
{
	void *addr;

	return ua_object__find_global(obj, name, &addr, NULL) ? NULL : addr;
}

static void print_llcs(struct ua_object *obj)
{
	uint64_t *llcs = variable(obj, "llcs");
	uint32_t *n = variable(obj, "nr_llcs");
	struct llc *llc = llcs ? ua_arena__to_host(ua_object__arena(obj), *llcs) : NULL;

	for (uint32_t i = 0; llc && n && i < *n; i++)
		printf("LLC %u: cids %u..%u, busy %llu ms, %llu woken idle, %llu queued\n", i,
		       llc[i].first_cid, llc[i].end_cid - 1,
		       (unsigned long long)(llc[i].busy_ns / MS),
		       (unsigned long long)llc[i].nr_woken_idle,
		       (unsigned long long)llc[i].nr_queued);
}

int main(int argc, char **argv)
{
	UA_OPTS(ua_machine_opts, machine_opts, .topology = "2l:2c", .seed = 1, .next = next);
	UA_OPTS(ua_engine_opts, engine_opts, .n_cpus = 4);
	struct ua_engine *engine;
	struct ua_object *obj;
	struct ua_link *link;
	int err;

	if (argc != 2 || ua_machine__new(&machine_opts, &machine) ||
	    ua_engine__open(&engine_opts, &engine) || ua_machine__bind(machine, engine) ||
	    ua_object__open_file(engine, argv[1], NULL, &obj) || ua_object__load(obj) ||
	    ua_map__attach_struct_ops(ua_object__find_map(obj, "llc_ops"), &link))
		return 2;
	err = start_tasks();
	if (!err)
		err = ua_machine__run(machine, 1000 * MS);
	print_llcs(obj);
	ua_link__destroy(link);
	ua_object__close(obj);
	ua_machine__free(machine);
	ua_engine__close(engine);
	return err ? 1 : 0;
}
