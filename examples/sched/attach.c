/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The same object, for real: attach a scheduler to the running kernel for some seconds. Takes
 * root and a kernel with sched_ext (in cid form: Linux 7.3); 77 means that there is none.
 *
 *	attach build/examples/sched/llc.bpf.o 3 nr_tasks nr_masks
 */
#include <stdio.h>
#include <stdlib.h>
#include <uarena.h>
#include <unistd.h>

static void print_line(const char *what, const char *path)
{
	FILE *f = fopen(path, "r");
	char line[128];

	if (f && fgets(line, sizeof(line), f))
		printf("%s: %s", what, line);
	if (f)
		fclose(f);
}

static struct ua_map *find_scheduler(struct ua_object *obj)
{
	struct ua_map *map = NULL;

	while ((map = ua_object__next_map(obj, map)))
		if (ua_map__type(map) == 26) /* BPF_MAP_TYPE_STRUCT_OPS */
			return map;
	return NULL;
}

static void print_global(struct ua_object *obj, const char *name)
{
	void *addr;
	size_t size;

	if (ua_object__find_global(obj, name, &addr, &size))
		printf("%s: no such variable\n", name);
	else if (size == 8)
		printf("%s: %llu\n", name, (unsigned long long)*(uint64_t *)addr);
	else if (size == 4)
		printf("%s: %u\n", name, *(uint32_t *)addr);
}

int main(int argc, char **argv)
{
	UA_OPTS(ua_engine_opts, opts, .backend = UA_BACKEND_LINUX);
	struct ua_engine *engine;
	struct ua_object *obj;
	struct ua_link *link;
	struct ua_map *ops;

	if (argc < 3)
		return 2;
	if (access("/sys/kernel/sched_ext/state", R_OK)) {
		printf("the running kernel has no sched_ext\n");
		return 77;
	}
	if (ua_engine__open(&opts, &engine) || ua_object__open_file(engine, argv[1], NULL, &obj) ||
	    ua_object__load(obj) || !(ops = find_scheduler(obj)) ||
	    ua_map__attach_struct_ops(ops, &link))
		return 1;
	sleep((unsigned int)atoi(argv[2]));
	print_line("state", "/sys/kernel/sched_ext/state");
	print_line("scheduler", "/sys/kernel/sched_ext/root/ops");
	for (int i = 3; i < argc; i++)
		print_global(obj, argv[i]);
	ua_link__destroy(link);
	print_line("state", "/sys/kernel/sched_ext/state");
	ua_object__close(obj);
	ua_engine__close(engine);
	return 0;
}
