/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dispatch queues: order of arrival and of virtual time, iterating, moving, counting, peeking,
 * running through enqueue() again, creating and destroying. Usage: dsq PLAN-OBJECT
 *
 * One CPU, kept busy by a task of its own while others queue up behind it.
 */
#include "planned.h"

#define N 6

static const char *object;
static struct sim sim;
static struct sim_actor *t[N];

/* N tasks that sleep; `busy` has the CPU and will keep it. */
static void begin(void)
{
	char comm[16];

	sim_open(&sim, "1c", 5);
	sim_watch(&sim, true);
	sim_attach(&sim, object, NULL);
	plan_default(&sim, 1);
	plan_set(&sim, "hold", 1);
	sim_task(&sim, "busy", (struct load){.run = 1 * SEC});
	plan_of(&sim, sim_find(&sim, "busy"))->dsq = SCX_DSQ_LOCAL;
	plan_of(&sim, sim_find(&sim, "busy"))->slice = SCX_SLICE_INF;
	for (int i = 0; i < N; i++) {
		snprintf(comm, sizeof(comm), "t%d", i);
		t[i] = sim_task(&sim, comm, (struct load){.run = 1 * MS, .idle = true});
	}
	sim_run(&sim, 1 * MS);
	CHECK_EQ(sim_find(&sim, "busy")->t->state, TASK_ON_CPU);
}

static void wake(struct sim_actor *a)
{
	sim_wake(&sim, a->comm);
	sim_run(&sim, 10 * US);
}

static void wake_all(void)
{
	for (int i = 0; i < N; i++)
		wake(t[i]);
}

/* The busy one ends, and dispatch() serves the queues. */
static void release(void)
{
	struct sim_actor *busy = sim_find(&sim, "busy");

	plan_log(&sim);
	plan_set(&sim, "hold", 0);
	machine_exit(sim.m, busy->t);
	busy->t = NULL;
	sim_run(&sim, 100 * MS);
}

static void end(void)
{
	sim_expect_running(&sim);
	sim_watch_settle(&sim);
	sim_close(&sim);
}

static int length(uint64_t dsq)
{
	plan_order(&sim)->dsq = dsq;
	return sim_call(&sim, "queue_length");
}

static int peek(uint64_t dsq)
{
	plan_order(&sim)->dsq = dsq;
	return sim_call(&sim, "queue_peek");
}

/* -- Order ---------------------------------------------------------------------------------- */

static void arrival(void)
{
	begin();
	wake_all();
	EXPECT_QUEUE(&sim, 1, 0, t[0], t[1], t[2], t[3], t[4], t[5]);
	EXPECT_QUEUE(&sim, 1, SCX_DSQ_ITER_REV, t[5], t[4], t[3], t[2], t[1], t[0]);
	CHECK_EQ(length(1), N);
	CHECK_EQ(peek(1), pid_of(t[0]));
	release();
	EXPECT_RAN(&sim, t[0], t[1], t[2], t[3], t[4], t[5]);
	CHECK_EQ(length(1), 0);
	CHECK_EQ(peek(1), 0);
	end();
}

static void at_the_head(void)
{
	begin();
	plan_put(&sim, t[2], 1, SCX_ENQ_HEAD);
	plan_put(&sim, t[4], 1, SCX_ENQ_HEAD);
	wake_all();
	EXPECT_QUEUE(&sim, 1, 0, t[4], t[2], t[0], t[1], t[3], t[5]);
	release();
	EXPECT_RAN(&sim, t[4], t[2], t[0], t[1], t[3], t[5]);
	end();
}

/* Times that have wrapped come behind those that have not; equal ones keep their order. */
static void virtual_time(void)
{
	static const uint64_t vtimes[N] = {5, -10ull, 5, 0, -1ull, 5};

	begin();
	for (int i = 0; i < N; i++)
		plan_put_vtime(&sim, t[i], 2, vtimes[i]);
	wake_all();
	EXPECT_QUEUE(&sim, 2, 0, t[1], t[4], t[3], t[0], t[2], t[5]);
	EXPECT_QUEUE(&sim, 2, SCX_DSQ_ITER_REV, t[5], t[2], t[0], t[3], t[4], t[1]);
	CHECK_EQ(peek(2), pid_of(t[1]));
	release();
	EXPECT_RAN(&sim, t[1], t[4], t[3], t[0], t[2], t[5]);
	end();
}

/* A queue that has become empty may be used the other way. */
static void either_way(void)
{
	begin();
	plan_put_vtime(&sim, t[0], 1, 7);
	wake(t[0]);
	release();
	plan_put(&sim, t[0], 1, 0);
	sim_wake(&sim, "t0");
	sim_run(&sim, 10 * MS);
	plan_put_vtime(&sim, t[0], 1, 7);
	sim_wake(&sim, "t0");
	sim_run(&sim, 10 * MS);
	end();
}

/* -- Moving --------------------------------------------------------------------------------- */

static void move(void)
{
	begin();
	wake_all();
	*plan_order(&sim) = (struct order){.dsq = 1, .flags = SCX_DSQ_ITER_REV, .to = 3};
	CHECK_EQ(sim_call(&sim, "queue_move"), N);
	CHECK_EQ(length(1), 0);
	EXPECT_QUEUE(&sim, 3, 0, t[5], t[4], t[3], t[2], t[1], t[0]);
	/* Whoever is moved to the end of the queue being walked is not met again. */
	*plan_order(&sim) = (struct order){.dsq = 3, .to = 3};
	CHECK_EQ(sim_call(&sim, "queue_move"), N);
	EXPECT_QUEUE(&sim, 3, 0, t[5], t[4], t[3], t[2], t[1], t[0]);
	release();
	EXPECT_RAN(&sim, t[5], t[4], t[3], t[2], t[1], t[0]);
	end();
}

static void move_by_vtime(void)
{
	static const uint64_t vtimes[N] = {3, 1, 2, 6, 5, 4};

	begin();
	for (int i = 0; i < N; i++)
		plan_put_vtime(&sim, t[i], 1, vtimes[i]);
	wake_all();
	*plan_order(&sim) = (struct order){.dsq = 1, .to = 2, .keyed = 1};
	CHECK_EQ(sim_call(&sim, "queue_move"), N);
	EXPECT_QUEUE(&sim, 2, 0, t[1], t[2], t[0], t[5], t[4], t[3]);
	/* With one vtime for all, the order of moving decides. */
	*plan_order(&sim) = (struct order){.dsq = 2,
					   .flags = SCX_DSQ_ITER_REV,
					   .to = 3,
					   .keyed = 1,
					   .set_vtime = 1,
					   .vtime = 99,
					   .set_slice = 1,
					   .slice = 123};
	CHECK_EQ(sim_call(&sim, "queue_move"), N);
	EXPECT_QUEUE(&sim, 3, 0, t[3], t[4], t[5], t[0], t[2], t[1]);
	for (int i = 0; i < N; i++) {
		CHECK_EQ(t[i]->t->obj.ts.scx.dsq_vtime, 99);
		CHECK_EQ(t[i]->t->obj.ts.scx.slice, 123);
	}
	end();
}

static void move_to_local(void)
{
	begin();
	wake_all();
	*plan_order(&sim) = (struct order){.dsq = 1, .to = SCX_DSQ_LOCAL_ON | 0};
	CHECK_EQ(sim_call(&sim, "queue_move"), N);
	CHECK_EQ(length(SCX_DSQ_LOCAL_ON | 0), N);
	release();
	EXPECT_RAN(&sim, t[0], t[1], t[2], t[3], t[4], t[5]);
	end();
}

/* -- Life of a queue ------------------------------------------------------------------------ */

static int create(uint64_t dsq, int node)
{
	*plan_order(&sim) = (struct order){.dsq = dsq, .cpu = node};
	return sim_call(&sim, "queue_create");
}

static int open_iter(uint64_t dsq, uint64_t flags)
{
	*plan_order(&sim) = (struct order){.dsq = dsq, .flags = flags};
	return sim_call(&sim, "queue_open");
}

static void life(void)
{
	begin();
	CHECK_EQ(length(77), -ENOENT);
	CHECK_EQ(open_iter(77, 0), -ENOENT);
	CHECK_EQ(create(77, -1), 0);
	CHECK_EQ(create(77, -1), -EEXIST);
	CHECK_EQ(create(78, 0), 0);
	CHECK_EQ(create(79, 5), -EINVAL);
	CHECK_EQ(create(SCX_DSQ_LOCAL, -1), -EINVAL);
	CHECK_EQ(create(1ull << 63 | 77, -1), -EINVAL);
	CHECK_EQ(length(77), 0);
	CHECK_EQ(open_iter(77, 0), 0);
	CHECK_EQ(open_iter(77, 1), -EINVAL);
	plan_order(&sim)->dsq = 77;
	CHECK_EQ(sim_call(&sim, "queue_destroy"), 0);
	CHECK_EQ(length(77), -ENOENT);
	CHECK_EQ(create(77, -1), 0);
	end();
}

static void destroyed_in_use(void)
{
	begin();
	wake_all();
	plan_order(&sim)->dsq = 1;
	sim_call(&sim, "queue_destroy");
	sim_run(&sim, 1 * MS);
	sim_expect_exit(&sim, SCX_EXIT_ERROR,
			"attempting to destroy in-use dsq 0x0000000000000001 (nr=6)");
	sim_watch_settle(&sim);
	sim_close(&sim);
}

/* Every task of the queue is asked about again. */
static void again(void)
{
	begin();
	for (int i = 0; i < N; i++)
		plan_put(&sim, t[i], 2, 0);
	wake_all();
	CHECK_EQ(length(2), N);
	plan_order(&sim)->dsq = 2;
	sim_call(&sim, "queue_reenq");
	sim_run(&sim, 1 * MS);
	CHECK_EQ(sim_global_u32(&sim, "nr_reenqueued"), N);
	CHECK_EQ(length(2), 0);
	CHECK_EQ(length(1), N);
	release();
	CHECK_EQ(sim_global_u32(&sim, "nr_ran"), N);
	end();
}

int main(int argc, char **argv)
{
	static void (*const cases[])(void) = {
		arrival,       at_the_head, virtual_time,     either_way, move,
		move_by_vtime, life,	    destroyed_in_use, again,	  move_to_local,
	};

	CHECK(argc == 2);
	object = argv[1];
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		cases[i]();
	return 0;
}
