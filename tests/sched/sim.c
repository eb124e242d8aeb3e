/* SPDX-License-Identifier: BSD-2-Clause */
/* See sim.h. */
#include "sim.h"

#include <time.h>

#include "kernel/handle.h"

/* -- What the library says -------------------------------------------------------------- */

static char log_text[65536];
static size_t log_len;
static bool log_taken;

static int keep_log(enum ua_print_level level, const char *fmt, va_list args)
{
	int n;

	if (level == UA_PRINT_DEBUG)
		return 0;
	if (log_taken)
		log_len = 0;
	log_taken = false;
	n = vsnprintf(log_text + log_len, sizeof(log_text) - log_len, fmt, args);
	log_len = min_t(size_t, log_len + (size_t)max_t(int, n, 0), sizeof(log_text) - 1);
	return n;
}

const char *sim_log(void)
{
	if (log_taken || !log_len)
		log_text[0] = 0;
	log_taken = true;
	return log_text;
}

/* -- What tasks do ---------------------------------------------------------------------- */

static uint64_t vary(struct sim_actor *a, uint64_t mean)
{
	if (!a->load.vary || !mean)
		return mean;
	return 1 + machine_random(a->sim->m) % (2 * mean);
}

static void wake_up(void *owner, uint64_t gen)
{
	struct sim_actor *a = owner;

	if (!a->t || a->rounds != gen)
		return;
	a->t->burst = vary(a, a->load.run);
	machine_wake(a->sim->m, a->t, NULL, false);
}

static void wake_named(struct sim *s, const char *comm, struct sim_task *waker)
{
	struct sim_actor *a = sim_find(s, comm);

	if (!a->t || a->t->state != TASK_SLEEPING)
		return;
	a->t->burst = vary(a, a->load.run);
	machine_wake(s->m, a->t, waker, waker != NULL);
}

static void round_done(void *arg, struct sim_task *t)
{
	struct sim_actor *a = t->actor;
	struct sim *s = a->sim;

	a->rounds++;
	if (a->load.wakes)
		wake_named(s, a->load.wakes, t);
	if (a->load.rounds && a->rounds == a->load.rounds) {
		a->runtime = t->runtime;
		a->t = NULL;
		machine_exit(s->m, t);
	} else if (a->load.yields) {
		t->burst = vary(a, a->load.run);
		machine_yield(s->m, t);
	} else if (a->load.idle) {
		machine_block(s->m, t);
	} else if (a->load.sleep) {
		machine_block(s->m, t);
		CHECK(!machine_at(s->m, machine_now(s->m) + vary(a, a->load.sleep), wake_up, a,
				  a->rounds));
	} else {
		t->burst = vary(a, a->load.run);
	}
}

int sim_try_task(struct sim *s, const char *comm, struct load load, struct sim_actor **out)
{
	struct sim_actor *a = calloc(1, sizeof(*a));
	struct task_spec spec = {.comm = a->comm,
				 .nice = load.nice,
				 .ext_policy = load.ext,
				 .kthread = load.kthread,
				 .cookie = load.cookie,
				 .cpus = load.cpus ? &load.cpus : NULL,
				 .cgroup = load.cgroup,
				 .actor = a};
	int err;

	CHECK(a && s->n_actors < ARRAY_SIZE(s->actors));
	a->load = load;
	a->sim = s;
	snprintf(a->comm, sizeof(a->comm), "%s", comm);
	err = machine_fork(s->m, &spec, NULL, &a->t);
	if (err) {
		free(a);
		return err;
	}
	s->actors[s->n_actors++] = a;
	a->t->burst = load.run ? load.run : 1;
	if (load.run && !load.idle)
		CHECK(!machine_at(s->m, machine_now(s->m) + load.start, wake_up, a, 0));
	*out = a;
	return 0;
}

struct sim_actor *sim_task(struct sim *s, const char *comm, struct load load)
{
	struct sim_actor *a = NULL;

	CHECK_EQ(sim_try_task(s, comm, load, &a), 0);
	return a;
}

struct sim_actor *sim_find(struct sim *s, const char *comm)
{
	for (uint32_t i = 0; i < s->n_actors; i++)
		if (!strcmp(s->actors[i]->comm, comm))
			return s->actors[i];
	FAIL("no task %s", comm);
}

void sim_wake(struct sim *s, const char *comm)
{
	wake_named(s, comm, NULL);
}

uint64_t sim_runtime(const struct sim_actor *a)
{
	return a->t ? a->t->runtime : a->runtime;
}

/* -- Setting up ------------------------------------------------------------------------- */

void sim_open_opts(struct sim *s, const struct machine_opts *opts, enum ua_exec exec)
{
	UA_OPTS(ua_engine_opts, engine, .exec = exec);
	struct machine_driver driver = {.arg = s, .burst_done = round_done};

	memset(s, 0, sizeof(*s));
	ua_set_print(keep_log);
	CHECK_EQ(machine_new(opts, &s->m), 0);
	engine.n_cpus = machine_topo(s->m)->n_cpus;
	CHECK_EQ(ua_engine__open(&engine, &s->engine), 0);
	CHECK_EQ(machine_bind(s->m, kernel_engine(s->engine->kernel)), 0);
	machine_set_driver(s->m, &driver);
}

void sim_open(struct sim *s, const char *topology, uint64_t seed)
{
	sim_open_opts(s, &(struct machine_opts){.topology = topology, .seed = seed}, UA_EXEC_AUTO);
}

/* By name, or the first one. */
static struct ua_map *ops_map(struct ua_object *obj, const char *name)
{
	struct ua_map *map = NULL;

	while ((map = ua_object__next_map(obj, map)))
		if (ua_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS &&
		    (!name || !strcmp(ua_map__name(map), name)))
			return map;
	FAIL("%s has no struct_ops map %s", ua_object__name(obj), name ? name : "");
}

static int attach(struct sim *s, const char *object, va_list globals)
{
	const char *assignment, *ops = NULL;

	CHECK(!s->obj);
	UA_TRY(ua_object__open_file(s->engine, object, NULL, &s->obj));
	while ((assignment = va_arg(globals, const char *))) {
		if (*assignment == '@')
			ops = assignment + 1;
		else
			CHECK_EQ(ua_object__set_global(s->obj, assignment), 0);
	}
	UA_TRY(ua_object__load(s->obj));
	return ua_map__attach_struct_ops(ops_map(s->obj, ops), &s->link);
}

int sim_try_attach(struct sim *s, const char *object, ...)
{
	va_list globals;
	int err;

	va_start(globals, object);
	err = attach(s, object, globals);
	va_end(globals);
	if (err && s->obj) {
		ua_object__close(s->obj);
		s->obj = NULL;
	}
	return err;
}

void sim_attach(struct sim *s, const char *object, ...)
{
	va_list globals;
	int err;

	va_start(globals, object);
	err = attach(s, object, globals);
	va_end(globals);
	if (err)
		FAIL("%s: %s\n%s", object, strerror(-err), sim_log());
}

void sim_detach(struct sim *s)
{
	if (s->link)
		ua_link__destroy(s->link);
	s->link = NULL;
}

void sim_close(struct sim *s)
{
	sim_detach(s);
	if (s->obj)
		ua_object__close(s->obj);
	CHECK_EQ(machine_bind(s->m, NULL), 0);
	machine_free(s->m);
	ua_engine__close(s->engine);
	for (uint32_t i = 0; i < s->n_actors; i++)
		free(s->actors[i]);
	watch_free(s->watch);
}

/* -- Running and looking ---------------------------------------------------------------- */

void sim_run(struct sim *s, uint64_t ns)
{
	CHECK_EQ(machine_run(s->m, machine_now(s->m) + ns), 0);
}

void *sim_follow(struct sim *s, uint64_t ptr)
{
	return ua_arena__to_host(ua_object__arena(s->obj), ptr);
}

void *sim_global(struct sim *s, const char *name)
{
	struct ua_arena *arena = ua_object__arena(s->obj);
	size_t size;
	void *addr;

	if (ua_object__find_global(s->obj, name, &addr, &size))
		FAIL("no global %s", name);
	/* This process may see the arena elsewhere than programs do. */
	if (arena &&
	    (uintptr_t)addr - (uintptr_t)ua_arena__user_base(arena) < ua_arena__size(arena))
		return sim_follow(s, (uintptr_t)addr);
	return addr;
}

uint64_t sim_global_u64(struct sim *s, const char *name)
{
	return *(volatile uint64_t *)sim_global(s, name);
}

uint32_t sim_global_u32(struct sim *s, const char *name)
{
	return *(volatile uint32_t *)sim_global(s, name);
}

static struct ua_program *program(struct sim *s, const char *name)
{
	struct ua_program *prog = ua_object__find_program(s->obj, name);

	if (!prog)
		FAIL("no program %s", name);
	return prog;
}

int sim_call(struct sim *s, const char *name)
{
	UA_OPTS(ua_run_opts, opts, .cpu = -1);

	CHECK_EQ(ua_program__run(program(s, name), &opts), 0);
	return (int)opts.retval;
}

const char *sim_stderr(struct sim *s, const char *name)
{
	static char text[65536];
	size_t len = 0;
	int n;

	do {
		n = ua_program__read_stream(program(s, name), UA_STDERR, text + len,
					    sizeof(text) - 1 - len);
		len += (size_t)max_t(int, n, 0);
	} while (n > 0);
	text[len] = 0;
	return text;
}

void sim_expect_exit(struct sim *s, enum scx_exit_kind kind, const char *msg)
{
	const struct machine_exit *e = machine_sched_exit(s->m);

	if (machine_sched_state(s->m) != MACHINE_SCHED_EXITED)
		FAIL("the scheduler did not end; '%s' was expected", msg);
	if (e->kind != kind || !strstr(e->msg, msg))
		FAIL("ended with kind %d and '%s', not kind %d and '%s'\n%s", (int)e->kind, e->msg,
		     (int)kind, msg, e->dump);
}

void sim_expect_running(struct sim *s)
{
	if (machine_sched_state(s->m) != MACHINE_SCHED_ENABLED)
		FAIL("the scheduler ended: kind %d, %s: %s\n%s",
		     (int)machine_sched_exit(s->m)->kind, machine_sched_exit(s->m)->reason,
		     machine_sched_exit(s->m)->msg, machine_sched_exit(s->m)->dump);
}

/* -- Random tests ----------------------------------------------------------------------------- */

int sim_play(int argc, char **argv, const char *const *machines, size_t n_machines,
	     void (*play)(const char *object, const char *machine, uint64_t seed))
{
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : (uint64_t)time(NULL);
	int rounds = argc > 3 ? atoi(argv[3]) : 1;

	CHECK(argc > 1);
	for (int i = 0; i < rounds; i++)
		for (size_t m = 0; m < n_machines; m++)
			play(argv[1], machines[m], seed + (uint64_t)i);
	return 0;
}
