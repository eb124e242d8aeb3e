/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs helpers.bpf.o under JIT (where the program is proved) and interpreter: every test_* must
 * return 0; timers get the time they need; several threads share a spin lock. helpers OBJECT
 * [engine|linux]
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <uarena.h>
#include <unistd.h>

#define THREADS 4

static int failed;

static void run(struct ua_object *obj, const char *name)
{
	struct ua_program *prog = ua_object__find_program(obj, name);
	UA_OPTS(ua_run_opts, opts, .cpu = -1);
	int err = prog ? ua_program__run(prog, &opts) : -2;

	if (err || opts.retval) {
		printf("FAILED %s: error %d, returned %d\n", name, err, (int)opts.retval);
		failed++;
	}
}

static void *worker(void *obj)
{
	run(obj, "worker_spin_lock");
	return NULL;
}

/* Two counters that only a held lock keeps equal. */
static void run_spin_lock(struct ua_object *obj)
{
	struct {
		uint32_t lock, pad;
		uint64_t a, b;
	} value = {0};
	pthread_t threads[THREADS];
	uint32_t key = 0;

	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, worker, obj);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	if (ua_map__lookup(ua_object__find_map(obj, "locked"), &key, &value, 0) ||
	    value.a != 1000 * THREADS || value.b != value.a) {
		printf("FAILED spin lock: %llu, %llu\n", (unsigned long long)value.a,
		       (unsigned long long)value.b);
		failed++;
	}
}

static void run_all(struct ua_object *obj)
{
	struct ua_program *prog = NULL;

	while ((prog = ua_object__next_program(obj, prog)))
		if (!strncmp(ua_program__name(prog), "test_", 5))
			run(obj, ua_program__name(prog));
	run_spin_lock(obj);
	run(obj, "start_timers");
	run(obj, "start_hash_timers");
	usleep(100000);
	run(obj, "check_timers");
	run(obj, "check_hash_timers");
}

static int run_object(const char *path, enum ua_backend backend, enum ua_exec exec)
{
	UA_OPTS(ua_engine_opts, opts, .backend = backend, .exec = exec);
	struct ua_engine *engine;
	struct ua_object *obj;
	int err = ua_engine__open(&opts, &engine);

	if (err)
		return err;
	err = ua_object__open_file(engine, path, NULL, &obj);
	if (!err) {
		err = ua_object__load(obj);
		if (!err)
			run_all(obj);
		ua_object__close(obj);
	}
	ua_engine__close(engine);
	return err;
}

int main(int argc, char **argv)
{
	int err;

	if (argc == 3 && !strcmp(argv[2], "linux")) {
		err = run_object(argv[1], UA_BACKEND_LINUX, UA_EXEC_AUTO);
		if (err) {
			fprintf(stderr, "Linux does not let us load programs: error %d\n", err);
			return 77;
		}
		return failed ? 1 : 0;
	}
	for (int exec = UA_EXEC_AUTO; exec <= UA_EXEC_INTERP; exec++) {
		err = run_object(argv[1], UA_BACKEND_ENGINE, (enum ua_exec)exec);
		if (err) {
			printf("FAILED to load with exec %d: error %d\n", exec, err);
			failed++;
		}
	}
	return failed ? 1 : 0;
}
