/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two or three sides of the seam that must agree: Linux, the engine compiled, the engine
 * interpreted. Each has the same fixture: an arena of which the first pages are populated, an
 * array and a hash. Programs name its maps by their number here instead of a descriptor.
 */
#ifndef UA_TESTS_ORACLE_SIDE_H
#define UA_TESTS_ORACLE_SIDE_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "kernel/kernel.h"
#include "uarena.h"

enum side_kind { SIDE_LINUX, SIDE_JIT, SIDE_INTERP, N_SIDES };
enum fixture_map { MAP_ARENA, MAP_ARRAY, MAP_HASH, N_MAPS };

/* Neither the sanitizers' shadow nor anything the system places lies there. */
#define ARENA_AT 0x200000000000ull
#define ARENA_PAGES 16
#define LIVE_PAGES 3
#define LIVE_BYTES (LIVE_PAGES * 4096)
#define ARRAY_ENTRIES 1 /* as direct access to values wants */
#define ARRAY_VALUE 64
#define HASH_KEYS 8
#define CTX_BYTES 128
#define MAX_PROG 512

struct side {
	struct kernel *k;
	enum side_kind kind;
	int fds[N_MAPS];
	uint8_t *live;	/* the populated pages of the arena, as a user sees them */
	uint8_t *array; /* the array's values */
};

/* What a run starts from and what it leaves. */
struct memory {
	uint8_t ctx[CTX_BYTES];
	uint8_t array[ARRAY_ENTRIES * ARRAY_VALUE];
	uint64_t hash[HASH_KEYS];
	uint8_t hash_has[HASH_KEYS];
	uint8_t live[LIVE_BYTES];
};

struct result {
	int err;
	uint32_t ret;
	uint32_t faults;     /* lines on the error stream that report an access to a hole */
	uint64_t fault_hash; /* of those lines */
	struct memory mem;
};

extern const char *const side_names[N_SIDES];
extern bool side_verbose; /* print reports as they are read */

/* 0, -EPERM: the caller may not use BPF on Linux. */
int side_open(struct side *s, enum side_kind kind);
void side_close(struct side *s);

/* A descriptor or a negative errno; log may be NULL, else it gets the verifier's text. */
int side_load(struct side *s, const struct bpf_insn *insns, uint32_t n, char *log, uint32_t size);
void side_unload(struct side *s, int fd);
/* From `start`; hash and arena are only looked at if the program may have changed them. */
void side_run(struct side *s, int fd, const struct memory *start, struct result *r);

/* Is the memory behind the array's value as it was when the fixture was made? */
bool side_clean(const struct side *s);

/* Does a result differ, and in what? NULL: it does not. */
const char *result_differs(const struct result *a, const struct result *b);
uint64_t memory_hash(const void *data, size_t n, uint64_t seed);

/* -- Streams ------------------------------------------------------------------ */

/* What becomes of what Linux writes to the streams of a program. */
enum stream_state {
	STREAMS_WORK,
	STREAMS_NO_MEMORY,  /* nothing can be written: writers get -ENOMEM, reports are lost */
	STREAMS_NO_REPORTS, /* accesses to holes are not reported */
	N_STREAM_STATES
};
/* Names of the difference in the table of declared.h. */
extern const char *const stream_state_text[N_STREAM_STATES];
/* Found out by trying. -EPERM as side_open(). */
int streams_probe(enum stream_state *state);

/* -- Random numbers ---------------------------------------------------------- */

extern uint64_t oracle_seed, rng_state;

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

static inline void rng_seed(uint64_t seed)
{
	rng_state = (seed + 1) * 0x9e3779b97f4a7c15ull | 1;
	for (int i = 0; i < 4; i++)
		rng();
}

#endif
