/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page map that is found out by asking, against the engine's own knowledge and, where it may
 * be used, against Linux after the same steps. Asking must change nothing.
 */
#include "kernel/page_map.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "arena/arena.h"
#include "base/base.h"
#include "btf/btf.h"
#include "kernel/kernel.h"
#include "map/map.h"

#define START 0x200000000000ull
#define PAGES 64
#define STEPS 120

static int failures;
static uint64_t rng_state;

static uint32_t below(uint32_t n)
{
	rng_state = rng_state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(rng_state >> 33) % n;
}

#define INSN(c, d, s, o, i) {.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i)}

struct call {
	uint64_t addr;
	uint32_t pages, pad;
};

/* A program that calls one of the page functions with what its context says. */
static int load(struct kernel *k, int map, const char *func)
{
	uint32_t id = btf_find(k->ops->vmlinux_btf(k), func, BTF_KIND_FUNC);
	const struct bpf_insn insns[] = {
		INSN(BPF_LDX | BPF_MEM | BPF_DW, 2, 1, 0, 0),
		INSN(BPF_LDX | BPF_MEM | BPF_W, 3, 1, 8, 0),
		INSN(BPF_LD | BPF_IMM | BPF_DW, 1, BPF_PSEUDO_MAP_FD, 0, map),
		INSN(0, 0, 0, 0, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 4, 0, 0, -1),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 5, 0, 0, 0),
		INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, (int32_t)id),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_SYSCALL,
			       .prog_flags = BPF_F_SLEEPABLE,
			       .insns = (uintptr_t)insns,
			       .insn_cnt = ARRAY_SIZE(insns),
			       .license = (uintptr_t)"GPL"};

	return id ? (int)kernel_bpf(k, BPF_PROG_LOAD, &attr, sizeof(attr)) : -ENOENT;
}

static void step(struct kernel *k, const int progs[3])
{
	uint32_t first = below(PAGES), which = below(3);
	struct call c = {.addr = START + first * 4096ull, .pages = 1 + below(PAGES - first)};
	union bpf_attr attr = {.test = {.prog_fd = (uint32_t)progs[which],
					.ctx_in = (uintptr_t)&c,
					.ctx_size_in = sizeof(c)}};

	c.pages = 1 + below(c.pages < 6 ? c.pages : 6);
	if (kernel_bpf(k, BPF_PROG_TEST_RUN, &attr, sizeof(attr)))
		failures++;
}

static void expect_equal(const char *what, int i, const uint8_t *a, const uint8_t *b)
{
	for (uint32_t p = 0; p < PAGES; p++)
		if (a[p] != b[p]) {
			printf("step %d, page %u: %s: %u and %u\n", i, p, what, a[p], b[p]);
			failures++;
			return;
		}
}

/* All maps seen after each step, one behind the other. */
static int run(struct kernel *k, uint8_t *seen)
{
	static const char *const funcs[] = {"bpf_arena_alloc_pages", "bpf_arena_free_pages",
					    "bpf_arena_reserve_pages"};
	union bpf_attr attr = {.map_type = BPF_MAP_TYPE_ARENA,
			       .max_entries = PAGES,
			       .map_flags = BPF_F_MMAPABLE,
			       .map_extra = START};
	int map = (int)kernel_bpf(k, BPF_MAP_CREATE, &attr, sizeof(attr)), progs[3];

	UA_FAIL_IF(map < 0, map);
	rng_state = 7;
	for (int i = 0; i < 3; i++) {
		progs[i] = load(k, map, funcs[i]);
		UA_FAIL_IF(progs[i] < 0, progs[i]);
	}
	for (int i = 0; i < STEPS; i++, seen += PAGES) {
		struct map *own = kernel_engine(k) ? kernel_engine_map(k, map) : NULL;
		uint8_t again[PAGES];

		step(k, progs);
		UA_TRY(kernel_page_map(k, map, START, seen, PAGES));
		if (own) {
			arena_page_map(map_arena(own), 0, again, PAGES);
			expect_equal("asked, known", i, seen, again);
		}
		UA_TRY(kernel_page_map(k, map, START, again, PAGES));
		expect_equal("asked twice", i, seen, again);
	}
	for (int i = 0; i < 3; i++)
		k->ops->close(k, progs[i]);
	k->ops->close(k, map);
	return 0;
}

int main(void)
{
	static uint8_t engine[STEPS * PAGES], there[STEPS * PAGES];
	struct kernel *k;
	int err, kinds[4] = {0};

	if (kernel_engine_new(NULL, &k))
		return 1;
	err = run(k, engine);
	k->ops->free(k);
	if (err) {
		printf("engine: %s\n", strerror(-err));
		return 1;
	}
	for (size_t i = 0; i < sizeof(engine); i++)
		kinds[engine[i]]++;
	printf("holes %d, allocated %d, reserved %d\n", kinds[0], kinds[1], kinds[2]);
	failures +=
		!kinds[ARENA_PAGE_HOLE] || !kinds[ARENA_PAGE_ALLOC] || !kinds[ARENA_PAGE_RESERVED];
	if (kernel_linux_new(NULL, &k))
		return 1;
	err = run(k, there);
	k->ops->free(k);
	if (err)
		printf("Linux is left out: %s\n", strerror(-err));
	else if (memcmp(engine, there, sizeof(engine)))
		printf("Linux has other pages, %d failures\n", ++failures);
	return failures != 0;
}
