/* SPDX-License-Identifier: BSD-2-Clause */
/* Give a fuzzer's function the files and directories of a command line, as a regression test. */
#ifndef UA_FUZZ_REPLAY_H
#define UA_FUZZ_REPLAY_H

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned int n_replayed;

static int replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *buf = NULL;
	size_t cap = 0, n = 0, got;

	if (!f)
		return 1;
	do {
		uint8_t *more = realloc(buf, cap += 1 << 20);

		if (!more)
			abort();
		buf = more;
		got = fread(buf + n, 1, cap - n, f);
		n += got;
	} while (got);
	fclose(f);
	LLVMFuzzerTestOneInput(buf, n);
	free(buf);
	n_replayed++;
	return 0;
}

static int replay(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	int err = 0;

	if (!dir)
		return replay_file(path);
	while ((e = readdir(dir))) {
		char sub[4096];

		snprintf(sub, sizeof(sub), "%s/%s", path, e->d_name);
		if (*e->d_name != '.')
			err |= replay_file(sub);
	}
	closedir(dir);
	return err;
}

/* An exit status. */
static int replay_all(int argc, char **argv)
{
	int err = 0;

	for (int i = 1; i < argc; i++)
		err |= replay(argv[i]);
	printf("%u inputs\n", n_replayed);
	return err || !n_replayed;
}

#endif
