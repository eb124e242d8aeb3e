/* SPDX-License-Identifier: BSD-2-Clause */
/* What single kinds promise beyond the commands that tests/kernel compares with Linux. */
#include <bpf/btf.h>
#include <pthread.h>
#include <unistd.h>

#include "map_test.h"

static uint64_t seen[64];
static int n_seen;

/* -- Eviction -------------------------------------------------------------- */

static void lru_keeps_what_is_used(void)
{
	struct map *m = new_map(BPF_MAP_TYPE_LRU_HASH, 8, 8, 8, 0, 1);
	uint64_t key, value = 1, hits = 0;

	for (key = 0; key < 8; key++)
		CHECK(!map_elem_update(m, &key, &value, BPF_ANY));
	for (key = 0; key < 4; key++) {
		epoch_enter();
		CHECK(m->v.ops->lookup(m, &key));
		epoch_exit();
	}
	for (key = 100; key < 104; key++)
		CHECK(!map_elem_update(m, &key, &value, BPF_ANY));
	for (key = 0; key < 4; key++)
		hits += !map_elem_lookup(m, &key, &value, 0);
	CHECK(hits == 4);
	for (key = 4; key < 8; key++)
		CHECK(map_elem_lookup(m, &key, &value, 0) == -ENOENT);
	/* Whatever is thrown at it, it never holds more than its limit. */
	for (key = 1000; key < 3000; key++)
		CHECK(!map_elem_update(m, &key, &value, BPF_ANY));
	for (key = 0, hits = 0; key < 3000; key++)
		hits += !map_elem_lookup(m, &key, &value, 0);
	CHECK(hits == 8);
	map_put(m);
}

/* -- Longest prefix -------------------------------------------------------- */

struct ipv4 {
	uint32_t prefix;
	uint8_t a[4];
};

static void longest_prefix_wins(void)
{
	static const struct {
		struct ipv4 key;
		uint32_t value;
	} routes[] = {
		{{0, {0}}, 1},
		{{8, {10}}, 2},
		{{16, {10, 1}}, 3},
		{{17, {10, 1, 128}}, 4},
		{{32, {10, 1, 128, 7}}, 5},
	};
	static const struct {
		struct ipv4 key;
		uint32_t value;
	} asks[] = {
		{{32, {11, 0, 0, 1}}, 1},   {{32, {10, 9, 9, 9}}, 2},
		{{32, {10, 1, 2, 3}}, 3},   {{32, {10, 1, 200, 1}}, 4},
		{{32, {10, 1, 128, 7}}, 5}, {{31, {10, 1, 128, 7}}, 4},
		{{16, {10, 1, 128, 7}}, 3}, {{0, {10}}, 1},
	};
	struct map *m = new_map(BPF_MAP_TYPE_LPM_TRIE, 8, 4, 5, BPF_F_NO_PREALLOC, 1);
	struct ipv4 bad = {33, {0}}, extra = {9, {12}};
	uint32_t value;

	for (size_t i = 0; i < ARRAY_SIZE(routes); i++)
		CHECK(!map_elem_update(m, &routes[i].key, &routes[i].value, BPF_NOEXIST));
	for (size_t i = 0; i < ARRAY_SIZE(asks); i++) {
		CHECK(!map_elem_lookup(m, &asks[i].key, &value, 0));
		CHECK(value == asks[i].value);
	}
	CHECK(map_elem_update(m, &extra, &value, 0) == -ENOSPC);
	CHECK(map_elem_update(m, &bad, &value, 0) == -EINVAL);
	CHECK(map_elem_delete(m, &bad) == -EINVAL);
	CHECK(map_elem_delete(m, &extra) == -ENOENT);
	CHECK(!map_elem_delete(m, &routes[3].key));
	CHECK(!map_elem_lookup(m, &asks[3].key, &value, 0) && value == 3);
	map_put(m);
}

/* -- Bloom filter ------------------------------------------------------------ */

static void bloom_never_forgets(void)
{
	struct map *m = new_map(BPF_MAP_TYPE_BLOOM_FILTER, 0, 8, 1000, 0, 1);
	unsigned int wrong = 0;

	for (uint64_t v = 0; v < 1000; v++)
		CHECK(!m->v.ops->push(m, &v, BPF_ANY));
	for (uint64_t v = 0; v < 1000; v++)
		CHECK(!m->v.ops->peek(m, &v));
	for (uint64_t v = 1000; v < 11000; v++)
		wrong += !m->v.ops->peek(m, &v);
	CHECK(wrong < 1000);
	map_put(m);
}

/* -- Iteration ---------------------------------------------------------------- */

static uint64_t visit_and_delete(struct map *m, void *key, void *value, void *arg)
{
	CHECK(n_seen < 64);
	memcpy(&seen[n_seen++], key, 8);
	CHECK(!m->v.ops->remove(m, key));
	return arg && n_seen == 3;
}

static void elements_may_be_deleted_while_visited(void)
{
	struct map *m = new_map(BPF_MAP_TYPE_HASH, 8, 8, 64, 0, 1);
	uint64_t key, value = 0, all = 0;

	for (key = 0; key < 40; key++)
		CHECK(!map_elem_update(m, &key, &value, BPF_ANY));
	epoch_enter();
	CHECK(m->v.ops->for_each(m, visit_and_delete, &key) == 3);
	CHECK(m->v.ops->for_each(m, visit_and_delete, NULL) == 37);
	epoch_exit();
	for (int i = 0; i < n_seen; i++)
		all |= 1ull << seen[i];
	CHECK(n_seen == 40 && all == (1ull << 40) - 1);
	CHECK(map_elem_next_key(m, NULL, &key) == -ENOENT);
	map_put(m);
}

/* A value that lookup returned stays as it was until the section is left. */
static void replaced_values_stay_readable(void)
{
	struct map *m = new_map(BPF_MAP_TYPE_HASH, 8, 8, 4, 0, 1);
	uint64_t key = 1, value = 10;
	uint64_t *old;

	CHECK(!map_elem_update(m, &key, &value, BPF_ANY));
	epoch_enter();
	old = m->v.ops->lookup(m, &key);
	value = 11;
	CHECK(!map_elem_update(m, &key, &value, BPF_ANY));
	CHECK(!map_elem_delete(m, &key));
	usleep(20000);
	CHECK(*old == 10);
	epoch_exit();
	map_put(m);
}

/* -- Per-CPU values ------------------------------------------------------------ */

static void every_cpu_has_its_own(uint32_t type, uint32_t flags)
{
	struct map *m = new_map(type, 4, 12, 4, flags, 4);
	uint8_t values[4][16] = {{0}};
	uint32_t key = 2, old;

	CHECK(map_value_size_sys(m) == sizeof(values));
	for (uint32_t cpu = 0; cpu < 4; cpu++)
		memset(values[cpu], (int)cpu + 1, 12);
	CHECK(!map_elem_update(m, &key, values, BPF_ANY));
	for (uint32_t cpu = 0; cpu < 4; cpu++) {
		uint8_t *v;

		old = map_set_cpu(cpu);
		epoch_enter();
		v = m->v.ops->lookup(m, &key);
		CHECK(v && v[0] == cpu + 1 && v[11] == cpu + 1);
		CHECK(v == m->v.ops->lookup_percpu(m, &key, cpu));
		v[0] = (uint8_t)(100 + cpu);
		epoch_exit();
		CHECK(map_set_cpu(old) == cpu);
	}
	CHECK(!map_elem_lookup(m, &key, values, 0));
	for (uint32_t cpu = 0; cpu < 4; cpu++)
		CHECK(values[cpu][0] == 100 + cpu && values[cpu][1] == cpu + 1);
	map_put(m);
}

/* -- Special fields -------------------------------------------------------------- */

struct special_value {
	uint32_t lock;
	uint32_t before;
	uint64_t timer[2];
	uint64_t after;
};

static int struct_of(struct btf *btf, const char *name, uint32_t size)
{
	int u32 = btf__find_by_name_kind(btf, "u32", BTF_KIND_INT);
	int id = btf__add_struct(btf, name, size);

	btf__add_field(btf, "opaque", u32, 0, 0);
	return id;
}

static struct btf *special_btf(int *key, int *value, bool two_locks)
{
	struct btf *btf = btf__new_empty();
	int u64 = btf__add_int(btf, "u64", 8, 0), lock, timer;

	*key = btf__add_int(btf, "u32", 4, 0);
	lock = struct_of(btf, "bpf_spin_lock", 4);
	timer = struct_of(btf, "bpf_timer", 16);
	*value = btf__add_struct(btf, "special_value", sizeof(struct special_value));
	btf__add_field(btf, "lock", lock, 0, 0);
	btf__add_field(btf, "before", two_locks ? lock : *key, 32, 0);
	btf__add_field(btf, "timer", timer, 64, 0);
	btf__add_field(btf, "after", u64, 192, 0);
	return btf;
}

static int create_special(uint32_t type, uint32_t flags, struct btf *btf, int key, int value,
			  struct map **m)
{
	union bpf_attr attr = {.map_type = type,
			       .key_size = 4,
			       .max_entries = 4,
			       .value_size = sizeof(struct special_value),
			       .map_flags = flags,
			       .btf_key_type_id = (uint32_t)key,
			       .btf_value_type_id = (uint32_t)value};
	struct map_env env = {.n_cpus = 1, .btf = btf};

	return map_create(&attr, &env, m);
}

static void copies_leave_special_fields_alone(uint32_t type)
{
	struct special_value in = {7, 8, {9, 10}, 11}, out, *live;
	int key_id, value_id;
	struct btf *btf = special_btf(&key_id, &value_id, false);
	uint32_t key = 0;
	struct map *m;

	CHECK(!create_special(type, 0, btf, key_id, value_id, &m));
	CHECK(m->rec.spin_lock_off == 0 && m->rec.timer_off == 8);
	CHECK(!map_elem_update(m, &key, &in, BPF_ANY));
	epoch_enter();
	live = m->v.ops->lookup(m, &key);
	CHECK(!live->lock && live->before == 8 && !live->timer[0] && live->after == 11);
	live->lock = 0;
	live->timer[0] = 0;
	epoch_exit();
	in.after = 12;
	CHECK(!map_elem_update(m, &key, &in, BPF_F_LOCK));
	memset(&out, 0xff, sizeof(out));
	CHECK(!map_elem_lookup(m, &key, &out, BPF_F_LOCK));
	CHECK(!out.lock && out.before == 8 && !out.timer[0] && !out.timer[1] && out.after == 12);
	map_put(m);
	btf__free(btf);
}

static void special_fields_are_refused_where_linux_refuses(void)
{
	int key, value;
	struct btf *btf = special_btf(&key, &value, false);
	struct map *m;

	CHECK(create_special(BPF_MAP_TYPE_PERCPU_HASH, 0, btf, key, value, &m) == -EOPNOTSUPP);
	CHECK(create_special(BPF_MAP_TYPE_PERCPU_ARRAY, 0, btf, key, value, &m) == -EOPNOTSUPP);
	CHECK(create_special(BPF_MAP_TYPE_HASH, BPF_F_RDONLY_PROG, btf, key, value, &m) == -EACCES);
	CHECK(create_special(BPF_MAP_TYPE_HASH, 0, btf, value, value, &m) == -EINVAL);
	CHECK(create_special(BPF_MAP_TYPE_HASH, 0, btf, key, key, &m) == -EINVAL);
	CHECK(create_special(BPF_MAP_TYPE_HASH, 0, btf, 0, value, &m) == -EINVAL);
	CHECK(create_special(BPF_MAP_TYPE_HASH, 0, btf, 1000, value, &m) == -EINVAL);
	CHECK(create_special(BPF_MAP_TYPE_HASH, 0, NULL, key, value, &m) == -EBADF);
	btf__free(btf);
	btf = special_btf(&key, &value, true);
	CHECK(create_special(BPF_MAP_TYPE_HASH, 0, btf, key, value, &m) == -E2BIG);
	btf__free(btf);
}

/* -- Short memory ----------------------------------------------------------------- */

static void memory_runs_out(uint32_t type, uint32_t key_size, uint32_t value_size, uint32_t flags)
{
	union bpf_attr attr = {.map_type = type,
			       .key_size = key_size,
			       .value_size = value_size,
			       .max_entries = 4096,
			       .map_flags = flags};
	struct map_env env = {.n_cpus = 2};
	uint8_t key[64] = {0}, value[64] = {0};
	struct map *m;
	int err = -ENOMEM;

	for (unsigned long n = 1; err; n++) {
		CHECK(n < 20);
		mem_fail_after(n);
		err = map_create(&attr, &env, &m);
		mem_fail_after(0);
		CHECK(!err || err == -ENOMEM);
	}
	if (m->v.ops->update) {
		mem_fail_after(1);
		err = map_elem_update(m, key, value, BPF_ANY);
		mem_fail_after(0);
		CHECK(err <= 0);
	}
	map_put(m);
}

int main(void)
{
	lru_keeps_what_is_used();
	longest_prefix_wins();
	bloom_never_forgets();
	elements_may_be_deleted_while_visited();
	replaced_values_stay_readable();
	every_cpu_has_its_own(BPF_MAP_TYPE_PERCPU_ARRAY, 0);
	every_cpu_has_its_own(BPF_MAP_TYPE_PERCPU_HASH, BPF_F_NO_PREALLOC);
	every_cpu_has_its_own(BPF_MAP_TYPE_LRU_PERCPU_HASH, 0);
	copies_leave_special_fields_alone(BPF_MAP_TYPE_ARRAY);
	copies_leave_special_fields_alone(BPF_MAP_TYPE_HASH);
	special_fields_are_refused_where_linux_refuses();
	memory_runs_out(BPF_MAP_TYPE_ARRAY, 4, 8, 0);
	memory_runs_out(BPF_MAP_TYPE_ARRAY, 4, 8, BPF_F_MMAPABLE);
	memory_runs_out(BPF_MAP_TYPE_HASH, 8, 8, 0);
	memory_runs_out(BPF_MAP_TYPE_LPM_TRIE, 8, 8, BPF_F_NO_PREALLOC);
	memory_runs_out(BPF_MAP_TYPE_BLOOM_FILTER, 0, 8, 0);
	memory_runs_out(BPF_MAP_TYPE_QUEUE, 0, 8, 0);
	memory_runs_out(BPF_MAP_TYPE_RINGBUF, 0, 0, 0);
	epoch_drain();
	return 0;
}
