/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ids live as long as what they name: a program keeps its maps, an outer map the inner ones,
 * whether or not a descriptor is open. On the engine and, where permitted, on the kernel, which
 * takes its time to free things.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/epoch.h"
#include "seam.h"

static struct kernel *k;
static int failures;

#define CHECK(cond, ...)                                            \
	do {                                                        \
		if (!(cond)) {                                      \
			failures++;                                 \
			printf("%s: %d: ", k->ops->name, __LINE__); \
			printf(__VA_ARGS__);                        \
			printf("\n");                               \
		}                                                   \
	} while (0)

static int array_new(void)
{
	return seam_map(k, BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0, 0);
}

static uint32_t map_id(int fd)
{
	struct bpf_map_info info = {0};

	seam_info(k, fd, &info, sizeof(info));
	return info.id;
}

static long element(int cmd, int fd, void *value)
{
	static const uint32_t key;

	return seam_element(k, cmd, fd, &key, value);
}

static int map_open(uint32_t id)
{
	union bpf_attr attr = {.get_id = {.map_id = id}};

	return (int)kernel_bpf(k, BPF_MAP_GET_FD_BY_ID, &attr, sizeof(attr));
}

/* Is the id among those that are listed? */
static bool listed(uint32_t id)
{
	union bpf_attr attr = {.get_id = {.start_id = id - 1}};

	return !kernel_bpf(k, BPF_MAP_GET_NEXT_ID, &attr, sizeof(attr)) &&
	       attr.get_id.next_id == id;
}

static bool gone(uint32_t id)
{
	for (int i = 0; i < 200 && listed(id); i++) {
		epoch_drain();
		usleep(10000);
	}
	return !listed(id) && map_open(id) == -ENOENT;
}

static int prog_with(int map)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_LD | BPF_IMM | BPF_DW,
		 .dst_reg = 1,
		 .src_reg = BPF_PSEUDO_MAP_FD,
		 .imm = map},
		{0},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0},
		{.code = BPF_JMP | BPF_EXIT},
	};

	return seam_load(k, insns, ARRAY_SIZE(insns));
}

/* The map is found by id again, with what was in it, as often as one likes. */
static void program_keeps_map(void)
{
	int map = array_new(), prog = prog_with(map);
	uint64_t value = 42, got = 0;
	uint32_t id = map_id(map);

	CHECK(prog >= 0, "load: %d", prog);
	element(BPF_MAP_UPDATE_ELEM, map, &value);
	k->ops->close(k, map);
	for (int i = 0; i < 3; i++) {
		CHECK(listed(id), "round %d: the id is not listed", i);
		map = map_open(id);
		CHECK(map >= 0 && map_id(map) == id, "round %d: %d", i, map);
		CHECK(!element(BPF_MAP_LOOKUP_ELEM, map, &got) && got == 42, "round %d: value", i);
		k->ops->close(k, map);
	}
	k->ops->close(k, prog);
	CHECK(gone(id), "the map outlives its program");
}

static void map_keeps_inner(void)
{
	int inner = array_new();
	int outer = seam_map(k, BPF_MAP_TYPE_HASH_OF_MAPS, 4, 4, 1, 0, inner);
	uint32_t id = map_id(inner), got = 0;

	CHECK(!element(BPF_MAP_UPDATE_ELEM, outer, &inner), "update");
	k->ops->close(k, inner);
	CHECK(listed(id), "the inner map's id is not listed");
	CHECK(!element(BPF_MAP_LOOKUP_ELEM, outer, &got) && got == id, "lookup gives %u", got);
	inner = map_open(got);
	CHECK(inner >= 0, "open: %d", inner);
	k->ops->close(k, inner);
	CHECK(!element(BPF_MAP_DELETE_ELEM, outer, NULL), "delete");
	CHECK(gone(id), "the inner map outlives its element");
	k->ops->close(k, outer);
}

/* -- Opening by id while the last descriptor is closed and the program goes --------------- */

static _Atomic bool stop;
static _Atomic uint32_t current;

static void *open_and_close(void *arg)
{
	unsigned long *opened = arg;

	while (!atomic_load(&stop)) {
		int fd = map_open(atomic_load(&current));

		CHECK(fd >= 0 || fd == -ENOENT, "open: %d", fd);
		*opened += fd >= 0;
		if (fd >= 0)
			k->ops->close(k, fd);
	}
	return NULL;
}

static void race(void)
{
	pthread_t threads[2];
	unsigned long opened[2] = {0};

	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, open_and_close, &opened[i]);
	for (int i = 0; i < 2000; i++) {
		int map = array_new(), prog = prog_with(map);

		atomic_store(&current, map_id(map));
		k->ops->close(k, map);
		k->ops->close(k, prog);
	}
	atomic_store(&stop, true);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	printf("%s: %lu opened meanwhile\n", k->ops->name, opened[0] + opened[1]);
	CHECK(gone(atomic_load(&current)), "the last map is left over");
}

static void check(void)
{
	program_keeps_map();
	map_keeps_inner();
	if (kernel_engine(k))
		race();
}

int main(void)
{
	failures += seam_both(&k, check);
	return failures != 0;
}
