/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench [-r ROUNDS] [-f SUBSTRING] DIR: runs every workload on every backend, interleaved and
 * pinned to one CPU, checks that all agree on the checksums, and prints ns per operation and
 * the ratio to the faster native compiler of the same round: median (min..max).
 *
 * DIR is where the workloads were built. In a round each backend does each workload once: one
 * preparation and one untimed run, then the fastest of three timed ones.
 */
#include "backend.h"
#include "extra.h"

#include <inttypes.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "uarena.h"
#include "workloads.h"

#define MAX_BACKENDS 8
#define MAX_ROUNDS 32
#define TIMED_RUNS 3

const struct workload workloads[] = {
#define W(name, prep, op, n, calls, vec) {#name, op, n, calls, vec},
	UA_WORKLOADS(W)
#undef W
};
const int n_workloads = sizeof(workloads) / sizeof(workloads[0]);

#define N_WORKLOADS (sizeof(workloads) / sizeof(workloads[0]))

static struct backend backends[MAX_BACKENDS];
static int n_backends, n_native, rounds = 5, mismatches;
static const char *filter = "";
/* ns per operation; negative: not measured */
static double results[N_WORKLOADS][MAX_BACKENDS][MAX_ROUNDS];

/* ---- Numbers ---- */

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

struct spread {
	double median, min, max;
};

static struct spread spread_of(const double *v, int n)
{
	double sorted[MAX_ROUNDS];

	memcpy(sorted, v, (size_t)n * sizeof(*v));
	qsort(sorted, (size_t)n, sizeof(*v), by_value);
	return (struct spread){sorted[n / 2], sorted[0], sorted[n - 1]};
}

/* The faster native result of a round. */
static double native_of(int i, int round)
{
	double best = INFINITY;

	for (int b = 0; b < n_native; b++)
		best = fmin(best, results[i][b][round]);
	return best;
}

static struct spread ratio_of(int i, int b)
{
	double ratios[MAX_ROUNDS];

	for (int r = 0; r < rounds; r++)
		ratios[r] = results[i][b][r] / native_of(i, r);
	return spread_of(ratios, rounds);
}

/* ---- Measuring ---- */

static double measure(struct backend *b, int i, uint64_t *sum)
{
	const struct workload *w = &workloads[i];
	uint32_t calls = b->max_calls && w->calls > b->max_calls ? b->max_calls : w->calls;
	double best = INFINITY, ops = (double)calls * (double)(w->n ? w->n : 1);

	for (int k = -1; k < TIMED_RUNS; k++) {
		uint64_t ns;

		if (b->prep(b, i) || b->work(b, i, w->n, calls, sum, &ns))
			return -1;
		if (k >= 0)
			best = fmin(best, (double)ns / ops);
	}
	return best;
}

static void measure_row(int i, int round)
{
	uint64_t want = 0, sum = 0;

	for (int b = 0; b < n_backends; b++) {
		double ns = measure(&backends[b], i, &sum);

		results[i][b][round] = ns;
		if (ns < 0) {
			printf("%s: %s failed\n", workloads[i].name, backends[b].name);
			mismatches++;
			continue;
		}
		if (b == 0)
			want = sum;
		if (sum != want) {
			printf("%s: %s gives %" PRIx64 ", %s %" PRIx64 "\n", workloads[i].name,
			       backends[b].name, sum, backends[0].name, want);
			mismatches++;
		}
	}
}

static int selected(int i)
{
	return strstr(workloads[i].name, filter) != NULL;
}

/* ---- Tables ---- */

static void print_head(void)
{
	printf("\n%-16s %-10s", "workload", "ns per");
	for (int b = 0; b < n_backends; b++)
		printf(" %-27s", backends[b].name);
	printf("\n");
}

static void print_cell(int i, int b)
{
	struct spread ns, ratio;
	char text[64];

	for (int r = 0; r < rounds; r++) {
		if (results[i][b][r] < 0) {
			printf(" %-27s", "failed");
			return;
		}
	}
	ns = spread_of(results[i][b], rounds);
	if (!n_native) {
		printf(" %-27.2f", ns.median);
		return;
	}
	ratio = ratio_of(i, b);
	snprintf(text, sizeof(text), "%.*f  %.2fx (%.2f..%.2f)", ns.median < 0.1 ? 4 : 2, ns.median,
		 ratio.median, ratio.min, ratio.max);
	printf(" %-27s", text);
}

/* Geometric mean of the ratios over the selected rows without the vectorisable ones. */
static void print_means(void)
{
	printf("%-27s", "geometric mean, scalar rows");
	for (int b = 0; b < n_backends; b++) {
		double logs = 0;
		int n = 0;
		char text[32];

		for (int i = 0; i < n_workloads; i++) {
			if (!selected(i) || workloads[i].vectorisable || results[i][b][0] < 0 ||
			    !strcmp(workloads[i].name, "nop"))
				continue;
			logs += log(ratio_of(i, b).median);
			n++;
		}
		snprintf(text, sizeof(text), "%.2fx over %d rows", n ? exp(logs / n) : 0, n);
		printf(" %-27s", text);
	}
	printf("\n");
}

static void print_tables(void)
{
	print_head();
	for (int i = 0; i < n_workloads; i++) {
		if (!selected(i))
			continue;
		printf("%-16s %-10s", workloads[i].name, workloads[i].op);
		for (int b = 0; b < n_backends; b++)
			print_cell(i, b);
		printf("\n");
	}
	if (n_native)
		print_means();
}

/* Rows that only BPF backends have. */
static void print_extras(void)
{
	static const struct {
		const char *program, *what;
		uint64_t n;
	} extras[] = {
		{"page_1", "allocate and free a page", 200},
		{"page_16", "allocate and free 16 pages", 50},
		{"stray", "stray read, reported", 50},
	};

	printf("\n");
	for (size_t e = 0; e < sizeof(extras) / sizeof(extras[0]); e++) {
		for (int b = 0; b < n_backends; b++) {
			double runs[MAX_ROUNDS];
			struct spread s;
			int n = 0;

			for (; backends[b].extra && n < rounds; n++) {
				uint64_t sum, ns;

				if (backends[b].extra(&backends[b], extras[e].program, extras[e].n,
						      &sum, &ns))
					break;
				runs[n] = (double)ns / (double)extras[e].n;
			}
			if (n < rounds)
				continue;
			s = spread_of(runs, n);
			printf("%-28s %-14s %10.0f ns (%.0f..%.0f)\n", extras[e].what,
			       backends[b].name, s.median, s.min, s.max);
		}
	}
}

/* ---- Set-up ---- */

static const char *in_dir(const char *dir, const char *file)
{
	static char paths[8][4096];
	static int next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", dir, file);
	return path;
}

static void pin(void)
{
	cpu_set_t set;
	int cpu = sched_getcpu();

	CPU_ZERO(&set);
	CPU_SET(cpu < 0 ? 0 : cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		printf("not pinned: %m\n");
}

static void open_backends(const char *dir)
{
	const char *object = in_dir(dir, "workloads.bpf.o");

	n_backends += !backend_native(&backends[n_backends], "gcc -O2", in_dir(dir, "gcc.so"));
	n_backends += !backend_native(&backends[n_backends], "clang -O2", in_dir(dir, "clang.so"));
	n_native = n_backends;
	n_backends += !backend_uarena(&backends[n_backends], "uarena JIT", object, 0, UA_EXEC_JIT);
	n_backends +=
		!backend_uarena(&backends[n_backends], "uarena interp", object, 0, UA_EXEC_INTERP);
	n_backends += !backend_uarena(&backends[n_backends], "Linux", object, 1, UA_EXEC_AUTO);
	n_backends += !backend_wasm(&backends[n_backends], "V8 wasm", in_dir(dir, "wasm.mjs"),
				    in_dir(dir, "workloads.wasm"));
}

/* Before pinning: threads need their CPUs. */
static void print_engine(const char *object)
{
	extra_load(object, "uarena JIT", UA_EXEC_JIT);
	extra_load(object, "uarena interp", UA_EXEC_INTERP);
	extra_threads(object, "uarena JIT", UA_EXEC_JIT);
	extra_threads(object, "uarena interp", UA_EXEC_INTERP);
}

static int options(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "r:f:")) != -1) {
		if (c == 'r')
			rounds = atoi(optarg);
		else if (c == 'f')
			filter = optarg;
		else
			return -1;
	}
	return optind == argc - 1 && rounds > 0 && rounds <= MAX_ROUNDS ? 0 : -1;
}

int main(int argc, char **argv)
{
	if (options(argc, argv)) {
		fprintf(stderr, "usage: bench [-r ROUNDS] [-f SUBSTRING] DIR\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	print_engine(in_dir(argv[optind], "workloads.bpf.o"));
	pin();
	open_backends(argv[optind]);
	for (int r = 0; r < rounds; r++)
		for (int i = 0; i < n_workloads; i++)
			if (selected(i))
				measure_row(i, r);
	print_tables();
	print_extras();
	for (int b = 0; b < n_backends; b++)
		backends[b].close(&backends[b]);
	printf("\n%d failures or differing checksums\n", mismatches);
	return mismatches != 0;
}
