/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How fast the simulated machine is: the ready-made workloads on 64 CPUs under the examples,
 * compiled; events are those of the machine (wakeups, ends of bursts, ticks, reschedules), times
 * are CPU times. Then what a task takes in memory.
 */
#include <time.h>
#include <uarena.h>
#include <unistd.h>

#include "base/base.h"
#include "cli/workload_json.h"
#include "kernel/handle.h"
#include "sched/actor.h"

#define MACHINE "2n:2l:8c:2t"
#define MEASURE_NS 200000000ull /* of CPU time, each */
#define STEP_NS 1000000ull	/* of virtual time */

static const char *const workloads[] = {"hogs",		 "ping-pong",	   "thundering-herd",
					"bursty-server", "mixed-affinity", "fork-storm"};
static const char *const examples[] = {"fifo", "vtime", "llc"};

struct run {
	struct machine *m;
	struct ua_engine *engine;
	struct ua_object *obj;
	struct ua_link *link;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* What schedulers do is told below. */
static int warnings_only(enum ua_print_level level, const char *fmt, va_list args)
{
	return level == UA_PRINT_WARN ? vfprintf(stderr, fmt, args) : 0;
}

static void need(int err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(-err));
	exit(1);
}

static void read_workload(const char *folder, const char *name, struct workload *w)
{
	char path[4096], text[WORKLOAD_TEXT], buf[65536];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.json", folder, name);
	f = fopen(path, "r");
	need(f ? 0 : -errno, path);
	n = fread(buf, 1, sizeof(buf), f);
	fclose(f);
	if (workload_parse(path, name, buf, n, w, text))
		need(-EINVAL, text);
}

static void start(struct run *r)
{
	struct machine_opts mopts = {.topology = MACHINE, .seed = 1};
	UA_OPTS(ua_engine_opts, eopts, .exec = UA_EXEC_JIT);

	need(machine_new(&mopts, &r->m), "machine");
	eopts.n_cpus = machine_topo(r->m)->n_cpus;
	need(ua_engine__open(&eopts, &r->engine), "engine");
	need(machine_bind(r->m, kernel_engine(r->engine->kernel)), "machine");
}

static void attach(struct run *r, const char *folder, const char *example)
{
	char path[4096], ops[64];

	snprintf(path, sizeof(path), "%s/%s.bpf.o", folder, example);
	snprintf(ops, sizeof(ops), "%s_ops", example);
	need(ua_object__open_file(r->engine, path, NULL, &r->obj), path);
	need(ua_object__load(r->obj), path);
	need(ua_map__attach_struct_ops(ua_object__find_map(r->obj, ops), &r->link), path);
}

static void stop(struct run *r)
{
	ua_link__destroy(r->link);
	ua_object__close(r->obj);
	need(machine_bind(r->m, NULL), "machine");
	machine_free(r->m);
	ua_engine__close(r->engine);
}

/* Events per second of CPU time. */
static double measure(const char *folder, const char *example, const struct workload *w)
{
	struct actors *actors;
	uint64_t began, until = 0, events;
	struct run r = {0};
	double rate;

	start(&r);
	need(actors_new(r.m, w, 1, &actors), w->name);
	attach(&r, folder, example);
	need(actors_start(actors), w->name);
	events = machine_n_events(r.m);
	began = now_ns();
	while (now_ns() - began < MEASURE_NS && !actors_done(actors)) {
		until += STEP_NS;
		need(machine_run(r.m, until), w->name);
	}
	rate = (double)(machine_n_events(r.m) - events) * 1e9 / (double)(now_ns() - began);
	need(machine_sched_state(r.m) == MACHINE_SCHED_ENABLED ? 0 : -EINVAL, example);
	stop(&r);
	actors_free(actors);
	return rate;
}

/* -- Memory ------------------------------------------------------------------------------------ */

static double resident(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long pages = 0;

	need(f && fscanf(f, "%*u %lu", &pages) == 1 ? 0 : -EIO, "/proc/self/statm");
	fclose(f);
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static void fork_tasks(struct machine *m, uint32_t n)
{
	struct task_spec spec = {.comm = "many"};
	struct sim_task *t;

	for (uint32_t i = 0; i < n; i++)
		need(machine_fork(m, &spec, NULL, &t), "fork");
}

static void measure_memory(const char *folder, const char *example)
{
	struct run r = {0};
	double before;

	start(&r);
	attach(&r, folder, example);
	fork_tasks(r.m, 10000);
	before = resident();
	fork_tasks(r.m, 90000);
	printf("a task under %-12s %6.0f bytes\n", example, (resident() - before) / 90000);
	stop(&r);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: %s EXAMPLES WORKLOADS\n", argv[0]);
		return 2;
	}
	ua_set_print(warnings_only);
	printf("million events per second on %s", MACHINE);
	for (size_t e = 0; e < ARRAY_SIZE(examples); e++)
		printf(" %8s", examples[e]);
	putchar('\n');
	for (size_t i = 0; i < ARRAY_SIZE(workloads); i++) {
		struct workload w;

		read_workload(argv[2], workloads[i], &w);
		printf("%-42s", workloads[i]);
		for (size_t e = 0; e < ARRAY_SIZE(examples); e++)
			printf(" %8.2f", measure(argv[1], examples[e], &w) / 1e6);
		putchar('\n');
		workload_free(&w);
	}
	for (size_t e = 0; e < ARRAY_SIZE(examples); e++)
		measure_memory(argv[1], examples[e]);
	return 0;
}
