/* SPDX-License-Identifier: BSD-2-Clause */
/* A host that lets programs decide. Usage: struct_ops struct_ops.bpf.o */
#include <stdio.h>
#include <uarena.h>
#include "policy.h"

static struct ua_struct_ops *policies;
static struct counters *counters; /* in the arena */

/* Any thread may do this at any time, whoever changes the policy meanwhile. */
static unsigned int serve(struct request *req)
{
	const struct policy *p = ua_struct_ops__enter(policies);
	unsigned int worker = 0;

	if (p && p->admit)
		worker = p->admit(req);
	if (p && p->account)
		p->account(counters, req->size);
	printf("%s: request of %u bytes: worker %u\n", p ? p->name : "nobody", req->size, worker);
	ua_struct_ops__exit(policies);
	return worker;
}

static int declare(struct ua_engine *engine, const char *path)
{
	static const struct ua_struct_ops_mark marks[] = {{"account", 0, UA_ARG_ARENA}};
	UA_OPTS(ua_struct_ops_opts, opts, .marks = marks, .n_marks = 1);
	int err = ua_engine__add_btf_file(engine, path);

	return err ? err : ua_engine__add_struct_ops(engine, "policy", &opts, &policies);
}

static int play(struct ua_object *obj)
{
	struct request small = {50, 7}, large = {5000, 7};
	struct ua_link *link;
	void *global;
	int err;

	err = ua_object__find_global(obj, "counters", &global, NULL);
	if (!err)
		err = ua_map__attach_struct_ops(ua_object__find_map(obj, "careful"), &link);
	if (err)
		return err;
	counters = ua_arena__to_host(ua_object__arena(obj), (uintptr_t)global);
	serve(&small);
	serve(&large);
	err = ua_link__update_map(link, ua_object__find_map(obj, "open_door"));
	serve(&large);
	ua_link__destroy(link);
	serve(&small);
	printf("%llu requests, %llu bytes\n", counters->requests, counters->bytes);
	return err;
}

int main(int argc, char **argv)
{
	struct ua_engine *engine;
	struct ua_object *obj;
	int err;

	if (argc != 2 || ua_engine__open(NULL, &engine) || declare(engine, argv[1]) ||
	    ua_object__open_file(engine, argv[1], NULL, &obj) || ua_object__load(obj))
		return 1;
	err = play(obj);
	ua_object__close(obj);
	ua_engine__close(engine);
	return err ? 1 : 0;
}
