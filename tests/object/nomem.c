/* SPDX-License-Identifier: BSD-2-Clause */
/* Every allocation fails once: open and load either work or end cleanly. */
#include <dirent.h>
#include "base/epoch.h"
#include "test.h"

static int descriptors(void)
{
	DIR *dir;
	int n = 0;

	epoch_drain(); /* maps and programs are freed late */
	dir = opendir("/proc/self/fd");
	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

static int once(struct ua_engine *engine, const char *path)
{
	struct ua_object *obj;
	int err = ua_object__open_file(engine, path, NULL, &obj);

	if (err)
		return err;
	for (struct ua_program *p = NULL; (p = ua_object__next_program(obj, p));)
		if (!ua_program__type(p))
			ua_program__set_autoload(p, false);
	err = ua_object__load(obj);
	ua_object__close(obj);
	return err;
}

int main(int argc, char **argv)
{
	struct ua_engine *engine;
	int err = -ENOMEM, fds;
	unsigned long n;

	if (argc < 2 || ua_engine__open(NULL, &engine))
		return 1;
	log_set(NULL);
	CHECK(!once(engine, argv[1]), "without failures");
	fds = descriptors();
	for (n = 1; err && n < 100000; n++) {
		mem_fail_after(n);
		err = once(engine, argv[1]);
		mem_fail_after(0);
		CHECK(!err || err == -ENOMEM, "allocation %lu: %d", n, err);
		if (failures > 10)
			break;
	}
	printf("%lu allocations\n", n - 1);
	CHECK(!err, "never worked");
	CHECK(descriptors() <= fds, "descriptors are left over: %d, were %d", descriptors(), fds);
	ua_engine__close(engine);
	return failures != 0;
}
