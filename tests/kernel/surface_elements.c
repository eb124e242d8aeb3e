/* SPDX-License-Identifier: BSD-2-Clause */
/* Element commands of every kind as scripts: each line one command with its result. */
#include "surface.h"

#include <unistd.h>

enum what { LOOKUP, UPDATE, DELETE, NEXT, TAKE, FREEZE, FIRST };

#define NO_KEY (-1)    /* key pointer 0 */
#define BAD_KEY (-2)   /* key pointer to nothing */
#define BAD_VALUE (-2) /* value pointer to nothing */
#define ANY_VALUE (-3) /* not compared */

struct line {
	enum what what;
	int64_t key, val; /* NEXT: val is the expected next key */
	uint64_t flags;
	int err;
	struct differs differs;
};

#define BAD_PTR 0x10

static const struct line array_lines[] = {
	{LOOKUP, 0, 0, 0, 0},
	{LOOKUP, 2, 0, 0, 0},
	{LOOKUP, 3, 0, 0, -ENOENT},
	{UPDATE, 1, 77, BPF_ANY, 0},
	{LOOKUP, 1, 77, 0, 0},
	{UPDATE, 1, 78, BPF_EXIST, 0},
	{UPDATE, 1, 79, BPF_NOEXIST, -EEXIST},
	{LOOKUP, 1, 78, 0, 0},
	{UPDATE, 3, 1, BPF_ANY, -E2BIG},
	{UPDATE, 3, 1, BPF_NOEXIST, -E2BIG},
	{UPDATE, 0, 1, 3, -EINVAL},
	{UPDATE, 0, 1, BPF_F_LOCK, -EINVAL},
	{UPDATE, 0, 1, 1ull << 40, -EINVAL},
	{LOOKUP, 0, 0, BPF_F_LOCK, -EINVAL},
	{LOOKUP, 0, 0, 1, -EINVAL},
	{DELETE, 0, 0, 0, -EINVAL},
	{DELETE, 9, 0, 0, -EINVAL},
	{FIRST, NO_KEY, 0, 0, 0},
	{NEXT, 0, 1, 0, 0},
	{NEXT, 1, 2, 0, 0},
	{NEXT, 2, 0, 0, -ENOENT},
	{NEXT, 3, 0, 0, 0},
	{NEXT, 1000, 0, 0, 0},
	{TAKE, 0, 0, 0, -ENOTSUPP},
	{LOOKUP, BAD_KEY, 0, 0, -EFAULT},
	{LOOKUP, 0, BAD_VALUE, 0, -EFAULT},
	{UPDATE, 0, BAD_VALUE, 0, -EFAULT},
	{UPDATE, BAD_KEY, 0, 0, -EFAULT},
	{DELETE, BAD_KEY, 0, 0, -EFAULT},
	{NEXT, BAD_KEY, 0, 0, -EFAULT},
	{FREEZE, 0, 0, 0, 0},
	{UPDATE, 0, 1, 0, -EPERM},
	{DELETE, 0, 0, 0, -EPERM},
	{LOOKUP, 1, 78, 0, 0},
	{FREEZE, 0, 0, 0, -EPERM},
};

static const struct line percpu_array_lines[] = {
	{LOOKUP, 0, 0, 0, 0},
	{UPDATE, 1, 77, BPF_ANY, 0},
	{LOOKUP, 1, 77, 0, 0},
	{UPDATE, 1, 79, BPF_NOEXIST, -EEXIST},
	{UPDATE, 3, 1, BPF_ANY, -E2BIG},
	{UPDATE, 0, 1, 3, -EINVAL},
	{UPDATE, 0, 1, BPF_F_LOCK, -EINVAL},
	{LOOKUP, 3, 0, 0, -ENOENT},
	{DELETE, 0, 0, 0, -EINVAL},
	{NEXT, 2, 0, 0, -ENOENT},
	{TAKE, 0, 0, 0, -ENOTSUPP},
};

static const struct line hash_lines[] = {
	{LOOKUP, 1, 0, 0, -ENOENT},
	{FIRST, NO_KEY, 0, 0, -ENOENT},
	{NEXT, 1, 0, 0, -ENOENT},
	{DELETE, 1, 0, 0, -ENOENT},
	{TAKE, 1, 0, 0, -ENOENT},
	{UPDATE, 1, 10, BPF_EXIST, -ENOENT},
	{UPDATE, 1, 10, BPF_NOEXIST, 0},
	{UPDATE, 1, 11, BPF_NOEXIST, -EEXIST},
	{UPDATE, 1, 12, BPF_EXIST, 0},
	{LOOKUP, 1, 12, 0, 0},
	{FIRST, NO_KEY, 1, 0, 0},
	{NEXT, 1, 0, 0, -ENOENT},
	{NEXT, 99, 1, 0, 0},
	{UPDATE, 2, 20, BPF_ANY, 0},
	{UPDATE, 3, 30, BPF_ANY, 0},
	{UPDATE, 4, 40, BPF_ANY, -E2BIG},
	{UPDATE, 3, 31, BPF_ANY, 0},
	{LOOKUP, 3, 31, 0, 0},
	{TAKE, 3, 31, 0, 0},
	{LOOKUP, 3, 0, 0, -ENOENT},
	{UPDATE, 4, 40, BPF_ANY, 0},
	{DELETE, 2, 0, 0, 0},
	{DELETE, 2, 0, 0, -ENOENT},
	{UPDATE, 5, 50, 3, -EINVAL},
	{UPDATE, 5, 50, BPF_F_LOCK, -EINVAL},
	{UPDATE, 5, 50, 8, -EINVAL},
	{LOOKUP, 1, 0, BPF_F_LOCK, -EINVAL},
	{LOOKUP, 1, 0, 8, -EINVAL},
	{TAKE, 1, 0, BPF_F_LOCK, -EINVAL},
	{TAKE, 1, 0, 1, -EINVAL},
	{LOOKUP, NO_KEY, 0, 0, -EFAULT},
	{UPDATE, NO_KEY, 0, 0, -EFAULT},
	{UPDATE, 1, BAD_VALUE, 0, -EFAULT},
	{LOOKUP, 1, BAD_VALUE, 0, -EFAULT},
	{FREEZE, 0, 0, 0, 0},
	{DELETE, 1, 0, 0, -EPERM},
	{TAKE, 1, 0, 0, -EPERM},
	{UPDATE, 1, 1, 0, -EPERM},
	{LOOKUP, 1, 12, 0, 0},
};

static const struct line percpu_hash_lines[] = {
	{LOOKUP, 1, 0, 0, -ENOENT},
	{UPDATE, 1, 10, BPF_EXIST, -ENOENT},
	{UPDATE, 1, 10, BPF_NOEXIST, 0},
	{UPDATE, 1, 11, BPF_NOEXIST, -EEXIST},
	{UPDATE, 1, 12, BPF_ANY, 0},
	{LOOKUP, 1, 12, 0, 0},
	{UPDATE, 1, 12, BPF_F_LOCK, -EINVAL},
	{UPDATE, 1, 12, 3, -EINVAL},
	{UPDATE, 2, 10, 0, 0},
	{UPDATE, 3, 10, 0, 0},
	{UPDATE, 4, 10, 0, -E2BIG},
	{TAKE, 2, 10, 0, 0},
	{DELETE, 1, 0, 0, 0},
	{DELETE, 1, 0, 0, -ENOENT},
	{LOOKUP, 3, 10, 0, 0},
};

static const struct line lru_lines[] = {
	{LOOKUP, 1, 0, 0, -ENOENT},
	{UPDATE, 1, 10, BPF_EXIST, -ENOENT},
	{UPDATE, 1, 10, BPF_NOEXIST, 0},
	{UPDATE, 1, 11, BPF_NOEXIST, -EEXIST},
	{LOOKUP, 1, 10, 0, 0},
	{UPDATE, 1, 12, 3, -EINVAL},
	{UPDATE, 1, 12, BPF_F_LOCK, -EINVAL},
	{TAKE, 1, 10, 0, 0},
	{DELETE, 1, 0, 0, -ENOENT},
};

static const struct line queue_lines[] = {
	{LOOKUP, NO_KEY, 0, 0, -ENOENT},
	{TAKE, NO_KEY, 0, 0, -ENOENT},
	{UPDATE, NO_KEY, 1, 0, 0},
	{UPDATE, NO_KEY, 2, 0, 0},
	{UPDATE, NO_KEY, 3, 0, 0},
	{UPDATE, NO_KEY, 4, BPF_ANY, -E2BIG},
	{UPDATE, NO_KEY, 4, BPF_EXIST, 0},
	{LOOKUP, NO_KEY, 2, 0, 0},
	{UPDATE, NO_KEY, 4, BPF_NOEXIST, -EINVAL},
	{UPDATE, NO_KEY, 4, 3, -EINVAL},
	{UPDATE, 1, 4, 0, -EINVAL},
	{LOOKUP, 1, 0, 0, -EINVAL},
	{TAKE, NO_KEY, 2, 0, 0},
	{TAKE, NO_KEY, 3, 0, 0},
	{TAKE, NO_KEY, 4, 0, 0},
	{TAKE, NO_KEY, 0, 0, -ENOENT},
	{TAKE, NO_KEY, 0, BPF_F_LOCK, -EINVAL},
	{DELETE, NO_KEY, 0, 0, -EINVAL},
	{FIRST, NO_KEY, 0, 0, -EINVAL},
};

static const struct line stack_lines[] = {
	{UPDATE, NO_KEY, 1, 0, 0}, {UPDATE, NO_KEY, 2, 0, 0},
	{UPDATE, NO_KEY, 3, 0, 0}, {UPDATE, NO_KEY, 4, BPF_ANY, -E2BIG},
	{LOOKUP, NO_KEY, 3, 0, 0}, {UPDATE, NO_KEY, 4, BPF_EXIST, 0},
	{TAKE, NO_KEY, 4, 0, 0},   {TAKE, NO_KEY, 3, 0, 0},
	{TAKE, NO_KEY, 2, 0, 0},   {TAKE, NO_KEY, 0, 0, -ENOENT},
};

static const struct line ring_lines[] = {
	{LOOKUP, NO_KEY, ANY_VALUE, 0, -ENOTSUPP}, {UPDATE, NO_KEY, 1, 0, -ENOTSUPP},
	{DELETE, NO_KEY, 0, 0, -ENOTSUPP},	   {FIRST, NO_KEY, 0, 0, -ENOTSUPP},
	{TAKE, NO_KEY, 0, 0, -ENOTSUPP},	   {FREEZE, 0, 0, 0, 0},
};

static const struct line prog_array_lines[] = {
	{LOOKUP, 0, 0, 0, -ENOENT},
	{LOOKUP, 9, 0, 0, -ENOENT},
	{UPDATE, 0, 9999, 0, -EBADF},
	{UPDATE, 0, 0, 0, -EINVAL}, /* descriptor 0 is no program */
	{UPDATE, 9, 0, 0, -E2BIG},
	{UPDATE, 0, 0, BPF_EXIST, -EINVAL},
	{UPDATE, 0, 0, BPF_NOEXIST, -EINVAL},
	{DELETE, 0, 0, 0, -ENOENT},
	{DELETE, 9, 0, 0, -E2BIG},
	{FIRST, NO_KEY, 0, 0, 0},
	{NEXT, 0, 1, 0, 0},
	{NEXT, 2, 0, 0, -ENOENT},
	{TAKE, 0, 0, 0, -ENOTSUPP},
};

static const struct line perf_lines[] = {
	{LOOKUP, 0, 0, 0, -ENOTSUPP},	    {UPDATE, 0, 9999, 0, -EBADF}, {UPDATE, 9, 0, 0, -E2BIG},
	{UPDATE, 0, 0, BPF_EXIST, -EINVAL}, {DELETE, 0, 0, 0, -ENOENT},	  {DELETE, 9, 0, 0, -E2BIG},
	{TAKE, 0, 0, 0, -ENOTSUPP},
};

static const struct line arena_lines[] = {
	{LOOKUP, NO_KEY, ANY_VALUE, 0, -EINVAL}, {UPDATE, NO_KEY, 1, 0, -EOPNOTSUPP},
	{DELETE, NO_KEY, 0, 0, -EOPNOTSUPP},	 {FIRST, NO_KEY, 0, 0, -EOPNOTSUPP},
	{TAKE, NO_KEY, 0, 0, -ENOTSUPP},	 {LOOKUP, 1, ANY_VALUE, 0, -EINVAL},
};

static const struct line bloom_lines[] = {
	{UPDATE, NO_KEY, 5, 0, 0},
	{LOOKUP, NO_KEY, 5, 0, 0},
	{UPDATE, NO_KEY, 5, BPF_EXIST, -EINVAL},
	{UPDATE, NO_KEY, 5, BPF_NOEXIST, -EINVAL},
	{DELETE, NO_KEY, 0, 0, -EOPNOTSUPP},
	{FIRST, NO_KEY, 0, 0, -EOPNOTSUPP},
	{TAKE, NO_KEY, 0, 0, -ENOTSUPP},
};

#define SCRIPT(type, key, value, max, flags, lines) \
	{#type, BPF_MAP_TYPE_##type, key, value, max, flags, lines, ARRAY_SIZE(lines)}

static const struct script {
	const char *name;
	uint32_t type, key, value, max, flags;
	const struct line *lines;
	size_t n;
} scripts[] = {
	SCRIPT(ARRAY, 4, 8, 3, 0, array_lines),
	SCRIPT(ARRAY, 4, 8, 3, BPF_F_MMAPABLE, array_lines),
	SCRIPT(ARRAY, 4, 2, 3, 0, array_lines),
	SCRIPT(PERCPU_ARRAY, 4, 8, 3, 0, percpu_array_lines),
	SCRIPT(HASH, 4, 8, 3, 0, hash_lines),
	SCRIPT(HASH, 8, 8, 3, BPF_F_NO_PREALLOC, hash_lines),
	SCRIPT(HASH, 5, 2, 3, BPF_F_NO_PREALLOC, hash_lines),
	SCRIPT(HASH, 1, 1, 3, 0, hash_lines),
	SCRIPT(PERCPU_HASH, 8, 8, 3, 0, percpu_hash_lines),
	SCRIPT(PERCPU_HASH, 4, 8, 3, BPF_F_NO_PREALLOC, percpu_hash_lines),
	SCRIPT(LRU_HASH, 8, 8, 100, 0, lru_lines),
	SCRIPT(LRU_HASH, 4, 8, 100, BPF_F_NO_COMMON_LRU, lru_lines),
	SCRIPT(LRU_PERCPU_HASH, 8, 8, 100, 0, lru_lines),
	SCRIPT(QUEUE, 0, 8, 3, 0, queue_lines),
	SCRIPT(STACK, 0, 4, 3, 0, stack_lines),
	SCRIPT(RINGBUF, 0, 0, 4096, 0, ring_lines),
	SCRIPT(PROG_ARRAY, 4, 4, 3, 0, prog_array_lines),
	SCRIPT(PERF_EVENT_ARRAY, 4, 4, 3, 0, perf_lines),
	SCRIPT(ARENA, 0, 0, 3, BPF_F_MMAPABLE, arena_lines),
	SCRIPT(BLOOM_FILTER, 0, 8, 100, 0, bloom_lines),
};

static const int cmds[] = {
	[LOOKUP] = BPF_MAP_LOOKUP_ELEM,		 [UPDATE] = BPF_MAP_UPDATE_ELEM,
	[DELETE] = BPF_MAP_DELETE_ELEM,		 [NEXT] = BPF_MAP_GET_NEXT_KEY,
	[TAKE] = BPF_MAP_LOOKUP_AND_DELETE_ELEM, [FREEZE] = BPF_MAP_FREEZE,
	[FIRST] = BPF_MAP_GET_NEXT_KEY,
};

#define MAX_CPUS 1024
static uint64_t key_buf[2], value_buf[MAX_CPUS];

/* Values of at most 8 bytes; per-CPU kinds get the same on every CPU. */
static void fill_attr(const struct line *l, int fd, union bpf_attr *attr)
{
	memset(attr, 0, sizeof(*attr));
	memset(key_buf, 0, sizeof(key_buf));
	attr->map_fd = (uint32_t)fd;
	if (l->what == FREEZE)
		return;
	key_buf[0] = (uint64_t)l->key;
	attr->key = l->key == NO_KEY ? 0 : l->key == BAD_KEY ? BAD_PTR : (uintptr_t)key_buf;
	for (int i = 0; i < MAX_CPUS; i++)
		value_buf[i] = l->what == UPDATE || l->what == LOOKUP ? (uint64_t)l->val : ~0ull;
	if (l->what == DELETE)
		return;
	attr->value = l->val == BAD_VALUE ? BAD_PTR : (uintptr_t)value_buf;
	if (l->what == NEXT || l->what == FIRST)
		memset(value_buf, 0, 16);
	if (l->what == LOOKUP && l->key != NO_KEY)
		memset(value_buf, 0xee, sizeof(value_buf));
	if (l->what != NEXT && l->what != FIRST)
		attr->flags = l->flags;
}

static bool returns_value(const struct line *l)
{
	return l->what == LOOKUP || l->what == TAKE || l->what == NEXT || l->what == FIRST;
}

static void run_line(struct surface *s, const struct script *sc, size_t i, int fd)
{
	const struct line *l = &sc->lines[i];
	uint32_t size = l->what == NEXT || l->what == FIRST ? sc->key : sc->value;
	union bpf_attr attr;
	uint64_t got = 0, want = (uint64_t)l->val;
	long ret;

	fill_attr(l, fd, &attr);
	ret = kernel_bpf(s->k, cmds[l->what], &attr, sizeof(attr));
	SURFACE_CHECK(s, ret, surface_expect(s, l->err, l->differs), "%s key %u value %u line %zu",
		      sc->name, sc->key, sc->value, i);
	if (ret || !returns_value(l) || l->val == ANY_VALUE)
		return;
	memcpy(&got, value_buf, min_t(uint32_t, size, 8));
	if (size < 8)
		want &= (1ull << size * 8) - 1;
	SURFACE_CHECK(s, (long)got, (long)want, "%s key %u value %u line %zu: value", sc->name,
		      sc->key, sc->value, i);
}

/* -- Batches -------------------------------------------------------------- */

static long batch(struct surface *s, int cmd, int fd, void *in, void *out, void *keys, void *values,
		  uint32_t *count, uint64_t elem_flags)
{
	union bpf_attr attr = {.batch = {.in_batch = (uintptr_t)in,
					 .out_batch = (uintptr_t)out,
					 .keys = (uintptr_t)keys,
					 .values = (uintptr_t)values,
					 .count = *count,
					 .map_fd = (uint32_t)fd,
					 .elem_flags = elem_flags}};
	long ret = kernel_bpf(s->k, cmd, &attr, sizeof(attr));

	*count = attr.batch.count;
	return ret;
}

static void batches(struct surface *s, uint32_t type)
{
	uint32_t keys[8], pos = 0, n;
	uint64_t values[8], sum = 0;
	int fd = surface_map(s, type, 4, 8, 8, 0);
	bool hash = type == BPF_MAP_TYPE_HASH;
	const char *name = hash ? "hash batch" : "array batch";

	for (uint32_t i = 0; i < 8; i++) {
		keys[i] = i;
		values[i] = 100 + i;
	}
	n = 0;
	SURFACE_CHECK(s, batch(s, BPF_MAP_UPDATE_BATCH, fd, NULL, NULL, keys, values, &n, 0), 0,
		      "%s empty", name);
	n = 8;
	SURFACE_CHECK(s, batch(s, BPF_MAP_UPDATE_BATCH, fd, NULL, NULL, keys, values, &n, 0), 0,
		      "%s update", name);
	SURFACE_CHECK(s, n, 8, "%s update count", name);
	n = 8;
	SURFACE_CHECK(s,
		      batch(s, BPF_MAP_UPDATE_BATCH, fd, NULL, NULL, keys, values, &n, BPF_F_LOCK),
		      -EINVAL, "%s lock", name);
	n = 8;
	SURFACE_CHECK(s, batch(s, BPF_MAP_UPDATE_BATCH, fd, NULL, NULL, keys, values, &n, 8),
		      -EINVAL, "%s flag", name);
	memset(values, 0, sizeof(values));
	n = 8;
	SURFACE_CHECK(s, batch(s, BPF_MAP_LOOKUP_BATCH, fd, NULL, &pos, keys, values, &n, 0),
		      hash ? -ENOENT : 0, "%s lookup", name);
	SURFACE_CHECK(s, n, 8, "%s lookup count", name);
	for (uint32_t i = 0; i < 8; i++)
		sum += values[i] == 100 + keys[i] ? keys[i] : 1000;
	SURFACE_CHECK(s, (long)sum, 28, "%s values", name);
	n = 0;
	SURFACE_CHECK(s, batch(s, BPF_MAP_LOOKUP_BATCH, fd, NULL, &pos, keys, values, &n, 0), 0,
		      "%s lookup none", name);
	n = 4;
	for (uint32_t i = 0; i < 4; i++)
		keys[i] = i;
	SURFACE_CHECK(s, batch(s, BPF_MAP_DELETE_BATCH, fd, NULL, NULL, keys, NULL, &n, 0),
		      hash ? 0 : -ENOTSUPP, "%s delete", name);
	n = 8;
	SURFACE_CHECK(
		s, batch(s, BPF_MAP_LOOKUP_AND_DELETE_BATCH, fd, NULL, &pos, keys, values, &n, 0),
		hash ? -ENOENT : -ENOTSUPP, "%s take", name);
	SURFACE_CHECK(s, n, hash ? 4 : 8, "%s take count", name);
	n = 1;
	keys[0] = 0;
	if (hash) {
		SURFACE_CHECK(s, batch(s, BPF_MAP_DELETE_BATCH, fd, NULL, NULL, keys, NULL, &n, 0),
			      -ENOENT, "%s gone", name);
		SURFACE_CHECK(s, n, 0, "%s gone count", name);
	}
	s->k->ops->close(s->k, fd);
}

static void batch_refused(struct surface *s)
{
	uint32_t n = 1, keys[1] = {0};
	uint64_t values[1] = {0};
	int fd = surface_map(s, BPF_MAP_TYPE_QUEUE, 0, 8, 4, 0);

	SURFACE_CHECK(s, batch(s, BPF_MAP_UPDATE_BATCH, fd, NULL, NULL, keys, values, &n, 0),
		      -ENOTSUPP, "queue batch");
	s->k->ops->close(s->k, fd);
	SURFACE_CHECK(s, batch(s, BPF_MAP_UPDATE_BATCH, 9999, NULL, NULL, keys, values, &n, 0),
		      -EBADF, "batch on nothing");
}

/* -- Maps of maps ---------------------------------------------------------- */

static void maps_of_maps(struct surface *s, uint32_t type)
{
	int tmpl = surface_map(s, BPF_MAP_TYPE_ARRAY, 4, 8, 2, 0);
	int fits = surface_map(s, BPF_MAP_TYPE_ARRAY, 4, 8, 2, 0);
	int longer = surface_map(s, BPF_MAP_TYPE_ARRAY, 4, 8, 3, 0);
	int other = surface_map(s, BPF_MAP_TYPE_ARRAY, 4, 4, 2, 0);
	union bpf_attr attr = {.map_type = type,
			       .key_size = 4,
			       .value_size = 4,
			       .max_entries = 2,
			       .inner_map_fd = (uint32_t)tmpl};
	int outer = (int)kernel_bpf(s->k, BPF_MAP_CREATE, &attr, sizeof(attr));
	const struct script sc = {
		type == BPF_MAP_TYPE_ARRAY_OF_MAPS ? "array of maps" : "hash of maps",
		type,
		4,
		4,
		2,
		0,
		NULL,
		0};
	const struct line lines[] = {
		{LOOKUP, 0, 0, 0, -ENOENT},	{UPDATE, 0, fits, 0, 0},
		{LOOKUP, 0, ANY_VALUE, 0, 0},	{UPDATE, 1, longer, 0, -EINVAL},
		{UPDATE, 1, other, 0, -EINVAL}, {UPDATE, 1, outer, 0, -EINVAL},
		{UPDATE, 1, 9999, 0, -EBADF},	{UPDATE, 1, tmpl, 0, 0},
		{DELETE, 1, 0, 0, 0},		{DELETE, 1, 0, 0, -ENOENT},
		{LOOKUP, 1, 0, 0, -ENOENT},
	};
	struct script run = sc;

	run.lines = lines;
	run.n = ARRAY_SIZE(lines);
	for (size_t i = 0; i < run.n; i++)
		run_line(s, &run, i, outer);
	s->k->ops->close(s->k, outer);
	s->k->ops->close(s->k, tmpl);
	s->k->ops->close(s->k, fits);
	s->k->ops->close(s->k, longer);
	s->k->ops->close(s->k, other);
}

void surface_elements(struct surface *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
		const struct script *sc = &scripts[i];
		int fd = surface_map(s, sc->type, sc->key, sc->value, sc->max, sc->flags);

		SURFACE_CHECK(s, fd < 0 ? fd : 0, 0, "script map %s", sc->name);
		for (size_t n = 0; fd >= 0 && n < sc->n; n++)
			run_line(s, sc, n, fd);
		if (fd >= 0)
			s->k->ops->close(s->k, fd);
	}
	batches(s, BPF_MAP_TYPE_HASH);
	batches(s, BPF_MAP_TYPE_ARRAY);
	batch_refused(s);
	maps_of_maps(s, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	maps_of_maps(s, BPF_MAP_TYPE_HASH_OF_MAPS);
}
