/* SPDX-License-Identifier: BSD-2-Clause */
/* A host that offers two functions to programs. Usage: host_functions host_functions.bpf.o */
#include <stdio.h>
#include <uarena.h>

struct item {
	uint64_t price;
	uint64_t next; /* the program's pointer */
};

/* Called by programs, with a pointer into their arena: no check, no copy. */
static uint64_t host_total(struct item *item, uint32_t discount)
{
	uint64_t total = item->price;

	while (item->next) {
		item = ua_arena__to_host(ua_kfunc__arena(), item->next);
		total += item->price;
	}
	return total - discount;
}

static void host_log(const char *text)
{
	printf("program says: %s\n", text);
}

static const struct ua_kfunc funcs[] = {
	UA_KFUNC(u64, host_total, (arena, first), (u32, discount)),
	UA_KFUNC(void, host_log, (str, text)),
};

static int run(struct ua_object *obj, const char *name)
{
	struct ua_program *prog = ua_object__find_program(obj, name);
	char report[4096];
	uint64_t ctx = 0, ret;
	int err, n;

	err = ua_program__call(prog, &ctx, &ret);
	printf("%s: err %d, returned %d, total %llu\n", name, err, (int)ret,
	       (unsigned long long)ctx);
	while ((n = ua_program__read_stream(prog, UA_STDERR, report, sizeof(report))) > 0)
		fwrite(report, 1, (size_t)n, stdout);
	return err;
}

int main(int argc, char **argv)
{
	struct ua_engine *engine;
	struct ua_object *obj;
	int err;

	if (argc != 2 || ua_engine__open(NULL, &engine) ||
	    ua_engine__add_kfuncs(engine, funcs, 2) || /* before the first load */
	    ua_object__open_file(engine, argv[1], NULL, &obj) || ua_object__load(obj))
		return 1;
	err = run(obj, "checkout");
	if (!err)
		err = run(obj, "checkout_nothing");
	ua_object__close(obj);
	ua_engine__close(engine);
	return err ? 1 : 0;
}
