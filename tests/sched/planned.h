/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests that use plan.bpf.c share: telling it what to do, asking what it saw. */
#ifndef TESTS_SCHED_PLANNED_H
#define TESTS_SCHED_PLANNED_H

#include "sim.h"
#include "plan.h"

#define SLICE (5 * MS)

static inline int32_t pid_of(const struct sim_actor *a)
{
	return a->t->obj.ts.pid;
}

static inline struct plan *plan_of(struct sim *s, const struct sim_actor *a)
{
	return (struct plan *)sim_global(s, "plans") + pid_of(a) % PLANS;
}

/* Where the task goes from now on. */
static inline void plan_put(struct sim *s, const struct sim_actor *a, uint64_t dsq, uint64_t flags)
{
	*plan_of(s, a) = (struct plan){.dsq = dsq, .slice = SLICE, .flags = flags, .cpu = -1};
}

static inline void plan_put_vtime(struct sim *s, const struct sim_actor *a, uint64_t dsq,
				  uint64_t vtime)
{
	*plan_of(s, a) =
		(struct plan){.dsq = dsq, .slice = SLICE, .vtime = vtime, .keyed = 1, .cpu = -1};
}

static inline void plan_default(struct sim *s, uint64_t dsq)
{
	struct plan *plans = sim_global(s, "plans");

	for (int i = 0; i < PLANS; i++)
		plans[i] = (struct plan){.dsq = dsq, .slice = SLICE, .cpu = -1};
}

static inline void plan_set(struct sim *s, const char *name, uint32_t value)
{
	*(uint32_t *)sim_global(s, name) = value;
}

static inline struct order *plan_order(struct sim *s)
{
	struct order *o = sim_global(s, "order");

	memset(o, 0, sizeof(*o));
	return o;
}

/* From now on, note who runs. */
static inline void plan_log(struct sim *s)
{
	plan_set(s, "nr_ran", 0);
	plan_set(s, "log_running", 1);
}

static inline void expect_pids(const char *file, int line, const char *what, const int32_t *is,
			       uint32_t n, const struct sim_actor *const *should)
{
	for (uint32_t i = 0; should[i] || i < n; i++) {
		if (should[i] && i < n && is[i] == pid_of(should[i]))
			continue;
		fprintf(stderr, "%s:%d: %s: place %u is pid %d, not %s\n", file, line, what, i,
			i < n ? is[i] : -1, should[i] ? should[i]->comm : "the end");
		exit(1);
	}
}

/* A queue holds exactly these tasks, in this order. */
#define EXPECT_QUEUE(s, dsq_, flags_, ...)                                         \
	do {                                                                       \
		const struct sim_actor *list_[] = {__VA_ARGS__, NULL};             \
                                                                                   \
		*plan_order(s) = (struct order){.dsq = (dsq_), .flags = (flags_)}; \
		CHECK_EQ(sim_call(s, "queue_list"), 0);                            \
		expect_pids(__FILE__, __LINE__, "queue", sim_global(s, "listed"),  \
			    sim_global_u32(s, "nr_listed"), list_);                \
	} while (0)

/* These ran first since plan_log(), in this order. */
#define EXPECT_RAN(s, ...)                                                   \
	do {                                                                 \
		const struct sim_actor *list_[] = {__VA_ARGS__, NULL};       \
                                                                             \
		CHECK(sim_global_u32(s, "nr_ran") >= ARRAY_SIZE(list_) - 1); \
		expect_pids(__FILE__, __LINE__, "ran", sim_global(s, "ran"), \
			    ARRAY_SIZE(list_) - 1, list_);                   \
	} while (0)

#endif
