/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every mistake ends the scheduler with the kind and message that say what it was, and the
 * tasks go on under the default policy. Usage: errors CPU-OBJECT CID-OBJECT
 */
#include "sim.h"
#include "errors.h"

enum { CPU = 1, CID = 2, BOTH = 3 };

static const struct {
	enum error_mode mode;
	int forms;
	bool one; /* it is about one task, the first */
	enum scx_exit_kind kind;
	const char *msg;
} cases[] = {
	{SELECT_BAD_CPU, CPU, true, SCX_EXIT_ERROR, "invalid CPU 3 from ops.select_cpu()"},
	{SELECT_BAD_CPU, CID, true, SCX_EXIT_ERROR, "invalid cid 3"},
	{SELECT_NEGATIVE_CPU, CPU, true, SCX_EXIT_ERROR, "invalid CPU -1 from ops.select_cpu()"},
	{SELECT_NEGATIVE_CPU, CID, true, SCX_EXIT_ERROR, "invalid CPU -1 from ops.select_cpu()"},
	{DIRECT_TWICE, BOTH, true, SCX_EXIT_ERROR, "already direct-dispatched"},
	{DIRECT_OTHER, BOTH, true, SCX_EXIT_ERROR, "but trying to direct-dispatch first["},
	{NO_SUCH_DSQ, BOTH, true, SCX_EXIT_ERROR, "non-existent DSQ 0xbad"},
	{BAD_LOCAL_ON, CPU, true, SCX_EXIT_ERROR,
	 "invalid CPU 4095 in SCX_DSQ_LOCAL_ON dispatch verdict"},
	{BAD_LOCAL_ON, CID, true, SCX_EXIT_ERROR, "invalid cid 4095"},
	{FORBIDDEN_LOCAL_ON, BOTH, true, SCX_EXIT_ERROR,
	 "SCX_DSQ_LOCAL[_ON] target CPU 1 not allowed for first["},
	{VTIME_ON_BUILTIN, BOTH, true, SCX_EXIT_ERROR,
	 "cannot use vtime ordering for built-in DSQs"},
	{FIFO_THEN_VTIME, BOTH, true, SCX_EXIT_ERROR,
	 "DSQ ID 0x0000000000000000 already had FIFO-enqueued tasks"},
	{VTIME_THEN_FIFO, BOTH, true, SCX_EXIT_ERROR,
	 "DSQ ID 0x0000000000000001 already had PRIQ-enqueued tasks"},
	{OVERFILL_BUFFER, BOTH, false, SCX_EXIT_ERROR, "dispatch buffer overflow"},
	{CANCEL_NOTHING, BOTH, false, SCX_EXIT_ERROR, "dispatch buffer underflow"},
	{MOVE_FROM_NOWHERE, BOTH, false, SCX_EXIT_ERROR, "DSQ"},
	{DESTROY_IN_USE, BOTH, true, SCX_EXIT_ERROR,
	 "attempting to destroy in-use dsq 0x0000000000000000 (nr="},
	{KICK_IDLE_PREEMPT, BOTH, true, SCX_EXIT_ERROR,
	 "PREEMPT/WAIT cannot be used with SCX_KICK_IDLE"},
	{KICK_BAD_CPU, BOTH, true, SCX_EXIT_ERROR, "4095"},
	{TID_WITHOUT_FLAG, BOTH, true, SCX_EXIT_ERROR, "TID_TO_TASK"},
	{BAD_PERF, BOTH, true, SCX_EXIT_ERROR, "Invalid cpuperf target"},
	{PERF_BAD_CPU, BOTH, true, SCX_EXIT_ERROR, "4095"},
	{IMMED_ON_USER_DSQ, BOTH, true, SCX_EXIT_ERROR, "IMMED"},
	{REENQ_FOREVER, BOTH, true, SCX_EXIT_ERROR_REENQ,
	 "first[1] reenqueued 257 times without running"},
	{PEEK_BUILTIN, BOTH, true, SCX_EXIT_ERROR, "DSQ"},
	{INSERT_RESERVED_FLAG, BOTH, true, SCX_EXIT_ERROR, "invalid enq_flags"},
	{CID_OUT_OF_RANGE, BOTH, true, SCX_EXIT_ERROR, "invalid cid 4095"},
	{CPU_OUT_OF_RANGE, BOTH, true, SCX_EXIT_ERROR, "-3"},
	{TOPO_OUT_OF_RANGE, BOTH, true, SCX_EXIT_ERROR, "invalid cid 3"},
	{SAY_ERROR, BOTH, true, SCX_EXIT_ERROR_BPF, "tired after "},
	{LONG_MESSAGE, BOTH, true, SCX_EXIT_ERROR_BPF, "      "},
	{DUMP_OUTSIDE, BOTH, true, SCX_EXIT_ERROR,
	 "scx_bpf_dump() must only be called from ops.dump() and friends"},
	{SAY_EXIT, BOTH, true, SCX_EXIT_UNREG_BPF, "goodbye "},
	{INIT_FAILS, BOTH, false, SCX_EXIT_ERROR, "ops.init() failed (-19)"},
	{INIT_POSITIVE, BOTH, false, SCX_EXIT_ERROR, "ops.init() returned an invalid errno 7"},
	{INIT_ABSURD, BOTH, false, SCX_EXIT_ERROR, "ops.init() returned an invalid errno -5000"},
	{INIT_TASK_FAILS, BOTH, false, SCX_EXIT_ERROR, "ops.init_task() failed (-22) for "},
	{CGROUP_INIT_FAILS, BOTH, false, SCX_EXIT_ERROR, "ops.cgroup_init() failed (-12)"},
	{OVERRIDE_SIZE, CID, false, SCX_EXIT_ERROR, "cpu_to_cid expected 3 entries, got 64"},
	{OVERRIDE_FAR, CID, false, SCX_EXIT_ERROR, "invalid cid 3"},
	{OVERRIDE_NO_SHARDS, CID, false, SCX_EXIT_ERROR, "invalid shard_start count 0"},
	{OVERRIDE_MANY_SHARDS, CID, false, SCX_EXIT_ERROR, "invalid shard_start count 4"},
	{OVERRIDE_SHARD_BASE, CID, false, SCX_EXIT_ERROR, "shard_start[0] must be 0, got 1"},
	{OVERRIDE_SHARD_ORDER, CID, false, SCX_EXIT_ERROR, "shard_start not increasing at [1]"},
	{OVERRIDE_SHARD_FAR, CID, false, SCX_EXIT_ERROR, "shard_start[1]=3 >= 3"},
	{CAPS_TOO_EARLY, CID, false, SCX_EXIT_ERROR, "called before caps storage"},
	{CAPS_UNKNOWN, CID, true, SCX_EXIT_ERROR, "invalid caps 0x80"},
	{CAPS_BAD_MASK, CID, true, SCX_EXIT_ERROR, "invalid out (-22)"},
	{CAPS_IN_CPU_FORM, CPU, true, SCX_EXIT_ERROR, "require a cid-form scheduler"},
	{INIT_CIDS_FAILS, CID, false, SCX_EXIT_ERROR, "ops.init_cids() failed (-7)"},
	{RESCUE_ON_USER_DSQ, BOTH, true, SCX_EXIT_ERROR, "SCX_ENQ_RESCUE on a non-local DSQ 0x0"},
	{REENQ_GLOBAL, BOTH, true, SCX_EXIT_ERROR, "DSQ 0x8000000000000001 not allowed for reenq"},
	{SELECT_FOR_OTHER, CPU, true, SCX_EXIT_ERROR, "called on a task not being operated on"},
	{SELECT_FOR_REMOTE, CPU, true, SCX_EXIT_ERROR,
	 "select_cpu kfunc called cross-task on first["},
	{SELECT_FROM_BAD_CPU, CPU, true, SCX_EXIT_ERROR, "invalid CPU 4095"},
	{CGROUP_OF_OTHER, BOTH, true, SCX_EXIT_ERROR, "called on a task not being operated on"},
	{PERF_OF_OTHER_CPU, BOTH, true, SCX_EXIT_ERROR, "Invalid target CPU "},
	{BAD_FORMAT, BOTH, true, SCX_EXIT_ERROR_BPF, "exit message formatting failed (-22)"},
	{ODD_FORMAT_SIZE, BOTH, true, SCX_EXIT_ERROR_BPF, "exit message formatting failed (-22)"},
	{IDLE_MASK_BY_NODE, CPU, true, SCX_EXIT_ERROR, "SCX_OPS_BUILTIN_IDLE_PER_NODE enabled"},
	{PICK_BY_NODE, CPU, true, SCX_EXIT_ERROR, "per-node idle tracking is enabled"},
	{REENQ_FLAGS, BOTH, true, SCX_EXIT_ERROR, "invalid SCX_REENQ flags 0x2"},
	{OVERRIDE_TWICE, CID, false, SCX_EXIT_ERROR, "cid 0 assigned to multiple cpus"},
	{DISALLOW_AT_FORK, BOTH, false, SCX_EXIT_ERROR, "disallow"},
};

static const struct {
	enum scx_exit_kind kind;
	const char *reason;
} reasons[] = {
	{SCX_EXIT_ERROR, "runtime error"},
	{SCX_EXIT_ERROR_BPF, "scx_bpf_error"},
	{SCX_EXIT_ERROR_REENQ, "reenqueue limit"},
	{SCX_EXIT_UNREG_BPF, "unregistered from BPF"},
};

static void check_reason(const struct machine_exit *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (reasons[i].kind == e->kind && strcmp(e->reason, reasons[i].reason))
			FAIL("reason is '%s', not '%s'", e->reason, reasons[i].reason);
	CHECK(strlen(e->msg) < SCX_EXIT_MSG_LEN);
	/* Only errors leave a dump. */
	CHECK(!*e->dump == (e->kind < SCX_EXIT_ERROR));
}

static void add_tasks(struct sim *s)
{
	char comm[16];

	sim_task(s, "first", (struct load){.run = 3 * MS, .cpus = 5, .start = 10 * MS});
	for (int i = 0; i < 8; i++) {
		snprintf(comm, sizeof(comm), "hog%d", i);
		sim_task(s, comm, (struct load){.run = 10 * MS});
	}
}

/* Everybody runs, and what they run adds up. */
static void check_tasks_go_on(struct sim *s)
{
	uint64_t before[16];

	for (uint32_t i = 0; i < s->n_actors; i++)
		before[i] = s->actors[i]->t->runtime;
	sim_run(s, 500 * MS);
	for (uint32_t i = 0; i < s->n_actors; i++)
		if (s->actors[i]->t->runtime <= before[i])
			FAIL("%s does not run any more", s->actors[i]->comm);
	sim_watch_settle(s);
}

static void play(const char *object, size_t i)
{
	bool by_node = cases[i].mode == IDLE_MASK_BY_NODE || cases[i].mode == PICK_BY_NODE;
	char mode[32], victim[32];
	struct sim_actor *late;
	struct sim s;

	printf("mode %d, %s\n", (int)cases[i].mode, object);
	fflush(stdout);
	sim_open(&s, "3c", 1);
	sim_watch(&s, true);
	add_tasks(&s);
	snprintf(mode, sizeof(mode), "mode = %d", (int)cases[i].mode);
	snprintf(victim, sizeof(victim), "victim = %d",
		 cases[i].one ? s.actors[0]->t->obj.ts.pid : 0);
	sim_attach(&s, object, mode, victim,
		   by_node ? "errors_ops.flags = 0x40" : "errors_ops.flags = 0", NULL);
	if (cases[i].mode == DISALLOW_AT_FORK)
		sim_try_task(&s, "late", (struct load){.run = 1 * MS}, &late);
	sim_run(&s, 100 * MS);
	sim_expect_exit(&s, cases[i].kind, cases[i].msg);
	check_reason(machine_sched_exit(s.m));
	if (cases[i].mode == SAY_EXIT)
		CHECK_EQ(machine_sched_exit(s.m)->code, 0x1234);
	check_tasks_go_on(&s);
	/* The link of an ended scheduler can still be destroyed, which changes nothing. */
	sim_detach(&s);
	sim_expect_exit(&s, cases[i].kind, cases[i].msg);
	sim_close(&s);
}

/* Without a mistake the same scheduler goes on. */
static void play_good(const char *object)
{
	struct sim s;

	sim_open(&s, "3c", 1);
	sim_watch(&s, true);
	add_tasks(&s);
	sim_attach(&s, object, NULL);
	sim_run(&s, 200 * MS);
	sim_expect_running(&s);
	check_tasks_go_on(&s);
	sim_close(&s);
}

/* When it starts, a scheduler may keep tasks from asking for its policy. */
static void play_disallow(const char *object)
{
	char mode[32], victim[32];
	struct sim s;

	sim_open(&s, "3c", 1);
	sim_watch(&s, true);
	add_tasks(&s);
	CHECK_EQ(machine_set_policy(s.m, s.actors[0]->t, true), 0);
	snprintf(mode, sizeof(mode), "mode = %d", DISALLOW_AT_LOAD);
	snprintf(victim, sizeof(victim), "victim = %d", s.actors[0]->t->obj.ts.pid);
	sim_attach(&s, object, mode, victim, NULL);
	CHECK_EQ(s.actors[0]->t->obj.ts.policy, 0);
	CHECK_EQ(machine_set_policy(s.m, s.actors[0]->t, true), -EACCES);
	CHECK_EQ(machine_set_policy(s.m, s.actors[1]->t, true), 0);
	sim_run(&s, 20 * MS);
	sim_expect_running(&s);
	check_tasks_go_on(&s);
	sim_close(&s);
}

int main(int argc, char **argv)
{
	CHECK(argc == 3);
	play_good(argv[1]);
	play_good(argv[2]);
	play_disallow(argv[1]);
	play_disallow(argv[2]);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (cases[i].forms & CPU)
			play(argv[1], i);
		if (cases[i].forms & CID)
			play(argv[2], i);
	}
	return 0;
}
