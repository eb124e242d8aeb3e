/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Schedulers that may not be: what is refused when the object is loaded, and what only when the
 * scheduler is taken into use, which then ends with a message. Usage: invalid OBJECT...
 */
#include "sim.h"

static const struct {
	int err;	 /* of loading */
	const char *msg; /* with which it ends; NULL: it is fine */
} cases[] = {
	{0, "SCX_OPS_ENQ_LAST requires ops.enqueue() to be implemented"},
	{-EINVAL, NULL}, /* unknown flag */
	{-E2BIG, NULL},	 /* batch */
	{-E2BIG, NULL},	 /* timeout */
	{-EINVAL, NULL}, /* no name */
	{-EINVAL, NULL}, /* no proper name */
	{0, NULL},	 /* limits that are still allowed */
	{-EINVAL, NULL}, /* a sleepable enqueue() */
	{0, "SCX_OPS_BUILTIN_IDLE_PER_NODE requires CPU idle selection enabled"},
	{0, "built-in idle tracking is disabled"},
	{0, "sub_attach/sub_detach requires cid-form struct_ops"},
};

static void play(const char *object, size_t i)
{
	struct sim s;
	int err;

	printf("%s\n", object);
	fflush(stdout);
	sim_open(&s, "2c", 1);
	sim_task(&s, "hog", (struct load){.run = 3 * MS});
	sim_task(&s, "nap", (struct load){.run = 3 * MS, .sleep = 1 * MS});
	err = sim_try_attach(&s, object, NULL);
	if (err != cases[i].err)
		FAIL("%s: %d\n%s", object, err, sim_log());
	sim_run(&s, 50 * MS);
	if (cases[i].msg)
		sim_expect_exit(&s, SCX_EXIT_ERROR, cases[i].msg);
	else if (!err)
		sim_expect_running(&s);
	else
		CHECK_EQ(machine_sched_state(s.m), MACHINE_SCHED_NONE);
	CHECK(sim_runtime(sim_find(&s, "hog")) > 20 * MS);
	sim_close(&s);
}

int main(int argc, char **argv)
{
	CHECK_EQ(argc, 1 + (int)ARRAY_SIZE(cases));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		play(argv[i + 1], i);
	return 0;
}
