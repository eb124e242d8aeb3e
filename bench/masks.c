/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * set_cmask round trips: the host makes a mask, the program reads it. Through the arena nothing
 * is copied; otherwise the program copies with a probe read, or the host into a map value. The
 * three take turns, each line is the best of several rounds, in CPU time.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uarena.h>

#include "common.h"
#include "masks.h"

#define ROUNDS 15
#define CALLS 100000

static struct ua_struct_ops *type;
static struct ua_map *map;
static struct bench_mask *in_arena, in_host;
static uint64_t cpumask[MASK_WORDS];
static uint32_t n_cids;

/* As for a task whose affinity changes: another mask each time. */
static void make(struct bench_mask *mask, uint32_t i)
{
	mask->base = 0;
	mask->nr_cids = n_cids;
	mask->alloc_words = n_cids / 64 + 1;
	memcpy(mask->bits, cpumask, n_cids / 8);
	mask->bits[i % (n_cids / 64)] ^= 1ull << i % 64;
}

static uint32_t size_of_mask(void)
{
	return (uint32_t)offsetof(struct bench_mask, bits) + n_cids / 8;
}

static uint32_t through_arena(const struct mask_ops *ops, uint32_t i)
{
	make(in_arena, i);
	return ops->in_arena(in_arena);
}

static uint32_t through_probe(const struct mask_ops *ops, uint32_t i)
{
	make(&in_host, i);
	return ops->by_probe((uintptr_t)&in_host, size_of_mask());
}

static uint32_t through_map(const struct mask_ops *ops, uint32_t i)
{
	uint32_t key = 0;

	make(&in_host, i);
	need(ua_map__update(map, &key, &in_host, 0), "map");
	return ops->by_map();
}

static const struct {
	const char *name;
	uint32_t (*fn)(const struct mask_ops *ops, uint32_t i);
} ways[] = {
	{"in the arena, no copy", through_arena},
	{"copied by bpf_probe_read_kernel", through_probe},
	{"copied into a map value", through_map},
};
#define N_WAYS (sizeof(ways) / sizeof(ways[0]))

static double measure(size_t way, const struct mask_ops *ops)
{
	uint64_t start = now_ns(), sum = 0;

	for (uint32_t i = 0; i < CALLS; i++)
		sum += ways[way].fn(ops, i);
	/* Half of the bits are set, and one is flipped. */
	if (sum < (uint64_t)CALLS * (n_cids / 2 - 1) || sum > (uint64_t)CALLS * (n_cids / 2 + 1))
		need(-EINVAL, ways[way].name);
	return (double)(now_ns() - start) / CALLS;
}

static void compare(uint32_t cids)
{
	const struct mask_ops *ops = ua_struct_ops__enter(type);
	double best[N_WAYS];

	n_cids = cids;
	for (size_t w = 0; w < N_WAYS; w++)
		best[w] = measure(w, ops);
	for (int r = 1; r < ROUNDS; r++)
		for (size_t w = 0; w < N_WAYS; w++) {
			double ns = measure(w, ops);

			best[w] = ns < best[w] ? ns : best[w];
		}
	ua_struct_ops__exit(type);
	for (size_t w = 0; w < N_WAYS; w++)
		printf("mask of %4u cids %-32s %8.2f ns %6.2fx\n", cids, ways[w].name, best[w],
		       best[w] / best[0]);
}

int main(int argc, char **argv)
{
	static const struct ua_struct_ops_mark marks[] = {{"in_arena", 0, UA_ARG_ARENA}};
	UA_OPTS(ua_struct_ops_opts, opts, .marks = marks, .n_marks = 1);
	UA_OPTS(ua_engine_opts, eopts, .exec = UA_EXEC_JIT);
	struct ua_engine *engine;
	struct ua_object *obj;
	struct ua_arena *arena;
	struct ua_link *link;
	uint64_t page;

	if (argc != 2) {
		fprintf(stderr, "usage: %s MASKS.bpf.o\n", argv[0]);
		return 2;
	}
	need(ua_engine__open(&eopts, &engine), "engine");
	need(ua_engine__add_btf_file(engine, argv[1]), "BTF");
	need(ua_engine__add_struct_ops(engine, "mask_ops", &opts, &type), "type");
	need(ua_object__open_file(engine, argv[1], NULL, &obj), "open");
	need(ua_object__load(obj), "load");
	need(ua_map__attach_struct_ops(ua_object__find_map(obj, "ops"), &link), "attach");
	map = ua_object__find_map(obj, "masks");
	arena = ua_object__arena(obj);
	page = ua_arena__alloc_pages(arena, 0, 1);
	need(page ? 0 : -ENOMEM, "page");
	in_arena = ua_arena__to_host(arena, page);
	memset(cpumask, 0x55, sizeof(cpumask));
	compare(64);
	compare(2048);
	ua_link__destroy(link);
	ua_object__close(obj);
	ua_engine__close(engine);
	return 0;
}
