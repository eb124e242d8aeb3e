/* SPDX-License-Identifier: BSD-2-Clause */
/* See work.h. */
#include "work.h"

const char *const work_shapes[] = {"hogs", "sleepers", "pairs", "mixed"};

static struct sim_actor *numbered(struct sim *s, const char *what, uint32_t i, struct load load)
{
	char comm[16];

	snprintf(comm, sizeof(comm), "%s%u", what, i);
	return sim_task(s, comm, load);
}

static void add_hogs(struct sim *s, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		numbered(s, "hog", i, (struct load){.run = 7 * MS, .nice = (int32_t)(i % 5) - 2});
}

static void add_sleepers(struct sim *s, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		numbered(s, "sleep", i,
			 (struct load){.run = (1 + i % 3) * 300 * US,
				       .sleep = (1 + i % 4) * 500 * US,
				       .vary = true,
				       .start = i * 37 * US});
}

static void add_pairs(struct sim *s, uint32_t n)
{
	static char names[64][16];

	for (uint32_t i = 0; i < n; i++) {
		snprintf(names[2 * i], sizeof(names[0]), "ping%u", i);
		snprintf(names[2 * i + 1], sizeof(names[0]), "pong%u", i);
		sim_task(s, names[2 * i],
			 (struct load){.run = 50 * US, .idle = true, .wakes = names[2 * i + 1]});
		sim_task(s, names[2 * i + 1],
			 (struct load){.run = 30 * US, .idle = true, .wakes = names[2 * i]});
		sim_wake(s, names[2 * i]);
	}
}

static void add_yielders(struct sim *s, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		numbered(s, "yield", i, (struct load){.run = 400 * US, .yields = true});
}

void work_add_shortlived(struct sim *s, uint32_t n, uint32_t round)
{
	for (uint32_t i = 0; i < n; i++) {
		char comm[16];

		snprintf(comm, sizeof(comm), "s%u.%u", round, i);
		sim_task(s, comm,
			 (struct load){.run = 200 * US,
				       .sleep = 100 * US,
				       .rounds = 1 + round % 7,
				       .cookie = round % 3,
				       .vary = true});
	}
}

void work_disturb(struct sim *s)
{
	uint32_t n_cpus = machine_topo(s->m)->n_cpus;

	for (int i = 0; i < 6; i++) {
		struct sim_actor *a = s->actors[machine_random(s->m) % s->n_actors];
		uint64_t mask = 1 + machine_random(s->m) % ((1ull << n_cpus) - 1);

		if (!a->t)
			continue;
		switch (machine_random(s->m) % 4) {
		case 0:
			machine_set_affinity(s->m, a->t,
					     &mask); /* refused if they are all offline */
			break;
		case 1:
			CHECK_EQ(machine_set_nice(s->m, a->t,
						  (int32_t)(machine_random(s->m) % 11) - 5),
				 0);
			break;
		case 2:
			machine_set_policy(s->m, a->t, machine_random(s->m) % 2);
			break;
		default:
			machine_set_pinned(s->m, a->t, machine_random(s->m) % 2);
		}
	}
}

void work_add(struct sim *s, enum work_shape shape)
{
	uint32_t n_cpus = machine_topo(s->m)->n_cpus;

	if (shape == HOGS || shape == MIXED)
		add_hogs(s, 2 * n_cpus + 1);
	if (shape == SLEEPERS || shape == MIXED)
		add_sleepers(s, 3 * n_cpus);
	if (shape == PAIRS || shape == MIXED)
		add_pairs(s, n_cpus);
	if (shape == MIXED)
		add_yielders(s, 3);
}
