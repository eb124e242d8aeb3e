/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * object_mutate [-n COUNT] [-s SEED] [-k] OBJECT...: damages objects at random and takes each
 * through open and load. Fails on a crash, on an input that takes more than ten seconds, and
 * if descriptors or mappings are left over. -k keeps the input that is being tried in the file
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
#define SLOW_NS 10000000000ull

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

static void keep(const uint8_t *data, size_t size)
{
	FILE *f = fopen("object_mutate.last", "wb");

	if (f) {
		fwrite(data, 1, size, f);
		fclose(f);
	}
}

struct totals {
	uint64_t count[3], slowest;
};

static bool iterate(struct ua_engine *engine, const struct seed *s, bool keep_input,
		    struct totals *t)
{
	uint8_t *copy = malloc(s->size);
	size_t size = s->size;
	uint64_t start, took;

	if (!copy)
		exit(2);
	memcpy(copy, s->data, size);
	for (unsigned int n = 1 + rnd() % 6; n && size >= 64; n--)
		size = mutate(copy, size);
	if (keep_input)
		keep(copy, size);
	start = now_ns();
	t->count[object_one(engine, copy, size)]++;
	took = now_ns() - start;
	t->slowest = took > t->slowest ? took : t->slowest;
	if (took > SLOW_NS) {
		keep(copy, size);
		printf("slow: %.1f s, input in object_mutate.last\n", took / 1e9);
	}
	free(copy);
	return took <= SLOW_NS;
}

int main(int argc, char **argv)
{
	struct seed seeds[MAX_SEEDS];
	struct totals t = {0};
	struct ua_engine *engine;
	uint64_t n = 10000, seed = (uint64_t)time(NULL) << 16 ^ (uint64_t)getpid();
	unsigned int n_seeds = 0, fds, mappings;
	bool keep_input = false, ok = true;
	int c;

	while ((c = getopt(argc, argv, "n:s:k")) != -1) {
		if (c == 'n')
			n = strtoull(optarg, NULL, 0);
		else if (c == 's')
			seed = strtoull(optarg, NULL, 0);
		else if (c == 'k')
			keep_input = true;
		else
			return 2;
	}
	for (; optind < argc && n_seeds < MAX_SEEDS; optind++)
		read_seed(argv[optind], &seeds[n_seeds++]);
	printf("seed %llu\n", (unsigned long long)seed);
	fflush(stdout);
	rng = seed * 2 + 1;
	ua_set_print(NULL);
	log_set(NULL);
	if (!n_seeds || ua_engine__open(NULL, &engine))
		return 2;
	for (unsigned int i = 0; i < n_seeds; i++) /* first uses keep things for good */
		object_one(engine, seeds[i].data, seeds[i].size);
	epoch_drain(); /* what is freed later holds descriptors until then */
	fds = count_entries("/proc/self/fd");
	mappings = count_mappings();
	for (uint64_t i = 0; i < n; i++)
		ok &= iterate(engine, &seeds[rnd() % n_seeds], keep_input, &t);
	epoch_drain();
	printf("%llu refused, %llu opened, %llu loaded; slowest %.1f ms\n",
	       (unsigned long long)t.count[0], (unsigned long long)t.count[1],
	       (unsigned long long)t.count[2], t.slowest / 1e6);
	printf("descriptors %u -> %u, mappings %u -> %u\n", fds, count_entries("/proc/self/fd"),
	       mappings, count_mappings());
	ok &= count_entries("/proc/self/fd") <= fds && count_mappings() <= mappings + 64;
	ua_engine__close(engine);
	for (unsigned int i = 0; i < n_seeds; i++)
		free(seeds[i].data);
	return !ok;
}
