/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the examples are there to show: what the sound ones count and achieve, and what happens
 * to those with a bug. Usage: examples FOLDER SOURCES
 */
#include "../../examples/sched/llc.h"
#include "sched/core.h"
#include "sim.h"

static const char *folder, *sources;
static struct sim sim;

static void begin(const char *machine, const char *example, const char *global)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s.bpf.o", folder, example);
	sim_open(&sim, machine, 2);
	sim_watch(&sim, true);
	sim_attach(&sim, path, global, NULL);
}

static void end(void)
{
	sim_watch_settle(&sim);
	sim_close(&sim);
}

static void add(uint32_t n, struct load load)
{
	char comm[16];

	for (uint32_t i = 0; i < n; i++) {
		snprintf(comm, sizeof(comm), "t%u", sim.n_actors);
		load.start = i * 100 * US;
		sim_task(&sim, comm, load);
	}
}

static uint64_t total_runtime(void)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < sim.n_actors; i++)
		sum += sim_runtime(sim.actors[i]);
	return sum;
}

static void fifo(void)
{
	begin("4c", "fifo", NULL);
	add(3, (struct load){.run = 1 * MS, .sleep = 1 * MS});
	sim_run(&sim, 100 * MS);
	/* While there is room, nobody ever waits. */
	CHECK(sim_global_u64(&sim, "nr_direct") > 100);
	CHECK_EQ(sim_global_u64(&sim, "nr_queued"), 0);
	add(8, (struct load){.run = 5 * MS});
	sim_run(&sim, 500 * MS);
	CHECK(sim_global_u64(&sim, "nr_queued") > 50);
	sim_expect_running(&sim);
	end();
}

/* The host reads the scheduler's arena through its own pointers. */
static void llc(void)
{
	uint64_t busy = 0, queued = 0, left = 0;
	const struct llc *llcs;
	uint32_t n;

	begin("2n:2l:2c", "llc", NULL);
	add(24, (struct load){.run = 3 * MS, .sleep = 2 * MS, .vary = true});
	add(4, (struct load){.run = 3 * MS});
	sim_run(&sim, 1 * SEC);
	sim_expect_running(&sim);
	CHECK_EQ(sim_global_u64(&sim, "nr_tasks"), 28);
	n = sim_global_u32(&sim, "nr_llcs");
	CHECK_EQ(n, 4);
	llcs = sim_follow(&sim, sim_global_u64(&sim, "llcs"));
	for (uint32_t i = 0; i < n; i++) {
		CHECK_EQ(llcs[i].first_cid, 2 * i);
		CHECK_EQ(llcs[i].end_cid, 2 * i + 2);
		CHECK(llcs[i].nr_taken > 0 && llcs[i].busy_ns > 100 * MS);
		busy += llcs[i].busy_ns;
		queued += llcs[i].nr_queued;
		left += llcs[i].nr_taken + llcs[i].nr_stolen;
	}
	/* All but what is running or waiting just now is accounted for. */
	CHECK(busy <= total_runtime() + 8 * 5 * MS && busy + 8 * 10 * MS >= total_runtime());
	CHECK(left <= queued && queued <= left + 28);
	for (uint32_t i = 0; i < sim.n_actors; i++)
		CHECK_EQ(machine_set_affinity(sim.m, sim.actors[i]->t, &(uint64_t){1ull << i % 8}),
			 0);
	CHECK_EQ(sim_global_u64(&sim, "nr_masks"), 2 * 28); /* when it came, and now */
	sim_run(&sim, 100 * MS);
	for (uint32_t i = 0; i < sim.n_actors; i++)
		CHECK_EQ(sim.actors[i]->t->cpu, i % 8);
	sim_expect_running(&sim);
	while (sim.n_actors > 20) {
		struct sim_actor *a = sim.actors[--sim.n_actors];

		machine_exit(sim.m, a->t);
		free(a);
	}
	CHECK_EQ(sim_global_u64(&sim, "nr_tasks"), 20);
	end();
}

/* Nobody is interrupted while there is room; else turns are as long as the timer says. */
static void timer(void)
{
	begin("2c", "timer", NULL);
	add(2, (struct load){.run = 1 * SEC});
	sim_run(&sim, 500 * MS);
	CHECK(sim_global_u64(&sim, "nr_fired") >= 490);
	CHECK_EQ(sim_global_u64(&sim, "nr_preempted"), 0);
	add(2, (struct load){.run = 1 * SEC});
	sim_run(&sim, 1 * SEC);
	CHECK(sim_global_u64(&sim, "nr_preempted") > 250);
	for (uint32_t i = 2; i < 4; i++)
		CHECK(sim.actors[i]->t->runtime > 400 * MS);
	sim_expect_running(&sim);
	end();
}

/* -- Those with a bug ------------------------------------------------------------------------ */

static void stall(void)
{
	begin("2c", "stall", NULL);
	add(6, (struct load){.run = 5 * MS});
	sim_run(&sim, 4 * SEC);
	sim_expect_exit(&sim, SCX_EXIT_ERROR_STALL, "t3[4] failed to run for ");
	CHECK(strstr(machine_sched_exit(sim.m)->dump, "dsq_id=0x1\n"));
	CHECK(sim.actors[3]->t->runtime > 100 * MS);
	end();
}

static void lost(void)
{
	/* As many as the ring holds are no problem. */
	begin("2c", "lost", NULL);
	add(10, (struct load){.run = 5 * MS});
	sim_run(&sim, 6 * SEC);
	sim_expect_running(&sim);
	add(1, (struct load){.run = 5 * MS});
	sim_run(&sim, 4 * SEC);
	sim_expect_exit(&sim, SCX_EXIT_ERROR_STALL, "failed to run for ");
	CHECK(strstr(machine_sched_exit(sim.m)->dump, "dsq_id=(n/a)"));
	CHECK(!strstr(machine_sched_exit(sim.m)->dump, "dsq_id=0x"));
	for (uint32_t i = 0; i < sim.n_actors; i++)
		CHECK(sim_runtime(sim.actors[i]) > 100 * MS);
	end();
}

/* Line of the source with this text. */
static int line_of(const char *file, const char *text)
{
	char path[4096], line[512];
	int n = 1;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", sources, file);
	f = fopen(path, "r");
	CHECK(f);
	for (; fgets(line, sizeof(line), f); n++)
		if (strstr(line, text)) {
			fclose(f);
			return n;
		}
	FAIL("%s: no line with '%s'", path, text);
}

static void wild(void)
{
	const char *text;
	char where[64];

	begin("2c", "wild", NULL);
	add(5, (struct load){.run = 5 * MS});
	sim_run(&sim, 100 * MS);
	sim_expect_running(&sim);
	text = sim_stderr(&sim, "wild_running");
	snprintf(where, sizeof(where), "wild.bpf.c:%d",
		 line_of("wild.bpf.c", "table[p->pid].nr_runs++"));
	if (!strstr(text, "ERROR: Arena READ access at unmapped address 0x") ||
	    !strstr(text, "ERROR: Arena WRITE access at unmapped address 0x") ||
	    !strstr(text, where))
		FAIL("no report with %s in:\n%s", where, text);
	/* It goes on, and everybody gets his share. */
	sim_run(&sim, 1 * SEC);
	sim_expect_running(&sim);
	for (uint32_t i = 0; i < sim.n_actors; i++)
		CHECK(sim.actors[i]->t->runtime > 300 * MS);
	end();
}

static void wrong_dsq(void)
{
	begin("2c", "wrong_dsq", NULL);
	add(5, (struct load){.run = 5 * MS});
	sim_run(&sim, 100 * MS);
	sim_expect_exit(&sim, SCX_EXIT_ERROR, "non-existent DSQ 0x0");
	CHECK(total_runtime() > 190 * MS);
	end();
	begin("2c", "wrong_dsq", "bad_cpu = true");
	add(5, (struct load){.run = 5 * MS});
	sim_run(&sim, 100 * MS);
	sim_expect_exit(&sim, SCX_EXIT_ERROR, "invalid CPU 2 in SCX_DSQ_LOCAL_ON dispatch verdict");
	CHECK(total_runtime() > 190 * MS);
	end();
}

int main(int argc, char **argv)
{
	CHECK(argc == 3);
	folder = argv[1];
	sources = argv[2];
	fifo();
	llc();
	timer();
	stall();
	lost();
	wild();
	wrong_dsq();
	return 0;
}
