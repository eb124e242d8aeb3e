/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * object_mutate [-n COUNT] [-s SEED] [-t MS] [-k] OBJECT...: damages objects at random and takes
 * each through open and load. Fails on a crash, on an input that takes more than ten seconds (or
 * MS milliseconds) of processor time, and if descriptors or mappings are left over. Slow inputs
 * are kept as object_mutate.slow-N; -k keeps the input that is being tried in the file
 * object_mutate.last, for reproduction after a crash.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/base.h"
#include "base/epoch.h"
#include "object_one.h"

#define MAX_SEEDS 64
/* The verifier may spend its budget of instructions on every program of an object. */
#define SLOW_MS 10000

struct seed {
	uint8_t *data;
	size_t size;
};

static uint64_t rng;

static uint32_t rnd(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng >> 16;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static void mutate_number(uint8_t *p, size_t room)
{
	static const uint64_t edges[] = {0,
					 1,
					 2,
					 7,
					 8,
					 0x7f,
					 0xff,
					 0x7fff,
					 0xffff,
					 0x7fffffff,
					 0x80000000,
					 0xffffffff,
					 0x7fffffffffffffff,
					 UINT64_MAX};
	static const uint8_t widths[] = {1, 2, 4, 8};
	size_t n = widths[rnd() % 4];
	uint64_t v = 0;

	n = n < room ? n : room;
	memcpy(&v, p, n);
	if (rnd() % 2)
		v = edges[rnd() % ARRAY_SIZE(edges)];
	else
		v += (int)(rnd() % 33) - 16;
	memcpy(p, &v, n);
}

static size_t mutate(uint8_t *p, size_t size)
{
	size_t at = rnd() % size, n = 1 + rnd() % 32, from;

	switch (rnd() % 8) {
	case 0:
		p[at] ^= 1 << rnd() % 8;
		break;
	case 1:
		p[at] = rnd();
		break;
	case 2: /* file header */
		mutate_number(p + rnd() % 64, 8);
		break;
	case 3: /* section headers stand at the end */
		from = size > 2048 ? size - 2048 : 0;
		at = from + rnd() % (size - from);
		mutate_number(p + at, size - at);
		break;
	case 4:
		from = rnd() % size;
		n = min_t(size_t, n, size - (at > from ? at : from));
		memmove(p + at, p + from, n);
		break;
	case 5:
		if (rnd() % 16 == 0)
			return 1 + rnd() % size;
		break;
	default:
		mutate_number(p + at, size - at);
	}
	return size;
}

static unsigned int count_entries(const char *path)
{
	unsigned int n = 0;
	DIR *dir = opendir(path);

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

static unsigned int count_mappings(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	unsigned int n = 0;

	for (int c; f && (c = getc(f)) != EOF;)
		n += c == '\n';
	if (f)
		fclose(f);
	return n;
}

static void read_seed(const char *path, struct seed *s)
{
	FILE *f = fopen(path, "rb");
	long size;

	if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) < 64) {
		fprintf(stderr, "%s: cannot read\n", path);
		exit(2);
	}
	rewind(f);
	s->size = size;
	s->data = malloc(size);
	if (!s->data || fread(s->data, 1, size, f) != s->size)
		exit(2);
	fclose(f);
}

static void keep(const char *path, const uint8_t *data, size_t size)
{
	FILE *f = fopen(path, "wb");

	if (f) {
		fwrite(data, 1, size, f);
		fclose(f);
	}
}

struct run {
	struct ua_engine *engine;
	uint64_t limit_ns;
	bool keep_input;
	uint64_t count[3], slowest_ns;
	unsigned int n_slow;
};

static void keep_slow(struct run *r, const uint8_t *data, size_t size, uint64_t took)
{
	char path[64];

	snprintf(path, sizeof(path), "object_mutate.slow-%u", r->n_slow++);
	keep(path, data, size);
	printf("slow: %.1f s, input in %s\n", took / 1e9, path);
	fflush(stdout);
}

static void iterate(struct run *r, const struct seed *s)
{
	uint8_t *copy = malloc(s->size);
	size_t size = s->size;
	uint64_t start, took;

	if (!copy)
		exit(2);
	memcpy(copy, s->data, size);
	for (unsigned int n = 1 + rnd() % 6; n && size >= 64; n--)
		size = mutate(copy, size);
	if (r->keep_input)
		keep("object_mutate.last", copy, size);
	start = now_ns();
	r->count[object_one(r->engine, copy, size)]++;
	took = now_ns() - start;
	r->slowest_ns = took > r->slowest_ns ? took : r->slowest_ns;
	if (took > r->limit_ns)
		keep_slow(r, copy, size, took);
	free(copy);
}

static int parse_options(int argc, char **argv, struct run *r, uint64_t *n, uint64_t *seed)
{
	int c;

	while ((c = getopt(argc, argv, "n:s:t:k")) != -1) {
		if (c == 'n')
			*n = strtoull(optarg, NULL, 0);
		else if (c == 's')
			*seed = strtoull(optarg, NULL, 0);
		else if (c == 't')
			r->limit_ns = strtoull(optarg, NULL, 0) * 1000000;
		else if (c == 'k')
			r->keep_input = true;
		else
			return 2;
	}
	return 0;
}

static bool mutate_all(struct run *r, const struct seed *seeds, unsigned int n_seeds, uint64_t n)
{
	unsigned int fds, mappings;

	for (unsigned int i = 0; i < n_seeds; i++) /* first uses keep things for good */
		object_one(r->engine, seeds[i].data, seeds[i].size);
	epoch_drain(); /* what is freed later holds descriptors until then */
	fds = count_entries("/proc/self/fd");
	mappings = count_mappings();
	for (uint64_t i = 0; i < n; i++)
		iterate(r, &seeds[rnd() % n_seeds]);
	epoch_drain();
	printf("%llu refused, %llu opened, %llu loaded; slowest %.1f ms\n",
	       (unsigned long long)r->count[OBJECT_REFUSED],
	       (unsigned long long)r->count[OBJECT_OPENED],
	       (unsigned long long)r->count[OBJECT_LOADED], r->slowest_ns / 1e6);
	printf("descriptors %u -> %u, mappings %u -> %u\n", fds, count_entries("/proc/self/fd"),
	       mappings, count_mappings());
	return !r->n_slow && count_entries("/proc/self/fd") <= fds &&
	       count_mappings() <= mappings + 64;
}

int main(int argc, char **argv)
{
	struct seed seeds[MAX_SEEDS];
	struct run r = {.limit_ns = SLOW_MS * 1000000ull};
	uint64_t n = 10000, seed = (uint64_t)time(NULL) << 16 ^ (uint64_t)getpid();
	unsigned int n_seeds = 0;
	bool ok;

	if (parse_options(argc, argv, &r, &n, &seed))
		return 2;
	for (; optind < argc && n_seeds < MAX_SEEDS; optind++)
		read_seed(argv[optind], &seeds[n_seeds++]);
	printf("seed %llu\n", (unsigned long long)seed);
	fflush(stdout);
	rng = seed * 2 + 1;
	ua_set_print(NULL);
	log_set(NULL);
	if (!n_seeds || ua_engine__open(NULL, &r.engine))
		return 2;
	ok = mutate_all(&r, seeds, n_seeds, n);
	ua_engine__close(r.engine);
	for (unsigned int i = 0; i < n_seeds; i++)
		free(seeds[i].data);
	return !ok;
}
