/* SPDX-License-Identifier: BSD-2-Clause */
/* What tasks of a workload do: each kind of event on a small machine under the default policy. */
#include <inttypes.h>

#include "base/base.h"
#include "cli/workload_json.h"
#include "sched/actor.h"

static int failed;

static const struct play {
	const char *what, *machine, *json;
	uint64_t ms;
	/* Of the first two kinds of tasks; ANY: does not matter. */
	uint64_t loops[2], ended[2], tasks[2];
	const char *error; /* beginning */
} plays[] = {
#define ANY UINT64_MAX
#define NONE {ANY, ANY}
	{"run and sleep",
	 "1c",
	 "{\"tasks\": {\"a\": {\"run\": \"1ms\", \"sleep\": \"1ms\"}}}",
	 10,
	 {5, ANY},
	 {0, ANY},
	 {1, ANY},
	 NULL},
	{"a number of loops",
	 "1c",
	 "{\"tasks\": {\"a\": {\"loop\": 3, \"run\": \"1ms\"}}}",
	 10,
	 {3, ANY},
	 {1, ANY},
	 NONE,
	 NULL},
	{"phases",
	 "1c",
	 "{\"tasks\": {\"a\": {\"loop\": 1, \"phases\": {\"p\": {\"loop\": 4, \"run\": \"1ms\"},"
	 "\"q\": {\"loop\": 2, \"run\": \"2ms\"}}}, \"b\": {\"delay\": \"9ms\", \"run\": "
	 "\"1ms\"}}}",
	 8,
	 {1, 0},
	 {1, 0},
	 NONE,
	 NULL},
	{"exit ends at once",
	 "1c",
	 "{\"tasks\": {\"a\": {\"run\": \"1ms\", \"exit\": true, \"run1\": \"9ms\"}}}",
	 10,
	 {0, ANY},
	 {1, ANY},
	 NONE,
	 NULL},
	{"a timer keeps its period",
	 "1c",
	 "{\"tasks\": {\"a\": {\"run\": \"1ms\", \"timer\": {\"ref\": \"t\", \"period\": "
	 "\"2ms\"}}}}",
	 19,
	 {9, ANY},
	 NONE,
	 NONE,
	 NULL},
	{"a missed relative timer begins anew",
	 "1c",
	 "{\"tasks\": {\"a\": {\"phases\": {\"late\": {\"run\": \"7ms\","
	 "\"timer\": {\"ref\": \"t\", \"period\": \"2ms\"}}, \"then\": {\"loop\": -1,"
	 "\"timer\": {\"ref\": \"t\", \"period\": \"2ms\"}, \"fork\": \"b\"}}},"
	 "\"b\": {\"instance\": 0, \"loop\": 1, \"run\": 1}}}",
	 12,
	 NONE,
	 NONE,
	 {1, 2},
	 NULL},
	{"a missed absolute timer catches up",
	 "1c",
	 "{\"tasks\": {\"a\": {\"phases\": {\"late\": {\"run\": \"7ms\","
	 "\"timer\": {\"ref\": \"t\", \"period\": \"2ms\", \"mode\": \"absolute\"}},"
	 "\"then\": {\"loop\": -1, \"timer\": {\"ref\": \"t\", \"period\": \"2ms\","
	 "\"mode\": \"absolute\"}, \"fork\": \"b\"}}},"
	 "\"b\": {\"instance\": 0, \"loop\": 1, \"run\": 1}}}",
	 9,
	 NONE,
	 NONE,
	 {1, 3},
	 NULL},
	{"suspend and resume",
	 "1c",
	 "{\"tasks\": {\"a\": {\"run\": \"1ms\", \"resume\": \"b\", \"suspend\": true},"
	 "\"b\": {\"suspend\": true, \"run\": \"1ms\", \"resume\": \"a\"}}}",
	 10,
	 {4, 4},
	 NONE,
	 NONE,
	 NULL},
	{"a resume that comes early is kept",
	 "2c",
	 "{\"tasks\": {\"a\": {\"loop\": 1, \"resume\": \"b\", \"run\": 1},"
	 "\"b\": {\"loop\": 1, \"run\": \"2ms\", \"suspend\": true, \"run1\": 1}}}",
	 10,
	 {1, 1},
	 {1, 1},
	 NONE,
	 NULL},
	{"resume all",
	 "4c",
	 "{\"tasks\": {\"a\": {\"loop\": 1, \"run\": \"1ms\", \"resume\": \"b[*]\"},"
	 "\"b\": {\"instance\": 3, \"loop\": 1, \"suspend\": true, \"run\": 5}}}",
	 10,
	 {1, 3},
	 {1, 3},
	 {1, 3},
	 NULL},
	{"resume by number",
	 "4c",
	 "{\"tasks\": {\"a\": {\"loop\": 1, \"run\": \"1ms\", \"resume\": \"b[2]\","
	 "\"resume1\": \"b[9]\"},"
	 "\"b\": {\"instance\": 3, \"loop\": 1, \"suspend\": true, \"run\": 5}}}",
	 10,
	 {1, 1},
	 {1, 1},
	 {1, 3},
	 NULL},
	{"a barrier waits for the slowest",
	 "4c",
	 "{\"tasks\": {\"a\": {\"instance\": 3, \"run\": \"1ms\", \"barrier\": \"x\"},"
	 "\"b\": {\"run\": \"3ms\", \"barrier\": \"x\"}}}",
	 10,
	 {9, 3},
	 NONE,
	 NONE,
	 NULL},
	{"a mutex excludes",
	 "4c",
	 "{\"tasks\": {\"a\": {\"instance\": 4, \"lock\": \"m\", \"run\": \"1ms\", \"unlock\": "
	 "\"m\"}}}",
	 10,
	 {9, ANY},
	 NONE,
	 NONE,
	 NULL},
	{"a signal wakes one, in order",
	 "4c",
	 "{\"tasks\": {\"a\": {\"loop\": 2, \"run\": \"1ms\", \"signal\": \"c\"},"
	 "\"b\": {\"instance\": 3, \"loop\": 1, \"wait\": \"c\", \"run\": 1}}}",
	 10,
	 {2, 2},
	 {1, 2},
	 NONE,
	 NULL},
	{"a broadcast wakes all",
	 "4c",
	 "{\"tasks\": {\"a\": {\"loop\": 1, \"run\": \"1ms\", \"broad\": \"c\"},"
	 "\"b\": {\"instance\": 3, \"loop\": 1, \"wait\": \"c\", \"run\": 1}}}",
	 10,
	 {1, 3},
	 {1, 3},
	 NONE,
	 NULL},
	{"waiting lets go of the mutex and takes it again",
	 "4c",
	 "{\"tasks\": {\"a\": {\"loop\": 1, \"run\": \"1ms\", \"lock\": \"m\", \"broad\": \"c\","
	 "\"run1\": \"2ms\", \"unlock\": \"m\"},"
	 "\"b\": {\"instance\": 3, \"loop\": 1, \"lock\": \"m\", \"wait\": {\"ref\": \"c\","
	 "\"mutex\": \"m\"}, \"run\": \"1ms\", \"unlock\": \"m\"}}}",
	 4,
	 {1, 1},
	 {1, 1},
	 NONE,
	 NULL},
	{"sync: signal, then wait",
	 "2c",
	 "{\"tasks\": {\"a\": {\"run\": \"1ms\", \"sync\": {\"ref\": \"c\", \"mutex\": \"m\"}},"
	 "\"b\": {\"run\": \"1ms\", \"sync\": {\"ref\": \"c\", \"mutex\": \"m\"}}}}",
	 10,
	 {5, 4},
	 NONE,
	 NONE,
	 NULL},
	{"sync with the mutex held",
	 "2c",
	 "{\"tasks\": {\"a\": {\"run\": \"1ms\", \"lock\": \"m\", \"sync\": {\"ref\": \"c\","
	 "\"mutex\": \"m\"}, \"unlock\": \"m\"},"
	 "\"b\": {\"run\": \"1ms\", \"sync\": {\"ref\": \"c\", \"mutex\": \"m\"}}}}",
	 10,
	 {5, 4},
	 NONE,
	 NONE,
	 NULL},
	{"fork",
	 "4c",
	 "{\"tasks\": {\"a\": {\"loop\": 3, \"run\": \"1ms\", \"fork\": \"b\"},"
	 "\"b\": {\"instance\": 0, \"loop\": 1, \"run\": 10}}}",
	 10,
	 {3, 3},
	 {1, 3},
	 {1, 3},
	 NULL},
	{"events without time do not stop it",
	 "1c",
	 "{\"tasks\": {\"a\": {\"signal\": \"c\"}, \"b\": {\"run\": 10, \"sleep\": 10, \"yield\": "
	 "\"\"}}}",
	 10,
	 NONE,
	 {0, 0},
	 NONE,
	 NULL},
	{"attributes change",
	 "1n:2l:2c",
	 "{\"cgroups\": {\"x\": {\"weight\": 50}, \"x/y\": {}}, \"tasks\": {\"a\": {\"loop\": 5,"
	 "\"phases\": {\"p\": {\"cpus\": \"llc1\", \"nice\": 5, \"run\": 100, \"cgroup\": \"x/y\","
	 "\"pin\": true, \"run1\": 100, \"pin1\": false, \"policy\": \"SCHED_OTHER\", \"run2\": 5,"
	 "\"cgroup1\": \"/\", \"cpus1\": [0], \"yield\": true}}}}}",
	 10,
	 {5, ANY},
	 {1, ANY},
	 NONE,
	 NULL},
	{"what happens to the machine",
	 "4c",
	 "{\"cgroups\": {\"x\": {\"at\": \"1ms\"}}, \"events\": [{\"at\": \"2ms\", \"cgroup\": "
	 "\"x\","
	 "\"weight\": 300, \"quota\": 5000}, {\"at\": \"3ms\", \"offline\": \"1/2\"},"
	 "{\"at\": \"5ms\", \"online\": \"1/2\"}, {\"at\": \"6ms\", \"remove\": \"x\"}],"
	 "\"tasks\": {\"a\": {\"instance\": 4, \"loop\": 8, \"run\": \"1ms\"}}}",
	 20,
	 {32, ANY},
	 {4, ANY},
	 NONE,
	 NULL},
	{"unlock without lock", "1c", "{\"tasks\": {\"a\": {\"run\": 1, \"unlock\": \"m\"}}}", 10,
	 NONE, NONE, NONE, "task 'a', phase 'only', key 'unlock': it does not hold mutex 'm'"},
	{"lock twice", "1c", "{\"tasks\": {\"a\": {\"lock\": \"m\", \"run\": 1}}}", 10, NONE, NONE,
	 NONE, "task 'a', phase 'only', key 'lock': it already holds mutex 'm'"},
	{"wait without lock", "1c",
	 "{\"tasks\": {\"a\": {\"wait\": {\"ref\": \"c\", \"mutex\": \"m\"}}}}", 10, NONE, NONE,
	 NONE, "task 'a', phase 'only', key 'wait': it does not hold mutex 'm'"},
	{"the end with a mutex", "1c", "{\"tasks\": {\"a\": {\"loop\": 1, \"lock\": \"m\"}}}", 10,
	 NONE, NONE, NONE, "task 'a', phase 'only', key 'exit': it ends while it holds a mutex"},
	{"a cgroup that is not there yet", "1c",
	 "{\"cgroups\": {\"x\": {\"at\": \"5ms\"}}, \"tasks\": {\"a\": {\"phases\": {\"p\":"
	 "{\"cgroup\": \"x\"}}}}}",
	 10, NONE, NONE, NONE,
	 "task 'a', phase 'p', key 'cgroup': at this time there is no cgroup 'x'"},
	{"a cgroup with tasks cannot be removed", "1c",
	 "{\"cgroups\": {\"x\": {}}, \"events\": [{\"at\": 5, \"remove\": \"x\"}],"
	 "\"tasks\": {\"a\": {\"cgroup\": \"x\", \"run\": 1}}}",
	 10, NONE, NONE, NONE, "events: cgroup 'x': has tasks or children"},
	{"the last CPU stays", "2c",
	 "{\"events\": [{\"at\": 5, \"offline\": \"0-1\"}], \"tasks\": {\"a\": {\"run\": 1}}}", 10,
	 NONE, NONE, NONE, "events: CPU 1 cannot go offline"},
	{"CPUs that are not there", "2c", "{\"tasks\": {\"a\": {\"cpus\": [2], \"run\": 1}}}", 10,
	 NONE, NONE, NONE, "new: -22"},
};

static void check_text(const struct play *p, const char *text)
{
	const char *expected = p->error ? p->error : "";

	if (!strncmp(text ? text : "", expected, strlen(expected)) && (*expected || !text))
		return;
	fprintf(stderr, "%s: says '%s' instead of '%s'\n", p->what, text ? text : "", expected);
	failed = 1;
}

static void check_count(const struct play *p, int task, const char *what, uint64_t got,
			uint64_t expected)
{
	if (expected == ANY || got == expected)
		return;
	fprintf(stderr, "%s: task %d: %s %" PRIu64 " instead of %" PRIu64 "\n", p->what, task, what,
		got, expected);
	failed = 1;
}

static void check_counts(const struct play *p, const struct workload *w, const struct actors *as,
			 const struct metrics *mt)
{
	for (uint32_t i = 0; i < 2 && i < w->n_tasks; i++) {
		check_count(p, (int)i, "loops", actors_counts(as, i)->loops, p->loops[i]);
		check_count(p, (int)i, "ended", actors_counts(as, i)->ended, p->ended[i]);
		check_count(p, (int)i, "tasks", mt->groups[i].tasks, p->tasks[i]);
	}
}

/* Sum of runtimes is busy time, whatever happened. */
static void check_sums(const struct play *p, const struct metrics *mt)
{
	uint64_t runtime = 0, busy = 0;

	for (uint32_t i = 0; i < mt->n_groups; i++)
		runtime += mt->groups[i].runtime;
	for (uint32_t i = 0; i < mt->n_cpus; i++)
		busy += mt->cpus[i].busy;
	check_count(p, -1, "busy time", busy, runtime);
}

static void perform(const struct play *p, struct workload *w, struct machine *m)
{
	struct actors *as = NULL;
	struct metrics mt;
	char text[32];
	int err = metrics_begin(&mt, m, (uint32_t)w->n_tasks);

	if (!err)
		err = actors_new(m, w, 1, &as);
	if (err) {
		snprintf(text, sizeof(text), "new: %d", err);
		check_text(p, text);
	} else if (actors_start(as) || machine_run(m, p->ms * 1000000)) {
		check_text(p, "does not run");
	} else {
		metrics_update(&mt, machine_now(m));
		check_text(p, actors_error(as));
		check_counts(p, w, as, &mt);
		check_sums(p, &mt);
	}
	machine_free(m);
	actors_free(as);
	metrics_free(&mt);
}

static void play(const struct play *p)
{
	const struct machine_opts opts = {.topology = p->machine, .seed = 1};
	char text[WORKLOAD_TEXT];
	struct workload w;
	struct machine *m;

	if (workload_parse("f", "f", p->json, strlen(p->json), &w, text)) {
		check_text(p, text);
		return;
	}
	if (machine_new(&opts, &m))
		check_text(p, "no machine");
	else
		perform(p, &w, m);
	workload_free(&w);
}

static const char hungry[] =
	"{\"cgroups\": {\"x\": {}}, \"events\": [{\"at\": \"2ms\", \"cgroup\": \"x\","
	"\"weight\": 5}], \"tasks\": {\"a\": {\"instance\": 3, \"cpus\": \"1/2\", \"run\": 100,"
	"\"fork\": \"b\", \"sleep\": 100, \"timer\": {\"ref\": \"t\", \"period\": 5},"
	"\"lock\": \"m\", \"signal\": \"c\", \"unlock\": \"m\"}, \"b\": {\"instance\": 0,"
	"\"loop\": 1, \"cgroup\": \"x\", \"run\": 50}}}";

/* The n-th allocation fails. Returns whether there was an n-th. */
static bool starve(const struct workload *w, unsigned long n)
{
	const struct machine_opts opts = {.topology = "4c", .seed = 1};
	struct metrics mt = {0};
	struct actors *as = NULL;
	struct machine *m;
	int err;

	if (machine_new(&opts, &m))
		return false;
	mem_fail_after(n);
	err = metrics_begin(&mt, m, (uint32_t)w->n_tasks);
	if (!err)
		err = actors_new(m, w, 1, &as);
	if (!err)
		err = actors_start(as);
	if (!err)
		err = machine_run(m, 5000000);
	mem_fail_after(0);
	if (err && err != -ENOMEM) {
		fprintf(stderr, "allocation %lu fails: %d\n", n, err);
		failed = 1;
	}
	if (!err && as && actors_error(as))
		err = strstr(actors_error(as), "memory") ? -ENOMEM : 0;
	machine_free(m);
	actors_free(as);
	metrics_free(&mt);
	return err;
}

/* Memory that runs out at any place is reported, and all is freed (see the sanitizers). */
static void check_no_memory(void)
{
	char text[WORKLOAD_TEXT];
	struct workload w;
	unsigned long n = 1;

	if (workload_parse("f", "f", hungry, sizeof(hungry) - 1, &w, text)) {
		fprintf(stderr, "%s\n", text);
		failed = 1;
		return;
	}
	while (n < 2000 && starve(&w, n))
		n++;
	if (n < 20 || n == 2000) {
		fprintf(stderr, "%lu allocations\n", n);
		failed = 1;
	}
	workload_free(&w);
}

/* Means are what they should be, and a seed gives one sequence. */
static void check_draws(void)
{
	static const struct workload_time even = {.dist = WL_UNIFORM, .a = 1000, .b = 3000},
					  exponential = {.dist = WL_EXP, .a = 2000};
	const struct workload_time *const times[] = {&even, &exponential};

	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		uint64_t state = 42, again = 42, sum = 0;

		for (int n = 0; n < 100000; n++) {
			uint64_t v = workload_draw(times[i], &state);

			sum += v;
			if (v != workload_draw(times[i], &again) || !v ||
			    (i == 0 && (v < 1000 || v > 3000)))
				failed = 1;
		}
		if (sum / 100000 < 1980 || sum / 100000 > 2020) {
			fprintf(stderr, "draws: mean %" PRIu64 "\n", sum / 100000);
			failed = 1;
		}
	}
}

int main(void)
{
	log_set(NULL);
	for (size_t i = 0; i < ARRAY_SIZE(plays); i++)
		play(&plays[i]);
	check_draws();
	check_no_memory();
	return failed;
}
