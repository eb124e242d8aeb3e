/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nothing is lost and nothing is in two places: every example under several kinds of work, on
 * several machines, with every event checked (watch.c). Usage: conserve FOLDER [seed]
 */
#include <time.h>

#include "work.h"

#define SOUND 5 /* the others have a bug */
static const char *const examples[] = {"fifo",	"vtime", "llc",	 "cgroup",    "timer",
				       "stall", "lost",	 "wild", "wrong_dsq", NULL};
static const char *const machines[] = {"1c", "4c", "2n:2l:2c:2t"};

static void play(const char *folder, const char *example, const char *machine,
		 enum work_shape shape, uint64_t seed)
{
	char path[4096];
	struct sim s;

	snprintf(path, sizeof(path), "%s/%s.bpf.o", folder, example);
	printf("%s %s %s\n", example, machine, work_shapes[shape]);
	fflush(stdout);
	sim_open(&s, machine, seed);
	sim_watch(&s, true);
	work_add(&s, shape);
	sim_run(&s, 5 * MS);
	sim_attach(&s, path, NULL);
	for (uint32_t i = 0; i < 3; i++) {
		if (shape == MIXED) {
			work_add_shortlived(&s, 3, i);
			work_disturb(&s);
		}
		sim_run(&s, 1500 * US);
		sim_watch_settle(&s);
	}
	sim_detach(&s);
	sim_run(&s, 5 * MS);
	sim_watch_settle(&s);
	sim_close(&s);
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : (uint64_t)time(NULL);

	CHECK(argc > 1);
	printf("seed %llu\n", (unsigned long long)seed);
	for (size_t e = 0; examples[e]; e++)
		for (size_t m = 0; m < ARRAY_SIZE(machines); m++)
			for (int shape = e < SOUND ? 0 : MIXED; shape < N_SHAPES; shape++)
				play(argv[1], examples[e], machines[m], (enum work_shape)shape,
				     seed);
	return 0;
}
