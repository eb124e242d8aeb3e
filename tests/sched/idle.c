/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where scx_bpf_select_cpu_dfl() sends a task that wakes up: to its last CPU if the whole core is
 * idle, to an idle core nearby, to what is idle of its own core, to any idle CPU nearby, or back.
 * Usage: idle FOLDER
 */
#include "sim.h"

/* Two nodes of two LLCs of two cores of two threads: CPU n and n + 8 share a core, the first
 * LLC has cores 0 and 1, the first node cores 0 to 3. */
#define MACHINE "2n:2l:2c:2t"
#define BIT(n) (1ull << (n))
#define CORE(n) (BIT(n) | BIT((n) + 8))
#define LLC0 (CORE(0) | CORE(1))
#define NODE0 (LLC0 | CORE(2) | CORE(3))
#define ALL 0xffffull
#define FIRST 0xffull /* one thread of each core */

static const struct {
	const char *what;
	uint64_t busy;
	int prev;
	uint64_t may; /* where it may go; 0: it has to wait where it was */
} cases[] = {
	{"nothing is busy", 0, 5, BIT(5)},
	{"its CPU is busy", BIT(0), 0, CORE(1)},
	{"its core is busy", CORE(0), 0, CORE(1)},
	{"the other thread is busy", BIT(8), 0, CORE(1)},
	{"its LLC is busy", LLC0, 1, CORE(2) | CORE(3)},
	{"no whole core is left in its LLC", BIT(0) | BIT(1), 0, CORE(2) | CORE(3)},
	{"its node is busy", NODE0, 2, ALL & ~NODE0},
	{"one thread of each core is busy, not its own", FIRST, 8, BIT(8)},
	{"one thread of each core is busy, its own as well", FIRST, 3, BIT(11)},
	{"all of its core and one thread of the others is busy", FIRST | BIT(8), 0, BIT(9)},
	{"only the other node has something left", ALL & ~BIT(13), 0, BIT(13)},
	{"everything is busy", ALL, 6, 0},
};

static void occupy(struct sim *s, uint64_t cpus)
{
	char comm[16];

	for (int cpu = 0; cpu < 16; cpu++) {
		if (!(cpus >> cpu & 1))
			continue;
		snprintf(comm, sizeof(comm), "hog%d", cpu);
		sim_task(s, comm, (struct load){.run = 1 * SEC, .cpus = BIT(cpu)});
	}
	sim_run(s, 5 * MS);
}

static void play(const char *object, size_t i)
{
	struct sim_actor *a;
	struct sim s;

	sim_open(&s, MACHINE, 1);
	sim_watch(&s, true);
	sim_attach(&s, object, NULL);
	a = sim_task(&s, "waker", (struct load){.run = 1 * MS, .idle = true});
	CHECK_EQ(machine_set_affinity(s.m, a->t, &(uint64_t){BIT(cases[i].prev)}), 0);
	sim_wake(&s, "waker");
	sim_run(&s, 5 * MS);
	CHECK(a->t->state == TASK_SLEEPING && a->t->cpu == cases[i].prev);
	occupy(&s, cases[i].busy);
	CHECK_EQ(machine_set_affinity(s.m, a->t, NULL), 0);
	sim_wake(&s, "waker");
	sim_run(&s, 100 * US);
	if (cases[i].may ? a->t->state != TASK_ON_CPU || !(cases[i].may >> a->t->cpu & 1)
			 : a->t->state != TASK_QUEUED)
		FAIL("%s: state %d on CPU %d", cases[i].what, (int)a->t->state, a->t->cpu);
	sim_expect_running(&s);
	sim_close(&s);
}

int main(int argc, char **argv)
{
	char path[4096];

	CHECK(argc == 2);
	snprintf(path, sizeof(path), "%s/fifo.bpf.o", argv[1]);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		play(path, i);
	return 0;
}
