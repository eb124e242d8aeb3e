/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Generated programs on Linux and on the engine: the same verdict of the verifier, and where
 * both accept a program that keeps its pointers to itself, the same result from the same
 * memory, compiled and interpreted.
 *
 *   programs [-s SEED] [-n PROGRAMS] [-r RUNS EACH] [-d FOLDER FOR FAILING CASES] [-c CASE]
 *            [-f STOP AFTER FAILURES] [-v]
 */
#include <unistd.h>

#include "declared.h"
#include "gen.h"

#define LOG_SIZE (1 << 20)

static struct side sides[N_SIDES];
static bool verbose;
static enum stream_state streams;
static const char *save_to;
static struct {
	long programs, accepted, refused, other_errno, stricter, laxer, runs, faulting, failures;
	long mutated;
} count;
static long max_failures = 10;

struct failing {
	enum difference kind;
	uint64_t mem_seed;
	char text[256]; /* what the difference was, which a smaller program must show too */
};

/* -- Why ------------------------------------------------------------------------ */

/* The line before the verifier's statistics, with its numbers masked. */
static void last_line(const char *log, char *out, size_t size)
{
	const char *end = strstr(log, "\nprocessed "), *from;
	size_t n = 0;

	if (!end)
		end = log + strlen(log);
	while (end > log && end[-1] == '\n')
		end--;
	for (from = end; from > log && from[-1] != '\n'; from--)
		;
	for (; from < end && n + 1 < size; from++) {
		bool digit = *from >= '0' && *from <= '9';

		if (!digit)
			out[n++] = *from;
		else if (!n || out[n - 1] != 'N')
			out[n++] = 'N';
	}
	out[n] = 0;
}

static int explain(enum side_kind kind, const struct program *p, char *text, size_t size)
{
	static char log[LOG_SIZE];
	int fd = side_load(&sides[kind], p->insns, p->n, log, sizeof(log));

	side_unload(&sides[kind], fd);
	last_line(log, text, size);
	return fd < 0 ? fd : 0;
}

/* Does the program have an arena access of a kind of which Linux says something else? */
static const char *version_bound(const struct program *p)
{
	const char *found = NULL;

	for (uint32_t i = 0; i < p->n; i++) {
		const struct bpf_insn *insn = &p->insns[i];

		if (BPF_CLASS(insn->code) != BPF_STX || BPF_MODE(insn->code) != BPF_ATOMIC)
			continue;
		if (insn->imm == BPF_LOAD_ACQ)
			return "acquire at a hole";
		if (insn->imm & BPF_FETCH)
			found = "fetch at a hole";
	}
	return found;
}

/* -- Differences ------------------------------------------------------------------ */

/* Fills f->text; false if there is no difference. */
static bool verdict_differs(const struct program *p, struct failing *f)
{
	int fds[2], errs[2];
	char text_of[200];

	for (int i = 0; i < 2; i++) {
		fds[i] = side_load(&sides[i], p->insns, p->n, NULL, 0);
		errs[i] = fds[i] < 0 ? fds[i] : 0;
		side_unload(&sides[i], fds[i]);
	}
	if (errs[SIDE_LINUX] == errs[SIDE_JIT])
		return false;
	if (!errs[SIDE_LINUX])
		f->kind = STRICTER;
	else
		f->kind = errs[SIDE_JIT] ? OTHER_ERRNO : LAXER;
	explain(f->kind == STRICTER ? SIDE_JIT : SIDE_LINUX, p, text_of, sizeof(text_of));
	snprintf(f->text, sizeof(f->text), "%s", text_of);
	if (f->kind == OTHER_ERRNO) {
		char own[128];

		explain(SIDE_JIT, p, own, sizeof(own));
		snprintf(f->text, sizeof(f->text), "%.110s (%d) | %.110s (%d)", text_of,
			 errs[SIDE_LINUX], own, errs[SIDE_JIT]);
	}
	return true;
}

/* Runs on all sides until one differs; into text: in what. */
static bool runs_differ(const struct program *p, const int fds[N_SIDES], const struct memory *m,
			struct failing *f, bool count_declared)
{
	static struct result r[N_SIDES];
	const char *what = NULL;
	int i;

	for (i = 0; i < N_SIDES; i++)
		side_run(&sides[i], fds[i], m, &r[i]);
	if (streams != STREAMS_WORK && r[SIDE_JIT].faults) {
		r[SIDE_LINUX].faults = r[SIDE_JIT].faults;
		r[SIDE_LINUX].fault_hash = r[SIDE_JIT].fault_hash;
		if (count_declared)
			declare(OTHER_RESULT, stream_state_text[streams]);
	}
	for (i = 1; i < N_SIDES && !what; i++)
		what = result_differs(&r[i - 1], &r[i]);
	if (count_declared) {
		count.runs++;
		count.faulting += r[SIDE_JIT].faults > 0;
	}
	if (!what)
		return false;
	f->kind = OTHER_RESULT;
	snprintf(f->text, sizeof(f->text), "%s of %s", what, side_names[i - 1]);
	if (i == 2 && r[SIDE_JIT].faults && version_bound(p)) { /* the engine agrees with itself */
		snprintf(f->text, sizeof(f->text), "%s", version_bound(p));
		what = result_differs(&r[SIDE_JIT], &r[SIDE_INTERP]);
		return what || !count_declared || !declare(OTHER_RESULT, f->text);
	}
	return true;
}

static bool result_differs_on(const struct program *p, const struct memory *m, struct failing *f)
{
	int fds[N_SIDES];
	bool loaded = true, differs;

	for (int i = 0; i < N_SIDES; i++) {
		fds[i] = side_load(&sides[i], p->insns, p->n, NULL, 0);
		loaded &= fds[i] >= 0;
	}
	differs = loaded && runs_differ(p, fds, m, f, false);
	for (int i = 0; i < N_SIDES; i++)
		side_unload(&sides[i], fds[i]);
	return differs;
}

static bool differs_alike(const struct program *p, void *arg)
{
	const struct failing *f = arg;
	struct failing now = *f;
	static struct memory m;

	if (f->kind != OTHER_RESULT)
		return verdict_differs(p, &now) && now.kind == f->kind &&
		       !strcmp(now.text, f->text);
	rng_seed(f->mem_seed);
	gen_memory(&m);
	return result_differs_on(p, &m, &now) && !strcmp(now.text, f->text);
}

/* What Linux says goes into the file, for the test that replays it without Linux. */
static void record(const struct program *p, const struct failing *f, struct regress *reg)
{
	static struct memory m;
	static struct result r;
	int fd = side_load(&sides[SIDE_LINUX], p->insns, p->n, NULL, 0);

	*reg = (struct regress){.prog = *p, .verdict = fd < 0 ? fd : 0, .mem_seed = f->mem_seed};
	snprintf(reg->note, sizeof(reg->note), "%s: %s", difference_names[f->kind], f->text);
	if (f->kind == OTHER_RESULT && fd >= 0) {
		rng_seed(f->mem_seed);
		gen_memory(&m);
		side_run(&sides[SIDE_LINUX], fd, &m, &r);
		reg->runs = true;
		reg->ret = r.ret;
		reg->hash = regress_hash(&r);
	}
	side_unload(&sides[SIDE_LINUX], fd);
}

static void fail(struct program *p, struct failing *f, uint64_t seed)
{
	static struct regress reg;
	char path[4096];

	count.failures++;
	printf("case %" PRIu64 ": %s: %s\n", seed, difference_names[f->kind], f->text);
	if (!save_to)
		return;
	gen_shrink(p, differs_alike, f);
	record(p, f, &reg);
	snprintf(path, sizeof(path), "%s/%s-%" PRIu64 ".txt", save_to, difference_names[f->kind],
		 seed);
	if (regress_write(path, &reg))
		printf("%s: cannot be written\n", path);
	else
		printf("case %" PRIu64 ": %u instructions in %s\n", seed, p->n, path);
}

/* -- One case ---------------------------------------------------------------------- */

/* Is it a question of which values a number may have? */
static bool is_about_range(const char *text)
{
	static const char *const parts[] = {
		"unbounded",	"value is outside",    "value is negative", "be out of bounds",
		"math between", "mem access 'scalar'", "infinite loop",	    "!read_ok"};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (strstr(text, parts[i]))
			return true;
	return false;
}

/* Runs what only the engine accepts; false: it touched what is not the program's. */
static bool proved_by_runs(const struct program *p, uint64_t seed)
{
	static struct memory m;
	static struct result r;
	int fd = side_load(&sides[SIDE_JIT], p->insns, p->n, NULL, 0);

	for (int i = 0; i < 100; i++) {
		rng_seed(seed * 128 + (uint64_t)i);
		gen_memory(&m);
		side_run(&sides[SIDE_JIT], fd, &m, &r);
	}
	side_unload(&sides[SIDE_JIT], fd);
	return side_clean(&sides[SIDE_JIT]);
}

/* Was it refused for its encoding, or for what it names? */
static bool is_about_encoding(const char *text)
{
	static const char *const parts[] = {"uses reserved fields",
					    "unknown opcode",
					    "invalid shift",
					    "div by zero",
					    "invalid may_goto",
					    "invalid atomic",
					    "addr_space_cast insn can only",
					    "is not a function",
					    "calling kernel function",
					    "not pointing to valid bpf_map",
					    "invalid BPF_",
					    "is invalid"};
	const char *own = strstr(text, " | ");

	for (size_t i = 0; own && i < ARRAY_SIZE(parts); i++)
		if (strstr(own, parts[i]))
			return true;
	return false;
}

static bool compares_itself(const struct program *p)
{
	for (uint32_t i = 0; i < p->n; i++) {
		uint8_t class = BPF_CLASS(p->insns[i].code), op = BPF_OP(p->insns[i].code);

		if ((class == BPF_JMP || class == BPF_JMP32) && op != BPF_CALL && op != BPF_EXIT &&
		    op != BPF_JA && BPF_SRC(p->insns[i].code) == BPF_X &&
		    p->insns[i].dst_reg == p->insns[i].src_reg)
			return true;
	}
	return false;
}

/* The instruction that Linux refuses; -1: none. */
static long refused_at(const struct program *p)
{
	static char log[LOG_SIZE];
	long at = -1, insn;
	int n;

	side_unload(&sides[SIDE_LINUX],
		    side_load(&sides[SIDE_LINUX], p->insns, p->n, log, LOG_SIZE));
	for (const char *line = log; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (sscanf(line, "%ld: (%*x)%n", &insn, &n) == 1)
			at = insn;
	}
	return at;
}

/* Does the engine accept the program even with a store there that nothing may do? */
static bool never_reached(const struct program *p)
{
	static const struct bpf_insn above_stack = {
		.code = BPF_ST | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_FP, .off = 8};
	struct program broken = *p;
	long at = refused_at(p);
	int fd;

	if (at < 0 || at >= p->n || insn_is_ldimm64(&p->insns[at]))
		return false;
	broken.insns[at] = above_stack;
	fd = side_load(&sides[SIDE_JIT], broken.insns, broken.n, NULL, 0);
	side_unload(&sides[SIDE_JIT], fd);
	return fd >= 0;
}

static bool is_about_complexity(const char *text)
{
	return strstr(text, "jumps is too complex") || strstr(text, "program is too large");
}

/* The name of a difference that the texts alone do not tell; NULL: the texts have to do. */
static const char *name_difference(const struct program *p, const struct failing *f, uint64_t seed)
{
	switch (f->kind) {
	case LAXER:
		if (!proved_by_runs(p, seed))
			return NULL;
		if (is_about_complexity(f->text))
			return "complexity";
		if (compares_itself(p))
			return "comparison of a register with itself";
		if (is_about_range(f->text))
			return "in bounds in all runs";
		return never_reached(p) ? "never reached in all runs" : NULL;
	case STRICTER:
		return NULL;
	default:
		if (is_about_encoding(f->text))
			return "encoding";
		if (strstr(f->text, "| program of this type cannot use helper"))
			return "missing helper";
		return is_about_range(f->text) ? "range" : NULL;
	}
}

static void tally_verdict(struct program *p, struct failing *f, uint64_t seed)
{
	const char *name;

	count.stricter += f->kind == STRICTER;
	count.laxer += f->kind == LAXER;
	count.other_errno += f->kind == OTHER_ERRNO;
	if (verbose)
		printf("%s: %s\n", difference_names[f->kind], f->text);
	name = name_difference(p, f, seed);
	if (!declare(f->kind, name ? name : f->text))
		fail(p, f, seed);
}

static void run_accepted(struct program *p, uint64_t seed, int runs, const int fds[N_SIDES])
{
	static struct memory m;

	for (int i = 0; i < runs; i++) {
		struct failing f = {.mem_seed = seed * 16 + (uint64_t)i};

		rng_seed(f.mem_seed);
		gen_memory(&m);
		if (!runs_differ(p, fds, &m, &f, true))
			continue;
		fail(p, &f, seed);
		return;
	}
}

static void test_case(uint64_t seed, int runs)
{
	static struct program p;
	struct failing f = {.kind = STRICTER};
	int fds[N_SIDES] = {-1, -1, -1};
	bool mutated;

	rng_seed(seed);
	gen_program(&p);
	mutated = below(2);
	if (mutated)
		gen_mutate(&p);
	count.programs++;
	count.mutated += mutated;
	fds[SIDE_LINUX] = side_load(&sides[SIDE_LINUX], p.insns, p.n, NULL, 0);
	fds[SIDE_JIT] = side_load(&sides[SIDE_JIT], p.insns, p.n, NULL, 0);
	if (fds[0] >= 0 && fds[1] >= 0) {
		count.accepted++;
		fds[SIDE_INTERP] = side_load(&sides[SIDE_INTERP], p.insns, p.n, NULL, 0);
		if (!mutated)
			run_accepted(&p, seed, runs, fds);
	} else if (fds[0] < 0 && fds[0] == fds[1]) {
		count.refused++;
	} else if (verdict_differs(&p, &f)) {
		tally_verdict(&p, &f, seed);
	}
	for (int i = 0; i < N_SIDES; i++)
		side_unload(&sides[i], fds[i]);
}

/* A case that agrees, for the test that replays without Linux. */
static void keep(uint64_t seed)
{
	static struct program p;
	static struct regress reg;
	struct failing f = {.kind = OTHER_RESULT, .mem_seed = seed * 16, .text = "agrees"};
	char path[4096];

	rng_seed(seed);
	gen_program(&p);
	record(&p, &f, &reg);
	snprintf(path, sizeof(path), "%s/agrees-%" PRIu64 ".txt", save_to, seed);
	if (regress_write(path, &reg))
		printf("%s: cannot be written\n", path);
}

static int open_sides(void)
{
	int err = streams_probe(&streams);

	if (err == -EPERM) {
		printf("skipped: the running kernel does not let us use BPF\n");
		return 77;
	}
	for (int i = 0; !err && i < N_SIDES; i++) {
		err = side_open(&sides[i], (enum side_kind)i);
		if (err)
			printf("%s: no fixture: %s\n", side_names[i], strerror(-err));
	}
	return err != 0;
}

int main(int argc, char **argv)
{
	long n = 1000;
	int runs = 2, opt, err;
	uint64_t seed = 1, only = 0;

	while ((opt = getopt(argc, argv, "s:n:r:d:c:f:v")) != -1) {
		if (opt == 's')
			seed = strtoull(optarg, NULL, 0);
		else if (opt == 'n')
			n = atol(optarg);
		else if (opt == 'r')
			runs = atoi(optarg);
		else if (opt == 'd')
			save_to = optarg;
		else if (opt == 'f')
			max_failures = atol(optarg);
		else if (opt == 'c')
			only = strtoull(optarg, NULL, 0);
		else if (opt == 'v')
			verbose = side_verbose = true;
		else
			return 2;
	}
	err = open_sides();
	if (err)
		return err;
	printf("seed %" PRIu64 "\nstreams|%s\n", seed, stream_state_text[streams]);
	if (only)
		test_case(only, runs);
	if (only && save_to && !count.failures)
		keep(only);
	for (long i = 0; !only && i < n && count.failures < max_failures; i++)
		test_case(seed * 100000000 + (uint64_t)i, runs);
	printf("count|programs|%ld\ncount|mutated|%ld\ncount|accepted by both|%ld\n"
	       "count|refused by both|%ld\ncount|refused with another errno|%ld\n"
	       "count|stricter|%ld\ncount|laxer|%ld\ncount|runs|%ld\n"
	       "count|runs with reports|%ld\ncount|failures|%ld\n",
	       count.programs, count.mutated, count.accepted, count.refused, count.other_errno,
	       count.stricter, count.laxer, count.runs, count.faulting, count.failures);
	declared_print();
	for (int i = 0; i < N_SIDES; i++)
		side_close(&sides[i]);
	return count.failures != 0;
}
