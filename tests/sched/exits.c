/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a scheduler can end, one kind after the other on one machine, with what its exit callback
 * is told; the next one can be attached each time. Usage: exits RECORD-OBJECT FOLDER
 */
#include "sim.h"
#include "record.h"

static const char *object, *folder;

static void add_tasks(struct sim *s)
{
	char comm[16];

	for (int i = 0; i < 9; i++) {
		snprintf(comm, sizeof(comm), "t%d", i);
		sim_task(s, comm, (struct load){.run = 2 * MS, .sleep = i % 2 * MS});
	}
}

static void attach_example(struct sim *s, const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s.bpf.o", folder, name);
	sim_attach(s, path, NULL);
}

/* Out with it, whatever state it is in. */
static void drop(struct sim *s)
{
	sim_detach(s);
	ua_object__close(s->obj);
	s->obj = NULL;
	sim_run(s, 10 * MS);
}

static void expect_exit_record(struct sim *s, enum scx_exit_kind kind, uint64_t code)
{
	const struct record *r = sim_global(s, "records");
	uint64_t n = sim_global_u64(s, "nr_records");

	CHECK(n > 0 && n < RECORDS);
	CHECK_EQ(r[n - 1].op, OP_exit);
	CHECK_EQ(r[n - 1].a, kind);
	CHECK_EQ(r[n - 1].b, code);
}

static void expect(struct sim *s, enum scx_exit_kind kind, const char *reason, const char *msg)
{
	sim_expect_exit(s, kind, msg);
	if (strcmp(machine_sched_exit(s->m)->reason, reason))
		FAIL("reason is '%s', not '%s'", machine_sched_exit(s->m)->reason, reason);
}

static void unregister(struct sim *s)
{
	sim_attach(s, object, NULL);
	CHECK_EQ(machine_sched_state(s->m), MACHINE_SCHED_ENABLED);
	CHECK(!strcmp(machine_sched_name(s->m), "record"));
	CHECK(strstr(sim_log(), "sched_ext: BPF scheduler \"record\" enabled"));
	sim_run(s, 10 * MS);
	sim_detach(s);
	expect(s, SCX_EXIT_UNREG, "unregistered from user space", "");
	CHECK(strstr(sim_log(), "sched_ext: BPF scheduler \"record\" disabled "
				"(unregistered from user space)"));
	expect_exit_record(s, SCX_EXIT_UNREG, 0);
	drop(s);
}

static void sysrq(struct sim *s)
{
	sim_attach(s, object, NULL);
	sim_run(s, 10 * MS);
	machine_sched_kill(s->m);
	sim_run(s, 1 * MS);
	expect(s, SCX_EXIT_SYSRQ, "disabled by sysrq-S", "");
	expect_exit_record(s, SCX_EXIT_SYSRQ, 0);
	drop(s);
}

static void stall(struct sim *s)
{
	attach_example(s, "stall");
	sim_run(s, 5 * SEC);
	expect(s, SCX_EXIT_ERROR_STALL, "runnable task stall", "failed to run for ");
	CHECK(strstr(machine_sched_exit(s->m)->dump, "triggered exit kind 1026"));
	drop(s);
}

static void runtime_error(struct sim *s)
{
	attach_example(s, "wrong_dsq");
	sim_run(s, 1 * SEC);
	expect(s, SCX_EXIT_ERROR, "runtime error", "non-existent DSQ 0x0");
	drop(s);
}

/* Without callbacks for it, a CPU that comes or goes ends the scheduler, which its user part is
 * to start again. */
static void hotplug(struct sim *s)
{
	attach_example(s, "fifo");
	sim_run(s, 10 * MS);
	CHECK_EQ(machine_set_online(s->m, 1, false), 0);
	sim_run(s, 10 * MS);
	expect(s, SCX_EXIT_UNREG_KERN, "unregistered from the main kernel",
	       "cpu 1 going offline, exiting scheduler");
	CHECK_EQ(machine_sched_exit(s->m)->code, SCX_ECODE_ACT_RESTART | SCX_ECODE_RSN_HOTPLUG);
	drop(s);
	attach_example(s, "fifo");
	CHECK_EQ(machine_set_online(s->m, 1, true), 0);
	sim_run(s, 10 * MS);
	expect(s, SCX_EXIT_UNREG_KERN, "unregistered from the main kernel",
	       "cpu 1 going online, exiting scheduler");
	drop(s);
}

/* One scheduler at a time. */
static void busy(struct sim *s)
{
	struct ua_object *second;
	struct ua_link *link;
	char path[4096];

	attach_example(s, "fifo");
	snprintf(path, sizeof(path), "%s/vtime.bpf.o", folder);
	CHECK_EQ(ua_object__open_file(s->engine, path, NULL, &second), 0);
	CHECK_EQ(ua_object__load(second), 0);
	CHECK_EQ(ua_map__attach_struct_ops(ua_object__find_map(second, "vtime_ops"), &link),
		 -EBUSY);
	CHECK_EQ(ua_link__update_map(s->link, ua_object__find_map(second, "vtime_ops")),
		 -EOPNOTSUPP);
	ua_object__close(second);
	sim_run(s, 10 * MS);
	sim_expect_running(s);
	drop(s);
}

int main(int argc, char **argv)
{
	static void (*const ways[])(struct sim *) = {unregister, sysrq, stall,	   runtime_error,
						     hotplug,	 busy,	unregister};
	struct sim s;

	CHECK(argc == 3);
	object = argv[1];
	folder = argv[2];
	sim_open(&s, "2c", 3);
	sim_watch(&s, true);
	add_tasks(&s);
	CHECK_EQ(machine_sched_state(s.m), MACHINE_SCHED_NONE);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		ways[i](&s);
		sim_watch_settle(&s);
	}
	sim_close(&s);
	return 0;
}
