/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler's arena: there must be exactly one in cid form; set_cmask() receives masks that
 * lie in it, one for each CPU, which host and program see at the same place.
 * Usage: arena RECORD-OBJECT NO-ARENA ONE-ARENA CPU-FORM
 */
#include "btf/btf.h"
#include "kernel/handle.h"
#include "object/object.h"
#include "record.h"
#include "sched/core.h"
#include "sim.h"

/* -- How many arenas ------------------------------------------------------------------------ */

static void check_count(const char *object, int err, const char *text)
{
	struct sim s;
	int is;

	sim_open(&s, "2c", 1);
	sim_log();
	is = sim_try_attach(&s, object, NULL);
	if (is != err || (text && !strstr(sim_log(), text)))
		FAIL("%s: %d\n%s", object, is, sim_log());
	CHECK_EQ(machine_sched_state(s.m), err ? MACHINE_SCHED_NONE : MACHINE_SCHED_ENABLED);
	sim_close(&s);
}

static int bpf(struct sim *s, int cmd, union bpf_attr *attr)
{
	return (int)kernel_bpf(s->engine->kernel, cmd, attr, sizeof(*attr));
}

static int program_fd(struct ua_object *obj, const char *name)
{
	struct ua_program *prog = ua_object__find_program(obj, name);

	CHECK(prog);
	return ua_program__fd(prog);
}

/* An object has one arena; a value made by hand may name programs of two objects. */
static void check_two(const char *object)
{
	struct bpf_struct_ops_sched_ext_ops_cid value = {0};
	const struct btf *btf;
	struct ua_object *first, *second;
	union bpf_attr attr = {0};
	struct sim s;
	int map, link;

	sim_open(&s, "2c", 1);
	CHECK_EQ(ua_object__open_file(s.engine, object, NULL, &first), 0);
	CHECK_EQ(ua_object__load(first), 0);
	CHECK_EQ(ua_object__open_file(s.engine, object, NULL, &second), 0);
	CHECK_EQ(ua_object__load(second), 0);
	btf = s.engine->kernel->ops->vmlinux_btf(s.engine->kernel);
	attr.map_type = BPF_MAP_TYPE_STRUCT_OPS;
	attr.key_size = 4;
	attr.value_size = sizeof(value);
	attr.max_entries = 1;
	attr.map_flags = BPF_F_LINK;
	attr.btf_fd = (uint32_t)first->btf_fd;
	attr.btf_vmlinux_value_type_id =
		btf_find(btf, "bpf_struct_ops_sched_ext_ops_cid", BTF_KIND_STRUCT);
	map = bpf(&s, BPF_MAP_CREATE, &attr);
	CHECK(map >= 0);
	*(uint64_t *)&value.data.enqueue = (uint64_t)program_fd(first, "arenas_enqueue");
	*(uint64_t *)&value.data.running = (uint64_t)program_fd(second, "arenas_running");
	*(uint64_t *)&value.data.stopping = 0;
	strcpy(value.data.name, "two");
	attr = (union bpf_attr){0};
	attr.map_fd = (uint32_t)map;
	attr.key = (uintptr_t)&(uint32_t){0};
	attr.value = (uintptr_t)&value;
	CHECK_EQ(bpf(&s, BPF_MAP_UPDATE_ELEM, &attr), 0);
	attr = (union bpf_attr){0};
	attr.link_create.map_fd = (uint32_t)map;
	attr.link_create.attach_type = BPF_STRUCT_OPS;
	sim_log();
	link = bpf(&s, BPF_LINK_CREATE, &attr);
	CHECK_EQ(link, -EINVAL);
	CHECK(strstr(sim_log(), "sched_ext: cid-form scheduler uses multiple arena maps"));
	s.engine->kernel->ops->close(s.engine->kernel, map);
	ua_object__close(first);
	ua_object__close(second);
	sim_close(&s);
}

/* -- What set_cmask() gets ------------------------------------------------------------------ */

static const struct record *last_mask(struct sim *s, const struct sim_actor *a)
{
	const struct record *r = sim_global(s, "records");

	for (uint64_t i = sim_global_u64(s, "nr_records"); i-- > 0;)
		if (r[i].op == OP_set_mask && r[i].pid == a->t->obj.ts.pid)
			return &r[i];
	FAIL("%s was told no mask", a->comm);
}

static uint64_t cids_of(const struct topo *topo, uint64_t cpus)
{
	uint64_t cids = 0;

	for (uint32_t c = 0; c < topo->n_cpus; c++)
		if (cpus >> c & 1)
			cids |= 1ull << topo->cpus[c].cid;
	return cids;
}

/* The program saw what the host wrote, and where it saw it, it still is. */
static void check_mask(struct sim *s, const struct sim_actor *a, uint64_t cpus)
{
	const struct record *r = last_mask(s, a);
	const struct scx_cmask *m = sim_follow(s, r->b);
	uint64_t cids = cids_of(machine_topo(s->m), cpus);

	CHECK_EQ(r->a, cids);
	CHECK_EQ(sim_global_u32(s, "last_mask_base"), 0);
	CHECK_EQ(sim_global_u32(s, "last_mask_cids"), machine_topo(s->m)->n_cpus);
	CHECK(ua_arena__range_populated(ua_object__arena(s->obj), r->b,
					sizeof(*m) + sizeof(m->bits[0])));
	CHECK_EQ(m->base, 0);
	CHECK_EQ(m->nr_cids, machine_topo(s->m)->n_cpus);
	CHECK_EQ(m->bits[0], cids);
}

static void check_masks(const char *object, const char *machine)
{
	uint64_t all, masks[64], seen[64] = {0}, pointer;
	struct sim_actor *a[8];
	uint32_t n, n_seen = 0;
	char comm[16];
	struct sim s;

	sim_open(&s, machine, 11);
	n = machine_topo(s.m)->n_cpus;
	all = n < 64 ? (1ull << n) - 1 : ~0ull;
	for (uint32_t i = 0; i < ARRAY_SIZE(a); i++) {
		snprintf(comm, sizeof(comm), "t%u", i);
		a[i] = sim_task(&s, comm, (struct load){.run = 1 * MS, .sleep = i % 2 * MS});
	}
	sim_attach(&s, object, NULL);
	for (uint32_t i = 0; i < ARRAY_SIZE(a); i++)
		CHECK_EQ(last_mask(&s, a[i])->a, cids_of(machine_topo(s.m), all));
	for (int round = 0; round < 50; round++) {
		uint32_t i = (uint32_t)round % ARRAY_SIZE(a);
		uint64_t cpus = machine_random(s.m) & all;

		sim_run(&s, 1 * MS);
		masks[0] = cpus ? cpus : 1;
		CHECK_EQ(machine_set_affinity(s.m, a[i]->t, masks), 0);
		check_mask(&s, a[i], masks[0]);
		pointer = last_mask(&s, a[i])->b;
		for (uint32_t k = 0; k <= n_seen && k < n; k++) {
			if (k == n_seen)
				seen[n_seen++] = pointer;
			if (seen[k] == pointer)
				break;
		}
	}
	/* One for each CPU at most, and more than one: they run on several. */
	CHECK(n_seen <= n && (n == 1 || n_seen > 1));
	sim_expect_running(&s);
	/* What was in the arena stays when the scheduler goes. */
	sim_detach(&s);
	for (uint32_t k = 0; k < n_seen; k++)
		CHECK(ua_arena__range_populated(ua_object__arena(s.obj), seen[k], 24));
	sim_close(&s);
}

int main(int argc, char **argv)
{
	CHECK(argc == 5);
	check_count(argv[2], -EINVAL, "sched_ext: cid-form scheduler must use a BPF arena map");
	check_count(argv[3], 0, NULL);
	check_count(argv[4], 0, NULL);
	check_two(argv[3]);
	check_masks(argv[1], "1c");
	check_masks(argv[1], "2l:2c:2t");
	check_masks(argv[1], "2n:2l:8c:2t");
	return 0;
}
