/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs that once showed a difference, on the engine alone, against what Linux said then.
 *
 *   replay FILE...
 */
#include "declared.h"
#include "gen.h"

static int failures;

static void fail(const char *path, const struct regress *r, const char *what, long got, long want)
{
	printf("%s: %s: %s %ld, Linux %ld\n", path, r->note, what, got, want);
	failures++;
}

/* What the engine has to say: the same as Linux, unless the difference is declared. */
static int expected(const char *path, const struct regress *r)
{
	enum difference kind = !r->verdict ? STRICTER : r->engine ? OTHER_ERRNO : LAXER;

	if (!*r->declared)
		return r->verdict;
	if (!declare(kind, r->declared))
		fail(path, r, "not declared: verdict", r->engine, r->verdict);
	return r->engine;
}

static void replay(struct side *s, const char *path)
{
	static struct regress r;
	static struct memory m;
	static struct result got;
	int fd, verdict;

	if (regress_read(path, &r)) {
		printf("%s: cannot be read\n", path);
		failures++;
		return;
	}
	fd = side_load(s, r.prog.insns, r.prog.n, NULL, 0);
	verdict = fd < 0 ? fd : 0;
	if (verdict != expected(path, &r))
		fail(path, &r, "verdict", verdict, r.verdict);
	if (fd >= 0 && r.runs) {
		rng_seed(r.mem_seed);
		gen_memory(&m);
		side_run(s, fd, &m, &got);
		if (got.ret != r.ret)
			fail(path, &r, "r0", got.ret, r.ret);
		if (regress_hash(&got) != r.hash)
			fail(path, &r, "hash of memory", (long)regress_hash(&got), (long)r.hash);
	}
	side_unload(s, fd);
}

int main(int argc, char **argv)
{
	for (int kind = SIDE_JIT; kind < N_SIDES; kind++) {
		struct side s;

		if (side_open(&s, (enum side_kind)kind)) {
			printf("%s: no fixture\n", side_names[kind]);
			return 1;
		}
		for (int i = 1; i < argc; i++)
			replay(&s, argv[i]);
		side_close(&s);
	}
	printf("%d programs, %d failures\n", argc - 1, failures);
	return failures != 0;
}
