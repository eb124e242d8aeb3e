/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In which order the callbacks of a task come, and what they are told:
 *
 *	init_task (enable set_weight [set_cpumask] ... disable)* exit_task	by CPU number
 *	init_task (enable set_cmask set_weight ... disable)* exit_task		in cid form
 *	runnable (running tick* stopping)* quiescent				while enabled
 *
 * Usage: sequence CID-OBJECT CPU-OBJECT
 */
#include "sim.h"
#include "record.h"

static const char *const op_names[] = {
#define X(name) #name,
	RECORD_OPS(X)
#undef X
};

struct history {
	const struct record *r;
	uint64_t n;
};

static struct history history(struct sim *s)
{
	struct history h = {sim_global(s, "records"), sim_global_u64(s, "nr_records")};

	CHECK(h.n < RECORDS);
	return h;
}

/* The first record at or after `from`, or h->n. */
static uint64_t find(const struct history *h, uint64_t from, uint32_t op, int32_t pid)
{
	while (from < h->n && (h->r[from].op != op || h->r[from].pid != pid))
		from++;
	return from;
}

static uint64_t count(const struct history *h, uint64_t from, uint32_t op, int32_t pid)
{
	uint64_t n = 0;

	for (uint64_t i = from; i < h->n; i++)
		n += h->r[i].op == op && h->r[i].pid == pid;
	return n;
}

/* The next callback about the task. */
static uint64_t next_of(const struct history *h, uint64_t i)
{
	int32_t pid = h->r[i].pid;

	for (i++; i < h->n && h->r[i].pid != pid; i++)
		;
	return i;
}

/* -- The grammar -------------------------------------------------------------------------- */

enum {
	KNOWN = 1,
	ENABLED = 2,
	RUNNABLE = 4,
	RUNNING = 8,
};

/* What must be and must not be for a callback, and what it makes true and false. */
static const struct {
	uint8_t needs, excludes, sets, clears;
} grammar[N_OPS] = {
	[OP_init_task] = {0, KNOWN | ENABLED, KNOWN, 0},
	[OP_enable] = {KNOWN, ENABLED, ENABLED, 0},
	[OP_set_weight] = {KNOWN | ENABLED, 0, 0, 0},
	[OP_set_mask] = {KNOWN | ENABLED, 0, 0, 0},
	[OP_select] = {KNOWN | ENABLED, RUNNABLE, 0, 0},
	[OP_runnable] = {KNOWN | ENABLED, RUNNABLE | RUNNING, RUNNABLE, 0},
	[OP_enqueue] = {KNOWN | ENABLED | RUNNABLE, RUNNING, 0, 0},
	[OP_dequeue] = {KNOWN | ENABLED | RUNNABLE, RUNNING, 0, 0},
	[OP_running] = {KNOWN | ENABLED | RUNNABLE, RUNNING, RUNNING, 0},
	[OP_tick] = {KNOWN | ENABLED | RUNNABLE | RUNNING, 0, 0, 0},
	[OP_yield] = {KNOWN | ENABLED | RUNNABLE | RUNNING, 0, 0, 0},
	[OP_stopping] = {KNOWN | ENABLED | RUNNABLE | RUNNING, 0, 0, RUNNING},
	[OP_quiescent] = {KNOWN | ENABLED | RUNNABLE, RUNNING, 0, RUNNABLE},
	[OP_disable] = {KNOWN | ENABLED, RUNNABLE | RUNNING, 0, ENABLED},
	[OP_exit_task] = {KNOWN, ENABLED, 0, KNOWN},
};

static void explain(const struct history *h, uint64_t at, int32_t pid)
{
	for (uint64_t i = 0; i <= at; i++)
		if (h->r[i].pid == pid && h->r[i].op != OP_tick && h->r[i].op != OP_dispatch)
			fprintf(stderr, "%12llu %s(%llu, %llu)\n", h->r[i].at, op_names[h->r[i].op],
				h->r[i].a, h->r[i].b);
	FAIL("pid %d: %s may not come here", pid, op_names[h->r[at].op]);
}

/* When the scheduler is gone, it knows of nobody. */
static void check_grammar(const struct history *h, bool ended)
{
	static uint8_t state[4096];

	memset(state, 0, sizeof(state));
	for (uint64_t i = 0; i < h->n; i++) {
		const struct record *r = &h->r[i];

		CHECK(r->op < N_OPS && r->pid >= 0 && r->pid < (int32_t)ARRAY_SIZE(state));
		if (!r->pid || !(grammar[r->op].needs | grammar[r->op].sets))
			continue;
		if ((state[r->pid] & grammar[r->op].needs) != grammar[r->op].needs ||
		    state[r->pid] & grammar[r->op].excludes)
			explain(h, i, r->pid);
		state[r->pid] =
			(uint8_t)((state[r->pid] | grammar[r->op].sets) & ~grammar[r->op].clears);
	}
	for (size_t pid = 0; ended && pid < ARRAY_SIZE(state); pid++)
		if (state[pid])
			FAIL("pid %zu is left in state %d", pid, state[pid]);
}

/* -- Call points of enable, set_weight, set_mask -------------------------------------------- */

static void check_switched_in(const struct history *h, bool cid_form, int32_t pid, bool existed,
			      uint64_t mask)
{
	uint64_t init = find(h, 0, OP_init_task, pid), enable = find(h, 0, OP_enable, pid);
	uint64_t weight = next_of(h, enable), after = next_of(h, weight);

	CHECK(enable < h->n && init < enable);
	CHECK_EQ(h->r[init].a, !existed);
	if (cid_form) {
		CHECK_EQ(h->r[enable].b, mask);
		CHECK_EQ(h->r[weight].op, OP_set_mask);
		CHECK_EQ(h->r[weight].a, mask);
		CHECK_EQ(h->r[after].op, OP_set_weight);
		return;
	}
	CHECK_EQ(h->r[weight].op, OP_set_weight);
	if (existed) {
		CHECK_EQ(h->r[after].op, OP_set_mask);
		CHECK_EQ(h->r[after].a, mask);
	} else {
		CHECK(after == h->n || h->r[after].op != OP_set_mask);
	}
}

/* Tasks that are there before the scheduler. */
static void add_tasks(struct sim *s)
{
	sim_task(s, "hog", (struct load){.run = 20 * MS});
	sim_task(s, "nap", (struct load){.run = 1 * MS, .sleep = 2 * MS});
	sim_task(s, "asleep", (struct load){.run = 1 * MS, .idle = true});
	sim_task(s, "bound", (struct load){.run = 3 * MS, .cpus = 2, .nice = 5});
	sim_task(s, "polite", (struct load){.run = 5 * MS, .yields = true});
	for (int i = 0; i < 5; i++) {
		char comm[16];

		snprintf(comm, sizeof(comm), "more%d", i);
		sim_task(s, comm, (struct load){.run = 5 * MS});
	}
	sim_run(s, 2 * MS);
}

static void check_changes(struct sim *s)
{
	struct sim_actor *hog = sim_find(s, "hog"), *asleep = sim_find(s, "asleep");
	int32_t pid = hog->t->obj.ts.pid;
	struct history h = history(s);
	uint64_t from = h.n, cpus = 5, at;

	CHECK_EQ(machine_set_affinity(s->m, hog->t, &cpus), 0);
	CHECK_EQ(machine_set_nice(s->m, hog->t, 10), 0);
	CHECK_EQ(machine_set_affinity(s->m, asleep->t, &cpus), 0);
	sim_run(s, 20 * MS);
	h = history(s);
	at = find(&h, from, OP_set_mask, pid);
	CHECK(at < h.n);
	CHECK_EQ(h.r[at].a, 5);
	CHECK_EQ(count(&h, from, OP_set_mask, pid), 1);
	at = find(&h, from, OP_set_weight, pid);
	CHECK(at < h.n);
	CHECK_EQ(h.r[at].a, hog->t->obj.ts.scx.weight);
	CHECK_EQ(count(&h, from, OP_set_weight, pid), 1);
	CHECK_EQ(count(&h, from, OP_set_mask, asleep->t->obj.ts.pid), 1);
	CHECK_EQ(count(&h, from, OP_runnable, asleep->t->obj.ts.pid), 0);
}

/* From waking up to sleeping: what comes, in this order, and what it is told. */
static void check_stretch(struct sim *s, uint64_t wake_flags, uint64_t enq_flags)
{
	static const uint32_t order[] = {OP_select,  OP_runnable, OP_enqueue,
					 OP_running, OP_stopping, OP_quiescent};
	int32_t pid = sim_find(s, "asleep")->t->obj.ts.pid;
	uint64_t at = history(s).n, places[ARRAY_SIZE(order)];
	struct history h;

	sim_wake(s, "asleep");
	sim_run(s, 100 * MS);
	h = history(s);
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		at = places[i] = find(&h, at, order[i], pid);
		if (at == h.n)
			FAIL("no %s", op_names[order[i]]);
	}
	CHECK_EQ(h.r[places[0]].b & (SCX_WAKE_FORK | SCX_WAKE_TTWU), wake_flags);
	CHECK_EQ(h.r[places[1]].a & SCX_ENQ_WAKEUP, enq_flags);
	CHECK_EQ(h.r[places[2]].a & SCX_ENQ_WAKEUP, enq_flags);
	CHECK_EQ(h.r[places[4]].a, 0); /* not runnable any more */
	CHECK_EQ(h.r[places[5]].a & SCX_DEQ_SLEEP, SCX_DEQ_SLEEP);
}

static void check_end(struct sim *s)
{
	struct sim_actor *nap = sim_find(s, "nap");
	int32_t pid = nap->t->obj.ts.pid;
	struct history h;

	machine_exit(s->m, nap->t);
	nap->t = NULL;
	sim_run(s, 1 * MS);
	h = history(s);
	CHECK_EQ(count(&h, 0, OP_exit_task, pid), 1);
	CHECK_EQ(h.r[find(&h, 0, OP_exit_task, pid)].a, 0);
	check_grammar(&h, false);
}

/* Who is refused by init_task() is not there, and no other callback hears of it. */
static void check_refused_fork(const char *object)
{
	struct sim_actor *a;
	struct history h;
	char refuse[32];
	int32_t pid;
	struct sim s;

	sim_open(&s, "2c", 7);
	pid = sim_task(&s, "first", (struct load){.run = 1 * MS})->t->obj.ts.pid + 1;
	snprintf(refuse, sizeof(refuse), "fail_pid = %d", pid);
	sim_attach(&s, object, refuse, NULL);
	CHECK_EQ(sim_try_task(&s, "refused", (struct load){.run = 1}, &a), -EAGAIN);
	sim_run(&s, 1 * MS);
	h = history(&s);
	CHECK_EQ(count(&h, 0, OP_init_task, pid), 1);
	CHECK_EQ(count(&h, 0, OP_enable, pid) + count(&h, 0, OP_exit_task, pid), 0);
	sim_expect_running(&s);
	sim_close(&s);
}

static void run_form(const char *object, bool cid_form)
{
	int32_t hog, bound, forked;
	struct history h;
	struct sim s;

	sim_open(&s, "3c", 7);
	sim_watch(&s, true);
	add_tasks(&s);
	sim_attach(&s, object, NULL);
	hog = sim_find(&s, "hog")->t->obj.ts.pid;
	bound = sim_find(&s, "bound")->t->obj.ts.pid;
	forked = sim_task(&s, "forked", (struct load){.run = 1 * MS, .sleep = 1 * MS})
			 ->t->obj.ts.pid;
	sim_run(&s, 50 * MS);
	h = history(&s);
	check_switched_in(&h, cid_form, hog, true, 7);
	check_switched_in(&h, cid_form, bound, true, 2);
	check_switched_in(&h, cid_form, forked, false, 7);
	check_changes(&s);
	check_stretch(&s, SCX_WAKE_FORK, 0);
	check_stretch(&s, SCX_WAKE_TTWU, SCX_ENQ_WAKEUP);
	check_end(&s);
	sim_detach(&s);
	h = history(&s);
	check_grammar(&h, true);
	CHECK_EQ(h.r[h.n - 1].op, OP_exit);
	CHECK_EQ(h.r[h.n - 1].a, SCX_EXIT_UNREG);
	sim_watch_settle(&s);
	sim_close(&s);
}

int main(int argc, char **argv)
{
	CHECK(argc == 3);
	for (int i = 1; i < 3; i++) {
		run_form(argv[i], i == 1);
		check_refused_fork(argv[i]);
	}
	return 0;
}
