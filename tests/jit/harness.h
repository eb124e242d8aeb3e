/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the JIT's tests share: a program as a growing list of operations that starts by loading
 * r0..r9 from the context and ends by storing them there, and running it under both engines
 * from the same state.
 */
#ifndef UA_TESTS_JIT_HARNESS_H
#define UA_TESTS_JIT_HARNESS_H

#include <inttypes.h>
#include <time.h>
#include "abi/code.h"
#include "arena/arena.h"
#include "arena/fault.h"
#include "arena/run.h"
#include "base/base.h"
#include "base/epoch.h"
#include "interp/interp.h"
#include "jit/jit.h"

static int failures;
#define CHECK(cond, ...)                                                  \
	do {                                                              \
		if (!(cond)) {                                            \
			printf("%s:%d: %s: ", __FILE__, __LINE__, #cond); \
			printf(__VA_ARGS__);                              \
			printf("\n");                                     \
			failures++;                                       \
		}                                                         \
	} while (0)

/* -- Random numbers; the seed is printed by the tests ---------------------- */

static uint64_t rng_state;

static inline uint64_t rng(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return rng_state * 0x2545f4914f6cdd1dull;
}

static inline uint32_t below(uint32_t n)
{
	return (uint32_t)((rng() >> 32) * n >> 32);
}

static inline uint64_t seed_from(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : (uint64_t)time(NULL);

	rng_state = seed * 2 + 1;
	printf("seed %" PRIu64 "\n", seed);
	return seed;
}

/* Values where arithmetic changes its mind. */
static inline uint64_t interesting(void)
{
	static const uint64_t edges[] = {
		0,
		1,
		2,
		3,
		7,
		8,
		31,
		32,
		63,
		64,
		0x7f,
		0x80,
		0xff,
		0x7fff,
		0x8000,
		0xffff,
		0x7fffffff,
		0x80000000,
		0xffffffff,
		0x100000000,
		0x7fffffffffffffff,
		0x8000000000000000,
		0xffffffff80000000,
		0xffffffffffffffff,
		0xfffffffffffffffe,
	};

	switch (below(4)) {
	case 0:
		return edges[below(ARRAY_SIZE(edges))];
	case 1:
		return (uint32_t)rng();
	case 2:
		return (uint64_t)(int64_t)(int32_t)rng();
	default:
		return rng();
	}
}

/* -- Programs -------------------------------------------------------------- */

#define MAX_OPS 512
#define STACK_BYTES 256
#define SPILL (-(STACK_BYTES - 96)) /* bodies use [r10 + SPILL, r10 + SPILL + 64) */

struct state {
	uint64_t in[10], out[10];
	uint64_t flag; /* free for the body, at [r10 - 96] */
};

struct builder {
	struct op ops[MAX_OPS];
	uint32_t n;
};

static inline void put_op(struct builder *b, uint16_t op, uint8_t dst, uint8_t src, int32_t off,
			  int64_t imm)
{
	if (b->n == MAX_OPS)
		abort();
	b->ops[b->n++] = (struct op){.op = op, .dst = dst, .src = src, .off = off, .imm = imm};
	if (op == OP_LDIMM64)
		b->ops[b->n++] = (struct op){.op = OP_PAD};
}

static inline void put_begin(struct builder *b)
{
	put_op(b, OP_STX64, 10, 1, -8, 0);
	put_op(b, OP_ST64, 10, 0, -96, 0);
	for (int i = 0; i < 8; i++)
		put_op(b, OP_ST64, 10, 0, SPILL + 8 * i, 0x1111 * i);
	for (uint8_t i = 0; i < 10; i++)
		if (i != 1)
			put_op(b, OP_LDX64, i, 1, 8 * i, 0);
	put_op(b, OP_LDX64, 1, 1, 8, 0);
}

static inline void put_end(struct builder *b)
{
	for (uint8_t i = 0; i < 10; i++)
		put_op(b, OP_STX64, 10, i, -16 - 8 * i, 0);
	put_op(b, OP_LDX64, 1, 10, -8, 0);
	for (uint8_t i = 0; i < 11; i++) {
		put_op(b, OP_LDX64, 2, 10, -16 - 8 * i, 0);
		put_op(b, OP_STX64, 1, 2, 80 + 8 * i, 0);
	}
	put_op(b, OP_MOV64_K, 0, 0, 0, 7);
	put_op(b, OP_EXIT, 0, 0, 0, 0);
}

static inline struct code *code_from(const struct builder *b, const uint32_t *starts,
				     uint32_t n_funcs)
{
	struct code *code = mem_zalloc(sizeof(*code));

	code->n_ops = b->n;
	code->ops = mem_dup(b->ops, b->n * sizeof(b->ops[0]));
	code->n_funcs = n_funcs;
	code->funcs = mem_calloc(n_funcs, sizeof(*code->funcs));
	for (uint32_t i = 0; i < n_funcs; i++) {
		code->funcs[i].start = starts ? starts[i] : 0;
		code->funcs[i].end = i + 1 < n_funcs ? starts[i + 1] : b->n;
		code->funcs[i].stack_depth = STACK_BYTES;
		code->funcs[i].code = code;
	}
	return code;
}

/* -- Running ----------------------------------------------------------------- */

#define MAX_EVENTS 256
struct event {
	uint64_t addr;
	int64_t idx;
	bool write;
};

struct outcome {
	struct state state;
	uint64_t ret;
	struct event events[MAX_EVENTS];
	uint32_t n_events;
	uint32_t timeouts;
};

static struct outcome *current;

static inline void note_violation(struct run *run, uint64_t addr, bool is_write, void *uc,
				  int64_t idx)
{
	if (current->n_events < MAX_EVENTS)
		current->events[current->n_events] = (struct event){addr, idx, is_write};
	current->n_events++;
}

static inline void note_timeout(struct run *run)
{
	current->timeouts++;
}

static inline void run_one(struct code *code, bool native, struct outcome *o)
{
	struct run run = {.code = code,
			  .arena = code->arena,
			  .violation = note_violation,
			  .timeout = note_timeout};
	uint64_t args[5] = {(uintptr_t)&o->state};
	int err = 0;

	current = o;
	epoch_enter();
	run_push(&run);
	if (native)
		o->ret = ((host_fn)code->funcs[0].entry)(args[0], 0, 0, 0, 0);
	else
		o->ret = interp_call(&run, &code->funcs[0], args, &err);
	run_pop(&run);
	epoch_exit();
	CHECK(!err, "interpreter stopped with %d", err);
}

static inline void print_op(uint32_t i, const struct op *op)
{
	printf("  %3u %-12s d%u s%u off %d imm %" PRId64 "\n", i,
	       op->op < OP_COUNT ? op_info[op->op].name : "PAD", op->dst, op->src, op->off,
	       op->imm);
}

static inline bool same(const struct outcome *a, const struct outcome *b)
{
	if (a->ret != b->ret || memcmp(&a->state, &b->state, sizeof(a->state)) ||
	    a->n_events != b->n_events || a->timeouts != b->timeouts)
		return false;
	for (uint32_t i = 0; i < a->n_events && i < MAX_EVENTS; i++)
		if (a->events[i].addr != b->events[i].addr ||
		    a->events[i].idx != b->events[i].idx ||
		    a->events[i].write != b->events[i].write)
			return false;
	return true;
}

static inline void explain(const struct code *code, const struct outcome *a,
			   const struct outcome *b)
{
	for (uint32_t i = 0; i < code->n_ops; i++)
		print_op(i, &code->ops[i]);
	printf("  interpreter / native: ret %" PRIx64 " %" PRIx64 ", events %u %u, flag %" PRIx64
	       " %" PRIx64 "\n",
	       a->ret, b->ret, a->n_events, b->n_events, a->state.flag, b->state.flag);
	for (int i = 0; i < 10; i++)
		printf("  r%d in %016" PRIx64 "  %016" PRIx64 " %016" PRIx64 "%s\n", i,
		       a->state.in[i], a->state.out[i], b->state.out[i],
		       a->state.out[i] != b->state.out[i] ? " <--" : "");
	for (uint32_t i = 0; i < MAX_EVENTS && (i < a->n_events || i < b->n_events); i++)
		printf("  event %u: %" PRIx64 " w%d @%" PRId64 " / %" PRIx64 " w%d @%" PRId64 "\n",
		       i, a->events[i].addr, a->events[i].write, a->events[i].idx,
		       b->events[i].addr, b->events[i].write, b->events[i].idx);
}

#endif
