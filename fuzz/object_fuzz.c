/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loader under libFuzzer (clang -fsanitize=fuzzer). Built with OBJECT_REPLAY it has a
 * main() of its own that runs the files and directories it is given, as a regression test.
 */
#include <stdio.h>
#include <stdlib.h>
#include "base/base.h"
#include "object_one.h"

static struct ua_engine *engine;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!engine) {
		ua_set_print(NULL);
		log_set(NULL);
		if (ua_engine__open(NULL, &engine))
			abort();
	}
	object_one(engine, data, size);
	return 0;
}

#ifdef OBJECT_REPLAY
#include <dirent.h>
#include <sys/stat.h>

static unsigned int n_run;

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
	n_run++;
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

int main(int argc, char **argv)
{
	int err = 0;

	for (int i = 1; i < argc; i++)
		err |= replay(argv[i]);
	printf("%u inputs\n", n_run);
	ua_engine__close(engine);
	return err || !n_run;
}
#endif
