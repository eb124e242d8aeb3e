/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every kind of map under several threads that issue bpf(2) element commands at random: answers
 * are those the kind may give, nothing that was pushed is lost, and counts come out right.
 * `make tsan` looks for data races in it.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../kernel/seam.h"
#include "uarena.h"

#define THREADS 3
#define OPS 4000
#define KEYS 16

enum values { PLAIN, MAP_FD, PROG_FD };

static const struct kind {
	const char *name;
	uint32_t type, key_size, value_size, flags;
	enum values values;
} kinds[] = {
	{"array", BPF_MAP_TYPE_ARRAY, 4, 16, 0, PLAIN},
	{"percpu_array", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 16, 0, PLAIN},
	{"hash", BPF_MAP_TYPE_HASH, 4, 16, 0, PLAIN},
	{"hash, no prealloc", BPF_MAP_TYPE_HASH, 4, 16, BPF_F_NO_PREALLOC, PLAIN},
	{"percpu_hash", BPF_MAP_TYPE_PERCPU_HASH, 4, 16, 0, PLAIN},
	{"lru_hash", BPF_MAP_TYPE_LRU_HASH, 4, 16, 0, PLAIN},
	{"lru_percpu_hash", BPF_MAP_TYPE_LRU_PERCPU_HASH, 4, 16, 0, PLAIN},
	{"lpm_trie", BPF_MAP_TYPE_LPM_TRIE, 8, 16, BPF_F_NO_PREALLOC, PLAIN},
	{"bloom_filter", BPF_MAP_TYPE_BLOOM_FILTER, 0, 16, 0, PLAIN},
	{"array_of_maps", BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 0, MAP_FD},
	{"hash_of_maps", BPF_MAP_TYPE_HASH_OF_MAPS, 4, 4, 0, MAP_FD},
	{"prog_array", BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 0, PROG_FD},
};

static struct kernel *k;
static const struct kind *kind;
static int map_fd, inner_fds[2], prog_fds[2];
static uint64_t seed;
static _Atomic int failures;

static uint64_t rnd(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

static int create(uint32_t type, uint32_t key, uint32_t value, uint32_t flags, int inner)
{
	return seam_map(k, type, key, value, KEYS, flags, inner);
}

static long element(int cmd, void *key, void *value)
{
	return seam_element(k, cmd, map_fd, key, value);
}

/* -- Kinds with keys --------------------------------------------------------------------- */

static void expect(const char *what, long err, bool fine)
{
	if (fine)
		return;
	printf("%s: %s: %ld\n", kind->name, what, err);
	failures++;
}

static void fill_value(uint64_t *s, uint64_t *value)
{
	int fd = kind->values == MAP_FD ? inner_fds[rnd(s) % 2] : prog_fds[rnd(s) % 2];

	for (int i = 0; i < 16; i++) /* per-CPU kinds take one for each CPU */
		value[i] = rnd(s);
	if (kind->values != PLAIN)
		memcpy(value, &fd, sizeof(fd));
}

static void one_op(uint64_t *s)
{
	uint32_t key[2] = {kind->key_size == 8 ? rnd(s) % 33 : rnd(s) % KEYS, rnd(s) % KEYS};
	void *k_or_none = kind->key_size ? key : NULL;
	uint64_t value[16];
	uint32_t next[2];
	long err;

	fill_value(s, value);
	switch (rnd(s) % 4) {
	case 0:
		err = element(BPF_MAP_UPDATE_ELEM, k_or_none, value);
		expect("update", err, !err || err == -E2BIG || err == -ENOSPC);
		break;
	case 1:
		err = element(BPF_MAP_DELETE_ELEM, k_or_none, NULL);
		expect("delete", err,
		       !err || err == -ENOENT || err == -EINVAL || err == -EOPNOTSUPP);
		break;
	case 2:
		err = element(BPF_MAP_LOOKUP_ELEM, k_or_none, value);
		expect("lookup", err, !err || err == -ENOENT);
		break;
	default:
		err = element(BPF_MAP_GET_NEXT_KEY, k_or_none, next);
		expect("next key", err, !err || err == -ENOENT || err == -EOPNOTSUPP);
	}
}

static void *random_ops(void *arg)
{
	uint64_t s = seed + (uintptr_t)arg * 0x9e3779b97f4a7c15ull + 1;

	for (int i = 0; i < OPS; i++)
		one_op(&s);
	return NULL;
}

static void run_threads(void *(*fn)(void *))
{
	pthread_t t[THREADS];

	for (uintptr_t i = 0; i < THREADS; i++)
		if (pthread_create(&t[i], NULL, fn, (void *)i))
			exit(1);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
}

static void torture(const struct kind *kd)
{
	kind = kd;
	map_fd = create(kd->type, kd->key_size, kd->value_size, kd->flags, inner_fds[0]);
	expect("create", map_fd, map_fd >= 0);
	if (map_fd < 0)
		return;
	run_threads(random_ops);
	k->ops->close(k, map_fd);
}

/* -- Queue and stack: what goes in comes out once ------------------------------------------ */

static _Atomic uint64_t pushed, popped;

static void *push_and_pop(void *arg)
{
	uint64_t s = seed + (uintptr_t)arg + 1, v = (uintptr_t)arg << 32;

	for (int i = 0; i < OPS; i++) {
		uint64_t got;

		v++;
		if (rnd(&s) % 2 && !element(BPF_MAP_UPDATE_ELEM, NULL, &v))
			pushed += v;
		else if (!element(BPF_MAP_LOOKUP_AND_DELETE_ELEM, NULL, &got))
			popped += got;
	}
	return NULL;
}

static void conserve(uint32_t type, const char *name)
{
	static struct kind k_queue;
	uint64_t v;

	k_queue = (struct kind){.name = name, .type = type};
	kind = &k_queue;
	pushed = popped = 0;
	map_fd = create(type, 0, 8, 0, 0);
	run_threads(push_and_pop);
	while (!element(BPF_MAP_LOOKUP_AND_DELETE_ELEM, NULL, &v))
		popped += v;
	expect("sum of what came out", (long)(popped - pushed), popped == pushed && pushed);
	k->ops->close(k, map_fd);
}

int main(int argc, char **argv)
{
	UA_OPTS(ua_engine_opts, opts, .n_cpus = 4);

	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : (uint64_t)getpid();
	printf("seed %llu\n", (unsigned long long)seed);
	if (kernel_engine_new(&opts, &k))
		return 1;
	for (int i = 0; i < 2; i++) {
		inner_fds[i] = create(BPF_MAP_TYPE_ARRAY, 4, 8, 0, 0);
		prog_fds[i] = seam_load_empty(k);
	}
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		torture(&kinds[i]);
	conserve(BPF_MAP_TYPE_QUEUE, "queue");
	conserve(BPF_MAP_TYPE_STACK, "stack");
	k->ops->free(k);
	return failures != 0;
}
