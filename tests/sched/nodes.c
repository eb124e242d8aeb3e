/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scx_bpf_pick_{idle,any}_cpu_node(): which CPU of which node, and what is no node.
 * Usage: nodes OBJECT
 */
#include "btf/types/scx.h"
#include "sim.h"

/* CPUs 0 to 3 are node 0, 4 to 7 are node 1. */
#define MACHINE "2n:1l:4c:1t"
#define IN_NODE SCX_PICK_IDLE_IN_NODE

static const struct {
	const char *what;
	const char *program;
	bool busy; /* all of node 0 */
	int32_t node;
	uint64_t flags;
	int32_t from, to; /* what may come of it */
} cases[] = {
	{"an idle one of the node", "pick_idle", false, 1, 0, 4, 7},
	{"no idle one there: another node", "pick_idle", true, 0, 0, 4, 7},
	{"no idle one there and only there", "pick_idle", true, 0, IN_NODE, -EBUSY, -EBUSY},
	{"any: an idle one first", "pick_any", false, 0, 0, 0, 3},
	{"any, only there, none idle: a busy one", "pick_any", true, 0, IN_NODE, 0, 3},
	{"any: idle ones elsewhere", "pick_any", true, 0, 0, 4, 7},
	{"no node", "pick_idle", false, -1, 0, -ENOENT, -ENOENT},
	{"any of no node", "pick_any", false, -1, 0, -ENOENT, -ENOENT},
};

static void begin(struct sim *s, const char *object, const char *flags)
{
	sim_open(s, MACHINE, 1);
	sim_watch(s, true);
	sim_attach(s, object, flags, NULL);
}

static int ask(struct sim *s, const char *program, int32_t node, uint64_t flags)
{
	*(int32_t *)sim_global(s, "node") = node;
	*(uint64_t *)sim_global(s, "flags") = flags;
	return sim_call(s, program);
}

static void play(const char *object, size_t i)
{
	struct sim s;

	begin(&s, object, "nodes_ops.flags = 0x40");
	for (int cpu = 0; cpu < 4 && cases[i].busy; cpu++)
		sim_task(&s, "busy", (struct load){.run = 1 * SEC, .cpus = 1ull << cpu});
	sim_run(&s, 5 * MS);
	/* A CPU that was picked is no longer idle: ask until all four are taken. */
	for (int n = 0; n < 4; n++) {
		int cpu = ask(&s, cases[i].program, cases[i].node, cases[i].flags);

		if (cpu < cases[i].from || cpu > cases[i].to)
			FAIL("%s: %d", cases[i].what, cpu);
	}
	sim_expect_running(&s);
	sim_close(&s);
}

static void refused(const char *object, const char *flags, int32_t node, int err, const char *text)
{
	struct sim s;

	begin(&s, object, flags);
	sim_run(&s, 5 * MS);
	CHECK_EQ(ask(&s, "pick_any", node, 0), err);
	sim_run(&s, 1 * MS);
	sim_expect_exit(&s, SCX_EXIT_ERROR, text);
	sim_close(&s);
}

int main(int argc, char **argv)
{
	CHECK(argc == 2);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		play(argv[1], i);
	refused(argv[1], "nodes_ops.flags = 0x40", 2, -EINVAL, "invalid node 2");
	refused(argv[1], "nodes_ops.flags = 0x40", -7, -EINVAL, "invalid node -7");
	refused(argv[1], "nodes_ops.flags = 0", 0, -EOPNOTSUPP,
		"per-node idle tracking is disabled");
	return 0;
}
