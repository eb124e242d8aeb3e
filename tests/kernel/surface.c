/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs the tables of surface_*.c on both sides of the seam. */
#include "surface.h"

#include <signal.h>

static void run(struct surface *s)
{
	surface_create(s);
	surface_elements(s);
	surface_attrs(s);
	surface_objects(s);
	surface_progs(s);
	surface_arena(s);
	printf("%s: %d cases, %d failed\n", s->is_linux ? "linux" : "engine", s->cases, s->failed);
}

static bool linux_permits(struct surface *s)
{
	int fd = surface_map(s, BPF_MAP_TYPE_ARRAY, 4, 4, 1, 0);

	if (fd < 0) {
		printf("the running kernel does not let us create maps (%s): only the engine is "
		       "tested\n",
		       strerror(-fd));
		return false;
	}
	s->k->ops->close(s->k, fd);
	return true;
}

int main(void)
{
	struct surface engine = {0}, lin = {.is_linux = true};

	signal(SIGSEGV, SIG_DFL); /* a sanitizer's handler would hide how a process ended */
	if (kernel_engine_new(NULL, &engine.k))
		return 1;
	run(&engine);
	engine.k->ops->free(engine.k);
	if (kernel_linux_new(NULL, &lin.k))
		return 1;
	if (linux_permits(&lin))
		run(&lin);
	lin.k->ops->free(lin.k);
	return engine.failed || lin.failed;
}
