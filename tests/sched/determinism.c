/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One seed gives one trace, byte for byte, whether programs are compiled or interpreted;
 * another seed gives another. Usage: determinism FOLDER
 */
#include "sim.h"

static const char *const examples[] = {"fifo", "vtime", "llc", "cgroup", "timer", "lost", NULL};

static char *trace(const char *folder, const char *example, uint64_t seed, enum ua_exec exec)
{
	struct machine_opts opts = {.topology = "2l:2c:2t", .seed = seed};
	char path[4096], comm[16];
	char *text;
	struct sim s;

	snprintf(path, sizeof(path), "%s/%s.bpf.o", folder, example);
	sim_open_opts(&s, &opts, exec);
	sim_watch(&s, false);
	sim_attach(&s, path, NULL);
	for (uint32_t i = 0; i < 24; i++) {
		snprintf(comm, sizeof(comm), "t%u", i);
		sim_task(&s, comm,
			 (struct load){.run = (1 + i % 5) * 400 * US,
				       .sleep = i % 3 * 700 * US,
				       .vary = true,
				       .nice = (int32_t)i % 7 - 3,
				       .rounds = i % 4 == 3 ? 20 : 0});
	}
	sim_run(&s, 300 * MS);
	text = sim_watch_trace(&s);
	sim_close(&s);
	return text;
}

static void check_same(const char *example, const char *what, const char *a, const char *b)
{
	size_t line = 1;

	for (; *a && *a == *b; a++, b++)
		line += *a == '\n';
	if (*a || *b)
		FAIL("%s: traces of %s differ in line %zu:\n%.80s\n%.80s", example, what, line, a,
		     b);
}

int main(int argc, char **argv)
{
	CHECK(argc == 2);
	for (size_t i = 0; examples[i]; i++) {
		char *first = trace(argv[1], examples[i], 42, UA_EXEC_AUTO);
		char *second = trace(argv[1], examples[i], 42, UA_EXEC_AUTO);
		char *interpreted = trace(argv[1], examples[i], 42, UA_EXEC_INTERP);
		char *other = trace(argv[1], examples[i], 43, UA_EXEC_AUTO);

		printf("%s: %zu bytes of trace\n", examples[i], strlen(first));
		CHECK(strlen(first) > 10000);
		check_same(examples[i], "one seed", first, second);
		check_same(examples[i], "JIT and interpreter", first, interpreted);
		CHECK(strcmp(first, other));
		free(first);
		free(second);
		free(interpreted);
		free(other);
	}
	return 0;
}
