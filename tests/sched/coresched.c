/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Core scheduling: threads of a core run tasks of one cookie, but for the time an interrupt
 * takes; cookies take turns, or as ops.core_sched_before() says. Usage: coresched OBJECT
 */
#include "sim.h"

#define FAVOURED 5 /* nice */

struct overlap {
	struct sim *s;
	uint64_t cookie[64]; /* of what runs, by CPU; 0: idle */
	uint64_t since, mixed_ns, switches;
};

static uint64_t cookie_of(const struct sim_task *t)
{
	return t ? ((const struct sim_actor *)t->actor)->load.cookie : 0;
}

static bool mixed(const struct overlap *o)
{
	const struct topo *topo = machine_topo(o->s->m);

	for (uint32_t a = 0; a < topo->n_cpus; a++)
		for (uint32_t b = a + 1; b < topo->n_cpus; b++)
			if (topo->cpus[a].core == topo->cpus[b].core && o->cookie[a] &&
			    o->cookie[b] && o->cookie[a] != o->cookie[b])
				return true;
	return false;
}

static void see(void *arg, const struct machine_event *ev)
{
	struct overlap *o = arg;

	if (ev->kind != MACHINE_SWITCH)
		return;
	if (mixed(o))
		o->mixed_ns += ev->at - o->since;
	o->since = ev->at;
	o->cookie[ev->cpu] = cookie_of(ev->task);
	o->switches++;
}

static void start(struct sim *s, uint64_t cookie, int32_t nice)
{
	char comm[16];

	for (int i = 0; i < 4; i++) {
		snprintf(comm, sizeof(comm), "c%d.%d", (int)cookie, i);
		sim_task(s, comm, (struct load){.run = 3 * MS, .cookie = cookie, .nice = nice});
	}
}

static double share(const struct sim *s, uint64_t cookie)
{
	uint64_t all = 0, of = 0;

	for (uint32_t i = 0; i < s->n_actors; i++) {
		all += sim_runtime(s->actors[i]);
		of += s->actors[i]->load.cookie == cookie ? sim_runtime(s->actors[i]) : 0;
	}
	return (double)of / (double)all;
}

static void run(const char *object, const char *favour, double low, double high)
{
	struct sim s;
	struct overlap o = {.s = &s};
	struct machine_observer observer = {.fn = see, .arg = &o};
	double got;

	sim_open(&s, "2c:2t", 1);
	machine_observe(s.m, &observer);
	sim_attach(&s, object, favour, NULL);
	sim_watch(&s, true);
	start(&s, 1, 0);
	start(&s, 2, FAVOURED);
	sim_run(&s, 2 * SEC);
	sim_expect_running(&s);
	got = share(&s, 2);
	printf("%s: cookie 2 has %.1f %%; %llu switches, %llu ns mixed, %llu taken from custody\n",
	       favour, 100 * got, (unsigned long long)o.switches, (unsigned long long)o.mixed_ns,
	       (unsigned long long)sim_global_u64(&s, "nr_exec"));
	CHECK(got >= low && got <= high);
	CHECK(o.mixed_ns <= o.switches * US);
	CHECK(sim_global_u64(&s, "nr_asked") > 0);
	CHECK(sim_global_u64(&s, "nr_exec") > 0);
	sim_watch_settle(&s);
	sim_close(&s);
}

int main(int argc, char **argv)
{
	CHECK(argc == 2);
	run(argv[1], "favour = 0", 0.4, 0.6);
	run(argv[1], "favour = 33", 0.9, 1); /* the weight of nice 5 */
	return 0;
}
