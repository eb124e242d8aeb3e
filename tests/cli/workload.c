/* SPDX-License-Identifier: BSD-2-Clause */
/* The reader of workload files: what it makes of good ones, what it says of bad ones. */
#include "base/base.h"
#include "cli/workload_json.h"

static int failed;

#define CHECK(cond, what)                                                       \
	do {                                                                    \
		if (!(cond)) {                                                  \
			fprintf(stderr, "%s: %d: %s\n", what, __LINE__, #cond); \
			failed = 1;                                             \
		}                                                               \
	} while (0)

#define TASK(events) "{\"tasks\": {\"t\": {" events "}, \"u\": {\"run\": 1}}}"

static const struct bad {
	const char *json, *says;
} bad[] = {
	{"", "f:1: '[' or '{' expected"},
	{"{\"tasks\": {\n\"t\": 5 5", "f:2: string or '}' expected near '5'"},
	{"{\"a\": [[[[{\"", "f:1: premature end of input"},
	{"[]", "f: must be an object such as"},
	{"{}", "f: \"tasks\" must be an object with a task in it"},
	{"{\"tasks\": {}}", "f: \"tasks\" must be an object with a task in it"},
	{"{\"tusks\": {}}", "f: key 'tusks': is not a key here; keys are description, global"},
	{"{\"resources\": {}}", "f: key 'resources': is not needed"},
	{"{\"global\": [], \"tasks\": {\"t\": {\"run\": 1}}}",
	 "f: key 'global': must be an object"},
	{"{\"global\": {\"duration\": 0}, \"tasks\": {\"t\": {\"run\": 1}}}",
	 "f: key 'duration': must not be 0"},
	{"{\"global\": {\"duration\": -2}, \"tasks\": {\"t\": {\"run\": 1}}}",
	 "f: key 'duration': must be a time: a number of seconds"},
	{"{\"global\": {\"default_policy\": \"SCHED_FIFO\"}, \"tasks\": {\"t\": {\"run\": 1}}}",
	 "f: key 'default_policy': must be \"SCHED_OTHER\" or \"SCHED_EXT\""},
	{"{\"global\": {\"durations\": 1}, \"tasks\": {\"t\": {\"run\": 1}}}",
	 "f: key 'durations': is not a key here; keys are duration, default_policy"},
	{"{\"tasks\": {\"t\": 1}}", "f: task 't': must be an object"},
	{"{\"tasks\": {\"\": {\"run\": 1}}}", "f: task '': a name has 1 to 64 characters"},
	{"{\"tasks\": {\"t\": {}}}", "f: task 't': has no event; give it a 'run'"},
	{"{\"tasks\": {\"t\": {\"instance\": 0, \"run\": 1}}}", "f: no task starts"},
	{TASK("\"rum\": 1"), "f: task 't', key 'rum': is not a key here; keys are instance, delay"},
	{TASK("\"mem\": 1"), "f: task 't', key 'mem': memory and devices are not simulated"},
	{TASK("\"run\": -1"), "f: task 't', key 'run': must be a time: a number of microseconds"},
	{TASK("\"run\": \"5 parsecs\""), "f: task 't', key 'run': must be a time"},
	{TASK("\"run\": \"1e30s\""), "f: task 't', key 'run': must be a time"},
	{TASK("\"run\": {\"uniform\": [2, 1]}"),
	 "f: task 't', key 'uniform': must be [LEAST, MOST]"},
	{TASK("\"run\": {\"uniform\": 2}"), "f: task 't', key 'uniform': must be [LEAST, MOST]"},
	{TASK("\"run\": {\"normal\": 2}"), "f: task 't', key 'normal': is not a key here; keys are "
					   "uniform, exp"},
	{TASK("\"run\": {}"), "f: task 't', key 'run': must be a time, {\"uniform\""},
	{TASK("\"run\": 1, \"instance\": -1"),
	 "f: task 't', key 'instance': must be a whole number"},
	{TASK("\"run\": 1, \"instance\": \"x/cpu\""),
	 "f: task 't', key 'instance': must be a number"},
	{TASK("\"run\": 1, \"priority\": 20"), "f: task 't', key 'priority': must be a nice value"},
	{TASK("\"run\": 1, \"loop\": 0"), "f: task 't', key 'loop': must be how many times"},
	{TASK("\"run\": 1, \"cpus\": []"), "f: task 't', key 'cpus': must be CPU numbers"},
	{TASK("\"run\": 1, \"cpus\": \"3-1\""), "f: task 't', key 'cpus': must be CPU numbers"},
	{TASK("\"run\": 1, \"cpus\": \"3/2\""), "f: task 't', key 'cpus': must be CPU numbers"},
	{TASK("\"run\": 1, \"cpus\": \"l3\""), "f: task 't', key 'cpus': must be CPU numbers"},
	{TASK("\"run\": 1, \"cpus\": [5000]"), "f: task 't', key 'cpus': must be a whole number"},
	{TASK("\"run\": 1, \"cgroup\": \"x\""),
	 "f: task 't', key 'cgroup': there is no cgroup 'x'"},
	{TASK("\"run\": 1, \"taskgroup\": \"a//b\""),
	 "f: task 't', key 'taskgroup': must be a path"},
	{TASK("\"instance\": 1, \"instance\": 2, \"run\": 1"),
	 "f: task 't', key 'instance1': is not a key here"},
	{TASK("\"fork\": \"v\""), "f: task 't', key 'fork': there is no task 'v'"},
	{TASK("\"resume\": \"u[x]\""), "f: task 't', key 'resume': must be \"TASK\""},
	{TASK("\"resume\": {\"sync\": true}"), "f: task 't', key 'resume': needs 'ref'"},
	{TASK("\"suspend\": 5"), "f: task 't', key 'suspend': must be true or \"\""},
	{TASK("\"resume\": \"nobody\""), "f: key 'resume': there is no task 'nobody', nor does"},
	{TASK("\"resume\": \"nobody[*]\""), "f: task 't', key 'resume': there is no task 'nobody'"},
	{TASK("\"timer\": 5"), "f: task 't', key 'timer': must be an object such as {\"ref\""},
	{TASK("\"timer\": {\"ref\": \"x\"}"), "f: task 't', key 'timer': needs 'ref' and 'period'"},
	{TASK("\"timer\": {\"ref\": \"x\", \"period\": 1, \"mode\": \"odd\"}"),
	 "f: task 't', key 'mode': must be \"relative\" or \"absolute\""},
	{TASK("\"sync\": {\"ref\": \"c\"}"), "f: task 't', key 'sync': needs 'ref' and 'mutex'"},
	{TASK("\"lock\": 5"), "f: task 't', key 'lock': must be the name of a mutex in quotes"},
	{TASK("\"phases\": {\"p\": {\"loop\": 2}}"), "f: task 't', phase 'p': has no event"},
	{TASK("\"phases\": {\"p\": {\"instance\": 2}}"),
	 "f: task 't', phase 'p', key 'instance': is not a key here; keys are loop, run"},
	{TASK("\"run\": 1, \"phases\": {\"p\": {\"run\": 1}}"),
	 "f: task 't', key 'run': events go into a phase"},
	{"{\"tasks\": {\"t\": {\"resume\": \"f\"}, \"f\": {\"instance\": 0, \"run\": 1}}}",
	 "f: task 't', phase 'only', key 'resume': 'f' has no instance"},
	{"{\"tasks\": {\"t\": {\"barrier\": \"b\"}, \"f\": {\"instance\": 0, \"barrier\": \"b\"}}}",
	 "f: task 'f', key 'barrier': 'b' cannot count forked tasks"},
	{"{\"cgroups\": {\"a/b\": {}}, \"tasks\": {\"t\": {\"run\": 1}}}",
	 "f: cgroup 'a/b': its parent 'a' must be declared before it"},
	{"{\"cgroups\": {\"/a\": {}}, \"tasks\": {\"t\": {\"run\": 1}}}",
	 "f: cgroup '/a': must be a path"},
	{"{\"cgroups\": {\"a\": {\"weight\": 0}}, \"tasks\": {\"t\": {\"run\": 1}}}",
	 "f: cgroup 'a', key 'weight': must be a whole number from 1 to 10000"},
	{"{\"cgroups\": {\"a\": {\"period\": 1000}}, \"tasks\": {\"t\": {\"run\": 1}}}",
	 "f: cgroup 'a': 'period' and 'burst' need a 'quota'"},
	{"{\"events\": [{\"at\": 1}], \"tasks\": {\"t\": {\"run\": 1}}}",
	 "f: event '1': has no effect"},
	{"{\"events\": [{\"online\": [1]}], \"tasks\": {\"t\": {\"run\": 1}}}",
	 "f: event '1': needs 'at'"},
	{"{\"events\": [{\"at\": 1, \"weight\": 5}], \"tasks\": {\"t\": {\"run\": 1}}}",
	 "f: event '1': 'cgroup' goes with 'weight' or 'quota'"},
};

static void check_bad(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char text[WORKLOAD_TEXT];
		struct workload w;
		int err = workload_parse("f", "f", bad[i].json, strlen(bad[i].json), &w, text);

		if (!err)
			workload_free(&w);
		if (err == -EINVAL && !strncmp(text, bad[i].says, strlen(bad[i].says)))
			continue;
		fprintf(stderr, "%s\n  says %s\n  should say %s\n", bad[i].json, text, bad[i].says);
		failed = 1;
	}
}

static const char good[] =
	"{\"description\": \"d\",\n"
	" \"global\": {\"duration\": 2.5, \"seed\": 7, \"machine\": \"4c\","
	"  \"default_policy\": \"SCHED_OTHER\", \"calibration\": \"CPU0\"},\n"
	" \"cgroups\": {\"a\": {\"weight\": 200}, \"a/b\": {\"quota\": 5000, \"at\": \"1s\"}},\n"
	" \"events\": [{\"at\": 10, \"offline\": \"1/2,node0\"}, {\"at\": 20, \"online\": [1]},\n"
	"  {\"at\": 30, \"cgroup\": \"a\", \"weight\": 5, \"quota\": 2000}],\n"
	" \"tasks\": {\"t\": {\"instance\": \"2/cpu\", \"loop\": 3, \"priority\": -5,\n"
	"  \"cpus\": [0, 3], \"cgroup\": \"/a\", \"delay\": 5, \"phases\": {\n"
	"   \"p\": {\"loop\": 2, \"run\": 1.5, \"sleep\": \"20ms\", \"run2\": {\"exp\": 30}},\n"
	"   \"q\": {\"policy\": \"SCHED_EXT\", \"sync\": {\"ref\": \"c\", \"mutex\": \"m\"},\n"
	"    \"timer\": {\"ref\": \"x\", \"period\": 100, \"mode\": \"absolute\"},\n"
	"    \"resume\": {\"ref\": \"u[1]\", \"sync\": true}, \"cgroup\": \"\"}}},\n"
	"  \"u\": {\"instance\": 2, \"suspend\": \"u\", \"run\": {\"uniform\": [1, 2]}}}}";

static void check_task(const struct workload *w)
{
	static const enum workload_op ops[] = {WL_RUN,	  WL_SLEEP, WL_RUN,    WL_PHASE_END,
					       WL_POLICY, WL_LOCK,  WL_SIGNAL, WL_WAIT,
					       WL_UNLOCK, WL_TIMER, WL_RESUME, WL_CGROUP};
	const struct workload_task *t = &w->tasks[0];

	CHECK(t->n_events == ARRAY_SIZE(ops), "events");
	for (size_t i = 0; i < t->n_events && i < ARRAY_SIZE(ops); i++)
		CHECK(t->events[i].op == ops[i], workload_op_key(ops[i]));
	CHECK(t->events[0].time.a == 1500 && t->events[1].time.a == 20000000, "times");
	CHECK(t->events[2].time.dist == WL_EXP && t->events[2].time.a == 30000, "exp");
	CHECK(t->events[3].ref == 0 && t->events[3].n == 2, "the phase's loop");
	CHECK(t->events[4].flag, "policy");
	CHECK(t->events[9].flag && t->events[9].ref == 0 && t->n_timers == 1, "timer");
	CHECK(t->events[10].ref == 1 && t->events[10].n == 1 && t->events[10].flag, "resume");
	CHECK(t->events[11].ref == WORKLOAD_NONE, "to the root");
	CHECK(t->events[11].phase == 1 && !strcmp(t->phases[1], "q"), "phases");
	CHECK(t->per_cpu && workload_instances(t, 4) == 8, "instances");
	CHECK(t->loops == 3 && t->nice == -5 && !t->ext && t->delay.a == 5000, "properties");
	CHECK(t->cpus != WORKLOAD_NONE && w->cpus[t->cpus].n == 2, "cpus");
	CHECK(t->cgroup == 0, "cgroup");
}

static void check_good(void)
{
	char text[WORKLOAD_TEXT];
	struct workload w;

	if (workload_parse("f", "f", good, sizeof(good) - 1, &w, text)) {
		fprintf(stderr, "%s\n", text);
		failed = 1;
		return;
	}
	CHECK(w.duration == 2500000000 && w.has_seed && w.seed == 7, "global");
	CHECK(!strcmp(w.machine, "4c") && !strcmp(w.description, "d"), "texts");
	CHECK(w.n_cgroups == 2 && w.cgroups[0].weight == 200, "cgroups");
	CHECK(w.cgroups[1].quota_us == 5000 && w.cgroups[1].period_us == 100000, "default period");
	CHECK(w.cgroups[1].at == 1000000000, "cgroup made later");
	CHECK(w.n_changes == 4 && w.changes[0].kind == WL_OFFLINE, "events");
	CHECK(w.changes[2].weight == 5 && w.changes[3].quota_us == 2000, "limits");
	CHECK(w.n_tasks == 2 && w.mutexes.n == 1 && w.conds.n == 1, "names");
	check_task(&w);
	workload_free(&w);
}

/* What rt-app's users write and JSON does not allow. */
static const struct {
	const char *relaxed, *strict;
} relaxations[] = {
	{"{\"a\": 1, /* one,\n two */ \"b\": 2 // three\n}", "{\"a\": 1 \n ,\"b\": 2 \n}"},
	{"# x\n{\"a\": [1, 2,], ,}", "\n{\"a\": [1, 2] }"},
	{"{\"a\": 1 \"b\": [1 2]}", "{\"a\": 1 ,\"b\": [1 ,2]}"},
	{"{\"a\", \"b\":, \"c\"}", "{\"a\":\"\", \"b\":\"\", \"c\":\"\"}"},
	{"{\"r\": 1, \"r\": 2, \"r1\": 3, \"s\": {\"r\": 4}}",
	 "{\"r\": 1, \"r1\": 2, \"r11\": 3, \"s\": {\"r\": 4}}"},
	{"{\"a // \\\" /* x */\": \"//\"}", "{\"a // \\\" /* x */\": \"//\"}"},
	{"{\"a\": \"open", "{\"a\": \"open"},
	{"} ] , x", "} ] , x"},
	{"/* never ends", ""},
	{"", ""},
};

static void squeeze(char *s)
{
	char *to = s;

	for (; *s; s++)
		if (*s != ' ')
			*to++ = *s;
	*to = 0;
}

static void check_relaxed(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(relaxations); i++) {
		const char *in = relaxations[i].relaxed;
		char *out = workload_relax(in, strlen(in)), *expected;

		expected = mem_strdup(relaxations[i].strict);
		squeeze(out);
		squeeze(expected);
		if (strcmp(out, expected)) {
			fprintf(stderr, "%s\n  becomes %s\n  instead of %s\n", in, out, expected);
			failed = 1;
		}
		mem_free(out);
		mem_free(expected);
	}
}

/* Memory that runs out at any place is reported, and all is freed (see the sanitizers). */
static void check_no_memory(void)
{
	for (unsigned long n = 1; n < 1000; n++) {
		char text[WORKLOAD_TEXT];
		struct workload w;
		int err;

		mem_fail_after(n);
		err = workload_parse("f", "f", good, sizeof(good) - 1, &w, text);
		mem_fail_after(0);
		if (!err) {
			workload_free(&w);
			return;
		}
		CHECK(err == -ENOMEM && strstr(text, "out of memory"), "out of memory");
	}
	CHECK(false, "it never got enough memory");
}

static const struct {
	const char *text;
	uint64_t plain, ns;
	int err;
} times[] = {
	{"10s", 1, 10000000000, 0},
	{"1.5 ms", 1, 1500000, 0},
	{"20us", 1, 20000, 0},
	{"300ns", 1, 300, 0},
	{"2min", 1, 120000000000, 0},
	{"7", 1000, 7000, 0},
	{"0", 1, 0, 0},
	{"", 1, 0, -EINVAL},
	{"-1s", 1, 0, -EINVAL},
	{"1 hour", 1, 0, -EINVAL},
	{"s", 1, 0, -EINVAL},
	{"1e9s", 1, 0, -EINVAL},
	{"nan", 1, 0, -EINVAL},
	{"inf", 1, 0, -EINVAL},
};

static void check_times(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		uint64_t ns = 0;
		int err = workload_parse_time(times[i].text, times[i].plain, &ns);

		CHECK(err == times[i].err && (err || ns == times[i].ns), times[i].text);
	}
}

int main(void)
{
	check_bad();
	check_good();
	check_relaxed();
	check_no_memory();
	check_times();
	return failed;
}
